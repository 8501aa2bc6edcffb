//! The processing of a video, which begins with its upload and may fail.

use jiff::Timestamp;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Video {
    /// When its processing ends.
    pub processed: Timestamp,
    /// Whether its processing ends in vain.
    pub is_broken: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VideoState {
    Pending,
    Ready,
    Failed,
}

impl Video {
    pub(crate) fn state(self, now: Timestamp) -> VideoState {
        match self {
            Self { processed, .. } if now < processed => VideoState::Pending,
            Self { is_broken: true, .. } => VideoState::Failed,
            Self { .. } => VideoState::Ready,
        }
    }
}

impl VideoState {
    /// As `media_status` in a list of photos says it.
    pub(crate) fn media_status(self) -> &'static str {
        match self {
            Self::Pending => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_video_is_pending_until_it_is_processed() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (is_broken, end) in [(false, VideoState::Ready), (true, VideoState::Failed)] {
            let video = Video { processed: at(5), is_broken };
            assert_eq!([4, 5].map(|second| video.state(at(second))), [VideoState::Pending, end]);
        }
    }
}
