//! Admitting a key, verifying a proof, and what is known afterwards.

use alloc::vec::Vec;

use avouch_circuits::{
    circuit::description::{CircuitDescription, Disclosure, EMPTY_POLICY_ID},
    graph::{DType, TensorInfo},
};

#[cfg(feature = "halo2")]
use crate::system::halo2_ipa_pasta::DerivedKey;
use crate::{
    envelope::ProofFile,
    error::DecodeError,
    key::{SetupKind, VerifyingKey},
    statement::{Slot, Statement, Window},
    system::{DeriveError, Prepared, ProofError, SystemId},
};

/// Why a key is trusted, strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyProvenance {
    /// The verifier derived the key from the model itself.
    Rederived,
    /// The ceremony's transcript was checked against model and phase 1.
    TranscriptChecked,
    /// The key's digest is the one that the verifier expects. Somebody else checked what it stands for.
    Pinned,
    /// Made on one machine, for development: whoever made it can forge proofs.
    Dev,
}

impl KeyProvenance {
    /// The name used in messages and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rederived => "rederived",
            Self::TranscriptChecked => "transcript_checked",
            Self::Pinned => "pinned",
            Self::Dev => "dev",
        }
    }

    /// Whether the circuit behind the key was compared with the model. If not, the model is claimed by the key.
    pub const fn is_model_checked(self) -> bool {
        match self {
            Self::Rederived | Self::TranscriptChecked => true,
            Self::Pinned | Self::Dev => false,
        }
    }
}

/// Which keys a verifier trusts. By default none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeyPolicy {
    /// Whether a key of kind `dev` is admitted.
    pub allow_dev: bool,
    /// The only key digest that is admitted; it admits no `dev` key by itself.
    pub expect_vk: Option<[u8; 32]>,
}

impl KeyPolicy {
    /// Admits or refuses a key, and prepares it for verifying. A transparent key is derived from its model here, which
    /// takes seconds, once for all proofs; a digest that is expected is compared before.
    ///
    /// # Errors
    /// The reason why the key is not trusted.
    pub fn admit(&self, key: VerifyingKey) -> Result<AcceptedKey, KeyRefused> {
        if let Some(expected) = self.expect_vk
            && expected != *key.digest()
        {
            return Err(KeyRefused::OtherDigest { expected, found: *key.digest() });
        }
        let provenance = match key.setup() {
            SetupKind::Dev if self.allow_dev => KeyProvenance::Dev,
            SetupKind::Dev => return Err(KeyRefused::Dev),
            SetupKind::Ceremony { .. } if self.expect_vk.is_some() => KeyProvenance::Pinned,
            SetupKind::Ceremony { .. } => return Err(KeyRefused::ClaimedNotChecked),
            SetupKind::Transparent => KeyProvenance::Rederived,
        };
        Ok(AcceptedKey { prepared: key.material().prepare(key.description())?, key, provenance })
    }

    /// Admits the key of a ceremony that the caller has checked: the transcript leads from the model and a phase 1 that is
    /// trusted to the key of digest `checked`, and at least one contributor is trusted. All else is as in
    /// [`admit`](Self::admit).
    ///
    /// # Errors
    /// The reason why the key is not trusted.
    pub fn admit_checked(&self, key: VerifyingKey, checked: &[u8; 32]) -> Result<AcceptedKey, KeyRefused> {
        if checked != key.digest() {
            return Err(KeyRefused::OtherDigest { expected: *checked, found: *key.digest() });
        }
        let mut accepted = Self { expect_vk: self.expect_vk.or(Some(*checked)), ..*self }.admit(key)?;
        if accepted.provenance == KeyProvenance::Pinned {
            accepted.provenance = KeyProvenance::TranscriptChecked;
        }
        Ok(accepted)
    }
}

/// A well-formed key that a [`KeyPolicy`] does not admit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyRefused {
    /// A key from a development setup.
    #[error("the key is from a development setup, whose maker can forge proofs; allow it only for tests")]
    Dev,
    /// A ceremony that nobody vouches for.
    #[error("setup claimed, not checked: the key says it is from a ceremony; give the key digest that you trust")]
    ClaimedNotChecked,
    /// Not the expected key.
    #[error("the key's digest is {}, not the expected {}", hex::encode(.found), hex::encode(.expected))]
    OtherDigest {
        /// The digest in the policy.
        expected: [u8; 32],
        /// The key's digest.
        found: [u8; 32],
    },
    /// A transparent key that its model does not lead to.
    #[error("the key does not follow from its model: {0}")]
    NotDerived(#[from] DeriveError),
}

/// A key that a verifier trusts, prepared once so that each proof costs as little as it can.
pub struct AcceptedKey {
    key: VerifyingKey,
    prepared: Prepared,
    provenance: KeyProvenance,
}

impl AcceptedKey {
    /// The key.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Why it is trusted.
    pub fn provenance(&self) -> KeyProvenance {
        self.provenance
    }

    /// What was derived from the model, if the key is a transparent one of halo2.
    #[cfg(feature = "halo2")]
    pub fn derived(&self) -> Option<&DerivedKey> {
        self.prepared.derived()
    }
}

impl core::fmt::Debug for AcceptedKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AcceptedKey").field("key", &self.key).field("provenance", &self.provenance).finish()
    }
}

/// The output, by the circuit's disclosure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// All integers, flat and row-major, within their type.
    Raw(Vec<i32>),
    /// Index of the largest element, the lowest one on a tie.
    Argmax(u32),
    /// Whether `y[index] ≥ threshold`.
    Threshold {
        /// Position in the output.
        index: u32,
        /// Compared with the integer.
        threshold: i32,
        /// The answer.
        reached: bool,
    },
    /// A hiding commitment to all integers.
    Commit([u8; 32]),
}

impl Output {
    /// Reads slot 7; `None` if the circuit cannot have put this there.
    fn from_slot(description: &CircuitDescription, dtype: DType, slot: &[u8; 32]) -> Option<Self> {
        match description.disclosure {
            Disclosure::Raw => {
                let (len, width) =
                    (usize::try_from(description.output_len).ok()?, description.bit_width.checked_div(8)?);
                let mut chunks = slot.rchunks(usize::from(width));
                let value = |chunk: &[u8]| {
                    let offset = chunk.iter().fold(0u32, |acc, &b| acc << 8 | u32::from(b));
                    i32::try_from(i64::from(offset).checked_add(dtype.min().into())?).ok()
                };
                let values = chunks.by_ref().take(len).map(value).collect::<Option<Vec<_>>>()?;
                (values.len() == len && chunks.all(|chunk| chunk.iter().all(|&b| b == 0))).then_some(Self::Raw(values))
            }
            Disclosure::Argmax => {
                let index = small(slot)?;
                (index < description.output_len).then_some(Self::Argmax(index))
            }
            Disclosure::Threshold { index, threshold } => {
                let reached = match small(slot)? {
                    0 => false,
                    1 => true,
                    _ => return None,
                };
                Some(Self::Threshold { index, threshold, reached })
            }
            Disclosure::Commit => Some(Self::Commit(*slot)),
        }
    }
}

/// A slot below 2^32.
fn small(slot: &[u8; 32]) -> Option<u32> {
    let (high, low) = slot.split_last_chunk::<4>()?;
    high.iter().all(|&b| b == 0).then(|| u32::from_be_bytes(*low))
}

impl core::fmt::Display for Output {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Raw(values) => write!(f, "integers {values:?}"),
            Self::Argmax(class) => write!(f, "class {class}"),
            Self::Threshold { index, threshold, reached } => {
                write!(f, "integer {index} is {} {threshold}", if *reached { "at least" } else { "below" })
            }
            Self::Commit(commitment) => write!(f, "commitment {}", hex::encode(commitment)),
        }
    }
}

/// What a verified proof says. Only [`verify`] makes one:
///
/// ```compile_fail,E0451
/// # use avouch_verifier::*;
/// # fn forge(key: VerifyingKey, statement: Statement, output: Output) -> VerifiedClaim {
/// VerifiedClaim { key, statement, output, provenance: KeyProvenance::Rederived }
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedClaim {
    key: VerifyingKey,
    provenance: KeyProvenance,
    statement: Statement,
    output: Output,
}

impl VerifiedClaim {
    /// The proof system.
    pub fn system(&self) -> SystemId {
        self.key.system()
    }

    /// The key that verified the proof: its digest, setup kind, label, and the input's shape and quantization.
    pub fn key(&self) -> &VerifyingKey {
        &self.key
    }

    /// Why that key is trusted.
    pub fn key_provenance(&self) -> KeyProvenance {
        self.provenance
    }

    /// What the circuit proves: model, disclosure, schema, records.
    pub fn description(&self) -> &CircuitDescription {
        self.key.description()
    }

    /// The graph that was run. Unless [`KeyProvenance::is_model_checked`], this is claimed by the key.
    pub fn model_id(&self) -> &[u8; 32] {
        &self.description().model_id
    }

    /// All public inputs.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// Slot 7, read by the disclosure.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Shape, type, scale and zero point of the disclosed tensor: `real = scale · (integer − zero point)`.
    pub fn output_info(&self) -> &TensorInfo {
        self.key.output()
    }

    /// Whether the proof is bound to a context at all. If not, anyone can show it anywhere.
    pub fn is_context_bound(&self) -> bool {
        *self.statement.context() != [0; 32]
    }

    /// The window of the records; `None` without a data policy.
    pub fn window(&self) -> Option<Window> {
        if self.description().has_data_policy() { Window::from_slot(self.statement.window()) } else { None }
    }
}

/// Verifies a proof file with a trusted key.
///
/// # Errors
/// Why the file proves nothing. It is always the file that is at fault, never the key.
pub fn verify(key: &AcceptedKey, proof_file: &[u8]) -> Result<VerifiedClaim, VerifyError> {
    let (file, output) = open(key, proof_file)?;
    key.prepared.verify(key.key.digest(), file.statement(), file.envelope().proof())?;
    Ok(claim(key, &file, output))
}

/// Verifies many proof files with one key, each as [`verify`] does; where the proof system can, at the price of little more
/// than one. If any fails, each is verified by itself.
///
/// Gives as many results, in the same order.
pub fn verify_batch(key: &AcceptedKey, proof_files: &[&[u8]]) -> Vec<Result<VerifiedClaim, VerifyError>> {
    let opened: Vec<_> = proof_files.iter().map(|file| open(key, file)).collect();
    let proofs: Vec<_> = opened.iter().flatten().map(|(file, _)| (file.statement(), file.envelope().proof())).collect();
    let mut verdicts = key.prepared.verify_batch(key.key.digest(), &proofs).into_iter();
    let verdict = |opened: Result<(ProofFile, Output), VerifyError>| {
        let (file, output) = opened?;
        verdicts.next().unwrap_or(Err(ProofError::Rejected))?;
        Ok(claim(key, &file, output))
    };
    opened.into_iter().map(verdict).collect()
}

/// Reads a proof file for a key, and checks all but the proof itself.
fn open(AcceptedKey { key, .. }: &AcceptedKey, proof_file: &[u8]) -> Result<(ProofFile, Output), VerifyError> {
    let file = ProofFile::decode(proof_file)?;
    let (statement, envelope) = (file.statement(), file.envelope());
    if envelope.system() != key.system() {
        return Err(VerifyError::OtherSystem { file: envelope.system(), key: key.system() });
    }
    if envelope.vk_digest() != key.digest() {
        return Err(VerifyError::OtherKey { file: *envelope.vk_digest(), key: *key.digest() });
    }
    if *envelope.statement_digest() != statement.digest() {
        return Err(VerifyError::StatementDigest);
    }
    let output = check_slots(key, statement)?;
    Ok((file, output))
}

/// What a file says whose proof was verified.
fn claim(AcceptedKey { key, provenance, .. }: &AcceptedKey, file: &ProofFile, output: Output) -> VerifiedClaim {
    VerifiedClaim { key: key.clone(), provenance: *provenance, statement: file.statement().clone(), output }
}

/// What has to hold for the slots besides the proof. The circuit constrains it too.
fn check_slots(key: &VerifyingKey, statement: &Statement) -> Result<Output, VerifyError> {
    let description = key.description();
    if *statement.circuit_id() != description.circuit_id_slot() {
        return Err(VerifyError::Slot { slot: Slot::CircuitId, reason: "the statement is about another circuit" });
    }
    if description.has_data_policy() {
        let reason = "it is no window with the number of records that the circuit takes";
        let window = Window::from_slot(statement.window()).filter(|w| w.records == description.records);
        window.ok_or(VerifyError::Slot { slot: Slot::Window, reason })?;
    } else {
        for (slot, value) in [
            (Slot::PolicyId, EMPTY_POLICY_ID),
            (Slot::RegistryRoot, [0; 32]),
            (Slot::Window, [0; 32]),
            (Slot::Nullifier, [0; 32]),
        ] {
            if *statement.slot(slot) != value {
                return Err(VerifyError::Slot { slot, reason: "the circuit has no data policy, but the slot does" });
            }
        }
    }
    let reason = "no output of this circuit looks like that";
    Output::from_slot(description, key.output().quant.dtype, statement.output())
        .ok_or(VerifyError::Slot { slot: Slot::Output, reason })
}

/// A proof file that proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Not the canonical encoding of a proof file.
    #[error(transparent)]
    File(#[from] DecodeError),
    /// A proof of another proof system than the key's.
    #[error("the proof is of {file}, the key of {key}")]
    OtherSystem {
        /// The file's system.
        file: SystemId,
        /// The key's system.
        key: SystemId,
    },
    /// A proof for another key.
    #[error("the proof is for the key {}, not for {}", hex::encode(.file), hex::encode(.key))]
    OtherKey {
        /// The digest in the file.
        file: [u8; 32],
        /// The key's digest.
        key: [u8; 32],
    },
    /// The statement is not the one that the envelope was made for.
    #[error("the statement is not the one that the envelope is for; one of them was changed")]
    StatementDigest,
    /// A public input with a value that it cannot have.
    #[error("slot {}: {reason}", .slot.name())]
    Slot {
        /// The public input.
        slot: Slot,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The proof itself.
    #[error(transparent)]
    Proof(#[from] ProofError),
}
