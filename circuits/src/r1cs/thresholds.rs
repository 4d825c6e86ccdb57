//! A step function by its thresholds, for those without a cheap arithmetic form: rounding to binary32 moves the thresholds
//! of a wide argument about.
//!
//! With `u = y − first`, whose bits select both ends of the arguments of this value,
//!
//! ```text
//! x − least(u) ∈ [0, 2^n)     and     greatest(u) − x ∈ [0, 2^n)
//! ```
//!
//! Where u is no value of the function, or one that it leaps over, the ends are the wrong way round, and no x is between
//! them. Exact for every nondecreasing function: about 60 constraints, and 2 for each bit of the argument.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::One as _;

use super::{
    builder::{Builder, Lc, Num, Sink, fr, small, width},
    table::{Matrix, monomials},
};
use crate::circuit::StepFunction;

/// A step function by its thresholds.
pub(super) struct Thresholds {
    first: i64,
    /// Bits of a value less the first, and of an argument less the least.
    bits: [usize; 2],
    /// For each value, the least and the greatest of its arguments.
    ends: [Matrix; 2],
}

impl Thresholds {
    pub(super) fn new(f: &StepFunction) -> Self {
        let bits = [width(f.thresholds.len() as i64), width(f.domain.hi - f.domain.lo + 1)];
        let starts: Vec<i64> = [f.domain.lo].into_iter().chain(f.thresholds.iter().map(|t| t.at)).collect();
        let after = f.domain.hi + 1;
        let least = |i: usize| starts.get(i).copied().unwrap_or(after);
        let greatest = |i: usize| if i < starts.len() { least(i + 1) - 1 } else { f.domain.lo };
        let values = |end: &dyn Fn(usize) -> i64| (0..1 << bits[0]).map(end).collect::<Vec<_>>();
        Self { first: f.first.into(), bits, ends: [Matrix::new(&values(&least)), Matrix::new(&values(&greatest))] }
    }

    /// How many constraints an element takes.
    pub(super) fn constraints(&self) -> usize {
        let [value, argument] = self.bits;
        let rows: usize = self.ends.iter().map(Matrix::rows).sum();
        value + self.ends[0].products() + rows + 2 * (argument + 1) + 1
    }

    /// Constrains and returns the function's value at an `x` within its domain.
    pub(super) fn select<S: Sink>(&self, b: &mut Builder<'_, S>, x: &Lc, f: &StepFunction) -> Num {
        let value = small(&x.value).map_or(0, |x| i64::from(f.eval(x)) - self.first);
        let bits = b.bits("requantize.value_bit", fr(value), self.bits[0]);
        let (low, high) = bits.split_at(self.ends[0].low_bits());
        let monomials = [monomials(b, low), monomials(b, high)];
        let [least, greatest] = self.ends.each_ref().map(|end| end.select(b, "requantize.threshold", &monomials));
        let names = ["requantize.bit", "requantize.comparison"];
        b.decompose(names, &x.clone().add_lc(-Fr::one(), &least), self.bits[1]);
        b.decompose(names, &greatest.add_lc(-Fr::one(), x), self.bits[1]);
        let y = b.weighted(&bits).plus(fr(self.first));
        b.materialize("requantize.value", &y)
    }
}
