//! `avouch export`, as a script sees it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;
use tempfile::TempDir;

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_avouch")).args(arguments).arg("--json").output().unwrap()
}

fn json(code: i32, arguments: &[&str]) -> Value {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Keys and a proof of `digits_mlp`.
fn made(system: &str) -> TempDir {
    let dir = TempDir::new().unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors/models/digits_mlp");
    let (model, inputs) = (models.join("int8_qop.onnx"), models.join("inputs.npy"));
    let (model, inputs) = (model.to_str().unwrap(), inputs.to_str().unwrap());
    let (keys, proof) = (dir.path().join("keys"), dir.path().join("proof"));
    let (keys, proof) = (keys.to_str().unwrap(), proof.to_str().unwrap());
    json(0, &["setup", model, "--system", system, "--keys", keys]);
    json(0, &["prove", model, "--keys", keys, "--input", inputs, "--sample", "0", "--proof", proof]);
    dir
}

#[test]
fn contracts_and_calls_are_of_the_key_and_the_proof() {
    for (system, words) in [("groth16-bn254:v1", 8), ("groth16-lookup-bn254:v1", 10)] {
        let dir = made(system);
        let path = |name: &str| dir.path().join(name).display().to_string();
        let (keys, proof, out) = (path("keys"), path("proof"), path("contracts"));
        let manifest: Value =
            serde_json::from_slice(&fs::read(dir.path().join("keys/manifest.json")).unwrap()).unwrap();
        let digest = manifest["vk_digest"].as_str().unwrap();

        let solidity = ["export", "solidity", "--key", &keys, "--output", &out, "--name", "Mine"];
        // A pin admits no development key.
        let refused = json(1, &[&solidity[..], &["--expect-vk", digest]].concat());
        assert_eq!(refused["error"]["kind"], "key_refused");
        assert!(!Path::new(&out).exists());
        let answer = json(0, &[&solidity[..], &["--allow-dev-setup"]].concat());
        assert_eq!(answer["vk_digest"], digest);
        assert_eq!(answer["key_provenance"], "dev");
        let source = fs::read_to_string(answer["contract"].as_str().unwrap()).unwrap();
        assert!(source.contains("contract Mine is IAvouchVerifier") && source.contains(digest));
        let interface = fs::read_to_string(answer["interface"].as_str().unwrap()).unwrap();
        assert!(interface.contains("interface IAvouchVerifier"));
        let wrong =
            json(2, &["export", "solidity", "--key", &keys, "--output", &out, "--name", "9", "--allow-dev-setup"]);
        assert_eq!(wrong["error"]["kind"], "usage");

        let calldata = ["export", "calldata", "--key", &keys, "--allow-dev-setup", "--proof", &proof];
        let call = json(0, &calldata);
        assert_eq!(call["statement"].as_array().unwrap().len(), 8);
        assert_eq!(call["proof"].as_array().unwrap().len(), words);
        // Selector, statement, offset, length, points.
        assert_eq!(call["calldata"].as_str().unwrap().len(), 2 + 2 * (4 + 32 * (8 + 2 + words)));
        for (format, sizes) in [("snarkjs", None), ("solana", Some([1024, 256, 256])), ("sui", Some([520, 128, 256]))] {
            let files = ["export", format, "--key", &keys, "--allow-dev-setup", "--proof", &proof, "--output", &out];
            if words == 10 {
                assert_eq!(json(2, &files)["error"]["kind"], "unsupported", "{format}");
                continue;
            }
            let written = json(0, &files);
            let length = |path: &Value| fs::read(path.as_str().unwrap()).unwrap().len();
            let lengths: Vec<usize> = written["files"].as_array().unwrap().iter().map(length).collect();
            assert!(lengths.len() == 3 && sizes.is_none_or(|sizes| lengths == sizes), "{format}: {lengths:?}");
        }
        let mut file = fs::read(&proof).unwrap();
        *file.last_mut().unwrap() ^= 1;
        fs::write(&proof, file).unwrap();
        assert!(["rejected", "malformed_proof"].contains(&json(1, &calldata)["error"]["kind"].as_str().unwrap()));
    }
}

#[test]
fn the_transparent_system_has_no_contract() {
    let dir = made("halo2-ipa-pasta:v1");
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (keys, out) = (path("keys"), path("contracts"));
    let error = json(2, &["export", "solidity", "--key", &keys, "--output", &out]);
    assert_eq!(error["error"]["kind"], "unsupported");
    assert!(!Path::new(&out).exists());
}
