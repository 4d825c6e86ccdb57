//! What a verifier demands of a claim, and what nobody checked.
//!
//! A verified claim is true, but it need not be the one that was asked for. [`Acceptance`] holds the conditions of the
//! verifier; whatever it leaves open is listed in plain language, so that silence is never taken for a check.

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};

use crate::{
    claim::{KeyProvenance, Output, VerifiedClaim},
    context::context_slot,
};

/// Conditions on a claim; each one that is `None` is not evaluated.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acceptance {
    /// The model's id.
    pub expect_model: Option<[u8; 32]>,
    /// The context digest, all 32 bytes; slot 0 holds the first 31.
    pub expect_context: Option<[u8; 32]>,
    /// The data policy's id: slot 2.
    pub expect_policy: Option<[u8; 32]>,
    /// The registry root: slot 3.
    pub expect_root: Option<[u8; 32]>,
    /// The output, of the circuit's disclosure.
    pub expect_output: Option<Output>,
    /// How old the records may be.
    pub freshness: Option<Freshness>,
}

/// now − max_delay ≤ t_hi ≤ now + skew, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// The verifier's clock: Unix time.
    pub now: u64,
    /// How long ago the window may have ended.
    pub max_delay: u64,
    /// How far ahead of the verifier's the prover's clock may be.
    pub skew: u64,
}

impl Freshness {
    fn admits(&self, t_hi: u64) -> bool {
        (self.now.saturating_sub(self.max_delay)..=self.now.saturating_add(self.skew)).contains(&t_hi)
    }
}

/// One of the conditions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Condition {
    /// [`Acceptance::expect_model`].
    Model,
    /// [`Acceptance::expect_context`].
    Context,
    /// [`Acceptance::expect_policy`].
    Policy,
    /// [`Acceptance::expect_root`].
    RegistryRoot,
    /// [`Acceptance::expect_output`].
    Output,
    /// [`Acceptance::freshness`].
    Freshness,
}

impl Condition {
    /// The name used in messages and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Output => "output",
            Self::Context => "context",
            Self::Policy => "policy",
            Self::RegistryRoot => "registry_root",
            Self::Freshness => "freshness",
        }
    }
}

/// How one condition came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Which one.
    pub condition: Condition,
    /// Whether the claim meets it.
    pub met: bool,
    /// What the verifier demands.
    pub expected: String,
    /// What the claim says.
    pub found: String,
}

/// A condition that the claim does not meet.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {}, found {}", .0.condition.name(), .0.expected, .0.found)]
pub struct Unmet(pub Outcome);

/// Something that neither the proof nor the verifier's conditions establish.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NotChecked {
    /// The key is for development.
    Setup,
    /// The key's digest was pinned, or the key is for development.
    ModelClaimedByKey,
    /// No expected model was given.
    Model,
    /// Slot 0 is zero.
    ContextUnbound,
    /// Slot 0 is not zero, but no expected context was given.
    Context,
    /// The circuit has no data policy.
    InputOrigin,
    /// No expected policy was given.
    Policy,
    /// No expected registry root was given.
    RegistryRoot,
    /// No clock was given.
    Freshness,
    /// Verifying keeps no list of nullifiers.
    Reuse,
    /// No proof can say it.
    SensorTruth,
}

impl NotChecked {
    /// The name used in JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Setup => "setup",
            Self::ModelClaimedByKey => "model_claimed_by_key",
            Self::Model => "model",
            Self::ContextUnbound => "context_unbound",
            Self::Context => "context",
            Self::InputOrigin => "input_origin",
            Self::Policy => "policy",
            Self::RegistryRoot => "registry_root",
            Self::Freshness => "freshness",
            Self::Reuse => "reuse",
            Self::SensorTruth => "sensor_truth",
        }
    }
}

impl core::fmt::Display for NotChecked {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Setup => "the setup: the key is from a development setup, and whoever made it can forge proofs",
            Self::ModelClaimedByKey => {
                "whether the key is for this model: the model is claimed by the key, and nobody here derived the key again"
            }
            Self::Model => "which model it should be: no expected model was given",
            Self::ContextUnbound => "what the proof was made for: it is not bound to a task, and anyone can show it again",
            Self::Context => "what the proof was made for: no expected context was given",
            Self::InputOrigin => "where the input comes from: the circuit has no data policy",
            Self::Policy => "which data policy it should be: no expected policy was given",
            Self::RegistryRoot => "whether devices and consents are registered with anyone: no expected root was given",
            Self::Freshness => "how old the records are: no time was given",
            Self::Reuse => "whether the same records were used before: compare the nullifier with those already seen",
            Self::SensorTruth => "whether the sensor told the truth",
        })
    }
}

/// How all conditions came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcceptanceReport {
    /// Every condition that was given, in the order of [`Acceptance`]'s fields.
    pub outcomes: Vec<Outcome>,
    /// What remains open.
    pub not_checked: Vec<NotChecked>,
}

impl AcceptanceReport {
    /// Whether every condition is met.
    pub fn is_accepted(&self) -> bool {
        self.outcomes.iter().all(|o| o.met)
    }

    /// Refuses a claim that does not meet every condition.
    ///
    /// # Errors
    /// The first condition that is not met.
    pub fn check(&self) -> Result<(), Unmet> {
        self.outcomes.iter().find(|o| !o.met).map_or(Ok(()), |o| Err(Unmet(o.clone())))
    }
}

impl Acceptance {
    /// Evaluates every condition that was given, and lists what remains open.
    pub fn evaluate(&self, claim: &VerifiedClaim) -> AcceptanceReport {
        let statement = claim.statement();
        let mut outcomes = Vec::new();
        let mut digest = |condition, expected: Option<[u8; 32]>, found: &[u8; 32]| {
            if let Some(expected) = expected {
                let met = expected == *found;
                outcomes.push(Outcome { condition, met, expected: hex::encode(expected), found: hex::encode(found) });
            }
        };
        digest(Condition::Model, self.expect_model, claim.model_id());
        digest(Condition::Context, self.expect_context.as_ref().map(context_slot), statement.context());
        digest(Condition::Policy, self.expect_policy, statement.policy_id());
        digest(Condition::RegistryRoot, self.expect_root, statement.registry_root());
        if let Some(expected) = &self.expect_output {
            outcomes.push(Outcome {
                condition: Condition::Output,
                met: expected == claim.output(),
                expected: expected.to_string(),
                found: claim.output().to_string(),
            });
        }
        if let Some(freshness) = self.freshness {
            let Freshness { now, max_delay, skew } = freshness;
            let window = claim.window();
            outcomes.push(Outcome {
                condition: Condition::Freshness,
                met: window.is_some_and(|w| freshness.admits(w.t_hi)),
                expected: format!("records up to {max_delay} s before and {skew} s after {now}"),
                found: window.map_or_else(|| String::from("no records: there is no data policy"), |w| w.to_string()),
            });
        }
        AcceptanceReport { outcomes, not_checked: self.not_checked(claim) }
    }

    fn not_checked(&self, claim: &VerifiedClaim) -> Vec<NotChecked> {
        let policy = claim.description().has_data_policy();
        let bound = claim.is_context_bound();
        [
            (NotChecked::Setup, claim.key_provenance() == KeyProvenance::Dev),
            (NotChecked::ModelClaimedByKey, !claim.key_provenance().is_model_checked()),
            (NotChecked::Model, self.expect_model.is_none()),
            (NotChecked::ContextUnbound, !bound),
            (NotChecked::Context, bound && self.expect_context.is_none()),
            (NotChecked::InputOrigin, !policy),
            (NotChecked::Policy, policy && self.expect_policy.is_none()),
            (NotChecked::RegistryRoot, policy && self.expect_root.is_none()),
            (NotChecked::Freshness, policy && self.freshness.is_none()),
            (NotChecked::Reuse, policy),
            (NotChecked::SensorTruth, policy),
        ]
        .into_iter()
        .filter_map(|(fact, open)| open.then_some(fact))
        .collect()
    }
}
