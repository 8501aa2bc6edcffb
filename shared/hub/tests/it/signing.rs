//! The signing secrets of API keys.

use domain::api_key::KeyChange;
use hub::{
    Kind,
    limits::Limits,
    ports::SigningSecrets,
    signing::{self, NewSigningSecret},
    tenants::{self, Principal},
};
use testkit::{Call, Fault, FaultPoint, World, build};

const KEY: &str = "a-key-of-twenty-letters";

async fn world() -> World {
    let world = World::new(build::NOW, 1);
    tenants::create(&world, &build::keyed_hash(), "Test", KEY).await.unwrap();
    world
}

async fn principal(world: &World) -> Principal {
    tenants::authenticate(world, &build::keyed_hash(), Limits::default(), KEY).await.unwrap()
}

#[tokio::test]
async fn a_secret_is_made_found_replaced_and_removed() {
    let (world, vault, keyed_hash) = (world().await, build::vaults().secrets, build::keyed_hash());
    assert_eq!(principal(&world).await.signing(), None);
    assert!(signing::secret(&world, &vault, &principal(&world).await, "sgn_1").await.unwrap().is_none());

    let NewSigningSecret { id: first, secret } = signing::give_secret(&world, &vault, &keyed_hash, KEY).await.unwrap();
    assert_eq!(secret.expose().len(), 32);
    let found = async |id: &str| signing::secret(&world, &vault, &principal(&world).await, id).await.unwrap();
    assert_eq!(found(first.as_str()).await.unwrap().expose(), secret.expose());
    assert!(found("sgn_1").await.is_none(), "of another id");
    assert!(!world.sealed().iter().any(|sealed| sealed.windows(32).any(|part| part == secret.expose())), "in clear");

    signing::set_required(&world, &keyed_hash, KEY, true).await.unwrap();
    let second = signing::give_secret(&world, &vault, &keyed_hash, KEY).await.unwrap();
    assert_ne!((&second.id, second.secret.expose()), (&first, secret.expose()));
    assert!(principal(&world).await.signing().unwrap().is_required, "as it was");
    assert!(found(first.as_str()).await.is_none());
    assert_eq!(world.signing_secret(principal(&world).await.tenant(), &first).await.unwrap(), None, "it is removed");
    assert!(found(second.id.as_str()).await.is_some());

    signing::set_required(&world, &keyed_hash, KEY, false).await.unwrap();
    assert!(!principal(&world).await.signing().unwrap().is_required);
    for _ in 0..2 {
        signing::take_secret(&world, &keyed_hash, KEY).await.unwrap();
        assert_eq!((principal(&world).await.signing(), world.sealed().len()), (None, 0));
    }
}

#[tokio::test]
async fn a_signature_is_demanded_only_where_there_is_a_secret() {
    let (world, keyed_hash) = (world().await, build::keyed_hash());
    let refused = signing::set_required(&world, &keyed_hash, KEY, true).await.unwrap_err();
    assert!(matches!(refused.kind(), Kind::InvalidField { field: "api_key", .. }), "{refused:?}");
    assert_eq!(principal(&world).await.signing(), None);
}

#[tokio::test]
async fn an_unknown_key_and_a_disabled_one_get_no_secret() {
    let (world, vault, keyed_hash) = (world().await, build::vaults().secrets, build::keyed_hash());
    tenants::change_key(&world, &keyed_hash, KEY, KeyChange::Disable(build::NOW)).await.unwrap();
    for key in [KEY, "another-key-of-twenty"] {
        let refused = signing::give_secret(&world, &vault, &keyed_hash, key).await.unwrap_err();
        assert_eq!(refused.kind(), &Kind::ApiKeyNotFound, "{key}");
    }
    assert!(world.sealed().is_empty(), "none was stored");
}

/// Wherever it fails, the key has the former secret or a new one that opens, and can be given another.
#[tokio::test]
async fn a_failure_leaves_a_key_that_can_be_given_another_secret() {
    let (vault, keyed_hash) = (build::vaults().secrets, build::keyed_hash());
    let calls = [Call::StoredKey, Call::SaveSigningSecret, Call::SetRequestSigning, Call::RemoveSigningSecret];
    for (number, call) in calls.into_iter().enumerate() {
        for point in [FaultPoint::Before, FaultPoint::After] {
            let world = world().await;
            signing::give_secret(&world, &vault, &keyed_hash, KEY).await.unwrap();
            world.forget_calls();
            world.fault(number, point, Fault::Fail);
            assert!(signing::give_secret(&world, &vault, &keyed_hash, KEY).await.is_err(), "{call:?} {point:?}");
            assert_eq!(world.calls(), calls[..=number]);
            let left = principal(&world).await;
            let id = left.signing().unwrap().key.clone();
            assert!(signing::secret(&world, &vault, &left, id.as_str()).await.unwrap().is_some(), "{call:?} {point:?}");
            let next = signing::give_secret(&world, &vault, &keyed_hash, KEY).await.unwrap();
            assert_eq!(principal(&world).await.signing().unwrap().key, next.id);
        }
    }
}
