//! `avouch`: the command line.
//!
//! | module | holds |
//! |---|---|
//! | [`verbs`] | one file for each verb: its arguments, what it does, what it answers |
//! | [`console`] | where answers, progress and errors go, for people and for scripts |
//! | [`failure`] | what went wrong, and the exit code that says so |
//! | [`claim`] | a verified claim as JSON and as text |
//! | [`args`] | values that several verbs take |
//! | [`trust`] | a verifying key, and why it is trusted |
//!
//! Exit codes: 0 done or accepted, 1 a proof or claim is rejected, 2 anything else (bad input, bad file, bad usage).

mod args;
mod claim;
mod console;
mod failure;
mod size;
mod trust;
mod verbs;

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};

use crate::{console::Console, failure::Failure, verbs::Verb};

/// Prove in zero knowledge that a committed, quantized neural network ran on private data.
#[derive(Parser)]
#[command(name = "avouch", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
    /// Print one JSON object on stdout, and nothing else there.
    #[arg(long, global = true)]
    json: bool,
    /// Threads to use; by default all cores.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
}

const EXAMPLES: &str = "\
Examples:
  avouch demo
  avouch inspect model.onnx
  avouch setup model.onnx --keys keys
  avouch prove model.onnx --keys keys --input sample.npy --proof sample.proof
  avouch verify --key keys/verifying.key --proof sample.proof --allow-dev-setup

Exit codes: 0 done or accepted, 1 proof or claim rejected, 2 error.";

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(e) => return usage(&e),
    };
    let console = Console::new(cli.json);
    let run = || {
        console::catch_interrupt()?;
        if let Some(n) = cli.threads {
            args::use_threads(n)?;
        }
        cli.verb.run(&console)
    };
    match run() {
        Ok(answer) => console.answer(answer),
        Err(failure) => console.fail(&failure),
    }
}

/// Help and version go to stdout; anything else is an error of usage, in JSON too where that was asked for.
fn usage(e: &clap::Error) -> ExitCode {
    let asked = matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if asked || !std::env::args().any(|a| a == "--json") {
        let _ = e.print();
        return if asked { ExitCode::SUCCESS } else { ExitCode::from(failure::ERROR) };
    }
    let text = e.to_string();
    let message = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    Console::new(true).fail(&Failure::usage(message).hint("see avouch --help"))
}
