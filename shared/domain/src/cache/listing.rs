//! Listings: what Flickr answers page by page.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::call::Params;

/// Whether `answer`, the JSON text of Flickr's answer to a call of a listing with `params`, is one page of several, or
/// may be: who reads all pages must not be given pages of different ages. It is the only one if it is the first, and
/// its own count (`pages`, else `has_next_page`) says that there is no other.
pub fn is_page_of_several(params: &Params, answer: &str) -> bool {
    let is_first = params.iter().all(|(name, value)| name != "page" || value == "1");
    !(is_first && says_that_it_is_alone(answer))
}

fn says_that_it_is_alone(answer: &str) -> bool {
    let Some(top) = members(answer) else { return false };
    // Most methods say it in the element that encloses the entries, some beside it.
    let inner: Vec<_> = top.values().filter_map(|value| members(value.get())).collect();
    let count = |name| [&top].into_iter().chain(&inner).find_map(|members| number(members.get(name)?));
    match (count("pages"), count("has_next_page")) {
        (Some(pages), _) => pages <= 1,
        (None, Some(next)) => next == 0,
        (None, None) => false,
    }
}

/// The members of an object; `None` for any other JSON.
fn members(text: &str) -> Option<BTreeMap<String, &RawValue>> {
    if text.trim_start().starts_with('{') { serde_json::from_str(text).ok() } else { None }
}

/// A number, as Flickr writes it: bare, as a text, or as a truth value.
fn number(value: &RawValue) -> Option<u64> {
    match value.get() {
        "false" => Some(0),
        "true" => Some(1),
        text => text.trim_matches('"').parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn params(page: Option<&str>) -> Params {
        let mut params = json!({ "user_id": "me", "per_page": "1" });
        if let Some(page) = page {
            params["page"] = json!(page);
        }
        Params::from_json(&params.to_string()).unwrap()
    }

    #[test]
    fn an_answer_is_alone_only_if_it_says_so() {
        let photos = |members| json!({ "photos": members, "stat": "ok" });
        let table = [
            (photos(json!({ "page": 1, "pages": 1, "photo": [{ "pages": 9 }] })), false),
            (photos(json!({ "page": 1, "pages": 0, "photo": [] })), false),
            (photos(json!({ "page": "1", "pages": "1" })), false),
            (photos(json!({ "page": 1, "pages": 2 })), true),
            (photos(json!({ "page": "1", "pages": "2" })), true),
            (photos(json!({ "page": 1, "has_next_page": 0 })), false),
            (photos(json!({ "page": 1, "has_next_page": true })), true),
            (photos(json!({ "page": 1, "has_next_page": false })), false),
            (photos(json!({ "page": 1, "pages": "many" })), true),
            (photos(json!({ "total": 3, "photo": [] })), true),
            (json!({ "pages": 1, "photo": [] }), false),
            (json!({ "pages": 3, "photo": [] }), true),
            (json!({ "stat": "ok" }), true),
            (json!(["pages", 1]), true),
        ];
        for (answer, several) in table {
            assert_eq!(is_page_of_several(&params(None), &answer.to_string()), several, "{answer}");
        }
        assert!(is_page_of_several(&params(None), "{\"pages\":1"), "no JSON");
    }

    #[test]
    fn a_later_page_is_one_of_several_whatever_it_says() {
        let alone = json!({ "photos": { "page": 1, "pages": 1 } }).to_string();
        assert!(!is_page_of_several(&params(Some("1")), &alone));
        for page in ["2", "0", "01", ""] {
            assert!(is_page_of_several(&params(Some(page)), &alone), "{page}");
        }
    }
}
