//! Every byte of every file, changed, cut and extended: nothing of it may verify.
//!
//! The layouts below are the manifest: a field that is added to a format and not here leaves a gap, which fails.

use std::ops::Range;

use ark_bn254::{G1Affine, G2Affine};
use avouch_verifier::{
    DecodeError, Disclosure, KeyParts, KeyPolicy, Problem, ProofFile, SetupKind, Slot, Statement, SystemId,
    VerifyError, VerifyingKey, system::ProofError, verify,
};

#[cfg(feature = "halo2")]
use crate::toy::not_simulated;
use crate::toy::{
    SIMULATED, accept, aliased, compressed, description, keys, off_curve, parts, proof_length, prove_file, slots,
    small, wrong_subgroup,
};

/// Fields in file order, with their lengths, and what changing one of their bytes leads to.
struct Layout<E>(Vec<(&'static str, usize, E)>);

impl<E: Copy> Layout<E> {
    /// The fields' places. Fails unless they fill the file exactly.
    fn fields(&self, file_length: usize) -> Vec<(&'static str, Range<usize>, E)> {
        let mut at = 0;
        let fields = self.0.iter().map(|&(name, length, expected)| {
            at += length;
            (name, at - length..at, expected)
        });
        let fields: Vec<_> = fields.collect();
        assert_eq!(at, file_length, "a field has no tamper case");
        fields
    }
}

/// What a changed proof file runs into.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stop {
    /// The file is not canonical.
    Decoding,
    /// Another key's digest.
    Key,
    /// Statement and its digest differ, or a slot is not below the modulus.
    StatementDigest,
    /// The proof's bytes are no points, or the equation fails.
    Proof,
}

/// A proof file without the proof.
const PROOF_FILE: &[(&str, usize, Stop)] = &[
    ("magic", 4, Stop::Decoding),
    ("format version", 2, Stop::Decoding),
    ("context", 32, Stop::StatementDigest),
    ("circuit_id", 32, Stop::StatementDigest),
    ("policy_id", 32, Stop::StatementDigest),
    ("registry_root", 32, Stop::StatementDigest),
    ("window", 32, Stop::StatementDigest),
    ("nullifier", 32, Stop::StatementDigest),
    ("input_commitment", 32, Stop::StatementDigest),
    ("output", 32, Stop::StatementDigest),
    ("envelope's magic", 4, Stop::Decoding),
    ("envelope's format version", 2, Stop::Decoding),
    ("proof system", 16, Stop::Decoding),
    ("verifying key digest", 32, Stop::Key),
    ("statement digest", 32, Stop::StatementDigest),
    ("proof's length", 4, Stop::Decoding),
];

/// A bare proof.
const fn proof_fields(system: SystemId) -> &'static [(&'static str, usize)] {
    match system {
        SystemId::Groth16Bn254 => &[("A", 32), ("B", 64), ("C", 32)],
        SystemId::Groth16LookupBn254 => &[("A", 32), ("B", 64), ("C1", 32), ("C2", 32)],
        #[cfg(feature = "halo2")]
        SystemId::Halo2IpaPasta => not_simulated(),
    }
}

fn proof_file(system: SystemId) -> Layout<Stop> {
    let proof = proof_fields(system).iter().map(|&(name, length)| (name, length, Stop::Proof));
    Layout(PROOF_FILE.iter().copied().chain(proof).collect())
}

fn stop(error: &VerifyError) -> Stop {
    match error {
        VerifyError::File(e) if e.what == "statement" => Stop::StatementDigest,
        VerifyError::File(_) => Stop::Decoding,
        VerifyError::OtherKey { .. } => Stop::Key,
        VerifyError::StatementDigest => Stop::StatementDigest,
        VerifyError::Proof(ProofError::Malformed(_) | ProofError::Rejected) => Stop::Proof,
        VerifyError::Slot { .. } | VerifyError::OtherSystem { .. } => panic!("{error}"),
    }
}

#[test]
fn no_changed_byte_of_a_proof_file_verifies() {
    for key in keys(Disclosure::Argmax) {
        let file = prove_file(&key, slots(&key, small(1)));
        let accepted = accept(key);
        assert!(verify(&accepted, &file).is_ok());
        for (name, range, expected) in proof_file(accepted.key().system()).fields(file.len()) {
            for i in range {
                for change in [0x01, 0x40, 0x80, 0xff] {
                    let mut changed = file.clone();
                    changed[i] ^= change;
                    let error = verify(&accepted, &changed).expect_err(name);
                    assert_eq!(stop(&error), expected, "{name}, byte {i} ^ {change:#x}: {error}");
                }
            }
        }
    }
}

#[test]
fn bad_points_of_a_proof_are_named() {
    let g1 = || {
        let identity = (compressed(&G1Affine::identity()), Problem::Identity);
        vec![(off_curve(), Problem::NotAPoint), (aliased(), Problem::NotAPoint), identity]
    };
    let g2 = || {
        let identity = (compressed(&G2Affine::identity()), Problem::Identity);
        vec![(compressed(&wrong_subgroup()), Problem::WrongSubgroup), identity, (vec![0xff; 64], Problem::NotAPoint)]
    };
    for key in keys(Disclosure::Argmax) {
        let file = prove_file(&key, slots(&key, small(1)));
        let accepted = accept(key.clone());
        let mut at = file.len() - proof_length(key.system());
        for &(field, length) in proof_fields(key.system()) {
            for (bytes, problem) in if length == 32 { g1() } else { g2() } {
                let mut bad = file.clone();
                bad[at..][..length].copy_from_slice(&bytes);
                let error = VerifyError::Proof(ProofError::Malformed(DecodeError { what: "proof", field, problem }));
                assert_eq!(verify(&accepted, &bad), Err(error));
            }
            at += length;
        }
        assert_eq!(at, file.len());
    }
}

#[test]
fn no_cut_or_extended_proof_file_verifies() {
    for key in keys(Disclosure::Argmax) {
        let file = prove_file(&key, slots(&key, small(1)));
        let accepted = accept(key);
        for n in 0..file.len() {
            assert!(matches!(verify(&accepted, &file[..n]), Err(VerifyError::File(_))), "cut to {n} bytes");
            // With a byte missing in the middle, and one too many.
            let shifted = [&file[..n], &file[n + 1..]].concat();
            assert!(verify(&accepted, &shifted).is_err(), "without byte {n}");
        }
        for n in 0..=file.len() {
            let longer = [&file[..n], &[0x5a], &file[n..]].concat();
            assert!(verify(&accepted, &longer).is_err(), "one more byte at {n}");
        }
        assert!(verify(&accepted, &file.repeat(2)).is_err());
    }
}

/// Slot 7 with the modulus added is the same field element; the digest is made anew.
#[test]
fn an_aliased_slot_is_refused() {
    for key in keys(Disclosure::Argmax) {
        let good = slots(&key, small(1));
        let statement = Statement::new(key.system(), good).unwrap();
        let file = prove_file(&key, good);
        for (i, slot) in Slot::ALL.into_iter().enumerate() {
            let (sum, carry) = add(good[i], key.system().modulus());
            assert!(!carry);
            let mut aliased = file.clone();
            aliased[6 + 32 * i..][..32].copy_from_slice(&sum);
            let error = verify(&accept(key.clone()), &aliased).unwrap_err();
            assert!(matches!(&error, VerifyError::File(e) if e.field == slot.name()), "{error}");
        }
        assert_eq!(ProofFile::decode(&file).unwrap().statement(), &statement);
    }
}

fn add(a: [u8; 32], b: [u8; 32]) -> ([u8; 32], bool) {
    let (mut sum, mut carry) = ([0; 32], 0);
    for i in (0..32).rev() {
        let s = u16::from(a[i]) + u16::from(b[i]) + carry;
        (sum[i], carry) = (s.to_le_bytes()[0], s >> 8);
    }
    (sum, carry != 0)
}

/// What a changed key, if it still decodes, does with a proof whose envelope is made anew for it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum KeyStop {
    /// It never decodes.
    Decoding,
    /// The statement is about another circuit.
    Circuit,
    /// The equation fails.
    Proof,
    /// The proof holds: the field only describes. Only the key's digest protects it.
    Digest,
}

/// A key file without the key material.
const KEY_FILE: &[(&str, usize, KeyStop)] = &[
    ("magic", 4, KeyStop::Decoding),
    ("format version", 2, KeyStop::Decoding),
    ("proof system", 16, KeyStop::Decoding),
    ("setup kind", 1, KeyStop::Decoding),
    ("description's length", 4, KeyStop::Decoding),
    ("statement version", 2, KeyStop::Decoding),
    ("model id", 32, KeyStop::Circuit),
    ("output tensor", 4, KeyStop::Circuit),
    ("disclosure", 1, KeyStop::Circuit),
    ("output length", 4, KeyStop::Decoding),
    ("bit width", 1, KeyStop::Decoding),
    ("schema digest", 31, KeyStop::Decoding),
    ("records", 2, KeyStop::Decoding),
    ("input rank", 1, KeyStop::Decoding),
    ("input dimensions", 16, KeyStop::Digest),
    ("input type", 1, KeyStop::Digest),
    ("input scale", 4, KeyStop::Digest),
    ("input zero point", 4, KeyStop::Digest),
    ("output rank", 1, KeyStop::Decoding),
    ("output dimensions", 8, KeyStop::Decoding),
    ("output type", 1, KeyStop::Decoding),
    ("output scale", 4, KeyStop::Digest),
    ("output zero point", 4, KeyStop::Digest),
    ("label's length", 4, KeyStop::Decoding),
    ("label", 3, KeyStop::Digest),
    ("circuit version", 4, KeyStop::Decoding),
    ("key material's length", 4, KeyStop::Decoding),
];

/// The key material.
const fn material_fields(system: SystemId) -> &'static [(&'static str, usize, KeyStop)] {
    match system {
        SystemId::Groth16Bn254 => &[
            ("alpha", 32, KeyStop::Proof),
            ("beta", 64, KeyStop::Proof),
            ("delta", 64, KeyStop::Proof),
            ("IC[0] to IC[3]", 4 * 32, KeyStop::Proof),
            // Those of slots that are zero without a data policy.
            ("IC[4] to IC[6]", 3 * 32, KeyStop::Digest),
            ("IC[7] and IC[8]", 2 * 32, KeyStop::Proof),
        ],
        SystemId::Groth16LookupBn254 => &[
            ("alpha", 32, KeyStop::Proof),
            ("beta", 64, KeyStop::Proof),
            ("delta 1", 64, KeyStop::Proof),
            ("delta 2", 64, KeyStop::Proof),
            ("IC[0] to IC[9]", 10 * 32, KeyStop::Proof),
        ],
        #[cfg(feature = "halo2")]
        SystemId::Halo2IpaPasta => not_simulated(),
    }
}

fn key_file(system: SystemId) -> Layout<KeyStop> {
    // With a challenge, the key's digest is in the proof's equation.
    let stop = |stop| match (system, stop) {
        (SystemId::Groth16LookupBn254, KeyStop::Digest) => KeyStop::Proof,
        (_, stop) => stop,
    };
    let fields = KEY_FILE.iter().chain(material_fields(system));
    Layout(fields.map(|&(name, length, expected)| (name, length, stop(expected))).collect())
}

/// The fields of a ceremony's key that discloses a threshold: some more.
fn ceremony_key_file(system: SystemId) -> Layout<KeyStop> {
    let Layout(fields) = key_file(system);
    let hashes = fields.iter().find(|field| field.0 == "label").unwrap().2;
    let fields = fields.into_iter().flat_map(|field| match field.0 {
        "setup kind" => vec![
            field,
            ("phase 1 hash", 64, hashes),
            ("transcript hash", 32, hashes),
            ("last contribution's hash", 32, hashes),
        ],
        "disclosure" => vec![
            ("disclosure", 1, KeyStop::Decoding),
            ("threshold index", 4, KeyStop::Circuit),
            ("threshold", 4, KeyStop::Circuit),
        ],
        _ => vec![field],
    });
    Layout(fields.collect())
}

#[test]
fn every_changed_byte_of_a_development_key_changes_its_digest() {
    for key in keys(Disclosure::Argmax) {
        check_key(&key, &key_file(key.system()));
    }
}

#[test]
fn every_changed_byte_of_a_ceremony_key_changes_its_digest() {
    let setup = SetupKind::Ceremony { phase1: [1; 64], transcript: [2; 32], last_contribution: [3; 32] };
    for system in SIMULATED {
        let parts = parts(system, description(Disclosure::Threshold { index: 2, threshold: 3 }));
        let key = VerifyingKey::new(KeyParts { setup: setup.clone(), ..parts }).unwrap();
        check_key(&key, &ceremony_key_file(system));
    }
}

fn check_key(key: &VerifyingKey, layout: &Layout<KeyStop>) {
    let accept = |key: VerifyingKey| {
        let expect_vk = Some(*key.digest());
        KeyPolicy { allow_dev: true, expect_vk }.admit(key).unwrap()
    };
    let slots = slots(key, small(1));
    let file = prove_file(key, slots);
    assert!(verify(&accept(key.clone()), &file).is_ok());
    let proof = ProofFile::decode(&file).unwrap();
    let bytes = key.encode();
    for (name, range, expected) in layout.fields(bytes.len()) {
        let mut decoded = 0;
        for (i, change) in range.flat_map(|i| [0x01, 0x02, 0x40, 0x80, 0xff].map(|change| (i, change))) {
            let mut changed = bytes.clone();
            changed[i] ^= change;
            let Ok(other) = VerifyingKey::decode(&changed) else { continue };
            decoded += 1;
            assert_ne!(other.digest(), key.digest(), "{name}");
            let place = format!("{name}, byte {i} ^ {change:#x}");
            let pin = KeyPolicy { allow_dev: true, expect_vk: Some(*key.digest()) };
            assert!(pin.admit(other.clone()).is_err(), "{place}");
            let accepted = accept(other.clone());
            assert!(matches!(verify(&accepted, &file), Err(VerifyError::OtherKey { .. })), "{place}");

            let forged = ProofFile::new(&other, proof.statement().clone(), proof.envelope().proof().to_vec()).unwrap();
            let stopped = match verify(&accepted, &forged.encode()) {
                Err(VerifyError::Slot { slot: Slot::CircuitId, .. }) => KeyStop::Circuit,
                Err(VerifyError::Proof(ProofError::Rejected)) => KeyStop::Proof,
                Ok(_) => KeyStop::Digest,
                Err(error) => panic!("{place}: {error}"),
            };
            assert_eq!(stopped, expected, "{place}");
        }
        assert_eq!(decoded == 0, expected == KeyStop::Decoding, "{name}: {decoded} changed keys decode");
    }
}

#[test]
fn no_cut_or_extended_key_decodes() {
    for key in keys(Disclosure::Threshold { index: 1, threshold: 2 }) {
        let bytes = key.encode();
        for n in 0..bytes.len() {
            assert!(VerifyingKey::decode(&bytes[..n]).is_err(), "cut to {n} bytes");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(VerifyingKey::decode(&longer).unwrap_err().field, "end");
    }
}
