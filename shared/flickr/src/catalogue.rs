//! The catalogue of Flickr's methods, read from data that is part of the program.
//!
//! - `data/methods.json` has what Flickr's reflection says of each method: kind, verb, permissions, errors, and whether
//!   its answers may be cached (`cacheable`).
//! - `data/idempotent_writes.json` lists the writes that may be repeated and says why. A write is listed only when this
//!   is certain; an unlisted one is never repeated, which is safe.
//! - `data/error_codes.json` says what a method's own error codes mean where that is no plain refusal, and names codes
//!   that Flickr has been seen to answer although its reflection does not list them.
//! - `data/cache.json` gives cached reads their tag and time to live, and says which tags a write invalidates, and how
//!   long Flickr's index may lag behind it. A write that no pattern matches invalidates all.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use domain::{
    account::Perms,
    cache::{CachePolicy, CacheTag, CacheTags},
    call::MethodPattern,
    catalogue::{Catalogue, CodeMeaning, ErrorCodes, MethodFacts, Methods, Verb},
    idempotency::Idempotency,
    verification::Verification,
};
use serde::Deserialize;

use crate::read_back::ReadBack;

const METHODS: &str = include_str!("../data/methods.json");
const IDEMPOTENT_WRITES: &str = include_str!("../data/idempotent_writes.json");
const ERROR_CODES: &str = include_str!("../data/error_codes.json");
const CACHE: &str = include_str!("../data/cache.json");

/// What is known of Flickr's methods.
pub static CATALOGUE: Catalogue = Catalogue::new(read);

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
    http_method: HttpMethod,
    cacheable: bool,
    args: Vec<Argument<'a>>,
    errors: Vec<DocumentedError>,
}

#[derive(Deserialize)]
struct Argument<'a> {
    name: &'a str,
}

#[derive(Deserialize)]
struct DocumentedError {
    code: i64,
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

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum HttpMethod {
    Get,
    Post,
}

#[derive(Deserialize)]
struct IdempotentWrite<'a> {
    method: &'a str,
}

#[derive(Deserialize)]
struct MethodCodes<'a> {
    method: &'a str,
    codes: Vec<Code>,
}

#[derive(Deserialize)]
struct Code {
    code: i64,
    means: CodeMeaning,
}

#[derive(Deserialize)]
struct CacheTable {
    index_lag_seconds: u64,
    tags: Vec<TagEntry>,
    writes: Vec<WriteEntry>,
}

#[derive(Deserialize)]
struct TagEntry {
    tag: CacheTag,
    ttl_seconds: u64,
    reads: Vec<MethodPattern>,
}

#[derive(Deserialize)]
struct WriteEntry {
    writes: MethodPattern,
    invalidates: CacheTags,
}

impl CacheTable {
    /// How answers of a read are cached. Where several patterns match, the closest one decides.
    fn policy(&self, entry: &Entry<'_>) -> Option<CachePolicy> {
        let all = self.tags.iter().flat_map(|tag| tag.reads.iter().map(move |reads| (tag, reads)));
        let closest = all.filter(|(_, reads)| reads.matches(entry.method)).max_by_key(|(_, reads)| reads.closeness());
        closest.map(|(tag, _)| CachePolicy {
            tag: tag.tag,
            ttl: Duration::from_secs(tag.ttl_seconds),
            index_lag: Duration::from_secs(self.index_lag_seconds),
            has_pages: entry.args.iter().any(|argument| argument.name == "page"),
        })
    }

    /// The tags that the write `method` may invalidate.
    fn invalidates(&self, method: &str) -> CacheTags {
        let entry = self.writes.iter().find(|entry| entry.writes.matches(method));
        entry.map_or_else(CacheTags::all, |entry| entry.invalidates.clone())
    }
}

#[expect(clippy::expect_used, reason = "the data is part of the program, and tests read it")]
fn read() -> Methods {
    parse(METHODS, IDEMPOTENT_WRITES, ERROR_CODES, CACHE).expect("the catalogue's data")
}

fn parse(methods: &str, idempotent_writes: &str, error_codes: &str, cache: &str) -> serde_json::Result<Methods> {
    let cache: CacheTable = serde_json::from_str(cache)?;
    let idempotent: Vec<IdempotentWrite> = serde_json::from_str(idempotent_writes)?;
    let idempotent: HashSet<_> = idempotent.iter().map(|write| write.method).collect();
    let codes: Vec<MethodCodes> = serde_json::from_str(error_codes)?;
    let codes: HashMap<_, _> = codes.iter().map(|entry| (entry.method, entry.codes.as_slice())).collect();
    let reflection: Reflection = serde_json::from_str(methods)?;
    let methods = reflection.methods.iter();
    Ok(methods
        .map(|entry| {
            let codes = codes.get(entry.method).copied().unwrap_or_default();
            (entry.method.to_owned(), facts(entry, idempotent.contains(entry.method), codes, &cache))
        })
        .collect())
}

/// The facts of one method; `codes` are what `data/error_codes.json` says of it.
fn facts(entry: &Entry<'_>, is_idempotent: bool, codes: &[Code], cache: &CacheTable) -> MethodFacts {
    let is_cached = entry.kind == Kind::Read && entry.cacheable;
    MethodFacts {
        verb: match entry.http_method {
            HttpMethod::Get => Verb::Get,
            HttpMethod::Post => Verb::Post,
        },
        perms: match entry.required_perms {
            RequiredPerms::None => None,
            RequiredPerms::Read => Some(Perms::Read),
            RequiredPerms::Write => Some(Perms::Write),
            RequiredPerms::Delete => Some(Perms::Delete),
        },
        idempotency: match (entry.kind, is_idempotent) {
            (Kind::Read, _) => Idempotency::Safe,
            (Kind::Write, true) => Idempotency::Idempotent,
            (Kind::Write, false) => Idempotency::NonIdempotent,
        },
        verification: ReadBack::of(entry.method).map(|_| Verification::ReadBack),
        cache_policy: if is_cached { cache.policy(entry) } else { None },
        invalidates: match entry.kind {
            Kind::Read => CacheTags::default(),
            Kind::Write => cache.invalidates(entry.method),
        },
        error_codes: error_codes(entry, codes),
    }
}

/// What the method's own error codes say: what is documented and not listed in `codes` is a refusal.
fn error_codes(entry: &Entry<'_>, codes: &[Code]) -> ErrorCodes {
    let documented = entry.errors.iter().map(|error| (error.code, CodeMeaning::Refused));
    documented.chain(codes.iter().map(|code| (code.code, code.means))).collect()
}

#[cfg(test)]
mod tests;
