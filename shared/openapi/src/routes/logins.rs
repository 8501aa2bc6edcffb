use api::{CallbackQuery, CompleteLoginRequest, ErrorCode, LoginMode, Permission, StartLoginAnswer, StartLoginRequest};
use utoipa::openapi::Type;

use super::{
    examples::{APP, account, text},
    tags::LOGINS,
};
use crate::{
    headers::Field,
    route::{Answer, Route},
};

/// A `state`: it names tenant and login.
const STATE: &str = "ten_0123456789abcdef0123456789abcdef.89abcdef0123456789abcdef01234567";

pub(super) fn routes() -> Vec<Route> {
    let start = StartLoginRequest {
        api_key: None,
        api_secret: None,
        app_id: Some(text(APP)),
        perms: Permission::Write,
        mode: Some(LoginMode::Oob),
        return_url: None,
    };
    let started = StartLoginAnswer {
        authorize_url: text("https://www.flickr.com/services/oauth/authorize?oauth_token=72157720836&perms=write"),
        oauth_token: text("72157720836"),
        state: text(STATE),
        mode: LoginMode::Oob,
        app_id: text(APP),
    };
    let complete = CompleteLoginRequest {
        oauth_token: text("72157720836"),
        oauth_verifier: text("89abcdef01234567"),
        state: Some(text(STATE)),
    };
    vec![
        Route::post("/v1/auth/start", "startLogin", LOGINS, &start)
            .does(
                "Begin a login",
                "With `api_key` and `api_secret` of the tenant's Flickr app, or with the `app_id` of an earlier login. \
                 Send the user's browser to `authorize_url`. Keep `state` with the browser's session, and compare it \
                 when the browser comes back.",
            )
            .answers(Answer::data(200, "The login has begun", &started))
            .refuses(&[
                ErrorCode::ReturnUrlNotAllowed,
                ErrorCode::AppNotFound,
                ErrorCode::AppRefused,
                ErrorCode::FlickrUnavailable,
                ErrorCode::BudgetSpent,
            ]),
        Route::post("/v1/auth/complete", "completeLogin", LOGINS, &complete)
            .does(
                "Complete a login",
                "With an API key of the tenant that began the login. A login can be completed once, within ten \
                 minutes. Connecting the same Flickr account again gives the same `user_id`.",
            )
            .answers(Answer::data(200, "The account is connected", &account()))
            .refuses(&[
                ErrorCode::InvalidState,
                ErrorCode::VerifierRefused,
                ErrorCode::AppNotFound,
                ErrorCode::AppRefused,
                ErrorCode::FlickrUnavailable,
                ErrorCode::BudgetSpent,
            ]),
        Route::get("/v1/auth/callback", "loginCallback", LOGINS)
            .without_key()
            .does("Where Flickr sends the browser back", "It changes nothing. Flickr may add other parameters.")
            .query::<CallbackQuery>()
            .answers(
                Answer::raw("A page that shows the verifier", &[("text/html", Type::String)])
                    .with(&[Field::ContentSecurityPolicy]),
            )
            .answers(
                Answer::nothing(303, "To the `return_url` of the login, with its query extended")
                    .with(&[Field::Location]),
            )
            .refuses(&[ErrorCode::InvalidState]),
    ]
}
