//! Functions of one 8-bit value, by their values.

use alloc::{collections::BTreeMap, vec::Vec};

use super::{Interval, StepFunction};

/// Any function on at most 256 adjacent integers.
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionTable {
    /// All arguments that can occur.
    pub domain: Interval,
    /// The value of each, ascending; within an 8-bit type.
    pub values: Vec<i32>,
    /// The same as a step function, if it is nondecreasing: there may be a cheaper way to prove it.
    pub step: Option<StepFunction>,
}

impl FunctionTable {
    /// The table of `f`.
    pub(crate) fn new(domain: Interval, slope: f64, f: impl Fn(i64) -> i32) -> Self {
        let values = (domain.lo..=domain.hi).map(&f).collect();
        Self { domain, values, step: StepFunction::tabulate(domain, slope, f) }
    }

    /// The value at an argument of the domain.
    pub fn eval(&self, x: i64) -> i32 {
        self.values[(x - self.domain.lo) as usize]
    }

    /// Smallest and largest value.
    pub fn range(&self) -> Interval {
        self.image(self.domain)
    }

    fn image(&self, x: Interval) -> Interval {
        let values = (x.lo..=x.hi).map(|x| Interval::new(self.eval(x).into(), self.eval(x).into()));
        values.reduce(Interval::union).unwrap_or(x)
    }

    /// Bounds of the values from those of the arguments, most of which are alike.
    pub(super) fn images(&self, arguments: &[Interval]) -> Vec<Interval> {
        let mut known = BTreeMap::new();
        arguments.iter().map(|&x| *known.entry((x.lo, x.hi)).or_insert_with(|| self.image(x))).collect()
    }
}
