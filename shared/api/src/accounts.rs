//! Connected accounts.

use serde::{Deserialize, Serialize};

/// What a user allowed an app to do: each includes the ones before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// See private content.
    Read,
    /// Also add and change.
    Write,
    /// Also delete.
    Delete,
}

/// Whether an account's token works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// As far as is known.
    Connected,
    /// Flickr refused the token: the user must connect again.
    ReconnectNeeded,
}

/// A connected account: never a token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountView {
    /// Its id here.
    pub user_id: String,
    /// The Flickr app its token belongs to.
    pub app_id: String,
    /// Its id at Flickr.
    pub nsid: String,
    /// Its name at Flickr.
    pub username: String,
    /// Its owner's name at Flickr; may be empty.
    pub fullname: String,
    /// What Flickr says that the user granted; what was asked for, where `perms_confirmed` is false.
    pub perms: Permission,
    /// Whether Flickr said so when the account was connected.
    pub perms_confirmed: bool,
    /// Whether its token works.
    pub status: AccountStatus,
    /// When it was last connected.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub connected_at: String,
}

/// `GET /v1/accounts`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AccountList {
    /// One page of accounts.
    pub accounts: Vec<AccountView>,
    /// To be given as `cursor` for the next page; null on the last.
    pub next_cursor: Option<String>,
}

/// `DELETE /v1/accounts/{user_id}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct DisconnectAnswer {
    /// The account that was disconnected.
    pub user_id: String,
    /// Always true.
    pub disconnected: bool,
}
