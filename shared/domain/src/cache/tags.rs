//! Cache tags: answers with the same tag are invalidated together.

use std::{collections::BTreeSet, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A group of methods whose answers are invalidated together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CacheTag {
    /// An account's blogs.
    Blogs,
    /// Who its contacts are.
    Contacts,
    /// Favourites.
    Favorites,
    /// Galleries.
    Galleries,
    /// Groups, their pools and their talks.
    Groups,
    /// People and their preferences.
    People,
    /// Photos, one by one and in lists.
    Photos,
    /// Albums and collections.
    Photosets,
    /// Places, and what was taken there.
    Places,
    /// What is the same for everyone, and changes seldom.
    Reference,
    /// View counts.
    Stats,
    /// Tags.
    Tags,
    /// Testimonials.
    Testimonials,
}

impl CacheTag {
    /// All of them.
    pub const ALL: [CacheTag; 13] = [
        CacheTag::Blogs,
        CacheTag::Contacts,
        CacheTag::Favorites,
        CacheTag::Galleries,
        CacheTag::Groups,
        CacheTag::People,
        CacheTag::Photos,
        CacheTag::Photosets,
        CacheTag::Places,
        CacheTag::Reference,
        CacheTag::Stats,
        CacheTag::Tags,
        CacheTag::Testimonials,
    ];

    /// As the API and the tables write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            CacheTag::Blogs => "blogs",
            CacheTag::Contacts => "contacts",
            CacheTag::Favorites => "favorites",
            CacheTag::Galleries => "galleries",
            CacheTag::Groups => "groups",
            CacheTag::People => "people",
            CacheTag::Photos => "photos",
            CacheTag::Photosets => "photosets",
            CacheTag::Places => "places",
            CacheTag::Reference => "reference",
            CacheTag::Stats => "stats",
            CacheTag::Tags => "tags",
            CacheTag::Testimonials => "testimonials",
        }
    }
}

impl FromStr for CacheTag {
    type Err = UnknownCacheTag;

    fn from_str(text: &str) -> Result<Self, UnknownCacheTag> {
        Self::ALL.into_iter().find(|tag| tag.as_str() == text).ok_or(UnknownCacheTag)
    }
}

/// The text names no [`CacheTag`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown cache tag")]
pub struct UnknownCacheTag;

/// A set of cache tags, written as their names with commas between.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CacheTags(BTreeSet<CacheTag>);

impl CacheTags {
    /// All of them.
    pub fn all() -> Self {
        CacheTag::ALL.into_iter().collect()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = CacheTag> {
        self.0.iter().copied()
    }
}

impl FromIterator<CacheTag> for CacheTags {
    fn from_iter<T: IntoIterator<Item = CacheTag>>(tags: T) -> Self {
        Self(tags.into_iter().collect())
    }
}

impl fmt::Display for CacheTags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(CacheTag::as_str).collect();
        f.write_str(&names.join(","))
    }
}

impl FromStr for CacheTags {
    type Err = UnknownCacheTag;

    fn from_str(text: &str) -> Result<Self, UnknownCacheTag> {
        text.split(',').filter(|name| !name.is_empty()).map(str::parse).collect()
    }
}
