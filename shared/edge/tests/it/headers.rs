//! The headers of every answer.

use axum::{Router, http::header, response::IntoResponse, routing::get};
use edge::{Envelope, ErrorCode, Problem, serve};
use http::Method;
use testkit::http_client::ask;

const EVERY: [(&str, &str); 6] = [
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("cache-control", "no-store"),
];

#[tokio::test]
async fn every_answer_has_the_headers_of_an_api_that_shows_nothing() {
    let page = async || ([(header::CONTENT_SECURITY_POLICY, "style-src 'unsafe-inline'")], "page").into_response();
    let routes = Router::new()
        .route("/ok", get(async || Envelope::ok("data")))
        .route("/problem", get(async || Problem::new(ErrorCode::Unavailable, "later")))
        .route("/panic", get(async || -> String { unreachable!("on purpose") }))
        .route("/page", get(page));
    let routes = serve(routes);
    for (path, status) in [("/ok", 200), ("/problem", 503), ("/panic", 500), ("/nothing", 404), ("/page", 200)] {
        let answer = ask(&routes, Method::GET, path, &[], "").await;
        assert_eq!(answer.status, status, "{path}");
        for (name, value) in EVERY {
            let expected =
                if path == "/page" && name == "content-security-policy" { "style-src 'unsafe-inline'" } else { value };
            assert_eq!(answer.headers[name], expected, "{path}");
        }
    }
    assert_eq!(ask(&routes, Method::POST, "/ok", &[], "").await.headers["x-frame-options"], "DENY");
}
