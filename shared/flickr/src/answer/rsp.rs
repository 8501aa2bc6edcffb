//! Answers in XML: `<rsp stat="fail"><err code="1" msg="..." /></rsp>`.

use quick_xml::{
    Reader, XmlVersion,
    events::{BytesStart, Event, attributes::Attribute},
};

use super::failure::Failure;

/// What an answer in XML has, as far as it can be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Rsp {
    /// Whether it says `stat="fail"`.
    pub is_failure: bool,
    /// What a failure says of itself.
    pub failure: Option<Failure>,
    /// The attributes of all elements and the texts of those that have nothing else: names and values in order.
    values: Vec<(String, String)>,
}

impl Rsp {
    /// Reads `text`; `None` where it is no `rsp` with a `stat`.
    pub fn read(text: &str) -> Option<Self> {
        let mut xml = Reader::from_str(text);
        let first = loop {
            match xml.read_event().ok()? {
                Event::Start(element) | Event::Empty(element) => break element,
                Event::Eof => return None,
                _ => {}
            }
        };
        if first.name().as_ref() != "rsp" {
            return None;
        }
        let is_failure = attribute(&first, "stat")? == "fail";
        let mut rsp = Self { is_failure, values: attributes(&first), ..Self::default() };
        rsp.read_elements(&mut xml);
        Some(rsp)
    }

    /// Reads up to the end, or to where the text is no XML any more.
    fn read_elements(&mut self, xml: &mut Reader<&[u8]>) {
        let mut open: Option<(String, String)> = None;
        while let Ok(event) = xml.read_event() {
            match event {
                Event::Start(element) | Event::Empty(element) => {
                    if self.is_failure && self.failure.is_none() && element.name().as_ref() == "err" {
                        self.failure = Some(Failure {
                            code: attribute(&element, "code").and_then(|code| code.parse().ok()),
                            message: attribute(&element, "msg").unwrap_or_default(),
                        });
                    }
                    self.values.extend(attributes(&element));
                    open = Some((element.name().as_ref().to_owned(), String::new()));
                }
                Event::Text(piece) => {
                    if let Some((_, text)) = &mut open {
                        text.push_str(&piece.xml_content(XmlVersion::Explicit1_0));
                    }
                }
                Event::End(_) => {
                    self.values.extend(open.take().map(|(name, text)| (name, text.trim().to_owned())));
                }
                // No value of Flickr's has these.
                Event::GeneralRef(_) | Event::CData(_) => open = None,
                Event::Eof => return,
                _ => {}
            }
        }
    }

    /// The first value that is not empty of the elements and attributes called `name`.
    pub fn value(&self, name: &str) -> Option<&str> {
        let mut values = self.values.iter().filter(|(known, value)| known == name && !value.is_empty());
        values.next().map(|(_, value)| value.as_str())
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    value(&element.try_get_attribute(name).ok()??)
}

fn attributes(element: &BytesStart<'_>) -> Vec<(String, String)> {
    let readable = element.attributes().filter_map(Result::ok);
    readable.filter_map(|attribute| Some((attribute.key.as_ref().to_owned(), value(&attribute)?))).collect()
}

fn value(attribute: &Attribute<'_>) -> Option<String> {
    Some(attribute.normalized_value(XmlVersion::Explicit1_0).ok()?.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn recorded_answers_are_read() {
        let xml = |inner: &str| format!("<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n{inner}\n");
        let uploaded = xml("<rsp stat=\"ok\">\n<photoid>10100858276</photoid>\n</rsp>");
        assert_eq!(Rsp::read(&uploaded).unwrap().value("photoid"), Some("10100858276"));
        let replaced = xml(
            "<rsp stat=\"ok\">\n<photoid secret=\"f408b81374\" originalsecret=\"95e713eb4e\">10100895983</photoid>\n</rsp>",
        );
        let replaced = Rsp::read(&replaced).unwrap();
        assert_eq!((replaced.is_failure, replaced.value("photoid")), (false, Some("10100895983")));
        assert_eq!(replaced.value("originalsecret"), Some("95e713eb4e"));
        let ticket = xml("<rsp stat=\"ok\">\n<ticketid>78701040-72157636215117185</ticketid>\n</rsp>");
        assert_eq!(Rsp::read(&ticket).unwrap().value("ticketid"), Some("78701040-72157636215117185"));
    }

    #[test]
    fn what_goes_with_a_failure_is_an_element_or_an_attribute() {
        for text in [
            "<rsp stat=\"fail\"><err code=\"9\" msg=\"d\" /><duplicate_photo_id>12</duplicate_photo_id></rsp>",
            "<rsp stat=\"fail\"><err code=\"9\" msg=\"d\" duplicate_photo_id=\"12\" /></rsp>",
            "<rsp stat=\"fail\"><err code=\"9\" msg=\"d\"><duplicate_photo_id> 12\n</duplicate_photo_id></err></rsp>",
            "<rsp stat=\"fail\"><duplicate_photo_id>12</duplicate_photo_id><err code=\"9\" msg=\"d\" /></rsp>",
            "<rsp stat=\"fail\" duplicate_photo_id=\"12\"><err code=\"9\" msg=\"d\"/><duplicate_photo_id/></rsp>",
        ] {
            let rsp = Rsp::read(text).unwrap();
            assert_eq!(rsp.failure, Some(Failure { code: Some(9), message: "d".to_owned() }), "{text}");
            assert_eq!(rsp.value("duplicate_photo_id"), Some("12"), "{text}");
        }
    }

    #[test]
    fn what_ended_early_has_only_what_was_there_whole() {
        let value = |text: &str| Rsp::read(text).unwrap().value("photoid").map(str::to_owned);
        assert_eq!(value("<rsp stat=\"ok\"><photoid>123"), None);
        assert_eq!(value("<rsp stat=\"ok\"><photoid>123</pho"), None);
        assert_eq!(value("<rsp stat=\"ok\"><photoid>123</photoid><"), Some("123".to_owned()));
        assert_eq!(value("<rsp stat=\"ok\"><photoid></photoid></rsp>"), None);
        for text in ["", "<rsp>", "<rsp stat=\"ok\"", "<html stat=\"ok\"/>", "x<html><rsp stat=\"ok\"/></html>"] {
            assert_eq!(Rsp::read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(.|[<>/\"= &;]|rsp|stat|ok|err|photoid){0,60}") {
            let _ = Rsp::read(&text);
            let _ = Rsp::read(&format!("<rsp stat=\"fail\">{text}"));
        }
    }
}
