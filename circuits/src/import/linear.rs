//! Convolutions and matrix products, in both forms.

use alloc::{format, vec::Vec};
use std::rc::Rc;

use super::{
    Importer,
    constant::{Constant, Data},
    error::ImportError,
    nodes::Call,
    pool::window,
    proto::data_type,
    value::{Kernel, LinearForm, LinearKernel, Pending, Real, Value, Weights},
};
use crate::{
    graph::{Quantization, TensorId, check_scale},
    op::window::{image, image_shape},
};

impl Importer<'_> {
    /// `x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias?`
    pub(super) fn qlinear_conv(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let x = self.quantized(call, [0, 1, 2], "x")?;
        let w = call.weights([3, 4, 5], 0)?;
        let bias = call.optional(8);
        let (kernel, shape) = self.conv_kernel(call, x, &w, bias)?;
        self.quantize_linear_result(call, [6, 7], kernel, shape)
    }

    /// `x, w, bias?`
    pub(super) fn conv(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let x = self.dequantized(call, 0, "x")?;
        let w = weights_operand(call, 1)?;
        let bias = call.optional(2);
        let (kernel, shape) = self.conv_kernel(call, x, &w, bias)?;
        Ok(Real::pending(Kernel::Linear(kernel), shape))
    }

    /// `a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero`
    pub(super) fn qlinear_matmul(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let x = self.quantized(call, [0, 1, 2], "a")?;
        let rank = match call.peek_rank(3) {
            Some(rank) if rank > 0 => rank,
            _ => return Err(ImportError::unsupported("b is not a constant matrix")),
        };
        let w = call.weights([3, 4, 5], rank - 1)?;
        let (kernel, shape) = self.dense_kernel(x, &w, false, 1.0)?;
        self.quantize_linear_result(call, [6, 7], kernel, shape)
    }

    /// `a, b`
    pub(super) fn matmul(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let x = self.dequantized(call, 0, "a")?;
        let w = weights_operand(call, 1)?;
        let (kernel, shape) = self.dense_kernel(x, &w, false, 1.0)?;
        Ok(Real::pending(Kernel::Linear(kernel), shape))
    }

    /// `a, a_scale, a_zero, b, b_scale, b_zero, c?, y_scale, y_zero`
    pub(super) fn qgemm(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (alpha, transposed) = gemm_attributes(call)?;
        let x = self.quantized(call, [0, 1, 2], "a")?;
        let w = call.weights([3, 4, 5], usize::from(!transposed))?;
        let bias = call.optional(6);
        let (mut kernel, shape) = self.dense_kernel(x, &w, transposed, alpha)?;
        kernel.bias = self.bias(bias, &kernel)?;
        self.quantize_linear_result(call, [7, 8], kernel, shape)
    }

    /// `a, b, c?`
    pub(super) fn gemm(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (alpha, transposed) = gemm_attributes(call)?;
        let beta = call.attributes.float("beta", 1.0)?;
        let x = self.dequantized(call, 0, "a")?;
        let w = weights_operand(call, 1)?;
        let bias = call.optional(2);
        if bias.is_some() && beta != 1.0 {
            return Err(ImportError::unsupported(format!("beta = {beta} is not supported, only 1")));
        }
        let (mut kernel, shape) = self.dense_kernel(x, &w, transposed, alpha)?;
        kernel.bias = self.bias(bias, &kernel)?;
        Ok(Real::pending(Kernel::Linear(kernel), shape))
    }

    /// `x, w, x_zero?, w_zero?`
    pub(super) fn conv_integer(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let x = self.unscaled(call)?;
        let w = call.unscaled_weights(0)?;
        let (kernel, shape) = self.conv_kernel(call, x, &w, None)?;
        Ok(Value::Accumulators(Rc::new(Pending::new(Kernel::Linear(kernel), shape))))
    }

    /// `a, b, a_zero?, b_zero?`
    pub(super) fn matmul_integer(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let x = self.unscaled(call)?;
        let rank = call.peek_rank(1).unwrap_or_default();
        let w = call.unscaled_weights(rank.saturating_sub(1))?;
        let (kernel, shape) = self.dense_kernel(x, &w, false, 1.0)?;
        Ok(Value::Accumulators(Rc::new(Pending::new(Kernel::Linear(kernel), shape))))
    }

    /// `x`: the sums of a product as reals, which a Mul may scale.
    pub(super) fn cast(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        call.attributes.only("to", data_type::FLOAT.into())?;
        call.attributes.only("saturate", 1)?;
        match call.operand(0, "x")? {
            Value::Accumulators(p) => Ok(Value::Real(Real::Pending(p))),
            _ => Err(ImportError::unsupported("a Cast of anything but the result of MatMulInteger or ConvInteger")),
        }
    }

    /// Operand 0 with the zero point in operand 2, at the scale 1: what scales the result stands behind.
    fn unscaled(&mut self, call: &mut Call<'_>) -> Result<(TensorId, Quantization), ImportError> {
        let Value::Tensor(id) = call.operand(0, "x")? else {
            return Err(ImportError::unsupported("x is not a tensor of int8 or uint8")
                .hint("quantize it by a QuantizeLinear of constant scale"));
        };
        let zero = call.optional_constant(2, "the zero point of x")?;
        let (dtype, zeros) =
            zero.map_or(Ok((self.builder.dtype(id), alloc::vec![0])), |z| z.zeros("the zero point"))?;
        let &[zero_point] = &*zeros else {
            return Err(
                ImportError::unsupported("x has several zero points").hint("only weights may be quantized per channel")
            );
        };
        let q = Quantization { dtype, scale: 1.0, zero_point };
        let scale = self.builder.quantization(id).map_or(q.scale, |known| known.scale);
        self.builder.assume(id, Quantization { scale, ..q })?;
        Ok((id, q))
    }

    fn quantize_linear_result(
        &mut self,
        call: &mut Call<'_>,
        y: [usize; 2],
        kernel: LinearKernel,
        shape: Vec<usize>,
    ) -> Result<Value, ImportError> {
        let q = call.quantization(y, "y", self.builder.dtype(kernel.x))?;
        let range = [q.dtype.min(), q.dtype.max()];
        self.linear(&kernel, shape, range, q).map(Value::Tensor)
    }

    fn conv_kernel(
        &mut self,
        call: &mut Call<'_>,
        (x, q): (TensorId, Quantization),
        w: &Weights,
        bias: Option<Value>,
    ) -> Result<(LinearKernel, Vec<usize>), ImportError> {
        let shape = self.builder.shape(x).to_vec();
        let [batch, _, h, w_extent] = image(&shape)?;
        let dims = &w.constant.dims;
        if dims.len() != shape.len() {
            return Err(ImportError::malformed(format!("x has shape {shape:?}, the weights {dims:?}")));
        }
        let [out_channels, per_group, kh, kw] = image(dims)?;
        let group = usize::try_from(call.attributes.int("group", 1)?).ok().filter(|&g| g > 0);
        let group = group.ok_or_else(|| ImportError::malformed("group is not positive"))?;
        if per_group.checked_mul(group) != Some(shape[1]) || !out_channels.is_multiple_of(group) || out_channels == 0 {
            return Err(ImportError::malformed(format!(
                "weights {dims:?} do not fit {} input channels in {group} groups",
                shape[1]
            )));
        }
        let window = window(call, &shape, Some([kh, kw]))?;
        let extent = window.output([h, w_extent])?;
        let scales = scales(1.0, q.scale, w, 0, out_channels)?;
        let form = LinearForm::Conv { window, group, out_channels };
        self.builder.charge(w.constant.elements())?;
        let weights = w.centered()?.into();
        let mut kernel = LinearKernel { x, form, weights, bias: None, scales };
        kernel.bias = self.bias(bias, &kernel)?;
        Ok((kernel, image_shape(shape.len(), batch, out_channels, extent)))
    }

    /// Weights `[.., K, N]`, or `[N, K]` if transposed.
    fn dense_kernel(
        &mut self,
        (x, q): (TensorId, Quantization),
        w: &Weights,
        transposed: bool,
        alpha: f32,
    ) -> Result<(LinearKernel, Vec<usize>), ImportError> {
        self.builder.charge(w.constant.elements())?;
        let shape = self.builder.shape(x);
        let dims = &w.constant.dims;
        let misfit = || ImportError::unsupported(format!("a product of shapes {shape:?} and {dims:?}"));
        let ([leading_x @ .., _, k], [leading, rows, columns]) = (shape, split_matrix(dims).ok_or_else(misfit)?) else {
            return Err(misfit());
        };
        let (own_k, n) = if transposed { (columns, rows) } else { (rows, columns) };
        let batches: usize = leading_x.iter().product();
        let shared = leading == 1 && (dims.len() <= shape.len());
        let same = dims.len() == shape.len() && dims[..dims.len() - 2] == *leading_x;
        if own_k != *k || n == 0 || !(shared || same) {
            return Err(misfit());
        }
        let batch = if shared { 1 } else { batches };
        let centered = w.centered()?;
        let weights = if transposed {
            centered
        } else {
            let mut columns = Vec::with_capacity(centered.len());
            for matrix in centered.chunks_exact(k * n) {
                (0..n).for_each(|c| columns.extend(matrix[c..].iter().step_by(n)));
            }
            columns
        };
        let scales = scales(alpha, q.scale, w, if transposed { 0 } else { dims.len() - 1 }, n)?;
        let form = LinearForm::Dense { batch, k: *k, n };
        let mut out = shape.to_vec();
        if let Some(last) = out.last_mut() {
            *last = n;
        }
        Ok((LinearKernel { x, form, weights: weights.into(), bias: None, scales }, out))
    }

    /// A bias in steps of the accumulator, one for each output channel.
    pub(super) fn bias(
        &mut self,
        bias: Option<Value>,
        kernel: &LinearKernel,
    ) -> Result<Option<Rc<[i32]>>, ImportError> {
        let n = kernel.form.channels();
        self.builder.charge(if bias.is_some() { n } else { 0 })?;
        let scale = |i: usize| f64::from(kernel.scales[i % kernel.scales.len()]);
        let check = |c: &Constant| match c.elements() {
            // [N], [1, N]: along the last dimension.
            e if (e == n && c.dims.last() == Some(&n)) || e == 1 => Ok(()),
            _ => Err(c.mismatch("the bias", &format!("{n} elements"))),
        };
        let steps = |i: usize, real: f64| {
            let v = libm::rint(real / scale(i));
            if v.abs() <= f64::from(i32::MAX) {
                Ok(v as i32)
            } else {
                Err(ImportError::refused("the bias leaves int32"))
            }
        };
        let values: Vec<i32> = match bias {
            None => return Ok(None),
            Some(Value::Constant(c)) => {
                check(&c)?;
                match &c.data {
                    Data::Int32(v) => (0..n).map(|i| v[i % v.len()]).collect(),
                    Data::Real(v) => {
                        self.note_rounded_bias();
                        (0..n).map(|i| steps(i, v[i % v.len()].into())).collect::<Result<_, _>>()?
                    }
                    _ => return Err(c.mismatch("the bias", "int32 or float32")),
                }
            }
            Some(Value::Weights(w)) => {
                check(&w.constant)?;
                let Data::Int32(v) = &w.constant.data else { return Err(w.constant.mismatch("the bias", "int32")) };
                let own = |i: usize| f64::from(w.scales[i % w.scales.len()]);
                // Exporters compute x_scale · w_scale in their own precision; the integers are what they mean.
                const SAME: f64 = 1e-5;
                if (0..n).all(|i| (own(i) / scale(i) - 1.0).abs() < SAME) {
                    (0..n).map(|i| v[i % v.len()]).collect()
                } else {
                    self.note_rounded_bias();
                    (0..n).map(|i| steps(i, f64::from(v[i % v.len()]) * own(i))).collect::<Result<_, _>>()?
                }
            }
            Some(_) => {
                return Err(
                    ImportError::unsupported("the bias is computed at run time").hint("it must be an initializer")
                );
            }
        };
        Ok(Some(values.into()))
    }

    fn note_rounded_bias(&mut self) {
        self.notes.push(format!("{}: its bias was rounded to steps of x_scale · w_scale", self.builder.node));
    }
}

/// `alpha · x_scale · w_scale`, each step in f32.
fn scales(alpha: f32, x: f32, w: &Weights, axis: usize, channels: usize) -> Result<Rc<[f32]>, ImportError> {
    if w.scales.len() > 1 && (w.axis != axis || w.scales.len() != channels) || w.zeros.len() > 1 && w.axis != axis {
        return Err(ImportError::unsupported("the weights are not quantized along the output channels"));
    }
    check_scale(alpha).map_err(|e| ImportError::refused(format!("alpha: {}", e.message)))?;
    let scales: Rc<[f32]> = w.scales.iter().map(|s| alpha * x * s).collect();
    scales
        .iter()
        .try_for_each(|&s| check_scale(s))
        .map_err(|e| ImportError::refused(format!("x_scale · w_scale: {}", e.message)))?;
    Ok(scales)
}

/// Product of the leading dimensions, and the last two.
fn split_matrix(dims: &[usize]) -> Option<[usize; 3]> {
    match dims {
        [leading @ .., rows, columns] => Some([leading.iter().product(), *rows, *columns]),
        _ => None,
    }
}

fn gemm_attributes(call: &mut Call<'_>) -> Result<(f32, bool), ImportError> {
    call.attributes.only("transA", 0)?;
    let transposed = match call.attributes.int("transB", 0)? {
        0 => false,
        1 => true,
        v => return Err(ImportError::malformed(format!("transB = {v}"))),
    };
    Ok((call.attributes.float("alpha", 1.0)?, transposed))
}

/// Dequantized weights.
fn weights_operand(call: &mut Call<'_>, i: usize) -> Result<Rc<Weights>, ImportError> {
    match call.operand(i, "the weights")? {
        Value::Weights(w) => Ok(w),
        Value::Constant(_) => Err(ImportError::unsupported("the weights are not quantized")
            .hint("quantize the model statically, to int8 or uint8")),
        _ => Err(ImportError::unsupported("the weights are computed at run time").hint("they must be initializers")),
    }
}
