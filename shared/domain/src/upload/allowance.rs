//! What an account may still upload, as Flickr says when it is asked (`flickr.people.getUploadStatus`). It is advice for
//! people: Flickr does not tell how many of a free account's 1,000 items are left.

/// What an account may still upload. What Flickr does not say, or does not limit, is `None`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct UploadAllowance {
    pub is_pro: Option<bool>,
    /// Of the bytes of a month.
    pub month: Option<MonthlyBytes>,
    pub remaining_videos: Option<u64>,
}

/// How much of a month's bytes is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthlyBytes {
    pub remaining_bytes: u64,
    pub max_bytes: u64,
}

impl UploadAllowance {
    /// What it says for people, and when to try again, where that follows from it; `None` where it says nothing.
    ///
    /// ```
    /// use domain::upload::{MonthlyBytes, UploadAllowance};
    ///
    /// let month = Some(MonthlyBytes { remaining_bytes: 0, max_bytes: 1000 });
    /// let allowance = UploadAllowance { is_pro: Some(false), month, remaining_videos: None };
    /// let sentence = allowance.sentence().unwrap();
    /// assert_eq!(sentence, "a free account, with 0 of 1000 bytes of this month left: try again next month");
    /// ```
    pub fn sentence(&self) -> Option<String> {
        let kind = self.is_pro.map(|is_pro| if is_pro { "a Pro account" } else { "a free account" }.to_owned());
        let month = self.month.map(|MonthlyBytes { remaining_bytes, max_bytes }| {
            let advice = if remaining_bytes == 0 { ": try again next month" } else { "" };
            format!("with {remaining_bytes} of {max_bytes} bytes of this month left{advice}")
        });
        let videos = self.remaining_videos.map(|videos| format!("with {videos} videos left"));
        let said: Vec<String> = [kind, videos, month].into_iter().flatten().collect();
        (!said.is_empty()).then(|| said.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_flickr_said_and_nothing_else() {
        let month = |remaining_bytes| Some(MonthlyBytes { remaining_bytes, max_bytes: 9 });
        let of = |is_pro, month, remaining_videos| UploadAllowance { is_pro, month, remaining_videos }.sentence();
        assert_eq!(of(None, None, None), None);
        assert_eq!(of(Some(true), None, None).as_deref(), Some("a Pro account"));
        assert_eq!(
            of(Some(false), month(3), Some(0)).as_deref(),
            Some("a free account, with 0 videos left, with 3 of 9 bytes of this month left")
        );
        let spent = of(None, month(0), None);
        assert_eq!(spent.as_deref(), Some("with 0 of 9 bytes of this month left: try again next month"));
    }
}
