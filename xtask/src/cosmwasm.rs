//! The CosmWasm contract: compiled, and run in an interpreter with real proofs.

use std::{fs, path::Path};

use crate::{
    Result,
    shell::{built, cargo, step},
    wasm,
};

const CRATE: &str = "avouch-cosmwasm";
/// Instructions that compilers write and the chain's virtual machine refuses.
const LOWERED: [&str; 3] =
    ["--signext-lowering", "--llvm-memory-copy-fill-lowering", "--llvm-nontrapping-fptoint-lowering"];

/// `cargo xtask cosmwasm`.
pub(crate) fn run() -> Result<()> {
    wasm::install_compiler()?;
    let contract = built("cosmwasm")?.join("avouch_cosmwasm.wasm");
    fs::create_dir_all(contract.parent().unwrap_or(Path::new(".")))?;
    wasm::optimize(&wasm::compile(CRATE, "")?, &contract, &LOWERED)?;
    let mut lints = cargo();
    lints.args(["clippy", "--locked", "-p", CRATE, "--lib", "--profile", wasm::PROFILE, "--target", wasm::TARGET]);
    step("lints of the contract", lints.args(["--", "-D", "warnings"]))?;
    let mut tests = cargo();
    // Of the workspace, so that what it links is built as for all tests.
    tests.args(["test", "--locked", "--workspace", "--test", "chain", "--", "--ignored"]);
    step("contract, interpreted", tests.env("AVOUCH_COSMWASM", &contract))
}
