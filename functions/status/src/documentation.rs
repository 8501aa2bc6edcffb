//! `GET /v1/openapi.json`, `GET /v1/docs`, `GET /v1/docs/{file}`: the OpenAPI document, and a page to try it.
//!
//! All of it is part of the binary and read when it is asked for: it takes no time at start-up. What is long is
//! compressed there, and sent as it was before: API Gateway passes bytes on only if all its bodies are bytes.

use std::io::Read;

use api::ErrorCode;
use axum::response::Response;
use edge::{EntityTag, PathText, Problem};
use flate2::read::GzDecoder;
use http::{HeaderMap, HeaderValue, header};

/// What the page may load: its own files, and the API of the same origin. Swagger UI sets styles of its elements.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// How long a browser uses a file without asking: a deployment may change it.
const STORING: &str = "public, max-age=300";

/// A file of this binary.
struct File {
    media_type: &'static str,
    bytes: Bytes,
}

enum Bytes {
    Plain(&'static [u8]),
    Gzip(&'static [u8]),
}

const OPENAPI: File =
    File { media_type: "application/json", bytes: Bytes::Plain(include_bytes!("../../../docs/openapi.json")) };

const PAGE: File =
    File { media_type: "text/html; charset=utf-8", bytes: Bytes::Plain(include_bytes!("../assets/explorer.html")) };

const SCRIPT: File =
    File { media_type: "text/javascript; charset=utf-8", bytes: Bytes::Plain(include_bytes!("../assets/explorer.js")) };

const SWAGGER_UI: File = File {
    media_type: "text/javascript; charset=utf-8",
    bytes: Bytes::Gzip(include_bytes!("../assets/swagger-ui-bundle.js.gz")),
};

const STYLES: File =
    File { media_type: "text/css; charset=utf-8", bytes: Bytes::Gzip(include_bytes!("../assets/swagger-ui.css.gz")) };

pub(crate) async fn openapi(headers: HeaderMap) -> Result<Response, Problem> {
    OPENAPI.answer(&headers)
}

pub(crate) async fn page(headers: HeaderMap) -> Result<Response, Problem> {
    PAGE.answer(&headers)
}

pub(crate) async fn file(PathText(name): PathText, headers: HeaderMap) -> Result<Response, Problem> {
    match name.as_str() {
        "explorer.js" => SCRIPT.answer(&headers),
        "swagger-ui-bundle.js" => SWAGGER_UI.answer(&headers),
        "swagger-ui.css" => STYLES.answer(&headers),
        _ => Err(Problem::new(ErrorCode::NotFound, "The page has no such file")),
    }
}

impl File {
    fn answer(&self, request: &HeaderMap) -> Result<Response, Problem> {
        let (Bytes::Plain(stored) | Bytes::Gzip(stored)) = self.bytes;
        let tag = EntityTag::of_bytes(stored);
        let mut response = if tag.is_known(request) {
            tag.not_modified()
        } else {
            let body = self.text().map_err(hub::Error::internal)?;
            tag.on(([(header::CONTENT_TYPE, self.media_type), (header::CONTENT_SECURITY_POLICY, POLICY)], body))
        };
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(STORING));
        Ok(response)
    }

    /// The bytes as they are sent.
    fn text(&self) -> std::io::Result<Vec<u8>> {
        match self.bytes {
            Bytes::Plain(bytes) => Ok(bytes.to_vec()),
            Bytes::Gzip(bytes) => {
                let mut text = Vec::new();
                GzDecoder::new(bytes).read_to_end(&mut text)?;
                Ok(text)
            }
        }
    }
}
