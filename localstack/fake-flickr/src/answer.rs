//! An answer of the fake Flickr, before it becomes an HTTP response.

use axum::body::Body;
use axum::http::{HeaderName, HeaderValue, Response, StatusCode, header};
use serde::Serialize;

const PLAIN: &str = "text/plain;charset=UTF-8";
const HTML: &str = "text/html; charset=utf-8";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stat {
    Ok,
    Fail,
}

#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub status: u16,
    pub content_type: &'static str,
    pub body: Vec<u8>,
    pub headers: Vec<(HeaderName, String)>,
    // The remaining fields are for the journal. The response carries them only inside its body.
    pub stat: Option<Stat>,
    pub code: Option<i64>,
    pub problem: Option<&'static str>,
}

impl Answer {
    pub(crate) fn new(status: u16, content_type: &'static str, body: String) -> Self {
        Self {
            status,
            content_type,
            body: body.into_bytes(),
            headers: Vec::new(),
            stat: None,
            code: None,
            problem: None,
        }
    }

    pub(crate) fn plain(status: u16, body: String) -> Self {
        Self::new(status, PLAIN, body)
    }

    pub(crate) fn html(status: u16, body: String) -> Self {
        Self::new(status, HTML, body)
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::html(302, String::new()).with_header(header::LOCATION, to)
    }

    /// The page of the throttle in front of Flickr.
    pub(crate) fn too_many_requests() -> Self {
        let body = "<html><body><h1>429 Too Many Requests</h1>\nYou have sent too many requests in a given amount of \
                    time.\n</body></html>";
        Self::html(429, body.to_owned())
    }

    pub(crate) fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// Puts `byte` at the start of a text: of a title if the answer has one, else of the first text of its JSON.
    pub(crate) fn with_byte_in_text(mut self, byte: u8) -> Self {
        let starts: [&[u8]; 4] = [b"\"title\":\"", b"_content\":\"", b" title=\"", b":\""];
        let place = starts.iter().find_map(|start| {
            let at = self.body.windows(start.len()).position(|window| window == *start)?;
            Some(at + start.len())
        });
        if let Some(place) = place {
            self.body.insert(place, byte);
        }
        self
    }

    /// Builds the response with `body` instead of the answer's own, for a slow or broken connection.
    pub(crate) fn into_response_with(self, body: Body) -> Response<Body> {
        let mut response = Response::new(body);
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        for (name, value) in self.headers {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
        response
    }

    pub(crate) fn into_response(mut self) -> Response<Body> {
        let body = Body::from(std::mem::take(&mut self.body));
        self.into_response_with(body)
    }
}
