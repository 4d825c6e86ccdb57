//! Field elements and points as words of the EVM.

use ark_bn254::{Fq, G1Affine, G2Affine};
use ark_ff::{BigInteger as _, PrimeField as _};

/// 32 bytes, big-endian.
pub(crate) type Word = [u8; 32];

pub(crate) fn word(element: Fq) -> Word {
    let mut word = [0; 32];
    for (to, from) in word.iter_mut().zip(element.into_bigint().to_bytes_be()) {
        *to = from;
    }
    word
}

/// The y of the point with the opposite sign.
pub(crate) fn negated(y: &Word) -> Word {
    word(-Fq::from_be_bytes_mod_order(y))
}

/// x, y.
pub(crate) fn g1(point: &G1Affine) -> [Word; 2] {
    [word(point.x), word(point.y)]
}

/// x and y, each with its imaginary part first, as EIP-197 has it.
pub(crate) fn g2(point: &G2Affine) -> [Word; 4] {
    [word(point.x.c1), word(point.x.c0), word(point.y.c1), word(point.y.c0)]
}

/// As Solidity writes it.
pub(crate) fn literal(word: &Word) -> String {
    format!("0x{}", hex::encode(word))
}
