//! Real proofs of small circuits.

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::{DType, Graph},
    plonkish::{CircuitWitness, Fp, Job, Layout, PUBLIC_INPUTS, public_inputs, with_circuit},
};
use halo2_proofs::{
    pasta::EqAffine,
    plonk::{self, ProvingKey, SingleVerifier, create_proof, keygen_pk, keygen_vk, verify_proof},
    poly::commitment::Params,
    transcript::{Blake2bRead, Blake2bWrite, Challenge255},
};

use crate::{
    case::{Case, fp},
    graphs::{every_operator, identity, info, quant, sample},
    random::Choices,
};

/// Randomness of tests.
struct Seeded(Choices);

impl rand_core::TryRng for Seeded {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        self.try_next_u64().map(|v| v as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        bytes.iter_mut().for_each(|b| *b = self.0.next() as u8);
        Ok(())
    }
}

struct Keys<'a>(&'a Params<EqAffine>);

impl Job for Keys<'_> {
    type Output = ProvingKey<EqAffine>;

    fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> Self::Output {
        let key = keygen_vk(self.0, circuit).unwrap();
        keygen_pk(self.0, key, circuit).unwrap()
    }
}

struct Prove<'a>(&'a Params<EqAffine>, &'a ProvingKey<EqAffine>, &'a [Fp]);

impl Job for Prove<'_> {
    type Output = Vec<u8>;

    fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> Vec<u8> {
        let mut transcript = Blake2bWrite::<_, EqAffine, Challenge255<_>>::init(Vec::new());
        let circuits = std::slice::from_ref(circuit);
        create_proof(self.0, self.1, circuits, &[&[self.2]], Seeded(Choices(7)), &mut transcript).unwrap();
        transcript.finalize()
    }
}

fn verifies(params: &Params<EqAffine>, key: &ProvingKey<EqAffine>, public: &[Fp], proof: &[u8]) -> bool {
    let mut transcript = Blake2bRead::<_, _, Challenge255<_>>::init(proof);
    verify_proof(params, key.get_vk(), SingleVerifier::new(params), &[&[public]], &mut transcript).is_ok()
}

fn prove(graph: &Graph, disclosure: Disclosure, input: &[i16]) {
    let circuit = Circuit::new(graph, disclosure).unwrap();
    let layout = Layout::choose(&circuit).unwrap().0;
    let params = Params::new(layout.k());
    let key = with_circuit(&circuit, layout, None, Keys(&params)).unwrap();
    let output = avouch_circuits::execute::run(graph, input).unwrap();
    let witness = CircuitWitness { input: input.to_vec(), input_salt: fp(11), output_salt: fp(12) };
    let public = public_inputs(&circuit, &witness, &output, fp(99));
    let proof = with_circuit(&circuit, layout, Some(&witness), Prove(&params, &key, &public)).unwrap();
    assert!(verifies(&params, &key, &public, &proof));
    // The context too: it enters the transcript with all public inputs.
    for slot in 0..PUBLIC_INPUTS {
        let mut other = public;
        other[slot] += fp(1);
        assert!(!verifies(&params, &key, &other, &proof), "slot {slot}");
    }
    for byte in (0..proof.len()).step_by(proof.len() / 12) {
        let mut other = proof.clone();
        other[byte] ^= 4;
        assert!(!verifies(&params, &key, &public, &other), "byte {byte}");
    }
    // A proof of a false statement can be made, and does not verify.
    let mut wrong = public;
    wrong[7] += fp(1);
    let forged = with_circuit(&circuit, layout, Some(&witness), Prove(&params, &key, &wrong)).unwrap();
    assert!(!verifies(&params, &key, &wrong, &forged));
}

#[test]
fn a_tensor_that_is_disclosed_has_a_proof() {
    let graph = identity(info(&[2], quant(DType::I8, 0.5, 3)));
    prove(&graph, Disclosure::Argmax, &[-128, 127]);
}

#[test]
fn a_convolution_has_a_proof() {
    let graphs = every_operator(DType::I8);
    let (_, graph) = graphs.iter().find(|(name, _)| *name == "Conv 2-D").unwrap();
    prove(graph, Disclosure::Raw, &sample(graph.input_info()));
}

/// A forgery that one gate alone stops, through a real proof.
#[test]
fn a_forged_output_has_a_proof_that_does_not_verify() {
    let graph = identity(info(&[2], quant(DType::I8, 0.5, 3)));
    let mut case = Case::new(&graph, Disclosure::Raw, &[5, 9]).unwrap();
    let params = Params::new(case.layout.k());
    let key = with_circuit(&case.circuit, case.layout, None, Keys(&params)).unwrap();
    let honest = case.trace(&[]).run(Prove(&params, &key, &case.public));
    assert!(verifies(&params, &key, &case.public, &honest));

    case.public[7] += fp(1);
    let output = case.cells("raw.packed")[0];
    let forgery = [case.plus(output, 1)];
    case.stops(&forgery, &["linear: sum"]);
    let forged = case.trace(&forgery).run(Prove(&params, &key, &case.public));
    assert_eq!(forged.len(), honest.len());
    assert!(!verifies(&params, &key, &case.public, &forged));
}

/// `halo2_proofs` pads public inputs with zeros and reads no further than a proof goes: the number of the former and the
/// length of the latter are for its caller to check. Rows beyond the statement are bound, though to nothing in the circuit.
#[test]
fn the_proof_system_checks_neither_the_number_of_public_inputs_nor_the_length_of_a_proof() {
    let graph = identity(info(&[2], quant(DType::I8, 0.5, 3)));
    let case = Case::new(&graph, Disclosure::Raw, &[-128, -128]).unwrap();
    assert_eq!(case.public[7], fp(0));
    let params = Params::new(case.layout.k());
    let key = with_circuit(&case.circuit, case.layout, None, Keys(&params)).unwrap();
    let honest = case.trace(&[]).run(Prove(&params, &key, &case.public));
    assert!(verifies(&params, &key, &case.public[..7], &honest));
    assert!(verifies(&params, &key, &[&case.public[..], &[fp(0)]].concat(), &honest));
    assert!(!verifies(&params, &key, &[&case.public[..], &[fp(1)]].concat(), &honest));
    assert!(!verifies(&params, &key, &case.public[..6], &honest));
    assert!(verifies(&params, &key, &case.public, &[&honest[..], &[0]].concat()));
    assert!(!verifies(&params, &key, &case.public, &honest[..honest.len() - 1]));
}
