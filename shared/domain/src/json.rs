//! JSON as a caller wrote it.
//!
//! A parser of JSON usually makes a double of each number, and so another number of an id or a coordinate. Here numbers
//! stay the text that they are.

use std::collections::BTreeMap;

use serde::de::Error as _;
use serde_json::value::RawValue;

/// The deepest nesting that is read, in levels: that of `serde_json` itself.
pub const MAX_DEPTH: usize = 128;

/// The longest plain form of a number that was given with an exponent, in characters.
pub const MAX_PLAIN_CHARACTERS: usize = 100;

/// `text`, which is JSON, without the white space between its parts.
pub fn compact(text: &str) -> String {
    let (mut in_string, mut after_backslash) = (false, false);
    let kept = text.chars().filter(|character| {
        let keep = in_string || !character.is_ascii_whitespace();
        in_string ^= *character == '"' && !after_backslash;
        after_backslash = in_string && *character == '\\' && !after_backslash;
        keep
    });
    kept.collect()
}

/// The canonical form of the JSON object `text`, the same for each order of members and each spelling of texts: without
/// white space, members sorted, the last one of a name. Numbers stay as they are written.
///
/// # Errors
/// When `text` is no JSON object, or is nested over [`MAX_DEPTH`] levels.
pub fn canonical_object(text: &str) -> serde_json::Result<String> {
    serde_json::from_str(text).and_then(|members| object(members, MAX_DEPTH))
}

fn object(members: BTreeMap<String, &RawValue>, levels: usize) -> serde_json::Result<String> {
    let levels = levels.checked_sub(1).ok_or_else(|| serde_json::Error::custom("nested too deeply"))?;
    let members = members
        .into_iter()
        .map(|(name, value)| Ok(format!("{}:{}", serde_json::to_string(&name)?, canonical(value, levels)?)));
    Ok(format!("{{{}}}", members.collect::<serde_json::Result<Vec<_>>>()?.join(",")))
}

fn canonical(value: &RawValue, levels: usize) -> serde_json::Result<String> {
    let text = value.get();
    match text.as_bytes().first() {
        Some(b'{') => object(serde_json::from_str(text)?, levels),
        Some(b'[') => {
            let levels = levels.checked_sub(1).ok_or_else(|| serde_json::Error::custom("nested too deeply"))?;
            let items: Vec<&RawValue> = serde_json::from_str(text)?;
            let items = items.into_iter().map(|item| canonical(item, levels));
            Ok(format!("[{}]", items.collect::<serde_json::Result<Vec<_>>>()?.join(",")))
        }
        Some(b'"') => serde_json::to_string(&serde_json::from_str::<String>(text)?),
        _ => Ok(text.to_owned()),
    }
}

/// The number `text`, as JSON writes it, as a plain decimal: without an exponent the same text, with one all its digits.
/// `None` when these would be over [`MAX_PLAIN_CHARACTERS`].
pub(crate) fn plain_number(text: &str) -> Option<String> {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else { return Some(text.to_owned()) };
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: isize = exponent.parse().ok()?;
    let point = exponent.checked_add_unsigned(whole.len())?;
    if point.unsigned_abs().max(mantissa.len()) > MAX_PLAIN_CHARACTERS {
        return None;
    }
    let digits = format!("{whole}{fraction}");
    let leading = "0".repeat(usize::try_from(-point).unwrap_or(0));
    let point = usize::try_from(point).unwrap_or(0);
    let padded = format!("{leading}{digits:0<point$}");
    let (whole, fraction) = padded.split_at(point);
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let plain = if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") };
    (plain.len() <= MAX_PLAIN_CHARACTERS).then_some(plain)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    #[test]
    fn numbers_are_written_plainly_and_stay_the_numbers_that_they_are() {
        let table = [
            ("0.000009", "0.000009"),
            ("53461234567.0", "53461234567.0"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("-0", "-0"),
            ("1.50", "1.50"),
            ("1e3", "1000"),
            ("1E+3", "1000"),
            ("1e0", "1"),
            ("9e-6", "0.000009"),
            ("-1.25e1", "-12.5"),
            ("1.25e2", "125"),
            ("1.25e-1", "0.125"),
            ("12.5e-1", "1.25"),
            ("0.012e4", "120"),
            ("0e5", "0"),
            ("0.0e-2", "0.000"),
            ("1.0e1", "10"),
            ("100e-2", "1.00"),
        ];
        for (text, plain) in table {
            assert_eq!(plain_number(text).as_deref(), Some(plain), "{text}");
        }
        let long = format!("1{}e1", "0".repeat(MAX_PLAIN_CHARACTERS));
        for text in ["1e100", "1e-100", "1e400", "1e99999999999999999999", "1e-99999999999999999999", &long] {
            assert_eq!(plain_number(text), None, "{text}");
        }
        assert_eq!(plain_number("1e99").map(|plain| plain.len()), Some(100));
    }

    #[test]
    fn an_object_has_one_canonical_form() {
        let canonical = |text| canonical_object(text).unwrap();
        assert_eq!(canonical(" { \"b\" : [ 1e3 , -0 , 1.0 ] , \"a\" : { } }\n"), r#"{"a":{},"b":[1e3,-0,1.0]}"#);
        assert_eq!(canonical(r#"{"b":12345678901234567890123,"b":2,"a":"\u00e9\/"}"#), r#"{"a":"é/","b":2}"#);
        assert_eq!(
            canonical(r#"{"$serde_json::private::RawValue":"[1]","x":{"$serde_json::private::Number":"1"}}"#),
            r#"{"$serde_json::private::RawValue":"[1]","x":{"$serde_json::private::Number":"1"}}"#
        );
        for other in ["[]", "null", "1", "\"{}\"", "{", "{}{}", r#"{"a":"\ud800"}"#] {
            assert!(canonical_object(other).is_err(), "{other}");
        }
        let nested = |levels: usize| {
            format!("{}{}", r#"{"a":"#.repeat(levels - 1) + "[", "]".to_owned() + &"}".repeat(levels - 1))
        };
        assert!(canonical_object(&nested(MAX_DEPTH)).is_ok());
        assert!(canonical_object(&nested(MAX_DEPTH + 1)).is_err());
        assert!(canonical_object(&format!("{{\"a\":{}1{}}}", "[".repeat(200_000), "]".repeat(200_000))).is_err());
    }

    #[test]
    fn what_is_compact_has_no_white_space_between_its_parts() {
        let text = " { \"b \\\" \" : [ 1e3 , true ] ,\n\t\"a\\\\\" : \" x \" }\r\n";
        assert_eq!(compact(text), r#"{"b \" ":[1e3,true],"a\\":" x "}"#);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::from),
            any::<bool>().prop_map(Value::from),
            ".{0,8}".prop_map(Value::from)
        ];
        leaf.prop_recursive(4, 20, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn neither_form_changes_a_value(value in any_json()) {
            let value = serde_json::json!({ "a": value });
            let pretty = format!("{value:#}");
            prop_assert_eq!(&compact(&pretty), &value.to_string());
            prop_assert_eq!(canonical_object(&pretty).unwrap(), value.to_string());
        }

        #[test]
        fn a_plain_number_is_the_same_number(mantissa in -1_000_000i32..1_000_000, decimals in 0usize..5, exponent in -20i32..20) {
            let text = format!("{:.decimals$}e{exponent}", f64::from(mantissa) / 1000.0);
            let plain = plain_number(&text).unwrap();
            prop_assert!(!plain.contains(['e', 'E']));
            prop_assert_eq!(plain.parse::<f64>(), text.parse::<f64>(), "{} {}", text, plain);
        }
    }
}
