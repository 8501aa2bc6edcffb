//! Two tenants, and jobs of theirs that died.

use std::{sync::Arc, time::Duration};

use axum::Router;
use dlq_replay::Service;
use domain::{
    ClaimId, JobId, TenantId, UserId,
    budget::MAX_PENDING,
    job::{Event, Failure, FailureCode, Job, step},
    timing::LEASE,
};
use edge::Authenticator;
use http::Method;
use hub::{
    keyed_hash::KeyedHash,
    ports::{ClaimJob, Claimed, Clock, InsertJob, Look, SaveJob},
    tenants,
};
use serde_json::Value;
use testkit::{
    World, build,
    http_client::{Answer, send},
};

pub const KEYS: [&str; 2] = ["a-key-of-twenty-letters", "another-key-of-twenty"];

pub struct Scene {
    pub world: World,
    pub service: Service<World>,
    routes: Router,
    tenants: Vec<TenantId>,
}

impl Scene {
    pub async fn new() -> Self {
        let world = World::new(build::NOW, 1);
        let keyed_hash = KeyedHash::new(&[7; 32]).unwrap();
        let mut tenants = Vec::new();
        for key in KEYS {
            tenants.push(tenants::create(&world, &keyed_hash, "Test", key).await.unwrap());
        }
        let authenticator = Arc::new(Authenticator { ports: world.clone(), keyed_hash });
        let ports = Arc::new(world.clone());
        let routes = edge::serve(dlq_replay::routes(Arc::clone(&ports), Arc::clone(&authenticator)));
        Self { service: Service::new(ports, authenticator), world, routes, tenants }
    }

    /// A new job of this tenant.
    pub async fn queued(&self, tenant: usize, number: u8) -> Job {
        let tenant = &self.tenants[tenant];
        let order = build::order(&UserId::of(tenant, "1@N00"), "flickr.photosets.create", r#"{"title": "t"}"#);
        let job = build::job(tenant, [number; 16], order, self.world.now());
        self.world.insert_job(&job, MAX_PENDING).await.unwrap();
        job
    }

    /// The same, held by a worker.
    pub async fn running(&self, tenant: usize, number: u8) -> Job {
        let job = self.queued(tenant, number).await;
        let now = self.world.now();
        let claimed = self.world.claim_job(&job.tenant, &job.id, 1, &claim(), now + LEASE, now).await.unwrap();
        assert!(matches!(claimed, Claimed::Held(_)));
        self.job(&job.id)
    }

    /// The same, held by a worker that may have sent it.
    pub async fn calling(&self, tenant: usize, number: u8) -> Job {
        self.step(self.running(tenant, number).await, Event::Calling(claim())).await
    }

    /// A job that was given up, and surely took no effect.
    pub async fn dead(&self, tenant: usize, number: u8) -> Job {
        let failure =
            Failure { code: FailureCode::AttemptsExhausted, message: "HTTP 502".to_owned(), flickr_code: None };
        self.step(self.running(tenant, number).await, Event::Bury(claim(), failure)).await
    }

    /// A job whose worker crashed after it may have sent the write.
    pub async fn doubtful(&self, tenant: usize, number: u8) -> Job {
        let job = self.calling(tenant, number).await;
        self.world.pass(LEASE);
        let dead = self.step(job, Event::Poison { dispatch: 1 }).await;
        self.world.pass(Duration::from_secs(1));
        dead
    }

    async fn step(&self, job: Job, event: Event) -> Job {
        let (state, _) = step(&job.state, event, self.world.now()).unwrap();
        let after = Job { state, ..job.clone() };
        assert!(self.world.save_job(&after, &job.state, Look::AsTold).await.unwrap());
        after
    }

    /// The job as it stands.
    pub fn job(&self, id: &JobId) -> Job {
        self.world.jobs().into_iter().find(|job| job.id == *id).unwrap()
    }

    pub async fn get(&self, key: &str, path: &str) -> Answer {
        send(&self.routes, Method::GET, path, &[("x-api-key", key)], "").await
    }

    pub async fn delete(&self, key: &str, id: &str) -> Answer {
        send(&self.routes, Method::DELETE, &format!("/v1/dlq/{id}"), &[("x-api-key", key)], "").await
    }

    pub async fn replay(&self, key: &str, body: &Value) -> Answer {
        send(&self.routes, Method::POST, "/v1/dlq/replay", &[("x-api-key", key)], &body.to_string()).await
    }

    /// What became of each job, in order.
    pub async fn outcomes(&self, body: &Value) -> Vec<String> {
        let data = self.replay(KEYS[0], body).await.data();
        data["results"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap().to_owned()).collect()
    }

    /// The ids on the desk of the first tenant.
    pub async fn listed(&self) -> Vec<String> {
        let data = self.get(KEYS[0], "/v1/dlq").await.data();
        data["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap().to_owned()).collect()
    }
}

/// The worker's hold.
fn claim() -> ClaimId {
    ClaimId::from_bytes([1; 16])
}
