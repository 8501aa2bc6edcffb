//! Connects accounts whose tokens somebody already has in clear, without a login.
//!
//! Each token is verified at Flickr before it is stored, by a call that is granted from the app's budget like any other.
//! Where the budget is spent the import waits. An account that is connected with the very token is left alone without a
//! call, so the import may be stopped at any time and repeated.

use std::time::Duration;

use domain::{
    AccountRef, AppId, TenantId, Timestamp, UserId,
    account::{Account, Status},
    budget::{Circuit, HostClass, Limit, Party, Why},
    outcome::{Class, Outcome},
};
use vault::DataKeys;

use crate::{
    Error,
    budget::{CallRequest, Granted, Grants},
    connect::App,
    credentials::{AppCredentials, TokenCredentials},
    keyed_hash::KeyedHash,
    ports::{
        Accounts, Apps, Budgets, CheckedToken, Clock, Entropy, FlickrLogin, ResponseCache, SealedAccount, TokenOwner,
    },
    response_cache::forget,
    vaults::{self, Vaults},
};

/// What an import needs: ports `P`, Flickr `F`, and data keys `K`.
pub struct Import<P, F, K> {
    /// The ports.
    pub ports: P,
    /// Flickr.
    pub flickr: F,
    /// Seals and opens.
    pub vaults: Vaults<K>,
    /// Names Flickr apps.
    pub keyed_hash: KeyedHash,
    /// The calls that a Flickr app may make.
    pub limit: Limit,
    /// The grants of this process.
    pub grants: Grants,
    /// Whose accounts they become.
    pub tenant: TenantId,
    /// Whether an account that is connected with another token gets the imported one.
    pub replace: bool,
}

/// A token that somebody has in clear.
#[derive(Debug)]
pub struct ExistingToken {
    /// The Flickr app that it was granted to.
    pub app: App,
    /// The token.
    pub token: TokenCredentials,
    /// The account's id at Flickr, where it is known.
    pub nsid: Option<String>,
}

/// What became of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// The account is connected with it.
    Connected(Box<Account>),
    /// The account was connected with it already.
    AlreadyConnected(UserId),
    /// The account is connected with another token, which it keeps.
    OtherToken(UserId),
    /// Flickr refuses the token or its app, or says that it is another account's.
    Refused(String),
    /// Flickr could not be asked now.
    NotVerified(String),
}

impl<P, F, K> Import<P, F, K>
where
    P: Clock + Entropy + Accounts + Apps + Budgets + ResponseCache,
    F: FlickrLogin,
    K: DataKeys,
{
    /// Imports one token. Where no call is granted now, `wait` is awaited until one may be.
    ///
    /// # Errors
    /// [`Kind::AppNotFound`](crate::Kind::AppNotFound), or a failure of the ports.
    pub async fn import(&self, existing: &ExistingToken, wait: impl AsyncFn(Duration)) -> Result<Imported, Error> {
        let (app, credentials) = self.app(&existing.app).await?;
        if let Some(left) = self.left_alone(existing).await? {
            return Ok(left);
        }
        let granted = match self.granted(&app, wait).await? {
            Ok(granted) => granted,
            Err(refused) => return Ok(refused),
        };
        let answer = self.flickr.check_token(&credentials, &existing.token).await;
        self.grants.record(&self.ports, &granted, answer.as_ref().err()).await;
        let checked = match answer {
            Ok(checked) => checked,
            Err(outcome) => return Ok(unverified(outcome)),
        };
        let owner = match owner(existing.nsid.as_deref(), checked.owner.clone()) {
            Ok(owner) => owner,
            Err(why) => return Ok(Imported::Refused(why.to_owned())),
        };
        if existing.nsid.is_none()
            && let Some(left) = self.left_alone_of(&owner.nsid, &existing.token).await?
        {
            return Ok(left);
        }
        self.save_app(&existing.app, &app, &credentials).await?;
        self.save(app, owner, &checked, &existing.token).await
    }

    async fn app(&self, app: &App) -> Result<(AppId, AppCredentials), Error> {
        match app {
            App::Given(credentials) => {
                Ok((self.keyed_hash.flickr_app(credentials.key(), credentials.secret()), credentials.clone()))
            }
            App::Stored(id) => Ok((id.clone(), self.vaults.open_app(&self.ports, &self.tenant, id).await?)),
        }
    }

    /// What becomes of a token that needs no call, where its account is connected already and it is known whose it is.
    ///
    /// # Errors
    /// A failure of the ports.
    pub async fn left_alone(&self, existing: &ExistingToken) -> Result<Option<Imported>, Error> {
        match &existing.nsid {
            Some(nsid) => self.left_alone_of(nsid, &existing.token).await,
            None => Ok(None),
        }
    }

    async fn left_alone_of(&self, nsid: &str, token: &TokenCredentials) -> Result<Option<Imported>, Error> {
        let user = UserId::of(&self.tenant, nsid);
        let Some(stored) = self.ports.account(&AccountRef::new(&self.tenant, &user)).await? else { return Ok(None) };
        if self.vaults.open_account(&stored).await? == *token {
            return Ok(Some(Imported::AlreadyConnected(user)));
        }
        Ok((!self.replace).then_some(Imported::OtherToken(user)))
    }

    /// One call, once there is one. An app that Flickr refuses is not waited for.
    async fn granted(&self, app: &AppId, wait: impl AsyncFn(Duration)) -> Result<Result<Granted, Imported>, Error> {
        loop {
            let request = CallRequest {
                app,
                limit: self.limit,
                class: HostClass::Oauth,
                party: Party::tenant(&self.tenant),
                within: None,
            };
            match self.grants.take(&self.ports, request).await? {
                Ok(granted) => return Ok(Ok(granted)),
                Err(refused) if refused.why == Why::AppStopped => {
                    return Ok(Err(Imported::NotVerified("Flickr refuses the app".to_owned())));
                }
                Err(refused) => wait(refused.retry_at.since(self.ports.now()).max(LEAST_WAIT)).await,
            }
        }
    }

    /// Stores an app that came with the token, once Flickr has accepted it.
    async fn save_app(&self, app: &App, id: &AppId, credentials: &AppCredentials) -> Result<(), Error> {
        if matches!(app, App::Given(_)) && self.ports.app(&self.tenant, id).await?.is_none() {
            let context = vaults::app(&self.tenant, id)?;
            let sealed = self.vaults.secrets.seal(&context, &credentials.to_secret()?).await?;
            self.ports.save_app(&self.tenant, id, sealed.as_bytes()).await?;
        }
        Ok(())
    }

    /// Connects the account. Where somebody connected it while its token was verified, that counts, unless it is to be
    /// replaced.
    async fn save(
        &self,
        app: AppId,
        TokenOwner { nsid, username, fullname }: TokenOwner,
        checked: &CheckedToken,
        token: &TokenCredentials,
    ) -> Result<Imported, Error> {
        let user = UserId::of(&self.tenant, &nsid);
        let context = vaults::account(&self.tenant, &user)?;
        let sealed_token = self.vaults.tokens.seal(&context, &token.to_secret()?).await?.into_bytes();
        let connected_at: Timestamp = self.ports.now();
        let account = Account {
            tenant: self.tenant.clone(),
            user: user.clone(),
            app,
            nsid,
            username,
            fullname,
            perms: checked.perms,
            perms_confirmed: true,
            status: Status::Connected,
            connected_at,
        };
        let sealed = SealedAccount { account, sealed_token, circuit: Circuit::default() };
        // What was cached may be more than the new token may see.
        forget(&self.ports, &AccountRef::new(&self.tenant, &user)).await?;
        if self.replace {
            self.ports.save_account(&sealed).await?;
        } else if !self.ports.add_account(&sealed).await? {
            return Ok(Imported::OtherToken(user));
        }
        tracing::info!(%user, "account imported");
        Ok(Imported::Connected(Box::new(sealed.account)))
    }
}

/// The least that is waited for a call, lest a clock that differs makes the import ask all the time.
const LEAST_WAIT: Duration = Duration::from_secs(1);

/// Whose the token is: as Flickr says, or where it does not say so, as who has it says.
fn owner(known: Option<&str>, said: Option<TokenOwner>) -> Result<TokenOwner, &'static str> {
    match (known, said) {
        (Some(known), Some(said)) if known != said.nsid => Err("Flickr says that the token is another account's"),
        (_, Some(said)) => Ok(said),
        (Some(known), None) => Ok(TokenOwner { nsid: known.to_owned(), ..TokenOwner::default() }),
        (None, None) => Err("nobody says whose the token is"),
    }
}

/// What becomes of a token that Flickr did not accept.
fn unverified(Outcome { class, message, .. }: Outcome) -> Imported {
    match class {
        Class::Account | Class::Permanent | Class::App | Class::Signature => Imported::Refused(message),
        _ => Imported::NotVerified(message),
    }
}
