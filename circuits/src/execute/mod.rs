//! The reference executor: the one meaning of a quantized network, bit for bit.
//!
//! [`run`] answers a question, [`trace`] keeps every tensor for witness generation, [`run_batch`] spreads samples over
//! the rayon pool. Each operator's arithmetic is its own `eval`; the loops that they share are in `kernel`.

pub(crate) mod kernel;

use alloc::vec::Vec;

use rayon::prelude::*;

use crate::{graph::Graph, op::Operator as _};

/// Raw (not centered) integers of one tensor, row-major; within the tensor's 8-bit type.
pub type Tensor = Vec<i16>;

/// Runs the graph on one sample and gives every tensor's integers, indexed as [`Graph::tensors`].
///
/// The graph has to pass [`Graph::check`].
pub fn trace(graph: &Graph, input: &[i16]) -> Result<Vec<Tensor>, ExecuteError> {
    evaluate(graph, input, Keep::All)
}

/// Runs the graph on one sample and gives the output's integers; other tensors are freed after their last use.
///
/// The same condition as for [`trace`].
pub fn run(graph: &Graph, input: &[i16]) -> Result<Tensor, ExecuteError> {
    let mut tensors = evaluate(graph, input, Keep::Output)?;
    Ok(core::mem::take(&mut tensors[graph.output.index()]))
}

/// [`run`] on many samples at once, in order.
pub fn run_batch<S: AsRef<[i16]> + Sync>(graph: &Graph, samples: &[S]) -> Result<Vec<Tensor>, ExecuteError> {
    samples.par_iter().map(|s| run(graph, s.as_ref())).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    All,
    Output,
}

fn evaluate(graph: &Graph, input: &[i16], keep: Keep) -> Result<Vec<Tensor>, ExecuteError> {
    check_input(graph, input)?;
    let mut readers = alloc::vec![0usize; graph.tensors.len()];
    graph.nodes.iter().flat_map(|n| &n.inputs).for_each(|id| readers[id.index()] += 1);
    readers[graph.output.index()] += 1;

    let mut tensors = alloc::vec![Tensor::new(); graph.tensors.len()];
    tensors[graph.input.index()] = input.to_vec();
    for node in &graph.nodes {
        let operands: Vec<&Tensor> = node.inputs.iter().map(|id| &tensors[id.index()]).collect();
        let result = node.op.eval(&graph.operands(node), &operands, graph.tensor(node.output));
        tensors[node.output.index()] = result;
        if keep == Keep::Output {
            for id in &node.inputs {
                readers[id.index()] -= 1;
                if readers[id.index()] == 0 {
                    tensors[id.index()] = Tensor::new();
                }
            }
        }
    }
    Ok(tensors)
}

fn check_input(graph: &Graph, input: &[i16]) -> Result<(), ExecuteError> {
    let info = graph.input_info();
    if input.len() != info.elements() {
        return Err(ExecuteError::Length { got: input.len(), expected: info.elements() });
    }
    let range = info.quant.dtype.min()..=info.quant.dtype.max();
    match input.iter().position(|&v| !range.contains(&v.into())) {
        Some(index) => Err(ExecuteError::Range { index, value: input[index], dtype: info.quant.dtype.name() }),
        None => Ok(()),
    }
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
