use std::collections::BTreeMap;

use api::{HealthAnswer, ReadinessAnswer};

use super::{examples::text, tags::HEALTH};
use crate::route::{Answer, Route};

pub(super) fn routes() -> Vec<Route> {
    let alive = HealthAnswer { status: text("ok") };
    let ready = ReadinessAnswer {
        status: text("ok"),
        dependencies: BTreeMap::from(["vault_table", "jobs_table", "rest_queue"].map(|name| (text(name), text("ok")))),
    };
    vec![
        Route::get("/v1/health", "getHealth", HEALTH)
            .without_key()
            .does("Say that FlickrHub is alive", "")
            .answers(Answer::data(200, "It is", &alive)),
        Route::get("/v1/health/ready", "getReadiness", HEALTH)
            .does("Check each dependency", "503 names in `details` what does not answer.")
            .answers(Answer::data(200, "All is well", &ready)),
    ]
}
