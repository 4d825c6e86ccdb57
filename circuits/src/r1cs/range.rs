//! The model's input: fresh wires within an 8-bit type.

use super::builder::{Builder, Num, Sink, fr};
use crate::graph::DType;

/// A witness within the type: eight bits of its offset from the minimum.
pub(super) fn range<S: Sink>(b: &mut Builder<'_, S>, value: i64, dtype: DType) -> Num {
    let x = b.witness(fr(value));
    let offset = b.var(x).plus(fr(-i64::from(dtype.min())));
    b.range(["range.bit", "range.recomposition"], &offset, 8);
    x
}
