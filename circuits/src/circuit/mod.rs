//! Circuits: the closed set of [`Relation`]s between tensor-valued wires, and what is disclosed of the result.
//!
//! A [`Graph`] lowers to a [`Circuit`] once; every proof system proves the circuit's relations. All wires carry proven
//! integer bounds from interval analysis with the actual weights, so a proof system can choose the narrowest range
//! checks and show that nothing wraps around its field.

pub mod description;
mod linear;
mod records;
#[cfg(feature = "r1cs")]
mod schema;
mod step;
mod table;

use alloc::{format, string::String, vec::Vec};

pub use self::{
    description::{CircuitDescription, Disclosure},
    linear::{Linear, LinearMap},
    records::{RecordFeature, Records},
    step::{StepFunction, Threshold},
    table::FunctionTable,
};
use crate::{
    graph::{DType, Graph, TensorInfo},
    op::Operator as _,
};

/// Most elements of all tensors of a circuit, and most elements under all windows of one maximum: far more than any
/// proof system here can prove, and little enough that a hostile model can't exhaust the memory.
pub const MAX_ELEMENTS: usize = 1 << 22;

/// Index of a wire in [`Circuit::wires`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WireId(pub u32);

impl WireId {
    /// The index as `usize`.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Inclusive integer bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    /// Smallest value.
    pub lo: i64,
    /// Largest value.
    pub hi: i64,
}

impl Interval {
    /// `[lo, hi]`.
    pub fn new(lo: i64, hi: i64) -> Self {
        Self { lo, hi }
    }

    /// All values of an 8-bit type.
    pub fn of(dtype: DType) -> Self {
        Self::new(dtype.min().into(), dtype.max().into())
    }

    /// The smallest interval that holds both.
    pub fn union(self, other: Self) -> Self {
        Self::new(self.lo.min(other.lo), self.hi.max(other.hi))
    }

    /// `coefficient · self`.
    pub fn scale(self, coefficient: i64) -> Self {
        let (a, b) = (self.lo * coefficient, self.hi * coefficient);
        Self::new(a.min(b), a.max(b))
    }

    /// Whether every value of `self` is in `other`.
    pub fn is_within(self, other: Self) -> bool {
        self.lo >= other.lo && self.hi <= other.hi
    }
}

/// A tensor-valued variable: the proven bounds of each element, row-major.
#[derive(Clone, Debug)]
pub struct Wire {
    /// One interval for each element.
    pub bounds: Vec<Interval>,
}

/// `y[i] = function(i)(x[i])`: requantization, activation and clipping as one monotone step function.
#[derive(Clone, Debug)]
pub struct Requantize {
    /// One function, or one for each channel.
    pub functions: Vec<StepFunction>,
    /// Elements of one channel that lie side by side: element `i` is of channel `(i / inner) % functions.len()`.
    pub inner: usize,
}

impl Requantize {
    /// Index in `functions` of an element's function.
    pub fn function_of(&self, element: usize) -> usize {
        (element / self.inner) % self.functions.len()
    }
}

/// Which hash chain a commitment uses; the two have separate domain tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitmentUse {
    /// Slot 6: the model's input.
    Input,
    /// Slot 7 under [`Disclosure::Commit`]: the output.
    Output,
}

impl CommitmentUse {
    /// The public input that is this commitment.
    pub const fn slot(self) -> usize {
        match self {
            Self::Input => slot::INPUT_COMMITMENT,
            Self::Output => slot::OUTPUT,
        }
    }

    /// Domain tags of the commitment and of the chain in it.
    pub const fn tags(self) -> [&'static str; 2] {
        match self {
            Self::Input => ["avouch/input/v1", "avouch/input-chain/v1"],
            Self::Output => ["avouch/output/v1", "avouch/output-chain/v1"],
        }
    }
}

/// Places of statement v1's public inputs that circuits constrain; the context, the first, is in none of them.
pub mod slot {
    /// How many there are.
    pub const COUNT: usize = 8;
    /// A constant of the circuit.
    pub const CIRCUIT_ID: usize = 1;
    /// The data policy's id; without one, the empty policy's.
    pub const POLICY_ID: usize = 2;
    /// Registry root, window and nullifier: zero without a data policy.
    pub const OF_POLICY: [usize; 3] = [3, 4, 5];
    /// All four that a data policy sets.
    pub const ALL_OF_POLICY: [usize; 4] = [POLICY_ID, OF_POLICY[0], OF_POLICY[1], OF_POLICY[2]];
    /// The salted commitment to the input.
    pub const INPUT_COMMITMENT: usize = 6;
    /// What is disclosed of the output.
    pub const OUTPUT: usize = 7;
}

/// Elements of an 8-bit tensor that a commitment packs into one field element, a byte each.
pub const PACKED_BYTES: usize = 31;

/// A constraint between wires, or between wires and the public inputs. This set is closed: a proof system implements
/// exactly these.
#[derive(Clone, Debug)]
pub enum Relation {
    /// The input wire is fresh, and every element lies in the 8-bit type.
    Range(DType),
    /// The output wire is fresh: the features of records that satisfy the data policy, as far as it lets them through.
    Records(Records),
    /// Every output element is an integer combination of operand elements with constant weights.
    Linear(Linear),
    /// `y[i] = (a[i] − zeros[0]) · (b[i] − zeros[1])`.
    Product {
        /// Zero points of the two operands.
        zeros: [i64; 2],
    },
    /// Elementwise monotone step function.
    Requantize(Requantize),
    /// Elementwise function of an 8-bit value, by its table.
    Table(FunctionTable),
    /// `y[i]` is the maximum of the operand elements in `windows[i]` (never empty).
    Max {
        /// Operand indices of each output element.
        windows: Vec<Vec<u32>>,
    },
    /// `y[i]` is element `gather[i].1` of operand `gather[i].0`.
    Reindex {
        /// Operand and index of each output element.
        gather: Vec<(u32, u32)>,
    },
    /// A public input is the salted commitment to the operand.
    Commit {
        /// Which slot and tags.
        role: CommitmentUse,
        /// Type of the elements: they are packed as unsigned offsets from its minimum.
        dtype: DType,
    },
    /// Public input 7 is this function of the operand.
    Disclose {
        /// Any but [`Disclosure::Commit`], which is a `Commit`.
        disclosure: Disclosure,
        /// Type of the elements.
        dtype: DType,
    },
}

impl Relation {
    /// Name for reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Range(_) => "range",
            Self::Records(_) => "records",
            Self::Linear(_) => "linear",
            Self::Product { .. } => "product",
            Self::Requantize(_) => "requantize",
            Self::Table(_) => "table",
            Self::Max { .. } => "max",
            Self::Reindex { .. } => "reindex",
            Self::Commit { .. } => "commit",
            Self::Disclose { .. } => "disclose",
        }
    }
}

/// A relation applied to wires.
#[derive(Clone, Debug)]
pub struct Applied {
    /// For people: the name of the node it comes from.
    pub label: String,
    /// Index of that node in [`Graph::nodes`]; none for the input and the output.
    pub node: Option<usize>,
    /// What holds.
    pub relation: Relation,
    /// Operands.
    pub inputs: Vec<WireId>,
    /// The wire that it defines; none for relations on public inputs.
    pub output: Option<WireId>,
}

/// A lowered graph with its disclosure: everything that a proof system needs.
#[derive(Clone, Debug)]
pub struct Circuit {
    /// All wires; each is defined by one relation, before its use.
    pub wires: Vec<Wire>,
    /// Relations in order of evaluation.
    pub relations: Vec<Applied>,
    /// What `circuit_id` is computed from.
    pub description: CircuitDescription,
    /// The model's input tensor.
    pub input: TensorInfo,
    /// The model's output tensor.
    pub output: TensorInfo,
}

impl Circuit {
    /// Lowers a checked graph. Fails if a step has no exact form, or the disclosure does not fit the output.
    pub fn new(graph: &Graph, disclosure: Disclosure) -> Result<Self, LowerError> {
        let info = graph.input_info();
        let dtype = info.quant.dtype;
        let description = describe(graph, disclosure)?;
        Self::lower(graph, description, |l| {
            Ok(l.emit(Relation::Range(dtype), &[], alloc::vec![Interval::of(dtype); info.elements()]))
        })
    }

    /// Lowers a checked graph whose input wire `input` makes.
    fn lower(
        graph: &Graph,
        description: CircuitDescription,
        input: impl FnOnce(&mut Lowering) -> Result<WireId, LowerError>,
    ) -> Result<Self, LowerError> {
        let (info, output) = (graph.input_info(), graph.output_info());
        let disclosure = description.disclosure;
        let mut l = Lowering { wires: Vec::new(), relations: Vec::new(), label: "input".into(), node: None };
        let x = input(&mut l)?;
        let mut wire_of = alloc::vec![None; graph.tensors.len()];
        wire_of[graph.input.index()] = Some(x);
        l.assert(Relation::Commit { role: CommitmentUse::Input, dtype: info.quant.dtype }, x);
        for (index, node) in graph.nodes.iter().enumerate() {
            let inputs: Option<Vec<WireId>> = node.inputs.iter().map(|id| wire_of[id.index()]).collect();
            let Some(inputs) = inputs else {
                return Err(LowerError { node: node.name.clone(), message: "an operand is not defined".into() });
            };
            l.label = node.name.clone();
            l.node = Some(index);
            let y = node
                .op
                .lower(&graph.operands(node), &inputs, graph.tensor(node.output), &mut l)
                .map_err(|e| LowerError { node: node.name.clone(), ..e })?;
            wire_of[node.output.index()] = Some(y);
        }
        let y = wire_of[graph.output.index()]
            .ok_or_else(|| LowerError { node: "output".into(), message: "the output is not defined".into() })?;
        let dtype = output.quant.dtype;
        // What is packed, compared or shown must lie in its type; the bounds prove it.
        if !l.wires[y.index()].bounds.iter().all(|b| b.is_within(Interval::of(dtype))) {
            return Err(LowerError { node: "output".into(), message: "the output can leave its type".into() });
        }
        l.label = "output".into();
        l.node = None;
        l.assert(
            match disclosure {
                Disclosure::Commit => Relation::Commit { role: CommitmentUse::Output, dtype },
                _ => Relation::Disclose { disclosure, dtype },
            },
            y,
        );
        Ok(Self { wires: l.wires, relations: l.relations, description, input: info.clone(), output: output.clone() })
    }

    /// The bounds of a wire.
    pub fn bounds(&self, id: WireId) -> &[Interval] {
        &self.wires[id.index()].bounds
    }
}

/// Describes a graph's circuit without a data policy, if it is not too large.
fn describe(graph: &Graph, disclosure: Disclosure) -> Result<CircuitDescription, LowerError> {
    if graph.tensors.iter().map(TensorInfo::elements).sum::<usize>() > MAX_ELEMENTS {
        let message = format!("the tensors have more than {MAX_ELEMENTS} elements: too many to prove");
        return Err(LowerError { node: "model".into(), message });
    }
    CircuitDescription::new(graph, disclosure)
        .map_err(|e| LowerError { node: "output".into(), message: format!("{e}") })
}

/// Collects the relations of a graph while it is lowered.
pub struct Lowering {
    wires: Vec<Wire>,
    relations: Vec<Applied>,
    label: String,
    node: Option<usize>,
}

impl Lowering {
    /// The bounds of a wire.
    pub fn bounds(&self, id: WireId) -> &[Interval] {
        &self.wires[id.index()].bounds
    }

    fn emit(&mut self, relation: Relation, inputs: &[WireId], bounds: Vec<Interval>) -> WireId {
        let id = WireId(self.wires.len() as u32);
        self.wires.push(Wire { bounds });
        self.push(relation, inputs, Some(id));
        id
    }

    fn assert(&mut self, relation: Relation, input: WireId) {
        self.push(relation, &[input], None);
    }

    fn push(&mut self, relation: Relation, inputs: &[WireId], output: Option<WireId>) {
        let applied = Applied { label: self.label.clone(), node: self.node, relation, inputs: inputs.to_vec(), output };
        self.relations.push(applied);
    }

    /// A linear map; its bounds come from the operands' bounds and the weights.
    pub fn linear(&mut self, map: LinearMap, inputs: &[WireId]) -> Result<WireId, LowerError> {
        let linear = Linear::new(map);
        let operands: Vec<&[Interval]> = inputs.iter().map(|&w| self.bounds(w)).collect();
        let bounds = linear.bounds(&operands);
        let int32 = Interval::new(i32::MIN.into(), i32::MAX.into());
        if let Some(i) = bounds.iter().position(|b| !b.is_within(int32)) {
            return Err(LowerError::new(format!("accumulator {i} can leave int32")));
        }
        Ok(self.emit(Relation::Linear(linear), inputs, bounds))
    }

    /// The elementwise product of two operands of equal length, each less its zero point.
    pub fn product(&mut self, inputs: [WireId; 2], zeros: [i64; 2]) -> Result<WireId, LowerError> {
        let [a, b] = inputs.map(|w| self.bounds(w));
        if a.len() != b.len() {
            return Err(LowerError::new("the operands differ in length"));
        }
        let centered = |x: &Interval, zero| Interval::new(x.lo - zero, x.hi - zero);
        let bound = |(a, b)| {
            let (a, b) = (centered(a, zeros[0]), centered(b, zeros[1]));
            a.scale(b.lo).union(a.scale(b.hi))
        };
        let bounds = a.iter().zip(b).map(bound).collect();
        Ok(self.emit(Relation::Product { zeros }, &inputs, bounds))
    }

    /// Elementwise step functions: `functions` are built for the union of the bounds of the elements they apply to, by
    /// `build(index of the function, that union)`.
    pub fn requantize(
        &mut self,
        x: WireId,
        count: usize,
        inner: usize,
        build: impl Fn(usize, Interval) -> Result<StepFunction, LowerError>,
    ) -> Result<WireId, LowerError> {
        let mut domains: Vec<Option<Interval>> = alloc::vec![None; count];
        for (i, &b) in self.bounds(x).iter().enumerate() {
            let d = &mut domains[(i / inner) % count];
            *d = Some(d.map_or(b, |d| d.union(b)));
        }
        let functions = domains
            .into_iter()
            .enumerate()
            .map(|(i, d)| d.map_or_else(|| Err(LowerError::new("a channel without elements")), |d| build(i, d)))
            .collect::<Result<Vec<_>, _>>()?;
        let relation = Requantize { functions, inner };
        let bounds = self
            .bounds(x)
            .iter()
            .enumerate()
            .map(|(i, b)| {
                let f = &relation.functions[relation.function_of(i)];
                Interval::new(f.eval(b.lo).into(), f.eval(b.hi).into())
            })
            .collect();
        Ok(self.emit(Relation::Requantize(relation), &[x], bounds))
    }

    /// Elementwise function of 8-bit values, for the union of their bounds; `slope` is a hint, as that of a
    /// [`StepFunction`].
    pub fn table(&mut self, x: WireId, slope: f64, f: impl Fn(i64) -> i32) -> Result<WireId, LowerError> {
        let domain = self.bounds(x).iter().copied().reduce(Interval::union);
        let domain = domain.filter(|d| d.hi - d.lo < 256).ok_or_else(|| LowerError::new("the operand is not 8-bit"))?;
        let table = FunctionTable::new(domain, slope, f);
        let bounds = table.images(self.bounds(x));
        Ok(self.emit(Relation::Table(table), &[x], bounds))
    }

    /// Maximum over windows of one operand.
    pub fn max(&mut self, x: WireId, windows: Vec<Vec<u32>>) -> Result<WireId, LowerError> {
        let bounds = windows
            .iter()
            .map(|w| {
                let b = w.iter().map(|&i| self.bounds(x)[i as usize]);
                b.reduce(|a, b| Interval::new(a.lo.max(b.lo), a.hi.max(b.hi)))
                    .ok_or_else(|| LowerError::new("a window covers padding only"))
            })
            .collect::<Result<Vec<_>, _>>()?;
        Ok(self.emit(Relation::Max { windows }, &[x], bounds))
    }

    /// Elements moved without change.
    pub fn reindex(&mut self, inputs: &[WireId], gather: Vec<(u32, u32)>) -> WireId {
        let bounds = gather.iter().map(|&(k, i)| self.bounds(inputs[k as usize])[i as usize]).collect();
        self.emit(Relation::Reindex { gather }, inputs, bounds)
    }
}

/// A graph that cannot be proven exactly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{node}: {message}")]
pub struct LowerError {
    /// The node.
    pub node: String,
    /// What is wrong.
    pub message: String,
}

impl LowerError {
    /// An error; [`Circuit::new`] adds the node.
    pub fn new(message: impl Into<String>) -> Self {
        Self { node: String::new(), message: message.into() }
    }
}
