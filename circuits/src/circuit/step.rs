//! Monotone step functions from an integer accumulator to an 8-bit value.

use alloc::vec::Vec;

use super::Interval;

/// Where a step function reaches a value: `below` is the largest argument that can occur with a smaller value, `at` the
/// smallest with this value or a larger one. Arguments between the two do not occur.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// Largest argument below the step.
    pub below: i64,
    /// Smallest argument on or above the step.
    pub at: i64,
}

/// A monotone function on an integer interval, exactly: `first` at the lower end, one more from each threshold on.
#[derive(Clone, Debug, PartialEq)]
pub struct StepFunction {
    /// All arguments that can occur.
    pub domain: Interval,
    /// Value at `domain.lo`.
    pub first: i32,
    /// Threshold `i` is where the value reaches `first + 1 + i`; at most 255.
    pub thresholds: Vec<Threshold>,
    /// Roughly the slope: a hint for the search of cheap arithmetic forms. Correctness never depends on it.
    pub slope: f64,
}

impl StepFunction {
    /// The step function of a nondecreasing `f`, by bisection. `f` is a composition of operations that are each
    /// nondecreasing (a conversion, a product with a positive constant, rounding, clipping), or is checked by
    /// [`StepFunction::tabulate`].
    pub fn bisect(domain: Interval, slope: f64, f: impl Fn(i64) -> i32) -> Self {
        let (first, last) = (f(domain.lo), f(domain.hi));
        let mut from = domain.lo;
        let thresholds = (first + 1..=last)
            .map(|value| {
                // Invariant: f(lo) < value ≤ f(hi), unless several values are reached at once.
                let (mut lo, mut hi) = (from - 1, domain.hi);
                while hi - lo > 1 {
                    let middle = lo + (hi - lo) / 2;
                    if f(middle) >= value { hi = middle } else { lo = middle }
                }
                from = hi;
                Threshold { below: hi - 1, at: hi }
            })
            .collect();
        Self { domain, first, thresholds, slope }
    }

    /// The step function of `f` on a small domain, unless it falls anywhere.
    pub fn tabulate(domain: Interval, slope: f64, f: impl Fn(i64) -> i32) -> Option<Self> {
        (domain.lo..domain.hi).all(|x| f(x) <= f(x + 1)).then(|| Self::bisect(domain, slope, f))
    }

    /// The value at an argument of the domain.
    pub fn eval(&self, x: i64) -> i32 {
        self.first + self.thresholds.partition_point(|t| t.at <= x) as i32
    }

    /// Value at `domain.hi`.
    pub fn last(&self) -> i32 {
        self.first + self.thresholds.len() as i32
    }
}
