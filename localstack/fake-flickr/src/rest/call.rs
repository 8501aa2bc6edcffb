//! A REST call that is authenticated and permitted, as the methods see it.

use jiff::Timestamp;

use crate::envelope::Scalar;
use crate::faults::{Fault, Kind};
use crate::oauth::caller::Caller;
use crate::params::Params;
use crate::world::World;
use crate::world::photo::Photo;

pub(super) struct Call<'a> {
    pub world: &'a mut World,
    pub params: &'a Params,
    pub caller: &'a Caller,
    /// The fault that changes what the method answers, if there is one.
    pub fault: Option<Fault>,
    pub now: Timestamp,
}

impl Call<'_> {
    /// The id of the user who calls.
    pub(super) fn viewer(&self) -> Option<&str> {
        self.caller.user.as_deref()
    }

    /// The user that a `user_id` parameter names, where `me` means the caller.
    pub(super) fn user_named(&self, user_id: &str) -> Option<String> {
        match user_id {
            "me" => self.viewer().map(str::to_owned),
            nsid => self.world.users.get(nsid).map(|user| user.nsid.clone()),
        }
    }

    /// The user that `user_id` names, or the caller if the parameter is absent.
    pub(super) fn user_or_caller(&self) -> Option<String> {
        self.user_named(self.params.non_empty("user_id").unwrap_or("me"))
    }

    /// The numeric id in the parameter `name`.
    pub(super) fn id(&self, name: &str) -> Option<u64> {
        self.params.get(name)?.parse().ok()
    }

    pub(super) fn has_fault(&self, kind: Kind) -> bool {
        self.fault.is_some_and(|fault| fault.kind == kind)
    }

    /// A number in those answers of which Flickr's numbers are sometimes strings.
    pub(super) fn number(&self, number: u64) -> Scalar {
        Scalar::number(number, self.world.config.numbers_as_strings)
    }

    /// The photo that the parameter `name` identifies.
    pub(super) fn photo(&self, name: &str) -> Option<&Photo> {
        self.world.known_photo(self.id(name)?, self.now)
    }

    /// The photo that the parameter `name` identifies, if the caller owns it.
    pub(super) fn own_photo(&self, name: &str) -> Option<u64> {
        let photo = self.photo(name)?;
        (self.viewer() == Some(photo.owner.as_str())).then_some(photo.id)
    }
}
