//! What is asked of files that were sent.

use axum::http::StatusCode;
use domain::{
    outcome::Class,
    upload::{FoundPhoto, PhotoVersion, TicketState, UploadAllowance},
};
use hub::ports::FlickrFiles;

use crate::world::{Server, client, json, signing, unused_address};

#[tokio::test]
async fn a_photo_is_looked_for_among_ones_own_whatever_it_is() {
    let server = Server::answering(|| json(r#"{"photos":{"total":"1","photo":[{"id":"12"}]},"stat":"ok"}"#)).await;
    let (outcome, found) = server.client().find_photo(&signing(), "flickrhub:job=job_0f").await;
    assert_eq!((outcome.class, found), (Class::Done, FoundPhoto::Found("12".to_owned())));
    let request = server.only_request();
    assert_eq!((&*request.verb, &*request.path), ("GET", "/services/rest"));
    assert_eq!(
        request.query,
        "method=flickr.photos.search&format=json&nojsoncallback=1&user_id=me&machine_tags=flickrhub%3Ajob%3Djob_0f\
         &sort=date-posted-desc&safe_search=3&content_types=0%2C1%2C2%2C3&video_content_types=0%2C1%2C2%2C3\
         &extras=machine_tags&per_page=10"
    );
    assert_eq!(request.oauth()["oauth_token"], "7215-token");
}

#[tokio::test]
async fn all_tickets_are_asked_for_in_one_call() {
    let answer =
        r#"{"uploader":{"ticket":[{"id":"1-1","complete":1,"photoid":"12"},{"id":"1-2","invalid":1}]},"stat":"ok"}"#;
    let server = Server::answering(move || json(answer)).await;
    let (outcome, states) = server.client().check_tickets(&signing(), &["1-1".to_owned(), "1-2".to_owned()]).await;
    assert_eq!(outcome.class, Class::Done);
    let expected = [("1-1", TicketState::Done("12".to_owned())), ("1-2", TicketState::Lost)];
    assert_eq!(states, expected.map(|(id, state)| (id.to_owned(), state)));
    let request = server.only_request();
    assert_eq!(
        (&*request.verb, &*request.query),
        ("GET", "method=flickr.photos.upload.checkTickets&format=json&nojsoncallback=1&tickets=1-1%2C1-2")
    );
}

#[tokio::test]
async fn a_photo_says_which_file_it_has() {
    let answer = r#"{"photo":{"id":"12","secret":"0a","dates":{"lastupdate":"1790000000"}},"stat":"ok"}"#;
    let server = Server::answering(move || json(answer)).await;
    let (outcome, version) = server.client().photo_version(&signing(), "12").await;
    let expected = PhotoVersion { secret: "0a".to_owned(), last_update: "1790000000".to_owned() };
    assert_eq!((outcome.class, version), (Class::Done, Some(expected)));
    assert_eq!(server.only_request().query, "method=flickr.photos.getInfo&format=json&nojsoncallback=1&photo_id=12");
}

#[tokio::test]
async fn an_account_says_what_it_may_upload() {
    let answer = r#"{"user":{"id":"1@N00","ispro":0,"videos":{"uploaded":2,"remaining":0}},"stat":"ok"}"#;
    let server = Server::answering(move || json(answer)).await;
    let (outcome, allowance) = server.client().upload_allowance(&signing()).await;
    let expected = UploadAllowance { is_pro: Some(false), remaining_videos: Some(0), ..UploadAllowance::default() };
    assert_eq!((outcome.class, allowance), (Class::Done, Some(expected)));
    let request = server.only_request();
    let query = "method=flickr.people.getUploadStatus&format=json&nojsoncallback=1";
    assert_eq!((&*request.verb, &*request.query), ("GET", query));
}

#[tokio::test]
async fn a_read_that_fails_says_nothing_of_the_file() {
    let failing = Server::answering(|| StatusCode::BAD_GATEWAY).await;
    let refusing = Server::answering(|| json(r#"{"stat":"fail","code":98,"message":"Invalid auth token"}"#)).await;
    let nobody = client(&unused_address().await);
    for (client, class) in
        [(failing.client(), Class::Transient), (refusing.client(), Class::Account), (nobody, Class::Transient)]
    {
        let (outcome, found) = client.find_photo(&signing(), "flickrhub:job=job_0f").await;
        assert_eq!((outcome.class, found), (class, FoundPhoto::NotKnownYet));
        let (outcome, states) = client.check_tickets(&signing(), &["1-1".to_owned()]).await;
        assert_eq!((outcome.class, states), (class, vec![]));
        let (outcome, version) = client.photo_version(&signing(), "12").await;
        assert_eq!((outcome.class, version), (class, None));
        let (outcome, allowance) = client.upload_allowance(&signing()).await;
        assert_eq!((outcome.class, allowance), (class, None));
    }
}
