//! Columns, gates and lookups, and the circuit that `halo2_proofs` is given.

use alloc::vec::Vec;

use ff::Field as _;
use halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    plonk::{
        Advice, Circuit, Column, Constraint, ConstraintSystem, Error, Expression, Fixed, Instance, TableColumn,
        VirtualCells,
    },
    poly::Rotation,
};

use super::{Fp, layout::Shape, poseidon::parameters, sink::Trace};

/// Names of the gates, in order.
pub const GATES: [&str; 6] = ["linear", "product", "poseidon absorb", "poseidon full", "poseidon partial", "max"];

/// Names of the lookups, in order.
pub const LOOKUPS: [&str; 3] = ["function", "not below", "not above"];

/// Largest degree of a constraint: that of the lookups.
pub(super) const DEGREE: u32 = 5;

/// What is done with a circuit of any shape.
pub trait Job {
    /// What comes of it.
    type Output;
    /// Does it.
    fn run<C: Circuit<Fp>>(self, circuit: &C) -> Self::Output;
}

/// The list of shapes: lanes and terms. Each is a type, because columns have to be known without a circuit.
macro_rules! shapes {
    ($($name:ident = [$lanes:literal, $terms:literal],)*) => {
        /// A member of the closed list of shapes, by its lanes and terms.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(super) enum Shapes { $($name),* }

        impl Shapes {
            pub(super) const ALL: [Self; [$($lanes),*].len()] = [$(Self::$name),*];

            pub(super) const fn shape(self) -> Shape {
                match self { $(Self::$name => Shape { lanes: $lanes, terms: $terms }),* }
            }
        }

        impl Trace {
            /// Does a job with the circuit of these cells.
            pub fn run<J: Job>(&self, job: J) -> J::Output {
                match self.layout.shapes() { $(Shapes::$name => job.run(&Table::<$lanes, $terms>(self))),* }
            }
        }
    };
}

shapes! {
    L4T4 = [4, 4],
    L6T5 = [6, 5],
    L8T4 = [8, 4],
    L8T8 = [8, 8],
    L12T10 = [12, 10],
}

/// A trace as a circuit.
#[derive(Clone, Copy)]
struct Table<'t, const LANES: u32, const TERMS: u32>(&'t Trace);

#[derive(Clone)]
struct Config {
    advice: Vec<Column<Advice>>,
    fixed: Vec<Column<Fixed>>,
    table: [TableColumn; 4],
    range: TableColumn,
    instance: Column<Instance>,
}

impl Config {
    fn new(meta: &mut ConstraintSystem<Fp>, shape: Shape) -> Self {
        let columns = Self {
            advice: (0..shape.advice()).map(|_| meta.advice_column()).collect(),
            fixed: (0..shape.fixed()).map(|_| meta.fixed_column()).collect(),
            table: [(); 4].map(|()| meta.lookup_table_column()),
            range: meta.lookup_table_column(),
            instance: meta.instance_column(),
        };
        for column in (0..shape.terms + shape.lanes).chain([shape.argument(), shape.value()]) {
            meta.enable_equality(columns.advice[column as usize]);
        }
        meta.enable_equality(columns.instance);
        columns.gates(meta, shape);
        columns.lookups(meta, shape);
        columns
    }

    fn gates(&self, meta: &mut ConstraintSystem<Fp>, shape: Shape) {
        let [linear, product, absorb, full, partial, max] = GATES;
        gate(meta, linear, self, shape.linear(), |cells| {
            let sum = |cells: &mut Cells<'_, '_>, lane| {
                let mut rest = cells.at(shape.sum(lane)) - cells.fixed(shape.carry()) * cells.before(shape.sum(lane));
                rest = rest - cells.fixed(shape.constant());
                let terms = (0..shape.terms).map(|i| cells.fixed(shape.weight(lane, i)) * cells.at(shape.term(i)));
                ("sum", terms.fold(rest, |rest, term| rest - term))
            };
            (0..shape.lanes).map(|lane| sum(cells, lane)).collect()
        });
        gate(meta, product, self, shape.product(), |cells| {
            let [x, y, floor] = [0, 1, 2].map(|i| cells.fixed(shape.wide_constant(i)));
            let factors = (cells.at(shape.term(0)) + x) * (cells.at(shape.term(1)) + y);
            alloc::vec![("value", factors - floor - cells.at(shape.sum(0)))]
        });
        gate(meta, absorb, self, shape.absorb(), |cells| {
            let added = [cells.at(shape.square(0)), cells.at(shape.square(1)), cells.fixed(shape.constant())];
            let next = (0..).zip(added).map(|(i, added)| {
                let carried = cells.fixed(shape.carry()) * cells.at(shape.term(i));
                ("state", carried + added - cells.after(shape.term(i)))
            });
            next.collect()
        });
        let p = parameters();
        let mix = |m: &[[Fp; 3]; 3], state: &[Expression<Fp>; 3]| {
            m.map(|row| {
                let [a, b, c] = [0, 1, 2].map(|i| state[i].clone() * row[i]);
                a + b + c
            })
        };
        gate(meta, full, self, shape.full(), |cells| {
            let boxed = mix(&p.mds_inverse, &[0, 1, 2].map(|i| cells.after(shape.term(i))));
            let rounds = (0..).zip(boxed).flat_map(|(i, boxed)| {
                let x = cells.at(shape.term(i)) + cells.fixed(shape.wide_constant(i));
                let square = cells.at(shape.square(i));
                [("square", x.clone() * x.clone() - square.clone()), ("state", square.clone() * square * x - boxed)]
            });
            rounds.collect()
        });
        gate(meta, partial, self, shape.partial(), |cells| {
            let [a, b, c] = [0, 1, 2].map(|i| cells.at(shape.term(i)) + cells.fixed(shape.wide_constant(i)));
            let [square, fifth, second] = [0, 1, 2].map(|i| cells.at(shape.square(i)));
            let mut between = mix(&p.mds, &[fifth.clone(), b, c]);
            for (i, x) in (3..).zip(&mut between) {
                *x = x.clone() + cells.fixed(shape.wide_constant(i));
            }
            let [x, y, z] = between;
            let [x5, y1, z1] = mix(&p.mds_inverse, &[0, 1, 2].map(|i| cells.after(shape.term(i))));
            alloc::vec![
                ("square", a.clone() * a.clone() - square.clone()),
                ("fifth", square.clone() * square * a - fifth),
                ("second square", x.clone() * x.clone() - second.clone()),
                ("state", second.clone() * second * x - x5),
                ("state", y - y1),
                ("state", z - z1),
            ]
        });
        gate(meta, max, self, shape.max(), |cells| {
            let (m, so_far, next) = (cells.at(shape.argument()), cells.at(shape.start()), cells.at(shape.value()));
            alloc::vec![
                ("so far", cells.before(shape.argument()) - so_far.clone()),
                ("one of both", (m.clone() - so_far.clone()) * (m.clone() - next.clone())),
                ("excess", cells.at(shape.last()) + so_far + next - m.clone() - m),
            ]
        });
    }

    fn lookups(&self, meta: &mut ConstraintSystem<Fp>, shape: Shape) {
        let [function, start, last, value] = self.table;
        meta.lookup(|meta| {
            let mut cells = Cells { meta, config: self };
            let query = cells.fixed(shape.query());
            let id = cells.fixed(shape.function());
            let mut queried = |column| query.clone() * cells.at(column);
            alloc::vec![
                (id, function),
                (queried(shape.start()), start),
                (queried(shape.last()), last),
                (queried(shape.value()), value),
            ]
        });
        let distance = |cells: &mut Cells<'_, '_>| {
            cells.at(shape.argument()) + cells.fixed(shape.offset()) - cells.at(shape.start())
        };
        meta.lookup(|meta| alloc::vec![(distance(&mut Cells { meta, config: self }), self.range)]);
        meta.lookup(|meta| {
            let mut cells = Cells { meta, config: self };
            alloc::vec![(cells.at(shape.last()) - distance(&mut cells), self.range)]
        });
    }
}

/// Reads columns by their numbers.
struct Cells<'a, 'm> {
    meta: &'a mut VirtualCells<'m, Fp>,
    config: &'a Config,
}

impl Cells<'_, '_> {
    fn fixed(&mut self, column: u32) -> Expression<Fp> {
        self.meta.query_fixed(self.config.fixed[column as usize])
    }

    fn at(&mut self, column: u32) -> Expression<Fp> {
        self.meta.query_advice(self.config.advice[column as usize], Rotation::cur())
    }

    fn before(&mut self, column: u32) -> Expression<Fp> {
        self.meta.query_advice(self.config.advice[column as usize], Rotation::prev())
    }

    fn after(&mut self, column: u32) -> Expression<Fp> {
        self.meta.query_advice(self.config.advice[column as usize], Rotation::next())
    }
}

/// A gate that a fixed column switches on. Fixed columns take the place of `halo2_proofs`' selectors, so that there is no
/// search for combinations of them.
fn gate(
    meta: &mut ConstraintSystem<Fp>,
    name: &'static str,
    config: &Config,
    selector: u32,
    constraints: impl FnOnce(&mut Cells<'_, '_>) -> Vec<(&'static str, Expression<Fp>)>,
) {
    meta.create_gate(name, |meta| {
        let mut cells = Cells { meta, config };
        let selector = cells.fixed(selector);
        let constraints = constraints(&mut cells);
        constraints.into_iter().map(move |(name, e)| Constraint::from((name, selector.clone() * e))).collect::<Vec<_>>()
    });
}

impl<const LANES: u32, const TERMS: u32> Circuit<Fp> for Table<'_, LANES, TERMS> {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;

    fn without_witnesses(&self) -> Self {
        *self
    }

    fn configure(meta: &mut ConstraintSystem<Fp>) -> Config {
        Config::new(meta, Shape { lanes: LANES, terms: TERMS })
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fp>) -> Result<(), Error> {
        let trace = self.0;
        let instance = layouter.assign_region(
            || "circuit",
            |mut region| {
                for (&column, values) in config.fixed.iter().zip(&trace.fixed) {
                    for (row, &value) in values.iter().enumerate().filter(|(_, v)| !bool::from(v.is_zero())) {
                        region.assign_fixed(|| "", column, row, || Value::known(value))?;
                    }
                }
                let mut cells = Vec::with_capacity(trace.advice.len());
                for (&column, values) in config.advice.iter().zip(&trace.advice) {
                    let assign = |(row, &value): (usize, &Fp)| {
                        region.assign_advice(|| "", column, row, || Value::known(value)).map(|cell| cell.cell())
                    };
                    cells.push(values.iter().enumerate().map(assign).collect::<Result<Vec<_>, _>>()?);
                }
                let cell = |c: super::Cell| {
                    cells
                        .get(c.column as usize)
                        .and_then(|column| column.get(c.row as usize))
                        .copied()
                        .ok_or(Error::Synthesis)
                };
                for &[from, to] in &trace.copies {
                    region.constrain_equal(cell(from)?, cell(to)?)?;
                }
                trace.instance.iter().map(|&(c, slot)| Ok((cell(c)?, slot))).collect::<Result<Vec<_>, Error>>()
            },
        )?;
        for (cell, slot) in instance {
            layouter.constrain_instance(cell, config.instance, slot)?;
        }
        layouter.assign_table(
            || "functions",
            |mut table| {
                for (row, entries) in trace.table.iter().enumerate() {
                    for (&column, &entry) in config.table.iter().zip(entries) {
                        table.assign_cell(|| "", column, row, || Value::known(Fp::from(entry)))?;
                    }
                }
                Ok(())
            },
        )?;
        layouter.assign_table(
            || "range",
            |mut table| {
                for value in 0..1usize << trace.layout.range_bits() {
                    table.assign_cell(|| "", config.range, value, || Value::known(Fp::from(value as u64)))?;
                }
                Ok(())
            },
        )
    }
}
