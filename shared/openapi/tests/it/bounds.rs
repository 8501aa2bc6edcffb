//! Each text of a request has as many characters as the document says, and no more.

use api::{
    CallbackQuery, CompleteLoginRequest, CreateUploadRequest, InvalidateCacheRequest, JobListQuery, JobStatusRequest,
    PageQuery, ReplayRequest, StartLoginRequest, SubmitJobRequest, UsageQuery,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{document, operations, resolved};

/// What is wrong with a request, if anything is.
type Read = fn(&Value) -> Option<String>;

fn read<T: DeserializeOwned>(request: &Value) -> Option<String> {
    serde_json::from_str::<T>(&request.to_string()).err().map(|error| error.to_string())
}

const BODIES: [(&str, Read); 7] = [
    ("startLogin", read::<StartLoginRequest>),
    ("completeLogin", read::<CompleteLoginRequest>),
    ("submitJob", read::<SubmitJobRequest>),
    ("getJobOfAccount", read::<JobStatusRequest>),
    ("createUpload", read::<CreateUploadRequest>),
    ("invalidateCache", read::<InvalidateCacheRequest>),
    ("replayDeadJobs", read::<ReplayRequest>),
];

const QUERIES: [(&str, Read); 5] = [
    ("loginCallback", read::<CallbackQuery>),
    ("listJobs", read::<JobListQuery>),
    ("listAccounts", read::<PageQuery>),
    ("listDeadJobs", read::<PageQuery>),
    ("getUsage", read::<UsageQuery>),
];

/// The most characters of a text without a list of its values; `None` of anything else.
fn most(of: &str, document: &Value, schema: &Value) -> Option<usize> {
    let schema = resolved(document, schema);
    let is_text = schema["type"] == "string" || schema["type"].as_array().is_some_and(|types| types[0] == "string");
    let is_free = is_text && schema.get("enum").is_none();
    is_free.then(|| {
        let most = schema["maxLength"].as_u64();
        usize::try_from(most.unwrap_or_else(|| panic!("{of} has no maxLength"))).unwrap()
    })
}

/// The request is read with so long a text, and refused with a longer one.
fn ends(of: &str, read: Read, example: &Value, field: &str, most: usize) {
    let with = |characters| {
        let mut request = example.clone();
        request[field] = json!("ü".repeat(characters));
        read(&request)
    };
    assert_eq!(with(most), None, "{of}.{field}");
    let said = with(most + 1).unwrap_or_else(|| panic!("{of}.{field} is longer than {most} characters"));
    assert!(said.starts_with(&format!("expected at most {most} characters")), "{of}.{field}: {said}");
}

#[test]
fn a_text_of_a_body_ends_where_the_document_says() {
    let document = document();
    let mut found = Vec::new();
    for (id, operation) in operations(&document) {
        let Some(body) = operation.get("requestBody") else { continue };
        let (_, read) = BODIES.iter().find(|(of, _)| *of == id).unwrap_or_else(|| panic!("{id} is not tried"));
        let content = &body["content"]["application/json"];
        let schema = resolved(&document, &content["schema"]);
        for (field, schema) in schema["properties"].as_object().unwrap() {
            if let Some(most) = most(&format!("{id}.{field}"), &document, schema) {
                ends(id, *read, &content["example"], field, most);
            }
        }
        found.push(id);
    }
    assert_eq!(found.len(), BODIES.len());
}

#[test]
fn a_text_of_a_query_ends_where_the_document_says() {
    let document = document();
    let mut found = Vec::new();
    for (id, operation) in operations(&document) {
        let parameters = operation["parameters"].as_array().map(Vec::as_slice).unwrap_or_default();
        let texts = parameters.iter().filter(|parameter| parameter["in"] == "query").filter_map(|parameter| {
            let name = parameter["name"].as_str().unwrap();
            most(&format!("{id}.{name}"), &document, &parameter["schema"]).map(|most| (name, most))
        });
        let texts: Vec<(&str, usize)> = texts.collect();
        if texts.is_empty() {
            continue;
        }
        let (_, read) = QUERIES.iter().find(|(of, _)| *of == id).unwrap_or_else(|| panic!("{id} is not tried"));
        let example: serde_json::Map<String, Value> =
            texts.iter().map(|(name, _)| ((*name).to_owned(), json!("x"))).collect();
        for (name, most) in texts {
            ends(id, *read, &Value::Object(example.clone()), name, most);
        }
        found.push(id);
    }
    assert_eq!(found.len(), QUERIES.len());
}
