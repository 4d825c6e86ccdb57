//! The proof systems `groth16-bn254:v1` and `groth16-lookup-bn254:v1`: Groth16 (ePrint 2016/260) over BN254 with the weights
//! baked in as constants, and the same with ranges looked up, which takes a committed phase and a challenge.
//!
//! Keys are those of Groth16 with the QAP reduction of libsnark; with two phases, witnesses known before the challenge are
//! over a δ of their own. Setup and proving are our own: setup streams each constraint into the QAP's evaluation and holds
//! no matrix, and the prover takes `A·z` and `B·z` from the gadgets' integer arithmetic, so that a wide layer costs no
//! memory. What the two systems do differently is in one module, `system`.

mod backend;
mod domain;
#[cfg(test)]
mod forgery;
mod key;
mod msm;
#[cfg(test)]
#[path = "../../tests/it/network.rs"]
mod network;
mod prove;
mod qap;
mod setup;
mod sizes;
mod system;

#[cfg(test)]
pub(crate) use self::setup::{Trapdoors, evaluate};
pub(crate) use self::{
    backend::Backend,
    domain::Domain,
    key::{Coordinate, Reader, Writer},
    msm::{LAMBDA, Part, endomorphism, msm, split},
    qap::{domain, instance},
    setup::{Points, setup},
    system::key_material,
};
pub use self::{
    prove::CreateError,
    setup::ProvingKey,
    sizes::{Sizes, sizes},
    system::Variant,
};

#[cfg(test)]
mod tests {
    use ark_bn254::{Bn254, Fr};
    use ark_groth16::{Groth16, ProvingKey as ArkKey, VerifyingKey as ArkVerifyingKey, prepare_verifying_key};
    use avouch_circuits::{
        circuit::{Circuit, Disclosure},
        execute,
        r1cs::{CircuitWitness, Lc, PUBLIC_INPUTS, Place, RangeChecks, Sink, Synthesizer, public_inputs},
    };

    use avouch_verifier::{KeyPolicy, ProofFile, Statement, verify};

    use super::{
        Variant,
        network::{INPUT, graph},
        qap::Assignment,
        setup::{Points, generate, setup},
    };
    use crate::{Prover, Request, random::Secrets};

    /// The constraint matrices in arkworks' form.
    #[derive(Default)]
    struct Matrices([Vec<Vec<(Fr, usize)>>; 3]);

    impl Sink for Matrices {
        const TERMS: bool = true;

        fn witness(&mut self, value: Fr) -> Fr {
            value
        }

        fn constraint(&mut self, _place: Place, a: &Lc, b: &Lc, c: &Lc) {
            for (matrix, lc) in self.0.iter_mut().zip([a, b, c]) {
                matrix.push(lc.terms.iter().map(|&(variable, c)| (c, variable as usize)).collect());
            }
        }
    }

    fn ark_key(points: &Points) -> ArkKey<Bn254> {
        ArkKey {
            vk: ArkVerifyingKey {
                alpha_g1: points.alpha_g1,
                beta_g2: points.beta_g2,
                gamma_g2: ark_ec::AffineRepr::generator(),
                delta_g2: points.deltas_g2[0],
                gamma_abc_g1: points.ic.clone(),
            },
            beta_g1: points.beta_g1,
            delta_g1: points.deltas_g1[0],
            a_query: points.a.clone(),
            b_g1_query: points.b_g1.clone(),
            b_g2_query: points.b_g2.clone(),
            h_query: points.h.clone(),
            l_query: points.l.clone(),
        }
    }

    /// arkworks' own prover, from the matrices and with the same key: the reduction is the same, row by row.
    #[test]
    fn the_key_is_that_of_arkworks() {
        let graph = graph(100);
        let circuit = Circuit::new(&graph, Disclosure::Raw).unwrap();
        let synthesizer = Synthesizer::new(&circuit, RangeChecks::Bits).unwrap();
        let cost = synthesizer.cost().unwrap();
        let points = generate(&synthesizer, &cost, 1, &Secrets::Seeded([7; 32]), &()).unwrap();
        let key = ark_key(&points);

        let input = INPUT.to_vec();
        let output = execute::run(&graph, &input).unwrap();
        let witness = CircuitWitness { input, input_salt: Fr::from(11u64), output_salt: Fr::from(12u64), policy: None };
        let public = public_inputs(&circuit, &witness, &output, Fr::from(99u64));
        let mut assignment = Assignment::new(&public, &cost);
        synthesizer.synthesize(&public, Some(&witness), &mut assignment).unwrap();
        let mut matrices = Matrices::default();
        synthesizer.synthesize(&public, Some(&witness), &mut matrices).unwrap();
        let proof = Groth16::<Bn254>::create_proof_with_reduction_and_matrices(
            &key,
            Fr::from(3u64),
            Fr::from(4u64),
            &matrices.0,
            PUBLIC_INPUTS + 1,
            cost.constraints,
            &assignment.z,
        );
        let (proof, prepared) = (proof.unwrap(), prepare_verifying_key(&key.vk));
        assert!(Groth16::<Bn254>::verify_proof(&prepared, &proof, &public).unwrap());
        for i in 0..public.len() {
            let mut forged = public;
            forged[i] += Fr::from(1u64);
            assert!(!Groth16::<Bn254>::verify_proof(&prepared, &proof, &forged).unwrap(), "public input {i}");
        }
    }

    #[test]
    fn both_systems_prove_and_a_changed_input_does_not_verify() {
        let graph = graph(100);
        let circuit = Circuit::new(&graph, Disclosure::Raw).unwrap();
        for variant in [Variant::Plain, Variant::Lookup] {
            let system = variant.system();
            let keys = setup(variant, &circuit, "test", Some([7; 32]), &()).unwrap();
            let prover = Prover::new(&graph, &circuit, keys).unwrap();
            let proof = prover.prove(&[-128, 127, 3, 55], &Request::default(), &()).unwrap();
            let key = KeyPolicy { allow_dev: true, expect_vk: None }.admit(prover.verifying_key().clone()).unwrap();
            let statement = proof.file.statement();
            for slot in 0..8 {
                let mut slots = *statement.slots();
                slots[slot][31] ^= 1;
                let forged = Statement::new(system, slots).unwrap();
                let bytes = proof.file.envelope().proof().to_vec();
                let file = ProofFile::new(key.key(), forged, bytes).unwrap().encode();
                assert!(verify(&key, &file).is_err(), "{system}: slot {slot}");
            }
            assert!(verify(&key, &proof.file.encode()).is_ok());
        }
    }
}
