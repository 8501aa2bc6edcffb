//! The REST endpoint: format, caller, method, permission, and then the method itself.

mod favorites;
mod general;
mod listing;
mod people;
mod photos;
mod photosets;
mod search;

use jiff::Timestamp;

use crate::answer::Answer;
use crate::catalogue;
use crate::envelope::{Element, Fail, Format, Reply};
use crate::faults::Kind;
use crate::incoming::Incoming;
use crate::oauth::{self, Caller, Refusal};
use crate::params::Params;
use crate::perms::Perms;
use crate::world::World;

/// A call that has been let in.
struct Call<'a> {
    world: &'a mut World,
    params: &'a Params,
    caller: &'a Caller,
    fault: Option<Kind>,
    now: Timestamp,
}

impl Call<'_> {
    /// The id of the user who calls.
    fn viewer(&self) -> Option<&str> {
        self.caller.user.as_deref()
    }

    /// The user of a `user_id` parameter, where `me` is the caller.
    fn user_named(&self, user_id: &str) -> Option<String> {
        match user_id {
            "me" => self.viewer().map(str::to_owned),
            nsid => self.world.users.get(nsid).map(|user| user.nsid.clone()),
        }
    }

    /// The user of `user_id`, or without one the caller.
    fn user_or_caller(&self) -> Option<String> {
        self.user_named(self.params.filled("user_id").unwrap_or("me"))
    }

    /// The id in a parameter, if it is one.
    fn id(&self, name: &str) -> Option<u64> {
        self.params.get(name)?.parse().ok()
    }

    /// A photo of the caller's own, by its `photo_id`.
    fn own_photo(&self, name: &str) -> Option<u64> {
        let photo = self.world.photos.get(&self.id(name)?)?;
        (self.viewer() == Some(photo.owner.as_str())).then_some(photo.id)
    }
}

/// The methods that are played.
fn find(method: &str) -> Option<fn(&mut Call<'_>) -> Reply> {
    Some(match method {
        "flickr.auth.oauth.checkToken" => general::check_token,
        "flickr.favorites.add" => favorites::add,
        "flickr.favorites.getList" => favorites::get_list,
        "flickr.favorites.remove" => favorites::remove,
        "flickr.people.getInfo" => people::get_info,
        "flickr.people.getPhotos" => people::get_photos,
        "flickr.people.getUploadStatus" => people::get_upload_status,
        "flickr.photos.addTags" => photos::add_tags,
        "flickr.photos.delete" => photos::delete,
        "flickr.photos.getInfo" => photos::get_info,
        "flickr.photos.licenses.setLicense" => photos::set_license,
        "flickr.photos.search" => search::search,
        "flickr.photos.setMeta" => photos::set_meta,
        "flickr.photos.upload.checkTickets" => photos::check_tickets,
        "flickr.photosets.addPhoto" => photosets::add_photo,
        "flickr.photosets.create" => photosets::create,
        "flickr.photosets.getList" => photosets::get_list,
        "flickr.photosets.getPhotos" => photosets::get_photos,
        "flickr.test.echo" => general::echo,
        "flickr.test.login" => general::login,
        "flickr.test.null" => general::null,
        _ => return None,
    })
}

pub(crate) fn answer(world: &mut World, incoming: &Incoming, fault: Option<Kind>, now: Timestamp) -> Answer {
    let format = match format(&incoming.params) {
        Ok(format) => format,
        Err(fail) => return Format::Xml.render(&Err(fail)),
    };
    match call(world, incoming, fault, now) {
        Ok(elements) => format.render(&Ok(elements)),
        Err(Refusal::Fail(fail)) => format.render(&Err(fail)),
        Err(Refusal::Problem(problem)) => problem.answer(&world.config),
    }
}

/// The format a call asks for.
pub(crate) fn format(params: &Params) -> Result<Format, Fail> {
    match params.filled("format").unwrap_or("rest") {
        "rest" => Ok(Format::Xml),
        "json" if params.get("nojsoncallback") == Some("1") => Ok(Format::Json),
        "json" => Ok(Format::Jsonp(callback(params).unwrap_or("jsonFlickrApi").to_owned())),
        other => Err(Fail::new(111, format!("Format \"{other}\" not found"))),
    }
}

/// The function named by `jsoncallback`, if it can be one.
fn callback(params: &Params) -> Option<&str> {
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.".contains(&byte));
    params.filled("jsoncallback").filter(is_name)
}

fn call(world: &mut World, incoming: &Incoming, fault: Option<Kind>, now: Timestamp) -> Result<Vec<Element>, Refusal> {
    let caller = oauth::identify(world, incoming, now)?;
    let params = &incoming.params;
    let method = params.filled("method").unwrap_or("unknown");
    let needed = catalogue::required_perms(method);
    require(&caller, needed.ok_or_else(|| Fail::new(112, format!("Method \"{method}\" not found")))?)?;
    let play = find(method).ok_or_else(|| {
        Fail::new(0, format!("Method \"{method}\" is in Flickr's catalogue, but this fake Flickr does not play it"))
    })?;
    Ok(play(&mut Call { world, params, caller: &caller, fault, now })?)
}

/// Refuses a caller whose token does not allow what is asked.
pub(crate) fn require(caller: &Caller, needed: Perms) -> Result<(), Fail> {
    let granted = caller.perms;
    if granted >= needed {
        return Ok(());
    }
    let message = format!("Insufficient permissions. Method requires {needed} privileges; {granted} granted.");
    Err(Fail::new(99, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(pairs: &[(&str, &str)]) -> Params {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn formats() {
        for (pairs, expected) in [
            (&[][..], Format::Xml),
            (&[("format", "rest")], Format::Xml),
            (&[("format", "json"), ("nojsoncallback", "1")], Format::Json),
            (&[("format", "json")], Format::Jsonp("jsonFlickrApi".into())),
            (&[("format", "json"), ("jsoncallback", "a.b")], Format::Jsonp("a.b".into())),
            (&[("format", "json"), ("jsoncallback", "alert(1)")], Format::Jsonp("jsonFlickrApi".into())),
        ] {
            assert_eq!(format(&params(pairs)).unwrap(), expected);
        }
        assert_eq!(format(&params(&[("format", "yaml")])).unwrap_err(), Fail::new(111, "Format \"yaml\" not found"));
    }

    #[test]
    fn the_refusal_names_what_is_needed_and_granted() {
        let caller = Caller { user: None, perms: Perms::None, signed: false };
        assert!(require(&caller, Perms::None).is_ok());
        let message = "Insufficient permissions. Method requires read privileges; none granted.";
        assert_eq!(require(&caller, Perms::Read).unwrap_err(), Fail::new(99, message));
    }

    #[test]
    fn every_played_method_is_in_the_catalogue() {
        for method in ["flickr.photos.search", "flickr.photos.upload.checkTickets", "flickr.test.echo"] {
            assert!(find(method).is_some() && catalogue::required_perms(method).is_some());
        }
    }
}
