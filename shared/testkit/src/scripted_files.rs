//! What a scripted Flickr does with files.

use domain::{
    outcome::{Class, Outcome},
    upload::{FoundPhoto, PhotoVersion, TicketState, UploadAllowance, Uploaded},
};
use futures_util::StreamExt;
use hub::ports::{FileAnswer, FileRequest, FlickrFiles, Signing};

use crate::{
    file_script::SentFile,
    scripted_flickr::{ScriptedFlickr, done},
};

impl ScriptedFlickr {
    /// The photo that becomes of a file where nothing else was set.
    pub const PHOTO_ID: &'static str = "53900000001";

    /// Has the next file come to this; after it each is the photo [`ScriptedFlickr::PHOTO_ID`].
    pub fn answer_file(&self, outcome: Outcome, uploaded: Option<Uploaded>) {
        self.script().files.answers.push_back(FileAnswer { outcome, uploaded });
    }

    /// Has the next searches for a photo come to this; after them each finds [`ScriptedFlickr::PHOTO_ID`].
    pub fn find(&self, found: impl IntoIterator<Item = FoundPhoto>) {
        self.script().files.found.extend(found);
    }

    /// Has the next questions for a ticket come to this; after them each is [`ScriptedFlickr::PHOTO_ID`].
    pub fn answer_tickets(&self, states: impl IntoIterator<Item = TicketState>) {
        self.script().files.tickets.extend(states);
    }

    /// Has the next questions for a photo's version come to these secrets; after them each is `first`.
    pub fn answer_versions<'a>(&self, secrets: impl IntoIterator<Item = &'a str>) {
        self.script().files.versions.extend(secrets.into_iter().map(version));
    }

    /// Has the next question what an account may upload come to this; after it each says nothing.
    pub fn answer_allowance(&self, outcome: Outcome, allowance: Option<UploadAllowance>) {
        self.script().files.allowances.push_back((outcome, allowance));
    }

    /// The files that came so far.
    pub fn sent_files(&self) -> Vec<SentFile> {
        self.script().files.sent.clone()
    }

    /// How often it was asked what became of a file, or which one a photo has.
    pub fn file_questions(&self) -> usize {
        self.script().files.questions
    }
}

fn version(secret: &str) -> PhotoVersion {
    PhotoVersion { secret: secret.to_owned(), last_update: "1".to_owned() }
}

impl FlickrFiles for ScriptedFlickr {
    async fn send_file(&self, _: &Signing, request: FileRequest) -> FileAnswer {
        let FileRequest { endpoint, fields, name, content_type, bytes, mut body, .. } = request;
        let mut taken = Vec::new();
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => taken.extend_from_slice(&chunk),
                Err(error) => {
                    return FileAnswer { outcome: Outcome::new(Class::Transient, error.to_string()), uploaded: None };
                }
            }
        }
        let mut script = self.script();
        assert_eq!(taken.len() as u64, bytes, "the length is known to the byte");
        script.files.sent.push(SentFile { endpoint, fields, name, content_type, bytes: taken.into() });
        let photo = || FileAnswer { outcome: done(), uploaded: Some(Uploaded::Photo(Self::PHOTO_ID.to_owned())) };
        script.files.answers.pop_front().unwrap_or_else(photo)
    }

    async fn find_photo(&self, _: &Signing, _: &str) -> (Outcome, FoundPhoto) {
        let mut script = self.script();
        script.files.questions += 1;
        let found = script.files.found.pop_front();
        (done(), found.unwrap_or_else(|| FoundPhoto::Found(Self::PHOTO_ID.to_owned())))
    }

    async fn check_tickets(&self, _: &Signing, tickets: &[String]) -> (Outcome, Vec<(String, TicketState)>) {
        let mut script = self.script();
        script.files.questions += 1;
        let mut state = || {
            let next = script.files.tickets.pop_front();
            next.unwrap_or_else(|| TicketState::Done(Self::PHOTO_ID.to_owned()))
        };
        (done(), tickets.iter().map(|ticket| (ticket.clone(), state())).collect())
    }

    async fn upload_allowance(&self, _: &Signing) -> (Outcome, Option<UploadAllowance>) {
        let mut script = self.script();
        script.files.questions += 1;
        script.files.allowances.pop_front().unwrap_or_else(|| (done(), Some(UploadAllowance::default())))
    }

    async fn photo_version(&self, _: &Signing, _: &str) -> (Outcome, Option<PhotoVersion>) {
        let mut script = self.script();
        script.files.questions += 1;
        let next = script.files.versions.pop_front();
        (done(), Some(next.unwrap_or_else(|| version("first"))))
    }
}
