//! Walks a circuit and assigns all its cells.

use alloc::vec::Vec;

use super::{
    Fp,
    builder::{Builder, Int, Num, integer},
    commit::{Commitment, commit},
    config::Job,
    disclose::disclose,
    function::{Function, Functions, Known},
    layout::{Layout, RelationRows, Shape},
    linear::linear,
    max::max,
    product::product,
    sink::{Sink, Trace},
};
use crate::circuit::{Circuit, CommitmentUse, Interval, Relation, description::EMPTY_POLICY_ID, slot};

/// Number of public inputs of statement v1.
pub const PUBLIC_INPUTS: usize = slot::COUNT;

/// The private values of a proof.
#[derive(Clone, Debug)]
pub struct CircuitWitness {
    /// The model's input integers, row-major, within the input's type.
    pub input: Vec<i16>,
    /// Salt of the input commitment: uniform, nonzero.
    pub input_salt: Fp,
    /// Salt of the output commitment; unused under other disclosures.
    pub output_salt: Fp,
}

/// A circuit that cannot be assigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SynthesisError {
    /// The order of wires is broken; [`Circuit::new`] never does that.
    #[error("relation {relation} reads a wire that is missing or of the wrong kind")]
    Wire {
        /// Index of the relation.
        relation: usize,
    },
    /// There is no chip for the curve and hash of a data policy.
    #[error("a data policy needs a Groth16 system; this one proves circuits without")]
    Records,
    /// The layout is too small.
    #[error("the circuit needs {needed} rows, the layout has {limit}")]
    Rows {
        /// Rows of the longest part.
        needed: u64,
        /// Rows that the layout has.
        limit: u32,
    },
}

/// A wire while the circuit is walked.
enum Value {
    Elements(Vec<Int>),
    /// Cells, and what has to be added to each.
    Sums(Vec<(Num, i64)>),
}

/// What a walk has used.
pub(super) struct Footprint {
    pub(super) wide: u32,
    pub(super) narrow: u32,
    pub(super) relations: Vec<RelationRows>,
    functions: Functions,
    /// The largest difference that a maximum compares.
    reach: u64,
}

impl Footprint {
    pub(super) fn table_rows(&self, range_bits: u32) -> u64 {
        self.functions.rows(range_bits)
    }

    /// Rows of the longest part. The table of functions needs one more than it has, from which `halo2_proofs` fills the
    /// rest of its columns.
    pub(super) fn rows(&self, k: u32) -> u64 {
        (self.table_rows(k - 1) + 1).max(self.wide.into()).max(self.narrow.into())
    }

    pub(super) fn check(&self, layout: Layout) -> Result<(), SynthesisError> {
        let (needed, limit) = (self.rows(layout.k()).max(2 * self.reach), layout.rows());
        if needed > limit.into() { Err(SynthesisError::Rows { needed, limit }) } else { Ok(()) }
    }
}

/// Assigns the cells and copies of a circuit, in a layout. Without a witness all cells are zero; the rest is the same.
///
/// # Errors
/// A circuit that does not fit the layout.
pub fn synthesize<S: Sink>(
    circuit: &Circuit,
    layout: Layout,
    witness: Option<&CircuitWitness>,
    sink: &mut S,
) -> Result<(), SynthesisError> {
    walk(circuit, layout.shape(), layout.range_bits(), sink, witness)
        .and_then(|footprint| footprint.check(layout).map(|()| footprint))
        .map(|footprint| footprint.functions.emit(layout.range_bits(), sink))
}

/// The rows that a circuit takes.
pub(super) fn footprint<S: Sink>(
    circuit: &Circuit,
    shape: Shape,
    sink: &mut S,
    witness: Option<&CircuitWitness>,
) -> Result<Footprint, SynthesisError> {
    walk(circuit, shape, 1, sink, witness)
}

/// Does a job with the circuit in a layout: derives keys, proves, checks. Without a witness all advice cells are zero.
///
/// # Errors
/// A circuit that does not fit the layout.
pub fn with_circuit<J: Job>(
    circuit: &Circuit,
    layout: Layout,
    witness: Option<&CircuitWitness>,
    job: J,
) -> Result<J::Output, SynthesisError> {
    // Before anything is allocated.
    layout.cost(circuit)?;
    let mut trace = Trace::new(layout);
    synthesize(circuit, layout, witness, &mut trace)?;
    Ok(trace.run(job))
}

fn walk<S: Sink>(
    circuit: &Circuit,
    shape: Shape,
    range_bits: u32,
    sink: &mut S,
    witness: Option<&CircuitWitness>,
) -> Result<Footprint, SynthesisError> {
    let mut b = Builder::new(sink, shape, range_bits, witness.is_some());
    let mut wires: Vec<Option<Value>> = circuit.wires.iter().map(|_| None).collect();
    let mut relations = Vec::with_capacity(circuit.relations.len() + 1);
    let mut reach = 0;
    let mut before = [b.wide, b.narrow];
    for (index, applied) in circuit.relations.iter().enumerate() {
        b.enter_relation(index);
        let wrong = || SynthesisError::Wire { relation: index };
        let operands: Vec<&Value> =
            applied.inputs.iter().map(|w| wires[w.index()].as_ref().ok_or_else(wrong)).collect::<Result<_, _>>()?;
        let elements = |k: usize| match operands.get(k) {
            Some(Value::Elements(e)) => Ok(e.as_slice()),
            Some(Value::Sums(_)) | None => Err(wrong()),
        };
        let value = match &applied.relation {
            Relation::Range(dtype) => {
                let f = b.function(Function::within(*dtype));
                let count = circuit.input.elements();
                let input = |i: usize| witness.map_or(0, |w| w.input.get(i).copied().unwrap_or(0).into());
                Some(Value::Elements((0..count).map(|i| b.input(&f, input(i))).collect()))
            }
            Relation::Records(_) => return Err(SynthesisError::Records),
            Relation::Linear(map) => {
                let x = (0..operands.len()).map(elements).collect::<Result<Vec<_>, _>>()?;
                Some(Value::Sums(linear(&mut b, map, &x)))
            }
            Relation::Product { zeros } => {
                let floor = applied.output.map_or(0, |w| lowest(circuit.bounds(w)));
                let pairs = elements(0)?.iter().zip(elements(1)?);
                Some(Value::Elements(pairs.map(|(&x, &y)| product(&mut b, [x, y], *zeros, floor)).collect()))
            }
            Relation::Requantize(q) => {
                let floor = q.functions.iter().map(|f| f.first.into()).min().unwrap_or_default();
                let functions: Vec<Known> =
                    q.functions.iter().map(|f| b.function(Function::of_step(f, floor))).collect();
                let x = arguments(operands.first().ok_or_else(wrong)?);
                let values = x.iter().enumerate().map(|(i, &(x, c))| b.query(&functions[q.function_of(i)], x, c));
                Some(Value::Elements(values.collect()))
            }
            Relation::Table(table) => {
                let f = b.function(Function::of_table(table, table.range().lo));
                let x = arguments(operands.first().ok_or_else(wrong)?);
                Some(Value::Elements(x.iter().map(|&(x, c)| b.query(&f, x, c)).collect()))
            }
            Relation::Max { windows } => {
                let x = elements(0)?;
                let bounds = circuit.bounds(applied.inputs[0]);
                let highest = bounds.iter().map(|b| b.hi).max().unwrap_or_default();
                reach = reach.max(highest.abs_diff(lowest(bounds)) + 1);
                let one = |w: &Vec<u32>| max(&mut b, &w.iter().map(|&j| x[j as usize]).collect::<Vec<_>>());
                Some(Value::Elements(windows.iter().map(one).collect()))
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
                let digest = commit(&mut b, *role, elements(0)?, *dtype, salt.unwrap_or_default());
                b.sink.instance(digest.cell, role.slot());
                None
            }
            Relation::Disclose { disclosure, dtype } => {
                let bounds = circuit.bounds(applied.inputs[0]);
                if let Some(shown) = disclose(&mut b, *disclosure, elements(0)?, bounds, *dtype) {
                    b.sink.instance(shown.cell, slot::OUTPUT);
                }
                None
            }
        };
        if let Some(id) = applied.output {
            wires[id.index()] = value;
        }
        relations.push(RelationRows { wide: b.wide - before[0], narrow: b.narrow - before[1] });
        before = [b.wide, b.narrow];
    }
    b.enter_relation(circuit.relations.len());
    let constants = [
        (slot::CIRCUIT_ID, "statement.circuit_id", integer(&circuit.description.circuit_id())),
        (slot::POLICY_ID, "statement.policy_id", empty_policy_id()),
    ];
    for (slot, name, value) in constants {
        let constant = b.constant(name, value);
        b.sink.instance(constant.cell, slot);
    }
    for slot in slot::OF_POLICY {
        let zero = b.zero();
        b.sink.instance(zero.cell, slot);
    }
    relations.push(RelationRows { wide: b.wide - before[0], narrow: b.narrow - before[1] });
    Ok(Footprint { wide: b.wide, narrow: b.narrow, relations, functions: b.functions, reach })
}

/// Cells and what has to be added to each.
fn arguments(value: &Value) -> Vec<(Num, i64)> {
    match value {
        Value::Elements(e) => e.iter().map(|x| (x.num, x.floor)).collect(),
        Value::Sums(sums) => sums.clone(),
    }
}

fn lowest(bounds: &[Interval]) -> i64 {
    bounds.iter().map(|b| b.lo).min().unwrap_or_default()
}

fn empty_policy_id() -> Fp {
    integer(&EMPTY_POLICY_ID)
}

/// The statement that an honest prover proves: the 8 public inputs for a witness, its output and a context.
///
/// `output` holds the integers of the model's output, row-major.
pub fn public_inputs(circuit: &Circuit, witness: &CircuitWitness, output: &[i16], context: Fp) -> [Fp; PUBLIC_INPUTS] {
    let mut slots = [Fp::zero(); PUBLIC_INPUTS];
    let commitment = |role, values, dtype, salt| Commitment { role, values, dtype, salt }.value();
    let dtype = circuit.output.quant.dtype;
    slots[0] = context;
    slots[slot::CIRCUIT_ID] = integer(&circuit.description.circuit_id());
    slots[slot::POLICY_ID] = empty_policy_id();
    slots[slot::INPUT_COMMITMENT] =
        commitment(CommitmentUse::Input, &witness.input, circuit.input.quant.dtype, witness.input_salt);
    slots[slot::OUTPUT] = match circuit.description.disclosure.shown(output, dtype) {
        Some(shown) => integer(&shown),
        None => commitment(CommitmentUse::Output, output, dtype, witness.output_salt),
    };
    slots
}
