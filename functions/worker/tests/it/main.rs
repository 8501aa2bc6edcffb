//! Running batches, in process.

#![expect(clippy::unwrap_used, reason = "a failed step fails its test")]

mod sources;
mod template;

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use aws_lambda_events::sqs::{SqsEvent, SqsMessage};
use domain::{
    AccountRef,
    call::RestCall,
    job::{PerTarget, Phase, Target},
    outcome::Outcome,
    upload::{FileRules, FoundPhoto, PhotoVersion, TicketState, UploadAllowance},
};
use hub::{
    budget::Grants,
    limits::Limits,
    message::Dispatch,
    ports::{Accounts, Answer, Apps, FileAnswer, FileRequest, FlickrApi, FlickrFiles, Signing, VerifyAnswer},
    run::{Flickr, Worker},
};
use testkit::{CATALOGUE, Call, Fault, FaultPoint, ScriptedFlickr, ScriptedSources, World, build};
use vault::memory::MemoryKeys;

fn message(id: &str, body: &str) -> SqsMessage {
    let mut message = SqsMessage::default();
    message.message_id = Some(id.to_owned());
    message.body = Some(body.to_owned());
    message
}

struct Scene<F> {
    account: AccountRef,
    worker: Arc<Worker<World, F, Arc<MemoryKeys>>>,
}

impl<F: Flickr + 'static> Scene<F> {
    async fn new(flickr: F) -> Self {
        let ports = World::new(build::NOW, 1);
        let vaults = build::vaults();
        let tenant = build::tenant(&ports);
        let (account, app) = build::sealed_account(&vaults, &tenant, "1@N00", build::NOW).await;
        ports.save_app(&tenant, &account.account.app, &app).await.unwrap();
        ports.save_account(&account).await.unwrap();
        let worker = Worker {
            ports,
            flickr,
            catalogue: &CATALOGUE,
            vaults,
            retries: PerTarget::default(),
            file_rules: FileRules::default(),
            sources: Arc::new(ScriptedSources::default()),
            limits: Limits::default(),
            grants: Grants::default(),
        };
        let account = AccountRef::new(&tenant, &account.account.user);
        Self { account, worker: Arc::new(worker) }
    }

    fn world(&self) -> &World {
        &self.worker.ports
    }

    /// The message of a new job.
    async fn message(&self, number: u8, method: &str) -> SqsMessage {
        let job = build::job([number; 16], build::spec(&self.account, method, "{}"), build::NOW);
        build::insert(self.world(), &job).await;
        message(&format!("good-{number}"), &serde_json::to_string(&Dispatch::of(&job)).unwrap())
    }

    /// Runs a batch; which messages come again.
    async fn run(&self, messages: Vec<SqsMessage>) -> Vec<String> {
        let mut batch = SqsEvent::default();
        batch.records = messages;
        let response = worker::run(Arc::clone(&self.worker), batch, "request-1").await;
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    fn completed(&self) -> usize {
        self.world().jobs().iter().filter(|job| matches!(job.state.phase, Phase::Completed { .. })).count()
    }
}

#[tokio::test]
async fn one_bad_message_fails_alone() {
    let scene = Scene::new(ScriptedFlickr::default()).await;
    let mut messages = Vec::new();
    for number in 0..3 {
        messages.push(scene.message(number, "flickr.test.null").await);
    }
    messages.insert(1, message("no-json", "}{"));
    messages.insert(2, message("no-message", r#"{"tenant": "x"}"#));
    let mut empty = message("empty", "");
    empty.body = None;
    messages.push(empty);
    // The first call of one of the good ones.
    scene.world().forget_calls();
    scene.world().fault(0, FaultPoint::Before, Fault::Fail);

    assert_eq!(scene.run(messages).await, ["good-0", "no-json", "no-message", "empty"]);
    assert_eq!(scene.completed(), 2);
}

/// A Flickr that panics at the first call of `flickr.test.echo`.
#[derive(Default)]
struct Panicking {
    flickr: ScriptedFlickr,
    panicked: AtomicBool,
}

impl FlickrApi for Panicking {
    async fn call(&self, signing: &Signing, call: &RestCall, repeated: bool) -> Answer {
        let panics = call.method.as_str() == "flickr.test.echo" && !self.panicked.swap(true, Ordering::Relaxed);
        assert!(!panics, "on purpose");
        self.flickr.call(signing, call, repeated).await
    }

    async fn verify(&self, signing: &Signing, call: &RestCall) -> VerifyAnswer {
        self.flickr.verify(signing, call).await
    }
}

impl FlickrFiles for Panicking {
    async fn send_file(&self, signing: &Signing, request: FileRequest) -> FileAnswer {
        self.flickr.send_file(signing, request).await
    }

    async fn find_photo(&self, signing: &Signing, machine_tag: &str) -> (Outcome, FoundPhoto) {
        self.flickr.find_photo(signing, machine_tag).await
    }

    async fn check_tickets(&self, signing: &Signing, tickets: &[String]) -> (Outcome, Vec<(String, TicketState)>) {
        self.flickr.check_tickets(signing, tickets).await
    }

    async fn upload_allowance(&self, signing: &Signing) -> (Outcome, Option<UploadAllowance>) {
        self.flickr.upload_allowance(signing).await
    }

    async fn photo_version(&self, signing: &Signing, photo_id: &str) -> (Outcome, Option<PhotoVersion>) {
        self.flickr.photo_version(signing, photo_id).await
    }
}

#[tokio::test]
async fn a_message_that_panics_fails_alone_and_its_job_is_taken_over() {
    let scene = Scene::new(Panicking::default()).await;
    let mut messages = Vec::new();
    for (number, method) in [(0, "flickr.test.null"), (1, "flickr.test.echo"), (2, "flickr.test.null")] {
        messages.push(scene.message(number, method).await);
    }
    let again = vec![messages[1].clone()];
    assert_eq!(scene.run(messages).await, ["good-1"]);
    assert_eq!(scene.completed(), 2);

    // The worker that panicked holds the job until its lease ends.
    assert_eq!(scene.run(again.clone()).await, ["good-1"]);
    scene.world().pass(Target::default().timing().lease);
    assert!(scene.run(again).await.is_empty());
    assert_eq!(scene.completed(), 3);
}

#[tokio::test]
async fn statistics_that_are_not_written_bring_no_message_again() {
    let method = "flickr.photos.getInfo";
    let whole = Scene::new(ScriptedFlickr::default()).await;
    let message = whole.message(0, method).await;
    whole.world().forget_calls();
    assert!(whole.run(vec![message]).await.is_empty());
    let recording = whole.world().calls().iter().position(|call| *call == Call::RecordStats).unwrap();

    for fault in [Fault::Fail, Fault::Crash] {
        let scene = Scene::new(ScriptedFlickr::default()).await;
        let message = scene.message(0, method).await;
        scene.world().forget_calls();
        scene.world().fault(recording, FaultPoint::Before, fault);
        assert!(scene.run(vec![message]).await.is_empty(), "{fault:?}");
        assert_eq!((scene.completed(), scene.world().calls()[recording]), (1, Call::RecordStats));
    }
}
