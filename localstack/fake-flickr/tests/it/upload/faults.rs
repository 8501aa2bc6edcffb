//! Faults of uploads that are about the answer.

use serde_json::json;

use crate::client::JPEG;
use crate::fixture::Fixture;

#[tokio::test]
async fn each_error_has_the_text_of_its_endpoint() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    for code in [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 93] {
        fixture.fault(json!({"fault": format!("upload_error_{code}"), "times": 1})).await;
        assert_eq!(fixture.rest(&client, "flickr.test.echo", &[]).await["stat"], "ok", "only uploads are affected");
        assert_eq!(fixture.upload(&client, &[]).await.code(), code);
    }
    for code in [1, 2, 3, 4, 5, 6, 8, 93] {
        fixture.fault(json!({"fault": format!("upload_error_{code}"), "times": 1})).await;
        assert_eq!(fixture.replace(&client, &[("photo_id", &id)], JPEG).await.code(), code);
    }
    let photos = fixture.photos().await;
    assert_eq!((photos.len(), &photos[0]["replacements"]), (1, &json!(0)));
}

#[tokio::test]
async fn errors_with_details() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    fixture.fault(json!({"fault": "upload_error_9", "times": 1})).await;
    assert_eq!(fixture.upload(&client, &[]).await.element("duplicate_photo_id"), id);
    fixture.fault(json!({"fault": "upload_error_14", "times": 2, "retry_after_seconds": 33})).await;
    let reply = fixture.upload(&client, &[]).await;
    assert!(!reply.headers.contains_key("retry-after"));
    assert_eq!(reply.element("non_pro_desktop_upload_wait_time"), "33");
    fixture.control("/_fake/config", json!({"error_details_as_attributes": true})).await;
    let body = fixture.upload(&client, &[]).await.body;
    assert!(body.contains("\" non_pro_desktop_upload_wait_time=\"33\" />\n</rsp>"), "{body}");
    assert_eq!(fixture.photos().await.len(), 1);
}

#[tokio::test]
async fn a_photo_is_taken_and_the_answer_says_nothing_of_it() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    for (number, (fault, status)) in [
        ("accept_then_502", 502),
        ("accept_then_504", 504),
        ("accept_then_html", 200),
        ("accept_then_empty", 200),
        ("foreign_format", 200),
    ]
    .into_iter()
    .enumerate()
    {
        fixture.fault(json!({"fault": fault, "times": 1})).await;
        let reply = fixture.upload(&client, &[]).await;
        assert_eq!((reply.status, reply.body.contains("<rsp")), (status, false), "{fault}");
        let photos = fixture.photos().await;
        assert_eq!(photos.len(), number + 1, "{fault}");
        assert_eq!(fixture.calls().await[number]["fault"], fault);
    }
    fixture.fault(json!({"fault": "foreign_code", "times": 1})).await;
    assert_eq!(fixture.upload(&client, &[]).await.code(), 33);
    assert_eq!(fixture.photos().await.len(), 6);
    for status in ["403", "411", "413", "502", "504"] {
        fixture.fault(json!({"fault": status, "times": 1})).await;
        let reply = fixture.upload(&client, &[]).await;
        assert_eq!(
            (reply.status.to_string().as_str(), reply.header("content-type")),
            (status, "text/html; charset=utf-8")
        );
    }
    assert_eq!(fixture.photos().await.len(), 6, "the edge takes no photo");
}

#[tokio::test]
async fn a_replacement_can_be_done_and_its_answer_lost() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let id = fixture.upload(&client, &[]).await.photo_id();
    fixture.fault(json!({"fault": "accept_then_502", "times": 1, "match": {"path": "/services/replace"}})).await;
    fixture.upload(&client, &[]).await.photo_id();
    assert_eq!(fixture.replace(&client, &[("photo_id", &id)], JPEG).await.status, 502);
    assert_eq!(fixture.photos().await[0]["replacements"], 1);
}
