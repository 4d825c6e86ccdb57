//! Elementwise sums and products: residual connections, gates, and the bias of a matrix product.

use alloc::format;
use std::rc::Rc;

use super::{
    Importer,
    constant::{Constant, Data},
    error::ImportError,
    nodes::Call,
    value::{Kernel, LinearForm, LinearKernel, Pending, Real, Value, Weights},
};
use crate::{
    graph::{Quantization, TensorId, check_scale},
    op::{Add, Mul, Op},
};

impl Importer<'_> {
    /// `a, a_scale, a_zero?, b, b_scale, b_zero?, c_scale, c_zero?`
    pub(super) fn qlinear_add(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        self.qlinear_binary(call, Add)
    }

    /// Likewise.
    pub(super) fn qlinear_mul(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        self.qlinear_binary(call, Mul)
    }

    fn qlinear_binary(&mut self, call: &mut Call<'_>, op: impl Into<Op>) -> Result<Value, ImportError> {
        let (a, _) = self.quantized(call, [0, 1, 2], "a")?;
        let (b, _) = self.quantized(call, [3, 4, 5], "b")?;
        let q: Quantization = call.quantization([6, 7], "the result", self.builder.dtype(a))?;
        let operands: [TensorId; 2] = self.broadcast(a, b)?;
        let shape = self.builder.shape(operands[0]).to_vec();
        self.builder.push(op, &operands, shape, q).map(Value::Tensor)
    }

    /// `a, b`: two dequantized tensors, functions of one, a product and its factor, or two constants.
    pub(super) fn mul(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (a, b) = (call.operand(0, "a")?, call.operand(1, "b")?);
        if let Some(map) = self.combined(&a, &b, |a, b| a * b)? {
            return Ok(map);
        }
        match (a, b) {
            (Value::Real(Real::Tensor(a)), Value::Real(Real::Tensor(b))) => {
                let operands = self.broadcast(a, b)?;
                Ok(Real::pending(Kernel::Product(operands), self.builder.shape(operands[0]).to_vec()))
            }
            (Value::Real(Real::Pending(p)), factor @ (Value::Weights(_) | Value::Constant(_)))
            | (factor @ (Value::Weights(_) | Value::Constant(_)), Value::Real(Real::Pending(p))) => {
                self.scale(&p, &factor)
            }
            (a @ (Value::Weights(_) | Value::Constant(_)), b @ (Value::Weights(_) | Value::Constant(_))) => {
                self.constant_product(&a, &b)
            }
            _ => Err(ImportError::unsupported(
                "Mul of operands that are neither dequantized tensors nor functions of one",
            )
            .hint("both must come from DequantizeLinear; integer tensors are multiplied by QLinearMul")),
        }
    }

    /// `a, b`: two dequantized tensors, or a matrix product or convolution and its bias.
    pub(super) fn add(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (a, b) = (call.operand(0, "a")?, call.operand(1, "b")?);
        let tensors = matches!((&a, &b), (Value::Real(Real::Tensor(_)), Value::Real(Real::Tensor(_))));
        if !tensors && let Some(map) = self.combined(&a, &b, |a, b| a + b)? {
            return Ok(map);
        }
        match (a, b) {
            (Value::Real(Real::Tensor(a)), Value::Real(Real::Tensor(b))) => {
                let operands = self.broadcast(a, b)?;
                Ok(Real::pending(Kernel::Sum(operands), self.builder.shape(operands[0]).to_vec()))
            }
            (Value::Real(Real::Pending(p)), bias @ (Value::Weights(_) | Value::Constant(_)))
            | (bias @ (Value::Weights(_) | Value::Constant(_)), Value::Real(Real::Pending(p))) => {
                let kernel = self.add_bias(&p, bias)?;
                Ok(Real::pending(Kernel::Linear(kernel), p.shape.clone()))
            }
            (Value::Accumulators(p), Value::Constant(c)) | (Value::Constant(c), Value::Accumulators(p)) => {
                if !matches!(c.data, Data::Int32(_)) {
                    return Err(c.mismatch("the bias of integers", "int32"));
                }
                let kernel = self.add_bias(&p, Value::Constant(c))?;
                Ok(Value::Accumulators(Rc::new(Pending::new(Kernel::Linear(kernel), p.shape.clone()))))
            }
            _ => Err(ImportError::unsupported(
                "Add of operands that are neither dequantized tensors nor product and bias",
            )
            .hint("both must come from DequantizeLinear; integer tensors are added by QLinearAdd")),
        }
    }

    /// A product times a constant: another scale, or one for each channel.
    fn scale(&mut self, p: &Pending, factor: &Value) -> Result<Value, ImportError> {
        let kernel = p.product().ok_or_else(|| ImportError::unsupported("a constant scales what is no product"))?;
        let factor = self.real_constant(factor, "the factor")?;
        let Data::Real(factors) = &factor.data else { return Err(factor.mismatch("the factor", "float32")) };
        let n = kernel.form.channels();
        let fits = factors.len() == n && along_channels(&factor.dims, kernel.form.axis(&p.shape), &p.shape);
        if !fits && (factors.len() != 1 || factor.dims.len() > p.shape.len()) {
            return Err(ImportError::unsupported(format!(
                "factors of shape {:?} on a result of shape {:?}",
                factor.dims, p.shape
            )));
        }
        let count = kernel.scales.len().max(factors.len());
        self.builder.charge(count)?;
        let scales: Rc<[f32]> =
            (0..count).map(|i| kernel.scales[i % kernel.scales.len()] * factors[i % factors.len()]).collect();
        let checked = factors.iter().chain(&*scales).try_for_each(|&s| check_scale(s));
        checked.map_err(|e| ImportError::refused(format!("the factor of a product: {}", e.message)))?;
        let kernel = LinearKernel { scales, ..kernel.clone() };
        Ok(Real::pending(Kernel::Linear(kernel), p.shape.clone()))
    }

    /// The product of two constants, as of the two scales of a product of integers.
    fn constant_product(&mut self, a: &Value, b: &Value) -> Result<Value, ImportError> {
        let [a, b] = [self.real_constant(a, "a")?, self.real_constant(b, "b")?];
        let (one, many) = if a.elements() == 1 && a.dims.len() <= b.dims.len() { (&a, &b) } else { (&b, &a) };
        let (Data::Real(one_data), Data::Real(factors)) = (&one.data, &many.data) else {
            return Err(ImportError::unsupported("a product of constants that are not both float32"));
        };
        let (&[factor], true) = (&**one_data, one.dims.len() <= many.dims.len()) else {
            return Err(ImportError::unsupported("a product of two constants of several elements")
                .hint("fold constants before the import"));
        };
        self.builder.charge(factors.len())?;
        let data = Data::Real(factors.iter().map(|f| f * factor).collect());
        Ok(Value::Constant(Rc::new(Constant { dims: many.dims.clone(), data })))
    }

    /// A constant, dequantized if it is quantized.
    pub(super) fn real_constant(&mut self, value: &Value, what: &str) -> Result<Rc<Constant>, ImportError> {
        match value {
            Value::Constant(c) => Ok(c.clone()),
            Value::Weights(w) => {
                self.builder.charge(w.constant.elements())?;
                w.dequantize().map(Rc::new)
            }
            _ => {
                Err(ImportError::unsupported(format!("{what} is computed at run time"))
                    .hint("it must be an initializer"))
            }
        }
    }

    fn add_bias(&mut self, p: &Pending, bias: Value) -> Result<LinearKernel, ImportError> {
        let kernel = p
            .product()
            .ok_or_else(|| ImportError::unsupported("a constant is added to something that is no product"))?;
        if kernel.bias.is_some() {
            return Err(ImportError::unsupported("the product has a bias already").hint("add the two biases up"));
        }
        let constant = match &bias {
            Value::Weights(w) => &w.constant,
            Value::Constant(c) => c,
            _ => return Err(ImportError::unsupported("the bias is computed at run time")),
        };
        let (dims, shape) = (&constant.dims, &p.shape);
        if !along_channels(dims, kernel.form.axis(shape), shape) {
            return Err(ImportError::unsupported(format!("a bias of shape {dims:?} on a result of shape {shape:?}")));
        }
        // As a list: its place among the dimensions has been checked.
        let flat = match bias {
            Value::Weights(w) if w.scales.len() == 1 => {
                let constant =
                    Rc::new(Constant { dims: alloc::vec![w.constant.elements()], data: w.constant.data.clone() });
                Value::Weights(Rc::new(Weights { constant, scales: w.scales.clone(), zeros: w.zeros.clone(), axis: 0 }))
            }
            Value::Constant(c) => {
                Value::Constant(Rc::new(Constant { dims: alloc::vec![c.elements()], data: c.data.clone() }))
            }
            other => other,
        };
        let bias = self.bias(Some(flat), kernel)?;
        Ok(LinearKernel { bias, ..kernel.clone() })
    }
}

impl LinearForm {
    /// The dimension of the output channels in a result of this shape.
    fn axis(self, shape: &[usize]) -> usize {
        match self {
            Self::Conv { .. } => 1,
            Self::Dense { .. } => shape.len() - 1,
        }
    }
}

/// Whether a constant of shape `dims` has one element for each index along `axis` of a tensor that it is broadcast to,
/// their last dimensions aligned.
pub(super) fn along_channels(dims: &[usize], axis: usize, shape: &[usize]) -> bool {
    let own = (axis + dims.len()).checked_sub(shape.len());
    let extent = own.and_then(|own| dims.get(own));
    dims.len() <= shape.len() && extent == shape.get(axis) && extent.copied() == Some(dims.iter().product())
}
