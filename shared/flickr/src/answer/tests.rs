//! The table of what an answer means, row by row.

use domain::{
    idempotency::Idempotency::{Idempotent, NonIdempotent, Safe},
    outcome::Class::{Account, App, Clock, Done, Permanent, Signature, Throttled, Transient, UnknownOutcome},
};
use proptest::prelude::*;

use super::*;
use crate::{catalogue::CATALOGUE, request_outcome::Reply};

const NOW: Timestamp = Timestamp::from_milliseconds(784_111_777_000);

const READ: &str = "flickr.photos.getInfo";
const IDEMPOTENT_WRITE: &str = "flickr.photos.setMeta";
const NON_IDEMPOTENT_WRITE: &str = "flickr.photosets.create";

const HTML_429: &str = "<html><body><h1>429 Too Many Requests</h1>\nYou have sent too many requests in a given \
                        amount of time.\n</body></html>";
const HTML_400: &str = "<html><body><h1>400 Bad request</h1>\nYour browser sent an invalid request.\n</body></html>";
const XML_201: &str = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"fail\">\n\t<err code=\"201\" \
                       msg=\"Sorry, the Flickr API service is not currently available.\" />\n</rsp>\n";
const COMMA_201: &str = "{\"stat\":\"fail\",\"message\":\"Sorry, the Flickr API service is not currently \
                         available.\",\"code\":201,}";
const SIGNATURE_INVALID: &str = "oauth_problem=signature_invalid&debug_sbs=GET&https%3A%2F%2Fapi.flickr.com\
                                 %2Fservices%2Frest&oauth_consumer_key%3Dkey-canary%26oauth_token%3Dtoken-canary";

fn answered(status: u16, body: &str) -> RequestOutcome {
    RequestOutcome::Answered(Reply { status, retry_after: None, body: Body::Whole(body.as_bytes().to_vec()) })
}

fn ended(status: u16, body: Body) -> RequestOutcome {
    RequestOutcome::Answered(Reply { status, retry_after: None, body })
}

fn fail(code: i64, message: &str) -> RequestOutcome {
    answered(200, &serde_json::json!({"stat": "fail", "code": code, "message": message}).to_string())
}

fn judged(request_outcome: RequestOutcome, method: &str, repeated: bool) -> Answer {
    let method: MethodName = method.parse().unwrap();
    let secrets = ["key-canary", "secret-canary", "token-canary"];
    let facts = CATALOGUE.method(&method);
    let call = Call {
        method: Some(&method),
        idempotency: facts.idempotency,
        error_codes: &facts.error_codes,
        repeated,
        secrets: &secrets,
    };
    rest(request_outcome, &call, NOW)
}

/// The class for a read, an idempotent write and a write that is never repeated.
fn classes(request_outcome: &RequestOutcome) -> [Class; 3] {
    [READ, IDEMPOTENT_WRITE, NON_IDEMPOTENT_WRITE]
        .map(|method| judged(request_outcome.clone(), method, false).outcome.class)
}

const fn same(class: Class) -> [Class; 3] {
    [class; 3]
}

const IN_DOUBT: [Class; 3] = [Transient, UnknownOutcome, UnknownOutcome];

#[test]
fn the_methods_of_the_table_differ_in_idempotency() {
    let idempotency = |method: &str| CATALOGUE.method(&method.parse().unwrap()).idempotency;
    assert_eq!([READ, IDEMPOTENT_WRITE, NON_IDEMPOTENT_WRITE].map(idempotency), [Safe, Idempotent, NonIdempotent]);
}

#[test]
fn each_outcome_has_its_class() {
    let unavailable = "Sorry, the Flickr API service is not currently available.";
    let table = [
        // Done.
        (answered(200, "{\"stat\":\"ok\"}"), same(Done)),
        (answered(200, "{\"photo\":{\"id\":\"1\"},\"stat\":\"ok\"}"), same(Done)),
        // The network.
        (RequestOutcome::NotSent("connection refused".to_owned()), same(Transient)),
        (RequestOutcome::NoAnswer("20000 ms passed".to_owned()), IN_DOUBT),
        (RequestOutcome::NoAnswer("connection reset".to_owned()), IN_DOUBT),
        (ended(200, Body::Cut("connection reset".to_owned())), IN_DOUBT),
        (ended(200, Body::TooLong), [Permanent, UnknownOutcome, UnknownOutcome]),
        // HTTP.
        (answered(429, HTML_429), same(Throttled)),
        (ended(429, Body::Cut("reset".to_owned())), same(Throttled)),
        (answered(500, "<html>"), IN_DOUBT),
        (answered(502, "<html>"), IN_DOUBT),
        (answered(503, ""), IN_DOUBT),
        (answered(504, "<html>ERROR: The request could not be satisfied</html>"), IN_DOUBT),
        (answered(500, "{\"stat\":\"ok\"}"), IN_DOUBT),
        (answered(502, "oauth_problem=token_rejected"), IN_DOUBT),
        (answered(302, ""), IN_DOUBT),
        (answered(403, "{\"stat\":\"ok\"}"), IN_DOUBT),
        (ended(403, Body::Cut("connection reset".to_owned())), IN_DOUBT),
        // The edge before Flickr refused: nothing was done.
        (answered(400, HTML_400), same(Transient)),
        (answered(401, ""), same(Transient)),
        (answered(403, "<html>blocked</html>"), same(Transient)),
        (answered(404, ""), same(Transient)),
        (answered(405, "<html>"), same(Transient)),
        (answered(411, "<html>"), same(Transient)),
        (answered(408, "<html>"), IN_DOUBT),
        (answered(409, "<html>"), IN_DOUBT),
        (answered(403, "{\"stat\":\"fail\",\"code\":1,\"message\":\"Photo not found\"}"), same(Permanent)),
        (answered(403, "{\"stat\":\"fail\",\"code\":95,\"message\":\"SSL is required\"}"), same(Permanent)),
        (answered(413, "<html>"), same(Permanent)),
        (answered(414, "<html>"), same(Permanent)),
        // `stat=fail`.
        (fail(1, "Photo not found"), same(Permanent)),
        (fail(2, "Permission denied"), same(Permanent)),
        // A code that only one of the methods has, and some that none has: another call's answer.
        (fail(3, "Can't create any more sets"), [Transient, UnknownOutcome, Permanent]),
        (fail(33, "x"), IN_DOUBT),
        (fail(94, "x"), IN_DOUBT),
        (fail(113, "x"), IN_DOUBT),
        (fail(-1, "x"), IN_DOUBT),
        (fail(96, "Invalid signature"), same(Permanent)),
        (fail(98, "Invalid auth token"), same(Account)),
        (fail(99, "Insufficient permissions. Method requires read privileges; none granted."), same(Permanent)),
        (fail(100, "Invalid API Key (Key has expired)"), same(App)),
        (fail(105, "Service currently unavailable"), IN_DOUBT),
        (fail(106, "Write operation failed"), IN_DOUBT),
        (fail(111, "Format \"x\" not found"), same(Permanent)),
        (fail(112, "Method \"flickr.a.b\" not found"), same(Permanent)),
        (fail(201, unavailable), IN_DOUBT),
        (fail(0, unavailable), IN_DOUBT),
        (fail(7, unavailable), IN_DOUBT),
        (answered(200, XML_201), IN_DOUBT),
        (answered(200, COMMA_201), IN_DOUBT),
        // XML, where JSON was asked for.
        (answered(200, "<rsp stat=\"fail\"><err code=\"98\" msg=\"Invalid auth token\"/></rsp>"), IN_DOUBT),
        (answered(200, "<rsp stat=\"fail\"><err code=\"1\" msg=\"Photo not found\"/></rsp>"), IN_DOUBT),
        (answered(200, "<rsp stat=\"fail\"><err code=\"33\" msg=\"x\"/></rsp>"), IN_DOUBT),
        (answered(403, "<rsp stat=\"fail\"><err code=\"1\" msg=\"Photo not found\"/></rsp>"), IN_DOUBT),
        (answered(200, "{\"stat\":\"fail\"}"), IN_DOUBT),
        // OAuth.
        (answered(401, SIGNATURE_INVALID), same(Signature)),
        (answered(401, "oauth_problem=consumer_key_unknown"), same(App)),
        (answered(401, "oauth_problem=token_rejected"), same(Account)),
        (answered(401, "oauth_problem=timestamp_refused"), same(Clock)),
        (answered(401, "oauth_problem=nonce_used"), same(Clock)),
        (answered(400, "oauth_problem=nonce_used"), same(Clock)),
        (answered(401, "oauth_problem=verifier_invalid"), same(Permanent)),
        (answered(401, "oauth_problem=permission_denied"), same(Permanent)),
        (answered(400, "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_token"), same(Permanent)),
        (answered(400, "oauth_problem=something_new"), same(Permanent)),
        // Unreadable.
        (answered(200, ""), IN_DOUBT),
        (answered(200, "<html>maintenance</html>"), IN_DOUBT),
        (answered(200, "<rsp stat=\"ok\"></rsp>"), IN_DOUBT),
        (answered(200, "[]"), IN_DOUBT),
        (answered(200, "{}"), IN_DOUBT),
        (answered(200, "{\"stat\":\"ok\""), IN_DOUBT),
        // Bytes that belong in no text.
        (ended(200, Body::Whole(b"{\"stat\":\"ok\",\"a\":\"\xff\"}".to_vec())), same(Done)),
        (ended(200, Body::Whole(b"{\"stat\":\"ok\",\"a\":\"\x0b\"}".to_vec())), same(Done)),
        (ended(200, Body::Whole(b"{\"stat\":\"fail\",\"code\":1,\"message\":\"\xff\n\"}".to_vec())), same(Permanent)),
        (ended(401, Body::Whole(b"oauth_problem=token_rejected&x=\xff".to_vec())), same(Account)),
        (ended(403, Body::Whole(b"<html>\xff</html>".to_vec())), same(Transient)),
        (ended(200, Body::Whole(b"\xff\xfe".to_vec())), IN_DOUBT),
    ];
    for (request_outcome, expected) in table {
        assert_eq!(classes(&request_outcome), expected, "{request_outcome:?}");
    }
}

#[test]
fn a_methods_own_codes_say_what_its_table_says() {
    let table = [
        // What was asked is done, or is so already.
        ("flickr.groups.pools.add", 3, Done),
        ("flickr.groups.pools.add", 6, Done),
        ("flickr.groups.pools.add", 7, Done),
        ("flickr.groups.pools.add", 5, Permanent),
        ("flickr.groups.pools.add", 11, Permanent),
        ("flickr.groups.pools.add", 12, UnknownOutcome),
        ("flickr.groups.pools.remove", 2, Done),
        ("flickr.groups.join", 4, Done),
        ("flickr.groups.joinRequest", 7, Done),
        ("flickr.groups.leave", 3, Done),
        ("flickr.photosets.addPhoto", 3, Done),
        ("flickr.photosets.addPhoto", 2, Permanent),
        ("flickr.photosets.removePhoto", 3, Done),
        ("flickr.favorites.add", 3, Done),
        ("flickr.favorites.add", 2, Permanent),
        ("flickr.favorites.remove", 1, Done),
        ("flickr.photos.geo.removeLocation", 2, Done),
        // Nothing was done, and may be another time: also of a write that must not be repeated.
        ("flickr.photos.comments.addComment", 9, Transient),
        ("flickr.photosets.comments.addComment", 9, Transient),
        ("flickr.push.subscribe", 6, Transient),
        ("flickr.photos.transform.rotate", 4, Transient),
        ("flickr.photos.search", 10, Transient),
        ("flickr.places.placesForUser", 1, Transient),
        // Flickr failed in the midst of it.
        ("flickr.photos.transform.rotate", 3, UnknownOutcome),
        ("flickr.photos.geo.setLocation", 6, UnknownOutcome),
        ("flickr.blogs.postPhoto", 4, UnknownOutcome),
        // The same number says something else of another method.
        ("flickr.photosets.create", 3, Permanent),
        ("flickr.photos.comments.addComment", 8, Permanent),
    ];
    for (method, code, class) in table {
        let answer = judged(fail(code, "m"), method, false);
        assert_eq!((answer.outcome.class, answer.outcome.flickr_code), (class, Some(code)), "{method} {code}");
    }
}

#[test]
fn what_is_gone_is_done_only_if_an_earlier_call_may_have_removed_it() {
    for (method, code) in [
        ("flickr.photos.delete", 1),
        ("flickr.photosets.delete", 1),
        ("flickr.photos.comments.deleteComment", 2),
        ("flickr.photos.removeTag", 1),
    ] {
        for (repeated, class) in [(false, Permanent), (true, Done)] {
            assert_eq!(judged(fail(code, "m"), method, repeated).outcome.class, class, "{method} {repeated}");
        }
    }
    assert_eq!(judged(fail(1, "Photo not found"), "flickr.favorites.add", true).outcome.class, Permanent);
    assert_eq!(judged(fail(98, "Invalid auth token"), "flickr.photos.delete", true).outcome.class, Account);
    assert_eq!(judged(fail(1, "Photo not found"), READ, true).outcome.class, Permanent);
}

#[test]
fn what_is_done_although_flickr_said_fail_says_so() {
    let done = judged(fail(6, "In the Pending Queue of token-canary"), "flickr.groups.pools.add", false);
    let result: serde_json::Value = serde_json::from_str(&done.result.unwrap()).unwrap();
    let message = "In the Pending Queue of ***";
    assert_eq!(result, serde_json::json!({"stat": "ok", "flickr_code": 6, "message": message}));
    assert_eq!((done.outcome.flickr_code, &*done.outcome.message), (Some(6), message));
}

/// Of these methods Flickr documents no error code, or nothing at all.
#[test]
fn a_method_without_known_codes_may_have_any_of_its_own() {
    for method in ["flickr.galleries.getInfo", "flickr.galleries.editPhotos", "flickr.new.thing"] {
        assert_eq!(judged(fail(33, "x"), method, false).outcome.class, Permanent, "{method}");
        assert_ne!(judged(fail(113, "x"), method, false).outcome.class, Permanent, "{method}");
    }
}

#[test]
fn a_result_is_passed_on_byte_for_byte() {
    for text in [
        "{ \"b\":1.0, \"a\":12345678901234567890123,\t\"a\":\"\\u00e9\",\"stat\":\"ok\" }\n",
        "{\"stat\":\"ok\",\"oauth_token\":{\"_content\":\"of a photo's title\"}}",
    ] {
        assert_eq!(judged(answered(200, text), READ, false).result.as_deref(), Some(text));
    }
    assert_eq!(judged(fail(1, "m"), READ, false).result, None);
}

/// One bad byte spoils no page: the rest is given, and the result says how many were replaced.
#[test]
fn what_belongs_in_no_text_is_replaced_and_the_result_says_so() {
    let result = |body: &[u8], method| judged(ended(200, Body::Whole(body.to_vec())), method, false).result.unwrap();
    let page = b"{\"photos\":{\"photo\":[{\"title\":\"\xffa\"},{\"title\":\"\x0bb\"}]},\"stat\":\"ok\"}\n";
    assert_eq!(
        result(page, READ),
        "{\"photos\":{\"photo\":[{\"title\":\"\u{fffd}a\"},{\"title\":\"\\u000bb\"}]},\"stat\":\"ok\",\
         \"replaced_bytes\":2}"
    );
    let echo = b"{\"api_key\":{\"_content\":\"key-canary\"},\"a\":{\"_content\":\"\xff\"},\"stat\":\"ok\"}";
    assert_eq!(
        result(echo, "flickr.test.echo"),
        "{\"a\":{\"_content\":\"\u{fffd}\"},\"stat\":\"ok\",\"replaced_bytes\":1}"
    );
}

#[test]
fn an_echo_shows_no_token() {
    let text = "{\"oauth_token\":{\"_content\":\"token-canary\"},\"api_key\":{\"_content\":\"key-canary\"},\
                \"oauth_new\":{\"_content\":\"x\"},\"a\":{\"_content\":\"1\"},\"stat\":\"ok\"}";
    for method in ["flickr.test.echo", "flickr.test.Echo"] {
        let result = judged(answered(200, text), method, false).result;
        assert_eq!(result.as_deref(), Some("{\"a\":{\"_content\":\"1\"},\"stat\":\"ok\"}"));
    }
}

#[test]
fn a_wait_is_read_from_429_and_5xx() {
    let wait = |status, value: &str| {
        let reply = Reply { status, retry_after: Some(value.to_owned()), body: Body::Whole(Vec::new()) };
        judged(RequestOutcome::Answered(reply), READ, false).outcome.retry_after.map(|wait| wait.as_secs())
    };
    assert_eq!(wait(429, "120"), Some(120));
    assert_eq!(wait(429, "Sun, 06 Nov 1994 08:50:37 GMT"), Some(60));
    assert_eq!(wait(503, "5"), Some(5));
    for insane in ["", "-1", "x", "1e9", "99999999999999999999", "1000000000"] {
        assert_eq!(wait(429, insane), None, "{insane:?}");
    }
}

#[test]
fn messages_say_what_flickr_said_and_no_secret() {
    let said = |request_outcome| judged(request_outcome, NON_IDEMPOTENT_WRITE, false).outcome;
    let refused = said(fail(2, "Permission denied"));
    assert_eq!((refused.flickr_code, &*refused.message), (Some(2), "Permission denied"));
    assert_eq!(said(answered(401, SIGNATURE_INVALID)).message, "oauth_problem=signature_invalid");
    assert_eq!(said(answered(502, "<html>token-canary")).message, "HTTP 502");
    assert_eq!(said(answered(200, "<html>token-canary")).message, "HTTP 200: not an answer of Flickr's API");
    assert_eq!(said(answered(403, "<html>")).message, "HTTP 403: refused before it reached Flickr's API");
    assert_eq!(said(fail(1, "debug_sbs=key")).message, "");
    let strange = said(fail(33, "of token-canary"));
    let message = "error code 33, which the method does not have: of ***";
    assert_eq!((strange.flickr_code, &*strange.message), (Some(33), message));
    let xml = "<rsp stat=\"fail\"><err code=\"1\" msg=\"token-canary\"/></rsp>";
    assert_eq!(said(answered(200, xml)).message, "HTTP 200: an answer in XML");
    assert_eq!(said(RequestOutcome::NotSent("connection refused".to_owned())).message, "not sent: connection refused");
    assert_eq!(said(RequestOutcome::NoAnswer("reset".to_owned())).message, "no answer: reset");
}

#[test]
fn a_login_is_judged_by_the_same_rules() {
    let secrets = ["key-canary"];
    let class = |idempotency, request_outcome| {
        let call =
            Call { method: None, idempotency, error_codes: &ErrorCodes::unknown(), repeated: false, secrets: &secrets };
        login(request_outcome, &call, NOW, token_reply::request_token).map(|_| ()).map_err(|outcome| outcome.class)
    };
    let good = "oauth_callback_confirmed=true&oauth_token=t&oauth_token_secret=s";
    assert_eq!(class(Safe, answered(200, good)), Ok(()));
    let table = [
        (answered(200, "oauth_token=t&oauth_token_secret=s"), Transient),
        (answered(200, "<html>"), Transient),
        (answered(302, good), Transient),
        (answered(503, good), Transient),
        (answered(429, HTML_429), Throttled),
        (answered(401, "oauth_problem=consumer_key_unknown"), App),
        (answered(401, "oauth_problem=token_rejected"), Account),
        (answered(401, "oauth_problem=verifier_invalid"), Permanent),
        (fail(100, "Invalid API Key"), App),
        (answered(200, "<rsp stat=\"fail\"><err code=\"100\" msg=\"Invalid API Key\" /></rsp>"), App),
        (RequestOutcome::NotSent("refused".to_owned()), Transient),
    ];
    for (request_outcome, expected) in table {
        assert_eq!(class(Safe, request_outcome.clone()), Err(expected), "{request_outcome:?}");
    }
    assert_eq!(class(NonIdempotent, answered(200, "<html>")), Err(UnknownOutcome));
}

fn any_outcome() -> impl Strategy<Value = RequestOutcome> {
    let body = prop_oneof![
        any::<Vec<u8>>().prop_map(Body::Whole),
        "\\{\"stat\":\"(ok|fail)\",\"code\":[0-9]{1,3},\"message\":\".{0,300}\"\\}".prop_map(|t| Body::Whole(t.into())),
        "oauth_problem=.{0,80}".prop_map(|text| Body::Whole(text.into())),
        Just(Body::TooLong),
        ".{0,80}".prop_map(Body::Cut),
    ];
    let reply = (100u16..=999, proptest::option::of(".{0,30}"), body)
        .prop_map(|(status, retry_after, body)| RequestOutcome::Answered(Reply { status, retry_after, body }));
    prop_oneof![1 => ".*".prop_map(RequestOutcome::NotSent), 1 => ".*".prop_map(RequestOutcome::NoAnswer), 8 => reply]
}

proptest! {
    /// What a worker relies on: a result comes with `Done` and only then, messages are short, and no read is of
    /// unknown outcome.
    #[test]
    fn every_outcome_is_judged(request_outcome in any_outcome(), repeated: bool) {
        for method in [READ, IDEMPOTENT_WRITE, NON_IDEMPOTENT_WRITE] {
            let answer = judged(request_outcome.clone(), method, repeated);
            prop_assert_eq!(answer.result.is_some(), answer.outcome.class == Done);
            prop_assert!(answer.outcome.message.chars().count() <= MAX_MESSAGE_CHARACTERS);
            prop_assert!(method != READ || answer.outcome.class != UnknownOutcome);
        }
    }

    /// Promise I7: a write is judged transient, and so sent again, only when it never reached Flickr.
    #[test]
    fn a_write_that_reached_flickr_is_never_transient(request_outcome in any_outcome(), repeated: bool) {
        let reached = match &request_outcome {
            RequestOutcome::NotSent(_) => false,
            RequestOutcome::NoAnswer(_) => true,
            RequestOutcome::Answered(reply) => !is_refusal_of_the_edge(reply.status),
        };
        let class = judged(request_outcome, NON_IDEMPOTENT_WRITE, repeated).outcome.class;
        prop_assert!(!reached || class != Transient);
    }
}
