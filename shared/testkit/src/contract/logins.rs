//! Pending logins.

use std::time::Duration;

use domain::login::{Digested, Mode};
use hub::ports::{Clock, Entropy, Logins};

use crate::build;

/// Storing, finding and using up pending logins.
pub async fn logins(ports: &(impl Clock + Entropy + Logins)) {
    let (one, two) = (build::tenant(ports), build::tenant(ports));
    let now = ports.now();
    let end = now + Duration::from_secs(600);
    let by_hand = build::login(&one, "t1", "s1", Mode::Oob, end);
    let by_browser = build::login(&one, "t2", "s2", Mode::Callback, end);
    let (t1, t2, s1, s2) = (Digested::of("t1"), Digested::of("t2"), Digested::of("s1"), Digested::of("s2"));

    assert_eq!(ports.login(&one, &t1).await.unwrap(), None);
    assert_eq!(ports.take_login(&one, &t1, None, now).await.unwrap(), None);
    for login in [&by_hand, &by_browser] {
        ports.save_login(login).await.unwrap();
    }
    assert_eq!(ports.login(&one, &t1).await.unwrap(), Some(by_hand.login.clone()));
    assert_eq!(ports.login(&two, &t1).await.unwrap(), None, "a login is its tenant's only");

    for (tenant, token, state, at, why) in [
        (&two, &t1, None, now, "another tenant"),
        (&one, &t1, Some(&s2), now, "another state"),
        (&one, &t2, None, now, "callback mode without state"),
        (&one, &t2, Some(&s1), now, "callback mode with another state"),
        (&one, &t1, None, end, "past its end"),
        (&one, &t2, Some(&s2), end, "past its end"),
    ] {
        assert_eq!(ports.take_login(tenant, token, state, at).await.unwrap(), None, "{why}");
    }

    assert_eq!(ports.take_login(&one, &t1, None, now).await.unwrap(), Some(by_hand.clone()));
    assert_eq!(ports.take_login(&one, &t1, None, now).await.unwrap(), None, "a login is used once");
    assert_eq!(ports.login(&one, &t1).await.unwrap(), None);
    assert_eq!(ports.take_login(&one, &t2, Some(&s2), now).await.unwrap(), Some(by_browser));

    ports.save_login(&by_hand).await.unwrap();
    assert_eq!(ports.take_login(&one, &t1, Some(&s1), now).await.unwrap(), Some(by_hand), "a right state is welcome");
}
