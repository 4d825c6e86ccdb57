//! Walks a circuit and emits all its constraints.

use alloc::{boxed::Box, vec::Vec};

use ark_bn254::Fr;
use ark_ff::{PrimeField as _, Zero as _};
use rayon::prelude::*;

use super::{
    builder::{Builder, Lc, Num, Place, Ranges, Sink},
    commit::{Commitment, commit},
    disclose::disclose,
    linear::Accumulators,
    lookup::Plan,
    max::max,
    policy::Records,
    product::product,
    range::range,
    requantize::{Function, requantize},
    table::Selector,
};
use crate::{
    circuit::{Circuit, CommitmentUse, Interval, LowerError, Relation, WireId, description::EMPTY_POLICY_ID, slot},
    policy::Inputs,
};

/// Number of public inputs of statement v1.
pub const PUBLIC_INPUTS: usize = slot::COUNT;
/// Names of the constraints on [`slot::OF_POLICY`], without a data policy.
const OF_POLICY: [&str; 3] = ["statement.registry_root", "statement.window", "statement.nullifier"];

/// The private values of a proof.
#[derive(Clone, Debug)]
pub struct CircuitWitness {
    /// The model's input integers, row-major, within the input's type. With a data policy they follow from the records.
    pub input: Vec<i16>,
    /// Salt of the input commitment: uniform, nonzero.
    pub input_salt: Fr,
    /// Salt of the output commitment; unused under other disclosures.
    pub output_salt: Fr,
    /// What satisfies the data policy, where the circuit has one.
    pub policy: Option<Box<Inputs>>,
}

/// How a circuit proves that values are in ranges: the only difference between the systems on rank-1 constraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeChecks {
    /// Bit by bit: constraints alone.
    Bits,
    /// By looking up limbs and steps in tables: needs a challenge after the commitment to all other wires.
    Lookups,
}

/// A circuit with the certified arithmetic forms of all its step functions.
pub struct Synthesizer<'c> {
    circuit: &'c Circuit,
    /// For each relation, the forms of its functions.
    forms: Vec<Forms<'c>>,
    /// The tables, where ranges are looked up.
    plan: Option<Plan>,
}

/// How the functions of a relation are proven.
enum Forms<'c> {
    /// It has none.
    None,
    /// By arithmetic.
    Steps(Vec<Function<'c>>),
    /// By its table.
    Table(Selector<'c>),
    /// Records have no functions, but tables of their own.
    Records(Box<Records<'c>>),
}

/// A wire while the circuit is walked.
enum Value<'c> {
    Elements(Vec<Num>),
    Accumulators(Accumulators<'c>, &'c [WireId]),
}

/// A circuit that breaks the order of wires; [`Circuit::new`] never makes one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("relation {relation} reads a wire that is missing or of the wrong kind")]
pub struct SynthesisError {
    /// Index of the relation.
    pub relation: usize,
}

impl<'c> Synthesizer<'c> {
    /// Finds and certifies the arithmetic form of every step function, and plans the tables.
    pub fn new(circuit: &'c Circuit, ranges: RangeChecks) -> Result<Self, LowerError> {
        let forms = circuit.relations.iter().map(|r| match &r.relation {
            Relation::Requantize(q) => {
                let functions = q.functions.par_iter().enumerate();
                Forms::Steps(functions.map(|(index, steps)| Function::new(index, steps)).collect())
            }
            Relation::Table(table) => {
                let selector = Selector::new(table);
                selector.cheap_step().map_or(Forms::Table(selector), |f| Forms::Steps(alloc::vec![f]))
            }
            Relation::Records(records) => Forms::Records(Records::new(records).into()),
            Relation::Range(_)
            | Relation::Linear(_)
            | Relation::Product { .. }
            | Relation::Max { .. }
            | Relation::Reindex { .. }
            | Relation::Commit { .. }
            | Relation::Disclose { .. } => Forms::None,
        });
        let mut this = Self { circuit, forms: forms.collect(), plan: None };
        if ranges == RangeChecks::Lookups {
            this.plan = Some(this.make_plan().map_err(|e| LowerError::new(alloc::format!("{e}")))?);
        }
        Ok(this)
    }

    fn make_plan(&self) -> Result<Plan, SynthesisError> {
        let mut counter = Counter::new(self.circuit);
        let mut b = Builder::collect(&mut counter, PUBLIC_INPUTS);
        self.walk(&mut b, &[Fr::zero(); PUBLIC_INPUTS], None)?;
        Ok(match &b.ranges {
            Ranges::Collect(requests) => Plan::new(requests),
            Ranges::Bits | Ranges::Lookups(_) => Plan::default(),
        })
    }

    /// The tables, where ranges are looked up.
    pub fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// Public inputs: those of the statement, and the challenge where there is one, the last of them.
    pub fn public_inputs(&self) -> usize {
        PUBLIC_INPUTS + usize::from(self.plan.is_some())
    }

    /// The circuit.
    pub fn circuit(&self) -> &'c Circuit {
        self.circuit
    }

    /// Emits all constraints. Without a witness the values are meaningless, the shape is the same. Gives the number of
    /// variables: of those that are known before the challenge, with the constant one and the public inputs, and of those
    /// that are derived from it.
    pub fn synthesize<S: Sink>(
        &self,
        public: &[Fr; PUBLIC_INPUTS],
        witness: Option<&CircuitWitness>,
        sink: &mut S,
    ) -> Result<[u32; 2], SynthesisError> {
        let mut b = Builder::new(sink, PUBLIC_INPUTS, self.plan.as_ref());
        self.walk(&mut b, public, witness)?;
        b.enter_relation(self.circuit.relations.len() + 1);
        b.finish_lookups();
        Ok(b.variables())
    }

    fn walk<S: Sink>(
        &self,
        b: &mut Builder<'_, S>,
        public: &[Fr; PUBLIC_INPUTS],
        witness: Option<&CircuitWitness>,
    ) -> Result<(), SynthesisError> {
        let public_input = |i: usize| Num { variable: i as u32 + 1, value: public[i] };
        let mut wires: Vec<Option<Value<'c>>> = self.circuit.wires.iter().map(|_| None).collect();
        for (index, applied) in self.circuit.relations.iter().enumerate() {
            b.enter_relation(index);
            let wrong = || SynthesisError { relation: index };
            let operands: Vec<&Value<'c>> =
                applied.inputs.iter().map(|w| wires[w.index()].as_ref().ok_or_else(wrong)).collect::<Result<_, _>>()?;
            let elements = |k: usize| match operands.get(k) {
                Some(Value::Elements(e)) => Ok(e.as_slice()),
                Some(Value::Accumulators(..)) | None => Err(wrong()),
            };
            let bounded = |k: usize| -> Result<Vec<(Num, Interval)>, SynthesisError> {
                Ok(elements(k)?.iter().copied().zip(self.circuit.bounds(applied.inputs[k]).iter().copied()).collect())
            };
            let value = match &applied.relation {
                Relation::Range(dtype) => {
                    let count = self.circuit.input.elements();
                    let input = |i: usize| witness.map_or(0, |w| w.input.get(i).copied().unwrap_or(0).into());
                    let mut elements = Vec::with_capacity(count);
                    for i in 0..count {
                        b.enter_element(i);
                        elements.push(range(b, input(i), *dtype));
                    }
                    Some(Value::Elements(elements))
                }
                Relation::Records(_) => {
                    let Forms::Records(records) = &self.forms[index] else { return Err(wrong()) };
                    let inputs = witness.and_then(|w| w.policy.as_deref());
                    Some(Value::Elements(records.synthesize(b, inputs, slot::ALL_OF_POLICY.map(public_input))))
                }
                Relation::Linear(linear) => {
                    let x = (0..operands.len()).map(elements).collect::<Result<Vec<_>, _>>()?;
                    Some(Value::Accumulators(Accumulators::new(linear, &x), &applied.inputs))
                }
                Relation::Product { zeros } => {
                    let mut products = Vec::new();
                    for (i, (&x, &y)) in elements(0)?.iter().zip(elements(1)?).enumerate() {
                        b.enter_element(i);
                        products.push(product(b, [x, y], *zeros));
                    }
                    Some(Value::Elements(products))
                }
                relation @ (Relation::Requantize(_) | Relation::Table(_)) => {
                    let function_of = |i| if let Relation::Requantize(q) = relation { q.function_of(i) } else { 0 };
                    let bounds = self.circuit.bounds(applied.inputs[0]);
                    let mut elements = Vec::with_capacity(bounds.len());
                    for (i, &range) in bounds.iter().enumerate() {
                        b.enter_element(i);
                        let x = Self::read(&wires, applied.inputs[0], i, b).ok_or_else(wrong)?;
                        elements.push(match &self.forms[index] {
                            Forms::Steps(functions) => requantize(b, &x, &functions[function_of(i)], range),
                            Forms::Table(selector) => selector.select(b, &x),
                            Forms::None | Forms::Records(_) => return Err(wrong()),
                        });
                    }
                    Some(Value::Elements(elements))
                }
                Relation::Max { windows } => {
                    let x = bounded(0)?;
                    let mut elements = Vec::with_capacity(windows.len());
                    for (i, w) in windows.iter().enumerate() {
                        b.enter_element(i);
                        let window: Vec<_> = w.iter().map(|&j| x[j as usize]).collect();
                        elements.push(max(b, &window));
                    }
                    Some(Value::Elements(elements))
                }
                Relation::Reindex { gather } => {
                    let x = (0..operands.len()).map(elements).collect::<Result<Vec<_>, _>>()?;
                    Some(Value::Elements(gather.iter().map(|&(k, i)| x[k as usize][i as usize]).collect()))
                }
                Relation::Commit { role, dtype } => {
                    let salt = witness.map(|w| match role {
                        CommitmentUse::Input => w.input_salt,
                        CommitmentUse::Output => w.output_salt,
                    });
                    commit(b, *role, elements(0)?, *dtype, salt.unwrap_or_default(), public_input(role.slot()));
                    None
                }
                Relation::Disclose { disclosure, dtype } => {
                    disclose(b, *disclosure, &bounded(0)?, *dtype, public_input(slot::OUTPUT));
                    None
                }
            };
            if let Some(id) = applied.output {
                wires[id.index()] = value;
            }
        }
        b.enter_relation(self.circuit.relations.len());
        let mut constants = alloc::vec![(slot::CIRCUIT_ID, "statement.circuit_id", self.circuit_id())];
        if !self.circuit.description.has_data_policy() {
            constants.push((slot::POLICY_ID, "statement.policy_id", empty_policy_id()));
            constants.extend(slot::OF_POLICY.into_iter().zip(OF_POLICY).map(|(i, name)| (i, name, Fr::zero())));
        }
        for (i, name, value) in constants {
            let (public, value) = (b.var(public_input(i)), b.constant(value));
            b.enforce_equal(name, &public, &value);
        }
        Ok(())
    }

    /// Element `i` of a wire as a linear combination.
    fn read<S: Sink>(wires: &[Option<Value<'c>>], wire: WireId, i: usize, b: &Builder<'_, S>) -> Option<Lc> {
        match wires[wire.index()].as_ref()? {
            Value::Elements(e) => Some(b.var(e[i])),
            Value::Accumulators(acc, inputs) => {
                let operand = |w: &WireId| match wires[w.index()].as_ref() {
                    Some(Value::Elements(e)) => Some(e.as_slice()),
                    Some(Value::Accumulators(..)) | None => None,
                };
                let operands: Vec<&[Num]> = inputs.iter().map(operand).collect::<Option<_>>()?;
                Some(acc.lc(i, &operands, b))
            }
        }
    }

    fn circuit_id(&self) -> Fr {
        Fr::from_be_bytes_mod_order(&self.circuit.description.circuit_id())
    }

    /// Constraints and witnesses, in all and for each relation.
    pub fn cost(&self) -> Result<Cost, SynthesisError> {
        let mut counter = Counter::new(self.circuit);
        let variables = self.synthesize(&[Fr::zero(); PUBLIC_INPUTS], None, &mut counter)?;
        let [variables, derived] = variables.map(|n| n as usize);
        Ok(Cost { public_inputs: self.public_inputs(), variables, derived, ..counter.cost })
    }
}

/// Counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// All constraints.
    pub constraints: usize,
    /// Public inputs: those of the statement, and the challenge where there is one.
    pub public_inputs: usize,
    /// The constant one, the public inputs, and the witnesses that are known before the challenge.
    pub variables: usize,
    /// The witnesses that are derived from the challenge.
    pub derived: usize,
    /// One entry for each relation, one for the statement's constants, and one for the tables.
    pub relations: Vec<RelationCost>,
}

impl Cost {
    /// The variable of the challenge: the last public input, if the circuit has one.
    pub fn challenge(&self) -> Option<u32> {
        (self.public_inputs > PUBLIC_INPUTS).then_some(self.public_inputs as u32)
    }
}

/// Counts of one relation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelationCost {
    /// Constraints emitted.
    pub constraints: usize,
}

/// The sink of [`Synthesizer::cost`].
pub struct Counter {
    cost: Cost,
}

impl Counter {
    fn new(circuit: &Circuit) -> Self {
        let relations = alloc::vec![RelationCost::default(); circuit.relations.len() + 2];
        Self { cost: Cost { relations, ..Cost::default() } }
    }
}

impl Sink for Counter {
    const TERMS: bool = false;

    fn witness(&mut self, value: Fr) -> Fr {
        value
    }

    fn constraint(&mut self, place: Place, _a: &Lc, _b: &Lc, _c: &Lc) {
        self.cost.constraints += 1;
        self.cost.relations[place.relation].constraints += 1;
    }
}

fn empty_policy_id() -> Fr {
    Fr::from_be_bytes_mod_order(&EMPTY_POLICY_ID)
}

/// The statement that an honest prover proves: the 8 public inputs for a witness, its output and a context.
///
/// `output` holds the integers of the model's output, row-major.
pub fn public_inputs(circuit: &Circuit, witness: &CircuitWitness, output: &[i16], context: Fr) -> [Fr; PUBLIC_INPUTS] {
    let mut slots = [Fr::zero(); PUBLIC_INPUTS];
    let commitment = |role, values, dtype, salt| Commitment { role, values, dtype, salt }.value();
    let dtype = circuit.output.quant.dtype;
    slots[0] = context;
    slots[slot::CIRCUIT_ID] = Fr::from_be_bytes_mod_order(&circuit.description.circuit_id());
    slots[slot::POLICY_ID] = empty_policy_id();
    if let Some(inputs) = &witness.policy {
        for (i, value) in slot::ALL_OF_POLICY.into_iter().zip(inputs.slots()) {
            slots[i] = value;
        }
    }
    slots[slot::INPUT_COMMITMENT] =
        commitment(CommitmentUse::Input, &witness.input, circuit.input.quant.dtype, witness.input_salt);
    slots[slot::OUTPUT] = match circuit.description.disclosure.shown(output, dtype) {
        Some(shown) => Fr::from_be_bytes_mod_order(&shown),
        None => commitment(CommitmentUse::Output, output, dtype, witness.output_salt),
    };
    slots
}
