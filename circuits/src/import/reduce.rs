//! Sums and means over dimensions, and the index of the largest element.

use alloc::{format, vec::Vec};

use super::{
    Importer,
    error::ImportError,
    nodes::{Call, not_dequantized},
    quantize::normalize_axis,
    shape::normalize_axes,
    value::{Kernel, Move, Real, Value},
};

impl Importer<'_> {
    /// `x, axes?`; the axes of older operator sets are an attribute.
    pub(super) fn reduce(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let mean = call.op == "ReduceMean";
        let (x, _) = self.dequantized(call, 0, "x")?;
        let shape = self.builder.shape(x).to_vec();
        let operand = call.opset >= if mean { 18 } else { 13 };
        let axes = if operand {
            call.attributes.only("noop_with_empty_axes", 0)?;
            let constant = call.optional_constant(1, "the axes")?;
            constant.map(|c| c.integers("the axes").map(<[i64]>::to_vec)).transpose()?
        } else {
            call.attributes.ints("axes")?.map(<[i64]>::to_vec)
        };
        let axes = match axes.filter(|a| !a.is_empty()) {
            None => (0..shape.len()).collect(),
            Some(axes) => normalize_axes(&axes, shape.len())?,
        };
        let keep = call.attributes.int("keepdims", 1)? != 0;
        let kept: Vec<usize> = (0..shape.len()).filter(|d| !axes.contains(d)).collect();
        let rows = kept.iter().map(|&d| shape[d]).product();
        let taps = axes.iter().map(|&d| shape[d]).product();
        let perm: Vec<usize> = kept.iter().chain(&axes).copied().collect();
        let x = if perm.is_sorted() { x } else { self.rearrange(x, &Move::Transpose(perm))? };
        let x = self.rearrange(x, &Move::Reshape(alloc::vec![1, rows, taps]))?;
        let result = (0..shape.len()).filter(|d| keep || !axes.contains(d));
        let result = result.map(|d| if axes.contains(&d) { 1 } else { shape[d] }).collect();
        Ok(Real::pending(Kernel::Reduce { x, rows, taps, mean }, result))
    }

    /// `x`: at the end of a model, over all its elements.
    pub(super) fn argmax(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (operand, real) = match call.operand(0, "x")? {
            Value::Tensor(id) => (id, false),
            Value::Real(Real::Tensor(id)) => (id, true),
            _ => return Err(not_dequantized("x")),
        };
        call.attributes.only("select_last_index", 0)?;
        let mut shape = self.builder.shape(operand).to_vec();
        let axis = normalize_axis(call.attributes.int("axis", 0)?, shape.len())?;
        let elements: usize = shape.iter().product();
        if elements != shape[axis] {
            return Err(ImportError::unsupported(format!("ArgMax along axis {axis} of shape {shape:?}"))
                .hint("only that of all elements is supported, at the end of a model"));
        }
        if call.attributes.int("keepdims", 1)? == 0 {
            shape.remove(axis);
        } else {
            shape[axis] = 1;
        }
        Ok(Value::Argmax { operand, shape, real })
    }
}
