//! Maximum of a window, pair by pair: with `m'` the larger of `m` and `x`,
//!
//! ```text
//! (m' − m)·(m' − x) = 0            it is one of the two
//! (m' − m) + (m' − x) ∈ [0, 2^n)   and the other is not larger
//! ```
//!
//! The sum is `± |x − m|`, below `2^n` by the bounds of both; negative, it would be no such number.

use ark_bn254::Fr;
use ark_ff::One as _;

use super::builder::{Builder, Num, Sink, small, width};
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
            let is_next = small(&difference.value).is_some_and(|d| d > 0);
            max = b.witness(if is_next { x.value } else { max.value });
            let (above, beside) = (b.var(max).add_lc(-Fr::one(), &current), b.var(max).add_lc(-Fr::one(), &next));
            let zero = b.lc();
            b.enforce("max.element", &above, &beside, &zero);
            let excess = above.add_lc(Fr::one(), &beside);
            b.range(["max.bit", "max.comparison"], &excess, width(reach.hi.max(-reach.lo)));
        }
    }
    max
}
