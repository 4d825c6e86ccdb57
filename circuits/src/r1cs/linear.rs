//! Linear maps cost no constraint: their results are combinations that the next gadget reads, and are never witnesses.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::Zero as _;
use rayon::prelude::*;

use super::builder::{Builder, Lc, Num, Sink, fr, small};
use crate::circuit::Linear;

/// The results of a linear map: values at once, terms when asked for.
pub(super) struct Accumulators<'c> {
    linear: &'c Linear,
    values: Vec<Fr>,
}

impl<'c> Accumulators<'c> {
    pub(super) fn new(linear: &'c Linear, operands: &[&[Num]]) -> Self {
        // Honest wires are small integers: sum in i64. A tampered one may be any field element.
        let integer = |n: &Num| small(&n.value).filter(|v| v.unsigned_abs() < 1 << 16);
        let integers: Option<Vec<Vec<i64>>> = operands.iter().map(|w| w.iter().map(integer).collect()).collect();
        let value = |o| match &integers {
            Some(x) => {
                let mut acc = 0;
                let constant = linear.row(o, |k, i, c| acc += c * x[k][i]);
                fr(acc + constant)
            }
            None => {
                let mut acc = Fr::zero();
                let constant = linear.row(o, |k, i, c| acc += fr(c) * operands[k][i].value);
                acc + fr(constant)
            }
        };
        let values = (0..linear.outputs()).into_par_iter().map(value).collect();
        Self { linear, values }
    }

    pub(super) fn lc<S: Sink>(&self, o: usize, operands: &[&[Num]], b: &Builder<'_, S>) -> Lc {
        b.lc_with(self.values[o], || {
            let mut terms = Vec::new();
            let constant = self.linear.row(o, |k, i, c| terms.push((operands[k][i].variable, fr(c))));
            if constant != 0 {
                terms.push((0, fr(constant)));
            }
            terms
        })
    }
}
