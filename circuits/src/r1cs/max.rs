//! Maximum of a window, pair by pair: `m' = m + [x ≥ m]·(x − m)`.

use ark_bn254::Fr;
use ark_ff::One as _;

use super::builder::{Builder, Num, Sink};
use crate::circuit::Interval;

/// Constrains and returns the maximum; the bounds are those of the elements, in order. Windows are never empty.
pub(super) fn max<S: Sink>(b: &mut Builder<'_, S>, window: &[(Num, Interval)]) -> Num {
    let (mut max, mut bounds) = window[0];
    for &(x, range) in &window[1..] {
        let (current, next) = (b.var(max), b.var(x));
        let difference = next.clone().add_lc(-Fr::one(), &current);
        let reach = Interval::new(range.lo - bounds.hi, range.hi - bounds.lo);
        bounds = Interval::new(bounds.lo.max(range.lo), bounds.hi.max(range.hi));
        if reach.lo >= 0 {
            max = x;
        } else if reach.hi > 0 {
            let greater = b.is_nonnegative(["max.bit", "max.comparison"], &difference, reach);
            max = b.select("max.select", &greater, &next, &current);
        }
    }
    max
}
