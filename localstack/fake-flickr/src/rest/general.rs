//! `flickr.test.*` and `flickr.auth.oauth.checkToken`.

use super::call::Call;
use crate::envelope::{ApiError, Element, MethodResult, Scalar};
use crate::world::User;

/// Returns every parameter except those of OAuth.
pub(super) fn echo(call: &mut Call<'_>) -> MethodResult {
    let pairs = call.params.iter().filter(|(name, _)| !name.starts_with("oauth_"));
    Ok(pairs.map(|(name, value)| Element::with_text(xml_name(name), value)).collect())
}

pub(super) fn login(call: &mut Call<'_>) -> MethodResult {
    let user = caller(call)?;
    let element = Element::new("user").attr("id", user.nsid.as_str()).text("username", user.username.as_str());
    Ok(vec![element.attr("path_alias", Scalar::Null)])
}

pub(super) fn null(_call: &mut Call<'_>) -> MethodResult {
    Ok(Vec::new())
}

pub(super) fn check_token(call: &mut Call<'_>) -> MethodResult {
    let invalid = || ApiError::new(98, "Invalid token");
    if !call.caller.signed {
        return Err(ApiError::new(97, "Missing signature"));
    }
    let token = call.params.non_empty("oauth_token").ok_or_else(invalid)?;
    let user = caller(call).map_err(|_| invalid())?;
    Ok(vec![
        Element::new("oauth").text("token", token).text("perms", call.caller.perms.to_string()).child(
            Element::new("user")
                .attr("nsid", user.nsid.as_str())
                .attr("username", user.username.as_str())
                .attr("fullname", user.fullname.as_str()),
        ),
    ])
}

fn caller<'a>(call: &'a Call<'_>) -> Result<&'a User, ApiError> {
    let user = call.viewer().and_then(|nsid| call.world.users.get(nsid));
    user.ok_or_else(|| ApiError::new(99, "User not logged in"))
}

/// Turns a parameter's name into a valid XML element name.
fn xml_name(name: &str) -> String {
    let valid = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    let name: String = name.chars().map(|character| if valid(character) { character } else { '_' }).collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') { name } else { format!("_{name}") }
}
