//! The vault table: tenants, API keys, Flickr apps, accounts.
//!
//! | pk | sk | holds |
//! |---|---|---|
//! | `KEY#hash` | `KEY` | whose API key it is |
//! | tenant | `TENANT` | its name |
//! | tenant | `APP#app` | an app's sealed credentials |
//! | tenant | `ACCOUNT#user` | an account with its sealed token |

use aws_sdk_dynamodb::{
    operation::{query::builders::QueryFluentBuilder, transact_write_items::TransactWriteItemsError},
    types::{Put, ReturnValue, TransactWriteItem},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use domain::{
    AppId, TenantId, Timestamp, UserId,
    account::{Account, Status},
};
use hub::{
    keyed_hash::ApiKeyHash,
    ports::{
        self, FindAccount, FindApp, FindTenant, ListAccounts, ListApps, MarkAccount, RemoveAccount, SaveAccount,
        SaveApp, SaveTenant, SealedAccount,
    },
};

use crate::{
    Cloud,
    error::from_sdk,
    item::{self, Attributes, PARTITION, Reader, SORT, bytes, name_of, named, text, time, unreadable},
    system::now,
};

const SEALED: &str = "sealed";
const APP: &str = "APP#";
const ACCOUNT: &str = "ACCOUNT#";

fn api_key(key: &ApiKeyHash) -> Attributes {
    item::key(format!("KEY#{}", key.as_str()), "KEY")
}

fn app_key(tenant: &TenantId, app: &AppId) -> Attributes {
    item::key(tenant.as_str(), format!("{APP}{app}"))
}

/// The key of an account.
pub(crate) fn account_key(tenant: &TenantId, user: &UserId) -> Attributes {
    item::key(tenant.as_str(), format!("{ACCOUNT}{user}"))
}

impl SaveTenant for Cloud {
    async fn save_tenant(
        &self,
        tenant: &TenantId,
        name: &str,
        key: &ApiKeyHash,
        now: Timestamp,
    ) -> ports::Result<bool> {
        const WHAT: &str = "keeping a tenant";
        let put = |item: Attributes| {
            let put = Put::builder().table_name(&self.vault_table).set_item(Some(item));
            put.condition_expression("attribute_not_exists(pk)").build()
        };
        let mut of_key = api_key(key);
        of_key.extend(named([("tenant", text(tenant.as_str())), ("created_at", time(now))]));
        let mut of_tenant = item::key(tenant.as_str(), "TENANT");
        of_tenant.extend(named([("name", text(name)), ("created_at", time(now))]));

        let mut write = self.dynamo.transact_write_items();
        for item in [of_key, of_tenant] {
            let put = put(item).map_err(|error| ports::Error::broken(WHAT, error))?;
            write = write.transact_items(TransactWriteItem::builder().put(put).build());
        }
        match write.send().await {
            Ok(_) => Ok(true),
            Err(error) if is_condition(&error) => Ok(false),
            Err(error) => Err(from_sdk(WHAT)(error)),
        }
    }
}

/// Whether a transaction was refused by one of its conditions.
fn is_condition(error: &SdkError<TransactWriteItemsError, HttpResponse>) -> bool {
    match error.as_service_error() {
        Some(TransactWriteItemsError::TransactionCanceledException(cancelled)) => {
            cancelled.cancellation_reasons().iter().any(|reason| reason.code() == Some("ConditionalCheckFailed"))
        }
        _ => false,
    }
}

impl FindTenant for Cloud {
    async fn tenant_of(&self, key: &ApiKeyHash) -> ports::Result<Option<TenantId>> {
        let asked_at = now();
        if let Some(tenant) = self.api_keys.recall(key, asked_at) {
            return Ok(Some(tenant));
        }
        let found = self.get(&self.vault_table, api_key(key), "finding an API key").await?;
        let found = found.map(|item| Reader(&item).parsed("tenant")).transpose()?;
        if let Some(tenant) = &found {
            self.api_keys.remember(key, tenant, asked_at);
        }
        Ok(found)
    }
}

impl SaveApp for Cloud {
    async fn save_app(&self, tenant: &TenantId, app: &AppId, sealed: &[u8]) -> ports::Result<()> {
        let mut item = app_key(tenant, app);
        item.insert(SEALED.to_owned(), bytes(sealed));
        self.put(&self.vault_table, item, "keeping a Flickr app").await?;
        self.apps.remember(tenant, app, sealed);
        Ok(())
    }
}

impl FindApp for Cloud {
    async fn app(&self, tenant: &TenantId, app: &AppId) -> ports::Result<Option<Vec<u8>>> {
        if let Some(sealed) = self.apps.recall(tenant, app) {
            return Ok(Some(sealed));
        }
        let found = self.get(&self.vault_table, app_key(tenant, app), "finding a Flickr app").await?;
        let found = found.map(|item| Reader(&item).bytes(SEALED)).transpose()?;
        if let Some(sealed) = &found {
            self.apps.remember(tenant, app, sealed);
        }
        Ok(found)
    }
}

impl SaveAccount for Cloud {
    async fn save_account(&self, sealed: &SealedAccount) -> ports::Result<()> {
        let account = &sealed.account;
        let mut item = account_key(&account.tenant, &account.user);
        item.extend(named([
            ("user", text(account.user.as_str())),
            ("app", text(account.app.as_str())),
            ("nsid", text(&account.nsid)),
            ("username", text(&account.username)),
            ("fullname", text(&account.fullname)),
            ("perms", name_of(&account.perms)),
            ("status", name_of(&account.status)),
            ("connected_at", time(account.connected_at)),
            (SEALED, bytes(&sealed.sealed_token)),
        ]));
        self.put(&self.vault_table, item, "keeping an account").await
    }
}

fn read_account(tenant: &TenantId, item: &Attributes) -> ports::Result<Account> {
    let item = Reader(item);
    Ok(Account {
        tenant: tenant.clone(),
        user: item.parsed("user")?,
        app: item.parsed("app")?,
        nsid: item.text("nsid")?.to_owned(),
        username: item.text("username")?.to_owned(),
        fullname: item.text("fullname")?.to_owned(),
        perms: item.named("perms")?,
        status: item.named("status")?,
        connected_at: item.time("connected_at")?,
    })
}

/// The account in its item, with its sealed token.
pub(crate) fn read_sealed(tenant: &TenantId, item: &Attributes) -> ports::Result<SealedAccount> {
    Ok(SealedAccount { account: read_account(tenant, item)?, sealed_token: Reader(item).bytes(SEALED)? })
}

impl FindAccount for Cloud {
    async fn account(&self, tenant: &TenantId, user: &UserId) -> ports::Result<Option<SealedAccount>> {
        let found = self.get(&self.vault_table, account_key(tenant, user), "finding an account").await?;
        found.map(|item| read_sealed(tenant, &item)).transpose()
    }
}

impl ListAccounts for Cloud {
    async fn accounts(&self, tenant: &TenantId, after: Option<&UserId>, limit: u16) -> ports::Result<Vec<Account>> {
        let start = after.map(|user| account_key(tenant, user));
        let items = self.list(self.of_tenant(tenant, ACCOUNT), start, limit, "listing accounts").await?;
        items.iter().map(|item| read_account(tenant, item)).collect()
    }
}

impl ListApps for Cloud {
    async fn apps(&self, tenant: &TenantId, after: Option<&AppId>, limit: u16) -> ports::Result<Vec<AppId>> {
        let start = after.map(|app| app_key(tenant, app));
        let query = self.of_tenant(tenant, APP).projection_expression(SORT);
        let items = self.list(query, start, limit, "listing Flickr apps").await?;
        let app = |item: &Attributes| {
            let app = Reader(item).text(SORT)?.strip_prefix(APP).and_then(|app| app.parse().ok());
            app.ok_or_else(|| unreadable(SORT))
        };
        items.iter().map(app).collect()
    }
}

impl Cloud {
    /// The tenant's items whose sort key begins with `prefix`.
    fn of_tenant(&self, tenant: &TenantId, prefix: &str) -> QueryFluentBuilder {
        self.dynamo
            .query()
            .table_name(&self.vault_table)
            .key_condition_expression(format!("{PARTITION} = :tenant AND begins_with({SORT}, :prefix)"))
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .expression_attribute_values(":prefix", text(prefix))
    }

    /// Up to `limit` items of the query after `start`.
    pub(crate) async fn list(
        &self,
        query: QueryFluentBuilder,
        mut start: Option<Attributes>,
        limit: u16,
        what: &'static str,
    ) -> ports::Result<Vec<Attributes>> {
        let mut items = Vec::new();
        loop {
            let page = query.clone().limit(i32::from(limit) - i32::try_from(items.len()).unwrap_or(0));
            let page = page.set_exclusive_start_key(start).send().await.map_err(from_sdk(what))?;
            items.extend(page.items.unwrap_or_default());
            start = page.last_evaluated_key;
            if start.is_none() || items.len() >= usize::from(limit) {
                return Ok(items);
            }
        }
    }
}

impl RemoveAccount for Cloud {
    async fn remove_account(&self, tenant: &TenantId, user: &UserId) -> ports::Result<bool> {
        let delete = self.dynamo.delete_item().table_name(&self.vault_table).set_key(Some(account_key(tenant, user)));
        let answer = delete.return_values(ReturnValue::AllOld).send().await;
        Ok(answer.map_err(from_sdk("removing an account"))?.attributes.is_some())
    }
}

impl MarkAccount for Cloud {
    async fn mark_reconnect_needed(
        &self,
        tenant: &TenantId,
        user: &UserId,
        connected_at: Timestamp,
    ) -> ports::Result<()> {
        let answer = self
            .dynamo
            .update_item()
            .table_name(&self.vault_table)
            .set_key(Some(account_key(tenant, user)))
            .condition_expression("connected_at = :connected_at")
            .update_expression("SET #status = :status")
            .expression_attribute_names("#status", "status")
            .expression_attribute_values(":connected_at", time(connected_at))
            .expression_attribute_values(":status", name_of(&Status::ReconnectNeeded))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(()),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => Ok(()),
            Err(error) => Err(from_sdk("marking an account")(error)),
        }
    }
}

impl Cloud {
    /// The item, read consistently.
    pub(crate) async fn get(
        &self,
        table: &str,
        key: Attributes,
        what: &'static str,
    ) -> ports::Result<Option<Attributes>> {
        let get = self.dynamo.get_item().table_name(table).set_key(Some(key)).consistent_read(true);
        Ok(get.send().await.map_err(from_sdk(what))?.item)
    }

    /// Writes the item over what was there.
    pub(crate) async fn put(&self, table: &str, item: Attributes, what: &'static str) -> ports::Result<()> {
        let put = self.dynamo.put_item().table_name(table).set_item(Some(item));
        put.send().await.map(|_| ()).map_err(from_sdk(what))
    }
}
