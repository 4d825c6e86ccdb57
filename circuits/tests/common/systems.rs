//! One inference on the circuits of every proof system.

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::Graph,
    plonkish::{self, Fp, Job, Layout, with_circuit},
    r1cs::{self, Checker, Fr, RangeChecks, Synthesizer},
};
use halo2_proofs::{dev::MockProver, plonk};

/// What the circuits of all systems say of an output: nothing where it is satisfied, and where it is not what fails.
pub(crate) fn failures(graph: &Graph, disclosure: Disclosure, input: &[i16], output: &[i16]) -> [Vec<String>; 3] {
    let circuit = Circuit::new(graph, disclosure).unwrap();
    [
        constraints(&circuit, RangeChecks::Bits, input, output),
        constraints(&circuit, RangeChecks::Lookups, input, output),
        gates(&circuit, input, output),
    ]
}

fn constraints(circuit: &Circuit, ranges: RangeChecks, input: &[i16], output: &[i16]) -> Vec<String> {
    let synthesizer = Synthesizer::new(circuit, ranges).unwrap();
    let witness =
        r1cs::CircuitWitness { input: input.to_vec(), input_salt: Fr::from(11u64), output_salt: Fr::from(12u64) };
    let public = r1cs::public_inputs(circuit, &witness, output, Fr::from(99u64));
    let mut known = public.to_vec();
    // Any challenge will do where nobody cheats with multiplicities.
    known.resize(synthesizer.public_inputs(), Fr::from(1u64 << 60));
    let mut checker = Checker::new(&known);
    synthesizer.synthesize(&public, Some(&witness), &mut checker).unwrap();
    checker.failures.iter().map(|place| place.name.into()).collect()
}

fn gates(circuit: &Circuit, input: &[i16], output: &[i16]) -> Vec<String> {
    let (layout, _) = Layout::choose(circuit).unwrap();
    let witness =
        plonkish::CircuitWitness { input: input.to_vec(), input_salt: Fp::from(11), output_salt: Fp::from(12) };
    let public = plonkish::public_inputs(circuit, &witness, output, Fp::from(99));
    with_circuit(circuit, layout, Some(&witness), Mock { k: layout.k(), public: &public }).unwrap()
}

struct Mock<'a> {
    k: u32,
    public: &'a [Fp],
}

impl Job for Mock<'_> {
    type Output = Vec<String>;

    fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> Vec<String> {
        let prover = MockProver::run(self.k, circuit, vec![self.public.to_vec()]).unwrap();
        prover.verify().err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }
}
