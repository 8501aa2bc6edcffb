//! `flickr.test.*` and `flickr.auth.oauth.checkToken`.

use super::Call;
use crate::envelope::{Element, Fail, Reply, Scalar};
use crate::world::User;

/// Every parameter but OAuth's own.
pub(super) fn echo(call: &mut Call<'_>) -> Reply {
    let pairs = call.params.iter().filter(|(name, _)| !name.starts_with("oauth_"));
    Ok(pairs.map(|(name, value)| Element::with_text(xml_name(name), value)).collect())
}

pub(super) fn login(call: &mut Call<'_>) -> Reply {
    let user = caller(call)?;
    let element = Element::new("user").attr("id", user.nsid.as_str()).text("username", user.username.as_str());
    Ok(vec![element.attr("path_alias", Scalar::Null)])
}

pub(super) fn null(_call: &mut Call<'_>) -> Reply {
    Ok(Vec::new())
}

pub(super) fn check_token(call: &mut Call<'_>) -> Reply {
    let invalid = || Fail::new(98, "Invalid token");
    if !call.caller.signed {
        return Err(Fail::new(97, "Missing signature"));
    }
    let token = call.params.filled("oauth_token").ok_or_else(invalid)?;
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

fn caller<'a>(call: &'a Call<'_>) -> Result<&'a User, Fail> {
    let user = call.viewer().and_then(|nsid| call.world.users.get(nsid));
    user.ok_or_else(|| Fail::new(99, "User not logged in"))
}

/// A parameter's name as XML can hold it.
fn xml_name(name: &str) -> String {
    let valid = |character: char| character.is_ascii_alphanumeric() || "_-.".contains(character);
    let name: String = name.chars().map(|character| if valid(character) { character } else { '_' }).collect();
    if name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') { name } else { format!("_{name}") }
}
