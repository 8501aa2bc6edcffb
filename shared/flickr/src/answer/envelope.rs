//! The envelope of Flickr's API: `stat`, and of a failure `code` and `message`, as JSON or as XML.

use std::{borrow::Cow, fmt};

use domain::call::is_reserved;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, value::RawValue};

use super::{failure::Failure, rsp::Rsp};

/// What an answer says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Envelope {
    /// `stat=ok`.
    Ok,
    /// `stat=fail`.
    Failed(Failure),
    /// An envelope in XML, with the failure that it reports, if any.
    Xml(Option<Failure>),
    /// No envelope of Flickr's.
    Unreadable,
}

/// Reads the envelope of `text`.
pub fn read(text: &str) -> Envelope {
    let envelope = match serde_json::from_str::<Members<'_>>(text) {
        Ok(members) => members.envelope(),
        Err(_) => Rsp::read(text).map(|rsp| Envelope::Xml(rsp.failure)),
    };
    envelope.unwrap_or(Envelope::Unreadable)
}

/// The JSON object `text` without the members that echo a parameter only FlickrHub sets. Everything else stays as it
/// was written; a text that is no object becomes an empty one.
pub fn without_reserved(text: &str) -> String {
    let Members(mut members) = serde_json::from_str(text).unwrap_or_default();
    let before = members.len();
    members.retain(|(name, _)| !is_reserved(name));
    if before > 0 && members.len() == before {
        return text.to_owned();
    }
    let remaining: Vec<String> =
        members.into_iter().map(|(name, value)| format!("{}:{value}", Value::String(name.into_owned()))).collect();
    format!("{{{}}}", remaining.join(","))
}

/// The JSON object `text`, which has a member, with one more.
pub fn with_number(text: &str, name: &str, number: usize) -> String {
    let members = text.trim_end().strip_suffix('}').unwrap_or(text);
    format!("{members},\"{name}\":{number}}}")
}

/// The members of a JSON object, in order, with their values as they were written.
#[derive(Default)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl Members<'_> {
    /// The last member of that name: PHP, on which Flickr runs, takes the last one, too.
    fn get<'b, T: Deserialize<'b>>(&'b self, name: &str) -> Option<T> {
        let (_, value) = self.0.iter().rev().find(|(member, _)| member == name)?;
        serde_json::from_str(value.get()).ok()
    }

    fn envelope(&self) -> Option<Envelope> {
        match self.get::<Cow<'_, str>>("stat")?.as_ref() {
            "ok" => Some(Envelope::Ok),
            "fail" => Some(Envelope::Failed(Failure {
                code: self.get("code").as_ref().and_then(integer),
                message: self.get("message").unwrap_or_default(),
            })),
            _ => None,
        }
    }
}

/// A whole number: Flickr writes the same number sometimes as a number and sometimes as text.
fn integer(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;

        impl<'de> Visitor<'de> for Reading {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Reading)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn failed(code: impl Into<Option<i64>>, message: &str) -> Envelope {
        Envelope::Failed(Failure { code: code.into(), message: message.to_owned() })
    }

    fn in_xml(code: i64, message: &str) -> Envelope {
        Envelope::Xml(Some(Failure { code: Some(code), message: message.to_owned() }))
    }

    #[test]
    fn json_and_xml_envelopes_are_read() {
        let table = [
            (r#"{"stat":"ok"}"#, Envelope::Ok),
            ("  {\"photos\":{\"page\":1},\"stat\":\"ok\"}\n", Envelope::Ok),
            (r#"{"stat":"fail","code":1,"message":"Photo \"x\" not found"}"#, failed(1, "Photo \"x\" not found")),
            (r#"{"message":"m","code":"98","stat":"fail"}"#, failed(98, "m")),
            (r#"{"stat":"fail","code":1.5}"#, failed(None, "")),
            // A parameter of `flickr.test.echo` may be called as the envelope's own members are.
            (r#"{"stat":{"_content":"fail"},"code":{"_content":"1"},"stat":"ok"}"#, Envelope::Ok),
            (r#"{"stat":"okay"}"#, Envelope::Unreadable),
            (r#"{"stat":true}"#, Envelope::Unreadable),
            (r#"{"stat":"fail","message":"not currently available.","code":201,}"#, Envelope::Unreadable),
            (r#"{"stat":"ok"} trailing"#, Envelope::Unreadable),
            (r#"jsonFlickrApi({"stat":"ok"})"#, Envelope::Unreadable),
            ("{}", Envelope::Unreadable),
            (r#"["stat","ok"]"#, Envelope::Unreadable),
            (r#""ok""#, Envelope::Unreadable),
            ("null", Envelope::Unreadable),
            ("", Envelope::Unreadable),
            (
                "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"fail\">\n\t<err code=\"2\" msg=\"Photo \
                 &quot;1&quot; not found\" />\n</rsp>\n",
                in_xml(2, "Photo \"1\" not found"),
            ),
            ("<rsp stat=\"ok\">\n<err code=\"2\" msg=\"\" /></rsp>", Envelope::Xml(None)),
            ("<rsp stat=\"fail\"></rsp>", Envelope::Xml(None)),
            ("<rsp></rsp>", Envelope::Unreadable),
            ("<html><rsp stat=\"fail\"><err code=\"1\"/></rsp></html>", Envelope::Unreadable),
            ("<html><body><h1>429 Too Many Requests</h1>\n</body></html>", Envelope::Unreadable),
            ("<rsp stat=\"fail\"><err code=\"1\" msg=\"&bomb;\"/></rsp>", in_xml(1, "")),
        ];
        for (text, envelope) in table {
            assert_eq!(read(text), envelope, "{text}");
        }
    }

    #[test]
    fn an_echo_loses_reserved_members_and_nothing_else() {
        let echo = r#"{ "method":{"_content":"flickr.test.echo"}, "api_key":{"_content":"k"}, "oauth_token":{"_content":"t"},"format":{"_content":"json"},"nojsoncallback":{"_content":1},"z\u0022":{ "_content" : "\u00e9" },"a":{"_content":1.0},"stat":"ok"}"#;
        assert_eq!(without_reserved(echo), r#"{"z\"":{ "_content" : "\u00e9" },"a":{"_content":1.0},"stat":"ok"}"#);
        let plain = r#"{ "a" : 1,"stat":"ok" }"#;
        assert_eq!(without_reserved(plain), plain);
        assert_eq!(without_reserved("[\"oauth_token\"]"), "{}");
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in ".*", tag in "[{<\"]{0,2}") {
            read(&format!("{tag}{text}"));
            without_reserved(&text);
        }

        #[test]
        fn any_failure_is_read_back(code: i64, message: String) {
            let text = serde_json::json!({"stat": "fail", "code": code, "message": message}).to_string();
            prop_assert_eq!(read(&text), failed(code, &message));
        }
    }
}
