//! The Lambda that connects Flickr accounts.

use std::sync::Arc;

use aws::{Cloud, Settings};
use edge::Authenticator;
use flickr::{Client, Hosts};
use hub::connect::{AllowedReturnUrls, Connect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    aws::logging::start();
    let settings = Settings::from_env()?;
    let config = aws::sdk_config()?;
    let ports = Cloud::new(&config, &settings);
    let (keyed_hash, ()) = tokio::join!(aws::keyed_hash(&config, &settings), ports.open_tables());
    let keyed_hash = keyed_hash?;
    let vaults = aws::vaults(&config, &settings)?;
    let flickr = Client::new(Hosts::from_setting(settings.flickr_url.as_deref())?, ports.clone())?;
    let return_urls = AllowedReturnUrls::parse(&settings.allowed_return_urls)?;
    let public_url = settings.public_url.map(|url| url.trim_end_matches('/').to_owned());
    let connect = Connect {
        ports: ports.clone(),
        flickr,
        vaults,
        keyed_hash: keyed_hash.clone(),
        return_urls,
        limits: settings.limits,
    };
    let service = Arc::new(oauth::Service { connect, public_url });
    edge::lambda(oauth::routes(service, Arc::new(Authenticator { ports, keyed_hash }))).await
}
