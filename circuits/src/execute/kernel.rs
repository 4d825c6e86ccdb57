//! Loops shared by operators: centering, dot products, windows.
//!
//! Accumulators are 32 bits wide and wrap: a checked graph has no weights that could reach beyond, and a checked sum
//! would keep the compiler from vectorizing.

use alloc::vec::Vec;
use core::ops::Range;

use rayon::prelude::*;

use super::Tensor;
use crate::op::{Window, window};

/// Multiply-accumulates below which a task is not worth a thread.
const TASK: usize = 1 << 15;

/// Elements of a block of gathered columns: half of a small first-level cache.
const BLOCK: usize = 1 << 13;

/// How many jobs of `work` multiply-accumulates make one task.
pub(crate) fn min_jobs(work: usize) -> usize {
    (TASK / work.max(1)).max(1)
}

/// `x − zero`, within ±255.
pub(crate) fn center(x: &[i16], zero: i32) -> Tensor {
    let zero = zero as i16;
    x.iter().map(|&v| v - zero).collect()
}

/// `Σ a·b`.
#[inline]
pub(crate) fn dot(a: &[i16], b: &[i16]) -> i32 {
    a.iter().zip(b).fold(0, |acc: i32, (&a, &b)| acc.wrapping_add(i32::from(a).wrapping_mul(i32::from(b))))
}

/// The receptive fields of a convolution as contiguous columns, in the order of a filter's weights.
pub(crate) struct Columns<'a> {
    window: &'a Window,
    /// Channels of one group.
    channels: usize,
    input: [usize; 2],
    output: [usize; 2],
}

impl<'a> Columns<'a> {
    /// Over an input of a checked shape, its channels cut into `group` groups.
    pub(crate) fn new(window: &'a Window, shape: &[usize], group: usize) -> Self {
        let [_, c, h, w] = window::image(shape).expect("checked by infer");
        let output = window.output([h, w]).expect("checked by infer");
        Self { window, channels: c / group, input: [h, w], output }
    }

    /// Elements of a column.
    pub(crate) fn taps(&self) -> usize {
        self.channels * self.window.kernel[0] * self.window.kernel[1]
    }

    /// Columns of one group of one image.
    pub(crate) fn positions(&self) -> usize {
        self.output[0] * self.output[1]
    }

    /// Columns to gather at a time.
    pub(crate) fn block(&self) -> usize {
        (BLOCK / self.taps()).clamp(1, self.positions())
    }

    /// Writes the columns at `positions` of the `image`th group (counted over images and groups) of the centered input.
    pub(crate) fn gather(&self, x: &[i16], image: usize, positions: Range<usize>, columns: &mut Vec<i16>) {
        let [h, w] = self.input;
        let [kh, kw] = self.window.kernel;
        let planes = &x[image * self.channels * h * w..(image + 1) * self.channels * h * w];
        columns.clear();
        for p in positions {
            let (oy, ox) = (p / self.output[1], p % self.output[1]);
            for plane in planes.chunks_exact(h * w) {
                for ky in 0..kh {
                    // Padding is the zero point, and so zero once centered.
                    let Some(iy) = self.window.position(0, oy, ky, h) else {
                        columns.resize(columns.len() + kw, 0);
                        continue;
                    };
                    let row = &plane[iy * w..(iy + 1) * w];
                    let left = (ox * self.window.strides[1]).checked_sub(self.window.pads_begin[1]);
                    match left.and_then(|left| row.get(left..left + kw)) {
                        Some(taps) if self.window.dilations[1] == 1 => columns.extend_from_slice(taps),
                        _ => {
                            columns.extend((0..kw).map(|kx| self.window.position(1, ox, kx, w).map_or(0, |ix| row[ix])))
                        }
                    }
                }
            }
        }
    }
}

/// Applies `f` to the values under the window, padding left out, at every position of every channel.
pub(crate) fn pool(
    window: &Window,
    shape: &[usize],
    x: &[i16],
    f: impl Fn(&mut dyn Iterator<Item = i16>) -> i16 + Sync,
) -> Tensor {
    let [_, _, h, w] = window::image(shape).expect("checked by infer");
    let [oh, ow] = window.output([h, w]).expect("checked by infer");
    let work = oh * ow * window.kernel[0] * window.kernel[1];
    let planes = x.par_chunks_exact(h * w).with_min_len(min_jobs(work));
    let pooled = planes.flat_map_iter(|plane| {
        let f = &f;
        (0..oh * ow).map(move |p| {
            let (oy, ox) = (p / ow, p % ow);
            let rows = (0..window.kernel[0]).filter_map(|ky| window.position(0, oy, ky, h));
            let mut taps = rows.flat_map(|iy| {
                let row = &plane[iy * w..(iy + 1) * w];
                (0..window.kernel[1]).filter_map(move |kx| window.position(1, ox, kx, w).map(|ix| row[ix]))
            });
            f(&mut taps)
        })
    });
    pooled.collect()
}
