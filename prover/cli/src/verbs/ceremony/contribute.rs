//! `avouch ceremony contribute`: one more contribution, from the last file alone.

use std::{path::PathBuf, time::Instant};

use avouch_prover::{
    ceremony::{Contributor, State, contribute},
    memory,
};
use clap::Args;

use super::{
    check_new,
    story::{self, Made},
};
use crate::{
    console::{Answer, Console},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch ceremony contribute 0.ceremony --output 1.ceremony --name Ada
  avouch ceremony contribute 1.ceremony --output 2.ceremony --name 'Blaise, example.org' \\
    --attestation 'https://example.org/ceremony' --entropy 'some dice: 3 6 1 1 4'")]
pub(crate) struct Contribute {
    /// The last file of the ceremony.
    file: PathBuf,
    /// File to write, which the next contributor gets.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Who you are: public, and a claim until you publish the hash under it.
    #[arg(long, value_name = "TEXT")]
    name: String,
    /// What you say about it, such as where you publish the hash: public.
    #[arg(long, value_name = "TEXT", default_value = "")]
    attestation: String,
    /// Anything, to be mixed with the operating system's randomness, which alone is enough.
    #[arg(long, value_name = "TEXT")]
    entropy: Option<String>,
}

impl Contribute {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let start = Instant::now();
        check_new(&self.output)?;
        let state = State::read(&self.file).map_err(|e| story::at(&self.file, e))?;
        let who = Contributor { name: &self.name, attestation: &self.attestation };
        let state = contribute(state, who, self.entropy.as_deref(), &console.progress())?;
        state.write(&self.output)?;
        let made = Made { what: "contribution", file: &self.output, seconds: start.elapsed().as_secs_f64() };
        let mut answer = made.answer(&state);
        answer.json["peak_memory_bytes"] = memory::peak().into();
        answer.text += "Publish the hash under your name, where others find it without this file: only that counts.\n";
        Ok(answer)
    }
}
