//! Whether the things a function depends on answer.

/// Whether the things a function depends on answer.
pub trait Health: Send + Sync {
    /// Each dependency's name, and whether it answers.
    fn probe(&self) -> impl Future<Output = Vec<(&'static str, bool)>> + Send;
}
