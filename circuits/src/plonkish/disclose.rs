//! What public input 7 shows of the output: the packed integers, the class, or one bit.

use super::{
    Fp,
    builder::{Builder, Int, Num, fr, power},
    commit::combine,
    function::Function,
    max::max,
    product::product,
    sink::Sink,
};
use crate::{
    circuit::{Disclosure, Interval},
    graph::DType,
};

/// Constrains and returns the disclosure of the output `y` with these bounds; none where it is a commitment.
pub(super) fn disclose<S: Sink>(
    b: &mut Builder<'_, S>,
    disclosure: Disclosure,
    y: &[Int],
    bounds: &[Interval],
    dtype: DType,
) -> Option<Num> {
    match disclosure {
        Disclosure::Raw => Some(combine(b, ["raw.element", "raw.packed"], y, dtype, |i| power(8 * i))),
        Disclosure::Argmax => Some(argmax(b, y)),
        Disclosure::Threshold { index, threshold } => {
            let (x, bounds) = (y[index as usize], bounds[index as usize]);
            let f = b.function(Function::reaches(bounds, threshold.into()));
            Some(b.query(&f, x.num, x.floor).num)
        }
        Disclosure::Commit => None,
    }
}

/// Lowest index wins ties: a later element replaces only a strictly smaller one, with `index ← index − g·(index − i)`
/// where `g` says whether `x_i` exceeds the maximum before it.
fn argmax<S: Sink>(b: &mut Builder<'_, S>, y: &[Int]) -> Num {
    const NAME: [&str; 2] = ["argmax.term", "argmax.sum"];
    // Whatever the bounds, two 8-bit values differ by less than 256.
    let exceeds = Function::reaches(Interval::new(-255, 255), 1);
    let exceeds = b.function(exceeds);
    let mut best = y[0];
    let mut index = b.constant("argmax.index", Fp::zero());
    for (&x, i) in y[1..].iter().zip(1..) {
        let difference = b.sum(NAME, &[(x.num, Fp::one()), (best.num, -Fp::one())], fr(x.floor - best.floor + 255));
        let greater = b.query(&exceeds, difference, -255);
        best = max(b, &[best, x]);
        let change = product(b, [greater, Int { num: index, floor: 0 }], [0, i], 0);
        index = b.sum(NAME, &[(index, Fp::one()), (change.num, -Fp::one())], Fp::zero());
    }
    index
}
