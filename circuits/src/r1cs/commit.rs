//! Salted commitments to 8-bit tensors: `H(tag, salt, chain of the packed tensor)`.
//!
//! Packing: `u_i = x_i − minimum of the type`, 31 bytes an element, first byte most significant, the last element
//! padded with zeros (which are constants here, so nothing else can stand there).

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::{One as _, Zero as _};

use super::{
    builder::{Builder, Lc, Num, Sink, fr, power},
    poseidon::{chain, chain_gadget, hash, hash_gadget, tag},
};
use crate::{
    circuit::{CommitmentUse, PACKED_BYTES},
    graph::DType,
};

/// Weight of the byte at a position of a packed element.
fn byte_weight(position: usize) -> Fr {
    power(8 * (PACKED_BYTES - 1 - position))
}

/// Packs a tensor as offsets from its type's minimum, 31 an element.
pub fn pack(values: &[i16], dtype: DType) -> Vec<Fr> {
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
    pub salt: Fr,
}

impl Commitment<'_> {
    /// The commitment.
    pub fn value(&self) -> Fr {
        let [outer, inner] = self.role.tags().map(tag);
        hash(&[outer, self.salt, chain(inner, &pack(self.values, self.dtype))])
    }
}

/// Constrains `public` to be the commitment to `values`, which lie in the type.
pub(super) fn commit<S: Sink>(
    b: &mut Builder<'_, S>,
    role: CommitmentUse,
    values: &[Num],
    dtype: DType,
    salt: Fr,
    public: Num,
) {
    let [outer, inner] = role.tags().map(tag);
    let packed: Vec<Lc> = values
        .chunks(PACKED_BYTES)
        .map(|chunk| {
            let mut sum = b.lc();
            let mut offset = Fr::zero();
            for (i, &x) in chunk.iter().enumerate() {
                let weight = byte_weight(i);
                sum.push(weight, x);
                offset -= weight * fr(dtype.min().into());
            }
            let element = b.materialize("commit.pack", &sum.plus(offset));
            b.var(element)
        })
        .collect();
    let chain = chain_gadget(b, inner, &packed);
    let salt = b.witness(salt);
    let inputs = [b.constant(outer), b.var(salt), chain];
    let digest = hash_gadget(b, &inputs);
    let target = b.lc().add(Fr::one(), public);
    b.enforce_equal("commit.digest", &digest, &target);
}
