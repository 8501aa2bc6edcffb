//! Tickets of asynchronous uploads.

use serde_json::{Value, json};

use crate::client::Client;
use crate::fixture::Fixture;

async fn ticket(fixture: &Fixture, client: &Client) -> String {
    fixture.upload(client, &[("async", "1")]).await.element("ticketid").to_owned()
}

async fn poll(fixture: &Fixture, client: &Client, ticket: &str) -> Value {
    fixture.tickets(client, &[ticket]).await.remove(0)
}

#[tokio::test]
async fn a_ticket_is_pending_for_its_polls_then_complete() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"ticket_pending_polls": 2})).await;
    let ticket = ticket(&fixture, &client).await;
    assert!(ticket.contains('-'));
    for _ in 0..2 {
        assert_eq!(poll(&fixture, &client, &ticket).await, json!({"id": ticket, "complete": 0}));
    }
    let id = &fixture.photos().await[0]["id"];
    let done = json!({"id": ticket, "complete": 1, "photoid": id, "imported": null});
    assert_eq!(poll(&fixture, &client, &ticket).await, done);
    assert_eq!(poll(&fixture, &client, "1-2").await, json!({"id": "1-2", "invalid": 1}));

    let list = format!("{ticket},1-2");
    let params = [("method", "flickr.photos.upload.checkTickets"), ("tickets", list.as_str())];
    let xml = fixture.send(client.query("/services/rest", &params)).await.body;
    let expected = format!(
        "<uploader>\n\t<ticket id=\"{ticket}\" complete=\"1\" photoid={id} />\n\t<ticket id=\"1-2\" invalid=\"1\" \
         />\n</uploader>"
    );
    assert!(xml.contains(&expected), "{xml}");
    let mistaken = fixture.rest(&client, "flickr.photos.getInfo", &[("photo_id", &ticket)]).await;
    assert_eq!(mistaken["code"], 1, "a ticket's id is no photo's");
}

#[tokio::test]
async fn a_ticket_is_pending_for_its_time_and_known_for_its_life() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"ticket_delay_ms": 3_600_000})).await;
    let slow = ticket(&fixture, &client).await;
    fixture.control("/_fake/config", json!({"ticket_delay_ms": 20})).await;
    let quick = ticket(&fixture, &client).await;
    fixture.until(async || poll(&fixture, &client, &quick).await["complete"] == 1).await;
    assert_eq!(poll(&fixture, &client, &slow).await["complete"], 0);
    fixture.control("/_fake/config", json!({"ticket_delay_ms": 0, "ticket_life_seconds": 0})).await;
    let forgotten = ticket(&fixture, &client).await;
    assert_eq!(poll(&fixture, &client, &forgotten).await, json!({"id": forgotten, "invalid": 1}));
}

#[tokio::test]
async fn many_tickets_in_one_call_end_each_in_its_own_way() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let done = ticket(&fixture, &client).await;
    let mut tickets = vec![done];
    for fault in ["ticket_failed", "ticket_lost", "ticket_stuck"] {
        fixture.fault(json!({"fault": fault, "times": 1, "after_polls": 1})).await;
        tickets.push(ticket(&fixture, &client).await);
    }
    tickets.push("78701040-72157636215117185".to_owned());
    let ids: Vec<_> = tickets.iter().map(String::as_str).collect();
    let states = async || {
        let tickets = fixture.tickets(&client, &ids).await;
        tickets.iter().map(|ticket| json!([ticket["complete"], ticket["invalid"]])).collect::<Vec<_>>()
    };
    let (pending, unknown) = (json!([0, null]), json!([null, 1]));
    let [complete, failed] = [1, 2].map(|state| json!([state, null]));
    assert_eq!(states().await, [&complete, &pending, &pending, &pending, &unknown].map(Clone::clone));
    for _ in 0..3 {
        assert_eq!(states().await, [&complete, &failed, &unknown, &pending, &unknown].map(Clone::clone));
    }
    // The photo of a failed ticket is none; those of a lost one and of one that stays pending are.
    assert_eq!(fixture.photos().await.len(), 3);
    let polls = fixture.calls().await;
    assert_eq!(polls.iter().filter(|call| call["method"] == "flickr.photos.upload.checkTickets").count(), 4);
}

#[tokio::test]
async fn faults_of_a_poll() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    let lasting = ticket(&fixture, &client).await;
    fixture.fault(json!({"fault": "ticket_pending", "times": 2})).await;
    fixture.fault(json!({"fault": "ticket_invalid", "times": 1})).await;
    assert_eq!(poll(&fixture, &client, &lasting).await["complete"], 0);
    assert_eq!(poll(&fixture, &client, &lasting).await["complete"], 0);
    assert_eq!(poll(&fixture, &client, &lasting).await["invalid"], 1);
    assert_eq!(poll(&fixture, &client, &lasting).await["complete"], 1);

    fixture.fault(json!({"fault": "ticket_failed", "times": 1})).await;
    assert_eq!(poll(&fixture, &client, &lasting).await["complete"], 2);
    assert_eq!(poll(&fixture, &client, &lasting).await["complete"], 2);
    assert!(fixture.photos().await.is_empty());
    let again = fixture.upload(&client, &[("dedup_check", "1")]).await;
    assert!(again.body.contains("<photoid>"), "what never was a photo is no original");
}

#[tokio::test]
async fn numbers_can_be_strings() {
    let fixture = Fixture::new();
    let client = fixture.client().await;
    fixture.control("/_fake/config", json!({"numbers_as_strings": true})).await;
    let ticket = ticket(&fixture, &client).await;
    let polled = poll(&fixture, &client, &ticket).await;
    assert_eq!((&polled["complete"], &polled["imported"]), (&json!("1"), &json!(null)));
    assert_eq!(poll(&fixture, &client, "1-2").await["invalid"], "1");
    let status = fixture.rest(&client, "flickr.people.getUploadStatus", &[]).await;
    assert_eq!(status["user"]["filesize"]["maxbytes"], "209715200");
}
