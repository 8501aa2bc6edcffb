//! What a request says, as a signature covers it.

use super::{encoding, refused::Refused};

/// What of a request is covered by its signature: all of it that the profile knows, and no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Message<'a> {
    /// The HTTP method, as it was sent.
    pub(super) method: &'a str,
    /// The path as it was sent, with what the API's stage or domain puts before it.
    pub(super) path: &'a str,
    /// The names and values of the query, decoded.
    pub(super) query: Vec<(String, String)>,
    /// The header, where it came.
    pub(super) content_digest: Option<&'a str>,
    /// The header, where it came.
    pub(super) idempotency_key: Option<&'a str>,
}

/// A component (RFC 9421, section 2): its identifier, and its value in the signature base.
pub(super) type Component = (String, String);

impl Message<'_> {
    /// What the signature must cover: each of these once, in whatever order, and nothing else.
    ///
    /// # Errors
    /// [`Refused::QueryTwice`]: a component cannot name one of two values (RFC 9421, section 2.2.8).
    pub(super) fn components(&self) -> Result<Vec<Component>, Refused> {
        let mut components: Vec<Component> = vec![
            (r#""@method""#.to_owned(), self.method.to_owned()),
            (r#""@path""#.to_owned(), encoding::path(self.path)),
        ];
        let headers = [("content-digest", self.content_digest), ("idempotency-key", self.idempotency_key)];
        for (name, value) in headers {
            components.extend(value.map(|value| (format!(r#""{name}""#), value.trim_matches([' ', '\t']).to_owned())));
        }
        for (name, value) in &self.query {
            // What is escaped needs no escapes of a structured field.
            let identifier = format!(r#""@query-param";name="{}""#, encoding::query(name));
            if components.iter().any(|(known, _)| *known == identifier) {
                return Err(Refused::QueryTwice);
            }
            components.push((identifier, encoding::query(value)));
        }
        Ok(components)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(query: &[(&str, &str)]) -> Message<'static> {
        Message {
            method: "POST",
            path: "/api/v1/flickr/rest",
            query: query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            content_digest: None,
            idempotency_key: None,
        }
    }

    #[test]
    fn a_component_is_there_for_all_that_came() {
        let parts = [("param", "value"), ("a b", "ü"), ("empty", "")];
        let message =
            Message { content_digest: Some(" sha-256=:AA==: "), idempotency_key: Some("\"k\""), ..message(&parts) };
        let lines: Vec<String> =
            message.components().unwrap().iter().map(|(name, value)| format!("{name}: {value}")).collect();
        let expected = [
            r#""@method": POST"#,
            r#""@path": /api/v1/flickr/rest"#,
            r#""content-digest": sha-256=:AA==:"#,
            r#""idempotency-key": "k""#,
            r#""@query-param";name="param": value"#,
            r#""@query-param";name="a%20b": %C3%BC"#,
            r#""@query-param";name="empty": "#,
        ];
        assert_eq!(lines, expected);
    }

    /// RFC 9421, section 2.2.8: its three examples.
    #[test]
    fn query_parameters_are_spelt_as_the_rfc_spells_them() {
        let query = [
            ("var", "this is a big\nmultiline value"),
            ("bar", "with plus whitespace"),
            ("fa\u{e7}ade\": ", "something"),
        ];
        let components = message(&query).components().unwrap();
        assert_eq!(components[2].1, "this%20is%20a%20big%0Amultiline%20value");
        assert_eq!(components[3].1, "with%20plus%20whitespace");
        assert_eq!(components[4].0, r#""@query-param";name="fa%C3%A7ade%22%3A%20""#);
    }

    #[test]
    fn a_parameter_that_is_given_twice_is_refused() {
        assert_eq!(message(&[("a", "1"), ("b", "2"), ("a", "1")]).components(), Err(Refused::QueryTwice));
    }
}
