use api::{
    DeadJobList, DiscardAnswer, ErrorCode, JobError, JobErrorCode, JobState, JobView, PageQuery, ReplayAnswer,
    ReplayOutcome, ReplayRequest, ReplayResult,
};

use super::{
    examples::{JOB, completed, text},
    tags::DEAD_JOBS,
};
use crate::route::{Answer, Route};

pub(super) fn routes() -> Vec<Route> {
    let list = DeadJobList { jobs: vec![dead()], next_cursor: None };
    let request = ReplayRequest { job_ids: Some(vec![text(JOB)]), dry_run: true, ..ReplayRequest::default() };
    let replayed = ReplayAnswer {
        dry_run: true,
        results: vec![ReplayResult { job_id: text(JOB), outcome: ReplayOutcome::WouldReplay }],
        next_cursor: None,
    };
    let discarded = DiscardAnswer { job_id: text(JOB), discarded: true };
    vec![
        Route::get("/v1/dlq", "listDeadJobs", DEAD_JOBS)
            .does("List dead jobs", "Up to 100 a page that were not discarded, the longest dead first.")
            .query::<PageQuery>()
            .answers(Answer::data(200, "A page of dead jobs", &list)),
        Route::post("/v1/dlq/replay", "replayDeadJobs", DEAD_JOBS, &request)
            .does(
                "Run dead jobs again",
                "Those of `job_ids`, or with `all` those of one page. If the request fails halfway, repeat it: jobs \
                 that were replayed are then `not_dead`.",
            )
            .answers(Answer::data(200, "What became of each", &replayed)),
        Route::delete("/v1/dlq/{job_id}", "discardDeadJob", DEAD_JOBS)
            .does("Take a job off the list", "It stays dead.")
            .answers(Answer::data(200, "The job is off the list", &discarded))
            .refuses(&[ErrorCode::JobNotFound]),
    ]
}

fn dead() -> JobView {
    JobView {
        state: JobState::Dead,
        result: None,
        error: Some(JobError { code: JobErrorCode::AttemptsExhausted, message: text("HTTP 502"), flickr_code: None }),
        attempts: 5,
        needs_force: Some(false),
        ..completed()
    }
}
