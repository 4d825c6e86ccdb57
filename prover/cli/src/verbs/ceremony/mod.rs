//! `avouch ceremony`: setups of several parties.

mod phase1;

use clap::{Args, Subcommand};

use crate::{
    console::{Answer, Console},
    failure::Failure,
};

#[derive(Args)]
pub(crate) struct Ceremony {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Powers of τ, for every circuit up to a size: files of snarkjs (.ptau).
    Phase1(phase1::Phase1),
}

impl Ceremony {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        match self.action {
            Action::Phase1(v) => v.run(console),
        }
    }
}
