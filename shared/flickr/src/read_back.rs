//! Verification of a write by reading back what it wrote.
//!
//! One row a method, and pure functions. "It took effect" must be certain, because the write then counts as done; what
//! is not found may still appear. So a method is listed only where its read shows what was asked for, and what Flickr
//! rewrites is compared by what survives ([`Compared`]). Where less survives than was asked for (tags, coordinates,
//! safety levels) a comparison proves nothing.

mod text;

use std::time::Duration;

use domain::{
    Timestamp,
    call::{MethodName, Params},
    timing::VERIFICATION,
};
use serde_json::Value;

use crate::scalar;

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
    /// Parameters of the write, each with the place of its value afterwards (a JSON pointer, RFC 6901) and how the two
    /// are compared. All parameters that were given must agree.
    Fields(&'static [(&'static str, &'static str, Compared)]),
    /// A place (a JSON pointer) and its value afterwards.
    Fixed(&'static str, &'static str),
    /// A list (a JSON pointer) with a recent comment with the text of `comment_text`.
    ///
    /// The author is not compared, because a token does not say whose it is. So a comment that somebody else wrote to
    /// the same place at the same time, with the very same text, is mistaken for this one.
    Comment(&'static str),
}

/// How a value is compared with what Flickr shows of it.
#[derive(Debug, Clone, Copy)]
enum Compared {
    /// By what a reader sees of it.
    Text,
    /// As a whole number, and as text where it is none.
    Number,
    /// As a number, unless the photo is public: then Flickr heeds no other flag.
    FlagOfPrivate,
    /// As a time of day: what was left out is its beginning.
    Time,
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
            ("title", "/photo/title/_content", Compared::Text),
            ("description", "/photo/description/_content", Compared::Text),
        ]),
    },
    ReadBack {
        write: "flickr.photos.setDates",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fields(&[
            ("date_posted", "/photo/dates/posted", Compared::Number),
            ("date_taken", "/photo/dates/taken", Compared::Time),
            ("date_taken_granularity", "/photo/dates/takengranularity", Compared::Number),
        ]),
    },
    ReadBack {
        write: "flickr.photos.setPerms",
        read: "flickr.photos.getPerms",
        subject: "photo_id",
        evidence: Evidence::Fields(&[
            ("is_public", "/perms/ispublic", Compared::Number),
            ("is_friend", "/perms/isfriend", Compared::FlagOfPrivate),
            ("is_family", "/perms/isfamily", Compared::FlagOfPrivate),
            ("perm_comment", "/perms/permcomment", Compared::Number),
            ("perm_addmeta", "/perms/permaddmeta", Compared::Number),
        ]),
    },
    ReadBack {
        write: "flickr.photos.licenses.setLicense",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fields(&[("license_id", "/photo/license", Compared::Number)]),
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
            ("title", "/gallery/title/_content", Compared::Text),
            ("description", "/gallery/description/_content", Compared::Text),
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
        let holds = |place: &str, value: &str, compared: Compared| {
            answer.pointer(place).and_then(scalar::text).is_some_and(|held| compared.agree(value, &held))
        };
        match &self.evidence {
            Evidence::Fields(fields) => {
                let is_public = given(params, "is_public").is_some_and(|value| Compared::Number.agree(value, "1"));
                let counts = |compared: Compared| !(is_public && matches!(compared, Compared::FlagOfPrivate));
                let fields = fields.iter().filter(|(_, _, compared)| counts(*compared));
                let mut fields =
                    fields.filter_map(|(name, place, how)| Some((place, given(params, name)?, *how))).peekable();
                fields.peek().is_some() && fields.all(|(place, value, compared)| holds(place, value, compared))
            }
            Evidence::Fixed(place, value) => holds(place, value, Compared::Number),
            Evidence::Comment(list) => {
                let comments = answer.pointer(list).and_then(Value::as_array);
                let wanted = given(params, "comment_text");
                comments.zip(wanted).is_some_and(|(comments, wanted)| {
                    comments.iter().any(|comment| is_recent(comment, now) && has_text(comment, wanted))
                })
            }
        }
    }
}

impl Compared {
    /// Whether `shown`, by Flickr, is what became of `given`.
    fn agree(self, given: &str, shown: &str) -> bool {
        match self {
            Self::Text => same_text(given, shown),
            Self::Number | Self::FlagOfPrivate => match (given.trim().parse::<i64>(), shown.trim().parse::<i64>()) {
                (Ok(given), Ok(shown)) => given == shown,
                _ => given.trim() == shown.trim(),
            },
            Self::Time => time_parts(given).is_some_and(|given| time_parts(shown) == Some(given)),
        }
    }
}

/// Whether two texts look the same. Where nothing of a text survives, nothing shows that it was written.
fn same_text(given: &str, shown: &str) -> bool {
    let visible = text::visible(given);
    visible == text::visible(shown) && (given.is_empty() || !visible.is_empty())
}

/// Year, month, day, hour, minute and second of a time as MySQL writes it; `None` of what is none.
fn time_parts(time: &str) -> Option<[u16; 6]> {
    let mut parts = [0, 1, 1, 0, 0, 0];
    let given = time.trim().split([' ', '-', ':', 'T']);
    for (place, part) in given.enumerate() {
        let value: u16 = part.parse().ok()?;
        // MySQL writes 0 for a month or a day that is not known.
        let least = parts.get(place).copied()?;
        parts[place] = value.max(least);
    }
    Some(parts)
}

fn given<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.iter().find_map(|(param, value)| (param == name).then_some(value))
}

fn has_text(comment: &Value, wanted: &str) -> bool {
    !wanted.is_empty() && comment.get("_content").and_then(Value::as_str).is_some_and(|shown| same_text(wanted, shown))
}

fn is_recent(comment: &Value, now: Timestamp) -> bool {
    let seconds = comment.get("datecreate").and_then(scalar::text).and_then(|text| text.parse::<i64>().ok());
    let created_at = seconds.and_then(|seconds| seconds.checked_mul(1000)).map(Timestamp::from_milliseconds);
    created_at.is_some_and(|created_at| now.since(created_at) <= RECENT)
}

#[cfg(test)]
mod tests;
