//! The secrets that `doctor` is given: by the environment, since others on the machine can list a command's arguments.

use hub::credentials::AppCredentials;

/// What an operator may give, each for a check of its own. It has no `Debug`.
#[derive(Default)]
pub struct Given {
    /// `FLICKRHUB_API_KEY`: the API key of a tenant.
    pub api_key: Option<String>,
    /// `FLICKR_API_KEY`, `FLICKR_API_SECRET`: a Flickr app.
    pub flickr_app: Option<AppCredentials>,
}

impl Given {
    /// What the environment has.
    #[expect(clippy::disallowed_methods, reason = "no settings of a function, but what an operator gives this command")]
    pub fn from_env() -> Self {
        Self::from_lookup(|name| std::env::var(name).ok())
    }

    fn from_lookup(look_up: impl Fn(&str) -> Option<String>) -> Self {
        let said = |name| look_up(name).filter(|value| !value.is_empty());
        let app = said("FLICKR_API_KEY").zip(said("FLICKR_API_SECRET"));
        Self {
            api_key: said("FLICKRHUB_API_KEY"),
            flickr_app: app.map(|(key, secret)| AppCredentials::new(key, secret)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flickr_app_has_key_and_secret() {
        let given = |names: &'static [&str]| {
            Given::from_lookup(move |name| names.contains(&name).then(|| format!("the {name}")))
        };
        assert!(given(&["FLICKR_API_KEY"]).flickr_app.is_none());
        let app = given(&["FLICKR_API_KEY", "FLICKR_API_SECRET"]).flickr_app.unwrap();
        assert_eq!((app.key(), app.secret()), ("the FLICKR_API_KEY", "the FLICKR_API_SECRET"));
        assert_eq!(given(&["FLICKRHUB_API_KEY"]).api_key.as_deref(), Some("the FLICKRHUB_API_KEY"));
    }

    #[test]
    fn an_empty_variable_says_nothing() {
        assert!(Given::from_lookup(|_| Some(String::new())).api_key.is_none());
    }
}
