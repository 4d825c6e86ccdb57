//! `avouch-conformance`: holds the importer and the executor against recorded models and node tests.
//!
//! Exits 0 if all came out as recorded, 1 if not, 2 if something could not be read.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command")]

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use avouch_conformance::{ENVIRONMENT, Error, models, node_tests, report::Report};
use clap::{Parser, Subcommand};

/// Hold the importer and the executor against recorded models and node tests.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    suite: Option<Suite>,
    /// Print one JSON object instead of a table.
    #[arg(long, global = true)]
    json: bool,
    /// The folder with models-and-data and bench-models, for suites whose folders are not given.
    #[arg(long, global = true, env = ENVIRONMENT, default_value = "../shared")]
    data: PathBuf,
}

#[derive(Subcommand)]
enum Suite {
    /// Every suite, on the data folder (the default).
    All,
    /// Outputs recorded from ONNX Runtime, in folders of models.
    Models {
        /// Folders of models.
        folders: Vec<PathBuf>,
    },
    /// The ONNX project's tests of single operators.
    NodeTests {
        /// The folder of the tests.
        folder: Option<PathBuf>,
        /// Write how every test comes out, instead of comparing it with what is pinned.
        #[arg(long, value_name = "FILE")]
        write_snapshot: Option<PathBuf>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(report) => {
            if arguments.json {
                println!("{}", report.json());
            } else {
                println!("{report}");
            }
            if report.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
        }
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> Result<Report, Error> {
    let mut report = Report::default();
    match arguments.suite.as_ref().unwrap_or(&Suite::All) {
        Suite::All => {
            recorded_models(&arguments.data, &mut report)?;
            pinned_node_tests(&arguments.data.join(NODE_TESTS), &mut report)?;
        }
        Suite::Models { folders } if folders.is_empty() => recorded_models(&arguments.data, &mut report)?,
        Suite::Models { folders } => {
            for folder in folders {
                report.cases.extend(models::run(folder)?);
            }
        }
        Suite::NodeTests { folder, write_snapshot } => {
            let folder = folder.clone().unwrap_or_else(|| arguments.data.join(NODE_TESTS));
            match write_snapshot {
                None => pinned_node_tests(&folder, &mut report)?,
                Some(path) => {
                    report.cases = node_tests::run(&folder)?;
                    std::fs::write(path, node_tests::snapshot(&report.cases))
                        .map_err(|source| Error::Io { path: path.clone(), source })?;
                }
            }
        }
    }
    Ok(report)
}

const NODE_TESTS: &str = "models-and-data/onnx_node_tests";

fn recorded_models(data: &Path, report: &mut Report) -> Result<(), Error> {
    for folder in ["models-and-data/models", "bench-models"] {
        report.cases.extend(models::run(&data.join(folder))?);
    }
    Ok(())
}

fn pinned_node_tests(folder: &Path, report: &mut Report) -> Result<(), Error> {
    let mut cases = node_tests::run(folder)?;
    node_tests::check_snapshot(&mut cases, node_tests::SNAPSHOT);
    report.cases.extend(cases);
    Ok(())
}
