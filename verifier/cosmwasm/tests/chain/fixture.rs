//! A key with a data policy on both systems, proofs about records, and a contract that takes them.

use std::sync::LazyLock;

use ark_ff::{BigInteger as _, PrimeField as _};
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::Graph,
    policy::Inputs,
};
use avouch_prover::{Prover, Request, setup};
use avouch_verifier::{GenericContext, SystemId};
use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::{host::Chain, network::graph, signed};

pub(crate) const NOW: u64 = 1_800_000_000;
pub(crate) const DEADLINE: u64 = NOW + 1_000;
pub(crate) const MAX_DELAY: u64 = 100;
pub(crate) const SKEW: u64 = 10;
pub(crate) const REGISTRY: &str = "wasm1registry";
pub(crate) const PROVER: &str = "wasm1prover";
pub(crate) const STRANGER: &str = "wasm1stranger";
const TASK: [u8; 5] = *b"task\0";

pub(crate) struct Fixture {
    pub(crate) system: SystemId,
    records: Inputs,
    prover: Prover<'static>,
}

impl Fixture {
    fn new(system: SystemId) -> Self {
        let records = signed::inputs(NOW);
        // Kept for good: provers borrow them.
        let graph: &Graph = Box::leak(Box::new(graph(100)));
        let circuit = Circuit::with_schema(graph, Disclosure::Raw, &records.schema).unwrap();
        let circuit: &Circuit = Box::leak(Box::new(circuit));
        let keys = setup(system, graph, circuit, "test", Some([9; 32]), &()).unwrap();
        Self { system, records, prover: Prover::new(graph, circuit, keys).unwrap() }
    }

    /// Slots 2, 3 and 5 of all its proofs: policy, registry root, nullifier.
    pub(crate) fn slots(&self) -> [String; 3] {
        let [policy, root, _, nullifier] = self.records.slots();
        [policy, root, nullifier].map(|slot| hex::encode(slot.into_bigint().to_bytes_be()))
    }

    /// What a contract is made with; the terms are to be changed by tests.
    pub(crate) fn instantiation(&self) -> Value {
        let key = self.prover.verifying_key();
        json!({
            "key": BASE64_STANDARD.encode(key.encode()),
            "terms": {
                "vk_digest": hex::encode(key.digest()),
                "policy_id": self.slots()[0],
                "task_id": hex::encode(TASK),
                "registry": REGISTRY,
                "max_delay": MAX_DELAY,
                "skew": SKEW,
                "deadline": DEADLINE,
                "allow_dev_setup": true,
            },
        })
    }

    /// The same with a key under the empty policy.
    pub(crate) fn without_policy() -> Value {
        let graph = graph(100);
        let circuit = Circuit::new(&graph, Disclosure::Raw).unwrap();
        let key = setup(SystemId::Groth16Bn254, &graph, &circuit, "test", Some([9; 32]), &()).unwrap().verifying;
        let mut message = ALL[0].instantiation();
        message["key"] = BASE64_STANDARD.encode(key.encode()).into();
        message["terms"]["vk_digest"] = hex::encode(key.digest()).into();
        message
    }

    /// A chain with such a contract, whose registry stands by the root.
    pub(crate) fn chain(&self) -> Chain {
        let mut chain = Chain::new(NOW);
        chain.instantiate(&self.instantiation()).result.unwrap();
        chain.execute(REGISTRY, &self.set_root(DEADLINE)).result.unwrap();
        chain
    }

    pub(crate) fn set_root(&self, until: u64) -> Value {
        json!({ "set_root": { "root": self.slots()[1], "until": until } })
    }

    /// A proof file for a recipient there.
    pub(crate) fn proof(&self, chain: &Chain, recipient: &str) -> Vec<u8> {
        let context = GenericContext {
            chain: chain.id.as_bytes(),
            hub: chain.contract.as_bytes(),
            task_id: &TASK,
            recipient: recipient.as_bytes(),
            deadline: DEADLINE,
        };
        self.proof_for(context.digest().unwrap())
    }

    pub(crate) fn proof_for(&self, context: [u8; 32]) -> Vec<u8> {
        let request = Request { context, input_opening: None };
        self.prover.prove_records(&self.records, &request, &()).unwrap().file.encode()
    }
}

pub(crate) fn submit(recipient: &str, proof: &[u8]) -> Value {
    json!({ "submit": { "recipient": recipient, "proof": BASE64_STANDARD.encode(proof) } })
}

/// Both systems.
pub(crate) static ALL: LazyLock<[Fixture; 2]> =
    LazyLock::new(|| [SystemId::Groth16Bn254, SystemId::Groth16LookupBn254].map(Fixture::new));
