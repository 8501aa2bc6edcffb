use base64::{Engine, engine::general_purpose::STANDARD};
use proptest::prelude::*;

use super::*;

const CREATED: i64 = 1_790_000_000;
const SECRET: &[u8] = b"a secret of thirty-two bytes ...";
const COMPONENTS: &str = r#""@method" "@path" "content-digest" "idempotency-key" "@query-param";name="a%20b""#;

fn now() -> Timestamp {
    Timestamp::from_milliseconds(CREATED * 1000)
}

fn message() -> Message<'static> {
    Message {
        method: "POST",
        path: "/api/v1/flickr/rest",
        query: vec![("a b".to_owned(), "c+d".to_owned())],
        content_digest: Some("sha-256=:AA==:"),
        idempotency_key: Some("k"),
    }
}

fn parameters() -> String {
    format!(r#";created={CREATED};keyid="sgn_1";alg="hmac-sha256";nonce="n""#)
}

/// What a client signs that spells the message in this way.
fn base_of(input: &str) -> String {
    [
        r#""@method": POST"#,
        r#""@path": /api/v1/flickr/rest"#,
        r#""content-digest": sha-256=:AA==:"#,
        r#""idempotency-key": k"#,
        r#""@query-param";name="a%20b": c%2Bd"#,
        &format!(r#""@signature-params": {input}"#),
    ]
    .join("\n")
}

/// The two headers of a signature of `base` with `input`.
fn signed(input: &str, base: &str) -> (String, String) {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET), base.as_bytes());
    (format!("sig={input}"), format!("sig=:{}:", STANDARD.encode(tag)))
}

fn parsed(input: &str) -> Result<Presented, Refused> {
    Presented::parse(&format!("sig={input}"), "sig=:AAAA:")
}

fn accepted(input: &str, signature: &str, message: &Message, now: Timestamp) -> Result<(), Refused> {
    let presented = Presented::parse(input, signature)?;
    presented.verify(&presented.check(message, now)?, SECRET)
}

#[test]
fn a_signature_of_the_profile_is_accepted() {
    let input = format!("({COMPONENTS}){}", parameters());
    let (input, signature) = signed(&input, &base_of(&input));
    assert_eq!(accepted(&input, &signature, &message(), now()), Ok(()));
    let presented = Presented::parse(&input, &signature).unwrap();
    assert_eq!((presented.key_id.as_str(), presented.nonce.as_str()), ("sgn_1", "n"));
}

/// RFC 9421, appendix B.2.5. Its components are not those of the profile; its base and its signature are the RFC's.
#[test]
fn the_rfcs_own_signature_verifies() {
    let input = r#"sig-b25=("date" "@authority" "content-type");created=1618884473;keyid="test-shared-secret""#;
    let base = "\"date\": Tue, 20 Apr 2021 02:07:55 GMT\n\"@authority\": example.com\n\"content-type\": application/json\n\
                \"@signature-params\": (\"date\" \"@authority\" \"content-type\");created=1618884473;\
                keyid=\"test-shared-secret\"";
    let secret = "uzvJfB4u3N0Jy4T7NZ75MDVcr8zSTInedJtkgcu46YW4XByzNJjxBdtjUkdJPBtbmHhIDi6pcl8jsasjlTMtDQ==";
    let members = dictionary(input).unwrap();
    let MemberValue::InnerList(list) = &members[0].value else { unreachable!("{members:?}") };
    assert_eq!(list.to_text().as_deref(), input.strip_prefix("sig-b25="));
    let presented = Presented {
        key_id: "test-shared-secret".to_owned(),
        nonce: String::new(),
        created: Timestamp::from_milliseconds(1_618_884_473_000),
        expires: None,
        input: list.clone(),
        signature: STANDARD.decode("pxcQw6G3AjtMBQjwo8XzkZf/bws5LelbaMk5rGIGtE8=").unwrap(),
    };
    let (base, secret) = (SignatureBase(base.to_owned()), STANDARD.decode(secret).unwrap());
    assert_eq!(presented.verify(&base, &secret), Ok(()));
    assert_eq!(presented.verify(&base, SECRET), Err(Refused::Mismatch));
    assert_eq!(presented.base(&message()), Err(Refused::OtherComponent), "they are not of the profile");
    assert_eq!(Presented::parse(input, "sig-b25=:AAAA:"), Err(Refused::Parameter("alg")));
}

#[test]
fn the_signers_order_is_kept() {
    let input = format!(
        r#"("@query-param";name="a%20b" "idempotency-key" "content-digest" "@path" "@method"){}"#,
        parameters()
    );
    let lines = base_of(&input);
    let mut lines: Vec<&str> = lines.lines().collect();
    lines[..5].reverse();
    let (input, signature) = signed(&input, &lines.join("\n"));
    assert_eq!(accepted(&input, &signature, &message(), now()), Ok(()));
}

#[test]
fn exactly_what_came_is_covered() {
    let base = |components: &str| parsed(&format!("({components}){}", parameters())).unwrap().base(&message());
    assert!(base(COMPONENTS).is_ok());
    for missing in COMPONENTS.split(' ') {
        let rest: Vec<&str> = COMPONENTS.split(' ').filter(|component| *component != missing).collect();
        assert_eq!(base(&rest.join(" ")), Err(Refused::NotCovered(missing.to_owned())));
    }
    for other in [
        r#""@authority""#,
        r#""@query""#,
        r#""content-type""#,
        r#""x-api-key""#,
        r#""@query-param";name="b""#,
        r#""@query-param";name="a b""#,
        r#""@query-param""#,
        r#""@path";req"#,
        r#""@path";sf"#,
        r#""content-digest";key="sha-256""#,
        r#""idempotency-key";bs"#,
        "path",
        "1",
        r#""@method""#,
        r#""@query-param";name="a%20b""#,
        r#""@query-param";name="a%20b";name="a%20b""#,
        r#""@signature-params""#,
        r#""@METHOD""#,
    ] {
        assert_eq!(base(&format!("{COMPONENTS} {other}")), Err(Refused::OtherComponent), "{other}");
    }
    for (less, component) in [
        (Message { content_digest: None, ..message() }, "content-digest"),
        (Message { idempotency_key: None, ..message() }, "idempotency-key"),
        (Message { query: Vec::new(), ..message() }, "@query-param"),
    ] {
        let presented = parsed(&format!("({COMPONENTS}){}", parameters())).unwrap();
        assert_eq!(presented.base(&less), Err(Refused::OtherComponent), "{component} did not come");
    }
}

#[test]
fn each_parameter_is_given_once_and_no_other() {
    let input = |parameters: &str| parsed(&format!("({COMPONENTS}){parameters}"));
    let all = parameters();
    assert!(input(&all).is_ok());
    let each: Vec<&str> = all.split(';').skip(1).collect();
    for (missing, name) in each.iter().zip(["created", "keyid", "alg", "nonce"]) {
        let rest: Vec<&str> = each.iter().filter(|one| *one != missing).copied().collect();
        assert_eq!(input(&format!(";{}", rest.join(";"))), Err(Refused::Parameter(name)));
        assert_eq!(input(&format!("{all};{missing}")), Err(Refused::OtherParameter), "{name} twice");
        assert_eq!(input(&format!(";{};{name}=t", rest.join(";"))), Err(Refused::Parameter(name)), "{name} of a type");
    }
    for other in [r#";tag="t""#, ";x=1", ";x"] {
        assert_eq!(input(&format!("{all}{other}")), Err(Refused::OtherParameter), "{other}");
    }
    assert_eq!(input(&format!("{all};expires=\"1\"")), Err(Refused::Parameter("expires")));
    assert_eq!(input(&all.replace("hmac-sha256", "ed25519")), Err(Refused::Algorithm));
    for (nonce, is_good) in [(0, false), (1, true), (128, true), (129, false)] {
        let input = input(&all.replace("nonce=\"n\"", &format!("nonce=\"{}\"", "n".repeat(nonce))));
        assert_eq!(input.err(), (!is_good).then_some(Refused::Nonce), "{nonce}");
    }
}

#[test]
fn one_signature_comes_under_one_label() {
    let list = format!("({COMPONENTS}){}", parameters());
    let input = format!("a={list}");
    assert!(Presented::parse(&input, "a=:AAAA:").is_ok());
    for twice in [format!("a={list}, b={list}"), format!("a={list}, a={list}"), "a=1".to_owned(), "a".to_owned()] {
        assert_eq!(Presented::parse(&twice, "a=:AAAA:"), Err(Refused::MalformedInput), "{twice}");
    }
    for input in ["", "}{", "a=(", "a=(\"x\""] {
        assert_eq!(Presented::parse(input, "a=:AAAA:"), Err(Refused::MalformedInput), "{input}");
    }
    for signature in [
        "",
        "b=:AAAA:",
        "a=:AAAA:, a=:AAAA:",
        "a=:AAAA:, b=:AAAA:",
        "a=:AAAA:;x",
        "a=\"AAAA\"",
        "a=(:AAAA:)",
        "AAAA",
        "a",
    ] {
        assert_eq!(Presented::parse(&input, signature), Err(Refused::MalformedSignature), "{signature}");
    }
}

#[test]
fn a_signature_is_good_for_five_minutes_on_either_side() {
    let checked = |parameters: &str, milliseconds: i64| {
        let presented = parsed(&format!("({COMPONENTS}){parameters}")).unwrap();
        presented.check(&message(), Timestamp::from_milliseconds(CREATED * 1000 + milliseconds)).err()
    };
    let all = parameters();
    for (milliseconds, refused) in
        [(0, None), (300_999, None), (301_000, Some(Refused::Time)), (-300_000, None), (-300_001, Some(Refused::Time))]
    {
        assert_eq!(checked(&all, milliseconds), refused, "{milliseconds}");
    }
    for created in ["-999999999999999", "999999999999999", "0"] {
        let far = all.replace(&CREATED.to_string(), created);
        assert_eq!(checked(&far, 0), Some(Refused::Time), "{created}");
    }
    let expires = format!("{all};expires={}", CREATED + 10);
    assert_eq!(checked(&expires, 10_000), None);
    assert_eq!(checked(&expires, 10_001), Some(Refused::Expired));
    assert_eq!(checked(&format!("{all};expires=0"), 0), Some(Refused::Expired));
}

#[test]
fn a_change_of_anything_is_noticed() {
    let input = format!("({COMPONENTS}){}", parameters());
    let (input, signature) = signed(&input, &base_of(&input));
    let changed = [
        Message { method: "DELETE", ..message() },
        Message { method: "post", ..message() },
        Message { path: "/api/v1/flickr/Rest", ..message() },
        Message { path: "/v1/flickr/rest", ..message() },
        Message { path: "/api/v1/flickr/rest/", ..message() },
        Message { query: vec![("a b".to_owned(), "c d".to_owned())], ..message() },
        Message { content_digest: Some("sha-256=:AQ==:"), ..message() },
        Message { idempotency_key: Some("l"), ..message() },
    ];
    for message in changed {
        assert_eq!(accepted(&input, &signature, &message, now()), Err(Refused::Mismatch), "{message:?}");
    }
    for (from, to) in [("sgn_1", "sgn_2"), ("nonce=\"n\"", "nonce=\"m\""), ("1790000000", "1790000001")] {
        let input = input.replace(from, to);
        assert_eq!(accepted(&input, &signature, &message(), now()), Err(Refused::Mismatch), "{from}");
    }
    let truncated = "sig=:AAAA:";
    assert_eq!(accepted(&input, truncated, &message(), now()), Err(Refused::Mismatch));
}

proptest! {
    /// The verifier builds the base that a signer builds who follows the RFC, whatever came.
    #[test]
    fn whatever_is_signed_as_it_came_is_accepted(
        path in "(/[a-z0-9_~.-]{1,8}){1,4}",
        query in proptest::collection::btree_map("[a-z ü+&=]{1,6}", "[ -~ü]{0,8}", 0..4),
        digest in proptest::option::of("sha-256=:[A-Za-z0-9+/]{4}:"),
        key in proptest::option::of("[!-~]{1,20}"),
        nonce in "[ !#-\\[\\]-~]{1,128}",
    ) {
        let message = Message {
            method: "GET",
            path: &path,
            query: query.into_iter().collect(),
            content_digest: digest.as_deref(),
            idempotency_key: key.as_deref(),
        };
        let components = message.components().unwrap();
        let names: Vec<&str> = components.iter().map(|(name, _)| name.as_str()).collect();
        let input = format!("({}){}", names.join(" "), parameters().replace("nonce=\"n\"", &format!("nonce=\"{nonce}\"")));
        let mut lines: Vec<String> = components.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        lines.push(format!("\"@signature-params\": {input}"));
        let (input, signature) = signed(&input, &lines.join("\n"));
        prop_assert_eq!(accepted(&input, &signature, &message, now()), Ok(()));
    }

    #[test]
    fn no_headers_make_the_parser_panic(input in "[ -~]{0,60}", signature in "[ -~]{0,60}") {
        let _ = Presented::parse(&input, &signature);
        let _ = parsed(&format!("({input}){signature}")).map(|presented| presented.check(&message(), now()));
    }
}
