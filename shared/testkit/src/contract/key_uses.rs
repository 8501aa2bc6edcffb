//! The days on which API keys were last used.

use domain::{Day, KeyId};
use hub::ports::{Clock, Entropy, KeyUses};

use crate::build;

/// The last day of each key is kept, whatever order the uses come in, and each tenant's by itself.
pub async fn key_uses(ports: &(impl Clock + Entropy + KeyUses)) {
    let (tenant, other) = (build::tenant(ports), build::tenant(ports));
    let [first, second, others] = [(); 3].map(|()| KeyId::from_bytes(ports.random()));
    let today = Day::of(ports.now());
    assert!(ports.key_uses(&tenant).await.unwrap().is_empty());
    for day in [today.before(), today, today, today.before()] {
        ports.note_key_use(&tenant, &first, day).await.unwrap();
    }
    ports.note_key_use(&tenant, &second, today.before()).await.unwrap();
    ports.note_key_use(&other, &others, today.before()).await.unwrap();
    assert_eq!(ports.key_uses(&tenant).await.unwrap(), [(first, today), (second, today.before())].into());
    assert_eq!(ports.key_uses(&other).await.unwrap(), [(others, today.before())].into());
}
