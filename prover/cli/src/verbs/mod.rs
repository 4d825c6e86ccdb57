//! One file for each verb.

mod ceremony;
mod commit;
mod context;
mod demo;
mod export;
mod inspect;
mod open;
mod parameters;
mod policy;
mod prove;
mod record;
mod registry;
mod run;
mod setup;
mod verify;

use clap::Subcommand;

use crate::{
    console::{Answer, Console},
    failure::Failure,
};

/// What `avouch` does.
#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Show the whole story on a real image: setup, proof, verified claim, and forgeries being rejected.
    Demo(demo::Demo),
    /// Describe a model, and what proving it costs, layer by layer.
    Inspect(inspect::Inspect),
    /// Run a model with the reference executor, without proving anything.
    Run(run::Run),
    /// Make the keys of a model for development: whoever runs this can forge proofs.
    Setup(setup::Setup),
    /// Set up with several parties, so that nobody alone can forge proofs: contribute, and check what others did.
    Ceremony(ceremony::Ceremony),
    /// Prove one inference.
    Prove(prove::Prove),
    /// Verify a proof and print what it claims.
    Verify(verify::Verify),
    /// Commit to an input now, to prove for exactly this input later.
    Commit(commit::Commit),
    /// Compute the context digest that binds a proof to a task.
    Context(context::Context),
    /// Check an opening against the commitments of a proof.
    Open(open::Open),
    /// Write a key or a proof for other verifiers: a contract in Solidity, and the data to call it with.
    Export(export::Export),
    /// Derive the parameters of the transparent system anew, and hold them against the digest that is pinned.
    Parameters(parameters::Parameters),
    /// Compile policies: what signed records have to satisfy.
    Policy(policy::Policy),
    /// Make device keys, and sign records.
    Record(record::Record),
    /// Keep the registry of devices and consents.
    Registry(registry::Registry),
}

impl Verb {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        match self {
            Self::Demo(v) => v.run(console),
            Self::Inspect(v) => v.run(),
            Self::Run(v) => v.run(),
            Self::Setup(v) => v.run(console),
            Self::Ceremony(v) => v.run(console),
            Self::Prove(v) => v.run(console),
            Self::Verify(v) => v.run(console),
            Self::Commit(v) => v.run(),
            Self::Context(v) => Ok(v.run()),
            Self::Open(v) => v.run(),
            Self::Export(v) => v.run(console),
            Self::Parameters(v) => v.run(),
            Self::Policy(v) => v.run(),
            Self::Record(v) => v.run(),
            Self::Registry(v) => v.run(),
        }
    }
}
