//! Functions that are constant by stretches: requantization, tables, ranges, thresholds.
//!
//! A function is a list of stretches `[start, start + last]` with one value each, of arguments that count from the lower
//! end of its domain. Each is a row `(function, start, last, value)` of one table; a longer stretch than the range table
//! is several rows. A query names its row, and shows `0 ≤ argument − start` and `0 ≤ last − (argument − start)` in the
//! range table.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{
    Fp,
    builder::{Builder, Int, Num, fr, small},
    sink::Sink,
};
use crate::{
    circuit::{FunctionTable, Interval, StepFunction},
    graph::DType,
};

/// A function, by its stretches.
#[derive(Clone, Debug)]
pub(super) struct Function {
    /// Smallest argument.
    first: i64,
    /// Subtracted from the values.
    pub(super) floor: i64,
    pub(super) stretches: Stretches,
}

/// Ascending and without gaps, from 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Stretches {
    /// Start and value of each.
    steps: Vec<(u64, u64)>,
    /// The first argument beyond the last stretch.
    end: u64,
}

impl Stretches {
    /// Rows, none longer than `2^bits`: start, length less one, value.
    fn rows(&self, bits: u32) -> impl Iterator<Item = [u64; 3]> {
        let ends = self.steps.iter().skip(1).map(|s| s.0).chain([self.end]);
        self.steps.iter().zip(ends).flat_map(move |(&(start, value), end)| {
            (start..end).step_by(1 << bits).map(move |at| [at, (end - at).min(1 << bits) - 1, value])
        })
    }

    /// The number of [`Self::rows`].
    fn count(&self, bits: u32) -> u64 {
        let ends = self.steps.iter().skip(1).map(|s| s.0).chain([self.end]);
        self.steps.iter().zip(ends).map(|(s, end)| (end - s.0).div_ceil(1 << bits)).sum()
    }

    /// The row of an argument; the first, if there is none.
    fn find(&self, x: u64, bits: u32) -> [u64; 3] {
        let i = self.steps.partition_point(|s| s.0 <= x).max(1) - 1;
        let end = self.steps.get(i + 1).map_or(self.end, |s| s.0);
        let (start, value) = self.steps[i];
        let x = if x < end { x } else { start };
        let at = start + ((x - start) >> bits << bits);
        [at, (end - at).min(1 << bits) - 1, value]
    }
}

impl Function {
    /// From its value at the lower end of the domain and at each argument where it may change.
    fn new(domain: Interval, floor: i64, values: impl Iterator<Item = (i64, i64)>) -> Self {
        let mut steps: Vec<(u64, u64)> = Vec::new();
        for (at, value) in values {
            let (at, value) = ((at - domain.lo) as u64, (value - floor) as u64);
            match steps.last_mut() {
                // Several values are passed at once.
                Some(last) if last.0 == at => last.1 = value,
                Some(last) if last.1 == value => {}
                _ => steps.push((at, value)),
            }
        }
        let end = (domain.hi - domain.lo) as u64 + 1;
        Self { first: domain.lo, floor, stretches: Stretches { steps, end } }
    }

    pub(super) fn of_step(f: &StepFunction, floor: i64) -> Self {
        let values = f.thresholds.iter().zip(1..).map(|(t, i)| (t.at, i64::from(f.first) + i));
        Self::new(f.domain, floor, [(f.domain.lo, f.first.into())].into_iter().chain(values))
    }

    pub(super) fn of_table(f: &FunctionTable, floor: i64) -> Self {
        Self::new(f.domain, floor, (f.domain.lo..).zip(f.values.iter().map(|&v| v.into())))
    }

    /// Whether the argument reaches a threshold.
    pub(super) fn reaches(domain: Interval, threshold: i64) -> Self {
        let at = |x| (x, i64::from(x >= threshold));
        let step = (domain.lo + 1..=domain.hi).contains(&threshold).then_some(threshold);
        Self::new(domain, 0, [domain.lo].into_iter().chain(step).map(at))
    }

    /// Zero on the whole type, and nothing else.
    pub(super) fn within(dtype: DType) -> Self {
        let domain = Interval::of(dtype);
        Self::new(domain, 0, [(domain.lo, 0)].into_iter())
    }
}

/// The functions of a circuit: equal ones are one.
#[derive(Clone, Debug, Default)]
pub(super) struct Functions {
    ids: BTreeMap<Stretches, u32>,
    /// In the order of their first use; function `i` has the id `i + 1`, since 0 stands for none.
    list: Vec<Stretches>,
}

impl Functions {
    fn id(&mut self, function: &Function) -> u32 {
        if let Some(&id) = self.ids.get(&function.stretches) {
            return id;
        }
        self.list.push(function.stretches.clone());
        let id = self.list.len() as u32;
        self.ids.insert(function.stretches.clone(), id);
        id
    }

    /// Rows of the table for a range table of `2^bits` rows, with the one that stands for no function.
    pub(super) fn rows(&self, bits: u32) -> u64 {
        self.list.iter().map(|f| f.count(bits)).sum::<u64>() + 1
    }

    /// The table.
    pub(super) fn emit<S: Sink>(&self, bits: u32, sink: &mut S) {
        sink.table([0; 4]);
        for (id, f) in (1..).zip(&self.list) {
            f.rows(bits).for_each(|[start, last, value]| sink.table([id, start, last, value]));
        }
    }
}

/// A function in the table.
#[derive(Clone, Debug)]
pub(super) struct Known {
    id: u32,
    function: Function,
}

impl<S: Sink> Builder<'_, S> {
    /// Enters a function into the table.
    pub(super) fn function(&mut self, function: Function) -> Known {
        Known { id: self.functions.id(&function), function }
    }

    /// The value of a function at an argument that is the integer of a cell, and a constant.
    pub(super) fn query(&mut self, f: &Known, argument: Num, constant: i64) -> Int {
        let row = self.narrow_row();
        let x = self.copy("function.argument", self.shape.argument(), row, argument);
        self.look_up(f, x, constant, row)
    }

    /// A fresh value within a type, above its minimum.
    pub(super) fn input(&mut self, f: &Known, value: i64) -> Int {
        let row = self.narrow_row();
        let floor = f.function.first;
        let num = self.advice("range.value", self.shape.argument(), row, fr(value - floor));
        self.look_up(f, num, floor, row);
        Int { num, floor }
    }

    fn look_up(&mut self, f: &Known, x: Num, constant: i64, row: u32) -> Int {
        let offset = fr(constant - f.function.first);
        let shape = self.shape;
        self.enable(shape.query(), row);
        self.fixed(shape.function(), row, Fp::from(u64::from(f.id)));
        self.fixed(shape.offset(), row, offset);
        let argument = small(&(x.value + offset)).and_then(|v| u64::try_from(v).ok()).unwrap_or_default();
        let [start, last, value] = f.function.stretches.find(argument, self.range_bits).map(Fp::from);
        self.advice("function.start", shape.start(), row, start);
        self.advice("function.last", shape.last(), row, last);
        let num = self.advice("function.value", shape.value(), row, value);
        Int { num, floor: f.function.floor }
    }
}
