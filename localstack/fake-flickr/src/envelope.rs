//! Flickr's own envelope: a tree of elements that is written as XML or as JSON.
//!
//! An attribute becomes a string member, the text of an element becomes `_content`, repeated elements become an
//! array. Flickr writes some members as numbers and some as null; the tree says which.

use std::fmt::Write as _;

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use crate::answer::{Answer, Stat};

/// The result of a method: the elements inside the envelope, or an error.
pub(crate) type MethodResult = Result<Vec<Element>, ApiError>;

/// An error of the API, which Flickr answers with HTTP 200.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ApiError {
    pub code: i64,
    pub message: String,
    /// Elements that follow `<err>`, such as the id of the photo that an upload duplicates.
    pub extra_elements: Vec<Element>,
    /// Attributes of `<err>` that follow the message.
    pub extra_attributes: Vec<(&'static str, String)>,
}

impl ApiError {
    pub(crate) fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), extra_elements: Vec::new(), extra_attributes: Vec::new() }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Scalar {
    Text(String),
    Number(u64),
    /// `null` in JSON, absent in XML.
    Null,
}

impl Scalar {
    /// A number that may be a string in JSON.
    pub(crate) fn number(number: u64, as_string: bool) -> Self {
        if as_string { Self::Text(number.to_string()) } else { Self::Number(number) }
    }
}

impl From<&str> for Scalar {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Scalar {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<u64> for Scalar {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Scalar {
    fn from(number: usize) -> Self {
        Self::Number(number as u64)
    }
}

impl From<bool> for Scalar {
    fn from(flag: bool) -> Self {
        Self::Number(u64::from(flag))
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element {
    name: String,
    attributes: Vec<(&'static str, Scalar)>,
    text: Option<String>,
    children: Vec<Child>,
}

#[derive(Clone, Debug, PartialEq)]
enum Child {
    One(Element),
    Many(&'static str, Vec<Element>),
}

impl Element {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), attributes: Vec::new(), text: None, children: Vec::new() }
    }

    pub(crate) fn with_text(name: impl Into<String>, text: impl Into<String>) -> Self {
        Self { text: Some(text.into()), ..Self::new(name) }
    }

    pub(crate) fn attr(mut self, name: &'static str, value: impl Into<Scalar>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }

    pub(crate) fn child(mut self, child: Self) -> Self {
        self.children.push(Child::One(child));
        self
    }

    /// Adds a child that has only text.
    pub(crate) fn text(self, name: &'static str, text: impl Into<String>) -> Self {
        self.child(Self::with_text(name, text))
    }

    /// Adds children named `name` that are an array in JSON, however many there are.
    pub(crate) fn many(mut self, name: &'static str, children: Vec<Self>) -> Self {
        self.children.push(Child::Many(name, children));
        self
    }

    fn write_xml(&self, depth: usize, out: &mut String) {
        indent(depth, out);
        out.push('<');
        out.push_str(&self.name);
        for (name, value) in &self.attributes {
            match value {
                Scalar::Text(text) => {
                    let _ = write!(out, " {name}=\"");
                    escape(text, out);
                    out.push('"');
                }
                Scalar::Number(number) => {
                    let _ = write!(out, " {name}=\"{number}\"");
                }
                Scalar::Null => {}
            }
        }
        let text = self.text.as_deref().unwrap_or_default();
        let mut children = self.children.iter().flat_map(Child::elements).peekable();
        if text.is_empty() && children.peek().is_none() {
            out.push_str(" />\n");
            return;
        }
        out.push('>');
        escape(text, out);
        if children.peek().is_some() {
            out.push('\n');
            children.for_each(|child| child.write_xml(depth + 1, out));
            indent(depth, out);
        }
        let _ = writeln!(out, "</{}>", self.name);
    }
}

impl Child {
    fn elements(&self) -> &[Element] {
        match self {
            Self::One(element) => std::slice::from_ref(element),
            Self::Many(_, elements) => elements,
        }
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_u64(*number),
            Self::Null => serializer.serialize_unit(),
        }
    }
}

impl Serialize for Element {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in &self.attributes {
            map.serialize_entry(name, value)?;
        }
        for child in &self.children {
            match child {
                Child::One(element) => map.serialize_entry(&element.name, element)?,
                Child::Many(name, elements) => map.serialize_entry(name, elements)?,
            }
        }
        if let Some(text) = &self.text {
            map.serialize_entry("_content", text)?;
        }
        map.end()
    }
}

/// The envelope in JSON: the members of the elements and `stat`.
struct Json<'a>(&'a MethodResult);

impl Serialize for Json<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self.0 {
            Ok(elements) => {
                // A client may send `test.echo` a parameter of this name.
                for element in elements.iter().filter(|element| element.name != "stat") {
                    map.serialize_entry(&element.name, element)?;
                }
                map.serialize_entry("stat", "ok")?;
            }
            Err(error) => {
                map.serialize_entry("stat", "fail")?;
                map.serialize_entry("code", &error.code)?;
                map.serialize_entry("message", &error.message)?;
            }
        }
        map.end()
    }
}

/// The format of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    Xml,
    Json,
    /// JSON as the argument of the named JavaScript function.
    Jsonp(String),
}

impl Format {
    /// A format that a client that asked for this one does not expect.
    pub(crate) fn other(&self) -> Self {
        if *self == Self::Xml { Self::Json } else { Self::Xml }
    }

    pub(crate) fn render(&self, reply: &MethodResult) -> Answer {
        let (content_type, body) = match self {
            Self::Xml => ("text/xml; charset=utf-8", xml(reply)),
            Self::Json => ("application/json", json(reply)),
            Self::Jsonp(function) => ("text/javascript; charset=utf-8", format!("{function}({})", json(reply))),
        };
        let (stat, code) = match reply {
            Ok(_) => (Stat::Ok, None),
            Err(error) => (Stat::Fail, Some(error.code)),
        };
        Answer { stat: Some(stat), code, ..Answer::new(200, content_type, body) }
    }
}

fn xml(reply: &MethodResult) -> String {
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n");
    match reply {
        Ok(elements) => {
            out.push_str("<rsp stat=\"ok\">\n");
            elements.iter().for_each(|element| element.write_xml(0, &mut out));
        }
        Err(error) => {
            out.push_str("<rsp stat=\"fail\">\n");
            let _ = write!(out, "\t<err code=\"{}\" msg=\"", error.code);
            escape(&error.message, &mut out);
            for (name, value) in &error.extra_attributes {
                let _ = write!(out, "\" {name}=\"");
                escape(value, &mut out);
            }
            out.push_str("\" />\n");
            error.extra_elements.iter().for_each(|element| element.write_xml(1, &mut out));
        }
    }
    out.push_str("</rsp>\n");
    out
}

fn json(reply: &MethodResult) -> String {
    serde_json::to_string(&Json(reply)).unwrap_or_default()
}

fn indent(depth: usize, out: &mut String) {
    out.extend(std::iter::repeat_n('\t', depth));
}

/// Escapes `text` for XML, and drops the control characters that XML cannot hold.
pub(crate) fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(character),
            '\u{fffe}' | '\u{ffff}' => {}
            control if control < ' ' => {}
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photos() -> MethodResult {
        let photo = Element::new("photo").attr("id", "1").attr("ispublic", true).attr("alias", Scalar::Null);
        Ok(vec![
            Element::new("photos")
                .attr("page", 1_u64)
                .many("photo", vec![photo])
                .text("title", "a < \"b\"")
                .text("description", ""),
        ])
    }

    #[test]
    fn the_xml_has_flickrs_white_space() {
        assert_eq!(xml(&Ok(vec![])), "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"ok\">\n</rsp>\n");
        assert_eq!(
            xml(&Err(ApiError::new(2, "Permission denied"))),
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"fail\">\n\t<err code=\"2\" msg=\"Permission \
             denied\" />\n</rsp>\n"
        );
        assert_eq!(
            xml(&Ok(vec![Element::with_text("photoid", "10100858276")])),
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"ok\">\n<photoid>10100858276</photoid>\n</rsp>\n"
        );
        assert_eq!(
            xml(&photos()),
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<rsp stat=\"ok\">\n<photos page=\"1\">\n\t<photo id=\"1\" \
             ispublic=\"1\" />\n\t<title>a &lt; &quot;b&quot;</title>\n\t<description />\n</photos>\n</rsp>\n"
        );
    }

    #[test]
    fn json_follows_the_conversion_rules() {
        assert_eq!(json(&Ok(vec![])), r#"{"stat":"ok"}"#);
        assert_eq!(
            json(&Err(ApiError::new(98, "Invalid auth token"))),
            r#"{"stat":"fail","code":98,"message":"Invalid auth token"}"#
        );
        assert_eq!(
            json(&photos()),
            "{\"photos\":{\"page\":1,\"photo\":[{\"id\":\"1\",\"ispublic\":1,\"alias\":null}],\"title\":{\"_content\":\
             \"a < \\\"b\\\"\"},\"description\":{\"_content\":\"\"}},\"stat\":\"ok\"}"
        );
    }

    #[test]
    fn extra_elements_follow_the_error() {
        let error = ApiError {
            extra_elements: vec![Element::with_text("duplicate_photo_id", "7")],
            ..ApiError::new(9, "Duplicate")
        };
        assert!(
            xml(&Err(error)).contains("msg=\"Duplicate\" />\n\t<duplicate_photo_id>7</duplicate_photo_id>\n</rsp>")
        );
    }
}
