//! What a tensor name stands for while a model is being imported.

use alloc::vec::Vec;
use std::rc::Rc;

use super::{activation::Softmax, builder::Builder, constant::Constant, proto::data_type};
use crate::{
    graph::{Quantization, TensorId},
    op::Window,
};

/// A tensor of the file.
#[derive(Clone)]
pub(super) enum Value {
    /// An initializer or a Constant node.
    Constant(Rc<Constant>),
    /// A dequantized constant.
    Weights(Rc<Weights>),
    /// Integers of the graph.
    Tensor(TensorId),
    /// The int32 sums of a product of integers, not scaled yet.
    Accumulators(Rc<Pending>),
    /// Reals that have no place in the graph themselves.
    Real(Real),
    /// A Softmax, which may only end the model.
    Softmax { logits: TensorId, softmax: Softmax, real: bool },
    /// The index of the largest element of a tensor, which may only end the model.
    Argmax { operand: TensorId, shape: Vec<usize>, real: bool },
}

/// Reals computed at run time.
#[derive(Clone)]
pub(super) enum Real {
    /// The model's input before quantization, rearranged: the moves follow the quantization instead.
    Input { moves: Vec<Move>, shape: Vec<usize> },
    /// A dequantized tensor.
    Tensor(TensorId),
    /// A result that its QuantizeLinear turns into an operator.
    Pending(Rc<Pending>),
}

/// A rearrangement of elements.
#[derive(Clone)]
pub(super) enum Move {
    /// To this shape.
    Reshape(Vec<usize>),
    /// Output dimension `i` is input dimension `perm[i]`.
    Transpose(Vec<usize>),
    /// For each dimension, the operand's index at each of the result's; `fill` where there is none.
    Select { axes: Rc<[Vec<Option<u32>>]>, fill: Option<Fill> },
}

/// A constant between chosen elements.
#[derive(Clone, Copy)]
pub(super) enum Fill {
    Integer(i16),
    /// What the quantization of the tensor makes of this number.
    Real(f32),
}

/// An operator that lacks only the quantization of its result.
#[derive(Clone)]
pub(super) struct Pending {
    pub(super) kernel: Kernel,
    pub(super) shape: Vec<usize>,
    /// Range of an activation: `−∞` to `∞` without one.
    pub(super) clip: [f32; 2],
}

#[derive(Clone)]
pub(super) enum Kernel {
    /// A convolution or a matrix product.
    Linear(LinearKernel),
    /// Sum of two tensors.
    Sum([TensorId; 2]),
    /// Mean over windows.
    Average(TensorId, Window),
    /// Product of two tensors.
    Product([TensorId; 2]),
    /// Tensors one after another along an axis.
    Concat(Vec<TensorId>, usize),
    /// Sum or mean over the last dimension of a tensor of these rows.
    Reduce { x: TensorId, rows: usize, taps: usize, mean: bool },
    /// A function of one tensor: its value at each of the 256 integers, of one channel after another if they differ.
    Map(TensorId, Rc<[f32]>),
}

#[derive(Clone)]
pub(super) struct LinearKernel {
    pub(super) x: TensorId,
    pub(super) form: LinearForm,
    /// Centered, in the operator's own order.
    pub(super) weights: Rc<[i16]>,
    /// Absent: a bias may still be added.
    pub(super) bias: Option<Rc<[i32]>>,
    /// `alpha · x_scale · w_scale`, each step in f32: one, or one for each output channel.
    pub(super) scales: Rc<[f32]>,
}

#[derive(Clone, Copy)]
pub(super) enum LinearForm {
    Conv { window: Window, group: usize, out_channels: usize },
    Dense { batch: usize, k: usize, n: usize },
}

impl LinearForm {
    /// Output channels.
    pub(super) fn channels(self) -> usize {
        match self {
            Self::Conv { out_channels, .. } => out_channels,
            Self::Dense { n, .. } => n,
        }
    }
}

/// Constant integers with their quantization.
pub(super) struct Weights {
    pub(super) constant: Rc<Constant>,
    /// One, or one for each index along `axis`.
    pub(super) scales: Vec<f32>,
    /// Likewise.
    pub(super) zeros: Vec<i32>,
    pub(super) axis: usize,
}

impl Value {
    /// Element type and shape, where a declaration can be held against them.
    pub(super) fn describe(&self, builder: &Builder) -> Option<(i32, Vec<usize>)> {
        Some(match self {
            Self::Constant(c) => (c.elem_type(), c.dims.clone()),
            Self::Weights(w) => (data_type::FLOAT, w.constant.dims.clone()),
            Self::Tensor(id) => (data_type::of(builder.dtype(*id)), builder.shape(*id).to_vec()),
            Self::Accumulators(p) => (data_type::INT32, p.shape.clone()),
            Self::Real(r) => (data_type::FLOAT, r.shape(builder).to_vec()),
            Self::Argmax { shape, .. } => (data_type::INT64, shape.clone()),
            Self::Softmax { logits, softmax, real } => {
                let elem_type = match softmax.output {
                    Some(Quantization { dtype, .. }) if !real => data_type::of(dtype),
                    _ => data_type::FLOAT,
                };
                (elem_type, builder.shape(*logits).to_vec())
            }
        })
    }
}

impl Real {
    pub(super) fn shape<'a>(&'a self, builder: &'a Builder) -> &'a [usize] {
        match self {
            Self::Input { shape, .. } => shape,
            Self::Tensor(id) => builder.shape(*id),
            Self::Pending(p) => &p.shape,
        }
    }

    pub(super) fn pending(kernel: Kernel, shape: Vec<usize>) -> Value {
        Value::Real(Self::Pending(Rc::new(Pending::new(kernel, shape))))
    }
}

impl Pending {
    pub(super) fn new(kernel: Kernel, shape: Vec<usize>) -> Self {
        Self { kernel, shape, clip: [f32::NEG_INFINITY, f32::INFINITY] }
    }

    /// The product that this is, if nothing followed that clips it.
    pub(super) fn product(&self) -> Option<&LinearKernel> {
        match (&self.kernel, self.clip) {
            (Kernel::Linear(kernel), [f32::NEG_INFINITY, f32::INFINITY]) => Some(kernel),
            _ => None,
        }
    }
}
