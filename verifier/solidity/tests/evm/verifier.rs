//! The exported verifiers: what the native one accepts, and nothing else.

use std::ops::Range;

use ark_bn254::{Fq2, G2Affine};
use ark_ff::{BigInteger as _, PrimeField as _};
use avouch_solidity::{Call, ExportError, verifier};

use crate::{
    chain::{Chain, STRANGER, Word, encode, number},
    fixture::{ALL, Fixture},
};

/// The order of the base field, big-endian.
const Q: &str = "30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47";
/// The order of the scalar field.
const R: &str = "30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";

fn word(hex: &str) -> Word {
    hex::decode(hex).unwrap().try_into().unwrap()
}

/// a + b, which does not overflow here.
fn add(a: &Word, b: &Word) -> Word {
    let (mut sum, mut carry) = ([0; 32], 0u16);
    for i in (0..32).rev() {
        let digit = u16::from(a[i]) + u16::from(b[i]) + carry;
        (sum[i], carry) = (digit as u8, digit >> 8);
    }
    assert_eq!(carry, 0);
    sum
}

/// a − b, with a ≥ b.
fn sub(a: &Word, b: &Word) -> Word {
    let (mut difference, mut borrow) = ([0; 32], 0i16);
    for i in (0..32).rev() {
        let digit = i16::from(a[i]) - i16::from(b[i]) - borrow;
        (difference[i], borrow) = (digit.rem_euclid(256) as u8, i16::from(digit < 0));
    }
    assert_eq!(borrow, 0);
    difference
}

/// A chain with the fixture's contract, and a function that calls it.
fn deployed(fixture: &Fixture) -> impl FnMut(&Call) -> (bool, u64) {
    let mut chain = Chain::new();
    let contract = chain.deploy(fixture.contract, &[]);
    move |call| {
        let outcome = chain.call(STRANGER, contract, 0, call.calldata());
        (outcome.is_true(), outcome.gas)
    }
}

/// The data of a call with an argument for each point, as snarkjs has it; with lookups, one point more.
pub(crate) fn separate(call: &Call) -> Vec<u8> {
    let points = if call.proof.len() == 8 { "uint256[2]" } else { "uint256[2],uint256[2]" };
    let signature = format!("verifyProof(uint256[2],uint256[2][2],{points},uint256[8])");
    encode(&signature, &[&call.proof[..], &call.statement].concat())
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn proofs_are_accepted_in_both_shapes() {
    for fixture in ALL.iter() {
        let mut chain = Chain::new();
        let contract = chain.deploy(fixture.contract, &[]);
        for context in [[0; 32], [0x5a; 32], [0xff; 32]] {
            let call = fixture.call(context);
            assert!(chain.call(STRANGER, contract, 0, call.calldata()).is_true());
            assert!(chain.call(STRANGER, contract, 0, separate(&call)).is_true());
        }
        let key = fixture.key.key();
        assert_eq!(chain.call(STRANGER, contract, 0, encode("vkDigest()", &[])).word(), *key.digest());
        let circuit = chain.call(STRANGER, contract, 0, encode("circuitId()", &[])).word();
        assert_eq!(circuit, key.description().circuit_id_slot());
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn no_changed_byte_of_calldata_verifies() {
    for fixture in ALL.iter() {
        let mut chain = Chain::new();
        let contract = chain.deploy(fixture.contract, &[]);
        let mut says_true = |data: &[u8]| {
            let outcome = chain.call(STRANGER, contract, 0, data.to_vec());
            // Where not even the selector or the offset is right, it may revert, or answer something else.
            outcome.result.is_ok_and(|answer| answer == number(1))
        };
        let call = fixture.call([0x5a; 32]);
        for data in [call.calldata(), separate(&call)] {
            assert!(says_true(&data));
            for at in 0..data.len() {
                for mask in [0x01, 0x10, 0x80, 0xff] {
                    let mut changed = data.clone();
                    changed[at] ^= mask;
                    assert!(!says_true(&changed), "{}: byte {at} ^ {mask:#x}", fixture.system);
                }
            }
        }
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn aliases_are_rejected() {
    let (q, r) = (word(Q), word(R));
    for fixture in ALL.iter() {
        let mut verify = deployed(fixture);
        let call = fixture.call([0; 32]);
        for i in 0..8 {
            let mut alias = call.clone();
            alias.statement[i] = add(&alias.statement[i], &r);
            assert!(!verify(&alias).0, "slot {i} plus the order");
        }
        for i in 0..call.proof.len() {
            let mut alias = call.clone();
            alias.proof[i] = add(&alias.proof[i], &q);
            assert!(!verify(&alias).0, "word {i} plus the modulus");
        }
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn identities_and_exchanged_points_are_rejected() {
    for fixture in ALL.iter() {
        let mut verify = deployed(fixture);
        let call = fixture.call([0; 32]);
        // At infinity, and each other part swapped with A.
        for point in points(&call) {
            let mut infinite = call.clone();
            infinite.proof[point.clone()].fill([0; 32]);
            assert!(!verify(&infinite).0, "{point:?} at infinity");
            if point.len() == 2 && point.start > 0 {
                let mut swapped = call.clone();
                swapped.proof.swap(0, point.start);
                swapped.proof.swap(1, point.start + 1);
                assert!(!verify(&swapped).0, "{point:?} and A");
            }
        }
    }
}

/// Where A, B and each other point are.
fn points(call: &Call) -> impl Iterator<Item = Range<usize>> {
    [0..2, 2..6].into_iter().chain((6..call.proof.len()).step_by(2).map(|i| i..i + 2))
}

/// Calls with a point off the curve, or outside of the subgroup: precompiles burn all their gas on them.
pub(crate) fn without_points(call: &Call) -> Vec<Call> {
    let mut calls: Vec<Call> = points(call)
        .map(|point| {
            let mut off = call.clone();
            off.proof[point.end - 1][31] ^= 1;
            off
        })
        .collect();
    let mut outside = call.clone();
    outside.proof[2..6].copy_from_slice(&outside_subgroup());
    calls.push(outside);
    calls
}

/// A point on the twist that is outside of the subgroup of prime order.
fn outside_subgroup() -> [Word; 4] {
    let mut points = (1u64..).filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::new(x.into(), 1.into()), false));
    let point = points.find(|p| !p.is_in_correct_subgroup_assuming_on_curve()).unwrap();
    assert!(point.is_on_curve());
    [point.x.c1, point.x.c0, point.y.c1, point.y.c0].map(|c| c.into_bigint().to_bytes_be().try_into().unwrap())
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn a_negated_proof_is_the_same_statement() {
    for fixture in ALL.iter() {
        let mut verify = deployed(fixture);
        let call = negated(&fixture.call([0; 32]));
        assert!(verify(&call).0);
    }
}

/// (−A, −B, …), which verifies as well: why proof bytes are no identity.
pub(crate) fn negated(call: &Call) -> Call {
    let (q, mut negated) = (word(Q), call.clone());
    for i in [1, 4, 5] {
        negated.proof[i] = sub(&q, &negated.proof[i]);
    }
    negated
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn lengths_are_exact() {
    for fixture in ALL.iter() {
        let mut verify = deployed(fixture);
        let call = fixture.call([0; 32]);
        for words in [0, 1, call.proof.len() - 1, call.proof.len() + 1, 8, 10] {
            if words != call.proof.len() {
                let mut other = call.clone();
                other.proof.resize(words, [0; 32]);
                assert!(!verify(&other).0, "{words} words");
            }
        }
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn a_proof_is_for_its_system_and_key() {
    let [plain, lookup] = &*ALL;
    let (mut verify_plain, mut verify_lookup) = (deployed(plain), deployed(lookup));
    let (mut a, mut b) = (plain.call([0; 32]), lookup.call([0; 32]));
    assert!(!verify_plain(&b).0 && !verify_lookup(&a).0);
    // The same lengths, with C₁ left out or C doubled.
    b.proof.drain(6..8);
    a.proof.extend_from_within(6..8);
    assert!(!verify_plain(&b).0 && !verify_lookup(&a).0);
}

#[test]
fn names_are_names() {
    let [plain, _] = &*ALL;
    for name in ["", "1st", "a b", "A{}", "Ä"] {
        assert_eq!(verifier(&plain.key, name), Err(ExportError::Name(name.into())));
    }
    let source = verifier(&plain.key, "Name_1").unwrap();
    assert!(source.contains("contract Name_1 is IAvouchVerifier"));
    assert!(!source.contains("{{"), "a part of the template was not filled in");
}
