//! `flickr.photos.search`.

use jiff::Timestamp;

use super::call::Call;
use super::listing::{self, Page};
use crate::envelope::{ApiError, MethodResult};
use crate::params::Params;
use crate::world::photo::Photo;
use crate::world::tags::{MachineQuery, Tag};

/// A search returns at most this many distinct photos; pages beyond them repeat the last ones, as at Flickr.
const MAX_RESULTS: usize = 4000;

/// A search needs at least one of these parameters.
const CRITERIA: [&str; 12] = [
    "user_id",
    "tags",
    "text",
    "machine_tags",
    "min_upload_date",
    "max_upload_date",
    "license",
    "privacy_filter",
    "media",
    "bbox",
    "group_id",
    "contacts",
];

pub(super) fn search(call: &mut Call<'_>) -> MethodResult {
    if CRITERIA.iter().all(|name| call.params.non_empty(name).is_none()) {
        let message = "Parameterless searches have been disabled. Please use flickr.photos.getRecent instead.";
        return Err(ApiError::new(3, message));
    }
    let owner = match call.params.non_empty("user_id") {
        Some(user_id) => Some(call.user_named(user_id).ok_or_else(|| ApiError::new(2, "Unknown user"))?),
        None => None,
    };
    let filter = Filter::from_params(call.params)?;
    let viewer = call.viewer();
    let visible: Vec<&Photo> = call
        .world
        .photos
        .values()
        .rev()
        .filter(|photo| owner.as_ref().is_none_or(|owner| *owner == photo.owner))
        .filter(|photo| photo.is_visible_to(viewer))
        .filter(|photo| viewer == Some(photo.owner.as_str()) || photo.hidden != 2)
        .filter(|photo| filter.matches(photo))
        .collect();
    let known_from = |photo: &Photo| if filter.is_by_text() { photo.known.by_tag } else { photo.known.in_lists };
    let mut found: Vec<&Photo> = visible.iter().copied().filter(|photo| known_from(photo) <= call.now).collect();
    let total = if call.world.config.total_counts_unlisted { visible.len() } else { found.len() };
    if call.params.get("sort") == Some("date-posted-asc") {
        found.reverse();
    }
    let page = Page::from_params(call.params);
    let offset = page.offset().min(MAX_RESULTS - page.size);
    let entries = listing::entries(call, &found, offset, page.size);
    Ok(vec![page.envelope("photos", total).many("photo", entries)])
}

/// The conditions of a search, except the owner.
struct Filter<'a> {
    tags: Vec<String>,
    without_tags: Vec<String>,
    all_tags: bool,
    machine_tags: Vec<MachineQuery>,
    all_machine_tags: bool,
    words: Vec<String>,
    uploaded_from: Option<Timestamp>,
    uploaded_to: Option<Timestamp>,
    licenses: Vec<&'a str>,
    media: Option<&'a str>,
    is_public: Option<bool>,
}

impl<'a> Filter<'a> {
    fn from_params(params: &'a Params) -> Result<Self, ApiError> {
        let list = |name| {
            let text = params.get(name).unwrap_or_default();
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>()
        };
        let (without, with): (Vec<_>, Vec<_>) = list("tags").into_iter().partition(|tag| tag.starts_with('-'));
        let machine_tags: Vec<_> = list("machine_tags").into_iter().filter_map(MachineQuery::parse).collect();
        if machine_tags.is_empty() && params.non_empty("machine_tags").is_some() {
            return Err(ApiError::new(11, "No valid machine tags"));
        }
        let date = |name| {
            let seconds = params.get(name)?.parse().ok()?;
            Timestamp::from_second(seconds).ok()
        };
        Ok(Self {
            tags: with.into_iter().map(|tag| Tag::new(tag).clean).collect(),
            without_tags: without.into_iter().map(|tag| Tag::new(&tag[1..]).clean).collect(),
            all_tags: params.get("tag_mode") == Some("all"),
            machine_tags,
            all_machine_tags: params.get("machine_tag_mode") == Some("all"),
            words: params.get("text").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect(),
            uploaded_from: date("min_upload_date"),
            uploaded_to: date("max_upload_date"),
            licenses: list("license"),
            media: params.non_empty("media").filter(|media| *media != "all"),
            is_public: params.non_empty("privacy_filter").map(|filter| filter == "1"),
        })
    }

    /// Whether it looks for tags, machine tags or words.
    fn is_by_text(&self) -> bool {
        !self.tags.is_empty() || !self.machine_tags.is_empty() || !self.words.is_empty()
    }

    fn matches(&self, photo: &Photo) -> bool {
        let has = |clean: &String| photo.tags.iter().any(|tag| tag.clean == *clean);
        let has_machine = |query: &MachineQuery| photo.tags.iter().any(|tag| query.matches(tag));
        any_or_all(&self.tags, self.all_tags, has)
            && !self.without_tags.iter().any(has)
            && any_or_all(&self.machine_tags, self.all_machine_tags, has_machine)
            && self.words.iter().all(|word| contains_word(photo, word))
            && self.uploaded_from.is_none_or(|from| photo.uploaded.as_second() >= from.as_second())
            && self.uploaded_to.is_none_or(|to| photo.uploaded.as_second() <= to.as_second())
            && (self.licenses.is_empty() || self.licenses.contains(&photo.license.to_string().as_str()))
            && self.media.is_none_or(|media| photo.file.kind.media().starts_with(media.trim_end_matches('s')))
            && self.is_public.is_none_or(|is_public| photo.privacy.is_public == is_public)
    }
}

/// Whether any condition of `list` holds, or all of them if `all` is set. An empty list always holds.
fn any_or_all<T>(list: &[T], all: bool, holds: impl Fn(&T) -> bool) -> bool {
    list.is_empty() || if all { list.iter().all(holds) } else { list.iter().any(holds) }
}

fn contains_word(photo: &Photo, word: &str) -> bool {
    photo.title.to_lowercase().contains(word)
        || photo.description.to_lowercase().contains(word)
        || photo.tags.iter().any(|tag| tag.raw.to_lowercase().contains(word))
}
