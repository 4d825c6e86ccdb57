//! `avouch verify`: what a proof claims, and whether that is what was asked for.

use std::{path::PathBuf, time::Instant};

use avouch_prover::{files::read_bounded, keys::read_parameters};
use avouch_verifier::{Acceptance, Disclosure, Freshness, KeyProvenance, Output, VerifyingKey, json, verify};
use clap::Args;
use serde_json::json;

use crate::{
    args::{Hex, MAX_PROOF, now},
    claim,
    console::{Answer, Console, seconds, tick},
    failure::Failure,
    trust::KeyArgs,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch verify --key keys/verifying.key --proof sample.proof --allow-dev-setup
  avouch verify --key verifying.key --proof sample.proof --expect-vk 12ab… --expect-context 00ff… --json
  avouch verify --key verifying.key --proof sample.proof --expect-vk 12ab… --expect-output 7
  avouch verify --key verifying.key --proof sample.proof --transcript transcript --model model.onnx \\
    --ptau final_16.ptau --trust-contribution 34cd…")]
pub(crate) struct Verify {
    #[command(flatten)]
    key: KeyArgs,
    /// Proof file.
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
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
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let key = self.key.read()?;
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
        let start = Instant::now();
        // A file of parameters beside a transparent key saves the time to derive them.
        if let Some(folder) = self.key.path().parent() {
            read_parameters(folder, &key)?;
        }
        let key = self.key.admit(key, console)?;
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
            KeyProvenance::TranscriptChecked => format!("; its ceremony was checked in {}", seconds(admitted)),
            KeyProvenance::Pinned | KeyProvenance::Dev => String::new(),
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
