//! The Flickr apps of tenants.

use domain::AppId;
use hub::ports::{Apps, Entropy};

use crate::build;

/// Storing, finding and listing Flickr apps.
pub async fn apps(ports: &(impl Entropy + Apps)) {
    let (one, two) = (build::tenant(ports), build::tenant(ports));
    let app = AppId::from_bytes(ports.random());
    assert_eq!(ports.app(&one, &app).await.unwrap(), None);
    ports.save_app(&one, &app, &[1, 0, 255]).await.unwrap();
    assert_eq!(ports.app(&one, &app).await.unwrap(), Some(vec![1, 0, 255]));
    ports.save_app(&one, &app, &[2]).await.unwrap();
    assert_eq!(ports.app(&one, &app).await.unwrap(), Some(vec![2]));
    assert_eq!(ports.app(&two, &app).await.unwrap(), None, "an app is its tenant's only");

    let mut saved = vec![app];
    for _ in 0..4 {
        saved.push(AppId::from_bytes(ports.random()));
        ports.save_app(&one, &saved[saved.len() - 1], &[3]).await.unwrap();
    }
    saved.sort();
    assert_eq!(ports.apps(&one, None, 10).await.unwrap(), saved);
    assert_eq!(ports.apps(&one, None, 2).await.unwrap(), saved[..2]);
    assert_eq!(ports.apps(&one, Some(&saved[1]), 2).await.unwrap(), saved[2..4]);
    assert_eq!(ports.apps(&one, Some(&saved[4]), 2).await.unwrap(), []);
    assert_eq!(ports.apps(&two, None, 10).await.unwrap(), []);
}
