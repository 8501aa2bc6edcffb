//! Whether an operator's command changes anything.

/// Whether an operator's command changes anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperatorMode {
    /// What would be done is counted, and nothing changed.
    DryRun,
    /// It is done.
    Apply,
}

impl OperatorMode {
    /// The mode of a command that may be asked to change nothing.
    pub fn of(is_dry_run: bool) -> Self {
        if is_dry_run { Self::DryRun } else { Self::Apply }
    }
}
