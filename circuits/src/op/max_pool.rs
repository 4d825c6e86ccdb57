//! Maximum pooling on integers: ONNX MaxPool.

use alloc::{format, vec::Vec};

use super::{
    Operator, Window, check_same_quantization, unary,
    window::{image, image_shape},
};
#[cfg(feature = "execute")]
use crate::execute::{Tensor, kernel};
use crate::{
    circuit::{LowerError, Lowering, MAX_ELEMENTS, WireId},
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
        let y = kernel::pool(&self.window, &infos[0].shape, inputs[0], |taps| {
            // A dilated window may lie in the padding alone.
            taps.max().unwrap_or(output.quant.dtype.min() as i16)
        });
        debug_assert_eq!(y.len(), output.elements());
        y
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
        let taps = output.elements().saturating_mul(self.window.kernel[0]).saturating_mul(self.window.kernel[1]);
        if taps > MAX_ELEMENTS {
            return Err(LowerError::new(format!(
                "the windows have more than {MAX_ELEMENTS} elements: too many to prove"
            )));
        }
        l.max(inputs[0], self.window.gather(n * c, [h, w], [oh, ow]))
    }
}
