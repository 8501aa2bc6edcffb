//! Results that do not fit the job's own record.

use std::collections::BTreeMap;

use domain::{JobRef, Timestamp};
use hub::ports::{Result, Results};

use super::{keys::Partition, world::World};
use crate::call::Call;

/// Results in separate items, each with the end of its time.
#[derive(Default)]
struct StoredItems(BTreeMap<JobRef, (String, Timestamp)>);

impl StoredItems {
    fn get(&self, job: &JobRef, now: Timestamp) -> Option<String> {
        let (text, expires_at) = self.0.get(job)?;
        (expires_at.as_seconds() > now.as_seconds()).then(|| text.clone())
    }
}

#[derive(Default)]
struct StoredObjects(BTreeMap<JobRef, String>);

impl Results for World {
    async fn put_result(&self, job: &JobRef, result: &str, expires_at: Timestamp) -> Result<()> {
        self.write(Call::PutResult, Partition::Job(job.clone()).item("RESULT"), |stores, _| {
            stores.part::<StoredItems>().0.insert(job.clone(), (result.to_owned(), expires_at));
        })
        .await
    }

    async fn result(&self, job: &JobRef) -> Result<Option<String>> {
        self.read(Call::Result, [Partition::Job(job.clone())], |stores, now| stores.part::<StoredItems>().get(job, now))
            .await
    }

    async fn put_result_object(&self, job: &JobRef, result: &str) -> Result<()> {
        self.call(Call::PutResultObject, |stores, _| {
            stores.part::<StoredObjects>().0.insert(job.clone(), result.to_owned());
        })
        .await
    }

    async fn result_object(&self, job: &JobRef) -> Result<Option<String>> {
        self.call(Call::ResultObject, |stores, _| stores.part::<StoredObjects>().0.get(job).cloned()).await
    }

    async fn result_object_url(&self, job: &JobRef) -> Result<String> {
        let url = format!("https://objects.example/{}/{}", job.tenant, job.id);
        self.call(Call::ResultObjectUrl, |_, _| url).await
    }
}
