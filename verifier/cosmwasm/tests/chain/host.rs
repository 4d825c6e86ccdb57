//! The host's side of CosmWasm's interface, version 8: regions of memory, storage, addresses.

use std::{collections::BTreeMap, env, fs, path::PathBuf, sync::LazyLock};

use serde_json::{Value, json};
use wasmi::{Caller, Engine, Error, Extern, Func, Linker, Memory, Module, Store, StoreLimits, StoreLimitsBuilder};

use crate::{
    code::MAX_PAGES,
    meter::{GAS, metered},
};

const PAGE: usize = 64 << 10;

/// The compiled contract.
pub(crate) fn code() -> Vec<u8> {
    let path = env::var_os("AVOUCH_COSMWASM").expect("AVOUCH_COSMWASM is not set: run cargo xtask cosmwasm");
    fs::read(PathBuf::from(path)).unwrap()
}

static MODULE: LazyLock<Module> = LazyLock::new(|| Module::new(&Engine::default(), metered(&code())).unwrap());

struct Host {
    storage: BTreeMap<Vec<u8>, Vec<u8>>,
    limits: StoreLimits,
}

/// What came of a message.
pub(crate) struct Outcome {
    /// What the contract answered, or why it refused.
    pub(crate) result: Result<Value, String>,
    /// Of the virtual machine, for the contract's own instructions.
    pub(crate) gas: u64,
    pub(crate) pages: u64,
}

impl Outcome {
    /// Asserts that it refused, for a reason that contains this.
    pub(crate) fn assert_error(&self, reason: &str) {
        let found = self.result.as_ref().expect_err(reason);
        assert!(found.contains(reason), "{found:?} does not say {reason:?}");
    }
}

/// A chain with one contract.
#[derive(Clone)]
pub(crate) struct Chain {
    pub(crate) id: String,
    pub(crate) contract: String,
    pub(crate) now: u64,
    storage: BTreeMap<Vec<u8>, Vec<u8>>,
}

impl Chain {
    pub(crate) fn new(now: u64) -> Self {
        Self { id: "test-1".into(), contract: "wasm1contract".into(), now, storage: BTreeMap::new() }
    }

    pub(crate) fn instantiate(&mut self, message: &Value) -> Outcome {
        self.call("instantiate", Some(("wasm1creator", &[])), message)
    }

    pub(crate) fn execute(&mut self, sender: &str, message: &Value) -> Outcome {
        self.call("execute", Some((sender, &[])), message)
    }

    pub(crate) fn query(&mut self, message: &Value) -> Outcome {
        self.call("query", None, message)
    }

    /// Runs an entry point in a new instance. What it stored is kept if it succeeds.
    pub(crate) fn call(&mut self, entry: &str, sender: Option<(&str, &[Value])>, message: &Value) -> Outcome {
        let limits = StoreLimitsBuilder::new().memory_size(MAX_PAGES as usize * PAGE).build();
        let mut store = Store::new(MODULE.engine(), Host { storage: self.storage.clone(), limits });
        store.limiter(|host| &mut host.limits);
        let instance = linker().instantiate_and_start(&mut store, &MODULE).unwrap();
        let (memory, allocate) =
            (instance.get_memory(&store, "memory").unwrap(), instance.get_func(&store, "allocate").unwrap());

        let env = json!({
            "block": { "height": 1, "time": format!("{}000000000", self.now), "chain_id": self.id },
            "transaction": { "index": 0 },
            "contract": { "address": self.contract },
        });
        let info = sender.map(|(sender, funds)| json!({ "sender": sender, "funds": funds }));
        let mut give = |value: &Value| {
            let pointer = write(&mut store, memory, allocate, value.to_string().as_bytes()).unwrap();
            wasmi::Val::I32(pointer.cast_signed())
        };
        let arguments: Vec<_> =
            [Some(&env), info.as_ref(), Some(message)].into_iter().flatten().map(&mut give).collect();
        let mut answer = [wasmi::Val::I32(0)];
        let function = instance.get_func(&store, entry).unwrap();
        function.call(&mut store, &arguments, &mut answer).unwrap();
        let answer = read(&store, memory, answer[0].i32().unwrap().cast_unsigned());

        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        let result = match answer.get("error") {
            Some(error) => Err(error.as_str().unwrap().to_owned()),
            None => Ok(answer["ok"].take()),
        };
        let gas = instance.get_global(&store, GAS).unwrap().get(&store).i64().unwrap().try_into().unwrap();
        let pages = memory.size(&store);
        if result.is_ok() {
            self.storage = store.into_data().storage;
        }
        Outcome { result, gas, pages }
    }
}

/// What a region says: address, capacity and length.
fn region(store: impl wasmi::AsContext, memory: Memory, pointer: u32) -> [u32; 3] {
    let mut bytes = [0; 12];
    memory.read(&store, pointer as usize, &mut bytes).unwrap();
    [0, 4, 8].map(|i| u32::from_le_bytes(bytes[i..i + 4].try_into().unwrap()))
}

/// The bytes of a region.
fn read(store: impl wasmi::AsContext, memory: Memory, pointer: u32) -> Vec<u8> {
    let [address, _, length] = region(&store, memory, pointer);
    let mut bytes = vec![0; length as usize];
    memory.read(&store, address as usize, &mut bytes).unwrap();
    bytes
}

/// Puts bytes into a new region.
fn write(mut store: impl wasmi::AsContextMut, memory: Memory, allocate: Func, bytes: &[u8]) -> Result<u32, Error> {
    let mut pointer = [wasmi::Val::I32(0)];
    allocate.call(&mut store, &[wasmi::Val::I32(bytes.len() as i32)], &mut pointer)?;
    let pointer = pointer[0].i32().unwrap().cast_unsigned();
    let [address, capacity, _] = region(&store, memory, pointer);
    assert!(bytes.len() <= capacity as usize);
    memory.write(&mut store, address as usize, bytes).unwrap();
    memory.write(&mut store, pointer as usize + 8, &(bytes.len() as u32).to_le_bytes()).unwrap();
    Ok(pointer)
}

fn exports(caller: &Caller<'_, Host>) -> (Memory, Func) {
    let memory = caller.get_export("memory").and_then(Extern::into_memory).unwrap();
    (memory, caller.get_export("allocate").and_then(Extern::into_func).unwrap())
}

/// The host's functions. Those that the contract does not use abort.
fn linker() -> Linker<Host> {
    let mut linker = Linker::new(MODULE.engine());
    let get = |caller: &Caller<'_, Host>, pointer: u32| read(caller, exports(caller).0, pointer);
    let db_read = move |mut caller: Caller<'_, Host>, key: u32| {
        let (key, (memory, allocate)) = (get(&caller, key), exports(&caller));
        match caller.data().storage.get(&key).cloned() {
            Some(value) => write(&mut caller, memory, allocate, &value),
            None => Ok(0),
        }
    };
    let db_write = move |mut caller: Caller<'_, Host>, key: u32, value: u32| {
        let (key, value) = (get(&caller, key), get(&caller, value));
        caller.data_mut().storage.insert(key, value);
    };
    // As on a chain, it has a prefix, and is in lower case.
    let addr_validate = move |mut caller: Caller<'_, Host>, address: u32| {
        let (address, (memory, allocate)) = (get(&caller, address), exports(&caller));
        match address.strip_prefix(b"wasm1") {
            Some(rest) if !rest.is_empty() && !rest.iter().any(u8::is_ascii_uppercase) => Ok(0),
            _ => write(&mut caller, memory, allocate, b"this is no address"),
        }
    };
    let abort = move |caller: Caller<'_, Host>, message: u32| -> Result<(), Error> {
        Err(Error::new(format!("the contract panics: {}", String::from_utf8_lossy(&get(&caller, message)))))
    };
    let unused = |name: &str| Error::new(format!("the contract calls {name}"));
    linker.func_wrap("env", "db_read", db_read).unwrap();
    linker.func_wrap("env", "db_write", db_write).unwrap();
    linker.func_wrap("env", "addr_validate", addr_validate).unwrap();
    linker.func_wrap("env", "abort", abort).unwrap();
    let one = move |_: u32| -> Result<u32, Error> { Err(unused("query_chain")) };
    linker.func_wrap("env", "query_chain", one).unwrap();
    let two = move |_: u32, _: u32| -> Result<u32, Error> { Err(unused("addr_canonicalize")) };
    linker.func_wrap("env", "addr_canonicalize", two).unwrap();
    linker
}
