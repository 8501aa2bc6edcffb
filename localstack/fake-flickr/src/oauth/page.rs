//! The consent page that the user's browser shows, and what its buttons do.

use jiff::Timestamp;

use super::consent;
use crate::answer::Answer;
use crate::envelope::escape;
use crate::params::Params;
use crate::perms::Perms;
use crate::world::World;

/// The consent page. `oauth_token` and `perms` come from the query.
pub(crate) fn show(world: &World, params: &Params, now: Timestamp) -> Answer {
    match validate(world, params, now) {
        Ok((token, perms)) => consent_page(world, token, perms),
        Err(error_page) => error_page,
    }
}

/// Carries out the user's decision, which the page's form submits.
pub(crate) fn decide(world: &mut World, params: &Params, now: Timestamp) -> Answer {
    // Flickr does not notify the application when a user declines: the user lands on Flickr's home page, and the
    // pending login times out.
    if params.get("decision") != Some("approve") {
        return Answer::redirect("/");
    }
    let (token, perms) = match validate(world, params, now) {
        Ok(valid) => valid,
        Err(error_page) => return error_page,
    };
    let user = world.find_or_create_user(params.non_empty("new_user").or_else(|| params.non_empty("user")));
    match consent::approve(world, token, user, perms, now) {
        Ok(consent::Approval { redirect_to: Some(url), .. }) => Answer::redirect(&url),
        Ok(consent::Approval { verifier, redirect_to: None }) => code_page(&verifier),
        Err(error) => consent_error(error),
    }
}

/// Flickr's home page, where a user who declines lands.
pub(crate) fn home() -> Answer {
    page(200, "Flickr, played locally", "<p>This server plays Flickr for tests.</p>")
}

/// The request token and the permission that the page is about, or the page that says why there are none.
fn validate<'a>(world: &World, params: &'a Params, now: Timestamp) -> Result<(&'a str, Perms), Answer> {
    let token = params.get("oauth_token").unwrap_or_default();
    consent::pending(world, token, now).map_err(consent_error)?;
    let perms = params.get("perms").and_then(Perms::parse_request);
    let perms = perms.ok_or_else(|| error_page("Flickr doesn't recognise the permission set requested."))?;
    Ok((token, perms))
}

fn consent_error(error: consent::Error) -> Answer {
    match error {
        consent::Error::InvalidToken => {
            error_page("Flickr doesn't recognise the oauth_token this application is trying to use.")
        }
        consent::Error::DisabledApp => {
            error_page("Flickr doesn't recognise the API key this application is trying to use.")
        }
    }
}

fn consent_page(world: &World, token: &str, perms: Perms) -> Answer {
    let options: String = world
        .users
        .values()
        .map(|user| {
            let selected = if user.nsid == world.default_user { " selected" } else { "" };
            format!("<option value=\"{}\"{selected}>{}</option>", escaped(&user.nsid), escaped(&user.username))
        })
        .collect();
    let may = match perms {
        Perms::None | Perms::Read => "see your photos, also private ones",
        Perms::Write => "see, add and change your photos",
        Perms::Delete => "see, add, change and delete your photos",
    };
    let body = format!(
        "<p>An application wants to {may} (<code>{perms}</code>).</p>\n\
         <form method=\"post\" action=\"/services/oauth/authorize\">\n\
         <input type=\"hidden\" name=\"oauth_token\" value=\"{}\">\n\
         <input type=\"hidden\" name=\"perms\" value=\"{perms}\">\n\
         <p><label>Sign in as <select name=\"user\">{options}</select></label>\n\
         <label>or as a new user named <input name=\"new_user\"></label></p>\n\
         <p><button name=\"decision\" value=\"approve\">Approve</button>\n\
         <button name=\"decision\" value=\"decline\">Decline</button></p>\n\
         </form>",
        escaped(token)
    );
    page(200, "Authorize an application", &body)
}

fn code_page(verifier: &str) -> Answer {
    let body = format!("<p>Type this code into the application:</p>\n<p><code>{verifier}</code></p>");
    page(200, "You have authorized the application", &body)
}

fn error_page(sentence: &str) -> Answer {
    page(400, "Oops!", &format!("<p>{}</p>", escaped(sentence)))
}

fn page(status: u16, title: &str, body: &str) -> Answer {
    Answer::html(
        status,
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{title}</title>\n\
             <style>body {{ font: 1rem/1.5 sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }} code {{ \
             font-size: 1.2em }}</style></head>\n<body>\n<h1>{title}</h1>\n{body}\n</body>\n</html>\n"
        ),
    )
}

fn escaped(text: &str) -> String {
    let mut out = String::new();
    escape(text, &mut out);
    out
}
