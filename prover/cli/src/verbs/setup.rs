//! `avouch setup`: keys for development, or derived ones.

use std::{path::PathBuf, time::Instant};

use avouch_circuits::import;
use avouch_prover::{files::NewFolder, keys, memory, policy::read_schema, setup};
use avouch_verifier::{SetupKind, SystemId, json};
use clap::Args;
use serde_json::json;

use crate::{
    args::{DisclosureArg, Hex, disclosure, lower, system},
    console::{Answer, Console, bytes, field, seconds, tick},
    failure::Failure,
    size,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch setup model.onnx --keys keys
  avouch setup model.onnx --keys keys --disclose argmax
  avouch setup model.onnx --keys keys --disclose threshold=3:20 --force
  avouch setup model.onnx --keys keys --system halo2-ipa-pasta:v1
  avouch setup model.onnx --keys keys --system groth16-lookup-bn254:v1 --schema schema.json")]
pub(crate) struct Setup {
    /// ONNX file: int8, statically quantized (QOperator or QDQ).
    model: PathBuf,
    /// Proof system.
    #[arg(long, value_name = "ID", default_value = "groth16-bn254:v1", value_parser = system)]
    system: SystemId,
    /// Folder to create, for verifying.key, manifest.json, and proving.key (Groth16) or parameters (halo2).
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// What a proof shows of the output: raw, argmax, threshold=INDEX:T (1 iff the integer at INDEX is ≥ T), commit;
    /// by default raw if it fits, else commit.
    #[arg(long, value_name = "WHAT")]
    disclose: Option<DisclosureArg>,
    /// Schema of signed records that the input is made of: proofs then show that they satisfy a data policy.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
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

impl Setup {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let start = Instant::now();
        let folder = NewFolder::create(&self.keys, self.force)?;
        let model = import::import_file(&self.model)?;
        let schema = self.schema.as_deref().map(read_schema).transpose()?;
        let circuit = lower(&model.graph, disclosure(self.disclose, &model.graph), schema.as_ref())?;
        let file_name = || self.model.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let label = self.label.clone().unwrap_or_else(file_name);
        let seed = self.seed.map(|s| s.0);
        let cost = size::Cost::of(self.system, &circuit)?;
        let keys = setup(self.system, &model.graph, &circuit, &label, seed, &console.progress())?;
        let verifying = keys.verifying.clone();
        keys::write(folder, &keys)?;
        drop(keys);

        // None if there is no such file.
        let bytes_of = |name| std::fs::metadata(self.keys.join(name)).ok().map(|m| m.len());
        let files = [keys::PROVING_KEY, keys::PARAMETERS, keys::VERIFYING_KEY];
        let [proving_bytes, parameters_bytes, verifying_bytes] = files.map(bytes_of);
        let elapsed = start.elapsed().as_secs_f64();
        let mut json = json::manifest(&verifying);
        cost.size().put(&mut json);
        json["proving_key_bytes"] = proving_bytes.into();
        json["parameters_bytes"] = parameters_bytes.into();
        json["verifying_key_bytes"] = verifying_bytes.into();
        json["peak_memory_bytes"] = memory::peak().into();
        json["times"] = json!({ "total_s": elapsed });
        json["notes"] = model.notes.into();

        let mut text = format!("{} keys in {} ({})\n", tick(), self.keys.display(), seconds(elapsed));
        text += &field("proof system", self.system);
        text += &field("discloses", circuit.description.disclosure.name());
        text += &cost.size().text();
        for (name, file_bytes) in [("proving key", proving_bytes), ("parameters", parameters_bytes)] {
            text += &file_bytes.map_or(String::new(), |n| field(name, bytes(n)));
        }
        let digest = hex::encode(verifying.digest());
        text += &field("verifying key", format!("{}, digest {digest}", bytes(verifying_bytes.unwrap_or_default())));
        text += &field("model", hex::encode(circuit.description.model_id));
        text += match verifying.setup() {
            SetupKind::Dev => "These keys are for development: whoever ran this setup could forge proofs.\n",
            SetupKind::Transparent => {
                "Anybody derives the same key from the model: there was nothing to keep secret.\n"
            }
            SetupKind::Ceremony { .. } => "",
        };
        Ok(Answer { json, text })
    }
}
