//! Workloads of the benchmarks: small networks with fixed pseudo-random weights, made in code, and models by path.
//!
//! | workload | why this size |
//! |---|---|
//! | `dense` | 64-32-10: the smallest useful network; fixed costs dominate |
//! | `wide` | 1024-64-10: many weights and few activations; shows that weights are nearly free |
//! | `lenet` | 28×28, two convolutions, two max pools, three dense layers: what peers are measured on |
//!
//! `AVOUCH_BENCH_MODELS` names folders that each hold an `int8_qop.onnx`, separated by colons; their names are the
//! workloads' names.

use std::{env, path::Path};

use avouch_circuits::{
    circuit::{Circuit, Disclosure, LowerError, description::MAX_RAW_BITS},
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
    import,
    op::{Conv, Dense, MaxPool, Op, Requantization, Reshape, Window},
};
use avouch_prover::input::{self, InputSpec};

/// Names folders of models, separated by colons.
pub const MODELS: &str = "AVOUCH_BENCH_MODELS";

/// A network and an input for it.
pub struct Workload {
    /// Short name.
    pub name: String,
    /// The network.
    pub graph: Graph,
    /// One sample.
    pub input: Vec<i16>,
}

impl Workload {
    /// The model in a folder, under the folder's name, with the first sample beside it.
    ///
    /// # Errors
    /// If `int8_qop.onnx` or `inputs.npy` is missing there or cannot be read.
    pub fn from_folder(folder: &Path) -> Result<Self, Box<dyn core::error::Error>> {
        let model = import::import_file(&folder.join("int8_qop.onnx"))?;
        let mut samples = input::read(&folder.join("inputs.npy"), &InputSpec::of(&model))?;
        let name = folder.file_name().ok_or("the folder has no name")?.to_string_lossy().into_owned();
        Ok(Self { name, graph: model.graph, input: samples.swap_remove(0) })
    }

    /// Its circuit, which shows all of the output if it fits, else the class.
    ///
    /// # Errors
    /// If the network has no exact form.
    pub fn circuit(&self) -> Result<Circuit, LowerError> {
        let bits = 8 * self.graph.output_info().elements() as u64;
        Circuit::new(&self.graph, if bits <= MAX_RAW_BITS { Disclosure::Raw } else { Disclosure::Argmax })
    }
}

/// All workloads: those made in code, then those that [`MODELS`] names.
///
/// # Errors
/// If a folder of [`MODELS`] cannot be read.
pub fn all() -> Result<Vec<Workload>, Box<dyn core::error::Error>> {
    let mut workloads = built_in();
    for folder in env::split_paths(&env::var_os(MODELS).unwrap_or_default()).filter(|p| !p.as_os_str().is_empty()) {
        let workload = Workload::from_folder(&folder).map_err(|e| format!("{MODELS}, {}: {e}", folder.display()))?;
        workloads.push(workload);
    }
    Ok(workloads)
}

/// Deterministic weights: what matters here is their number, not their meaning.
struct Noise(u64);

impl Noise {
    fn next(&mut self, half_width: i16) -> i16 {
        // xorshift64*, Vigna 2016.
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 48) as i64;
        (high % (2 * i64::from(half_width) + 1)) as i16 - half_width
    }

    fn many(&mut self, count: usize, half_width: i16) -> Vec<i16> {
        (0..count).map(|_| self.next(half_width)).collect()
    }
}

/// A chain of operators; every tensor has the same quantization.
struct Chain {
    tensors: Vec<TensorInfo>,
    nodes: Vec<Node>,
    noise: Noise,
}

impl Chain {
    const QUANT: Quantization = Quantization { dtype: DType::I8, scale: 0.05, zero_point: -3 };

    fn new(shape: &[usize]) -> Self {
        let input = TensorInfo { shape: shape.to_vec(), quant: Self::QUANT };
        Self { tensors: vec![input], nodes: Vec::new(), noise: Noise(0x5eed_0001) }
    }

    fn push(mut self, name: &str, op: impl Into<Op>, shape: &[usize]) -> Self {
        let id = self.tensors.len() as u32;
        self.tensors.push(TensorInfo { shape: shape.to_vec(), quant: Self::QUANT });
        let node = Node { name: name.into(), op: op.into(), inputs: vec![TensorId(id - 1)], output: TensorId(id) };
        self.nodes.push(node);
        self
    }

    /// A multiplier that spreads a layer's results over the 8-bit range: weights have a deviation of about 70.
    fn requantization(taps: usize) -> Requantization {
        // No round number: those make ties, which cost corrections.
        let multiplier = 0.691_3 / (70.3 * (taps as f32).sqrt());
        Requantization { multipliers: vec![multiplier], min: -128, max: 127 }
    }

    fn dense(mut self, name: &str, k: usize, n: usize) -> Self {
        let weights = self.noise.many(k * n, 127);
        let bias = self.noise.many(n, 1000).into_iter().map(i32::from).collect();
        let op = Dense { batch: 1, k, n, weights, bias, requantization: Self::requantization(k) };
        self.push(name, op, &[1, n])
    }

    fn conv(mut self, name: &str, channels: usize, kernel: usize, output: [usize; 3]) -> Self {
        let [out_channels, h, w] = output;
        let taps = channels * kernel * kernel;
        let weights = self.noise.many(out_channels * taps, 127);
        let bias = self.noise.many(out_channels, 1000).into_iter().map(i32::from).collect();
        let requantization = Self::requantization(taps);
        let op = Conv { window: Window::new([kernel; 2]), group: 1, out_channels, weights, bias, requantization };
        self.push(name, op, &[1, out_channels, h, w])
    }

    fn max_pool(self, name: &str, output: [usize; 3]) -> Self {
        let window = Window { strides: [2; 2], ..Window::new([2; 2]) };
        self.push(name, MaxPool { window }, &[1, output[0], output[1], output[2]])
    }

    fn finish(mut self, name: &str) -> Workload {
        let graph = Graph {
            input: TensorId(0),
            output: TensorId(self.tensors.len() as u32 - 1),
            tensors: self.tensors,
            nodes: self.nodes,
        };
        let input = self.noise.many(graph.input_info().elements(), 127);
        Workload { name: name.into(), graph, input }
    }
}

/// The workloads made in code.
pub fn built_in() -> Vec<Workload> {
    vec![
        Chain::new(&[1, 64]).dense("hidden", 64, 32).dense("logits", 32, 10).finish("dense"),
        Chain::new(&[1, 1024]).dense("hidden", 1024, 64).dense("logits", 64, 10).finish("wide"),
        Chain::new(&[1, 1, 28, 28])
            .conv("conv1", 1, 5, [6, 24, 24])
            .max_pool("pool1", [6, 12, 12])
            .conv("conv2", 6, 5, [16, 8, 8])
            .max_pool("pool2", [16, 4, 4])
            .push("flatten", Reshape, &[1, 256])
            .dense("fc1", 256, 120)
            .dense("fc2", 120, 84)
            .dense("logits", 84, 10)
            .finish("lenet"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_workloads_are_networks_with_a_circuit() {
        for workload in built_in() {
            workload.graph.check().unwrap();
            assert_eq!(workload.input.len(), workload.graph.input_info().elements());
            workload.circuit().unwrap();
        }
    }

    #[test]
    fn models_are_read_from_their_folders() {
        let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/models");
        let workload = Workload::from_folder(&models.join("digits_mlp")).unwrap();
        assert_eq!((workload.name.as_str(), workload.input.len()), ("digits_mlp", 64));
        assert!(Workload::from_folder(&models).is_err());
    }
}
