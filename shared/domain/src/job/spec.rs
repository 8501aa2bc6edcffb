//! What was asked of a job, which never changes.

use std::time::Duration;

use serde::Serialize;

use super::{state::State, target::Target};
use crate::{
    AccountRef, Day, JobId, JobRef, TenantId, Timestamp, TraceId, UploadId, UserId,
    cache::{CacheKey, CacheOptions, CacheTags},
    call::{MethodName, Params, RestCall},
    fair_queue::Priority,
    idempotency::{Fingerprint, Idempotency},
    json,
    upload::{FileSource, UploadFields},
    verification::Verification,
};

/// The longest `meta` of a job, in bytes of JSON.
pub const MAX_META_BYTES: usize = 4 * 1024;

/// The longest part of what was asked, its parameters and `meta`, that is stored in the job's own record, in bytes of
/// JSON: beyond it every later write of the job would cost more than one unit (a unit is 1 KiB).
pub const MAX_INLINE_SPEC_BYTES: usize = 300;

/// A job: what was asked, which never changes, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    pub id: JobId,
    /// What was asked.
    pub spec: JobSpec,
    /// Whether its call may be repeated.
    pub idempotency: Idempotency,
    /// How to find out whether its call took effect, where that can be found out.
    pub verification: Option<Verification>,
    /// Which cached answers of its account its end invalidates.
    pub invalidates: CacheTags,
    /// What a request must agree with that carries its idempotency key again.
    pub fingerprint: Fingerprint,
    /// The trace of the request that made it.
    pub trace: TraceId,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// Where it stands.
    pub state: State,
}

impl Job {
    /// Whose it is.
    pub fn tenant(&self) -> &TenantId {
        &self.spec.account.tenant
    }

    /// Which job it is.
    pub fn reference(&self) -> JobRef {
        JobRef::new(self.tenant(), &self.id)
    }

    /// When the run expires, started or not.
    pub fn deadline(&self) -> Timestamp {
        self.state.deadline(self.spec.work.target().timing())
    }

    /// Under which upload the file is kept that it sends.
    pub fn upload_id(&self) -> Option<UploadId> {
        match self.spec.work.file()? {
            FileSource::Upload(id) => Some(id.clone()),
            FileSource::Url(_) => Some(UploadId::of_job(&self.id)),
        }
    }

    /// The day on which the run could first start: under it the job is counted as pending.
    pub fn start_day(&self) -> Day {
        Day::of(self.state.eligible_at)
    }

    /// When the sweep is to check on the job, if nothing happens to it before; `None` once it has ended.
    pub fn next_check_at(&self) -> Option<Timestamp> {
        self.state.next_check_at(self.spec.work.target().timing())
    }
}

/// What a caller asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpec {
    /// In the name of which account.
    pub account: AccountRef,
    /// What is to be done.
    pub work: Work,
    /// The lane it takes where jobs have to wait for their turn.
    pub priority: Priority,
    /// What it asks of the response cache.
    pub cache: CacheOptions,
    /// The caller's own JSON object as it was written, given back with the job; `None` when there was none.
    pub meta: Option<String>,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Work {
    /// One call of Flickr's REST API.
    Rest(RestCall),
    /// A new photo or video.
    Upload(FileCall),
    /// A new file of an existing photo.
    Replace(FileCall),
}

/// A file to send to Flickr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileCall {
    /// Where the file is.
    pub source: FileSource,
    /// What goes with it.
    pub fields: UploadFields,
}

impl Work {
    /// Its kind.
    pub const fn target(&self) -> Target {
        match self {
            Work::Rest(_) => Target::Rest,
            Work::Upload(_) => Target::Upload,
            Work::Replace(_) => Target::Replace,
        }
    }

    /// The method of Flickr's REST API that is called; a file is sent by none.
    pub const fn method(&self) -> Option<&MethodName> {
        match self {
            Work::Rest(call) => Some(&call.method),
            Work::Upload(_) | Work::Replace(_) => None,
        }
    }

    /// What its answer depends on; `None` where it is never shared.
    pub fn cache_key(&self) -> Option<CacheKey> {
        match self {
            Work::Rest(call) => Some(CacheKey::of(call)),
            Work::Upload(_) | Work::Replace(_) => None,
        }
    }

    /// The parameters that it carries to Flickr.
    pub const fn params(&self) -> &Params {
        match self {
            Work::Rest(call) => &call.params,
            Work::Upload(call) | Work::Replace(call) => call.fields.params(),
        }
    }

    /// The photo whose file it replaces.
    pub fn replaced_photo(&self) -> Option<&str> {
        match self {
            Work::Replace(call) => call.fields.photo_id(),
            Work::Rest(_) | Work::Upload(_) => None,
        }
    }

    /// Where the file is that it sends.
    pub const fn file(&self) -> Option<&FileSource> {
        match self {
            Work::Rest(_) => None,
            Work::Upload(call) | Work::Replace(call) => Some(&call.source),
        }
    }
}

/// When a job is to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// As soon as possible.
    Now,
    /// At a point in time, in milliseconds since 1970.
    At(Timestamp),
    /// Some time after it was accepted.
    After(Duration),
}

/// The part of a request that must be the same when its idempotency key comes again. Its form is fixed: a fingerprint
/// outlives the program that made it.
#[derive(Serialize)]
struct Payload<'a> {
    user: &'a UserId,
    target: Target,
    #[serde(skip_serializing_if = "Option::is_none")]
    method: Option<&'a MethodName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a FileSource>,
    params: &'a Params,
    priority: Priority,
    #[serde(skip_serializing_if = "CacheOptions::is_default")]
    cache: CacheOptions,
    meta: Option<String>,
}

impl JobSpec {
    /// What a request for this job must agree with when its idempotency key comes again.
    ///
    /// # Errors
    /// When it cannot be written as JSON, or its `meta` is no object that can be read.
    pub fn fingerprint(&self, start: Start) -> Result<Fingerprint, serde_json::Error> {
        let payload = Payload {
            user: &self.account.user,
            target: self.work.target(),
            method: self.work.method(),
            file: self.work.file(),
            params: self.work.params(),
            priority: self.priority,
            cache: self.cache,
            meta: self.meta.as_deref().map(json::canonical_object).transpose()?,
        };
        Fingerprint::of(&(payload, start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fingerprint_of_a_request_does_not_change_with_the_program() {
        let tenant = TenantId::from_bytes([1; 16]);
        let call = RestCall {
            method: "flickr.photos.getInfo".parse().unwrap(),
            params: Params::from_json(r#"{"photo_id": "1", "b": true}"#).unwrap(),
        };
        let spec = JobSpec {
            account: AccountRef { user: UserId::of(&tenant, "1@N00"), tenant },
            work: Work::Rest(call),
            priority: Priority::Normal,
            cache: CacheOptions::default(),
            meta: Some("{}".to_owned()),
        };
        let text = r#"[{"user":"usr_USER","target":"rest","method":"flickr.photos.getInfo","params":{"b":"1","photo_id":"1"},"priority":"normal","meta":"{}"},"now"]"#;
        let text = text.replace("usr_USER", spec.account.user.as_str());
        let expected: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&expected).unwrap().len(), text.len());
        assert_eq!(spec.fingerprint(Start::Now).unwrap(), Fingerprint::of_text(&text));
        assert_ne!(spec.fingerprint(Start::After(Duration::ZERO)).unwrap(), Fingerprint::of_text(&text));
    }
}
