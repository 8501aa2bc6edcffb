//! Items of DynamoDB: written by a builder, read by a reader that names what is wrong.

use std::collections::HashMap;

use aws_sdk_dynamodb::{primitives::Blob, types::AttributeValue};
use domain::Timestamp;
use hub::ports;

/// An item's attributes by name.
pub(crate) type Attributes = HashMap<String, AttributeValue>;

/// The partition key of every table.
pub(crate) const PARTITION: &str = "pk";
/// The sort key of every table.
pub(crate) const SORT: &str = "sk";
/// The attribute of every table by which DynamoDB deletes: seconds since 1970.
pub(crate) const EXPIRES_AT: &str = "expires_at";

/// A string.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

pub(crate) fn number(value: impl Into<i64>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A number that is never below zero.
pub(crate) fn whole(value: u64) -> AttributeValue {
    AttributeValue::N(value.to_string())
}

/// A point in time, in milliseconds.
pub(crate) fn time(value: Timestamp) -> AttributeValue {
    number(value.as_milliseconds())
}

/// A point in time for [`EXPIRES_AT`].
pub(crate) fn expiry(value: Timestamp) -> AttributeValue {
    number(value.as_seconds())
}

pub(crate) fn bytes(value: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(value))
}

/// The two keys of an item.
pub(crate) fn key(partition: impl Into<String>, sort: impl Into<String>) -> Attributes {
    HashMap::from([(PARTITION.to_owned(), text(partition)), (SORT.to_owned(), text(sort))])
}

/// Attributes under their names.
pub(crate) fn named(
    attributes: impl IntoIterator<Item = (&'static str, AttributeValue)>,
) -> impl Iterator<Item = (String, AttributeValue)> {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value))
}

/// Reads an item.
pub(crate) struct Reader<'a>(pub(crate) &'a Attributes);

impl<'a> Reader<'a> {
    /// The attribute, if it is there.
    pub(crate) fn optional_text(&self, name: &str) -> Option<&'a str> {
        self.0.get(name).and_then(|value| value.as_s().ok()).map(String::as_str)
    }

    /// The attribute.
    pub(crate) fn text(&self, name: &'static str) -> ports::Result<&'a str> {
        self.optional_text(name).ok_or_else(|| unreadable(name))
    }

    /// The attribute, parsed.
    pub(crate) fn parsed<T: std::str::FromStr>(&self, name: &'static str) -> ports::Result<T> {
        self.text(name)?.parse().map_err(|_| unreadable(name))
    }

    /// The attribute, parsed, if it is there.
    pub(crate) fn optional_parsed<T: std::str::FromStr>(&self, name: &'static str) -> ports::Result<Option<T>> {
        self.optional_text(name).map(|text| text.parse().map_err(|_| unreadable(name))).transpose()
    }

    /// The attribute as one of serde's unit variants or newtypes of text.
    pub(crate) fn named<T: serde::de::DeserializeOwned>(&self, name: &'static str) -> ports::Result<T> {
        serde_json::from_value(self.text(name)?.into()).map_err(|_| unreadable(name))
    }

    /// The attribute, if it is there.
    pub(crate) fn optional_number(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok())
    }

    /// The attribute, if it is there and not below zero.
    pub(crate) fn optional_whole(&self, name: &str) -> Option<u64> {
        self.0.get(name).and_then(|value| value.as_n().ok()).and_then(|digits| digits.parse().ok())
    }

    /// The attribute.
    pub(crate) fn whole(&self, name: &'static str) -> ports::Result<u64> {
        self.optional_whole(name).ok_or_else(|| unreadable(name))
    }

    /// The attribute.
    pub(crate) fn count(&self, name: &'static str) -> ports::Result<u32> {
        self.optional_number(name).and_then(|value| u32::try_from(value).ok()).ok_or_else(|| unreadable(name))
    }

    /// The attribute.
    pub(crate) fn time(&self, name: &'static str) -> ports::Result<Timestamp> {
        self.optional_time(name).ok_or_else(|| unreadable(name))
    }

    /// The attribute, if it is there.
    pub(crate) fn optional_flag(&self, name: &str) -> Option<bool> {
        self.0.get(name).and_then(|value| value.as_bool().ok()).copied()
    }

    /// The attribute.
    pub(crate) fn flag(&self, name: &'static str) -> ports::Result<bool> {
        self.optional_flag(name).ok_or_else(|| unreadable(name))
    }

    /// The attribute.
    pub(crate) fn bytes(&self, name: &'static str) -> ports::Result<Vec<u8>> {
        let found = self.0.get(name).and_then(|value| value.as_b().ok());
        found.map(|blob| blob.as_ref().to_vec()).ok_or_else(|| unreadable(name))
    }

    /// The attribute, if it is there.
    pub(crate) fn optional_time(&self, name: &str) -> Option<Timestamp> {
        self.optional_number(name).map(Timestamp::from_milliseconds)
    }

    /// The attribute, read from JSON.
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self, name: &'static str) -> ports::Result<T> {
        serde_json::from_str(self.text(name)?).map_err(|_| unreadable(name))
    }

    /// Whether the item's time is over and it is only not yet deleted.
    pub(crate) fn is_expired(&self, now: Timestamp) -> bool {
        self.optional_number(EXPIRES_AT).is_some_and(|seconds| seconds <= now.as_seconds())
    }
}

/// The item, unless its time is over: DynamoDB deletes it some time later, and until then code treats it as absent.
pub(crate) fn live(item: Option<Attributes>, now: Timestamp) -> Option<Attributes> {
    item.filter(|item| !Reader(item).is_expired(now))
}

/// The serde name of a unit variant.
pub(crate) fn name_of(value: &impl serde::Serialize) -> AttributeValue {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => text(name),
        other => text(format!("{other:?}")),
    }
}

/// A value as JSON text.
pub(crate) fn json(value: &impl serde::Serialize) -> ports::Result<AttributeValue> {
    let text =
        serde_json::to_string(value).map_err(|error| ports::Error::broken("an item cannot be written", error))?;
    Ok(AttributeValue::S(text))
}

/// The error of an attribute that is missing, or is not what it should be.
pub(crate) fn unreadable(name: &str) -> ports::Error {
    ports::Error::broken("an item cannot be read", format!("attribute `{name}` is missing or malformed"))
}
