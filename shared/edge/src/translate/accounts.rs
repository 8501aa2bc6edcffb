//! Accounts and logins.

use api::{AccountStatus, AccountView, LoginMode, Permission};
use domain::{
    account::{Account, Perms, Status},
    login::Mode,
};

/// A connected account, as clients read it.
pub fn account(account: Account) -> AccountView {
    AccountView {
        user_id: account.user.into(),
        app_id: account.app.into(),
        nsid: account.nsid,
        username: account.username,
        fullname: account.fullname,
        perms: match account.perms {
            Perms::Read => Permission::Read,
            Perms::Write => Permission::Write,
            Perms::Delete => Permission::Delete,
        },
        perms_confirmed: account.perms_confirmed,
        status: match account.status {
            Status::Connected => AccountStatus::Connected,
            Status::ReconnectNeeded => AccountStatus::ReconnectNeeded,
        },
        connected_at: account.connected_at.to_string(),
    }
}

/// What a user is asked to allow.
pub const fn perms(permission: Permission) -> Perms {
    match permission {
        Permission::Read => Perms::Read,
        Permission::Write => Perms::Write,
        Permission::Delete => Perms::Delete,
    }
}

/// How the verifier is to come back.
pub const fn mode(mode: LoginMode) -> Mode {
    match mode {
        LoginMode::Oob => Mode::Oob,
        LoginMode::Callback => Mode::Callback,
    }
}

/// How the verifier comes back, as clients read it.
pub const fn login_mode(mode: Mode) -> LoginMode {
    match mode {
        Mode::Oob => LoginMode::Oob,
        Mode::Callback => LoginMode::Callback,
    }
}
