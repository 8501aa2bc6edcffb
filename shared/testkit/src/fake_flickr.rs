//! A Flickr that answers as told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    account::Perms,
    cache::{Families, Family, Kept},
    call::{MethodName, MethodPattern, Params},
    outcome::{Class, Finding, Nature, Outcome},
};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    ports::{Access, Answer, CallFlickr, Catalogue, FlickrLogin},
};

/// A Flickr that answers as told, and records the calls it gets. A clone is the same Flickr.
#[derive(Clone, Default)]
pub struct ScriptedFlickr(Arc<Mutex<Script>>);

#[derive(Default)]
struct Script {
    answers: VecDeque<Outcome>,
    calls: Vec<String>,
    callbacks: Vec<String>,
    findings: VecDeque<Finding>,
    checks: usize,
    /// What a call that is done answers; none means an empty success.
    content: Option<String>,
}

impl ScriptedFlickr {
    /// The account every login connects.
    pub const NSID: &'static str = "12345678@N00";

    /// How long answers are kept.
    pub const TTL: Duration = Duration::from_secs(300);

    /// Answers the next calls so; after them every call is done, with an empty success.
    pub fn answer(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.script().answers.extend(outcomes);
    }

    /// Answers the next call so, whatever was told before.
    pub fn answer_once(&self, outcome: Outcome) {
        self.script().answers = [outcome].into();
    }

    /// Forgets what was told: every call is done.
    pub fn forget_answers(&self) {
        self.script().answers.clear();
    }

    /// Has every call that is done answer `content`, JSON text, from now on.
    pub fn answer_with(&self, content: &str) {
        self.script().content = Some(content.to_owned());
    }

    /// The methods called so far.
    pub fn calls(&self) -> Vec<String> {
        self.script().calls.clone()
    }

    /// The callbacks that logins asked for so far.
    pub fn callbacks(&self) -> Vec<String> {
        self.script().callbacks.clone()
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Outcome {
        let told = self.script().answers.pop_front();
        told.unwrap_or_else(|| Outcome::new(Class::Done, "ok"))
    }
}

impl Catalogue for ScriptedFlickr {
    /// `get*`, `search` and `test.*` read, `set*` may be repeated, all else may not.
    fn nature(&self, method: &MethodName) -> Nature {
        let name = method.as_str().rsplit('.').next().unwrap_or_default();
        if name.starts_with("get") || name == "search" || method.as_str().starts_with("flickr.test.") {
            Nature::Read
        } else if name.starts_with("set") {
            Nature::NaturalWrite
        } else {
            Nature::UnrepeatableWrite
        }
    }

    /// What sets a thing, or ends in `Comment`.
    fn is_checkable(&self, method: &MethodName) -> bool {
        method.as_str().rsplit('.').next().is_some_and(|name| name.starts_with("set") || name.ends_with("Comment"))
    }

    /// The answers of reads of photos, for five minutes.
    fn kept(&self, method: &MethodName) -> Option<Kept> {
        let is_kept = self.nature(method) == Nature::Read && method.as_str().starts_with("flickr.photos.");
        is_kept.then_some(Kept { family: Family::Photos, ttl: Self::TTL })
    }

    /// Each write those of photos.
    fn raises(&self, method: &MethodName) -> Families {
        (self.nature(method) != Nature::Read).then_some(Family::Photos).into_iter().collect()
    }

    fn families(&self, pattern: &MethodPattern) -> Families {
        pattern.matches("flickr.photos.getInfo").then_some(Family::Photos).into_iter().collect()
    }
}

impl ScriptedFlickr {
    /// What the next looks for a write's effect find; after them, that it took effect.
    pub fn find(&self, findings: impl IntoIterator<Item = Finding>) {
        self.script().findings.extend(findings);
    }

    /// How often a write's effect was looked for.
    pub fn checks(&self) -> usize {
        self.script().checks
    }
}

impl CallFlickr for ScriptedFlickr {
    async fn call(&self, _: &AppCredentials, _: &TokenCredentials, method: &MethodName, _: &Params, _: bool) -> Answer {
        self.script().calls.push(method.to_string());
        let outcome = self.next();
        let content = || self.script().content.clone().unwrap_or_else(|| r#"{"stat":"ok"}"#.to_owned());
        let result = (outcome.class == Class::Done).then(content);
        Answer { outcome, result }
    }

    async fn check(
        &self,
        _: &AppCredentials,
        _: &TokenCredentials,
        _: &MethodName,
        _: &Params,
    ) -> (Finding, Option<String>) {
        let mut script = self.script();
        script.checks += 1;
        match script.findings.pop_front() {
            Some(Finding::NotSeen) => (Finding::NotSeen, None),
            Some(Finding::Done) | None => (Finding::Done, Some(r#"{"stat":"ok"}"#.to_owned())),
        }
    }
}

impl FlickrLogin for ScriptedFlickr {
    async fn request_token(&self, _: &AppCredentials, callback: &str) -> Result<TokenCredentials, Outcome> {
        self.script().callbacks.push(callback.to_owned());
        let number = self.callbacks().len();
        match self.next() {
            done if done.class == Class::Done => {
                Ok(TokenCredentials::new(format!("request-{number}"), "canary-request-secret"))
            }
            refused => Err(refused),
        }
    }

    fn authorize_url(&self, request_token: &str, perms: Perms) -> String {
        format!("https://flickr.example/authorize?oauth_token={request_token}&perms={}", perms.as_str())
    }

    async fn access_token(&self, _: &AppCredentials, _: &TokenCredentials, _: &str) -> Result<Access, Outcome> {
        match self.next() {
            done if done.class == Class::Done => Ok(Access {
                token: TokenCredentials::new("access-token", "canary-access-secret"),
                nsid: Self::NSID.to_owned(),
                username: "ada".to_owned(),
                fullname: "Ada L".to_owned(),
            }),
            refused => Err(refused),
        }
    }
}
