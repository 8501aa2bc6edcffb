//! What calls of ports meet on their way: delays, failures and crashes, before their effect or after it.

use std::time::Duration;

use crate::call::Call;

/// When a call fails, as seen from what it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultPoint {
    /// Nothing was done.
    Before,
    /// All was done, and the answer was lost.
    After,
}

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It answers with an error.
    Fail,
    /// It never answers: the process is gone.
    Crash,
}

/// What a call meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Injection {
    /// Nothing.
    Pass,
    /// A delay, in virtual time.
    Wait(Duration),
    Fault(Fault),
}

/// Says what each call meets, before its effect and after it.
pub type FaultPlan = Box<dyn FnMut(Call, FaultPoint) -> Injection + Send>;
