//! `avouch ceremony phase1`, as a script sees it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../test-vectors/ceremony/v1", name].iter().collect()
}

/// Runs `avouch ceremony phase1` in a folder: the exit code, what people read, and the object with `--json`.
fn phase1(folder: &Path, arguments: &[&str]) -> (i32, String, Value) {
    let run = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_avouch"));
        command.current_dir(folder).args(["ceremony", "phase1"]).args(arguments).args(more).output().unwrap()
    };
    let people = run(&[]);
    // Nothing is replaced.
    if let Some(at) = arguments.iter().position(|a| *a == "--output").filter(|_| people.status.success()) {
        assert_eq!(run(&[]).status.code(), Some(2));
        std::fs::remove_file(folder.join(arguments[at + 1])).unwrap();
    }
    let script = run(&["--json"]);
    assert_eq!(people.status.code(), script.status.code());
    let text = [people.stdout, people.stderr].concat();
    (script.status.code().unwrap(), String::from_utf8(text).unwrap(), serde_json::from_slice(&script.stdout).unwrap())
}

#[test]
fn a_file_of_snarkjs_is_verified_and_printed() {
    let folder = TempDir::new().unwrap();
    let expected: Value = serde_json::from_slice(&std::fs::read(fixture("phase1.json")).unwrap()).unwrap();
    let path = fixture("prepared.ptau").display().to_string();
    let (code, text, json) = phase1(folder.path(), &["verify", &path]);
    assert_eq!(code, 0, "{text}");
    assert_eq!(json["hash"], expected["files"]["prepared.ptau"]);
    assert_eq!((&json["power"], &json["prepared"], &json["public"]), (&4.into(), &true.into(), &Value::Null));
    let contributions = expected["contributions"].as_array().unwrap();
    assert_eq!(json["contributions"].as_array().unwrap().len(), contributions.len());
    for (found, expected) in json["contributions"].as_array().unwrap().iter().zip(contributions) {
        for name in ["name", "beacon", "response_hash", "next_challenge"] {
            assert_eq!(found[name], expected[name]);
        }
        assert!(text.contains(expected["response_hash"].as_str().unwrap()), "{text}");
    }
    assert!(text.contains("none of the known ones") && text.contains("Names are claims"), "{text}");
}

#[test]
fn a_ceremony_is_begun_and_ended() {
    let folder = TempDir::new().unwrap();
    let done = |arguments: &[&str]| {
        let (code, text, json) = phase1(folder.path(), arguments);
        assert_eq!(code, 0, "{text}");
        json
    };
    done(&["new", "3", "--output", "0.ptau"]);
    let (code, _, json) = phase1(folder.path(), &["verify", "0.ptau"]);
    assert_eq!((code, &json["error"]["kind"]), (1, &"ptau".into()));
    // The file of the last of the two runs, the one with --json, is there.
    let first = done(&["contribute", "0.ptau", "--output", "1.ptau", "--name", "first", "--entropy", "dice"]);
    let value = "07".repeat(32);
    let beacon = done(&["beacon", "1.ptau", "--output", "2.ptau", "--value", &value, "--iterations", "10"]);
    assert_eq!((&beacon["beacon"]["value"], &beacon["name"]), (&value.into(), &Value::Null));
    let report = done(&["verify", "2.ptau"]);
    let hashes = report["contributions"].as_array().unwrap().iter().map(|c| &c["response_hash"]);
    assert_eq!(hashes.collect::<Vec<_>>(), [&first["response_hash"], &beacon["response_hash"]]);
}

#[test]
fn what_is_refused_says_why() {
    let folder = TempDir::new().unwrap();
    let refused = |code: i32, kind: &str, arguments: &[&str]| {
        let (found, text, json) = phase1(folder.path(), arguments);
        assert_eq!((found, &json["error"]["kind"]), (code, &kind.into()), "{text}");
        let message = json["error"]["message"].as_str().unwrap().to_string();
        assert!(text.contains(&message), "{text}");
        message
    };
    let mut bytes = std::fs::read(fixture("powers.ptau")).unwrap();
    bytes.truncate(5000);
    std::fs::write(folder.path().join("cut.ptau"), &bytes).unwrap();
    assert!(refused(1, "ptau", &["verify", "cut.ptau"]).contains("section 4 (alphaTauG1)"));
    assert!(refused(2, "ptau", &["contribute", "cut.ptau", "--output", "o"]).contains("truncated"));
    refused(2, "file", &["verify", "none.ptau"]);
    refused(2, "usage", &["new", "29", "--output", "o"]);
    refused(2, "usage", &["beacon", "cut.ptau", "--output", "o", "--value", "07", "--iterations", "9"]);
    assert!(!folder.path().join("o").exists());
}
