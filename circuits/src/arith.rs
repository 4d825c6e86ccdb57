//! The exact f32 steps of ONNX Runtime's QOperator arithmetic.
//!
//! Every function here is a sequence of single IEEE 754 binary32 operations with round-to-nearest-even, so it gives the
//! same bits on every target. Nothing here may be reassociated.

use crate::graph::{DType, Quantization};

/// `clip(round_half_even(f32(acc) · multiplier) + zero_point)`: requantization of an integer accumulator.
///
/// `min` and `max` are the clip bounds within the output type (a fused Relu or Clip narrows them).
#[inline]
pub fn requantize(acc: i32, multiplier: f32, zero_point: i32, min: i32, max: i32) -> i32 {
    round_clip(acc as f32 * multiplier, zero_point, min, max)
}

/// `clip(round_half_even(x) + zero_point)`. NaN cannot occur: callers multiply finite, normal factors.
#[inline]
pub fn round_clip(x: f32, zero_point: i32, min: i32, max: i32) -> i32 {
    // A saturating cast: beyond ±2^31 the sum is far outside every 8-bit clip range.
    (libm::rintf(x) as i32).saturating_add(zero_point).clamp(min, max)
}

/// QuantizeLinear of one value: `clip(round_half_even(x / scale) + zero_point)`. NaN gives the zero point's clip of 0.
#[inline]
pub fn quantize(x: f32, q: &Quantization) -> i32 {
    round_clip(x / q.scale, q.zero_point, q.dtype.min(), q.dtype.max())
}

/// DequantizeLinear of one value: `(v − zero_point) · scale`.
#[inline]
pub fn dequantize(v: i32, q: &Quantization) -> f32 {
    (v - q.zero_point) as f32 * q.scale
}

/// QLinearAdd of one pair: `clip(round_half_even((a − za)·sa/sy + (b − zb)·sb/sy) + zy)`, in exactly that order.
#[inline]
pub fn add(a: i32, qa: &Quantization, b: i32, qb: &Quantization, qy: &Quantization) -> i32 {
    let x = (a as f32 - qa.zero_point as f32) * qa.scale / qy.scale;
    let y = (b as f32 - qb.zero_point as f32) * qb.scale / qy.scale;
    round_clip(x + y, qy.zero_point, qy.dtype.min(), qy.dtype.max())
}

/// QLinearMul of a product of centered operands: `clip(round_half_even(f32(product) · multiplier + f32(zero_point)))`. The
/// zero point is added before rounding here.
#[inline]
pub fn requantize_product(product: i32, multiplier: f32, q: &Quantization) -> i32 {
    round_clip(product as f32 * multiplier + q.zero_point as f32, 0, q.dtype.min(), q.dtype.max())
}

/// All values of a type, in ascending order.
pub fn values(dtype: DType) -> core::ops::RangeInclusive<i32> {
    dtype.min()..=dtype.max()
}
