//! Tokens in clear that the operator's command imports, and a restore of the vault that has them.

use api::{AccountView, JobState, Permission, StartLoginAnswer};
use aws::{Cloud, Settings, settings::Stores};
use aws_sdk_dynamodb::Client;
use domain::{AccountRef, TenantId};
use hub::{credentials::TokenCredentials, ports::Accounts, vaults::Vaults};
use serde_json::{Value, json};

use crate::{
    emulator::cloud,
    operator::{admin, new_tenant},
    restore::restored_now,
    stack::{Flickr, Hub, completion, env, shared_stack},
};

const CHECK: &str = "flickr.auth.oauth.checkToken";

fn vaults() -> Vaults<aws::CachedKmsKey> {
    aws::vaults(&aws::sdk_config().unwrap(), &Settings::from_env().unwrap().keys).unwrap()
}

/// The token of a connected account, as it stands in a vault table.
async fn token_in(cloud: &Cloud, tenant: &str, user_id: &str) -> TokenCredentials {
    let tenant: TenantId = tenant.parse().unwrap();
    let account = cloud.account(&AccountRef::new(&tenant, &user_id.parse().unwrap())).await.unwrap().unwrap();
    vaults().open_account(&account).await.unwrap()
}

/// A new account of this user of the app, and its token in clear.
async fn connected(tenant: &str, hub: &Hub, app: &Value, user: &Value) -> (AccountView, TokenCredentials) {
    let flickr = Flickr::new();
    let start = json!({ "api_key": app["key"], "api_secret": app["secret"] });
    let started: StartLoginAnswer = hub.start(&start).await.data();
    let consent = flickr.approve_as(user, &started, Permission::Write).await;
    let account: AccountView = hub.complete(&completion(&started, &consent, None)).await.data();
    let token = token_in(&cloud(), tenant, &account.user_id).await;
    (account, token)
}

/// A token document of an earlier FlickrHub.
fn document(app: &Value, nsid: &str, token: &TokenCredentials, former: &str) -> String {
    json!({
        "_id": { "$oid": "656f1c2b9d3e4a0012345678" },
        "user_id": former,
        "createdAt": { "$date": "2025-12-05T10:00:00.000Z" },
        "token": {
            "api_key": app["key"], "api_secret": app["secret"], "oauth_token": token.token(),
            "oauth_token_secret": token.secret(), "user_nsid": nsid, "username": "Bees",
        },
    })
    .to_string()
}

fn outcomes(rows: &Value) -> Vec<String> {
    rows.as_array().unwrap().iter().map(|row| row["outcome"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn tokens_in_clear_are_verified_and_connected_and_open_after_a_restore() {
    let _shared = shared_stack().await;
    let flickr = Flickr::new();
    let app = flickr.control("/_fake/apps", &json!({})).await;
    let (earlier, earlier_hub) = new_tenant("Earlier").await;
    let user = flickr.control("/_fake/users", &json!({})).await;
    let (account, token) = connected(&earlier, &earlier_hub, &app, &user).await;

    let (tenant, hub) = new_tenant("Imports").await;
    let mut arguments = vec!["token", "import", "--tenant", &tenant, "--per-minute", "600", "--json"];
    let good = document(&app, &account.nsid, &token, "7d0e6e5c-2f7c-4a53-9d76-2f1d2c9d3b10");
    let unasked = admin(&arguments, &good).await;
    assert!(!unasked.is_success && unasked.errors.contains("--yes"), "{}", unasked.errors);
    arguments.push("--yes");

    let checks = async || flickr.calls(&account.nsid, CHECK).await.len();
    let before = checks().await;
    let wrong = TokenCredentials::new("72157600000000000-canary", "canary-secret");
    let input = [
        good.clone(),
        document(&app, "98765432109@N01", &token, "another's"),
        document(&app, "98765432108@N01", &wrong, "unknown to Flickr"),
    ];
    let ended = admin(&arguments, &input.join("\n")).await;
    assert!(!ended.is_success, "not all are connected");
    let rows = ended.json();
    assert_eq!(outcomes(&rows), ["connected", "refused", "refused"], "{rows} {}", ended.errors);
    assert_eq!(rows[0]["former_user_id"], "7d0e6e5c-2f7c-4a53-9d76-2f1d2c9d3b10");
    let secrets = [token.token(), token.secret(), app["secret"].as_str().unwrap(), "canary"];
    for secret in secrets {
        assert!(!ended.output.contains(secret) && !ended.errors.contains(secret), "a secret is printed");
    }
    assert_eq!(checks().await, before + 2, "each costs a call: its own, and that for another's account");

    let user_id = rows[0]["user_id"].as_str().unwrap();
    let imported: AccountView = hub.get(&format!("/v1/accounts/{user_id}")).await.data();
    assert_eq!((&*imported.nsid, imported.perms, imported.perms_confirmed), (&*account.nsid, Permission::Write, true));
    let job = hub.submit(user_id, "flickr.test.login", &json!({})).await;
    assert_eq!(hub.ended(&job).await.state, JobState::Completed);

    let again = admin(&arguments, &good).await;
    assert!(again.is_success, "{}", again.errors);
    assert_eq!(outcomes(&again.json()), ["already_connected"]);
    assert_eq!(checks().await, before + 2, "what is connected costs no call");

    let (_, later) = connected(&earlier, &earlier_hub, &app, &user).await;
    let other = document(&app, &account.nsid, &later, "7d0e");
    let kept = admin(&arguments, &other).await;
    assert_eq!((kept.is_success, outcomes(&kept.json())), (false, vec!["other_token".to_owned()]));
    assert_eq!(token_in(&cloud(), &tenant, user_id).await, token);

    let dynamo = Client::new(&aws::sdk_config().unwrap());
    let restored = restored_now(&dynamo, &env("VAULT_TABLE")).await;
    arguments.push("--replace");
    let replaced = admin(&arguments, &other).await;
    assert_eq!((replaced.is_success, outcomes(&replaced.json())), (true, vec!["connected".to_owned()]));
    assert_eq!(token_in(&cloud(), &tenant, user_id).await, later);

    let made_safe = admin(&["after-restore", "--vault-table", &restored, "--force"], "").await;
    assert!(made_safe.is_success, "{}", made_safe.errors);
    let stores = Stores { vault_table: restored.clone(), ..Settings::from_env().unwrap().stores };
    let of_restored = Cloud::new(&aws::sdk_config().unwrap(), &stores);
    assert_eq!(token_in(&of_restored, &tenant, user_id).await, token, "as it was imported first");
    let unprotected = dynamo.update_table().table_name(&restored).deletion_protection_enabled(false);
    unprotected.send().await.unwrap();
    dynamo.delete_table().table_name(&restored).send().await.unwrap();
}
