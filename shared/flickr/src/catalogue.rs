//! What is known of Flickr's methods.
//!
//! `data/methods.json` is what Flickr's own reflection says of each method; `data/natural_writes.json`
//! names those writes that may be repeated, says why, and which of a method's error codes mean, when
//! it is repeated, that what was asked is already so. A write that is in doubt is not named there:
//! it is then never repeated, which is safe. `data/cache.json` says in which family the answers of a
//! read are kept, for how long, and whose kept answers a write may make void. A read whose answers
//! may not be kept (`cacheable` in `data/methods.json`) is in no family; a write that is not known
//! makes all void.

use std::{collections::HashMap, sync::LazyLock, time::Duration};

use domain::{
    account::Perms,
    cache::{Families, Family, Kept},
    call::{MethodName, MethodPattern},
    outcome::Nature,
};
use serde::Deserialize;

use crate::check::Check;

const METHODS: &str = include_str!("../data/methods.json");
const NATURAL_WRITES: &str = include_str!("../data/natural_writes.json");
const CACHE: &str = include_str!("../data/cache.json");

/// Flickr's methods, read at their first use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Catalogue;

/// A method of Flickr's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Method {
    nature: Nature,
    verb: Verb,
    perms: Option<Perms>,
    kept: Option<Kept>,
    raises: Families,
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

    fn kept(&self, method: &MethodName) -> Option<Kept> {
        self.find(method).and_then(Method::kept)
    }

    fn raises(&self, method: &MethodName) -> Families {
        self.find(method).map_or_else(Families::all, |method| method.raises.clone())
    }

    fn families(&self, pattern: &MethodPattern) -> Families {
        let matched = ALL.iter().filter(|(name, _)| pattern.matches(name));
        matched.filter_map(|(_, method)| method.kept).map(|kept| kept.family).collect()
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

    /// How its answers are kept; `None` when they never are. They can differ from user to user.
    pub fn kept(&self) -> Option<Kept> {
        self.kept
    }
}

#[expect(clippy::expect_used, reason = "the data is part of the program, and tests read it")]
static ALL: LazyLock<HashMap<&'static str, Method>> =
    LazyLock::new(|| read(METHODS, NATURAL_WRITES, CACHE).expect("the catalogue's data"));

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

#[derive(Deserialize)]
struct CacheTable {
    families: Vec<FamilyEntry>,
    writes: Vec<WriteEntry>,
}

#[derive(Deserialize)]
struct FamilyEntry {
    family: Family,
    ttl_seconds: u64,
    reads: Vec<MethodPattern>,
}

#[derive(Deserialize)]
struct WriteEntry {
    writes: MethodPattern,
    raise: Families,
}

impl CacheTable {
    /// How the answers of the read `method` are kept: as the pattern says that names it most closely.
    fn kept(&self, method: &str) -> Option<Kept> {
        let all = self.families.iter().flat_map(|entry| entry.reads.iter().map(move |reads| (entry, reads)));
        let closest = all.filter(|(_, reads)| reads.matches(method)).max_by_key(|(_, reads)| reads.closeness());
        closest.map(|(entry, _)| Kept { family: entry.family, ttl: Duration::from_secs(entry.ttl_seconds) })
    }

    /// Whose kept answers the write `method` may make void.
    fn raised(&self, method: &str) -> Families {
        let entry = self.writes.iter().find(|entry| entry.writes.matches(method));
        entry.map_or_else(Families::all, |entry| entry.raise.clone())
    }
}

fn read<'a>(methods: &'a str, natural_writes: &'a str, cache: &str) -> serde_json::Result<HashMap<&'a str, Method>> {
    let cache: CacheTable = serde_json::from_str(cache)?;
    let natural: Vec<NaturalWrite> = serde_json::from_str(natural_writes)?;
    let mut natural: HashMap<_, _> = natural.into_iter().map(|write| (write.method, write.already_so)).collect();
    let reflection: Reflection = serde_json::from_str(methods)?;
    Ok(reflection
        .methods
        .into_iter()
        .map(|entry| (entry.method, method(&entry, natural.remove(entry.method), &cache)))
        .collect())
}

fn method(entry: &Entry<'_>, natural: Option<Vec<AlreadySo>>, cache: &CacheTable) -> Method {
    let is_kept = entry.kind == Kind::Read && entry.cacheable;
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
        kept: if is_kept { cache.kept(entry.method) } else { None },
        raises: match entry.kind {
            Kind::Read => Families::default(),
            Kind::Write => cache.raised(entry.method),
        },
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
        assert_eq!(ALL.values().filter(|method| method.kept.is_some()).count(), 139);
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
    fn each_answer_that_may_be_kept_is_in_a_family() {
        for entry in reflection() {
            let method = &ALL[entry["method"].as_str().unwrap()];
            assert_eq!(Value::Bool(method.kept.is_some()), entry["cacheable"], "{entry}");
            assert!(method.kept.is_none_or(|kept| kept.ttl >= Duration::from_secs(300)), "{entry}");
        }
        let family = |method: &str| Catalogue.kept(&name(method)).map(|kept| kept.family);
        assert_eq!(family("flickr.photos.getInfo"), Some(Family::Photos));
        assert_eq!(family("flickr.photos.getFavorites"), Some(Family::Favorites), "the closer pattern");
        assert_eq!(family("flickr.people.getPhotosOf"), Some(Family::Photos));
        assert_eq!(family("flickr.people.getInfo"), Some(Family::People));
        assert_eq!(family("flickr.photos.getNothing"), None);
    }

    #[test]
    fn answers_that_change_by_themselves_and_reads_that_change_something_are_never_kept() {
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
            assert_eq!(ALL[method].kept, None, "{method}");
        }
    }

    #[test]
    fn a_write_makes_the_answers_of_its_own_family_void_and_a_read_none() {
        for (method, known) in ALL.iter() {
            if known.nature == Nature::Read {
                assert!(known.raises.is_empty(), "{method}");
                continue;
            }
            let word = method.split('.').nth(1).unwrap();
            let own: Option<Family> = word.parse().ok();
            assert!(own.is_none_or(|own| known.raises.iter().any(|raised| raised == own)), "{method}");
            assert!(own.is_some() || word == "push" || known.raises == Families::all(), "{method}");
        }
        assert_eq!(Catalogue.raises(&name("flickr.new.thing")), Families::all());
        assert!(Catalogue.raises(&name("flickr.photos.delete")).iter().any(|family| family == Family::Photosets));
    }

    #[test]
    fn the_families_of_methods_are_found_by_a_pattern() {
        let families = |pattern: &str| Catalogue.families(&pattern.parse().unwrap()).to_string();
        assert_eq!(families("flickr.photos.getInfo"), "photos");
        assert_eq!(families("flickr.photos.*"), "favorites,photos,reference");
        assert_eq!(families("flickr.photos.setMeta"), "", "a write");
        assert_eq!(families("flickr.nothing.*"), "");
        assert_eq!(families("*").split(',').count(), Family::ALL.len());
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
