//! The error codes of uploads and replacements. A code can mean something else at the other endpoint.

use crate::envelope::ApiError;
use crate::request::Endpoint;

/// Whether `endpoint` has the error `code`.
pub(crate) fn has(endpoint: Endpoint, code: i64) -> bool {
    message(endpoint, code).is_some()
}

/// The error `code` of `endpoint`.
pub(crate) fn error(endpoint: Endpoint, code: i64) -> ApiError {
    ApiError::new(code, message(endpoint, code).unwrap_or("General upload failure"))
}

fn message(endpoint: Endpoint, code: i64) -> Option<&'static str> {
    use Endpoint::{Replace, Upload};
    Some(match (endpoint, code) {
        (Upload, 0) => "Video uploads are temporarily disabled",
        (Replace, 1) => "Not a pro account",
        (Upload | Replace, 2) => "No photo specified",
        (Upload | Replace, 3) => "General upload failure",
        (Upload | Replace, 4) => "Filesize was zero",
        (Upload | Replace, 5) => "Filetype was not recognised",
        (Upload | Replace, 6) => "Upload limit reached. For more info, visit flickr.com/pro",
        (Upload, 7) => "User exceeded video upload limit",
        (Upload, 8) => "Filesize was too large",
        (Replace, 8) => "Videos can't be replaced",
        (Upload, 9) => "Duplicate photo/video detected",
        (Upload, 10) => "Not a valid url to upload from",
        (Upload, 11) => "Fetch from external image failed",
        (Upload, 12) => "Not a valid photo id to clone meta data from",
        (Upload, 13) => "The photo to clone meta data from does not belong to the uploader",
        (Upload, 14) => "Server at capacity",
        (Upload, 15) => "Non-safe content is not allowed",
        (Upload | Replace, 93) => "POST size too large!",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_8_means_two_things() {
        assert_eq!(error(Endpoint::Upload, 8), ApiError::new(8, "Filesize was too large"));
        assert_eq!(error(Endpoint::Replace, 8), ApiError::new(8, "Videos can't be replaced"));
    }

    #[test]
    fn each_endpoint_has_its_codes() {
        let codes = |endpoint| (0..100).filter(|code| has(endpoint, *code)).collect::<Vec<_>>();
        assert_eq!(codes(Endpoint::Upload), [0, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 93]);
        assert_eq!(codes(Endpoint::Replace), [1, 2, 3, 4, 5, 6, 8, 93]);
        assert!(codes(Endpoint::Rest).is_empty());
    }
}
