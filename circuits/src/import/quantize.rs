//! QuantizeLinear and DequantizeLinear: where reals become operators.

use alloc::{format, vec::Vec};
use std::rc::Rc;

use super::{
    Importer,
    constant::{Constant, Data},
    error::ImportError,
    nodes::{Call, not_dequantized},
    value::{Kernel, LinearForm, LinearKernel, Move, Pending, Real, Value, Weights},
};
use crate::{
    arith,
    graph::{DType, Quantization, TensorId},
    op::{Add, AveragePool, Concat, Conv, Dense, Mul, Requantization, Table, Window},
};

impl Importer<'_> {
    /// `x, y_scale, y_zero_point?`
    pub(super) fn quantize_linear(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let axis = quantization_axis(call)?;
        call.attributes.only("saturate", 1)?;
        let output_dtype = call.attributes.int("output_dtype", 0)?;
        let x = call.operand(0, "x")?;
        // Exporters requantize constants, too.
        let constant = match &x {
            Value::Constant(c) => Some(c.clone()),
            Value::Weights(w) => {
                self.builder.charge(w.constant.elements())?;
                Some(Rc::new(w.dequantize()?))
            }
            _ => None,
        };
        if let Some(c) = &constant {
            self.builder.charge(c.elements())?;
            let scales = call.constant(1, "the scale")?.scales("the scale")?;
            let zero = call.optional_constant(2, "the zero point")?;
            return Ok(Value::Constant(Rc::new(quantize_constant(c, scales, zero.as_deref(), axis)?)));
        }
        let q = call.quantization([1, 2], "the result", DType::U8)?;
        if output_dtype != 0 && output_dtype != i64::from(super::data_type::of(q.dtype)) {
            return Err(ImportError::unsupported("output_dtype differs from the zero point's type"));
        }
        match x {
            Value::Real(Real::Input { moves, .. }) => self.quantize_input(&moves, q).map(Value::Tensor),
            Value::Real(Real::Tensor(id)) => self.copy(id, q).map(Value::Tensor),
            Value::Real(Real::Pending(p)) => self.quantize(&p, q).map(Value::Tensor),
            Value::Softmax { logits, mut softmax, real: true } => {
                if softmax.output.replace(q).is_some_and(|known| known != q) {
                    return Err(ImportError::unsupported("the Softmax is quantized twice"));
                }
                Ok(Value::Softmax { logits, softmax, real: false })
            }
            _ => Err(ImportError::unsupported("the operand is not a float32 tensor")),
        }
    }

    /// `x, x_scale, x_zero_point?`
    pub(super) fn dequantize_linear(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let axis = quantization_axis(call)?;
        match call.operand(0, "x")? {
            Value::Constant(constant) => {
                let scales = call.constant(1, "the scale")?.scales("the scale")?;
                self.builder.charge(scales.len())?;
                let zero = call.optional_constant(2, "the zero point")?;
                let axis = channel_axis(axis, constant.dims.len(), scales.len())?;
                Ok(Value::Weights(Rc::new(Weights::new(constant, scales, zero.as_deref(), axis)?)))
            }
            Value::Tensor(id) => {
                let q = call.quantization([1, 2], "the operand", self.builder.dtype(id))?;
                self.builder.assume(id, q)?;
                Ok(Value::Real(Real::Tensor(id)))
            }
            Value::Softmax { logits, softmax, real: false } => {
                let dtype = softmax.output.map_or(DType::U8, |q| q.dtype);
                let q = call.quantization([1, 2], "the operand", dtype)?;
                if softmax.output != Some(q) {
                    return Err(ImportError::unsupported("the Softmax is dequantized by another scale or zero point"));
                }
                Ok(Value::Softmax { logits, softmax, real: true })
            }
            _ => Err(ImportError::unsupported("the operand is not a tensor of int8 or uint8")),
        }
    }

    /// The model's input: quantized outside the graph, then moved as the file moves it before.
    fn quantize_input(&mut self, moves: &[Move], q: Quantization) -> Result<TensorId, ImportError> {
        let id = match self.input {
            Some(id) => id,
            None => {
                let id = self.builder.tensor(self.input_port.shape.clone(), q.dtype)?;
                self.input = Some(id);
                id
            }
        };
        self.builder.assume(id, q)?;
        if !moves.is_empty() {
            self.notes.push("a rearrangement of the input was moved behind its quantization".into());
        }
        moves.iter().try_fold(id, |id, m| self.rearrange(id, m))
    }

    /// The operator of a pending result.
    fn quantize(&mut self, p: &Pending, q: Quantization) -> Result<TensorId, ImportError> {
        let clip = p.clip.map(|bound| arith::quantize(bound, &q));
        let shape = p.shape.clone();
        match &p.kernel {
            Kernel::Linear(kernel) => self.linear(kernel, shape, clip, q),
            Kernel::Sum(operands) => {
                let y = self.builder.push(Add, operands, shape, q)?;
                self.clamp(y, clip)
            }
            Kernel::Average(x, window) => {
                let y = self.builder.push(AveragePool { window: *window }, &[*x], shape, q)?;
                self.clamp(y, clip)
            }
            Kernel::Product(operands) => {
                let y = self.builder.push(Mul, operands, shape, q)?;
                self.clamp(y, clip)
            }
            Kernel::Concat(operands, axis) => {
                let parts = operands.iter().map(|&x| self.copy(x, q)).collect::<Result<Vec<_>, _>>()?;
                let y = self.builder.keep(Concat { axis: *axis }, &parts, shape)?;
                self.clamp(y, clip)
            }
            Kernel::Reduce { x, rows, taps, mean } => {
                let y = if *mean {
                    let op = AveragePool { window: Window::new([1, *taps]) };
                    let y = self.builder.push(op, &[*x], alloc::vec![1, *rows, 1], q)?;
                    self.clamp(y, clip)?
                } else {
                    self.builder.charge(*taps)?;
                    let form = LinearForm::Dense { batch: 1, k: *taps, n: 1 };
                    let (weights, scales) = (alloc::vec![1; *taps].into(), [self.known(*x)?.scale].into());
                    let kernel = LinearKernel { x: *x, form, weights, bias: None, scales };
                    self.linear(&kernel, alloc::vec![1, *rows, 1], clip, q)?
                };
                self.rearrange(y, &Move::Reshape(shape))
            }
            Kernel::Map(x, values) => {
                let [lo, hi] = p.clip;
                self.table(*x, values.iter().map(|v| v.clamp(lo, hi)), q)
            }
        }
    }

    /// A convolution or matrix product with its multipliers `scale / y_scale`.
    pub(super) fn linear(
        &mut self,
        kernel: &LinearKernel,
        shape: Vec<usize>,
        [min, max]: [i32; 2],
        q: Quantization,
    ) -> Result<TensorId, ImportError> {
        let multipliers = kernel.scales.iter().map(|s| s / q.scale).collect();
        let requantization = Requantization { multipliers, min, max };
        let weights = kernel.weights.to_vec();
        let zeros = || alloc::vec![0; kernel.form.channels()];
        let bias = kernel.bias.as_ref().map_or_else(zeros, |b| b.to_vec());
        match kernel.form {
            LinearForm::Conv { window, group, out_channels } => {
                let op = Conv { window, group, out_channels, weights, bias, requantization };
                self.builder.push(op, &[kernel.x], shape, q)
            }
            LinearForm::Dense { batch, k, n } => {
                let op = Dense { batch, k, n, weights, bias, requantization };
                self.builder.push(op, &[kernel.x], shape, q)
            }
        }
    }

    /// An activation behind an operator that has none of its own. Rounding is monotone, so it commutes with clipping.
    fn clamp(&mut self, y: TensorId, [min, max]: [i32; 2]) -> Result<TensorId, ImportError> {
        let dtype = self.builder.dtype(y);
        if min <= dtype.min() && max >= dtype.max() {
            return Ok(y);
        }
        let shape = self.builder.shape(y).to_vec();
        self.builder.keep(Table::new(dtype, |v| v.clamp(min, max)), &[y], shape)
    }

    /// `quantize(dequantize(x))`.
    pub(super) fn copy(&mut self, x: TensorId, q: Quantization) -> Result<TensorId, ImportError> {
        self.table(x, self.dequantized_values(x)?.values.into_iter(), q)
    }

    /// The quantized function of `x` with these values at its integers: the tensor itself, where that changes nothing.
    fn table(
        &mut self,
        x: TensorId,
        values: impl ExactSizeIterator<Item = f32>,
        q: Quantization,
    ) -> Result<TensorId, ImportError> {
        self.builder.charge(values.len())?;
        let from = self.known(x)?;
        let table = Table { entries: values.map(|v| arith::quantize(v, &q) as i16).collect() };
        if from == q && table == Table::new(q.dtype, |v| v) {
            return Ok(x);
        }
        let shape = self.builder.shape(x).to_vec();
        self.builder.push(table, &[x], shape, q)
    }
}

impl Weights {
    pub(super) fn new(
        constant: Rc<Constant>,
        scales: Vec<f32>,
        zero: Option<&Constant>,
        axis: usize,
    ) -> Result<Self, ImportError> {
        let zeros = match (&constant.data, zero) {
            (Data::Byte(dtype, _), Some(zero)) => {
                let (zero_dtype, zeros) = zero.zeros("the zero point")?;
                if zero_dtype != *dtype {
                    return Err(ImportError::malformed("the constant and its zero point have different types"));
                }
                zeros
            }
            (Data::Int32(_), Some(Constant { data: Data::Int32(z), .. })) if z.iter().all(|&z| z == 0) => {
                alloc::vec![0]
            }
            (Data::Byte(..) | Data::Int32(_), None) => alloc::vec![0],
            _ => return Err(constant.mismatch("the constant", "int8, uint8, or int32 with zero point 0,")),
        };
        let along = constant.dims.get(axis).copied().unwrap_or(1);
        if [scales.len(), zeros.len()].iter().any(|&n| n != 1 && n != along) {
            return Err(ImportError::malformed(format!(
                "{} scales and {} zero points for {along} channels",
                scales.len(),
                zeros.len()
            )));
        }
        Ok(Self { constant, scales, zeros, axis })
    }

    pub(super) fn dequantize(&self) -> Result<Constant, ImportError> {
        let scale = |i| self.scales[channel(i, &self.constant.dims, self.axis) % self.scales.len()];
        let reals = self.centered()?.into_iter().enumerate().map(|(i, v)| f32::from(v) * scale(i)).collect();
        Ok(Constant { dims: self.constant.dims.clone(), data: Data::Real(reals) })
    }

    /// The 8-bit integers less their zero points, in the constant's order.
    pub(super) fn centered(&self) -> Result<Vec<i16>, ImportError> {
        let Data::Byte(_, values) = &self.constant.data else {
            return Err(self.constant.mismatch("the weights", "int8 or uint8"));
        };
        let zero = |i| self.zeros[channel(i, &self.constant.dims, self.axis) % self.zeros.len()] as i16;
        Ok(values.iter().enumerate().map(|(i, &v)| v - zero(i)).collect())
    }
}

/// The index along `axis` of an element.
fn channel(element: usize, dims: &[usize], axis: usize) -> usize {
    let inner: usize = dims.iter().skip(axis + 1).product();
    element / inner.max(1) % dims.get(axis).copied().unwrap_or(1).max(1)
}

/// The attributes that QuantizeLinear and DequantizeLinear share.
fn quantization_axis(call: &mut Call<'_>) -> Result<i64, ImportError> {
    call.attributes.only("block_size", 0)?;
    call.attributes.int("axis", 1)
}

/// The axis that several scales run along; a single one needs none.
fn channel_axis(axis: i64, rank: usize, scales: usize) -> Result<usize, ImportError> {
    match normalize_axis(axis, rank) {
        Err(_) if scales == 1 => Ok(0),
        axis => axis,
    }
}

/// An axis counted from the front.
pub(super) fn normalize_axis(axis: i64, rank: usize) -> Result<usize, ImportError> {
    let from_front = if axis < 0 { axis.checked_add(rank as i64) } else { Some(axis) };
    let inside = from_front.and_then(|a| usize::try_from(a).ok()).filter(|&a| a < rank);
    inside.ok_or_else(|| ImportError::malformed(format!("axis {axis} is outside rank {rank}")))
}

/// QuantizeLinear of a constant, as of weights that a training framework left in float32.
fn quantize_constant(
    c: &Constant,
    scales: Vec<f32>,
    zero: Option<&Constant>,
    axis: i64,
) -> Result<Constant, ImportError> {
    let Data::Real(values) = &c.data else { return Err(not_dequantized("the operand")) };
    if values.iter().any(|v| !v.is_finite()) {
        return Err(ImportError::refused("the constant is not finite"));
    }
    let (dtype, zeros) = zero.map_or(Ok((DType::U8, alloc::vec![0])), |z| z.zeros("the zero point"))?;
    let axis = channel_axis(axis, c.dims.len(), scales.len())?;
    let along = c.dims.get(axis).copied().unwrap_or(1);
    if [scales.len(), zeros.len()].iter().any(|&n| n != 1 && n != along) {
        return Err(ImportError::malformed("the number of scales or zero points does not fit the axis"));
    }
    let quantized = values.iter().enumerate().map(|(i, &v)| {
        let i = channel(i, &c.dims, axis);
        let (scale, zero_point) = (scales[i % scales.len()], zeros[i % zeros.len()]);
        arith::quantize(v, &Quantization { dtype, scale, zero_point }) as i16
    });
    Ok(Constant { dims: c.dims.clone(), data: Data::Byte(dtype, quantized.collect()) })
}
