//! The JSON vectors and recorded models of `test-vectors/`, made by implementations in other languages: what is executed
//! is what they say, and the circuits of every proof system accept it and nothing else.
//!
//! Every file there is known here by name: one that is missing, new or empty fails.
#![cfg(all(feature = "import", feature = "plonkish", feature = "r1cs"))]

#[path = "hostile/model.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of hostile files")]
mod model;
#[path = "../../test-vectors/conformance/src/systems.rs"]
#[allow(unreachable_pub, reason = "shared with the conformance command")]
mod systems;

use std::{collections::BTreeMap, fs, path::PathBuf};

use ark_ff::PrimeField as _;
use avouch_circuits::{
    arith,
    circuit::{Circuit, CommitmentUse, Disclosure},
    execute::{run, run_batch},
    graph::{DType, Graph, Quantization},
    import::{self, Form, Imported, Kind, proto},
    r1cs::{
        CircuitWitness, Commitment, Fr, pack,
        poseidon::{chain, hash, tag},
        public_inputs,
    },
};
use prost::Message as _;
use rayon::prelude::*;
use serde::Deserialize;

const VECTORS: [&str; 20] = [
    "add",
    "average_pool",
    "chain",
    "commitment",
    "conv",
    "dense",
    "dequantize",
    "function",
    "integer_product",
    "max_pool",
    "movement",
    "mul",
    "packing",
    "poseidon",
    "prelu",
    "quantize",
    "reduction",
    "requantize",
    "selection",
    "table",
];

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum File {
    Requantize { notes: String, vectors: Vec<Vector<Accumulators, Vec<i32>>> },
    Quantize { notes: String, vectors: Vec<Vector<Quantize<f32>, Vec<i32>>> },
    Dequantize { notes: String, vectors: Vec<Vector<Quantize<i32>, Vec<f32>>> },
    Model { notes: String, vectors: Vec<Vector<Model, Tensor>> },
    Packing { notes: String, vectors: Vec<Vector<Bytes, Vec<String>>> },
    Hash { notes: String, vectors: Vec<Vector<Elements, String>> },
    Chain { notes: String, vectors: Vec<Vector<Chain, String>> },
    Commitment { notes: String, vectors: Vec<Vector<Opening, String>> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector<I, E> {
    name: String,
    notes: String,
    flags: Vec<String>,
    inputs: I,
    expected: E,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Accumulators {
    accumulators: Vec<i32>,
    // Parsing may miss the last bit of a float64; written are float32 values, which it does not change.
    multiplier: f32,
    zero_point: i32,
    min: i32,
    max: i32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Quantize<T> {
    values: Vec<T>,
    quantization: PerTensor,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PerTensor {
    r#type: String,
    scale: f32,
    zero_point: i32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    x: Tensor,
    nodes: Vec<Node>,
    constants: BTreeMap<String, Tensor>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Node {
    op: String,
    domain: String,
    attributes: BTreeMap<String, Attribute>,
    operands: Vec<String>,
    output: Outputs,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Outputs {
    One(String),
    Several(Vec<String>),
}

impl Outputs {
    fn names(&self) -> &[String] {
        match self {
            Self::One(name) => core::slice::from_ref(name),
            Self::Several(names) => names,
        }
    }

    /// The last one.
    fn name(&self) -> &str {
        self.names().last().unwrap()
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Attribute {
    Int(i64),
    Ints(Vec<i64>),
    Float(f64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tensor {
    r#type: String,
    shape: Vec<i64>,
    values: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Bytes {
    r#type: String,
    values: Vec<i16>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Elements {
    elements: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    tag: String,
    elements: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    role: String,
    salt: String,
    r#type: String,
    values: Vec<i16>,
}

fn folder(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../test-vectors").join(name)
}

fn dtype(name: &str) -> DType {
    [DType::I8, DType::U8].into_iter().find(|d| d.name() == name).unwrap_or_else(|| panic!("{name} is no 8-bit type"))
}

impl PerTensor {
    fn get(&self) -> Quantization {
        let q = Quantization { dtype: dtype(&self.r#type), scale: self.scale, zero_point: self.zero_point };
        q.check().unwrap();
        q
    }
}

impl Tensor {
    fn constant(&self, name: &str) -> proto::Tensor {
        let ints = || self.values.iter().map(|&v| v as i32).collect::<Vec<_>>();
        match &*self.r#type {
            "float32" => model::reals(name, &self.shape, &self.values.iter().map(|&v| v as f32).collect::<Vec<_>>()),
            "int64" => model::int64s(name, &self.shape, &self.values.iter().map(|&v| v as i64).collect::<Vec<_>>()),
            "int32" => model::int32s(name, &self.shape, &ints()),
            _ => model::bytes(name, self.elem_type(), &self.shape, &ints()),
        }
    }

    fn elem_type(&self) -> i32 {
        match &*self.r#type {
            "int64" => model::INT64,
            name => proto::data_type::of(dtype(name)),
        }
    }

    fn integers(&self) -> Vec<i16> {
        self.values.iter().map(|&v| v as i16).collect()
    }
}

impl Node {
    fn proto(&self) -> proto::Node {
        let attributes = self.attributes.iter().map(|(name, a)| match a {
            // A real number that is whole reads as an integer.
            Attribute::Int(i) if name == "alpha" || name == "beta" => model::float(name, *i as f32),
            Attribute::Int(i) => model::int(name, *i),
            Attribute::Ints(v) => model::ints(name, v),
            Attribute::Float(f) => model::float(name, *f as f32),
            Attribute::Text(s) => model::text(name, s),
        });
        let operands: Vec<&str> = self.operands.iter().map(|o| &**o).collect();
        let node = model::node(&self.domain, &self.op, &operands, self.output.name(), attributes.collect());
        proto::Node { output: self.output.names().to_vec(), ..node }
    }
}

impl Model {
    /// The graph of these nodes, and the integers of the last.
    fn run(&self, nodes: Vec<proto::Node>, more: Vec<proto::Tensor>, expected: &Tensor) -> (Imported, Vec<i16>) {
        let mut constants: Vec<_> = self.constants.iter().map(|(name, c)| c.constant(name)).collect();
        constants.extend(more);
        let mut model = model::model(
            model::value("x", self.x.elem_type(), &self.x.shape),
            nodes,
            constants,
            // Holds the result's type and shape against what was inferred, too.
            model::value(self.nodes.last().unwrap().output.name(), expected.elem_type(), &expected.shape),
        );
        model.opset_import[0].version = 20;
        let imported = import::import(&model.encode_to_vec()).unwrap_or_else(|e| panic!("{e}"));
        let y = run(&imported.graph, &self.x.integers()).unwrap();
        (imported, y)
    }

    /// As the file has it, and with each operator between DequantizeLinear and QuantizeLinear: one result.
    fn run_both(&self, expected: &Tensor) -> Vec<i16> {
        let (plain, y) = self.run(self.nodes.iter().map(Node::proto).collect(), vec![], expected);
        assert_proven(&plain.graph, &self.x.integers(), &y);
        let mut qdq = Qdq { model: self, nodes: Vec::new(), constants: Vec::new() };
        self.nodes.iter().for_each(|n| qdq.node(n));
        let (other, result) = self.run(qdq.nodes, qdq.constants, expected);
        assert_eq!(result, y, "the two forms differ");
        if other.graph.encode() != plain.graph.encode() {
            assert_proven(&other.graph, &self.x.integers(), &y);
        }
        // Concat alone is of both forms.
        let integers = |n: &Node| n.domain.is_empty() && !n.op.starts_with("QLinear") || n.op == "QLinearConcat";
        assert!(other.form == Form::Qdq || self.nodes.iter().all(integers));
        let argmax = self.nodes.last().unwrap().op == "ArgMax";
        // Its operand is what is proven, and the disclosure shows the index.
        if argmax { vec![argmax_of(&plain.graph, &y)] } else { y }
    }

    fn real(&self, name: &str) -> Vec<f32> {
        self.constants[name].values.iter().map(|&v| v as f32).collect()
    }
}

/// The circuits of all proof systems accept this output, and none that differs.
fn assert_proven(graph: &Graph, x: &[i16], y: &[i16]) {
    assert_eq!(systems::failures(graph, x, y).unwrap(), [const { Vec::<String>::new() }; 3]);
    let mut other = y.to_vec();
    other[0] ^= 1;
    assert!(systems::failures(graph, x, &other).unwrap().iter().all(|failures| !failures.is_empty()));
}

/// A model in QDQ form, from one in QOperator form.
struct Qdq<'v> {
    model: &'v Model,
    nodes: Vec<proto::Node>,
    constants: Vec<proto::Tensor>,
}

impl Qdq<'_> {
    fn node(&mut self, n: &Node) {
        let attributes = || n.proto().attribute;
        let integer_product = self.model.nodes.iter().any(|n| ["MatMulInteger", "ConvInteger"].contains(&&*n.op));
        let operand = |i: usize| n.operands.get(i).map_or("", |o| &**o);
        match &*n.op {
            "QuantizeLinear" | "DequantizeLinear" => self.nodes.push(n.proto()),
            // Between these already, or behind a product of integers, which has this form alone.
            _ if n.operands[0].starts_with("real") || integer_product => self.nodes.push(n.proto()),
            // Stand between integers only.
            "Split" | "ArgMax" => self.nodes.push(n.proto()),
            // Has the scale that the others state for its operand.
            "Transpose" if self.model.constants.values().any(|c| c.r#type == "float32") => self.nodes.push(n.proto()),
            "QLinearConv" => {
                let x = self.dequantize([operand(0), operand(1), operand(2)], 1);
                let w = self.dequantize([operand(3), operand(4), operand(5)], 0);
                let b = self.bias(operand(8), 1.0, [operand(1), operand(4)]);
                self.quantize("Conv", &[&x, &w, &b], attributes(), [operand(6), operand(7)], n.output.name());
            }
            "QLinearMatMul" => {
                let x = self.dequantize([operand(0), operand(1), operand(2)], 1);
                let axis = self.model.constants[operand(3)].shape.len() as i64 - 1;
                let w = self.dequantize([operand(3), operand(4), operand(5)], axis);
                self.quantize("MatMul", &[&x, &w], vec![], [operand(6), operand(7)], n.output.name());
            }
            "QGemm" => {
                let transposed = matches!(n.attributes.get("transB"), Some(Attribute::Int(1)));
                let alpha = attributes().iter().find(|a| a.name == "alpha").map_or(1.0, |a| a.f);
                let x = self.dequantize([operand(0), operand(1), operand(2)], 1);
                let w = self.dequantize([operand(3), operand(4), operand(5)], i64::from(!transposed));
                let b = self.bias(operand(6), alpha, [operand(1), operand(4)]);
                self.quantize("Gemm", &[&x, &w, &b], attributes(), [operand(7), operand(8)], n.output.name());
            }
            op @ ("QLinearAdd" | "QLinearMul") => {
                let a = self.dequantize([operand(0), operand(1), operand(2)], 1);
                let b = self.dequantize([operand(3), operand(4), operand(5)], 1);
                self.quantize(&op[7..], &[&a, &b], vec![], [operand(6), operand(7)], n.output.name());
            }
            op @ ("QLinearSigmoid" | "QLinearLeakyRelu") => {
                let x = self.dequantize([operand(0), operand(1), operand(2)], 1);
                self.quantize(&op[7..], &[&x], attributes(), [operand(3), operand(4)], n.output.name());
            }
            "QLinearConcat" => {
                let a = self.dequantize([operand(2), operand(3), operand(4)], 1);
                let b = self.dequantize([operand(5), operand(6), operand(7)], 1);
                self.quantize("Concat", &[&a, &b], attributes(), [operand(0), operand(1)], n.output.name());
            }
            "QLinearAveragePool" | "QLinearGlobalAveragePool" => {
                let x = self.dequantize([operand(0), operand(1), operand(2)], 1);
                let op = n.op.strip_prefix("QLinear").unwrap();
                self.quantize(op, &[&x], attributes(), [operand(3), operand(4)], n.output.name());
            }
            // Operators on integers: any quantization around them will do, with zero at zero for Relu and Clip.
            _ => {
                let zero = format!("{}/zero", n.output.name());
                let one = format!("{}/one", n.output.name());
                self.constants.push(model::bytes(&zero, self.model.x.elem_type(), &[], &[0]));
                self.constants.push(model::reals(&one, &[], &[1.0]));
                let mut operands = Vec::new();
                for name in &n.operands {
                    if name.is_empty() {
                        operands.push(String::new());
                        continue;
                    }
                    operands.push(match self.model.constants.get(name) {
                        None => self.dequantize([name, &one, &zero], 1),
                        Some(c) if n.op == "Clip" || c.r#type == self.model.x.r#type => {
                            let real = format!("{name}/real");
                            self.constants.push(model::reals(&real, &c.shape, &self.model.real(name)));
                            real
                        }
                        Some(_) => name.clone(),
                    });
                }
                let operands: Vec<&str> = operands.iter().map(|o| &**o).collect();
                self.quantize(&n.op, &operands, attributes(), [&one, &zero], n.output.name());
            }
        }
    }

    /// The name of the dequantized tensor.
    fn dequantize(&mut self, [x, scale, zero]: [&str; 3], axis: i64) -> String {
        let real = format!("{x}/{}", self.nodes.len());
        self.nodes.push(model::onnx("DequantizeLinear", &[x, scale, zero], &real, vec![model::int("axis", axis)]));
        real
    }

    /// A bias in steps of `alpha · x_scale · w_scale`; empty if there is none.
    fn bias(&mut self, name: &str, alpha: f32, [x_scale, w_scale]: [&str; 2]) -> String {
        if name.is_empty() {
            return String::new();
        }
        let x = self.model.real(x_scale)[0];
        let scales: Vec<f32> = self.model.real(w_scale).iter().map(|w| alpha * x * w).collect();
        let scale = format!("{name}/scale");
        let dims = self.model.constants[w_scale].shape.clone();
        self.constants.push(model::reals(&scale, &dims, &scales));
        let real = format!("{name}/{}", self.nodes.len());
        self.nodes.push(model::onnx("DequantizeLinear", &[name, &scale], &real, vec![model::int("axis", 0)]));
        real
    }

    fn quantize(&mut self, op: &str, operands: &[&str], attributes: Vec<proto::Attribute>, y: [&str; 2], output: &str) {
        let real = format!("{output}/real");
        self.nodes.push(model::onnx(op, operands, &real, attributes));
        self.nodes.push(model::onnx("QuantizeLinear", &[&real, y[0], y[1]], output, vec![]));
    }
}

/// What the disclosure of the index shows.
fn argmax_of(graph: &Graph, y: &[i16]) -> i16 {
    let circuit = Circuit::new(graph, Disclosure::Argmax).unwrap();
    let input = vec![0; graph.input_info().elements()];
    let witness = CircuitWitness { input, input_salt: Fr::from(1u64), output_salt: Fr::from(2u64), policy: None };
    let slot = public_inputs(&circuit, &witness, y, Fr::from(3u64))[7];
    slot.into_bigint().to_string().parse().unwrap()
}

/// Below the modulus, so that two texts are two elements.
fn element(text: &str) -> Fr {
    let fr: Fr = text.parse().unwrap_or_else(|()| panic!("{text} is no element"));
    assert_eq!(fr.into_bigint().to_string(), text);
    fr
}

fn elements(texts: &[String]) -> Vec<Fr> {
    texts.iter().map(|t| element(t)).collect()
}

impl Opening {
    fn commitment(&self) -> Fr {
        let role = match &*self.role {
            "input" => CommitmentUse::Input,
            "output" => CommitmentUse::Output,
            other => panic!("role {other}"),
        };
        Commitment { role, values: &self.values, dtype: dtype(&self.r#type), salt: element(&self.salt) }.value()
    }
}

/// Compares every vector of a file; gives their number.
fn check<I, E, T: PartialEq + std::fmt::Debug>(
    file: &str,
    notes: &str,
    vectors: &[Vector<I, E>],
    expected: impl Fn(&E) -> T,
    actual: impl Fn(&Vector<I, E>) -> T,
) {
    assert!(!notes.is_empty() && !vectors.is_empty(), "{file} is empty");
    for v in vectors {
        assert!(!v.flags.is_empty(), "{file}: {} has no flags", v.name);
        assert_eq!(actual(v), expected(&v.expected), "{file}: {} ({})", v.name, v.notes);
    }
}

fn run_file(stem: &str) {
    let text = fs::read_to_string(folder("vectors").join(format!("{stem}.json"))).unwrap();
    let file: File = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{stem}.json: {e}"));
    match file {
        File::Requantize { notes, vectors } => check(stem, &notes, &vectors, Vec::clone, |v| {
            let i = &v.inputs;
            let one = |&acc: &i32| arith::requantize(acc, i.multiplier, i.zero_point, i.min, i.max);
            i.accumulators.iter().map(one).collect()
        }),
        File::Quantize { notes, vectors } => check(stem, &notes, &vectors, Vec::clone, |v| {
            let q = v.inputs.quantization.get();
            v.inputs.values.iter().map(|&x| arith::quantize(x, &q)).collect()
        }),
        File::Dequantize { notes, vectors } => {
            let bits = |v: &Vec<f32>| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            check(stem, &notes, &vectors, bits, |v| {
                let q = v.inputs.quantization.get();
                v.inputs.values.iter().map(|&x| arith::dequantize(x, &q).to_bits()).collect()
            });
        }
        File::Model { notes, vectors } => {
            check(stem, &notes, &vectors, Tensor::integers, |v| v.inputs.run_both(&v.expected));
        }
        File::Packing { notes, vectors } => {
            check(stem, &notes, &vectors, |e| elements(e), |v| pack(&v.inputs.values, dtype(&v.inputs.r#type)));
        }
        File::Hash { notes, vectors } => {
            check(stem, &notes, &vectors, |e| element(e), |v| hash(&elements(&v.inputs.elements)));
        }
        File::Chain { notes, vectors } => {
            check(stem, &notes, &vectors, |e| element(e), |v| chain(tag(&v.inputs.tag), &elements(&v.inputs.elements)));
        }
        File::Commitment { notes, vectors } => {
            check(stem, &notes, &vectors, |e| element(e), |v| v.inputs.commitment());
        }
    }
}

fn names(folder_name: &str) -> Vec<String> {
    let entries = fs::read_dir(folder(folder_name)).unwrap();
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort_unstable();
    names
}

#[test]
fn the_files_are_those_that_are_known() {
    let mut known: Vec<String> = VECTORS.iter().map(|stem| format!("{stem}.json")).collect();
    known.push("schema.json".into());
    known.sort_unstable();
    assert_eq!(names("vectors"), known);
}

#[test]
fn every_vector_is_met() {
    VECTORS.par_iter().for_each(|stem| run_file(stem));
}

/// A little-endian C-ordered array of this type.
fn npy<const N: usize>(path: PathBuf, descr: &str) -> Vec<[u8; N]> {
    let bytes = fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    assert_eq!(&bytes[..8], b"\x93NUMPY\x01\0");
    let start = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    let header = std::str::from_utf8(&bytes[10..start]).unwrap();
    assert!(header.contains(&format!("'descr': '{descr}', 'fortran_order': False")), "{header}");
    let (values, []) = bytes[start..].as_chunks() else { panic!("{} is cut", path.display()) };
    values.to_vec()
}

#[test]
fn recorded_models_give_their_recorded_outputs() {
    let models = names("models");
    assert_eq!(
        models,
        [
            "accel_conv1d",
            "accel_mlp",
            "digits_cnn",
            "digits_mlp",
            "digits_mlp_matmul",
            "lenet_mnist",
            "meter_cnn",
            "mlp_digits"
        ]
    );
    for name in models {
        let path = |file: &str| folder("models").join(&name).join(file);
        let reals = |file: &str| npy(path(file), "<f4").into_iter().map(f32::from_le_bytes).collect::<Vec<_>>();
        let imported = import::import_file(&path("int8_qop.onnx")).unwrap();
        assert_eq!((imported.input.kind, imported.output.kind), (Kind::Real, Kind::Real), "{name}");
        let graph = &imported.graph;
        let (x, y) = (graph.input_info(), graph.output_info());
        let inputs: Vec<i16> = reals("inputs.npy").into_iter().map(|v| arith::quantize(v, &x.quant) as i16).collect();
        let samples: Vec<&[i16]> = inputs.chunks_exact(x.elements()).collect();
        let outputs = run_batch(graph, &samples).unwrap();
        let real = |&v: &i16| arith::dequantize(v.into(), &y.quant);
        assert_eq!(outputs.iter().flatten().map(real).collect::<Vec<_>>(), reals("out_int8_qop.npy"), "{name}");
        assert_proven(graph, samples[0], &outputs[0]);
    }
}

/// The demo's model: small enough to be proven at once, and right about what it shows.
#[test]
fn meter_cnn_reads_its_images() {
    let path = |file: &str| folder("models/meter_cnn").join(file);
    let graph = import::import_file(&path("int8_qop.onnx")).unwrap().graph;
    let activations: usize = graph.nodes.iter().map(|n| graph.tensor(n.output).elements()).sum();
    assert!(activations <= 1100, "{activations}");
    let images: Vec<f32> = npy(path("images.npy"), "<f4").into_iter().map(f32::from_le_bytes).collect();
    let labels: Vec<i64> = npy(path("labels.npy"), "<i8").into_iter().map(i64::from_le_bytes).collect();
    assert_eq!(images.len(), labels.len() * 64);
    assert!((16..=32).contains(&labels.len()));
    let right = images.chunks(64).zip(&labels).filter(|(image, label)| {
        let x: Vec<i16> = image.iter().map(|&v| arith::quantize(v, &graph.input_info().quant) as i16).collect();
        let y = run(&graph, &x).unwrap();
        let best = (0..y.len()).rev().max_by_key(|&i| y[i]).unwrap();
        best as i64 == **label
    });
    assert!(right.count() * 100 >= labels.len() * 95);
}
