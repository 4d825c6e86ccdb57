//! Linear maps with constant integer weights: convolutions, matrix products, pool sums, weighted sums.

use alloc::{sync::Arc, vec::Vec};

use super::Interval;
use crate::op::Window;

/// The shape of a linear map; weights stay in the compact form of the operator.
#[derive(Clone, Debug)]
pub enum LinearMap {
    /// `acc[o] = bias[o] + Σ w · (x − zero)` over the taps of a window that lie inside the input.
    Conv {
        /// Kernel, strides, pads, dilations.
        window: Window,
        /// `[batch, channels, height, width]` of the operand.
        input: [usize; 4],
        /// `[height, width]` of the result.
        output: [usize; 2],
        /// Result channels.
        out_channels: usize,
        /// Groups of channels.
        group: usize,
        /// `[out_channels, channels / group, kH, kW]`.
        weights: Arc<[i16]>,
        /// One for each result channel.
        bias: Arc<[i32]>,
        /// Zero point of the operand.
        zero: i64,
    },
    /// `acc[r, n] = bias[n] + Σ_k w[n, k] · (x[r, k] − zero)`.
    Dense {
        /// Rows of the operand that share a weight matrix.
        rows_per_matrix: usize,
        /// Total rows.
        rows: usize,
        /// Inner dimension.
        k: usize,
        /// Result columns.
        n: usize,
        /// `[matrices, n, k]`.
        weights: Arc<[i16]>,
        /// One for each column.
        bias: Arc<[i32]>,
        /// Zero point of the operand.
        zero: i64,
    },
    /// `acc[i] = constant + Σ_j coefficients[j] · x_j[i]` over operands of equal length.
    WeightedSum {
        /// One for each operand.
        coefficients: Vec<i64>,
        /// Added to every element.
        constant: i64,
        /// Elements.
        len: usize,
    },
}

/// A linear map.
#[derive(Clone, Debug)]
pub struct Linear {
    /// What is summed.
    pub map: LinearMap,
}

impl Linear {
    pub(super) fn new(map: LinearMap) -> Self {
        Self { map }
    }

    /// Number of result elements.
    pub fn outputs(&self) -> usize {
        match &self.map {
            LinearMap::Conv { input, output, out_channels, .. } => input[0] * out_channels * output[0] * output[1],
            LinearMap::Dense { rows, n, .. } => rows * n,
            LinearMap::WeightedSum { len, .. } => *len,
        }
    }

    /// Visits the terms `(operand, index in it, coefficient)` of result element `o`, and returns its constant.
    /// Coefficients of zero are left out.
    pub fn row(&self, o: usize, mut term: impl FnMut(usize, usize, i64)) -> i64 {
        match &self.map {
            LinearMap::Conv { window, input, output, out_channels, group, weights, bias, zero } => {
                let [_, channels, height, width] = *input;
                let [oh, ow] = *output;
                let (x, y, c, n) = (o % ow, o / ow % oh, o / (ow * oh) % out_channels, o / (ow * oh * out_channels));
                let (in_group, out_group) = (channels / group, out_channels / group);
                let [kh, kw] = window.kernel;
                let mut weight_sum = 0;
                for i in 0..in_group {
                    let channel = n * channels + c / out_group * in_group + i;
                    for ky in 0..kh {
                        let Some(row) = window.position(0, y, ky, height) else { continue };
                        for kx in 0..kw {
                            let Some(column) = window.position(1, x, kx, width) else { continue };
                            let w = i64::from(weights[((c * in_group + i) * kh + ky) * kw + kx]);
                            if w != 0 {
                                weight_sum += w;
                                term(0, (channel * height + row) * width + column, w);
                            }
                        }
                    }
                }
                i64::from(bias[c]) - zero * weight_sum
            }
            LinearMap::Dense { rows_per_matrix, k, n, weights, bias, zero, .. } => {
                let (row, column) = (o / n, o % n);
                let matrix = row / rows_per_matrix;
                let start = (matrix * n + column) * k;
                let mut weight_sum = 0;
                for (i, &w) in weights[start..start + k].iter().enumerate() {
                    if w != 0 {
                        weight_sum += i64::from(w);
                        term(0, row * k + i, w.into());
                    }
                }
                i64::from(bias[column]) - zero * weight_sum
            }
            LinearMap::WeightedSum { coefficients, constant, .. } => {
                for (j, &c) in coefficients.iter().enumerate() {
                    if c != 0 {
                        term(j, o, c);
                    }
                }
                *constant
            }
        }
    }

    /// Bounds of every result element from those of the operands.
    pub(super) fn bounds(&self, operands: &[&[Interval]]) -> Vec<Interval> {
        let bound = |o| {
            let (mut lo, mut hi) = (0, 0);
            let constant = self.row(o, |operand, index, coefficient| {
                let b = operands[operand][index].scale(coefficient);
                lo += b.lo;
                hi += b.hi;
            });
            Interval::new(lo + constant, hi + constant)
        };
        (0..self.outputs()).map(bound).collect()
    }
}
