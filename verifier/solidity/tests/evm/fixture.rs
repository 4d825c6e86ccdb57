//! A small network, its keys on both systems, and proofs: about inputs, and about records.

use std::{collections::BTreeMap, sync::LazyLock};

use ark_ff::{BigInteger as _, PrimeField as _};
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::Graph,
    policy::Inputs,
};
use avouch_prover::{Prover, Request, setup};
use avouch_solidity::{Call, verifier};
use avouch_verifier::{AcceptedKey, KeyPolicy, SystemId};

use crate::{
    chain::{NOW, Word},
    network::{INPUT, graph},
    signed,
};

pub(crate) struct Fixture {
    pub(crate) system: SystemId,
    /// The name of its contract.
    pub(crate) contract: &'static str,
    pub(crate) key: AcceptedKey,
    /// With a data policy.
    records: Option<Inputs>,
    prover: Prover<'static>,
}

impl Fixture {
    fn new(system: SystemId, contract: &'static str, records: Option<Inputs>) -> Self {
        // Kept for good: provers borrow them.
        let graph: &Graph = Box::leak(Box::new(graph(100)));
        let circuit = match &records {
            None => Circuit::new(graph, Disclosure::Raw),
            Some(inputs) => Circuit::with_schema(graph, Disclosure::Raw, &inputs.schema),
        };
        let circuit = Box::leak(Box::new(circuit.unwrap()));
        let keys = setup(system, graph, circuit, "test", Some([9; 32]), &()).unwrap();
        let key = KeyPolicy { allow_dev: true, expect_vk: None }.admit(keys.verifying.clone()).unwrap();
        Self { system, contract, key, records, prover: Prover::new(graph, circuit, keys).unwrap() }
    }

    /// A proof file for a context.
    pub(crate) fn proof(&self, context: [u8; 32]) -> Vec<u8> {
        let request = Request { context, input_opening: None };
        let proof = match &self.records {
            None => self.prover.prove(&INPUT, &request, &()),
            Some(inputs) => self.prover.prove_records(inputs, &request, &()),
        };
        proof.unwrap().file.encode()
    }

    /// A proof as the contract takes it.
    pub(crate) fn call(&self, context: [u8; 32]) -> Call {
        Call::new(&self.key, &self.proof(context)).unwrap()
    }

    /// Slots 2 and 3 of its proofs, with a data policy.
    pub(crate) fn policy_and_root(&self) -> Option<[Word; 2]> {
        let [policy, root, ..] = self.records.as_ref()?.slots();
        Some([policy, root].map(|slot| slot.into_bigint().to_bytes_be().try_into().unwrap()))
    }
}

/// Both systems, under the empty policy.
pub(crate) static ALL: LazyLock<[Fixture; 2]> = LazyLock::new(|| {
    [
        Fixture::new(SystemId::Groth16Bn254, "PlainVerifier", None),
        Fixture::new(SystemId::Groth16LookupBn254, "LookupVerifier", None),
    ]
});

/// Both systems, with a data policy.
pub(crate) static POLICIED: LazyLock<[Fixture; 2]> = LazyLock::new(|| {
    let records = || Some(signed::inputs(NOW));
    [
        Fixture::new(SystemId::Groth16Bn254, "PlainPolicyVerifier", records()),
        Fixture::new(SystemId::Groth16LookupBn254, "LookupPolicyVerifier", records()),
    ]
});

/// The sources of their contracts.
pub(crate) fn sources() -> BTreeMap<String, String> {
    let source = |f: &Fixture| (format!("{}.sol", f.contract), verifier(&f.key, f.contract).unwrap());
    ALL.iter().chain(&*POLICIED).map(source).collect()
}
