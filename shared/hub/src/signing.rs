//! Signed requests: the signing secret of an API key, and whether the key's requests must be signed.
//!
//! A secret is 256 random bits, sealed under an id of its own. The record of the API key names that id, so that the
//! secret ends with the record, and moves with it to another hash.

use domain::{
    SigningKeyId,
    api_key::{KeyState, RequestSigning},
};
use vault::{DataKeys, Secret, Vault};

use crate::{
    Error, Kind,
    keyed_hash::{ApiKeyHash, KeyedHash},
    ports::{Clock, Entropy, SigningSecrets, StoredKey, Tenants},
    tenants::{self, Principal},
    vaults,
};

/// A new signing secret.
#[derive(Debug)]
pub struct NewSigningSecret {
    /// The `keyid` of signatures.
    pub id: SigningKeyId,
    /// The secret, which is told once.
    pub secret: Secret,
}

/// Gives an API key a new signing secret, in place of the one that it has. Whether its requests must be signed stays as
/// it is. Where a process remembers the key, the change takes effect within a minute.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyNotFound`], or a failure of the ports.
pub async fn give_secret(
    ports: &(impl Clock + Entropy + Tenants + SigningSecrets),
    secrets: &Vault<impl DataKeys>,
    keyed_hash: &KeyedHash,
    api_key: &str,
) -> Result<NewSigningSecret, Error> {
    let StoredKey { hash, record } = stored(ports, keyed_hash, api_key).await?;
    let (tenant, signing) = (record.tenant, record.signing);
    let new = NewSigningSecret {
        id: SigningKeyId::from_bytes(ports.random()),
        secret: Secret::from([ports.random(), ports.random()].concat()),
    };
    let sealed = secrets.seal(&vaults::request_signing(&tenant, &new.id)?, &new.secret).await?;
    ports.save_signing_secret(&tenant, &new.id, sealed.as_bytes()).await?;
    let is_required = signing.as_ref().is_some_and(|signing| signing.is_required);
    let next = RequestSigning { key: new.id.clone(), is_required };
    let former = signing.map(|signing| signing.key);
    set(ports, &hash, Some(&next), former.as_ref()).await?;
    if let Some(former) = former {
        ports.remove_signing_secret(&tenant, &former).await?;
    }
    Ok(new)
}

/// Demands that the requests of an API key are signed, or takes that back.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyNotFound`], or a failure of the ports. A key without a signing secret is an invalid
/// field: all its requests would be refused.
pub async fn set_required(
    ports: &(impl Clock + Tenants),
    keyed_hash: &KeyedHash,
    api_key: &str,
    is_required: bool,
) -> Result<(), Error> {
    let StoredKey { hash, record } = stored(ports, keyed_hash, api_key).await?;
    let Some(RequestSigning { key, .. }) = record.signing else {
        return Err(Error::invalid("api_key", "has no signing secret"));
    };
    set(ports, &hash, Some(&RequestSigning { key: key.clone(), is_required }), Some(&key)).await
}

/// Takes the signing secret from an API key: its requests are not signed any more.
///
/// # Errors
/// An invalid field, [`Kind::ApiKeyNotFound`], or a failure of the ports.
pub async fn take_secret(
    ports: &(impl Clock + Tenants + SigningSecrets),
    keyed_hash: &KeyedHash,
    api_key: &str,
) -> Result<(), Error> {
    let StoredKey { hash, record } = stored(ports, keyed_hash, api_key).await?;
    let Some(RequestSigning { key, .. }) = record.signing else { return Ok(()) };
    set(ports, &hash, None, Some(&key)).await?;
    Ok(ports.remove_signing_secret(&record.tenant, &key).await?)
}

/// The signing secret of the principal's API key, if it has one with this id.
///
/// # Errors
/// A failure of the ports.
pub async fn secret(
    ports: &impl SigningSecrets,
    secrets: &Vault<impl DataKeys>,
    principal: &Principal,
    id: &str,
) -> Result<Option<Secret>, Error> {
    let Some(RequestSigning { key, .. }) = principal.signing().filter(|signing| signing.key.as_str() == id) else {
        return Ok(None);
    };
    let tenant = principal.tenant();
    // One that was removed a moment ago is still named where the key is remembered.
    let Some(sealed) = ports.signing_secret(tenant, key).await? else { return Ok(None) };
    Ok(Some(secrets.open(&vaults::request_signing(tenant, key)?, &sealed).await?))
}

/// An API key that is accepted, as it is stored.
async fn stored(ports: &(impl Clock + Tenants), keyed_hash: &KeyedHash, api_key: &str) -> Result<StoredKey, Error> {
    let stored = ports.stored_key(&tenants::hashes(keyed_hash, api_key)?).await?;
    let accepted = stored.filter(|stored| stored.record.state(ports.now()) == KeyState::Active);
    accepted.ok_or_else(|| Kind::ApiKeyNotFound.into())
}

async fn set(
    ports: &impl Tenants,
    hash: &ApiKeyHash,
    signing: Option<&RequestSigning>,
    former: Option<&SigningKeyId>,
) -> Result<(), Error> {
    if ports.set_request_signing(hash, signing, former).await? {
        return Ok(());
    }
    Err(Error::unavailable("the key was changed meanwhile"))
}
