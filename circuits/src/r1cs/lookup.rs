//! Tables, and the plan of which ranges and steps are answered by looking them up.
//!
//! The argument is LogUp (Haböck, ePrint 2022/1530): with χ drawn after all queries `q` and multiplicities `m` are
//! committed, every query is a row of its table, except with negligible probability, iff
//!
//! ```text
//! Σ_queries 1/(χ − q) = Σ_rows m_j/(χ − t_j)
//! ```
//!
//! A query or row costs one constraint and one full-width wire, its inverse; each table has a sum of its own. Rows are
//! constants, so a table costs its rows once for the whole circuit: [`Plan`] chooses widths and uses accordingly.
//!
//! Two kinds of tables:
//! - **range** of `n` rows: `0 .. n`.
//! - **steps**: the intervals of a piecewise constant function, `start + K·value` with `K = 2^40`. A query packs a start
//!   that is only a combination with a value that is range-checked by itself: then and only then the packing is binding,
//!   as long as `K` exceeds every difference of starts (see `steps`).

use alloc::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    vec,
    vec::Vec,
};

use ark_bn254::Fr;
use ark_ff::PrimeField as _;

use super::{
    builder::fr,
    steps::{Cover, Distance, LookedUp, Runs},
};

/// Distance of the two coordinates of a packed row, as a power of two; see `steps` for what it has to exceed.
const PACKING: u32 = 40;

/// The rows of a table, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Table {
    /// `0 .. rows`.
    Range {
        /// How many.
        rows: u32,
    },
    /// `start + 2^40·value` for each interval of a function, starts and values counted from the least.
    Steps(Arc<Cover>),
}

impl Table {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Range { rows } => *rows as usize,
            Self::Steps(cover) => cover.rows().len(),
        }
    }

    /// Whether there is no row; there always is one.
    pub fn is_empty(&self) -> bool {
        false
    }

    fn integer(&self, row: usize) -> u64 {
        match self {
            Self::Range { .. } => row as u64,
            Self::Steps(cover) => {
                let (start, value) = cover.rows()[row];
                start + (u64::from(value) << PACKING)
            }
        }
    }

    /// A row.
    pub fn row(&self, row: usize) -> Fr {
        Fr::from(self.integer(row))
    }

    /// The row that has this value.
    pub fn find(&self, value: &Fr) -> Option<usize> {
        let [low, rest @ ..] = value.into_bigint().0;
        let row = match self {
            Self::Range { .. } => low as usize,
            Self::Steps(cover) => cover.rows().binary_search_by_key(&(low & ((1 << PACKING) - 1)), |r| r.0).ok()?,
        };
        (rest == [0; 3] && row < self.len() && self.integer(row) == low).then_some(row)
    }
}

/// What a lookup, a row, and a constraint without a full-width wire cost, in microseconds of two cores: an inverse is in
/// two multi-scalar multiplications, and every constraint is a row of the quotient's.
const LOOKUP: u64 = 9;
const ROW: u64 = 9;
const CONSTRAINT: u64 = 4;

/// The parts, low to high, that a range of some bits is cut into: table widths, and for a last part that no table fits,
/// the narrower width that it is checked to by a second lookup, shifted to the table's top.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Limbs {
    /// Widths of the parts.
    pub(super) widths: Vec<u32>,
    /// Table of each part: as wide, or wider and then looked up twice.
    pub(super) tables: Vec<u32>,
}

/// The fewest parts, each as wide as one of the tables, that sum to `0 ..= bits`, with the last part of each sum.
fn parts(bits: u32, tables: &[u32]) -> Vec<Option<(u64, u32)>> {
    let mut best: Vec<Option<(u64, u32)>> = vec![Some((0, 0))];
    for n in 1..=bits {
        let with = |&w: &u32| Some((best.get(n.checked_sub(w)? as usize).copied()??.0 + 1, w));
        best.push(tables.iter().filter_map(with).min());
    }
    best
}

impl Limbs {
    /// Lookups for `bits`, with the narrowed last part and its table, if that is best.
    fn price(bits: u32, tables: &[u32], best: &[Option<(u64, u32)>]) -> Option<(u64, Option<(u32, u32)>)> {
        let exact = best[bits as usize].map(|(n, _)| (n, None));
        let narrowed = (1..=bits).filter_map(|top| {
            let table = *tables.iter().find(|&&t| t > top)?;
            Some((best[(bits - top) as usize]?.0 + 2, Some((top, table))))
        });
        exact.into_iter().chain(narrowed).min()
    }

    fn new(bits: u32, tables: &[u32]) -> Option<Self> {
        let best = parts(bits, tables);
        let (_, narrowed) = Self::price(bits, tables, &best)?;
        let mut left = bits - narrowed.map_or(0, |(top, _)| top);
        let mut limbs = Self { widths: Vec::new(), tables: Vec::new() };
        while left > 0 {
            let (_, w) = best[left as usize]?;
            limbs.widths.push(w);
            limbs.tables.push(w);
            left -= w;
        }
        if let Some((top, table)) = narrowed {
            limbs.widths.push(top);
            limbs.tables.push(table);
        }
        Some(limbs)
    }
}

/// A relation and one of its functions.
pub(super) type StepKey = (usize, usize);

/// How often a step function is asked for, and what it can be proven by.
#[derive(Clone, Debug)]
pub(super) struct StepRequest {
    /// How many elements.
    pub(super) count: u64,
    /// Its runs, for looking up intervals.
    pub(super) runs: Runs,
    /// Bits of the remainder and of how far a quotient can be beyond the clamps, where it has an arithmetic form without
    /// ties and corrections.
    pub(super) limbs: Option<[u32; 2]>,
    /// Constraints of an element by bits.
    pub(super) by_bits: u64,
}

/// How the elements of a step function are proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// By looking up the interval of the argument.
    Intervals(LookedUp),
    /// By the arithmetic form, with a remainder that has this many bits, or fewer.
    Limbs(u32),
    /// Bit by bit.
    Bits,
}

/// A [`Step`] before there are tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Choice {
    /// Intervals of `2^bits`.
    Power(u32),
    /// Intervals of this width, and a range table of their own.
    Width(u32),
    Limbs(u32),
    Bits,
}

/// What a circuit asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    /// How often a range of some bits is asked for.
    pub(super) ranges: BTreeMap<u32, u64>,
    /// Step functions.
    pub(super) steps: BTreeMap<StepKey, StepRequest>,
}

/// Which tables a circuit has, and what is looked up in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// All tables; a query names its index.
    pub tables: Vec<Table>,
    limbs: BTreeMap<u32, Limbs>,
    steps: BTreeMap<StepKey, Step>,
}

/// What the search has to know of a step function: for each way to look it up its rows, those of a table of its own too.
struct Candidate<'r> {
    request: &'r StepRequest,
    intervals: Vec<(Choice, u64)>,
    value_bits: u32,
}

/// How much narrower than need be intervals are tried, in bits: a wide one needs more limbs, a narrow one more rows.
const NARROWER: u32 = 6;
/// How many bits more than need be a remainder may have, so that its limbs are whole.
const WIDER: u32 = 7;

impl<'r> Candidate<'r> {
    fn new(request: &'r StepRequest) -> Self {
        let room = request.runs.room();
        let log = room.ilog2();
        let powers = (log.saturating_sub(NARROWER)..=log).map(|t| (Choice::Power(t), request.runs.intervals(1 << t)));
        let own = (!room.is_power_of_two() && log <= *Plan::WIDTHS.end())
            .then(|| (Choice::Width(room), request.runs.intervals(room) + u64::from(room)));
        Self { request, intervals: powers.chain(own).collect(), value_bits: request.runs.bits() }
    }

    /// The cheapest way with these ranges, and its cost.
    fn best(&self, ranges: &Ranges) -> (u64, Choice) {
        let r = self.request;
        let value = ranges.lookups(self.value_bits);
        let intervals = self.intervals.iter().filter_map(|&(choice, rows)| {
            let distance = match choice {
                Choice::Power(bits) => ranges.lookups(bits)?,
                Choice::Width(_) | Choice::Limbs(_) | Choice::Bits => 1,
            };
            Some((ROW * rows + LOOKUP * r.count * (1 + value? + distance), choice))
        });
        let limbs = r.limbs.and_then(|[remainder, excess]| {
            let wide = (remainder..=remainder + WIDER).filter_map(|bits| Some((ranges.lookups(bits)?, bits)));
            let (lookups, bits) = wide.min()?;
            let all = lookups + value? + ranges.lookups(excess)?;
            Some((r.count * (LOOKUP * all + 2 * CONSTRAINT), Choice::Limbs(bits)))
        });
        let bits = (CONSTRAINT * r.count * r.by_bits, Choice::Bits);
        intervals.chain(limbs).fold(bits, Ord::min)
    }
}

/// Lookups that ranges of all widths take with some range tables.
struct Ranges {
    tables: Vec<u32>,
    parts: Vec<Option<(u64, u32)>>,
}

impl Ranges {
    /// No range has more bits.
    const BITS: u32 = 64;

    fn new(tables: Vec<u32>) -> Self {
        let parts = parts(Self::BITS, &tables);
        Self { tables, parts }
    }

    fn lookups(&self, bits: u32) -> Option<u64> {
        Some(Limbs::price(bits, &self.tables, self.parts.get(..=bits as usize)?)?.0)
    }

    fn rows(&self) -> u64 {
        self.tables.iter().map(|w| 1 << w).sum()
    }
}

impl Plan {
    /// Widths of range tables, in bits.
    const WIDTHS: core::ops::RangeInclusive<u32> = 2..=16;

    /// The cheapest plan with at most three range tables for ranges of bits, each step function by what is cheapest with
    /// them: the same on every machine.
    pub(super) fn new(requests: &Requests) -> Self {
        let end = *Self::WIDTHS.end();
        let sets = Self::WIDTHS.flat_map(|a| {
            let pairs = (a + 1..=end).flat_map(move |b| (b + 1..=end).map(move |c| vec![a, b, c]).chain([vec![a, b]]));
            pairs.chain([vec![a]])
        });
        let candidates: Vec<(StepKey, Candidate<'_>)> =
            requests.steps.iter().map(|(&key, request)| (key, Candidate::new(request))).collect();
        let plans = [Vec::new()].into_iter().chain(sets).filter_map(|tables| {
            let ranges = Ranges::new(tables);
            let mut cost = ROW * ranges.rows();
            for (&bits, &n) in &requests.ranges {
                cost += n * LOOKUP * ranges.lookups(bits)?;
            }
            let steps = candidates.iter().map(|(key, candidate)| (*key, candidate.best(&ranges)));
            let steps: Vec<(StepKey, (u64, Choice))> = steps.collect();
            cost += steps.iter().map(|s| s.1.0).sum::<u64>();
            Some((cost, ranges.tables, steps))
        });
        let best = plans.min_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        best.map(|(_, widths, steps)| Self::of_choices(requests, &widths, &steps)).unwrap_or_default()
    }

    fn of_choices(requests: &Requests, widths: &[u32], chosen: &[(StepKey, (u64, Choice))]) -> Self {
        let mut bits: BTreeSet<u32> = requests.ranges.keys().copied().collect();
        let mut own = BTreeSet::new();
        for (key, (_, choice)) in chosen {
            let request = &requests.steps[key];
            match *choice {
                Choice::Power(power) => bits.extend([power, request.runs.bits()]),
                Choice::Width(width) => {
                    own.insert(width);
                    bits.insert(request.runs.bits());
                }
                Choice::Limbs(remainder) => {
                    bits.extend([remainder, request.runs.bits()]);
                    bits.extend(request.limbs.map(|l| l[1]));
                }
                Choice::Bits => {}
            }
        }
        bits.remove(&0);
        let ranges = own.iter().copied().chain(widths.iter().map(|w| 1 << w));
        let mut tables: Vec<Table> = ranges.map(|rows| Table::Range { rows }).collect();
        let mut steps = BTreeMap::new();
        for &(key, (_, choice)) in chosen {
            let mut intervals = |width, distance| {
                let cover = Arc::new(requests.steps[&key].runs.cover(width));
                tables.push(Table::Steps(Arc::clone(&cover)));
                Step::Intervals(LookedUp { table: tables.len() - 1, cover, distance })
            };
            let step = match choice {
                Choice::Power(bits) => intervals(1 << bits, Distance::Bits(bits)),
                Choice::Width(width) => {
                    intervals(width, Distance::Table(own.iter().position(|&w| w == width).unwrap_or(0)))
                }
                Choice::Limbs(remainder) => Step::Limbs(remainder),
                Choice::Bits => Step::Bits,
            };
            steps.insert(key, step);
        }
        let limbs = bits.iter().filter_map(|&b| Some((b, Limbs::new(b, widths)?))).collect();
        Self { tables, limbs, steps }
    }

    /// How a range of some bits is cut.
    pub(super) fn limbs(&self, bits: u32) -> Option<&Limbs> {
        self.limbs.get(&bits)
    }

    /// Index of a range table of `2^bits` rows.
    pub(super) fn range_table(&self, bits: u32) -> Option<usize> {
        self.tables.iter().position(|t| *t == Table::Range { rows: 1 << bits })
    }

    /// How a step function is proven.
    pub(super) fn step(&self, key: StepKey) -> Option<&Step> {
        self.steps.get(&key)
    }
}

#[cfg(test)]
impl Plan {
    /// A plan by hand: tables of these widths for ranges of these bits.
    pub(super) fn of(widths: &[u32], ranges: &[u32]) -> Self {
        let mut plan = Self::default();
        plan.tables.extend(widths.iter().map(|&bits| Table::Range { rows: 1 << bits }));
        plan.limbs.extend(ranges.iter().map(|&bits| (bits, Limbs::new(bits, widths).unwrap())));
        plan
    }

    /// And with the function of relation 0 proven like this.
    pub(super) fn with(mut self, step: Step) -> Self {
        if let Step::Intervals(f) = &step {
            self.tables.push(Table::Steps(Arc::clone(&f.cover)));
        }
        self.steps.insert((0, 0), step);
        self
    }
}

/// `2^40`.
pub(super) fn packing() -> Fr {
    fr(1 << PACKING)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::{Interval, StepFunction};

    fn step(m: f32, reach: i64, count: u64, limbs: Option<[u32; 2]>) -> StepRequest {
        let reference = |x: i64| crate::arith::requantize(x as i32, m, 0, -128, 127);
        let function = StepFunction::bisect(Interval::new(-reach, reach), m.into(), reference);
        StepRequest { count, runs: Runs::of_steps(&function), limbs, by_bits: 45 }
    }

    #[test]
    fn rows_are_distinct_and_found() {
        let steps = |width| Table::Steps(step(0.01, 100_000, 1, None).runs.cover(width).into());
        for table in [Table::Range { rows: 2 }, Table::Range { rows: 300 }, steps(1 << 6), steps(99)] {
            let mut rows: Vec<Fr> = (0..table.len()).map(|j| table.row(j)).collect();
            for (j, row) in rows.iter().enumerate() {
                assert_eq!(table.find(row), Some(j));
                assert_eq!(table.find(&(*row + Fr::from(1u64 << 50))), None);
                assert_eq!(table.find(&-(*row + Fr::from(1u64))), None);
            }
            assert_eq!(table.find(&(rows[table.len() - 1] + Fr::from(1u64))), None);
            rows.sort_unstable();
            rows.dedup();
            assert_eq!(rows.len(), table.len());
        }
    }

    #[test]
    fn limbs_cover_exactly_the_bits() {
        for tables in [vec![8], vec![3, 8], vec![5, 9, 10], vec![2], vec![16]] {
            for bits in 1..=60 {
                let limbs = Limbs::new(bits, &tables).unwrap();
                assert_eq!(limbs.widths.iter().sum::<u32>(), bits, "{tables:?}");
                let narrowed = limbs.widths.iter().zip(&limbs.tables).filter(|(w, t)| w != t).count();
                assert!(narrowed <= 1 && limbs.widths.iter().zip(&limbs.tables).all(|(w, t)| w <= t));
                assert_eq!(Ranges::new(tables.clone()).lookups(bits), Some((limbs.widths.len() + narrowed) as u64));
            }
        }
        let lookups = |bits, tables: &[u32]| Ranges::new(tables.to_vec()).lookups(bits);
        assert_eq!(lookups(20, &[10]), Some(2));
        assert_eq!(lookups(28, &[8, 10]), Some(3));
        assert_eq!(lookups(9, &[8]), Some(3));
        assert_eq!(lookups(3, &[8]), Some(2));
        assert_eq!((lookups(0, &[]), lookups(1, &[])), (Some(0), None));
    }

    #[test]
    fn every_request_is_in_every_plan() {
        // Narrow and wide reaches, few and many elements: whatever is looked up has its table, and its parts have theirs.
        let counts = [1u64, 30, 1000, 100_000];
        let reaches = [200, 3000, 70_000, 1 << 24];
        for (case, (count, reach)) in counts.into_iter().flat_map(|c| reaches.map(|r| (c, r))).enumerate() {
            let steps = [
                ((2, 0), step(0.02, reach, count, Some([20, 6]))),
                ((2, 1), step(0.25, reach, 7, None)),
                ((4, 0), step(0.5, 900, count, Some([13, 0]))),
            ];
            let ranges = BTreeMap::from([(8, 64), (1, count), (33, 1)]);
            let requests = Requests { ranges, steps: BTreeMap::from(steps) };
            let plan = Plan::new(&requests);
            let has = |bits: u32| {
                let limbs = plan.limbs(bits).unwrap();
                assert_eq!(limbs.widths.iter().sum::<u32>(), bits);
                assert!(limbs.tables.iter().all(|&t| plan.range_table(t).is_some()), "case {case}");
            };
            requests.ranges.keys().for_each(|&bits| has(bits));
            for (key, request) in &requests.steps {
                match plan.step(*key).unwrap() {
                    Step::Intervals(f) => {
                        assert_eq!(plan.tables[f.table], Table::Steps(Arc::clone(&f.cover)), "case {case}");
                        has(8);
                        match f.distance {
                            Distance::Bits(bits) if bits > 0 => has(bits),
                            Distance::Bits(_) => {}
                            Distance::Table(table) => assert!(matches!(plan.tables[table], Table::Range { .. })),
                        }
                    }
                    Step::Limbs(remainder) => {
                        let [least, excess] = request.limbs.unwrap();
                        assert!(*remainder >= least);
                        [*remainder, excess, 8].into_iter().filter(|&b| b > 0).for_each(has);
                    }
                    Step::Bits => {}
                }
            }
        }
    }

    #[test]
    fn each_step_function_is_proven_by_what_is_cheapest() {
        let steps = [
            ((2, 0), step(0.01, 50_000, 4000, Some([28, 8]))),
            ((4, 0), step(0.01, 2_000_000, 10, Some([28, 14]))),
            ((5, 0), step(0.01, 2_000_000, 10, None)),
        ];
        let requests = Requests { ranges: BTreeMap::from([(8, 64)]), steps: BTreeMap::from(steps) };
        let plan = Plan::new(&requests);
        assert!(matches!(plan.step((2, 0)), Some(Step::Intervals(_))));
        // Too few elements for so many intervals; limbs take a form without ties.
        assert!(matches!(plan.step((4, 0)), Some(Step::Limbs(28..))));
        assert_eq!(plan.step((5, 0)), Some(&Step::Bits));
        assert_eq!(plan, Plan::new(&requests));
        // A circuit that is too small for any table has none.
        let few = Requests { ranges: BTreeMap::new(), steps: BTreeMap::from([((0, 0), step(0.01, 50_000, 1, None))]) };
        assert_eq!(Plan::new(&few).tables, []);
    }
}
