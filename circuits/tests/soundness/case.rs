//! A circuit with an honest witness and its statement, to be forged.

use ark_ff::Field as _;
use avouch_circuits::{
    circuit::{Circuit, Disclosure, LowerError},
    execute,
    graph::Graph,
    r1cs::{Checker, CircuitWitness, Fr, PUBLIC_INPUTS, Place, RangeChecks, Synthesizer, public_inputs},
};

use crate::graphs::leave_relations_on_public_inputs_out;

/// Witnesses to replace, with their forged values.
pub(crate) type Forgery = Vec<(u32, Fr)>;

/// The challenge that a circuit with lookups is checked at; which one does not matter.
pub(crate) fn challenge() -> Fr {
    Fr::from(3u64).pow([100])
}

pub(crate) struct Case {
    pub(crate) circuit: Circuit,
    pub(crate) ranges: RangeChecks,
    pub(crate) witness: CircuitWitness,
    pub(crate) public: [Fr; PUBLIC_INPUTS],
    /// The honest assignment, and what first reads each variable.
    honest: Checker,
}

impl Case {
    pub(crate) fn new(graph: &Graph, disclosure: Disclosure, input: &[i16]) -> Result<Self, LowerError> {
        Self::with(RangeChecks::Bits, graph, disclosure, input)
    }

    pub(crate) fn with(
        ranges: RangeChecks,
        graph: &Graph,
        disclosure: Disclosure,
        input: &[i16],
    ) -> Result<Self, LowerError> {
        let circuit = Circuit::new(graph, disclosure)?;
        Synthesizer::new(&circuit, ranges)?;
        let output = execute::run(graph, input).unwrap();
        let witness = CircuitWitness {
            input: input.to_vec(),
            input_salt: Fr::from(11u64),
            output_salt: Fr::from(12u64),
            policy: None,
        };
        let public = public_inputs(&circuit, &witness, &output, Fr::from(99u64));
        let mut case = Self { circuit, ranges, witness, public, honest: Checker::default() };
        case.honest = case.check(&[]);
        Ok(case)
    }

    /// The graph's relations alone, without any on public inputs: so that a forgery is not stopped by these.
    pub(crate) fn bare(graph: &Graph, input: &[i16]) -> Self {
        let mut case = Self::new(graph, Disclosure::Commit, input).unwrap();
        leave_relations_on_public_inputs_out(&mut case.circuit);
        case.honest = case.check(&[]);
        case
    }

    pub(crate) fn check(&self, forgery: &[(u32, Fr)]) -> Checker {
        let synthesizer = self.synthesizer();
        let mut checker = self.checker(&synthesizer);
        checker.tamper = forgery.iter().copied().collect();
        let variables = synthesizer.synthesize(&self.public, Some(&self.witness), &mut checker).unwrap();
        assert_eq!(variables.map(|n| n as usize), [checker.assignment.len(), checker.derived.len()]);
        checker
    }

    pub(crate) fn synthesizer(&self) -> Synthesizer<'_> {
        Synthesizer::new(&self.circuit, self.ranges).unwrap()
    }

    /// A checker of this statement and, where there is one, the challenge.
    pub(crate) fn checker(&self, synthesizer: &Synthesizer<'_>) -> Checker {
        let mut public = self.public.to_vec();
        public.resize(synthesizer.public_inputs(), challenge());
        Checker::new(&public)
    }

    /// Names of the constraints that do not hold.
    pub(crate) fn failures(&self, forgery: &[(u32, Fr)]) -> Vec<&'static str> {
        self.check(forgery).failures.iter().map(|f| f.name).collect()
    }

    /// Asserts that exactly these constraints do not hold, which shows that each is needed.
    #[track_caller]
    pub(crate) fn stops(&self, forgery: &[(u32, Fr)], names: &[&str]) {
        assert_eq!(self.failures(forgery), names, "{forgery:?}");
    }

    /// Asserts that the honest witness satisfies everything.
    #[track_caller]
    pub(crate) fn holds(&self) {
        self.stops(&[], &[]);
    }

    /// The witnesses that a constraint of this name is the first to read, in order.
    #[track_caller]
    pub(crate) fn variables(&self, name: &str) -> Vec<u32> {
        let named = |o: &Option<Place>| o.is_some_and(|place| place.name == name);
        let found = (0..).zip(&self.honest.origins).skip(PUBLIC_INPUTS + 1).filter(|(_, o)| named(o));
        let found: Vec<u32> = found.map(|(v, _)| v).collect();
        assert!(!found.is_empty(), "no witness at {name}");
        found
    }

    /// The first of the witnesses that a constraint of this name is the first to read, in each element.
    #[track_caller]
    pub(crate) fn looked_up_values(&self, name: &str, elements: usize) -> Vec<u32> {
        let mut first = vec![None; elements];
        for v in self.variables(name).into_iter().rev() {
            let place = self.honest.origins[v as usize].unwrap();
            first[place.element] = Some(v);
        }
        first.into_iter().map(|v| v.expect("a witness in each element")).collect()
    }

    /// Honest values of witnesses.
    pub(crate) fn values(&self, variables: &[u32]) -> Vec<Fr> {
        variables.iter().map(|&v| self.honest.assignment[v as usize]).collect()
    }

    /// Adds amounts to witnesses.
    pub(crate) fn plus(&self, amounts: &[(u32, i64)]) -> Forgery {
        amounts.iter().map(|&(v, amount)| (v, self.honest.assignment[v as usize] + Fr::from(amount))).collect()
    }

    /// Turns a bit around; whoever reads it follows.
    pub(crate) fn flip(&self, bit: u32) -> (u32, Fr) {
        (bit, Fr::from(1u64) - self.values(&[bit])[0])
    }

    /// Turns bit `i` of an ascending run around and makes up for it in the bit below, which then is none.
    pub(crate) fn flip_compensated(&self, bits: &[u32], i: usize) -> Forgery {
        let values = self.values(bits);
        let one = Fr::from(1u64);
        let change = if values[i] == one { Fr::from(2u64) } else { -Fr::from(2u64) };
        vec![(bits[i], one - values[i]), (bits[i - 1], values[i - 1] + change)]
    }
}
