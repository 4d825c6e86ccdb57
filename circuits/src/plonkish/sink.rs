//! Where assigned cells go.

use alloc::vec::Vec;

use super::{
    Fp,
    layout::{Layout, Shape},
};

/// An advice cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// Index of the advice column, as [`Shape`] numbers them.
    pub column: u32,
    /// Row.
    pub row: u32,
}

/// What a cell is assigned for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Chip and role.
    pub name: &'static str,
    /// Index in [`Circuit::relations`](crate::circuit::Circuit::relations); their number for the statement's constants.
    pub relation: usize,
}

/// Receives cells and copies.
pub trait Sink {
    /// Assigns an advice cell and gives the value that it has from now on.
    fn advice(&mut self, place: Place, cell: Cell, value: Fp) -> Fp;
    /// Assigns a fixed cell, in the column that [`Shape`] numbers so.
    fn fixed(&mut self, column: u32, row: u32, value: Fp);
    /// Makes two cells equal.
    fn copy(&mut self, from: Cell, to: Cell);
    /// Makes a cell equal to a public input.
    fn instance(&mut self, cell: Cell, slot: usize);
    /// Adds a row to the table of functions: function, start, length less one, value.
    fn table(&mut self, row: [u64; 4]);
}

/// The cells and copies of a circuit, as they are proven.
#[derive(Clone, Debug)]
pub struct Trace {
    pub(super) layout: Layout,
    pub(super) advice: Vec<Vec<Fp>>,
    pub(super) fixed: Vec<Vec<Fp>>,
    pub(super) copies: Vec<[Cell; 2]>,
    pub(super) instance: Vec<(Cell, usize)>,
    pub(super) table: Vec<[u64; 4]>,
}

impl Trace {
    /// All cells zero.
    pub fn new(layout: Layout) -> Self {
        let (shape, rows) = (layout.shape(), layout.rows());
        let columns = |n: u32| alloc::vec![alloc::vec![Fp::zero(); rows as usize]; n as usize];
        Self {
            layout,
            advice: columns(shape.advice()),
            fixed: columns(shape.fixed()),
            copies: Vec::new(),
            instance: Vec::new(),
            table: Vec::new(),
        }
    }

    /// Its numbers of columns.
    pub fn shape(&self) -> Shape {
        self.layout.shape()
    }
}

/// Rows beyond the last are dropped: [`synthesize`](super::synthesize()) reports them.
fn set(columns: &mut [Vec<Fp>], column: u32, row: u32, value: Fp) {
    if let Some(cell) = columns.get_mut(column as usize).and_then(|c| c.get_mut(row as usize)) {
        *cell = value;
    }
}

impl Sink for Trace {
    fn advice(&mut self, _place: Place, cell: Cell, value: Fp) -> Fp {
        set(&mut self.advice, cell.column, cell.row, value);
        value
    }

    fn fixed(&mut self, column: u32, row: u32, value: Fp) {
        set(&mut self.fixed, column, row, value);
    }

    fn copy(&mut self, from: Cell, to: Cell) {
        self.copies.push([from, to]);
    }

    fn instance(&mut self, cell: Cell, slot: usize) {
        self.instance.push((cell, slot));
    }

    fn table(&mut self, row: [u64; 4]) {
        self.table.push(row);
    }
}

/// Counts only.
pub(super) struct Counter;

impl Sink for Counter {
    fn advice(&mut self, _place: Place, _cell: Cell, value: Fp) -> Fp {
        value
    }

    fn fixed(&mut self, _column: u32, _row: u32, _value: Fp) {}

    fn copy(&mut self, _from: Cell, _to: Cell) {}

    fn instance(&mut self, _cell: Cell, _slot: usize) {}

    fn table(&mut self, _row: [u64; 4]) {}
}
