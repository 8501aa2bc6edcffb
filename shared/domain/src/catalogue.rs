//! What is known of Flickr's methods: data, looked up by name.

use std::{collections::HashMap, fmt, sync::LazyLock};

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
    /// Flickr's error codes that mean, when a call is repeated, that what was asked is already so.
    pub already_so: Vec<i64>,
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
            already_so: Vec::new(),
        }
    }
}

/// What a catalogue knows, by the method's name.
pub type Methods = HashMap<String, MethodFacts>;

/// What is known of Flickr's methods. It is read when it is first asked, and never again.
pub struct Catalogue {
    methods: LazyLock<Methods>,
    unknown: LazyLock<MethodFacts>,
}

impl Catalogue {
    /// The catalogue that `read` gives.
    pub const fn new(read: fn() -> Methods) -> Self {
        Self { methods: LazyLock::new(read), unknown: LazyLock::new(MethodFacts::unknown) }
    }

    /// What is known of `method`; names are told apart by case. Of an unknown one see [`MethodFacts::unknown`].
    pub fn method(&self, method: &MethodName) -> &MethodFacts {
        self.methods.get(method.as_str()).unwrap_or(&self.unknown)
    }

    /// What is known of a kind of work.
    pub fn facts(&self, work: &Work) -> &MethodFacts {
        match work {
            Work::Rest(call) => self.method(&call.method),
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
