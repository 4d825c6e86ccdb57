//! `avouch parameters`: the parameters of the transparent system, derived anew.

use std::{path::PathBuf, time::Instant};

use avouch_prover::files::write_atomically;
use avouch_verifier::system::halo2_ipa_pasta::parameters;
use clap::Args;
use serde_json::json;

use crate::{
    args::check_writable,
    console::{Answer, field, seconds, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch parameters 14
  avouch parameters 14 --output keys/parameters")]
pub(crate) struct Parameters {
    /// Logarithm of the number of points: what `inspect` and `setup` call k.
    k: u32,
    /// File to write: beside a verifying key it saves the time to derive them.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Parameters {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let pinned = parameters::pinned(self.k).map_err(|e| {
            let sizes: Vec<String> = parameters::sizes().map(|k| k.to_string()).collect();
            Failure::usage(e.to_string()).hint(format!("give one of {}", sizes.join(", ")))
        })?;
        if let Some(path) = &self.output {
            check_writable(path)?;
        }
        let start = Instant::now();
        // Nothing has been read in this process, so they are derived, and held against the digest.
        let derived = parameters::get(self.k).map_err(|e| Failure::new("setup", "", e))?;
        let elapsed = start.elapsed().as_secs_f64();
        if let Some(path) = &self.output {
            write_atomically(path, false, |out| out.write_all(&parameters::encode(derived)))?;
        }
        let mut text = format!("{} derived in {}, and they are the ones that are pinned\n", tick(), seconds(elapsed));
        text += &field("k", self.k);
        text += &field("sha-256", pinned);
        let json = json!({ "k": self.k, "sha256": pinned, "file": self.output, "times": { "total_s": elapsed } });
        Ok(Answer { json, text })
    }
}
