//! `avouch prove`: from an input to a proof file.

use std::{path::PathBuf, time::Instant};

use avouch_circuits::{circuit::Circuit, import};
use avouch_prover::{
    files::write_atomically,
    groth16::{Prover, Request},
    keys, memory,
    opening::{self, Role},
};
use avouch_verifier::SystemId;
use clap::Args;
use serde_json::json;

use crate::{
    args::{Bytes, Hex, InputArgs, check_writable},
    claim,
    console::{Answer, Console, bytes, count, field, seconds, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch prove model.onnx --keys keys --input sample.npy --proof sample.proof
  avouch prove model.onnx --keys keys --input all.npy --sample 3 --proof 3.proof --opening 3.opening
  avouch prove model.onnx --keys keys --input sample.npy --proof sample.proof --context 00ff…")]
pub(crate) struct Prove {
    /// ONNX file that the keys were made for.
    model: PathBuf,
    /// Folder that setup made.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    /// Proof file to write.
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// Binds the proof to its use: the 32-byte digest in hexadecimal (see `avouch context`); by default to none.
    #[arg(long, value_name = "HEX")]
    context: Option<Hex<32>>,
    /// Prove for exactly the commitment of this opening (see `avouch commit`).
    #[arg(long, value_name = "FILE")]
    input_opening: Option<PathBuf>,
    /// Write salts and values of the commitments, for their owner only.
    #[arg(long, value_name = "FILE")]
    opening: Option<PathBuf>,
    /// Refuse to begin if proving is estimated to take more memory, such as 800M or 2G.
    #[arg(long, value_name = "SIZE")]
    max_memory: Option<Bytes>,
}

impl Prove {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let verifying = keys::read_verifying_key(&self.keys.join(keys::VERIFYING_KEY))?;
        [Some(&self.proof), self.opening.as_ref()].into_iter().flatten().try_for_each(|p| check_writable(p))?;
        let input_opening = match &self.input_opening {
            None => None,
            Some(path) => {
                let input = opening::read(path)?.into_iter().find(|o| o.role == Role::Input);
                Some(input.ok_or_else(|| Failure::file(path, "holds no opening of an input"))?)
            }
        };
        let model = import::import_file(&self.model)?;
        let input = self.input.one(&model)?;
        let circuit = Circuit::new(&model.graph, verifying.description().disclosure)?;

        let load = Instant::now();
        let proving_key = self.keys.join(keys::PROVING_KEY);
        let max_memory = self.max_memory.map(|b| b.0);
        let prover = match verifying.system() {
            SystemId::Groth16Bn254 | SystemId::Groth16LookupBn254 => {
                Prover::load(&model.graph, &circuit, verifying, &proving_key, max_memory)?
            }
        };
        let load = load.elapsed().as_secs_f64();

        let request = Request { context: self.context.map(|c| c.0).unwrap_or_default(), input_opening };
        let proof = prover.prove(&input, &request, &console.progress())?;
        if let Some(path) = &self.opening {
            let openings: Vec<_> =
                [Some(&proof.input_opening), proof.output_opening.as_ref()].into_iter().flatten().collect();
            opening::write(path, &openings)?;
        }
        let file = proof.file.encode();
        write_atomically(&self.proof, false, |out| out.write_all(&file))?;

        let (t, cost, peak) = (&proof.times, prover.cost(), memory::peak());
        let envelope = proof.file.envelope();
        let json = json!({
            "proof": self.proof,
            "claim": claim::json(&proof.claim),
            "constraints": cost.constraints,
            "variables": cost.variables + cost.derived,
            "proof_bytes": envelope.proof().len(),
            "envelope_bytes": envelope.encode().len(),
            "file_bytes": file.len(),
            "peak_memory_bytes": peak,
            "times": {
                "load_s": load,
                "witness_s": t.witness,
                "commit_s": t.commit,
                "fft_s": t.fft,
                "msm_s": t.msm,
                "self_check_s": t.self_check,
                "total_s": t.total,
            },
            "notes": model.notes,
        });
        let mut text = format!("{} proven in {}: {}\n", tick(), seconds(t.total), self.proof.display());
        let phases = [
            ("witness", t.witness),
            ("first phase", t.commit),
            ("FFT", t.fft),
            ("MSM", t.msm),
            ("self-check", t.self_check),
            ("key loading", load),
        ];
        let phases: Vec<String> = phases.iter().map(|(name, s)| format!("{name} {}", seconds(*s))).collect();
        text += &field("phases", phases.join(", "));
        text += &field("constraints", count(cost.constraints as u64));
        text += &field("size", format!("{} bytes ({} in all)", envelope.proof().len(), bytes(file.len() as u64)));
        if let Some(peak) = peak {
            text += &field("peak memory", bytes(peak));
        }
        text += &claim::text(&proof.claim);
        Ok(Answer { json, text })
    }
}
