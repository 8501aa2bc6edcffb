//! Connected Flickr accounts.

use serde::{Deserialize, Serialize};

use crate::{AppId, TenantId, Timestamp, UserId};

/// What a user allowed an app to do: each includes the ones before it (Flickr: delete ⊃ write ⊃ read).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Perms {
    /// See private content.
    Read,
    /// Also add and change.
    Write,
    /// Also delete.
    Delete,
}

impl Perms {
    /// All of them.
    pub const ALL: [Perms; 3] = [Perms::Read, Perms::Write, Perms::Delete];

    /// As Flickr writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Perms::Read => "read",
            Perms::Write => "write",
            Perms::Delete => "delete",
        }
    }
}

/// Whether an account's token works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// As far as is known.
    Connected,
    /// Flickr refused the token: the user must connect again.
    ReconnectNeeded,
}

/// A Flickr account that a tenant connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub tenant: TenantId,
    /// Its id here.
    pub user: UserId,
    /// The Flickr app its token belongs to.
    pub app: AppId,
    /// Its id at Flickr.
    pub nsid: String,
    /// Its name at Flickr.
    pub username: String,
    /// Its owner's name at Flickr; may be empty.
    pub fullname: String,
    /// What its token may do: what Flickr granted, or what was asked for where Flickr has not said.
    pub perms: Perms,
    /// Whether Flickr itself said so when the account was connected.
    pub perms_confirmed: bool,
    /// Whether its token works.
    pub status: Status,
    /// When it was last connected.
    pub connected_at: Timestamp,
}
