//! Relu, Clip and Softmax.

use alloc::{format, vec::Vec};
use std::rc::Rc;

use super::{
    Importer,
    constant::{Constant, Data},
    error::ImportError,
    nodes::{Call, not_dequantized},
    quantize::normalize_axis,
    value::{Kernel, Pending, Real, Value},
};
use crate::{
    arith,
    graph::{DType, Quantization, TensorId, TensorInfo},
    op::Table,
};

/// A Softmax at the end of a model. It is not part of the graph, whose output are the logits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softmax {
    /// Quantization of its result, if the model quantizes it.
    pub output: Option<Quantization>,
}

impl Softmax {
    /// The probabilities that the model gives for these logits, each step in f32: of each row along the last
    /// dimension of `info`, which describes the logits; quantized and dequantized again if the model does.
    pub fn apply(&self, logits: &[i16], info: &TensorInfo) -> Vec<f32> {
        let width = info.shape.last().copied().unwrap_or(1).max(1);
        logits.chunks(width).flat_map(|row| self.row(row, &info.quant)).collect()
    }

    fn row(&self, logits: &[i16], quant: &Quantization) -> Vec<f32> {
        let real = |v: i16| arith::dequantize(v.into(), quant);
        let largest = real(logits.iter().copied().max().unwrap_or_default());
        let powers: Vec<f32> = logits.iter().map(|&v| libm::expf(real(v) - largest)).collect();
        let sum: f32 = powers.iter().sum();
        let shown = |p: f32| self.output.map_or(p, |q| arith::dequantize(arith::quantize(p, &q), &q));
        powers.iter().map(|p| shown(p / sum)).collect()
    }
}

impl Importer<'_> {
    /// `x`: of integers, their own zero; of reals, part of the operator before.
    pub(super) fn relu(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        match call.operand(0, "x")? {
            Value::Tensor(id) => self.clamp_integers(id, [0, i32::MAX]),
            Value::Real(real) => self.clip_real(real, [0.0, f32::INFINITY]),
            _ => Err(not_dequantized("x")),
        }
    }

    /// `x, min?, max?`; before operator set 11 the bounds are attributes.
    pub(super) fn clip(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let x = call.operand(0, "x")?;
        let bounds = [call.optional_constant(1, "min")?, call.optional_constant(2, "max")?];
        match x {
            Value::Tensor(id) => {
                let dtype = self.builder.dtype(id);
                let [min, max] = &bounds;
                let min = min.as_ref().map_or(Ok(dtype.min()), |c| integer_bound(c, dtype))?;
                let max = max.as_ref().map_or(Ok(dtype.max()), |c| integer_bound(c, dtype))?;
                self.clamp_integers(id, [min, max])
            }
            Value::Real(real) => {
                let [min, max] = &bounds;
                let min = min.as_ref().map_or(Ok(f32::NEG_INFINITY), |c| c.real("min"))?;
                let max = max.as_ref().map_or(Ok(f32::INFINITY), |c| c.real("max"))?;
                let (min, max) = if call.opset < 11 {
                    (call.attributes.float("min", min)?, call.attributes.float("max", max)?)
                } else {
                    (min, max)
                };
                self.clip_real(real, [min, max])
            }
            _ => Err(not_dequantized("x")),
        }
    }

    fn clamp_integers(&mut self, id: TensorId, [min, max]: [i32; 2]) -> Result<Value, ImportError> {
        if min > max {
            return Err(ImportError::refused(format!("the clip range {min} to {max} is empty")));
        }
        let shape = self.builder.shape(id).to_vec();
        let table = Table::new(self.builder.dtype(id), |v| v.clamp(min, max));
        self.builder.keep(table, &[id], shape).map(Value::Tensor)
    }

    fn clip_real(&mut self, real: Real, [min, max]: [f32; 2]) -> Result<Value, ImportError> {
        if min.is_nan() || max.is_nan() || min > max {
            return Err(ImportError::refused(format!("the clip range {min} to {max} is empty")));
        }
        let pending = match real {
            Real::Pending(p) => p.clipped([min, max]),
            Real::Tensor(id) => {
                let kernel = Kernel::Map(id, self.dequantized_values(id)?.values.into());
                Pending { kernel, shape: self.builder.shape(id).to_vec(), clip: [min, max] }
            }
            Real::Input { .. } => return Err(not_dequantized("x")),
        };
        Ok(Value::Real(Real::Pending(Rc::new(pending))))
    }

    /// `x, x_scale, x_zero?, y_scale, y_zero?`
    pub(super) fn qlinear_softmax(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let opset = call.attributes.int("opset", 13)?;
        let (logits, _) = self.quantized(call, [0, 1, 2], "x")?;
        let output = call.quantization([3, 4], "y", self.builder.dtype(logits))?;
        self.check_softmax_axis(call, logits, opset)?;
        Ok(Value::Softmax { logits, softmax: Softmax { output: Some(output) }, real: false })
    }

    /// `x`
    pub(super) fn softmax(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (logits, _) = self.dequantized(call, 0, "x")?;
        self.check_softmax_axis(call, logits, call.opset)?;
        Ok(Value::Softmax { logits, softmax: Softmax { output: None }, real: true })
    }

    fn check_softmax_axis(&mut self, call: &mut Call<'_>, logits: TensorId, opset: i64) -> Result<(), ImportError> {
        let axis = call.attributes.int("axis", if opset < 13 { 1 } else { -1 })?;
        let rank = self.builder.shape(logits).len();
        if normalize_axis(axis, rank)? + 1 != rank {
            return Err(
                ImportError::unsupported(format!("Softmax along axis {axis}")).hint("only the last is supported")
            );
        }
        Ok(())
    }
}

fn integer_bound(c: &Constant, expected: DType) -> Result<i32, ImportError> {
    match &c.data {
        Data::Byte(dtype, v) if *dtype == expected && v.len() == 1 => Ok(v[0].into()),
        _ => Err(c.mismatch("the bound", &format!("one {}", expected.name()))),
    }
}
