//! How the simulated Flickr takes files, and what it says of them afterwards.

use std::time::Duration;

use bytes::Bytes;
use domain::{
    Timestamp,
    budget::HostClass,
    job::Target,
    outcome::{Class, Outcome},
    timing::UPLOAD_ANSWER,
    upload::{DedupCheck, Endpoint, FoundPhoto, PhotoVersion, TicketState, UploadAllowance},
};
use futures_util::StreamExt;
use hub::ports::{ByteStream, Clock, FileAnswer, FileRequest, FlickrFiles, Signing};

use super::{
    Behaviour, Conditions, POISON, STOPPED, SimulatedFlickr,
    photos::{Arrival, Chances, Purpose},
};

/// How long after an error Flickr may still act, in milliseconds.
const LATE_MILLISECONDS: u64 = 240_000;

/// How bytes flow to Flickr.
#[derive(Debug, Clone, Copy)]
struct Flow {
    /// The longest that a chunk takes, in milliseconds.
    chunk_milliseconds: u64,
    /// The chunk, from 0, at which something happens to the connection.
    fate_at: u64,
    fate: ConnectionFate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ConnectionFate {
    Flows,
    /// It is cut: the file does not arrive.
    Cut,
    /// The sender is frozen for so long, and does not know it.
    Freezes(Duration),
}

/// A file that did not leave whole.
fn not_sent(class: Class, message: impl Into<String>) -> FileAnswer {
    FileAnswer { outcome: Outcome::new(class, message), uploaded: None }
}

impl SimulatedFlickr {
    /// One upload in four is slow, so that it may take longer than its job's lease.
    fn flow(&self, marker: &str) -> Flow {
        let mut state = self.state();
        let random = state.stream(marker);
        let chunk_milliseconds = if random.per_mille(250) { 55_000 } else { 2_000 };
        let fate_at = random.below(8);
        let frozen = random.milliseconds(100_000, 400_000);
        let fate = match random.below(4_000) {
            roll if roll < self.conditions.faults_per_mille => ConnectionFate::Cut,
            roll if roll < 2 * self.conditions.faults_per_mille => ConnectionFate::Freezes(frozen),
            _ => ConnectionFate::Flows,
        };
        state.faults += u64::from(fate != ConnectionFate::Flows);
        Flow { chunk_milliseconds, fate_at, fate }
    }

    /// Takes the bytes as they come.
    async fn take(
        &self,
        marker: &str,
        mut body: ByteStream,
        bytes: u64,
        until: Timestamp,
    ) -> Result<Bytes, FileAnswer> {
        let Flow { chunk_milliseconds, fate_at, fate } = self.flow(marker);
        let mut taken = Vec::new();
        for chunk_number in 0.. {
            let Some(chunk) = body.next().await else { break };
            let chunk = match chunk {
                Ok(chunk) => chunk,
                Err(error) => {
                    self.state().file_counts.stopped_sends += 1;
                    return Err(not_sent(Class::Transient, error.to_string()));
                }
            };
            let wait = match fate {
                ConnectionFate::Cut if fate_at == chunk_number => {
                    return Err(not_sent(Class::Transient, "the connection was cut"));
                }
                ConnectionFate::Freezes(length) if fate_at == chunk_number => length,
                _ => self.state().stream(marker).milliseconds(10, chunk_milliseconds),
            };
            self.world.sleep(wait).await;
            if self.world.now() >= until {
                return Err(not_sent(Class::TooSlow, "the file could not be sent in time"));
            }
            taken.extend_from_slice(&chunk);
        }
        let is_whole = taken.len() as u64 == bytes;
        if is_whole { Ok(taken.into()) } else { Err(not_sent(Class::Transient, "the file ended early")) }
    }

    /// Whether Flickr refuses the file of the job, whenever it is sent: what it refuses it has never taken.
    fn refuses(&self, marker: &str) -> bool {
        let per_mille = self.conditions.faults_per_mille / 10;
        self.state().stream_of("refused", marker).per_mille(per_mille)
    }

    /// What a file is sent for. A job's machine tag tells whether it was sent before.
    fn purpose(&self, endpoint: Endpoint, fields: &[(String, String)]) -> Purpose {
        let field = |name: &str| {
            let found = fields.iter().find(|(field, _)| field == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        if endpoint == Endpoint::Replace {
            return Purpose::Replace { photo_id: field("photo_id") };
        }
        let tags = field("tags");
        let is_first = self.state().sent.insert(tags.clone());
        let dedup_check = DedupCheck::from_value(&field("dedup_check")).unwrap_or(DedupCheck::Off);
        let forgets = self.conditions.forgets_deduplication && !is_first;
        let dedup_check = if forgets { DedupCheck::Off } else { dedup_check };
        Purpose::Upload { tags, dedup_check, is_async: field("async") == "1" }
    }

    /// Asks Flickr about files: how it behaves, and what that means.
    async fn ask(&self, signing: &Signing, marker: &str) -> (Behaviour, Outcome) {
        let (behaviour, latency) = self.behaviour(signing, marker, HostClass::Rest);
        let limit = Target::Rest.timing().call_deadline;
        self.world.sleep(if behaviour.hangs() { limit } else { latency }).await;
        let now = self.world.now();
        self.state().apply_later_writes(now);
        (behaviour, Outcome::new(behaviour.class(false), format!("{behaviour:?}")))
    }
}

/// By what the job is known that sends a file: the photo that it replaces, or its title.
fn marker_of(endpoint: Endpoint, fields: &[(String, String)]) -> String {
    let name = if endpoint == Endpoint::Replace { "photo_id" } else { "title" };
    let field = fields.iter().find(|(field, _)| field == name);
    field.map(|(_, value)| value.clone()).unwrap_or_default()
}

impl FlickrFiles for SimulatedFlickr {
    async fn send_file(&self, signing: &Signing, request: FileRequest) -> FileAnswer {
        let FileRequest { endpoint, fields, body, bytes, deadline, .. } = request;
        let marker = marker_of(endpoint, &fields);
        let (behaviour, latency) = self.behaviour(signing, &marker, HostClass::Upload);
        if marker.starts_with(POISON) {
            std::future::pending::<()>().await;
        }
        if marker.starts_with(STOPPED) {
            return not_sent(Class::Signature, "oauth_problem=signature_invalid");
        }
        let until = self.world.now() + deadline;
        if behaviour == Behaviour::IsNotReached {
            self.world.sleep(latency).await;
            return not_sent(Class::Transient, format!("{behaviour:?}"));
        }
        let bytes = match self.take(&marker, body, bytes, until).await {
            Ok(bytes) => bytes,
            Err(not_sent) => return not_sent,
        };
        let half = latency / 2;
        let behaviour = match behaviour {
            Behaviour::Refuses => Behaviour::Throttles,
            Behaviour::Throttles => behaviour,
            _ if self.refuses(&marker) => Behaviour::Refuses,
            _ => behaviour,
        };
        let late = self.state().stream(&marker).milliseconds(1_000, LATE_MILLISECONDS);
        let acts_after = match behaviour {
            Behaviour::FailsAndActsLater => Some(half + late),
            behaviour => behaviour.acts_at_once().then_some(half),
        };
        // From here on Flickr acts, whatever becomes of the sender.
        let number = acts_after.map(|length| {
            let purpose = self.purpose(endpoint, &fields);
            let Conditions { deletions_per_mille, faults_per_mille, .. } = *self.conditions;
            let (at, owner) = (self.world.now() + length, signing.token.token().to_owned());
            let mut state = self.state();
            let chances = Chances::draw(state.stream(&marker), deletions_per_mille, faults_per_mille);
            state.photos.receive(Arrival { at, owner, marker, bytes, purpose, chances })
        });
        self.world.sleep(half).await;
        let now = self.world.now();
        let uploaded = {
            let mut state = self.state();
            state.apply_later_writes(now);
            number.and_then(|number| state.photos.answer(number))
        };
        let rest = if behaviour.hangs() { UPLOAD_ANSWER.min(until.since(now)) } else { half };
        self.world.sleep(rest).await;
        let class = behaviour.class(!self.conditions.hides_doubt);
        let uploaded = uploaded.filter(|_| class == Class::Done);
        FileAnswer { outcome: Outcome::new(class, format!("{behaviour:?}")), uploaded }
    }

    async fn find_photo(&self, signing: &Signing, machine_tag: &str) -> (Outcome, FoundPhoto) {
        let (behaviour, outcome) = self.ask(signing, machine_tag).await;
        if behaviour != Behaviour::Acts {
            return (outcome, FoundPhoto::NotKnownYet);
        }
        let mut state = self.state();
        let counts = state.stream(machine_tag).per_mille(300);
        (outcome, state.photos.find(signing.token.token(), machine_tag, counts, self.world.now()))
    }

    async fn check_tickets(&self, signing: &Signing, tickets: &[String]) -> (Outcome, Vec<(String, TicketState)>) {
        let marker = tickets.first().map(String::as_str).unwrap_or_default();
        let (behaviour, outcome) = self.ask(signing, marker).await;
        let mut state = self.state();
        state.file_counts.ticket_questions += 1;
        state.file_counts.tickets_asked += tickets.len() as u64;
        let answered = tickets.iter().filter(|_| behaviour == Behaviour::Acts);
        (outcome, answered.map(|ticket| (ticket.clone(), state.photos.ask_ticket(ticket))).collect())
    }

    async fn photo_version(&self, signing: &Signing, photo_id: &str) -> (Outcome, Option<PhotoVersion>) {
        let (behaviour, outcome) = self.ask(signing, photo_id).await;
        let version = self.state().photos.version(photo_id);
        (outcome, version.filter(|_| behaviour == Behaviour::Acts))
    }

    async fn upload_allowance(&self, signing: &Signing) -> (Outcome, Option<UploadAllowance>) {
        let (behaviour, outcome) = self.ask(signing, "allowance").await;
        (outcome, (behaviour == Behaviour::Acts).then(UploadAllowance::default))
    }
}
