//! The consent page a browser shows, and what its buttons do.

use jiff::Timestamp;

use super::consent::{self, Refused};
use crate::answer::Answer;
use crate::envelope::escape;
use crate::params::Params;
use crate::perms::Perms;
use crate::world::World;

/// The page that asks: `oauth_token` and `perms` come from the query.
pub(crate) fn show(world: &World, params: &Params, now: Timestamp) -> Answer {
    match question(world, params, now) {
        Ok((token, perms)) => consent_page(world, token, perms),
        Err(refusal) => refusal,
    }
}

/// What the user's answer, the page's form, leads to.
pub(crate) fn decide(world: &mut World, params: &Params, now: Timestamp) -> Answer {
    // Flickr tells nobody of a refusal: the user lands on its home page, and the pending login times out.
    if params.get("decision") != Some("approve") {
        return Answer::redirect("/");
    }
    let (token, perms) = match question(world, params, now) {
        Ok(question) => question,
        Err(refusal) => return refusal,
    };
    let user = world.user_or_new(params.filled("new_user").or_else(|| params.filled("user")));
    match consent::approve(world, token, user, perms, now) {
        Ok(consent::Approval { redirect_to: Some(url), .. }) => Answer::redirect(&url),
        Ok(consent::Approval { verifier, redirect_to: None }) => code_page(&verifier),
        Err(refused) => refused.page(),
    }
}

/// Flickr's home page, where a user who declines ends up.
pub(crate) fn home() -> Answer {
    page(200, "Flickr, played locally", "<p>This server plays Flickr for tests.</p>")
}

fn question<'a>(world: &World, params: &'a Params, now: Timestamp) -> Result<(&'a str, Perms), Answer> {
    let token = params.get("oauth_token").unwrap_or_default();
    consent::pending(world, token, now).map_err(Refused::page)?;
    let perms = params.get("perms").and_then(Perms::parse_request);
    let perms = perms.ok_or_else(|| oops("Flickr doesn't recognise the permission set requested."))?;
    Ok((token, perms))
}

impl Refused {
    fn page(self) -> Answer {
        match self {
            Self::Token => oops("Flickr doesn't recognise the oauth_token this application is trying to use."),
            Self::Key => oops("Flickr doesn't recognise the API key this application is trying to use."),
        }
    }
}

fn consent_page(world: &World, token: &str, perms: Perms) -> Answer {
    let options: String = world
        .users
        .values()
        .map(|user| {
            let selected = if user.nsid == world.default_user { " selected" } else { "" };
            format!("<option value=\"{}\"{selected}>{}</option>", html(&user.nsid), html(&user.username))
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
        html(token)
    );
    page(200, "Authorize an application", &body)
}

fn code_page(verifier: &str) -> Answer {
    let body = format!("<p>Type this code into the application:</p>\n<p><code>{verifier}</code></p>");
    page(200, "You have authorized the application", &body)
}

fn oops(sentence: &str) -> Answer {
    page(400, "Oops!", &format!("<p>{}</p>", html(sentence)))
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

fn html(text: &str) -> String {
    let mut out = String::new();
    escape(text, &mut out);
    out
}
