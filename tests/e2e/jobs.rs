//! Jobs, from acceptance to result.

use api::{AccountStatus, AccountView, JobErrorCode, JobList, JobState, JobView};
use reqwest::Method;
use serde_json::json;

use crate::{
    emulator::another_tenant,
    stack::{Flickr, Hub, env, result, shared_stack},
};

#[tokio::test]
async fn a_read_and_a_write_are_done_and_their_results_read_back() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let login = hub.ended(&hub.submit(&account.user_id, "flickr.test.login", &json!({})).await).await;
    assert_eq!((login.state, login.attempts), (JobState::Completed, 1), "{login:?}");
    assert_eq!(result(&login)["user"]["id"], account.nsid);

    let seeded = flickr.control("/_fake/photos", &json!({ "user": account.nsid, "title": "before" })).await;
    let photo = &seeded["ids"][0];
    let title = "A title with % & = + ü ✓";
    let params = json!({ "photo_id": photo, "title": title, "description": "" });
    let written = hub.ended(&hub.submit(&account.user_id, "flickr.photos.setMeta", &params).await).await;
    assert_eq!(written.state, JobState::Completed, "{written:?}");
    let read = hub.submit(&account.user_id, "flickr.photos.getInfo", &json!({ "photo_id": photo })).await;
    assert_eq!(result(&hub.ended(&read).await)["photo"]["title"]["_content"], title);

    let calls = flickr.calls(&account.nsid, "flickr.photos.setMeta").await;
    assert_eq!((calls.len(), &calls[0]["verb"]), (1, &json!("POST")));
    let calls = flickr.calls(&account.nsid, "flickr.photos.getInfo").await;
    assert_eq!((calls.len(), &calls[0]["verb"]), (1, &json!("GET")));
}

#[tokio::test]
async fn a_job_is_read_where_its_location_says() {
    let _shared = shared_stack().await;
    let hub = Hub::first();
    let account = hub.connect().await;
    let body = json!({ "method": "flickr.test.login", "user_id": account.user_id });
    let accepted = hub.post("/v1/flickr/rest", &body).await;
    assert_eq!(accepted.status, 202, "{}", accepted.text);
    let location = accepted.url.join(accepted.headers["location"].to_str().unwrap()).unwrap();
    let path = location.as_str().strip_prefix(&env("FLICKRHUB_URL")).expect("the job is at FlickrHub");
    assert_eq!(hub.get(path).await.data::<JobView>().job_id, accepted.data::<JobView>().job_id, "{location}");
}

#[tokio::test]
async fn an_accounts_jobs_are_listed_the_latest_first() {
    let _shared = shared_stack().await;
    let hub = Hub::first();
    let account = hub.connect().await;
    let mut submitted = Vec::new();
    for number in 0..3 {
        let id = hub.submit(&account.user_id, "flickr.test.echo", &json!({ "number": number })).await;
        hub.ended(&id).await;
        submitted.insert(0, id);
    }
    let path = format!("/v1/flickr/jobs?user_id={}&state=completed&limit=2", account.user_id);
    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: JobList = hub.get(&format!("{path}{cursor}")).await.data();
        listed.extend(page.jobs.into_iter().map(|job| job.job_id));
        let Some(next) = page.next_cursor else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(listed, submitted);
    let strangers: JobList = another_tenant().await.get(&path).await.data();
    assert!(strangers.jobs.is_empty(), "{strangers:?}");
}

#[tokio::test]
async fn an_ended_job_is_not_sent_again_to_who_has_it() {
    let _shared = shared_stack().await;
    let hub = Hub::first();
    let account = hub.connect().await;
    let params = json!({ "text": "x".repeat(9_000) });
    let id = hub.submit(&account.user_id, "flickr.test.echo", &params).await;
    hub.ended(&id).await;
    let path = format!("/v1/flickr/jobs/{id}");
    let first = hub.get(&path).await;
    let tag = first.headers["etag"].to_str().unwrap();
    assert_eq!(first.headers["cache-control"], "private, no-cache");
    for known in [tag.to_owned(), format!("\"x\", {tag}"), "*".to_owned()] {
        let again = hub.call(Method::GET, &path, &[("if-none-match", &known)], None).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{known}");
        assert_eq!(again.headers["etag"], tag);
    }
    let changed = hub.call(Method::GET, &path, &[("if-none-match", "\"x\"")], None).await;
    assert_eq!(json!(changed.data::<JobView>()), json!(first.data::<JobView>()));
    let by_url = hub.get(&format!("{path}?result=url")).await;
    assert_eq!((by_url.headers.get("etag"), &by_url.headers["cache-control"]), (None, &"no-store".parse().unwrap()));
}

#[tokio::test]
async fn a_refusal_of_flickr_fails_the_job_with_its_code() {
    let _shared = shared_stack().await;
    let hub = Hub::first();
    let account = hub.connect().await;
    let id = hub.submit(&account.user_id, "flickr.photos.getInfo", &json!({ "photo_id": "1" })).await;
    let job = hub.ended(&id).await;
    let error = job.error.as_ref().map(|error| (error.code, error.flickr_code));
    assert_eq!((job.state, error), (JobState::Failed, Some((JobErrorCode::FlickrRejected, Some(1)))), "{job:?}");
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    flickr.fault(&account.nsid, "503", &json!({ "times": 2 })).await;
    let job = hub.ended(&hub.submit(&account.user_id, "flickr.test.login", &json!({})).await).await;
    assert_eq!((job.state, job.attempts), (JobState::Completed, 3), "{job:?}");
    assert_eq!(flickr.calls(&account.nsid, "flickr.test.login").await.len(), 3);
}

#[tokio::test]
async fn a_write_that_the_edge_refused_is_sent_again_and_done_once() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let seeded = flickr.control("/_fake/photos", &json!({ "user": account.nsid })).await;
    let params = json!({ "title": "An album", "primary_photo_id": seeded["ids"][0] });
    flickr.fault(&account.nsid, "403", &json!({ "times": 1 })).await;
    let job = hub.ended(&hub.submit(&account.user_id, "flickr.photosets.create", &params).await).await;
    assert_eq!((job.state, job.attempts), (JobState::Completed, 2), "{job:?}");
    let statuses: Vec<_> = flickr.calls(&account.nsid, "flickr.photosets.create").await;
    let statuses: Vec<_> = statuses.iter().map(|call| &call["answer"]["status"]).collect();
    assert_eq!(statuses, [403, 200]);
}

#[tokio::test]
async fn an_answer_that_is_not_the_calls_own_is_not_believed() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let seeded = flickr.control("/_fake/photos", &json!({ "user": account.nsid })).await;
    let params = json!({ "title": "An album", "primary_photo_id": seeded["ids"][0] });
    for fault in ["foreign_code", "foreign_format"] {
        flickr.fault(&account.nsid, fault, &json!({ "times": 1 })).await;
        let job = hub.ended(&hub.submit(&account.user_id, "flickr.photosets.create", &params).await).await;
        let code = job.error.as_ref().map(|error| error.code);
        assert_eq!((code, job.attempts), (Some(JobErrorCode::OutcomeUnknown), 1), "{job:?}");

        flickr.fault(&account.nsid, fault, &json!({ "times": 1 })).await;
        let photo = json!({ "photo_id": seeded["ids"][0] });
        let job = hub.ended(&hub.submit(&account.user_id, "flickr.photos.getInfo", &photo).await).await;
        assert_eq!((job.state, job.attempts), (JobState::Completed, 2), "{job:?}");
    }
}

#[tokio::test]
async fn what_is_already_so_completes_and_says_so() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let seeded = flickr.control("/_fake/photos", &json!({ "user": account.nsid })).await;
    let photo = &seeded["ids"][0];
    let params = json!({ "title": "An album", "primary_photo_id": photo });
    let created = hub.ended(&hub.submit(&account.user_id, "flickr.photosets.create", &params).await).await;
    let params = json!({ "photoset_id": result(&created)["photoset"]["id"], "photo_id": photo });
    let job = hub.ended(&hub.submit(&account.user_id, "flickr.photosets.addPhoto", &params).await).await;
    assert_eq!((job.state, job.attempts), (JobState::Completed, 1), "{job:?}");
    assert_eq!((&result(&job)["stat"], &result(&job)["flickr_code"]), (&json!("ok"), &json!(3)));
}

#[tokio::test]
async fn a_comment_whose_answer_was_lost_is_found_as_flickr_rewrote_it() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let seeded = flickr.control("/_fake/photos", &json!({ "user": account.nsid })).await;
    let params = json!({ "photo_id": seeded["ids"][0], "comment_text": "look \"here\" http://x.y " });
    flickr.fault(&account.nsid, "accept_then_drop", &json!({})).await;
    let job = hub.ended(&hub.submit(&account.user_id, "flickr.photos.comments.addComment", &params).await).await;
    assert_eq!((job.state, job.attempts), (JobState::Completed, 1), "{job:?}");
    for (method, calls) in [("flickr.photos.comments.addComment", 1), ("flickr.photos.comments.getList", 1)] {
        assert_eq!(flickr.calls(&account.nsid, method).await.len(), calls, "{method}");
    }
}

#[tokio::test]
async fn one_bad_byte_spoils_no_page() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    flickr.control("/_fake/photos", &json!({ "user": account.nsid, "title": "Cat" })).await;
    for (fault, title) in [("bad_byte", "\u{fffd}Cat"), ("control_character", "\u{b}Cat")] {
        flickr.fault(&account.nsid, fault, &json!({ "times": 1 })).await;
        let params = json!({ "user_id": "me", "text": "cat", "unused": fault });
        let job = hub.ended(&hub.submit(&account.user_id, "flickr.photos.search", &params).await).await;
        assert_eq!((job.state, job.attempts), (JobState::Completed, 1), "{job:?}");
        let result = result(&job);
        assert_eq!((&result["photos"]["photo"][0]["title"], &result["replaced_bytes"]), (&json!(title), &json!(1)));
    }
}

#[tokio::test]
async fn a_revoked_token_is_found_out_once() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    flickr.control("/_fake/revoke", &json!({ "user": account.nsid })).await;
    for _ in 0..2 {
        let job = hub.ended(&hub.submit(&account.user_id, "flickr.test.login", &json!({})).await).await;
        assert_eq!(job.error.as_ref().map(|error| error.code), Some(JobErrorCode::ReconnectNeeded), "{job:?}");
    }
    let read: AccountView = hub.get(&format!("/v1/accounts/{}", account.user_id)).await.data();
    assert_eq!(read.status, AccountStatus::ReconnectNeeded);
}

#[tokio::test]
async fn one_idempotency_key_makes_one_job() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let body = json!({ "method": "flickr.test.login", "user_id": account.user_id });
    let key = format!("key-of-{}", account.user_id);
    let first = hub.call(Method::POST, "/v1/flickr/rest", &[("idempotency-key", &key)], Some(&body)).await;
    let id = first.data::<JobView>().job_id;
    hub.ended(&id).await;
    let again = hub.call(Method::POST, "/v1/flickr/rest", &[("idempotency-key", &key)], Some(&body)).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    let again: JobView = again.data();
    assert_eq!((again.job_id, again.state), (id, JobState::Completed));
    let other = json!({ "method": "flickr.test.null", "user_id": account.user_id });
    let refused = hub.call(Method::POST, "/v1/flickr/rest", &[("idempotency-key", &key)], Some(&other)).await;
    assert_eq!((refused.status.as_u16(), refused.problem()), (422, "ERR_IDEMPOTENCY_KEY_REUSED"));
    assert_eq!(flickr.calls(&account.nsid, "flickr.test.login").await.len(), 1);
}

#[tokio::test]
async fn a_repeated_request_is_known_by_all_of_its_long_parameters() {
    let _shared = shared_stack().await;
    let hub = Hub::first();
    let account = hub.connect().await;
    let key = format!("long-key-of-{}", account.user_id);
    let post = async |text: &str| {
        let params = json!({ "text": text });
        let body = json!({ "method": "flickr.test.echo", "user_id": account.user_id, "params": params });
        hub.call(Method::POST, "/v1/flickr/rest", &[("idempotency-key", &key)], Some(&body)).await
    };
    let text = "x".repeat(40_000);
    let first: JobView = post(&text).await.data();
    let again = post(&text).await;
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(again.data::<JobView>().job_id, first.job_id);
    assert_eq!(post(&format!("{text}y")).await.problem(), "ERR_IDEMPOTENCY_KEY_REUSED");
    hub.ended(&first.job_id).await;
}

#[tokio::test]
async fn long_parameters_arrive_whole() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    let account = hub.connect().await;
    let text = "Zürich ✓ ".repeat(4_000);
    // The longest that Flickr documents: an album of 5,000 photos.
    let ids = vec!["5346123456789012"; 5_000].join(",");
    let id = hub.submit(&account.user_id, "flickr.test.echo", &json!({ "text": text, "photo_ids": ids })).await;
    let job = hub.ended(&id).await;
    let echo = result(&job);
    assert_eq!((&echo["text"]["_content"], &echo["photo_ids"]["_content"]), (&json!(text), &json!(ids)));
    assert!(echo["api_key"].is_null(), "reserved parameters are scrubbed");
    assert_eq!(flickr.calls(&account.nsid, "flickr.test.echo").await[0]["verb"], "POST");
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(ring::digest::digest(&ring::digest::SHA256, bytes))
}

#[tokio::test]
async fn results_of_any_size_come_back_byte_for_byte() {
    let _shared = shared_stack().await;
    let (hub, flickr) = (Hub::first(), Flickr::new());
    // Stored as a separate item; stored as an object, and given with a URL; given as a URL alone.
    for (photos, description_bytes, has_text, has_url) in
        [(1, 2_500, true, false), (200, 10_000, true, true), (450, 11_000, false, true)]
    {
        let account = hub.connect().await;
        let seed = json!({ "user": account.nsid, "count": photos, "description_bytes": description_bytes });
        flickr.control("/_fake/photos", &seed).await;
        let params = json!({ "user_id": "me", "extras": "description", "per_page": "500" });
        let id = hub.submit(&account.user_id, "flickr.photos.search", &params).await;
        let job = hub.ended(&id).await;
        assert_eq!(job.state, JobState::Completed, "{:?}", job.error);
        let call = flickr.calls(&account.nsid, "flickr.photos.search").await.remove(0);
        assert_eq!((job.result.is_some(), job.result_url.is_some()), (has_text, has_url), "{photos} photos");
        let by_url: JobView = hub.get(&format!("/v1/flickr/jobs/{id}?result=url")).await.data();
        assert_eq!((by_url.result.is_some(), by_url.result_url.is_some()), (!has_url, has_url), "{photos} photos");
        let status = json!({ "job_id": id, "user_id": account.user_id, "result": "url" });
        let by_user: JobView = hub.post("/v1/flickr/jobs/status", &status).await.data();
        assert_eq!(by_user.result.is_some(), !has_url, "{photos} photos");

        for view in [job, by_url, by_user] {
            let mut texts: Vec<String> = view.result.iter().map(|text| text.get().to_owned()).collect();
            if let Some(url) = &view.result_url {
                let http = crate::stack::client().no_proxy().build().unwrap();
                texts.push(http.get(url).send().await.unwrap().text().await.unwrap());
            }
            for text in texts {
                assert!(text.len() > photos * description_bytes, "{} bytes", text.len());
                assert_eq!(sha256(text.as_bytes()), call["answer"]["sha256"], "{photos} photos");
            }
        }
    }
}
