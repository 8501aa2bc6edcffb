//! Photos: with deduplication an account never has two photos of the same bytes, and has one once an upload of them is
//! completed; without, each completed upload has one of its own. What failed left none, or says that it does not know.
//! A photo that is replaced has the file of the last job that did it.
//!
//! Owners delete photos: what they deleted is not missed.

use bytes::Bytes;
use domain::{
    Timestamp,
    job::{CLOCK_SKEW, FailureCode, Job, Phase, StoredResult, Work},
    upload::{DedupCheck, machine_tag},
};

use super::final_state::FinalState;
use crate::{
    build,
    simulator::{
        file_counts::FileCounts,
        flickr::{Life, Photo, marker_of},
    },
};

/// A job that sends a file, and what is known of it.
struct Sender<'a> {
    job: &'a Job,
    /// The account's token.
    owner: String,
    tag: String,
    bytes: &'a Bytes,
    /// The photo that it replaces.
    replaced: Option<&'a str>,
    is_deduplicated: bool,
}

impl<'a> Sender<'a> {
    fn of(state: &'a FinalState, job: &'a Job) -> Option<Self> {
        let bytes = state.files.get(&job.upload_id()?)?;
        let is_deduplicated = match &job.spec.work {
            Work::Upload(call) => call.fields.dedup_check() != Some(DedupCheck::Off),
            Work::Rest(_) | Work::Replace(_) => false,
        };
        let (owner, tag) = (build::token_of(&job.spec.account.user), machine_tag(&job.id));
        Some(Self { job, owner, tag, bytes, replaced: job.spec.work.replaced_photo(), is_deduplicated })
    }

    fn all(state: &'a FinalState) -> impl Iterator<Item = Self> {
        state.jobs.iter().filter_map(|job| Self::of(state, job))
    }

    /// Whether the photo is what the job made.
    fn made(&self, photo: &Photo) -> bool {
        match self.replaced {
            Some(id) => photo.id == id && photo.has_had(self.bytes),
            None => photo.has_tag(&self.tag),
        }
    }

    /// The photo that the job's result names.
    fn named_photo(&self, state: &'a FinalState) -> Option<&'a Photo> {
        let id = result_of(self.job)?["photo_id"].as_str()?.to_owned();
        state.photos.iter().find(|photo| photo.id == id)
    }
}

fn result_of(job: &Job) -> Option<serde_json::Value> {
    match &job.state.phase {
        Phase::Completed { result: StoredResult::Inline(text), .. } => serde_json::from_str(text).ok(),
        _ => None,
    }
}

pub(super) fn no_account_has_the_same_twice(state: &FinalState) -> Vec<String> {
    let (deduplicated, others): (Vec<Sender<'_>>, Vec<Sender<'_>>) =
        Sender::all(state).partition(|sender| sender.is_deduplicated);
    let may_be_a_double = |photo: &Photo| others.iter().any(|sender| sender.made(photo));
    let held: Vec<&Photo> = state.photos.iter().filter(|photo| !may_be_a_double(photo)).collect();
    let lives = |sender: &Sender<'_>| {
        let same = held.iter().filter(|photo| photo.owner == sender.owner && photo.has_had(sender.bytes));
        let mut lives: Vec<(Life, &str)> =
            same.flat_map(|photo| photo.lives.iter().map(|life| (*life, photo.id.as_str()))).collect();
        lives.sort_by_key(|(life, _)| life.from);
        lives
    };
    let doubles = deduplicated.iter().filter_map(|sender| {
        let lives = lives(sender);
        let [(_, one), (life, other)] =
            lives.array_windows().find(|[(one, _), (other, _)]| one.meets(other.from, other.from))?;
        Some(format!(
            "{} are the same photo, both there at {}: {}",
            [*one, *other].join(" and "),
            life.from,
            sender.job.id
        ))
    });
    doubles.collect()
}

pub(super) fn what_is_completed_is_there(state: &FinalState) -> Vec<String> {
    Sender::all(state).filter_map(|sender| missing(state, &sender)).collect()
}

/// When the run of a job ended that was completed: by no worker's clock.
fn completed_at(state: &FinalState, job: &Job) -> Option<Timestamp> {
    let ended_at = state.history.ended_at.get(&job.id)?.last()?;
    matches!(job.state.phase, Phase::Completed { .. }).then_some(*ended_at)
}

/// What a completed job has not come to.
fn missing(state: &FinalState, sender: &Sender<'_>) -> Option<String> {
    let Sender { job, owner, bytes, .. } = sender;
    let ended_at = completed_at(state, job)?;
    let Some(photo) = sender.named_photo(state) else {
        return Some(format!("{} is completed, and names no photo: {:?}", job.id, job.state.phase));
    };
    let was_there = photo.lives.iter().any(|life| life.meets(job.created_at.before(CLOCK_SKEW), ended_at));
    if photo.owner != *owner || !photo.has_had(bytes) || !was_there {
        return Some(format!("{} is completed, and was not there: {photo:?}", job.id));
    }
    let made = state.photos.iter().filter(|photo| sender.made(photo)).count();
    let is_forced = state.forced.contains(&marker_of(&job.spec.work));
    let is_right = sender.is_deduplicated || (made == 1 || (made > 1 && is_forced)) && sender.made(photo);
    (!is_right).then(|| format!("{} is completed, and made {made} photos", job.id))
}

pub(super) fn what_failed_left_nothing(state: &FinalState) -> Vec<String> {
    Sender::all(state).filter_map(|sender| left(state, &sender)).collect()
}

/// What a job left that did not complete, and does not say so.
fn left(state: &FinalState, sender: &Sender<'_>) -> Option<String> {
    let Sender { job, .. } = sender;
    if says_unknown(job) || matches!(job.state.phase, Phase::Completed { .. }) {
        return None;
    }
    let is_there = |photo: &&Photo| photo.lives.iter().any(|life| life.meets(state.now, state.now));
    let photo = state.photos.iter().filter(|photo| sender.made(photo)).find(is_there)?;
    Some(format!("{} ended as {:?}, and left {photo:?}", job.id, job.state))
}

/// A photo has in the end the file of the job that completed last, unless another does not know what became of its own.
pub(super) fn the_last_replace_stands(state: &FinalState) -> Vec<String> {
    let replaces: Vec<Sender<'_>> = Sender::all(state).filter(|sender| sender.replaced.is_some()).collect();
    let overwritten = |photo: &Photo| {
        let of_photo = || replaces.iter().filter(|sender| sender.replaced == Some(&photo.id));
        let completed = of_photo().filter_map(|sender| Some((completed_at(state, sender.job)?, sender)));
        let (_, last) = completed.max_by_key(|(at, _)| *at)?;
        let (_, file) = photo.files.last()?;
        let is_unknown = || of_photo().any(|sender| sender.bytes == file && says_unknown(sender.job));
        let stands = last.bytes == file || is_unknown();
        (!stands).then(|| format!("{} completed last, and {photo:?} has another file", last.job.id))
    };
    state.photos.iter().filter_map(overwritten).collect()
}

/// Whether the end of a job says that its photo may be there.
fn says_unknown(job: &Job) -> bool {
    match &job.state.phase {
        Phase::Failed { failure, .. } => failure.code == FailureCode::OutcomeUnknown,
        Phase::Dead { failure, .. } => failure.code == FailureCode::OutcomeUnknown || job.state.in_doubt,
        _ => false,
    }
}

/// What became of files, as far as the final state tells.
pub(crate) fn counts(state: &FinalState) -> FileCounts {
    let of = |sender: &Sender<'_>| state.accepted.contains(&sender.job.id);
    let senders: Vec<Sender<'_>> = Sender::all(state).filter(of).collect();
    let count = |is_one: &dyn Fn(&Sender<'_>) -> bool| senders.iter().filter(|sender| is_one(sender)).count() as u64;
    let is_duplicate = |job: &Job| result_of(job).is_some_and(|result| result["duplicate_of"].is_string());
    FileCounts {
        uploads: count(&|sender| sender.replaced.is_none()),
        replaces: count(&|sender| sender.replaced.is_some()),
        photos: state.photos.iter().filter(|photo| !photo.tags.is_empty()).count() as u64,
        duplicates: count(&|sender| is_duplicate(sender.job)),
        unknown: count(&|sender| says_unknown(sender.job)),
        ..FileCounts::default()
    }
}
