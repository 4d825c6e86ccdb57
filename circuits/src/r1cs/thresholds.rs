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

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::{super::checker::Checker, *};
    use crate::{
        arith,
        circuit::{Interval, Threshold},
        graph::{DType, Quantization},
    };

    fn failures(f: &StepFunction, x: Fr, tamper: &[(u32, Fr)]) -> (Fr, Vec<&'static str>) {
        let mut checker = Checker::new(&[]);
        checker.tamper = tamper.iter().copied().collect();
        let b = &mut Builder::new(&mut checker, 0, None);
        let x = b.witness(x);
        let x = b.var(x);
        let thresholds = Thresholds::new(f);
        let y = thresholds.select(b, &x, f);
        assert!(checker.constraints <= thresholds.constraints());
        (y.value, checker.failures.iter().map(|f| f.name).collect())
    }

    /// Features of 32 bits: their conversion to binary32 leaves no arithmetic form.
    fn functions() -> Vec<StepFunction> {
        let quantize = |domain: Interval, slope: f32, offset: f32| {
            let q = Quantization { dtype: DType::I8, scale: 0.31, zero_point: 3 };
            StepFunction::bisect(domain, (slope / q.scale).into(), |v| arith::quantize(offset + slope * v as f32, &q))
        };
        let (unsigned, signed) = (Interval::new(0, u32::MAX.into()), Interval::new(i32::MIN.into(), i32::MAX.into()));
        let t = |below, at| Threshold { below, at };
        let leaps = vec![t(-41, -40), t(99, 100), t(99, 100), t(149, 150)];
        vec![
            quantize(unsigned, 1.7e-8, -33.3),
            quantize(signed, 1.9e-8, 0.0),
            quantize(signed, 3e-6, 1e3),
            StepFunction { domain: Interval::new(-90, 240), first: -3, thresholds: leaps, slope: 0.01 },
            StepFunction { domain: Interval::new(-5, 5), first: 0, thresholds: vec![t(0, 1)], slope: 1.0 },
        ]
    }

    #[test]
    fn every_argument_has_the_functions_value() {
        for f in functions() {
            let around = f.thresholds.iter().flat_map(|t| [t.below - 1, t.below, t.at, t.at + 1]);
            let ends = [f.domain.lo, f.domain.lo + 1, f.domain.hi - 1, f.domain.hi];
            for x in around.chain(ends).filter(|&x| f.domain.lo <= x && x <= f.domain.hi) {
                assert_eq!(failures(&f, fr(x), &[]), (fr(f.eval(x).into()), vec![]), "{x}");
            }
        }
    }

    #[test]
    fn no_other_value_is_accepted() {
        for f in functions() {
            let bits = width(f.thresholds.len() as i64);
            for x in [f.domain.lo, f.domain.hi, f.thresholds[0].at, f.thresholds[f.thresholds.len() - 1].below, 0] {
                let honest = i64::from(f.eval(x)) - i64::from(f.first);
                for u in (0..1 << bits).filter(|&u| u != honest) {
                    let forged: Vec<(u32, Fr)> = (0..bits as u32).map(|i| (2 + i, fr(u >> i & 1))).collect();
                    let (_, names) = failures(&f, fr(x), &forged);
                    assert!(names.contains(&"requantize.comparison"), "{x}: {u}");
                }
            }
        }
    }

    #[test]
    fn arguments_outside_the_domain_have_no_value() {
        for f in functions() {
            for x in [f.domain.lo - 1, f.domain.hi + 1, 1 << 40] {
                assert!(!failures(&f, fr(x), &[]).1.is_empty());
            }
        }
    }

    #[test]
    fn such_functions_have_no_arithmetic_form() {
        use super::super::affine::AffineStep;
        assert!(functions()[..2].iter().all(|f| AffineStep::find(f).is_err()));
    }
}
