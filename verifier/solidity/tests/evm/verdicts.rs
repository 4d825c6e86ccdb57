//! The verdict vectors of `test-vectors/proofs`: what every platform has to say of the same proofs. Contracts and snarkjs
//! are called with statement and points as they stand there, of which the vectors' files are checked to be the compressed
//! form. Verdicts are written to `target/verdicts`, for `cargo xtask verdicts`.

use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    sync::LazyLock,
};

use ark_bn254::{Fq, Fr};
use ark_ff::{BigInt, BigInteger as _, PrimeField as _};
use avouch_solidity::{Call, ExportError, contract, snarkjs};
use avouch_verifier::{AcceptedKey, KeyPolicy, SystemId, VerifyingKey};
use revm::primitives::Address;
use serde_json::{Value, json};

use crate::{
    chain::{Chain, STRANGER, Word, address, encode_with, number},
    verifier::separate,
};

/// The systems with contracts, and how their contracts' names begin.
const SYSTEMS: [(SystemId, &str); 2] =
    [(SystemId::Groth16Bn254, "VerdictsPlain"), (SystemId::Groth16LookupBn254, "VerdictsLookup")];

/// The keys and vectors of a system.
struct Suite {
    system: SystemId,
    file: Value,
    /// By the names of their files, with the names of their contracts.
    keys: BTreeMap<&'static str, (String, AcceptedKey)>,
}

static ALL: LazyLock<[Suite; 2]> = LazyLock::new(|| SYSTEMS.map(|(system, name)| Suite::read(system, name)));

/// The sources of the keys' contracts.
pub(crate) fn sources() -> BTreeMap<String, String> {
    let source = |(name, key): &(String, AcceptedKey)| (format!("{name}.sol"), contract::verifier(key, name).unwrap());
    ALL.iter().flat_map(|suite| suite.keys.values()).map(source).collect()
}

impl Suite {
    fn read(system: SystemId, contract: &str) -> Self {
        let name = system.name().trim_end_matches(":v1");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors/proofs").join(name).join("v1");
        let key = |file: &'static str, suffix| {
            let key = VerifyingKey::decode(&fs::read(folder.join(file)).unwrap()).unwrap();
            let key = KeyPolicy { allow_dev: true, expect_vk: None }.admit(key).unwrap();
            (file, (format!("{contract}{suffix}"), key))
        };
        let keys = [key("verifying.key", ""), key("records.key", "Records"), key("argmax.key", "Argmax")].into();
        Self { system, keys, file: serde_json::from_slice(&fs::read(folder.join("vectors.json")).unwrap()).unwrap() }
    }

    fn key(&self, vector: &Value) -> &(String, AcceptedKey) {
        &self.keys[vector["key"].as_str().unwrap()]
    }

    fn vectors(&self) -> &[Value] {
        self.file["vectors"].as_array().unwrap()
    }

    /// Those that a platform is asked about, which is all that are not said to be inapplicable.
    fn applicable(&self, platform: &str) -> Vec<&Value> {
        if self.file["not_applicable"][platform].is_string() {
            return Vec::new();
        }
        let applies = |v: &&Value| {
            let applies = v["not_applicable"][platform].is_null();
            assert!(!applies || v["call"].is_object(), "{}", v["id"]);
            applies
        };
        self.vectors().iter().filter(applies).collect()
    }

    fn name(&self, vector: &Value) -> String {
        format!("{} {}", self.system, vector["id"].as_str().unwrap())
    }
}

fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

fn word(value: &Value) -> Word {
    bytes(value).try_into().unwrap()
}

fn statement(vector: &Value) -> Vec<Word> {
    vector["call"]["statement"].as_array().unwrap().iter().map(word).collect()
}

/// Holds verdicts against the vectors, and writes them. Where a platform is said to differ, it has to.
fn check(platform: &str, verdicts: &[(&Suite, &Value, &'static str)]) {
    let mut wrong = Vec::new();
    for (suite, vector, verdict) in verdicts {
        let accepted = vector["result"] == "accepted";
        let differs = vector["differs"][platform].is_string();
        if (accepted != differs) != (*verdict == "accepted") {
            wrong.push(format!("{}: {verdict}", suite.name(vector)));
        }
    }
    let all: BTreeMap<_, _> = verdicts.iter().map(|(suite, vector, verdict)| (suite.name(vector), verdict)).collect();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("verdicts");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join(platform).with_extension("json"), serde_json::to_string_pretty(&all).unwrap()).unwrap();
    assert!(wrong.is_empty(), "{platform}:\n{}", wrong.join("\n"));
}

/// A contract for each key, and one that calls them.
struct Deployed {
    chain: Chain,
    caller: Address,
    contracts: BTreeMap<String, Address>,
}

impl Deployed {
    fn new() -> Self {
        let mut chain = Chain::new();
        let caller = chain.deploy("Caller", &[]);
        let names = ALL.iter().flat_map(|suite| suite.keys.values()).map(|(name, _)| name);
        let contracts = names.map(|name| (name.clone(), chain.deploy(name, &[]))).collect();
        Self { chain, caller, contracts }
    }

    /// Whether a contract returns true. A call that is cut reverts.
    fn says_yes(&mut self, contract: Address, data: Vec<u8>) -> bool {
        let outcome = self.chain.call(STRANGER, contract, 0, data);
        outcome.result.is_ok() && outcome.is_true()
    }

    fn verdict(&mut self, contract: &str, vector: &Value) -> &'static str {
        let contract = self.contracts[contract];
        let (statement, proof) = (statement(vector), bytes(&vector["call"]["proof"]));
        let demanded = &vector["call"]["demanded"];
        if demanded.is_null() {
            let tail = [(proof.len() as u128, proof.clone())];
            let accepted = self.says_yes(contract, encode_with("verify(uint256[8],bytes)", &statement, &tail));
            // As snarkjs has it, where that can be said.
            let (words, rest) = proof.as_chunks::<32>();
            if let ([], Ok(statement)) = (rest, statement.try_into()) {
                let data = separate(&Call { statement, proof: words.to_vec() });
                assert_eq!(self.says_yes(contract, data), accepted, "{}", vector["id"]);
            }
            return if accepted { "accepted" } else { "rejected" };
        }
        let slot = number(demanded["slot"].as_u64().unwrap().into());
        let words = [&[address(contract), slot, word(&demanded["value"])], &statement[..]].concat();
        let tail = [(proof.len() as u128, proof)];
        let data = encode_with("accept(address,uint256,uint256,uint256[8],bytes)", &words, &tail);
        let [zeros @ .., verdict] = self.chain.call(STRANGER, self.caller, 0, data).word();
        assert_eq!(zeros, [0; 31]);
        ["rejected", "accepted", "unmet"][usize::from(verdict)]
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn contracts_say_what_the_vectors_say() {
    let mut deployed = Deployed::new();
    let mut verdicts = Vec::new();
    for suite in ALL.iter() {
        for vector in suite.applicable("evm") {
            let verdict = deployed.verdict(&suite.key(vector).0, vector);
            if vector["kind"] == "unmet" {
                assert_eq!(verdict, "unmet", "{}", suite.name(vector));
            }
            verdicts.push((suite, vector, verdict));
        }
    }
    check("evm", &verdicts);
}

/// A number as it stands, without reducing it.
fn decimal(word: &[u8]) -> String {
    let bits: Vec<bool> = word.iter().flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1 == 1)).collect();
    BigInt::<4>::from_bits_be(&bits).to_string()
}

/// The points of a call as snarkjs has them; two zeros are the identity.
fn points(proof: &[u8]) -> Value {
    let [ax, ay, bx1, bx0, by1, by0, cx, cy] =
        <[String; 8]>::try_from(proof.chunks(32).map(decimal).collect::<Vec<_>>()).unwrap();
    let g1 = |x: String, y: String| match (x.as_str(), y.as_str()) {
        ("0", "0") => json!(["0", "1", "0"]),
        _ => json!([x, y, "1"]),
    };
    let b = if [&bx0, &bx1, &by0, &by1].iter().all(|c| *c == "0") {
        json!([["0", "0"], ["1", "0"], ["0", "0"]])
    } else {
        json!([[bx0, bx1], [by0, by1], ["1", "0"]])
    };
    json!({ "protocol": "groth16", "curve": "bn128", "pi_a": g1(ax, ay), "pi_b": b, "pi_c": g1(cx, cy) })
}

fn ask_snarkjs(questions: &[Value]) -> Vec<Value> {
    let mut node = Command::new("node")
        .arg("tests/snarkjs.js")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    node.stdin.take().unwrap().write_all(json!(questions).to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "snarkjs.js fails; cargo xtask solidity installs what it needs");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
#[ignore = "cargo xtask solidity installs snarkjs"]
fn snarkjs_says_what_the_vectors_say() {
    let suites = || ALL.iter().flat_map(|suite| suite.applicable("snarkjs").into_iter().map(move |v| (suite, v)));
    let questions: Vec<Value> = suites()
        .map(|(suite, vector)| {
            let key = snarkjs::verification_key(&suite.key(vector).1).unwrap();
            let public: Vec<String> = statement(vector).iter().map(|slot| decimal(slot)).collect();
            json!({ "key": key, "proof": points(&bytes(&vector["call"]["proof"])), "public": public })
        })
        .collect();
    let answers = ask_snarkjs(&questions);
    assert_eq!(answers.len(), questions.len());
    let verdict = |answer: &Value| match answer {
        Value::Bool(true) => "accepted",
        Value::Bool(false) => "rejected",
        // Where it throws, it says no.
        Value::String(_) => "rejected",
        other => panic!("{other}"),
    };
    let verdicts: Vec<_> = suites().zip(&answers).map(|((s, v), answer)| (s, v, verdict(answer))).collect();
    check("snarkjs", &verdicts);
}

/// What is exported of a vector's file is what contracts and snarkjs are asked about; and nothing is exported of a file
/// that the native verifier refuses, whatever others would say of it.
#[test]
fn calls_are_the_files() {
    for suite in ALL.iter() {
        let mut exported = 0;
        for vector in suite.vectors().iter().filter(|v| v["file"].is_string()) {
            let name = suite.name(vector);
            let (_, key) = suite.key(vector);
            let verifies = vector["result"] == "accepted" || vector["kind"] == "unmet";
            match Call::new(key, &bytes(&vector["file"])) {
                Err(ExportError::Proof(_)) => assert!(!verifies, "{name}"),
                Err(other) => panic!("{name}: {other}"),
                Ok(call) => {
                    assert!(verifies, "{name}");
                    if vector["call"].is_null() {
                        continue;
                    }
                    assert_eq!(call.statement.to_vec(), statement(vector), "{name}");
                    assert_eq!(call.proof.concat(), bytes(&vector["call"]["proof"]), "{name}");
                    exported += 1;
                    if suite.system == SystemId::Groth16Bn254 {
                        let (proof, public) = snarkjs::proof(key, &bytes(&vector["file"])).unwrap();
                        assert_eq!(proof, points(&call.proof.concat()), "{name}");
                        let slots: Vec<Value> = call.statement.iter().map(|slot| decimal(slot).into()).collect();
                        assert_eq!(public, Value::Array(slots), "{name}");
                    }
                }
            }
        }
        assert!(exported >= 10, "{}: {exported}", suite.system);
    }
}

#[test]
fn numbers_are_not_reduced() {
    for modulus in [Fq::MODULUS, Fr::MODULUS] {
        assert_eq!(decimal(&modulus.to_bytes_be()), modulus.to_string());
    }
    assert_eq!(decimal(&[0; 32]), "0");
    let largest = "115792089237316195423570985008687907853269984665640564039457584007913129639935";
    assert_eq!(decimal(&[0xff; 32]), largest);
}
