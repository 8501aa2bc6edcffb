//! Two tenants, and jobs of theirs that died.

use std::{sync::Arc, time::Duration};

use axum::Router;
use dlq_replay::Service;
use domain::{
    AccountRef, ClaimId, JobId, TenantId, UserId,
    job::{Event, Failure, FailureCode, Job, Target, step},
};
use edge::Authenticator;
use http::Method;
use hub::{
    limits::Limits,
    ports::{ClaimRequest, Claimed, Clock, Committed, Jobs},
    tenants,
};
use serde_json::Value;
use testkit::{
    World, build,
    http_client::{Answer, send},
};

pub const KEYS: [&str; 2] = ["a-key-of-twenty-letters", "another-key-of-twenty"];

/// What every job gives back to its caller.
pub const META: &str = r#"{"order":4711.0}"#;

pub struct Scene {
    pub world: World,
    pub service: Service<World>,
    routes: Router,
    tenants: Vec<TenantId>,
}

impl Scene {
    pub async fn new() -> Self {
        let world = World::new(build::NOW, 1);
        let keyed_hash = build::keyed_hash();
        let mut tenants = Vec::new();
        for key in KEYS {
            tenants.push(tenants::create(&world, &keyed_hash, "Test", key).await.unwrap());
        }
        let authenticator = Arc::new(Authenticator {
            ports: world.clone(),
            keyed_hash,
            limits: Limits::default(),
            secrets: build::vaults().secrets,
            allowed_origins: Default::default(),
        });
        let ports = Arc::new(world.clone());
        let routes = edge::serve(dlq_replay::routes(Arc::clone(&ports), Arc::clone(&authenticator)));
        Self { service: Service::new(ports, authenticator), world, routes, tenants }
    }

    /// A new job of this tenant.
    pub async fn queued(&self, tenant: usize, number: u8) -> Job {
        let tenant = &self.tenants[tenant];
        let account = AccountRef::new(tenant, &UserId::of(tenant, "1@N00"));
        let mut spec = build::spec(&account, "flickr.photosets.create", r#"{"title": "t"}"#);
        spec.meta = Some(META.to_owned());
        let job = build::job([number; 16], spec, self.world.now());
        build::insert(&self.world, &job).await;
        job
    }

    /// The same, held by a worker.
    pub async fn running(&self, tenant: usize, number: u8) -> Job {
        let job = self.queued(tenant, number).await;
        let now = self.world.now();
        let lease_until = now + Target::default().timing().lease;
        let request = ClaimRequest { job: job.reference(), fencing_number: 1, claim: claim(), lease_until, now };
        match self.world.claim(&request).await.unwrap() {
            Claimed::Held(job) => *job,
            other => panic!("not held: {other:?}"),
        }
    }

    /// The same, held by a worker that may have sent it.
    pub async fn calling(&self, tenant: usize, number: u8) -> Job {
        self.step(self.running(tenant, number).await, Event::WriteStarted { claim: claim(), photo_version: None }).await
    }

    /// A job that was given up, and surely took no effect.
    pub async fn dead(&self, tenant: usize, number: u8) -> Job {
        let failure = Failure::new(FailureCode::AttemptsExhausted, "HTTP 502");
        self.step(self.running(tenant, number).await, Event::GiveUp(claim(), failure)).await
    }

    /// A job whose worker crashed after it may have sent the write.
    pub async fn in_doubt(&self, tenant: usize, number: u8) -> Job {
        let job = self.calling(tenant, number).await;
        self.world.pass(Target::default().timing().lease);
        let dead = self.step(job, Event::DeadLettered { fencing_number: 1 }).await;
        self.world.pass(Duration::from_secs(1));
        dead
    }

    async fn step(&self, job: Job, event: Event) -> Job {
        let transition = step(&job, event, self.world.now()).unwrap();
        assert_eq!(self.world.commit(&transition).await.unwrap(), Committed::Written);
        transition.after
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

    /// The ids on the list of the first tenant.
    pub async fn listed(&self) -> Vec<String> {
        let data = self.get(KEYS[0], "/v1/dlq").await.data();
        data["jobs"].as_array().unwrap().iter().map(|job| job["job_id"].as_str().unwrap().to_owned()).collect()
    }
}

/// The worker's hold.
fn claim() -> ClaimId {
    ClaimId::from_bytes([1; 16])
}
