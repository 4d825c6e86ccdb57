//! The implementation under test: an imported model and what to feed it.

use avouch_circuits::graph::{Graph, Quantization};
use avouch_prover::input::InputSpec;

/// What an end of a model holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Real numbers: quantized or dequantized outside the graph.
    Float,
    /// The graph's own integers.
    Integer,
}

/// An imported model.
pub(crate) struct Subject {
    pub(crate) graph: Graph,
    pub(crate) input: Kind,
    pub(crate) output: Kind,
    /// A Softmax that was cut from the end, with the quantization of its output if it had one.
    pub(crate) softmax: Option<Option<Quantization>>,
    shape: Vec<usize>,
    batchable: bool,
}

impl Subject {
    /// Imports a model file; the reason where it is refused.
    pub(crate) fn import(bytes: &[u8]) -> Result<Self, String> {
        Err("no".into())
    }

    /// What the model's input files hold.
    pub(crate) fn spec(&self) -> InputSpec {
        InputSpec {
            shape: self.shape.clone(),
            batchable: self.batchable,
            quant: self.graph.input_info().quant,
            float: self.input == Kind::Float,
        }
    }
}
