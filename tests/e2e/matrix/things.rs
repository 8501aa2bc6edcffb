//! What tenants have, and the ids of it.

use std::time::Duration;

use api::{CreateUploadAnswer, Permission, StartLoginAnswer};
use domain::{
    AccountRef, ClaimId,
    job::{Event, Failure, FailureCode, Job, Target, step},
};
use hub::ports::{ClaimRequest, Claimed, Clock, Committed, Entropy, Jobs};
use serde_json::json;
use testkit::build;

use crate::{
    emulator::cloud,
    stack::{Flickr, Hub},
};

/// Ids of one tenant's things.
#[derive(Debug, Clone)]
pub struct Ids {
    pub user: String,
    pub app: String,
    /// A dead job of the account.
    pub job: String,
    /// When it was accepted, as a cursor says it.
    pub job_accepted_at: i64,
    /// Where it stands in the list of dead jobs.
    pub dead_job_cursor: String,
    /// An upload in parts, none of which has arrived.
    pub upload: String,
    /// A login that waits to be completed.
    pub oauth_token: String,
    pub oauth_verifier: String,
    pub state: String,
}

impl Ids {
    /// The ids of things that a tenant gets for this, with a Flickr app of its own.
    pub async fn of_new_things(tenant: &str, hub: &Hub) -> Self {
        let flickr = Flickr::new();
        let app = flickr.control("/_fake/apps", &json!({})).await;
        let account = hub.connect_with(&app).await;
        let job = dead_job(&AccountRef::new(&tenant.parse().unwrap(), &account.user_id.parse().unwrap())).await;
        let file = json!({
            "user_id": account.user_id, "file_name": "a.jpg", "content_type": "image/jpeg", "bytes": 1000,
            "multipart": true,
        });
        let upload: CreateUploadAnswer = hub.post("/v1/uploads", &file).await.data();
        let login = json!({ "app_id": account.app_id, "perms": "write" });
        let login: StartLoginAnswer = hub.post("/v1/auth/start", &login).await.data();
        let consent = flickr.approve(&login, Permission::Write).await;
        Self {
            user: account.user_id,
            app: account.app_id,
            job_accepted_at: job.created_at.as_milliseconds(),
            dead_job_cursor: domain::job::DeadJob::of(&job).unwrap().cursor(),
            job: job.id.to_string(),
            upload: upload.upload_id,
            oauth_token: login.oauth_token,
            oauth_verifier: consent["oauth_verifier"].as_str().unwrap().to_owned(),
            state: login.state,
        }
    }

    /// Ids that nothing has, each next to one of these, so that cursors stand at the same place.
    pub fn unknown(&self) -> Self {
        let Self { job_accepted_at, oauth_verifier, .. } = self.clone();
        Self {
            user: next_to(&self.user),
            app: next_to(&self.app),
            job: next_to(&self.job),
            dead_job_cursor: next_to(&self.dead_job_cursor),
            upload: next_to(&self.upload),
            oauth_token: next_to(&self.oauth_token),
            state: next_to(&self.state),
            job_accepted_at,
            oauth_verifier,
        }
    }

    /// A text without these ids, so that two that differ in nothing else are equal.
    pub fn without(&self, text: &str) -> String {
        let ids =
            [&self.user, &self.app, &self.dead_job_cursor, &self.job, &self.upload, &self.oauth_token, &self.state];
        ids.into_iter().fold(text.to_owned(), |text, id| text.replace(id, "(id)"))
    }
}

/// The text with another last digit.
fn next_to(id: &str) -> String {
    let (start, last) = id.split_at(id.len() - 1);
    format!("{start}{}", if last == "0" { "1" } else { "0" })
}

/// A job of the account that was given up.
async fn dead_job(account: &AccountRef) -> Job {
    let (ports, claim) = (cloud(), ClaimId::from_bytes([1; 16]));
    let now = ports.now();
    let job = build::job(ports.random(), build::spec(account, "flickr.photosets.create", r#"{"title": "t"}"#), now);
    build::insert(&ports, &job).await;
    let lease_until = now + Target::default().timing().lease;
    let request = ClaimRequest { job: job.reference(), fencing_number: 1, claim: claim.clone(), lease_until, now };
    let Claimed::Held(job) = ports.claim(&request).await.unwrap() else { panic!("not held") };
    let failure = Failure::new(FailureCode::AttemptsExhausted, "HTTP 502");
    let given_up = step(&job, Event::GiveUp(claim, failure), now + Duration::from_secs(1)).unwrap();
    assert_eq!(ports.commit(&given_up).await.unwrap(), Committed::Written);
    given_up.after
}
