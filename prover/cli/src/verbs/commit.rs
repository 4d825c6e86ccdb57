//! `avouch commit`: a commitment to an input, and its opening.

use std::path::PathBuf;

use avouch_circuits::import;
use avouch_prover::opening::{self, Hash, Opening, Role};
use avouch_verifier::SystemId;
use clap::Args;
use serde_json::json;

use crate::{
    args::{InputArgs, check_writable, system},
    console::{Answer, field, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Example:
  avouch commit model.onnx --input sample.npy --opening sample.opening
  avouch prove model.onnx --keys keys --input sample.npy --input-opening sample.opening --proof sample.proof")]
pub(crate) struct Commit {
    /// ONNX file: the commitment is to its quantized input.
    model: PathBuf,
    #[command(flatten)]
    input: InputArgs,
    /// Proof system that is going to prove it: those over Pasta hash differently.
    #[arg(long, value_name = "ID", default_value = "groth16-bn254:v1", value_parser = system)]
    system: SystemId,
    /// File to write, for its owner only: salt and values. Whoever has it knows the input.
    #[arg(long, value_name = "FILE")]
    opening: PathBuf,
}

impl Commit {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        check_writable(&self.opening)?;
        let model = import::import_file(&self.model)?;
        let input = self.input.one(&model)?;
        let opening = Opening::fresh(Hash::of(self.system), Role::Input, model.graph.input_info().quant.dtype, &input)?;
        opening::write(&self.opening, &[&opening])?;
        let commitment = hex::encode(opening.commitment());
        let mut text = format!("{} committed; keep {} private\n", tick(), self.opening.display());
        text += &field("input commitment", &commitment);
        Ok(Answer { json: json!({ "input_commitment": commitment, "opening": self.opening }), text })
    }
}
