//! What each answer to a file means, row by row.

use std::time::Duration;

use domain::outcome::Class::{
    Account, App, Clock, Done, Permanent, Quota, Signature, Throttled, TooSlow, Transient, UnknownOutcome,
};
use proptest::prelude::*;

use super::*;
use crate::{
    answer::{MAX_MESSAGE_CHARACTERS, is_refusal_of_the_edge},
    request_outcome::{Body, Reply, RequestOutcome},
};

const NOW: Timestamp = Timestamp::from_milliseconds(784_111_777_000);

const UNAVAILABLE: &str = "Sorry, the Flickr API service is not currently available.";

fn answered(status: u16, body: &str) -> RequestOutcome {
    RequestOutcome::Answered(Reply { status, retry_after: None, body: Body::Whole(body.as_bytes().to_vec()) })
}

fn failure(code: i64, message: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"fail\">\n\t<err code=\"{code}\" msg=\"{message}\" \
         />\n</rsp>\n"
    )
}

fn judged(request_outcome: RequestOutcome, endpoint: Endpoint, is_whole: bool) -> FileAnswer {
    let secrets = ["key-canary", "secret-canary", "token-canary"];
    file(FileOutcome::Ended { request_outcome, is_whole }, endpoint, &secrets, NOW)
}

fn uploaded(body: &str) -> FileAnswer {
    judged(answered(200, body), Endpoint::Upload, true)
}

/// Every code that Flickr documents or was seen to answer, and what follows.
#[test]
fn each_code_has_its_class_by_endpoint() {
    use Endpoint::{Replace, Upload};
    let table = [
        (Upload, 0, "Video uploads are temporarily disabled", Transient),
        (Upload, 0, UNAVAILABLE, UnknownOutcome),
        (Upload, 0, "", UnknownOutcome),
        (Upload, 1, "m", UnknownOutcome),
        (Upload, 2, "No photo specified", Permanent),
        (Upload, 3, "General upload failure", UnknownOutcome),
        (Upload, 4, "Filesize was zero", Permanent),
        (Upload, 5, "Filetype was not recognised", Permanent),
        (Upload, 6, "User exceeded upload limit", Quota),
        (Upload, 7, "User exceeded video upload limit", Quota),
        (Upload, 8, "Filesize was too large", Permanent),
        (Upload, 9, "Duplicate photo/video detected", Done),
        (Upload, 10, "Not a valid url to upload from", Permanent),
        (Upload, 11, "Fetch from external image failed", Permanent),
        (Upload, 12, "Not a valid photo id to clone meta data from", Permanent),
        (Upload, 13, "m", Permanent),
        (Upload, 14, "Server at capacity", Quota),
        (Upload, 15, "Non-safe content not allowed", Permanent),
        (Upload, 93, "POST size too large!", Permanent),
        (Replace, 0, "Video uploads are temporarily disabled", UnknownOutcome),
        (Replace, 1, "Not a pro account", Quota),
        (Replace, 1, "Photo \"1\" Not Found (not your photo)", Permanent),
        (Replace, 2, "No photo specified", Permanent),
        (Replace, 3, "General upload failure", UnknownOutcome),
        (Replace, 4, "Filesize was zero", Permanent),
        (Replace, 5, "Filetype was not recognised", Permanent),
        (Replace, 6, "User exceeded upload limit", Quota),
        (Replace, 7, "m", UnknownOutcome),
        (Replace, 8, "Videos can't be replaced", Permanent),
        (Replace, 9, "m", UnknownOutcome),
        (Replace, 14, "m", UnknownOutcome),
        (Replace, 15, "m", UnknownOutcome),
        (Replace, 93, "m", UnknownOutcome),
    ];
    for (endpoint, code, message, class) in table {
        let answer = judged(answered(200, &failure(code, &message.replace('"', "&quot;"))), endpoint, true);
        let Outcome { class: judged, flickr_code, message: shown, .. } = answer.outcome;
        assert_eq!((judged, flickr_code), (class, Some(code)), "{endpoint:?} {code} {message}");
        assert!(shown.contains(message), "Flickr's words are kept: {shown}");
    }
    for endpoint in [Upload, Replace] {
        for (code, class) in [
            (95, Permanent),
            (96, Permanent),
            (97, Permanent),
            (98, Account),
            (99, Permanent),
            (100, App),
            (105, UnknownOutcome),
            (106, UnknownOutcome),
            (116, Permanent),
            (201, UnknownOutcome),
            (94, UnknownOutcome),
            (113, UnknownOutcome),
            (-1, UnknownOutcome),
        ] {
            let answer = judged(answered(200, &failure(code, "m")), endpoint, true);
            assert_eq!(answer.outcome.class, class, "{endpoint:?} {code}");
            assert_eq!(answer.uploaded, None);
        }
    }
}

#[test]
fn a_code_is_told_in_a_sentence_with_flickrs_own_words() {
    let said =
        |endpoint, code, message: &str| judged(answered(200, &failure(code, message)), endpoint, true).outcome.message;
    assert_eq!(
        said(Endpoint::Upload, 8, "Filesize was too large"),
        "the file is too large for Flickr: send a smaller one (Flickr: Filesize was too large)"
    );
    assert_eq!(
        said(Endpoint::Replace, 8, "Videos can't be replaced"),
        "Flickr cannot replace videos: upload the new file, and delete the old video (Flickr: Videos can't be replaced)"
    );
    assert_eq!(said(Endpoint::Upload, 4, ""), "the file is empty");
    assert_eq!(said(Endpoint::Upload, 4, "of token-canary"), "the file is empty (Flickr: of ***)");
}

#[test]
fn what_flickr_took_is_a_photo_or_a_ticket() {
    let xml = |inner: &str| {
        uploaded(&format!("<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"ok\">\n{inner}\n</rsp>\n"))
    };
    let photo = |id: &str| Some(Uploaded::Photo(id.to_owned()));
    assert_eq!(xml("<photoid>10100858276</photoid>").uploaded, photo("10100858276"));
    assert_eq!(
        xml("<photoid secret=\"f4\" originalsecret=\"95\">10100895983</photoid>").uploaded,
        photo("10100895983")
    );
    let ticket = xml("<ticketid>78701040-72157636215117185</ticketid>");
    assert_eq!(ticket.uploaded, Some(Uploaded::Ticket("78701040-72157636215117185".to_owned())));
    assert_eq!((ticket.outcome.class, &*ticket.outcome.message), (Done, "ok"));
    for nothing in ["", "<photoid/>", "<photoid>x</photoid>", "<ticketid>1,2</ticketid>", "<photoid>1&#50;</photoid>"] {
        assert_eq!((xml(nothing).outcome.class, xml(nothing).uploaded), (UnknownOutcome, None), "{nothing}");
    }
}

#[test]
fn a_duplicate_says_which_photo_it_is_and_whether_that_is_there() {
    let duplicate = |text: &str| {
        let answer = uploaded(text);
        assert_eq!((answer.outcome.class, answer.outcome.flickr_code), (Done, Some(9)), "{text}");
        match answer.uploaded {
            Some(Uploaded::Duplicate { photo_id, is_deleted }) => (photo_id, is_deleted),
            other => panic!("{other:?}"),
        }
    };
    let fail = |rest: &str| format!("<rsp stat=\"fail\"><err code=\"9\" msg=\"d\" />{rest}</rsp>");
    let twelve = Some("12".to_owned());
    let id = "<duplicate_photo_id>12</duplicate_photo_id>";
    let status = |word: &str| format!("{id}<duplicate_photo_status>{word}</duplicate_photo_status>");
    for (text, expected) in [
        (fail(id), (twelve.clone(), false)),
        (fail(&status("0")), (twelve.clone(), false)),
        (fail(&status("DELETED")), (twelve.clone(), true)),
        (fail(&status("deleted\n")), (twelve.clone(), true)),
        (fail(""), (None, false)),
        (fail("<duplicate_photo_id>x</duplicate_photo_id>"), (None, false)),
        (
            "<rsp stat=\"fail\"><err code=\"9\" duplicate_photo_id=\"12\" duplicate_photo_status=\"Deleted\"/></rsp>"
                .to_owned(),
            (twelve.clone(), true),
        ),
        (
            "<rsp stat=\"fail\" duplicate_photo_id=\"12\" duplicate_photo_status=\"1\"><err code=\"9\"/></rsp>"
                .to_owned(),
            (twelve, false),
        ),
        ("{\"stat\":\"fail\",\"code\":9,\"message\":\"d\"}".to_owned(), (None, false)),
    ] {
        assert_eq!(duplicate(&text), expected, "{text}");
    }
}

#[test]
fn a_full_account_says_how_long_to_wait_where_flickr_does() {
    let wait = |text: &str| uploaded(text).outcome.retry_after.map(|wait| wait.as_secs());
    let name = "non_pro_desktop_upload_wait_time";
    assert_eq!(wait(&format!("<rsp stat=\"fail\"><err code=\"14\" msg=\"m\" {name}=\"90\"/></rsp>")), Some(90));
    assert_eq!(wait(&format!("<rsp stat=\"fail\"><err code=\"14\" msg=\"m\"/><{name}>90</{name}></rsp>")), Some(90));
    assert_eq!(wait(&failure(14, "m")), None);
}

/// Beside the `rsp` there is all that can come back from Flickr's edge, before all of the file has left or after.
#[test]
fn other_answers_are_judged_as_those_of_rest_calls() {
    let cut =
        |status| RequestOutcome::Answered(Reply { status, retry_after: None, body: Body::Cut("reset".to_owned()) });
    let table = [
        (RequestOutcome::NotSent("connection refused".to_owned()), Transient, Transient),
        (RequestOutcome::NoAnswer("reset".to_owned()), UnknownOutcome, Transient),
        (answered(200, ""), UnknownOutcome, Transient),
        (answered(200, "<html>maintenance</html>"), UnknownOutcome, Transient),
        (answered(200, "<rsp stat=\"fail\"></rsp>"), UnknownOutcome, Transient),
        (answered(200, "{\"stat\":\"ok\"}"), UnknownOutcome, Transient),
        (answered(500, "<rsp stat=\"ok\"><photoid>1</photoid></rsp>"), UnknownOutcome, Transient),
        (answered(403, "<rsp stat=\"ok\"><photoid>1</photoid></rsp>"), UnknownOutcome, Transient),
        (answered(302, ""), UnknownOutcome, Transient),
        (answered(502, "<html>"), UnknownOutcome, Transient),
        (answered(504, "<html>CloudFront</html>"), UnknownOutcome, Transient),
        (cut(504), UnknownOutcome, Transient),
        (cut(200), UnknownOutcome, Transient),
        (answered(408, "<html>"), UnknownOutcome, Transient),
        (answered(400, "<html>"), Transient, Transient),
        (answered(403, "<html>"), Transient, Transient),
        (answered(411, "<html>"), Transient, Transient),
        (answered(413, "<html>"), Permanent, Permanent),
        (cut(413), Permanent, Permanent),
        (answered(429, "<html>"), Throttled, Throttled),
        (answered(401, "oauth_problem=signature_invalid&debug_sbs=POST&token-canary"), Signature, Signature),
        (answered(401, "oauth_problem=token_rejected"), Account, Account),
        (answered(401, "oauth_problem=timestamp_refused"), Clock, Clock),
        (answered(401, "oauth_problem=consumer_key_unknown"), App, App),
        (answered(200, &failure(6, "m")), Quota, Quota),
        (answered(400, &failure(5, "m")), Permanent, Permanent),
        (answered(200, &failure(3, "m")), UnknownOutcome, Transient),
        (answered(200, &failure(105, "m")), UnknownOutcome, Transient),
        (answered(200, "{\"stat\":\"fail\",\"code\":5,\"message\":\"m\"}"), Permanent, Permanent),
        (
            answered(200, &format!("{{\"stat\":\"fail\",\"message\":\"{UNAVAILABLE}\",\"code\":201,}}")),
            UnknownOutcome,
            Transient,
        ),
        (answered(200, "<rsp stat=\"ok\"><photoid>1</photoid></rsp>"), Done, Done),
    ];
    for (request_outcome, whole, early) in table {
        for endpoint in [Endpoint::Upload, Endpoint::Replace] {
            let class = |is_whole| judged(request_outcome.clone(), endpoint, is_whole).outcome.class;
            assert_eq!((class(true), class(false)), (whole, early), "{request_outcome:?}");
        }
    }
}

#[test]
fn a_file_that_needs_more_time_than_there_is_says_how_far_it_came() {
    let deadline = Duration::from_secs(840);
    let too_slow = FileOutcome::TooSlow { sent_bytes: 5, bytes: 10, deadline };
    let outcome = file(too_slow, Endpoint::Upload, &[], NOW).outcome;
    assert_eq!(outcome.class, TooSlow);
    assert_eq!(outcome.message, "Flickr took 5 of 10 bytes in 840 s, and there is no more time");
}

fn any_outcome() -> impl Strategy<Value = RequestOutcome> {
    let body = prop_oneof![
        any::<Vec<u8>>().prop_map(Body::Whole),
        (-2i64..300, ".{0,300}").prop_map(|(code, said)| Body::Whole(failure(code, &said).into())),
        "<rsp stat=\"ok\"><(photoid|ticketid)>[0-9-]{0,12}</(photoid|ticketid)></rsp>"
            .prop_map(|t| Body::Whole(t.into())),
        "oauth_problem=.{0,80}".prop_map(|text| Body::Whole(text.into())),
        Just(Body::TooLong),
        ".{0,80}".prop_map(Body::Cut),
    ];
    let reply = (prop_oneof![Just(200u16), 100u16..=999], proptest::option::of(".{0,30}"), body)
        .prop_map(|(status, retry_after, body)| RequestOutcome::Answered(Reply { status, retry_after, body }));
    prop_oneof![1 => ".*".prop_map(RequestOutcome::NotSent), 1 => ".*".prop_map(RequestOutcome::NoAnswer), 8 => reply]
}

proptest! {
    /// What a worker relies on: what became of the file is told with `Done` and only then, messages are short, and what
    /// did not leave whole is never of unknown outcome.
    #[test]
    fn every_outcome_is_judged(request_outcome in any_outcome(), is_whole: bool, replace: bool) {
        let endpoint = if replace { Endpoint::Replace } else { Endpoint::Upload };
        let answer = judged(request_outcome, endpoint, is_whole);
        prop_assert_eq!(answer.uploaded.is_some(), answer.outcome.class == Done);
        prop_assert!(answer.outcome.message.chars().count() <= MAX_MESSAGE_CHARACTERS);
        prop_assert!(is_whole || answer.outcome.class != UnknownOutcome);
    }

    /// Promise I7: a whole file is sent again at once only if Flickr's edge, or its code for videos, refused it.
    #[test]
    fn a_file_that_reached_flickr_is_not_transient(request_outcome in any_outcome(), replace: bool) {
        let endpoint = if replace { Endpoint::Replace } else { Endpoint::Upload };
        let reached = match &request_outcome {
            RequestOutcome::NotSent(_) => false,
            RequestOutcome::NoAnswer(_) => true,
            RequestOutcome::Answered(reply) => !is_refusal_of_the_edge(reply.status),
        };
        let outcome = judged(request_outcome, endpoint, true).outcome;
        prop_assert!(!reached || outcome.class != Transient || outcome.flickr_code == Some(0));
    }

    #[test]
    fn no_message_has_a_secret(
        code in -2i64..120,
        before in "[ -%'-;=?-~]{0,80}",
        secret in "(key|secret|token)-canary",
        replace: bool,
    ) {
        let endpoint = if replace { Endpoint::Replace } else { Endpoint::Upload };
        for body in [failure(code, &format!("{before}{secret}")), format!("{before}{secret}")] {
            for status in [200, 401, 403, 500] {
                let message = judged(answered(status, &body), endpoint, true).outcome.message;
                prop_assert!(!message.contains("canary"), "{}", message);
            }
        }
    }
}
