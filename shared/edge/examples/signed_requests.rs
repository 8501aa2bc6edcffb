//! Serves routes to which requests must be signed, over stores in memory: `tests/interop/test_request_signing.py` has
//! libraries of other languages sign them. It says on its first line where it is and how to sign, and ends when its
//! input does.

#![expect(clippy::unwrap_used, reason = "a server that cannot start fails its test")]

use std::{io::Read, sync::Arc};

use axum::{Router, middleware::from_fn_with_state, routing::any};
use base64::{Engine, engine::general_purpose::STANDARD};
use edge::{Authenticator, Envelope, require_key, serve};
use hub::{limits::Limits, signing, tenants};
use serde_json::json;
use testkit::{World, build};
use tokio::net::TcpListener;

const KEY: &str = "a-key-of-twenty-letters";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let (world, keyed_hash, secrets) = (World::new(build::NOW, 1), build::keyed_hash(), build::vaults().secrets);
    tenants::create(&world, &keyed_hash, "Test", KEY).await.unwrap();
    let new = signing::give_secret(&world, &secrets, &keyed_hash, KEY).await.unwrap();
    signing::set_required(&world, &keyed_hash, KEY, true).await.unwrap();
    let authenticator = Authenticator {
        ports: world,
        keyed_hash,
        limits: Limits::default(),
        secrets,
        allowed_origins: Default::default(),
    };
    let echo = async |body: String| Envelope::ok(body);
    let routes = Router::new().route("/v1/accounts/{user_id}", any(echo)).route("/v1/flickr/rest", any(echo));
    let routes = serve(routes.layer(from_fn_with_state(Arc::new(authenticator), require_key)));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let said = json!({
        "url": format!("http://{}", listener.local_addr().unwrap()),
        "api_key": KEY,
        "keyid": new.id,
        "secret": STANDARD.encode(new.secret.expose()),
        "now": build::NOW.as_seconds(),
    });
    println!("{said}");
    let end_of_input = tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new()));
    tokio::select! {
        served = axum::serve(listener, routes) => served.unwrap(),
        ended = end_of_input => drop(ended),
    }
}
