//! The transcript: what a ceremony is about, and who did what, each step bound to all before by its hash.
//!
//! It is JSON in the one canonical form of RFC 8785, so that `sha256sum` gives the hash that a key names.
//!
//! | hash | SHA-256 of |
//! |---|---|
//! | of the start | `"avouch/ceremony/start/v1"` and the head |
//! | of a contribution | `"avouch/ceremony/contribution/v1"` and the contribution without its `hash`; it names the one before |
//! | of the transcript | all of it |

use avouch_circuits::circuit::{CircuitDescription, Disclosure};
use avouch_verifier::SystemId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    beacon::Beacon,
    encoding::{Bytes, Hex},
    error::{Delta, Reason, Rejected},
    knowledge::{Pair, Place, Update},
};
use crate::{groth16::Variant, prover::Kind};

const FORMAT: &str = "avouch/ceremony/v1";
/// Longest name, in bytes.
const MAX_NAME: usize = 256;
/// Longest attestation, in bytes.
const MAX_ATTESTATION: usize = 4096;
/// Most contributions: a verifier's work is bounded.
const MAX_CONTRIBUTIONS: usize = 1024;
/// Longest transcript, in bytes.
pub(super) const MAX_LENGTH: usize = 16 << 20;

/// What a ceremony is about. All but the label follows from model, schema and phase 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Head {
    pub(super) format: String,
    /// Proof system by its name.
    pub(super) system: String,
    pub(super) circuit_version: u32,
    /// Canonical encoding of the circuit description.
    pub(super) circuit_description: Bytes,
    pub(super) circuit_id: Hex<31>,
    pub(super) model_id: Hex<32>,
    pub(super) label: String,
    pub(super) sizes: Sizes,
    /// BLAKE2b-512 of the phase 1 file.
    pub(super) phase1: Hex<64>,
    /// Digest of the verifying key of kind dev with δ = 2, or δ1 = 2 and δ2 = 3: of everything in the key that does not
    /// depend on the contributions.
    pub(super) key_template: Hex<32>,
    /// Digest of α, β, A, B and IC.
    pub(super) fixed_points: Hex<32>,
    /// Digest of L and H of the initial key.
    pub(super) moving_points: Hex<32>,
}

/// How many points the contributions multiply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sizes {
    /// L of the witnesses that are known before the challenge.
    pub(super) first_phase: u32,
    /// L of those that are derived from it.
    pub(super) second_phase: u32,
    /// Points of the domain; H has one less.
    pub(super) domain: u32,
}

impl Sizes {
    /// Points in a file.
    pub(super) fn points(self) -> u64 {
        u64::from(self.first_phase) + u64::from(self.second_phase) + u64::from(self.domain).saturating_sub(1)
    }
}

/// A step of the ceremony.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contribution {
    /// From 1.
    pub(super) index: u32,
    /// Who made it, by their own account.
    pub(super) name: String,
    /// What they say about it.
    pub(super) attestation: String,
    /// Where the secrets come from, if everybody knows them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) beacon: Option<Beacon>,
    /// Of each δ.
    pub(super) updates: Vec<Update>,
    /// Digest of L and H after it.
    pub(super) moving_points: Hex<32>,
    /// Hash of the contribution before, or of the start.
    pub(super) previous: Hex<32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hash: Option<Hex<32>>,
}

/// The whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Story {
    head: Head,
    contributions: Vec<Contribution>,
}

/// A transcript whose hashes and proofs of knowledge hold. Whether it is about a certain model is still to be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transcript {
    story: Story,
    variant: Variant,
    description: CircuitDescription,
}

impl Transcript {
    /// Nobody has contributed yet.
    pub(super) fn start(head: Head) -> Result<Self, Rejected> {
        Self::new(Story { head, contributions: Vec::new() })
    }

    /// Reads a transcript, all of `bytes`, and checks it.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, Rejected> {
        let story: Story = serde_json::from_slice(bytes).map_err(|e| malformed("transcript", e))?;
        let this = Self::new(story)?;
        if this.encode() != bytes {
            return Err(malformed("transcript", "it is not in the form of RFC 8785"));
        }
        Ok(this)
    }

    /// In the form of RFC 8785.
    pub fn encode(&self) -> Vec<u8> {
        canonical(&self.story)
    }

    /// What a key names.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.encode()).into()
    }

    /// The proof system.
    pub fn system(&self) -> SystemId {
        self.variant.system()
    }

    /// What proofs show of the output, by the transcript's own account.
    pub fn disclosure(&self) -> Disclosure {
        self.description.disclosure
    }

    /// A few words for people.
    pub fn label(&self) -> &str {
        &self.story.head.label
    }

    /// BLAKE2b-512 of the phase 1 file.
    pub fn phase1(&self) -> &[u8; 64] {
        &self.story.head.phase1.0
    }

    /// Hash of the last contribution, or of the start.
    pub fn last_hash(&self) -> [u8; 32] {
        match self.contributions().last() {
            Some(last) => last.hash.map_or_else(|| last.compute_hash(), |h| h.0),
            None => start_hash(self.head()),
        }
    }

    pub(super) fn variant(&self) -> Variant {
        self.variant
    }

    pub(super) fn head(&self) -> &Head {
        &self.story.head
    }

    pub(super) fn contributions(&self) -> &[Contribution] {
        &self.story.contributions
    }

    /// Number of contributions, the beacon among them.
    pub fn index(&self) -> u32 {
        // There are at most `MAX_CONTRIBUTIONS`.
        self.story.contributions.len() as u32
    }

    /// Each δ after the last contribution.
    pub(super) fn deltas(&self) -> Vec<Pair> {
        match self.contributions().last() {
            Some(last) => last.updates.iter().map(Update::new_delta).collect(),
            None => vec![Pair::generators(); self.variant.phases()],
        }
    }

    /// Digest that L and H have after the last contribution.
    pub(super) fn moving_points(&self) -> [u8; 32] {
        self.contributions().last().map_or(self.head().moving_points, |c| c.moving_points).0
    }

    /// Whether the other one is this one before its last contributions, or the same.
    pub(super) fn begins_with(&self, other: &Self) -> bool {
        self.head() == other.head() && self.contributions().starts_with(other.contributions())
    }

    /// What an update of a δ by the next contribution is for.
    pub(super) fn next_place<'a>(&self, previous: &'a [u8; 32], phase: usize, old: Pair) -> Place<'a> {
        let delta = Delta { phase, phases: self.variant.phases() };
        Place { system: self.system(), previous, index: self.index() + 1, delta, old }
    }

    /// With one more contribution, whose hash is computed.
    pub(super) fn with(&self, mut next: Contribution) -> Result<Self, Rejected> {
        next.hash = Some(Hex(next.compute_hash()));
        let mut this = self.clone();
        this.push(next)?;
        Ok(this)
    }

    fn new(story: Story) -> Result<Self, Rejected> {
        let Story { head, contributions } = story;
        let (variant, description) = head.check()?;
        let mut this = Self { story: Story { head, contributions: Vec::new() }, variant, description };
        for contribution in contributions {
            this.push(contribution)?;
        }
        Ok(this)
    }

    fn push(&mut self, next: Contribution) -> Result<(), Rejected> {
        let index = self.index() + 1;
        self.check_next(&next).map_err(|reason| Rejected::Contribution { index, reason })?;
        if self.contributions().len() == MAX_CONTRIBUTIONS {
            return Err(malformed("transcript", format!("more than {MAX_CONTRIBUTIONS} contributions")));
        }
        self.story.contributions.push(next);
        Ok(())
    }

    /// Everything about a contribution that can be checked without the points.
    fn check_next(&self, next: &Contribution) -> Result<(), Reason> {
        if next.index != self.index() + 1 {
            return Err(Reason::Index(next.index));
        }
        if self.contributions().last().is_some_and(|last| last.beacon.is_some()) {
            return Err(Reason::AfterBeacon);
        }
        let previous = self.last_hash();
        if next.previous.0 != previous {
            return Err(Reason::Previous);
        }
        if next.hash != Some(Hex(next.compute_hash())) {
            return Err(Reason::Hash);
        }
        check_text("name", &next.name, MAX_NAME).map_err(Reason::Text)?;
        check_text("attestation", &next.attestation, MAX_ATTESTATION).map_err(Reason::Text)?;
        if next.beacon.as_ref().is_some_and(|beacon| !beacon.is_in_range()) {
            return Err(Reason::BeaconRange);
        }
        let old = self.deltas();
        if next.updates.len() != old.len() {
            return Err(Reason::Updates { found: next.updates.len(), expected: old.len() });
        }
        for (phase, (update, old)) in next.updates.iter().zip(old).enumerate() {
            update.check(&self.next_place(&previous, phase, old))?;
        }
        match next.updates.as_slice() {
            [first, second] if first.new_delta().g2.x == second.new_delta().g2.x => Err(Reason::Equal),
            _ => Ok(()),
        }
    }
}

impl Head {
    pub(super) fn new(variant: Variant, description: &CircuitDescription, label: &str, sizes: Sizes) -> Self {
        let system = variant.system();
        Self {
            format: FORMAT.into(),
            system: system.name().into(),
            circuit_version: system.circuit_version(),
            circuit_description: Bytes(description.encode()),
            circuit_id: Hex(description.circuit_id()),
            model_id: Hex(description.model_id),
            label: label.into(),
            sizes,
            phase1: Hex([0; 64]),
            key_template: Hex([0; 32]),
            fixed_points: Hex([0; 32]),
            moving_points: Hex([0; 32]),
        }
    }

    /// The parts agree with each other and with this release.
    fn check(&self) -> Result<(Variant, CircuitDescription), Rejected> {
        if self.format != FORMAT {
            return Err(malformed("format", format!("{:?} is not {FORMAT:?}", self.format)));
        }
        let variant = SystemId::from_name(&self.system).map(Kind::of);
        let Some(Kind::Groth16(variant)) = variant else {
            return Err(malformed("system", format!("{:?} is no system with a ceremony", self.system)));
        };
        let version = variant.system().circuit_version();
        if self.circuit_version != version {
            let (transcript, rebuilt) = (self.circuit_version.to_string(), version.to_string());
            return Err(Rejected::Differs { what: "circuit version", transcript, rebuilt });
        }
        let description =
            CircuitDescription::decode(&self.circuit_description.0).map_err(|e| malformed("circuit_description", e))?;
        if self.circuit_id.0 != description.circuit_id() || self.model_id.0 != description.model_id {
            return Err(malformed("circuit_id", "ids are not those of the description"));
        }
        check_text("label", &self.label, MAX_NAME).map_err(|e| malformed(e, "too long, or control characters"))?;
        Ok((variant, description))
    }
}

impl Contribution {
    fn compute_hash(&self) -> [u8; 32] {
        let mut h = Sha256::new();
        h.update(b"avouch/ceremony/contribution/v1");
        h.update(canonical(&Self { hash: None, ..self.clone() }));
        h.finalize().into()
    }
}

fn start_hash(head: &Head) -> [u8; 32] {
    let mut h = Sha256::new();
    h.update(b"avouch/ceremony/start/v1");
    h.update(canonical(head));
    h.finalize().into()
}

/// Text that a transcript may hold; the error is the field.
pub(super) fn check_text(field: &'static str, text: &str, limit: usize) -> Result<(), &'static str> {
    // New lines would break the tables of people's terminals too.
    if text.len() > limit || text.chars().any(char::is_control) { Err(field) } else { Ok(()) }
}

fn canonical(value: &impl Serialize) -> Vec<u8> {
    // Strings, lists and numbers below 2^32 always have a canonical form; an empty one would be refused by every reader.
    serde_json_canonicalizer::to_vec(value).unwrap_or_default()
}

pub(super) fn malformed(field: &'static str, problem: impl ToString) -> Rejected {
    Rejected::Malformed { field, problem: problem.to_string() }
}
