//! Proofs: each is for one statement and one key, and differs from the last.

use ark_bn254::G1Affine;
use ark_ec::CurveGroup as _;
use ark_serialize::{CanonicalDeserialize as _, CanonicalSerialize as _};
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    execute,
    r1cs::{RangeChecks, Synthesizer},
};
use avouch_prover::{ProveError, Request};
use avouch_verifier::{
    Output, ProofFile, Slot, Statement, SystemId, VerifyError, context_slot, system::ProofError, verify,
};

use crate::{
    fixture::{Fixture, OTHER_INPUT, first, is_groth16, systems},
    network::INPUT,
};

const CONTEXT: [u8; 32] = [0xc0; 32];

fn request() -> Request {
    Request { context: CONTEXT, ..Request::default() }
}

/// The proof with other slots, in an envelope made anew: only the proof system can refuse it.
fn restate(fixture: &Fixture, file: &ProofFile, change: impl FnOnce(&mut [[u8; 32]; 8])) -> Result<(), VerifyError> {
    let mut slots = *file.statement().slots();
    change(&mut slots);
    let statement = Statement::new(fixture.system, slots).unwrap();
    let forged = ProofFile::new(&fixture.key(), statement, file.envelope().proof().to_vec()).unwrap();
    verify(&fixture.accepted(), &forged.encode()).map(|_| ())
}

const REJECTED: Result<(), VerifyError> = Err(VerifyError::Proof(ProofError::Rejected));

#[test]
fn the_claim_is_what_was_run() {
    for (fixture, prover) in systems() {
        let opening = fixture.opening();
        let proof = prover.prove(&INPUT, &Request { input_opening: Some(opening.clone()), ..request() }, &()).unwrap();
        let output = execute::run(&fixture.graph, &INPUT).unwrap();
        assert_eq!(*proof.claim.output(), Output::Raw(output.iter().map(|&v| v.into()).collect()));
        assert_eq!(*proof.claim.model_id(), fixture.graph.model_id());
        assert_eq!(*proof.file.statement().context(), context_slot(&CONTEXT));
        assert_eq!(*proof.file.statement().input_commitment(), opening.commitment());
        assert_eq!(proof.input_opening.commitment(), opening.commitment());
        assert_eq!(verify(&fixture.accepted(), &proof.file.encode()), Ok(proof.claim));
    }
}

/// Zero knowledge needs fresh blinding each time: with the same witness, all points differ.
#[test]
fn two_proofs_of_one_witness_differ() {
    for (fixture, prover) in systems() {
        let opening = fixture.opening();
        let prove =
            || prover.prove(&INPUT, &Request { input_opening: Some(opening.clone()), ..request() }, &()).unwrap();
        let (one, two) = (prove().file, prove().file);
        assert_eq!(one.statement(), two.statement());
        let points = |file: &ProofFile| {
            let p = file.envelope().proof();
            if is_groth16(fixture.system) {
                [&p[..32], &p[32..96]].into_iter().chain(p[96..].chunks(32)).map(<[u8]>::to_vec).collect::<Vec<_>>()
            } else {
                // The commitments to the twelve advice columns of the smallest shape.
                p.chunks(32).take(12).map(<[u8]>::to_vec).collect()
            }
        };
        for (a, b) in points(&one).into_iter().zip(points(&two)) {
            assert_ne!(a, b);
        }
        assert_ne!(
            prover.prove(&INPUT, &request(), &()).unwrap().file.statement().input_commitment(),
            one.statement().input_commitment()
        );
    }
}

#[test]
fn no_changed_byte_of_a_proof_file_verifies() {
    for (fixture, prover) in systems() {
        let file = prover.prove(&INPUT, &request(), &()).unwrap().file.encode();
        let accepted = fixture.accepted();
        // Every byte where verifying is quick.
        let step = if is_groth16(fixture.system) { 1 } else { 41 };
        for i in (0..file.len()).step_by(step) {
            let mut changed = file.clone();
            changed[i] ^= 0x01;
            assert!(verify(&accepted, &changed).is_err(), "byte {i}");
        }
    }
}

#[test]
fn a_proof_is_for_no_other_statement() {
    for (fixture, prover) in systems() {
        let file = prover.prove(&INPUT, &request(), &()).unwrap().file;
        let other =
            prover.prove(&OTHER_INPUT, &Request { context: [0xc1; 32], ..Request::default() }, &()).unwrap().file;
        assert_eq!(restate(fixture, &file, |_| ()), Ok(()));
        // The other proof's slots are possible ones, so nothing but the proof can be wrong.
        for slot in [Slot::Context, Slot::InputCommitment, Slot::Output] {
            let value = *other.statement().slot(slot);
            assert_ne!(value, *file.statement().slot(slot), "{}", slot.name());
            assert_eq!(restate(fixture, &file, |s| s[slot as usize] = value), REJECTED, "{}", slot.name());
        }
        assert_eq!(restate(fixture, &file, |s| s[0] = [0; 32]), REJECTED, "bound to nothing");
        assert_eq!(restate(fixture, &file, |s| *s = *other.statement().slots()), REJECTED, "the other statement");
        for slot in [Slot::CircuitId, Slot::PolicyId, Slot::RegistryRoot, Slot::Window, Slot::Nullifier] {
            let refused = restate(fixture, &file, |s| s[slot as usize][31] ^= 1);
            assert!(matches!(refused, Err(VerifyError::Slot { slot: s, .. }) if s == slot), "{}", slot.name());
        }
    }
}

#[test]
fn two_proofs_cannot_be_spliced() {
    for (fixture, prover) in systems() {
        let one = prover.prove(&INPUT, &request(), &()).unwrap().file;
        let two = prover.prove(&INPUT, &request(), &()).unwrap().file;
        let (p, q) = (one.envelope().proof(), two.envelope().proof());
        let ends = [0, 32, 96, 128, p.len()];
        let ranges = ends.iter().flat_map(|&from| ends.map(|to| (from, to)));
        for (from, to) in ranges.filter(|(from, to)| from < to && to - from < p.len()) {
            let mut spliced = p.to_vec();
            spliced[from..to].copy_from_slice(&q[from..to]);
            let file = ProofFile::new(&fixture.key(), one.statement().clone(), spliced).unwrap();
            assert_eq!(verify(&fixture.accepted(), &file.encode()).map(|_| ()), REJECTED);
        }
    }
}

/// The commitment is in the challenge: C₁ + δ₂ and C₂ − δ₁ still fit the equation at the old challenge, and at no other.
#[test]
fn a_commitment_cannot_be_exchanged() {
    let (fixture, prover) = systems().find(|(f, _)| f.system == SystemId::Groth16LookupBn254).unwrap();
    let file = prover.prove(&INPUT, &request(), &()).unwrap().file;
    // After the header and β.
    let delta = |phase: usize| &fixture.proving[78 + 64 * (1 + phase)..][..64];
    let [delta_1, delta_2] = [0, 1].map(|phase| G1Affine::deserialize_uncompressed(delta(phase)).unwrap());
    let proof = file.envelope().proof();
    let moved = |at: usize, by: G1Affine| {
        let point = G1Affine::deserialize_compressed(&proof[at..at + 32]).unwrap();
        let mut bytes = Vec::new();
        (point + by).into_affine().serialize_compressed(&mut bytes).unwrap();
        bytes
    };
    let forged = [&proof[..96], &moved(96, delta_2), &moved(128, -delta_1)].concat();
    let file = ProofFile::new(&fixture.key(), file.statement().clone(), forged).unwrap();
    assert_eq!(verify(&fixture.accepted(), &file.encode()).map(|_| ()), REJECTED);
}

#[test]
fn a_proof_is_for_no_other_model_disclosure_or_setup() {
    for (fixture, prover) in systems() {
        let file = prover.prove(&INPUT, &request(), &()).unwrap().file;
        let others = [
            Fixture::new(fixture.system, 101, Disclosure::Raw, 7),
            Fixture::new(fixture.system, 100, Disclosure::Argmax, 7),
            Fixture::new(fixture.system, 100, Disclosure::Threshold { index: 0, threshold: 0 }, 7),
        ];
        for other in others {
            let accepted = other.accepted();
            assert!(matches!(verify(&accepted, &file.encode()), Err(VerifyError::OtherKey { .. })));
            let refused = restate(&other, &file, |_| ());
            assert!(matches!(refused, Err(VerifyError::Slot { slot: Slot::CircuitId, .. })));
            let mut small = [0; 32];
            small[31] = 1;
            let forged = restate(&other, &file, |s| {
                s[Slot::CircuitId as usize] = other.circuit.description.circuit_id_slot();
                s[Slot::Output as usize] = small;
            });
            // A raw output of three integers can be a small number too.
            assert_eq!(forged, REJECTED);
        }
        if is_groth16(fixture.system) {
            let other = Fixture::new(fixture.system, 100, Disclosure::Raw, 8);
            assert_eq!(restate(&other, &file, |_| ()), REJECTED, "another setup");
        }
    }
}

#[test]
fn a_proof_is_for_no_other_proof_system() {
    for (_, prover) in systems() {
        let file = prover.prove(&INPUT, &request(), &()).unwrap().file.encode();
        for (other, _) in systems().filter(|(f, _)| f.system != prover.verifying_key().system()) {
            assert!(matches!(verify(&other.accepted(), &file), Err(VerifyError::OtherSystem { .. })));
            // Its bytes in an envelope of the other system: slots beyond the other's modulus, another length, or no proof.
            let decoded = ProofFile::decode(&file).unwrap();
            let Ok(statement) = Statement::new(other.system, *decoded.statement().slots()) else { continue };
            if let Ok(forged) = ProofFile::new(&other.key(), statement, decoded.envelope().proof().to_vec()) {
                assert!(verify(&other.accepted(), &forged.encode()).is_err());
            }
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    for (_, prover) in systems() {
        for input in [&INPUT[..3], &[0; 5], &[], &[0, 0, 0, 128], &[0, 0, 0, -129], &[i16::MIN; 4]] {
            assert!(matches!(prover.prove(input, &request(), &()), Err(ProveError::Input(_))), "{input:?}");
        }
    }
}

/// The figures of docs/backends/groth16.md.
#[test]
fn constraints_are_as_documented() {
    let cost = |disclosure| {
        let circuit = Circuit::new(&first().0.graph, disclosure).unwrap();
        let cost = Synthesizer::new(&circuit, RangeChecks::Bits).unwrap().cost().unwrap();
        let of = |name| {
            let relations = circuit.relations.iter().zip(&cost.relations);
            relations.filter(|(r, _)| r.relation.name() == name).map(|(_, c)| c.constraints).sum::<usize>()
        };
        let statement = cost.relations[circuit.relations.len()].constraints;
        let named = ["range", "linear", "requantize", "commit", "disclose"].map(of);
        assert_eq!(named.iter().sum::<usize>() + statement, cost.constraints);
        (named, statement)
    };
    // One packed element: its own constraint, a chain step of 12 inputs, a hash of 3, the comparison. Constant elements of
    // a first state cost nothing: capacity, the chain's start, its padding; capacity and tag.
    let commitment = 1 + 3 * (8 * 13 + 65 - 12) + 3 * (8 * 4 + 56 - 2) + 1;
    let ([range, linear, _, commit, raw], statement) = cost(Disclosure::Raw);
    assert_eq!((range, linear, commit, raw, statement), (4 * 9, 0, commitment, 1, 5));
    let ([.., commit, none], _) = cost(Disclosure::Commit);
    assert_eq!((commit, none), (2 * commitment, 0));
}
