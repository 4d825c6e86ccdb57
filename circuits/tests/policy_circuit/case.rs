//! A circuit with a data policy, a witness, and its statement.

use ark_ff::Field as _;
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::{DType, Graph, Quantization},
    policy::{Inputs, Schema},
    r1cs::{
        Checker, CircuitWitness, DERIVED, Fr, Lc, PUBLIC_INPUTS, Place, Plan, RangeChecks, Sink, Synthesizer,
        public_inputs,
    },
};

use crate::graphs::{identity, info, quant};

pub(crate) const BOTH: [RangeChecks; 2] = [RangeChecks::Bits, RangeChecks::Lookups];

/// The challenge that a circuit with lookups is checked at; which one does not matter.
pub(crate) fn challenge() -> Fr {
    Fr::from(3u64).pow([100])
}

/// A model that gives back its input, which is as long as the schema says.
pub(crate) fn model(schema: &Schema, quant: Quantization) -> Graph {
    identity(info(&[schema.inputs.len()], quant))
}

pub(crate) fn usual_quant() -> Quantization {
    quant(DType::I8, 0.37, -5)
}

pub(crate) struct Case {
    pub(crate) circuit: Circuit,
    pub(crate) ranges: RangeChecks,
    pub(crate) witness: CircuitWitness,
    pub(crate) public: [Fr; PUBLIC_INPUTS],
}

/// Checks constraints, and names those whose looked-up values are not in their table: they define inverses, and what
/// fails is the table's sum.
struct Policed<'p> {
    checker: Checker,
    plan: Option<&'p Plan>,
    /// Name and value of each query and row.
    looked_up: Vec<(&'static str, Fr)>,
    sums: usize,
    missing: Vec<&'static str>,
}

impl Sink for Policed<'_> {
    const TERMS: bool = true;

    fn witness(&mut self, value: Fr) -> Fr {
        self.checker.witness(value)
    }

    fn challenge(&self) -> Fr {
        self.checker.challenge()
    }

    fn derived(&mut self, numerator: Fr, denominator: Fr) -> Fr {
        self.looked_up.push(("", challenge() - denominator));
        self.checker.derived(numerator, denominator)
    }

    fn constraint(&mut self, place: Place, a: &Lc, b: &Lc, c: &Lc) {
        match a.terms.as_slice() {
            [(variable, _)] if variable & DERIVED != 0 && place.name != "lookup.sum" => {
                self.looked_up[(variable & !DERIVED) as usize].0 = place.name;
            }
            _ => {}
        }
        if place.name == "lookup.sum" {
            let table = &self.plan.unwrap().tables[self.sums];
            let values = a.terms.iter().map(|(variable, _)| self.looked_up[(variable & !DERIVED) as usize]);
            self.missing.extend(values.filter(|(_, value)| table.find(value).is_none()).map(|(name, _)| name));
            self.sums += 1;
        }
        self.checker.constraint(place, a, b, c);
    }
}

impl Case {
    pub(crate) fn new(ranges: RangeChecks, inputs: &Inputs) -> Self {
        Self::with(ranges, inputs, usual_quant())
    }

    pub(crate) fn with(ranges: RangeChecks, inputs: &Inputs, quant: Quantization) -> Self {
        let graph = model(&inputs.schema, quant);
        let circuit = Circuit::with_schema(&graph, Disclosure::Raw, &inputs.schema).unwrap();
        let input = inputs.schema.model_input(&inputs.features(), &quant);
        let witness = CircuitWitness {
            input: input.clone(),
            input_salt: Fr::from(11u64),
            output_salt: Fr::from(12u64),
            policy: Some(Box::new(inputs.clone())),
        };
        let public = public_inputs(&circuit, &witness, &input, Fr::from(99u64));
        Self { circuit, ranges, witness, public }
    }

    pub(crate) fn synthesizer(&self) -> Synthesizer<'_> {
        Synthesizer::new(&self.circuit, self.ranges).unwrap()
    }

    pub(crate) fn checker(&self, synthesizer: &Synthesizer<'_>) -> Checker {
        let mut public = self.public.to_vec();
        public.resize(synthesizer.public_inputs(), challenge());
        Checker::new(&public)
    }

    /// What is checked with some witnesses replaced, and the names of what does not hold.
    pub(crate) fn check(&self, synthesizer: &Synthesizer<'_>, forgery: &[(u32, Fr)]) -> (Checker, Vec<&'static str>) {
        let mut checker = self.checker(synthesizer);
        checker.tamper = forgery.iter().copied().collect();
        let plan = synthesizer.plan();
        let mut sink = Policed { checker, plan, looked_up: Vec::new(), sums: 0, missing: Vec::new() };
        synthesizer.synthesize(&self.public, Some(&self.witness), &mut sink).unwrap();
        let failures = sink.checker.failures.iter().map(|f| f.name);
        let mut names: Vec<&str> = failures.chain(sink.missing).collect();
        names.sort_unstable();
        names.dedup();
        (sink.checker, names)
    }

    /// Names of the constraints that do not hold.
    pub(crate) fn failures(&self, forgery: &[(u32, Fr)]) -> Vec<&'static str> {
        self.check(&self.synthesizer(), forgery).1
    }
}

/// Whether the name is of a clause, or of a part of it.
pub(crate) fn is_of(name: &str, clause: &str) -> bool {
    let rest = name.strip_prefix("policy.").and_then(|n| n.strip_prefix(clause));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}
