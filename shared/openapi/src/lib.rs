#![doc = include_str!("../README.md")]

mod headers;
mod problems;
mod route;
mod routes;
mod schemas;

use std::collections::BTreeSet;

use utoipa::openapi::{
    Components, Info, License, OpenApi, Paths, RefOr, SecurityRequirement, Server, Tag,
    security::{ApiKey, ApiKeyValue, SecurityScheme},
    tag::TagBuilder,
};

use crate::{route::Route, schemas::Schemas};

/// Where the document is checked in.
pub const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");

/// The name of the security scheme.
const API_KEY: &str = "api_key";

/// What the whole API is, in Markdown.
const ABOUT: &str = include_str!("about.md");

/// The document.
///
/// # Panics
/// When two types have the same name, or two routes the same method and path or the same id.
pub fn document() -> OpenApi {
    let mut schemas = Schemas::default();
    let (mut paths, mut ids) = (Paths::new(), BTreeSet::new());
    let mut info = Info::new("FlickrHub", env!("CARGO_PKG_VERSION"));
    info.description = Some(ABOUT.to_owned());
    let mut license = License::new("Apache-2.0");
    license.identifier = Some("Apache-2.0".to_owned());
    info.license = Some(license);
    for route in routes::all() {
        let Route { id, path, .. } = &route;
        assert!(ids.insert(*id), "two operations are called {id}");
        let methods = vec![route.method.clone()];
        let taken = paths.get_path_operation(path, route.method.clone()).is_some();
        assert!(!taken, "two routes have one method and path: {path}");
        let path = path.to_string();
        paths.add_path_operation(path, methods, route.into_operation(&mut schemas));
    }
    let mut components = Components::new();
    components.headers = headers::components();
    components.responses = problems::components(&mut schemas);
    components.schemas = schemas.into_components();
    let scheme = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description(
        "x-api-key",
        "An API key of the tenant that may be used for the route. API Gateway counts its requests, the functions find \
         its tenant.",
    )));
    components.security_schemes.insert(API_KEY.to_owned(), RefOr::T(scheme));
    let mut document = OpenApi::new(info, paths);
    // Relative to the document's own URL, whatever stage or domain is in front of it.
    let mut server = Server::new("..");
    server.description = Some("The API that this document came from".to_owned());
    document.servers = Some(vec![server]);
    document.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(API_KEY, [])]);
    document.tags = Some(routes::TAGS.iter().map(|(name, about)| tag(name, about)).collect());
    document.components = Some(components);
    document
}

fn tag(name: &str, about: &str) -> Tag {
    TagBuilder::new().name(name).description(Some(about)).build()
}

/// The document as it is checked in.
///
/// # Panics
/// As [`document`] does.
pub fn text() -> String {
    let text = serde_json::to_string_pretty(&document());
    text.map(|text| text + "\n").unwrap_or_default()
}
