//! What went wrong: kind, place, message, hint, and the exit code.

use std::path::Path;

use avouch_circuits::{
    circuit::LowerError,
    execute::ExecuteError,
    import::ImportError,
    policy::{Clause, Violation},
};
use avouch_prover::{
    ProveError, SetupError,
    ceremony::{CeremonyError, NotTrusted, phase1::PtauError},
    files::FileError,
    groth16::CreateError,
    input::InputError,
    policy::PrepareError,
    random::NoRandomness,
};
use avouch_verifier::{
    KeyRefused, VerifyError,
    acceptance::{Condition, Unmet},
    json,
    system::DeriveError,
};
use serde_json::{Value, json};

/// Exit code: a proof or claim is rejected.
pub(crate) const REJECTED: u8 = 1;
/// Exit code: anything else that went wrong.
pub(crate) const ERROR: u8 = 2;

/// Why a verb did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The process's exit code.
    pub(crate) code: u8,
    /// A stable word for scripts.
    pub(crate) kind: &'static str,
    /// The file, node or option; may be empty.
    pub(crate) place: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What to do about it; may be empty.
    pub(crate) hint: String,
    /// What is known in spite of it, for `--json`.
    pub(crate) facts: Option<Box<Value>>,
}

impl Failure {
    /// An error: exit code 2.
    pub(crate) fn new(kind: &'static str, place: impl ToString, message: impl ToString) -> Self {
        let (place, message) = (place.to_string(), message.to_string());
        Self { code: ERROR, kind, place, message, hint: String::new(), facts: None }
    }

    /// An error of the command line.
    pub(crate) fn usage(message: impl ToString) -> Self {
        Self::new("usage", "", message)
    }

    /// An error about a file.
    pub(crate) fn file(path: &Path, message: impl ToString) -> Self {
        Self::new("file", path.display(), message)
    }

    /// A rejected proof or claim: exit code 1.
    pub(crate) fn rejected(kind: &'static str, place: impl ToString, message: impl ToString) -> Self {
        Self { code: REJECTED, ..Self::new(kind, place, message) }
    }

    /// The same, with what to do about it.
    pub(crate) fn hint(mut self, hint: impl ToString) -> Self {
        self.hint = hint.to_string();
        self
    }

    /// As one JSON object.
    pub(crate) fn json(&self) -> Value {
        let Self { kind, place, message, hint, facts, .. } = self;
        let mut object = facts.as_deref().cloned().unwrap_or_else(|| json!({}));
        object["error"] = json!({ "kind": kind, "where": place, "message": message, "hint": hint });
        object
    }
}

impl From<ImportError> for Failure {
    fn from(e: ImportError) -> Self {
        Self::new(e.kind.name(), e.place, e.message).hint(e.hint)
    }
}

impl From<LowerError> for Failure {
    fn from(e: LowerError) -> Self {
        Self::new("unsupported", e.node, e.message)
    }
}

impl From<InputError> for Failure {
    fn from(e: InputError) -> Self {
        Self::new("input", e.path.display(), e.problem)
    }
}

impl From<FileError> for Failure {
    fn from(e: FileError) -> Self {
        Self::new("file", e.path.display(), e.message)
    }
}

impl From<ExecuteError> for Failure {
    fn from(e: ExecuteError) -> Self {
        Self::new("input", "", e)
    }
}

impl From<NoRandomness> for Failure {
    fn from(e: NoRandomness) -> Self {
        Self::new("randomness", "", e)
    }
}

impl From<SetupError> for Failure {
    fn from(e: SetupError) -> Self {
        match e {
            SetupError::Lower(e) => e.into(),
            SetupError::Randomness(e) => e.into(),
            SetupError::Cancelled(_) => interrupted(),
            SetupError::TooLarge(_) => Self::new("too_large", "", e),
            SetupError::Derive(DeriveError::Lower(e)) => e.into(),
            SetupError::NoSecrets(_) => Self::new("usage", "--seed", e),
            SetupError::Synthesis(_) | SetupError::Closure(_) | SetupError::Derive(_) | SetupError::Key(_) => {
                Self::new("setup", "", e)
            }
        }
    }
}

impl From<CeremonyError> for Failure {
    fn from(e: CeremonyError) -> Self {
        match e {
            CeremonyError::File(e) => e.into(),
            CeremonyError::Setup(e) => e.into(),
            CeremonyError::NotGroth16(_) => Self::new("usage", "--system", e),
            CeremonyError::Phase1(_) => Self::new("ptau", "--ptau", e),
            CeremonyError::Ptau(e) => e.into(),
            CeremonyError::Input { .. } => Self::new("usage", "", e),
            CeremonyError::Rejected(_) => Self::rejected("ceremony", "", e),
            CeremonyError::NotTrusted(e) => e.into(),
        }
    }
}

impl From<PtauError> for Failure {
    fn from(e: PtauError) -> Self {
        match e {
            PtauError::File(e) => e.into(),
            PtauError::Randomness(e) => e.into(),
            PtauError::Cancelled(_) => interrupted(),
            PtauError::Parameter(message) => Self::usage(message),
            e => Self::new("ptau", "--ptau", e),
        }
    }
}

impl From<NotTrusted> for Failure {
    fn from(e: NotTrusted) -> Self {
        let (place, hint) = match &e {
            NotTrusted::Phase1(_) => ("--trust-ptau", "name it with --trust-ptau, if you trust those who made it"),
            NotTrusted::NoneNamed | NotTrusted::Beacon(_) | NotTrusted::NotThere(_) => {
                ("--trust-contribution", "name the hash that a contributor whom you trust has published")
            }
        };
        Self::rejected("not_trusted", place, e).hint(hint)
    }
}

impl From<ProveError> for Failure {
    fn from(e: ProveError) -> Self {
        match e {
            ProveError::Lower(e) => e.into(),
            ProveError::Input(e) => e.into(),
            ProveError::File(e) => e.into(),
            ProveError::Randomness(e) | ProveError::Create(CreateError::Randomness(e)) => e.into(),
            ProveError::Cancelled(_) | ProveError::Create(CreateError::Cancelled(_)) => interrupted(),
            ProveError::Memory { .. } => Self::new("memory", "--max-memory", e),
            ProveError::WrongKey(_) => Self::new("wrong_key", "--keys", e),
            ProveError::WrongOpening => Self::new("wrong_opening", "--input-opening", e),
            ProveError::Policy(violation) => violation.into(),
            ProveError::OtherSchema => Self::new("wrong_key", "--schema", e),
            ProveError::NoRecords | ProveError::NoDataPolicy => Self::new("usage", "--policy", e),
            ProveError::Synthesis(_)
            | ProveError::Halo2(_)
            | ProveError::Create(CreateError::Shape { .. })
            | ProveError::Encode(_)
            | ProveError::Key(_)
            | ProveError::SelfCheck(_) => Self::new("prove", "", e),
        }
    }
}

impl From<Violation> for Failure {
    /// A clause of the data policy that does not hold: nothing was proven.
    fn from(e: Violation) -> Self {
        let hint = match e.clause {
            Clause::Policy | Clause::FeatureMask => "compile the policy again: avouch policy compile",
            Clause::Schema => "policy, records and keys have to be of one schema",
            Clause::RecordCount
            | Clause::FeatureRange
            | Clause::RecordWidth
            | Clause::BatchNumber
            | Clause::Sequence
            | Clause::TimeOrder
            | Clause::Signature => "sign the batch again: avouch record sign",
            Clause::WindowWidth | Clause::Window | Clause::MaxAge | Clause::Epoch => {
                "prove newer records, or give another --window"
            }
            Clause::DeviceTree | Clause::NullifierKey | Clause::DeviceClass | Clause::DeviceValidity => {
                "ask the registry's publisher about the device: avouch registry add-device"
            }
            Clause::ConsentTree
            | Clause::ConsentController
            | Clause::ConsentPurposes
            | Clause::ConsentCategories
            | Clause::ConsentValidity
            | Clause::Subject => "these records may not be used without the person's consent to this policy",
            Clause::Geofence | Clause::Predicate => "the policy excludes these records",
        };
        let record = e.record.map_or_else(String::new, |i| format!("record {i}: "));
        Self::new("policy", e.clause.name(), format!("{record}{}", e.message)).hint(hint)
    }
}

impl From<PrepareError> for Failure {
    fn from(e: PrepareError) -> Self {
        match e {
            PrepareError::File(e) => e.into(),
            PrepareError::Violation(e) => e.into(),
        }
    }
}

/// Stopped by Ctrl-C.
pub(crate) fn interrupted() -> Failure {
    Failure::new("interrupted", "", "interrupted; nothing was written")
}

impl From<KeyRefused> for Failure {
    fn from(e: KeyRefused) -> Self {
        let hint = match &e {
            KeyRefused::Dev => "--allow-dev-setup accepts it, for tests",
            KeyRefused::ClaimedNotChecked => {
                "--expect-vk DIGEST pins the key that you trust; --transcript, --model and --ptau check its ceremony"
            }
            KeyRefused::OtherDigest { .. } => "ask for the key that belongs to this digest",
            KeyRefused::NotDerived(_) => "somebody changed it; derive it from the model: avouch setup",
        };
        Self::rejected("key_refused", "--key", e).hint(hint)
    }
}

impl From<VerifyError> for Failure {
    fn from(e: VerifyError) -> Self {
        Self::rejected(json::kind(&e), "--proof", e)
    }
}

impl From<Unmet> for Failure {
    fn from(e: Unmet) -> Self {
        let option = match e.0.condition {
            Condition::Model => "--expect-model",
            Condition::Context => "--expect-context",
            Condition::Policy => "--expect-policy",
            Condition::RegistryRoot => "--expect-root",
            Condition::Output => "--expect-output",
            Condition::Freshness => "--max-delay",
        };
        Self::rejected("unmet", option, e)
    }
}
