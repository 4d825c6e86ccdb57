//! `avouch setup`: keys for development.

use std::{path::PathBuf, time::Instant};

use avouch_circuits::{circuit::Circuit, import};
use avouch_prover::{files::NewFolder, groth16, keys, memory};
use avouch_verifier::SystemId;
use clap::Args;
use serde_json::json;

use crate::{
    args::{DisclosureArg, Hex, disclosure},
    console::{Answer, Console, bytes, count, field, seconds, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch setup model.onnx --keys keys
  avouch setup model.onnx --keys keys --disclose argmax
  avouch setup model.onnx --keys keys --disclose threshold=3:20 --force")]
pub(crate) struct Setup {
    /// ONNX file: int8, statically quantized (QOperator or QDQ).
    model: PathBuf,
    /// Proof system.
    #[arg(long, value_name = "ID", default_value = "groth16-bn254:v1", value_parser = system)]
    system: SystemId,
    /// Folder to create, for proving.key, verifying.key and manifest.json.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// What a proof shows of the output: raw, argmax, threshold=INDEX:T (1 iff the integer at INDEX is ≥ T), commit;
    /// by default raw if it fits, else commit.
    #[arg(long, value_name = "WHAT")]
    disclose: Option<DisclosureArg>,
    /// Replace a folder that is not empty.
    #[arg(long)]
    force: bool,
    /// 32 bytes in hexadecimal that all secrets are derived from: reproducible keys, for tests.
    #[arg(long, value_name = "HEX")]
    seed: Option<Hex<32>>,
    /// A few words for people, kept in the key; by default the model's file name.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
}

/// A proof system by its name.
pub(crate) fn system(name: &str) -> Result<SystemId, String> {
    let all = || SystemId::ALL.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ");
    SystemId::from_name(name).ok_or_else(|| format!("this build has {}", all()))
}

impl Setup {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let start = Instant::now();
        let folder = NewFolder::create(&self.keys, self.force)?;
        let model = import::import_file(&self.model)?;
        let circuit = Circuit::new(&model.graph, disclosure(self.disclose, &model.graph))?;
        let file_name = || self.model.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let label = self.label.clone().unwrap_or_else(file_name);
        let seed = self.seed.map(|s| s.0);
        let keys = match self.system {
            SystemId::Groth16Bn254 | SystemId::Groth16LookupBn254 => {
                groth16::setup(self.system, &circuit, &label, seed, &console.progress())?
            }
        };
        let verifying = keys.verifying.clone();
        let (constraints, variables) = (keys.cost.constraints, keys.cost.variables);
        keys::write(folder, &keys)?;
        drop(keys);

        let size = |name| std::fs::metadata(self.keys.join(name)).map(|m| m.len()).unwrap_or_default();
        let (proving_bytes, verifying_bytes) = (size(keys::PROVING_KEY), size(keys::VERIFYING_KEY));
        let elapsed = start.elapsed().as_secs_f64();
        let mut json = keys::manifest(&verifying);
        json["constraints"] = constraints.into();
        json["variables"] = variables.into();
        json["proving_key_bytes"] = proving_bytes.into();
        json["verifying_key_bytes"] = verifying_bytes.into();
        json["peak_memory_bytes"] = memory::peak().into();
        json["times"] = json!({ "total_s": elapsed });
        json["notes"] = model.notes.into();

        let mut text = format!("{} keys in {} ({})\n", tick(), self.keys.display(), seconds(elapsed));
        text += &field("proof system", self.system);
        text += &field("discloses", circuit.description.disclosure.name());
        text += &field("constraints", count(constraints as u64));
        text += &field("proving key", bytes(proving_bytes));
        text += &field("verifying key", format!("{verifying_bytes} bytes, digest {}", hex::encode(verifying.digest())));
        text += &field("model", hex::encode(circuit.description.model_id));
        text += "These keys are for development: whoever ran this setup could forge proofs.\n";
        Ok(Answer { json, text })
    }
}
