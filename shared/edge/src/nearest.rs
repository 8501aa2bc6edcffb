//! The known name that somebody meant who wrote another.

/// The longest name that is compared, in bytes: ours are shorter.
const MAX_NAME_BYTES: usize = 64;

/// The name that is nearest to `given`, if one is so near that it was probably meant: at most every third letter is
/// another, is missing or is too much.
pub(crate) fn nearest<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if given.len() > MAX_NAME_BYTES {
        return None;
    }
    let given = given.to_lowercase().replace('-', "_");
    let near = known.map(|name| (distance(&given, name), name)).filter(|(distance, name)| distance * 3 <= name.len());
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// How many letters must be changed, added or removed to make one text of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (number, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], number + 1);
        for (column, other) in other.chars().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_found_by_one_that_is_nearly_it() {
        let known = ["method", "params", "user_id", "callback_url", "run_at"];
        for (given, meant) in [
            ("metod", Some("method")),
            ("Method", Some("method")),
            ("parameters", None),
            ("param", Some("params")),
            ("userid", Some("user_id")),
            ("user-id", Some("user_id")),
            ("calback_url", Some("callback_url")),
            ("runat", Some("run_at")),
            ("", None),
            ("x", None),
            ("ütf", None),
        ] {
            assert_eq!(nearest(given, known.into_iter()), meant, "{given}");
        }
        assert_eq!(nearest(&"method".repeat(20), known.into_iter()), None);
    }

    #[test]
    fn a_distance_counts_letters() {
        for (one, other, letters) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("üa", "a", 1)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (letters, letters), "{one} {other}");
        }
    }
}
