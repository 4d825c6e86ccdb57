//! `avouch ceremony init`: the initial key.

use std::{path::PathBuf, time::Instant};

use avouch_prover::{ceremony::init, memory};
use avouch_verifier::SystemId;
use clap::Args;
use serde_json::json;

use super::{Source, check_new};
use crate::{
    args::{DisclosureArg, disclosure, system},
    console::{Answer, Console, count, field, seconds, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch ceremony init model.onnx --ptau final_14.ptau --output 0.ceremony
  avouch ceremony init model.onnx --ptau final_14.ptau --system groth16-lookup-bn254:v1 --disclose argmax \\
    --output 0.ceremony")]
pub(crate) struct Init {
    #[command(flatten)]
    source: Source,
    /// Proof system.
    #[arg(long, value_name = "ID", default_value = "groth16-bn254:v1", value_parser = system)]
    system: SystemId,
    /// What a proof shows of the output: raw, argmax, threshold=INDEX:T, commit; by default raw if it fits, else commit.
    #[arg(long, value_name = "WHAT")]
    disclose: Option<DisclosureArg>,
    /// A few words for people, kept in the key; by default the model's file name.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// File to write, which the first contributor gets. An interrupted run keeps what it computed in files beside it, and
    /// goes on from them.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

impl Init {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let start = Instant::now();
        check_new(&self.output)?;
        let model = self.source.import()?;
        let circuit = self.source.circuit(&model, disclosure(self.disclose, &model.graph))?;
        let file_name = || self.source.model.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let label = self.label.clone().unwrap_or_else(file_name);
        let mut subject = self.source.subject(self.system, &circuit, &label)?;
        let is_interim = self.source.basis.is_none();
        if is_interim {
            subject = subject.with_basis(&self.output);
        }
        let bars = console.progress();
        let phase1 = self.source.phase1(&subject, &bars)?;
        let state = init(&subject, phase1, &bars)?;
        drop(bars);
        state.write(&self.output)?;
        if is_interim {
            subject.forget_basis();
        }

        let transcript = state.transcript();
        let (hash, phase1) = (hex::encode(transcript.last_hash()), hex::encode(transcript.phase1()));
        let elapsed = start.elapsed().as_secs_f64();
        let json = json!({
            "file": self.output,
            "system": self.system.name(),
            "disclosure": transcript.disclosure().name(),
            "model_id": hex::encode(circuit.description.model_id),
            "circuit_id": hex::encode(circuit.description.circuit_id()),
            "constraints": subject.cost().constraints,
            "points": subject.points(),
            "phase1": phase1,
            "start_hash": hash,
            "peak_memory_bytes": memory::peak(),
            "times": { "total_s": elapsed },
        });
        let mut text = format!("{} initial key in {} ({})\n", tick(), self.output.display(), seconds(elapsed));
        text += &field("proof system", self.system);
        text += &field("discloses", transcript.disclosure().name());
        text += &field("constraints", count(subject.cost().constraints as u64));
        text += &field("phase 1", phase1);
        text += &field("start hash", hash);
        text += "Nobody has contributed yet: pass the file on, for avouch ceremony contribute.\n";
        Ok(Answer { json, text })
    }
}
