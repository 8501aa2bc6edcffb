//! A job as attributes.

use aws_sdk_dynamodb::types::AttributeValue;
use domain::{
    Timestamp,
    cache::{Families, Terms},
    call::Params,
    idempotency::Fingerprint,
    job::{Carrier, Claim, Doing, Job, Order, Phase, State, StoredResult},
    line::Place,
    outcome::Nature,
    timing::RECORD_RETENTION,
};
use hub::ports;
use serde::{Deserialize, Serialize};

use super::{LINE_APP, LINE_ORDER, ORDER, ids_of, key};
use crate::{
    Cloud,
    item::{Attributes, EXPIRES_AT, Reader, expiry, name_of, named, number, text, time, unreadable},
};

/// The attribute that holds the part of an order that can be long.
pub(super) const ORDER_TEXT: &str = "order";

/// The attributes of a job's state: each write of a state sets those it has and removes the others.
pub(super) const STATE: [&str; 27] = [
    "run",
    "resends",
    "dispatch",
    "due_at",
    "carrier",
    "attempts",
    "runnable_at",
    "started_at",
    "doubt",
    FOLLOWS,
    PLACE,
    LINE_APP,
    LINE_ORDER,
    "phase",
    "claim_id",
    "lease_until",
    "call_sent",
    CHECK_UNTIL,
    "why",
    "ended_at",
    "failure",
    "result",
    "result_bytes",
    RESULT_OF,
    RESULT_AS_OF,
    "dead_cursor",
    EXPIRES_AT,
];

/// A job's place in an app's line: the app and the tag.
const PLACE: &str = "place";

/// The job for whose answer it waits or waited last.
const FOLLOWS: &str = "follows";

/// The job whose answer it shares, and when that one asked.
const RESULT_OF: &str = "result_of";
const RESULT_AS_OF: &str = "result_as_of";

/// The families that its end makes void. A read has it only where there are any.
const RAISES: &str = "raises";

/// When a search for a write's effect ends: a job that has it is verifying, or runs a check.
pub(super) const CHECK_UNTIL: &str = "check_until";

/// The part of an order that can be long.
#[derive(Serialize, Deserialize)]
struct Long {
    params: Params,
    #[serde(default, skip_serializing_if = "Terms::is_default")]
    cache: Terms,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<String>,
}

fn broken(error: serde_json::Error) -> ports::Error {
    ports::Error::broken("an item cannot be written", error)
}

/// The part of an order that can be long, as JSON text.
pub(super) fn long_text(order: &Order) -> ports::Result<String> {
    let long = Long { params: order.params.clone(), cache: order.cache, meta: order.meta.clone() };
    serde_json::to_string(&long).map_err(broken)
}

/// The job's item, without the part of its order that can be long.
pub(super) fn core(job: &Job, sort: &str) -> ports::Result<Attributes> {
    let order = &job.order;
    let mut core = key(&job.tenant, &job.id, sort);
    core.extend(named([
        ("user", text(order.user.as_str())),
        ("target", name_of(&order.target)),
        ("priority", name_of(&order.priority)),
        ("method", text(order.method.as_str())),
        ("nature", name_of(&job.nature)),
        ("checkable", AttributeValue::Bool(job.checkable)),
        ("fingerprint", text(job.fingerprint.as_str())),
        ("trace", text(job.trace.as_str())),
        ("created_at", time(job.created_at)),
    ]));
    let raises = job.nature != Nature::Read || !job.raises.is_empty();
    core.extend(named(raises.then(|| (RAISES, text(job.raises.to_string())))));
    core.extend(named(state_attributes(job)?));
    Ok(core)
}

/// Where a dead job stands in the desk's list.
pub(super) fn dead_cursor(job: &Job) -> Option<String> {
    match &job.state.phase {
        Phase::Dead { at, .. } => Some(format!("{:015}.{}", at.as_milliseconds(), job.id)),
        _ => None,
    }
}

/// Where a job stands in its app's line: ordered by tag, then as the jobs came.
fn line_order(tag: u64, job: &Job) -> String {
    format!("{tag:020}.{:015}", job.created_at.as_milliseconds())
}

/// The tag in a [`line_order`].
pub(super) fn tag_of(line_order: &str) -> Option<u64> {
    line_order.split_once('.')?.0.parse().ok()
}

/// The attributes of the job's state.
pub(super) fn state_attributes(job: &Job) -> ports::Result<Vec<(&'static str, AttributeValue)>> {
    let state = &job.state;
    let mut attributes = vec![
        ("run", number(state.run)),
        ("dispatch", number(state.dispatch)),
        ("due_at", time(state.due_at)),
        ("carrier", name_of(&state.carrier)),
        ("resends", number(state.resends)),
        ("attempts", number(state.attempts)),
        ("runnable_at", time(state.runnable_at)),
        ("doubt", AttributeValue::Bool(state.doubt)),
        ("phase", text(state.phase.name())),
    ];
    attributes.extend(state.started_at.map(|at| ("started_at", time(at))));
    attributes.extend(state.follows.as_ref().map(|leader| (FOLLOWS, text(leader.as_str()))));
    if let Some(place) = &state.place {
        attributes.push((PLACE, text(format!("{}#{}", place.app, place.tag))));
        if state.carrier == Carrier::Line && !state.is_terminal() {
            attributes.extend([(LINE_APP, text(place.app.as_str())), (LINE_ORDER, text(line_order(place.tag, job)))]);
        }
    }
    match &state.phase {
        Phase::Scheduled | Phase::Queued | Phase::Expired { .. } => {}
        Phase::Running(claim) => {
            attributes.extend([
                ("claim_id", text(claim.id.as_str())),
                ("lease_until", time(claim.lease_until)),
                ("call_sent", AttributeValue::Bool(claim.doing == Doing::UnrepeatableCall)),
            ]);
            if let Doing::Check { until } = claim.doing {
                attributes.push((CHECK_UNTIL, time(until)));
            }
        }
        Phase::Deferred { why } => attributes.push(("why", text(why))),
        Phase::Verifying { until } => attributes.push((CHECK_UNTIL, time(*until))),
        Phase::Completed { result: StoredResult::Inline(result), .. } => attributes.push(("result", text(result))),
        Phase::Completed { result: StoredResult::Beside, .. } => {}
        Phase::Completed { result: StoredResult::Object { bytes }, .. } => {
            attributes.push(("result_bytes", number(i64::try_from(*bytes).unwrap_or(i64::MAX))));
        }
        Phase::Completed { result: StoredResult::Shared { leader, as_of }, .. } => {
            attributes.extend([(RESULT_OF, text(leader.as_str())), (RESULT_AS_OF, time(*as_of))]);
        }
        Phase::Failed { failure, .. } | Phase::Dead { failure, .. } => {
            attributes.push(("failure", text(serde_json::to_string(failure).map_err(broken)?)));
        }
    }
    attributes.extend(dead_cursor(job).map(|cursor| ("dead_cursor", text(cursor))));
    if let Some(at) = state.phase.ended_at() {
        attributes.extend([("ended_at", time(at)), (EXPIRES_AT, expiry(at + RECORD_RETENTION))]);
    }
    Ok(attributes)
}

fn read_place(text: &str) -> ports::Result<Place> {
    let parts = text.split_once('#');
    let place = parts.and_then(|(app, tag)| Some(Place { app: app.parse().ok()?, tag: tag.parse().ok()? }));
    place.ok_or_else(|| unreadable(PLACE))
}

/// A write that does not say whose kept answers it makes void was accepted before any were kept: it may
/// be any.
fn read_raises(reader: &Reader<'_>, nature: Nature) -> ports::Result<Families> {
    let unsaid = || if nature == Nature::Read { Families::default() } else { Families::all() };
    Ok(reader.optional_parsed(RAISES)?.unwrap_or_else(unsaid))
}

fn read_result(reader: &Reader<'_>) -> ports::Result<StoredResult> {
    if let Some(result) = reader.optional_text("result") {
        return Ok(StoredResult::Inline(result.to_owned()));
    }
    if reader.optional_text(RESULT_OF).is_some() {
        return Ok(StoredResult::Shared { leader: reader.parsed(RESULT_OF)?, as_of: reader.time(RESULT_AS_OF)? });
    }
    let bytes = reader.optional_number("result_bytes").map(usize::try_from).transpose();
    let bytes = bytes.map_err(|_| unreadable("result_bytes"))?;
    Ok(bytes.map_or(StoredResult::Beside, |bytes| StoredResult::Object { bytes }))
}

pub(super) fn read_state(item: &Attributes) -> ports::Result<State> {
    let reader = Reader(item);
    let check_until = reader.optional_number(CHECK_UNTIL).map(Timestamp::from_milliseconds);
    let failure = || serde_json::from_str(reader.text("failure")?).map_err(|_| unreadable("failure"));
    let ended_at = || reader.time("ended_at");
    let phase = match reader.text("phase")? {
        "scheduled" => Phase::Scheduled,
        "queued" => Phase::Queued,
        "running" => Phase::Running(Claim {
            id: reader.parsed("claim_id")?,
            lease_until: reader.time("lease_until")?,
            doing: match (reader.flag("call_sent")?, check_until) {
                (true, _) => Doing::UnrepeatableCall,
                (false, Some(until)) => Doing::Check { until },
                (false, None) => Doing::Call,
            },
        }),
        "deferred" => Phase::Deferred { why: reader.text("why")?.to_owned() },
        "verifying" => Phase::Verifying { until: check_until.ok_or_else(|| unreadable(CHECK_UNTIL))? },
        "completed" => Phase::Completed { at: ended_at()?, result: read_result(&reader)? },
        "failed" => Phase::Failed { at: ended_at()?, failure: failure()? },
        "expired" => Phase::Expired { at: ended_at()? },
        "dead" => Phase::Dead { at: ended_at()?, failure: failure()? },
        _ => return Err(unreadable("phase")),
    };
    Ok(State {
        run: reader.count("run")?,
        dispatch: reader.count("dispatch")?,
        due_at: reader.time("due_at")?,
        carrier: reader.named("carrier")?,
        resends: reader.count("resends")?,
        attempts: reader.count("attempts")?,
        runnable_at: reader.time("runnable_at")?,
        started_at: reader.optional_number("started_at").map(Timestamp::from_milliseconds),
        doubt: reader.flag("doubt")?,
        follows: reader.optional_parsed(FOLLOWS)?,
        place: reader.optional_text(PLACE).map(read_place).transpose()?,
        phase,
    })
}

impl Cloud {
    /// Reads a job from its item, and the long part of its order from beside it where it is there.
    pub(super) async fn read_job(&self, item: &Attributes) -> ports::Result<Job> {
        let reader = Reader(item);
        let (tenant, id) = ids_of(item)?;
        let beside;
        let long = match reader.optional_text(ORDER_TEXT) {
            Some(inline) => inline,
            None => {
                let found = self.get(&self.jobs_table, key(&tenant, &id, ORDER), "reading a job's order").await?;
                beside = found.ok_or_else(|| unreadable(ORDER_TEXT))?;
                Reader(&beside).text(ORDER_TEXT)?
            }
        };
        let long: Long = serde_json::from_str(long).map_err(|_| unreadable(ORDER_TEXT))?;
        let nature = reader.named("nature")?;
        Ok(Job {
            order: Order {
                user: reader.parsed("user")?,
                target: reader.named("target")?,
                priority: reader.named("priority")?,
                method: reader.parsed("method")?,
                params: long.params,
                cache: long.cache,
                meta: long.meta,
            },
            nature,
            checkable: reader.flag("checkable")?,
            raises: read_raises(&reader, nature)?,
            fingerprint: Fingerprint::from_stored(reader.text("fingerprint")?.to_owned()),
            trace: reader.parsed("trace")?,
            created_at: reader.time("created_at")?,
            state: read_state(item)?,
            tenant,
            id,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        AppId, ClaimId, JobId, TenantId, TraceId, UserId,
        cache::Family,
        job::{Failure, FailureCode, Target},
        line::Priority,
    };

    use super::*;

    const AT: Timestamp = Timestamp::from_milliseconds(1_790_000_000_123);

    fn job(state: State, cache: Terms, raises: Families) -> Job {
        let tenant = TenantId::from_bytes([1; 16]);
        let order = Order {
            user: UserId::of(&tenant, "1@N00"),
            target: Target::Rest,
            priority: Priority::Low,
            method: "flickr.test.null".parse().unwrap(),
            params: Params::default(),
            cache,
            meta: None,
        };
        Job {
            tenant,
            id: JobId::from_bytes([2; 16]),
            nature: Nature::Read,
            checkable: false,
            raises,
            fingerprint: Fingerprint::of(&order).unwrap(),
            order,
            trace: TraceId::from_bytes([3; 16]),
            created_at: AT,
            state,
        }
    }

    #[test]
    fn a_state_reads_back_as_written_and_uses_only_known_attributes() {
        let at = AT;
        let failure = || Failure { code: FailureCode::FlickrRejected, message: "m".to_owned(), flickr_code: Some(1) };
        let claim = |doing| Phase::Running(Claim { id: ClaimId::from_bytes([1; 16]), lease_until: at, doing });
        let phases = [
            Phase::Scheduled,
            Phase::Queued,
            claim(Doing::Call),
            claim(Doing::UnrepeatableCall),
            claim(Doing::Check { until: at }),
            Phase::Deferred { why: "later".to_owned() },
            Phase::Verifying { until: at },
            Phase::Completed { at, result: StoredResult::Inline("{}".to_owned()) },
            Phase::Completed { at, result: StoredResult::Beside },
            Phase::Completed { at, result: StoredResult::Object { bytes: 5_000_000 } },
            Phase::Completed { at, result: StoredResult::Shared { leader: JobId::from_bytes([7; 16]), as_of: at } },
            Phase::Failed { at, failure: failure() },
            Phase::Expired { at },
            Phase::Dead { at, failure: failure() },
        ];
        let place = Place { app: AppId::from_bytes([9; 16]), tag: u64::MAX };
        let standings = [(Carrier::Sweep, None), (Carrier::Queue, Some(&place)), (Carrier::Line, Some(&place))];
        for (phase, (carrier, place)) in phases.iter().flat_map(|phase| standings.map(|standing| (phase, standing))) {
            let state = State {
                run: 2,
                dispatch: 3,
                due_at: AT,
                carrier,
                resends: 3,
                attempts: 2,
                runnable_at: AT,
                started_at: Some(AT),
                doubt: true,
                place: place.cloned(),
                follows: place.map(|_| JobId::from_bytes([8; 16])),
                phase: phase.clone(),
            };
            let job = job(state.clone(), Terms::default(), Families::default());
            let attributes: Attributes = named(state_attributes(&job).unwrap()).collect();
            assert!(attributes.keys().all(|name| STATE.contains(&name.as_str())));
            assert_eq!(attributes.contains_key(EXPIRES_AT), state.is_terminal(), "only an ended job expires");
            let listed = carrier == Carrier::Line && !state.is_terminal();
            let order = listed.then_some("18446744073709551615.001790000000123");
            assert_eq!(Reader(&attributes).optional_text(LINE_ORDER), order, "only who waits in line is listed");
            assert_eq!(attributes.contains_key(LINE_APP), listed);
            assert!(order.is_none_or(|order| tag_of(order) == Some(u64::MAX)));
            assert_eq!(read_state(&attributes).unwrap(), state);
        }
    }

    #[test]
    fn what_is_said_of_kept_answers_is_written_only_where_something_is() {
        let state = || State::first(AT, AT).0;
        let plain = job(state(), Terms::default(), Families::default());
        assert_eq!(long_text(&plain.order).unwrap(), r#"{"params":{}}"#);
        assert!(!core(&plain, "JOB").unwrap().contains_key(RAISES));
        let read: Long = serde_json::from_str(r#"{"params":{}}"#).unwrap();
        assert!(read.cache.is_default(), "an order of before there was a cache");

        let terms = Terms::new(Some(60), true).unwrap();
        let raising = job(state(), terms, [Family::Tags, Family::Photos].into_iter().collect());
        let read: Long = serde_json::from_str(&long_text(&raising.order).unwrap()).unwrap();
        assert_eq!(read.cache, terms);
        let written = core(&raising, "JOB").unwrap();
        assert_eq!(Reader(&written).optional_text(RAISES), Some("photos,tags"));
        assert_eq!(read_raises(&Reader(&written), Nature::Read).unwrap(), raising.raises);

        let harmless = Job { nature: Nature::NaturalWrite, ..plain };
        let mut written = core(&harmless, "JOB").unwrap();
        assert_eq!(read_raises(&Reader(&written), harmless.nature).unwrap(), Families::default());
        written.remove(RAISES);
        assert_eq!(read_raises(&Reader(&written), harmless.nature).unwrap(), Families::all(), "a write of before");
        assert_eq!(read_raises(&Reader(&written), Nature::Read).unwrap(), Families::default());
    }
}
