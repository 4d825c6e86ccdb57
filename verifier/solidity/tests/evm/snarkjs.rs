//! snarkjs says of a proof what the native verifier says.

use std::{fs, path::Path, process::Command};

use avouch_solidity::{ExportError, snarkjs};
use serde_json::Value;
use tempfile::TempDir;

use crate::fixture::ALL;

/// Whether snarkjs accepts the three files of a folder.
fn verifies(folder: &Path) -> bool {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/snarkjs/build/cli.cjs");
    let files = ["verification_key.json", "public.json", "proof.json"].map(|name| folder.join(name));
    let output = Command::new("node").arg(program).args(["groth16", "verify"]).args(files).output().expect("node runs");
    let text = String::from_utf8_lossy(&output.stdout);
    let (ok, invalid) = (text.contains("OK!"), text.contains("Invalid proof") || text.contains("not valid"));
    assert!(ok != invalid, "snarkjs says neither yes nor no: {output:?}");
    assert_eq!(ok, output.status.success());
    ok
}

#[test]
#[ignore = "cargo xtask solidity installs snarkjs"]
fn verdicts_agree() {
    let [plain, lookup] = &*ALL;
    let folder = TempDir::new().unwrap();
    let write = |name: &str, value: &Value| fs::write(folder.path().join(name), value.to_string()).unwrap();
    let file = plain.proof([0x5a; 32]);
    let (proof, public) = snarkjs::proof(&plain.key, &file).unwrap();
    write("verification_key.json", &snarkjs::verification_key(&plain.key).unwrap());
    write("proof.json", &proof);
    write("public.json", &public);
    assert!(verifies(folder.path()));
    for slot in 0..8 {
        let mut changed = public.clone();
        changed[slot] = "7".into();
        write("public.json", &changed);
        assert!(!verifies(folder.path()), "slot {slot}");
    }
    write("public.json", &public);
    let mut swapped = proof.clone();
    swapped["pi_c"] = proof["pi_a"].clone();
    write("proof.json", &swapped);
    assert!(!verifies(folder.path()));

    let system = lookup.system;
    assert_eq!(snarkjs::verification_key(&lookup.key), Err(ExportError::NotPlain(system)));
    assert_eq!(snarkjs::proof(&lookup.key, &lookup.proof([0; 32])), Err(ExportError::NotPlain(system)));
}
