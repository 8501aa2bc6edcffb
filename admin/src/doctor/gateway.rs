//! FlickrHub's HTTP API, as a caller with an API key reaches it.

use hub::chain;
use serde::Serialize;

use super::http::{Http, Reply};

/// What to do where the API key is missing.
pub const NO_API_KEY: &str = "set FLICKRHUB_API_KEY in the environment to the API key of a tenant";

/// The API at a URL.
pub struct Gateway {
    http: Http,
    base: String,
    api_key: Option<String>,
}

impl Gateway {
    /// The API at `base`, such as `https://hub.example.org/api`.
    pub fn new(http: Http, base: &str, api_key: Option<String>) -> Self {
        Self { http, base: base.trim_end_matches('/').to_owned(), api_key }
    }

    /// Whether a caller is known by a key.
    pub const fn has_api_key(&self) -> bool {
        self.api_key.is_some()
    }

    /// # Errors
    /// Why there is no answer, for people.
    pub async fn get(&self, path: &str) -> Result<Reply, String> {
        self.send(http::Request::get(format!("{}{path}", self.base)), String::new()).await
    }

    /// Posts `body` as JSON.
    ///
    /// # Errors
    /// Why there is no answer, for people.
    pub async fn post(&self, path: &str, body: &impl Serialize) -> Result<Reply, String> {
        let request = http::Request::post(format!("{}{path}", self.base)).header("content-type", "application/json");
        self.send(request, serde_json::to_string(body).map_err(|error| chain(&error))?).await
    }

    async fn send(&self, request: http::request::Builder, body: String) -> Result<Reply, String> {
        let request = match &self.api_key {
            Some(key) => request.header("x-api-key", key),
            None => request,
        };
        self.http.send(request.body(body).map_err(|error| chain(&error))?).await
    }
}
