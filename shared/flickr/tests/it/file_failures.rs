//! What can happen to a file on its way.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use domain::{
    outcome::Class::{self, Account, Done, Permanent, Quota, Throttled, TooSlow, Transient, UnknownOutcome},
    upload::Uploaded,
};
use futures_util::stream;
use hub::ports::{self, FileRequest};
use tokio::{io::AsyncReadExt, sync::watch};

use crate::{
    file_world::{FileServer, PHOTO, early, endless, of_bytes, of_chunks, request, send},
    world::{Server, client, read_head, reset, unused_address, write},
};

/// More than all buffers between the client and a server that does not read.
const LARGE: u64 = 64 * 1024 * 1024;

fn large() -> FileRequest {
    request(LARGE, of_bytes(LARGE, 256 * 1024))
}

fn small() -> FileRequest {
    request(3, of_bytes(3, 3))
}

async fn silent() -> Server {
    Server::handling(|mut stream| async move {
        read_head(&mut stream).await;
        std::future::pending().await
    })
    .await
}

#[tokio::test]
async fn what_could_not_be_sent_is_transient() {
    let answer = send(&client(&unused_address().await), small()).await;
    assert_eq!((answer.outcome.class, answer.uploaded), (Transient, None));
    let message = answer.outcome.message;
    assert!(message.starts_with("not sent: ") && message.contains("refused"), "{message}");
}

#[tokio::test]
async fn a_connection_that_takes_no_more_is_cut() {
    let (resume, resumed) = watch::channel(false);
    let received = Arc::new(watch::Sender::new(None));
    let record = received.clone();
    let server = Server::handling(move |mut stream| {
        let (mut resumed, record) = (resumed.clone(), record.clone());
        async move {
            read_head(&mut stream).await;
            resumed.wait_for(|resumed| *resumed).await.unwrap();
            let mut body = Vec::new();
            let _ = stream.read_to_end(&mut body).await;
            record.send_replace(Some(body.len() as u64));
        }
    })
    .await;
    let answer = send(&server.impatient_client(), large()).await;
    assert_eq!(answer.outcome.class, Transient, "{:?}", answer.outcome);
    resume.send(true).unwrap();
    let received = received.subscribe().wait_for(Option::is_some).await.unwrap().unwrap();
    assert!(received < LARGE, "the rest was sent although it had been given up");
}

#[tokio::test]
async fn a_file_that_comes_no_further_is_cut_and_let_go() {
    let server = silent().await;
    let (file, released) = endless(vec![Ok(Bytes::from_static(b"abc"))]);
    let answer = send(&server.impatient_client(), request(10, file)).await;
    assert_eq!(
        (answer.outcome.class, &*answer.outcome.message),
        (Transient, "not sent: no byte of the file flowed for 400 ms")
    );
    assert!(released.load(Ordering::SeqCst), "who reads the file would wait for ever");
}

#[tokio::test]
async fn a_file_that_flows_slowly_is_not_cut_before_its_deadline() {
    let trickle = |bytes: u64| {
        let pieces = stream::unfold(0, move |sent| async move {
            tokio::time::sleep(Duration::from_millis(20)).await;
            (sent < bytes).then(|| (Ok(Bytes::from_static(b"x")), sent + 1))
        });
        request(bytes, Box::pin(pieces))
    };
    let server = FileServer::answering(PHOTO).await;
    let client = server.server.impatient_client();
    assert_eq!(send(&client, trickle(30)).await.outcome.class, Done);

    let deadline = Duration::from_secs(1);
    let answer = send(&client, FileRequest { deadline, ..trickle(1_000) }).await;
    assert_eq!(answer.outcome.class, TooSlow);
    let message = answer.outcome.message;
    assert!(message.ends_with(" of 1000 bytes in 1 s, and there is no more time"), "{message}");
}

#[tokio::test]
async fn a_file_without_any_time_is_not_sent() {
    let server = FileServer::answering(PHOTO).await;
    let client = server.server.client();
    let none = send(&client, FileRequest { deadline: Duration::ZERO, ..small() }).await;
    assert_eq!(
        (none.outcome.class, &*none.outcome.message),
        (TooSlow, "Flickr took 0 of 3 bytes in 0 s, and there is no more time")
    );
    send(&client, small()).await;
    assert_eq!(server.settled(1).await.len(), 1);
}

#[tokio::test]
async fn all_sent_and_no_answer_is_of_unknown_outcome() {
    let silent = FileServer::ending(Some(String::new())).await;
    let answer = send(&silent.server.impatient_client(), small()).await;
    assert_eq!(
        (answer.outcome.class, &*answer.outcome.message),
        (UnknownOutcome, "no answer: 400 ms passed since all was sent")
    );
    let late = send(&silent.server.client(), FileRequest { deadline: Duration::from_millis(300), ..small() }).await;
    assert_eq!((late.outcome.class, &*late.outcome.message), (UnknownOutcome, "no answer: 300 ms passed"));

    let closed = FileServer::ending(None).await;
    assert_eq!(send(&closed.server.client(), small()).await.outcome.class, UnknownOutcome);

    for half in ["HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n<rsp stat=\"ok\"><photoid>12</photoid>", "HTTP/1.1 200"]
    {
        let server = Server::handling(move |mut stream| async move {
            read_head(&mut stream).await;
            write(&mut stream, half).await;
        })
        .await;
        let class = send(&server.impatient_client(), small()).await.outcome.class;
        assert_eq!(class, UnknownOutcome, "{half}");
    }
}

#[tokio::test]
async fn a_reset_before_all_was_sent_leaves_nothing_in_doubt() {
    let server = Server::handling(|mut stream| async move {
        read_head(&mut stream).await;
        reset(stream);
    })
    .await;
    let answer = send(&server.client(), large()).await;
    assert_eq!(answer.outcome.class, Transient, "{:?}", answer.outcome);
    assert!(answer.outcome.message.starts_with("not sent: "), "{}", answer.outcome.message);
}

/// What Flickr says before it has all of the file is heard, also where it hangs up at once.
#[tokio::test]
async fn an_answer_that_comes_early_is_judged_as_that_answer() {
    let table: [(&str, Class); 9] = [
        ("HTTP/1.1 413 Too Large\r\ncontent-length: 6\r\n\r\n<html>", Permanent),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 6\r\n\r\n<html>", Transient),
        ("HTTP/1.1 411 Length Required\r\ncontent-length: 6\r\n\r\n<html>", Transient),
        ("HTTP/1.1 429 Slow Down\r\nretry-after: 5\r\ncontent-length: 0\r\n\r\n", Throttled),
        ("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 6\r\n\r\n<html>", Transient),
        ("HTTP/1.1 401 No\r\ncontent-length: 28\r\n\r\noauth_problem=token_rejected", Account),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n<rsp stat=\"fail\"><err code=\"6\" msg=\"limit\" /></rsp> ",
            Quota,
        ),
        ("HTTP/1.1 200 OK\r\ncontent-length: 46\r\n\r\n<rsp stat=\"ok\"><photoid>12</photoid></rsp>     ", Done),
        ("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n<rsp stat=\"ok\"><photoid>12</photoid></rsp>", Transient),
    ];
    for (answer, class) in table {
        let open = early(answer, 1_000, false).await;
        let judged = send(&open.impatient_client(), large()).await;
        assert_eq!(judged.outcome.class, class, "{answer} {:?}", judged.outcome);
        assert_eq!(judged.uploaded, (class == Done).then(|| Uploaded::Photo("12".to_owned())));
    }
    for (answer, class) in &table[..5] {
        let closed = early(answer, 1_000, true).await;
        let judged = send(&closed.client(), large()).await;
        assert_eq!(judged.outcome.class, *class, "{answer} {:?}", judged.outcome);
    }
}

#[tokio::test]
async fn the_file_is_let_go_when_an_answer_has_come() {
    let server = early("HTTP/1.1 413 Too Large\r\ncontent-length: 6\r\n\r\n<html>", 3, false).await;
    let (file, released) = endless(vec![Ok(Bytes::from(vec![0; 1_000]))]);
    assert_eq!(send(&server.client(), request(2_000, file)).await.outcome.class, Permanent);
    assert!(released.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_file_that_is_not_as_it_was_said_never_leaves_whole() {
    let broken = || ports::Error::unavailable("reading the file", "reset");
    let abc = || Bytes::from_static(b"abc");
    for (file, bytes, message) in [
        (of_chunks(vec![abc()]), 4, "not sent: 1 bytes of the file are missing"),
        (of_chunks(vec![]), 1, "not sent: 1 bytes of the file are missing"),
        (of_chunks(vec![abc(), abc()]), 5, "not sent: the file has more bytes than was said"),
        (of_chunks(vec![abc(), abc()]), 3, "not sent: the file has more bytes than was said"),
        (of_chunks(vec![abc()]), 2, "not sent: the file has more bytes than was said"),
        (endless(vec![Ok(abc()), Err(broken())]).0, 4, "not sent: the file could not be read: reading the file"),
        (endless(vec![Ok(abc()), Err(broken())]).0, 3, "not sent: the file could not be read: reading the file"),
    ] {
        let server = FileServer::answering(PHOTO).await;
        let answer = send(&server.server.client(), request(bytes, file)).await;
        assert_eq!((answer.outcome.class, &*answer.outcome.message), (Transient, message));
        let wire = server.only_request().await;
        assert!(wire.head.is_empty() || wire.body.len() < wire.content_length(), "{message}");
        assert!(!wire.body.ends_with(b"--\r\n"), "{message}");
    }
}

#[tokio::test]
async fn nothing_is_sent_twice() {
    let connections = Arc::new(AtomicU32::new(0));
    let counter = connections.clone();
    let server = Server::handling(move |mut stream| {
        counter.fetch_add(1, Ordering::Relaxed);
        async move {
            read_head(&mut stream).await;
            reset(stream);
        }
    })
    .await;
    send(&server.client(), small()).await;
    assert_eq!(connections.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn no_message_has_what_a_request_is_signed_with() {
    for answer in [
        "HTTP/1.1 401 No\r\ncontent-length: 64\r\n\r\noauth_problem=signature_invalid&debug_sbs=POST&7215-token&app-key",
        "HTTP/1.1 200 OK\r\ncontent-length: 69\r\n\r\n<rsp stat=\"fail\"><err code=\"5\" msg=\"of 7215-token, app-key\" /></rsp>  ",
    ] {
        let server = FileServer::ending(Some(answer.to_owned())).await;
        let outcome = send(&server.server.client(), small()).await.outcome;
        assert!(matches!(outcome.class, Class::Signature | Permanent), "{outcome:?}");
        assert!(!outcome.message.contains("7215") && !outcome.message.contains("app-key"), "{}", outcome.message);
    }
}
