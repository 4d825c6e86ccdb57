//! Development tasks: `cargo xtask TASK`.
//!
//! | module | holds |
//! |---|---|
//! | [`mod@test`] | everything that must pass, and what it needs |
//! | [`dependencies`] | the dependency rule between the crates |
//! | [`accept`] | the `avouch` binary on recorded models: setup, prove, verify, cross-checks, figures |
//! | [`rehearse`] | ceremonies of three contributors, from phase 1 to proofs on every platform |
//! | [`results`] | `docs/results.json`, and the table of the README made from it |
//! | [`tables`] | tables in documents, made from what was recorded |
//! | [`plots`] | `docs/plots/`: drawings of `docs/results.json` |
//! | [`wasm`] | the verifier in WebAssembly: packages and plain module, built, measured and tested |
//! | [`solidity`] | the contracts: compiled, and run in an EVM with real proofs |
//! | [`cosmwasm`] | the CosmWasm contract: compiled, and run in an interpreter with real proofs |
//! | [`verdicts`] | one report of what every platform says of the verdict vectors |
//! | [`shell`] | running other programs |
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

mod accept;
mod cosmwasm;
mod dependencies;
mod plots;
mod rehearse;
mod results;
mod shell;
mod solidity;
mod tables;
mod test;
mod verdicts;
mod wasm;

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Development tasks of Avouch.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Run all tests, after installing what they need.
    Test,
    /// Assert which crates may depend on which.
    Dependencies,
    /// Set up, prove and verify recorded models with the `avouch` binary, and try to mix up their proofs.
    Accept(accept::Accept),
    /// Hold importer, executor and proof systems against recorded models and node tests.
    Conformance {
        #[command(flatten)]
        data: Data,
        /// Build with the release profile instead of the (optimized) dev profile.
        #[arg(long)]
        release: bool,
    },
    /// Draw `docs/results.json` into `docs/plots`.
    Plots {
        /// Change nothing; fail if a drawing is not up to date.
        #[arg(long)]
        check: bool,
    },
    /// Hold ceremonies of three contributors, and prove and verify under their keys.
    Rehearse(rehearse::Rehearse),
    /// Write tables into documents: of `docs/results.json`, and of what contracts cost.
    Tables {
        /// Change nothing; fail if a table is not up to date.
        #[arg(long)]
        check: bool,
    },
    /// Compile the contracts, and run them in an EVM with real proofs.
    Solidity,
    /// Compile the CosmWasm contract, and run it in an interpreter with real proofs.
    Cosmwasm,
    /// Hold what every platform said of the verdict vectors against each other: `test`, `solidity` and `wasm` ask them.
    Verdicts,
    /// Build the packages of the verifier in WebAssembly, hold them to their sizes, and test them.
    Wasm(wasm::Wasm),
}

/// Where recorded models are.
#[derive(Args)]
struct Data {
    /// The folder that holds models-and-data and bench-models.
    #[arg(long = "data", value_name = "DIR", env = "AVOUCH_CONFORMANCE_DATA", default_value = "../shared")]
    folder: PathBuf,
}

fn main() -> ExitCode {
    // Paths given on the command line are the caller's; everything else is relative to the workspace.
    let run = || match Cli::parse().task {
        Task::Test => test::run(),
        Task::Dependencies => dependencies::check(),
        Task::Accept(accept) => accept.run(),
        Task::Conformance { data, release } => test::conformance(&data.folder, release),
        Task::Plots { check } => plots::run(check),
        Task::Rehearse(rehearse) => rehearse.run(),
        Task::Tables { check } => tables::run(check),
        Task::Solidity => solidity::run(),
        Task::Cosmwasm => cosmwasm::run(),
        Task::Verdicts => verdicts::run(),
        Task::Wasm(wasm) => wasm.run(),
    };
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::FAILURE
        }
    }
}
