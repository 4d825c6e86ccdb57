//! Maximum of a window: a running maximum `m` of `a`, the maximum so far, and `b`, the next element, is one of them and
//! below neither.

use super::{
    builder::{Builder, Int, fr, small},
    sink::Sink,
};

/// Constrains and returns the maximum. Windows are never empty, and no two elements are as far apart as the range table
/// reaches.
pub(super) fn max<S: Sink>(b: &mut Builder<'_, S>, window: &[Int]) -> Int {
    let floor = window.iter().map(|x| x.floor).min().unwrap_or_default();
    let first = b.rebase(window[0], floor);
    if window.len() == 1 {
        return first;
    }
    // Rows beside each other: what is rebased is so before.
    let rest: alloc::vec::Vec<Int> = window[1..].iter().map(|&x| b.rebase(x, floor)).collect();
    let shape = b.shape;
    let row = b.narrow_row();
    let mut max = b.copy("max.first", shape.argument(), row, first.num);
    b.advice("max.start", shape.start(), row, max.value);
    for next in rest {
        let row = b.narrow_row();
        b.enable(shape.max(), row);
        let next = b.copy("max.element", shape.value(), row, next.num);
        let so_far = b.advice("max.so_far", shape.start(), row, max.value);
        let (x, y) = (small(&so_far.value), small(&next.value));
        let larger = if x.zip(y).is_some_and(|(x, y)| y > x) { next.value } else { so_far.value };
        max = b.advice("max.value", shape.argument(), row, larger);
        b.advice("max.excess", shape.last(), row, fr(2) * max.value - so_far.value - next.value);
    }
    Int { num: max, floor }
}
