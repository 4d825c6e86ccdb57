//! Sliding windows over one or two spatial dimensions, shared by Conv, AveragePool and MaxPool.

use alloc::vec::Vec;

use crate::graph::{Encoder, GraphError};

/// Kernel extent, stride, padding and dilation, as `[height, width]`; a 1-D window has height 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Kernel extent.
    pub kernel: [usize; 2],
    /// Step between windows.
    pub strides: [usize; 2],
    /// Padding before the first row and column.
    pub pads_begin: [usize; 2],
    /// Padding after the last row and column.
    pub pads_end: [usize; 2],
    /// Distance between kernel taps.
    pub dilations: [usize; 2],
}

impl Window {
    /// A window of this kernel with stride 1 and no padding.
    pub fn new(kernel: [usize; 2]) -> Self {
        Self { kernel, strides: [1; 2], pads_begin: [0; 2], pads_end: [0; 2], dilations: [1; 2] }
    }

    /// Whether any padding is asked for.
    pub fn is_padded(&self) -> bool {
        self.pads_begin != [0; 2] || self.pads_end != [0; 2]
    }

    /// Output extent over an input of `[height, width]`: `floor((in + pads − dilation·(kernel − 1) − 1) / stride) + 1`.
    pub fn output(&self, input: [usize; 2]) -> Result<[usize; 2], GraphError> {
        const LIMIT: usize = 1 << 24;
        let mut out = [0; 2];
        for d in 0..2 {
            let all = [
                self.kernel[d],
                self.strides[d],
                self.dilations[d],
                self.pads_begin[d] + 1,
                self.pads_end[d] + 1,
                input[d],
            ];
            if all.iter().any(|&v| v == 0 || v > LIMIT) {
                return Err(GraphError::new("kernel, stride, dilation or padding is zero or too large"));
            }
            let extent = (self.kernel[d] - 1)
                .checked_mul(self.dilations[d])
                .and_then(|e| e.checked_add(1))
                .ok_or_else(|| GraphError::new("the dilated kernel is too large"))?;
            if self.pads_begin[d] >= extent || self.pads_end[d] >= extent {
                return Err(GraphError::new("padding must be smaller than the dilated kernel"));
            }
            let padded = input[d] + self.pads_begin[d] + self.pads_end[d];
            if padded < extent {
                return Err(GraphError::new("the kernel is larger than the padded input"));
            }
            out[d] = (padded - extent) / self.strides[d] + 1;
        }
        Ok(out)
    }

    /// The input position of kernel tap `k` of output position `o` along dimension `d`, or `None` in the padding.
    #[inline]
    pub fn position(&self, d: usize, o: usize, k: usize, input: usize) -> Option<usize> {
        (o * self.strides[d] + k * self.dilations[d]).checked_sub(self.pads_begin[d]).filter(|&p| p < input)
    }

    /// For each output position of `planes` planes, the input elements that its window covers; padding is left out.
    pub fn gather(&self, planes: usize, input: [usize; 2], output: [usize; 2]) -> Vec<Vec<u32>> {
        let [h, w] = input;
        let rows = |o: usize| (0..self.kernel[0]).filter_map(move |k| self.position(0, o, k, h));
        let columns = |o: usize| (0..self.kernel[1]).filter_map(move |k| self.position(1, o, k, w));
        let mut windows = Vec::with_capacity(planes * output[0] * output[1]);
        for plane in 0..planes {
            for y in 0..output[0] {
                for x in 0..output[1] {
                    let taps = rows(y).flat_map(|r| columns(x).map(move |c| ((plane * h + r) * w + c) as u32));
                    windows.push(taps.collect());
                }
            }
        }
        windows
    }

    pub(crate) fn encode(&self, e: &mut Encoder) {
        for pair in [self.kernel, self.strides, self.pads_begin, self.pads_end, self.dilations] {
            pair.iter().for_each(|&v| e.size(v));
        }
    }
}

/// `[channels, height, width]` of an `[1, C, L]` or `[1, C, H, W]` tensor, and its batch.
pub(crate) fn image(shape: &[usize]) -> Result<[usize; 4], GraphError> {
    match *shape {
        [n, c, w] => Ok([n, c, 1, w]),
        [n, c, h, w] => Ok([n, c, h, w]),
        _ => Err(GraphError::new("expected [N, C, L] or [N, C, H, W]")),
    }
}

/// The inverse of [`image`] at the given rank.
pub(crate) fn image_shape(rank: usize, n: usize, c: usize, [h, w]: [usize; 2]) -> Vec<usize> {
    if rank == 3 { alloc::vec![n, c, w] } else { alloc::vec![n, c, h, w] }
}
