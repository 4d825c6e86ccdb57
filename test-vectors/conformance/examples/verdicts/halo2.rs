//! Vectors of the transparent system: a proof is points and scalars of 32 bytes each, little-endian.

use halo2_proofs::pasta::{EqAffine, group::GroupEncoding as _};

use crate::{
    common::Subject,
    proof_file::{Word, sum},
    vector::Vector,
};

const BYTES: usize = 32;

/// Changed, exchanged and non-canonical elements. A proof begins with commitments and ends with two scalars.
pub(crate) fn elements(s: &Subject, modulus: &Word) -> Vec<Vector> {
    let proof = &s.valid.proof;
    let count = proof.len() / BYTES;
    let element = |i: usize| proof[BYTES * i..][..BYTES].to_vec();
    let mut all = Vec::new();
    let mut push = |id: &str, flag: &str, comment: &str, changes: &[(usize, Vec<u8>)]| {
        let mut changed = proof.clone();
        for (i, bytes) in changes {
            changed[BYTES * i..][..BYTES].copy_from_slice(bytes);
        }
        all.push(s.rejected(id, flag, comment, &s.valid.with_proof(changed)));
    };

    for (name, i) in [("first", 0), ("quarter", count / 4), ("middle", count / 2), ("last", count - 1)] {
        for (bit, at, mask) in [("lowest", 0, 1u8), ("highest", 31, 0x80)] {
            let mut bytes = element(i);
            bytes[at] ^= mask;
            let comment = format!("Element {i} of {count} with its {bit} bit changed.");
            push(&format!("{name}-element-{bit}-bit"), "point", &comment, &[(i, bytes)]);
        }
    }
    let off = (1u8..).map(|x| [&[x][..], &[0; 31]].concat()).find(|x| !is_point(x)).unwrap_or_default();
    push("commitment-off-curve", "off-curve", "The first commitment has an x-coordinate without a point.", &[(0, off)]);
    push("commitment-identity", "identity", "The first commitment is the identity.", &[(0, vec![0; BYTES])]);
    push("commitment-largest", "non-canonical", "The first commitment is 2^256 − 1.", &[(0, vec![0xff; BYTES])]);
    for (name, i) in [("last", count - 1), ("next-to-last", count - 2)] {
        let mut scalar: Word = element(i).try_into().unwrap_or_default();
        scalar.reverse();
        let Some(mut alias) = sum(&scalar, modulus) else { continue };
        alias.reverse();
        let comment = format!("The {name} scalar plus the modulus.");
        push(&format!("{name}-scalar-plus-modulus"), "non-canonical", &comment, &[(i, alias.to_vec())]);
        push(&format!("{name}-scalar-zero"), "point", &format!("The {name} scalar is zero."), &[(i, vec![0; BYTES])]);
    }
    let swaps = [("first-commitments", 0, 1), ("last-scalars", count - 2, count - 1), ("ends", 0, count - 1)];
    for (name, i, j) in swaps {
        let comment = format!("Elements {i} and {j} of {count} in each other's place.");
        push(&format!("{name}-swapped"), "mixed", &comment, &[(i, element(j)), (j, element(i))]);
    }
    let second = &s.second.proof;
    let comment = "The first commitment is that of another valid proof.";
    push("commitment-of-second-proof", "mixed", comment, &[(0, second[..BYTES].to_vec())]);
    all
}

fn is_point(bytes: &[u8]) -> bool {
    let bytes: Option<Word> = bytes.try_into().ok();
    bytes.is_some_and(|bytes| EqAffine::from_bytes(&bytes).is_some().into())
}
