//! How the server delivers an answer.

use std::time::Duration;

use crate::answer::Answer;

/// An answer, and how the server delivers it.
#[derive(Debug)]
pub(crate) struct PlannedAnswer {
    pub answer: Answer,
    pub delivery: Delivery,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The answer is sent after a delay.
    Delayed(Duration),
    /// The head is sent at once, and the body over this time.
    Trickled(Duration),
    /// The connection is closed after a delay, without an answer.
    Disconnected(Duration),
    /// The answer is sent at once, and the call takes effect after a delay.
    BeforeEffect(Duration),
}

impl From<Answer> for PlannedAnswer {
    fn from(answer: Answer) -> Self {
        Self { answer, delivery: Delivery::Delayed(Duration::ZERO) }
    }
}
