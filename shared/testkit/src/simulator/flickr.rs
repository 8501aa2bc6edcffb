//! Flickr as it behaves on bad days: it acts and does not say so, says no and acts later, hangs.

use std::{
    collections::BTreeMap,
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    Timestamp,
    cache::{Families, Family, Kept},
    call::{MethodName, MethodPattern, Params},
    outcome::{Class, Finding, Nature, Outcome},
    timing::CALL_DEADLINE,
};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    ports::{Answer, CallFlickr, Catalogue, Clock},
};

use super::random::Chance;
use crate::World;

/// How long Flickr's index may lag behind what it did.
const INDEX_LAG: Duration = Duration::from_secs(60);

/// The methods jobs call: one of each nature, and one whose effect can be searched for.
pub(crate) const METHODS: [&str; 4] =
    ["flickr.photos.getInfo", "flickr.photos.setMeta", "flickr.photosets.create", "flickr.photos.comments.addComment"];

/// How old an answer may be that is given again, where a job says nothing else.
pub(crate) const TTL: Duration = Duration::from_secs(300);

/// What the marker of a job begins with whose worker always dies at its call.
pub(crate) const POISON: &str = "poison-";

/// What the marker of a job begins with whose app Flickr refuses.
pub(crate) const STOPPED: &str = "stopped-";

/// What Flickr does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mood {
    Well,
    NotReached,
    Refuses,
    Throttles,
    FailsUndone,
    ActsAndFails,
    ActsAndHangs,
    Hangs,
    ActsLater,
}

/// A call as it took effect.
#[derive(Debug, Clone)]
pub(crate) struct Deed {
    /// The marker of the job that asked.
    pub(crate) marker: String,
    /// When.
    pub(crate) at: Timestamp,
}

struct Deeds {
    chance: Chance,
    /// What was done, by the marker of the job that asked: how often, and when first.
    done: BTreeMap<String, (u32, Timestamp)>,
    /// The writes that were done, as they were.
    writes: Vec<Deed>,
    /// The writes that will be done.
    later: Vec<Deed>,
    /// When each call came, and of which app.
    calls: Vec<(Timestamp, String)>,
    /// When each marker's first call came.
    first_calls: BTreeMap<String, Timestamp>,
    faults: u64,
    outages: Vec<(Timestamp, Timestamp)>,
    storms: Vec<(Timestamp, Timestamp)>,
}

/// The simulated Flickr. A clone is the same.
#[derive(Clone)]
pub(crate) struct SimulatedFlickr {
    world: World,
    deeds: Arc<Mutex<Deeds>>,
    /// How many calls in a thousand go wrong.
    faults_per_mille: u64,
    /// Says of writes of unknown outcome that they had none: a rule broken on purpose.
    pub(crate) hides_doubt: bool,
}

impl SimulatedFlickr {
    pub(crate) fn new(world: World, chance: Chance, faults_per_mille: u64) -> Self {
        let deeds = Deeds {
            chance,
            done: BTreeMap::new(),
            writes: Vec::new(),
            later: Vec::new(),
            calls: Vec::new(),
            first_calls: BTreeMap::new(),
            faults: 0,
            outages: Vec::new(),
            storms: Vec::new(),
        };
        Self { world, deeds: Arc::new(Mutex::new(deeds)), faults_per_mille, hides_doubt: false }
    }

    fn deeds(&self) -> MutexGuard<'_, Deeds> {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When each call came, and of which app.
    pub(crate) fn calls(&self) -> Vec<(Timestamp, String)> {
        self.deeds().calls.clone()
    }

    /// When each marker's first call came.
    pub(crate) fn first_calls(&self) -> BTreeMap<String, Timestamp> {
        self.deeds().first_calls.clone()
    }

    /// All calls are refused as too many between those times.
    pub(crate) fn storm(&self, from: Timestamp, until: Timestamp) {
        self.deeds().storms.push((from, until));
    }

    pub(crate) fn faults(&self) -> u64 {
        self.deeds().faults
    }

    /// No call is answered between those times.
    pub(crate) fn outage(&self, from: Timestamp, until: Timestamp) {
        self.deeds().outages.push((from, until));
    }

    /// How often each marker's write was done.
    pub(crate) fn done(&self) -> BTreeMap<String, u32> {
        let mut deeds = self.deeds();
        deeds.settle(Timestamp::from_milliseconds(i64::MAX));
        deeds.done.iter().map(|(marker, (times, _))| (marker.clone(), *times)).collect()
    }

    /// The writes that were done.
    pub(crate) fn writes(&self) -> Vec<Deed> {
        self.deeds().writes.clone()
    }

    fn mood(&self, app: &AppCredentials, marker: &str) -> (Mood, Duration) {
        let now = self.world.now();
        let mut deeds = self.deeds();
        deeds.calls.push((now, app.key().to_owned()));
        deeds.first_calls.entry(marker.to_owned()).or_insert(now);
        let latency = deeds.chance.milliseconds(50, 3_000);
        let during =
            |times: &[(Timestamp, Timestamp)]| times.iter().any(|(from, until)| (*from..*until).contains(&now));
        if during(&deeds.outages) {
            deeds.faults += 1;
            return (*deeds.chance.pick(&[Mood::NotReached, Mood::FailsUndone, Mood::Hangs]), latency);
        }
        if during(&deeds.storms) {
            deeds.faults += 1;
            return (Mood::Throttles, latency);
        }
        if !deeds.chance.per_mille(self.faults_per_mille) {
            return (Mood::Well, latency);
        }
        deeds.faults += 1;
        let moods = [
            Mood::NotReached,
            Mood::Refuses,
            Mood::Throttles,
            Mood::FailsUndone,
            Mood::ActsAndFails,
            Mood::ActsAndHangs,
            Mood::Hangs,
            Mood::ActsLater,
        ];
        (*deeds.chance.pick(&moods), latency)
    }
}

impl Deeds {
    fn act(&mut self, deed: Deed, nature: Nature) {
        self.done.entry(deed.marker.clone()).or_insert((0, deed.at)).0 += 1;
        if nature != Nature::Read {
            self.writes.push(deed);
        }
    }

    /// Does what was to be done by `now`.
    fn settle(&mut self, now: Timestamp) {
        let due: Vec<_> = self.later.extract_if(.., |deed| deed.at <= now).collect();
        for deed in due {
            self.act(deed, Nature::NaturalWrite);
        }
    }
}

/// The marker a job's parameters carry.
fn marker(params: &Params) -> String {
    params.iter().find(|(name, _)| *name == "marker").map(|(_, value)| value.to_owned()).unwrap_or_default()
}

impl Catalogue for SimulatedFlickr {
    fn nature(&self, method: &MethodName) -> Nature {
        match method.as_str() {
            "flickr.photos.getInfo" => Nature::Read,
            "flickr.photos.setMeta" => Nature::NaturalWrite,
            _ => Nature::UnrepeatableWrite,
        }
    }

    fn is_checkable(&self, method: &MethodName) -> bool {
        matches!(method.as_str(), "flickr.photos.setMeta" | "flickr.photos.comments.addComment")
    }

    fn kept(&self, method: &MethodName) -> Option<Kept> {
        (self.nature(method) == Nature::Read).then_some(Kept { family: Family::Photos, ttl: TTL })
    }

    fn raises(&self, method: &MethodName) -> Families {
        let family = match method.as_str() {
            "flickr.photosets.create" => Some(Family::Photosets),
            _ if self.nature(method) == Nature::Read => None,
            _ => Some(Family::Photos),
        };
        family.into_iter().collect()
    }

    fn families(&self, _: &MethodPattern) -> Families {
        [Family::Photos].into_iter().collect()
    }
}

impl CallFlickr for SimulatedFlickr {
    async fn call(
        &self,
        app: &AppCredentials,
        token: &TokenCredentials,
        method: &MethodName,
        params: &Params,
        _: bool,
    ) -> Answer {
        let marker = marker(params);
        let nature = self.nature(method);
        let (mood, latency) = self.mood(app, &marker);
        if marker.starts_with(POISON) {
            pending::<()>().await;
        }
        if marker.starts_with(STOPPED) {
            return Answer { outcome: Outcome::new(Class::App, "Invalid API Key"), result: None };
        }
        self.world.sleep(latency / 2).await;
        let now = self.world.now();
        {
            let mut deeds = self.deeds();
            deeds.settle(now);
            let deed = Deed { marker, at: now };
            match mood {
                Mood::Well | Mood::ActsAndFails | Mood::ActsAndHangs => deeds.act(deed, nature),
                Mood::ActsLater if nature == Nature::Read => {}
                Mood::ActsLater => {
                    let at = now + deeds.chance.milliseconds(1_000, 240_000);
                    deeds.later.push(Deed { at, ..deed });
                }
                Mood::NotReached | Mood::Refuses | Mood::Throttles | Mood::FailsUndone | Mood::Hangs => {}
            }
        }
        let rest = match mood {
            Mood::Hangs | Mood::ActsAndHangs => CALL_DEADLINE - latency / 2,
            _ => latency / 2,
        };
        self.world.sleep(rest).await;
        let class = match mood {
            Mood::Well => Class::Done,
            Mood::NotReached => Class::Transient,
            Mood::Refuses => Class::Permanent,
            Mood::Throttles => Class::Throttled,
            _ if nature == Nature::Read || self.hides_doubt => Class::Transient,
            _ => Class::UnknownOutcome,
        };
        // What a read sees: whose account it is, and as it was when.
        let result = (class == Class::Done).then(|| {
            serde_json::json!({ "stat": "ok", "token": token.token(), "at": now.as_milliseconds() }).to_string()
        });
        Answer { outcome: Outcome::new(class, format!("{mood:?}")), result }
    }

    async fn check(
        &self,
        app: &AppCredentials,
        _: &TokenCredentials,
        _: &MethodName,
        params: &Params,
    ) -> (Finding, Option<String>) {
        let marker = marker(params);
        let (mood, latency) = self.mood(app, &marker);
        self.world.sleep(latency).await;
        let now = self.world.now();
        let mut deeds = self.deeds();
        deeds.settle(now);
        let lag = deeds.chance.milliseconds(0, 60_000).min(INDEX_LAG);
        let seen = deeds.done.get(&marker).is_some_and(|(_, at)| *at + lag <= now);
        if mood == Mood::Well && seen {
            (Finding::Done, Some(r#"{"stat":"ok"}"#.to_owned()))
        } else {
            (Finding::NotSeen, None)
        }
    }
}
