//! Sees each HTTP request that adapters make of AWS, repetitions included.

use std::sync::{Arc, Mutex};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use aws_types::SdkConfig;
use serde_json::Value;

/// A request of AWS, and its units.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    pub operation: String,
    /// The table, or else the method and the first part of the path.
    pub resource: String,
    pub write_units: f64,
    pub read_units: f64,
    /// The number of the request, as they began.
    begun: usize,
}

/// The requests made so far. A clone is the same.
#[derive(Debug, Clone, Default)]
pub struct Requests(Arc<Mutex<RecordedRequests>>);

#[derive(Debug, Default)]
struct RecordedRequests {
    answered: Vec<Request>,
    begun: usize,
}

impl Requests {
    /// Those that were answered since they were last taken, in the order in which they began.
    pub fn take(&self) -> Vec<Request> {
        let mut taken = std::mem::take(&mut self.0.lock().unwrap().answered);
        taken.sort_by_key(|request| request.begun);
        taken
    }

    fn begin(&self) -> usize {
        let mut seen = self.0.lock().unwrap();
        seen.begun += 1;
        seen.begun
    }
}

/// A connector that records what goes through it.
#[derive(Debug)]
struct Recorder {
    inner: SharedHttpConnector,
    requests: Requests,
}

impl HttpConnector for Recorder {
    fn call(&self, mut request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
        let (service, operation) = target.split_once('.').unwrap_or((request.method(), "of an object"));
        let (is_table, operation) = (service.starts_with("DynamoDB"), operation.to_owned());
        let (resource, keys) = if is_table { ask_for_units(&mut request) } else { (path_of(&request), 0.0) };
        let (begun, requests) = (self.requests.begin(), self.requests.clone());
        let answer = self.inner.call(request);
        HttpConnectorFuture::new(async move {
            let mut answer = answer.await;
            let body = match &mut answer {
                Ok(response) if is_table => read(response).await?,
                _ => Value::Null,
            };
            let (write_units, read_units) = units(&operation, keys, &body);
            let request = Request { operation, resource, write_units, read_units, begun };
            requests.0.lock().unwrap().answered.push(request);
            answer
        })
    }
}

/// The method and the first part of the path, such as a bucket.
fn path_of(request: &HttpRequest) -> String {
    let path = request.uri().split_once("://").map_or(request.uri(), |(_, rest)| rest);
    let first = path.split(['/', '?']).nth(1).unwrap_or_default();
    format!("{} {first}", request.method())
}

/// The names of the tables in a request of DynamoDB.
fn tables(body: &Value) -> String {
    let one = body["TableName"].as_str().map(str::to_owned).into_iter();
    let of_batch = body["RequestItems"].as_object().into_iter().flatten().map(|(table, _)| table.clone());
    let of_transaction = body["TransactItems"].as_array().into_iter().flatten().flat_map(Value::as_object).flatten();
    let of_transaction = of_transaction.filter_map(|(_, item)| item["TableName"].as_str().map(str::to_owned));
    one.chain(of_batch).chain(of_transaction).collect::<Vec<_>>().join(" ")
}

/// Has the answer say what the request consumed, and gives its tables, and the units of the keys that it asks for if it
/// is a `BatchGetItem`. The signature no longer fits: the emulator does not look at it.
fn ask_for_units(request: &mut HttpRequest) -> (String, f64) {
    let mut body: Value = serde_json::from_slice(request.body().bytes().unwrap()).unwrap();
    body["ReturnConsumedCapacity"] = "TOTAL".into();
    let text = body.to_string();
    request.headers_mut().insert("content-length", text.len().to_string());
    *request.body_mut() = SdkBody::from(text);
    let of_table = |wanted: &Value| {
        let each = if wanted["ConsistentRead"] == true { 1.0 } else { 0.5 };
        wanted["Keys"].as_array().into_iter().flatten().fold(0.0, |units, _| units + each)
    };
    let units =
        body["RequestItems"].as_object().into_iter().flatten().fold(0.0, |units, (_, wanted)| units + of_table(wanted));
    (tables(&body), units)
}

/// The body of an answer, which keeps it.
async fn read(response: &mut HttpResponse) -> Result<Value, ConnectorError> {
    let body = ByteStream::new(response.take_body()).collect().await;
    let bytes = body.map_err(|error| ConnectorError::io(error.into()))?.into_bytes();
    let value = serde_json::from_slice(&bytes).unwrap_or_default();
    *response.body_mut() = SdkBody::from(bytes);
    Ok(value)
}

/// The write and read units of a request: those that its answer speaks of, or of its `keys`.
fn units(operation: &str, keys: f64, answer: &Value) -> (f64, f64) {
    let consumed = &answer["ConsumedCapacity"];
    let several = consumed.as_array().map_or(std::slice::from_ref(consumed), Vec::as_slice);
    let units = several.iter().fold(0.0, |units, of_table| units + of_table["CapacityUnits"].as_f64().unwrap_or(0.0));
    match operation {
        "BatchGetItem" => (0.0, keys),
        "GetItem" | "Query" => (0.0, units),
        _ if answer["__type"].as_str().is_some_and(|kind| kind.ends_with("ConditionalCheckFailedException")) => {
            (1.0, 0.0)
        }
        _ => (units, 0.0),
    }
}

/// The configuration of clients whose requests are recorded.
pub fn recording(config: &SdkConfig) -> (SdkConfig, Requests) {
    let requests = Requests::default();
    let (http, seen) = (config.http_client().unwrap(), requests.clone());
    let recording = http_client_fn(move |settings, components| {
        let inner = http.http_connector(settings, components);
        SharedHttpConnector::new(Recorder { inner, requests: seen.clone() })
    });
    (config.clone().into_builder().http_client(recording).build(), requests)
}
