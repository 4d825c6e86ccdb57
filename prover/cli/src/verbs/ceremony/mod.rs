//! `avouch ceremony`: setups of several parties.

mod beacon;
mod contribute;
mod finalize;
mod init;
mod phase1;
mod story;
mod verify;

use std::path::{Path, PathBuf};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    import::{self, Imported},
};
use avouch_prover::{
    ceremony::{Subject, phase1 as file},
    policy::read_schema,
    progress::Progress,
};
use avouch_verifier::SystemId;
use clap::{Args, Subcommand};

use crate::{
    args::{check_writable, lower},
    console::{Answer, Console},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch ceremony init model.onnx --ptau final_14.ptau --output 0.ceremony
  avouch ceremony contribute 0.ceremony --output 1.ceremony --name Ada
  avouch ceremony beacon 3.ceremony --output 4.ceremony --value 00ab… --iterations 20
  avouch ceremony verify model.onnx --ptau final_14.ptau --transcript 4.ceremony
  avouch ceremony finalize model.onnx --ptau final_14.ptau --transcript 4.ceremony --keys keys")]
pub(crate) struct Ceremony {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Powers of τ, for every circuit up to a size: files of snarkjs (.ptau).
    Phase1(phase1::Phase1),
    /// Compute the initial key of a model's circuit from phase 1: the file that contributors pass on.
    Init(init::Init),
    /// Contribute: multiply every trapdoor that is left by a secret, and forget it.
    Contribute(contribute::Contribute),
    /// End the contributions with a public value that nobody could know before.
    Beacon(beacon::Beacon),
    /// Check all of it from the model and phase 1, and say what cheating would have taken.
    Verify(verify::Verify),
    /// Check all of it, and write the key folder.
    Finalize(finalize::Finalize),
}

impl Ceremony {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        match self.action {
            Action::Phase1(v) => v.run(console),
            Action::Init(v) => v.run(console),
            Action::Contribute(v) => v.run(console),
            Action::Beacon(v) => v.run(console),
            Action::Verify(v) => v.run(console),
            Action::Finalize(v) => v.run(console),
        }
    }
}

/// What an initial key follows from.
#[derive(Args)]
struct Source {
    /// ONNX file: int8, statically quantized (QOperator or QDQ).
    model: PathBuf,
    /// Phase 1 file.
    #[arg(long, value_name = "FILE")]
    ptau: PathBuf,
    /// Schema of signed records that the input is made of.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Keep the Lagrange basis, which takes longest, in files whose names begin so, and take it from there: it is checked
    /// before it is used.
    #[arg(long, value_name = "PREFIX")]
    basis: Option<PathBuf>,
}

impl Source {
    fn import(&self) -> Result<Imported, Failure> {
        Ok(import::import_file(&self.model)?)
    }

    fn circuit(&self, model: &Imported, disclosure: Disclosure) -> Result<Circuit, Failure> {
        let schema = self.schema.as_deref().map(read_schema).transpose()?;
        lower(&model.graph, disclosure, schema.as_ref())
    }

    fn subject<'c>(&self, system: SystemId, circuit: &'c Circuit, label: &str) -> Result<Subject<'c>, Failure> {
        let subject = Subject::new(system, circuit, label)?;
        Ok(match &self.basis {
            Some(path) => subject.with_basis(path),
            None => subject,
        })
    }

    /// What the subject needs of phase 1, checked.
    fn phase1(&self, subject: &Subject<'_>, progress: &dyn Progress) -> Result<file::Phase1, Failure> {
        let phase1 = file::read(&self.ptau, subject.points(), progress);
        phase1.map_err(|e| phase1::failure(&self.ptau, e))
    }
}

/// Refuses to replace a file: what was passed on may be all that is left of a contribution.
fn check_new(path: &Path) -> Result<(), Failure> {
    check_writable(path)?;
    if path.exists() {
        return Err(Failure::file(path, "there is a file already").hint("give another name"));
    }
    Ok(())
}
