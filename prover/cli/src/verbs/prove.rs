//! `avouch prove`: from a sample to a proof file, or from many samples to many.

mod batch;

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use avouch_circuits::{
    circuit::Circuit,
    import::{self, Imported},
    policy::{Inputs, Schema, evaluate},
};
use avouch_prover::{
    Proof, Prover, Request,
    files::write_atomically,
    keys, memory,
    opening::{self, Role},
    progress::Progress,
};
use avouch_verifier::{VerifyingKey, json};
use clap::Args;
use serde_json::{Map, Value, json};

use self::batch::Batch;
use crate::{
    args::{Bytes, Hex, InputArgs, RecordArgs, check_writable, lower},
    claim,
    console::{Answer, Console, bytes, field, seconds, tick},
    failure::Failure,
    size::Size,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch prove model.onnx --keys keys --input sample.npy --proof sample.proof
  avouch prove model.onnx --keys keys --input all.npy --sample 3 --proof 3.proof --opening 3.opening
  avouch prove model.onnx --keys keys --input sample.npy --proof sample.proof --context 00ff…
  avouch prove model.onnx --keys keys --policy policy.compiled.json --schema schema.json --record batch.json \
    --registry registry.json --device-key device.key --consent consent.json --proof batch.proof
  avouch prove model.onnx --keys keys --input all.npy --batch --proof proofs
  avouch prove model.onnx --keys keys --input all.npy --batch --samples 0..32,40 --jobs 2 --proof proofs")]
pub(crate) struct Prove {
    /// ONNX file that the keys were made for.
    model: PathBuf,
    /// Folder that setup made.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    #[command(flatten)]
    records: RecordArgs,
    /// Proof file to write; with --batch the folder for them, made if it is not there: 0.proof, 1.proof, …
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// Binds the proof to its use: the 32-byte digest in hexadecimal (see `avouch context`); by default to none.
    #[arg(long, value_name = "HEX")]
    context: Option<Hex<32>>,
    /// Prove for exactly the commitment of this opening (see `avouch commit`).
    #[arg(long, value_name = "FILE")]
    input_opening: Option<PathBuf>,
    /// Write salts and values of the commitments, for their owner only; with --batch into this folder: 0.opening, …
    #[arg(long, value_name = "FILE")]
    opening: Option<PathBuf>,
    /// Refuse to begin if proving is estimated to take more memory, such as 800M or 2G.
    #[arg(long, value_name = "SIZE")]
    max_memory: Option<Bytes>,
    #[command(flatten)]
    batch: Batch,
}

/// What is proven.
enum Source {
    /// A sample.
    Input(Vec<i16>),
    /// Records, with what satisfies their policy.
    Records(Box<Inputs>),
}

impl Source {
    fn schema(&self) -> Option<&Schema> {
        match self {
            Self::Input(_) => None,
            Self::Records(inputs) => Some(&inputs.schema),
        }
    }

    /// Evaluates a data policy, before any expensive work.
    fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Input(_) => Ok(()),
            Self::Records(inputs) => Ok(evaluate(inputs).map(drop)?),
        }
    }
}

/// A prover, and the seconds that its key took to load.
struct Loaded<'c> {
    prover: Prover<'c>,
    seconds: f64,
}

/// A proof in its file.
struct Written {
    proof: Proof,
    path: PathBuf,
    file_bytes: usize,
}

impl Prove {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let verifying = keys::read_verifying_key(&self.keys.join(keys::VERIFYING_KEY))?;
        if self.batch.asked() { self.many(verifying, console) } else { self.one(verifying, console) }
    }

    fn one(&self, verifying: VerifyingKey, console: &Console) -> Result<Answer, Failure> {
        [Some(&self.proof), self.opening.as_ref()].into_iter().flatten().try_for_each(|p| check_writable(p))?;
        let input_opening = match &self.input_opening {
            None => None,
            Some(path) => {
                let input = opening::read(path)?.into_iter().find(|o| o.role == Role::Input);
                Some(input.ok_or_else(|| Failure::file(path, "holds no opening of an input"))?)
            }
        };
        let model = import::import_file(&self.model)?;
        let source = match self.records.prepare()? {
            Some(_) if self.input.is_given() => return Err(Failure::usage("--input and --policy exclude each other")),
            Some(inputs) => Source::Records(inputs.into()),
            None => Source::Input(self.input.one(&model)?),
        };
        source.check()?;
        let circuit = lower(&model.graph, verifying.description().disclosure, source.schema())?;
        let loaded = self.load(&model, &circuit, verifying)?;
        let request = Request { input_opening, ..self.request() };
        let progress = console.progress();
        let written = write_proof(&loaded.prover, &source, &request, &self.proof, self.opening.as_deref(), &progress)?;
        drop(progress);

        let (t, size, peak) = (&written.proof.times, Size(loaded.prover.size()), memory::peak());
        let mut json = written.json();
        size.put(&mut json);
        json["peak_memory_bytes"] = peak.into();
        json["times"]["load_s"] = loaded.seconds.into();
        json["notes"] = json!(model.notes);

        let mut text = format!("{} proven in {}: {}\n", tick(), seconds(t.total), self.proof.display());
        let phases = t.phases.iter().copied().chain([("key loading", loaded.seconds)]);
        let phases: Vec<String> = phases.map(|(name, s)| format!("{} {}", phase(name), seconds(s))).collect();
        text += &field("phases", phases.join(", "));
        text += &size.text();
        let proof_bytes = written.proof.file.envelope().proof().len();
        text += &field("size", format!("{proof_bytes} bytes ({} in all)", bytes(written.file_bytes as u64)));
        if let Some(peak) = peak {
            text += &field("peak memory", bytes(peak));
        }
        text += &claim::text(&written.proof.claim);
        Ok(Answer { json, text })
    }

    /// Checks the keys against the model and the estimated memory, then loads the proving key.
    fn load<'c>(
        &self,
        model: &'c Imported,
        circuit: &'c Circuit,
        verifying: VerifyingKey,
    ) -> Result<Loaded<'c>, Failure> {
        let start = Instant::now();
        let prover = Prover::load(&model.graph, circuit, verifying, &self.keys, self.max_memory.map(|b| b.0))?;
        Ok(Loaded { prover, seconds: start.elapsed().as_secs_f64() })
    }

    fn request(&self) -> Request {
        Request { context: self.context.map(|c| c.0).unwrap_or_default(), input_opening: None }
    }
}

/// Proves one sample and writes its files, the opening first: a proof whose opening is lost is of no use to its owner.
fn write_proof(
    prover: &Prover<'_>,
    source: &Source,
    request: &Request,
    path: &Path,
    opening: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Written, Failure> {
    let proof = match source {
        Source::Input(input) => prover.prove(input, request, progress)?,
        Source::Records(inputs) => prover.prove_records(inputs, request, progress)?,
    };
    if let Some(path) = opening {
        let openings: Vec<_> =
            [Some(&proof.input_opening), proof.output_opening.as_ref()].into_iter().flatten().collect();
        opening::write(path, &openings)?;
    }
    let file = proof.file.encode();
    write_atomically(path, false, |out| out.write_all(&file))?;
    Ok(Written { proof, path: path.to_owned(), file_bytes: file.len() })
}

/// A phase's name for people.
fn phase(name: &str) -> &str {
    match name {
        "commit" => "first phase",
        "fft" => "FFT",
        "msm" => "MSM",
        "self_check" => "self-check",
        other => other,
    }
}

impl Written {
    fn json(&self) -> Value {
        let (t, envelope) = (&self.proof.times, self.proof.file.envelope());
        let times = t.phases.iter().copied().chain([("total", t.total)]);
        let times: Map<String, Value> = times.map(|(name, s)| (format!("{name}_s"), s.into())).collect();
        json!({
            "proof": self.path,
            "claim": json::claim(&self.proof.claim),
            "proof_bytes": envelope.proof().len(),
            "envelope_bytes": envelope.encode().len(),
            "file_bytes": self.file_bytes,
            "times": times,
        })
    }
}
