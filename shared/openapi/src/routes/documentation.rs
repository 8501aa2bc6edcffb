use utoipa::openapi::{Object, Type};

use super::tags::DOCUMENTATION;
use crate::{
    headers::Field,
    route::{Answer, Route},
};

pub(super) fn routes() -> Vec<Route> {
    vec![
        document("/v1/openapi.json", "getOpenApi", "Read this document", &[("application/json", Type::Object)]),
        document("/v1/docs", "getDocs", "Explore the API", &[("text/html", Type::String)]),
        document(
            "/v1/docs/{file}",
            "getDocsFile",
            "Read a file of that page",
            &[("text/javascript", Type::String), ("text/css", Type::String)],
        )
        .path_is_one_of(&["explorer.js", "swagger-ui-bundle.js", "swagger-ui.css"]),
    ]
}

/// A file that is the same for everyone until the next release.
fn document(path: &'static str, id: &'static str, summary: &'static str, bodies: &[(&'static str, Type)]) -> Route {
    let tags =
        "Entity tags that the client has files of. If one is that of the file, the answer is 304 without a body.";
    let route = Route::get(path, id, DOCUMENTATION).without_key().does(summary, "").header(
        "If-None-Match",
        tags,
        Object::with_type(Type::String),
    );
    route
        .answers(Answer::raw("The file", bodies).with(&[Field::EntityTag, Field::ContentSecurityPolicy]))
        .answers(Answer::nothing(304, "The file is as the client has it").with(&[Field::EntityTag]))
}
