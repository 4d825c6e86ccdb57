//! A function of one 8-bit value, as its 256 results.

use alloc::vec::Vec;

use super::{Operator, unary};
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    circuit::{LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// `y = entries[x − min(type of x)]`: requantization between scales, activations, any function of one value.
///
/// Entries are computed once at import and are part of the canonical encoding.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Output value for each of the 256 input values, ascending.
    pub entries: Vec<i16>,
}

impl Table {
    /// The table of `f` from one type to another.
    pub fn new(input: crate::graph::DType, f: impl Fn(i32) -> i32) -> Self {
        Self { entries: crate::arith::values(input).map(|v| f(v) as i16).collect() }
    }
}

impl Operator for Table {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let x = unary(inputs)?;
        let q = output.quant.dtype;
        if self.entries.len() != 256 || self.entries.iter().any(|&v| i32::from(v) < q.min() || i32::from(v) > q.max()) {
            return Err(GraphError::new("a table needs 256 entries within the output type"));
        }
        Ok(x.shape.clone())
    }

    fn encode(&self, e: &mut Encoder) {
        e.list(&self.entries, |e, v| e.bytes(&v.to_le_bytes()));
    }

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], _output: &TensorInfo) -> Tensor {
        let min = infos[0].quant.dtype.min();
        inputs[0].iter().map(|&x| self.entries[(i32::from(x) - min) as usize]).collect()
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let x = infos[0].quant;
        let f = |v: i64| i32::from(self.entries[(v - i64::from(x.dtype.min())) as usize]);
        let slope = f64::from(x.scale) / f64::from(output.quant.scale);
        l.table(inputs[0], slope, f)
    }
}
