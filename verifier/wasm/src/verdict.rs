//! Admitting a key and verifying a proof; what is answered, as JSON.

use avouch_verifier::{
    AcceptedKey, DecodeError, KeyPolicy, KeyRefused, VerifyError, VerifyingKey, acceptance::Acceptance, json,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::request::{Demands, Trust};

/// Why there is no key or no accepted claim.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// A stable word, as from `avouch verify`; `malformed_key` and `parameters` besides.
    pub kind: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it; may be empty.
    pub hint: &'static str,
    /// Claim and report, if the proof verifies but a condition is not met.
    pub facts: Option<Value>,
}

impl Refusal {
    fn new(kind: &'static str, message: impl ToString, hint: &'static str) -> Self {
        Self { kind, message: message.to_string(), hint, facts: None }
    }

    /// An error object, with the facts beside it.
    pub fn json(&self) -> Value {
        let Self { kind, message, hint, facts } = self;
        let mut object = facts.clone().unwrap_or_else(|| json!({}));
        object["error"] = json!({ "kind": kind, "message": message, "hint": hint });
        object
    }

    /// Whether the caller is at fault, rather than the proof, the key's trust, or an unmet condition.
    pub fn is_error(&self) -> bool {
        matches!(self.kind, "usage" | "malformed_key" | "parameters")
    }
}

impl From<DecodeError> for Refusal {
    fn from(e: DecodeError) -> Self {
        Self::new("malformed_key", e, "ask for the key file again")
    }
}

impl From<KeyRefused> for Refusal {
    fn from(e: KeyRefused) -> Self {
        let hint = match &e {
            KeyRefused::Dev => "allow_dev_setup accepts it, for tests",
            KeyRefused::ClaimedNotChecked => "expect_vk pins the key that you trust",
            KeyRefused::OtherDigest { .. } => "ask for the key that belongs to this digest",
            KeyRefused::NotDerived(_) => "somebody changed it; derive it from the model: avouch setup",
        };
        Self::new("key_refused", e, hint)
    }
}

impl From<VerifyError> for Refusal {
    fn from(e: VerifyError) -> Self {
        Self::new(json::kind(&e), e, "")
    }
}

/// Reads a key and decides whether to trust it. `trust` is the JSON of a [`Trust`]. A transparent key is derived from its
/// model, which takes seconds.
///
/// # Errors
/// `usage`, `malformed_key` or `key_refused`.
pub fn admit(key: &[u8], trust: &str) -> Result<AcceptedKey, Refusal> {
    let policy: KeyPolicy = request::<Trust>(trust)?.into();
    Ok(policy.admit(VerifyingKey::decode(key)?)?)
}

/// Verifies a proof file, and holds the claim against the JSON of [`Demands`]. Gives `accepted`, `claim` and `acceptance`
/// as `avouch verify --json` does.
///
/// # Errors
/// `usage`, `malformed_proof`, `other_key`, `rejected`; or `unmet`, with the same facts.
pub fn verify(key: &AcceptedKey, proof_file: &[u8], demands: &str) -> Result<Value, Refusal> {
    let acceptance: Acceptance = request::<Demands>(demands)?.into();
    let claim = avouch_verifier::verify(key, proof_file)?;
    let report = acceptance.evaluate(&claim);
    let facts = json!({
        "accepted": report.is_accepted(),
        "claim": json::claim(&claim),
        "acceptance": json::acceptance(&report),
    });
    match report.check() {
        Ok(()) => Ok(facts),
        Err(e) => Err(Refusal { facts: Some(facts), ..Refusal::new("unmet", e, "") }),
    }
}

/// Takes the parameters of the transparent system from their file, so that admitting a key need not derive them. Gives
/// their k.
///
/// # Errors
/// `parameters`: not those that are pinned in the verifier.
#[cfg(feature = "halo2")]
pub fn load_parameters(file: &[u8]) -> Result<u32, Refusal> {
    let loaded = avouch_verifier::system::halo2_ipa_pasta::parameters::load(file);
    loaded.map(|p| p.k()).map_err(|e| Refusal::new("parameters", e, "leave them out: they only save time"))
}

fn request<T: DeserializeOwned>(json: &str) -> Result<T, Refusal> {
    serde_json::from_str(json).map_err(usage)
}

/// An error of the caller.
pub(crate) fn usage(message: impl ToString) -> Refusal {
    Refusal::new("usage", message, "see the types of the package")
}
