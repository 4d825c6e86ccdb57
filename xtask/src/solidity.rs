//! What npm's packages are held against: the contracts, compiled and run in an EVM with real proofs, and snarkjs.

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
    step("contracts", tests.args(["test", "--locked", "-p", "avouch-solidity", "--", "--include-ignored"]))?;
    let mut tests = cargo();
    // Of the workspace, so that it is built as for all tests.
    tests.args(["test", "--locked", "--workspace", "--test", "it", "phase1_snarkjs", "--", "--ignored"]);
    step("files of phase 1, with snarkjs", &mut tests)
}
