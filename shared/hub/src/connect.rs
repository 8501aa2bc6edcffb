//! Connecting a Flickr account: begin a login, follow the browser back, complete it.
//!
//! A login lives [`LOGIN_LIFETIME`], belongs to the tenant that began it, and is used once: it is
//! removed by the same conditional delete that reads it, before Flickr is asked for the token. When
//! Flickr then fails, the user begins anew.

mod return_urls;

use domain::{
    AccountRef, AppId, TenantId, UserId,
    account::{Account, Perms, Status},
    budget::{Circuit, HostClass, Limit, Party},
    login::{self, Digested, Mode, PendingLogin},
    outcome::{Class, Outcome},
    tenant::TenantLimits,
    timing::LOGIN_LIFETIME,
};
use vault::DataKeys;

pub use return_urls::AllowedReturnUrls;
use return_urls::with_query;

use crate::{
    Error, Kind,
    budget::{CallRequest, Granted, Grants},
    chain,
    credentials::{AppCredentials, TokenCredentials},
    keyed_hash::KeyedHash,
    ports::{
        Accounts, Apps, BudgetKey, Budgets, Clock, Entropy, FlickrLogin, Logins, ResponseCache, SealedAccount,
        SealedLogin, Tenants,
    },
    response_cache::forget,
    tenants::Principal,
    vaults::{self, Vaults},
};

/// How many calls a tenant may make for apps that Flickr has not yet accepted from it. Whoever
/// knows an app's public key could else have Flickr refuse the key's real owner.
const UNVERIFIED: Limit = Limit { calls_per_hour: 60, burst_calls: 20 };

/// What connecting needs: ports `P`, Flickr `F`, and data keys `K`.
pub struct Connect<P, F, K> {
    pub ports: P,
    pub flickr: F,
    /// Seals and opens.
    pub vaults: Vaults<K>,
    /// Names Flickr apps.
    pub keyed_hash: KeyedHash,
    /// Where a browser may be sent after the callback.
    pub return_urls: AllowedReturnUrls,
    /// The grants of this process.
    pub grants: Grants,
}

/// Which Flickr app a login is for.
#[derive(Debug)]
pub enum App {
    /// Given with the request; stored once Flickr has accepted it.
    Given(AppCredentials),
    /// Stored by an earlier login.
    Stored(AppId),
}

/// A request to connect an account.
#[derive(Debug)]
pub struct Start {
    /// The Flickr app.
    pub app: App,
    /// What the user is asked to allow.
    pub perms: Perms,
    /// How the verifier comes back; by default as `return_url` says.
    pub mode: Option<Mode>,
    /// Where the browser goes in the end.
    pub return_url: Option<String>,
    /// Our callback, as browsers reach it.
    pub callback_url: String,
}

/// A login, begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// Where the user allows it.
    pub authorize_url: String,
    /// The request token, which names the login.
    pub oauth_token: String,
    /// To be compared by the caller when the browser returns, and given back.
    pub state: String,
    /// How the verifier comes back.
    pub mode: Mode,
    /// The Flickr app, for later logins.
    pub app: AppId,
}

/// A user's consent, to be exchanged for a token.
#[derive(Debug, Clone)]
pub struct Complete {
    /// The request token.
    pub oauth_token: String,
    /// What Flickr gave the user.
    pub oauth_verifier: String,
    /// What [`Started`] said; needed in callback mode.
    pub state: Option<String>,
}

/// What the browser brings back from Flickr.
#[derive(Debug, Clone)]
pub struct Callback {
    /// The request token.
    pub oauth_token: String,
    /// What Flickr gave the user.
    pub oauth_verifier: String,
    /// What we put into the callback.
    pub state: String,
}

/// Where the browser goes from our callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Landing {
    /// To the tenant's own page, with token, verifier and state.
    Redirect(String),
    /// To a plain page that shows the verifier.
    ShowCode,
}

impl<P, F, K> Connect<P, F, K>
where
    P: Clock + Entropy + Apps + Logins + Budgets,
    F: FlickrLogin,
    K: DataKeys,
{
    /// Begins a login.
    ///
    /// # Errors
    /// [`Kind::ReturnUrlNotAllowed`], [`Kind::AppNotFound`], [`Kind::AppRefused`],
    /// [`Kind::FlickrUnavailable`], or a failure of the ports.
    pub async fn start(&self, principal: &Principal, request: Start) -> Result<Started, Error> {
        let tenant = principal.tenant();
        if request.return_url.as_deref().is_some_and(|url| !self.allows(principal.tenant_limits(), url)) {
            return Err(Kind::ReturnUrlNotAllowed.into());
        }
        let mode = match (request.mode, &request.return_url) {
            (Some(Mode::Oob), Some(_)) => {
                return Err(Error::invalid("mode", "`oob` comes back by hand: leave out `return_url`"));
            }
            (Some(mode), _) => mode,
            (None, Some(_)) => Mode::Callback,
            (None, None) => Mode::Oob,
        };
        let (app, credentials) = self.app(tenant, &request.app).await?;
        let state = login::state(tenant, self.ports.random());
        let callback = match mode {
            Mode::Oob => "oob".to_owned(),
            Mode::Callback => with_query(&request.callback_url, &[("state", &state)]).map_err(Error::internal)?,
        };
        let verified = match request.app {
            App::Stored(_) => true,
            App::Given(_) => self.ports.app(tenant, &app).await?.is_some(),
        };
        let within =
            if verified { of_logins(principal, &app) } else { (UNVERIFIED, BudgetKey::Unverified(tenant.clone())) };
        let granted = self.granted(principal, &app, within).await?;
        let answer = self.flickr.request_token(&credentials, &callback).await;
        self.grants.record(&self.ports, &granted, answer.as_ref().err()).await;
        let request_token = answer.map_err(refused_app)?;

        if !verified {
            let sealed = self.vaults.secrets.seal(&vaults::app(tenant, &app)?, &credentials.to_secret()?).await?;
            self.ports.save_app(tenant, &app, sealed.as_bytes()).await?;
        }
        let login = PendingLogin {
            tenant: tenant.clone(),
            token_digest: Digested::of(request_token.token()),
            state_digest: Digested::of(&state),
            app: app.clone(),
            perms: request.perms,
            mode,
            return_url: request.return_url,
            expires_at: self.ports.now() + LOGIN_LIFETIME,
        };
        let context = vaults::pending_login(tenant, &login.token_digest)?;
        let sealed_secret = self.vaults.tokens.seal(&context, &request_token.to_secret()?).await?.into_bytes();
        self.ports.save_login(&SealedLogin { login, sealed_secret }).await?;

        tracing::info!(%app, ?mode, "login begun");
        let authorize_url = self.flickr.authorize_url(request_token.token(), request.perms);
        Ok(Started { authorize_url, oauth_token: request_token.token().to_owned(), state, mode, app })
    }

    async fn app(&self, tenant: &TenantId, app: &App) -> Result<(AppId, AppCredentials), Error> {
        match app {
            App::Given(credentials) => {
                Ok((self.keyed_hash.flickr_app(credentials.key(), credentials.secret()), credentials.clone()))
            }
            App::Stored(id) => Ok((id.clone(), self.vaults.open_app(&self.ports, tenant, id).await?)),
        }
    }
}

impl<P, F, K> Connect<P, F, K>
where
    P: Clock + Entropy + Apps + Logins + Accounts + Budgets + ResponseCache,
    F: FlickrLogin,
    K: DataKeys,
{
    /// Completes a login: connects the account, or connects it anew. Flickr is asked what it granted, which may be less
    /// than was asked for; where it does not say so now, the account is connected with what was asked for, unconfirmed.
    ///
    /// # Errors
    /// [`Kind::LoginNotFound`] for an unknown, foreign, used or stale login and for a wrong or
    /// missing state; [`Kind::VerifierRefused`], [`Kind::FlickrUnavailable`], or a failure of the
    /// ports.
    pub async fn complete(&self, principal: &Principal, consent: Complete) -> Result<Account, Error> {
        let tenant = principal.tenant();
        let token = Digested::of(&consent.oauth_token);
        let state = consent.state.as_deref().map(Digested::of);
        // What can be refused is refused before a call is granted, since the app's grants are everybody's. And the grant
        // comes before the login is taken: a spent budget uses no login up.
        let found = self.ports.login(tenant, &token).await?;
        let found = found.filter(|login| login.can_be_completed(state.as_ref(), self.ports.now()));
        let found = found.ok_or(Kind::LoginNotFound)?;
        let credentials = self.vaults.open_app(&self.ports, tenant, &found.app).await?;
        let granted = self.granted(principal, &found.app, of_logins(principal, &found.app)).await?;
        let (login, request_token) = match self.take_login(tenant, &token, state.as_ref()).await {
            Ok(taken) => taken,
            Err(error) => {
                self.grants.give_back(&self.ports, granted).await;
                return Err(error);
            }
        };
        let answer = self.flickr.access_token(&credentials, &request_token, &consent.oauth_verifier).await;
        self.grants.record(&self.ports, &granted, answer.as_ref().err()).await;
        let access = answer.map_err(refused_verifier)?;
        let granted_perms = self.granted_perms(principal, &login.app, &credentials, &access.token).await;

        let account = Account {
            tenant: tenant.clone(),
            user: UserId::of(tenant, &access.nsid),
            app: login.app,
            nsid: access.nsid,
            username: access.username,
            fullname: access.fullname,
            perms: granted_perms.unwrap_or(login.perms),
            perms_confirmed: granted_perms.is_some(),
            status: Status::Connected,
            connected_at: self.ports.now(),
        };
        let sealed_token = self
            .vaults
            .tokens
            .seal(&vaults::account(tenant, &account.user)?, &access.token.to_secret()?)
            .await?
            .into_bytes();
        // What was cached may be more than the new token may see.
        forget(&self.ports, &AccountRef::new(tenant, &account.user)).await?;
        let sealed = SealedAccount { account, sealed_token, circuit: Circuit::default() };
        self.ports.save_account(&sealed).await?;
        tracing::info!(user = %sealed.account.user, "account connected");
        Ok(sealed.account)
    }

    /// What Flickr granted the token; `None` where that cannot be found out now. The login is used up and its token is
    /// there, so nothing of this fails the login.
    async fn granted_perms(
        &self,
        principal: &Principal,
        app: &AppId,
        credentials: &AppCredentials,
        token: &TokenCredentials,
    ) -> Option<Perms> {
        let granted = match self.granted(principal, app, of_logins(principal, app)).await {
            Ok(granted) => granted,
            Err(error) => {
                tracing::warn!(error = chain(&error), %app, "no call was granted to ask for an account's permissions");
                return None;
            }
        };
        let answer = self.flickr.check_token(credentials, token).await;
        self.grants.record(&self.ports, &granted, answer.as_ref().err()).await;
        let not_said = |outcome: &Outcome| {
            let Outcome { class, message, .. } = outcome;
            tracing::warn!(?class, message, %app, "Flickr did not say what an account's token may do");
        };
        answer.inspect_err(not_said).ok().map(|checked| checked.perms)
    }

    /// Uses the login up, and opens its request token.
    async fn take_login(
        &self,
        tenant: &TenantId,
        token: &Digested,
        state: Option<&Digested>,
    ) -> Result<(PendingLogin, TokenCredentials), Error> {
        let taken = self.ports.take_login(tenant, token, state, self.ports.now()).await?;
        let SealedLogin { login, sealed_secret } = taken.ok_or(Kind::LoginNotFound)?;
        let secret = self.vaults.tokens.open(&vaults::pending_login(tenant, token)?, &sealed_secret).await?;
        Ok((login, TokenCredentials::from_secret(&secret)?))
    }
}

impl<P, F, K> Connect<P, F, K>
where
    P: Clock + Logins + Tenants,
    F: Send + Sync,
    K: Send + Sync,
{
    /// Where the browser that came back from Flickr goes. Creates nothing, and uses nothing up.
    ///
    /// # Errors
    /// [`Kind::LoginNotFound`] for an unknown, used or stale login and for a wrong state.
    pub async fn callback(&self, back: &Callback) -> Result<Landing, Error> {
        let tenant = login::tenant_of_state(&back.state).ok_or(Kind::LoginNotFound)?;
        let found = self.ports.login(&tenant, &Digested::of(&back.oauth_token)).await?;
        let now = self.ports.now();
        let login = found
            .filter(|login| login.state_digest == Digested::of(&back.state) && login.expires_at > now)
            .ok_or(Kind::LoginNotFound)?;
        // The allow-list is asked again: it may have changed since the login was begun.
        let allowed = match login.return_url {
            None => None,
            Some(url) => {
                let tenant = self.ports.tenant(&tenant).await?.ok_or(Kind::LoginNotFound)?;
                Some(url).filter(|url| self.allows(&tenant.limits, url))
            }
        };
        match allowed {
            None => Ok(Landing::ShowCode),
            Some(url) => with_query(
                &url,
                &[("oauth_token", &back.oauth_token), ("oauth_verifier", &back.oauth_verifier), ("state", &back.state)],
            )
            .map(Landing::Redirect)
            .map_err(Error::internal),
        }
    }
}

impl<P, F, K> Connect<P, F, K> {
    /// Whether a browser may be sent to `url` by a tenant with these limits: its own list counts in place of the stack's.
    fn allows(&self, limits: &TenantLimits, url: &str) -> bool {
        match &limits.return_urls {
            Some(own) => AllowedReturnUrls::of(own).allows(url),
            None => self.return_urls.allows(url),
        }
    }
}

impl<P: Clock + Budgets, F, K> Connect<P, F, K> {
    /// One call of a login's step.
    async fn granted(&self, principal: &Principal, app: &AppId, within: (Limit, BudgetKey)) -> Result<Granted, Error> {
        let request = CallRequest {
            app,
            limit: principal.limits().app,
            class: HostClass::Oauth,
            party: Party::tenant(principal.tenant()),
            within: Some(within),
        };
        match self.grants.take(&self.ports, request).await? {
            Ok(granted) => Ok(granted),
            Err(refused) => Err(Kind::BudgetSpent { retry_after: refused.retry_at.since(self.ports.now()) }.into()),
        }
    }
}

/// The tenant's share of the app's logins, with the budget that they are held to.
fn of_logins(principal: &Principal, app: &AppId) -> (Limit, BudgetKey) {
    (principal.limits().of_logins(), BudgetKey::Logins(principal.tenant().clone(), app.clone()))
}

fn refused_app(outcome: Outcome) -> Error {
    match outcome.class {
        Class::App | Class::Signature | Class::Permanent | Class::Account => Kind::AppRefused(outcome).into(),
        _ => Kind::FlickrUnavailable(outcome).into(),
    }
}

fn refused_verifier(outcome: Outcome) -> Error {
    match outcome.class {
        Class::Account | Class::Permanent => Kind::VerifierRefused(outcome).into(),
        Class::App | Class::Signature => Kind::AppRefused(outcome).into(),
        _ => Kind::FlickrUnavailable(outcome).into(),
    }
}
