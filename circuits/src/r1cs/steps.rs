//! A piecewise constant function, by looking up the interval that its argument lies in.
//!
//! The function is cut into intervals of one width `w`, each within a run of equal values; the table's rows are their
//! starts with those values. For an argument `x` within the function's domain,
//!
//! ```text
//! d ∈ [0, w)                                  the distance from a start
//! y − least ∈ [0, 2^n)                        by a lookup of its own, n ≤ 8
//! (x − d − origin) + K·(y − least) ∈ table    K = 2^40
//! ```
//!
//! The start is `x − d`, a linear combination and no witness. Intervals may overlap where their values agree, so that a
//! run need not be a multiple of `w`: then there are several witnesses, and one `y`.
//!
//! The packed query binds both of its coordinates: starts and `x` are below `2^33` in magnitude and `d` below `2^32`, so
//! two different results would need starts that are `K` apart. So `x` lies in the interval of a row with the value `y`,
//! and every argument in that interval has this value. No arithmetic form is needed: any rounding, ties too, is exact.

use alloc::{sync::Arc, vec::Vec};

use ark_bn254::Fr;
use ark_ff::One as _;

use super::{
    builder::{Builder, Lc, Num, Sink, fr, small, width},
    lookup::packing,
};
use crate::circuit::{FunctionTable, Interval, StepFunction};

/// Adjacent arguments of one value.
#[derive(Clone, Debug)]
struct Run {
    /// Those that can occur.
    needed: Interval,
    /// Those, and others beside them that cannot occur, or none of which has another value.
    allowed: Interval,
    value: i32,
}

/// The runs of a function, ascending.
#[derive(Clone, Debug)]
pub(super) struct Runs(Vec<Run>);

/// Where nothing bounds a run: arguments beyond the domain do not occur.
const FAR: i64 = 1 << 32;

impl Runs {
    /// Of a step function.
    pub(super) fn of_steps(f: &StepFunction) -> Self {
        let mut runs = Vec::new();
        let (mut from, mut after) = (f.domain.lo, f.domain.lo - FAR);
        let within = f.thresholds.iter().filter(|t| f.domain.lo < t.at && t.at <= f.domain.hi);
        let mut thresholds = within.peekable();
        while let Some(t) = thresholds.next() {
            // Several values may be reached at once.
            if thresholds.peek().is_some_and(|next| next.at == t.at) {
                continue;
            }
            let value = f.eval(from);
            runs.push(Run { needed: Interval::new(from, t.below), allowed: Interval::new(after, t.at - 1), value });
            (from, after) = (t.at, t.below + 1);
        }
        let allowed = Interval::new(after, f.domain.hi + FAR);
        runs.push(Run { needed: Interval::new(from, f.domain.hi), allowed, value: f.eval(from) });
        Self(runs)
    }

    /// Of a function given by its values.
    pub(super) fn of_table(table: &FunctionTable) -> Self {
        let mut runs: Vec<Run> = Vec::new();
        for (x, &value) in (table.domain.lo..).zip(&table.values) {
            match runs.last_mut() {
                Some(run) if run.value == value => (run.needed.hi, run.allowed.hi) = (x, x),
                _ => runs.push(Run { needed: Interval::new(x, x), allowed: Interval::new(x, x), value }),
            }
        }
        if let Some(run) = runs.first_mut() {
            run.allowed.lo -= FAR;
        }
        if let Some(run) = runs.last_mut() {
            run.allowed.hi += FAR;
        }
        Self(runs)
    }

    /// The widest intervals that every run has room for.
    pub(super) fn room(&self) -> u32 {
        let room = self.0.iter().map(|r| r.allowed.hi - r.allowed.lo + 1).min().unwrap_or(1);
        room.min(1 << 31) as u32
    }

    fn counts(&self, width: u32) -> impl Iterator<Item = (&Run, i64)> {
        let width = i64::from(width);
        self.0.iter().map(move |r| (r, (r.needed.hi - r.needed.lo + width) / width))
    }

    /// How many intervals of this width cover them.
    pub(super) fn intervals(&self, width: u32) -> u64 {
        self.counts(width).map(|(_, n)| n as u64).sum()
    }

    /// Bits of a value less the smallest.
    pub(super) fn bits(&self) -> u32 {
        let values = || self.0.iter().map(|r| i64::from(r.value));
        width(values().max().unwrap_or(0) - values().min().unwrap_or(0)) as u32
    }

    /// Intervals of this width, at most [`room`](Self::room), that cover all arguments that can occur.
    pub(super) fn cover(&self, width: u32) -> Cover {
        debug_assert!((1..=self.room()).contains(&width));
        let least = self.0.iter().map(|r| r.value).min().unwrap_or(0);
        let intervals = self.counts(width).flat_map(|(run, n)| {
            let last = run.allowed.hi + 1 - i64::from(width);
            let starts = (0..n).map(move |i| (run.needed.lo + i * i64::from(width)).min(last));
            starts.map(move |start| (start, (run.value - least) as u8))
        });
        let intervals: Vec<(i64, u8)> = intervals.collect();
        let origin = intervals.first().map_or(0, |i| i.0);
        let rows = intervals.iter().map(|&(start, value)| ((start - origin) as u64, value)).collect();
        Cover { origin, least: least.into(), width, bits: self.bits(), rows }
    }
}

/// Intervals of one width that cover the domain of a function, each within a run of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cover {
    /// The first start.
    origin: i64,
    /// The smallest value.
    least: i64,
    width: u32,
    /// Bits of a value less the smallest.
    bits: u32,
    /// Starts less the first, ascending, and values less the smallest.
    rows: Vec<(u64, u8)>,
}

impl Cover {
    /// Starts less the first, ascending, and values less the smallest.
    pub fn rows(&self) -> &[(u64, u8)] {
        &self.rows
    }

    /// The last interval that starts at or before `x`: its start and value.
    fn find(&self, x: i64) -> (i64, i64) {
        let after = self.rows.partition_point(|r| self.origin + r.0 as i64 <= x);
        let (start, value) = self.rows.get(after.saturating_sub(1)).copied().unwrap_or_default();
        (self.origin + start as i64, self.least + i64::from(value))
    }
}

/// How the distance from a start is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distance {
    /// As a range of bits.
    Bits(u32),
    /// By a table of as many rows, with this index.
    Table(usize),
}

/// A function that is looked up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LookedUp {
    /// Index of its table.
    pub(super) table: usize,
    pub(super) cover: Arc<Cover>,
    pub(super) distance: Distance,
}

/// Constrains and returns the function's value at an `x` within its domain. Names: of the distance, of the value's range,
/// and of the interval.
pub(super) fn look_up<S: Sink>(b: &mut Builder<'_, S>, names: [&'static str; 3], x: &Lc, f: &LookedUp) -> Num {
    let (start, value) = small(&x.value).map_or((f.cover.origin, f.cover.least), |x| f.cover.find(x));
    let distance = match f.distance {
        Distance::Bits(bits) => b.looked_up_limbs(names[0], x.value - fr(start), bits as usize),
        Distance::Table(table) => {
            let distance = b.witness(x.value - fr(start));
            let distance = b.var(distance);
            b.query(names[0], table, &distance);
            distance
        }
    };
    let y = b.witness(fr(value));
    let result = b.var(y).plus(fr(-f.cover.least));
    b.range([names[1]; 2], &result, f.cover.bits as usize);
    let start = x.clone().add_lc(-Fr::one(), &distance).plus(fr(-f.cover.origin));
    b.query(names[2], f.table, &start.add_lc(packing(), &result));
    y
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use ark_ff::{Field as _, PrimeField as _};

    use super::{
        super::{
            builder::{
                power,
                tests::{challenge, check_at, failing_sums},
            },
            checker::Checker,
            lookup::{Plan, Step, Table},
        },
        *,
    };
    use crate::{arith, circuit::Threshold};

    /// `y = clip(rint(x · m) + zero)`.
    fn function(m: f32, zero: i32, clip: (i32, i32), domain: Interval) -> StepFunction {
        StepFunction::bisect(domain, m.into(), |x| arith::requantize(x as i32, m, zero, clip.0, clip.1))
    }

    /// Functions with clamps and without, dense ties among them.
    fn functions() -> impl Iterator<Item = StepFunction> {
        let slopes = [0.25, 0.005, 0.5, 1.0, 2.5, 0.0101, 0.37, 0.0623, 300.0];
        let clips = [(-128, 127), (0, 127), (-100, 71), (0, 1), (5, 5)];
        slopes.into_iter().enumerate().flat_map(move |(i, m)| {
            clips.into_iter().map(move |clip| {
                let reach = (f64::from(90 + 70 * (i as i32 % 4)) / f64::from(m)) as i64 + 3;
                function(m, 7 * i as i32 - 20, clip, Interval::new(-reach, reach + i as i64 * reach / 3))
            })
        })
    }

    fn assert_covers(cover: &Cover, domain: Interval, eval: impl Fn(i64) -> i32) {
        for x in domain.lo..=domain.hi {
            let (start, value) = cover.find(x);
            assert!((start..start + i64::from(cover.width)).contains(&x) && value == eval(x).into());
        }
        for &(start, value) in &cover.rows {
            let start = cover.origin + start as i64;
            for x in start.max(domain.lo)..(start + i64::from(cover.width)).min(domain.hi + 1) {
                assert_eq!(i64::from(eval(x)), cover.least + i64::from(value), "{x}");
            }
        }
        assert!(cover.rows.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn intervals_cover_the_domain_with_the_functions_values() {
        for f in functions() {
            let runs = Runs::of_steps(&f);
            for width in [1, 2, 3, runs.room() / 2, runs.room() - 1, runs.room()] {
                if (1..=runs.room()).contains(&width) {
                    let cover = runs.cover(width);
                    assert_covers(&cover, f.domain, |x| f.eval(x));
                    assert_eq!(cover.rows.len() as u64, runs.intervals(width));
                }
            }
        }
        for (i, domain) in
            [(-128, 127), (0, 255), (3, 9), (5, 5)].map(|(a, b)| Interval::new(a, b)).into_iter().enumerate()
        {
            let table = FunctionTable::new(domain, 1.0, |x| ((x * x / 40 + 11 * i as i64) % 100) as i32);
            let runs = Runs::of_table(&table);
            assert_covers(&runs.cover(1), domain, |x| table.eval(x));
            assert_covers(&runs.cover(runs.room()), domain, |x| table.eval(x));
        }
    }

    /// Arguments that do not occur belong to the runs on both sides of them, and several values may be reached at once.
    #[test]
    fn gaps_between_arguments_are_room() {
        let t = |below, at| Threshold { below, at };
        let thresholds = vec![t(-40, 0), t(100, 130), t(100, 130), t(150, 190)];
        let f = StepFunction { domain: Interval::new(-90, 240), first: 4, thresholds, slope: 0.01 };
        let runs = Runs::of_steps(&f);
        assert_eq!(runs.room(), 89);
        let gaps = [(-40, 0), (100, 130), (150, 190)];
        for width in [1, 16, 88, 89] {
            let cover = runs.cover(width);
            let occurring = (-90..=240).filter(|x| gaps.iter().all(|g| *x <= g.0 || g.1 <= *x));
            for x in occurring {
                let (start, value) = cover.find(x);
                assert!((start..start + i64::from(width)).contains(&x) && value == f.eval(x).into(), "{width}: {x}");
                for &(start, value) in &cover.rows {
                    let start = cover.origin + start as i64;
                    let is_within = (start..start + i64::from(width)).contains(&x);
                    assert!(!is_within || cover.least + i64::from(value) == f.eval(x).into());
                }
            }
        }
    }

    const X: u32 = 2;
    const NAMES: [&str; 3] = ["distance", "value", "interval"];

    /// A function and tables that it is looked up in; all of different lengths, so that a failing sum tells which it is of.
    struct Looked {
        function: StepFunction,
        plan: Plan,
    }

    impl Looked {
        /// The distance as a range of 9 bits by parts of 6 and 3, or by a table of its own.
        fn new(has_own_table: bool) -> Self {
            let function = function(0.00181, -7, (-128, 127), Interval::new(-80_000, 90_000));
            let runs = Runs::of_steps(&function);
            let mut plan = Plan::of(&[3, 6, 8], &[8, 9]);
            let distance = if has_own_table {
                plan.tables.push(Table::Range { rows: runs.room() });
                Distance::Table(3)
            } else {
                Distance::Bits(9)
            };
            let width = if has_own_table { runs.room() } else { 1 << 9 };
            let looked_up = LookedUp { table: plan.tables.len(), cover: runs.cover(width).into(), distance };
            let plan = plan.with(Step::Intervals(looked_up));
            Self { function, plan }
        }

        fn looked_up(&self) -> &LookedUp {
            let Some(Step::Intervals(f)) = self.plan.step((0, 0)) else { panic!("not looked up") };
            f
        }

        fn rows(&self) -> usize {
            self.looked_up().cover.rows.len()
        }

        /// The value and what is checked, for these accumulators.
        fn check(&self, xs: &[Fr], tamper: &[(u32, Fr)]) -> (Vec<Num>, Checker) {
            let mut values = Vec::new();
            let checker = check_at(challenge(), &self.plan, tamper, |b| {
                for &x in xs {
                    let x = b.witness(x);
                    let x = b.var(x);
                    values.push(look_up(b, NAMES, &x, self.looked_up()));
                }
            });
            (values, checker)
        }

        /// Variables of the distance's parts, with their weights, and of the value, for one accumulator.
        fn variables(&self) -> (Vec<(u32, u64)>, u32) {
            match self.looked_up().distance {
                Distance::Bits(bits) => {
                    let widths = &self.plan.limbs(bits).unwrap().widths;
                    let weights = widths.iter().scan(1, |weight, w| Some(core::mem::replace(weight, *weight << w)));
                    let parts: Vec<(u32, u64)> = (X + 1..).zip(weights).collect();
                    let y = X + 1 + parts.len() as u32;
                    (parts, y)
                }
                Distance::Table(_) => (vec![(X + 1, 1)], X + 2),
            }
        }

        /// The witnesses of a distance that is any field element and a value: the parts follow the canonical integer, and the
        /// first makes up for what is left.
        fn forge(&self, distance: Fr, y: Fr) -> Vec<(u32, Fr)> {
            let (parts, variable) = self.variables();
            let canonical = distance.into_bigint().0[0] & 0x1ff;
            let mut rest = distance;
            let mut forged = Vec::new();
            for &(part, weight) in parts.iter().skip(1).rev() {
                let value = Fr::from(canonical / weight);
                rest -= value * Fr::from(weight);
                forged.push((part, value));
            }
            forged.extend([(parts[0].0, rest), (variable, y)]);
            forged
        }

        fn start(&self, row: usize) -> (i64, i64) {
            let cover = &self.looked_up().cover;
            let (start, value) = cover.rows[row];
            (cover.origin + start as i64, cover.least + i64::from(value))
        }
    }

    fn both() -> [Looked; 2] {
        [false, true].map(Looked::new)
    }

    #[test]
    fn every_argument_has_a_witness_and_the_functions_value() {
        for looked in both() {
            let f = &looked.function;
            let around = f.thresholds.iter().flat_map(|t| [t.below - 1, t.below, t.at, t.at + 1]);
            let ends = [f.domain.lo, f.domain.lo + 1, f.domain.hi - 1, f.domain.hi];
            let xs: Vec<i64> = around.chain(ends).chain((f.domain.lo..f.domain.hi).step_by(371)).collect();
            let (values, checker) = looked.check(&xs.iter().map(|&x| fr(x)).collect::<Vec<_>>(), &[]);
            assert_eq!(checker.failures, []);
            assert!(values.iter().zip(&xs).all(|(y, &x)| y.value == fr(f.eval(x).into())));
        }
    }

    #[test]
    fn no_other_value_is_accepted() {
        for looked in both() {
            let (_, y) = looked.variables();
            for x in [-80_000, -70_000, -1, 12_500, 90_000] {
                let honest = i64::from(looked.function.eval(x));
                for other in (-128..=127).filter(|&v| v != honest) {
                    let (_, forged) = looked.check(&[fr(x)], &[(y, fr(other))]);
                    assert_eq!(failing_sums(&forged), [looked.rows()], "{x}: {other}");
                }
                for other in [fr(128), fr(-129), fr(honest + 256), fr(honest - 256), power(40), -power(100)] {
                    let (_, forged) = looked.check(&[fr(x)], &[(y, other)]);
                    assert_eq!(failing_sums(&forged), [256, looked.rows()], "{x}: {other}");
                }
            }
        }
    }

    /// For each wrong value there is a distance that makes the packed query a row: it is out of range, whichever row.
    #[test]
    fn a_distance_that_makes_up_for_a_wrong_value_is_out_of_range() {
        for looked in both() {
            let rows = looked.rows();
            for x in [-12_000, 0, 5000, 90_000] {
                for row in [0, 1, rows / 2, rows - 1] {
                    for y in (-128..=127).step_by(15).filter(|&y| y != looked.function.eval(x)) {
                        let (start, value) = looked.start(row);
                        // (x − d − start) + K·(y − value) = 0.
                        let distance = fr(x - start) + packing() * fr(i64::from(y) - value);
                        let (_, forged) = looked.check(&[fr(x)], &looked.forge(distance, fr(y.into())));
                        let failing = failing_sums(&forged);
                        assert!(!failing.is_empty() && !failing.contains(&rows), "{x}: {y} by row {row}: {failing:?}");
                    }
                }
            }
        }
    }

    /// The interval before a threshold, one too far, and the one after it, one before its start.
    #[test]
    fn an_interval_ends_where_it_ends() {
        for looked in both() {
            let width = i64::from(looked.looked_up().cover.width);
            for row in (1..looked.rows()).filter(|&r| looked.start(r).1 != looked.start(r - 1).1).step_by(23) {
                let (start, value) = looked.start(row - 1);
                let (_, forged) = looked.check(&[fr(start + width)], &looked.forge(fr(width), fr(value)));
                let failing = failing_sums(&forged);
                assert!(!failing.is_empty() && !failing.contains(&looked.rows()), "{failing:?}");
                let (start, value) = looked.start(row);
                let (_, forged) = looked.check(&[fr(start - 1)], &looked.forge(fr(-1), fr(value)));
                let failing = failing_sums(&forged);
                assert!(!failing.is_empty() && !failing.contains(&looked.rows()), "{failing:?}");
            }
        }
    }

    /// The packed start of another row, by a value that is no byte.
    #[test]
    fn a_value_by_field_division_is_out_of_range() {
        for looked in both() {
            let (_, y) = looked.variables();
            for x in [-80_000, 0, 33_333] {
                let own = looked.looked_up().cover.find(x);
                for row in [0, looked.rows() / 2, looked.rows() - 1] {
                    let (start, value) = looked.start(row);
                    if (start, value) != own {
                        let forged = fr(value) + fr(start - own.0) * packing().inverse().unwrap();
                        let (_, checker) = looked.check(&[fr(x)], &[(y, forged)]);
                        assert_eq!(failing_sums(&checker), [256], "{x}, {row}");
                    }
                }
            }
        }
    }

    #[test]
    fn an_accumulator_out_of_reach_has_no_row() {
        for looked in both() {
            for x in [fr(100_000), fr(-100_000), power(100), -power(100), fr(2).inverse().unwrap()] {
                let (_, checker) = looked.check(&[x], &[]);
                assert!(!failing_sums(&checker).is_empty());
            }
        }
    }

    #[test]
    fn counts_of_rows_are_determined() {
        for looked in both() {
            let honest = looked.check(&[fr(0), fr(5000)], &[]).1.assignment;
            let lengths: Vec<usize> = looked.plan.tables.iter().map(Table::len).collect();
            let mut first = honest.len() - lengths.iter().sum::<usize>();
            for &length in &lengths {
                for row in [0, length - 1] {
                    let forged = [((first + row) as u32, honest[first + row] + fr(1))];
                    assert_eq!(failing_sums(&looked.check(&[fr(0), fr(5000)], &forged).1), [length]);
                }
                first += length;
            }
        }
    }

    /// The values that a prover gets accepted for one argument, over all distances, results in `[0, 2^8)` and rows, if rows
    /// are packed at a distance of `2^packing`.
    fn accepted(cover: &Cover, packing: u32, x: i64) -> Vec<i64> {
        let mut results: Vec<i64> = (0..256)
            .filter(|result| {
                cover.rows.iter().any(|&(start, value)| {
                    let d = x - cover.origin - start as i64 + ((result - i64::from(value)) << packing);
                    (0..i64::from(cover.width)).contains(&d)
                })
            })
            .collect();
        results.sort_unstable();
        results
    }

    #[test]
    fn packed_rows_are_binding_at_the_real_distance_and_forgeable_at_a_small_one() {
        let f = function(0.0031, 0, (-128, 127), Interval::new(-1 << 20, 1 << 20));
        let cover = Runs::of_steps(&f).cover(256);
        for (x, result) in [(-1 << 20, 0), (-30_000, 35), (0, 128), (1 << 20, 255)] {
            assert_eq!(i64::from(f.eval(x)) - cover.least, result);
            assert_eq!(accepted(&cover, 40, x), [result]);
            // More than the starts differ by is enough.
            assert_eq!(accepted(&cover, 22, x), [result]);
            assert!(accepted(&cover, 8, x).len() > 50, "{x}");
        }
        // What was tried is the table that circuits use.
        let (start, value) = cover.rows[700];
        assert_eq!(Table::Steps(cover.into()).row(700), Fr::from(start) + packing() * Fr::from(u64::from(value)));
    }
}
