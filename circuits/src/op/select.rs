//! Choosing, repeating and padding along dimensions: Slice, Split, Gather, Pad, Resize (nearest), Expand, Tile.

use alloc::vec::Vec;

use super::{Operator, check_same_quantization, unary};
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    circuit::{LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// `y[i, j, …] = x[axes[0][i], axes[1][j], …]`; the constant where any of these indices is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// For each dimension, the operand's index at each of the result's.
    pub axes: Vec<Vec<Option<u32>>>,
    /// The constant; there exactly if an index is none.
    pub fill: Option<i16>,
}

impl Select {
    /// For each output element, row-major, the index of the input element.
    pub fn gather(&self, input: &[usize]) -> Vec<Option<usize>> {
        let mut indices = alloc::vec![Some(0)];
        for (axis, extent) in self.axes.iter().zip(input) {
            let within = |base: Option<usize>| axis.iter().map(move |&i| Some(base? * extent + i? as usize));
            indices = indices.iter().flat_map(|&base| within(base)).collect();
        }
        indices
    }
}

impl Operator for Select {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let x = unary(inputs)?;
        check_same_quantization(x, output)?;
        let inside = |(axis, &extent): (&Vec<Option<u32>>, &usize)| {
            axis.iter().flatten().all(|&i| usize::try_from(i).is_ok_and(|i| i < extent))
        };
        if self.axes.len() != x.shape.len() || !self.axes.iter().zip(&x.shape).all(inside) {
            return Err(GraphError::new("an index is outside the operand"));
        }
        let filled = self.axes.iter().flatten().any(Option::is_none);
        let q = x.quant.dtype;
        if filled != self.fill.is_some() || self.fill.is_some_and(|v| !(q.min()..=q.max()).contains(&v.into())) {
            return Err(GraphError::new("padding needs one value of the operand's type"));
        }
        Ok(self.axes.iter().map(Vec::len).collect())
    }

    fn encode(&self, e: &mut Encoder) {
        e.size(self.axes.len());
        for axis in &self.axes {
            e.list(axis, |e, i| e.bytes(&i.unwrap_or(u32::MAX).to_le_bytes()));
        }
        e.list(self.fill.as_slice(), |e, v| e.i32(v.into()));
    }

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], _output: &TensorInfo) -> Tensor {
        let fill = self.fill.unwrap_or_default();
        self.gather(&infos[0].shape).into_iter().map(|i| i.map_or(fill, |i| inputs[0][i])).collect()
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let _ = output;
        let mut operands = inputs.to_vec();
        if let Some(fill) = self.fill {
            // A constant is a function of anything.
            let any = l.reindex(inputs, alloc::vec![(0, 0)]);
            operands.push(l.table(any, 0.0, |_| fill.into())?);
        }
        let gather = self.gather(&infos[0].shape).into_iter().map(|i| i.map_or((1, 0), |i| (0, i as u32))).collect();
        Ok(l.reindex(&operands, gather))
    }
}
