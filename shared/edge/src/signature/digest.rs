//! `Content-Digest` (RFC 9530): the SHA-256 of a body.

use ring::digest;

use super::{
    refused::Refused,
    structured::{Bare, MemberValue, dictionary},
};

/// Checks that `field` has the SHA-256 of `body`. Other digests in it are not looked at.
///
/// # Errors
/// Why the field is not accepted.
pub(super) fn check(field: &str, body: &[u8]) -> Result<(), Refused> {
    let members = dictionary(field).ok_or(Refused::MalformedDigest)?;
    let mut found = members.iter().filter(|member| member.key.as_str() == "sha-256");
    let (Some(member), None) = (found.next(), found.next()) else { return Err(Refused::MalformedDigest) };
    let MemberValue::Item(item) = &member.value else { return Err(Refused::MalformedDigest) };
    let Bare::Bytes(claimed) = &item.value else { return Err(Refused::MalformedDigest) };
    if digest::digest(&digest::SHA256, body).as_ref() == claimed { Ok(()) } else { Err(Refused::Digest) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 9530, appendix A: the digest of `{"hello": "world"}` and a line feed.
    const RFC: &str = "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:";
    const BODY: &[u8] = b"{\"hello\": \"world\"}\n";

    #[test]
    fn the_rfcs_own_digest_is_its_bodys() {
        assert_eq!(check(RFC, BODY), Ok(()));
        assert_eq!(check(&format!("sha-512=:AAAA:, {RFC}"), BODY), Ok(()));
        assert_eq!(check(RFC, b"{\"hello\": \"world\"}"), Err(Refused::Digest));
        assert_eq!(check("sha-256=:AAAA:", BODY), Err(Refused::Digest));
    }

    #[test]
    fn what_says_no_one_digest_is_refused() {
        let twice = format!("{RFC}, {RFC}");
        for field in ["", "sha-512=:AAAA:", "sha-256", "sha-256=\"AAAA\"", "sha-256=(:AAAA:)", "}{", &twice] {
            assert_eq!(check(field, BODY), Err(Refused::MalformedDigest), "{field}");
        }
    }
}
