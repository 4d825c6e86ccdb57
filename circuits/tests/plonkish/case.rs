//! A circuit with an honest witness and its statement, to be forged.

use std::collections::{BTreeMap, BTreeSet};

use avouch_circuits::{
    circuit::{Circuit, Disclosure, LowerError},
    execute,
    graph::Graph,
    plonkish::{
        Cell, CircuitWitness, Fp, Job, LOOKUPS, Layout, PUBLIC_INPUTS, Place, Sink, Trace, public_inputs, synthesize,
    },
};
use halo2_proofs::{
    dev::{MockProver, VerifyFailure},
    plonk,
};

use crate::graphs::leave_relations_on_public_inputs_out;

/// Cells to replace, with their forged values.
pub(crate) type Forgery = Vec<(Cell, Fp)>;

/// Replaces cells as they are assigned, so that all that is computed from them follows, and remembers what each is for.
struct Forger {
    trace: Trace,
    tamper: BTreeMap<Cell, Fp>,
    cells: Vec<(Cell, Place, Fp)>,
}

impl Sink for Forger {
    fn advice(&mut self, place: Place, cell: Cell, value: Fp) -> Fp {
        let value = self.tamper.get(&cell).copied().unwrap_or(value);
        self.cells.push((cell, place, value));
        self.trace.advice(place, cell, value)
    }

    fn fixed(&mut self, column: u32, row: u32, value: Fp) {
        self.trace.fixed(column, row, value);
    }

    fn copy(&mut self, from: Cell, to: Cell) {
        self.trace.copy(from, to);
    }

    fn instance(&mut self, cell: Cell, slot: usize) {
        self.trace.instance(cell, slot);
    }

    fn table(&mut self, row: [u64; 4]) {
        self.trace.table(row);
    }
}

/// Names of the gates, lookups and copies that do not hold.
struct Check<'a> {
    k: u32,
    public: &'a [Fp],
}

impl Job for Check<'_> {
    type Output = BTreeSet<String>;

    fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> BTreeSet<String> {
        let prover = MockProver::run(self.k, circuit, vec![self.public.to_vec()]).unwrap();
        prover.verify().err().unwrap_or_default().iter().map(name).collect()
    }
}

fn name(failure: &VerifyFailure) -> String {
    match failure {
        VerifyFailure::ConstraintNotSatisfied { constraint, .. } => {
            let text = constraint.to_string();
            let quoted: Vec<&str> = text.split('\'').collect();
            format!("{}: {}", quoted[3], quoted[1])
        }
        VerifyFailure::Lookup { lookup_index, .. } => LOOKUPS[*lookup_index].into(),
        VerifyFailure::Permutation { column, .. } if column.to_string().contains("Instance") => "public input".into(),
        VerifyFailure::Permutation { .. } => "copy".into(),
        other => panic!("{other}"),
    }
}

pub(crate) struct Case {
    pub(crate) circuit: Circuit,
    pub(crate) layout: Layout,
    pub(crate) witness: CircuitWitness,
    pub(crate) public: [Fp; PUBLIC_INPUTS],
    /// The honest cells.
    pub(crate) honest: Vec<(Cell, Place, Fp)>,
}

impl Case {
    pub(crate) fn new(graph: &Graph, disclosure: Disclosure, input: &[i16]) -> Result<Self, LowerError> {
        let circuit = Circuit::new(graph, disclosure)?;
        let (layout, _) = Layout::choose(&circuit)?;
        let output = execute::run(graph, input).unwrap();
        let witness = CircuitWitness { input: input.to_vec(), input_salt: Fp::from(11), output_salt: Fp::from(12) };
        let public = public_inputs(&circuit, &witness, &output, Fp::from(99));
        let mut case = Self { circuit, layout, witness, public, honest: Vec::new() };
        case.honest = case.forge(&[]).cells;
        Ok(case)
    }

    /// The graph's relations alone, without any on public inputs: so that a forgery is not stopped by these.
    pub(crate) fn bare(graph: &Graph, input: &[i16]) -> Self {
        let mut case = Self::new(graph, Disclosure::Commit, input).unwrap();
        leave_relations_on_public_inputs_out(&mut case.circuit);
        let layout = Layout::choose(&case.circuit).unwrap().0;
        case.with_layout(layout)
    }

    /// The same in another layout.
    pub(crate) fn with_layout(mut self, layout: Layout) -> Self {
        self.layout = layout;
        self.honest = self.forge(&[]).cells;
        self
    }

    fn forge(&self, forgery: &[(Cell, Fp)]) -> Forger {
        let tamper = forgery.iter().copied().collect();
        let mut forger = Forger { trace: Trace::new(self.layout), tamper, cells: Vec::new() };
        synthesize(&self.circuit, self.layout, Some(&self.witness), &mut forger).unwrap();
        forger
    }

    /// The cells of a forgery, to be proven.
    pub(crate) fn trace(&self, forgery: &[(Cell, Fp)]) -> Trace {
        self.forge(forgery).trace
    }

    /// Names of what does not hold.
    pub(crate) fn failures(&self, forgery: &[(Cell, Fp)]) -> BTreeSet<String> {
        self.forge(forgery).trace.run(Check { k: self.layout.k(), public: &self.public })
    }

    /// Asserts that exactly this does not hold, which shows that each is needed.
    #[track_caller]
    pub(crate) fn stops(&self, forgery: &[(Cell, Fp)], names: &[&str]) {
        let expected: BTreeSet<String> = names.iter().map(|n| String::from(*n)).collect();
        assert_eq!(self.failures(forgery), expected, "{forgery:?}");
    }

    /// Asserts that the honest witness satisfies everything.
    #[track_caller]
    pub(crate) fn holds(&self) {
        self.stops(&[], &[]);
    }

    /// The cells of this name, in order.
    #[track_caller]
    pub(crate) fn cells(&self, name: &str) -> Vec<Cell> {
        let found: Vec<Cell> = self.honest.iter().filter(|(_, p, _)| p.name == name).map(|(c, ..)| *c).collect();
        assert!(!found.is_empty(), "no cell {name}");
        found
    }

    /// The honest value of a cell.
    pub(crate) fn value(&self, cell: Cell) -> Fp {
        self.honest.iter().find(|(c, ..)| *c == cell).map(|(.., v)| *v).expect("a cell that is assigned")
    }

    /// Adds an amount to a cell.
    pub(crate) fn plus(&self, cell: Cell, amount: i64) -> (Cell, Fp) {
        (cell, self.value(cell) + fp(amount))
    }

    /// Claims this row of the table in a query, by the start, last and value of another.
    pub(crate) fn claims(&self, query: usize, row: [i64; 3]) -> Forgery {
        let columns = ["function.start", "function.last", "function.value"];
        columns.iter().zip(row).map(|(name, v)| (self.cells(name)[query], fp(v))).collect()
    }

    /// What an honest prover claims in a query.
    pub(crate) fn claims_honestly(&self, query: usize) -> Forgery {
        let columns = ["function.start", "function.last", "function.value"];
        columns.iter().map(|name| self.cells(name)[query]).map(|cell| (cell, self.value(cell))).collect()
    }
}

pub(crate) fn fp(v: i64) -> Fp {
    if v < 0 { -Fp::from(v.unsigned_abs()) } else { Fp::from(v as u64) }
}
