//! The primitives that chips are made of.

use alloc::vec::Vec;

use ff::PrimeField as _;

use super::{
    Fp,
    function::Functions,
    layout::Shape,
    sink::{Cell, Place, Sink},
};

/// An assigned cell and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Num {
    pub(super) cell: Cell,
    pub(super) value: Fp,
}

/// An element of a tensor: the integer is that of the cell and `floor`. Cells then hold small numbers that are not
/// negative, which are much cheaper to commit to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Int {
    pub(super) num: Num,
    pub(super) floor: i64,
}

/// Assigns cells.
pub(super) struct Builder<'s, S> {
    pub(super) sink: &'s mut S,
    pub(super) shape: Shape,
    /// Bits of the range table.
    pub(super) range_bits: u32,
    /// Whether values are computed; else all are zero.
    pub(super) values: bool,
    /// The functions looked up so far.
    pub(super) functions: Functions,
    relation: usize,
    /// Rows used of the wide and of the narrow part.
    pub(super) wide: u32,
    pub(super) narrow: u32,
    zero: Option<Num>,
}

impl<'s, S: Sink> Builder<'s, S> {
    pub(super) fn new(sink: &'s mut S, shape: Shape, range_bits: u32, values: bool) -> Self {
        let functions = Functions::default();
        // A gate in row 0 would read the last row, which blinds.
        Self { sink, shape, range_bits, values, functions, relation: 0, wide: 1, narrow: 1, zero: None }
    }

    pub(super) fn enter_relation(&mut self, index: usize) {
        self.relation = index;
    }

    /// The next rows of the wide part.
    pub(super) fn wide_rows(&mut self, n: u32) -> u32 {
        let row = self.wide;
        self.wide = row.saturating_add(n);
        row
    }

    /// The next row of the narrow part.
    pub(super) fn narrow_row(&mut self) -> u32 {
        let row = self.narrow;
        self.narrow = row.saturating_add(1);
        row
    }

    pub(super) fn advice(&mut self, name: &'static str, column: u32, row: u32, value: Fp) -> Num {
        let cell = Cell { column, row };
        let value = self.sink.advice(Place { name, relation: self.relation }, cell, value);
        Num { cell, value }
    }

    pub(super) fn copy(&mut self, name: &'static str, column: u32, row: u32, from: Num) -> Num {
        let to = self.advice(name, column, row, from.value);
        self.sink.copy(from.cell, to.cell);
        to
    }

    pub(super) fn fixed(&mut self, column: u32, row: u32, value: Fp) {
        self.sink.fixed(column, row, value);
    }

    /// Switches a gate on.
    pub(super) fn enable(&mut self, selector: u32, row: u32) {
        self.fixed(selector, row, Fp::one());
    }

    /// `constant + Σ weight(lane, term) · term` in each lane. There are at most as many lanes as the shape has.
    pub(super) fn sums(
        &mut self,
        name: [&'static str; 2],
        lanes: u32,
        terms: &[Num],
        weight: impl Fn(usize, usize) -> Fp,
        constant: Fp,
    ) -> Vec<Num> {
        let shape = self.shape;
        let chunks: Vec<&[Num]> =
            if terms.is_empty() { alloc::vec![terms] } else { terms.chunks(shape.terms as usize).collect() };
        let first = self.wide_rows(chunks.len() as u32);
        let mut sums = Vec::new();
        let mut carried = alloc::vec![constant; lanes as usize];
        self.fixed(shape.constant(), first, constant);
        for (i, chunk) in chunks.into_iter().enumerate() {
            let row = first + i as u32;
            self.enable(shape.linear(), row);
            if i > 0 {
                self.enable(shape.carry(), row);
            }
            let copies: Vec<Num> =
                chunk.iter().zip(0..).map(|(&x, column)| self.copy(name[0], shape.term(column), row, x)).collect();
            sums.clear();
            for (lane, carried) in (0..lanes).zip(&mut carried) {
                for (column, x) in (0..).zip(&copies) {
                    let w = weight(lane as usize, i * shape.terms as usize + column as usize);
                    self.fixed(shape.weight(lane, column), row, w);
                    if self.values {
                        *carried += w * x.value;
                    }
                }
                let sum = self.advice(name[1], shape.sum(lane), row, *carried);
                *carried = sum.value;
                sums.push(sum);
            }
            // The gate holds in every lane of the row.
            for lane in lanes..shape.lanes {
                self.advice(name[1], shape.sum(lane), row, constant);
            }
        }
        sums
    }

    /// One sum.
    pub(super) fn sum(&mut self, name: [&'static str; 2], terms: &[(Num, Fp)], constant: Fp) -> Num {
        let nums: Vec<Num> = terms.iter().map(|t| t.0).collect();
        self.sums(name, 1, &nums, |_, i| terms[i].1, constant)[0]
    }

    /// A cell with this value.
    pub(super) fn constant(&mut self, name: &'static str, value: Fp) -> Num {
        self.sum([name; 2], &[], value)
    }

    /// The same cell each time.
    pub(super) fn zero(&mut self) -> Num {
        if let Some(zero) = self.zero {
            return zero;
        }
        let zero = self.constant("zero", Fp::zero());
        self.zero = Some(zero);
        zero
    }

    /// The same integer as a cell above this floor.
    pub(super) fn rebase(&mut self, x: Int, floor: i64) -> Int {
        if x.floor == floor {
            return x;
        }
        Int { num: self.sum(["rebase.term", "rebase.sum"], &[(x.num, Fp::one())], fr(x.floor - floor)), floor }
    }
}

/// An integer.
pub(super) fn fr(v: i64) -> Fp {
    let magnitude = Fp::from(v.unsigned_abs());
    if v < 0 { -magnitude } else { magnitude }
}

/// The integer of a small absolute value, if it is one.
pub(super) fn small(value: &Fp) -> Option<i64> {
    let positive = |v: Fp| {
        let bytes = v.to_repr();
        let (low, high) = bytes.split_at(8);
        let low = low.try_into().map(u64::from_le_bytes).ok()?;
        high.iter().all(|&b| b == 0).then(|| i64::try_from(low).ok()).flatten()
    };
    positive(*value).or_else(|| positive(-*value).map(|v| -v))
}

/// `2^n`, exactly, for `n < 254`.
pub(super) fn power(n: usize) -> Fp {
    let mut bytes = [0; 32];
    bytes[n / 8] = 1 << (n % 8);
    Fp::from_repr(bytes).unwrap_or(Fp::zero())
}

/// A big-endian integer of at most 31 bytes.
pub(super) fn integer(bytes: &[u8]) -> Fp {
    let mut repr = [0; 32];
    for (to, &from) in repr.iter_mut().zip(bytes.iter().rev()) {
        *to = from;
    }
    Fp::from_repr(repr).unwrap_or(Fp::zero())
}
