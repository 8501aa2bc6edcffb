//! What must hold of every parser that faces the outside, whatever bytes it is given.
//!
//! A target is a plain function of bytes that panics when a promise is broken. `fuzz/` gives it to libFuzzer; this
//! crate's tests run it on the seeds in `fuzz/corpus/` and on mutations of them, so that `cargo test` keeps the targets
//! and their seeds working.

#![expect(clippy::expect_used, reason = "a target stops when something it depends on is missing")]

mod answers;
mod egress;
mod events;
mod file_answers;
mod requests;
mod sealed;
mod signatures;

/// One target.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// Its name, also that of its folder of seeds and of its libFuzzer program.
    pub name: &'static str,
    /// Panics when `data` breaks a promise.
    pub run: fn(data: &[u8]),
}

macro_rules! targets {
    ($($module:ident: $($name:ident),+;)+) => {
        $(pub use $module::{$($name),+};)+

        /// All targets.
        pub const TARGETS: &[Target] = &[$($(Target { name: stringify!($name), run: $name },)+)+];
    };
}

targets! {
    answers: oauth_problem, oauth_reply, rest_answer, retry_after, token_checked;
    egress: egress_url;
    events: gateway_event;
    file_answers: file_answer;
    requests: call_params, dispatch, id, idempotency_key, if_none_match, login_state, method_name, request_body;
    sealed: sealed_message, sealed_message_altered;
    signatures: signed_request;
}

/// The result of a future that is ready at once.
fn now<T>(future: impl Future<Output = T>) -> T {
    futures_util::FutureExt::now_or_never(future).expect("nothing to wait for")
}
