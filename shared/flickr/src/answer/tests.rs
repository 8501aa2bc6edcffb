//! Every row of what an answer means, as a table.

use domain::outcome::{
    Class::{Account, App, Clock, Done, Permanent, Throttled, Transient, UnknownOutcome},
    Nature::{NaturalWrite, Read, UnrepeatableWrite},
};
use hub::ports::Catalogue as _;
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_milliseconds(784_111_777_000);

const READ: &str = "flickr.photos.getInfo";
const NATURAL: &str = "flickr.photos.setMeta";
const WRITE: &str = "flickr.photosets.create";

const HTML_429: &str = "<html><body><h1>429 Too Many Requests</h1>\nYou have sent too many requests in a given \
                        amount of time.\n</body></html>";
const XML_201: &str = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"fail\">\n\t<err code=\"201\" \
                       msg=\"Sorry, the Flickr API service is not currently available.\" />\n</rsp>\n";
const COMMA_201: &str = "{\"stat\":\"fail\",\"message\":\"Sorry, the Flickr API service is not currently \
                         available.\",\"code\":201,}";
const SIGNATURE_INVALID: &str = "oauth_problem=signature_invalid&debug_sbs=GET&https%3A%2F%2Fapi.flickr.com\
                                 %2Fservices%2Frest&oauth_consumer_key%3Dkey-canary%26oauth_token%3Dtoken-canary";

fn answered(status: u16, body: &str) -> Fate {
    Fate::Answered(Reply { status, retry_after: None, body: Body::Whole(body.as_bytes().to_vec()) })
}

fn ended(status: u16, body: Body) -> Fate {
    Fate::Answered(Reply { status, retry_after: None, body })
}

fn fail(code: i64, message: &str) -> Fate {
    answered(200, &serde_json::json!({"stat": "fail", "code": code, "message": message}).to_string())
}

fn judged(fate: Fate, method: &str, repeated: bool) -> Answer {
    let method: MethodName = method.parse().unwrap();
    let secrets = ["key-canary", "secret-canary", "token-canary"];
    let call = Call { method: Some(&method), nature: Catalogue.nature(&method), repeated, secrets: &secrets };
    rest(fate, &call, NOW)
}

/// The class for a read, a natural write and a write that is never repeated.
fn classes(fate: &Fate) -> [Class; 3] {
    [READ, NATURAL, WRITE].map(|method| judged(fate.clone(), method, false).outcome.class)
}

const fn same(class: Class) -> [Class; 3] {
    [class; 3]
}

const DOUBTFUL: [Class; 3] = [Transient, UnknownOutcome, UnknownOutcome];

#[test]
fn the_methods_of_the_table_have_three_natures() {
    let nature = |method: &str| Catalogue.nature(&method.parse().unwrap());
    assert_eq!([READ, NATURAL, WRITE].map(nature), [Read, NaturalWrite, UnrepeatableWrite]);
}

#[test]
fn each_fate_has_its_class() {
    let unavailable = "Sorry, the Flickr API service is not currently available.";
    let table = [
        // Done.
        (answered(200, "{\"stat\":\"ok\"}"), same(Done)),
        (answered(200, "{\"photo\":{\"id\":\"1\"},\"stat\":\"ok\"}"), same(Done)),
        // The network.
        (Fate::NotSent("connection refused".to_owned()), same(Transient)),
        (Fate::NoAnswer("20000 ms passed".to_owned()), DOUBTFUL),
        (Fate::NoAnswer("connection reset".to_owned()), DOUBTFUL),
        (ended(200, Body::Cut("connection reset".to_owned())), DOUBTFUL),
        (ended(200, Body::TooLong), [Permanent, UnknownOutcome, UnknownOutcome]),
        // HTTP.
        (answered(429, HTML_429), same(Throttled)),
        (ended(429, Body::Cut("reset".to_owned())), same(Throttled)),
        (answered(500, "<html>"), DOUBTFUL),
        (answered(502, "<html>"), DOUBTFUL),
        (answered(503, ""), DOUBTFUL),
        (answered(504, "<html>ERROR: The request could not be satisfied</html>"), DOUBTFUL),
        (answered(500, "{\"stat\":\"ok\"}"), DOUBTFUL),
        (answered(502, "oauth_problem=token_rejected"), DOUBTFUL),
        (answered(302, ""), DOUBTFUL),
        (answered(403, "<html>blocked</html>"), DOUBTFUL),
        (answered(404, ""), DOUBTFUL),
        (answered(403, "{\"stat\":\"ok\"}"), DOUBTFUL),
        (answered(403, "{\"stat\":\"fail\",\"code\":2,\"message\":\"Permission denied\"}"), same(Permanent)),
        (answered(403, "{\"stat\":\"fail\",\"code\":95,\"message\":\"SSL is required\"}"), same(Permanent)),
        (answered(413, "<html>"), same(Permanent)),
        (answered(414, "<html>"), same(Permanent)),
        // `stat=fail`.
        (fail(1, "Photo not found"), same(Permanent)),
        (fail(2, "Permission denied"), same(Permanent)),
        (fail(96, "Invalid signature"), same(Permanent)),
        (fail(98, "Invalid auth token"), same(Account)),
        (fail(99, "Insufficient permissions. Method requires read privileges; none granted."), same(Permanent)),
        (fail(100, "Invalid API Key (Key has expired)"), same(App)),
        (fail(105, "Service currently unavailable"), DOUBTFUL),
        (fail(106, "Write operation failed"), DOUBTFUL),
        (fail(111, "Format \"x\" not found"), same(Permanent)),
        (fail(112, "Method \"flickr.a.b\" not found"), same(Permanent)),
        (fail(201, unavailable), DOUBTFUL),
        (fail(0, unavailable), DOUBTFUL),
        (fail(7, unavailable), DOUBTFUL),
        (answered(200, XML_201), DOUBTFUL),
        (answered(200, COMMA_201), DOUBTFUL),
        (answered(200, "<rsp stat=\"fail\"><err code=\"98\" msg=\"Invalid auth token\"/></rsp>"), same(Account)),
        (answered(200, "{\"stat\":\"fail\"}"), DOUBTFUL),
        // OAuth.
        (answered(401, SIGNATURE_INVALID), same(App)),
        (answered(401, "oauth_problem=consumer_key_unknown"), same(App)),
        (answered(401, "oauth_problem=token_rejected"), same(Account)),
        (answered(401, "oauth_problem=timestamp_refused"), same(Clock)),
        (answered(401, "oauth_problem=nonce_used"), same(Clock)),
        (answered(400, "oauth_problem=nonce_used"), same(Clock)),
        (answered(401, "oauth_problem=verifier_invalid"), same(Permanent)),
        (answered(401, "oauth_problem=permission_denied"), same(Permanent)),
        (answered(400, "oauth_problem=parameter_absent&oauth_parameters_absent=oauth_token"), same(Permanent)),
        (answered(400, "oauth_problem=something_new"), same(Permanent)),
        (answered(401, ""), DOUBTFUL),
        // Unreadable.
        (answered(200, ""), DOUBTFUL),
        (answered(200, "<html>maintenance</html>"), DOUBTFUL),
        (answered(200, "<rsp stat=\"ok\"></rsp>"), DOUBTFUL),
        (answered(200, "[]"), DOUBTFUL),
        (answered(200, "{}"), DOUBTFUL),
        (answered(200, "{\"stat\":\"ok\""), DOUBTFUL),
        (ended(200, Body::Whole(b"{\"stat\":\"ok\",\"a\":\"\xff\"}".to_vec())), DOUBTFUL),
    ];
    for (fate, expected) in table {
        assert_eq!(classes(&fate), expected, "{fate:?}");
    }
}

#[test]
fn a_repeated_natural_write_that_finds_its_end_state_is_done() {
    let gone = || fail(1, "Photo not found");
    let class = |fate, method, repeated| judged(fate, method, repeated).outcome.class;
    assert_eq!(class(gone(), "flickr.photos.delete", false), Permanent);
    assert_eq!(class(gone(), "flickr.photos.delete", true), Done);
    assert_eq!(class(fail(3, "Photo is already in favorites"), "flickr.favorites.add", true), Done);
    assert_eq!(class(fail(1, "Photo not found"), "flickr.favorites.add", true), Permanent);
    assert_eq!(class(fail(98, "Invalid auth token"), "flickr.photos.delete", true), Account);
    assert_eq!(class(gone(), READ, true), Permanent);

    let done = judged(gone(), "flickr.photos.delete", true);
    assert_eq!(done.result.as_deref(), Some("{\"stat\":\"ok\"}"));
    assert_eq!((done.outcome.flickr_code, &*done.outcome.message), (Some(1), "Photo not found"));
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
        judged(Fate::Answered(reply), READ, false).outcome.retry_after.map(|wait| wait.as_secs())
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
    let said = |fate| judged(fate, WRITE, false).outcome;
    let refused = said(fail(2, "Permission denied"));
    assert_eq!((refused.flickr_code, &*refused.message), (Some(2), "Permission denied"));
    assert_eq!(said(answered(401, SIGNATURE_INVALID)).message, "oauth_problem=signature_invalid");
    assert_eq!(said(answered(502, "<html>token-canary")).message, "HTTP 502");
    assert_eq!(said(answered(200, "<html>token-canary")).message, "HTTP 200: not an answer of Flickr's API");
    assert_eq!(said(fail(1, "debug_sbs=key")).message, "");
    assert_eq!(said(Fate::NotSent("connection refused".to_owned())).message, "not sent: connection refused");
    assert_eq!(said(Fate::NoAnswer("reset".to_owned())).message, "no answer: reset");
}

#[test]
fn a_login_is_judged_by_the_same_rules() {
    let secrets = ["key-canary"];
    let class = |nature, fate| {
        let call = Call { method: None, nature, repeated: false, secrets: &secrets };
        login(fate, &call, NOW, token_reply::request_token).map(|_| ()).map_err(|outcome| outcome.class)
    };
    let good = "oauth_callback_confirmed=true&oauth_token=t&oauth_token_secret=s";
    assert_eq!(class(Read, answered(200, good)), Ok(()));
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
        (Fate::NotSent("refused".to_owned()), Transient),
    ];
    for (fate, expected) in table {
        assert_eq!(class(Read, fate.clone()), Err(expected), "{fate:?}");
    }
    assert_eq!(class(UnrepeatableWrite, answered(200, "<html>")), Err(UnknownOutcome));
}

fn any_fate() -> impl Strategy<Value = Fate> {
    let body = prop_oneof![
        any::<Vec<u8>>().prop_map(Body::Whole),
        "\\{\"stat\":\"(ok|fail)\",\"code\":[0-9]{1,3},\"message\":\".{0,300}\"\\}".prop_map(|t| Body::Whole(t.into())),
        "oauth_problem=.{0,80}".prop_map(|text| Body::Whole(text.into())),
        Just(Body::TooLong),
        ".{0,80}".prop_map(Body::Cut),
    ];
    let reply = (100u16..=999, proptest::option::of(".{0,30}"), body)
        .prop_map(|(status, retry_after, body)| Fate::Answered(Reply { status, retry_after, body }));
    prop_oneof![1 => ".*".prop_map(Fate::NotSent), 1 => ".*".prop_map(Fate::NoAnswer), 8 => reply]
}

proptest! {
    /// What a worker relies on: a result comes with `Done` and only then, messages are short, and
    /// no read is of unknown outcome.
    #[test]
    fn every_fate_is_judged(fate in any_fate(), repeated: bool) {
        for method in [READ, NATURAL, WRITE] {
            let answer = judged(fate.clone(), method, repeated);
            prop_assert_eq!(answer.result.is_some(), answer.outcome.class == Done);
            prop_assert!(answer.outcome.message.chars().count() <= MAX_MESSAGE_CHARACTERS);
            prop_assert!(method != READ || answer.outcome.class != UnknownOutcome);
        }
    }

    /// Promise I7: a write is called transient, and so sent again, only when it was never sent.
    #[test]
    fn a_sent_write_is_never_transient(fate in any_fate(), repeated: bool) {
        let sent = !matches!(fate, Fate::NotSent(_));
        let class = judged(fate, WRITE, repeated).outcome.class;
        prop_assert!(!sent || class != Transient);
    }
}
