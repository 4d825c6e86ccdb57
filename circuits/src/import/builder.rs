//! A graph while it is being imported: quantizations become known as they are used.

use alloc::{format, string::String, vec::Vec};

use super::error::ImportError;
use crate::{
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo, check_shape},
    op::{Op, Operator as _},
};

/// Most weights and biases of one model, counted wherever elements are made from the file's constants: a node of a few
/// bytes may read a constant of any size, and many nodes the same one.
const MAX_PARAMETERS: usize = 1 << 25;
/// Most nodes, of the file and of the graph.
pub(super) const MAX_NODES: usize = 1 << 16;

/// Tensors that hold the same integers under the same quantization: data movement keeps it. ONNX states it only where
/// a tensor is used as a quantized one.
struct Class {
    /// Itself at the root of a class.
    parent: usize,
    /// Height bound of the tree below a root.
    rank: u32,
    dtype: DType,
    known: Option<Quantization>,
}

#[derive(Default)]
pub(super) struct Builder {
    shapes: Vec<Vec<usize>>,
    /// For each tensor, an index in `classes`.
    class_of: Vec<usize>,
    classes: Vec<Class>,
    nodes: Vec<Node>,
    parameters: usize,
    /// Name of the node being imported.
    pub(super) node: String,
}

impl Builder {
    pub(super) fn shape(&self, id: TensorId) -> &[usize] {
        &self.shapes[id.index()]
    }

    pub(super) fn dtype(&self, id: TensorId) -> DType {
        self.classes[self.root(self.class_of[id.index()])].dtype
    }

    fn root(&self, mut class: usize) -> usize {
        while self.classes[class].parent != class {
            class = self.classes[class].parent;
        }
        class
    }

    /// A tensor without a producer, of a quantization that is not known yet.
    pub(super) fn tensor(&mut self, shape: Vec<usize>, dtype: DType) -> Result<TensorId, ImportError> {
        let class = self.classes.len();
        self.classes.push(Class { parent: class, rank: 0, dtype, known: None });
        self.tensor_of(shape, class)
    }

    fn tensor_of(&mut self, shape: Vec<usize>, class: usize) -> Result<TensorId, ImportError> {
        check_shape(&shape).map_err(|e| ImportError::too_large(e.message))?;
        self.shapes.push(shape);
        self.class_of.push(class);
        Ok(TensorId(self.shapes.len() as u32 - 1))
    }

    /// States the quantization of a tensor; it must agree with every other statement about it.
    pub(super) fn assume(&mut self, id: TensorId, q: Quantization) -> Result<(), ImportError> {
        let root = self.root(self.class_of[id.index()]);
        let class = &mut self.classes[root];
        if class.dtype != q.dtype {
            return Err(ImportError::malformed(format!(
                "the tensor is {}, its zero point {}",
                class.dtype.name(),
                q.dtype.name()
            )));
        }
        match class.known {
            None => class.known = Some(q),
            Some(known) if known == q => {}
            Some(known) => {
                return Err(ImportError::unsupported(format!(
                    "the tensor has scale {:e} and zero point {} here, and {:e} and {} elsewhere",
                    q.scale, q.zero_point, known.scale, known.zero_point
                ))
                .hint("requantize it by DequantizeLinear and QuantizeLinear"));
            }
        }
        Ok(())
    }

    /// The quantization of a tensor, if it has been stated.
    pub(super) fn quantization(&self, id: TensorId) -> Option<Quantization> {
        self.classes[self.root(self.class_of[id.index()])].known
    }

    /// States that the quantizations of two tensors are the same.
    pub(super) fn unite(&mut self, a: TensorId, b: TensorId) -> Result<(), ImportError> {
        let [ra, rb] = [a, b].map(|id| self.root(self.class_of[id.index()]));
        if ra == rb {
            return Ok(());
        }
        if self.classes[ra].dtype != self.classes[rb].dtype {
            return Err(ImportError::malformed("the operands have different types"));
        }
        if let Some(q) = self.classes[rb].known {
            self.assume(a, q)?;
        }
        let (low, high) = if self.classes[ra].rank < self.classes[rb].rank { (ra, rb) } else { (rb, ra) };
        self.classes[high].known = self.classes[ra].known;
        self.classes[high].rank = self.classes[high].rank.max(self.classes[low].rank + 1);
        self.classes[low].parent = high;
        Ok(())
    }

    /// Appends an operator whose result keeps its operand's quantization.
    pub(super) fn keep(
        &mut self,
        op: impl Into<Op>,
        inputs: &[TensorId],
        shape: Vec<usize>,
    ) -> Result<TensorId, ImportError> {
        let class = self.class_of[inputs[0].index()];
        let output = self.tensor_of(shape, class)?;
        self.node(op.into(), inputs, output)
    }

    /// Appends an operator whose result has a quantization of its own.
    pub(super) fn push(
        &mut self,
        op: impl Into<Op>,
        inputs: &[TensorId],
        shape: Vec<usize>,
        q: Quantization,
    ) -> Result<TensorId, ImportError> {
        let output = self.tensor(shape, q.dtype)?;
        self.assume(output, q)?;
        self.node(op.into(), inputs, output)
    }

    /// Counts elements that are about to be made from constants.
    pub(super) fn charge(&mut self, elements: usize) -> Result<(), ImportError> {
        self.parameters = self.parameters.saturating_add(elements);
        if self.parameters > MAX_PARAMETERS {
            return Err(ImportError::too_large(format!("the model has more than {MAX_PARAMETERS} parameters")));
        }
        Ok(())
    }

    fn node(&mut self, op: Op, inputs: &[TensorId], output: TensorId) -> Result<TensorId, ImportError> {
        self.charge(op.parameters())?;
        if self.nodes.len() == MAX_NODES {
            return Err(ImportError::too_large(format!("the model has more than {MAX_NODES} nodes")));
        }
        self.nodes.push(Node { name: self.node.clone(), op, inputs: inputs.to_vec(), output });
        Ok(output)
    }

    /// The checked graph of what `output` depends on. Tensors that are nowhere used as quantized ones get scale 1 and
    /// zero point 0.
    pub(super) fn finish(mut self, input: TensorId, output: TensorId) -> Result<Graph, ImportError> {
        let mut needed = alloc::vec![false; self.shapes.len()];
        needed[output.index()] = true;
        for node in self.nodes.iter().rev() {
            if needed[node.output.index()] {
                node.inputs.iter().for_each(|i| needed[i.index()] = true);
            }
        }
        if !needed[input.index()] {
            return Err(ImportError::refused("the output does not depend on the input"));
        }
        let infos: Vec<TensorInfo> = (0..self.shapes.len())
            .map(|i| {
                let class = &self.classes[self.root(self.class_of[i])];
                let quant = Quantization { dtype: class.dtype, scale: 1.0, zero_point: 0 };
                TensorInfo { shape: core::mem::take(&mut self.shapes[i]), quant: class.known.unwrap_or(quant) }
            })
            .collect();
        // Dense numbers, in the order of production.
        let mut ids = Vec::with_capacity(infos.len());
        let mut tensors = Vec::new();
        for (info, needed) in infos.into_iter().zip(&needed) {
            ids.push(TensorId(tensors.len() as u32));
            if *needed {
                tensors.push(info);
            }
        }
        let renumber = |id: TensorId| ids[id.index()];
        let nodes = self.nodes.into_iter().filter(|n| needed[n.output.index()]).map(|n| Node {
            inputs: n.inputs.iter().map(|&i| renumber(i)).collect(),
            output: renumber(n.output),
            ..n
        });
        let graph = Graph { nodes: nodes.collect(), tensors, input: renumber(input), output: renumber(output) };
        graph.check()?;
        Ok(graph)
    }
}
