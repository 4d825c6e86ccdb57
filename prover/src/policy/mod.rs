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
//! What all of it means is `avouch_circuits::policy`'s. [`prepare`] reads what one proof needs.

mod document;
mod json;
mod record;
mod registry;
mod schema;
mod term;
mod text;

use std::path::Path;

use avouch_circuits::policy::{Clause, Consent, Inputs, Tree, Violation, Window};

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
    let policy = Compiled::read(files.policy)?.policy;
    let batch = SignedBatch::read(files.record, &schema)?;
    let registry = Registry::read(files.registry)?;
    let nullifier_key = DeviceKey::read(files.device_key)?.nullifier_key;
    let (device_index, device) = registry.device(&batch.key).ok_or_else(|| Violation {
        clause: Clause::DeviceTree,
        record: None,
        message: format!("no device with the key {} is registered", batch.key.to_hex()),
    })?;
    let (consent_index, consent) = match (policy.consent, files.consent) {
        (false, _) => (0, Consent::default()),
        (true, None) => {
            let message = "the policy asks for a consent: give its opening".into();
            return Err(Violation { clause: Clause::ConsentTree, record: None, message }.into());
        }
        (true, Some(path)) => {
            let consent = ConsentOpening::read(path)?.consent;
            let index = registry.consent(consent.leaf()).ok_or_else(|| Violation {
                clause: Clause::ConsentTree,
                record: None,
                message: "the consent is not in the registry: it was withdrawn, or never added".into(),
            })?;
            (index, consent)
        }
    };
    let [devices, consents] = registry.trees();
    let path = |tree: &Tree, index| tree.path(index).map_err(|e| FileError::new(files.registry, e));
    let first = batch.records.first().map_or(now, |r| r.time);
    Ok(Inputs {
        window: window.unwrap_or_else(|| Window::widest(&policy, first, now)),
        roots: registry.roots(),
        device,
        device_path: path(devices, device_index)?,
        nullifier_key,
        consent,
        consent_path: path(consents, consent_index)?,
        records: batch.records.clone(),
        signature: batch.signature,
        policy,
        schema,
    })
}
