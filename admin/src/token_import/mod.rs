//! Accounts whose tokens somebody has in clear, such as those of an earlier FlickrHub.

mod documents;

use std::{error::Error, fs::File, io, path::PathBuf, time::Duration};

use aws::{Cloud, Machine};
use clap::{Args, Subcommand};
use domain::{AppId, TenantId, UserId, account::Account};
use flickr::{Client, Hosts};
use hub::{
    budget::Grants,
    chain,
    token_import::{Import, Imported},
};
use serde_json::{Value, json};

use self::documents::Document;
use crate::{answer::Answer, consent::Consent, pace::Pace, stack::Stack};

/// What is done to tokens.
#[derive(Subcommand)]
pub enum Command {
    /// Connects the accounts of tokens that you have in clear, without a login: each is verified at Flickr, sealed and
    /// stored. Exits with 1 unless all of them are connected in the end.
    ///
    /// They are the token documents of an earlier FlickrHub, as `mongoexport` writes them, or objects with `nsid`,
    /// `oauth_token` and `oauth_token_secret`, and `api_key` and `api_secret` unless `--app` is given: one after the
    /// other, or in an array. It may be stopped and repeated: an account that is connected with the very token costs no
    /// call.
    Import(Arguments),
}

/// Which tokens are imported, and how.
#[derive(Args)]
pub struct Arguments {
    /// Whose accounts they become.
    #[arg(long, value_name = "TENANT_ID")]
    tenant: TenantId,
    /// The file that they are in; without it, standard input.
    file: Option<PathBuf>,
    /// The tenant's Flickr app of the tokens that do not say theirs.
    #[arg(long, value_name = "APP_ID")]
    app: Option<AppId>,
    /// Gives an account that is connected with another token the imported one.
    #[arg(long)]
    replace: bool,
    /// The most tokens that are imported in a minute. Each costs a call of its Flickr app, of the part that logins have.
    #[arg(long, value_name = "TOKENS", default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..))]
    per_minute: u32,
    #[command(flatten)]
    consent: Consent,
}

/// Imports; the answer, and whether all accounts are connected.
///
/// # Errors
/// When the tokens cannot be read, the tenant is unknown, the hash secret or Flickr's URL cannot be used, or the operator
/// refuses. Then nothing is imported.
pub async fn run(stack: &Stack, command: Command) -> Result<(Answer, bool), Box<dyn Error>> {
    let Command::Import(Arguments { tenant, file, app, replace, per_minute, consent }) = command;
    let documents = match &file {
        Some(path) => documents::read(File::open(path)?)?,
        None => documents::read(io::stdin().lock())?,
    };
    let cloud = stack.cloud();
    let name = hub::tenants::get(&cloud, &tenant).await?.name;
    consent.ask(&format!("{} accounts will be connected for {name:?} ({tenant}).", documents.len()))?;
    let import = Import {
        flickr: Client::new(Hosts::from_setting(stack.flickr_url())?, Machine)?,
        vaults: stack.vaults()?,
        keyed_hash: stack.keyed_hash().await?,
        limit: stack.limits().app,
        grants: Grants::default(),
        ports: cloud,
        tenant,
        replace,
    };
    let pace = Pace::new(per_minute, Duration::from_secs(60));
    let (mut rows, mut all_connected) = (Vec::new(), true);
    for (number, document) in (1..).zip(documents) {
        let row = import_one(&import, &pace, number, document, app.as_ref()).await;
        all_connected &= is_connected(&row);
        eprintln!("{row}");
        rows.push(row);
    }
    Ok((
        Answer::List { columns: &["number", "former_user_id", "user_id", "nsid", "outcome", "why"], rows },
        all_connected,
    ))
}

type Importing = Import<Cloud, Client<Machine>, aws::CachedKmsKey>;

/// What became of a document, as a row.
async fn import_one(import: &Importing, pace: &Pace, number: u32, document: Document, app: Option<&AppId>) -> Value {
    let (former, nsid) = (document.former_user_id(), document.nsid());
    let row = |user: Option<&UserId>, outcome: &str, why: Option<String>| {
        json!({
            "number": number, "former_user_id": former, "user_id": user, "nsid": nsid, "outcome": outcome, "why": why,
        })
    };
    let existing = match document.into_token(app) {
        Ok(existing) => existing,
        Err(why) => return row(None, "refused", Some(why.to_string())),
    };
    let wait = async |length: Duration| {
        eprintln!("{}", json!({ "number": number, "waits_seconds": length.as_secs() }));
        tokio::time::sleep(length).await;
    };
    // What needs no call does not wait for the pace.
    let imported = match import.left_alone(&existing).await {
        Ok(Some(left)) => Ok(left),
        Ok(None) => {
            pace.wait(1).await;
            import.import(&existing, wait).await
        }
        Err(error) => Err(error),
    };
    match imported {
        Ok(Imported::Connected(account)) => {
            let Account { user, nsid, .. } = *account;
            let mut row = row(Some(&user), "connected", None);
            row["nsid"] = json!(nsid);
            row
        }
        Ok(Imported::AlreadyConnected(user)) => row(Some(&user), "already_connected", None),
        Ok(Imported::OtherToken(user)) => {
            row(Some(&user), "other_token", Some("it is connected with another token: see --replace".to_owned()))
        }
        Ok(Imported::Refused(why)) => row(None, "refused", Some(why)),
        Ok(Imported::NotVerified(why)) => row(None, "not_verified", Some(why)),
        Err(error) => row(None, "failed", Some(chain(&error))),
    }
}

/// Whether a row is that of an account that is connected with its token.
fn is_connected(row: &Value) -> bool {
    row["outcome"] == "connected" || row["outcome"] == "already_connected"
}
