//! Products of two values, each less a constant.

use super::builder::{Builder, Num, Sink, fr};

/// Constrains and returns `(a − zeros[0]) · (b − zeros[1])`.
pub(super) fn product<S: Sink>(b: &mut Builder<'_, S>, operands: [Num; 2], zeros: [i64; 2]) -> Num {
    let [x, y] = [0, 1].map(|i| b.var(operands[i]).plus(fr(-zeros[i])));
    b.product("product.value", &x, &y)
}
