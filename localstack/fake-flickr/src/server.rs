//! Runs the server, with or without TLS, until a signal stops it.

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

/// How long open connections may continue after the signal to stop.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(1);

/// The hosts that the certificate covers.
const HOST_NAMES: [&str; 6] =
    ["www.flickr.com", "api.flickr.com", "up.flickr.com", "flickr.com", "localhost", "127.0.0.1"];

/// How to run the server.
#[derive(Debug)]
pub struct Settings {
    /// The address to listen on; port 0 means any free port.
    pub address: SocketAddr,
    /// The names by which clients may call it, besides those of this machine and, over TLS, Flickr's own.
    pub hosts: Vec<String>,
    /// The default app.
    pub app: App,
    /// Whether to serve over TLS.
    pub tls: bool,
    /// The file to write, as PEM, for the certificate of the authority that clients must trust.
    pub tls_cert_out: Option<PathBuf>,
}

/// Why the server cannot run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on. The most common cause is a port in use.
    #[error("cannot listen on {address}: {source}")]
    Listen { address: SocketAddr, source: io::Error },
    /// No certificate can be generated.
    #[error("cannot make a certificate: {0}")]
    Certificate(#[from] rcgen::Error),
    /// The TLS library rejects the certificate or its key.
    #[error("cannot set TLS up: {0}")]
    Tls(#[from] rustls::Error),
    /// The certificate cannot be written.
    #[error("cannot write the certificate to {path}: {source}", path = path.display())]
    WriteCertificate { path: PathBuf, source: io::Error },
    /// The server stops with an error.
    #[error("cannot serve: {0}")]
    Serve(#[from] io::Error),
}

/// Serves until SIGINT or SIGTERM. Prints one line with the URL as soon as it listens.
///
/// # Errors
/// If the address is not available, or TLS cannot be set up.
pub async fn run(settings: Settings) -> Result<(), Error> {
    let scheme = if settings.tls { Scheme::Https } else { Scheme::Http };
    let mut hosts = settings.hosts;
    if settings.tls {
        hosts.extend(HOST_NAMES.map(str::to_owned));
    }
    let router = Fake::new(settings.app, scheme, hosts).router();
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
    handle.graceful_shutdown(Some(SHUTDOWN_GRACE));
}

/// Generates a certificate for Flickr's hosts, signed by an authority that lives as long as the process.
fn tls_config(cert_out: Option<PathBuf>) -> Result<RustlsConfig, Error> {
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    authority.distinguished_name.push(DnType::CommonName, "fake Flickr authority");
    let authority_key = KeyPair::generate()?;
    let authority_cert = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let mut params = CertificateParams::new(HOST_NAMES.map(str::to_owned))?;
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
