//! `avouch ceremony phase1`: powers of τ.

use std::path::{Path, PathBuf};

use avouch_prover::ceremony::phase1::{self, Beacon, Contribution, PtauError, Report};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::check_new;
use crate::{
    console::{Answer, Console, field, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch ceremony phase1 verify powersOfTau28_hez_final_16.ptau
  avouch ceremony phase1 new 16 --output 0.ptau
  avouch ceremony phase1 contribute 0.ptau --output 1.ptau --name \"First party\"
  avouch ceremony phase1 beacon 1.ptau --output final.ptau --iterations 10 \\
    --value 00000000000000000000f2b6d1ff2ae4db7e0f8e2d5b2fd1c7f2b1a7e6b5a4c3")]
pub(crate) struct Phase1 {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Begin a ceremony: a file that serves only to contribute to.
    New {
        /// For circuits of up to 2^POWER constraints: 1 to 28.
        power: u32,
        /// File to write: about 384 · 2^POWER bytes.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Contribute secrets from the operating system, which are forgotten; the file is verified first.
    Contribute {
        /// What the one before made.
        ptau: PathBuf,
        /// File to write.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// What others will see: up to 64 bytes. Nobody checks it.
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
        /// Anything random, hashed together with the operating system's randomness.
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        entropy: String,
    },
    /// End a ceremony with public randomness that no contributor could know; the file is verified first.
    Beacon {
        /// What the last contributor made.
        ptau: PathBuf,
        /// File to write.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
        /// The randomness, such as the hash of a block announced beforehand: up to 255 bytes in hexadecimal.
        #[arg(long, value_name = "HEX", value_parser = digits)]
        value: Digits,
        /// It is hashed 2^N times, N from 10 to 32.
        #[arg(long, value_name = "N")]
        iterations: u8,
        /// What others will see: up to 64 bytes.
        #[arg(long, value_name = "TEXT")]
        name: Option<String>,
    },
    /// Verify all of a file, and print who contributed.
    Verify {
        /// The file.
        ptau: PathBuf,
    },
}

/// Bytes in hexadecimal.
#[derive(Clone)]
struct Digits(Vec<u8>);

fn digits(text: &str) -> Result<Digits, String> {
    let digits = text.strip_prefix("0x").unwrap_or(text);
    hex::decode(digits).map(Digits).map_err(|e| e.to_string())
}

impl Phase1 {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let progress = console.progress();
        match self.action {
            Action::New { power, output } => {
                check_new(&output)?;
                phase1::new(&output, power, &progress).map_err(|e| failure(&output, e))?;
                let mut text = format!("{} began {}\n", tick(), output.display());
                text += &field("power", power);
                text += "Everybody knows its secrets: contribute to it before it is used.\n";
                Ok(Answer { json: json!({ "ptau": output, "power": power }), text })
            }
            Action::Contribute { ptau, output, name, entropy } => {
                check_new(&output)?;
                let made = phase1::contribute(&ptau, &output, name.as_deref(), entropy.as_bytes(), &progress);
                let mut answer = contributed(&made.map_err(|e| failure(&ptau, e))?, &output, "contributed to");
                answer.text += "Publish the response hash: by it you find your contribution in later files.\n";
                Ok(answer)
            }
            Action::Beacon { ptau, output, value, iterations, name } => {
                check_new(&output)?;
                let beacon = Beacon { value: value.0, iterations };
                let made = phase1::beacon(&ptau, &output, name.as_deref(), beacon, &progress);
                Ok(contributed(&made.map_err(|e| failure(&ptau, e))?, &output, "applied the beacon to"))
            }
            Action::Verify { ptau } => {
                let report = phase1::verify(&ptau, &progress).map_err(|e| match e {
                    PtauError::File(_) | PtauError::Cancelled(_) | PtauError::Randomness(_) => failure(&ptau, e),
                    e => Failure::rejected("ptau", ptau.display(), e),
                })?;
                Ok(verified(&report))
            }
        }
    }
}

pub(super) fn failure(path: &Path, e: PtauError) -> Failure {
    match e {
        PtauError::File(_) | PtauError::Randomness(_) | PtauError::Cancelled(_) | PtauError::Parameter(_) => e.into(),
        e => Failure { place: path.display().to_string(), ..e.into() },
    }
}

fn object(c: &Contribution) -> Value {
    json!({
        "name": c.name,
        "beacon": c.beacon.as_ref().map(|b| json!({ "value": hex::encode(&b.value), "iterations": b.iterations })),
        "response_hash": hex::encode(c.response_hash),
        "next_challenge": hex::encode(c.next_challenge),
    })
}

fn lines(c: &Contribution) -> String {
    let mut text = c.name.as_ref().map_or(String::new(), |name| field("name", printable(name)));
    if let Some(b) = &c.beacon {
        text += &field("beacon", format!("{}, hashed 2^{} times", hex::encode(&b.value), b.iterations));
    }
    text + &field("response hash", hex::encode(c.response_hash))
}

/// A name comes from a stranger: no control characters reach the terminal.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

fn contributed(c: &Contribution, output: &Path, done: &str) -> Answer {
    let mut json = object(c);
    json["ptau"] = json!(output);
    let text = format!("{} {done} {}\n{}", tick(), output.display(), lines(c));
    Answer { json, text }
}

fn verified(report: &Report) -> Answer {
    let json = json!({
        "hash": hex::encode(report.hash),
        "power": report.power,
        "ceremony_power": report.ceremony_power,
        "prepared": report.prepared,
        "public": report.public.map(|f| f.name),
        "contributions": report.contributions.iter().map(object).collect::<Vec<_>>(),
    });
    let mut text = format!("{} every point, contribution and hash was checked\n", tick());
    text += &field("power", format!("{}, for circuits of up to 2^{} constraints", report.power, report.power));
    if report.ceremony_power > report.power {
        text += &field("ceremony", format!("of power {}; this is a part of its file", report.ceremony_power));
    }
    text +=
        &field("Lagrange bases", if report.prepared { "in the file" } else { "none; they are computed when needed" });
    text += &field("BLAKE2b-512", hex::encode(report.hash));
    text += &field("public file", report.public.map_or("none of the known ones", |f| f.name));
    for (i, c) in report.contributions.iter().enumerate() {
        text += &format!("contribution {}\n{}", i + 1, lines(c));
    }
    text += "Names are claims. The setup is sound if one contributor forgot a secret: look for a response hash that\n\
             somebody you trust has published.\n";
    if report.ceremony_power > report.power {
        text += "Whether these are the points of the last contribution can only be seen from the whole file.\n";
    }
    Answer { json, text }
}
