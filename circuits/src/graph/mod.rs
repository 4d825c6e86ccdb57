//! The quantized graph: 8-bit tensors, operators between them, one input and one output.

mod decode;
mod encode;

use alloc::{format, string::String, vec::Vec};

pub use self::{decode::MAX_ENCODED, encode::Encoder};

use crate::op::{Op, Operator as _};

/// Largest number of elements of one tensor, and largest dimension: bounds every allocation made for a graph.
pub const MAX_ELEMENTS: usize = 1 << 26;
/// Largest rank of a tensor.
pub const MAX_RANK: usize = 8;

/// The two activation types: 8-bit integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// Signed, −128 to 127.
    I8,
    /// Unsigned, 0 to 255.
    U8,
}

impl DType {
    /// Smallest value of the type.
    pub const fn min(self) -> i32 {
        match self {
            Self::I8 => -128,
            Self::U8 => 0,
        }
    }

    /// Largest value of the type.
    pub const fn max(self) -> i32 {
        match self {
            Self::I8 => 127,
            Self::U8 => 255,
        }
    }

    /// The name used in messages and JSON: `int8` or `uint8`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::I8 => "int8",
            Self::U8 => "uint8",
        }
    }
}

/// Per-tensor affine quantization: `real = scale · (integer − zero_point)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quantization {
    /// Integer type.
    pub dtype: DType,
    /// A positive, normal f32.
    pub scale: f32,
    /// Within the range of `dtype`.
    pub zero_point: i32,
}

impl Quantization {
    /// Checks that the scale is positive and normal and the zero point representable.
    pub fn check(&self) -> Result<(), GraphError> {
        check_scale(self.scale)?;
        if self.zero_point < self.dtype.min() || self.zero_point > self.dtype.max() {
            return Err(GraphError::new(format!("zero point {} is outside {}", self.zero_point, self.dtype.name())));
        }
        Ok(())
    }
}

/// Refuses NaN, infinite, zero, negative and denormal scales: ONNX Runtime accepts them, but their meaning is not exact.
pub fn check_scale(scale: f32) -> Result<(), GraphError> {
    if scale.is_normal() && scale > 0.0 {
        Ok(())
    } else {
        Err(GraphError::new(format!("scale {scale:e} is not a positive normal number")))
    }
}

/// Shape and quantization of one tensor. Dimensions include the batch dimension, which is 1 for a symbolic one.
#[derive(Clone, Debug, PartialEq)]
pub struct TensorInfo {
    /// Dimensions, outermost first; every one at least 1.
    pub shape: Vec<usize>,
    /// Integer type, scale, zero point.
    pub quant: Quantization,
}

impl TensorInfo {
    /// Number of elements. Checked not to overflow by [`Graph::check`].
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

/// Index of a tensor in [`Graph::tensors`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TensorId(pub u32);

impl TensorId {
    /// The index as `usize`.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// One operator application.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// For people: the name in the model file. Not part of the canonical encoding.
    pub name: String,
    /// What is computed.
    pub op: Op,
    /// Operands.
    pub inputs: Vec<TensorId>,
    /// Result; every tensor but the graph's input is the output of exactly one node.
    pub output: TensorId,
}

/// A quantized network: nodes in topological order, one input tensor, one output tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// All tensors.
    pub tensors: Vec<TensorInfo>,
    /// Nodes, each after the producers of its operands.
    pub nodes: Vec<Node>,
    /// The tensor that the prover commits to.
    pub input: TensorId,
    /// The tensor that is disclosed.
    pub output: TensorId,
}

impl Graph {
    /// The tensor's shape and quantization.
    pub fn tensor(&self, id: TensorId) -> &TensorInfo {
        &self.tensors[id.index()]
    }

    /// Shape and quantization of the input.
    pub fn input_info(&self) -> &TensorInfo {
        self.tensor(self.input)
    }

    /// Shape and quantization of the output.
    pub fn output_info(&self) -> &TensorInfo {
        self.tensor(self.output)
    }

    /// The tensors that a node reads.
    pub fn operands(&self, node: &Node) -> Vec<&TensorInfo> {
        node.inputs.iter().map(|&id| self.tensor(id)).collect()
    }

    /// Checks everything that the rest of the crate relies on: quantizations, sizes, topological order, single
    /// assignment, and every operator's own inference, with accumulators that stay within int32. A graph that passes never panics in `execute` or `lower`.
    pub fn check(&self) -> Result<(), GraphError> {
        for (i, t) in self.tensors.iter().enumerate() {
            check_shape(&t.shape).and_then(|()| t.quant.check()).map_err(|e| e.at(format!("tensor {i}")))?;
        }
        let mut defined = alloc::vec![false; self.tensors.len()];
        *defined.get_mut(self.input.index()).ok_or_else(|| GraphError::new("the input tensor does not exist"))? = true;
        for node in &self.nodes {
            self.check_node(node, &mut defined).map_err(|e| e.at(node.name.clone()))?;
        }
        if !defined.iter().all(|&d| d) {
            return Err(GraphError::new("a tensor is produced by no node"));
        }
        if self.output.index() >= self.tensors.len() {
            return Err(GraphError::new("the output tensor does not exist"));
        }
        Ok(())
    }

    fn check_node(&self, node: &Node, defined: &mut [bool]) -> Result<(), GraphError> {
        for id in &node.inputs {
            if !defined.get(id.index()).copied().unwrap_or(false) {
                return Err(GraphError::new("an operand is used before it is produced"));
            }
        }
        match defined.get_mut(node.output.index()) {
            Some(d) if !*d => *d = true,
            Some(_) => return Err(GraphError::new("its output is produced twice")),
            None => return Err(GraphError::new("its output tensor does not exist")),
        }
        let output = self.tensor(node.output);
        let shape = node.op.infer(&self.operands(node), output)?;
        if shape != output.shape {
            return Err(GraphError::new(format!("declared shape {:?}, inferred {shape:?}", output.shape)));
        }
        Ok(())
    }
}

/// Checks rank, that no dimension is zero, and that the number of elements is within [`MAX_ELEMENTS`].
pub fn check_shape(shape: &[usize]) -> Result<(), GraphError> {
    if shape.len() > MAX_RANK {
        return Err(GraphError::new(format!("rank {} is above {MAX_RANK}", shape.len())));
    }
    let elements = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d).filter(|&n| n > 0 && n <= MAX_ELEMENTS));
    elements
        .map(|_| ())
        .ok_or_else(|| GraphError::new(format!("shape {shape:?} is empty or has more than {MAX_ELEMENTS} elements")))
}

/// A graph that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{message}", if .place.is_empty() { String::new() } else { format!("{place}: ") })]
pub struct GraphError {
    /// The node or tensor, if known.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl GraphError {
    /// An error without a place.
    pub fn new(message: impl Into<String>) -> Self {
        Self { place: String::new(), message: message.into() }
    }

    /// The same error, at a place (kept if one is known already).
    pub fn at(mut self, place: impl Into<String>) -> Self {
        if self.place.is_empty() {
            self.place = place.into();
        }
        self
    }
}
