use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

fn row(write: &str) -> &'static ReadBack {
    ReadBack::of(write).unwrap()
}

fn params(given: &Value) -> Params {
    Params::from_json(given.as_object().unwrap()).unwrap()
}

fn shows(write: &str, given: &Value, answer: &Value) -> bool {
    row(write).shows(&params(given), &answer.to_string(), NOW)
}

#[test]
fn each_row_reads_back_another_write() {
    let writes: BTreeSet<&str> = TABLE.iter().map(|row| row.write).collect();
    assert_eq!(writes.len(), TABLE.len());
    for row in &TABLE {
        assert!(row.write.parse::<MethodName>().is_ok() && row.read.parse::<MethodName>().is_ok(), "{row:?}");
        assert!(!writes.contains(row.read), "{row:?}");
    }
    assert!(ReadBack::of("flickr.photosets.create").is_none());
}

#[test]
fn the_read_names_what_was_written_and_nothing_else() {
    let given = params(&json!({"photo_id": "53", "title": "t"}));
    let (method, sent) = row("flickr.photos.setMeta").read(&given).unwrap();
    assert_eq!((method.as_str(), sent), ("flickr.photos.getInfo", [("photo_id", "53")]));
    assert!(row("flickr.photos.setMeta").read(&params(&json!({"title": "t"}))).is_none());
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
        assert_eq!(shows("flickr.photos.setMeta", &given, &answer), done, "{given}");
    }
    assert!(!shows("flickr.photos.setMeta", &json!({"photo_id": "1", "title": "new"}), &json!({"stat": "ok"})));
}

#[test]
fn numbers_are_the_same_as_their_text() {
    let given = json!({"photo_id": "1", "is_public": true, "is_friend": 0, "is_family": "0"});
    let perms = |public: Value| json!({"perms": {"id": "1", "ispublic": public, "isfriend": "0", "isfamily": 0}});
    for (public, done) in [(json!(1), true), (json!("1"), true), (json!(true), true), (json!(0), false)] {
        assert_eq!(shows("flickr.photos.setPerms", &given, &perms(public.clone())), done, "{public}");
    }
    let photo = json!({"photo": {"license": "4", "isfavorite": 1, "dates": {"taken": "2004-11-19 12:51:19"}}});
    assert!(shows("flickr.photos.licenses.setLicense", &json!({"photo_id": "1", "license_id": 4}), &photo));
    assert!(shows("flickr.favorites.add", &json!({"photo_id": "1"}), &photo));
    assert!(!shows("flickr.favorites.remove", &json!({"photo_id": "1"}), &photo));
    let taken = |text: &str| json!({"photo_id": "1", "date_taken": text});
    assert!(shows("flickr.photos.setDates", &taken("2004-11-19 12:51:19"), &photo));
    assert!(!shows("flickr.photos.setDates", &taken("2004-11-19"), &photo));
}

#[test]
fn a_recent_comment_is_found_by_its_whole_text() {
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
        assert_eq!(shows("flickr.photos.comments.addComment", &given, &answer), done, "{answer}");
    }
    let nothing = json!({"photo_id": "1"});
    assert!(!shows("flickr.photos.comments.addComment", &nothing, &listed(vec![comment("", 1)])));
}

proptest! {
    #[test]
    fn any_answer_is_read_without_panic(answer in "[{\\[]?.{0,60}", date: i64) {
        for row in &TABLE {
            let given = params(&json!({"photo_id": "1", "title": "t", "comment_text": "t"}));
            prop_assert!(!row.shows(&given, &answer, NOW));
        }
        let comment = json!({"comments": {"comment": [{"_content": "t", "datecreate": date}]}});
        shows("flickr.photos.comments.addComment", &json!({"photo_id": "1", "comment_text": "t"}), &comment);
    }
}
