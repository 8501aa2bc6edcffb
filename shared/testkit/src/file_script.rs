//! What a scripted Flickr is told to do with files, and those that it got.

use std::collections::VecDeque;

use bytes::Bytes;
use domain::{
    outcome::Outcome,
    upload::{Endpoint, FoundPhoto, PhotoVersion, TicketState, UploadAllowance},
};
use hub::ports::FileAnswer;

/// A file as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentFile {
    pub endpoint: Endpoint,
    pub fields: Vec<(String, String)>,
    pub name: String,
    pub content_type: String,
    pub bytes: Bytes,
}

impl SentFile {
    /// The value of a field.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

/// What Flickr does with files, and those that it got.
#[derive(Default)]
pub(crate) struct FileScript {
    pub(crate) answers: VecDeque<FileAnswer>,
    pub(crate) found: VecDeque<FoundPhoto>,
    pub(crate) tickets: VecDeque<TicketState>,
    pub(crate) versions: VecDeque<PhotoVersion>,
    pub(crate) allowances: VecDeque<(Outcome, Option<UploadAllowance>)>,
    pub(crate) sent: Vec<SentFile>,
    pub(crate) questions: usize,
}
