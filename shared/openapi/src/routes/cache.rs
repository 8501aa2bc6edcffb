use api::{ErrorCode, InvalidateCacheAnswer, InvalidateCacheRequest};

use super::{
    examples::{USER, text},
    tags::CACHE,
};
use crate::route::{Answer, Route};

pub(super) fn routes() -> Vec<Route> {
    let request = InvalidateCacheRequest { user_id: text(USER), method: Some(text("flickr.photos.*")) };
    let answer = InvalidateCacheAnswer { user_id: text(USER), tags: vec![text("photos")] };
    vec![
        Route::post("/v1/cache/invalidate", "invalidateCache", CACHE, &request)
            .does(
                "Invalidate cached answers of an account",
                "All answers with the cache tags of the methods are invalidated.",
            )
            .answers(Answer::data(200, "They are invalidated", &answer))
            .refuses(&[ErrorCode::AccountNotFound]),
    ]
}
