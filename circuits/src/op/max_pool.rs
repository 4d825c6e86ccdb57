//! Maximum pooling on integers: ONNX MaxPool.

use alloc::vec::Vec;

use super::{
    Operator, Window, check_same_quantization, unary,
    window::{image, image_shape},
};
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    circuit::{LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// The largest value of each window; padding is never selected.
#[derive(Clone, Debug, PartialEq)]
pub struct MaxPool {
    /// Kernel, strides, pads, dilations.
    pub window: Window,
}

impl Operator for MaxPool {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let x = unary(inputs)?;
        check_same_quantization(x, output)?;
        let [n, c, h, w] = image(&x.shape)?;
        let extent = self.window.output([h, w])?;
        Ok(image_shape(x.shape.len(), n, c, extent))
    }

    fn encode(&self, e: &mut Encoder) {
        self.window.encode(e);
    }

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor {
        todo!("eval {infos:?} {inputs:?} {output:?}")
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let [n, c, h, w] = image(&infos[0].shape).map_err(|e| LowerError::new(e.message))?;
        let [_, _, oh, ow] = image(&output.shape).map_err(|e| LowerError::new(e.message))?;
        l.max(inputs[0], self.window.gather(n * c, [h, w], [oh, ow]))
    }
}
