//! The hourly limit of calls.

use serde_json::json;

use crate::client::Client;
use crate::fixture::Fixture;

#[tokio::test]
async fn calls_above_the_limit_get_the_page_of_the_throttle() {
    let fixture = Fixture::new();
    let (ada, grace) = (fixture.client().await, fixture.client_of(json!({"user": "grace"})).await);
    fixture.control("/_fake/config", json!({"hourly_limit": 3})).await;
    fixture.rest(&ada, "flickr.test.null", &[]).await;
    fixture.rest(&grace, "flickr.test.null", &[]).await;
    fixture.send(Client::default().query("/services/oauth/request_token", &[("oauth_callback", "oob")])).await;

    for _ in 0..2 {
        let reply = fixture.send(ada.form("/services/rest", &[("method", "flickr.test.null")])).await;
        assert_eq!(reply.status, 429);
        assert_eq!(
            reply.body,
            "<html><body><h1>429 Too Many Requests</h1>\nYou have sent too many requests in a given amount of \
             time.\n</body></html>"
        );
        assert!(!reply.headers.contains_key("retry-after"));
    }
    let statuses: Vec<_> = fixture.calls().await.iter().map(|call| call["answer"]["status"].clone()).collect();
    assert_eq!(statuses, [200, 200, 200, 429, 429]);

    let app = fixture.control("/_fake/apps", json!({})).await;
    let text = |name: &str| app[name].as_str().unwrap().to_owned();
    let other = Client { key: text("key"), secret: text("secret"), ..Client::default() };
    assert_eq!(fixture.rest(&other, "flickr.test.echo", &[]).await["stat"], "ok", "each key has its own limit");
}
