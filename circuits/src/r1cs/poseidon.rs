//! Poseidon over BN254 with circomlib's parameters: native, and as a gadget.
//!
//! Source: Grassi et al., *Poseidon: A New Hash Function for Zero-Knowledge Proof Systems* (ePrint 2019/458); circomlib
//! fixes x^5, 8 full rounds, the partial rounds and constants for each width, capacity element first and zero, output
//! the first element. Natively and for the constants the `light-poseidon` crate is used.

use alloc::{vec, vec::Vec};

use ark_bn254::Fr;
use ark_ff::{Field as _, PrimeField as _, Zero as _};
use light_poseidon::{Poseidon, PoseidonHasher as _, PoseidonParameters, parameters::bn254_x5};

use super::builder::{Builder, Lc, Sink};

/// Elements that one step of a chain absorbs besides the running value.
pub const CHAIN_RATE: usize = 11;

/// A domain tag: its ASCII bytes, big-endian, as an integer. At most 31 bytes.
pub fn tag(name: &str) -> Fr {
    debug_assert!(name.len() <= 31);
    Fr::from_be_bytes_mod_order(name.as_bytes())
}

fn parameters(inputs: usize) -> PoseidonParameters<Fr> {
    // Widths 2 to 13 exist; every caller passes a fixed arity from 1 to 12.
    #[allow(clippy::expect_used, reason = "the arity is a constant of the calling gadget")]
    bn254_x5::get_poseidon_parameters(inputs as u8 + 1).expect("arity 1 to 12")
}

/// The hash of 1 to 12 elements.
pub fn hash(inputs: &[Fr]) -> Fr {
    #[allow(clippy::expect_used, reason = "the arity is right by construction")]
    Poseidon::new(parameters(inputs.len())).hash(inputs).expect("as many inputs as the arity")
}

/// The chain of a list: `a = H(tag, length, 0)`, then `a ← H(a, the next 11 elements, zero-padded)`.
pub fn chain(tag: Fr, elements: &[Fr]) -> Fr {
    let start = hash(&[tag, Fr::from(elements.len() as u64), Fr::zero()]);
    elements.chunks(CHAIN_RATE).fold(start, |a, chunk| {
        let mut step = [Fr::zero(); CHAIN_RATE + 1];
        step[0] = a;
        step[1..=chunk.len()].copy_from_slice(chunk);
        hash(&step)
    })
}

/// The gadget of [`hash`]: `3·(8·(n + 1) + partial rounds)` constraints, all from S-boxes; three less for each constant
/// element of the first state.
pub(super) fn hash_gadget<S: Sink>(b: &mut Builder<'_, S>, inputs: &[Lc]) -> Lc {
    let p = parameters(inputs.len());
    let width = p.width;
    let mut state = vec![b.lc()];
    state.extend_from_slice(inputs);
    let half = p.full_rounds / 2;
    for round in 0..p.full_rounds + p.partial_rounds {
        for (i, s) in state.iter_mut().enumerate() {
            *s = core::mem::take(s).plus(p.ark[round * width + i]);
        }
        let full = round < half || round >= half + p.partial_rounds;
        let boxes = if full { width } else { 1 };
        for s in &mut state[..boxes] {
            *s = power_of_five(b, s);
        }
        state = mix(b, &p.mds, &state);
    }
    state.swap_remove(0)
}

/// The gadget of [`chain`].
pub(super) fn chain_gadget<S: Sink>(b: &mut Builder<'_, S>, tag: Fr, elements: &[Lc]) -> Lc {
    let start = hash(&[tag, Fr::from(elements.len() as u64), Fr::zero()]);
    elements.chunks(CHAIN_RATE).fold(b.constant(start), |a, chunk| {
        let mut step = vec![a];
        step.extend_from_slice(chunk);
        step.resize_with(CHAIN_RATE + 1, || b.lc());
        hash_gadget(b, &step)
    })
}

/// The S-box. The fourth power stands in A alone, so that it does not meet G2.
fn power_of_five<S: Sink>(b: &mut Builder<'_, S>, x: &Lc) -> Lc {
    if x.is_constant() {
        return b.constant(x.value.pow([5]));
    }
    let square = b.product("poseidon.square", x, x);
    let square = b.var(square);
    let fourth = b.product("poseidon.fourth", &square, &square);
    let fourth = b.var(fourth);
    let fifth = b.product("poseidon.fifth", &fourth, x);
    b.var(fifth)
}

/// The product with the MDS matrix. Combinations are kept free of duplicate variables, else they would grow with
/// every round by the width.
fn mix<S: Sink>(b: &Builder<'_, S>, mds: &[Vec<Fr>], state: &[Lc]) -> Vec<Lc> {
    let mut columns: Vec<u32> = state.iter().flat_map(|s| s.terms.iter().map(|t| t.0)).collect();
    columns.sort_unstable();
    columns.dedup();
    let dense: Vec<Vec<Fr>> = state
        .iter()
        .map(|s| {
            let mut row = vec![Fr::zero(); columns.len()];
            for &(variable, c) in &s.terms {
                if let Ok(i) = columns.binary_search(&variable) {
                    row[i] += c;
                }
            }
            row
        })
        .collect();
    mds.iter()
        .map(|weights| {
            let value = weights.iter().zip(state).map(|(&w, s)| w * s.value).sum();
            b.lc_with(value, || {
                let column = |i: usize| weights.iter().zip(&dense).map(|(&w, row)| w * row[i]).sum::<Fr>();
                let terms = columns.iter().enumerate().map(|(i, &variable)| (variable, column(i)));
                terms.filter(|t| !t.1.is_zero()).collect()
            })
        })
        .collect()
}
