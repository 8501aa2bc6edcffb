//! Which requests are refused: those that a web page elsewhere may have made the developer's browser send.
//!
//! A page of any site can make a browser send requests to the ports of its machine, and with a name of its own that
//! leads to this machine (DNS rebinding) also read the answers. The launcher has the same rules in `gate.py`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use crate::answer::Answer;
use crate::request::Scheme;

const FOREIGN_HOST: &str = "This server answers only this machine: `Host` must be 127.0.0.1, [::1] or localhost.";
const FOREIGN_ORIGIN: &str = "This server answers no web page of another origin: `Origin` is not its own.";
const FOREIGN_SITE: &str =
    "This server answers no web page of another site or port: `Sec-Fetch-Site` says that one asks.";

/// What the server is to its clients.
#[derive(Debug)]
pub(crate) struct Gate {
    pub scheme: Scheme,
    /// The names by which clients may call the server, besides those of this machine.
    pub hosts: Vec<String>,
}

/// Answers a refused request with 403 and the reason, and passes on every other one.
pub(crate) async fn ask(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    // Applications send their users' browsers to the consent page.
    let path = request.uri().path().trim_end_matches('/');
    let is_page = request.method() == Method::GET && path == "/services/oauth/authorize";
    match gate.refusal(request.headers(), is_page) {
        Some(reason) => Answer::plain(403, format!("{reason}\n")).into_response(),
        None => next.run(request).await,
    }
}

impl Gate {
    /// Why a request with these headers is refused, if it is.
    ///
    /// Browsers send `Origin` and `Sec-Fetch-Site` where a page cannot change them; other clients need neither.
    /// `is_page` says that the request reads a page to which other sites send the browser, so that it may follow a
    /// link to there.
    fn refusal(&self, headers: &HeaderMap, is_page: bool) -> Option<&'static str> {
        let values =
            |name: &str| headers.get_all(name).iter().map(|value| value.to_str().unwrap_or("?")).collect::<Vec<_>>();
        let hosts = values(header::HOST.as_str());
        let [host] = hosts[..] else { return Some(FOREIGN_HOST) };
        if !self.is_own_host(host) {
            return Some(FOREIGN_HOST);
        }
        let own_origin = format!("{}://{host}", self.scheme.as_str());
        if values(header::ORIGIN.as_str()).iter().any(|origin| *origin != own_origin) {
            return Some(FOREIGN_ORIGIN);
        }
        let is_own_site = values("sec-fetch-site").iter().all(|site| matches!(*site, "same-origin" | "none"));
        let is_link = values("sec-fetch-mode") == ["navigate"] && values("sec-fetch-dest") == ["document"];
        if is_own_site || (is_page && is_link) { None } else { Some(FOREIGN_SITE) }
    }

    fn is_own_host(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else { return false };
        let name = authority.host().trim_start_matches('[').trim_end_matches(']');
        name.eq_ignore_ascii_case("localhost")
            || name.parse().is_ok_and(|address: IpAddr| address.is_loopback())
            || self.hosts.iter().any(|own| name.eq_ignore_ascii_case(own))
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    const HOST: (&str, &str) = ("host", "127.0.0.1:3001");

    fn judged(headers: &[(&str, &str)], is_page: bool) -> Option<&'static str> {
        let gate = Gate { scheme: Scheme::Http, hosts: vec!["fake.test".to_owned()] };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"));
        }
        gate.refusal(&map, is_page)
    }

    #[test]
    fn the_host_is_one_name_of_this_machine_or_of_the_server() {
        for host in ["127.0.0.1:3001", "127.0.0.1", "localhost:3001", "LOCALHOST", "[::1]:3001", "Fake.test:3001"] {
            assert_eq!(judged(&[("host", host)], false), None, "{host}");
        }
        for host in ["evil.example:3001", "127.0.0.1.evil.example", "0.0.0.0:3001", "192.168.0.1", "", "a b"] {
            assert_eq!(judged(&[("host", host)], true), Some(FOREIGN_HOST), "{host}");
        }
        assert_eq!(judged(&[], false), Some(FOREIGN_HOST), "none");
        assert_eq!(judged(&[HOST, ("host", "evil.example")], false), Some(FOREIGN_HOST), "two");
    }

    #[test]
    fn the_origin_is_the_servers_own_if_there_is_one() {
        assert_eq!(judged(&[HOST, ("origin", "http://127.0.0.1:3001")], false), None);
        for origin in ["http://evil.example", "null", "http://127.0.0.1:3000", "https://127.0.0.1:3001", ""] {
            assert_eq!(judged(&[HOST, ("origin", origin)], true), Some(FOREIGN_ORIGIN), "{origin}");
        }
    }

    #[test]
    fn another_site_or_port_may_only_link_to_a_page() {
        for (site, refused) in [
            ("none", None),
            ("same-origin", None),
            ("same-site", Some(FOREIGN_SITE)),
            ("cross-site", Some(FOREIGN_SITE)),
            ("unheard-of", Some(FOREIGN_SITE)),
        ] {
            let link = [HOST, ("sec-fetch-site", site), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")];
            let frame = [HOST, ("sec-fetch-site", site), ("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")];
            assert_eq!(judged(&link, true), None, "{site}");
            assert_eq!(judged(&link, false), refused, "{site}");
            assert_eq!(judged(&frame, true), refused, "{site}");
            assert_eq!(judged(&frame[..2], true), refused, "{site}");
        }
    }
}
