//! A call of Flickr's REST API: a method and its parameters.

use std::{collections::BTreeMap, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::json;

/// The longest method name, in characters; Flickr's own longest has 45.
pub const MAX_METHOD_CHARACTERS: usize = 100;

/// The longest parameters of a call, in bytes of their JSON text: three times the longest that Flickr itself takes, the
/// list of an album of 5,000 photos. They are stored in a DynamoDB item, of up to 400 KiB, with the job's `meta`. A
/// partition of a table takes 1,000 write units a second, and a transaction uses two for each KiB.
pub const MAX_PARAMS_BYTES: usize = 256 * 1024;

/// The longest name of a parameter, in characters; the longest that Flickr documents has 24.
pub const MAX_NAME_CHARACTERS: usize = 100;

/// A method of Flickr's API: `flickr.` and one or more dotted words.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MethodName(String);

/// Why a method is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMethod {
    /// Not of the shape `flickr.a.b`.
    #[error("a method is shaped `flickr.a.b`: letters and digits, in words joined by dots")]
    Shape,
    /// The answers of these hold tokens.
    #[error("methods of flickr.auth are refused: their answers hold tokens")]
    Auth,
}

impl MethodName {
    /// As Flickr writes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for MethodName {
    type Err = InvalidMethod;

    fn from_str(text: &str) -> Result<Self, InvalidMethod> {
        let mut words = text.split('.');
        let first = words.next() == Some("flickr");
        let rest: Vec<&str> = words.collect();
        let shaped = rest.len() >= 2
            && rest.iter().all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric()));
        if !first || !shaped || text.len() > MAX_METHOD_CHARACTERS {
            return Err(InvalidMethod::Shape);
        }
        if rest[0].eq_ignore_ascii_case("auth") {
            return Err(InvalidMethod::Auth);
        }
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for MethodName {
    type Error = InvalidMethod;

    fn try_from(text: String) -> Result<Self, InvalidMethod> {
        text.parse()
    }
}

impl From<MethodName> for String {
    fn from(method: MethodName) -> String {
        method.0
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One call of Flickr's REST API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestCall {
    /// Flickr's method.
    pub method: MethodName,
    /// Its parameters.
    pub params: Params,
}

/// Some of Flickr's methods: one by its name, or all whose names begin so, as `flickr.photos.*`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct MethodPattern {
    begin: String,
    open: bool,
}

/// The text is no pattern of methods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("name a method, such as `flickr.photos.getInfo`, or the beginning of some and `*`, such as `flickr.photos.*`")]
pub struct InvalidPattern;

impl FromStr for MethodPattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        let (begin, open) = text.strip_suffix('*').map_or((text, false), |begin| (begin, true));
        let plain = begin.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
        if !plain || (begin.is_empty() && !open) || text.len() > MAX_METHOD_CHARACTERS {
            return Err(InvalidPattern);
        }
        Ok(Self { begin: begin.to_owned(), open })
    }
}

impl TryFrom<String> for MethodPattern {
    type Error = InvalidPattern;

    fn try_from(text: String) -> Result<Self, InvalidPattern> {
        text.parse()
    }
}

impl MethodPattern {
    /// Whether `method`, a method's name, is among them.
    pub fn matches(&self, method: &str) -> bool {
        if self.open { method.starts_with(&self.begin) } else { method == self.begin }
    }

    /// How closely it names what it matches: of two patterns that match a method, the closer one is
    /// greater.
    pub fn closeness(&self) -> (bool, usize) {
        (!self.open, self.begin.len())
    }
}

/// The parameters of a call, without those that FlickrHub itself sets.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(BTreeMap<String, String>);

/// Why parameters are refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidParams {
    /// No JSON object.
    #[error("must be an object")]
    NotAnObject,
    /// FlickrHub alone sets these.
    #[error("`{0}` is set by FlickrHub and cannot be given")]
    Reserved(String),
    /// A value Flickr has no form for.
    #[error("`{0}` must be a string, a number or a boolean")]
    NotFlat(String),
    /// A text that is no Unicode: an escape of half a character.
    #[error("`{0}` is no text")]
    NotText(String),
    /// A number whose plain decimal form is too long.
    #[error("`{0}` has no plain decimal form of at most {max} characters: give it as a string", max = json::MAX_PLAIN_CHARACTERS)]
    NotPlain(String),
    /// A name Flickr has no form for.
    #[error("a parameter's name is 1 to {MAX_NAME_CHARACTERS} letters, digits and underscores")]
    Name,
    /// More than [`MAX_PARAMS_BYTES`].
    #[error("has more than {MAX_PARAMS_BYTES} bytes")]
    TooLarge,
}

/// Whether FlickrHub alone sets the parameter `name`.
pub fn is_reserved(name: &str) -> bool {
    const RESERVED: [&str; 7] =
        ["api_key", "api_sig", "auth_token", "format", "jsoncallback", "method", "nojsoncallback"];
    RESERVED.contains(&name) || name.starts_with("oauth_")
}

/// Whether a parameter can be called so. Flickr runs on PHP, which makes other names into these: it drops leading
/// blanks, and reads `.` and blanks as `_`. So a name could be reserved there and not here.
fn is_name(name: &str) -> bool {
    let is_letter = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=MAX_NAME_CHARACTERS).contains(&name.len()) && name.bytes().all(is_letter)
}

impl Params {
    /// Reads parameters from the text of a JSON object. Numbers become plain decimals, as they are written, and never
    /// another number; booleans become Flickr's `1` and `0`. Of a name that comes twice the last value counts, as in
    /// PHP, on which Flickr runs.
    ///
    /// # Errors
    /// [`InvalidParams`], naming the first offending parameter.
    pub fn from_json(text: &str) -> Result<Self, InvalidParams> {
        let values: BTreeMap<String, &RawValue> = serde_json::from_str(text).map_err(|_| InvalidParams::NotAnObject)?;
        let mut params = BTreeMap::new();
        for (name, value) in values {
            if !is_name(&name) {
                return Err(InvalidParams::Name);
            }
            if is_reserved(&name) {
                return Err(InvalidParams::Reserved(name));
            }
            let value = flat(&name, value.get())?;
            params.insert(name, value);
        }
        let params = Self(params);
        if params.json_bytes() > MAX_PARAMS_BYTES {
            return Err(InvalidParams::TooLarge);
        }
        Ok(params)
    }

    /// The length of their JSON text, in bytes.
    fn json_bytes(&self) -> usize {
        // Texts can always be written as JSON.
        serde_json::to_string(self).map_or(usize::MAX, |text| text.len())
    }

    /// Name and value of each, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The JSON text `value` as Flickr gets it.
fn flat(name: &str, value: &str) -> Result<String, InvalidParams> {
    match value.as_bytes().first() {
        Some(b'"') => serde_json::from_str(value).map_err(|_| InvalidParams::NotText(name.to_owned())),
        Some(b't') => Ok("1".to_owned()),
        Some(b'f') => Ok("0".to_owned()),
        Some(b'-' | b'0'..=b'9') => json::plain_number(value).ok_or_else(|| InvalidParams::NotPlain(name.to_owned())),
        _ => Err(InvalidParams::NotFlat(name.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(json: &serde_json::Value) -> Result<Params, InvalidParams> {
        Params::from_json(&json.to_string())
    }

    #[test]
    fn methods_are_dotted_words_under_flickr() {
        for good in ["flickr.test.login", "flickr.photos.licenses.setLicense", "flickr.urls.lookupUser2"] {
            assert_eq!(good.parse::<MethodName>().map(|m| m.to_string()), Ok(good.to_owned()));
        }
        for bad in ["", "flickr", "flickr.test", "test.a.b", "flickr..a", "flickr.a.b.", "flickr.a.b c", "flickr.a.é"]
        {
            assert_eq!(bad.parse::<MethodName>(), Err(InvalidMethod::Shape), "{bad:?}");
        }
        assert_eq!(format!("flickr.a.{}", "b".repeat(100)).parse::<MethodName>(), Err(InvalidMethod::Shape));
    }

    #[test]
    fn methods_that_answer_with_tokens_are_refused() {
        for bad in ["flickr.auth.getFrob", "flickr.auth.oauth.getAccessToken", "flickr.Auth.checkToken"] {
            assert_eq!(bad.parse::<MethodName>(), Err(InvalidMethod::Auth), "{bad:?}");
        }
    }

    #[test]
    fn a_pattern_is_a_method_or_the_beginning_of_some() {
        let matches = |pattern: &str, method| pattern.parse::<MethodPattern>().unwrap().matches(method);
        assert!(matches("flickr.photos.getInfo", "flickr.photos.getInfo"));
        assert!(!matches("flickr.photos.getInfo", "flickr.photos.getInfos"));
        assert!(matches("flickr.photos.*", "flickr.photos.geo.getLocation"));
        assert!(!matches("flickr.photos.*", "flickr.photosets.getList"));
        assert!(matches("*", "flickr.photosets.getList"));
        for bad in ["", "flickr.*.get", "flickr.photos.**", "flickr photos.*", "é*", &"f".repeat(101)] {
            assert_eq!(bad.parse::<MethodPattern>(), Err(InvalidPattern), "{bad:?}");
        }
    }

    #[test]
    fn flat_values_become_text() {
        let read = params(&serde_json::json!({"t": "a b", "n": 12345678901234567890u64, "f": 1.5, "b": true})).unwrap();
        let pairs: Vec<_> = read.iter().collect();
        assert_eq!(pairs, [("b", "1"), ("f", "1.5"), ("n", "12345678901234567890"), ("t", "a b")]);
    }

    #[test]
    fn numbers_are_sent_as_they_are_written() {
        let text = r#"{"lat": 0.000009, "id": 53461234567.0, "big": 12345678901234567890123, "n": 1e3, "z": -0.0}"#;
        let read = Params::from_json(text).unwrap();
        let pairs: Vec<_> = read.iter().collect();
        let expected = [
            ("big", "12345678901234567890123"),
            ("id", "53461234567.0"),
            ("lat", "0.000009"),
            ("n", "1000"),
            ("z", "-0.0"),
        ];
        assert_eq!(pairs, expected);
        let other = Params::from_json(&text.replace("0123", "0124")).unwrap();
        assert_ne!(read, other);
    }

    #[test]
    fn what_is_no_object_of_flat_values_is_refused() {
        for text in ["", "null", "[1]", "\"a\"", "1", "{\"a\": 1", "{} {}"] {
            assert_eq!(Params::from_json(text), Err(InvalidParams::NotAnObject), "{text}");
        }
        let name = || "a".to_owned();
        assert_eq!(Params::from_json(r#"{"a": 1e400}"#), Err(InvalidParams::NotPlain(name())));
        assert_eq!(Params::from_json(r#"{"a": "\ud800"}"#), Err(InvalidParams::NotText(name())));
        let marked = r#"{"a": {"$serde_json::private::RawValue": "1"}}"#;
        assert_eq!(Params::from_json(marked), Err(InvalidParams::NotFlat(name())));
        assert_eq!(Params::from_json(r#"{"a": 1, "a": 2}"#), Params::from_json(r#"{"a": 2}"#));
    }

    #[test]
    fn bad_parameters_are_named() {
        for name in ["api_key", "oauth_token", "oauth_anything", "format", "nojsoncallback", "method", "api_sig"] {
            assert_eq!(params(&serde_json::json!({name: "x"})), Err(InvalidParams::Reserved(name.to_owned())));
        }
        for value in [serde_json::json!(null), serde_json::json!([1]), serde_json::json!({"a": 1})] {
            assert_eq!(params(&serde_json::json!({"p": value})), Err(InvalidParams::NotFlat("p".to_owned())));
        }
        for name in ["", "a\nb", " method", "oauth.consumer.key", "oauth token", "tags[]", "a-b", "ü", &"n".repeat(101)]
        {
            assert_eq!(params(&serde_json::json!({name: "x"})), Err(InvalidParams::Name), "{name:?}");
        }
        assert!(params(&serde_json::json!({"Machine_Tag_1": "x", "n".repeat(100): "x"})).is_ok());
    }

    #[test]
    fn the_longest_call_of_flickr_is_taken_and_what_cannot_be_stored_is_not() {
        let ids = vec!["5346123456789012"; 5000].join(",");
        let album = serde_json::json!({"photoset_id": "72157600000000001", "primary_photo_id": "1", "photo_ids": ids});
        let read = params(&album).unwrap();
        assert!(read.iter().any(|(name, value)| name == "photo_ids" && value.len() == 84_999));

        let room = MAX_PARAMS_BYTES - r#"{"p":""}"#.len();
        assert!(params(&serde_json::json!({"p": "x".repeat(room)})).is_ok());
        assert_eq!(params(&serde_json::json!({"p": "x".repeat(room + 1)})), Err(InvalidParams::TooLarge));
        // Escaped they are twice as long.
        assert_eq!(params(&serde_json::json!({"p": "\"".repeat(room / 2 + 1)})), Err(InvalidParams::TooLarge));
    }
}
