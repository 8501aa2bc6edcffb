//! Connecting a Flickr account.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{Permission, bounded::at_most};

/// How the verifier comes back from Flickr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum LoginMode {
    /// Flickr shows the user a code to hand over.
    Oob,
    /// Flickr sends the browser to FlickrHub's callback.
    Callback,
}

/// `POST /v1/auth/start`: with `api_key` and `api_secret` of a Flickr app, or `app_id` of one that is known.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct StartLoginRequest {
    /// The Flickr app's API key.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 256))]
    #[serde(default, deserialize_with = "at_most::<_, _, 256>")]
    pub api_key: Option<Zeroizing<String>>,
    /// The Flickr app's secret.
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, max_length = 256))]
    #[serde(default, deserialize_with = "at_most::<_, _, 256>")]
    pub api_secret: Option<Zeroizing<String>>,
    /// A Flickr app of an earlier login.
    #[serde(default, deserialize_with = "at_most::<_, _, 100>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 100))]
    pub app_id: Option<String>,
    /// What the user is asked to allow.
    pub perms: Permission,
    /// How the verifier comes back; by default as `return_url` says.
    pub mode: Option<LoginMode>,
    /// Where the browser goes in the end.
    #[serde(default, deserialize_with = "at_most::<_, _, 2048>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 2048))]
    pub return_url: Option<String>,
}

/// The answer to [`StartLoginRequest`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct StartLoginAnswer {
    /// Where the user allows it.
    pub authorize_url: String,
    /// The request token, which names the login.
    pub oauth_token: String,
    /// To be compared when the browser returns, and given back.
    pub state: String,
    /// How the verifier comes back.
    pub mode: LoginMode,
    /// The Flickr app, for later logins.
    pub app_id: String,
}

/// `POST /v1/auth/complete`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CompleteLoginRequest {
    /// The request token.
    #[serde(deserialize_with = "at_most::<_, _, 256>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub oauth_token: String,
    /// What Flickr gave the user.
    #[serde(deserialize_with = "at_most::<_, _, 256>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub oauth_verifier: String,
    /// What the start of the login answered; needed in callback mode.
    #[serde(default, deserialize_with = "at_most::<_, _, 256>")]
    #[cfg_attr(feature = "openapi", schema(max_length = 256))]
    pub state: Option<String>,
}

/// `GET /v1/auth/callback`, as Flickr sends the browser there. Other parameters are left alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::IntoParams))]
#[cfg_attr(feature = "openapi", into_params(parameter_in = Query))]
pub struct CallbackQuery {
    /// The request token.
    #[serde(deserialize_with = "at_most::<_, _, 256>")]
    #[cfg_attr(feature = "openapi", param(max_length = 256))]
    pub oauth_token: String,
    /// What Flickr gave the user.
    #[serde(deserialize_with = "at_most::<_, _, 256>")]
    #[cfg_attr(feature = "openapi", param(max_length = 256))]
    pub oauth_verifier: String,
    /// What the start of the login answered.
    #[serde(deserialize_with = "at_most::<_, _, 256>")]
    #[cfg_attr(feature = "openapi", param(max_length = 256))]
    pub state: String,
}
