//! Concatenation of tensors with equal quantization: Concat.

use alloc::vec::Vec;

use super::{Operator, check_same_quantization};
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    circuit::{LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// Operands one after another along `axis`.
#[derive(Clone, Debug, PartialEq)]
pub struct Concat {
    /// The dimension that grows.
    pub axis: usize,
}

impl Concat {
    /// For each output element, row-major, the operand and the index in it.
    pub fn gather(&self, inputs: &[&TensorInfo]) -> Vec<(usize, usize)> {
        let outer: usize = inputs[0].shape[..self.axis].iter().product();
        let mut indices = Vec::new();
        for o in 0..outer {
            for (k, x) in inputs.iter().enumerate() {
                let run: usize = x.shape[self.axis..].iter().product();
                indices.extend((0..run).map(|i| (k, o * run + i)));
            }
        }
        indices
    }
}

impl Operator for Concat {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let Some((first, rest)) = inputs.split_first() else {
            return Err(GraphError::new("expected operands"));
        };
        if self.axis >= first.shape.len() {
            return Err(GraphError::new("the axis is outside the rank"));
        }
        check_same_quantization(first, output)?;
        let mut shape = first.shape.clone();
        for x in rest {
            check_same_quantization(x, output)?;
            let fits = x.shape.len() == shape.len()
                && x.shape.iter().zip(&first.shape).enumerate().all(|(d, (a, b))| d == self.axis || a == b);
            if !fits {
                return Err(GraphError::new("operands must agree in every dimension but the axis"));
            }
            // Of operands that are given again and again, 32 bits may not hold the sum.
            shape[self.axis] = shape[self.axis]
                .checked_add(x.shape[self.axis])
                .ok_or_else(|| GraphError::new("the result is too large"))?;
        }
        Ok(shape)
    }

    fn encode(&self, e: &mut Encoder) {
        e.size(self.axis);
    }

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor {
        let outer: usize = output.shape[..self.axis].iter().product();
        let mut y = Tensor::with_capacity(output.elements());
        for o in 0..outer {
            for (info, x) in infos.iter().zip(inputs) {
                let run = info.elements() / outer;
                y.extend_from_slice(&x[o * run..(o + 1) * run]);
            }
        }
        y
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let _ = output;
        let gather = self.gather(infos).into_iter().map(|(k, i)| (k as u32, i as u32)).collect();
        Ok(l.reindex(inputs, gather))
    }
}
