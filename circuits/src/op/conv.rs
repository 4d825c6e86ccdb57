//! Convolution: QLinearConv, 1-D and 2-D.

use alloc::{format, vec::Vec};

use super::{
    Operator, Requantization, Window, check_accumulator, unary,
    window::{image, image_shape},
};
use crate::{
    circuit::{LinearMap, LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};
#[cfg(feature = "execute")]
use {
    crate::execute::{Tensor, kernel},
    rayon::prelude::*,
};

/// `y[o] = requantize(bias[o] + Σ (w[o, c, k] − w_zero[o]) · (x[c, ·] − x_zero))`; padding contributes zero.
///
/// Input `[N, C, L]` or `[N, C, H, W]`, output `[N, O, L']` or `[N, O, H', W']`.
/// Source: ONNX operator QLinearConv, opset 10.
#[derive(Clone, Debug, PartialEq)]
pub struct Conv {
    /// Kernel, strides, pads, dilations.
    pub window: Window,
    /// Number of groups; `C` and `O` are multiples of it.
    pub group: usize,
    /// Output channels `O`.
    pub out_channels: usize,
    /// Centered weights `w − w_zero`, within ±255, row-major `[O, C / group, kH, kW]`.
    pub weights: Vec<i16>,
    /// Bias per output channel, at scale `x_scale · w_scale`; zeros where the model has none.
    pub bias: Vec<i32>,
    /// Multiplier for each output channel, and clip.
    pub requantization: Requantization,
}

impl Operator for Conv {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let x = unary(inputs)?;
        let [n, c, h, w] = image(&x.shape)?;
        let o = self.out_channels;
        if o == 0 || self.group == 0 || !c.is_multiple_of(self.group) || !o.is_multiple_of(self.group) {
            return Err(GraphError::new(format!("{c} and {o} channels can't be cut into {} groups", self.group)));
        }
        let extent = self.window.output([h, w])?;
        let taps =
            (c / self.group).checked_mul(self.window.kernel[0]).and_then(|t| t.checked_mul(self.window.kernel[1]));
        if taps.and_then(|t| t.checked_mul(o)) != Some(self.weights.len()) || self.bias.len() != o {
            return Err(GraphError::new("the number of weights or biases does not fit the shapes"));
        }
        for (filter, &bias) in self.weights.chunks(self.weights.len() / o).zip(&self.bias) {
            check_accumulator(x, filter.iter().map(|&w| w.into()), bias)?;
        }
        self.requantization.check(o, output)?;
        Ok(image_shape(x.shape.len(), n, o, extent))
    }

    fn encode(&self, e: &mut Encoder) {
        self.window.encode(e);
        e.size(self.group);
        e.size(self.out_channels);
        e.list(&self.weights, |e, w| e.bytes(&w.to_le_bytes()));
        e.list(&self.bias, Encoder::i32);
        self.requantization.encode(e);
    }

    fn macs(&self, output: &TensorInfo) -> u64 {
        (output.elements() / self.out_channels) as u64 * self.weights.len() as u64
    }

    fn parameters(&self) -> usize {
        self.weights.len() + self.bias.len()
    }

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor {
        let x = kernel::center(inputs[0], infos[0].quant.zero_point);
        let columns = kernel::Columns::new(&self.window, &infos[0].shape, self.group);
        let (taps, positions) = (columns.taps(), columns.positions());
        let (outputs, block) = (self.out_channels / self.group, columns.block());
        let blocks = positions.div_ceil(block);
        let images = output.elements() / positions / self.out_channels;

        // One job: all outputs of one group at one block of positions, from columns that stay in the cache.
        let tiles: Vec<Tensor> = (0..images * self.group * blocks)
            .into_par_iter()
            .with_min_len(kernel::min_jobs(block * taps * outputs))
            .map_init(Vec::new, |gathered, job| {
                let (image, first) = (job / blocks, job % blocks * block);
                columns.gather(&x, image, first..positions.min(first + block), gathered);
                let mut tile = Tensor::with_capacity(gathered.len() / taps * outputs);
                for o in (0..outputs).map(|o| image % self.group * outputs + o) {
                    let w = &self.weights[o * taps..(o + 1) * taps];
                    tile.extend(gathered.chunks_exact(taps).map(|column| {
                        let acc = kernel::dot(column, w).wrapping_add(self.bias[o]);
                        self.requantization.apply(acc, o, output.quant.zero_point) as i16
                    }));
                }
                tile
            })
            .collect();

        let mut y = alloc::vec![0; output.elements()];
        for (job, tile) in tiles.iter().enumerate() {
            let (image, first) = (job / blocks, job % blocks * block);
            for (o, row) in tile.chunks_exact(tile.len() / outputs).enumerate() {
                let start = (image * outputs + o) * positions + first;
                y[start..start + row.len()].copy_from_slice(row);
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
        let input = image(&infos[0].shape).map_err(|e| LowerError::new(e.message))?;
        let [_, _, oh, ow] = image(&output.shape).map_err(|e| LowerError::new(e.message))?;
        let map = LinearMap::Conv {
            window: self.window,
            input,
            output: [oh, ow],
            out_channels: self.out_channels,
            group: self.group,
            weights: self.weights.as_slice().into(),
            bias: self.bias.as_slice().into(),
            zero: infos[0].quant.zero_point.into(),
        };
        let acc = l.linear(map, inputs)?;
        self.requantization.lower(acc, oh * ow, output, l)
    }
}
