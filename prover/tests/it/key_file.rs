//! `proving.key` and the key folder: damage is found before or after it is used, and never becomes a proof.

use std::ops::Range;

use avouch_circuits::{circuit::Disclosure, r1cs::Cost};
use avouch_prover::{
    CircuitSize, Keys, ProveError, Prover, Request,
    groth16::{Sizes, sizes},
    memory::{self, Estimate as _},
    setup,
};
use avouch_verifier::{KeyPolicy, VerifyingKey, json, verify};
use proptest::{collection::vec, prelude::*, sample::Index};
use sha2::{Digest as _, Sha256};

use crate::{
    fixture::{Fixture, first, groth16_systems, is_groth16, systems},
    network::INPUT,
};

const G1: usize = 64;
const G2: usize = 128;

/// Fields of the file in order.
fn layout(cost: &Cost) -> Vec<(&'static str, Range<usize>)> {
    let (n, all, rows) = (cost.variables, cost.variables + cost.derived, sizes(cost).unwrap().domain as usize);
    let deltas = if cost.challenge().is_some() { 2 } else { 1 };
    let fields = [
        ("magic", 4),
        ("version", 2),
        ("system", 16),
        ("verifying key digest", 32),
        ("variables", 8),
        ("derived variables", 8),
        ("domain", 8),
        ("beta", G1),
        ("delta", deltas * G1),
        ("A", all * G1),
        ("B in G1", n * G1),
        ("B in G2", n * G2),
        ("L", (all - cost.public_inputs - 1) * G1),
        ("H", (rows - 1) * G1),
        ("digest", 32),
    ];
    let mut at = 0;
    let fields = fields.map(|(name, length)| {
        at += length;
        (name, at - length..at)
    });
    fields.to_vec()
}

fn cost<'a>(prover: &'a Prover<'_>) -> &'a Cost {
    let CircuitSize::Groth16(cost) = prover.size() else { panic!("no constraints") };
    cost
}

fn error(fixture: &Fixture, proving: &[u8]) -> String {
    match fixture.load(proving) {
        Ok(_) => panic!("the key was loaded"),
        Err(ProveError::File(e)) => e.message,
        Err(e) => panic!("{e}"),
    }
}

/// Makes the digest right again.
fn reseal(mut proving: Vec<u8>) -> Vec<u8> {
    let (body, digest) = proving.split_last_chunk_mut::<32>().unwrap();
    *digest = Sha256::digest(body).into();
    proving
}

#[test]
fn a_cut_or_extended_key_is_refused() {
    for (fixture, prover) in groth16_systems() {
        let key = &fixture.proving;
        let ends =
            layout(cost(prover)).into_iter().flat_map(|(_, range)| [range.start, range.start + 1, range.end - 1]);
        for n in ends.chain((0..key.len()).step_by(9973)) {
            let message = error(fixture, &key[..n]);
            assert!(message.contains("truncated") || message.contains("bytes where"), "cut to {n} bytes: {message}");
        }
        let longer = [key.as_slice(), &[0]].concat();
        assert!(error(fixture, &longer).contains("bytes where"));
        assert!(error(fixture, &reseal(longer)).contains("bytes where"));
    }
}

#[test]
fn a_changed_byte_of_any_field_is_refused() {
    for (fixture, prover) in groth16_systems() {
        for (name, range) in layout(cost(prover)) {
            let expected = match name {
                "magic" => "not a proving key",
                "version" => "of version",
                "system" => "another proof system",
                "verifying key digest" => "does not belong",
                "variables" | "derived variables" | "domain" => "another circuit",
                _ => "damaged",
            };
            // Every byte of the short fields, a sample of the long ones.
            let step = (range.len() / 64).max(1);
            for i in range.step_by(step) {
                let mut changed = fixture.proving.clone();
                changed[i] ^= 0x01;
                let message = error(fixture, &changed);
                let not_canonical = expected == "damaged" && message.contains("not canonical");
                assert!(message.contains(expected) || not_canonical, "{name}, byte {i}: {message}");
            }
        }
    }
}

/// The digest only finds accidents. What it does not find, the prover's check of its own proof does.
#[test]
fn a_damaged_key_with_a_right_digest_makes_no_false_proof() {
    for (fixture, prover) in groth16_systems() {
        let layout = layout(cost(prover));
        let place = |name: &str| layout.iter().find(|(n, _)| *n == name).unwrap().1.clone();
        // Points that every proof uses: β and δ, those of the constant one, of the first input, and of any row.
        let used = [("beta", G1), ("delta", G1), ("A", G1), ("B in G1", G1), ("B in G2", G2), ("L", G1), ("H", G1)];
        for (name, size) in used {
            let range = place(name);
            // Off the curve, and another point of the curve.
            let mut off_curve = fixture.proving.clone();
            off_curve[range.start + size / 2] ^= 0x01;
            let mut other = fixture.proving.clone();
            let from = if name == "beta" { place("delta").start } else { range.end - size };
            let from = if from == range.start { place("beta").start } else { from };
            other.copy_within(from..from + size, range.start);
            for changed in [off_curve, other] {
                assert_ne!(changed, fixture.proving, "{name}");
                let prover = fixture.load(&reseal(changed)).unwrap();
                let proof = prover.prove(&INPUT, &Request::default(), &());
                assert!(matches!(proof, Err(ProveError::SelfCheck(_))), "{name}");
            }
        }
        // Elsewhere a change may hit a point that this proof does not use. Then the proof holds.
        let body = place("beta").start..place("digest").start;
        let (mut refused, mut harmless) = (0, 0);
        for i in body.step_by(fixture.proving.len() / 60) {
            let mut changed = fixture.proving.clone();
            changed[i] ^= 0x10;
            let Ok(prover) = fixture.load(&reseal(changed)) else { continue };
            match prover.prove(&INPUT, &Request::default(), &()) {
                Ok(proof) => {
                    assert!(verify(&fixture.accepted(), &proof.file.encode()).is_ok(), "byte {i}");
                    harmless += 1;
                }
                Err(ProveError::SelfCheck(_)) => refused += 1,
                Err(e) => panic!("byte {i}: {e}"),
            }
        }
        assert!(refused > 10, "{refused} refused, {harmless} harmless");
    }
}

#[test]
fn keys_of_another_setup_model_or_disclosure_are_refused() {
    for (fixture, _) in groth16_systems() {
        let other_setup = Fixture::new(fixture.system, 100, Disclosure::Raw, 8);
        assert!(error(fixture, &other_setup.proving).contains("does not belong"));
        assert!(error(&other_setup, &fixture.proving).contains("does not belong"));

        let wrong = |fixture: &Fixture, key: VerifyingKey| {
            let path = std::path::Path::new("never opened");
            match Prover::load(&fixture.graph, &fixture.circuit, key, path, None) {
                Err(ProveError::WrongKey(what)) => what,
                _ => panic!("the key was not refused"),
            }
        };
        assert_eq!(wrong(&Fixture::new(fixture.system, 101, Disclosure::Raw, 7), fixture.key()), "model");
        assert_eq!(wrong(&Fixture::new(fixture.system, 100, Disclosure::Argmax, 7), fixture.key()), "disclosure");

        let circuit = &fixture.circuit;
        let make = |seed| setup(fixture.system, &fixture.graph, circuit, "test", Some([seed; 32]), &()).unwrap();
        let mixed = Keys { proving: make(1).proving, ..make(2) };
        assert!(matches!(Prover::new(&fixture.graph, circuit, mixed), Err(ProveError::WrongKey("proving key"))));
    }
}

#[test]
fn seeded_keys_are_reproducible_and_others_are_not() {
    for (fixture, _) in groth16_systems() {
        let again = Fixture::new(fixture.system, 100, Disclosure::Raw, 7);
        assert!(again.proving == fixture.proving && again.verifying == fixture.verifying);
        let fresh =
            || *setup(fixture.system, &fixture.graph, &fixture.circuit, "test", None, &()).unwrap().verifying.digest();
        assert_ne!(fresh(), fresh());
    }
}

/// An unreadable key is the caller's error; a key that can be read but was changed is another key, which a pin refuses
/// and under which no proof of the first verifies.
#[test]
fn no_changed_byte_of_the_verifying_key_goes_unnoticed() {
    for (fixture, prover) in groth16_systems() {
        let file = prover.prove(&INPUT, &Request::default(), &()).unwrap().file.encode();
        let pinned = Some(*fixture.key().digest());
        for i in 0..fixture.verifying.len() {
            let mut changed = fixture.verifying.clone();
            changed[i] ^= 0x01;
            let Ok(key) = VerifyingKey::decode(&changed) else { continue };
            assert!(KeyPolicy { allow_dev: true, expect_vk: pinned }.admit(key.clone()).is_err(), "byte {i}");
            // A ceremony key is not admitted without a pin.
            let Ok(accepted) = (KeyPolicy { allow_dev: true, expect_vk: None }).admit(key) else { continue };
            assert!(verify(&accepted, &file).is_err(), "byte {i}");
        }
    }
}

#[test]
fn the_estimates_fit_the_files() {
    for (fixture, prover) in groth16_systems() {
        let sizes = sizes(cost(prover)).unwrap();
        let estimate = sizes.proving_key_file().unwrap();
        let actual = fixture.proving.len() as u64;
        assert!(estimate.abs_diff(actual) < 1024, "{estimate} estimated, {actual} written");
        // Both jobs hold the key and the program, and grow with the circuit.
        assert!(sizes.prove() > actual && sizes.setup() > actual);
        let larger = Sizes { domain: 2 * sizes.domain, variables: 2 * sizes.variables, ..sizes };
        assert!(larger.prove() > sizes.prove() && larger.setup() > sizes.setup());
        if cfg!(target_os = "linux") {
            assert!(memory::peak().unwrap() > 1 << 20);
        }
    }
}

#[test]
fn the_manifest_repeats_the_key() {
    for (fixture, _) in systems() {
        let manifest = json::manifest(&fixture.key());
        assert_eq!(manifest["vk_digest"], hex::encode(fixture.key().digest()));
        assert_eq!(manifest["model_id"], hex::encode(fixture.graph.model_id()));
        assert_eq!(manifest["system"], fixture.system.name());
        assert_eq!(manifest["setup"], if is_groth16(fixture.system) { "dev" } else { "transparent" });
        assert_eq!(manifest["output_tensor"]["shape"], serde_json::json!([1, 3]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Random bytes, and the real file with a stretch of its beginning replaced and the digest made anew.
    #[test]
    fn reading_a_proving_key_is_total(
        junk in vec(any::<u8>(), 0..400),
        at in any::<Index>(),
        remove in 0usize..40,
        insert in vec(any::<u8>(), 0..40),
    ) {
        let (fixture, _) = first();
        prop_assert!(fixture.load(&junk).is_err());
        let mut spliced = fixture.proving.clone();
        let at = at.index(200);
        spliced.splice(at..at + remove, insert);
        let header = spliced[..78] != fixture.proving[..78];
        let length = spliced.len() != fixture.proving.len();
        let loaded = fixture.load(&reseal(spliced));
        prop_assert!(loaded.is_err() || !(header || length));
    }
}
