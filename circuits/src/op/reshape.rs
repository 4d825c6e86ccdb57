//! The same elements under another shape: Reshape, Flatten, Squeeze, Unsqueeze.

use alloc::vec::Vec;

use super::{Operator, check_same_quantization, unary};
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    circuit::{LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// Row-major reinterpretation; the target shape is the output tensor's.
#[derive(Clone, Debug, PartialEq)]
pub struct Reshape;

impl Operator for Reshape {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let x = unary(inputs)?;
        check_same_quantization(x, output)?;
        if x.elements() != output.elements() {
            return Err(GraphError::new("a reshape must keep the number of elements"));
        }
        Ok(output.shape.clone())
    }

    fn encode(&self, _e: &mut Encoder) {}

    #[cfg(feature = "execute")]
    fn eval(&self, _infos: &[&TensorInfo], inputs: &[&Tensor], _output: &TensorInfo) -> Tensor {
        inputs[0].clone()
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let _ = (infos, l);
        debug_assert_eq!(infos[0].elements(), output.elements());
        Ok(inputs[0])
    }
}
