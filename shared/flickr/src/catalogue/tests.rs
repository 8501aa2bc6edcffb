use std::collections::{BTreeMap, BTreeSet};

use domain::call::MethodName;
use serde_json::Value;

use super::*;

fn facts(method: &str) -> &'static MethodFacts {
    CATALOGUE.method(&method.parse().unwrap())
}

/// All methods, with those of `flickr.auth` that no [`MethodName`] can name.
fn all() -> BTreeMap<&'static str, &'static MethodFacts> {
    CATALOGUE.iter().collect()
}

fn reflection() -> Vec<Value> {
    let data: Value = serde_json::from_str(METHODS).unwrap();
    data["methods"].as_array().unwrap().clone()
}

fn idempotent_writes() -> Vec<Value> {
    serde_json::from_str(IDEMPOTENT_WRITES).unwrap()
}

#[test]
fn the_catalogue_holds_every_method_once() {
    assert_eq!(reflection().len(), 225);
    assert_eq!(CATALOGUE.iter().count(), 225);
    let count = |idempotency| CATALOGUE.iter().filter(|(_, facts)| facts.idempotency == idempotency).count();
    assert_eq!(count(Idempotency::Safe), 153);
    assert_eq!(count(Idempotency::Idempotent), idempotent_writes().len());
    assert_eq!(count(Idempotency::Idempotent) + count(Idempotency::NonIdempotent), 72);
    assert_eq!(CATALOGUE.iter().filter(|(_, facts)| facts.cache_policy.is_some()).count(), 139);
}

#[test]
fn each_idempotent_write_is_a_known_write_and_says_why() {
    let methods = reflection();
    let mut seen = BTreeSet::new();
    for write in idempotent_writes() {
        let known = methods.iter().find(|entry| entry["method"] == write["method"]).unwrap();
        assert_eq!(known["kind"], "write", "{write}");
        assert!(write["why"].as_str().is_some_and(|why| !why.is_empty()), "{write}");
        assert!(seen.insert(write["method"].as_str().unwrap().to_owned()), "{write} comes twice");
    }
}

/// Each row of `error_codes.json` speaks of a code that its method has, by its documented message. What is not
/// documented is a refusal that has been seen.
#[test]
fn each_error_code_is_its_methods_own() {
    let methods = reflection();
    let mut seen = BTreeSet::new();
    let table: Vec<Value> = serde_json::from_str(ERROR_CODES).unwrap();
    for row in table {
        let known = methods.iter().find(|entry| entry["method"] == row["method"]).unwrap();
        let documented = known["errors"].as_array().unwrap();
        assert!(seen.insert(row["method"].as_str().unwrap().to_owned()), "{row} comes twice");
        for code in row["codes"].as_array().unwrap() {
            assert!((1..=94).contains(&code["code"].as_i64().unwrap()), "{row}");
            match documented.iter().find(|error| error["code"] == code["code"]) {
                Some(error) => assert_eq!(error["message"], code["message"], "{row}"),
                None => assert_eq!(code["means"], "refused", "{row}"),
            }
        }
    }
}

#[test]
fn a_method_has_the_codes_that_are_documented_and_no_others() {
    let meaning = |method: &str, code| facts(method).error_codes.meaning(code);
    for entry in reflection() {
        let method = entry["method"].as_str().unwrap();
        for error in entry["errors"].as_array().unwrap() {
            assert!(all()[method].error_codes.meaning(error["code"].as_i64().unwrap()).is_some(), "{entry}");
        }
    }
    assert_eq!(meaning("flickr.photosets.create", 3), Some(CodeMeaning::Refused));
    assert_eq!(meaning("flickr.photosets.create", 33), None);
    assert_eq!(meaning("flickr.photos.getInfo", 2), Some(CodeMeaning::Refused), "seen, and not documented");
    assert_eq!(meaning("flickr.photos.getInfo", 3), None);
    for method in ["flickr.galleries.getInfo", "flickr.new.thing"] {
        assert_eq!(meaning(method, 33), Some(CodeMeaning::Refused), "{method}: no code is known");
        assert_eq!(meaning(method, 95), None, "{method}: no method's own");
    }
}

#[test]
fn creating_posting_and_rotating_are_never_idempotent() {
    for (method, _) in CATALOGUE.iter().filter(|(_, facts)| facts.idempotency == Idempotency::Idempotent) {
        let word = method.rsplit('.').next().unwrap();
        let creates = ["create", "post", "rotate", "addComment", "addTestimonial", "subscribe"];
        assert!(!creates.iter().any(|start| word.starts_with(start)), "{method}");
        assert!(!method.starts_with("flickr.groups.discuss.") || word != "add", "{method}");
    }
}

#[test]
fn reads_that_change_something_are_writes() {
    let all = all();
    let methods =
        ["flickr.push.subscribe", "flickr.push.unsubscribe", "flickr.auth.getFrob", "flickr.auth.oauth.getAccessToken"];
    for method in methods {
        assert_eq!(all[method].idempotency, Idempotency::NonIdempotent, "{method}");
    }
}

#[test]
fn examples_of_each_idempotency() {
    let table = [
        ("flickr.test.login", Idempotency::Safe, Verb::Get),
        ("flickr.photos.search", Idempotency::Safe, Verb::Get),
        ("flickr.photos.setMeta", Idempotency::Idempotent, Verb::Post),
        ("flickr.photos.delete", Idempotency::Idempotent, Verb::Post),
        ("flickr.favorites.add", Idempotency::Idempotent, Verb::Post),
        ("flickr.photos.addTags", Idempotency::Idempotent, Verb::Post),
        ("flickr.photos.transform.rotate", Idempotency::NonIdempotent, Verb::Post),
        ("flickr.photosets.create", Idempotency::NonIdempotent, Verb::Post),
        ("flickr.photos.notes.add", Idempotency::NonIdempotent, Verb::Post),
        ("flickr.photos.comments.addComment", Idempotency::NonIdempotent, Verb::Post),
    ];
    for (method, idempotency, verb) in table {
        assert_eq!((facts(method).idempotency, facts(method).verb), (idempotency, verb), "{method}");
    }
    assert_eq!(facts("flickr.photos.delete").perms, Some(Perms::Delete));
}

#[test]
fn an_unknown_method_is_a_posted_write_never_repeated() {
    for method in ["flickr.photos.getNothing", "flickr.Photos.search", "flickr.new.thing"] {
        assert_eq!(facts(method).idempotency, Idempotency::NonIdempotent, "{method}");
        assert_eq!(facts(method).verb, Verb::Post, "{method}");
        assert_eq!(*facts(method), MethodFacts::unknown(), "{method}");
        assert!(!all().contains_key(method), "{method}");
    }
}

#[test]
fn each_answer_that_may_be_cached_has_a_tag() {
    let all = all();
    for entry in reflection() {
        let policy = all[entry["method"].as_str().unwrap()].cache_policy;
        assert_eq!(Value::Bool(policy.is_some()), entry["cacheable"], "{entry}");
        // An answer lives longer than the lag, or it would never be given after it.
        assert!(policy.is_none_or(|policy| policy.ttl >= Duration::from_secs(300) && policy.index_lag < policy.ttl));
        assert!(policy.is_none_or(|policy| policy.index_lag > Duration::ZERO), "{entry}");
    }
    let tag = |method: &str| facts(method).cache_policy.map(|policy| policy.tag);
    assert_eq!(tag("flickr.photos.getInfo"), Some(CacheTag::Photos));
    assert_eq!(tag("flickr.photos.getFavorites"), Some(CacheTag::Favorites), "the closer pattern");
    assert_eq!(tag("flickr.people.getPhotosOf"), Some(CacheTag::Photos));
    assert_eq!(tag("flickr.people.getInfo"), Some(CacheTag::People));
    assert_eq!(tag("flickr.photos.getNothing"), None);
}

#[test]
fn a_listing_is_told_by_its_parameter_page() {
    let has_pages = |method: &str| facts(method).cache_policy.map(|policy| policy.has_pages);
    for method in ["flickr.people.getPhotos", "flickr.people.getPhotosOf", "flickr.photosets.getList"] {
        assert_eq!(has_pages(method), Some(true), "{method}");
    }
    assert_eq!(has_pages("flickr.photos.getInfo"), Some(false));
    assert_eq!(has_pages("flickr.photos.getRecent"), None, "its answers are never cached");
}

#[test]
fn answers_that_change_by_themselves_and_reads_that_change_something_are_never_cached() {
    let all = all();
    let never = [
        "flickr.photos.upload.checkTickets",
        "flickr.people.getUploadStatus",
        "flickr.people.getLimits",
        "flickr.photos.getRecent",
        "flickr.activity.userComments",
        "flickr.activity.userPhotos",
        "flickr.test.echo",
        "flickr.test.login",
        "flickr.test.null",
        "flickr.push.subscribe",
        "flickr.push.unsubscribe",
        "flickr.auth.getFrob",
        "flickr.auth.getToken",
        "flickr.auth.getFullToken",
        "flickr.auth.checkToken",
        "flickr.auth.oauth.checkToken",
        "flickr.auth.oauth.getAccessToken",
    ];
    for method in never {
        assert_eq!(all[method].cache_policy, None, "{method}");
    }
}

#[test]
fn a_write_invalidates_its_own_tag_and_a_read_invalidates_none() {
    for (method, facts) in CATALOGUE.iter() {
        if facts.idempotency == Idempotency::Safe {
            assert!(facts.invalidates.is_empty(), "{method}");
            continue;
        }
        let word = method.split('.').nth(1).unwrap();
        let own: Option<CacheTag> = word.parse().ok();
        assert!(own.is_none_or(|own| facts.invalidates.iter().any(|tag| tag == own)), "{method}");
        assert!(own.is_some() || word == "push" || facts.invalidates == CacheTags::all(), "{method}");
    }
    assert_eq!(facts("flickr.new.thing").invalidates, CacheTags::all());
    assert!(facts("flickr.photos.delete").invalidates.iter().any(|tag| tag == CacheTag::Photosets));
}

#[test]
fn the_tags_of_methods_are_found_by_a_pattern() {
    let tags = |pattern: &str| CATALOGUE.tags(&pattern.parse().unwrap()).to_string();
    assert_eq!(tags("flickr.photos.getInfo"), "photos");
    assert_eq!(tags("flickr.photos.*"), "favorites,photos,reference");
    assert_eq!(tags("flickr.photos.setMeta"), "", "a write");
    assert_eq!(tags("flickr.nothing.*"), "");
    assert_eq!(tags("*").split(',').count(), CacheTag::ALL.len());
}

/// What must hold whatever the table says: no read is done by its failure, and what says that nothing is there is a
/// success only of a method that takes something away.
#[test]
fn meanings_fit_their_methods() {
    let removes = |method: &str| {
        let word = method.rsplit('.').next().unwrap();
        ["delete", "remove", "unsubscribe", "leave"].iter().any(|start| word.starts_with(start))
    };
    let table: Vec<MethodCodes> = serde_json::from_str(ERROR_CODES).unwrap();
    for MethodCodes { method, codes } in &table {
        let safe = all()[method].idempotency == Idempotency::Safe;
        for Code { code, means } in codes {
            match means {
                CodeMeaning::Done | CodeMeaning::AlreadySo | CodeMeaning::InDoubt => assert!(!safe, "{method} {code}"),
                CodeMeaning::Gone => assert!(removes(method), "{method} {code}"),
                CodeMeaning::Passing | CodeMeaning::Refused => {}
            }
        }
    }
    // The photo is gone, so it cannot be a favourite.
    assert_eq!(facts("flickr.favorites.add").error_codes.meaning(1), Some(CodeMeaning::Refused));
}

/// Whatever Flickr documents as "already" so has been looked at.
#[test]
fn no_documented_already_is_a_refusal() {
    let says = |error: &Value, word: &str| error["message"].as_str().unwrap().to_lowercase().contains(word);
    for entry in reflection() {
        let method = entry["method"].as_str().unwrap();
        for error in entry["errors"].as_array().unwrap() {
            let meaning = all()[method].error_codes.meaning(error["code"].as_i64().unwrap()).unwrap();
            // Another subscription has the URL.
            let of_another = method == "flickr.push.subscribe";
            assert!(!says(error, "already") || of_another || meaning == CodeMeaning::AlreadySo, "{entry}");
            let passing = ["try again", "too fast", "not currently available", "not available at this time"];
            assert!(!passing.iter().any(|word| says(error, word)) || meaning == CodeMeaning::Passing, "{entry}");
        }
    }
}

#[test]
fn each_write_of_the_read_back_table_is_verified_and_no_other_method() {
    let verified = CATALOGUE.iter().filter(|(_, facts)| facts.verification.is_some());
    let mut seen = BTreeSet::new();
    for (method, facts) in verified {
        let write: MethodName = method.parse().unwrap();
        let (read, _) = ReadBack::of(method).unwrap().read(&subjects()).unwrap();
        assert_ne!(facts.idempotency, Idempotency::Safe, "{write}");
        assert_eq!(facts.verification, Some(Verification::ReadBack), "{write}");
        let of_read = all().get(read.as_str()).copied();
        assert_eq!(of_read.map(|facts| facts.idempotency), Some(Idempotency::Safe), "{write}");
        assert_eq!(of_read.and_then(|facts| facts.verification), None, "{write}");
        seen.insert(write);
    }
    assert_eq!(seen.len(), 9);
    assert_eq!(facts("flickr.photosets.create").verification, None);
}

/// Parameters that name one of everything a write can be about.
fn subjects() -> domain::call::Params {
    let given = serde_json::json!({"photo_id": "1", "photoset_id": "1", "gallery_id": "1"});
    domain::call::Params::from_json(&given.to_string()).unwrap()
}
