//! Requests of a stranger, byte by byte: what no well-behaved client would send.

use std::collections::BTreeMap;

use reqwest::Url;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{random::SeededRandom, stack::env};

const SEED: u64 = 7;
const REQUESTS: usize = 500;

const ROUTES: [(&str, &str); 18] = [
    ("GET", "/v1/health"),
    ("GET", "/v1/health/ready"),
    ("GET", "/v1/accounts"),
    ("GET", "/v1/accounts/{}"),
    ("DELETE", "/v1/accounts/{}"),
    ("GET", "/v1/usage"),
    ("GET", "/v1/usage?user_id={}&cursor={}"),
    ("GET", "/v1/flickr/jobs/{}"),
    ("POST", "/v1/flickr/jobs/status"),
    ("POST", "/v1/flickr/rest"),
    ("POST", "/v1/cache/invalidate"),
    ("GET", "/v1/dlq?cursor={}"),
    ("POST", "/v1/dlq/replay"),
    ("DELETE", "/v1/dlq/{}"),
    ("POST", "/v1/auth/start"),
    ("POST", "/v1/auth/complete"),
    ("GET", "/v1/auth/callback?state={}&oauth_token={}&oauth_verifier={}"),
    ("PUT", "/v1/{}"),
];

const TEXTS: [&str; 13] = [
    "",
    "%FF",
    "%00",
    "..",
    "%2e%2e",
    "a%2Fb",
    "%25",
    "%F0%9F%98%80",
    "%0d%0aX:%20y",
    "';--",
    "usr_00000000000000000000000000000000",
    "job_00000000000000000000000000000000",
    "ten_00000000000000000000000000000000.0",
];

const HEADERS: [&str; 12] = [
    "host",
    "x-forwarded-proto",
    "x-forwarded-host",
    "forwarded",
    "content-encoding",
    "content-type",
    "traceparent",
    "x-amzn-trace-id",
    "idempotency-key",
    "cookie",
    "accept",
    "x-api-key",
];

const VALUES: [&[u8]; 12] = [
    b"",
    b"https://h/v1/usage#",
    b"gzip",
    b"application/json",
    b"text/plain",
    b"a\tb",
    b"\xff\xfe",
    b"\x01",
    b"\"",
    b"00-0-0-0",
    b"Root=1-x",
    b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

const BODIES: [&[u8]; 10] = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b"{\"method\":\"flickr.test.echo\"",
    b"\xff\xfe\x00",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"{\"user_id\":\"\\ud800\"}",
    b"{\"job_ids\":[1]}",
    b"{\"all\":true,\"dry_run\":true}",
];

fn request(random: &mut SeededRandom, api: &Url, key: &str) -> Vec<u8> {
    let (method, route) = random.one_of(&ROUTES);
    let path = route.split("{}").collect::<Vec<_>>();
    let (first, rest) = path.split_first().unwrap();
    let path = rest.iter().fold((*first).to_owned(), |path, part| format!("{path}{}{part}", random.one_of(&TEXTS)));
    let mut head = format!("{method} {}{path} HTTP/1.1\r\n", api.path()).into_bytes();
    let mut header = |name: &str, value: &[u8]| {
        head.extend_from_slice(name.as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value);
        head.extend_from_slice(b"\r\n");
    };
    header("host", api.authority().as_bytes());
    header("connection", b"close");
    if random.below(5) > 0 {
        header("x-api-key", key.as_bytes());
    }
    for _ in 0..random.below(4) {
        header(random.one_of(&HEADERS), random.one_of(&VALUES));
    }
    let body: &[u8] = if method == "POST" { random.one_of(&BODIES) } else { b"" };
    header("content-length", body.len().to_string().as_bytes());
    head.extend_from_slice(b"\r\n");
    head.extend_from_slice(body);
    head
}

#[tokio::test]
async fn no_request_of_a_stranger_is_answered_with_a_fault_of_ours() {
    let (api, key) = (Url::parse(&env("FLICKRHUB_URL")).unwrap(), env("FLICKRHUB_API_KEY"));
    let (mut random, mut answers) = (SeededRandom(SEED), BTreeMap::<u16, usize>::new());
    for _ in 0..REQUESTS {
        let request = request(&mut random, &api, &key);
        let mut stream = TcpStream::connect((api.host_str().unwrap(), api.port().unwrap())).await.unwrap();
        stream.write_all(&request).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        let (request, answer) = (String::from_utf8_lossy(&request), String::from_utf8_lossy(&answer));
        let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status: u16 = status.unwrap_or_else(|| panic!("no answer: {answer}\n{request}"));
        assert!(status < 500, "{answer}\n{request}");
        *answers.entry(status).or_default() += 1;
    }
    assert!(answers.get(&200).is_some_and(|count| *count > 20), "some are harmless: {answers:?}");
}
