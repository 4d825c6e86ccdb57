//! Strict ONNX import: quantized networks in either static form become one [`Graph`].
//!
//! | form | looks like | becomes |
//! |---|---|---|
//! | QOperator | `QLinearConv`, `QLinearMatMul`, `QGemm`, … between integer tensors | the operator |
//! | QDQ | `DequantizeLinear → Conv → Relu → QuantizeLinear` | the same operator, with the activation as its clip range |
//! | QDQ, scaled by hand | `MatMulInteger → Cast → Mul → Add → Relu → QuantizeLinear` | likewise |
//!
//! A model file is hostile input. Everything is refused that has no exact meaning (scales that are not positive and
//! normal, accumulators that can leave int32), that hides a meaning (initializers that are also inputs, false shapes,
//! data in other files), or that is not understood in full: unknown operators, attributes, types and operator sets.
//! Errors name the node and what to do. Sizes are checked before anything is allocated for them.
//!
//! One file per group of operators: `linear`, `pool`, `reduce`, `sum`, `activation`, `unary`, `shape`, `select`, `quantize`; the table in `nodes` has a
//! line for each operator.

mod activation;
mod attributes;
mod builder;
mod constant;
mod error;
mod linear;
mod nodes;
mod pool;
pub mod proto;
mod quantize;
mod reduce;
mod scan;
mod select;
mod shape;
mod sum;
mod unary;
mod value;

use std::{collections::HashMap, format, fs::File, io::Read as _, path::Path, rc::Rc, string::String, vec::Vec};

use prost::{Message as _, bytes::Bytes};

pub use self::{
    activation::Softmax,
    error::{ImportError, ImportErrorKind},
};
use self::{
    builder::{Builder, MAX_NODES},
    constant::Constant,
    error::printable,
    proto::data_type,
    value::{Real, Value},
};
use crate::graph::{DType, Graph, MAX_RANK, TensorId, check_shape};

/// Largest model file, in bytes.
pub const MAX_FILE: u64 = 1 << 26;
/// Operator sets of the default domain whose operators mean what is implemented here.
const OPSETS: core::ops::RangeInclusive<i64> = 10..=23;
/// IR versions: before 4, initializers had to be inputs too.
const IR_VERSIONS: core::ops::RangeInclusive<i64> = 4..=13;
/// The domain of ONNX Runtime's own operators.
const MICROSOFT: &str = "com.microsoft";

/// An imported model.
#[derive(Clone, Debug)]
pub struct Imported {
    /// What is proven.
    pub graph: Graph,
    /// The form of the file.
    pub form: Form,
    /// The model's input, as the file declares it.
    pub input: Port,
    /// The model's output.
    pub output: Port,
    /// A trailing Softmax that is not part of the graph: its operand is the graph's output.
    pub softmax: Option<Softmax>,
    /// What was changed or assumed, for people.
    pub notes: Vec<String>,
}

/// How a file expresses quantization.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Operators on integers.
    QOperator,
    /// Operators on reals between DequantizeLinear and QuantizeLinear.
    Qdq,
}

impl Form {
    /// The name used in messages and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::QOperator => "qoperator",
            Self::Qdq => "qdq",
        }
    }
}

/// One end of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Port {
    /// Name in the file.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
    /// Dimensions, with 1 for a symbolic first one. Of an input: as declared, before a Transpose or Reshape that was
    /// moved behind the quantization. Of an output: the graph's.
    pub shape: Vec<usize>,
    /// Whether the first declared dimension is 1 or symbolic, so that samples can be stacked along it.
    pub batchable: bool,
}

/// What an end of a model holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Real numbers: quantized or dequantized outside the graph.
    Real,
    /// The graph's own integers.
    Integer,
}

/// Imports a model file.
///
/// # Errors
/// As [`import`]; also if the file can't be read or is larger than [`MAX_FILE`].
pub fn import_file(path: &Path) -> Result<Imported, ImportError> {
    let io = |e: std::io::Error| ImportError::new(ImportErrorKind::Io, format!("{e}"));
    let read = || {
        let mut bytes = Vec::new();
        File::open(path).map_err(io)?.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(io)?;
        import_bytes(bytes.into())
    };
    read().map_err(|mut e| {
        let file = path.display();
        e.place = if e.place.is_empty() { format!("{file}") } else { format!("{file}: {}", e.place) };
        e
    })
}

/// Imports the bytes of a model file.
///
/// # Errors
/// If the bytes are no ONNX model, or one that is not supported or refused: see [`ImportErrorKind`].
pub fn import(bytes: &[u8]) -> Result<Imported, ImportError> {
    import_bytes(Bytes::copy_from_slice(bytes))
}

fn import_bytes(bytes: Bytes) -> Result<Imported, ImportError> {
    if bytes.len() as u64 > MAX_FILE {
        return Err(ImportError::too_large(format!("the file is larger than {MAX_FILE} bytes")));
    }
    if bytes.is_empty() {
        return Err(ImportError::malformed("the file is empty"));
    }
    scan::check(&bytes)?;
    let model = proto::Model::decode(bytes).map_err(|e| ImportError::malformed(format!("not an ONNX file: {e}")))?;
    let versions = Versions::check(&model)?;
    let graph = model.graph.as_ref().ok_or_else(|| ImportError::malformed("not an ONNX file: it has no graph"))?;
    Importer::new(graph, versions)?.run()
}

/// The operator sets that a file imports.
#[derive(Clone, Copy)]
struct Versions {
    /// Of the default domain.
    onnx: i64,
    /// Whether ONNX Runtime's own operators are imported.
    microsoft: bool,
}

impl Versions {
    /// Checks the file's versions and that nothing in it is outside the graph.
    fn check(model: &proto::Model) -> Result<Self, ImportError> {
        if !IR_VERSIONS.contains(&model.ir_version) {
            return Err(ImportError::unsupported(format!("IR version {} is not known", model.ir_version))
                .hint(format!("{IR_VERSIONS:?} are: save the model with a current onnx package")));
        }
        if !model.functions.is_empty() || !model.training_info.is_empty() {
            return Err(ImportError::unsupported("the model has local functions or training information")
                .hint("inline functions and save the model for inference"));
        }
        let mut versions = HashMap::new();
        for set in &model.opset_import {
            let domain = if set.domain == "ai.onnx" { "" } else { &*set.domain };
            if versions.insert(domain, set.version).is_some() {
                return Err(ImportError::malformed(format!("operator set {:?} is imported twice", printable(domain))));
            }
        }
        match versions.get(MICROSOFT) {
            None | Some(1) => {}
            Some(v) => {
                return Err(ImportError::unsupported(format!("operator set {MICROSOFT} {v} is not known, only 1")));
            }
        }
        match versions.get("") {
            Some(&onnx) if OPSETS.contains(&onnx) => Ok(Self { onnx, microsoft: versions.contains_key(MICROSOFT) }),
            Some(v) => Err(ImportError::unsupported(format!("operator set {v} is not known"))
                .hint(format!("{OPSETS:?} are: convert the model with onnx.version_converter"))),
            None => Err(ImportError::malformed("the model imports no operator set of the default domain")),
        }
    }
}

/// A declared tensor: element type, and dimensions with `None` for symbolic ones.
struct Declared {
    elem_type: i32,
    dims: Option<Vec<Option<usize>>>,
}

impl Declared {
    fn decode(value: &proto::Value) -> Result<Self, ImportError> {
        let tensor = value.r#type.as_ref().and_then(|t| t.tensor.as_ref());
        let tensor = tensor.ok_or_else(|| ImportError::unsupported("no tensor type is declared"))?;
        if tensor.shape.as_ref().is_some_and(|s| s.dim.len() > MAX_RANK) {
            return Err(ImportError::too_large(format!("its rank is above {MAX_RANK}")));
        }
        let dims = tensor.shape.as_ref().map(|shape| {
            let dim = |d: &proto::Dimension| match d.dim_value {
                None => Ok(None),
                Some(v) => usize::try_from(v).map(Some).map_err(|_| ImportError::malformed(format!("dimension {v}"))),
            };
            shape.dim.iter().map(dim).collect::<Result<Vec<_>, _>>()
        });
        Ok(Self { elem_type: tensor.elem_type, dims: dims.transpose()? })
    }

    /// Refuses a type or shape that differs from what was inferred.
    fn check(&self, elem_type: i32, shape: &[usize]) -> Result<(), ImportError> {
        if self.elem_type != elem_type {
            let name = |t| data_type::name(t).map_or_else(|| format!("type number {t}"), Into::into);
            return Err(ImportError::refused(format!("declared as {}, is {}", name(self.elem_type), name(elem_type))));
        }
        let Some(dims) = &self.dims else { return Ok(()) };
        let fits = dims.len() == shape.len() && dims.iter().zip(shape).all(|(d, &s)| d.is_none_or(|d| d == s));
        if fits {
            return Ok(());
        }
        Err(ImportError::refused(format!("declared with shape {dims:?}, the inferred shape is {shape:?}"))
            .hint("run shape inference on the model anew"))
    }
}

/// The state of one import.
struct Importer<'m> {
    graph: &'m proto::Graph,
    versions: Versions,
    builder: Builder,
    values: HashMap<&'m str, Value>,
    declared: HashMap<&'m str, Declared>,
    /// The input's tensor, once it exists: a real input has one when it is quantized.
    input: Option<TensorId>,
    input_port: Port,
    /// Whether any operator on integers or on reals was seen.
    form: Form,
    notes: Vec<String>,
}

impl<'m> Importer<'m> {
    fn new(graph: &'m proto::Graph, versions: Versions) -> Result<Self, ImportError> {
        if !graph.sparse_initializer.is_empty() {
            return Err(ImportError::unsupported("sparse initializers"));
        }
        if graph.node.len() > MAX_NODES {
            return Err(ImportError::too_large(format!("the model has more than {MAX_NODES} nodes")));
        }
        let mut values = HashMap::new();
        for tensor in &graph.initializer {
            let place = || format!("initializer {}", printable(&tensor.name));
            let constant = Constant::decode(tensor).map_err(|e| e.at(place()))?;
            if tensor.name.is_empty() || values.insert(&*tensor.name, Value::Constant(Rc::new(constant))).is_some() {
                return Err(ImportError::malformed("the name is empty or stands twice").at(place()));
            }
        }
        if let Some(v) = graph.input.iter().find(|v| values.contains_key(&*v.name)) {
            return Err(ImportError::refused("an initializer is also an input, so its value could be overridden")
                .hint("remove it from the graph's inputs")
                .at(format!("input {}", printable(&v.name))));
        }
        let mut declared = HashMap::new();
        for value in graph.value_info.iter().chain(&graph.output) {
            let place = || format!("declared tensor {}", printable(&value.name));
            if declared.insert(&*value.name, Declared::decode(value).map_err(|e| e.at(place()))?).is_some() {
                return Err(ImportError::malformed("declared twice").at(place()));
            }
        }
        for (name, value) in &values {
            if let (Some(declared), Value::Constant(c)) = (declared.get(name), value) {
                declared.check(c.elem_type(), &c.dims).map_err(|e| e.at(format!("initializer {}", printable(name))))?;
            }
        }
        let ([input], [_]) = (&*graph.input, &*graph.output) else {
            return Err(ImportError::unsupported(format!(
                "the model has {} inputs and {} outputs; one of each is supported",
                graph.input.len(),
                graph.output.len()
            )));
        };
        let mut importer = Self {
            graph,
            versions,
            builder: Builder::default(),
            values,
            declared,
            input: None,
            input_port: Port { name: printable(&input.name), kind: Kind::Real, shape: Vec::new(), batchable: false },
            form: Form::QOperator,
            notes: Vec::new(),
        };
        importer.declare_input(input).map_err(|e| e.at(format!("input {}", printable(&input.name))))?;
        Ok(importer)
    }

    fn declare_input(&mut self, input: &'m proto::Value) -> Result<(), ImportError> {
        let Declared { elem_type, dims } = Declared::decode(input)?;
        let dims =
            dims.ok_or_else(|| ImportError::unsupported("no shape is declared").hint("fix the input's shape"))?;
        let mut shape = Vec::new();
        for (i, d) in dims.iter().enumerate() {
            shape.push(match d {
                Some(d) => *d,
                None if i == 0 => 1,
                None => {
                    return Err(ImportError::unsupported(format!("dimension {i} is symbolic"))
                        .hint("only the first may be; fix the others"));
                }
            });
        }
        check_shape(&shape).map_err(|e| ImportError::too_large(e.message))?;
        let port = &mut self.input_port;
        port.batchable = dims.first().is_some_and(|d| d.is_none_or(|d| d == 1));
        if dims.first() == Some(&None) {
            self.notes.push("the symbolic batch dimension is 1: each sample has a proof of its own".into());
        }
        port.shape = shape.clone();
        let value = match elem_type {
            data_type::FLOAT => Value::Real(Real::Input { moves: Vec::new(), shape }),
            data_type::INT8 | data_type::UINT8 => {
                port.kind = Kind::Integer;
                let dtype = if elem_type == data_type::INT8 { DType::I8 } else { DType::U8 };
                let id = self.builder.tensor(shape, dtype)?;
                self.input = Some(id);
                Value::Tensor(id)
            }
            _ => return Err(ImportError::unsupported("only float32, int8 and uint8 inputs are supported")),
        };
        self.define(&input.name, value)
    }

    /// Binds a name to its value, once, and holds it against its declaration.
    fn define(&mut self, name: &'m str, value: Value) -> Result<(), ImportError> {
        if let Some(declared) = self.declared.get(name)
            && let Some((elem_type, shape)) = value.describe(&self.builder)
        {
            declared.check(elem_type, &shape).map_err(|e| e.at(format!("tensor {}", printable(name))))?;
        }
        if name.is_empty() || self.values.insert(name, value).is_some() {
            return Err(ImportError::malformed(format!(
                "the tensor name {:?} is empty or stands twice",
                printable(name)
            )));
        }
        Ok(())
    }

    fn run(mut self) -> Result<Imported, ImportError> {
        for node in &self.graph.node {
            let name = node.output.first().filter(|_| node.name.is_empty()).unwrap_or(&node.name);
            let name = printable(name);
            self.node(node, &name).map_err(|e| e.at(format!("node {name} ({})", printable(&node.op_type))))?;
        }
        let output = &self.graph.output[0];
        let place = || format!("output {}", printable(&output.name));
        let value = self.values.get(&*output.name).cloned();
        let value = value.ok_or_else(|| ImportError::malformed("no node produces it").at(place()))?;
        let (id, kind, softmax) = match value {
            Value::Tensor(id) => (id, Kind::Integer, None),
            Value::Real(Real::Tensor(id)) => (id, Kind::Real, None),
            Value::Softmax { logits, softmax, real } => {
                let kind = if real { Kind::Real } else { Kind::Integer };
                self.notes.push("the trailing Softmax is not part of what is proven: the logits are".into());
                (logits, kind, Some(softmax))
            }
            Value::Argmax { operand, real, .. } => {
                self.notes.push(
                    "the trailing ArgMax is not part of what is proven: its operand is; disclose argmax to show the index"
                        .into(),
                );
                (operand, if real { Kind::Real } else { Kind::Integer }, None)
            }
            Value::Accumulators(_) | Value::Real(_) | Value::Weights(_) | Value::Constant(_) => {
                return Err(ImportError::unsupported("it is not quantized")
                    .hint("quantize the model statically, to int8 or uint8, its output too")
                    .at(place()));
            }
        };
        let input = self.input.ok_or_else(|| {
            ImportError::unsupported("it is never quantized")
                .hint("quantize the model statically, to int8 or uint8")
                .at(format!("input {}", self.input_port.name))
        })?;
        let graph = self.builder.finish(input, id)?;
        let shape = graph.output_info().shape.clone();
        let batchable = shape.first() == Some(&1);
        let output = Port { name: printable(&output.name), kind, shape, batchable };
        Ok(Imported { graph, form: self.form, input: self.input_port, output, softmax, notes: self.notes })
    }
}
