//! The Lambda that connects Flickr accounts.

use std::sync::Arc;

use aws::Aws;
use edge::Authenticator;
use flickr::{Client, Hosts};
use hub::{
    budget::Grants,
    connect::{AllowedReturnUrls, Connect},
};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    let aws = Aws::start()?;
    let (ports, vaults, keyed_hash) = (aws.cloud.clone(), aws.vaults()?, aws.keyed_hash().await?);
    let flickr = Client::new(Hosts::from_setting(aws.settings.flickr_url.as_deref())?, ports.clone())?;
    let secrets = aws.vaults()?.secrets;
    let (login, limits, allowed_origins) = (aws.settings.login, aws.settings.limits, aws.settings.allowed_origins);
    let return_urls = AllowedReturnUrls::parse(&login.allowed_return_urls);
    let authenticator =
        Authenticator { ports: ports.clone(), keyed_hash: keyed_hash.clone(), limits, secrets, allowed_origins };
    let connect = Connect { ports, flickr, vaults, keyed_hash, return_urls, grants: Grants::default() };
    let service = oauth::Service { connect, public_url: login.public_url };
    edge::lambda(oauth::routes(Arc::new(service), Arc::new(authenticator))).await
}
