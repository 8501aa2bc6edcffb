//! Lists of photos: paging, and the members that `extras` adds to each entry.

use std::collections::BTreeSet;

use super::call::Call;
use crate::clock;
use crate::envelope::{Element, Scalar};
use crate::params::Params;
use crate::world::photo::Photo;
use crate::world::text;

/// The page of a list that a call requests.
pub(super) struct Page {
    pub number: usize,
    pub size: usize,
}

impl Page {
    pub(super) fn from_params(params: &Params) -> Self {
        let number = |name| params.get(name).and_then(|text| text.parse().ok()).filter(|number| *number > 0);
        Self { number: number("page").unwrap_or(1), size: number("per_page").unwrap_or(100).min(500) }
    }

    /// The number of entries before the page.
    pub(super) fn offset(&self) -> usize {
        (self.number - 1).saturating_mul(self.size)
    }

    /// Builds the element that encloses the entries.
    pub(super) fn envelope(&self, name: &'static str, total: usize) -> Element {
        Element::new(name)
            .attr("page", self.number)
            .attr("pages", total.div_ceil(self.size))
            .attr("perpage", self.size)
            .attr("total", total)
    }
}

/// Builds the entries of the page of `photos` that starts at `offset`.
pub(super) fn entries(call: &Call<'_>, photos: &[&Photo], offset: usize, size: usize) -> Vec<Element> {
    let extras = call.params.get("extras").unwrap_or_default().split(',').map(str::trim);
    let extras: BTreeSet<&str> = extras.filter(|extra| !extra.is_empty()).collect();
    photos.iter().skip(offset).take(size).map(|photo| entry(call, photo, &extras)).collect()
}

fn entry(call: &Call<'_>, photo: &Photo, extras: &BTreeSet<&str>) -> Element {
    let mut element = Element::new("photo")
        .attr("id", photo.id.to_string())
        .attr("owner", photo.owner.as_str())
        .attr("secret", photo.secret.as_str())
        .attr("server", "65535")
        .attr("farm", 66_u64)
        .attr("title", photo.title.as_str())
        .attr("ispublic", photo.privacy.is_public)
        .attr("isfriend", photo.privacy.is_friend)
        .attr("isfamily", photo.privacy.is_family);
    for extra in extras {
        element = with_extra(call, element, photo, extra);
    }
    element
}

fn with_extra(call: &Call<'_>, element: Element, photo: &Photo, extra: &str) -> Element {
    match extra {
        "description" => element.text("description", text::shown(&photo.description)),
        "license" => element.attr("license", photo.license.to_string()),
        "date_upload" => element.attr("dateupload", photo.uploaded.as_second().to_string()),
        "last_update" => element.attr("lastupdate", photo.updated.as_second().to_string()),
        "date_taken" => element
            .attr("datetaken", clock::mysql(photo.uploaded))
            .attr("datetakengranularity", 0_u64)
            .attr("datetakenunknown", "1"),
        "owner_name" => {
            let name = call.world.users.get(&photo.owner).map(|user| user.username.clone()).unwrap_or_default();
            element.attr("ownername", name)
        }
        "original_format" => element
            .attr("originalsecret", photo.original_secret.as_str())
            .attr("originalformat", photo.file.kind.extension()),
        "tags" => element.attr("tags", joined_tags(photo, false)),
        "machine_tags" => element.attr("machine_tags", joined_tags(photo, true)),
        "views" => element.attr("views", "0"),
        "media" => element.attr("media", photo.file.kind.media()).attr("media_status", photo.media_status(call.now)),
        "path_alias" => element.attr("pathalias", Scalar::Null),
        "url_o" => element.attr("url_o", url(photo, &photo.original_secret, "_o")),
        "url_sq" => element.attr("url_sq", url(photo, &photo.secret, "_s")),
        "url_m" => element.attr("url_m", url(photo, &photo.secret, "")),
        "url_l" => element.attr("url_l", url(photo, &photo.secret, "_b")),
        _ => element,
    }
}

fn joined_tags(photo: &Photo, only_machine: bool) -> String {
    let tags = photo.tags.iter().filter(|tag| !only_machine || tag.machine.is_some());
    tags.map(|tag| tag.clean.as_str()).collect::<Vec<_>>().join(" ")
}

fn url(photo: &Photo, secret: &str, suffix: &str) -> String {
    format!("https://live.staticflickr.com/65535/{}_{secret}{suffix}.{}", photo.id, photo.file.kind.extension())
}
