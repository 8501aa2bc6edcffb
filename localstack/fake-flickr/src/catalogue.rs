//! Flickr's methods and the permission that each needs, from the catalogue that the workspace shares as data.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::perms::Perms;

#[derive(Deserialize)]
struct File {
    methods: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    method: String,
    required_perms: Perms,
}

static METHODS: LazyLock<HashMap<String, Perms>> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the file is compiled in, and a test parses it")]
    let file: File =
        serde_json::from_str(include_str!("../../../shared/flickr/data/methods.json")).expect("a valid catalogue");
    file.methods.into_iter().map(|entry| (entry.method, entry.required_perms)).collect()
});

/// Returns the permission that `method` needs, or nothing if Flickr has no such method.
pub(crate) fn required_perms(method: &str) -> Option<Perms> {
    METHODS.get(method).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_every_method_and_its_permission() {
        assert_eq!(METHODS.len(), 225);
        assert_eq!(required_perms("flickr.photos.delete"), Some(Perms::Delete));
        assert_eq!(required_perms("flickr.photos.getInfo"), Some(Perms::None));
        assert_eq!(required_perms("flickr.photos.doesNotExist"), None);
    }
}
