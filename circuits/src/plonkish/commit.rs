//! Salted commitments to 8-bit tensors: `H(tag, salt, chain of the packed tensor)`.
//!
//! Packing: `u_i = x_i − minimum of the type`, 31 bytes an element, first byte most significant, the last element
//! padded with zeros (which no cell stands for, so nothing else can stand there).

use alloc::vec::Vec;

use super::{
    Fp,
    builder::{Builder, Int, Num, fr, power},
    poseidon::{Poseidon, chain, hash, tag},
    sink::Sink,
};
use crate::{
    circuit::{CommitmentUse, PACKED_BYTES},
    graph::DType,
};

/// Weight of the byte at a position of a packed element.
fn byte_weight(position: usize) -> Fp {
    power(8 * (PACKED_BYTES - 1 - position))
}

/// Packs a tensor as offsets from its type's minimum, 31 an element.
pub fn pack(values: &[i16], dtype: DType) -> Vec<Fp> {
    let pack = |chunk: &[i16]| {
        let byte = |(i, &v): (usize, &i16)| byte_weight(i) * fr(i64::from(v) - i64::from(dtype.min()));
        chunk.iter().enumerate().map(byte).sum()
    };
    values.chunks(PACKED_BYTES).map(pack).collect()
}

/// What opens a commitment: the tensor and the salt.
#[derive(Clone, Debug)]
pub struct Commitment<'a> {
    /// Which tags.
    pub role: CommitmentUse,
    /// The tensor, row-major.
    pub values: &'a [i16],
    /// Its type.
    pub dtype: DType,
    /// Uniform and nonzero.
    pub salt: Fp,
}

impl Commitment<'_> {
    /// The commitment.
    pub fn value(&self) -> Fp {
        let [outer, inner] = self.role.tags().map(tag);
        hash([outer, self.salt, chain(inner, &pack(self.values, self.dtype))])
    }
}

/// `Σ weight(i) · (x_i − minimum of the type)`.
pub(super) fn combine<S: Sink>(
    b: &mut Builder<'_, S>,
    name: [&'static str; 2],
    values: &[Int],
    dtype: DType,
    weight: impl Fn(usize) -> Fp,
) -> Num {
    let mut constant = Fp::zero();
    let term = |(i, x): (usize, &Int)| {
        constant += weight(i) * fr(x.floor - i64::from(dtype.min()));
        (x.num, weight(i))
    };
    let terms: Vec<(Num, Fp)> = values.iter().enumerate().map(term).collect();
    b.sum(name, &terms, constant)
}

/// Constrains and returns the commitment to `values`, which lie in the type.
pub(super) fn commit<S: Sink>(
    b: &mut Builder<'_, S>,
    role: CommitmentUse,
    values: &[Int],
    dtype: DType,
    salt: Fp,
) -> Num {
    let [outer, inner] = role.tags().map(tag);
    let poseidon = Poseidon::new();
    let packed: Vec<Num> = values
        .chunks(PACKED_BYTES)
        .map(|chunk| combine(b, ["commit.byte", "commit.packed"], chunk, dtype, byte_weight))
        .collect();
    let chain = poseidon.chain(b, inner, &packed);
    // The salt is free: its only place is the cell that the hash reads.
    let row = b.wide_rows(1);
    let salt = b.advice("commit.salt", b.shape.term(0), row, salt);
    let tag = b.constant("commit.tag", outer);
    poseidon.hash(b, &[tag, salt, chain])
}
