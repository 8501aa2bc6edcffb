//! Servers that take files, byte by byte, and files to send them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use domain::upload::Endpoint;
use flickr::Client;
use futures_util::stream;
use hub::ports::{self, ByteStream, FileAnswer, FileRequest, FlickrFiles};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
};

use crate::world::{Ports, Server, read_head, signing, write};

pub const PHOTO: &str =
    "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"ok\">\n<photoid>12</photoid>\n</rsp>\n";

/// A request as it was on the wire; without a head where that did not come whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    pub head: String,
    /// As long as the head says, or as much as came.
    pub body: Vec<u8>,
    /// What came after the body.
    pub surplus: Vec<u8>,
}

impl Wire {
    /// The value of a header that is there once; `None` where there is none.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value);
        let value = values.next();
        assert_eq!(values.next(), None, "{name} comes twice");
        value
    }

    pub fn content_length(&self) -> usize {
        self.header("content-length").unwrap().parse().unwrap()
    }

    /// What goes between two parts.
    pub fn boundary(&self) -> &str {
        self.header("content-type").unwrap().strip_prefix("multipart/form-data; boundary=").unwrap()
    }
}

/// A server that reads whole requests, records them, and gives each the same answer.
pub struct FileServer {
    pub server: Server,
    received: Arc<watch::Sender<Vec<Wire>>>,
}

impl FileServer {
    /// A server that answers with status 200 and `body`.
    pub async fn answering(body: &'static str) -> Self {
        Self::ending(Some(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()))).await
    }

    /// A server that sends `answer`, or closes.
    pub async fn ending(answer: Option<String>) -> Self {
        let received = Arc::new(watch::Sender::new(Vec::new()));
        let record = received.clone();
        let server = Server::handling(move |mut stream| {
            let (record, answer) = (record.clone(), answer.clone());
            async move {
                let mut wire = read_request(&mut stream).await;
                if let Some(answer) = answer {
                    let _ = stream.write_all(answer.as_bytes()).await;
                    let _ = stream.read_to_end(&mut wire.surplus).await;
                }
                record.send_modify(|received| received.push(wire));
            }
        })
        .await;
        Self { server, received }
    }

    /// A server that keeps nothing of the bodies that it reads, and answers with status 200 and `body`.
    pub async fn counting(body: &'static str) -> Server {
        Server::handling(move |mut stream| async move {
            read_head(&mut stream).await;
            let mut buffer = vec![0; 64 * 1024];
            let mut last = Vec::new();
            while !last.ends_with(b"--\r\n") {
                let read = stream.read(&mut buffer).await.unwrap();
                last.extend_from_slice(&buffer[..read]);
                last.drain(..last.len().saturating_sub(4));
            }
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            write(&mut stream, &answer).await;
        })
        .await
    }

    /// The only request, once its connection has been closed.
    pub async fn only_request(&self) -> Wire {
        let received = self.settled(1).await;
        assert_eq!(received.len(), 1);
        received[0].clone()
    }

    /// The requests, once there are so many and their connections have been closed.
    pub async fn settled(&self, number: usize) -> Vec<Wire> {
        let mut received = self.received.subscribe();
        received.wait_for(|received| received.len() >= number).await.unwrap().clone()
    }
}

async fn read_request(stream: &mut TcpStream) -> Wire {
    let mut bytes = Vec::new();
    let mut head_end = None;
    while head_end.is_none() && stream.read_buf(&mut bytes).await.is_ok_and(|read| read > 0) {
        head_end = bytes.windows(4).position(|end| end == b"\r\n\r\n");
    }
    let Some(head_end) = head_end else {
        return Wire { head: String::new(), body: bytes, surplus: Vec::new() };
    };
    let body = bytes.split_off(head_end + 4);
    let mut wire = Wire { head: String::from_utf8(bytes).unwrap(), body, surplus: Vec::new() };
    let length = wire.content_length();
    while wire.body.len() < length && stream.read_buf(&mut wire.body).await.is_ok_and(|read| read > 0) {}
    wire.surplus = wire.body.split_off(length.min(wire.body.len()));
    wire
}

/// A server that reads the head and `bytes` of the body, sends `answer`, and then reads no more. It closes, which resets
/// the connection, if `closes`.
pub async fn early(answer: &'static str, bytes: usize, closes: bool) -> Server {
    Server::handling(move |mut stream| async move {
        read_head(&mut stream).await;
        let mut body = vec![0; bytes];
        let _ = stream.read_exact(&mut body).await;
        let _ = stream.write_all(answer.as_bytes()).await;
        if !closes {
            std::future::pending::<()>().await;
        }
    })
    .await
}

/// A request to upload `body`, of `bytes`, with a title and a tag.
pub fn request(bytes: u64, body: ByteStream) -> FileRequest {
    let fields = [("tags", "sea \"two words\" flickrhub:job=job_1"), ("title", "Übung & 1")];
    FileRequest {
        endpoint: Endpoint::Upload,
        fields: fields.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        name: "holiday.jpg".to_owned(),
        content_type: "image/jpeg".to_owned(),
        bytes,
        body,
        deadline: Duration::from_secs(60),
    }
}

pub async fn send(client: &Client<Ports>, request: FileRequest) -> FileAnswer {
    client.send_file(&signing(), request).await
}

/// A file of these chunks.
pub fn of_chunks(chunks: Vec<Bytes>) -> ByteStream {
    Box::pin(stream::iter(chunks.into_iter().map(Ok)))
}

/// A file that comes in chunks of `chunk_bytes` and has `bytes`.
pub fn of_bytes(bytes: u64, chunk_bytes: usize) -> ByteStream {
    let chunk = Bytes::from(vec![b'x'; chunk_bytes]);
    Box::pin(stream::unfold(bytes, move |left| {
        let chunk = chunk.slice(..chunk_bytes.min(usize::try_from(left).unwrap()));
        async move {
            let length = chunk.len() as u64;
            (length > 0).then_some((Ok(chunk), left - length))
        }
    }))
}

/// What is left of a file in memory.
#[derive(Clone, Default)]
pub struct Held(Arc<(AtomicUsize, AtomicUsize)>);

impl Held {
    /// The most bytes that were in memory at once.
    pub fn peak(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }

    fn chunk(&self, bytes: usize) -> Bytes {
        struct Chunk(Vec<u8>, Held);

        impl AsRef<[u8]> for Chunk {
            fn as_ref(&self) -> &[u8] {
                &self.0
            }
        }

        impl Drop for Chunk {
            fn drop(&mut self) {
                self.1.0.0.fetch_sub(self.0.len(), Ordering::SeqCst);
            }
        }

        let now = self.0.0.fetch_add(bytes, Ordering::SeqCst) + bytes;
        self.0.1.fetch_max(now, Ordering::SeqCst);
        Bytes::from_owner(Chunk(vec![b'x'; bytes], self.clone()))
    }

    /// A file of so many chunks, each in memory of its own.
    pub fn file(&self, chunks: usize, chunk_bytes: usize) -> ByteStream {
        let held = self.clone();
        Box::pin(stream::iter((0..chunks).map(move |_| Ok(held.chunk(chunk_bytes)))))
    }
}

/// A file whose chunks never end, and whether it is still held.
pub fn endless(first: Vec<ports::Result<Bytes>>) -> (ByteStream, Arc<AtomicBool>) {
    struct Released(Arc<AtomicBool>);

    impl Drop for Released {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }

    let released = Arc::new(AtomicBool::new(false));
    let held = Released(released.clone());
    let file = stream::unfold((first.into_iter(), held), |(mut first, held)| async move {
        match first.next() {
            Some(chunk) => Some((chunk, (first, held))),
            None => std::future::pending().await,
        }
    });
    (Box::pin(file), released)
}
