//! `avouch ceremony beacon`: the end of the contributions.

use std::{path::PathBuf, time::Instant};

use avouch_prover::ceremony::{Contributor, State, beacon};
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
  avouch ceremony beacon 3.ceremony --output 4.ceremony --value 00ab… --iterations 20 \\
    --name 'hash of block 900000, as was announced'")]
pub(crate) struct Beacon {
    /// The last file of the ceremony.
    file: PathBuf,
    /// File to write, from which the keys are made.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
    /// Public value in hexadecimal digits, 1 to 256 bytes, that nobody could know before the last contribution.
    #[arg(long, value_name = "HEX")]
    value: String,
    /// It is hashed 2^N times: 10 to 32.
    #[arg(long = "iterations", value_name = "N", default_value_t = 20)]
    iterations_log2: u32,
    /// What the value is: public.
    #[arg(long, value_name = "TEXT", default_value = "beacon")]
    name: String,
    /// Where it is found: public.
    #[arg(long, value_name = "TEXT", default_value = "")]
    attestation: String,
}

impl Beacon {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let start = Instant::now();
        check_new(&self.output)?;
        let digits = self.value.strip_prefix("0x").unwrap_or(&self.value);
        let value = hex::decode(digits).map_err(|e| Failure::usage(format!("--value: {e}")))?;
        let state = State::read(&self.file).map_err(|e| story::at(&self.file, e))?;
        let who = Contributor { name: &self.name, attestation: &self.attestation };
        let state = beacon(state, who, &value, self.iterations_log2, &console.progress())?;
        state.write(&self.output)?;
        let made = Made { what: "beacon", file: &self.output, seconds: start.elapsed().as_secs_f64() };
        Ok(made.answer(&state))
    }
}
