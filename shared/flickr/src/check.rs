//! Whether a write took effect, found out by one read.
//!
//! A table, one entry a method, and pure functions. What is found must be sure, since the write is
//! then taken for done; what is not found may still come. So a method is listed only where its read
//! shows what was asked for, as it was asked for: where Flickr rewrites a value (tags, coordinates,
//! safety levels) nothing could be said.

use std::time::Duration;

use domain::{
    Timestamp,
    call::{MethodName, Params},
    timing::VERIFICATION,
};
use serde_json::Value;

/// How a write is looked for.
#[derive(Debug)]
pub struct Check {
    write: &'static str,
    read: &'static str,
    /// The parameter that both have, and that names what is written and read.
    subject: &'static str,
    evidence: Evidence,
}

/// What in the read's answer shows that the write took effect.
#[derive(Debug)]
enum Evidence {
    /// Parameters of the write, each with the place (RFC 6901) that holds its value afterwards.
    /// Those that were given must agree.
    Fields(&'static [(&'static str, &'static str)]),
    /// A place and its value afterwards.
    Mark(&'static str, &'static str),
    /// A list, and in it a comment with the text of `comment_text`, of late.
    ///
    /// Its author is not compared: a token does not say whose it is. That somebody else wrote the
    /// very same text to the same place meanwhile is left possible.
    Comment(&'static str),
}

/// How old a comment may be that is taken for the one in question: Flickr answers a second comment
/// of the same text with the first one's id, and others write the same. Longer than it is looked
/// for, with the time that a stopped worker is found out in.
const RECENT: Duration = Duration::from_secs(2 * VERIFICATION.as_secs());

const CHECKS: [Check; 9] = [
    Check {
        write: "flickr.photos.setMeta",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fields(&[
            ("title", "/photo/title/_content"),
            ("description", "/photo/description/_content"),
        ]),
    },
    Check {
        write: "flickr.photos.setDates",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fields(&[
            ("date_posted", "/photo/dates/posted"),
            ("date_taken", "/photo/dates/taken"),
            ("date_taken_granularity", "/photo/dates/takengranularity"),
        ]),
    },
    Check {
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
    Check {
        write: "flickr.photos.licenses.setLicense",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Fields(&[("license_id", "/photo/license")]),
    },
    Check {
        write: "flickr.favorites.add",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Mark("/photo/isfavorite", "1"),
    },
    Check {
        write: "flickr.favorites.remove",
        read: "flickr.photos.getInfo",
        subject: "photo_id",
        evidence: Evidence::Mark("/photo/isfavorite", "0"),
    },
    Check {
        write: "flickr.galleries.editMeta",
        read: "flickr.galleries.getInfo",
        subject: "gallery_id",
        evidence: Evidence::Fields(&[
            ("title", "/gallery/title/_content"),
            ("description", "/gallery/description/_content"),
        ]),
    },
    Check {
        write: "flickr.photos.comments.addComment",
        read: "flickr.photos.comments.getList",
        subject: "photo_id",
        evidence: Evidence::Comment("/comments/comment"),
    },
    Check {
        write: "flickr.photosets.comments.addComment",
        read: "flickr.photosets.comments.getList",
        subject: "photoset_id",
        evidence: Evidence::Comment("/comments/comment"),
    },
];

impl Check {
    /// How a call of `method` is looked for; `None` when it cannot be.
    pub fn of(method: &MethodName) -> Option<&'static Self> {
        CHECKS.iter().find(|check| check.write == method.as_str())
    }

    /// The read, and its one parameter, for a write with `params`. `None` when they do not name what
    /// was written.
    pub fn read<'a>(&self, params: &'a Params) -> Option<(MethodName, [(&'static str, &'a str); 1])> {
        Some((self.read.parse().ok()?, [(self.subject, given(params, self.subject)?)]))
    }

    /// Whether `answer`, the read's at `now`, shows that the write with `params` took effect.
    pub fn is_done(&self, params: &Params, answer: &str, now: Timestamp) -> bool {
        let Ok(answer) = serde_json::from_str::<Value>(answer) else { return false };
        let holds = |place: &str, value: &str| answer.pointer(place).and_then(text).is_some_and(|held| held == value);
        match &self.evidence {
            Evidence::Fields(fields) => {
                let mut asked =
                    fields.iter().filter_map(|(name, place)| Some((place, given(params, name)?))).peekable();
                asked.peek().is_some() && asked.all(|(place, value)| holds(place, value))
            }
            Evidence::Mark(place, value) => holds(place, value),
            Evidence::Comment(list) => {
                let comments = answer.pointer(list).and_then(Value::as_array);
                let wanted = given(params, "comment_text");
                comments.zip(wanted).is_some_and(|(comments, wanted)| {
                    comments.iter().any(|comment| is_text(comment, wanted) && is_recent(comment, now))
                })
            }
        }
    }
}

fn given<'a>(params: &'a Params, name: &str) -> Option<&'a str> {
    params.iter().find_map(|(param, value)| (param == name).then_some(value))
}

/// Flickr writes the same number now as a number, now as text.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(u8::from(*flag).to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn is_text(comment: &Value, wanted: &str) -> bool {
    comment.get("_content").and_then(Value::as_str) == Some(wanted)
}

fn is_recent(comment: &Value, now: Timestamp) -> bool {
    let seconds = comment.get("datecreate").and_then(text).and_then(|text| text.parse::<i64>().ok());
    seconds.and_then(|seconds| seconds.checked_mul(1000)).is_some_and(|at| {
        let at = Timestamp::from_milliseconds(at);
        now.since(at) <= RECENT
    })
}

#[cfg(test)]
mod tests {
    use domain::outcome::Nature;
    use hub::ports::Catalogue as _;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Catalogue;

    const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

    fn check(write: &str) -> &'static Check {
        Check::of(&write.parse().unwrap()).unwrap()
    }

    fn params(given: &Value) -> Params {
        Params::from_json(given.as_object().unwrap()).unwrap()
    }

    fn is_done(write: &str, given: &Value, answer: &Value) -> bool {
        check(write).is_done(&params(given), &answer.to_string(), NOW)
    }

    #[test]
    fn each_entry_looks_for_a_known_write_by_a_known_read() {
        let mut seen = std::collections::BTreeSet::new();
        for check in &CHECKS {
            let (write, read) = (check.write.parse().unwrap(), check.read.parse().unwrap());
            assert!(Catalogue.find(&write).is_some() && Catalogue.nature(&write) != Nature::Read, "{check:?}");
            assert_eq!(Catalogue.find(&read).unwrap().nature(), Nature::Read, "{check:?}");
            assert!(seen.insert(check.write), "{check:?} comes twice");
            assert!(Catalogue.is_checkable(&write) && !Catalogue.is_checkable(&read), "{check:?}");
        }
        assert!(!Catalogue.is_checkable(&"flickr.photosets.create".parse().unwrap()));
    }

    #[test]
    fn the_read_names_what_was_written_and_nothing_else() {
        let given = params(&json!({"photo_id": "53", "title": "t"}));
        let (method, asked) = check("flickr.photos.setMeta").read(&given).unwrap();
        assert_eq!((method.as_str(), asked), ("flickr.photos.getInfo", [("photo_id", "53")]));
        assert!(check("flickr.photos.setMeta").read(&params(&json!({"title": "t"}))).is_none());
    }

    #[test]
    fn only_the_parameters_that_were_given_are_compared() {
        let answer = json!({"photo": {"title": {"_content": "new"}, "description": {"_content": ""}}, "stat": "ok"});
        let table = [
            (json!({"photo_id": "1", "title": "new"}), true),
            (json!({"photo_id": "1", "title": "new", "description": ""}), true),
            (json!({"photo_id": "1", "description": ""}), true),
            (json!({"photo_id": "1", "title": "new", "description": "other"}), false),
            (json!({"photo_id": "1", "title": "New"}), false),
            (json!({"photo_id": "1", "title": "new "}), false),
            (json!({"photo_id": "1"}), false),
        ];
        for (given, done) in table {
            assert_eq!(is_done("flickr.photos.setMeta", &given, &answer), done, "{given}");
        }
        assert!(!is_done("flickr.photos.setMeta", &json!({"photo_id": "1", "title": "new"}), &json!({"stat": "ok"})));
    }

    #[test]
    fn numbers_are_the_same_as_their_text() {
        let given = json!({"photo_id": "1", "is_public": true, "is_friend": 0, "is_family": "0"});
        let perms = |public: Value| json!({"perms": {"id": "1", "ispublic": public, "isfriend": "0", "isfamily": 0}});
        for (public, done) in [(json!(1), true), (json!("1"), true), (json!(true), true), (json!(0), false)] {
            assert_eq!(is_done("flickr.photos.setPerms", &given, &perms(public.clone())), done, "{public}");
        }
        let photo = json!({"photo": {"license": "4", "isfavorite": 1, "dates": {"taken": "2004-11-19 12:51:19"}}});
        assert!(is_done("flickr.photos.licenses.setLicense", &json!({"photo_id": "1", "license_id": 4}), &photo));
        assert!(is_done("flickr.favorites.add", &json!({"photo_id": "1"}), &photo));
        assert!(!is_done("flickr.favorites.remove", &json!({"photo_id": "1"}), &photo));
        let taken = |text: &str| json!({"photo_id": "1", "date_taken": text});
        assert!(is_done("flickr.photos.setDates", &taken("2004-11-19 12:51:19"), &photo));
        assert!(!is_done("flickr.photos.setDates", &taken("2004-11-19"), &photo));
    }

    #[test]
    fn a_comment_is_found_by_its_whole_text_if_it_is_of_late() {
        let given = json!({"photo_id": "1", "comment_text": "Nice <b>light</b>!"});
        let comment = |text: &str, age_seconds: i64| {
            let date = NOW.as_seconds() - age_seconds;
            json!({"id": "1-2-3", "author": "1@N00", "datecreate": date.to_string(), "_content": text})
        };
        let listed = |comments: Vec<Value>| json!({"comments": {"photo_id": "1", "comment": comments}, "stat": "ok"});
        let same = "Nice <b>light</b>!";
        let longest = i64::try_from(RECENT.as_secs()).unwrap();
        let table = [
            (listed(vec![comment("x", 0), comment(same, 1)]), true),
            (listed(vec![comment(same, longest)]), true),
            (listed(vec![comment(same, -5)]), true),
            (listed(vec![comment(same, longest + 1)]), false),
            (listed(vec![comment("Nice <b>light</b>! :)", 1), comment("Nice", 1)]), false),
            (listed(vec![json!({"_content": same})]), false),
            (listed(vec![]), false),
            (json!({"comments": {"photo_id": "1"}}), false),
            (json!({"comments": {"comment": comment(same, 1)}}), false),
        ];
        for (answer, done) in table {
            assert_eq!(is_done("flickr.photos.comments.addComment", &given, &answer), done, "{answer}");
        }
        let nothing = json!({"photo_id": "1"});
        assert!(!is_done("flickr.photos.comments.addComment", &nothing, &listed(vec![comment("", 1)])));
    }

    proptest! {
        #[test]
        fn no_answer_breaks_it(answer in "[{\\[]?.{0,60}", date: i64) {
            for check in &CHECKS {
                let given = params(&json!({"photo_id": "1", "title": "t", "comment_text": "t"}));
                prop_assert!(!check.is_done(&given, &answer, NOW));
            }
            let comment = json!({"comments": {"comment": [{"_content": "t", "datecreate": date}]}});
            is_done("flickr.photos.comments.addComment", &json!({"photo_id": "1", "comment_text": "t"}), &comment);
        }
    }
}
