//! The runtime table: what is short-lived.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | tenant | `LOGIN#digest of the request token` | a pending login |
//! | `BUDGET#app` | `BUDGET` | the budget of an app's calls |
//! | `BUDGET#tenant#user` | `BUDGET` | the budget of an account's calls |
//! | `BUDGET#tenant#UNVERIFIED` | `BUDGET` | the budget of a tenant's calls for apps not yet accepted |
//! | `LINE#shard` | app | the line of an app: where it stands, and how many wait |
//! | `CACHE#tenant#user` | digest of the question | which job has the answer, or will have it |
//! | `USES#tenant` | day and method | how often kept answers were of use |

use aws_sdk_dynamodb::types::ReturnValue;
use domain::{
    TenantId, Timestamp,
    login::{Digested, Mode, PendingLogin},
};
use hub::ports::{self, FindLogin, SaveLogin, SealedLogin, TakeLogin};

use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, EXPIRES_AT, Reader, bytes, expiry, name_of, named, text, time},
};

/// The login's own end: [`EXPIRES_AT`] counts whole seconds.
const ENDS_AT: &str = "ends_at";

fn login_key(tenant: &TenantId, token: &Digested) -> Attributes {
    item::key(tenant.as_str(), format!("LOGIN#{}", token.as_str()))
}

impl SaveLogin for Cloud {
    async fn save_login(&self, sealed: &SealedLogin) -> ports::Result<()> {
        let login = &sealed.login;
        let mut item = login_key(&login.tenant, &login.token_digest);
        item.extend(named([
            ("token_digest", text(login.token_digest.as_str())),
            ("state_digest", text(login.state_digest.as_str())),
            ("app", text(login.app.as_str())),
            ("perms", name_of(&login.perms)),
            ("login_mode", name_of(&login.mode)),
            (ENDS_AT, time(login.expires_at)),
            (EXPIRES_AT, expiry(login.expires_at)),
            ("sealed", bytes(&sealed.sealed_secret)),
        ]));
        if let Some(url) = &login.return_url {
            item.insert("return_url".to_owned(), text(url));
        }
        self.put(&self.runtime_table, item, "keeping a login").await
    }
}

fn read_login(tenant: &TenantId, item: &Attributes) -> ports::Result<PendingLogin> {
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

impl FindLogin for Cloud {
    async fn login(&self, tenant: &TenantId, token: &Digested) -> ports::Result<Option<PendingLogin>> {
        let found = self.get(&self.runtime_table, login_key(tenant, token), "finding a login").await?;
        found.map(|item| read_login(tenant, &item)).transpose()
    }
}

impl TakeLogin for Cloud {
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
        let answer = self
            .dynamo
            .delete_item()
            .table_name(&self.runtime_table)
            .set_key(Some(login_key(tenant, token)))
            .condition_expression(format!("{condition} AND {ENDS_AT} > :now"))
            .expression_attribute_values(":known", value)
            .expression_attribute_values(":now", time(now))
            .return_values(ReturnValue::AllOld)
            .send()
            .await;
        match answer {
            Ok(taken) => taken
                .attributes
                .map(|item| {
                    Ok(SealedLogin { login: read_login(tenant, &item)?, sealed_secret: Reader(&item).bytes("sealed")? })
                })
                .transpose(),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(None)
            }
            Err(error) => Err(from_sdk("taking a login")(error)),
        }
    }
}
