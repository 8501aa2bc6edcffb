//! URLs with files, as a test sets them.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture, stream};
use hub::ports::{self, SourceFailure, SourceFile, Sources};

/// URLs with files. A clone has the same.
#[derive(Clone, Default)]
pub struct ScriptedSources(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    files: BTreeMap<String, (Option<String>, Bytes)>,
    failures: VecDeque<SourceFailure>,
    /// After how many bytes the next file breaks off.
    breaks_after: Option<usize>,
    opened: usize,
}

impl ScriptedSources {
    /// Puts a file at a URL.
    pub fn put(&self, url: &str, content_type: Option<&str>, bytes: impl Into<Bytes>) {
        self.script().files.insert(url.to_owned(), (content_type.map(str::to_owned), bytes.into()));
    }

    /// Has the next request fail.
    pub fn fail(&self, message: &str, is_transient: bool) {
        self.script().failures.push_back(SourceFailure { message: message.to_owned(), is_transient });
    }

    /// Has the next file break off after so many bytes.
    pub fn break_after(&self, bytes: usize) {
        self.script().breaks_after = Some(bytes);
    }

    /// How often a file was asked for.
    pub fn opened(&self) -> usize {
        self.script().opened
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answer(&self, url: &str) -> Result<SourceFile, SourceFailure> {
        let mut script = self.script();
        script.opened += 1;
        if let Some(failure) = script.failures.pop_front() {
            return Err(failure);
        }
        let not_found = || SourceFailure { message: "the server answered 404".to_owned(), is_transient: false };
        let (content_type, bytes) = script.files.get(url).cloned().ok_or_else(not_found)?;
        let length = Some(bytes.len() as u64);
        let chunks = match script.breaks_after.take() {
            Some(after) => vec![
                Ok(bytes.slice(..after.min(bytes.len()))),
                Err(ports::Error::unavailable("fetching a file", "it broke off")),
            ],
            None => bytes.chunks(1024).map(|chunk| Ok(bytes.slice_ref(chunk))).collect(),
        };
        Ok(SourceFile { content_type, bytes: length, body: Box::pin(stream::iter(chunks)) })
    }
}

impl Sources for ScriptedSources {
    fn open<'a>(&'a self, url: &'a str, _: u64) -> BoxFuture<'a, Result<SourceFile, SourceFailure>> {
        async { self.answer(url) }.boxed()
    }
}
