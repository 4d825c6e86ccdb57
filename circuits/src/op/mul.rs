//! Elementwise multiplication: com.microsoft QLinearMul.

use alloc::vec::Vec;

use super::Operator;
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    arith::requantize_product,
    circuit::{LowerError, Lowering, StepFunction, WireId},
    graph::{Encoder, GraphError, TensorInfo, check_scale},
};

/// `y = clip(round_half_even(f32((a − za)·(b − zb))·m + f32(zy)))` with `m = sa·sb / sy`.
///
/// Two operands of the same shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Mul;

impl Mul {
    /// `sa·sb / sy`, each step in f32.
    fn multiplier(a: &TensorInfo, b: &TensorInfo, y: &TensorInfo) -> f32 {
        a.quant.scale * b.quant.scale / y.quant.scale
    }
}

impl Operator for Mul {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let [a, b] = inputs else {
            return Err(GraphError::new("expected two operands"));
        };
        if a.shape != b.shape {
            return Err(GraphError::new("both operands must have the same shape (no broadcasting)"));
        }
        for scale in [a.quant.scale * b.quant.scale, Self::multiplier(a, b, output)] {
            check_scale(scale)
                .map_err(|e| GraphError::new(alloc::format!("a_scale · b_scale / y_scale: {}", e.message)))?;
        }
        Ok(a.shape.clone())
    }

    fn encode(&self, _e: &mut Encoder) {}

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor {
        let m = Self::multiplier(infos[0], infos[1], output);
        let [za, zb] = [infos[0], infos[1]].map(|x| x.quant.zero_point);
        let pairs = inputs[0].iter().zip(inputs[1]);
        let product = |(&a, &b): (&i16, &i16)| (i32::from(a) - za) * (i32::from(b) - zb);
        pairs.map(|pair| requantize_product(product(pair), m, &output.quant) as i16).collect()
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let zeros = [infos[0], infos[1]].map(|x| x.quant.zero_point.into());
        let [a, b] = inputs else { return Err(LowerError::new("expected two operands")) };
        let product = l.product([*a, *b], zeros)?;
        let m = Self::multiplier(infos[0], infos[1], output);
        let value = |p| requantize_product(p as i32, m, &output.quant);
        l.requantize(product, 1, 1, |_, domain| Ok(StepFunction::bisect(domain, m.into(), value)))
    }
}
