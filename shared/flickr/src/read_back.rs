//! Verification of a write by reading back what it wrote.
//!
//! One row a method, and pure functions. "It took effect" must be certain, because the write then counts as done; what
//! is not found may still appear. So a method is listed only where its read shows exactly what was asked for: where
//! Flickr rewrites a value (tags, coordinates, safety levels) a comparison proves nothing.

use std::time::Duration;

use domain::{
    Timestamp,
    call::{MethodName, Params},
    timing::VERIFICATION,
};
use serde_json::Value;

/// How one write is verified by a read.
#[derive(Debug)]
pub struct ReadBack {
    write: &'static str,
    read: &'static str,
    /// The parameter that names what is written, in both methods.
    subject: &'static str,
    evidence: Evidence,
}

/// What in the read's answer shows that the write took effect.
#[derive(Debug)]
enum Evidence {
    /// Parameters of the write, each with the place of its value afterwards (a JSON pointer, RFC 6901). All parameters
    /// that were given must agree.
    Fields(&'static [(&'static str, &'static str)]),
    /// A place (a JSON pointer) and its value afterwards.
    Fixed(&'static str, &'static str),
    /// A list (a JSON pointer) with a recent comment with the text of `comment_text`.
    ///
    /// The author is not compared, because a token does not say whose it is. So a comment that somebody else wrote to
    /// the same place at the same time, with the very same text, is mistaken for this one.
    Comment(&'static str),
}

/// The greatest age of a comment that counts as the one that was written: Flickr answers a second comment of the same
/// text with the id of the first, and others may write the same. It covers the verification, and the time until a
/// stopped worker is noticed.
const RECENT: Duration = Duration::from_secs(2 * VERIFICATION.as_secs());

const TABLE: [ReadBack; 9] = [
    ReadBack {
        write: "flickr.photos.setMeta",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fields(&[
            ("title", "/photo/title/_content"),
            ("description", "/photo/description/_content"),
        ]),
    },
    ReadBack {
        write: "flickr.photos.setDates",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fields(&[
            ("date_posted", "/photo/dates/posted"),
            ("date_taken", "/photo/dates/taken"),
            ("date_taken_granularity", "/photo/dates/takengranularity"),
        ]),
    },
    ReadBack {
        write: "flickr.photos.setPerms",
        read: "flickr.photos.getPerms",
        subject: "photo_id",
        evidence: Evidence::Fields(&[
            ("is_public", "/perms/ispublic"),
            ("is_friend", "/perms/isfriend"),
            ("is_family", "/perms/isfamily"),
            ("perm_comment", "/perms/permcomment"),
            ("perm_addmeta", "/perms/permaddmeta"),
        ]),
    },
    ReadBack {
        write: "flickr.photos.licenses.setLicense",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fields(&[("license_id", "/photo/license")]),
    },
    ReadBack {
        write: "flickr.favorites.add",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fixed("/photo/isfavorite", "1"),
    },
    ReadBack {
        write: "flickr.favorites.remove",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fixed("/photo/isfavorite", "0"),
    },
    ReadBack {
        write: "flickr.galleries.editMeta",
        read: "flickr.galleries.getInfo",
        subject: "gallery_id",
        evidence: Evidence::Fields(&[
            ("title", "/gallery/title/_content"),
            ("description", "/gallery/description/_content"),
        ]),
    },
    ReadBack {
        write: "flickr.photos.comments.addComment",
        read: "flickr.photos.comments.getList",
        subject: "photo_id",
        evidence: Evidence::Comment("/comments/comment"),
    },
    ReadBack {
        write: "flickr.photosets.comments.addComment",
        read: "flickr.photosets.comments.getList",
        subject: "photoset_id",
        evidence: Evidence::Comment("/comments/comment"),
    },
];

impl ReadBack {
    /// The row of the write `method`; `None` when reading cannot verify it.
    pub fn of(method: &str) -> Option<&'static Self> {
        TABLE.iter().find(|row| row.write == method)
    }

    /// The read that verifies a write with `params`: a method and its one parameter. `None` when `params` do not name
    /// what was written.
    pub fn read<'a>(&self, params: &'a Params) -> Option<(MethodName, [(&'static str, &'a str); 1])> {
        Some((self.read.parse().ok()?, [(self.subject, given(params, self.subject)?)]))
    }

    /// Whether `answer`, the JSON text that the read gave at `now`, shows that the write with `params` took effect.
    pub fn shows(&self, params: &Params, answer: &str, now: Timestamp) -> bool {
        let Ok(answer) = serde_json::from_str::<Value>(answer) else { return false };
        let holds = |place: &str, value: &str| answer.pointer(place).and_then(text).is_some_and(|held| held == value);
        match &self.evidence {
            Evidence::Fields(fields) => {
                let compared = fields.iter().filter_map(|(name, place)| Some((place, given(params, name)?)));
                let mut compared = compared.peekable();
                compared.peek().is_some() && compared.all(|(place, value)| holds(place, value))
            }
            Evidence::Fixed(place, value) => holds(place, value),
            Evidence::Comment(list) => {
                let comments = answer.pointer(list).and_then(Value::as_array);
                let wanted = given(params, "comment_text");
                comments.zip(wanted).is_some_and(|(comments, wanted)| {
                    comments.iter().any(|comment| has_text(comment, wanted) && is_recent(comment, now))
                })
            }
        }
    }
}

fn given<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.iter().find_map(|(param, value)| (param == name).then_some(value))
}

/// A value as text: Flickr writes the same number sometimes as a number and sometimes as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn has_text(comment: &Value, wanted: &str) -> bool {
    comment.get("_content").and_then(Value::as_str) == Some(wanted)
}

fn is_recent(comment: &Value, now: Timestamp) -> bool {
    let seconds = comment.get("datecreate").and_then(text).and_then(|text| text.parse::<i64>().ok());
    let created_at = seconds.and_then(|seconds| seconds.checked_mul(1000)).map(Timestamp::from_milliseconds);
    created_at.is_some_and(|created_at| now.since(created_at) <= RECENT)
}

#[cfg(test)]
mod tests;
