//! Products of two values, each less a constant.

use super::{
    builder::{Builder, Int, fr},
    sink::Sink,
};

/// Constrains and returns `(x − zeros[0]) · (y − zeros[1])`, above a lower bound.
pub(super) fn product<S: Sink>(b: &mut Builder<'_, S>, operands: [Int; 2], zeros: [i64; 2], floor: i64) -> Int {
    let shape = b.shape;
    let row = b.wide_rows(1);
    b.enable(shape.product(), row);
    let constants = [operands[0].floor - zeros[0], operands[1].floor - zeros[1], floor].map(fr);
    for (column, constant) in (0..).zip(constants) {
        b.fixed(shape.wide_constant(column), row, constant);
    }
    let [x, y] = [0, 1].map(|i| b.copy("product.operand", shape.term(i), row, operands[i as usize].num).value);
    let value = (x + constants[0]) * (y + constants[1]) - constants[2];
    Int { num: b.advice("product.value", shape.sum(0), row, value), floor }
}
