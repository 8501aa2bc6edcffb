//! The document is current, whole, and fits itself.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a failed step fails its test")]

mod bounds;

use std::{collections::BTreeSet, process::Command};

use api::ErrorCode;
use serde_json::{Value, json};

const METHODS: [&str; 3] = ["get", "post", "delete"];

fn document() -> Value {
    serde_json::to_value(openapi::document()).unwrap()
}

/// All operations, with their names.
fn operations(document: &Value) -> Vec<(&str, &Value)> {
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| METHODS.iter().filter_map(|method| item.get(method)));
    operations.map(|operation| (operation["operationId"].as_str().unwrap(), operation)).collect()
}

/// What `$ref` refers to, or the value itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let reference = value.get("$ref").and_then(Value::as_str);
    reference.map_or(value, |reference| document.pointer(reference.strip_prefix('#').unwrap()).unwrap())
}

/// The responses of an operation by their status.
fn responses<'a>(document: &'a Value, operation: &'a Value) -> Vec<(&'a str, &'a Value)> {
    let responses = operation["responses"].as_object().unwrap().iter();
    responses.map(|(status, response)| (status.as_str(), resolved(document, response))).collect()
}

/// The codes that a response can come with.
fn codes(response: &Value) -> Vec<&str> {
    let problem = &response["content"]["application/problem+json"]["schema"]["allOf"][1];
    let codes = problem["properties"]["error"]["properties"]["code"]["enum"].as_array();
    codes.into_iter().flatten().filter_map(Value::as_str).collect()
}

#[test]
fn what_is_checked_in_is_what_the_code_says() {
    let checked_in = std::fs::read_to_string(openapi::PATH).unwrap();
    assert!(checked_in == openapi::text(), "run `cargo run --package openapi`, and look at what changes in the API");
}

#[test]
fn every_code_is_documented_where_it_is_answered() {
    let document = document();
    let operations = operations(&document);
    let answered: BTreeSet<&str> = operations
        .iter()
        .flat_map(|(_, operation)| responses(&document, operation))
        .flat_map(|(_, it)| codes(it))
        .collect();
    // API Gateway has no route for other methods, and answers 404 before a function is asked.
    let unseen = ErrorCode::MethodNotAllowed;
    let expected = ErrorCode::ALL.iter().filter(|code| **code != unseen).map(|code| code.as_str()).collect();
    assert_eq!(answered, expected);
    for (id, operation) in operations {
        for (status, response) in responses(&document, operation) {
            assert_eq!(codes(response).is_empty(), status < "400", "{id} {status}");
        }
    }
}

#[test]
fn every_operation_says_what_it_does_and_who_may() {
    let document = document();
    let tags: Vec<&Value> = document["tags"].as_array().unwrap().iter().map(|tag| &tag["name"]).collect();
    for (id, operation) in operations(&document) {
        assert!(!operation["summary"].as_str().unwrap().is_empty(), "{id}");
        assert!(tags.contains(&&operation["tags"][0]), "{id}");
        let refuses_strangers = operation["responses"].get("401").is_some();
        assert_eq!(operation.get("security").is_none(), refuses_strangers, "{id}");
        for (status, response) in responses(&document, operation) {
            assert!(!response["description"].as_str().unwrap().is_empty(), "{id} {status}");
            let waits = response["headers"].get("Retry-After").is_some();
            let is_open = ["getJob", "getJobOfAccount"].contains(&id) && status == "200";
            assert_eq!(waits, is_open || ["429", "503", "504"].contains(&status), "{id} {status}");
        }
    }
}

#[test]
fn the_limit_of_a_body_is_said_where_it_is_answered() {
    let document = document();
    let mut limited = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in METHODS.iter().filter_map(|method| item.get(method)) {
            let (body, refusal) = (operation.get("requestBody"), operation["responses"].get("413"));
            let Some(bytes) = api::max_body_bytes(path).filter(|_| body.is_some()) else {
                assert_eq!((body, refusal), (None, None), "{path}");
                continue;
            };
            assert_eq!(body.unwrap()["description"], format!("At most {bytes} bytes"), "{path}");
            let said = refusal.unwrap()["description"].as_str().unwrap();
            assert!(said.ends_with(&format!("more than {bytes} bytes")), "{path}: {said}");
            limited.insert(path.as_str());
        }
    }
    assert_eq!(limited, api::routes_with_body().collect());
}

#[test]
fn every_example_fits_its_schema() {
    let document = document();
    let fits = |of: &str, content: &Value| {
        let schema = json!({ "components": document["components"], "allOf": [content["schema"]] });
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        let errors: Vec<String> = validator.iter_errors(&content["example"]).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{of}: {errors:?}\n{}", content["example"]);
    };
    for (id, operation) in operations(&document) {
        if let Some(body) = operation.get("requestBody") {
            fits(id, &body["content"]["application/json"]);
        }
        for (status, response) in responses(&document, operation) {
            for (media_type, content) in response.get("content").and_then(Value::as_object).into_iter().flatten() {
                // Files of the documentation have no examples.
                if content.get("example").is_some() || status >= "400" {
                    fits(&format!("{id} {status} {media_type}"), content);
                }
            }
        }
    }
}

#[test]
fn what_is_deployed_is_built_without_the_schemas() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}", "--offline", "--locked"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    let tree = String::from_utf8(tree.stdout).unwrap();
    let built: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    for (name, is_built) in [
        ("status", true),
        ("worker", true),
        ("api", true),
        ("utoipa", false),
        ("jsonschema", false),
        ("testkit", false),
    ] {
        assert_eq!(built.contains(name), is_built, "{name}: {tree}");
    }
}
