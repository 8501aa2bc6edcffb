//! What a caller says of a photo: the text fields that go to Flickr with the file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::tags::{MAX_TAGS, count, tag_list};
use crate::{call::Params, job::Target};

/// What Flickr does with a file whose bytes the account has already (`dedup_check`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DedupCheck {
    /// It takes it again.
    Off,
    /// It refuses it, and names the photo, a deleted one too.
    Refuse,
    /// It refuses it where that photo is there, and brings a deleted one back.
    Restore,
}

/// The text fields of an upload or replace, each known and in its range.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadFields(Params);

/// A field that cannot be accepted, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct InvalidField(String);

/// Which values a field has.
enum Values {
    Text,
    Tags,
    Digits,
    OneOf(&'static [&'static str]),
}

const YES_OR_NO: Values = Values::OneOf(&["0", "1"]);

/// The fields of an upload, as Flickr's documentation of `upload` lists them, and `dedup_check`, which it lacks.
const OF_UPLOAD: [(&str, Values); 11] = [
    ("title", Values::Text),
    ("description", Values::Text),
    ("tags", Values::Tags),
    ("is_public", YES_OR_NO),
    ("is_friend", YES_OR_NO),
    ("is_family", YES_OR_NO),
    ("safety_level", Values::OneOf(&["1", "2", "3"])),
    ("content_type", Values::OneOf(&["1", "2", "3", "4"])),
    ("hidden", Values::OneOf(&["1", "2"])),
    (ASYNC, YES_OR_NO),
    (DEDUP_CHECK, Values::OneOf(&["0", "1", "2"])),
];

const OF_REPLACE: [(&str, Values); 2] = [(PHOTO_ID, Values::Digits), (ASYNC, YES_OR_NO)];

const ASYNC: &str = "async";
const DEDUP_CHECK: &str = "dedup_check";
const PHOTO_ID: &str = "photo_id";

impl DedupCheck {
    /// As Flickr writes it; `None` for the field left out.
    pub const fn value(self) -> Option<&'static str> {
        match self {
            DedupCheck::Off => None,
            DedupCheck::Refuse => Some("1"),
            DedupCheck::Restore => Some("2"),
        }
    }

    /// What `value` means: 0, 1 or 2.
    pub fn from_value(value: &str) -> Option<Self> {
        match value {
            "0" => Some(DedupCheck::Off),
            "1" => Some(DedupCheck::Refuse),
            "2" => Some(DedupCheck::Restore),
            _ => None,
        }
    }
}

impl UploadFields {
    /// Reads the JSON object of a job's `params`. Of all fields strings, numbers and booleans; `tags` may also be a list,
    /// whose tags are quoted as Flickr wants.
    ///
    /// # Errors
    /// Names what an upload, or a replace, does not have, or has otherwise.
    pub fn from_json(text: &str, target: Target) -> Result<Self, InvalidField> {
        let params = Params::from_json(&with_tags_as_text(text)?).map_err(|error| InvalidField(error.to_string()))?;
        let known: &[(&str, Values)] = if target == Target::Replace { &OF_REPLACE } else { &OF_UPLOAD };
        for (name, value) in params.iter() {
            let field = known.iter().find(|(known, _)| *known == name);
            let (_, values) = field.ok_or_else(|| InvalidField(format!("`{name}` is no parameter of {target}")))?;
            values.check(value).map_err(|problem| InvalidField(format!("`{name}` {problem}")))?;
        }
        let fields = Self(params);
        fields.check_together(target)?;
        Ok(fields)
    }

    fn check_together(&self, target: Target) -> Result<(), InvalidField> {
        if target == Target::Replace {
            return self.get(PHOTO_ID).map(|_| ()).ok_or_else(|| InvalidField("`photo_id` is required".to_owned()));
        }
        // A duplicate that comes late is a failed ticket, and a failed ticket gives no reason.
        if self.is_async() && self.dedup_check() != Some(DedupCheck::Off) {
            return Err(InvalidField("`async` needs `dedup_check` 0: a ticket does not tell a duplicate".to_owned()));
        }
        Ok(())
    }

    /// Fields as they were stored.
    pub const fn from_stored(params: Params) -> Self {
        Self(params)
    }

    /// As parameters.
    pub const fn params(&self) -> &Params {
        &self.0
    }

    /// The photo whose file is to be replaced.
    pub fn photo_id(&self) -> Option<&str> {
        self.get(PHOTO_ID)
    }

    /// What is to be done with the same bytes; `None` where the caller does not say.
    pub fn dedup_check(&self) -> Option<DedupCheck> {
        DedupCheck::from_value(self.get(DEDUP_CHECK)?)
    }

    /// Whether Flickr is to answer with a ticket.
    pub fn is_async(&self) -> bool {
        self.get(ASYNC) == Some("1")
    }

    /// The text fields to send for an upload: the caller's, with `machine_tag` among the tags, with `title` where the
    /// caller gives none, and with `dedup_check`.
    pub fn of_upload(&self, machine_tag: &str, title: &str, dedup_check: DedupCheck) -> Vec<(String, String)> {
        let mut fields: BTreeMap<&str, String> = self.sent().map(|(name, value)| (name, value.to_owned())).collect();
        let tags = fields.entry("tags").or_default();
        tags.push_str(if tags.is_empty() { "" } else { " " });
        tags.push_str(machine_tag);
        fields.entry("title").or_insert_with(|| title.to_owned());
        fields.extend(dedup_check.value().map(|value| (DEDUP_CHECK, value.to_owned())));
        fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The text fields to send for a replace.
    pub fn of_replace(&self) -> Vec<(String, String)> {
        self.sent().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }

    fn sent(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().filter(|(name, _)| *name != DEDUP_CHECK)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }
}

impl Values {
    fn check(&self, value: &str) -> Result<(), String> {
        match self {
            Values::Text => Ok(()),
            Values::Tags if count(value) > MAX_TAGS => Err(format!("has more than {MAX_TAGS} tags")),
            Values::Tags => Ok(()),
            Values::Digits if !value.is_empty() && value.len() <= 20 && value.bytes().all(|b| b.is_ascii_digit()) => {
                Ok(())
            }
            Values::Digits => Err("is the number of a photo".to_owned()),
            Values::OneOf(values) if values.contains(&value) => Ok(()),
            Values::OneOf(values) => Err(format!("is one of {}", values.join(", "))),
        }
    }
}

/// The object with a list of tags as the text of the list.
fn with_tags_as_text(text: &str) -> Result<String, InvalidField> {
    let Ok(mut members) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(text) else {
        return Ok(text.to_owned());
    };
    let Some(tags) = members.get_mut("tags").filter(|tags| tags.get().starts_with('[')) else {
        return Ok(text.to_owned());
    };
    let not_a_list = |_| InvalidField("`tags` is a text, or a list of texts".to_owned());
    let list: Vec<String> = serde_json::from_str(tags.get()).map_err(not_a_list)?;
    *tags = serde_json::value::to_raw_value(&tag_list(list.iter().map(String::as_str))).map_err(not_a_list)?;
    serde_json::to_string(&members).map_err(not_a_list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn upload(params: &serde_json::Value) -> Result<UploadFields, String> {
        UploadFields::from_json(&params.to_string(), Target::Upload).map_err(|error| error.to_string())
    }

    #[test]
    fn the_fields_of_an_upload_are_sent_with_the_machine_tag() {
        let fields = upload(&json!({"title": "Übung", "tags": ["sea", "two words"], "is_public": false, "hidden": 2}));
        let sent = fields.unwrap().of_upload("flickrhub:job=job_1", "other", DedupCheck::Refuse);
        let sent: Vec<(&str, &str)> = sent.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            sent,
            [
                ("dedup_check", "1"),
                ("hidden", "2"),
                ("is_public", "0"),
                ("tags", "sea \"two words\" flickrhub:job=job_1"),
                ("title", "Übung")
            ]
        );
        let bare = upload(&json!({"dedup_check": 0})).unwrap();
        let sent = bare.of_upload("flickrhub:job=job_1", "from the name", DedupCheck::Off);
        let expected = [("tags", "flickrhub:job=job_1"), ("title", "from the name")];
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_field_that_flickr_does_not_have_or_has_otherwise_is_named() {
        for (params, message) in [
            (json!({"titel": "x"}), "`titel` is no parameter of upload"),
            (json!({"photo_id": "1"}), "`photo_id` is no parameter of upload"),
            (json!({"external_image_link": "x"}), "`external_image_link` is no parameter of upload"),
            (json!({"content_type": 5}), "`content_type` is one of 1, 2, 3, 4"),
            (json!({"is_public": "yes"}), "`is_public` is one of 0, 1"),
            (json!({"safety_level": 0}), "`safety_level` is one of 1, 2, 3"),
            (json!({"dedup_check": 3}), "`dedup_check` is one of 0, 1, 2"),
            (json!({"tags": vec!["t"; 75]}), "`tags` has more than 74 tags"),
            (json!({"tags": "t ".repeat(75)}), "`tags` has more than 74 tags"),
            (json!({"tags": [1]}), "`tags` is a text, or a list of texts"),
            (json!({"async": 1}), "`async` needs `dedup_check` 0: a ticket does not tell a duplicate"),
            (json!({"oauth_token": "x"}), "`oauth_token` is set by FlickrHub and cannot be given"),
            (json!([]), "must be an object"),
        ] {
            assert_eq!(upload(&params), Err(message.to_owned()), "{params}");
        }
        assert!(upload(&json!({"tags": vec!["t"; 74], "async": true, "dedup_check": 0})).unwrap().is_async());
    }

    #[test]
    fn a_replace_names_its_photo_and_nothing_of_it() {
        let replace = |params: serde_json::Value| {
            UploadFields::from_json(&params.to_string(), Target::Replace).map_err(|error| error.to_string())
        };
        let fields = replace(json!({"photo_id": 12345, "async": 0})).unwrap();
        assert_eq!(fields.photo_id(), Some("12345"));
        assert_eq!(fields.of_replace().len(), 2);
        for (params, message) in [
            (json!({}), "`photo_id` is required"),
            (json!({"photo_id": "1a"}), "`photo_id` is the number of a photo"),
            (json!({"photo_id": "1", "title": "x"}), "`title` is no parameter of replace"),
            (json!({"photo_id": "1", "dedup_check": 1}), "`dedup_check` is no parameter of replace"),
        ] {
            assert_eq!(replace(params), Err(message.to_owned()));
        }
    }
}
