//! Which ceremonies suffice. That all of it holds is [`check`](super::check)'s; this is about whom to believe.

use super::{phase1::public_file, report::Report};

/// What a verifier trusts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trust<'a> {
    /// Phase 1 files besides the public ones: BLAKE2b-512.
    pub phase1: &'a [[u8; 64]],
    /// Contributions by hash, as their makers published them: at least one of them is believed to have forgotten its secret.
    pub contributions: &'a [[u8; 32]],
}

/// Why a ceremony that holds is not enough.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTrusted {
    /// Phase 1 is unknown.
    #[error(
        "setup claimed, not checked: phase 1 {} is neither one of the public files nor named as trusted",
        hex::encode(.0)
    )]
    Phase1([u8; 64]),
    /// No contribution was named.
    #[error(
        "setup claimed, not checked: no contribution is named as trusted, and contributors could all be one person"
    )]
    NoneNamed,
    /// The only one named is the beacon.
    #[error("setup claimed, not checked: {} is the beacon, whose secrets are known to all", hex::encode(.0))]
    Beacon([u8; 32]),
    /// None of those named is in the transcript.
    #[error("setup claimed, not checked: the transcript has no contribution {}", hex::encode(.0))]
    NotThere([u8; 32]),
}

impl Trust<'_> {
    /// Whether phase 1 is trusted, and at least one contribution that is not the beacon.
    ///
    /// # Errors
    /// What is missing.
    pub fn check(&self, report: &Report) -> Result<(), NotTrusted> {
        if public_file(&report.phase1).is_none() && !self.phase1.contains(&report.phase1) {
            return Err(NotTrusted::Phase1(report.phase1));
        }
        let [first, ..] = self.contributions else { return Err(NotTrusted::NoneNamed) };
        if report.contributors().any(|step| self.contributions.contains(&step.hash)) {
            return Ok(());
        }
        let beacon = report.contributions.iter().find(|step| self.contributions.contains(&step.hash));
        Err(beacon.map_or(NotTrusted::NotThere(*first), |step| NotTrusted::Beacon(step.hash)))
    }
}
