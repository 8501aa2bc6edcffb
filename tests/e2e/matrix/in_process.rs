//! The routes of all functions in this process, over the stack's stores, which records what they ask of AWS.

use std::sync::Arc;

use aws::{Cloud, Settings};
use axum::Router;
use domain::{api_key::ApiKey, egress::Policy};
use edge::Authenticator;
use flickr::{Client, Hosts};
use hub::{
    budget::Grants,
    connect::{AllowedReturnUrls, Connect},
    ports::KeyUses,
    submit::Submit,
};
use testkit::{
    CATALOGUE,
    http_client::{Answer, send},
};

use super::routes::Request;
use crate::{
    recorder::{Requests, recording},
    stack::{env, until},
};

/// The functions that serve requests.
pub struct InProcess {
    routes: Router,
    ports: Cloud,
    requests: Requests,
}

impl InProcess {
    pub async fn new() -> Self {
        let settings = Settings::from_env().unwrap();
        let (config, requests) = recording(&aws::sdk_config().unwrap());
        let ports = Cloud::new(&config, &settings.stores);
        let keyed_hash = aws::keyed_hash(&config, &settings.keys).await.unwrap();
        let vaults = || aws::vaults(&config, &settings.keys).unwrap();
        let authenticator = || {
            let (ports, keyed_hash, secrets) = (ports.clone(), keyed_hash.clone(), vaults().secrets);
            let (limits, allowed_origins) = (settings.limits, settings.allowed_origins.clone());
            Arc::new(Authenticator { ports, keyed_hash, limits, secrets, allowed_origins })
        };
        let hosts = Hosts::from_setting(Some(&env("FLICKR_URL"))).unwrap();
        let connect = Connect {
            ports: ports.clone(),
            flickr: Client::new(hosts, ports.clone()).unwrap(),
            vaults: vaults(),
            keyed_hash: keyed_hash.clone(),
            return_urls: AllowedReturnUrls::parse(""),
            grants: Grants::default(),
        };
        let login = Arc::new(oauth::Service { connect, public_url: None });
        let submit = Submit { ports: ports.clone(), catalogue: &CATALOGUE, sources: Policy::default() };
        let shared = || Arc::new(ports.clone());
        let routes = oauth::routes(login, authenticator())
            .merge(enqueue::routes(Arc::new(submit), authenticator()))
            .merge(status::routes(shared(), authenticator()))
            .merge(dlq_replay::routes(shared(), authenticator()));
        Self { routes: edge::serve(routes), ports, requests }
    }

    /// Serves a first request of the tenant, after which a process knows its key, and has noted the day on which it was
    /// used.
    pub async fn warm_up(&self, tenant: &str, api_key: &str) {
        let headers = [("x-api-key", api_key)];
        let served = send(&self.routes, reqwest::Method::GET, "/v1/accounts", &headers, "").await;
        assert_eq!(served.status, 200, "{}", served.text);
        let (of, key) = (tenant.parse().unwrap(), api_key.parse::<ApiKey>().unwrap());
        until("the use of the key to be noted", async || {
            let uses = self.ports.key_uses(&of).await.unwrap();
            uses.contains_key(key.id()).then_some(())
        })
        .await;
        self.requests.take();
    }

    /// The answer, and the requests of AWS that it took: each operation with its table or bucket, in order.
    pub async fn send(&self, api_key: &str, request: &Request) -> (Answer, Vec<(String, String)>) {
        self.requests.take();
        let body = request.body.as_ref().map(ToString::to_string).unwrap_or_default();
        let headers = [("x-api-key", api_key), ("content-type", "application/json")];
        let answer = send(&self.routes, request.method.clone(), &request.path, &headers, &body).await;
        let made = self.requests.take().into_iter().map(|made| (made.operation, made.resource)).collect();
        (answer, made)
    }
}
