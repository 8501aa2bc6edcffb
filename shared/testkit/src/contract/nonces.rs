//! The nonces of signed requests.

use std::time::Duration;

use domain::SigningKeyId;
use futures_util::future::join_all;
use hub::ports::{Clock, Entropy, Nonces};

/// Using nonces, once each.
pub async fn nonces(ports: &(impl Clock + Entropy + Nonces)) {
    let [one, two] = [(); 2].map(|()| SigningKeyId::from_bytes(ports.random()));
    let (now, age) = (ports.now(), Duration::from_secs(601));
    let until = now + age;
    assert!(ports.use_nonce(&one, "n", until, now).await.unwrap());
    assert!(!ports.use_nonce(&one, "n", until, now).await.unwrap(), "it is used");
    assert!(
        !ports.use_nonce(&one, "n", until + age, now + Duration::from_secs(599)).await.unwrap(),
        "it is used still"
    );
    assert!(ports.use_nonce(&two, "n", until, now).await.unwrap(), "a nonce is its key's only");
    for other in ["N", "n#n", " n", "~!*'()"] {
        assert!(ports.use_nonce(&one, other, until, now).await.unwrap(), "{other:?}");
    }
    assert!(
        ports.use_nonce(&one, "n", until + age + age, until + Duration::from_secs(1)).await.unwrap(),
        "its time is over"
    );
    assert!(!ports.use_nonce(&one, "n", until + age + age, until + Duration::from_secs(2)).await.unwrap(), "used anew");

    let crowd = join_all((0..8).map(|_| ports.use_nonce(&one, "crowd", until, now))).await;
    assert_eq!(crowd.into_iter().filter(|used| *used.as_ref().unwrap()).count(), 1, "one hears that it was unused");
}
