//! The secrets that sign requests.

use domain::SigningKeyId;
use hub::ports::{Entropy, SigningSecrets};

use crate::build;

/// Storing, finding and removing signing secrets. None is asked for before it is removed, since it may be remembered.
pub async fn signing_secrets(ports: &(impl Entropy + SigningSecrets)) {
    let (one, two) = (build::tenant(ports), build::tenant(ports));
    let [id, other] = [(); 2].map(|()| SigningKeyId::from_bytes(ports.random()));
    assert_eq!(ports.signing_secret(&one, &id).await.unwrap(), None);
    ports.save_signing_secret(&one, &id, &[1, 0, 255]).await.unwrap();
    assert_eq!(ports.signing_secret(&two, &id).await.unwrap(), None, "a secret is its tenant's only");
    assert_eq!(ports.signing_secret(&one, &other).await.unwrap(), None);
    assert_eq!(ports.signing_secret(&one, &id).await.unwrap(), Some(vec![1, 0, 255]));

    ports.save_signing_secret(&one, &other, &[2]).await.unwrap();
    for _ in 0..2 {
        ports.remove_signing_secret(&one, &other).await.unwrap();
        assert_eq!(ports.signing_secret(&one, &other).await.unwrap(), None);
    }
}
