//! What a file looks like on the wire.

use bytes::Bytes;
use domain::{
    outcome::Class,
    upload::{Endpoint, Uploaded},
};
use flickr::oauth;
use hub::ports::FlickrFiles;
use proptest::{prelude::*, test_runner::TestRunner};

use crate::{
    file_world::{FileServer, Held, PHOTO, Wire, of_bytes, of_chunks, request, send},
    world::signing,
};

/// The body of [`request`] with `file`.
fn expected_body(wire: &Wire, file: &[u8]) -> Vec<u8> {
    let b = wire.boundary();
    let head = format!(
        "--{b}\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\nsea \"two words\" flickrhub:job=job_1\r\n\
         --{b}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nÜbung & 1\r\n\
         --{b}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"holiday.jpg\"\r\n\
         Content-Type: image/jpeg\r\n\r\n"
    );
    [head.as_bytes(), file, format!("\r\n--{b}--\r\n").as_bytes()].concat()
}

/// The fields of the `Authorization` header, decoded.
fn oauth_fields(wire: &Wire) -> Vec<(String, String)> {
    let fields = wire.header("authorization").unwrap().strip_prefix("OAuth ").unwrap().split(", ");
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = fields.map(|field| field.split_once('=').unwrap());
    pairs.map(|(name, value)| (name.to_owned(), decoded(value.trim_matches('"')))).collect()
}

#[tokio::test]
async fn the_head_of_a_file_of_one_byte_is_exact() {
    let server = FileServer::answering(PHOTO).await;
    let answer = send(&server.server.client(), request(1, of_bytes(1, 1))).await;
    assert_eq!(answer.outcome.class, Class::Done);
    assert_eq!(answer.uploaded, Some(Uploaded::Photo("12".to_owned())));

    let wire = server.only_request().await;
    let lines: Vec<&str> = wire.head.lines().collect();
    assert_eq!(lines[0], "POST /services/upload/ HTTP/1.1");
    let mut names: Vec<&str> = lines[1..].iter().filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "content-length", "content-type", "host", "user-agent"]);
    assert_eq!(wire.body, expected_body(&wire, b"x"));
    assert_eq!((wire.content_length(), &*wire.surplus), (wire.body.len(), &[][..]));
}

#[tokio::test]
async fn a_file_in_many_chunks_arrives_as_it_is() {
    let file: Vec<u8> = (0..5 * 1024 * 1024u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut chunks = Vec::new();
    let mut rest = Bytes::from(file.clone());
    for size in [0, 1, 8 * 1024, 65_535, 65_536, 65_537, 1, 0, 2 * 1024 * 1024, 13].into_iter().cycle() {
        if rest.is_empty() {
            break;
        }
        chunks.push(rest.split_to(rest.len().min(size)));
    }
    chunks.push(Bytes::new());

    let server = FileServer::answering(PHOTO).await;
    let answer = send(&server.server.client(), request(file.len() as u64, of_chunks(chunks))).await;
    assert_eq!(answer.outcome.class, Class::Done);
    let wire = server.only_request().await;
    assert!(wire.body == expected_body(&wire, &file), "the file was changed");
    assert_eq!((wire.header("transfer-encoding"), wire.header("expect"), wire.surplus.len()), (None, None, 0));
}

#[tokio::test]
async fn all_text_fields_are_signed_and_the_file_is_not() {
    for (endpoint, path) in [(Endpoint::Upload, "/services/upload/"), (Endpoint::Replace, "/services/replace/")] {
        let server = FileServer::answering(PHOTO).await;
        let request = request(3, of_bytes(3, 2));
        let fields = request.fields.clone();
        send(&server.server.client(), hub::ports::FileRequest { endpoint, ..request }).await;
        let wire = server.only_request().await;
        assert!(wire.head.starts_with(&format!("POST {path} HTTP/1.1\r\n")), "{}", wire.head);

        let sent = oauth_fields(&wire);
        let (signature, protocol): (Vec<_>, Vec<_>) = sent.iter().partition(|(name, _)| name == "oauth_signature");
        let all: Vec<(&str, &str)> =
            protocol.into_iter().chain(&fields).map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let url = url::Url::parse(&format!("http://{}{path}", wire.header("host").unwrap())).unwrap();
        let base = oauth::base_string("POST", &url, &all);
        assert_eq!(signature[0].1, oauth::sign(&base, "app-secret-canary", "token-secret-canary"));
    }
}

#[tokio::test]
async fn each_file_is_signed_anew_with_a_boundary_of_its_own_and_sends_no_secret() {
    let server = FileServer::answering(PHOTO).await;
    let client = server.server.client();
    for _ in 0..2 {
        send(&client, request(1, of_bytes(1, 1))).await;
    }
    let wires = server.settled(2).await;
    let nonce = |wire: &Wire| oauth_fields(wire).into_iter().find(|(name, _)| name == "oauth_nonce").unwrap().1;
    assert_ne!(nonce(&wires[0]), nonce(&wires[1]));
    assert_ne!(wires[0].boundary(), wires[1].boundary());
    assert_ne!(wires[0].boundary().replace("FlickrHub-", ""), nonce(&wires[0]));
    for wire in &wires {
        assert!(!wire.head.contains("canary") && !String::from_utf8_lossy(&wire.body).contains("canary"));
    }
}

#[test]
fn the_length_is_right_to_the_byte_whatever_is_sent() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(FileServer::answering(PHOTO));
    let client = server.server.client();
    let sent = std::cell::Cell::new(0);
    let fields = prop::collection::vec(("[a-z_]{1,12}", "(.|[\r\n\"]|--FlickrHub-){0,30}"), 0..5)
        .prop_filter("the file's own name", |fields| fields.iter().all(|(name, _)| name != "photo"));
    let strategy = (fields, 0u64..200_000, 1usize..70_000, "[a-zA-Z0-9._-]{1,30}");
    let run = |(fields, bytes, chunk_bytes, name): (Vec<(String, String)>, u64, usize, String)| {
        let request = hub::ports::FileRequest { fields, name, ..request(bytes, of_bytes(bytes, chunk_bytes)) };
        let wire = runtime.block_on(async {
            let answer = client.send_file(&signing(), request).await;
            assert_eq!(answer.outcome.class, Class::Done, "{:?}", answer.outcome);
            sent.set(sent.get() + 1);
            server.settled(sent.get()).await.pop().unwrap()
        });
        prop_assert_eq!((wire.header("transfer-encoding"), wire.header("expect")), (None, None));
        prop_assert_eq!((wire.body.len(), wire.surplus.len()), (wire.content_length(), 0));
        let tail = format!("\r\n--{}--\r\n", wire.boundary());
        prop_assert!(wire.body.ends_with(tail.as_bytes()));
        Ok(())
    };
    TestRunner::new(ProptestConfig::with_cases(64)).run(&strategy, run).unwrap();
}

#[tokio::test]
async fn what_would_break_a_header_is_not_sent() {
    let server = FileServer::answering(PHOTO).await;
    let client = server.server.client();
    let plain = || request(1, of_bytes(1, 1));
    let hostile = "a\"\r\nX-Injected: 1".to_owned();
    for request in [
        hub::ports::FileRequest { name: hostile.clone(), ..plain() },
        hub::ports::FileRequest { content_type: hostile.clone(), ..plain() },
        hub::ports::FileRequest { fields: vec![(hostile, "x".to_owned())], ..plain() },
    ] {
        let answer = send(&client, request).await;
        assert_eq!((answer.outcome.class, answer.uploaded), (Class::Permanent, None));
        assert!(answer.outcome.message.starts_with("not sent: "), "{}", answer.outcome.message);
    }
    send(&client, plain()).await;
    assert_eq!(server.settled(1).await.len(), 1);
}

/// The file that was read and did not leave yet is all of it that is in memory.
#[tokio::test]
async fn a_file_of_200_mb_is_never_in_memory() {
    const CHUNK_BYTES: usize = 1024 * 1024;
    const CONNECTION_BYTES: usize = 512 * 1024;
    let server = FileServer::counting(PHOTO).await;
    let held = Held::default();
    let answer = send(&server.client(), request(200 * 1024 * 1024, held.file(200, CHUNK_BYTES))).await;
    assert_eq!(answer.outcome.class, Class::Done);
    assert!(held.peak() <= 2 * CHUNK_BYTES + CONNECTION_BYTES, "{} bytes", held.peak());
}
