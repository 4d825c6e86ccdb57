//! Any function of an 8-bit value.
//!
//! A nondecreasing one may have a cheap arithmetic form; see `requantize`. Every other is looked up, or selected by the
//! bits of its argument. With `u = x − lo` of low bits `l` and high bits `h`, the table is a matrix whose rows `r` are
//! functions of the low bits, and
//!
//! ```text
//! y = r₀(l) + Σ_{distinct rows r ≠ r₀} [h selects r]·(r − r₀)(l)
//! ```
//!
//! Both factors are multilinear, so linear in the products of the low, or of the high, bits: of 8 bits, 9 constraints for
//! the bits, 11 for the products of each half, and 15 for the sum.
//!
//! Looked up, it is a function like others: see `steps`.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::One as _;

use super::{
    builder::{Builder, Lc, Num, Sink, fr, width},
    lookup::{Step, StepRequest},
    requantize::Function,
    steps::{Runs, look_up},
};
use crate::circuit::FunctionTable;

/// What an arithmetic form costs beside its shift: the bits of the quotient, and clamping.
const STEP_OVERHEAD: usize = 12;

/// A list of integers as a matrix, selected from by the bits of an index.
pub(super) struct Matrix {
    /// How many bits of the index select within a row, and how many the row.
    bits: [usize; 2],
    /// Coefficients of the first row, and of each other: of the selection of its difference, and of the difference.
    origin: Vec<i64>,
    rows: Vec<[Vec<i64>; 2]>,
}

impl Matrix {
    pub(super) fn new(values: &[i64]) -> Self {
        let all = width(values.len() as i64 - 1);
        let bits = [all / 2, all - all / 2];
        // Indices beyond the last do not occur.
        let at = |i: usize| values[i.min(values.len() - 1)];
        let row = |j: usize| (0..1 << bits[0]).map(|i| at(j << bits[0] | i)).collect::<Vec<i64>>();
        let all_rows: Vec<Vec<i64>> = (0..1 << bits[1]).map(row).collect();
        let mut distinct: Vec<&Vec<i64>> = all_rows.iter().collect();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.retain(|r| **r != all_rows[0]);
        let rows = distinct.into_iter().map(|row| {
            let selection = all_rows.iter().map(|r| i64::from(r == row)).collect();
            let difference = row.iter().zip(&all_rows[0]).map(|(a, b)| a - b).collect();
            [multilinear(selection), multilinear(difference)]
        });
        Self { bits, rows: rows.collect(), origin: multilinear(all_rows[0].clone()) }
    }

    pub(super) fn low_bits(&self) -> usize {
        self.bits[0]
    }

    /// Rows that differ from the first: a constraint each.
    pub(super) fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Constraints of the products of bits.
    pub(super) fn products(&self) -> usize {
        self.bits.iter().map(|n| (1 << n) - 1 - n).sum()
    }

    /// The integer at the index whose bits have these products, within a row and of rows.
    pub(super) fn select<S: Sink>(&self, b: &mut Builder<'_, S>, name: &'static str, [low, high]: &[Vec<Lc>; 2]) -> Lc {
        let mut sum = combination(b, &self.origin, low);
        for [selection, difference] in &self.rows {
            let (selected, difference) = (combination(b, selection, high), combination(b, difference, low));
            let product = b.product(name, &difference, &selected);
            sum.push(Fr::one(), product);
        }
        sum
    }
}

/// A function as its table.
pub(super) struct Selector<'t> {
    table: &'t FunctionTable,
    /// First argument.
    first: i64,
    /// Smallest value.
    least: i64,
    /// Values less the smallest.
    matrix: Matrix,
    /// By bits.
    constraints: usize,
}

impl<'t> Selector<'t> {
    pub(super) fn new(table: &'t FunctionTable) -> Self {
        let least = table.range().lo;
        let values: Vec<i64> = table.values.iter().map(|&v| i64::from(v) - least).collect();
        let matrix = Matrix::new(&values);
        let bits: usize = matrix.bits.iter().sum();
        let constraints = bits + 1 + matrix.products() + matrix.rows().max(1);
        Self { table, first: table.domain.lo, least, matrix, constraints }
    }

    /// The function as a step function, if it is one whose arithmetic form is cheaper.
    pub(super) fn cheap_step(&self) -> Option<Function<'t>> {
        let function = Function::new(0, self.table.step.as_ref()?);
        function.weight().is_some_and(|weight| weight + STEP_OVERHEAD <= self.constraints).then_some(function)
    }

    /// Constrains and returns the value at an `x` within the domain.
    pub(super) fn select<S: Sink>(&self, b: &mut Builder<'_, S>, x: &Lc) -> Num {
        if self.matrix.rows.is_empty() && self.matrix.origin[1..].iter().all(|&c| c == 0) {
            let constant = b.constant(fr(self.least));
            return b.materialize("table.value", &constant);
        }
        let request = || StepRequest {
            count: 0,
            runs: Runs::of_table(self.table),
            limbs: None,
            by_bits: self.constraints as u64,
        };
        match b.step(0, request) {
            None => b.witness(x.value),
            Some(Step::Intervals(f)) => look_up(b, ["table.distance", "table.value_range", "table.lookup"], x, f),
            // There are no other limbs than those of an arithmetic form.
            Some(Step::Bits | Step::Limbs(_)) => self.by_bits(b, &x.clone().plus(fr(-self.first))),
        }
    }

    fn by_bits<S: Sink>(&self, b: &mut Builder<'_, S>, u: &Lc) -> Num {
        let Matrix { bits, origin, rows } = &self.matrix;
        let u = b.decompose(["table.bit", "table.recomposition"], u, bits[0] + bits[1]);
        let (low, high) = u.split_at(bits[0]);
        let (low, high) = (monomials(b, low), monomials(b, high));
        let mut y = combination(b, origin, &low).plus(fr(self.least));
        let Some(([selection, difference], rows)) = rows.split_last() else {
            return b.materialize("table.value", &y);
        };
        for [selection, difference] in rows {
            let (selected, difference) = (combination(b, selection, &high), combination(b, difference, &low));
            let product = b.product("table.row", &difference, &selected);
            y.push(Fr::one(), product);
        }
        let (selected, difference) = (combination(b, selection, &high), combination(b, difference, &low));
        let value = b.witness(y.value + selected.value * difference.value);
        let product = b.var(value).add_lc(-Fr::one(), &y);
        b.enforce("table.value", &difference, &selected, &product);
        value
    }
}

/// The coefficients, over all products of bits, of the multilinear function with these values: at each index, the
/// product of the bits that are set in it.
fn multilinear(mut values: Vec<i64>) -> Vec<i64> {
    let mut bit = 1;
    while bit < values.len() {
        for i in (0..values.len()).filter(|i| i & bit != 0) {
            values[i] -= values[i ^ bit];
        }
        bit <<= 1;
    }
    values
}

/// The products of all subsets of bits, at the index whose bits are the subset.
pub(super) fn monomials<S: Sink>(b: &mut Builder<'_, S>, bits: &[Num]) -> Vec<Lc> {
    let mut all = alloc::vec![b.constant(Fr::one())];
    for &bit in bits {
        let bit = b.var(bit);
        for i in 0..all.len() {
            let next = if i == 0 {
                bit.clone()
            } else {
                let product = b.product("table.product", &all[i], &bit);
                b.var(product)
            };
            all.push(next);
        }
    }
    all
}

fn combination<S: Sink>(b: &Builder<'_, S>, coefficients: &[i64], of: &[Lc]) -> Lc {
    let terms = coefficients.iter().zip(of).filter(|(c, _)| **c != 0);
    terms.fold(b.lc(), |sum, (&c, lc)| sum.add_lc(fr(c), lc))
}
