//! What can be wrong with a ceremony.

use avouch_verifier::SystemId;

use super::{phase1::PtauError, trust::NotTrusted};
use crate::{files::FileError, progress::Cancelled, random::NoRandomness, setup::SetupError};

/// Why a step of a ceremony was not done, or does not hold.
#[derive(Debug, thiserror::Error)]
pub enum CeremonyError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The circuit has no key, or the work was stopped.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// The system has no secrets.
    #[error("{0} has no secrets, so it needs no ceremony: avouch setup derives its keys")]
    NotGroth16(SystemId),
    /// Phase 1 does not fit.
    #[error("phase 1: {0}")]
    Phase1(&'static str),
    /// The file of phase 1 does not hold, or cannot be read.
    #[error(transparent)]
    Ptau(#[from] PtauError),
    /// A name, an attestation or a beacon that no transcript may hold.
    #[error("{field}: {problem}")]
    Input {
        /// What was given.
        field: &'static str,
        /// What is wrong with it.
        problem: String,
    },
    /// The file, or the ceremony that it tells of, does not hold.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// All of it holds, but that is not enough.
    #[error(transparent)]
    NotTrusted(#[from] NotTrusted),
}

impl From<Cancelled> for CeremonyError {
    fn from(e: Cancelled) -> Self {
        Self::Setup(e.into())
    }
}

impl From<NoRandomness> for CeremonyError {
    fn from(e: NoRandomness) -> Self {
        Self::Setup(e.into())
    }
}

/// What does not hold in a ceremony: nobody should use its key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Not a ceremony file, or one that was damaged.
    #[error("not the canonical encoding of a ceremony file: {field}: {problem}; ask for the file again")]
    Malformed {
        /// The first field that is wrong.
        field: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// A contribution does not hold.
    #[error("contribution {index}: {reason}")]
    Contribution {
        /// Its place, from 1.
        index: u32,
        /// What is wrong.
        reason: Reason,
    },
    /// The transcript is of another circuit, or of another phase 1, than what was given.
    #[error("{what}: the transcript says {transcript}, but model and phase 1 lead to {rebuilt}")]
    Differs {
        /// What is compared.
        what: &'static str,
        /// In the transcript.
        transcript: String,
        /// From model, schema and phase 1.
        rebuilt: String,
    },
    /// The points that every contribution multiplies are not multiples of the initial key's.
    #[error("after contribution {index}: {part} is not the initial key's divided by {delta}")]
    NotScaled {
        /// The last contribution of the file.
        index: u32,
        /// Which points.
        part: &'static str,
        /// What they are to be divided by.
        delta: Delta,
    },
    /// An earlier file is of another ceremony.
    #[error("the file after contribution {index} does not belong to the transcript: it tells another story")]
    OtherStep {
        /// The last contribution of the earlier file.
        index: u32,
    },
    /// The verifying key is not the one that the transcript leads to.
    #[error("verifying key: {0} is not what model, phase 1 and transcript lead to")]
    Key(&'static str),
    /// The proving key is not the one that the transcript leads to.
    #[error("proving key: {0}")]
    ProvingKey(&'static str),
    /// Nobody contributed.
    #[error("nobody has contributed, so that all can forge proofs; a beacon alone is not enough")]
    NoContribution,
}

/// What is wrong with a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// One is missing, or they are in another order.
    #[error("it says that it is number {0}: contributions were dropped, reordered or repeated")]
    Index(u32),
    /// It was made after something else.
    #[error("it does not follow the one before: its previous hash is another")]
    Previous,
    /// Its content was changed.
    #[error("its hash is not that of its content")]
    Hash,
    /// Name or attestation is too long, or no plain text.
    #[error("its {0} is too long or has control characters")]
    Text(&'static str),
    /// It re-randomizes another number of secrets than there are.
    #[error("it has {found} updates where the proof system has {expected} secrets")]
    Updates {
        /// In the contribution.
        found: usize,
        /// That the system has.
        expected: usize,
    },
    /// The secret is 1 or −1.
    #[error("it leaves {0} as it was, up to sign")]
    Unchanged(Delta),
    /// The new δ is not the old one times the secret.
    #[error("the new {0} is not the old one times the secret that it proves to know")]
    NotMultiple(Delta),
    /// Two different δ.
    #[error("{0} is another in G1 than in G2")]
    Groups(Delta),
    /// No proof of knowledge.
    #[error("its proof of knowledge for {0} does not hold: it was made by somebody else, or for another place")]
    Knowledge(Delta),
    /// The new δ is ± the generator.
    #[error("{0} is ± the generator, as in a setup that nobody contributed to")]
    Generator(Delta),
    /// The two δ are equal.
    #[error("δ1 is ± δ2: the phases are not apart, and proofs can be forged")]
    Equal,
    /// There is something behind a beacon.
    #[error("it follows a beacon, which has to be the last")]
    AfterBeacon,
    /// The beacon's parameters are out of range.
    #[error("its beacon has no value, one of more than 256 bytes, or a number of iterations outside 2^10 to 2^32")]
    BeaconRange,
    /// The secrets are not those of the beacon.
    #[error("its {0} is not multiplied by what the beacon's value gives")]
    Beacon(Delta),
}

/// One of the trapdoors that phase 2 re-randomizes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delta {
    pub(super) phase: usize,
    pub(super) phases: usize,
}

impl core::fmt::Display for Delta {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self.phases {
            1 => f.write_str("δ"),
            _ => write!(f, "δ{}", self.phase + 1),
        }
    }
}
