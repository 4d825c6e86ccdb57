//! The proof system `groth16-bn254:v1`: Groth16 (ePrint 2016/260) over BN254 with the weights baked in as constants.
//!
//! Keys and verification are those of ark-groth16, with the QAP reduction of libsnark. Setup and proving are our own:
//! setup streams each constraint into the QAP's evaluation and holds no matrix, and the prover takes `A·z` and `B·z`
//! from the gadgets' integer arithmetic, so that a wide layer costs no memory.

mod key;
mod prove;
mod prover;
mod qap;
mod setup;

use avouch_verifier::SystemId;

pub use self::{
    prove::CreateError,
    prover::{Proof, ProveError, Prover, Request, Times, sizes},
    setup::{Keys, ProvingKey, SetupError, setup},
};

/// The system that this module proves with.
const SYSTEM: SystemId = SystemId::Groth16Bn254;

#[cfg(test)]
mod tests {
    use ark_bn254::{Bn254, Fr};
    use ark_groth16::{Groth16, prepare_verifying_key};
    use avouch_circuits::{
        circuit::{Circuit, Disclosure},
        execute,
        graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
        op::{Dense, Requantization},
        r1cs::{Checker, CircuitWitness, Lc, PUBLIC_INPUTS, Place, Sink, Synthesizer, public_inputs},
    };

    use super::{prove, qap::Assignment, setup};
    use crate::random::Secrets;

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

    fn graph() -> Graph {
        let quant = |scale| Quantization { dtype: DType::I8, scale, zero_point: 3 };
        let dense = Dense {
            batch: 1,
            k: 4,
            n: 3,
            weights: vec![5, -3, 100, -128, 7, 7, 7, 7, -20, 30, 0, 1],
            bias: vec![100, -50, 0],
            requantization: Requantization { multipliers: vec![0.0123], min: -128, max: 127 },
        };
        let graph = Graph {
            tensors: vec![
                TensorInfo { shape: vec![1, 4], quant: quant(0.1) },
                TensorInfo { shape: vec![1, 3], quant: quant(0.2) },
            ],
            nodes: vec![Node {
                name: "dense".into(),
                op: dense.into(),
                inputs: vec![TensorId(0)],
                output: TensorId(1),
            }],
            input: TensorId(0),
            output: TensorId(1),
        };
        graph.check().unwrap();
        graph
    }

    #[test]
    fn a_proof_verifies_and_a_changed_input_does_not() {
        let graph = graph();
        let circuit = Circuit::new(&graph, Disclosure::Raw).unwrap();
        let synthesizer = Synthesizer::new(&circuit).unwrap();
        let cost = synthesizer.cost().unwrap();
        let key = setup::generate(&synthesizer, &cost, &Secrets::Seeded([7; 32]), &()).unwrap();

        let input = vec![-128, 127, 3, 55];
        let output = execute::run(&graph, &input).unwrap();
        let witness = CircuitWitness { input, input_salt: Fr::from(11u64), output_salt: Fr::from(12u64) };
        let public = public_inputs(&circuit, &witness, &output, Fr::from(99u64));
        let mut checker = Checker::new(&public);
        synthesizer.synthesize(&public, Some(&witness), &mut checker).unwrap();
        assert_eq!(checker.failures, []);
        let mut assignment = Assignment::new(&public, cost.variables, cost.constraints);
        synthesizer.synthesize(&public, Some(&witness), &mut assignment).unwrap();
        let z = assignment.z.clone();
        let (proof, _) = prove::create(&key, assignment, &()).unwrap();

        let prepared = prepare_verifying_key(&key.vk);
        assert!(Groth16::<Bn254>::verify_proof(&prepared, &proof, &public).unwrap());
        for i in 0..public.len() {
            let mut forged = public;
            forged[i] += Fr::from(1u64);
            assert!(!Groth16::<Bn254>::verify_proof(&prepared, &proof, &forged).unwrap(), "public input {i}");
        }

        // arkworks' own prover, from the matrices and with the same key: the reduction is the same, row by row.
        let mut matrices = Matrices::default();
        synthesizer.synthesize(&public, Some(&witness), &mut matrices).unwrap();
        let theirs = Groth16::<Bn254>::create_proof_with_reduction_and_matrices(
            &key,
            Fr::from(3u64),
            Fr::from(4u64),
            &matrices.0,
            PUBLIC_INPUTS + 1,
            cost.constraints,
            &z,
        );
        assert!(Groth16::<Bn254>::verify_proof(&prepared, &theirs.unwrap(), &public).unwrap());
    }
}
