//! Proofs about signed records: the network and the data policy in one proof, on both Groth16 systems.

use std::{path::Path, sync::LazyLock};

use ark_ff::PrimeField as _;
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::Graph,
    import::import_file,
    policy::{Clause, Feature, Schema, Source},
    r1cs::Fr,
};
use avouch_prover::{ProveError, Prover, Request, setup};
use avouch_verifier::{KeyPolicy, ProofFile, Statement, SystemId, verify};

use crate::{
    fixture::first,
    network::{INPUT, graph},
    signed::{inputs, schema, signed},
};

const NOW: u64 = 1_764_000_000;

static GRAPH: LazyLock<Graph> = LazyLock::new(|| graph(100));
static CIRCUIT: LazyLock<Circuit> = LazyLock::new(|| Circuit::with_schema(&GRAPH, Disclosure::Raw, &schema()).unwrap());

#[test]
fn both_systems_prove_records_and_every_slot_is_bound() {
    let inputs = inputs(NOW);
    for system in [SystemId::Groth16Bn254, SystemId::Groth16LookupBn254] {
        let keys = setup(system, &GRAPH, &CIRCUIT, "test", Some([7; 32]), &()).unwrap();
        let prover = Prover::new(&GRAPH, &CIRCUIT, keys).unwrap();
        let proof = prover.prove_records(&inputs, &Request::default(), &()).unwrap();
        let slots = proof.file.statement().slots();
        let expected = inputs.slots().map(|slot| slot.to_string());
        let shown = [2, 3, 4, 5].map(|i| Fr::from_be_bytes_mod_order(&slots[i]).to_string());
        assert_eq!(shown, expected);
        assert_eq!(proof.claim.window().unwrap().records, 2);
        assert_eq!(proof.claim.description().schema_digest, schema().digest());

        let key = KeyPolicy { allow_dev: true, expect_vk: None }.admit(prover.verifying_key().clone()).unwrap();
        for slot in 0..8 {
            let mut slots = *proof.file.statement().slots();
            slots[slot][31] ^= 1;
            let forged = Statement::new(system, slots).unwrap();
            let file = ProofFile::new(key.key(), forged, proof.file.envelope().proof().to_vec()).unwrap();
            assert!(verify(&key, &file.encode()).is_err(), "{system}: slot {slot}");
        }

        // The same records once more: another input commitment, the same nullifier.
        let again = prover.prove_records(&inputs, &Request::default(), &()).unwrap();
        assert_eq!(again.file.statement().slots()[5], slots[5]);
        assert_ne!(again.file.statement().slots()[6], slots[6]);

        // What does not satisfy the policy is refused before any proving.
        let mut stale = inputs.clone();
        stale.policy.max_age = 599;
        match prover.prove_records(&stale, &Request::default(), &()) {
            Err(ProveError::Policy(violation)) => assert_eq!(violation.clause, Clause::MaxAge),
            other => panic!("{:?}", other.err()),
        }
        let mut other = inputs.clone();
        other.schema.features[0].fill = 0;
        assert!(matches!(prover.prove_records(&other, &Request::default(), &()), Err(ProveError::OtherSchema)));
        assert!(matches!(prover.prove(&INPUT, &Request::default(), &()), Err(ProveError::NoRecords)));
    }
}

#[test]
fn a_circuit_without_a_data_policy_takes_no_records() {
    let (_, prover) = first();
    let refused = prover.prove_records(&inputs(NOW), &Request::default(), &());
    assert!(matches!(refused, Err(ProveError::NoDataPolicy)));
}

#[test]
fn the_transparent_system_refuses_a_data_policy() {
    let error = setup(SystemId::Halo2IpaPasta, &GRAPH, &CIRCUIT, "test", None, &()).err().unwrap().to_string();
    assert!(error.contains("a data policy needs a Groth16 system"), "{error}");
}

/// One record of 64 features, and 24 records of two and some constants: an image of 8×8 either way.
#[test]
fn a_convolutional_network_on_one_record_and_on_many() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/models/digits_cnn/int8_qop.onnx");
    let graph = import_file(&path).unwrap().graph;
    let pixel = |i: u16| Feature {
        name: format!("pixel{i}"),
        bits: 8,
        signed: false,
        scale: graph.input_info().quant.scale / 2.0,
        offset: 0.0,
        fill: 0,
    };
    let image = Schema {
        records: 1,
        features: (0..64).map(pixel).collect(),
        inputs: (0..64).map(|feature| Source::Feature { record: 0, feature }).collect(),
    };
    let pairs = (0..24).flat_map(|record| [0, 1].map(|feature| Source::Feature { record, feature }));
    let series = Schema {
        records: 24,
        features: (0..2).map(pixel).collect(),
        inputs: pairs.chain([Source::Constant(0); 16]).collect(),
    };
    for (system, schema) in [(SystemId::Groth16Bn254, &image), (SystemId::Groth16LookupBn254, &series)] {
        let circuit = Circuit::with_schema(&graph, Disclosure::Argmax, schema).unwrap();
        let keys = setup(system, &graph, &circuit, "test", Some([7; 32]), &()).unwrap();
        let prover = Prover::new(&graph, &circuit, keys).unwrap();
        let width = schema.features.len() as i64;
        let inputs = signed(schema.clone(), NOW, |i| (0..width).map(|k| (i as i64 * 37 + k * 11) % 256).collect());
        let proof = prover.prove_records(&inputs, &Request::default(), &()).unwrap();
        assert_eq!(proof.claim.window().unwrap().records, schema.records);
    }
}
