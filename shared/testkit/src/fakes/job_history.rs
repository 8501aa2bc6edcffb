//! The jobs of an account, in the order in which they were accepted.

use domain::{AccountRef, JobRef, job::Job};
use hub::ports::{JobHistory, ListedJob, Result, TimeSpan};

use super::{former_records::FormerOnes, job_items::StoredJobs, keys::Partition, world::World};
use crate::call::Call;

impl JobHistory for World {
    async fn accepted_jobs(
        &self,
        account: &AccountRef,
        span: TimeSpan,
        after: Option<&ListedJob>,
        limit: u16,
    ) -> Result<Vec<ListedJob>> {
        let place = |listed: &ListedJob| (listed.created_at, listed.id.clone());
        self.read(Call::AcceptedJobs, [Partition::AcceptedJobs(account.clone())], |stores, _| {
            let former = std::mem::take(stores.part::<FormerOnes>());
            let jobs = stores.part::<StoredJobs>().jobs.values();
            let own = jobs.filter(|job| job.spec.account == *account && !former.jobs.contains(&job.reference()));
            let mut listed: Vec<_> =
                own.map(|job| ListedJob { id: job.id.clone(), created_at: job.created_at }).collect();
            listed.retain(|job| span.contains(job.created_at));
            listed.retain(|job| after.is_none_or(|after| place(job) < place(after)));
            listed.sort_by_key(|job| std::cmp::Reverse(place(job)));
            listed.truncate(limit.into());
            *stores.part() = former;
            listed
        })
        .await
    }

    async fn read_jobs(&self, jobs: &[JobRef]) -> Result<Vec<Option<Job>>> {
        let partitions: Vec<_> = jobs.iter().cloned().map(Partition::Job).collect();
        self.read(Call::ReadJobs, partitions, |stores, now| {
            jobs.iter().map(|job| stores.part::<StoredJobs>().get(job, now).cloned()).collect()
        })
        .await
    }
}
