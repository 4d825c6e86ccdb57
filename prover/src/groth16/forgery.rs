//! Why setup checks the closure of the lookup argument: a forgery that every real part of the system accepts without it.
//!
//! The circuit says that slot 0 is a row of the table whose one row is 5, by the lookup argument: one query, one row, one
//! sum. If the row's multiplicity is not committed before the challenge, any slot 0 has a proof, at every challenge.

use ark_bn254::Fr;
use ark_ff::{Field as _, One as _, Zero as _};
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    execute,
    r1cs::{CircuitWitness, Closure, Cost, DERIVED, Lc, PUBLIC_INPUTS, Place, Sink, public_inputs},
};
use avouch_verifier::{KeyParts, KeyPolicy, ProofFile, SetupKind, Statement, SystemId, VerifyingKey, verify};

use super::{
    network::graph,
    prove::{create, create_with},
    qap::{self, Assignment, Columns},
    setup::{ProvingKey, Trapdoors, points},
    system,
};
use crate::{opening::be_bytes, random::Secrets};

const ONE: u32 = 0;
const SLOT: u32 = 1;
const CHALLENGE: u32 = PUBLIC_INPUTS as u32 + 1;
const COMMITTED: u32 = CHALLENGE + 1;
/// The inverse of the query, the share of the row, and the multiplicity if it is not committed.
const INVERSE: u32 = DERIVED;
const SHARE: u32 = DERIVED | 1;
const UNCOMMITTED: u32 = DERIVED | 2;
const ROW: u64 = 5;

fn lc(value: Fr, terms: &[(u32, i64)]) -> Lc {
    let mut lc = Lc::default();
    lc.value = value;
    lc.terms = terms.iter().map(|&(v, c)| (v, Fr::from(c))).collect();
    lc
}

/// The constraints, with the values of the committed ones for a slot 0.
fn stream<S: Sink>(sink: &mut S, slot: Fr, is_committed: bool) {
    let place = |name| Place { relation: 0, element: 0, name };
    let (one, zero) = (Fr::one(), Fr::zero());
    let multiplicity = if is_committed { COMMITTED } else { UNCOMMITTED };
    if is_committed {
        sink.witness(one);
    }
    sink.derived(one, -slot);
    let query = lc(-slot, &[(CHALLENGE, 1), (SLOT, -1)]);
    sink.constraint(place("query"), &lc(zero, &[(INVERSE, 1)]), &query, &lc(one, &[(ONE, 1)]));
    sink.derived(one, -Fr::from(ROW));
    let row = lc(-Fr::from(ROW), &[(CHALLENGE, 1), (ONE, -(ROW as i64))]);
    sink.constraint(place("row"), &lc(zero, &[(SHARE, 1)]), &row, &lc(one, &[(multiplicity, 1)]));
    if !is_committed {
        sink.derived(zero, one);
    }
    let sum = lc(zero, &[(INVERSE, 1), (SHARE, -1)]);
    sink.constraint(place("sum"), &sum, &lc(one, &[(ONE, 1)]), &lc(zero, &[]));
}

/// The second phase of the forger: share and inverse are equal, and the multiplicity is what that makes it.
fn fit(assignment: &mut Assignment, challenge: Fr) -> bool {
    let (query, row) = (challenge + assignment.b[0], challenge + assignment.b[1]);
    let Some(inverse) = query.inverse() else { return false };
    assignment.a[..2].fill(inverse);
    (assignment.b[0], assignment.b[1]) = (query, row);
    assignment.derived = vec![inverse, inverse, inverse * row];
    assignment.z[CHALLENGE as usize] = challenge;
    true
}

fn cost(is_committed: bool) -> Cost {
    let (variables, derived) = if is_committed { (COMMITTED + 1, 2) } else { (COMMITTED, 3) };
    Cost {
        constraints: 3,
        public_inputs: PUBLIC_INPUTS + 1,
        variables: variables as usize,
        derived,
        relations: Vec::new(),
    }
}

/// Whether the verifier accepts a proof for this slot 0, from a key whose setup did not check the closure.
fn accepts(slot: u64, is_committed: bool) -> bool {
    let (graph, slot, cost) = (graph(100), Fr::from(slot), cost(is_committed));
    let circuit = Circuit::new(&graph, Disclosure::Raw).unwrap();
    let input = vec![1, 2, 3, 4];
    let output = execute::run(&graph, &input).unwrap();
    let witness = CircuitWitness { input, input_salt: Fr::from(11u64), output_salt: Fr::from(12u64), policy: None };
    let public = public_inputs(&circuit, &witness, &output, slot);

    let system = SystemId::Groth16LookupBn254;
    let domain = qap::domain(&cost).unwrap();
    let trapdoors = Trapdoors::draw(&domain, 2, &Secrets::Os).unwrap();
    let mut columns: Columns = trapdoors.columns(&domain, &cost);
    stream(&mut columns, slot, is_committed);
    let points = points(columns, &domain, &cost, &trapdoors, &()).unwrap();
    let verifying = VerifyingKey::new(KeyParts {
        setup: SetupKind::Dev,
        description: circuit.description.clone(),
        input: circuit.input.clone(),
        output: circuit.output.clone(),
        label: "closure not checked".into(),
        material: system::key_material(system::Variant::Lookup, &points).unwrap(),
    })
    .unwrap();
    let proving = ProvingKey { system, verifying_key_digest: *verifying.digest(), points };

    let statement = Statement::new(system, public.map(|s| be_bytes(&s))).unwrap();
    let mut assignment = Assignment::new(&public, &cost);
    stream(&mut assignment, slot, is_committed);
    let made = if is_committed {
        create(&proving, &cost, &statement, assignment, &())
    } else {
        create_with(&proving, &cost, &statement, assignment, fit, &())
    };
    let file = ProofFile::new(&verifying, statement, made.unwrap().0).unwrap().encode();
    let key = KeyPolicy { allow_dev: true, expect_vk: None }.admit(verifying).unwrap();
    verify(&key, &file).is_ok()
}

#[test]
fn an_uncommitted_multiplicity_makes_proofs_of_what_is_false() {
    for slot in [ROW, 6, 0, u64::MAX] {
        assert!(accepts(slot, false), "{slot}");
    }
}

#[test]
fn a_committed_multiplicity_does_not() {
    assert!(accepts(ROW, true));
    for slot in [6, 0, u64::MAX] {
        assert!(!accepts(slot, true), "{slot}");
    }
}

#[test]
fn setup_makes_no_key_of_the_first() {
    let closed = |is_committed| {
        let cost = cost(is_committed);
        let domain = qap::domain(&cost).unwrap();
        let columns = Trapdoors::draw(&domain, 2, &Secrets::Os).unwrap().columns(&domain, &cost);
        let mut closure = Closure::new(columns, cost.challenge());
        stream(&mut closure, Fr::from(6u64), is_committed);
        closure.finish().map(|_| ()).map_err(|e| e.place.name)
    };
    assert_eq!((closed(true), closed(false)), (Ok(()), Err("row")));
}
