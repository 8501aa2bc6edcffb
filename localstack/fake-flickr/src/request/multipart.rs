//! Reads a multipart body part by part. A file is hashed as it streams in and is never held in memory.

use axum::extract::multipart::{Field, Multipart, MultipartError};
use axum::extract::{FromRequest as _, Request};
use ring::digest;

use super::head::PartHead;
use super::pace::{Pace, Pacer, Stopped};

pub(super) const MAX_TEXT_BYTES: usize = 16 << 20;
/// The length of a file's head, from which its kind is detected.
const HEAD_BYTES: usize = 16;

#[derive(Clone, Debug)]
pub(crate) struct FilePart {
    pub name: String,
    /// The part's own Content-Type.
    pub content_type: Option<String>,
    pub bytes: u64,
    pub sha256: String,
    pub head: Vec<u8>,
}

/// What was read of a body.
#[derive(Default)]
pub(super) struct Content {
    pub pairs: Vec<(String, String)>,
    pub file: Option<FilePart>,
    pub parts: Vec<PartHead>,
    /// Why it is not all.
    pub error: Option<BodyError>,
}

/// Why a body is not read to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// The client stopped sending, or the server stopped reading on purpose.
    Cut,
    /// This is wrong with it.
    Malformed(&'static str),
}

impl From<MultipartError> for BodyError {
    fn from(_: MultipartError) -> Self {
        Self::Malformed("the multipart body was cut short or malformed")
    }
}

impl From<Stopped> for BodyError {
    fn from(_: Stopped) -> Self {
        Self::Cut
    }
}

/// Reads a body of `length` bytes. `choose_pace` is asked when the photo begins, with the texts that came before it.
pub(super) async fn read(request: Request, length: u64, choose_pace: impl Fn(&[(String, String)]) -> Pace) -> Content {
    let mut content = Content::default();
    content.error = content.take(request, length, choose_pace).await.err();
    content
}

impl Content {
    async fn take(
        &mut self,
        request: Request,
        length: u64,
        choose_pace: impl Fn(&[(String, String)]) -> Pace,
    ) -> Result<(), BodyError> {
        let parts = Multipart::from_request(request, &()).await;
        let mut parts = parts.map_err(|_| BodyError::Malformed("the multipart body has no boundary"))?;
        let mut text_bytes = 0;
        while let Some(field) = parts.next_field().await? {
            let name = field.name().unwrap_or_default().to_owned();
            let head = PartHead::new(field.headers());
            if name == "photo" || field.file_name().is_some() {
                let pace = if name == "photo" { choose_pace(&self.pairs) } else { Pace::Full };
                let file = read_file(field, Pacer::new(pace, length)).await?;
                self.parts.push(head.before(file.bytes));
                if name == "photo" {
                    self.file = Some(file);
                }
                continue;
            }
            let text = read_text(field, MAX_TEXT_BYTES - text_bytes).await?;
            text_bytes += text.len();
            self.parts.push(head.before(text.len() as u64));
            self.pairs.push((name, String::from_utf8_lossy(&text).into_owned()));
        }
        Ok(())
    }
}

async fn read_text(mut field: Field<'_>, max_bytes: usize) -> Result<Vec<u8>, BodyError> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await? {
        text.extend_from_slice(&chunk);
        if text.len() > max_bytes {
            return Err(BodyError::Malformed("the text fields are too large"));
        }
    }
    Ok(text)
}

async fn read_file(mut field: Field<'_>, mut pacer: Pacer) -> Result<FilePart, BodyError> {
    let name = field.file_name().unwrap_or_default().to_owned();
    let content_type = field.content_type().map(str::to_owned);
    // Its assembler code is fast in a debug build, too.
    let mut hash = digest::Context::new(&digest::SHA256);
    let mut bytes = 0;
    let mut head = Vec::with_capacity(HEAD_BYTES);
    while let Some(chunk) = field.chunk().await? {
        hash.update(&chunk);
        bytes += chunk.len() as u64;
        head.extend(chunk.iter().take(HEAD_BYTES - head.len()));
        pacer.advance(chunk.len() as u64).await?;
    }
    pacer.end().await?;
    Ok(FilePart { name, content_type, bytes, sha256: hex::encode(hash.finish()), head })
}
