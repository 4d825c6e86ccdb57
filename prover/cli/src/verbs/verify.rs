//! `avouch verify`: what a proof claims, and whether that is what was asked for.

use std::{path::PathBuf, time::Instant};

use avouch_prover::{
    files::read_bounded,
    keys::{self, read_parameters, read_verifying_key},
};
use avouch_verifier::{
    Acceptance, Disclosure, Freshness, KeyPolicy, KeyProvenance, Output, VerifyingKey, json, verify,
};
use clap::Args;
use serde_json::json;

use crate::{
    args::{Hex, MAX_PROOF, now},
    claim,
    console::{Answer, seconds, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch verify --key keys/verifying.key --proof sample.proof --allow-dev-setup
  avouch verify --key verifying.key --proof sample.proof --expect-vk 12ab… --expect-context 00ff… --json
  avouch verify --key verifying.key --proof sample.proof --expect-vk 12ab… --expect-output 7")]
pub(crate) struct Verify {
    /// Verifying key, or the folder that holds one. A file `parameters` beside a transparent key saves the time to derive
    /// them; it is believed only if it is the one that is pinned.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Proof file.
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// Accept a key from a development setup, whose maker can forge proofs.
    #[arg(long)]
    allow_dev_setup: bool,
    /// The only key digest to accept.
    #[arg(long, value_name = "HEX")]
    expect_vk: Option<Hex<32>>,
    /// The model's id.
    #[arg(long, value_name = "HEX")]
    expect_model: Option<Hex<32>>,
    /// The output: integers such as 1,-2,3 (raw), a class (argmax), 0 or 1 (threshold), or a commitment in hexadecimal.
    #[arg(long, value_name = "OUTPUT", allow_hyphen_values = true)]
    expect_output: Option<String>,
    /// The context digest that the proof must be bound to.
    #[arg(long, value_name = "HEX")]
    expect_context: Option<Hex<32>>,
    /// The data policy's id.
    #[arg(long, value_name = "HEX")]
    expect_policy: Option<Hex<32>>,
    /// The registry root.
    #[arg(long, value_name = "HEX")]
    expect_root: Option<Hex<32>>,
    /// Seconds since the end of the records' window, at most.
    #[arg(long, value_name = "SECONDS")]
    max_delay: Option<u64>,
    /// Seconds that the prover's clock may be ahead.
    #[arg(long, value_name = "SECONDS", default_value_t = 0, requires = "max_delay")]
    skew: u64,
}

impl Verify {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let path = if self.key.is_dir() { self.key.join(keys::VERIFYING_KEY) } else { self.key.clone() };
        let key = read_verifying_key(&path)?;
        let expect_output = self.expect_output.as_deref().map(|text| output(text, &key)).transpose()?;
        let freshness = match self.max_delay {
            None => None,
            Some(max_delay) => Some(Freshness { now: now()?, max_delay, skew: self.skew }),
        };
        let acceptance = Acceptance {
            expect_model: self.expect_model.map(|h| h.0),
            expect_context: self.expect_context.map(|h| h.0),
            expect_policy: self.expect_policy.map(|h| h.0),
            expect_root: self.expect_root.map(|h| h.0),
            expect_output,
            freshness,
        };
        let proof = read_bounded(&self.proof, MAX_PROOF)?;
        let policy = KeyPolicy { allow_dev: self.allow_dev_setup, expect_vk: self.expect_vk.map(|h| h.0) };
        let start = Instant::now();
        if let Some(folder) = path.parent() {
            read_parameters(folder, &key)?;
        }
        let key = policy.admit(key)?;
        let admitted = start.elapsed().as_secs_f64();

        let start = Instant::now();
        let claim =
            verify(&key, &proof).map_err(|e| Failure { place: self.proof.display().to_string(), ..e.into() })?;
        let elapsed = start.elapsed().as_secs_f64();
        let report = acceptance.evaluate(&claim);
        let json = json!({
            "accepted": report.is_accepted(),
            "claim": json::claim(&claim),
            "acceptance": json::acceptance(&report),
            "times": { "key_s": admitted, "verify_s": elapsed },
        });
        if let Err(unmet) = report.check() {
            return Err(Failure { facts: Some(json.into()), ..unmet.into() });
        }
        let key_time = match key.provenance() {
            KeyProvenance::Rederived => format!("; the key was derived from its model in {}", seconds(admitted)),
            KeyProvenance::TranscriptChecked | KeyProvenance::Pinned | KeyProvenance::Dev => String::new(),
        };
        let mut text = format!("{} the proof verifies ({}{key_time})\n", tick(), seconds(elapsed));
        text += &claim::text(&claim);
        text += &claim::acceptance_text(&report);
        Ok(Answer { json, text })
    }
}

/// An expected output, written as the key's disclosure asks for.
fn output(text: &str, key: &VerifyingKey) -> Result<Output, Failure> {
    let wrong = |expected: &str| {
        Failure::usage(format!(
            "{text:?} is no output of this key, which discloses {}",
            key.description().disclosure.name()
        ))
        .hint(format!("give {expected}"))
    };
    match key.description().disclosure {
        Disclosure::Raw => {
            let integers: Result<Vec<i32>, _> = text.split(',').map(|v| v.trim().parse()).collect();
            integers
                .map(Output::Raw)
                .map_err(|_| wrong("all integers, separated by commas, such as --expect-output=1,-2,3"))
        }
        Disclosure::Argmax => text.parse().map(Output::Argmax).map_err(|_| wrong("the index of the class, such as 7")),
        Disclosure::Threshold { index, threshold } => match text {
            "0" | "1" => Ok(Output::Threshold { index, threshold, reached: text == "1" }),
            _ => Err(wrong("0 (below) or 1 (reached)")),
        },
        Disclosure::Commit => {
            let commitment: Result<Hex<32>, _> = text.parse();
            commitment.map(|h| Output::Commit(h.0)).map_err(|_| wrong("the commitment in 64 hexadecimal digits"))
        }
    }
}
