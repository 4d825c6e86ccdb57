//! Poseidon over the scalar field of Vesta, the P128Pow5T3 sponge for inputs of constant length: native, and as a chip.
//!
//! Source: Grassi et al., *Poseidon: A New Hash Function for Zero-Knowledge Proof Systems* (ePrint 2019/458), with the
//! parameters of Zcash Orchard (protocol specification, section 5.4.1.10): x^5, 8 full and 56 partial rounds, width 3,
//! capacity element last and `length · 2^64` at first. Constants and native hash are those of the `halo2_poseidon` crate.
//!
//! The chip of `halo2_gadgets` has gates of degree 6, which would double the domain of the quotient for all columns. Here
//! the square of each S-box's argument is a cell, and the degree is 4.

use alloc::vec::Vec;

use halo2_poseidon::{ConstantLength, Hash, P128Pow5T3, Spec as _};

use super::{
    Fp,
    builder::{Builder, Num, integer, power},
    sink::Sink,
};

/// Elements that one step of a chain absorbs besides the running value.
const CHAIN_RATE: usize = 11;
const FULL_ROUNDS: usize = 8;
/// Rows of one permutation: each full round has one, each two partial rounds have one.
const PERMUTATION: u32 = 36;

/// A domain tag: its ASCII bytes, big-endian, as an integer. At most 31 bytes.
pub fn tag(name: &str) -> Fp {
    debug_assert!(name.len() <= 31);
    integer(name.as_bytes())
}

/// The hash of `N` elements.
pub fn hash<const N: usize>(inputs: [Fp; N]) -> Fp {
    Hash::<Fp, P128Pow5T3, ConstantLength<N>, 3, 2>::init().hash(inputs)
}

/// The chain of a list: `a = H(tag, length, 0)`, then `a ← H(a, the next 11 elements, zero-padded)`.
pub fn chain(tag: Fp, elements: &[Fp]) -> Fp {
    elements.chunks(CHAIN_RATE).fold(chain_start(tag, elements.len()), |a, chunk| {
        let mut step = [Fp::zero(); CHAIN_RATE + 1];
        step[0] = a;
        step[1..=chunk.len()].copy_from_slice(chunk);
        hash(step)
    })
}

fn chain_start(tag: Fp, length: usize) -> Fp {
    hash([tag, Fp::from(length as u64), Fp::zero()])
}

/// Round constants, the MDS matrix and its inverse.
pub(super) struct Parameters {
    pub(super) round_constants: Vec<[Fp; 3]>,
    pub(super) mds: [[Fp; 3]; 3],
    pub(super) mds_inverse: [[Fp; 3]; 3],
}

pub(super) fn parameters() -> Parameters {
    let (round_constants, mds, mds_inverse) = P128Pow5T3::constants();
    Parameters { round_constants, mds, mds_inverse }
}

/// The chip of [`hash`].
pub(super) struct Poseidon(Parameters);

impl Poseidon {
    pub(super) fn new() -> Self {
        Self(parameters())
    }

    pub(super) fn hash<S: Sink>(&self, b: &mut Builder<'_, S>, inputs: &[Num]) -> Num {
        let mut padded = inputs.to_vec();
        if padded.len() % 2 == 1 {
            padded.push(b.zero());
        }
        let blocks = padded.len() as u32 / 2;
        let shape = b.shape;
        let mut row = b.wide_rows(blocks * (PERMUTATION + 1) + 1);
        let capacity = Fp::from(inputs.len() as u64) * power(64);
        let mut state = [Fp::zero(); 3];
        let mut digest = None;
        for (i, block) in padded.chunks(2).enumerate() {
            // The state, which the permutation left in this row unless it is the first, and the block, make the next row.
            b.enable(shape.absorb(), row);
            if i > 0 {
                b.enable(shape.carry(), row);
            } else {
                b.fixed(shape.constant(), row, capacity);
                state[2] = capacity;
            }
            for (column, &x) in (0..).zip(block) {
                state[column as usize] += b.copy("poseidon.input", shape.square(column), row, x).value;
            }
            let first = self.state(b, row + 1, state);
            let last = self.permute(b, row + 1, first);
            row += PERMUTATION + 1;
            state = last.map(|s| s.value);
            digest = Some(last[0]);
        }
        // There is always a block: every hash has inputs.
        digest.unwrap_or_else(|| b.zero())
    }

    /// The chip of [`chain`].
    pub(super) fn chain<S: Sink>(&self, b: &mut Builder<'_, S>, tag: Fp, elements: &[Num]) -> Num {
        let start = b.constant("poseidon.chain", chain_start(tag, elements.len()));
        elements.chunks(CHAIN_RATE).fold(start, |a, chunk| {
            let mut step = alloc::vec![a];
            step.extend_from_slice(chunk);
            step.resize_with(CHAIN_RATE + 1, || b.zero());
            self.hash(b, &step)
        })
    }

    fn state<S: Sink>(&self, b: &mut Builder<'_, S>, row: u32, state: [Fp; 3]) -> [Num; 3] {
        [0, 1, 2].map(|i| b.advice("poseidon.state", b.shape.term(i), row, state[i as usize]))
    }

    fn permute<S: Sink>(&self, b: &mut Builder<'_, S>, first: u32, mut state: [Num; 3]) -> [Num; 3] {
        let mut rounds = self.0.round_constants.iter();
        let shape = b.shape;
        for row in first..first + PERMUTATION {
            let full = !(FULL_ROUNDS as u32 / 2..PERMUTATION - FULL_ROUNDS as u32 / 2).contains(&(row - first));
            let constants = rounds.next().copied().unwrap_or_default();
            for (i, c) in (0..).zip(constants) {
                b.fixed(shape.wide_constant(i), row, c);
            }
            let add = |state: [Fp; 3], c: [Fp; 3]| [0, 1, 2].map(|i| state[i] + c[i]);
            let x = add(state.map(|s| s.value), constants);
            let next = if full {
                b.enable(shape.full(), row);
                let mut boxed = x;
                for (i, x) in (0..).zip(&mut boxed) {
                    let square = b.advice("poseidon.square", shape.square(i), row, x.square()).value;
                    *x *= square.square();
                }
                self.mix(boxed)
            } else {
                b.enable(shape.partial(), row);
                let constants = rounds.next().copied().unwrap_or_default();
                for (i, c) in (3..).zip(constants) {
                    b.fixed(shape.wide_constant(i), row, c);
                }
                let square = b.advice("poseidon.square", shape.square(0), row, x[0].square()).value;
                let fifth = b.advice("poseidon.fifth", shape.square(1), row, x[0] * square.square()).value;
                let mut y = add(self.mix([fifth, x[1], x[2]]), constants);
                let square = b.advice("poseidon.square", shape.square(2), row, y[0].square()).value;
                y[0] *= square.square();
                self.mix(y)
            };
            state = self.state(b, row + 1, next);
        }
        state
    }

    fn mix(&self, state: [Fp; 3]) -> [Fp; 3] {
        self.0.mds.map(|row| row[0] * state[0] + row[1] * state[1] + row[2] * state[2])
    }
}
