//! Results that do not fit the job's own item: in a separate item of the jobs table, or in an object of the bucket.
//!
//! Each is stored before the job's end that says where it is. If that end is not written, the next run of the job
//! replaces it, or it expires.

use domain::{JobRef, Timestamp};
use hub::ports::{self, Results};

use crate::{
    Cloud,
    item::{EXPIRES_AT, Reader, expiry, live, named, text},
    jobs::keys::{RESULT, job_key},
    machine::now,
};

impl Results for Cloud {
    async fn put_result(&self, job: &JobRef, result: &str, expires_at: Timestamp) -> ports::Result<()> {
        let mut item = job_key(job, RESULT);
        item.extend(named([("result", text(result)), (EXPIRES_AT, expiry(expires_at))]));
        self.jobs.put(item, "storing a result").await
    }

    async fn result(&self, job: &JobRef) -> ports::Result<Option<String>> {
        let found = live(self.jobs.get(job_key(job, RESULT), "finding a result").await?, now());
        found.map(|item| Reader(&item).text("result").map(str::to_owned)).transpose()
    }

    async fn put_result_object(&self, job: &JobRef, result: &str) -> ports::Result<()> {
        self.bucket.put(job, result).await
    }

    async fn result_object(&self, job: &JobRef) -> ports::Result<Option<String>> {
        self.bucket.get(job).await
    }

    async fn result_object_url(&self, job: &JobRef) -> ports::Result<String> {
        self.bucket.url(job).await
    }
}
