//! Refusals of Flickr's OAuth layer: `oauth_problem=...` as plain text, whatever format was asked for, with status 400
//! or 401. The names are those of the OAuth Problem Reporting extension.

use domain::outcome::Class;

/// The name of the problem in `body`, and nothing else: what follows may echo the signed base string with key and
/// token. `None` when `body` is something else.
pub fn read(body: &str) -> Option<&str> {
    let rest = body.trim_start().strip_prefix("oauth_problem=")?;
    let name = rest.split(['&', '\r', '\n']).next().unwrap_or_default().trim_end();
    let is_word = !name.is_empty() && name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
    Some(if is_word { name } else { "unknown" })
}

/// What the problem called `name` means.
pub fn class(name: &str) -> Class {
    match name {
        "token_rejected" | "token_revoked" | "token_expired" | "token_used" => Class::Account,
        "consumer_key_unknown" | "consumer_key_rejected" | "consumer_key_refused" => Class::App,
        "signature_invalid" => Class::Signature,
        "timestamp_refused" | "nonce_used" => Class::Clock,
        _ => Class::Permanent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_name_is_read() {
        let table = [
            ("oauth_problem=token_rejected", Some("token_rejected")),
            ("oauth_problem=signature_invalid&debug_sbs=GET&https%3A&oauth_token%3D7215", Some("signature_invalid")),
            ("oauth_problem=parameter_absent&oauth_parameters_absent=oauth_nonce%26x", Some("parameter_absent")),
            ("\noauth_problem=nonce_used\n", Some("nonce_used")),
            ("oauth_problem=", Some("unknown")),
            ("oauth_problem=<b>7215-secret</b>", Some("unknown")),
            ("oauth_token=1&oauth_problem=x", None),
            ("<html>oauth_problem=x", None),
            ("{}", None),
            ("", None),
            ("é", None),
        ];
        for (body, name) in table {
            assert_eq!(read(body), name, "{body:?}");
        }
    }
}
