use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::json;

use super::*;

const NOW: Timestamp = Timestamp::from_milliseconds(1_790_000_000_000);

fn row(write: &str) -> &'static ReadBack {
    ReadBack::of(write).unwrap()
}

fn params(given: &Value) -> Params {
    Params::from_json(&given.to_string()).unwrap()
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
        (json!({"photo_id": "1", "title": "ne w"}), false),
        (json!({"photo_id": "1"}), false),
    ];
    for (given, done) in table {
        assert_eq!(shows("flickr.photos.setMeta", &given, &answer), done, "{given}");
    }
    assert!(!shows("flickr.photos.setMeta", &json!({"photo_id": "1", "title": "new"}), &json!({"stat": "ok"})));
}

/// What Flickr makes of values: the right one is found for what it is, by the type of its field.
#[test]
fn what_flickr_rewrites_is_compared_by_what_survives() {
    let photo = json!({"photo": {
        "title": {"_content": "Tom & \"Jerry\""},
        "description": {"_content": "see <a href=\"http://x.y\" rel=\"nofollow\">http://x.y</a> &amp; smile"},
        "license": "4",
        "dates": {"posted": "1100897479", "taken": "2004-11-01 00:00:00", "takengranularity": "4"},
    }});
    let table = [
        ("flickr.photos.setMeta", json!({"title": " Tom & \"Jerry\"\n"}), true),
        ("flickr.photos.setMeta", json!({"title": "Tom &amp; Jerry"}), false),
        ("flickr.photos.setMeta", json!({"description": "see http://x.y & smile"}), true),
        ("flickr.photos.setMeta", json!({"description": "see http://x.y & weep"}), false),
        ("flickr.photos.licenses.setLicense", json!({"license_id": "04"}), true),
        ("flickr.photos.setDates", json!({"date_posted": " 1100897479"}), true),
        ("flickr.photos.setDates", json!({"date_taken": "2004-11", "date_taken_granularity": 4}), true),
        ("flickr.photos.setDates", json!({"date_taken": "2004-11-00 00:00:00"}), true),
        ("flickr.photos.setDates", json!({"date_taken": "2004-11-01"}), true),
        ("flickr.photos.setDates", json!({"date_taken": "2004-12"}), false),
        ("flickr.photos.setDates", json!({"date_taken": "2004-11-01 00:00:01"}), false),
        ("flickr.photos.setDates", json!({"date_taken": "yesterday"}), false),
    ];
    for (write, mut given, done) in table {
        given["photo_id"] = json!("1");
        assert_eq!(shows(write, &given, &photo), done, "{given}");
    }
    let gallery = json!({"gallery": {"title": {"_content": "It&#039;s"}, "description": {"_content": "a<br />\nb"}}});
    let given = json!({"gallery_id": "1-2", "title": "It's", "description": "a\nb\n"});
    assert!(shows("flickr.galleries.editMeta", &given, &gallery));
}

#[test]
fn a_text_of_which_nothing_survives_shows_nothing() {
    let photo = |title: &str| json!({"photo": {"title": {"_content": title}}});
    let given = |title: &str| json!({"photo_id": "1", "title": title});
    assert!(!shows("flickr.photos.setMeta", &given("<img src=x>"), &photo("")));
    assert!(!shows("flickr.photos.setMeta", &given(" "), &photo("")));
    assert!(shows("flickr.photos.setMeta", &given(""), &photo("")));
}

/// Flickr documents that `is_friend` and `is_family` hold for private photos.
#[test]
fn the_other_flags_of_a_public_photo_do_not_count() {
    let perms = |public: u8, friend: u8| json!({"perms": {"ispublic": public, "isfriend": friend, "isfamily": 0}});
    let given = |public: u8| json!({"photo_id": "1", "is_public": public, "is_friend": 1, "is_family": 0});
    assert!(shows("flickr.photos.setPerms", &given(1), &perms(1, 0)));
    assert!(!shows("flickr.photos.setPerms", &given(1), &perms(0, 1)));
    assert!(!shows("flickr.photos.setPerms", &given(0), &perms(0, 0)));
    assert!(shows("flickr.photos.setPerms", &given(0), &perms(0, 1)));
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
    let rewritten = " Nice &lt;b&gt;light&lt;/b&gt;!";
    let longest = i64::try_from(RECENT.as_secs()).unwrap();
    let table = [
        (listed(vec![comment("x", 0), comment(same, 1)]), true),
        (listed(vec![comment(same, longest)]), true),
        (listed(vec![comment(rewritten, 1)]), true),
        (listed(vec![comment(rewritten, longest + 1)]), false),
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
