//! What is known of Flickr's methods: data, looked up by name.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    ops::RangeInclusive,
    sync::LazyLock,
};

use serde::Deserialize;

use crate::{
    account::Perms,
    cache::{CachePolicy, CacheTags},
    call::{MethodName, MethodPattern},
    idempotency::Idempotency,
    job::Work,
    verification::Verification,
};

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// With the parameters in the query.
    Get,
    /// With the parameters in the body.
    Post,
}

impl Verb {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
        }
    }
}

/// What an error code of a method's own says of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodeMeaning {
    /// Flickr did what was asked, as far as the call can: a photo waits for a moderator.
    Done,
    /// What was asked is so already, whoever brought it about.
    AlreadySo,
    /// What was named is not there. Where an earlier call of the same may have removed it that is what was asked, else
    /// a refusal.
    Gone,
    /// Nothing was done, and another try may be.
    Passing,
    /// Flickr failed while it did what was asked: it may have taken effect.
    InDoubt,
    /// Refused, and would be refused again.
    Refused,
}

/// The error codes that Flickr numbers for each method anew; the codes above are common to all methods.
pub const OWN_CODES: RangeInclusive<i64> = 1..=94;

/// The error codes that a method has of its own ([`OWN_CODES`]), and what they say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorCodes(BTreeMap<i64, CodeMeaning>);

impl ErrorCodes {
    /// Those of a method of which no code is known.
    pub const fn unknown() -> Self {
        Self(BTreeMap::new())
    }

    /// What `code` says; `None` when the method has no such code. A method of which no code is known may have any, and
    /// each is a refusal.
    pub fn meaning(&self, code: i64) -> Option<CodeMeaning> {
        if self.0.is_empty() {
            return OWN_CODES.contains(&code).then_some(CodeMeaning::Refused);
        }
        self.0.get(&code).copied()
    }
}

impl FromIterator<(i64, CodeMeaning)> for ErrorCodes {
    /// Of a code that comes twice the later meaning holds.
    fn from_iter<I: IntoIterator<Item = (i64, CodeMeaning)>>(codes: I) -> Self {
        Self(codes.into_iter().collect())
    }
}

/// All that is known of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodFacts {
    /// How a request is sent.
    pub verb: Verb,
    /// What the user must have allowed; `None` when nothing.
    pub perms: Option<Perms>,
    /// Whether repeating a call can change its result.
    pub idempotency: Idempotency,
    /// How to find out whether a call took effect; `None` where that cannot be found out.
    pub verification: Option<Verification>,
    /// How its answers are cached; `None` when they never are.
    pub cache_policy: Option<CachePolicy>,
    /// Which cached answers a call may invalidate.
    pub invalidates: CacheTags,
    /// What the error codes of the method's own say.
    pub error_codes: ErrorCodes,
}

impl MethodFacts {
    /// What must be assumed of a method that nothing is known of: it may write, once, and change anything.
    pub fn unknown() -> Self {
        Self {
            verb: Verb::Post,
            perms: None,
            idempotency: Idempotency::NonIdempotent,
            verification: None,
            cache_policy: None,
            invalidates: CacheTags::all(),
            error_codes: ErrorCodes::unknown(),
        }
    }
}

impl MethodFacts {
    /// What is known of an upload and a replace: each may be in doubt, and it can be found out what became of it. A new
    /// photo may come into any listing.
    fn of_file(verification: Verification) -> Self {
        Self { perms: Some(Perms::Write), verification: Some(verification), ..Self::unknown() }
    }
}

/// What a catalogue knows, by the method's name.
pub type Methods = HashMap<String, MethodFacts>;

/// What is known of Flickr's methods. It is read when it is first asked, and never again.
pub struct Catalogue {
    methods: LazyLock<Methods>,
    unknown: LazyLock<MethodFacts>,
    upload: LazyLock<MethodFacts>,
    replace: LazyLock<MethodFacts>,
}

impl Catalogue {
    /// The catalogue that `read` gives.
    pub const fn new(read: fn() -> Methods) -> Self {
        Self {
            methods: LazyLock::new(read),
            unknown: LazyLock::new(MethodFacts::unknown),
            upload: LazyLock::new(|| MethodFacts::of_file(Verification::MachineTag)),
            replace: LazyLock::new(|| MethodFacts::of_file(Verification::PhotoVersion)),
        }
    }

    /// What is known of `method`; names are told apart by case. Of an unknown one see [`MethodFacts::unknown`].
    pub fn method(&self, method: &MethodName) -> &MethodFacts {
        self.methods.get(method.as_str()).unwrap_or(&self.unknown)
    }

    /// What is known of a kind of work.
    pub fn facts(&self, work: &Work) -> &MethodFacts {
        match work {
            Work::Rest(call) => self.method(&call.method),
            Work::Upload(_) => &self.upload,
            Work::Replace(_) => &self.replace,
        }
    }

    /// The tags of the methods that `pattern` matches and whose answers are cached.
    pub fn tags(&self, pattern: &MethodPattern) -> CacheTags {
        let matched = self.methods.iter().filter(|(name, _)| pattern.matches(name));
        matched.filter_map(|(_, facts)| facts.cache_policy).map(|policy| policy.tag).collect()
    }

    /// Name and facts of each method, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &MethodFacts)> {
        self.methods.iter().map(|(name, facts)| (name.as_str(), facts))
    }
}

impl fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Catalogue(..)")
    }
}
