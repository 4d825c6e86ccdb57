//! Elementwise sums and products: residual connections, gates, and the bias of a matrix product.

use alloc::format;
use std::rc::Rc;

use super::{
    Importer,
    error::ImportError,
    nodes::Call,
    value::{Kernel, LinearForm, LinearKernel, Pending, Real, Value},
};
use crate::{
    graph::{Quantization, TensorId},
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

    /// `a, b`: two dequantized tensors, or functions of one.
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
                self.add_bias(&p, bias)
            }
            _ => Err(ImportError::unsupported(
                "Add of operands that are neither dequantized tensors nor product and bias",
            )
            .hint("both must come from DequantizeLinear; integer tensors are added by QLinearAdd")),
        }
    }

    fn add_bias(&mut self, p: &Pending, bias: Value) -> Result<Value, ImportError> {
        let Pending { kernel: Kernel::Linear(kernel), shape, clip: [f32::NEG_INFINITY, f32::INFINITY] } = p else {
            return Err(ImportError::unsupported("a constant is added to something that is no product"));
        };
        if kernel.bias.is_some() {
            return Err(ImportError::unsupported("the product has a bias already").hint("add the two biases up"));
        }
        let constant = match &bias {
            Value::Weights(w) => &w.constant,
            Value::Constant(c) => c,
            _ => return Err(ImportError::unsupported("the bias is computed at run time")),
        };
        // Broadcasting aligns the last dimensions: all but the channels' must be 1.
        let behind = match kernel.form {
            LinearForm::Conv { .. } => shape.len() - 2,
            LinearForm::Dense { .. } => 0,
        };
        let dims = &constant.dims;
        let channels = dims.len().checked_sub(behind + 1).and_then(|axis| dims.get(axis));
        let fits = dims.len() <= shape.len() && constant.elements() == kernel.form.channels();
        if !fits || channels != Some(&kernel.form.channels()) {
            return Err(ImportError::unsupported(format!("a bias of shape {dims:?} on a result of shape {shape:?}")));
        }
        // As a list: its place among the dimensions has been checked.
        let flat = match bias {
            Value::Weights(w) if w.scales.len() == 1 => {
                let constant = Rc::new(super::Constant {
                    dims: alloc::vec![w.constant.elements()],
                    data: w.constant.data.clone(),
                });
                Value::Weights(Rc::new(super::value::Weights {
                    constant,
                    scales: w.scales.clone(),
                    zeros: w.zeros.clone(),
                    axis: 0,
                }))
            }
            Value::Constant(c) => {
                Value::Constant(Rc::new(super::Constant { dims: alloc::vec![c.elements()], data: c.data.clone() }))
            }
            other => other,
        };
        let bias = self.bias(Some(flat), kernel)?;
        let kernel = LinearKernel { bias, ..kernel.clone() };
        Ok(Real::pending(Kernel::Linear(kernel), shape.clone()))
    }
}
