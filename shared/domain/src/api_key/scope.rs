//! What an API key may be used for.

use std::{collections::BTreeSet, fmt, str::FromStr};

/// What an API key may be used for. Which scope a route needs is decided where requests are authenticated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Connect accounts.
    Connect,
    /// Read jobs, uploads and usage.
    JobsRead,
    /// Ask for jobs and uploads, invalidate cached answers.
    JobsWrite,
    /// List and disconnect accounts.
    Accounts,
    /// Webhooks.
    Webhooks,
    /// Dead jobs: list, replay and discard them.
    Dlq,
    /// The tenant's own settings.
    Admin,
}

/// The text names no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected a scope: connect, jobs:read, jobs:write, accounts, webhooks, dlq or admin")]
pub struct UnknownScope;

impl Scope {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Connect, Self::JobsRead, Self::JobsWrite, Self::Accounts, Self::Webhooks, Self::Dlq, Self::Admin];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::JobsRead => "jobs:read",
            Self::JobsWrite => "jobs:write",
            Self::Accounts => "accounts",
            Self::Webhooks => "webhooks",
            Self::Dlq => "dlq",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Scope {
    type Err = UnknownScope;

    fn from_str(text: &str) -> Result<Self, UnknownScope> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text).ok_or(UnknownScope)
    }
}

/// Some scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Those of a key that may be used for everything.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether it is one of them.
    pub fn contains(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Each, in a fixed order.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }

    /// The scopes that are stored as `text`. One that a later release knows grants nothing in this one.
    pub fn from_stored(text: &str) -> Self {
        text.split(' ').filter_map(|scope| scope.parse().ok()).collect()
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<T: IntoIterator<Item = Scope>>(scopes: T) -> Self {
        Self(scopes.into_iter().collect())
    }
}

/// Their names with spaces between them (RFC 6749, section 3.3).
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Scope::as_str).collect();
        f.write_str(&names.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_stored_by_their_names() {
        let some: Scopes = [Scope::JobsWrite, Scope::Connect].into_iter().collect();
        assert_eq!(some.to_string(), "connect jobs:write");
        for scopes in [Scopes::default(), some, Scopes::all()] {
            assert_eq!(Scopes::from_stored(&scopes.to_string()), scopes);
        }
        assert_eq!("jobs".parse::<Scope>(), Err(UnknownScope));
    }

    #[test]
    fn a_scope_of_a_later_release_grants_nothing() {
        let scopes = Scopes::from_stored("connect everything dlq");
        assert_eq!(scopes.iter().collect::<Vec<_>>(), [Scope::Connect, Scope::Dlq]);
    }
}
