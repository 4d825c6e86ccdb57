//! The contracts: compiled, and run in an EVM with real proofs.

use crate::{
    Result,
    shell::{cargo, exists, install, npm_ci, step},
};

/// `cargo xtask solidity`.
pub(crate) fn run() -> Result<()> {
    if !exists("npm") {
        install(&["nodejs", "npm"])?;
    }
    npm_ci("verifier/solidity")?;
    let mut tests = cargo();
    step("contracts", tests.args(["test", "--locked", "-p", "avouch-solidity", "--", "--include-ignored"]))
}
