//! The verdict vectors of `test-vectors/proofs`: what every platform has to say of the same bytes. Writes what is said here
//! to `target/verdicts/native.json`, which `cargo xtask verdicts` holds against the other platforms.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use avouch_verifier::{
    Acceptance, AcceptedKey, Freshness, KeyPolicy, Output, ProofFile, SystemId, VerifiedClaim, VerifyError,
    VerifyingKey, json, verify, verify_batch,
};
use serde_json::Value;

const PLATFORM: &str = "native";

fn folder(system: SystemId) -> PathBuf {
    let name = system.name().trim_end_matches(":v1");
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/proofs").join(name).join("v1")
}

/// The keys and vectors of a system.
struct Suite {
    keys: BTreeMap<String, AcceptedKey>,
    vectors: Vec<Value>,
}

impl Suite {
    fn read(system: SystemId) -> Self {
        let file: Value = serde_json::from_slice(&fs::read(folder(system).join("vectors.json")).unwrap()).unwrap();
        assert_eq!(file["system"], system.name());
        let vectors = file["vectors"].as_array().unwrap().clone();
        let policy = KeyPolicy { allow_dev: file["trust"]["allow_dev_setup"] == true, expect_vk: None };
        let names: BTreeSet<&str> = vectors.iter().map(|v| v["key"].as_str().unwrap()).collect();
        let key = |name: &str| {
            let bytes = fs::read(folder(system).join(name)).unwrap();
            (name.to_string(), policy.admit(VerifyingKey::decode(&bytes).unwrap()).unwrap())
        };
        Self { keys: names.into_iter().map(key).collect(), vectors }
    }

    fn key(&self, vector: &Value) -> &AcceptedKey {
        &self.keys[vector["key"].as_str().unwrap()]
    }

    /// Those with a file, which is all that are not said to be inapplicable.
    fn applicable(&self) -> impl Iterator<Item = (&Value, Vec<u8>)> {
        self.vectors.iter().filter_map(|v| {
            let reason = v["not_applicable"][PLATFORM].as_str();
            assert_eq!(v["file"].is_null(), reason.is_some(), "{}", v["id"]);
            Some((v, bytes(v["file"].as_str()?)))
        })
    }
}

fn bytes(hex: &str) -> Vec<u8> {
    hex::decode(hex).unwrap()
}

fn word(value: &Value) -> Option<[u8; 32]> {
    value.as_str().map(|hex| bytes(hex).try_into().unwrap())
}

/// The demands of a vector; all of them are read.
fn acceptance(demands: &Value) -> Acceptance {
    let mut acceptance = Acceptance::default();
    for (name, value) in demands.as_object().unwrap() {
        match name.as_str() {
            "expect_model" => acceptance.expect_model = word(value),
            "expect_context" => acceptance.expect_context = word(value),
            "expect_policy" => acceptance.expect_policy = word(value),
            "expect_root" => acceptance.expect_root = word(value),
            "expect_output" => {
                assert_eq!(value["kind"], "raw");
                let integers = value["integers"].as_array().unwrap().iter().map(|v| v.as_i64().unwrap() as i32);
                acceptance.expect_output = Some(Output::Raw(integers.collect()));
            }
            "freshness" => {
                let seconds = |name: &str| value[name].as_u64().unwrap();
                let skew = value["skew"].as_u64().unwrap_or(0);
                acceptance.freshness = Some(Freshness { now: seconds("now"), max_delay: seconds("max_delay"), skew });
            }
            other => panic!("{other}: an unknown demand"),
        }
    }
    acceptance
}

fn verdict(vector: &Value, result: &Result<VerifiedClaim, VerifyError>) -> &'static str {
    match result {
        Err(error) => json::kind(error),
        Ok(claim) if acceptance(&vector["demands"]).evaluate(claim).is_accepted() => "accepted",
        Ok(_) => "unmet",
    }
}

fn expected(vector: &Value) -> &str {
    match vector["result"].as_str().unwrap() {
        "accepted" => "accepted",
        "rejected" => vector["kind"].as_str().unwrap(),
        other => panic!("{other}"),
    }
}

#[test]
fn verdicts_are_those_of_the_vectors() {
    let mut verdicts = BTreeMap::new();
    let mut wrong = Vec::new();
    for &system in SystemId::ALL {
        let suite = Suite::read(system);
        for (vector, file) in suite.applicable() {
            let id = vector["id"].as_str().unwrap();
            let result = verify(suite.key(vector), &file);
            let verdict = verdict(vector, &result);
            if verdict != expected(vector) {
                wrong.push(format!("{system} {id}: {verdict}, not {}; {:?}", expected(vector), result.as_ref().err()));
            }
            if let (Ok(claim), "accepted") = (&result, verdict) {
                let statement = claim.statement();
                assert_eq!(vector["claim"]["statement_digest"], hex::encode(statement.digest()), "{id}");
                assert_eq!(vector["claim"]["nullifier"], hex::encode(statement.nullifier()), "{id}");
            }
            assert!(verdicts.insert(format!("{system} {id}"), verdict).is_none(), "{id} stands there twice");
        }
        // Many at once, the same is said.
        for (name, key) in &suite.keys {
            let (vectors, files): (Vec<_>, Vec<_>) = suite.applicable().filter(|(v, _)| v["key"] == **name).unzip();
            let files: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
            for (vector, result) in vectors.into_iter().zip(verify_batch(key, &files)) {
                assert_eq!(verdict(vector, &result), expected(vector), "{}, among others", vector["id"]);
            }
        }
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("verdicts");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(PLATFORM).with_extension("json");
    fs::write(path, serde_json::to_string_pretty(&verdicts).unwrap()).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A proof that somebody made of another one has other bytes, and nothing that a verifier should tell claims apart by.
#[test]
fn rerandomized_proofs_are_no_new_claims() {
    for &system in SystemId::ALL {
        let suite = Suite::read(system);
        let file = |id: &str| {
            let (_, bytes) = suite.applicable().find(|(v, _)| v["id"] == id).unwrap();
            ProofFile::decode(&bytes).unwrap()
        };
        let valid = file("valid");
        let mut others = vec![(file("same-statement"), &valid)];
        let records = (suite.keys.len() > 1).then(|| (file("records-valid"), file("records-again")));
        for (vector, bytes) in suite.applicable().filter(|(v, _)| v["flags"][0] == "rerandomized") {
            let of = if vector["key"] == "verifying.key" { &valid } else { &records.as_ref().unwrap().0 };
            others.push((ProofFile::decode(&bytes).unwrap(), of));
        }
        let count = if records.is_some() { 7 } else { 1 };
        assert_eq!(others.len(), count, "{system}");
        for (other, of) in &others {
            assert_ne!(other.envelope().proof(), of.envelope().proof());
            assert_eq!(other.statement(), of.statement());
        }
        // The nullifier alone says that two statements are about the same records.
        if let Some((first, again)) = &records {
            assert_ne!(first.statement().digest(), again.statement().digest());
            assert_ne!(first.statement().nullifier(), &[0; 32]);
            assert_eq!(first.statement().nullifier(), again.statement().nullifier());
        }
    }
}
