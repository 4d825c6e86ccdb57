//! Matrix product with constant weights: QLinearMatMul and QGemm.

use alloc::{format, vec::Vec};

use super::{Operator, Requantization, check_accumulator, unary};
use crate::{
    circuit::{LinearMap, LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};
#[cfg(feature = "execute")]
use {
    crate::execute::{Tensor, kernel},
    rayon::prelude::*,
};

/// `y[.., m, n] = requantize(bias[n] + Σ_k (x[.., m, k] − x_zero) · (w[k, n] − w_zero))`.
///
/// Input `[.., M, K]`, output `[.., M, N]`. With `batch` above 1 the leading dimensions have that product and each has
/// a weight matrix of its own. Sources: ONNX operator QLinearMatMul, opset 10; com.microsoft QGemm.
#[derive(Clone, Debug, PartialEq)]
pub struct Dense {
    /// Weight matrices; 1 is shared by all leading dimensions.
    pub batch: usize,
    /// Inner dimension `K`.
    pub k: usize,
    /// Output columns `N`.
    pub n: usize,
    /// Centered weights `w − w_zero`, within ±255, row-major `[batch, N, K]` (an output column is contiguous).
    pub weights: Vec<i16>,
    /// Bias per output column; zeros where the model has none.
    pub bias: Vec<i32>,
    /// Multiplier for each output column, and clip.
    pub requantization: Requantization,
}

impl Operator for Dense {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let x = unary(inputs)?;
        let Some((&k, rows)) = x.shape.split_last() else {
            return Err(GraphError::new("expected [.., M, K]"));
        };
        if k != self.k || self.batch == 0 || self.n == 0 {
            return Err(GraphError::new(format!("the operand has {k} columns, the weights {} rows", self.k)));
        }
        let leading: usize = rows.split_last().map_or(1, |(_, l)| l.iter().product());
        if self.batch != 1 && self.batch != leading {
            return Err(GraphError::new(format!("{} weight matrices for {leading} operand matrices", self.batch)));
        }
        let weights = self.batch.checked_mul(k).and_then(|t| t.checked_mul(self.n));
        if weights != Some(self.weights.len()) || self.bias.len() != self.n {
            return Err(GraphError::new("the number of weights or biases does not fit the shapes"));
        }
        for (i, column) in self.weights.chunks(k).enumerate() {
            check_accumulator(x, column.iter().map(|&w| w.into()), self.bias[i % self.n])?;
        }
        self.requantization.check(self.n, output)?;
        let mut shape = rows.to_vec();
        shape.push(self.n);
        Ok(shape)
    }

    fn encode(&self, e: &mut Encoder) {
        [self.batch, self.k, self.n].into_iter().for_each(|v| e.size(v));
        e.list(&self.weights, |e, w| e.bytes(&w.to_le_bytes()));
        e.list(&self.bias, Encoder::i32);
        self.requantization.encode(e);
    }

    fn macs(&self, output: &TensorInfo) -> u64 {
        output.elements() as u64 * self.k as u64
    }

    fn parameters(&self) -> usize {
        self.weights.len() + self.bias.len()
    }

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor {
        let x = kernel::center(inputs[0], infos[0].quant.zero_point);
        // Without a batch every row shares the one matrix.
        let rows = output.elements() / self.n / self.batch;
        let mut y = alloc::vec![0; output.elements()];
        y.par_iter_mut().enumerate().with_min_len(kernel::min_jobs(self.k)).for_each(|(i, y)| {
            let (row, n) = (i / self.n, i % self.n);
            let column = row / rows * self.n + n;
            let w = &self.weights[column * self.k..(column + 1) * self.k];
            let acc = kernel::dot(&x[row * self.k..(row + 1) * self.k], w).wrapping_add(self.bias[n]);
            *y = self.requantization.apply(acc, n, output.quant.zero_point) as i16;
        });
        y
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let rows = output.elements() / self.n;
        let map = LinearMap::Dense {
            rows_per_matrix: rows / self.batch,
            rows,
            k: self.k,
            n: self.n,
            weights: self.weights.as_slice().into(),
            bias: self.bias.as_slice().into(),
            zero: infos[0].quant.zero_point.into(),
        };
        let acc = l.linear(map, inputs)?;
        self.requantization.lower(acc, 1, output, l)
    }
}
