//! What is sealed under which key and which encryption context.

use domain::{AppId, SigningKeyId, TenantId, UserId, login::Digested};
use vault::{DataKeys, EncryptionContext, Purpose, Vault};

use crate::{
    Error, Kind,
    credentials::{AppCredentials, TokenCredentials},
    ports::{Apps, SealedAccount},
};

/// The vaults: users' tokens stand under one KMS key, app and webhook secrets under another.
#[derive(Clone)]
pub struct Vaults<K> {
    /// Tokens of users, and of logins on the way to one.
    pub tokens: Vault<K>,
    /// Secrets of Flickr apps, and those that sign requests to the API.
    pub secrets: Vault<K>,
}

impl<K: DataKeys> Vaults<K> {
    /// The credentials of a tenant's stored Flickr app.
    ///
    /// # Errors
    /// [`Kind::AppNotFound`], or a failure of the ports.
    pub async fn open_app(&self, ports: &impl Apps, tenant: &TenantId, id: &AppId) -> Result<AppCredentials, Error> {
        let sealed = ports.app(tenant, id).await?.ok_or(Kind::AppNotFound)?;
        Ok(AppCredentials::from_secret(&self.secrets.open(&app(tenant, id)?, &sealed).await?)?)
    }

    /// The token of a connected account.
    ///
    /// # Errors
    /// A failure of the ports.
    pub async fn open_account(&self, sealed: &SealedAccount) -> Result<TokenCredentials, Error> {
        let context = account(&sealed.account.tenant, &sealed.account.user)?;
        Ok(TokenCredentials::from_secret(&self.tokens.open(&context, &sealed.sealed_token).await?)?)
    }
}

/// The context of a Flickr app's credentials.
///
/// # Errors
/// None for ids, which are never empty or long.
pub fn app(tenant: &TenantId, app: &AppId) -> Result<EncryptionContext, vault::Error> {
    EncryptionContext::new(tenant.as_str(), app.as_str(), Purpose::AppSecret)
}

/// The context of an account's token.
///
/// # Errors
/// None for ids, which are never empty or long.
pub fn account(tenant: &TenantId, user: &UserId) -> Result<EncryptionContext, vault::Error> {
    EncryptionContext::new(tenant.as_str(), user.as_str(), Purpose::UserToken)
}

/// The context of a pending login's request token.
///
/// # Errors
/// None for ids, which are never empty or long.
pub fn pending_login(tenant: &TenantId, token: &Digested) -> Result<EncryptionContext, vault::Error> {
    EncryptionContext::new(tenant.as_str(), token.as_str(), Purpose::PendingLogin)
}

/// The context of a secret that signs the requests of an API key.
///
/// # Errors
/// None for ids, which are never empty or long.
pub fn request_signing(tenant: &TenantId, key: &SigningKeyId) -> Result<EncryptionContext, vault::Error> {
    EncryptionContext::new(tenant.as_str(), key.as_str(), Purpose::RequestSigning)
}
