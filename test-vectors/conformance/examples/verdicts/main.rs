//! Makes the verdict vectors in `test-vectors/proofs`: `cargo run -p avouch-conformance --example verdicts`.
//!
//! Proofs are randomized, so no run gives the same ones, and vectors are only ever added: those that a file has stay as
//! they are, and what is new is made from their proofs. A key that came out different is an error: it takes a new version
//! of the folder.
//!
//! | module | holds |
//! |---|---|
//! | [`common`] | vectors of every proof system |
//! | [`groth16`], [`halo2`] | those of a kind of proof |
//! | [`network`], [`signed`] | what is proven: a tiny network, and signed records for it, as in the prover's tests |
//! | [`proof_file`] | a proof file in parts |
//! | [`vector`] | the vectors' file |
#![allow(clippy::print_stdout, reason = "a command")]

mod common;
mod groth16;
mod halo2;
#[path = "../../../../prover/tests/it/network.rs"]
mod network;
mod proof_file;
#[path = "../../../../prover/tests/it/signed.rs"]
mod signed;
mod vector;

use std::{
    error::Error,
    fs,
    path::{Path, PathBuf},
};

use ark_bn254::Fr;
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    execute,
    graph::Graph,
};
use avouch_prover::{Keys, Kind, Prover, Request, setup};
use avouch_verifier::{SystemId, VerifyingKey};
use serde_json::json;

use crate::{
    common::Subject,
    groth16::Points,
    network::{INPUT, graph},
    proof_file::Parts,
    vector::{CALLS, Reasons, Vectors},
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The keys of a folder: about an input, about records, and about an input's class.
pub(crate) const KEY: &str = "verifying.key";
const RECORDS_KEY: &str = "records.key";
const ARGMAX_KEY: &str = "argmax.key";
/// What proofs are bound to.
const CONTEXT: [u8; 32] = [0x5a; 32];
const OTHER_INPUT: [i16; 4] = [99, -128, 90, -7];
/// The end of the records' window.
const NOW: u64 = 1_764_000_000;
const SKIPS: &str = "snarkjs takes missing inputs for zeros; avouch export always writes all eight";
const NOTES: &str = "Proof files and calls of a contract, and what every verifier has to say of them.";

fn main() -> Result<()> {
    for &system in SystemId::ALL {
        let name = system.name().trim_end_matches(":v1");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../proofs").join(name).join("v1");
        let added = make(system, &folder)?;
        println!("{name}: {added} vectors added");
    }
    Ok(())
}

/// Adds the vectors of a proof system that are not there yet.
fn make(system: SystemId, folder: &Path) -> Result<usize> {
    fs::create_dir_all(folder)?;
    let path = folder.join("vectors.json");
    let is_groth16 = matches!(Kind::of(system), Kind::Groth16(_));
    let empty = || Vectors {
        system: system.name().into(),
        notes: NOTES.into(),
        trust: if is_groth16 { json!({ "allow_dev_setup": true }) } else { json!({}) },
        not_applicable: not_applicable(system),
        vectors: Vec::new(),
    };
    let mut vectors = Vectors::read(&path)?.unwrap_or_else(empty);
    let source = Source { system, folder, graph: &graph(100) };
    let mut added = source.about_an_input(&mut vectors)?;
    if is_groth16 {
        added += source.about_records(&mut vectors)?;
        added += source.about_a_class(&mut vectors)?;
    }
    vectors.write(&path)?;
    Ok(added)
}

/// Platforms that verify nothing of a system.
fn not_applicable(system: SystemId) -> Reasons {
    let reasons: &[(&str, &str)] = match system {
        SystemId::Groth16Bn254 => &[],
        SystemId::Groth16LookupBn254 => &[("snarkjs", "snarkjs knows plain Groth16 only")],
        SystemId::Halo2IpaPasta => &[
            (CALLS[0], "there is no contract: verification costs more than a block holds"),
            (CALLS[1], "snarkjs knows Groth16 only"),
            ("wasm-raw", "the plain module has the Groth16 systems only: curves of halo2 want a JavaScript host"),
        ],
    };
    reasons.iter().map(|&(platform, reason)| (platform.into(), reason.into())).collect()
}

/// Where a system's proofs come from.
struct Source<'a> {
    system: SystemId,
    folder: &'a Path,
    graph: &'a Graph,
}

impl Source<'_> {
    fn is_groth16(&self) -> bool {
        matches!(Kind::of(self.system), Kind::Groth16(_))
    }

    fn points(&self) -> fn(&[u8]) -> Option<Vec<u8>> {
        if self.is_groth16() { groth16::words } else { |_| None }
    }

    /// Keys; the seed makes them the same on every run. Transparent ones differ by their label.
    fn keys(&self, circuit: &Circuit, seed: u8) -> Result<Keys> {
        let label = if seed == 0 { "verdicts" } else { "another" };
        let seed = self.is_groth16().then_some([seed; 32]);
        Ok(setup(self.system, self.graph, circuit, label, seed, &())?)
    }

    /// Writes a key, or holds it against the one that is there.
    fn keep(&self, name: &str, key: &VerifyingKey) -> Result<()> {
        let path: PathBuf = self.folder.join(name);
        if path.exists() && fs::read(&path)? != key.encode() {
            return Err(format!("{}: the key is another one now; make a new version", path.display()).into());
        }
        Ok(fs::write(path, key.encode())?)
    }

    fn about_an_input(&self, vectors: &mut Vectors) -> Result<usize> {
        let circuit = Circuit::new(self.graph, Disclosure::Raw)?;
        let keys = self.keys(&circuit, 0)?;
        let key = keys.verifying.clone();
        self.keep(KEY, &key)?;
        let first = vectors.vectors.is_empty();
        let proving = self.keys(&circuit, 0)?.proving;
        if first {
            let prover = Prover::new(self.graph, &circuit, keys)?;
            let other = Prover::new(self.graph, &circuit, self.keys(&circuit, 1)?)?;
            let request = Request { context: CONTEXT, input_opening: None };
            let valid = prover.prove(&INPUT, &request, &())?;
            let same = Request { input_opening: Some(valid.input_opening.clone()), ..request.clone() };
            let proven = [
                ("valid", "A proof.", valid.file.encode()),
                (
                    "same-statement",
                    "Another proof of the same statement.",
                    prover.prove(&INPUT, &same, &())?.file.encode(),
                ),
                ("second", "A proof about another input.", prover.prove(&OTHER_INPUT, &request, &())?.file.encode()),
                ("unbound", "A proof for no context.", prover.prove(&INPUT, &Request::default(), &())?.file.encode()),
            ];
            self.add_proven(vectors, KEY, "", &proven)?;
            if self.is_groth16() {
                let roomy = [("roomy", "A proof whose coordinates are small.", roomy(&prover, &key, &request)?)];
                self.add_proven(vectors, KEY, "", &roomy)?;
            }
            let foreign = other.prove(&INPUT, &request, &())?.file.encode();
            vectors.add(vec![common::other_key(&foreign)]);
        }
        let before = if first { 0 } else { vectors.vectors.len() };
        let parts = |id: &str| Parts::read(&vectors.file_of(id)?);
        let (same, foreign) = (parts("same-statement")?, parts("other-key")?);
        let s = Subject {
            key: KEY,
            prefix: "",
            valid: parts("valid")?,
            second: parts("second")?,
            context: CONTEXT,
            points: self.points(),
        };
        let modulus = self.system.modulus();
        let lengths = if self.is_groth16() { common::MALFORMED } else { common::REJECTED };
        let other = match self.system {
            SystemId::Groth16Bn254 => SystemId::Groth16LookupBn254,
            SystemId::Groth16LookupBn254 | SystemId::Halo2IpaPasta => SystemId::Groth16Bn254,
        };
        let output = execute::run(self.graph, &INPUT)?;
        let output: Vec<i32> = output.iter().map(|&v| v.into()).collect();
        let mut new = common::statements(&s, &modulus);
        new.extend(common::files(&s, &foreign, &modulus, other.bytes(), lengths));
        new.extend(common::demands(&s, &self.graph.model_id(), &output));
        let comment = "Fresh records are demanded of a proof about none.";
        let demands = json!({ "freshness": { "now": NOW, "max_delay": NOW } });
        new.push(common::demand(&s, "freshness-without-records", comment, demands, None, false));
        if self.is_groth16() {
            new.extend(groth16::randomized(&s, &key));
            new.extend(groth16::points(&s, &parts("roomy")?));
            new.extend(groth16::mixes(&s, &same));
            new.extend(groth16::reblinded(&s, &key, &proving)?);
        } else {
            new.extend(halo2::elements(&s, &modulus));
        }
        vectors.add(new);
        Ok(vectors.vectors.len() - before)
    }

    fn about_records(&self, vectors: &mut Vectors) -> Result<usize> {
        let circuit = Circuit::with_schema(self.graph, Disclosure::Raw, &signed::schema())?;
        let keys = self.keys(&circuit, 0)?;
        let key = keys.verifying.clone();
        self.keep(RECORDS_KEY, &key)?;
        let before = vectors.vectors.len();
        let first = vectors.vectors.iter().all(|v| v.id != "records-valid");
        if first {
            let prover = Prover::new(self.graph, &circuit, keys)?;
            let (request, records) = (Request { context: CONTEXT, input_opening: None }, signed::inputs(NOW));
            let prove = || Ok::<_, Box<dyn Error>>(prover.prove_records(&records, &request, &())?.file.encode());
            let proven = [
                ("valid", "A proof about signed records.", prove()?),
                ("again", "The same records once more: another statement, the same nullifier.", prove()?),
            ];
            self.add_proven(vectors, RECORDS_KEY, "records-", &proven)?;
        }
        let parts = |id: &str| Parts::read(&vectors.file_of(id)?);
        let s = Subject {
            key: RECORDS_KEY,
            prefix: "records-",
            valid: parts("records-valid")?,
            second: parts("records-again")?,
            context: CONTEXT,
            points: self.points(),
        };
        let mut new = common::statements(&s, &self.system.modulus());
        new.extend(groth16::randomized(&s, &key));
        new.extend(groth16::mixes(&s, &s.second).into_iter().filter(|v| !v.id.contains("-of-same-")));
        let slot = |i: usize| s.valid.slots[i];
        let fresh = |now: u64, max_delay: u64| json!({ "freshness": { "now": now, "max_delay": max_delay } });
        for (id, comment, demands, called, met) in [
            (
                "policy-demanded",
                "The policy.",
                json!({ "expect_policy": hex::encode(slot(2)) }),
                Some((2, slot(2))),
                true,
            ),
            (
                "policy-other",
                "Another policy.",
                json!({ "expect_policy": hex::encode(slot(3)) }),
                Some((2, slot(3))),
                false,
            ),
            (
                "root-demanded",
                "The registry.",
                json!({ "expect_root": hex::encode(slot(3)) }),
                Some((3, slot(3))),
                true,
            ),
            (
                "root-other",
                "Another registry.",
                json!({ "expect_root": hex::encode(slot(2)) }),
                Some((3, slot(2))),
                false,
            ),
            ("fresh", "The window ended now.", fresh(NOW, 0), None, true),
            ("old", "The window ended too long ago.", fresh(NOW + 11, 10), None, false),
            ("early", "The window ends in the future.", fresh(NOW - 1, 10), None, false),
        ] {
            new.push(common::demand(&s, id, comment, demands, called, met));
        }
        vectors.add(new);
        Ok(vectors.vectors.len() - before)
    }

    /// The class is the first, so that the last slot is zero: a missing input that a sum does not miss.
    fn about_a_class(&self, vectors: &mut Vectors) -> Result<usize> {
        let circuit = Circuit::new(self.graph, Disclosure::Argmax)?;
        let keys = self.keys(&circuit, 0)?;
        self.keep(ARGMAX_KEY, &keys.verifying)?;
        let before = vectors.vectors.len();
        if vectors.vectors.iter().all(|v| v.id != "argmax-valid") {
            let prover = Prover::new(self.graph, &circuit, keys)?;
            let request = Request { context: CONTEXT, input_opening: None };
            let proof = prover.prove(&OTHER_INPUT, &request, &())?.file.encode();
            self.add_proven(vectors, ARGMAX_KEY, "argmax-", &[("valid", "A proof whose last slot is zero.", proof)])?;
        }
        let valid = Parts::read(&vectors.file_of("argmax-valid")?)?;
        if valid.slots[7] != [0; 32] {
            return Err("the class is not the first".into());
        }
        let (second, points) = (valid.clone(), self.points());
        let s = Subject { key: ARGMAX_KEY, prefix: "argmax-", valid, second, context: CONTEXT, points };
        let seven = s.valid.with_slots(s.valid.slots[..7].to_vec());
        let comment = "The last slot, which is zero, is missing.";
        let vector = s.rejected("slots-7", "count", comment, &seven).rejected(common::MALFORMED);
        vectors.add(vec![vector.differs("snarkjs", SKIPS)]);
        Ok(vectors.vectors.len() - before)
    }

    fn add_proven(
        &self,
        vectors: &mut Vectors,
        key: &'static str,
        prefix: &'static str,
        proven: &[(&str, &str, Vec<u8>)],
    ) -> Result<()> {
        for (id, comment, file) in proven {
            let parts = Parts::read(file)?;
            let (valid, second, points) = (parts.clone(), parts.clone(), self.points());
            let s = Subject { key, prefix, valid, second, context: CONTEXT, points };
            vectors.add(vec![s.accepted(id, "valid", comment, &parts)]);
        }
        Ok(())
    }
}

/// A proof to whose coordinates the modulus can be added. C₁ cannot be randomized, so it takes some proofs.
fn roomy(prover: &Prover<'_>, key: &VerifyingKey, request: &Request) -> Result<Vec<u8>> {
    let delta = groth16::delta(key);
    loop {
        let parts = Parts::read(&prover.prove(&INPUT, request, &())?.file.encode())?;
        let points = Points::read(&parts.proof);
        let mut all = (2..100u64).map(|r| points.randomized(&delta, Fr::from(r), Fr::from(r + 1)));
        if let Some(found) = all.find(Points::leaves_room) {
            return Ok(parts.with_proof(found.encode()).encode());
        }
    }
}
