//! What long work says of itself, and how it is stopped.

/// Told of the phases of long work. All methods have defaults that do nothing; phases do not overlap, but
/// their steps may be reported from several threads.
pub trait Progress: Sync {
    /// A phase begins that has `total` steps of about equal cost.
    fn begin(&self, phase: &'static str, total: u64) {
        let _ = (phase, total);
    }

    /// `steps` more steps of the current phase are done.
    fn advance(&self, steps: u64) {
        let _ = steps;
    }

    /// Whether the work should stop. It is asked often, and what is half done is given up.
    fn is_cancelled(&self) -> bool {
        false
    }
}

/// Says nothing.
impl Progress for () {}

/// The work was stopped through [`Progress::is_cancelled`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

pub(crate) fn check(progress: &dyn Progress) -> Result<(), Cancelled> {
    if progress.is_cancelled() { Err(Cancelled) } else { Ok(()) }
}
