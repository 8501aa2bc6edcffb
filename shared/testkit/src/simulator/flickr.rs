//! Flickr as it behaves on bad days: it acts and does not say so, says no and acts later, hangs.

mod applied_write;
mod files;
mod photos;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Timestamp,
    budget::HostClass,
    cache::{CachePolicy, CacheTag},
    call::{Params, RestCall},
    catalogue::{Catalogue, MethodFacts, Methods, Verb},
    idempotency::Idempotency,
    job::{Target, Work},
    outcome::{Class, Outcome},
    verification::{Verification, Verified},
};
use hub::ports::{Answer, Clock, FlickrApi, Signing, VerifyAnswer};

use self::photos::INDEX_LAG_MILLISECONDS;
pub(crate) use self::{
    applied_write::AppliedWrite,
    photos::{Life, Photo},
};
use super::{file_counts::FileCounts, fnv, period::Period};
use crate::{World, random::Random};

/// The method that reads.
pub const READ: &str = "flickr.photos.getInfo";

/// The method whose write may be repeated.
pub const EDIT: &str = "flickr.photos.setMeta";

/// The method whose write must not be repeated, and cannot be verified.
pub const CREATE: &str = "flickr.photosets.create";

/// The method whose write must not be repeated, and can be verified.
pub const COMMENT: &str = "flickr.photos.comments.addComment";

/// The methods that jobs call.
pub(crate) const METHODS: [&str; 4] = [READ, EDIT, CREATE, COMMENT];

/// How old a cached answer may be, where a job says nothing else.
pub(crate) const TTL: Duration = Duration::from_secs(300);

/// What the marker of a job begins with whose worker always dies at its call.
pub(crate) const POISON: &str = "poison-";

/// What the marker of a job begins with whose app Flickr refuses.
pub(crate) const STOPPED: &str = "stopped-";

/// What the marker of a job begins with whose calls always fail.
pub(crate) const FAILING: &str = "failing-";

/// What FlickrHub knows of the methods.
pub(crate) static CATALOGUE: Catalogue = Catalogue::new(methods);

fn methods() -> Methods {
    let write = |idempotency, verification, invalidates| MethodFacts {
        idempotency,
        verification,
        invalidates: [invalidates].into_iter().collect(),
        ..MethodFacts::unknown()
    };
    let read = MethodFacts {
        verb: Verb::Get,
        idempotency: Idempotency::Safe,
        cache_policy: Some(CachePolicy {
            tag: CacheTag::Photos,
            ttl: TTL,
            index_lag: Duration::ZERO,
            has_pages: false,
        }),
        invalidates: [].into_iter().collect(),
        ..MethodFacts::unknown()
    };
    let read_back = Some(Verification::ReadBack);
    let methods = [
        (READ, read),
        (EDIT, write(Idempotency::Idempotent, read_back, CacheTag::Photos)),
        (CREATE, write(Idempotency::NonIdempotent, None, CacheTag::Photosets)),
        (COMMENT, write(Idempotency::NonIdempotent, read_back, CacheTag::Photos)),
    ];
    methods.into_iter().map(|(name, facts)| (name.to_owned(), facts)).collect()
}

/// The marker that a job carries to Flickr: of a file the title, or the photo that it replaces.
pub(crate) fn marker_of(work: &Work) -> String {
    let name = match work {
        Work::Rest(_) => "marker",
        Work::Upload(_) => "title",
        Work::Replace(_) => "photo_id",
    };
    param(work.params(), name)
}

fn param(params: &Params, name: &str) -> String {
    let found = params.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.to_owned()).unwrap_or_default()
}

/// What Flickr does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Behaviour {
    Acts,
    IsNotReached,
    Refuses,
    Throttles,
    FailsUndone,
    ActsAndFails,
    ActsAndHangs,
    Hangs,
    FailsAndActsLater,
}

impl Behaviour {
    const OF_OUTAGES: [Self; 3] = [Self::IsNotReached, Self::FailsUndone, Self::Hangs];

    const FAULTS: [Self; 8] = [
        Self::IsNotReached,
        Self::Refuses,
        Self::Throttles,
        Self::FailsUndone,
        Self::ActsAndFails,
        Self::ActsAndHangs,
        Self::Hangs,
        Self::FailsAndActsLater,
    ];

    const fn acts_at_once(self) -> bool {
        matches!(self, Self::Acts | Self::ActsAndFails | Self::ActsAndHangs)
    }

    const fn hangs(self) -> bool {
        matches!(self, Self::Hangs | Self::ActsAndHangs)
    }

    /// What the client makes of it. `in_doubt` says that what was sent and not answered may have taken effect.
    const fn class(self, in_doubt: bool) -> Class {
        match self {
            Self::Acts => Class::Done,
            Self::IsNotReached => Class::Transient,
            Self::Refuses => Class::Permanent,
            Self::Throttles => Class::Throttled,
            _ if in_doubt => Class::UnknownOutcome,
            _ => Class::Transient,
        }
    }
}

/// A call that came to Flickr.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlickrCall {
    /// When.
    pub at: Timestamp,
    /// Of which app: its key.
    pub app: String,
    /// To which hosts.
    pub class: HostClass,
}

/// How often calls with a marker took effect, and when first.
#[derive(Debug, Clone, Copy)]
struct Effect {
    times: u32,
    first_at: Timestamp,
}

struct State {
    seed: u64,
    /// What is drawn for each marker. It does not depend on the calls with others, so that Flickr does the same with a
    /// job when another is taken away.
    streams: BTreeMap<String, Random>,
    effects: BTreeMap<String, Effect>,
    writes: Vec<AppliedWrite>,
    later_writes: Vec<AppliedWrite>,
    calls: Vec<FlickrCall>,
    first_calls: BTreeMap<String, Timestamp>,
    faults: u64,
    photos: photos::Photos,
    /// The tags of the files that were sent.
    sent: BTreeSet<String>,
    /// What is counted of files here.
    file_counts: FileCounts,
}

/// What is set of a simulated Flickr for all of its calls.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    /// How many calls in a thousand go wrong.
    pub(crate) faults_per_mille: u64,
    /// When all calls are refused as too many.
    pub(crate) storms: Vec<Period>,
    /// When no call is answered.
    pub(crate) outages: Vec<Period>,
    /// Whether writes of unknown outcome are said to have had none: a rule broken on purpose.
    pub(crate) hides_doubt: bool,
    /// How many photos in a thousand their owners delete.
    pub(crate) deletions_per_mille: u64,
    /// Whether a deleted original is called a living one: a rule broken on purpose.
    pub(crate) hides_deletion: bool,
    /// Whether a file that is sent again is taken without deduplication: a rule broken on purpose.
    pub(crate) forgets_deduplication: bool,
}

/// The simulated Flickr. A clone is the same.
#[derive(Clone)]
pub(crate) struct SimulatedFlickr {
    world: World,
    state: Arc<Mutex<State>>,
    conditions: Arc<Conditions>,
}

impl SimulatedFlickr {
    /// Flickr in `world`, at its time.
    pub(crate) fn new(world: World, mut random: Random, conditions: Conditions) -> Self {
        let state = State {
            seed: random.below(u64::MAX),
            streams: BTreeMap::new(),
            effects: BTreeMap::new(),
            writes: Vec::new(),
            later_writes: Vec::new(),
            calls: Vec::new(),
            first_calls: BTreeMap::new(),
            faults: 0,
            photos: photos::Photos::new(conditions.hides_deletion),
            sent: BTreeSet::new(),
            file_counts: FileCounts::default(),
        };
        Self { world, state: Arc::new(Mutex::new(state)), conditions: Arc::new(conditions) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<FlickrCall> {
        self.state().calls.clone()
    }

    /// When the first call with each marker came.
    pub(crate) fn first_calls(&self) -> BTreeMap<String, Timestamp> {
        self.state().first_calls.clone()
    }

    /// How many calls went wrong.
    pub(crate) fn faults(&self) -> u64 {
        self.state().faults
    }

    /// How often calls with each marker took effect, those included that still will.
    pub(crate) fn effects(&self) -> BTreeMap<String, u32> {
        let mut state = self.state();
        state.apply_later_writes(Timestamp::from_milliseconds(i64::MAX));
        state.effects.iter().map(|(marker, effect)| (marker.clone(), effect.times)).collect()
    }

    /// Every write that took effect.
    pub(crate) fn writes(&self) -> Vec<AppliedWrite> {
        self.state().writes.clone()
    }

    /// Every photo that there ever was, those included that there still will be.
    pub(crate) fn photos(&self) -> Vec<Photo> {
        let mut state = self.state();
        state.apply_later_writes(Timestamp::from_milliseconds(i64::MAX));
        state.photos.all().to_vec()
    }

    /// Adds a photo that is there without FlickrHub.
    pub(crate) fn add_photo(&self, photo: Photo) {
        self.state().photos.add(photo);
    }

    /// What Flickr alone can count of files.
    pub(crate) fn file_counts(&self) -> FileCounts {
        self.state().file_counts
    }

    /// How Flickr behaves towards a call that comes now, and how long the call takes.
    fn behaviour(&self, signing: &Signing, marker: &str, class: HostClass) -> (Behaviour, Duration) {
        let now = self.world.now();
        let mut state = self.state();
        state.calls.push(FlickrCall { at: now, app: signing.app.key().to_owned(), class });
        state.first_calls.entry(marker.to_owned()).or_insert(now);
        let random = state.stream(marker);
        let latency = random.milliseconds(50, 3_000);
        let is_within = |periods: &[Period]| periods.iter().any(|period| period.contains(now));
        let behaviour = if is_within(&self.conditions.outages) {
            *random.pick(&Behaviour::OF_OUTAGES)
        } else if is_within(&self.conditions.storms) {
            Behaviour::Throttles
        } else if marker.starts_with(FAILING) {
            Behaviour::FailsUndone
        } else if random.per_mille(self.conditions.faults_per_mille) {
            *random.pick(&Behaviour::FAULTS)
        } else {
            Behaviour::Acts
        };
        state.faults += u64::from(behaviour != Behaviour::Acts);
        (behaviour, latency)
    }
}

impl State {
    fn stream(&mut self, marker: &str) -> &mut Random {
        let seed = self.seed;
        self.streams.entry(marker.to_owned()).or_insert_with(|| Random::new(seed ^ fnv::fold(fnv::EMPTY, marker)))
    }

    /// What is drawn for a marker the same each time.
    fn stream_of(&self, what: &str, marker: &str) -> Random {
        Random::new(self.seed ^ fnv::fold(fnv::fold(fnv::EMPTY, what), marker))
    }

    fn apply(&mut self, write: AppliedWrite, idempotency: Idempotency) {
        self.effects.entry(write.marker.clone()).or_insert(Effect { times: 0, first_at: write.at }).times += 1;
        if idempotency != Idempotency::Safe {
            self.writes.push(write);
        }
    }

    /// Applies the later writes whose time has come.
    fn apply_later_writes(&mut self, now: Timestamp) {
        let due: Vec<AppliedWrite> = self.later_writes.extract_if(.., |write| write.at <= now).collect();
        for write in due {
            self.apply(write, Idempotency::Idempotent);
        }
        let of_files = self.photos.act(now);
        self.writes.extend(of_files);
    }

    /// What a call comes to that is at Flickr `now`.
    fn receive(&mut self, marker: String, behaviour: Behaviour, idempotency: Idempotency, now: Timestamp) {
        self.apply_later_writes(now);
        if behaviour.acts_at_once() {
            self.apply(AppliedWrite { marker, at: now }, idempotency);
        } else if behaviour == Behaviour::FailsAndActsLater && idempotency != Idempotency::Safe {
            let at = now + self.stream(&marker).milliseconds(1_000, 240_000);
            self.later_writes.push(AppliedWrite { marker, at });
        }
    }
}

impl FlickrApi for SimulatedFlickr {
    async fn call(&self, signing: &Signing, call: &RestCall, _: bool) -> Answer {
        let marker = param(&call.params, "marker");
        let idempotency = CATALOGUE.method(&call.method).idempotency;
        let (behaviour, latency) = self.behaviour(signing, &marker, HostClass::Rest);
        if marker.starts_with(POISON) {
            pending::<()>().await;
        }
        if marker.starts_with(STOPPED) {
            return Answer { outcome: Outcome::new(Class::Signature, "oauth_problem=signature_invalid"), result: None };
        }
        let half = latency / 2;
        self.world.sleep(half).await;
        let received_at = self.world.now();
        self.state().receive(marker, behaviour, idempotency, received_at);
        let rest = if behaviour.hangs() { Target::Rest.timing().call_deadline - half } else { half };
        self.world.sleep(rest).await;
        let class = behaviour.class(idempotency != Idempotency::Safe && !self.conditions.hides_doubt);
        // What a read sees: whose account it is, and as it was when.
        let result = (class == Class::Done).then(|| {
            let at = received_at.as_milliseconds();
            serde_json::json!({ "stat": "ok", "token": signing.token.token(), "at": at }).to_string()
        });
        Answer { outcome: Outcome::new(class, format!("{behaviour:?}")), result }
    }

    async fn verify(&self, signing: &Signing, call: &RestCall) -> VerifyAnswer {
        let marker = param(&call.params, "marker");
        let (behaviour, latency) = self.behaviour(signing, &marker, HostClass::Rest);
        self.world.sleep(latency).await;
        let now = self.world.now();
        let mut state = self.state();
        state.apply_later_writes(now);
        let lag = state.stream(&marker).milliseconds(0, INDEX_LAG_MILLISECONDS);
        let is_seen = state.effects.get(&marker).is_some_and(|effect| effect.first_at + lag <= now);
        let outcome = Outcome::new(behaviour.class(false), format!("{behaviour:?}"));
        if behaviour == Behaviour::Acts && is_seen {
            let result = Some(r#"{"stat":"ok"}"#.to_owned());
            VerifyAnswer { verified: Verified::Done, result, outcome: Some(outcome) }
        } else {
            VerifyAnswer::not_seen(Some(outcome))
        }
    }
}
