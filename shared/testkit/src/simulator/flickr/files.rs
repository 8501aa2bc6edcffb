//! What the simulated Flickr does with files.

use bytes::Bytes;
use domain::{
    Timestamp,
    job::Target,
    outcome::{Class, Outcome},
    upload::{FoundPhoto, PhotoVersion, TicketState, Uploaded},
};
use futures_util::StreamExt;
use hub::ports::{Clock, FileAnswer, FileRequest, FlickrFiles, Signing};

use super::{Behaviour, SimulatedFlickr};

/// The photos of all accounts.
#[derive(Debug, Default)]
pub(super) struct Photos(Vec<Photo>);

/// A photo, from when it is there.
#[derive(Debug, Clone)]
pub(super) struct Photo {
    /// Whose: the account's token.
    owner: String,
    bytes: Bytes,
    tags: String,
    at: Timestamp,
}

impl Photos {
    fn add(&mut self, photo: Photo) -> String {
        self.0.push(photo);
        self.0.len().to_string()
    }

    /// The photo of this owner with this machine tag, as one sees it `now`.
    fn tagged(&self, owner: &str, tag: &str, now: Timestamp) -> Option<String> {
        let is_it = |photo: &Photo| photo.owner == owner && photo.at <= now && photo.tags.split(' ').any(|t| t == tag);
        self.0.iter().position(is_it).map(|index| (index + 1).to_string())
    }

    /// The photo of this owner with these bytes.
    fn same_bytes(&self, owner: &str, bytes: &Bytes, now: Timestamp) -> Option<String> {
        let is_it = |photo: &Photo| photo.owner == owner && photo.at <= now && photo.bytes == *bytes;
        self.0.iter().position(is_it).map(|index| (index + 1).to_string())
    }
}

impl FlickrFiles for SimulatedFlickr {
    async fn send_file(&self, signing: &Signing, request: FileRequest) -> FileAnswer {
        let FileRequest { fields, mut body, .. } = request;
        let field = |name: &str| {
            let found = fields.iter().find(|(field, _)| field == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let mut bytes = Vec::new();
        while let Some(chunk) = body.next().await {
            match chunk {
                Ok(chunk) => bytes.extend_from_slice(&chunk),
                Err(error) => {
                    return FileAnswer { outcome: Outcome::new(Class::Transient, error.to_string()), uploaded: None };
                }
            }
        }
        let (behaviour, latency) = self.behaviour(signing, &field("title"));
        let half = latency / 2;
        self.world.sleep(half).await;
        let now = self.world.now();
        let photo = Photo {
            owner: signing.token.token().to_owned(),
            bytes: bytes.into(),
            tags: field("tags"),
            at: if behaviour == Behaviour::FailsAndActsLater { now + 60 * half } else { now },
        };
        let uploaded = {
            let mut state = self.state();
            let acts = behaviour.acts_at_once() || behaviour == Behaviour::FailsAndActsLater;
            let same = state.photos.same_bytes(&photo.owner, &photo.bytes, now);
            match same.filter(|_| !field("dedup_check").is_empty()) {
                Some(id) if acts => Some(Uploaded::Duplicate { photo_id: Some(id), is_deleted: false }),
                _ => acts.then(|| Uploaded::Photo(state.photos.add(photo))),
            }
        };
        let rest = if behaviour.hangs() { Target::Upload.timing().call_deadline - half } else { half };
        self.world.sleep(rest).await;
        let class = behaviour.class(!self.conditions.hides_doubt);
        let uploaded = uploaded.filter(|_| class == Class::Done);
        FileAnswer { outcome: Outcome::new(class, format!("{behaviour:?}")), uploaded }
    }

    async fn find_photo(&self, signing: &Signing, machine_tag: &str) -> (Outcome, FoundPhoto) {
        let (behaviour, latency) = self.behaviour(signing, machine_tag);
        self.world.sleep(latency).await;
        let outcome = Outcome::new(behaviour.class(false), format!("{behaviour:?}"));
        if behaviour != Behaviour::Acts {
            return (outcome, FoundPhoto::NotKnownYet);
        }
        let found = self.state().photos.tagged(signing.token.token(), machine_tag, self.world.now());
        (outcome, found.map_or(FoundPhoto::None, FoundPhoto::Found))
    }

    async fn check_tickets(&self, signing: &Signing, tickets: &[String]) -> (Outcome, Vec<(String, TicketState)>) {
        let (behaviour, latency) = self.behaviour(signing, "tickets");
        self.world.sleep(latency).await;
        let states = tickets.iter().map(|ticket| (ticket.clone(), TicketState::Lost)).collect();
        (Outcome::new(behaviour.class(false), format!("{behaviour:?}")), states)
    }

    async fn photo_version(&self, signing: &Signing, photo_id: &str) -> (Outcome, Option<PhotoVersion>) {
        let (behaviour, latency) = self.behaviour(signing, photo_id);
        self.world.sleep(latency).await;
        (Outcome::new(behaviour.class(false), format!("{behaviour:?}")), None)
    }
}
