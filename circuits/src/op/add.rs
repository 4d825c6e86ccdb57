//! Elementwise addition: com.microsoft QLinearAdd.

use alloc::vec::Vec;

use super::Operator;
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    circuit::{LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// `y = clip(round_half_even((a − za)·sa/sy + (b − zb)·sb/sy) + zy)`, with [`arith::add`](crate::arith::add).
///
/// Two operands of the same shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Add;

impl Operator for Add {
    fn infer(&self, inputs: &[&TensorInfo], _output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        match inputs {
            [a, b] if a.shape == b.shape => Ok(a.shape.clone()),
            [_, _] => Err(GraphError::new("both operands must have the same shape (no broadcasting)")),
            _ => Err(GraphError::new("expected two operands")),
        }
    }

    fn encode(&self, _e: &mut Encoder) {}

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor {
        let (qa, qb) = (&infos[0].quant, &infos[1].quant);
        inputs[0]
            .iter()
            .zip(inputs[1])
            .map(|(&a, &b)| crate::arith::add(a.into(), qa, b.into(), qb, &output.quant) as i16)
            .collect()
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let _ = (infos, inputs, output, l);
        todo!("lower")
    }
}
