//! What Flickr says of a file that it got.

use serde::{Deserialize, Serialize};

use crate::JobId;

/// Where a file is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    /// A new photo is made of it.
    Upload,
    /// It takes the place of a photo's file.
    Replace,
}

/// What became of a file that Flickr took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Uploaded {
    /// It is this photo or video.
    Photo(String),
    /// Flickr works on it; the ticket tells what becomes of it.
    Ticket(String),
    /// The account had the same bytes before, and nothing was made.
    Duplicate {
        /// The photo that has them; `None` where Flickr does not say.
        photo_id: Option<String>,
        /// Whether that photo was deleted: then the account does not hold the bytes.
        is_deleted: bool,
    },
}

/// What a ticket says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TicketState {
    /// Flickr still works on the file.
    Pending,
    /// It is this photo or video.
    Done(String),
    /// Flickr could not make a photo of it.
    Failed,
    /// Flickr does not know the ticket: the photo may exist.
    Lost,
}

impl TicketState {
    /// Whether it says what became of the file, and never says anything else.
    pub const fn decides(&self) -> bool {
        matches!(self, TicketState::Done(_) | TicketState::Failed)
    }
}

/// What a search for the photo of a job found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoundPhoto {
    /// This one.
    Found(String),
    /// None. The index may lag.
    None,
    /// A number without a photo: it is not known yet.
    NotKnownYet,
}

/// Which file a photo has. Flickr gives a photo new secrets when its file is replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhotoVersion {
    pub secret: String,
    /// Seconds since 1970-01-01T00:00:00Z, as Flickr gives them.
    pub last_update: String,
}

/// The machine tag of the photo that a job makes.
pub fn machine_tag(job: &JobId) -> String {
    format!("flickrhub:job={job}")
}
