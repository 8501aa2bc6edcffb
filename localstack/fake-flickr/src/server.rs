//! Listening, with or without TLS, until told to stop.

use std::io::{self, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;

use crate::{App, Fake, Scheme};

/// How long open connections may go on after the signal to stop.
const GRACE: Duration = Duration::from_secs(1);

/// The names the certificate is good for.
const NAMES: [&str; 6] = ["www.flickr.com", "api.flickr.com", "up.flickr.com", "flickr.com", "localhost", "127.0.0.1"];

/// How to run.
#[derive(Debug)]
pub struct Settings {
    /// Where to listen; port 0 is any free one.
    pub address: SocketAddr,
    /// The app that is known from the start.
    pub app: App,
    /// Whether to serve over TLS.
    pub tls: bool,
    /// Where to write, as PEM, the certificate of the authority a client has to trust.
    pub tls_cert_out: Option<PathBuf>,
}

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Most often the port is taken.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where it was to listen.
        address: SocketAddr,
        /// Why it cannot.
        source: io::Error,
    },
    /// No certificate could be made.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The certificate could not be used.
    #[error("cannot set TLS up: {0}")]
    Tls(#[from] rustls::Error),
    /// The certificate could not be written where it was asked for.
    #[error("cannot write the certificate to {path}: {source}", path = path.display())]
    WriteCertificate {
        /// Where it was to be written.
        path: PathBuf,
        /// Why it cannot.
        source: io::Error,
    },
    /// Serving failed.
    #[error("cannot serve: {0}")]
    Serve(#[from] io::Error),
}

/// Serves until SIGINT or SIGTERM. Prints one line that holds the URL once it listens.
///
/// # Errors
/// If it cannot listen, or TLS cannot be set up.
pub async fn run(settings: Settings) -> Result<(), Error> {
    let scheme = if settings.tls { Scheme::Https } else { Scheme::Http };
    let router = Fake::new(settings.app, scheme).router();
    let tls = if settings.tls { Some(tls_config(settings.tls_cert_out)?) } else { None };
    let in_listen = |source| Error::Listen { address: settings.address, source };
    let listener = TcpListener::bind(settings.address).map_err(in_listen)?;
    listener.set_nonblocking(true).map_err(in_listen)?;
    let bound = listener.local_addr().map_err(in_listen)?;

    let handle = Handle::new();
    tokio::spawn(stop_on_signal(handle.clone()));
    writeln!(io::stdout(), "fake Flickr listening on {}://{bound}", scheme.as_str())?;
    let service = router.into_make_service();
    match tls {
        Some(config) => axum_server::from_tcp_rustls(listener, config)?.handle(handle).serve(service).await?,
        None => axum_server::from_tcp(listener)?.handle(handle).serve(service).await?,
    }
    Ok(())
}

async fn stop_on_signal(handle: Handle<SocketAddr>) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
    handle.graceful_shutdown(Some(GRACE));
}

/// A certificate for Flickr's hosts, from an authority of its own that lives as long as the process.
fn tls_config(cert_out: Option<PathBuf>) -> Result<RustlsConfig, Error> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "fake Flickr authority");
    let authority_key = KeyPair::generate()?;
    let authority_cert = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut params = CertificateParams::new(NAMES.map(str::to_owned))?;
    params.distinguished_name.push(DnType::CommonName, "fake Flickr");
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let cert = params.signed_by(&key, &issuer)?;

    if let Some(path) = cert_out {
        std::fs::write(&path, authority_cert.pem()).map_err(|source| Error::WriteCertificate { path, source })?;
    }
    let private_key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], private_key.into())?;
    Ok(RustlsConfig::from_config(Arc::new(config)))
}
