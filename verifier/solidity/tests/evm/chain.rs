//! A chain with one contract after the other, and calls in the ABI's encoding.

use std::{
    collections::BTreeMap,
    io::Write as _,
    process::{Command, Stdio},
    sync::LazyLock,
};

use revm::{
    Context, ExecuteCommitEvm as _, MainBuilder as _, MainContext as _,
    context::{TxEnv, result::ExecutionResult},
    database::InMemoryDB,
    primitives::{Address, Bytes, TxKind, U256},
    state::AccountInfo,
};
use sha3::{Digest as _, Keccak256};

use crate::{fixture, verdicts};

pub(crate) type Word = [u8; 32];

pub(crate) const CHAIN_ID: u64 = 31_337;
pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const OWNER: Address = Address::repeat_byte(0x11);
pub(crate) const PROVER: Address = Address::repeat_byte(0x22);
pub(crate) const STRANGER: Address = Address::repeat_byte(0x33);

/// Far above every call here.
const GAS_LIMIT: u64 = 8_000_000;

/// The code of all contracts, and of the fixtures' verifiers.
static CODE: LazyLock<BTreeMap<String, Vec<u8>>> = LazyLock::new(|| {
    let folder = env!("CARGO_MANIFEST_DIR");
    let mut compiler = Command::new("node")
        .arg("compile.js")
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node runs");
    let mut sources = fixture::sources();
    sources.extend(verdicts::sources());
    sources.insert("Always.sol".into(), include_str!("Always.sol").into());
    sources.insert("Caller.sol".into(), include_str!("Caller.sol").into());
    compiler.stdin.take().unwrap().write_all(serde_json::to_string(&sources).unwrap().as_bytes()).unwrap();
    let output = compiler.wait_with_output().unwrap();
    assert!(output.status.success(), "compile.js fails; cargo xtask solidity installs what it needs");
    let code: BTreeMap<String, String> = serde_json::from_slice(&output.stdout).unwrap();
    code.into_iter().map(|(name, code)| (name, hex::decode(code).unwrap())).collect()
});

/// What came of a call.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// What it returned, or what it reverted with.
    pub(crate) result: Result<Vec<u8>, Vec<u8>>,
    /// Gas of the execution, without what every transaction and its data cost.
    pub(crate) gas: u64,
    pub(crate) logs: usize,
}

impl Outcome {
    /// Whether it returned true.
    pub(crate) fn is_true(&self) -> bool {
        let word = self.result.as_ref().expect("the call does not revert");
        assert!(word.len() == 32 && word[..31].iter().all(|&b| b == 0) && word[31] < 2, "{word:?} is no bool");
        word[31] == 1
    }

    /// Asserts that it reverted with a custom error, such as `InvalidProof()`.
    pub(crate) fn assert_error(&self, signature: &str) {
        let data = self.result.as_ref().expect_err(signature);
        assert_eq!(data.get(..4), Some(&selector(signature)[..]), "{signature}: {}", hex::encode(data));
    }

    pub(crate) fn word(&self) -> Word {
        self.result.as_ref().unwrap()[..32].try_into().unwrap()
    }
}

pub(crate) struct Chain {
    database: InMemoryDB,
    pub(crate) now: u64,
}

impl Chain {
    pub(crate) fn new() -> Self {
        let mut database = InMemoryDB::default();
        for address in [OWNER, PROVER, STRANGER] {
            let balance = U256::from(10u128.pow(20));
            database.insert_account_info(address, AccountInfo { balance, ..AccountInfo::default() });
        }
        Self { database, now: NOW }
    }

    fn transact(&mut self, from: Address, to: TxKind, value: u128, data: Vec<u8>) -> ExecutionResult {
        let nonce = self.database.cache.accounts.get(&from).map_or(0, |account| account.info.nonce);
        let transaction = TxEnv::builder()
            .caller(from)
            .kind(to)
            .value(U256::from(value))
            .data(Bytes::from(data))
            .nonce(nonce)
            .chain_id(Some(CHAIN_ID))
            .gas_limit(GAS_LIMIT)
            .gas_price(0)
            .build()
            .unwrap();
        Context::mainnet()
            .with_db(&mut self.database)
            .modify_cfg_chained(|cfg| cfg.chain_id = CHAIN_ID)
            .modify_block_chained(|block| block.timestamp = U256::from(self.now))
            .build_mainnet()
            .transact_commit(transaction)
            .unwrap()
    }

    /// Deploys a contract with the words that its constructor takes.
    pub(crate) fn deploy(&mut self, name: &str, arguments: &[Word]) -> Address {
        let code = [CODE[name].clone(), arguments.concat()].concat();
        let result = self.transact(OWNER, TxKind::Create, 0, code);
        result.created_address().unwrap_or_else(|| panic!("{name}: {result:?}"))
    }

    pub(crate) fn call(&mut self, from: Address, to: Address, value: u128, data: Vec<u8>) -> Outcome {
        let zeros = data.iter().filter(|&&b| b == 0).count() as u64;
        let intrinsic = 21_000 + 4 * zeros + 16 * (data.len() as u64 - zeros);
        let result = self.transact(from, TxKind::Call(to), value, data);
        let spent = |gas: u64| gas - intrinsic;
        match result {
            ExecutionResult::Success { gas, logs, output, .. } => {
                Outcome { result: Ok(output.into_data().to_vec()), gas: spent(gas.total_gas_spent()), logs: logs.len() }
            }
            ExecutionResult::Revert { gas, output, .. } => {
                Outcome { result: Err(output.to_vec()), gas: spent(gas.total_gas_spent()), logs: 0 }
            }
            ExecutionResult::Halt { reason, .. } => panic!("the call halts: {reason:?}"),
        }
    }

    pub(crate) fn balance(&self, address: Address) -> u128 {
        self.database.cache.accounts.get(&address).map_or(0, |account| account.info.balance.to())
    }

    /// Whether there is an account: a first payment costs more.
    pub(crate) fn exists(&self, address: Address) -> bool {
        self.database.cache.accounts.get(&address).is_some_and(|account| !account.info.is_empty())
    }

    pub(crate) fn code_hash(&self, address: Address) -> Word {
        self.database.cache.accounts[&address].info.code_hash.0
    }
}

pub(crate) fn selector(signature: &str) -> [u8; 4] {
    Keccak256::digest(signature)[..4].try_into().unwrap()
}

pub(crate) fn keccak(bytes: &[u8]) -> Word {
    Keccak256::digest(bytes).into()
}

/// A number as a word.
pub(crate) fn number(n: u128) -> Word {
    let mut word = [0; 32];
    word[16..].copy_from_slice(&n.to_be_bytes());
    word
}

/// An address as a word.
pub(crate) fn address(address: Address) -> Word {
    let mut word = [0; 32];
    word[12..].copy_from_slice(address.as_slice());
    word
}

/// A selector and words.
pub(crate) fn encode(signature: &str, words: &[Word]) -> Vec<u8> {
    [&selector(signature)[..], &words.concat()].concat()
}

/// Words, then dynamic arguments: each is its length, and its bytes padded to words.
pub(crate) fn encode_with(signature: &str, words: &[Word], tails: &[(u128, Vec<u8>)]) -> Vec<u8> {
    let mut offset = 32 * (words.len() + tails.len());
    let (mut head, mut tail) = (words.concat(), Vec::new());
    for (length, bytes) in tails {
        head.extend(number(offset as u128));
        tail.extend(number(*length));
        tail.extend_from_slice(bytes);
        tail.resize(tail.len().next_multiple_of(32), 0);
        offset = 32 * (words.len() + tails.len()) + tail.len();
    }
    [&selector(signature)[..], &head, &tail].concat()
}
