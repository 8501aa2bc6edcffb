//! Photos that Flickr has just made, and whose ids its other methods may not know yet.

use crate::call::Params;

/// The most photos of a call that are looked at.
const MAX_NAMED: usize = 20;

/// The values of a call's parameters that may be ids of photos, such as `photo_id`, `primary_photo_id`, and each of
/// `photo_ids`: up to 20.
pub fn named_photos(params: &Params) -> Vec<&str> {
    let is_id = |text: &&str| (5..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
    let of_photos = params.iter().filter(|(name, _)| name.contains("photo"));
    of_photos.flat_map(|(_, value)| value.split(',').map(str::trim)).filter(is_id).take(MAX_NAMED).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_photos_of_a_call_are_found_under_every_name() {
        let params = r#"{"primary_photo_id": 53900000001, "photo_ids": "53900000002, 53900000003,x", "photoset_id": "72157",
            "title": "53900000004"}"#;
        let params = Params::from_json(params).unwrap();
        assert_eq!(named_photos(&params), ["53900000002", "53900000003", "72157", "53900000001"]);
        let many = Params::from_json(&format!(r#"{{"photo_ids": "{}"}}"#, "12345,".repeat(100))).unwrap();
        assert_eq!(named_photos(&many).len(), MAX_NAMED);
    }
}
