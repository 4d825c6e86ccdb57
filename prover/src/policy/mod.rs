//! The data policy's files, and what a proof about records is made from.
//!
//! | file | holds | private |
//! |---|---|---|
//! | `schema` | features of a record, and the model's input | no |
//! | `document` | the policy that people read, and the policy compiled from it | no |
//! | `term` | purposes, categories and legal bases by name | |
//! | `record` | device keys, readings, signed batches | yes |
//! | `registry` | devices and consents; a consent's opening | only the opening |
//! | `json` | JSON files with a format name, unknown and repeated keys refused | |
//! | `text` | elements, hashes, keys and signatures as hexadecimal digits | |
//!
//! What all of it means is `avouch_circuits::policy`'s. [`prepare`] reads what one proof needs, and [`Sources`] finds it in the
//! registry.

mod document;
mod json;
mod record;
mod registry;
mod schema;
mod term;
mod text;

use std::path::Path;

use ark_bn254::Fr;
use avouch_circuits::policy::{Clause, Consent, Inputs, Policy, Schema, Tree, Violation, Window};

pub use self::{
    document::{Compiled, named},
    record::{DeviceKey, Readings, SignError, SignedBatch},
    registry::{ConsentOpening, Grant, GrantError, Registry},
    schema::read as read_schema,
    term::{Term, Terms},
    text::Hex,
};
use crate::files::FileError;

/// The files that a proof about records is made from.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// The compiled policy.
    pub policy: &'a Path,
    /// The schema of circuit, policy and records.
    pub schema: &'a Path,
    /// The signed batch.
    pub record: &'a Path,
    /// The registry, as it is published.
    pub registry: &'a Path,
    /// The device's keys: its nullifier key is needed.
    pub device_key: &'a Path,
    /// The opening of the consent; none under a policy that asks for none.
    pub consent: Option<&'a Path>,
}

/// Why a proof about records cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// A file that is missing, malformed, or of something else.
    #[error(transparent)]
    File(#[from] FileError),
    /// A clause of the policy that cannot hold.
    #[error(transparent)]
    Violation(#[from] Violation),
}

/// Reads what a proof about records is made from, and finds device and consent in the registry. The window is the widest
/// that the policy allows at the time `now`, unless one is given.
///
/// The result may still break the policy: [`evaluate`](avouch_circuits::policy::evaluate) says whether it does.
///
/// # Errors
/// A file that does not read as what it should be, or a device or consent that the registry does not hold.
pub fn prepare(files: &Files<'_>, now: u64, window: Option<Window>) -> Result<Inputs, PrepareError> {
    let schema = schema::read(files.schema)?;
    let sources = Sources {
        policy: Compiled::read(files.policy)?.policy,
        batch: SignedBatch::read(files.record, &schema)?,
        registry: Registry::read(files.registry)?,
        nullifier_key: DeviceKey::read(files.device_key)?.nullifier_key,
        consent: files.consent.map(ConsentOpening::read).transpose()?.map(|opening| opening.consent),
        schema,
    };
    Ok(sources.inputs(now, window)?)
}

/// What a proof about records is made from, before device and consent are found in the registry.
#[derive(Clone, Debug)]
pub struct Sources {
    /// The policy.
    pub policy: Policy,
    /// The schema of circuit, policy and records.
    pub schema: Schema,
    /// The signed batch.
    pub batch: SignedBatch,
    /// The registry, as it is published.
    pub registry: Registry,
    /// The device's.
    pub nullifier_key: Fr,
    /// The consent; none under a policy that asks for none.
    pub consent: Option<Consent>,
}

impl Sources {
    /// Finds device and consent in the registry. The window is the widest that the policy allows at the time `now`, unless
    /// one is given.
    ///
    /// # Errors
    /// A device or consent that the registry does not hold.
    pub fn inputs(self, now: u64, window: Option<Window>) -> Result<Inputs, Violation> {
        let Self { policy, schema, batch, registry, nullifier_key, consent } = self;
        let missing = |clause, message| Violation { clause, record: None, message };
        let (device_index, device) = registry.device(&batch.key).ok_or_else(|| {
            missing(Clause::DeviceTree, format!("no device with the key {} is registered", batch.key.to_hex()))
        })?;
        let (consent_index, consent) = match (policy.consent, consent) {
            (false, _) => (0, Consent::default()),
            (true, None) => {
                let message = "the policy asks for a consent: give its opening".into();
                return Err(missing(Clause::ConsentTree, message));
            }
            (true, Some(consent)) => {
                let message = "the consent is not in the registry: it was withdrawn, or never added";
                let index = registry.consent(consent.leaf());
                (index.ok_or_else(|| missing(Clause::ConsentTree, message.into()))?, consent)
            }
        };
        let [devices, consents] = registry.trees();
        let path = |tree: &Tree, index, clause| tree.path(index).map_err(|e| missing(clause, e.to_string()));
        let first = batch.records.first().map_or(now, |r| r.time);
        Ok(Inputs {
            window: window.unwrap_or_else(|| Window::widest(&policy, first, now)),
            roots: registry.roots(),
            device,
            device_path: path(devices, device_index, Clause::DeviceTree)?,
            nullifier_key,
            consent,
            consent_path: path(consents, consent_index, Clause::ConsentTree)?,
            records: batch.records,
            signature: batch.signature,
            policy,
            schema,
        })
    }
}
