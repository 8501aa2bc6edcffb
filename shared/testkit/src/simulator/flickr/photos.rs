//! The photos that the simulated Flickr has, and what has yet to become of the files that it got.
//!
//! Flickr does with a file what it does at the time at which it acts, which may be minutes after it has answered with an
//! error: only then it compares the bytes with those that it knows.

use std::{collections::BTreeMap, time::Duration};

use bytes::Bytes;
use domain::{
    Timestamp,
    upload::{DedupCheck, FoundPhoto, PhotoVersion, TicketState, Uploaded},
};

use super::applied_write::AppliedWrite;
use crate::random::Random;

/// How long Flickr's index may lag behind what it did, in milliseconds.
pub(super) const INDEX_LAG_MILLISECONDS: u64 = 60_000;

/// How long Flickr may not know the bytes of a new photo, in milliseconds: within what
/// [`domain::upload::FileRules::dedup_lag`] assumes, though clocks differ.
const DEDUP_LAG_MILLISECONDS: u64 = 590_000;

/// How long after a photo is there its owner may delete it, in milliseconds.
const DELETION_MILLISECONDS: u64 = 3_600_000;

/// A photo.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Photo {
    pub(crate) id: String,
    /// Whose: the account's token.
    pub(crate) owner: String,
    pub(crate) tags: String,
    /// Its files, each from when it is there: the first, and those that took its place.
    pub(crate) files: Vec<(Timestamp, Bytes)>,
    /// When it is there: a deleted photo can come back.
    pub(crate) lives: Vec<Life>,
    /// From when on its bytes are known as those of a photo.
    known_at: Timestamp,
    /// From when on it is found.
    found_at: Timestamp,
}

/// A time in which a photo is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) from: Timestamp,
    /// When its owner deletes it, if that happens.
    pub(crate) until: Option<Timestamp>,
}

impl Life {
    /// Whether any of it is between two times.
    pub(crate) fn meets(&self, from: Timestamp, until: Timestamp) -> bool {
        self.from <= until && self.until.is_none_or(|end| end > from)
    }
}

impl Photo {
    /// A photo that its owner had before, known and found since long.
    pub(crate) fn of_old(id: String, owner: String, bytes: Bytes, life: Life) -> Self {
        let Life { from, .. } = life;
        let (files, lives) = (vec![(from, bytes)], vec![life]);
        Self { id, owner, tags: String::new(), files, lives, known_at: from, found_at: from }
    }

    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        self.tags.split(' ').any(|own| own == tag)
    }

    pub(crate) fn has_had(&self, bytes: &Bytes) -> bool {
        self.files.iter().any(|(_, file)| file == bytes)
    }

    fn lives_at(&self, now: Timestamp) -> bool {
        self.lives.iter().any(|life| life.meets(now, now))
    }
}

/// What chance has in store for a file, drawn when it comes.
#[derive(Debug, Clone)]
pub(super) struct Chances {
    index_lag: Duration,
    dedup_lag: Duration,
    deleted_after: Option<Duration>,
    ticket: TicketFate,
}

/// What becomes of a ticket.
#[derive(Debug, Clone)]
struct TicketFate {
    /// For how many questions it is pending.
    pending: u32,
    end: TicketEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TicketEnd {
    Done,
    Failed,
    /// It is not known, and there is no photo.
    Lost,
    /// It is not known, and the photo is there.
    LostWithPhoto,
}

impl Chances {
    /// `deletions_per_mille` says how many photos in a thousand their owners delete; `faults_per_mille` how many tickets
    /// end otherwise than with a photo.
    pub(super) fn draw(random: &mut Random, deletions_per_mille: u64, faults_per_mille: u64) -> Self {
        let deleted_after = random.milliseconds(10_000, DELETION_MILLISECONDS);
        let end = *random.pick(&[TicketEnd::Failed, TicketEnd::Lost, TicketEnd::LostWithPhoto]);
        let is_endless = random.per_mille(faults_per_mille / 10);
        let pending = u32::try_from(random.below(5)).unwrap_or(0);
        Self {
            index_lag: random.milliseconds(0, INDEX_LAG_MILLISECONDS),
            dedup_lag: random.milliseconds(0, DEDUP_LAG_MILLISECONDS),
            deleted_after: random.per_mille(deletions_per_mille).then_some(deleted_after),
            ticket: TicketFate {
                pending: if is_endless { u32::MAX } else { pending },
                end: if random.per_mille(faults_per_mille) { end } else { TicketEnd::Done },
            },
        }
    }

    fn life(&self, from: Timestamp) -> Life {
        Life { from, until: self.deleted_after.map(|length| from + length) }
    }
}

/// A file that Flickr has got whole, and will act on.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    /// When Flickr acts.
    pub(super) at: Timestamp,
    /// Whose: the account's token.
    pub(super) owner: String,
    /// By what its job is known.
    pub(super) marker: String,
    pub(super) bytes: Bytes,
    pub(super) purpose: Purpose,
    pub(super) chances: Chances,
}

/// What a file is sent for.
#[derive(Debug, Clone)]
pub(super) enum Purpose {
    Upload { tags: String, dedup_check: DedupCheck, is_async: bool },
    Replace { photo_id: String },
}

/// The photos of all accounts.
#[derive(Debug, Default)]
pub(super) struct Photos {
    photos: Vec<Photo>,
    tickets: BTreeMap<String, (TicketFate, String)>,
    arrivals: Vec<(usize, Arrival)>,
    answers: BTreeMap<usize, Uploaded>,
    arrived: usize,
    /// Whether a deleted original is called a living one: a rule broken on purpose.
    hides_deletion: bool,
}

impl Photos {
    /// None yet. `hides_deletion` has a deleted original called a living one.
    pub(super) fn new(hides_deletion: bool) -> Self {
        Self { hides_deletion, ..Self::default() }
    }

    pub(super) fn add(&mut self, photo: Photo) {
        self.photos.push(photo);
    }

    pub(super) fn all(&self) -> &[Photo] {
        &self.photos
    }

    /// Takes a file that Flickr will act on: the number under which [`Photos::answer`] gives what came of it.
    pub(super) fn receive(&mut self, arrival: Arrival) -> usize {
        self.arrived += 1;
        self.arrivals.push((self.arrived, arrival));
        self.arrived
    }

    /// What came of a file, once Flickr has acted on it.
    pub(super) fn answer(&self, number: usize) -> Option<Uploaded> {
        self.answers.get(&number).cloned()
    }

    /// Acts on the files whose time has come, in their order: the writes that took effect.
    pub(super) fn act(&mut self, now: Timestamp) -> Vec<AppliedWrite> {
        let mut due: Vec<_> = self.arrivals.extract_if(.., |(_, arrival)| arrival.at <= now).collect();
        due.sort_by_key(|(number, arrival)| (arrival.at, *number));
        let mut writes = Vec::new();
        for (number, arrival) in due {
            let write = AppliedWrite { marker: arrival.marker.clone(), at: arrival.at };
            if let Some(answer) = self.act_on(arrival) {
                writes.extend((!matches!(answer, Uploaded::Duplicate { .. })).then_some(write));
                self.answers.insert(number, answer);
            }
        }
        writes
    }

    fn act_on(&mut self, arrival: Arrival) -> Option<Uploaded> {
        let Arrival { at, owner, bytes, purpose, chances, .. } = arrival;
        match purpose {
            Purpose::Replace { photo_id } => {
                let photo = self.photos.iter_mut().find(|photo| photo.id == photo_id && photo.owner == owner)?;
                photo.files.push((at, bytes));
                Some(Uploaded::Photo(photo_id))
            }
            Purpose::Upload { tags, dedup_check, is_async } => {
                if dedup_check != DedupCheck::Off
                    && let Some(answer) = self.same_bytes(&owner, &bytes, at, dedup_check, &chances)
                {
                    return Some(answer);
                }
                let id = (self.photos.len() + 1).to_string();
                let photo = Photo {
                    id: id.clone(),
                    owner,
                    tags,
                    files: vec![(at, bytes)],
                    lives: vec![chances.life(at)],
                    known_at: at + chances.dedup_lag,
                    found_at: at + chances.index_lag,
                };
                Some(if is_async { self.give_ticket(photo, chances.ticket) } else { self.make(photo) })
            }
        }
    }

    /// What Flickr makes of bytes that it knows of a photo of the owner's; `None` where it knows none.
    fn same_bytes(
        &mut self,
        owner: &str,
        bytes: &Bytes,
        at: Timestamp,
        dedup_check: DedupCheck,
        chances: &Chances,
    ) -> Option<Uploaded> {
        let is_known = |photo: &&mut Photo| {
            let file = photo.files.iter().rfind(|(from, _)| *from <= at);
            photo.owner == owner && photo.known_at <= at && file.is_some_and(|(_, file)| file == bytes)
        };
        let known: Vec<&mut Photo> = self.photos.iter_mut().filter(is_known).collect();
        // The first, if none is there.
        let photo = known.into_iter().reduce(|one, other| if other.lives_at(at) { other } else { one })?;
        let (id, is_deleted) = (photo.id.clone(), !photo.lives_at(at));
        if is_deleted && dedup_check == DedupCheck::Restore {
            photo.lives.push(chances.life(at));
            return Some(Uploaded::Photo(id));
        }
        Some(Uploaded::Duplicate { photo_id: Some(id), is_deleted: is_deleted && !self.hides_deletion })
    }

    fn make(&mut self, photo: Photo) -> Uploaded {
        let id = photo.id.clone();
        self.photos.push(photo);
        Uploaded::Photo(id)
    }

    fn give_ticket(&mut self, photo: Photo, fate: TicketFate) -> Uploaded {
        let (ticket, id) = (format!("1-{}", self.tickets.len()), photo.id.clone());
        if matches!(fate.end, TicketEnd::Done | TicketEnd::LostWithPhoto) {
            self.make(photo);
        }
        self.tickets.insert(ticket.clone(), (fate, id));
        Uploaded::Ticket(ticket)
    }

    /// What a ticket says. Each question brings it nearer to its end.
    pub(super) fn ask_ticket(&mut self, ticket: &str) -> TicketState {
        let Some((fate, photo_id)) = self.tickets.get_mut(ticket) else { return TicketState::Lost };
        if fate.pending > 0 {
            fate.pending = fate.pending.saturating_sub(u32::from(fate.pending < u32::MAX));
            return TicketState::Pending;
        }
        match fate.end {
            TicketEnd::Done => TicketState::Done(photo_id.clone()),
            TicketEnd::Failed => TicketState::Failed,
            TicketEnd::Lost | TicketEnd::LostWithPhoto => TicketState::Lost,
        }
    }

    /// The photo of this owner with this machine tag, as a search finds it. `counts` says whether the search counts what
    /// it does not show yet.
    pub(super) fn find(&self, owner: &str, tag: &str, counts: bool, now: Timestamp) -> FoundPhoto {
        let is_it = |photo: &&Photo| photo.owner == owner && photo.has_tag(tag) && photo.lives_at(now);
        match self.photos.iter().find(is_it) {
            Some(photo) if photo.found_at <= now => FoundPhoto::Found(photo.id.clone()),
            Some(_) if counts => FoundPhoto::NotKnownYet,
            Some(_) | None => FoundPhoto::None,
        }
    }

    /// Which file a photo has.
    pub(super) fn version(&self, photo_id: &str) -> Option<PhotoVersion> {
        let photo = self.photos.iter().find(|photo| photo.id == photo_id)?;
        let (at, _) = photo.files.last()?;
        let secret = format!("{}-{}", photo.id, photo.files.len());
        Some(PhotoVersion { secret, last_update: at.as_seconds().to_string() })
    }
}
