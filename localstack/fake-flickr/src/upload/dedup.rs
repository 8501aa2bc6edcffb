//! Deduplication: whether an account holds the bytes of an upload already, or once did.

use jiff::Timestamp;

use super::{codes, details};
use crate::config::Config;
use crate::envelope::ApiError;
use crate::params::Params;
use crate::request::Endpoint;
use crate::world::World;
use crate::world::photo::Photo;

/// A photo of the same bytes in the same account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Original {
    Living(u64),
    Deleted(u64),
}

/// What an upload does about duplicates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dedup {
    /// It becomes a photo of its own.
    Store,
    /// It is refused for this original.
    Refuse(Original),
    /// It brings this deleted original back to life.
    Revive(u64),
}

/// Follows `dedup_check`: 1 refuses duplicates also of deleted photos, 2 brings deleted ones back to life.
pub(super) fn decide(params: &Params, original: Option<Original>) -> Dedup {
    match (params.get("dedup_check"), original) {
        (Some("1" | "2"), Some(living @ Original::Living(_))) => Dedup::Refuse(living),
        (Some("1"), Some(deleted @ Original::Deleted(_))) => Dedup::Refuse(deleted),
        (Some("2"), Some(Original::Deleted(id))) => Dedup::Revive(id),
        _ => Dedup::Store,
    }
}

/// The photo of `user` with these bytes that the deduplication knows by now. One that exists counts before a deleted one.
pub(super) fn original_of(world: &World, user: &str, sha256: &str, now: Timestamp) -> Option<Original> {
    let is_original =
        |photo: &&Photo| photo.owner == user && photo.file.sha256 == sha256 && photo.known.as_original <= now;
    let living = world.photos.values().find(is_original).map(|photo| Original::Living(photo.id));
    living.or_else(|| {
        let deleted = world.deleted_photos.values().rev().find(is_original);
        deleted.map(|photo| Original::Deleted(photo.id))
    })
}

/// Error 9, which names the original.
pub(super) fn error(config: &Config, original: Option<Original>) -> ApiError {
    let error = codes::error(Endpoint::Upload, 9);
    let (id, status) = match original {
        Some(Original::Living(id)) => (id, config.duplicate_status.clone()),
        Some(Original::Deleted(id)) => (id, "DELETED".to_owned()),
        None => return error,
    };
    details::with(config, error, &[("duplicate_photo_id", id.to_string()), ("duplicate_photo_status", status)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_check_does() {
        let (living, deleted) = (Original::Living(1), Original::Deleted(2));
        for (check, original, expected) in [
            (None, Some(living), Dedup::Store),
            (Some("0"), Some(living), Dedup::Store),
            (Some("1"), Some(living), Dedup::Refuse(living)),
            (Some("1"), Some(deleted), Dedup::Refuse(deleted)),
            (Some("1"), None, Dedup::Store),
            (Some("2"), Some(living), Dedup::Refuse(living)),
            (Some("2"), Some(deleted), Dedup::Revive(2)),
            (Some("2"), None, Dedup::Store),
        ] {
            let params: Params =
                check.map(|check: &str| ("dedup_check".to_owned(), check.to_owned())).into_iter().collect();
            assert_eq!(decide(&params, original), expected, "{check:?} {original:?}");
        }
    }
}
