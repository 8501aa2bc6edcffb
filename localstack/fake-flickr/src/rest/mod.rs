//! The REST endpoint: reads the format, authenticates the caller, checks the permission, and runs the method.

mod call;
mod comments;
mod favorites;
mod general;
mod info;
mod listing;
mod people;
mod photos;
mod photosets;
mod search;
mod tickets;

use jiff::Timestamp;

use self::call::Call;
use crate::answer::Answer;
use crate::catalogue;
use crate::envelope::{ApiError, Element, Format, MethodResult};
use crate::faults::{Fault, Kind};
use crate::oauth::{self, AuthError};
use crate::params::Params;
use crate::perms::Perms;
use crate::request::ApiRequest;
use crate::world::World;

/// Returns the implementation of `method`, if the server has one.
fn find(method: &str) -> Option<fn(&mut Call<'_>) -> MethodResult> {
    Some(match method {
        "flickr.auth.oauth.checkToken" => general::check_token,
        "flickr.favorites.add" => favorites::add,
        "flickr.favorites.getList" => favorites::get_list,
        "flickr.favorites.remove" => favorites::remove,
        "flickr.people.getInfo" => people::get_info,
        "flickr.people.getLimits" => people::get_limits,
        "flickr.people.getPhotos" => people::get_photos,
        "flickr.people.getUploadStatus" => people::get_upload_status,
        "flickr.photos.addTags" => photos::add_tags,
        "flickr.photos.comments.addComment" => comments::add,
        "flickr.photos.comments.getList" => comments::get_list,
        "flickr.photos.delete" => photos::delete,
        "flickr.photos.getInfo" => info::get_info,
        "flickr.photos.licenses.setLicense" => photos::set_license,
        "flickr.photos.search" => search::search,
        "flickr.photos.setMeta" => photos::set_meta,
        "flickr.photos.setPerms" => photos::set_perms,
        "flickr.photos.upload.checkTickets" => tickets::check,
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

pub(crate) fn answer(world: &mut World, request: &ApiRequest, fault: Option<Fault>, now: Timestamp) -> Answer {
    let format = match format(&request.params) {
        Ok(format) => format,
        Err(error) => return Format::Xml.render(&Err(error)),
    };
    let format = if fault.is_some_and(|fault| fault.kind == Kind::ForeignFormat) { format.other() } else { format };
    match run(world, request, fault, now) {
        Ok(elements) => format.render(&Ok(elements)),
        Err(AuthError::Api(error)) => format.render(&Err(error)),
        Err(AuthError::Problem(problem)) => problem.answer(&world.config),
    }
}

/// The answer format that the parameters choose.
pub(crate) fn format(params: &Params) -> Result<Format, ApiError> {
    match params.non_empty("format").unwrap_or("rest") {
        "rest" => Ok(Format::Xml),
        "json" if params.get("nojsoncallback") == Some("1") => Ok(Format::Json),
        "json" => Ok(Format::Jsonp(callback(params).unwrap_or("jsonFlickrApi").to_owned())),
        other => Err(ApiError::new(111, format!("Format \"{other}\" not found"))),
    }
}

/// The function that `jsoncallback` names, if the name is valid.
fn callback(params: &Params) -> Option<&str> {
    let is_name = |name: &&str| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_$.".contains(&byte));
    params.non_empty("jsoncallback").filter(is_name)
}

fn run(
    world: &mut World,
    request: &ApiRequest,
    fault: Option<Fault>,
    now: Timestamp,
) -> Result<Vec<Element>, AuthError> {
    let caller = oauth::authenticate(world, request, now)?;
    let params = &request.params;
    let method = params.non_empty("method").unwrap_or("unknown");
    let needed = catalogue::required_perms(method);
    let needed = needed.ok_or_else(|| ApiError::new(112, format!("Method \"{method}\" not found")))?;
    caller.require(needed)?;
    if world.config.setters_require_post && needed >= Perms::Write && request.verb != "POST" {
        return Err(ApiError::new(116, "The POST method is now required for all setters").into());
    }
    let implementation = find(method).ok_or_else(|| {
        ApiError::new(0, format!("Method \"{method}\" is in Flickr's catalogue, but this fake Flickr does not play it"))
    })?;
    Ok(implementation(&mut Call { world, params, caller: &caller, fault, now })?)
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
        assert_eq!(
            format(&params(&[("format", "yaml")])).unwrap_err(),
            ApiError::new(111, "Format \"yaml\" not found")
        );
    }

    #[test]
    fn implemented_methods_are_in_the_catalogue() {
        for method in ["flickr.photos.search", "flickr.photos.upload.checkTickets", "flickr.test.echo"] {
            assert!(find(method).is_some() && catalogue::required_perms(method).is_some());
        }
    }
}
