//! Sending a job's file to Flickr.
//!
//! The job is marked before the first byte leaves. While bytes flow the lease is renewed; who has lost it stops, and what
//! did not leave whole cannot have taken effect. What could not be told apart afterwards is sent one after the other, see
//! [`super::upload_lock`].

use std::time::Duration;

use domain::{
    ClaimId, Timestamp,
    budget::HostClass,
    job::{Event, Failure, FailureCode, FileCall, Job, Phase, Target, Transition, WaitReason, Work},
    outcome::Class,
    timing::{AWS_REQUEST, UPLOAD_ANSWER},
    upload::{
        DedupCheck, Endpoint, FileSource, PhotoVersion, TICKET_LIFETIME, Ticket, Upload, UploadLock, Uploaded,
        machine_tag, next_ticket_check,
    },
};
use futures_util::future::join;
use vault::DataKeys;

use super::{
    Flickr, Ports, Worker,
    account::usable,
    call::spread,
    defer,
    digest::Digested,
    flow::{self, Flow},
    lease::Lease,
    outcome::Ran,
    results,
    spool::Spooled,
    tickets,
};
use crate::{
    Error, chain,
    ports::{ByteStream, FileAnswer, FileRequest, SealedAccount, Signing},
    stored_bytes,
    transition::apply_as_holder,
};

impl<P: Ports, F: Flickr, K: DataKeys> Worker<P, F, K> {
    /// Sends the job's file; `None` when the claim holds the job no more.
    pub(super) async fn send_file(&self, job: &Job, claim: &ClaimId, call: &FileCall) -> Result<Option<Ran>, Error> {
        let begun_at = self.ports.now();
        let fail = |failure| Ok(Some(Ran::new(job, Event::Fail(claim.clone(), failure))));
        if begun_at >= job.deadline() {
            return Ok(Some(Ran::new(job, Event::Expire(claim.clone()))));
        }
        let sealed = match usable(self.ports.account(&job.spec.account).await?) {
            Ok(sealed) => sealed,
            Err(failure) => return fail(failure),
        };
        let mut lease = Lease::new(&self.ports, job, claim);
        let Some(id) = job.upload_id() else { return fail(gone()) };
        let upload = self.ports.upload(job.tenant(), &id).await?.filter(|upload| upload.account == job.spec.account);
        let upload = match (upload, &call.source) {
            (Some(upload), _) => upload,
            (None, FileSource::Upload(_)) => return fail(gone()),
            (None, FileSource::Url(url)) => match self.spool(&mut lease, claim, id, url).await? {
                Spooled::Stored(upload) => upload,
                Spooled::Failed(event) => return Ok(Some(Ran::new(&lease.job, event))),
                Spooled::LeaseLost => return Ok(None),
            },
        };
        let dedup_check = self.dedup_check(job, call);
        let deduplicates = dedup_check != DedupCheck::Off;
        let mut bytes = None;
        if deduplicates || upload.unverified_sha256().is_some() {
            match self.sha256(&upload, &mut lease).await? {
                Digested::Known(sha256) => bytes = Some(sha256),
                Digested::Gone => return fail(gone()),
                Digested::Differs => return fail(differs()),
                Digested::LeaseLost => return Ok(None),
            }
        }
        let lock = match job.spec.work.replaced_photo() {
            Some(photo_id) => Some(UploadLock::Photo(photo_id.to_owned())),
            None => bytes.filter(|_| deduplicates).map(UploadLock::Bytes),
        };
        if let Some(lock) = lock
            && let Some(event) = self.wait_for_lock(&lease.job, claim, &lock).await?
        {
            return Ok(Some(Ran::new(&lease.job, event)));
        }
        self.spend_on_file(lease, call, &sealed, &upload, dedup_check, begun_at).await
    }

    /// What is done with bytes that the account has already.
    pub(super) fn dedup_check(&self, job: &Job, call: &FileCall) -> DedupCheck {
        match job.spec.work.target() {
            Target::Upload => call.fields.dedup_check().unwrap_or(self.file_rules.dedup_check),
            Target::Rest | Target::Replace => DedupCheck::Off,
        }
    }

    /// Asks for a call and sends the file, or has the job wait for one.
    async fn spend_on_file(
        &self,
        mut lease: Lease<'_, P>,
        call: &FileCall,
        sealed: &SealedAccount,
        upload: &Upload,
        mut dedup_check: DedupCheck,
        begun_at: Timestamp,
    ) -> Result<Option<Ran>, Error> {
        let claim = lease.claim();
        let signing = match self.signing(&lease.job, sealed).await? {
            Ok(signing) => signing,
            Err(failure) => return Ok(Some(Ran::new(&lease.job, Event::GiveUp(claim.clone(), failure)))),
        };
        let photo_version =
            match lease.job.spec.work.replaced_photo().filter(|_| lease.job.state.file.photo_version.is_none()) {
                Some(photo_id) => match self.version_before(&lease.job, claim, sealed, &signing, photo_id).await? {
                    Ok(version) => Some(version),
                    Err(event) => return Ok(Some(Ran { called: true, ..Ran::new(&lease.job, event) })),
                },
                None => None,
            };
        let mut called = false;
        loop {
            let circuit = match self.pass_circuit(&lease.job, sealed).await? {
                Ok(circuit) => circuit,
                Err(until) => {
                    let event = defer(&lease.job, claim, spread(&self.ports, until), WaitReason::Circuit, called);
                    return Ok(Some(Ran { called, ..Ran::new(&lease.job, event) }));
                }
            };
            let granted = match self.take_call(&lease.job, sealed, HostClass::Upload).await? {
                Ok(granted) => granted,
                Err(refused) => {
                    let event = self.wait(&lease.job, claim, sealed, &refused).await?;
                    return Ok(Some(Ran { called, ..Ran::new(&lease.job, event) }));
                }
            };
            let Some(body) = self.ports.read_file(upload).await? else {
                self.grants.give_back(&self.ports, granted).await;
                return Ok(Some(Ran::new(&lease.job, Event::Fail(claim.clone(), gone()))));
            };
            let started = Event::WriteStarted { claim: claim.clone(), photo_version: photo_version.clone() };
            match apply_as_holder(&self.ports, &lease.job, claim, started).await {
                Ok(Some(started)) => lease.job = started.after,
                not_started => {
                    self.grants.give_back(&self.ports, granted).await;
                    return not_started.map(|_| None);
                }
            }
            if !granted.holds(self.ports.now()) {
                let event = defer(&lease.job, claim, self.ports.now(), WaitReason::GrantExpired, called);
                return Ok(Some(Ran { called, ..Ran::new(&lease.job, event) }));
            }
            called = true;
            let deadline = lease.job.spec.work.target().timing().call_deadline;
            let deadline = deadline.saturating_sub(self.ports.now().since(begun_at));
            let request = self.request(&lease.job, call, upload, dedup_check, deadline);
            let FileAnswer { outcome, uploaded } = self.flow(&mut lease, &signing, request, body).await?;
            self.record(&lease.job, &signing, &granted, circuit, &outcome).await;
            let outcome = self.with_allowance(&mut lease, sealed, &signing, outcome).await;
            let job = &lease.job;
            let ran = |event| Ok(Some(Ran { called: true, ..Ran::new(job, event) }));
            if outcome.class != Class::Done {
                return match self.unfinished(job, claim, &outcome) {
                    Some(event) => ran(event),
                    None => Ok(None),
                };
            }
            match uploaded {
                Some(Uploaded::Duplicate { is_deleted: true, .. }) if dedup_check != DedupCheck::Off => {
                    // Flickr knows the bytes of a photo that is gone: the account holds none, and gets one.
                    dedup_check = DedupCheck::Off;
                }
                Some(Uploaded::Ticket(id)) => {
                    let (now, ticket) = (self.ports.now(), Ticket { id, asked: 0 });
                    let due_at = next_ticket_check(ticket.asked, now);
                    return ran(Event::AwaitTicket {
                        claim: claim.clone(),
                        ticket,
                        due_at,
                        until: now + TICKET_LIFETIME,
                    });
                }
                Some(Uploaded::Photo(id)) => return ran(results::of_photo(claim, sealed, Some(&id), false)),
                Some(Uploaded::Duplicate { photo_id, .. }) => {
                    return ran(results::of_photo(claim, sealed, photo_id.as_deref(), true));
                }
                None => return ran(results::of_photo(claim, sealed, None, false)),
            }
        }
    }

    /// Which file the photo has that the job is to replace, or what becomes of a job that cannot know.
    async fn version_before(
        &self,
        job: &Job,
        claim: &ClaimId,
        sealed: &SealedAccount,
        signing: &Signing,
        photo_id: &str,
    ) -> Result<Result<PhotoVersion, Event>, Error> {
        let circuit = match self.pass_circuit(job, sealed).await? {
            Ok(circuit) => circuit,
            Err(until) => return Ok(Err(defer(job, claim, spread(&self.ports, until), WaitReason::Circuit, false))),
        };
        let granted = match self.take_call(job, sealed, HostClass::Rest).await? {
            Ok(granted) => granted,
            Err(refused) => return Ok(Err(self.wait(job, claim, sealed, &refused).await?)),
        };
        let (outcome, version) = self.flickr.photo_version(signing, photo_id).await;
        self.record(job, signing, &granted, circuit, &outcome).await;
        let unfinished = || {
            let failure = Failure::new(FailureCode::FlickrRejected, "Flickr does not say which file the photo has");
            self.unfinished(job, claim, &outcome).unwrap_or(Event::Fail(claim.clone(), failure))
        };
        Ok(version.ok_or_else(unfinished))
    }

    /// Does what follows from the job's transition for its file, none of which its state depends on.
    pub(super) async fn file_moved(&self, transition: &Transition) {
        if let Phase::Completed { .. } = transition.after.state.phase {
            self.file_arrived(&transition.after).await;
        } else {
            tickets::list(&self.ports, transition).await;
        }
    }

    /// Remembers a photo that Flickr has just made, and removes its file. What cannot be removed goes when its time is over.
    async fn file_arrived(&self, job: &Job) {
        if let Some(photo_id) = results::new_photo(job)
            && let Err(error) = self.ports.note_photo(&job.spec.account, &photo_id).await
        {
            tracing::warn!(error = chain(&error), "a new photo was not noted");
        }
        if let Some(id) = job.upload_id() {
            match self.ports.remove_upload(job.tenant(), &id).await {
                Ok(Some(removed)) => stored_bytes::discount(&self.ports, &removed).await,
                Ok(None) => {}
                Err(error) => tracing::warn!(error = chain(&error), "a file that has arrived was not removed"),
            }
        }
    }

    /// What is sent, without the bytes.
    fn request(
        &self,
        job: &Job,
        call: &FileCall,
        upload: &Upload,
        dedup_check: DedupCheck,
        deadline: Duration,
    ) -> Unfilled {
        let (endpoint, fields) = match job.spec.work {
            Work::Replace(_) => (Endpoint::Replace, call.fields.of_replace()),
            Work::Rest(_) | Work::Upload(_) => {
                let fields = call.fields.of_upload(&machine_tag(&job.id), upload.file.stem(), dedup_check);
                (Endpoint::Upload, fields)
            }
        };
        let file = &upload.file;
        let content_type = file.media_type().as_str().to_owned();
        Unfilled { endpoint, fields, name: file.sent_name(), content_type, bytes: file.bytes(), deadline }
    }

    /// Sends the bytes as Flickr takes them, and renews the lease meanwhile.
    async fn flow(
        &self,
        lease: &mut Lease<'_, P>,
        signing: &Signing,
        request: Unfilled,
        body: ByteStream,
    ) -> Result<FileAnswer, Error> {
        let (sender, body_to_flickr) = flow::channel();
        let Unfilled { endpoint, fields, name, content_type, bytes, deadline } = request;
        let request = FileRequest { endpoint, fields, name, content_type, bytes, body: body_to_flickr, deadline };
        let fed = async {
            if let Flow::Whole = flow::feed(lease, body, sender).await
                // Flickr may take its time to answer, and nothing flows meanwhile.
                && let Err(error) = lease.outlast(UPLOAD_ANSWER + AWS_REQUEST).await
            {
                tracing::warn!(error = chain(&error), "a lease could not be renewed");
            }
        };
        let ((), answer) = join(fed, self.flickr.send_file(signing, request)).await;
        Ok(answer)
    }
}

/// A request without the bytes.
struct Unfilled {
    endpoint: Endpoint,
    fields: Vec<(String, String)>,
    name: String,
    content_type: String,
    bytes: u64,
    deadline: Duration,
}

fn differs() -> Failure {
    let message = "the SHA-256 of the file is not the one that was given for it: upload the file anew";
    Failure::new(FailureCode::ChecksumMismatch, message)
}

fn gone() -> Failure {
    Failure::new(FailureCode::FileGone, "the file of the upload is not stored, or no longer")
}
