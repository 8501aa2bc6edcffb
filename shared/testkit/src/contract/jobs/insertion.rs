//! Inserting jobs, once each.

use domain::{JobRef, job::Job};
use futures_util::future::join_all;
use hub::ports::{Clock, Entropy, Inserted, Jobs};

use super::super::steps::{insert, job};
use crate::build;

/// Inserting and finding jobs, small and large.
pub async fn insertion(ports: &(impl Clock + Entropy + Jobs)) {
    let large = format!(r#"{{"text": "{}"}}"#, "é".repeat(30_000));
    for params in [r#"{"a": "1"}"#, &large] {
        let mut job = job(ports, params, ports.now());
        job.spec.meta = Some(r#"{"k":[1,null]}"#.to_owned());
        let found = async |job: &JobRef| ports.job(job).await.unwrap();
        assert_eq!(found(&job.reference()).await, None);
        insert(ports, &job).await;
        assert_eq!(found(&job.reference()).await, Some(job.clone()));
        let foreign = JobRef { tenant: build::tenant(ports), id: job.id.clone() };
        assert_eq!(found(&foreign).await, None, "a job is its tenant's only");

        insert(ports, &job).await; // An insertion may be repeated.
        let other = Job { spec: build::spec(&job.spec.account, "flickr.test.null", params), ..job.clone() };
        let exists = Inserted::Exists(Box::new(job.clone()));
        assert_eq!(ports.insert(&build::acceptance(&other)).await.unwrap(), exists);
        assert_eq!(found(&job.reference()).await, Some(job.clone()), "what is there stays");

        // Two payloads under one key at the same moment: one of them is the job.
        let id = build::job(ports.random(), job.spec.clone(), job.created_at).id;
        let rivals = ["flickr.test.echo", "flickr.test.null", "flickr.test.login"].map(|method| {
            let spec = build::spec(&job.spec.account, method, params);
            build::acceptance(&Job { id: id.clone(), ..build::job(ports.random(), spec, job.created_at) })
        });
        let answers = join_all(rivals.iter().map(|rival| ports.insert(rival))).await;
        let new = answers.iter().filter(|answer| matches!(answer, Ok(Inserted::New))).count();
        let winner = ports.job(&rivals[0].after.reference()).await.unwrap().unwrap();
        assert_eq!(new, 1);
        for (rival, answer) in rivals.iter().zip(answers) {
            let expected = Inserted::Exists(Box::new(winner.clone()));
            assert_eq!(answer.unwrap(), if rival.after == winner { Inserted::New } else { expected });
        }
    }
}
