//! What reads say of files that were sent. What an answer does not say for certain is not taken from it.

use domain::upload::{FoundPhoto, MonthlyBytes, PhotoVersion, TicketState, UploadAllowance};
use serde_json::Value;

use crate::scalar;

/// The parameters of `flickr.photos.search` that find the newest own photo or video with `machine_tag`, of whatever
/// safety level and kind.
pub fn search_params(machine_tag: &str) -> [(&'static str, &str); 8] {
    [
        ("user_id", "me"),
        ("machine_tags", machine_tag),
        ("sort", "date-posted-desc"),
        ("safe_search", "3"),
        ("content_types", "0,1,2,3"),
        ("video_content_types", "0,1,2,3"),
        ("extras", "machine_tags"),
        ("per_page", "10"),
    ]
}

/// The photo with `machine_tag` in `answer`, that of the search. An entry that shows other machine tags is not the one;
/// and a number without entries says that the index is behind.
pub fn found_photo(answer: &str, machine_tag: &str) -> FoundPhoto {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let Some(entries) = answer.pointer("/photos/photo").and_then(Value::as_array) else {
        return FoundPhoto::NotKnownYet;
    };
    let has_tag = |entry: &&Value| match entry.get("machine_tags") {
        None => true,
        Some(shown) => {
            let wanted = clean(machine_tag);
            shown.as_str().is_some_and(|tags| tags.split_whitespace().any(|tag| clean(tag) == wanted))
        }
    };
    if let Some(id) = entries.iter().filter(has_tag).find_map(|entry| number(entry.get("id")?)) {
        return FoundPhoto::Found(id);
    }
    let total = answer.pointer("/photos/total").and_then(number);
    if entries.is_empty() && total.is_some_and(|total| total.bytes().all(|digit| digit == b'0')) {
        FoundPhoto::None
    } else {
        FoundPhoto::NotKnownYet
    }
}

/// What `answer`, that of `flickr.photos.upload.checkTickets`, says of each ticket. Of a ticket that it says nothing
/// clear of it gives nothing.
pub fn ticket_states(answer: &str) -> Vec<(String, TicketState)> {
    let answer: Value = serde_json::from_str(answer).unwrap_or_default();
    let tickets = match answer.pointer("/uploader/ticket") {
        Some(Value::Array(tickets)) => tickets.as_slice(),
        Some(ticket) => std::slice::from_ref(ticket),
        None => &[],
    };
    tickets.iter().filter_map(|ticket| Some((scalar::text(ticket.get("id")?)?, ticket_state(ticket)?))).collect()
}

fn ticket_state(ticket: &Value) -> Option<TicketState> {
    if ticket.get("invalid").and_then(scalar::text).is_some_and(|invalid| invalid == "1") {
        return Some(TicketState::Lost);
    }
    match ticket.get("complete").and_then(scalar::text)?.as_str() {
        "0" => Some(TicketState::Pending),
        "1" => ticket.get("photoid").and_then(number).map(TicketState::Done),
        "2" => Some(TicketState::Failed),
        _ => None,
    }
}

/// Which file the photo has, in `answer`, that of `flickr.photos.getInfo`.
pub fn photo_version(answer: &str) -> Option<PhotoVersion> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let filled = |place| answer.pointer(place).and_then(scalar::text).filter(|text| !text.is_empty());
    Some(PhotoVersion { secret: filled("/photo/secret")?, last_update: filled("/photo/dates/lastupdate")? })
}

/// What the account may still upload, in `answer`, that of `flickr.people.getUploadStatus`. "lots" stands for no limit,
/// as `unlimited` does; bytes are those of a month.
pub fn upload_allowance(answer: &str) -> Option<UploadAllowance> {
    let answer: Value = serde_json::from_str(answer).ok()?;
    let user = answer.get("user")?;
    let value = |place| user.pointer(place).and_then(number);
    let count = |place| value(place).and_then(|digits| digits.parse::<u64>().ok());
    let is_unlimited = value("/bandwidth/unlimited").is_some_and(|flag| flag != "0");
    let bytes = count("/bandwidth/remainingbytes").zip(count("/bandwidth/maxbytes")).filter(|_| !is_unlimited);
    Some(UploadAllowance {
        is_pro: value("/ispro").map(|flag| flag != "0"),
        month: bytes.map(|(remaining_bytes, max_bytes)| MonthlyBytes { remaining_bytes, max_bytes }),
        remaining_videos: count("/videos/remaining"),
    })
}

/// A number without sign, written as a number or as text.
fn number(value: &Value) -> Option<String> {
    scalar::text(value).filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A machine tag as Flickr compares it: its value without blanks and punctuation, in lower case.
fn clean(tag: &str) -> String {
    let (name, value) = tag.split_once('=').unwrap_or((tag, ""));
    let value: String = value.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    format!("{}={value}", name.trim_matches('"').to_lowercase())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TAG: &str = "flickrhub:job=job_0f9a";

    fn found(photos: &Value) -> FoundPhoto {
        found_photo(&json!({"photos": photos, "stat": "ok"}).to_string(), TAG)
    }

    #[test]
    fn a_photo_is_found_by_its_machine_tag_alone() {
        let table = [
            (json!({"total": 1, "photo": [{"id": "12"}]}), FoundPhoto::Found("12".to_owned())),
            (json!({"total": "1", "photo": [{"id": 12}]}), FoundPhoto::Found("12".to_owned())),
            (
                json!({"total": 2, "photo": [{"id": "1", "machine_tags": "a:b=c flickrhub:job=job0f9b"},
                    {"id": "2", "machine_tags": "a:b=c flickrhub:job=job0f9a"}]}),
                FoundPhoto::Found("2".to_owned()),
            ),
            (
                json!({"total": 1, "photo": [{"id": "1", "machine_tags": "FlickrHub:job=JOB_0F9A"}]}),
                FoundPhoto::Found("1".to_owned()),
            ),
            // A search that heeds no condition gives photos of others.
            (json!({"total": 1, "photo": [{"id": "1", "machine_tags": ""}]}), FoundPhoto::NotKnownYet),
            (json!({"total": 1, "photo": [{"id": "1", "machine_tags": "other:job=job0f9a"}]}), FoundPhoto::NotKnownYet),
            (json!({"total": 1, "photo": [{"id": "x"}]}), FoundPhoto::NotKnownYet),
            // An empty listing says so only with a total of none.
            (json!({"total": 0, "photo": []}), FoundPhoto::None),
            (json!({"total": "0", "photo": []}), FoundPhoto::None),
            (json!({"total": 1, "photo": []}), FoundPhoto::NotKnownYet),
            (json!({"total": "1", "photo": []}), FoundPhoto::NotKnownYet),
            (json!({"photo": []}), FoundPhoto::NotKnownYet),
            (json!({"total": null, "photo": []}), FoundPhoto::NotKnownYet),
            (json!({"total": 0}), FoundPhoto::NotKnownYet),
            (json!({}), FoundPhoto::NotKnownYet),
        ];
        for (photos, expected) in table {
            assert_eq!(found(&photos), expected, "{photos}");
        }
        assert_eq!(found_photo("", TAG), FoundPhoto::NotKnownYet);
    }

    #[test]
    fn each_ticket_says_how_it_stands() {
        let states =
            |tickets: &Value| ticket_states(&json!({"uploader": {"ticket": tickets}, "stat": "ok"}).to_string());
        let table = [
            (json!({"id": "1-2", "complete": 0}), Some(TicketState::Pending)),
            (json!({"id": "1-2", "complete": "0"}), Some(TicketState::Pending)),
            (
                json!({"id": "1-2", "complete": 1, "photoid": "12", "imported": null}),
                Some(TicketState::Done("12".to_owned())),
            ),
            (json!({"id": "1-2", "complete": "1", "photoid": 12}), Some(TicketState::Done("12".to_owned()))),
            (json!({"id": "1-2", "complete": 2}), Some(TicketState::Failed)),
            (json!({"id": "1-2", "complete": "2"}), Some(TicketState::Failed)),
            (json!({"id": "1-2", "invalid": 1}), Some(TicketState::Lost)),
            (json!({"id": "1-2", "invalid": "1", "complete": 1, "photoid": "12"}), Some(TicketState::Lost)),
            (json!({"id": "1-2", "invalid": 0, "complete": 0}), Some(TicketState::Pending)),
            (json!({"id": "1-2", "complete": 1}), None),
            (json!({"id": "1-2", "complete": 3}), None),
            (json!({"id": "1-2"}), None),
            (json!({"complete": 0}), None),
            (json!("1-2"), None),
        ];
        for (ticket, state) in table {
            let expected: Vec<_> = state.map(|state| ("1-2".to_owned(), state)).into_iter().collect();
            assert_eq!(states(&json!([ticket])), expected, "{ticket}");
            assert_eq!(states(&ticket), expected, "{ticket}");
        }
        let two = states(&json!([{"id": "1-1", "complete": 0}, {"id": "x"}, {"id": "1-2", "invalid": 1}]));
        assert_eq!(two, [("1-1".to_owned(), TicketState::Pending), ("1-2".to_owned(), TicketState::Lost)]);
        assert_eq!(ticket_states("{\"stat\":\"ok\"}"), []);
    }

    #[test]
    fn a_version_needs_both_of_its_parts() {
        let version = |photo: &Value| photo_version(&json!({"photo": photo, "stat": "ok"}).to_string());
        let expected = PhotoVersion { secret: "0abc".to_owned(), last_update: "1790000000".to_owned() };
        let whole = json!({"id": "1", "secret": "0abc", "dates": {"lastupdate": "1790000000"}});
        assert_eq!(version(&whole), Some(expected.clone()));
        assert_eq!(version(&json!({"secret": "0abc", "dates": {"lastupdate": 1_790_000_000}})), Some(expected));
        for photo in [json!({"secret": "0abc"}), json!({"secret": "", "dates": {"lastupdate": "1"}}), json!({})] {
            assert_eq!(version(&photo), None, "{photo}");
        }
    }

    #[test]
    fn an_allowance_says_what_is_limited() {
        let of = |user: &Value| upload_allowance(&json!({"user": user, "stat": "ok"}).to_string());
        let unlimited = json!({"id": "1@N00", "ispro": 1, "bandwidth": {"maxbytes": 9, "remainingbytes": 9, "unlimited": 1},
            "sets": {"created": null, "remaining": "lots"}, "videos": {"uploaded": 3, "remaining": "lots"}});
        let expected = UploadAllowance { is_pro: Some(true), ..UploadAllowance::default() };
        assert_eq!(of(&unlimited), Some(expected));
        let limited = json!({"ispro": "0", "videos": {"uploaded": 2, "remaining": "0"},
            "bandwidth": {"maxbytes": "9000000000", "remainingbytes": 0, "unlimited": "0"}});
        let month = Some(MonthlyBytes { remaining_bytes: 0, max_bytes: 9_000_000_000 });
        assert_eq!(of(&limited), Some(UploadAllowance { is_pro: Some(false), month, remaining_videos: Some(0) }));
        assert_eq!(of(&json!({"bandwidth": {"remainingbytes": -1}})), Some(UploadAllowance::default()));
        assert_eq!(upload_allowance("{}"), None);
    }

    proptest! {
        #[test]
        fn any_answer_is_read_without_panic(text in "(.|[{}\\[\\]\":,0-9]|photos|photo|uploader|ticket|id){0,120}") {
            let _ = (found_photo(&text, TAG), ticket_states(&text), photo_version(&text), upload_allowance(&text));
        }

        #[test]
        fn the_tag_of_a_job_is_found_in_flickrs_own_form(digits in "[0-9a-f]{32}", other in "[0-9a-f]{32}") {
            let tag = format!("flickrhub:job=job_{digits}");
            let shown = format!("flickrhub:job=job{other}");
            let answer = json!({"photos": {"total": 1, "photo": [{"id": "1", "machine_tags": shown}]}}).to_string();
            prop_assert_eq!(matches!(found_photo(&answer, &tag), FoundPhoto::Found(_)), digits == other);
        }
    }
}
