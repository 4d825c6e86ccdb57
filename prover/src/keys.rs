//! The key folder of a circuit.

use std::path::Path;

use avouch_circuits::graph::MAX_ENCODED;
use avouch_verifier::{KeyMaterial, VerifyingKey, json, system::halo2_ipa_pasta::parameters};

use crate::{
    files::{FileError, NewFolder, read_bounded},
    groth16,
};

/// For the prover, of a Groth16 system.
pub const PROVING_KEY: &str = "proving.key";
/// For everybody.
pub const VERIFYING_KEY: &str = "verifying.key";
/// A readable copy of what `verifying.key` says; nothing trusts it.
pub const MANIFEST: &str = "manifest.json";

/// Of a ceremony: its last file, with which anybody can check the key.
pub const TRANSCRIPT: &str = "transcript";

/// The parameters of halo2's commitment scheme: anybody can derive them, and a file only saves the time. It is believed
/// if it is the one that the verifier has pinned.
pub const PARAMETERS: &str = "parameters";

/// Above any verifying key: a transparent one holds the model.
const MAX_VERIFYING_KEY: u64 = MAX_ENCODED as u64 + (1 << 12);

/// The two keys of a circuit.
pub struct Keys {
    /// For the prover.
    pub proving: ProvingKey,
    /// For everybody.
    pub verifying: VerifyingKey,
}

/// What only the prover needs.
pub enum ProvingKey {
    /// Points from the setup.
    Groth16(Box<groth16::ProvingKey>),
    /// None: it is derived from the model.
    Halo2,
}

/// Writes the files of a key folder, which appears only when they are complete.
pub fn write(folder: NewFolder, keys: &Keys) -> Result<(), FileError> {
    let file = |name: &str| folder.path().join(name);
    let create = |name: &str, write: &dyn Fn(&mut dyn std::io::Write) -> std::io::Result<()>| {
        crate::files::write_atomically(&file(name), false, |out| write(out))
    };
    match &keys.proving {
        ProvingKey::Groth16(key) => create(PROVING_KEY, &|out| key.write(out))?,
        ProvingKey::Halo2 => {
            if let KeyMaterial::Halo2IpaPasta(key) = keys.verifying.material() {
                let parameters = parameters::get(key.layout().k()).map_err(|e| FileError::new(folder.path(), e))?;
                create(PARAMETERS, &|out| out.write_all(&parameters::encode(parameters)))?;
            }
        }
    }
    create(VERIFYING_KEY, &|out| out.write_all(&keys.verifying.encode()))?;
    create(MANIFEST, &|out| {
        serde_json::to_writer_pretty(&mut *out, &json::manifest(&keys.verifying))?;
        out.write_all(b"\n")
    })?;
    folder.commit()
}

/// Reads and checks a verifying key file.
pub fn read_verifying_key(path: &Path) -> Result<VerifyingKey, FileError> {
    VerifyingKey::decode(&read_bounded(path, MAX_VERIFYING_KEY)?).map_err(|e| FileError::new(path, e))
}

/// Takes the parameters for a transparent key from its folder, if they are there, so that they need not be derived.
///
/// # Errors
/// A file that is not the one pinned for this key's size: with such parameters, proofs could be forged.
pub fn read_parameters(folder: &Path, key: &VerifyingKey) -> Result<(), FileError> {
    let path = folder.join(PARAMETERS);
    let KeyMaterial::Halo2IpaPasta(material) = key.material() else { return Ok(()) };
    if !path.exists() {
        return Ok(());
    }
    let bytes = read_bounded(&path, parameters::file_length(material.layout().k()) as u64)?;
    parameters::load(&bytes).map(|_| ()).map_err(|e| FileError::new(&path, e))
}
