//! The challenge of the system with a committed phase: what it is, and that everything known before it is in it.

use ark_bn254::G1Affine;
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{BigInteger as _, PrimeField as _};
use avouch_verifier::{
    Disclosure, KeyParts, ProofFile, SLOTS, Statement, SystemId, VerifyError, VerifyingKey,
    system::{ProofError, groth16_lookup_bn254::challenge},
    verify,
};

use crate::toy::{accept, compressed, g1, key, parts, point, prove, slots, small};

const SYSTEM: SystemId = SystemId::Groth16LookupBn254;
const DIGEST: [u8; 32] = [0xd1; 32];

fn statement(slots: [[u8; 32]; SLOTS]) -> Statement {
    Statement::new(SYSTEM, slots).unwrap()
}

/// Pinned against an independent computation: Python's integers, and a keccak256 written for the purpose.
#[test]
fn the_challenge_is_pinned() {
    let slots = [1, 2, 3, 4, 5, 6, 7, 8].map(small);
    let challenge = challenge(&DIGEST, &statement(slots), &g1(5u64));
    expect_test::expect!["5bc07b071276ba4584e1fb41b9ee26ecb26a301a2b18de46f51f39c5846e7e"]
        .assert_eq(&hex::encode(&challenge.into_bigint().to_bytes_be()[1..]));
    assert_eq!(challenge.into_bigint().num_bits().div_ceil(8), 31);
}

#[test]
fn every_byte_before_the_challenge_changes_it() {
    let slots = [1, 2, 3, 4, 5, 6, 7, 8].map(small);
    let honest = challenge(&DIGEST, &statement(slots), &g1(5u64));
    assert_eq!(challenge(&DIGEST, &statement(slots), &g1(5u64)), honest);
    let mut seen = vec![honest];
    for i in 0..32 {
        let mut digest = DIGEST;
        digest[i] ^= 1;
        seen.push(challenge(&digest, &statement(slots), &g1(5u64)));
        for slot in 0..SLOTS {
            let mut other = slots;
            // Below the modulus still.
            other[slot][i] ^= 1;
            seen.push(challenge(&DIGEST, &statement(other), &g1(5u64)));
        }
    }
    // Two slots exchanged, other commitments, and one with the same x.
    let mut swapped = slots;
    swapped.swap(6, 7);
    seen.push(challenge(&DIGEST, &statement(swapped), &g1(5u64)));
    for c_1 in [g1(6u64), -g1(5u64), G1Affine::generator()] {
        seen.push(challenge(&DIGEST, &statement(slots), &c_1));
    }
    let all = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), all);
}

fn rejects(key: &VerifyingKey, statement: &Statement, proof: Vec<u8>) {
    let file = ProofFile::new(key, statement.clone(), proof).unwrap().encode();
    assert_eq!(verify(&accept(key.clone()), &file), Err(VerifyError::Proof(ProofError::Rejected)));
}

/// The verifier computes the challenge from what it is given: nothing of another proof fits.
#[test]
fn a_challenge_is_for_one_key_statement_and_commitment() {
    let key = key(SYSTEM, Disclosure::Argmax);
    let good = statement(slots(&key, small(1)));
    let proof = prove(&key, &good);
    let file = ProofFile::new(&key, good.clone(), proof.clone()).unwrap().encode();
    assert!(verify(&accept(key.clone()), &file).is_ok());

    // The rest of the equation made to fit, with the challenge of something else.
    let relabelled = KeyParts { label: "other".into(), ..parts(SYSTEM, key.description().clone()) };
    let relabelled = VerifyingKey::new(relabelled).unwrap();
    rejects(&key, &good, prove(&relabelled, &good));
    rejects(&relabelled, &good, proof.clone());
    rejects(&key, &good, prove(&key, &statement(slots(&key, small(2)))));

    // Another commitment, made up for in C2: C1 + G·δ2 and C2 − G·δ1 fit the equation at the old challenge.
    let (delta_1, delta_2) = (7u64, 11);
    let mut moved = proof.clone();
    moved[96..128].copy_from_slice(&compressed(&g1(4001 + delta_2)));
    let c_2 = point(&proof[128..]);
    moved[128..].copy_from_slice(&compressed(&(c_2 - g1(delta_1)).into_affine()));
    rejects(&key, &good, moved);
}
