//! Where Flickr is.

use domain::account::Perms;
use url::Url;

use crate::oauth;

/// Flickr's hosts, or one server that stands for all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hosts {
    www: Url,
    api: Url,
    up: Url,
}

/// A URL that cannot stand for Flickr's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the URL must be http or https, without user, query and fragment")]
pub struct InvalidBase;

impl Hosts {
    /// The hosts of Flickr itself.
    pub fn flickr() -> Self {
        Self {
            www: constant("https://www.flickr.com"),
            api: constant("https://api.flickr.com"),
            up: constant("https://up.flickr.com"),
        }
    }

    /// One server in Flickr's place, such as `http://127.0.0.1:4000`; its path goes before each of Flickr's.
    ///
    /// # Errors
    /// [`InvalidBase`].
    pub fn at(base: &Url) -> Result<Self, InvalidBase> {
        let plain = base.username().is_empty() && base.password().is_none();
        let bare = base.query().is_none() && base.fragment().is_none();
        if !matches!(base.scheme(), "http" | "https") || !plain || !bare {
            return Err(InvalidBase);
        }
        Ok(Self { www: base.clone(), api: base.clone(), up: base.clone() })
    }

    /// The server that a setting names, in Flickr's place; without one, Flickr itself.
    ///
    /// # Errors
    /// [`InvalidBase`].
    pub fn from_setting(base: Option<&str>) -> Result<Self, InvalidBase> {
        match base {
            Some(base) => Self::at(&base.parse().map_err(|_| InvalidBase)?),
            None => Ok(Self::flickr()),
        }
    }

    /// The URL of every REST method.
    pub fn rest(&self) -> Url {
        under(&self.api, "/services/rest")
    }

    /// The URL to upload new photos and videos to.
    pub fn upload(&self) -> Url {
        under(&self.up, "/services/upload/")
    }

    /// The URL to upload new files of existing photos to.
    pub fn replace(&self) -> Url {
        under(&self.up, "/services/replace/")
    }

    /// The URL that gives request tokens.
    pub fn request_token(&self) -> Url {
        under(&self.www, "/services/oauth/request_token")
    }

    /// The URL that exchanges a request token for the account's token.
    pub fn access_token(&self) -> Url {
        under(&self.www, "/services/oauth/access_token")
    }

    /// The page where a user grants `perms` to the holder of `request_token`. Flickr shows an error when `perms` is
    /// missing, so it is always there.
    pub fn authorize(&self, request_token: &str, perms: Perms) -> Url {
        let mut url = under(&self.www, "/services/oauth/authorize");
        url.set_query(Some(&oauth::form(&[("oauth_token", request_token), ("perms", perms.as_str())])));
        url
    }
}

fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url
}

#[expect(clippy::expect_used, reason = "the constants above are URLs, as a test proves")]
fn constant(url: &str) -> Url {
    Url::parse(url).expect("a constant URL")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flickr_has_three_hosts() {
        let flickr = Hosts::flickr();
        assert_eq!(flickr.rest().as_str(), "https://api.flickr.com/services/rest");
        assert_eq!(flickr.upload().as_str(), "https://up.flickr.com/services/upload/");
        assert_eq!(flickr.replace().as_str(), "https://up.flickr.com/services/replace/");
        assert_eq!(flickr.request_token().as_str(), "https://www.flickr.com/services/oauth/request_token");
        assert_eq!(flickr.access_token().as_str(), "https://www.flickr.com/services/oauth/access_token");
        assert_eq!(
            flickr.authorize("72157-0&x", Perms::Write).as_str(),
            "https://www.flickr.com/services/oauth/authorize?oauth_token=72157-0%26x&perms=write"
        );
    }

    #[test]
    fn one_server_can_stand_for_them() {
        let at = |url: &str| Hosts::at(&Url::parse(url).unwrap());
        assert_eq!(at("http://127.0.0.1:4000").unwrap().rest().as_str(), "http://127.0.0.1:4000/services/rest");
        assert_eq!(at("https://fake.example/f/").unwrap().rest().as_str(), "https://fake.example/f/services/rest");
        for bad in ["ftp://a.example", "data:x", "http://u@a.example", "http://a.example?x", "http://a.example#x"] {
            assert_eq!(at(bad), Err(InvalidBase), "{bad}");
        }
    }

    #[test]
    fn without_a_setting_the_hosts_are_flickrs() {
        assert_eq!(Hosts::from_setting(None), Ok(Hosts::flickr()));
        assert_eq!(Hosts::from_setting(Some("http://a.example")).unwrap().rest().host_str(), Some("a.example"));
        for bad in ["", "a.example", "ftp://a.example"] {
            assert_eq!(Hosts::from_setting(Some(bad)), Err(InvalidBase), "{bad:?}");
        }
    }
}
