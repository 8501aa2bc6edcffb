//! Runs the fake Flickr.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use fake_flickr::App;
use fake_flickr::server::{self, Settings};

/// A server that plays Flickr locally.
#[derive(Parser)]
struct Args {
    /// The port to listen on; 0 means any free port
    #[arg(long, env = "FAKE_FLICKR_PORT", default_value_t = 3001)]
    port: u16,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    bind: IpAddr,
    /// A further name by which clients may call it, such as host.docker.internal
    #[arg(long = "host", value_name = "NAME")]
    hosts: Vec<String>,
    /// Consumer key of the default app: 32 hexadecimal digits
    #[arg(long, env = "FLICKR_API_KEY", default_value_t = App::default().key, value_parser = hexadecimal::<32>)]
    api_key: String,
    /// Consumer secret of the default app: 16 hexadecimal digits
    #[arg(long, env = "FLICKR_API_SECRET", hide_env_values = true, default_value_t = App::default().secret, value_parser = hexadecimal::<16>)]
    api_secret: String,
    /// Serve over TLS under the names www.flickr.com, api.flickr.com, up.flickr.com and localhost
    #[arg(long)]
    tls: bool,
    /// The file to write the certificate to that clients must trust, as PEM
    #[arg(long, requires = "tls", value_name = "FILE")]
    tls_cert_out: Option<PathBuf>,
}

fn hexadecimal<const DIGITS: usize>(text: &str) -> Result<String, String> {
    let valid = text.len() == DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    if valid { Ok(text.to_owned()) } else { Err(format!("not {DIGITS} hexadecimal digits")) }
}

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    let settings = Settings {
        address: SocketAddr::new(args.bind, args.port),
        hosts: args.hosts,
        app: App { key: args.api_key, secret: args.api_secret },
        tls: args.tls,
        tls_cert_out: args.tls_cert_out,
    };
    match server::run(settings).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("fake-flickr: {error}");
            ExitCode::FAILURE
        }
    }
}
