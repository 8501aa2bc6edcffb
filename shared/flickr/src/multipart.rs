//! A file and its text fields as `multipart/form-data` (RFC 7578), of a length that is known before it is sent.
//!
//! Flickr's front ends refuse a body without a length, and its signature covers the text fields: so both ends of the body
//! are made here, and the file goes between them as it comes.

use bytes::Bytes;

/// The name of the part that is the file. It is the only one that is not signed.
const FILE: &str = "photo";

/// Both ends of a body with a file in the middle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Multipart {
    boundary: String,
    head: Bytes,
    tail: Bytes,
}

/// Why a body cannot be made: what it has cannot be written without changing the meaning of the rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unsendable {
    #[error("a field's name is not of letters, digits and `_`, or is the file's own")]
    FieldName,
    #[error("a field has the boundary that was drawn")]
    Boundary,
    #[error("the file's name is not plain ASCII")]
    FileName,
    #[error("the content type is not plain ASCII")]
    ContentType,
}

impl Multipart {
    /// The ends around the file called `name`, with `fields` before it. `random` makes a boundary that nobody can have
    /// written into the file.
    ///
    /// # Errors
    /// [`Unsendable`].
    pub fn new(
        random: [u8; 16],
        fields: &[(String, String)],
        name: &str,
        content_type: &str,
    ) -> Result<Self, Unsendable> {
        let boundary = format!("FlickrHub-{}", hex::encode(random));
        if !is_header_text(name) || name.contains(['"', '\\']) {
            return Err(Unsendable::FileName);
        }
        if !is_header_text(content_type) {
            return Err(Unsendable::ContentType);
        }
        let mut head = String::new();
        for (field, value) in fields {
            if !is_field_name(field) {
                return Err(Unsendable::FieldName);
            }
            if value.contains(&boundary) {
                return Err(Unsendable::Boundary);
            }
            let part =
                ["--", &boundary, "\r\nContent-Disposition: form-data; name=\"", field, "\"\r\n\r\n", value, "\r\n"];
            head.extend(part);
        }
        head.extend(["--", &boundary, "\r\nContent-Disposition: form-data; name=\"", FILE, "\"; filename=\"", name]);
        head.extend(["\"\r\nContent-Type: ", content_type, "\r\n\r\n"]);
        let tail = format!("\r\n--{boundary}--\r\n");
        Ok(Self { boundary, head: head.into(), tail: tail.into() })
    }

    /// The request's `Content-Type`.
    pub fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }

    /// The request's `Content-Length`, with a file of `file_bytes`.
    pub fn content_length(&self, file_bytes: u64) -> u64 {
        (self.head.len() as u64).saturating_add(file_bytes).saturating_add(self.tail.len() as u64)
    }

    /// What goes before the file.
    pub fn head(&self) -> Bytes {
        self.head.clone()
    }

    /// What goes after it.
    pub fn tail(&self) -> Bytes {
        self.tail.clone()
    }
}

/// Whether `text` can be in a header: printable ASCII, and some.
fn is_header_text(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| (b' '..=b'~').contains(&byte))
}

fn is_field_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name != FILE && name.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn body(multipart: &Multipart, file: &[u8]) -> Vec<u8> {
        [&multipart.head(), file, &multipart.tail()].concat()
    }

    /// The headers and the content of each part, read with nothing but the boundary.
    fn parts(body: &[u8], boundary: &str) -> Vec<(String, Vec<u8>)> {
        let find = |text: &[u8], what: &str| text.windows(what.len()).position(|window| window == what.as_bytes());
        let mut rest = [b"\r\n", body].concat();
        let mut parts = Vec::new();
        let delimiter = format!("\r\n--{boundary}");
        rest.drain(..find(&rest, &delimiter).unwrap() + delimiter.len());
        while rest.starts_with(b"\r\n") {
            let headers_end = find(&rest, "\r\n\r\n").unwrap();
            let end = find(&rest, &delimiter).unwrap();
            parts
                .push((String::from_utf8(rest[2..headers_end].to_vec()).unwrap(), rest[headers_end + 4..end].to_vec()));
            rest.drain(..end + delimiter.len());
        }
        assert_eq!(rest, b"--\r\n");
        parts
    }

    #[test]
    fn the_text_fields_come_first_and_the_file_last() {
        let fields = owned(&[("title", "Übung \"1\""), ("tags", "a b"), ("description", "")]);
        let multipart = Multipart::new([0xab; 16], &fields, "bung__1.jpg", "image/jpeg").unwrap();
        let b = format!("FlickrHub-{}", "ab".repeat(16));
        assert_eq!(multipart.content_type(), format!("multipart/form-data; boundary={b}"));
        let expected = format!(
            "--{b}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nÜbung \"1\"\r\n\
             --{b}\r\nContent-Disposition: form-data; name=\"tags\"\r\n\r\na b\r\n\
             --{b}\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\n\r\n\
             --{b}\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"bung__1.jpg\"\r\n\
             Content-Type: image/jpeg\r\n\r\nBYTES\r\n--{b}--\r\n"
        );
        assert_eq!(String::from_utf8(body(&multipart, b"BYTES")).unwrap(), expected);
    }

    #[test]
    fn what_would_change_the_meaning_of_the_rest_is_refused() {
        let new = |field: (&str, &str), name, content_type| {
            Multipart::new([0; 16], &owned(&[field]), name, content_type).map(|_| ())
        };
        assert_eq!(new(("title", "a\r\n\"--"), "a b.jpg", "image/jpeg"), Ok(()));
        for name in ["", "photo", "a\"b", "a\r\nb", "é", "a-b"] {
            assert_eq!(new((name, "x"), "a.jpg", "image/jpeg"), Err(Unsendable::FieldName), "{name:?}");
        }
        for name in ["", "a\".jpg", "a\\.jpg", "a\r\nX-Y: z.jpg", "a\n.jpg", "a\0.jpg", "é.jpg"] {
            assert_eq!(new(("title", "x"), name, "image/jpeg"), Err(Unsendable::FileName), "{name:?}");
        }
        for content_type in ["", "image/jpeg\r\nX-Y: z", "image/é"] {
            assert_eq!(new(("title", "x"), "a.jpg", content_type), Err(Unsendable::ContentType), "{content_type:?}");
        }
        let boundary = format!("x FlickrHub-{} y", "00".repeat(16));
        assert_eq!(new(("title", &boundary), "a.jpg", "image/jpeg"), Err(Unsendable::Boundary));
    }

    proptest! {
        #[test]
        fn what_was_put_in_is_read_back_and_the_length_is_right_to_the_byte(
            random: [u8; 16],
            values in prop::collection::vec("(.|[\r\n\"\\-]|--FlickrHub-){0,40}", 0..6),
            file: Vec<u8>,
        ) {
            let fields: Vec<(String, String)> =
                values.iter().enumerate().map(|(i, value)| (format!("field_{i}"), value.clone())).collect();
            let multipart = Multipart::new(random, &fields, "a.jpg", "image/jpeg").unwrap();
            let body = body(&multipart, &file);
            prop_assert_eq!(multipart.content_length(file.len() as u64), body.len() as u64);
            let boundary = multipart.content_type().split_once("boundary=").unwrap().1.to_owned();
            let parts = parts(&body, &boundary);
            let (photo, texts) = parts.split_last().unwrap();
            prop_assert_eq!(&photo.1, &file);
            prop_assert!(photo.0.contains("name=\"photo\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg"));
            prop_assert_eq!(texts.len(), fields.len());
            for ((headers, content), (name, value)) in texts.iter().zip(&fields) {
                prop_assert_eq!(headers, &format!("Content-Disposition: form-data; name=\"{name}\""));
                prop_assert_eq!(content, value.as_bytes());
            }
        }

        #[test]
        fn a_hostile_name_is_refused_or_changes_nothing(name: String, field: String, content_type: String) {
            let fields = vec![(field.clone(), "x".to_owned())];
            if let Ok(multipart) = Multipart::new([1; 16], &fields, &name, &content_type) {
                let boundary = multipart.content_type().split_once("boundary=").unwrap().1.to_owned();
                let parts = parts(&body(&multipart, b"f"), &boundary);
                prop_assert_eq!(parts.len(), 2);
                let expected = format!(
                    "Content-Disposition: form-data; name=\"photo\"; filename=\"{name}\"\r\nContent-Type: {content_type}"
                );
                prop_assert_eq!(&parts[1].0, &expected);
                prop_assert_eq!(parts[1].0.matches("\r\n").count(), 1);
            }
        }
    }
}
