//! Functions of one value: 256 reals, one for each integer of the operand, until their QuantizeLinear makes them a table.
//!
//! Each step is in float32, transcendental functions by the `libm` crate: the same on every machine, and nothing after
//! import evaluates them.

use alloc::{boxed::Box, format, vec::Vec};
use core::f32::consts::FRAC_1_SQRT_2;

use libm::{erff, expf, expm1f, fabsf, log1pf, rintf, sqrtf, tanhf};

use super::{
    Importer,
    constant::{Constant, Data},
    error::ImportError,
    nodes::{Call, not_dequantized},
    sum::along_channels,
    value::{Kernel, Pending, Real, Value},
};
use crate::{arith, graph::TensorId, op::Table};

/// Integers of an 8-bit type.
const VALUES: usize = 256;

type Function = Box<dyn Fn(f32) -> f32>;

/// The function of an operator, with its attributes and constant operands.
fn function(op: &str, call: &mut Call<'_>) -> Result<Option<Function>, ImportError> {
    let a = &mut call.attributes;
    Ok(Some(match op {
        "Tanh" => Box::new(tanhf),
        "Sigmoid" => Box::new(sigmoid),
        "Erf" => Box::new(erff),
        "Exp" => Box::new(expf),
        "Log" => Box::new(libm::logf),
        "Sqrt" => Box::new(sqrtf),
        "Reciprocal" => Box::new(|x| 1.0 / x),
        "Abs" => Box::new(fabsf),
        "Neg" => Box::new(|x| -x),
        "Floor" => Box::new(libm::floorf),
        "Ceil" => Box::new(libm::ceilf),
        "Round" => Box::new(rintf),
        "Softplus" => Box::new(softplus),
        "Softsign" => Box::new(|x| x / (1.0 + fabsf(x))),
        "Mish" => Box::new(|x| x * tanhf(softplus(x))),
        "HardSwish" => Box::new(|x| x * hard_sigmoid(x, 1.0 / 6.0, 0.5)),
        "HardSigmoid" => {
            let (alpha, beta) = (a.float("alpha", 0.2)?, a.float("beta", 0.5)?);
            Box::new(move |x| hard_sigmoid(x, alpha, beta))
        }
        "LeakyRelu" => leaky(a.float("alpha", 0.01)?),
        "Elu" => {
            let alpha = a.float("alpha", 1.0)?;
            Box::new(move |x| if x >= 0.0 { x } else { alpha * expm1f(x) })
        }
        "Selu" => {
            let (alpha, gamma) = (a.float("alpha", 1.673_263_2)?, a.float("gamma", 1.050_701)?);
            Box::new(move |x| if x > 0.0 { gamma * x } else { gamma * (alpha * expf(x) - alpha) })
        }
        "QuickGelu" => {
            let alpha = a.float("alpha", 1.702)?;
            Box::new(move |x| x * sigmoid(alpha * x))
        }
        "Gelu" => match a.string("approximate")?.as_deref() {
            None | Some("none") => Box::new(|x| 0.5 * x * (1.0 + erff(x * FRAC_1_SQRT_2))),
            Some("tanh") => Box::new(|x| 0.5 * x * (1.0 + tanhf(0.797_884_6 * (x + 0.044_715 * x * x * x)))),
            Some(other) => {
                return Err(ImportError::malformed(format!("approximate = {}", super::printable(other))));
            }
        },
        _ => return Ok(None),
    }))
}

fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + expf(-x))
}

fn softplus(x: f32) -> f32 {
    if x > 0.0 { x + log1pf(expf(-x)) } else { log1pf(expf(x)) }
}

fn hard_sigmoid(x: f32, alpha: f32, beta: f32) -> f32 {
    (alpha * x + beta).clamp(0.0, 1.0)
}

fn leaky(slope: f32) -> Function {
    Box::new(move |x| if x >= 0.0 { x } else { slope * x })
}

/// A function of one tensor so far: the value at each of its integers, for all elements or for each channel.
pub(super) struct Map {
    pub(super) x: TensorId,
    pub(super) values: Vec<f32>,
}

impl Importer<'_> {
    /// `x`
    pub(super) fn unary(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let x = self.map(&call.operand(0, "x")?)?.ok_or_else(|| not_mapped("x"))?;
        let f = function(call.op, call)?.ok_or_else(|| ImportError::unsupported("a function that is not known"))?;
        self.mapped(x.x, x.values.into_iter().map(f).collect())
    }

    /// `x, slope`: one, or one for each channel.
    pub(super) fn prelu(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let x = self.map(&call.operand(0, "x")?)?.ok_or_else(|| not_mapped("x"))?;
        let slopes = call.operand(1, "the slope")?;
        let slopes = self.real_constant(&slopes, "the slope")?;
        let Data::Real(slope) = &slopes.data else { return Err(slopes.mismatch("the slope", "float32")) };
        let shape = self.builder.shape(x.x);
        if slope.len() != 1 && !along_channels(&slopes.dims, 1, shape) {
            return Err(ImportError::unsupported(format!("slopes of shape {:?} on {shape:?}", slopes.dims))
                .hint("one slope is supported, or one for each index along dimension 1"));
        }
        self.builder.charge(slope.len().saturating_mul(VALUES))?;
        let slopes: Vec<f32> = slope.iter().flat_map(|&s| [s; VALUES]).collect();
        self.mapped(x.x, both(&x.values, &slopes, |x, slope| if x >= 0.0 { x } else { slope * x }))
    }

    /// `x, x_scale, x_zero?, y_scale, y_zero?`
    pub(super) fn qlinear_unary(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, from) = self.quantized(call, [0, 1, 2], "x")?;
        let q = call.quantization([3, 4], "y", from.dtype)?;
        let op = call.op.trim_start_matches("QLinear");
        let f = function(op, call)?.ok_or_else(|| ImportError::unsupported("a function that is not known"))?;
        let table = Table::new(from.dtype, |v| arith::quantize(f(arith::dequantize(v, &from)), &q));
        let shape = self.builder.shape(x).to_vec();
        self.builder.push(table, &[x], shape, q).map(Value::Tensor)
    }

    /// The operand as a function of one tensor, if it is one.
    pub(super) fn map(&self, operand: &Value) -> Result<Option<Map>, ImportError> {
        match operand {
            Value::Real(Real::Tensor(id)) => self.dequantized_values(*id).map(Some),
            Value::Real(Real::Pending(p)) => Ok(match &p.kernel {
                Kernel::Map(x, values) => {
                    let [lo, hi] = p.clip;
                    Some(Map { x: *x, values: values.iter().map(|v| v.clamp(lo, hi)).collect() })
                }
                _ => None,
            }),
            _ => Ok(None),
        }
    }

    pub(super) fn dequantized_values(&self, x: TensorId) -> Result<Map, ImportError> {
        let q = self.known(x)?;
        Ok(Map { x, values: arith::values(q.dtype).map(|v| arith::dequantize(v, &q)).collect() })
    }

    /// The result of a function, which has to be a number, or an infinity.
    fn mapped(&mut self, x: TensorId, values: Vec<f32>) -> Result<Value, ImportError> {
        self.builder.charge(values.len())?;
        if let Some(i) = values.iter().position(|v| v.is_nan()) {
            let at = self.dequantized_values(x)?.values[i % VALUES];
            return Err(ImportError::refused(format!("the function has no value at {at:e}")));
        }
        Ok(Real::pending(Kernel::Map(x, values.into()), self.builder.shape(x).to_vec()))
    }

    /// `f(a, b)` where both are functions of one tensor, or one of them is a constant number; none if they are neither.
    pub(super) fn combined(
        &mut self,
        a: &Value,
        b: &Value,
        f: impl Fn(f32, f32) -> f32,
    ) -> Result<Option<Value>, ImportError> {
        let (map, other) = match (self.map(a)?, self.map(b)?) {
            (Some(a), Some(b)) if a.x == b.x => {
                return self.mapped(a.x, both(&a.values, &b.values, f)).map(Some);
            }
            (Some(map), None) => (map, number(b)?.map(|c| [None, Some(c)])),
            (None, Some(map)) => (map, number(a)?.map(|c| [Some(c), None])),
            _ => return Ok(None),
        };
        let Some([left, right]) = other else { return Ok(None) };
        let values = map.values.iter().map(|&v| f(left.unwrap_or(v), right.unwrap_or(v))).collect();
        self.mapped(map.x, values).map(Some)
    }

    /// `a, b`: difference or quotient, of functions of one tensor or a constant.
    pub(super) fn subtract_or_divide(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (a, b) = (call.operand(0, "a")?, call.operand(1, "b")?);
        let subtract = call.op == "Sub";
        let result = self.combined(&a, &b, |a, b| if subtract { a - b } else { a / b })?;
        result.ok_or_else(|| {
            ImportError::unsupported(format!("{} of two different tensors", call.op))
                .hint("one of them has to be a constant number")
        })
    }
}

/// A function of the values of two, either of which may differ between channels.
fn both(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> Vec<f32> {
    (0..a.len().max(b.len())).map(|i| f(a[i % a.len()], b[i % b.len()])).collect()
}

/// A constant of one element, which changes no shape.
fn number(value: &Value) -> Result<Option<f32>, ImportError> {
    match value {
        Value::Constant(c) => Ok(one(c)),
        Value::Weights(w) if w.constant.elements() == 1 => Ok(one(&w.dequantize()?)),
        _ => Ok(None),
    }
}

fn one(c: &Constant) -> Option<f32> {
    match (&c.data, c.dims.len()) {
        (Data::Real(v), 0 | 1) if v.len() == 1 && v[0].is_finite() => Some(v[0]),
        _ => None,
    }
}

fn not_mapped(what: &str) -> ImportError {
    let error = not_dequantized(what);
    ImportError { message: format!("{what} is neither a dequantized tensor nor a function of one"), ..error }
}

impl Pending {
    /// Behind a further clip: the image of the range so far.
    pub(super) fn clipped(&self, [min, max]: [f32; 2]) -> Self {
        Self { clip: self.clip.map(|bound| bound.clamp(min, max)), ..self.clone() }
    }
}
