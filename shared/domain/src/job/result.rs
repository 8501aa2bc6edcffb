//! Where the result of a job is stored.

use crate::{JobId, Timestamp};

/// The longest result that is stored in the job's own record, in bytes.
pub const MAX_INLINE_RESULT_BYTES: usize = 1024;

/// The longest result that is stored in a separate record of the table, in bytes.
pub const MAX_SEPARATE_ITEM_BYTES: usize = 4 * 1024;

/// The longest result that is stored at all, in bytes; a longer answer of Flickr is not read to its end.
pub const MAX_RESULT_BYTES: usize = 16 * 1024 * 1024;

/// The longest result that is answered with its job, in bytes; a longer one is answered as a URL alone.
pub const MAX_ANSWERED_RESULT_BYTES: usize = 4 * 1024 * 1024;

/// The shortest result that is answered with a URL beside it, in bytes.
pub const MIN_LINKED_RESULT_BYTES: usize = 256 * 1024;

/// How a caller would have a result.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResultForm {
    /// Its text, if it is not too long.
    #[default]
    Inline,
    /// A URL of it, if it is stored where one leads to.
    Url,
}

/// How a result is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    Text,
    TextAndUrl,
    Url,
}

/// Where Flickr's answer to a completed job is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredResult {
    /// In the job's own record: the JSON text.
    Inline(String),
    /// In a record of its own.
    SeparateItem,
    /// In an object of its own, compressed.
    Object {
        /// Its length before compression.
        bytes: usize,
    },
    /// With another job of the same account, which asked the same.
    Shared {
        leader: JobId,
        /// When it asked: the answer is no older.
        as_of: Timestamp,
    },
}

impl StoredResult {
    /// Whether it is the answer to a call of the job's own.
    pub const fn is_own(&self) -> bool {
        !matches!(self, StoredResult::Shared { .. })
    }

    /// How it is answered to who would have it in this form. Only an object has a URL.
    pub const fn delivery(&self, form: ResultForm) -> Delivery {
        match (self, form) {
            (StoredResult::Object { .. }, ResultForm::Url) => Delivery::Url,
            (StoredResult::Object { bytes }, _) if *bytes > MAX_ANSWERED_RESULT_BYTES => Delivery::Url,
            (StoredResult::Object { bytes }, _) if *bytes >= MIN_LINKED_RESULT_BYTES => Delivery::TextAndUrl,
            _ => Delivery::Text,
        }
    }

    /// Where a result of this text goes: the smallest of the three places that it fits; `None` when it is over
    /// [`MAX_RESULT_BYTES`].
    pub fn fitting(text: &str) -> Option<Self> {
        let bytes = text.len();
        if bytes <= MAX_INLINE_RESULT_BYTES {
            Some(Self::Inline(text.to_owned()))
        } else if bytes <= MAX_SEPARATE_ITEM_BYTES {
            Some(Self::SeparateItem)
        } else {
            (bytes <= MAX_RESULT_BYTES).then_some(Self::Object { bytes })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_result_has_a_url_and_a_short_one_its_text() {
        let object = |bytes| StoredResult::Object { bytes };
        for (stored, inline, url) in [
            (StoredResult::Inline("{}".to_owned()), Delivery::Text, Delivery::Text),
            (StoredResult::SeparateItem, Delivery::Text, Delivery::Text),
            (object(MAX_SEPARATE_ITEM_BYTES + 1), Delivery::Text, Delivery::Url),
            (object(MIN_LINKED_RESULT_BYTES - 1), Delivery::Text, Delivery::Url),
            (object(MIN_LINKED_RESULT_BYTES), Delivery::TextAndUrl, Delivery::Url),
            (object(MAX_ANSWERED_RESULT_BYTES), Delivery::TextAndUrl, Delivery::Url),
            (object(MAX_ANSWERED_RESULT_BYTES + 1), Delivery::Url, Delivery::Url),
        ] {
            assert_eq!(stored.delivery(ResultForm::Inline), inline, "{stored:?}");
            assert_eq!(stored.delivery(ResultForm::Url), url, "{stored:?}");
        }
    }
}
