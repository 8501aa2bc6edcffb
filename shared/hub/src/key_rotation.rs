//! Another API key in place of one that its holder has: for the same, and signed as that one was.

use std::time::Duration;

use domain::{
    KeyId,
    api_key::{KeyChange, KeyRecord, RequestSigning},
};
use vault::{DataKeys, Vault};

use crate::{
    Error, Kind,
    keyed_hash::KeyedHash,
    ports::{Clock, Entropy, SigningSecrets, Tenants},
    signing::{self, NewSigningSecret},
    tenants::{self, KeyRequest},
};

/// Gives the tenant of the key `old` another key that may be used for the same; `old` is refused once the `overlap` is
/// over, or before where it ends before. The new key has no end. Where the requests of `old` are signed, the new key has
/// a signing secret of its own, which is told once, and demands signatures as `old` does.
///
/// # Errors
/// [`Kind::ApiKeyNotFound`], also where the old key is refused already for good; what [`tenants::create_key`] and
/// [`signing::give_secret`] may fail with. Then the old key stays as it was.
pub async fn rotate(
    ports: &(impl Clock + Entropy + Tenants + SigningSecrets),
    secrets: &Vault<impl DataKeys>,
    keyed_hash: &KeyedHash,
    old: &KeyId,
    api_key: &str,
    overlap: Duration,
) -> Result<Option<NewSigningSecret>, Error> {
    let stored = ports.key_of_id(old).await?.filter(|stored| stored.record.revoked_at.is_none());
    let stored = stored.ok_or(Kind::ApiKeyNotFound)?;
    let KeyRecord { tenant, name, scopes, expires_at, signing, .. } = stored.record;
    // A name of before that is none today must not keep its key from being rotated.
    let name = name.filter(|name| domain::name::name(name).is_ok());
    let request = KeyRequest { name, scopes, expires_at: None };
    tenants::create_key(ports, keyed_hash, &tenant, api_key, request).await?;
    let secret = match signing {
        Some(RequestSigning { is_required, .. }) => {
            let secret = signing::give_secret(ports, secrets, keyed_hash, api_key).await?;
            if is_required {
                signing::set_required(ports, keyed_hash, api_key, true).await?;
            }
            Some(secret)
        }
        None => None,
    };
    let end = ports.now() + overlap;
    let end = expires_at.map_or(end, |earlier| earlier.min(end));
    tenants::change_key_of_id(ports, old, KeyChange::ExpireAt(end)).await?;
    Ok(secret)
}
