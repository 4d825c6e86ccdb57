//! A ceremony from phase 1 to verified proofs, as three contributors and an auditor would run it.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use avouch_prover::ceremony::phase1;
use serde_json::Value;
use tempfile::TempDir;

const SYSTEM: &str = "groth16-lookup-bn254:v1";

fn of_model(name: &str, file: &str) -> String {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors/models");
    models.join(name).join(file).display().to_string()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_avouch")).args(arguments).output().unwrap()
}

/// Runs with `--json`: the exit code, and the one object on stdout.
fn json(arguments: &[&str]) -> (i32, Value) {
    let output = run(&[arguments, &["--json"]].concat());
    let stdout = String::from_utf8(output.stdout).unwrap();
    let value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {stdout}"));
    (output.status.code().unwrap(), value)
}

fn done(arguments: &[&str]) -> Value {
    let (code, value) = json(arguments);
    assert_eq!(code, 0, "{arguments:?}: {value}");
    value
}

/// Runs what must fail: its kind and message.
fn fails(code: i32, arguments: &[&str]) -> (String, String) {
    let (found, value) = json(arguments);
    assert_eq!(found, code, "{arguments:?}: {value}");
    let text = |name: &str| value["error"][name].as_str().unwrap().to_string();
    (text("kind"), text("message"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value}"))
}

/// A phase 1 file that one person contributed to: for tests.
fn make_phase1(folder: &Path, power: u32) -> String {
    let [empty, file] = ["empty.ptau", "made.ptau"].map(|name| folder.join(name));
    phase1::new(&empty, power, &()).unwrap();
    phase1::contribute(&empty, &file, Some("test"), b"", &()).unwrap();
    file.display().to_string()
}

#[test]
fn three_contributors_make_a_key_that_an_auditor_checks() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let ptau = make_phase1(dir.path(), 11);
    let (model, inputs) = (of_model("mlp_digits", "int8_qop.onnx"), of_model("mlp_digits", "inputs.npy"));

    let first = path("0.ceremony");
    let start = done(&["ceremony", "init", &model, "--ptau", &ptau, "--system", SYSTEM, "--output", &first]);
    // Nothing of the basis is left beside it.
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
    let (kind, _) = fails(2, &["ceremony", "init", &model, "--ptau", &ptau, "--system", SYSTEM, "--output", &first]);
    assert_eq!(kind, "file");
    let keys = path("keys");
    let finalize =
        |file: &str| json(&["ceremony", "finalize", &model, "--ptau", &ptau, "--transcript", file, "--keys", &keys]);
    let (code, refused) = finalize(&first);
    assert_eq!((code, text(&refused["error"]["kind"])), (1, "ceremony"));
    assert!(text(&refused["error"]["message"]).contains("nobody has contributed"), "{refused}");
    assert!(!Path::new(&keys).exists());

    let mut hashes = vec![text(&start["start_hash"]).to_string()];
    for (i, name) in ["Ada", "Blaise", "Carl"].into_iter().enumerate() {
        let [from, to] = [i, i + 1].map(|i| path(&format!("{i}.ceremony")));
        let more: &[&str] = if i == 1 { &["--entropy", "dice: 3 6 1", "--attestation", "at home"] } else { &[] };
        let made = done(&[&["ceremony", "contribute", &from, "--output", &to, "--name", name], more].concat());
        assert_eq!(made["index"], i as u64 + 1);
        hashes.push(text(&made["hash"]).to_string());
    }
    let (three, last) = (path("3.ceremony"), path("4.ceremony"));
    let beacon = ["ceremony", "beacon", &three, "--output", &last, "--value", "00ab", "--iterations", "10"];
    hashes.push(text(&done(&beacon)["hash"]).to_string());
    let after = ["ceremony", "contribute", &last, "--output", &path("5.ceremony"), "--name", "Eve"];
    assert!(fails(1, &after).1.contains("beacon"));

    let (code, made) = finalize(&last);
    assert_eq!((code, &made["manifest"]["setup"]), (0, &"ceremony".into()), "{made}");
    let digest = text(&made["vk_digest"]).to_string();
    assert_eq!(fs::read(Path::new(&keys).join("transcript")).unwrap(), fs::read(&last).unwrap());

    // An auditor with the key folder and phase 1.
    let transcript = Path::new(&keys).join("transcript").display().to_string();
    let audit = ["ceremony", "verify", &model, "--ptau", &ptau, "--transcript", &transcript, "--key", &keys];
    let found = done(&[&audit[..], &["--step", &three, "--step", &first]].concat());
    assert_eq!((text(&found["vk_digest"]), &found["proving_key_checked"]), (digest.as_str(), &Value::Bool(true)));
    assert_eq!((&found["trusted"], &found["earlier_files"]), (&Value::Bool(false), &serde_json::json!([3, 0])));
    let told: Vec<&str> = found["contributions"].as_array().unwrap().iter().map(|c| text(&c["hash"])).collect();
    assert_eq!(told, &hashes[1..]);
    let phase1 = text(&found["phase1"]).to_string();
    let trusting = |contribution: &str| {
        let more = ["--trust-ptau", &phase1, "--trust-contribution", contribution];
        json(&[&audit[..], &more].concat())
    };
    let (code, trusted) = trusting(&hashes[2]);
    assert_eq!((code, &trusted["trusted"]), (0, &Value::Bool(true)), "{trusted}");
    for (hash, why) in [(&hashes[4], "is the beacon"), (&hashes[0], "has no contribution")] {
        let (code, refused) = trusting(hash);
        assert_eq!((code, text(&refused["error"]["kind"])), (1, "not_trusted"));
        assert!(text(&refused["error"]["message"]).contains(why), "{refused}");
    }
    let (kind, message) = fails(1, &[&audit[..], &["--trust-contribution", &hashes[1]]].concat());
    assert!(kind == "not_trusted" && message.contains("phase 1"), "{message}");

    // Proofs need the digest, and nothing else does.
    let proof = path("proof");
    done(&["prove", &model, "--keys", &keys, "--input", &inputs, "--sample", "2", "--proof", &proof]);
    let verify = ["verify", "--key", &keys, "--proof", &proof];
    let accepted = done(&[&verify[..], &["--expect-vk", &digest]].concat());
    assert_eq!(accepted["claim"]["key_provenance"], "pinned");
    assert!(fails(1, &verify).1.contains("setup claimed, not checked"));
    assert!(fails(1, &[&verify[..], &["--allow-dev-setup"]].concat()).1.contains("setup claimed, not checked"));

    // Or the ceremony is checked where the proof is.
    let files = ["--transcript", &transcript, "--model", &model, "--ptau", &ptau, "--trust-ptau", &phase1];
    let checked = |more: &[&str]| json(&[&verify[..], &files, more].concat());
    let (code, accepted) = checked(&["--trust-contribution", &hashes[1]]);
    assert_eq!((code, &accepted["claim"]["key_provenance"]), (0, &"transcript_checked".into()), "{accepted}");
    assert_eq!(accepted["claim"]["vk_digest"], digest.as_str());
    for (more, kind) in [
        (vec![], "not_trusted"),
        (vec!["--trust-contribution", &hashes[4]], "not_trusted"),
        (vec!["--trust-contribution", &hashes[1], "--expect-vk", &hashes[1]], "key_refused"),
    ] {
        let (code, refused) = checked(&more);
        assert_eq!((code, &refused["error"]["kind"]), (1, &kind.into()), "{refused}");
    }
    let other_model = of_model("digits_mlp", "int8_qop.onnx");
    let other = [&verify[..], &["--transcript", &transcript, "--model", &other_model, "--ptau", &ptau]].concat();
    let trust = ["--trust-ptau", &phase1, "--trust-contribution", &hashes[1]];
    assert_eq!(fails(1, &[&other[..], &trust].concat()).0, "ceremony");
    assert_eq!(fails(2, &[&verify[..], &trust].concat()).0, "usage");
    let contract = path("contract");
    let export = ["export", "solidity", "--key", &keys, "--output", &contract];
    assert_eq!(fails(1, &export).0, "key_refused");
    let exported = done(&[&export[..], &files, &["--trust-contribution", &hashes[1]]].concat());
    assert_eq!(exported["key_provenance"], "transcript_checked");

    // Another model, another proving key, a damaged transcript, a story of others.
    let other = of_model("digits_mlp", "int8_qop.onnx");
    let wrong = ["ceremony", "verify", &other, "--ptau", &ptau, "--transcript", &three];
    assert!(fails(1, &wrong).1.starts_with("model:"));
    let proving = Path::new(&keys).join("proving.key");
    let mut bytes = fs::read(&proving).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&proving, bytes).unwrap();
    assert!(fails(1, &audit).1.contains("proving key"));
    let mut bytes = fs::read(&three).unwrap();
    bytes[200] ^= 1;
    fs::write(&three, bytes).unwrap();
    assert_eq!(
        fails(1, &["ceremony", "contribute", &three, "--output", &path("6.ceremony"), "--name", "Eve"]).0,
        "ceremony"
    );
    assert!(!Path::new(&path("6.ceremony")).exists());
}

#[test]
fn help_has_examples_for_every_step() {
    for step in ["init", "contribute", "beacon", "verify", "finalize"] {
        let help = run(&["ceremony", step, "--help"]);
        assert!(help.status.success());
        assert!(String::from_utf8_lossy(&help.stdout).contains(&format!("  avouch ceremony {step}")), "{step}");
    }
    let (kind, message) = fails(2, &["ceremony", "init", "x.onnx", "--ptau", "x", "--output", "/nowhere/y"]);
    assert_eq!(kind, "file", "{message}");
}
