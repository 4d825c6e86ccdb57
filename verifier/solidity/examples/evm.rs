//! Deploys the verifier of a key in an EVM, and lets it verify a proof:
//! `cargo run -p avouch-solidity --example evm -- KEY PROOF DIGEST`, with the digest of the key that is trusted.
//!
//! Prints the gas of the verification alone. Exit code 1 if the proof is refused; or if one that was tampered with is not.
//! Needs the npm packages of `verifier/solidity`.
#![allow(clippy::print_stdout, reason = "a command")]

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    process::{Command, ExitCode, Stdio},
};

use avouch_solidity::{Call, verifier};
use avouch_verifier::{KeyPolicy, VerifyingKey};
use revm::{
    Context, ExecuteCommitEvm as _, MainBuilder as _, MainContext as _,
    context::{TxEnv, result::ExecutionResult},
    database::InMemoryDB,
    primitives::{Address, Bytes, TxKind},
};

type Error = Box<dyn std::error::Error>;

const NAME: &str = "AvouchVerifier";
const GAS_LIMIT: u64 = 8_000_000;

fn main() -> Result<ExitCode, Error> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [key, proof, digest] = arguments.as_slice() else { return Err("expected KEY PROOF DIGEST".into()) };
    let mut expect_vk = [0; 32];
    hex::decode_to_slice(digest, &mut expect_vk)?;
    let key = VerifyingKey::decode(&fs::read(key)?)?;
    let key = KeyPolicy { allow_dev: false, expect_vk: Some(expect_vk) }.admit(key)?;
    let call = Call::new(&key, &fs::read(proof)?)?;

    let mut database = InMemoryDB::default();
    let deployed = transact(&mut database, 0, TxKind::Create, compile(&verifier(&key, NAME)?)?)?;
    let contract = deployed.created_address().ok_or("the contract cannot be deployed")?;
    let mut tampered = call.clone();
    tampered.statement[7][31] ^= 1;
    for (i, (what, call, expected)) in [("proof", call, true), ("tampered", tampered, false)].into_iter().enumerate() {
        let data = call.calldata();
        let intrinsic = 21_000 + data.iter().map(|&b| if b == 0 { 4 } else { 16 }).sum::<u64>();
        let result = transact(&mut database, i as u64 + 1, TxKind::Call(contract), data)?;
        let ExecutionResult::Success { gas, output, .. } = result else {
            return Err("the call does not return".into());
        };
        let verified = output.data().last() == Some(&1);
        println!("{what}: {verified}, {} gas", gas.total_gas_spent() - intrinsic);
        if verified != expected {
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The contract's code.
fn compile(source: &str) -> Result<Vec<u8>, Error> {
    let sources = BTreeMap::from([(format!("{NAME}.sol"), source)]);
    let mut compiler = Command::new("node");
    compiler.arg("compile.js").current_dir(env!("CARGO_MANIFEST_DIR"));
    let mut compiler = compiler.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    compiler.stdin.take().ok_or("no stdin")?.write_all(&serde_json::to_vec(&sources)?)?;
    let output = compiler.wait_with_output()?;
    if !output.status.success() {
        return Err("compile.js fails: run npm ci in verifier/solidity".into());
    }
    let mut code: BTreeMap<String, String> = serde_json::from_slice(&output.stdout)?;
    Ok(hex::decode(code.remove(NAME).ok_or("the compiler made no such contract")?)?)
}

fn transact(database: &mut InMemoryDB, nonce: u64, to: TxKind, data: Vec<u8>) -> Result<ExecutionResult, Error> {
    let transaction = TxEnv::builder()
        .caller(Address::repeat_byte(0x11))
        .kind(to)
        .data(Bytes::from(data))
        .nonce(nonce)
        .gas_limit(GAS_LIMIT)
        .gas_price(0)
        .build()
        .map_err(|e| format!("{e:?}"))?;
    Ok(Context::mainnet().with_db(database).build_mainnet().transact_commit(transaction)?)
}
