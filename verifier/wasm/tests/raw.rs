//! The plain module under an interpreter, with real keys and proofs.
#![allow(missing_docs)]

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use wasmi::{Engine, Instance, Linker, Module, Store, TypedFunc, WasmParams, WasmResults};

/// A path that `cargo xtask wasm` gives.
fn path(variable: &str) -> PathBuf {
    env::var_os(variable).unwrap_or_else(|| panic!("{variable} is not set: run cargo xtask wasm")).into()
}

struct Host {
    store: Store<()>,
    instance: Instance,
}

impl Host {
    fn new() -> Self {
        let engine = Engine::default();
        let module = Module::new(&engine, fs::read(path("AVOUCH_WASM_RAW")).unwrap()).unwrap();
        assert_eq!(module.imports().count(), 0, "the module needs nothing of its host");
        let mut store = Store::new(&engine, ());
        let instance = Linker::new(&engine).instantiate_and_start(&mut store, &module).unwrap();
        Self { store, instance }
    }

    fn call<P: WasmParams, R: WasmResults>(&mut self, name: &str, arguments: P) -> R {
        let function: TypedFunc<P, R> = self.instance.get_typed_func(&self.store, name).unwrap();
        function.call(&mut self.store, arguments).unwrap()
    }

    /// The address of the bytes; 0 stands for none.
    fn give(&mut self, bytes: &[u8]) -> u32 {
        if bytes.is_empty() {
            return 0;
        }
        let address: u32 = self.call("avouch_alloc", bytes.len() as u32);
        assert_ne!(address, 0);
        let memory = self.instance.get_memory(&self.store, "memory").unwrap();
        memory.write(&mut self.store, address as usize, bytes).unwrap();
        address
    }

    fn answer(&mut self) -> Value {
        let (address, length): (u32, u32) = (self.call("avouch_answer", ()), self.call("avouch_answer_length", ()));
        let mut bytes = vec![0; length as usize];
        let memory = self.instance.get_memory(&self.store, "memory").unwrap();
        memory.read(&self.store, address as usize, &mut bytes).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    }

    fn admit(&mut self, key: &[u8], trust: &Value) -> u32 {
        let (key, trust) = (self.give(key), self.give(trust.to_string().as_bytes()));
        let handle = self.call("avouch_admit", (key, trust));
        self.call::<_, ()>("avouch_free", key);
        self.call::<_, ()>("avouch_free", trust);
        handle
    }

    fn verify(&mut self, handle: u32, proof: &[u8], demands: &Value) -> u32 {
        let (proof, demands) = (self.give(proof), self.give(demands.to_string().as_bytes()));
        let status = self.call("avouch_verify", (handle, proof, demands));
        self.call::<_, ()>("avouch_free", proof);
        self.call::<_, ()>("avouch_free", demands);
        status
    }

    fn kind(&mut self) -> String {
        self.answer()["error"]["kind"].as_str().unwrap().into()
    }
}

#[test]
#[ignore = "cargo xtask wasm builds the module and makes the files"]
fn verdicts_are_the_command_line_s() {
    let mut host = Host::new();
    for system in ["groth16-bn254-v1", "groth16-lookup-bn254-v1"] {
        let file = |name| fs::read(path("AVOUCH_WASM_FILES").join(system).join(name)).unwrap();
        let (key, proof) = (file("verifying.key"), file("proof"));
        let mut native: Value = serde_json::from_slice(&file("verdict.json")).unwrap();
        native.as_object_mut().unwrap().remove("times");
        let context = json!({ "expect_context": "5a".repeat(32) });

        assert_eq!(host.admit(&key, &json!({})), 0);
        assert_eq!(host.kind(), "key_refused");
        assert_eq!(host.admit(&key[1..], &json!({})), 0);
        assert_eq!(host.kind(), "malformed_key");
        let handle = host.admit(&key, &json!({ "allow_dev_setup": true }));
        assert_ne!(handle, 0);
        assert_eq!(host.answer()["vk_digest"], native["claim"]["vk_digest"]);

        assert_eq!(host.verify(handle, &proof, &context), 0);
        assert_eq!(host.answer(), native);

        let mut changed = proof.clone();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(host.verify(handle, &changed, &json!({})), 1);
        assert!(["rejected", "malformed_proof"].contains(&host.kind().as_str()));
        assert_eq!(host.verify(handle, &proof, &json!({ "expect_context": "00".repeat(32) })), 1);
        assert_eq!(host.kind(), "unmet");
        assert_eq!(host.answer()["claim"], native["claim"]);
        assert_eq!(host.verify(handle, &proof, &json!({ "expect": 1 })), 2);
        assert_eq!(host.kind(), "usage");

        let other = host.admit(&file("other.key"), &json!({ "allow_dev_setup": true }));
        assert_eq!(host.verify(other, &proof, &json!({})), 1);
        assert_eq!(host.kind(), "other_key");
        host.call::<_, ()>("avouch_release", other);
        assert_eq!(host.verify(other, &proof, &json!({})), 2);
        assert_eq!(host.kind(), "usage");
    }
}

#[test]
#[ignore = "cargo xtask wasm builds the module and makes the files"]
fn wrong_addresses_are_errors() {
    let mut host = Host::new();
    assert_eq!(host.call::<_, u32>("avouch_alloc", 0u32), 0);
    assert_eq!(host.call::<_, u32>("avouch_alloc", u32::MAX), 0);
    host.call::<_, ()>("avouch_free", 12u32);
    host.call::<_, ()>("avouch_release", 12u32);
    for (key, trust) in [(0, 0), (1, 2), (u32::MAX, u32::MAX)] {
        assert_eq!(host.call::<_, u32>("avouch_admit", (key, trust)), 0);
        assert_eq!(host.kind(), "usage");
    }
    let address = host.give(b"{}");
    // An address within a buffer is none.
    assert_eq!(host.call::<_, u32>("avouch_admit", (0u32, address + 1)), 0);
    assert_eq!(host.kind(), "usage");
    assert_eq!(host.call::<_, u32>("avouch_admit", (0u32, address)), 0);
    assert_eq!(host.kind(), "malformed_key");
    host.call::<_, ()>("avouch_free", address);
    assert_eq!(host.call::<_, u32>("avouch_admit", (0u32, address)), 0);
    assert_eq!(host.kind(), "usage");
    let text = host.give(&[0xff]);
    assert_eq!(host.call::<_, u32>("avouch_admit", (0u32, text)), 0);
    assert_eq!(host.kind(), "usage");
}

/// The verdict vectors of `test-vectors/proofs`; what is said here is written for `cargo xtask verdicts`.
#[test]
#[ignore = "cargo xtask wasm builds the module"]
fn verdicts_are_those_of_the_vectors() {
    const PLATFORM: &str = "wasm-raw";
    let mut host = Host::new();
    let (mut verdicts, mut wrong) = (BTreeMap::new(), Vec::new());
    for system in ["groth16-bn254", "groth16-lookup-bn254"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors/proofs").join(system).join("v1");
        let suite: Value = serde_json::from_slice(&fs::read(folder.join("vectors.json")).unwrap()).unwrap();
        let mut keys = BTreeMap::new();
        for vector in suite["vectors"].as_array().unwrap() {
            let applies = vector["not_applicable"][PLATFORM].is_null();
            assert_eq!(applies, vector["file"].is_string(), "{}", vector["id"]);
            if !applies {
                continue;
            }
            let name = vector["key"].as_str().unwrap();
            let key =
                *keys.entry(name).or_insert_with(|| host.admit(&fs::read(folder.join(name)).unwrap(), &suite["trust"]));
            let file = hex::decode(vector["file"].as_str().unwrap()).unwrap();
            let verdict = match host.verify(key, &file, &vector["demands"]) {
                0 => {
                    let nullifier = &host.answer()["claim"]["statement"]["nullifier"];
                    assert_eq!(nullifier, &vector["claim"]["nullifier"], "{}", vector["id"]);
                    "accepted".into()
                }
                1 => host.kind(),
                status => panic!("{}: {status}, {}", vector["id"], host.answer()),
            };
            let id = format!("{} {}", suite["system"].as_str().unwrap(), vector["id"].as_str().unwrap());
            if verdict != *vector["kind"].as_str().unwrap_or("accepted") {
                wrong.push(format!("{id}: {verdict}"));
            }
            verdicts.insert(id, verdict);
        }
    }
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("verdicts");
    fs::create_dir_all(&folder).unwrap();
    let text = serde_json::to_string_pretty(&verdicts).unwrap();
    fs::write(folder.join(PLATFORM).with_extension("json"), text).unwrap();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
