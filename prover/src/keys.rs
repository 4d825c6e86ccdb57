//! The key folder of a circuit.

use std::path::Path;

use avouch_verifier::VerifyingKey;
use serde_json::json;

use crate::{
    files::{FileError, NewFolder, read_bounded},
    groth16::Keys,
};

/// For the prover.
pub const PROVING_KEY: &str = "proving.key";
/// For everybody.
pub const VERIFYING_KEY: &str = "verifying.key";
/// A readable copy of what `verifying.key` says; nothing trusts it.
pub const MANIFEST: &str = "manifest.json";

/// Far above any verifying key.
const MAX_VERIFYING_KEY: u64 = 1 << 20;

/// Writes the three files into a folder that appears only when they are complete.
pub fn write(folder: NewFolder, keys: &Keys) -> Result<(), FileError> {
    let file = |name: &str| folder.path().join(name);
    let create = |name: &str, write: &dyn Fn(&mut dyn std::io::Write) -> std::io::Result<()>| {
        crate::files::write_atomically(&file(name), false, |out| write(out))
    };
    create(PROVING_KEY, &|out| keys.proving.write(out))?;
    create(VERIFYING_KEY, &|out| out.write_all(&keys.verifying.encode()))?;
    create(MANIFEST, &|out| {
        serde_json::to_writer_pretty(&mut *out, &manifest(&keys.verifying))?;
        out.write_all(b"\n")
    })?;
    folder.commit()
}

/// Reads and checks a verifying key file.
pub fn read_verifying_key(path: &Path) -> Result<VerifyingKey, FileError> {
    VerifyingKey::decode(&read_bounded(path, MAX_VERIFYING_KEY)?).map_err(|e| FileError::new(path, e))
}

/// What a verifying key says, for people and scripts.
pub fn manifest(key: &VerifyingKey) -> serde_json::Value {
    let d = key.description();
    let tensor = |t: &avouch_verifier::TensorInfo| {
        json!({
            "shape": t.shape,
            "dtype": t.quant.dtype.name(),
            "scale": t.quant.scale,
            "zero_point": t.quant.zero_point,
        })
    };
    let mut disclosure = json!({ "kind": d.disclosure.name() });
    if let avouch_verifier::Disclosure::Threshold { index, threshold } = d.disclosure {
        disclosure["index"] = index.into();
        disclosure["threshold"] = threshold.into();
    }
    json!({
        "system": key.system().name(),
        "setup": key.setup().name(),
        "vk_digest": hex::encode(key.digest()),
        "model_id": hex::encode(d.model_id),
        "circuit_id": hex::encode(d.circuit_id()),
        "disclosure": disclosure,
        "input_tensor": tensor(key.input()),
        "output_tensor": tensor(key.output()),
        "label": key.label(),
    })
}
