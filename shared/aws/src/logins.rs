//! Pending logins, in the runtime table.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | tenant | `LOGIN#digest of the request token` | a pending login with its sealed secret |
//!
//! A login is taken by one conditional removal, so that at most one caller gets it. One whose answer was lost is gone:
//! its user begins again.

use aws_sdk_dynamodb::types::ReturnValue;
use domain::{
    TenantId, Timestamp,
    login::{Digested, Mode, PendingLogin},
};
use hub::ports::{self, Logins, SealedLogin};

use crate::{
    Cloud,
    item::{self, Attributes, EXPIRES_AT, Reader, bytes, expiry, name_of, named, text, time},
    table::{Written, written},
};

const SEALED: &str = "sealed";

/// The login's own end: [`EXPIRES_AT`] counts whole seconds.
const ENDS_AT: &str = "ends_at";

fn key(tenant: &TenantId, token: &Digested) -> Attributes {
    item::key(tenant.as_str(), format!("LOGIN#{}", token.as_str()))
}

fn read(tenant: &TenantId, item: &Attributes) -> ports::Result<PendingLogin> {
    let item = Reader(item);
    Ok(PendingLogin {
        tenant: tenant.clone(),
        token_digest: Digested::from_stored(item.text("token_digest")?.to_owned()),
        state_digest: Digested::from_stored(item.text("state_digest")?.to_owned()),
        app: item.parsed("app")?,
        perms: item.named("perms")?,
        mode: item.named("login_mode")?,
        return_url: item.optional_text("return_url").map(str::to_owned),
        expires_at: item.time(ENDS_AT)?,
    })
}

impl Logins for Cloud {
    async fn save_login(&self, sealed: &SealedLogin) -> ports::Result<()> {
        let login = &sealed.login;
        let mut item = key(&login.tenant, &login.token_digest);
        item.extend(named([
            ("token_digest", text(login.token_digest.as_str())),
            ("state_digest", text(login.state_digest.as_str())),
            ("app", text(login.app.as_str())),
            ("perms", name_of(&login.perms)),
            ("login_mode", name_of(&login.mode)),
            (ENDS_AT, time(login.expires_at)),
            (EXPIRES_AT, expiry(login.expires_at)),
            (SEALED, bytes(&sealed.sealed_secret)),
        ]));
        item.extend(named(login.return_url.as_ref().map(|url| ("return_url", text(url)))));
        self.runtime.put(item, "storing a login").await
    }

    async fn login(&self, tenant: &TenantId, token: &Digested) -> ports::Result<Option<PendingLogin>> {
        let found = self.runtime.get(key(tenant, token), "finding a login").await?;
        found.map(|item| read(tenant, &item)).transpose()
    }

    async fn take_login(
        &self,
        tenant: &TenantId,
        token: &Digested,
        state: Option<&Digested>,
        now: Timestamp,
    ) -> ports::Result<Option<SealedLogin>> {
        let (condition, value) = match state {
            Some(state) => ("state_digest = :known", text(state.as_str())),
            None => ("login_mode = :known", name_of(&Mode::Oob)),
        };
        let delete = self
            .runtime
            .delete(key(tenant, token))
            .condition_expression(format!("{condition} AND {ENDS_AT} > :now"))
            .expression_attribute_values(":known", value)
            .expression_attribute_values(":now", time(now))
            .return_values(ReturnValue::AllOld);
        let Written::Done(taken) = written(delete.send().await, "taking a login")? else { return Ok(None) };
        let sealed =
            |item| Ok(SealedLogin { login: read(tenant, &item)?, sealed_secret: Reader(&item).bytes(SEALED)? });
        taken.attributes.map(sealed).transpose()
    }
}
