use std::collections::BTreeMap;

use domain::{
    AppId, ClaimId, JobId, TenantId, Timestamp, UploadId,
    cache::CacheTag,
    call::MAX_PARAMS_BYTES,
    idempotency::Idempotency,
    job::{Failure, FailureCode, MAX_META_BYTES, WakeBy},
    upload::{FileSource, PhotoVersion, Ticket},
    verification::Verification,
};

use testkit::build;

use super::*;
use crate::jobs::keys::{check_attributes, queue_attributes};

const AT: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

fn job(state: State) -> Job {
    let account = build::account_ref(&TenantId::from_bytes([1; 16]), "1@N00");
    let spec = build::spec(&account, "flickr.people.getInfo", r#"{"user_id": "12345678@N00"}"#);
    Job { state, ..build::job([2; 16], spec, AT) }
}

fn waiting(reason: WaitReason, wake_by: WakeBy) -> Phase {
    Phase::Waiting(Waiting::from_stored(reason, wake_by).unwrap())
}

fn running(activity: Activity, waited_for: WaitReason) -> Phase {
    Phase::Running(Claim { id: ClaimId::from_bytes([1; 16]), lease_until: AT, activity, waited_for })
}

fn ticket() -> QueueTicket {
    QueueTicket { app: AppId::from_bytes([9; 16]), tag: u64::MAX }
}

/// A state of each kind.
fn states() -> Vec<State> {
    let at = AT;
    let leader = || JobId::from_bytes([7; 16]);
    let failure = || Failure { code: FailureCode::FlickrRejected, message: "m".to_owned(), flickr_code: Some(1) };
    let back_off = || WaitReason::BackOff { message: "\"502\"".to_owned(), flickr_code: Some(105) };
    let verification = || WaitReason::Verification { until: at };
    let phases = [
        waiting(WaitReason::Schedule, WakeBy::Sweep),
        waiting(WaitReason::Worker, WakeBy::Queue),
        waiting(WaitReason::Turn, WakeBy::Turn),
        waiting(WaitReason::Leader { job: leader() }, WakeBy::Queue),
        waiting(back_off(), WakeBy::Queue),
        waiting(verification(), WakeBy::Queue),
        running(Activity::Call, WaitReason::Worker),
        running(Activity::NonIdempotentCall, back_off()),
        running(Activity::NonIdempotentCall, verification()),
        running(Activity::Verify { until: at }, verification()),
        Phase::Completed { at, result: StoredResult::Inline("{}".to_owned()), page_of_several: false },
        Phase::Completed { at, result: StoredResult::SeparateItem, page_of_several: true },
        Phase::Completed { at, result: StoredResult::Object { bytes: 5_000_000 }, page_of_several: false },
        Phase::Completed { at, result: StoredResult::Shared { leader: leader(), as_of: at }, page_of_several: false },
        Phase::Failed { at, failure: failure() },
        Phase::Expired { at, waited_for: back_off() },
        Phase::Dead { at, failure: failure() },
    ];
    let state = |phase, ticket: Option<QueueTicket>| State {
        revision: u64::MAX,
        run: 2,
        fencing_number: 3,
        due_at: AT,
        resends: 3,
        attempts: 2,
        eligible_at: AT,
        started_at: ticket.as_ref().map(|_| AT),
        in_doubt: ticket.is_some(),
        follows: ticket.as_ref().map(|_| leader()),
        ticket,
        file: FileProgress::default(),
        phase,
    };
    phases.into_iter().flat_map(|phase| [None, Some(ticket())].map(|ticket| state(phase.clone(), ticket))).collect()
}

/// The item of a job with all of what was asked in it.
fn whole_record(job: &Job) -> Attributes {
    let mut item = record(job).unwrap();
    item.insert(SPEC_TEXT.to_owned(), spec_text(&job.spec).unwrap());
    item
}

fn read_back(item: &Attributes) -> Job {
    read(item, Reader(item).text(SPEC_TEXT).unwrap()).unwrap()
}

#[test]
fn a_state_reads_back_as_written_and_uses_only_known_attributes() {
    for state in states() {
        let attributes: Attributes = named(state_attributes(&state).unwrap()).collect();
        assert!(attributes.keys().all(|name| STATE.contains(&name.as_str())), "{attributes:?}");
        assert_eq!(attributes.contains_key(EXPIRES_AT), state.is_terminal(), "only an ended job expires");
        assert_eq!(read_state(&attributes).unwrap(), state);
    }
}

#[test]
fn a_waiting_job_that_contradicts_itself_is_unreadable() {
    let outage: Attributes = named([
        ("phase", text("deferred")),
        (WAIT_REASON, json(&WaitReason::Outage).unwrap()),
        ("wake_by", name_of(&WakeBy::Turn)),
    ])
    .collect();
    assert!(read_phase(&Reader(&outage)).is_err());
}

#[test]
fn a_job_reads_back_as_written() {
    for state in states() {
        let plain = job(state);
        let item = whole_record(&plain);
        assert!(!item.contains_key(INVALIDATES) && !item.contains_key("verification"));
        assert_eq!(read_back(&item), plain);
        let mut special = Job {
            idempotency: Idempotency::NonIdempotent,
            verification: Some(Verification::ReadBack),
            invalidates: [CacheTag::Tags, CacheTag::Photos].into_iter().collect(),
            ..plain
        };
        special.spec.cache = CacheOptions::new(Some(60), true).unwrap();
        special.spec.meta = Some(r#"{"a": "\"1\""}"#.to_owned());
        let item = whole_record(&special);
        assert_eq!(Reader(&item).optional_text(INVALIDATES), Some("photos,tags"));
        assert_eq!(read_back(&item), special);
    }
}

/// A job that sends a file, to either endpoint.
fn file_job(state: State, target: Target) -> Job {
    let params = if target == Target::Replace { r#"{"photo_id":"1"}"# } else { r#"{"title":"é","tags":["a b"]}"# };
    let fields = UploadFields::from_json(params, target).unwrap();
    let call = FileCall { source: FileSource::Upload(UploadId::from_bytes([3; 16])), fields };
    let mut job = job(state);
    job.spec.work = if target == Target::Replace { Work::Replace(call) } else { Work::Upload(call) };
    job
}

#[test]
fn a_job_that_sends_a_file_reads_back_as_written_and_has_no_method() {
    for target in [Target::Upload, Target::Replace] {
        for state in states() {
            let job = file_job(state, target);
            let item = whole_record(&job);
            assert!(!item.contains_key("method"));
            assert_eq!(Reader(&item).text("target").unwrap(), target.as_str());
            assert_eq!(read_back(&item), job);
        }
    }
    let mut item = whole_record(&file_job(State::first(AT, AT), Target::Upload));
    item.insert(SPEC_TEXT.to_owned(), text(r#"{"params":{}}"#));
    assert!(read(&item, r#"{"params":{}}"#).is_err(), "a file has to be named");
}

#[test]
fn how_far_a_file_has_come_is_one_attribute_that_is_absent_where_there_is_nothing_to_say() {
    let ticket = Some(Ticket { id: "1-2".to_owned(), asked: 3 });
    let photo_version = Some(PhotoVersion { secret: "abc".to_owned(), last_update: "1790000000".to_owned() });
    for file in [
        FileProgress { ticket, ..FileProgress::default() },
        FileProgress { photo_version, unsettled: true, ..FileProgress::default() },
    ] {
        let state = State { file, ..State::first(AT, AT) };
        let attributes: Attributes = named(state_attributes(&state).unwrap()).collect();
        assert!(attributes.keys().all(|name| STATE.contains(&name.as_str())), "{attributes:?}");
        assert_eq!(read_state(&attributes).unwrap(), state);
    }
    let plain: Attributes = named(state_attributes(&State::first(AT, AT)).unwrap()).collect();
    assert!(!plain.contains_key(FILE));
}

#[test]
fn what_was_asked_is_written_short() {
    let plain = job(State::first(AT, AT)).spec;
    let text = |spec: &JobSpec| spec_text(spec).unwrap().as_s().unwrap().clone();
    assert_eq!(text(&plain), r#"{"params":{"user_id":"12345678@N00"}}"#);
    let mut upload = file_job(State::first(AT, AT), Target::Upload);
    let file = UploadId::from_bytes([3; 16]);
    let params = r#"{"tags":"\"a b\"","title":"é"}"#;
    assert_eq!(text(&upload.spec), format!(r#"{{"params":{params},"file":{{"upload":"{file}"}}}}"#));
    let Work::Upload(call) = &mut upload.spec.work else { panic!("it uploads") };
    call.source = FileSource::Url("https://a.example/b.jpg?s=1".to_owned());
    let url = r#"{"url":"https://a.example/b.jpg?s=1"}"#;
    assert_eq!(text(&upload.spec), format!(r#"{{"params":{params},"file":{url}}}"#));
    assert_eq!(read_back(&whole_record(&upload)), upload);
    let cached = JobSpec { cache: CacheOptions::new(Some(60), true).unwrap(), ..plain };
    let read: LongSpec = serde_json::from_str(&text(&cached)).unwrap();
    assert_eq!(read.cache, cached.cache);
}

/// DynamoDB's limit of an item is 400 KiB.
#[test]
fn the_longest_that_can_be_asked_fits_in_an_item() {
    let mut spec = job(State::first(AT, AT)).spec;
    let longest = "x".repeat(MAX_PARAMS_BYTES - r#"{"p":""}"#.len());
    let params = Params::from_json(&format!(r#"{{"p":"{longest}"}}"#)).unwrap();
    spec.work = Work::Rest(RestCall { method: spec.work.method().unwrap().clone(), params });
    spec.cache = CacheOptions::new(Some(60), true).unwrap();
    spec.meta = Some("\"".repeat(MAX_META_BYTES));
    let text = spec_text(&spec).unwrap();
    assert!(text.as_s().unwrap().len() < 399 * 1024, "{}", text.as_s().unwrap().len());
}

/// The size of an item in bytes, by the rules of the Amazon DynamoDB Developer Guide ("DynamoDB item sizes and
/// formats"): of a number, a byte for each two digits and one more.
fn bytes_of(item: &Attributes) -> usize {
    let value = |value: &AttributeValue| match value {
        AttributeValue::S(text) => text.len(),
        AttributeValue::N(digits) => digits.len().div_ceil(2) + 1,
        AttributeValue::Bool(_) => 1,
        other => panic!("not used in a job: {other:?}"),
    };
    item.iter().map(|(name, attribute)| name.len() + value(attribute)).sum()
}

/// A write of an item costs one unit up to 1 KiB, before and after it: that holds for jobs with a short answer, also if
/// what was asked takes all the room that it may in the item.
#[test]
fn an_ordinary_job_costs_one_unit_a_write() {
    for state in states() {
        let mut job = job(State { revision: 9, ..state });
        let kind = job.state.phase.name();
        job.invalidates = [CacheTag::Photos, CacheTag::Photosets].into_iter().collect();
        if let Phase::Completed { result: result @ StoredResult::Inline(_), .. } = &mut job.state.phase {
            *result = StoredResult::Inline("x".repeat(100));
        }
        // Few jobs have waited in a fair queue and for another job, too.
        if job.state.ticket.is_none() {
            let others = r#"{"params":{"user_id":"12345678@N00"},"meta":""}"#.len();
            job.spec.meta = Some("m".repeat(MAX_INLINE_SPEC_BYTES - others));
            assert_eq!(spec_text(&job.spec).unwrap().as_s().unwrap().len(), MAX_INLINE_SPEC_BYTES);
        }
        let mut item = whole_record(&job);
        if !job.state.is_terminal() {
            item.extend(named(check_attributes(hub::ports::Shards::new(255).unwrap(), &job.reference(), AT)));
        }
        if let Some(ticket) = job.state.queued_ticket() {
            item.extend(named(queue_attributes(ticket, job.spec.work.target().host_class(), AT)));
        }
        let bytes = bytes_of(&item);
        assert!(bytes <= 1024, "{kind}: {bytes} bytes: {item:?}");
    }
}

/// Jobs as former versions stored them, in a state of each kind: an update finds them, and they go on.
#[test]
fn jobs_of_former_versions_are_read_as_they_stood() {
    type Stored = BTreeMap<String, BTreeMap<String, serde_json::Value>>;
    let stored: Vec<Stored> = serde_json::from_str(include_str!("../../../data/former-jobs.json")).unwrap();
    let attribute = |value: &BTreeMap<String, serde_json::Value>| match value.first_key_value().unwrap() {
        (kind, serde_json::Value::Bool(flag)) if kind == "BOOL" => AttributeValue::Bool(*flag),
        (kind, serde_json::Value::String(number)) if kind == "N" => AttributeValue::N(number.clone()),
        (kind, serde_json::Value::String(text)) if kind == "S" => AttributeValue::S(text.clone()),
        other => panic!("{other:?}"),
    };
    let states = states();
    assert_eq!(stored.len(), states.len());
    for (item, mut state) in stored.iter().zip(states) {
        let item: Attributes = item.iter().map(|(name, value)| (name.clone(), attribute(value))).collect();
        if let Phase::Completed { page_of_several, .. } = &mut state.phase {
            *page_of_several = false;
        }
        let found = read_back(&item);
        assert_eq!(found.state, state);
        assert_eq!(
            (found.spec.meta.as_deref(), found.idempotency),
            (Some(r#"{"a": 1.50}"#), Idempotency::NonIdempotent)
        );
        let mut record = whole_record(&found);
        assert!(record.remove(HISTORY_ACCOUNT).is_some(), "only who is accepted from now on is listed");
        assert_eq!(record, item, "and they are written on as they are");
    }
}
