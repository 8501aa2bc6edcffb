//! A request token: the temporary credential of a login that is under way (RFC 5849, section 2.1).

use jiff::Timestamp;
use url::Url;

use crate::perms::Perms;

/// Where Flickr delivers the verifier.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Callback {
    /// The page shows the verifier, and the user types it into the application.
    OutOfBand,
    /// The browser is redirected here with the verifier in the query.
    Url(Url),
}

impl Callback {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text == "oob" { Some(Self::OutOfBand) } else { Url::parse(text).ok().map(Self::Url) }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct RequestToken {
    pub secret: String,
    pub key: String,
    pub callback: Callback,
    pub issued: Timestamp,
    /// Absent until the user approves.
    pub grant: Option<Grant>,
}

/// What the user granted.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub user: String,
    pub perms: Perms,
    pub verifier: String,
}
