//! Average pooling: com.microsoft QLinearAveragePool and QLinearGlobalAveragePool.

use alloc::vec::Vec;

use super::{
    Operator, Requantization, Window, check_accumulator, unary,
    window::{image, image_shape},
};
#[cfg(feature = "execute")]
use crate::execute::{Tensor, kernel};
use crate::{
    circuit::{LinearMap, LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// `y = requantize(Σ (x − x_zero))` over a window without padding, with `m = x_scale / (y_scale · taps)`.
///
/// A global pool is a window as large as the input.
#[derive(Clone, Debug, PartialEq)]
pub struct AveragePool {
    /// Kernel and strides; padding is refused.
    pub window: Window,
}

impl AveragePool {
    /// `x_scale / (y_scale · f32(taps))`, each step in f32.
    pub fn multiplier(&self, x: &TensorInfo, y: &TensorInfo) -> f32 {
        x.quant.scale / (y.quant.scale * (self.window.kernel[0] * self.window.kernel[1]) as f32)
    }
}

impl Operator for AveragePool {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let x = unary(inputs)?;
        let [n, c, h, w] = image(&x.shape)?;
        if self.window.is_padded() {
            return Err(GraphError::new("padded average pooling is not supported: pad the tensor explicitly"));
        }
        let extent = self.window.output([h, w])?;
        // As one weight: all are 1.
        check_accumulator(x, core::iter::once((self.window.kernel[0] * self.window.kernel[1]) as i64), 0)?;
        crate::graph::check_scale(self.multiplier(x, output))?;
        Ok(image_shape(x.shape.len(), n, c, extent))
    }

    fn encode(&self, e: &mut Encoder) {
        self.window.encode(e);
    }

    fn macs(&self, output: &TensorInfo) -> u64 {
        (output.elements() * self.window.kernel[0] * self.window.kernel[1]) as u64
    }

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor {
        let (zero, q) = (infos[0].quant.zero_point, &output.quant);
        let multiplier = self.multiplier(infos[0], output);
        kernel::pool(&self.window, &infos[0].shape, inputs[0], |taps| {
            let acc = taps.fold(0i32, |acc, x| acc.wrapping_add(i32::from(x) - zero));
            crate::arith::requantize(acc, multiplier, q.zero_point, q.dtype.min(), q.dtype.max()) as i16
        })
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let input = image(&infos[0].shape).map_err(|e| LowerError::new(e.message))?;
        let [_, channels, oh, ow] = image(&output.shape).map_err(|e| LowerError::new(e.message))?;
        let [kh, kw] = self.window.kernel;
        let map = LinearMap::Conv {
            window: self.window,
            input,
            output: [oh, ow],
            out_channels: channels,
            group: channels,
            weights: alloc::vec![1; channels * kh * kw].into(),
            bias: alloc::vec![0; channels].into(),
            zero: infos[0].quant.zero_point.into(),
        };
        let acc = l.linear(map, inputs)?;
        let dtype = output.quant.dtype;
        let requantization = Requantization {
            multipliers: alloc::vec![self.multiplier(infos[0], output)],
            min: dtype.min(),
            max: dtype.max(),
        };
        requantization.lower(acc, 1, output, l)
    }
}
