//! Permutation of dimensions: Transpose.

use alloc::vec::Vec;

use super::{Operator, check_same_quantization, unary};
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    circuit::{LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// Output dimension `i` is input dimension `perm[i]`.
#[derive(Clone, Debug, PartialEq)]
pub struct Transpose {
    /// A permutation of `0..rank`.
    pub perm: Vec<usize>,
}

impl Transpose {
    /// For each output element, row-major, the index of the input element.
    pub fn gather(&self, input: &[usize]) -> Vec<usize> {
        let mut strides = alloc::vec![1usize; input.len()];
        for d in (1..input.len()).rev() {
            strides[d - 1] = strides[d] * input[d];
        }
        let mut indices = alloc::vec![0usize];
        for &p in &self.perm {
            indices = indices
                .iter()
                .flat_map(|&base| (0..input[p]).map(move |i| (base, i)))
                .map(|(b, i)| b + i * strides[p])
                .collect();
        }
        indices
    }
}

impl Operator for Transpose {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let x = unary(inputs)?;
        check_same_quantization(x, output)?;
        let rank = x.shape.len();
        if self.perm.len() != rank || !(0..rank).all(|d| self.perm.contains(&d)) {
            return Err(GraphError::new("perm is not a permutation of the dimensions"));
        }
        Ok(self.perm.iter().map(|&p| x.shape[p]).collect())
    }

    fn encode(&self, e: &mut Encoder) {
        e.list(&self.perm, Encoder::size);
    }

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], _output: &TensorInfo) -> Tensor {
        self.gather(&infos[0].shape).into_iter().map(|i| inputs[0][i]).collect()
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let _ = output;
        let gather = self.gather(&infos[0].shape).into_iter().map(|i| (0, i as u32)).collect();
        Ok(l.reindex(inputs, gather))
    }
}
