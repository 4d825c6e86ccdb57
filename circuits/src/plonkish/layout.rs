//! Numbers of columns and rows: a closed list, and the search for the cheapest.

use alloc::{format, vec::Vec};

use super::{
    config::{self, Shapes},
    sink::Counter,
    synthesize::{Footprint, SynthesisError, footprint},
};
use crate::circuit::{Circuit, LowerError};

/// Numbers of columns of the wide part. Advice columns are numbered: terms, sums, then the narrow part; fixed ones:
/// weights by lane, then as listed here. The first three terms are also the state of a hash, the three columns after
/// them the squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shape {
    /// Sums side by side.
    pub lanes: u32,
    /// Terms that a row adds to each.
    pub terms: u32,
}

/// Columns of the narrow part.
const NARROW: u32 = 4;
/// Fixed columns besides the weights: constants and selectors.
const SELECTORS: u32 = 11;
/// Columns of the tables: of functions, and the range.
const TABLES: u32 = 5;

macro_rules! advice_columns {
    ($($name:ident = $index:literal;)*) => { $(
        pub(super) fn $name(self) -> u32 { self.terms + self.lanes + $index }
    )* };
}

macro_rules! fixed_columns {
    ($($name:ident = $index:literal;)*) => { $(
        pub(super) fn $name(self) -> u32 { self.terms * self.lanes + $index }
    )* };
}

impl Shape {
    pub(super) fn term(self, column: u32) -> u32 {
        column
    }

    pub(super) fn sum(self, lane: u32) -> u32 {
        self.terms + lane
    }

    pub(super) fn square(self, i: u32) -> u32 {
        3 + i
    }

    advice_columns! {
        argument = 0;
        start = 1;
        last = 2;
        value = 3;
    }

    pub(super) fn weight(self, lane: u32, term: u32) -> u32 {
        lane * self.terms + term
    }

    /// One of six constants in rows that have no weights.
    pub(super) fn wide_constant(self, i: u32) -> u32 {
        i
    }

    fixed_columns! {
        constant = 0;
        carry = 1;
        linear = 2;
        product = 3;
        absorb = 4;
        full = 5;
        partial = 6;
        offset = 7;
        function = 8;
        query = 9;
        max = 10;
    }

    /// Number of advice columns.
    pub fn advice(self) -> u32 {
        self.terms + self.lanes + NARROW
    }

    /// Number of fixed columns, without those of the tables.
    pub fn fixed(self) -> u32 {
        self.terms * self.lanes + SELECTORS
    }

    /// Number of columns that copies join: the wide part, arguments, values, and the public inputs.
    pub fn permuted(self) -> u32 {
        self.terms + self.lanes + 3
    }
}

/// Everything about a circuit's table that does not follow from the circuit: a member of [`Layout::ALL`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layout {
    k: u8,
    shapes: Shapes,
}

/// Rows that blinding takes: a row for each of the blinding factors, and the last one.
pub(super) const BLINDED: u32 = 6;
/// The range table, of half the rows, has to hold differences of 8-bit values.
const MIN_K: u8 = 9;
const MAX_K: u8 = 17;
const SHAPES: usize = Shapes::ALL.len();

impl Layout {
    /// The closed list.
    pub const ALL: [Self; SHAPES * (MAX_K - MIN_K + 1) as usize] = {
        let mut all = [Self { k: MIN_K, shapes: Shapes::ALL[0] }; SHAPES * (MAX_K - MIN_K + 1) as usize];
        let mut i = 0;
        while i < all.len() {
            all[i] = Self { k: MIN_K + (i / SHAPES) as u8, shapes: Shapes::ALL[i % SHAPES] };
            i += 1;
        }
        all
    };

    /// k, lanes, terms.
    pub fn encode(&self) -> [u8; 3] {
        let Shape { lanes, terms } = self.shape();
        [self.k, lanes as u8, terms as u8]
    }

    /// The member of the list with this encoding.
    pub fn decode(bytes: [u8; 3]) -> Option<Self> {
        Self::ALL.into_iter().find(|l| l.encode() == bytes)
    }

    /// The table has `2^k` rows.
    pub fn k(&self) -> u32 {
        self.k.into()
    }

    /// Rows that can be assigned: all but those of blinding.
    pub fn rows(&self) -> u32 {
        (1 << self.k) - BLINDED
    }

    /// Bits of the range table: as many as the rows can hold.
    pub fn range_bits(&self) -> u32 {
        self.k() - 1
    }

    /// Numbers of columns.
    pub fn shape(&self) -> Shape {
        self.shapes.shape()
    }

    pub(super) fn shapes(&self) -> Shapes {
        self.shapes
    }

    /// The cheapest layout that holds a circuit, and the cheapest of each shape. The same on every machine.
    ///
    /// # Errors
    /// A circuit that is too large for all of them.
    pub fn choose(circuit: &Circuit) -> Result<(Self, Plan), LowerError> {
        let mut candidates = Vec::new();
        let mut fewest = u64::MAX;
        for shapes in Shapes::ALL {
            let shape = shapes.shape();
            let footprint =
                footprint(circuit, shape, &mut Counter, None).map_err(|e| LowerError::new(format!("{e}")))?;
            let fits = |layout: &Self| footprint.check(*layout).is_ok();
            let mut of_shape = Self::ALL.into_iter().filter(|l| l.shapes == shapes);
            match of_shape.find(fits) {
                Some(layout) => {
                    candidates.push(Candidate { layout, price: layout.price(), cost: layout.cost_of(&footprint) })
                }
                None => fewest = fewest.min(footprint.rows(MAX_K.into())),
            }
        }
        let best = candidates.iter().min_by_key(|c| (c.price, c.layout)).map(|c| c.layout).ok_or_else(|| {
            let limit = (1u32 << MAX_K) - BLINDED;
            LowerError {
                node: "model".into(),
                message: format!("the circuit needs {fewest} rows; the largest layout has {limit}"),
            }
        })?;
        Ok((best, Plan { candidates }))
    }

    /// What the circuit takes in this layout.
    ///
    /// # Errors
    /// A circuit that does not fit.
    pub fn cost(&self, circuit: &Circuit) -> Result<Cost, SynthesisError> {
        let footprint = footprint(circuit, self.shape(), &mut Counter, None)?;
        footprint.check(*self)?;
        Ok(self.cost_of(&footprint))
    }

    fn cost_of(self, footprint: &Footprint) -> Cost {
        let shape = self.shape();
        Cost {
            layout: self,
            wide_rows: footprint.wide,
            narrow_rows: footprint.narrow,
            table_rows: footprint.table_rows(self.range_bits()),
            relations: footprint.relations.clone(),
            advice: shape.advice(),
            fixed: shape.fixed() + TABLES,
            permuted: shape.permuted(),
            lookups: config::LOOKUPS.len() as u32,
            degree: config::DEGREE,
        }
    }

    /// Relative proving time, with a little for keys and memory, which grow with the fixed columns. Fitted to one machine and
    /// rounded; only the order of layouts matters.
    fn price(self) -> u64 {
        let shape = self.shape();
        u64::from(200 + 8 * (shape.lanes + shape.terms) + shape.fixed()) << self.k
    }
}

/// How the layout was chosen.
#[derive(Clone, Debug)]
pub struct Plan {
    /// For each shape that can hold the circuit, its smallest layout.
    pub candidates: Vec<Candidate>,
}

/// A layout that can hold the circuit.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// The layout.
    pub layout: Layout,
    /// What the search compares: relative proving time.
    pub price: u64,
    /// What the circuit takes in it.
    pub cost: Cost,
}

/// Rows of one relation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RelationRows {
    /// Of the wide part.
    pub wide: u32,
    /// Of the narrow part.
    pub narrow: u32,
}

/// What a circuit takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cost {
    /// The layout.
    pub layout: Layout,
    /// Rows used of the wide part.
    pub wide_rows: u32,
    /// Rows used of the narrow part.
    pub narrow_rows: u32,
    /// Rows of the table of functions.
    pub table_rows: u64,
    /// One entry for each relation, and one for the statement's constants.
    pub relations: Vec<RelationRows>,
    /// Advice columns.
    pub advice: u32,
    /// Fixed columns, selectors and tables among them.
    pub fixed: u32,
    /// Columns that copies join.
    pub permuted: u32,
    /// Lookup arguments.
    pub lookups: u32,
    /// Largest degree of a constraint.
    pub degree: u32,
}
