//! `avouch open`: an opening against the commitments of a proof.

use std::path::PathBuf;

use avouch_prover::{
    files::read_bounded,
    opening::{self, Role},
};
use avouch_verifier::{ProofFile, Slot};
use clap::Args;
use serde_json::{Value, json};

use crate::{
    args::MAX_PROOF,
    console::{Answer, field, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Example:
  avouch open --opening sample.opening --proof sample.proof")]
pub(crate) struct Open {
    /// File of openings, of `avouch commit` or `avouch prove --opening`.
    #[arg(long, value_name = "FILE")]
    opening: PathBuf,
    /// Proof file. The proof itself is not verified: `avouch verify` does that.
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
}

impl Open {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let openings = opening::read(&self.opening)?;
        let file = ProofFile::decode(&read_bounded(&self.proof, MAX_PROOF)?)
            .map_err(|e| Failure::rejected("malformed_proof", self.proof.display(), e))?;
        let mut opened: Vec<Value> = Vec::new();
        let mut text = String::new();
        for o in &openings {
            let slot = match o.role {
                Role::Input => Slot::InputCommitment,
                Role::Output => Slot::Output,
            };
            if o.commitment() != *file.statement().slot(slot) {
                let message = format!(
                    "the {} opening is not of this proof: its commitment is {}, slot {} is {}",
                    o.role.name(),
                    hex::encode(o.commitment()),
                    slot.name(),
                    hex::encode(file.statement().slot(slot)),
                );
                return Err(Failure::rejected("other_opening", self.opening.display(), message));
            }
            opened.push(json!({
                "role": o.role.name(),
                "dtype": o.dtype.name(),
                "commitment": hex::encode(o.commitment()),
                "values": o.values,
            }));
            text += &format!("{} the {} is opened\n", tick(), o.role.name());
            text += &field("commitment", hex::encode(o.commitment()));
            text += &field("values", format!("{} of {}", o.values.len(), o.dtype.name()));
        }
        text += "The proof itself was not verified here: `avouch verify` does that.\n";
        Ok(Answer { json: json!({ "opened": opened }), text })
    }
}
