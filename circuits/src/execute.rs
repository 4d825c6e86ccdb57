//! The reference executor: the one meaning of a quantized network, bit for bit.

use alloc::vec::Vec;

use crate::graph::Graph;

/// Raw (not centered) integers of one tensor, row-major; within the tensor's 8-bit type.
pub type Tensor = Vec<i16>;

/// Runs the graph on one sample and gives every tensor's integers, indexed as [`Graph::tensors`].
pub fn trace(graph: &Graph, input: &[i16]) -> Result<Vec<Tensor>, ExecuteError> {
    todo!("{graph:?} {input:?}")
}

/// A sample that does not fit the graph.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExecuteError {
    /// Wrong number of elements.
    #[error("the sample has {got} elements, the model's input has {expected}")]
    Length {
        /// Elements given.
        got: usize,
        /// Elements of the input tensor.
        expected: usize,
    },
    /// A value outside the input's type.
    #[error("element {index} is {value}, outside {dtype}")]
    Range {
        /// Position, row-major.
        index: usize,
        /// The value.
        value: i16,
        /// The input's type.
        dtype: &'static str,
    },
}
