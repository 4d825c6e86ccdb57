//! What public input 7 shows of the output: the packed integers, the class, or one bit.

use ark_bn254::Fr;
use ark_ff::One as _;

use super::builder::{Builder, Num, Sink, fr};
use crate::{
    circuit::{Disclosure, Interval},
    graph::DType,
};

/// Constrains `public` to be the disclosure of the output `y` with these bounds.
pub(super) fn disclose<S: Sink>(
    b: &mut Builder<'_, S>,
    disclosure: Disclosure,
    y: &[(Num, Interval)],
    dtype: DType,
    public: Num,
) {
    let shown = match disclosure {
        Disclosure::Raw => {
            let mut sum = b.lc();
            let mut weight = Fr::one();
            for &(x, _) in y {
                sum = sum.add(weight, x).plus(-weight * fr(dtype.min().into()));
                weight *= fr(256);
            }
            sum
        }
        Disclosure::Argmax => {
            // Lowest index wins ties: a later element replaces only a strictly smaller one.
            let (mut max, mut bounds) = y[0];
            let mut index = b.lc();
            for (i, &(x, range)) in y.iter().enumerate().skip(1) {
                let (current, next) = (b.var(max), b.var(x));
                let excess = next.clone().add_lc(-Fr::one(), &current).plus(-Fr::one());
                let reach = Interval::new(range.lo - bounds.hi - 1, range.hi - bounds.lo - 1);
                let greater = b.is_nonnegative(["argmax.bit", "argmax.comparison"], &excess, reach);
                max = b.select("argmax.max", &greater, &next, &current);
                let position = b.constant(fr(i as i64));
                let selected = b.select("argmax.index", &greater, &position, &index);
                index = b.var(selected);
                bounds = Interval::new(bounds.lo.max(range.lo), bounds.hi.max(range.hi));
            }
            index
        }
        Disclosure::Threshold { index, threshold } => {
            let (x, bounds) = y[index as usize];
            let difference = b.var(x).plus(-fr(threshold.into()));
            let reach = Interval::new(bounds.lo - i64::from(threshold), bounds.hi - i64::from(threshold));
            b.is_nonnegative(["threshold.bit", "threshold.comparison"], &difference, reach)
        }
        // Lowered to a commitment.
        Disclosure::Commit => return,
    };
    let target = b.var(public);
    b.enforce_equal("disclose.output", &shown, &target);
}
