//! `avouch run`: the reference executor.

use std::path::PathBuf;

use avouch_circuits::{
    arith, execute,
    graph::DType,
    import::{self, Kind},
};
use avouch_prover::{
    files::write_atomically,
    input::{self, InputSpec, npy},
};
use clap::Args;
use serde_json::json;

use crate::{
    args::check_writable,
    console::{Answer, field, title},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch run model.onnx --input samples.npy
  avouch run model.onnx --input sample.json --output logits.npy --json")]
pub(crate) struct Run {
    /// ONNX file: int8, statically quantized (QOperator or QDQ).
    model: PathBuf,
    /// Sample or samples: .npy or .json, of the model's input shape, or [N, rest] for N samples.
    #[arg(long, value_name = "FILE")]
    input: PathBuf,
    /// Write the outputs: [N, rest], in the type of the model's output.
    #[arg(long, value_name = "FILE.npy")]
    output: Option<PathBuf>,
}

/// Samples shown to people.
const SHOWN: usize = 16;

impl Run {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        if let Some(path) = &self.output {
            check_writable(path)?;
        }
        let model = import::import_file(&self.model)?;
        let samples = input::read(&self.input, &InputSpec::of(&model))?;
        let start = std::time::Instant::now();
        let integers = execute::run_batch(&model.graph, &samples)?;
        let elapsed = start.elapsed().as_secs_f64();

        let info = model.graph.output_info();
        let quant = info.quant;
        let real = |y: &Vec<i16>| -> Vec<f32> { y.iter().map(|&v| arith::dequantize(v.into(), &quant)).collect() };
        let outputs: Vec<Vec<f32>> = integers.iter().map(real).collect();
        let softmax: Option<Vec<Vec<f32>>> =
            model.softmax.as_ref().map(|s| integers.iter().map(|y| s.apply(y, info)).collect());

        if let Some(path) = &self.output {
            let mut shape = vec![integers.len()];
            shape.extend(if model.output.batchable { &info.shape[1..] } else { &info.shape[..] });
            let all: Vec<i16> = integers.concat();
            let bytes = match (model.output.kind, quant.dtype) {
                (Kind::Real, _) => npy::encode(&shape, &outputs.concat()),
                (Kind::Integer, DType::I8) => npy::encode(&shape, &all.iter().map(|&v| v as i8).collect::<Vec<_>>()),
                (Kind::Integer, DType::U8) => npy::encode(&shape, &all.iter().map(|&v| v as u8).collect::<Vec<_>>()),
            };
            write_atomically(path, false, |out| out.write_all(&bytes))?;
        }

        let mut text = title(&format!("{} samples in {:.2} ms", samples.len(), elapsed * 1e3));
        for (i, y) in outputs.iter().enumerate().take(SHOWN) {
            let best = integers[i].iter().enumerate().fold(0, |b, (k, v)| if *v > integers[i][b] { k } else { b });
            let all = if y.len() <= SHOWN { format!("{y:.4?}, ") } else { String::new() };
            text += &field(&format!("sample {i}"), format!("{all}largest at {best}"));
        }
        if outputs.len() > SHOWN {
            text += &field("", format!("and {} more; --json or --output gives all", outputs.len() - SHOWN));
        }
        if softmax.is_some() {
            text += "The trailing Softmax is not part of the proven graph: these are the logits.\n";
        }
        let json = json!({
            "samples": samples.len(),
            "outputs": outputs,
            "integers": integers,
            "softmax": softmax,
            "output_shape": info.shape,
            "output_dtype": quant.dtype.name(),
            "output_scale": quant.scale,
            "output_zero_point": quant.zero_point,
            "model_id": hex::encode(model.graph.model_id()),
            "form": model.form.name(),
            "notes": model.notes,
            "seconds": elapsed,
        });
        Ok(Answer { json, text })
    }
}
