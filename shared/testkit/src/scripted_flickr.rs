//! A Flickr that answers as it is told, and a small catalogue of its methods.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use domain::{
    account::Perms,
    cache::{CachePolicy, CacheTag},
    call::RestCall,
    catalogue::{Catalogue, ErrorCodes, MethodFacts, Methods, Verb},
    idempotency::Idempotency,
    outcome::{Class, Outcome},
    verification::{Verification, Verified},
};
use hub::{
    credentials::{AppCredentials, TokenCredentials},
    ports::{Access, Answer, CheckedToken, FlickrApi, FlickrLogin, Signing, TokenOwner, VerifyAnswer},
};

use crate::file_script::FileScript;

/// The methods that tests call, with the facts that follow from their names.
pub static CATALOGUE: Catalogue = Catalogue::new(methods);

const METHODS: [&str; 15] = [
    "flickr.people.getInfo",
    "flickr.photos.addTags",
    "flickr.photos.comments.addComment",
    "flickr.photos.getExif",
    "flickr.photos.getInfo",
    "flickr.photos.getSizes",
    "flickr.photos.people.add",
    "flickr.photos.search",
    "flickr.photos.setMeta",
    "flickr.photos.setTags",
    "flickr.photosets.create",
    "flickr.photosets.getList",
    "flickr.test.echo",
    "flickr.test.login",
    "flickr.test.null",
];

fn methods() -> Methods {
    METHODS.map(|method| (method.to_owned(), facts(method))).into()
}

/// `get*`, `search` and `test.*` read, `set*` may be repeated, all else may not. It can be verified whether `set*` and
/// `*Comment` took effect. The answers of reads of photos are cached for [`ScriptedFlickr::TTL`]; each write
/// invalidates them. `search` has pages.
fn facts(method: &str) -> MethodFacts {
    let name = method.rsplit('.').next().unwrap_or_default();
    let reads = name.starts_with("get") || name == "search" || method.starts_with("flickr.test.");
    let sets = name.starts_with("set");
    let is_cached = reads && method.starts_with("flickr.photos.");
    MethodFacts {
        verb: if reads { Verb::Get } else { Verb::Post },
        perms: None,
        idempotency: match (reads, sets) {
            (true, _) => Idempotency::Safe,
            (false, true) => Idempotency::Idempotent,
            (false, false) => Idempotency::NonIdempotent,
        },
        verification: (sets || name.ends_with("Comment")).then_some(Verification::ReadBack),
        cache_policy: is_cached.then_some(CachePolicy {
            tag: CacheTag::Photos,
            ttl: ScriptedFlickr::TTL,
            index_lag: ScriptedFlickr::INDEX_LAG,
            has_pages: name == "search",
        }),
        invalidates: (!reads).then_some(CacheTag::Photos).into_iter().collect(),
        error_codes: ErrorCodes::unknown(),
    }
}

/// A Flickr that answers as it is told, and records the calls it gets. A clone is the same Flickr.
#[derive(Clone, Default)]
pub struct ScriptedFlickr(Arc<Mutex<Script>>);

#[derive(Default)]
pub(crate) struct Script {
    answers: VecDeque<Outcome>,
    calls: Vec<String>,
    callbacks: Vec<String>,
    /// What users grant; `None` means to write.
    granted: Option<Perms>,
    /// Whose tokens are, where it says so.
    owners: BTreeMap<String, TokenOwner>,
    /// The tokens that it was asked about.
    checked: Vec<String>,
    verified: VecDeque<(Verified, Outcome)>,
    verifications: usize,
    /// What a call that is done answers; `None` means an empty success.
    content: Option<String>,
    /// What it does with files.
    pub(crate) files: FileScript,
}

impl ScriptedFlickr {
    /// The account that every login connects.
    pub const NSID: &'static str = "12345678@N00";

    /// How long answers are cached.
    pub const TTL: Duration = Duration::from_secs(300);

    /// How long its index may lag behind a write.
    pub const INDEX_LAG: Duration = Duration::from_secs(30);

    /// Answers the next calls so; after them every call is done, with an empty success.
    pub fn answer(&self, outcomes: impl IntoIterator<Item = Outcome>) {
        self.script().answers.extend(outcomes);
    }

    /// Answers the next call so, whatever was said before.
    pub fn answer_once(&self, outcome: Outcome) {
        self.script().answers = [outcome].into();
    }

    /// Forgets the answers that were set: every call is done.
    pub fn forget_answers(&self) {
        self.script().answers.clear();
    }

    /// Has every call that is done answer `content`, JSON text, from now on.
    pub fn answer_with(&self, content: &str) {
        self.script().content = Some(content.to_owned());
    }

    /// Has the next verifications come to this; after them, each finds that the write took effect.
    pub fn verify_as(&self, verified: impl IntoIterator<Item = Verified>) {
        self.script().verified.extend(verified.into_iter().map(|verified| (verified, done())));
    }

    /// Has the next verification see nothing, since its read comes to this.
    pub fn fail_verification(&self, outcome: Outcome) {
        self.script().verified.push_back((Verified::NotSeen, outcome));
    }

    /// Has users grant so much from now on, whatever they are asked for.
    pub fn grant(&self, perms: Perms) {
        self.script().granted = Some(perms);
    }

    /// Says from now on whose a token is.
    pub fn own(&self, token: &str, owner: TokenOwner) {
        self.script().owners.insert(token.to_owned(), owner);
    }

    /// The tokens that it was asked about so far.
    pub fn checked_tokens(&self) -> Vec<String> {
        self.script().checked.clone()
    }

    /// The methods called so far.
    pub fn calls(&self) -> Vec<String> {
        self.script().calls.clone()
    }

    /// How often a write was verified.
    pub fn verifications(&self) -> usize {
        self.script().verifications
    }

    /// The callbacks that logins asked for so far.
    pub fn callbacks(&self) -> Vec<String> {
        self.script().callbacks.clone()
    }

    pub(crate) fn script(&self) -> MutexGuard<'_, Script> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self) -> Outcome {
        let next = self.script().answers.pop_front();
        next.unwrap_or_else(done)
    }
}

pub(crate) fn done() -> Outcome {
    Outcome::new(Class::Done, "ok")
}

impl FlickrApi for ScriptedFlickr {
    async fn call(&self, _: &Signing, call: &RestCall, _: bool) -> Answer {
        self.script().calls.push(call.method.to_string());
        let outcome = self.next();
        let content = || self.script().content.clone().unwrap_or_else(|| r#"{"stat":"ok"}"#.to_owned());
        let result = (outcome.class == Class::Done).then(content);
        Answer { outcome, result }
    }

    async fn verify(&self, _: &Signing, _: &RestCall) -> VerifyAnswer {
        let mut script = self.script();
        script.verifications += 1;
        match script.verified.pop_front().unwrap_or((Verified::Done, done())) {
            (Verified::NotSeen, outcome) => VerifyAnswer::not_seen(Some(outcome)),
            (verified, outcome) => {
                VerifyAnswer { verified, result: Some(r#"{"stat":"ok"}"#.to_owned()), outcome: Some(outcome) }
            }
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

    async fn check_token(&self, _: &AppCredentials, token: &TokenCredentials) -> Result<CheckedToken, Outcome> {
        self.script().checked.push(token.token().to_owned());
        match self.next() {
            done if done.class == Class::Done => {
                let script = self.script();
                let owner = script.owners.get(token.token()).cloned();
                Ok(CheckedToken { perms: script.granted.unwrap_or(Perms::Write), owner })
            }
            refused => Err(refused),
        }
    }
}
