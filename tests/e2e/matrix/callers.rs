//! Who must be refused, and how.

use std::collections::BTreeMap;

use domain::{
    KeyId,
    api_key::{KeyChange, Scope},
};
use hub::{ports::Clock, tenants};

use crate::{
    emulator::{add_to_usage_plan, admin_key_answer, cloud, random_key},
    operator::{admin, new_tenant},
    stack::Hub,
};

/// The scopes that routes need.
pub const SCOPES: [Scope; 5] = [Scope::Connect, Scope::Accounts, Scope::JobsRead, Scope::JobsWrite, Scope::Dlq];

/// Who is refused wherever a key is needed.
pub struct Refused {
    pub who: &'static str,
    pub hub: Hub,
    pub status: u16,
    pub code: &'static str,
    /// Whether API Gateway lets the request through, so that the function refuses it.
    pub is_refused_by_function: bool,
}

/// Those who are refused: with a key of this tenant, with none, or as another tenant that may not ask.
pub async fn refused(tenant: &str) -> Vec<Refused> {
    let by = |is_refused_by_function| {
        move |who, key: Option<String>, status, code| Refused {
            who,
            hub: Hub::with_key(key),
            status,
            code,
            is_refused_by_function,
        }
    };
    let (by_gateway, by_function) = (by(false), by(true));
    let mut refused = vec![
        by_gateway("no key", None, 401, UNAUTHORIZED),
        by_gateway("a malformed key", Some("a".to_owned()), 401, UNAUTHORIZED),
        by_gateway("an unknown key", Some(random_key()), 401, UNAUTHORIZED),
        by_gateway("an unknown key, well formed", Some(unknown()), 401, UNAUTHORIZED),
    ];
    let known_to_gateway = async |key: String| {
        add_to_usage_plan(&key).await;
        Some(key)
    };
    let mistyped = known_to_gateway(mistyped(&unknown())).await;
    refused.push(by_function("a mistyped key that API Gateway knows", mistyped, 401, UNAUTHORIZED));
    let unknown = known_to_gateway(unknown()).await;
    refused.push(by_function("an unknown key that API Gateway knows", unknown, 401, UNAUTHORIZED));
    let now = cloud().now();
    for (who, change) in [
        ("a revoked key", KeyChange::Revoke(now)),
        ("an expired key", KeyChange::ExpireAt(now)),
        ("a disabled key", KeyChange::Disable(now)),
    ] {
        let (id, key) = new_key(tenant, &[]).await;
        let id: KeyId = id.parse().unwrap();
        tenants::change_key_of_id(&cloud(), &id, change).await.unwrap();
        refused.push(by_function(who, Some(key), 401, UNAUTHORIZED));
    }

    let (_, unsigned) = new_key(tenant, &[]).await;
    admin_key_answer(&["sign", "enable"], &unsigned).await;
    admin_key_answer(&["sign", "require"], &unsigned).await;
    refused.push(by_function("a key that must sign", Some(unsigned), 401, "ERR_SIGNATURE_REQUIRED"));
    let key_of = |hub: Hub| Some(hub.api_key().to_owned());
    let (suspended, hub) = new_tenant("suspended").await;
    admin(&["tenant", "suspend", &suspended, "--yes"], "").await.json();
    refused.push(by_function("a suspended tenant", key_of(hub), 403, "ERR_TENANT_SUSPENDED"));
    let (elsewhere, hub) = new_tenant("elsewhere").await;
    admin(&["tenant", "limits", "set", &elsewhere, "--network", "192.0.2.0/24"], "").await.json();
    refused.push(by_function("a wrong address", key_of(hub), 403, "ERR_ADDRESS_NOT_ALLOWED"));
    refused
}

/// Keys of this tenant: with each scope alone, and with all but each.
pub async fn with_and_without_each_scope(tenant: &str) -> BTreeMap<&'static str, (Hub, Hub)> {
    let mut keys = BTreeMap::new();
    for scope in SCOPES {
        let key = async |scopes: &[Scope]| {
            let words: Vec<&str> = scopes.iter().flat_map(|scope| ["--scope", scope.as_str()]).collect();
            Hub::with_key(Some(new_key(tenant, &words).await.1))
        };
        let others: Vec<Scope> = SCOPES.into_iter().filter(|other| *other != scope).collect();
        keys.insert(scope.as_str(), (key(&[scope]).await, key(&others).await));
    }
    keys
}

/// Another key of a tenant: its id, and the key.
async fn new_key(tenant: &str, more: &[&str]) -> (String, String) {
    let made = admin(&[&["key", "create", "--tenant", tenant], more].concat(), "").await.json();
    (made["key_id"].as_str().unwrap().to_owned(), made["api_key"].as_str().unwrap().to_owned())
}

const UNAUTHORIZED: &str = "ERR_UNAUTHORIZED";

/// A well-formed key that nobody has.
fn unknown() -> String {
    tenants::generate_key(&cloud()).as_str().to_owned()
}

/// The key with another last letter, so that its checksum is wrong.
fn mistyped(key: &str) -> String {
    let (start, last) = key.split_at(key.len() - 1);
    format!("{start}{}", if last == "a" { "b" } else { "a" })
}
