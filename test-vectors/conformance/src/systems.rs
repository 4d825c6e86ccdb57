//! One inference on the circuits of every proof system.

use avouch_circuits::{
    circuit::{Circuit, Disclosure, LowerError},
    graph::Graph,
    plonkish::{self, Fp, Job, Layout, with_circuit},
    r1cs::{self, Checker, Fr, RangeChecks, Synthesizer},
};
use halo2_proofs::{dev::MockProver, plonk};

/// What the circuits of all systems say of an output that is committed to: nothing if they are satisfied, else what fails.
///
/// # Errors
/// A graph that one of them cannot prove.
pub fn failures(graph: &Graph, input: &[i16], output: &[i16]) -> Result<[Vec<String>; 3], LowerError> {
    let circuit = Circuit::new(graph, Disclosure::Commit)?;
    Ok([
        constraints(&circuit, RangeChecks::Bits, input, output)?,
        constraints(&circuit, RangeChecks::Lookups, input, output)?,
        gates(&circuit, input, output)?,
    ])
}

fn constraints(
    circuit: &Circuit,
    ranges: RangeChecks,
    input: &[i16],
    output: &[i16],
) -> Result<Vec<String>, LowerError> {
    let synthesizer = Synthesizer::new(circuit, ranges)?;
    let witness = r1cs::CircuitWitness {
        input: input.to_vec(),
        input_salt: Fr::from(11u64),
        output_salt: Fr::from(12u64),
        policy: None,
    };
    let public = r1cs::public_inputs(circuit, &witness, output, Fr::from(99u64));
    let mut known = public.to_vec();
    // Any challenge will do where nobody cheats with multiplicities.
    known.resize(synthesizer.public_inputs(), Fr::from(1u64 << 60));
    let mut checker = Checker::new(&known);
    synthesizer.synthesize(&public, Some(&witness), &mut checker).map_err(|e| LowerError::new(e.to_string()))?;
    Ok(checker.failures.iter().map(|place| place.name.into()).collect())
}

fn gates(circuit: &Circuit, input: &[i16], output: &[i16]) -> Result<Vec<String>, LowerError> {
    let (layout, _) = Layout::choose(circuit)?;
    let witness =
        plonkish::CircuitWitness { input: input.to_vec(), input_salt: Fp::from(11), output_salt: Fp::from(12) };
    let public = plonkish::public_inputs(circuit, &witness, output, Fp::from(99));
    let mock = Mock { k: layout.k(), public: &public };
    let failures = with_circuit(circuit, layout, Some(&witness), mock).map_err(|e| LowerError::new(e.to_string()))?;
    failures.map_err(|e| LowerError::new(e.to_string()))
}

struct Mock<'a> {
    k: u32,
    public: &'a [Fp],
}

impl Job for Mock<'_> {
    type Output = Result<Vec<String>, plonk::Error>;

    fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> Self::Output {
        let prover = MockProver::run(self.k, circuit, vec![self.public.to_vec()])?;
        Ok(prover.verify().err().unwrap_or_default().iter().map(ToString::to_string).collect())
    }
}
