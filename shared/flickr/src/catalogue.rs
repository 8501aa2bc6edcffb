//! What is known of Flickr's methods.
//!
//! `data/methods.json` is what Flickr's own reflection says of each method; `data/natural_writes.json`
//! names those writes that may be repeated, says why, and which of a method's error codes mean, when
//! it is repeated, that what was asked is already so. A write that is in doubt is not named there:
//! it is then never repeated, which is safe.

use std::{collections::HashMap, sync::LazyLock};

use domain::{account::Perms, call::MethodName, outcome::Nature};
use serde::Deserialize;

use crate::check::Check;

const METHODS: &str = include_str!("../data/methods.json");
const NATURAL_WRITES: &str = include_str!("../data/natural_writes.json");

/// Flickr's methods, read at their first use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Catalogue;

/// A method of Flickr's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    nature: Nature,
    verb: Verb,
    perms: Option<Perms>,
    cacheable: bool,
    already_so: Vec<i64>,
}

/// How a request is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// With the parameters in the query.
    Get,
    /// With the parameters in the body.
    Post,
}

impl Verb {
    /// As HTTP writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
        }
    }
}

impl Catalogue {
    /// What is known of `method`; names are told apart by case.
    pub fn find(self, method: &MethodName) -> Option<&'static Method> {
        ALL.get(method.as_str())
    }

    /// How to send `method`. An unknown one may be a write, so it is posted.
    pub fn verb(self, method: &MethodName) -> Verb {
        self.find(method).map_or(Verb::Post, Method::verb)
    }

    /// Whether error `code` of `method`, when it is repeated, means that what was asked is already so.
    pub fn is_already_so(self, method: &MethodName, code: i64) -> bool {
        self.find(method).is_some_and(|method| method.already_so.contains(&code))
    }
}

impl hub::ports::Catalogue for Catalogue {
    fn nature(&self, method: &MethodName) -> Nature {
        self.find(method).map_or(Nature::UnrepeatableWrite, Method::nature)
    }

    fn is_checkable(&self, method: &MethodName) -> bool {
        Check::of(method).is_some()
    }
}

impl Method {
    /// Whether repeating it can change its result.
    pub fn nature(&self) -> Nature {
        self.nature
    }

    /// How it is sent.
    pub fn verb(&self) -> Verb {
        self.verb
    }

    /// What the user must have allowed; `None` when nothing.
    pub fn perms(&self) -> Option<Perms> {
        self.perms
    }

    /// Whether its answer may be kept and given again. It can differ from user to user even so.
    pub fn is_cacheable(&self) -> bool {
        self.cacheable
    }
}

#[expect(clippy::expect_used, reason = "the data is part of the program, and tests read it")]
static ALL: LazyLock<HashMap<&'static str, Method>> =
    LazyLock::new(|| read(METHODS, NATURAL_WRITES).expect("the catalogue's data"));

#[derive(Deserialize)]
struct Reflection<'a> {
    #[serde(borrow)]
    methods: Vec<Entry<'a>>,
}

#[derive(Deserialize)]
struct Entry<'a> {
    method: &'a str,
    required_perms: RequiredPerms,
    kind: Kind,
    http_method: Verb,
    cacheable: bool,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RequiredPerms {
    None,
    Read,
    Write,
    Delete,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Read,
    Write,
}

#[derive(Deserialize)]
struct NaturalWrite<'a> {
    method: &'a str,
    already_so: Vec<AlreadySo>,
}

#[derive(Deserialize)]
struct AlreadySo {
    code: i64,
}

fn read<'a>(methods: &'a str, natural_writes: &'a str) -> serde_json::Result<HashMap<&'a str, Method>> {
    let natural: Vec<NaturalWrite> = serde_json::from_str(natural_writes)?;
    let mut natural: HashMap<_, _> = natural.into_iter().map(|write| (write.method, write.already_so)).collect();
    let reflection: Reflection = serde_json::from_str(methods)?;
    Ok(reflection
        .methods
        .into_iter()
        .map(|entry| (entry.method, method(&entry, natural.remove(entry.method))))
        .collect())
}

fn method(entry: &Entry<'_>, natural: Option<Vec<AlreadySo>>) -> Method {
    Method {
        nature: match (entry.kind, &natural) {
            (Kind::Read, _) => Nature::Read,
            (Kind::Write, Some(_)) => Nature::NaturalWrite,
            (Kind::Write, None) => Nature::UnrepeatableWrite,
        },
        verb: entry.http_method,
        perms: match entry.required_perms {
            RequiredPerms::None => None,
            RequiredPerms::Read => Some(Perms::Read),
            RequiredPerms::Write => Some(Perms::Write),
            RequiredPerms::Delete => Some(Perms::Delete),
        },
        cacheable: entry.cacheable,
        already_so: natural.unwrap_or_default().into_iter().map(|error| error.code).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hub::ports::Catalogue as _;
    use serde_json::Value;

    use super::*;

    fn name(text: &str) -> MethodName {
        text.parse().unwrap()
    }

    fn reflection() -> Vec<Value> {
        let data: Value = serde_json::from_str(METHODS).unwrap();
        data["methods"].as_array().unwrap().clone()
    }

    fn natural_writes() -> Vec<Value> {
        serde_json::from_str(NATURAL_WRITES).unwrap()
    }

    #[test]
    fn the_catalogue_holds_every_method_once() {
        assert_eq!(reflection().len(), 225);
        assert_eq!(ALL.len(), 225);
        let count = |nature| ALL.values().filter(|method| method.nature == nature).count();
        assert_eq!(count(Nature::Read), 153);
        assert_eq!(count(Nature::NaturalWrite), natural_writes().len());
        assert_eq!(count(Nature::NaturalWrite) + count(Nature::UnrepeatableWrite), 72);
        assert_eq!(ALL.values().filter(|method| method.cacheable).count(), 139);
    }

    #[test]
    fn each_natural_write_is_a_known_write_and_says_why() {
        let methods = reflection();
        let mut seen = BTreeSet::new();
        for write in natural_writes() {
            let known = methods.iter().find(|entry| entry["method"] == write["method"]).unwrap();
            assert_eq!(known["kind"], "write", "{write}");
            assert!(write["why"].as_str().is_some_and(|why| !why.is_empty()), "{write}");
            assert!(seen.insert(write["method"].as_str().unwrap().to_owned()), "{write} comes twice");
            for error in write["already_so"].as_array().unwrap() {
                let documented = known["errors"].as_array().unwrap().iter();
                assert!(
                    documented.clone().any(|e| e["code"] == error["code"] && e["message"] == error["means"]),
                    "{write}"
                );
            }
        }
    }

    #[test]
    fn creating_posting_and_turning_are_never_natural() {
        for method in ALL.iter().filter(|(_, method)| method.nature == Nature::NaturalWrite).map(|(name, _)| name) {
            let word = method.rsplit('.').next().unwrap();
            let creates = ["create", "post", "rotate", "addComment", "addTestimonial", "subscribe"];
            assert!(!creates.iter().any(|start| word.starts_with(start)), "{method}");
            assert!(!method.starts_with("flickr.groups.discuss.") || word != "add", "{method}");
        }
    }

    #[test]
    fn reads_that_change_something_are_writes() {
        for method in ["flickr.push.subscribe", "flickr.push.unsubscribe"] {
            assert_eq!(Catalogue.nature(&name(method)), Nature::UnrepeatableWrite, "{method}");
        }
        for method in ["flickr.auth.getFrob", "flickr.auth.oauth.getAccessToken"] {
            assert_eq!(ALL[method].nature, Nature::UnrepeatableWrite, "{method}");
        }
    }

    #[test]
    fn examples_of_each_nature() {
        let table = [
            ("flickr.test.login", Nature::Read, Verb::Get),
            ("flickr.photos.search", Nature::Read, Verb::Get),
            ("flickr.photos.setMeta", Nature::NaturalWrite, Verb::Post),
            ("flickr.photos.delete", Nature::NaturalWrite, Verb::Post),
            ("flickr.favorites.add", Nature::NaturalWrite, Verb::Post),
            ("flickr.photos.addTags", Nature::NaturalWrite, Verb::Post),
            ("flickr.photos.transform.rotate", Nature::UnrepeatableWrite, Verb::Post),
            ("flickr.photosets.create", Nature::UnrepeatableWrite, Verb::Post),
            ("flickr.photos.notes.add", Nature::UnrepeatableWrite, Verb::Post),
            ("flickr.photos.comments.addComment", Nature::UnrepeatableWrite, Verb::Post),
        ];
        for (method, nature, verb) in table {
            assert_eq!((Catalogue.nature(&name(method)), Catalogue.verb(&name(method))), (nature, verb), "{method}");
        }
        assert_eq!(Catalogue.find(&name("flickr.photos.delete")).unwrap().perms(), Some(Perms::Delete));
        assert!(!Catalogue.find(&name("flickr.people.getUploadStatus")).unwrap().is_cacheable());
    }

    #[test]
    fn an_unknown_method_is_a_posted_write_never_repeated() {
        for method in ["flickr.photos.getNothing", "flickr.Photos.search", "flickr.new.thing"] {
            assert_eq!(Catalogue.nature(&name(method)), Nature::UnrepeatableWrite, "{method}");
            assert_eq!(Catalogue.verb(&name(method)), Verb::Post, "{method}");
            assert_eq!(Catalogue.find(&name(method)), None);
        }
    }

    #[test]
    fn already_so_is_said_of_the_end_state_only() {
        assert!(Catalogue.is_already_so(&name("flickr.photos.delete"), 1));
        assert!(Catalogue.is_already_so(&name("flickr.favorites.add"), 3));
        // The photo is gone, so it cannot be a favourite.
        assert!(!Catalogue.is_already_so(&name("flickr.favorites.add"), 1));
        // It waits for a moderator, and is not in the pool.
        assert!(!Catalogue.is_already_so(&name("flickr.groups.pools.add"), 7));
        assert!(!Catalogue.is_already_so(&name("flickr.photos.setMeta"), 1));
        assert!(!Catalogue.is_already_so(&name("flickr.photos.nothing"), 1));
    }
}
