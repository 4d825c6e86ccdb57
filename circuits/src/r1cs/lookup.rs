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
//! Three kinds of tables:
//! - **range** of `w` bits: the rows `0 .. 2^w`.
//! - **clamp** of `L` levels over `[−A, B]`: the rows `(t + A) + K·min(max(t, 0), L)` for `t` in that interval, with
//!   `K = 2^40`. A query packs a quotient that is only a combination with a result that is range-checked by itself: then
//!   and only then the packing is binding, as long as `2^k·K` exceeds every difference of quotients (see `requantize`).
//! - **function** of `n ≤ 256` arguments: the rows `t + K·f(t)` for `0 ≤ t < n`, both coordinates of a query in `[0, 2^8)`.

use alloc::{collections::BTreeMap, sync::Arc, vec, vec::Vec};

use ark_bn254::Fr;
use ark_ff::PrimeField as _;

use super::builder::{fr, width};

/// Distance of the two coordinates of a packed row, as a power of two; see `requantize` for what it has to exceed.
const PACKING: u32 = 40;

/// The rows of a table, in order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// `0 .. 2^bits`.
    Range {
        /// Bits.
        bits: u32,
    },
    /// `(t + below) + 2^40·clamp(t, 0, levels)` for `t` from `−below` to `above`.
    Clamp {
        /// Largest result.
        levels: u32,
        /// How far below zero a quotient can be.
        below: u32,
        /// Largest quotient.
        above: u32,
    },
    /// `t + 2^40·values[t]`.
    Function {
        /// One value for each argument, less the smallest.
        values: Arc<[u8]>,
    },
}

impl Table {
    /// Number of rows.
    pub fn len(&self) -> usize {
        match self {
            Self::Range { bits } => 1 << bits,
            Self::Clamp { below, above, .. } => *below as usize + *above as usize + 1,
            Self::Function { values } => values.len(),
        }
    }

    /// Whether there is no row; there always is one.
    pub fn is_empty(&self) -> bool {
        false
    }

    fn integer(&self, row: usize) -> u64 {
        let result = match self {
            Self::Range { .. } => 0,
            Self::Clamp { levels, below, .. } => (row as u64).saturating_sub((*below).into()).min((*levels).into()),
            Self::Function { values } => values[row].into(),
        };
        row as u64 + (result << PACKING)
    }

    /// A row.
    pub fn row(&self, row: usize) -> Fr {
        Fr::from(self.integer(row))
    }

    /// The row that has this value.
    pub fn find(&self, value: &Fr) -> Option<usize> {
        let [low, rest @ ..] = value.into_bigint().0;
        let row = match self {
            Self::Range { .. } => low,
            Self::Clamp { .. } | Self::Function { .. } => low & ((1 << PACKING) - 1),
        } as usize;
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

    /// The fewest lookups for `bits` with tables of these widths, ascending.
    fn lookups(bits: u32, tables: &[u32]) -> Option<u64> {
        Some(Self::price(bits, tables, &parts(bits, tables))?.0)
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

/// The elements of one relation that step through the same number of levels.
#[derive(Clone, Debug, Default)]
pub(super) struct StepRequest {
    /// How many elements have a remainder of how many bits.
    pub(super) shifts: BTreeMap<u32, u64>,
    /// How far below zero a quotient can be.
    pub(super) below: u32,
    /// Largest quotient.
    pub(super) above: u32,
    /// Constraints of all elements by bits.
    pub(super) by_bits: u64,
}

/// The elements that are looked up in one table of a function.
#[derive(Clone, Debug, Default)]
pub(super) struct FunctionRequest {
    /// How many.
    pub(super) count: u64,
    /// Constraints of all by bits.
    pub(super) by_bits: u64,
}

impl FunctionRequest {
    /// Whether looking up pays: each element with its value, which is a range of one or two limbs.
    fn pays(&self, rows: usize) -> bool {
        ROW * rows as u64 + 3 * LOOKUP * self.count < CONSTRAINT * self.by_bits
    }
}

/// What a circuit asks for.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    /// How often a range of some bits is asked for.
    pub(super) ranges: BTreeMap<u32, u64>,
    /// Steps that can be looked up, by relation and largest result.
    pub(super) steps: BTreeMap<(usize, u32), StepRequest>,
    /// Functions that can be looked up, by their values.
    pub(super) functions: BTreeMap<Arc<[u8]>, FunctionRequest>,
}

/// Which tables a circuit has, and what is looked up in them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// All tables; a query names its index.
    pub tables: Vec<Table>,
    limbs: BTreeMap<u32, Limbs>,
    /// Clamp table of each relation and largest result whose steps are looked up.
    clamps: BTreeMap<(usize, u32), usize>,
    /// Tables of the functions that are looked up.
    functions: BTreeMap<Arc<[u8]>, usize>,
}

impl Plan {
    /// The cheapest plan found by a small search: the same on every machine.
    pub(super) fn new(requests: &Requests) -> Self {
        // Steps from the narrowest reach on: a clamp table is as wide as the widest that uses it.
        let mut order: Vec<(usize, u32)> = requests.steps.keys().copied().collect();
        order.sort_by_key(|key| (requests.steps[key].below + requests.steps[key].above, *key));
        let candidates = (0..=order.len()).map(|n| Self::with_steps(requests, &order[..n]));
        let best = candidates.min_by_key(|(cost, _)| *cost);
        best.map(|(_, plan)| plan).unwrap_or_default()
    }

    /// The best plan in which exactly these steps are looked up, and its cost.
    fn with_steps(requests: &Requests, looked_up: &[(usize, u32)]) -> (u64, Self) {
        let mut ranges = requests.ranges.clone();
        let mut cost = 0;
        let functions: Vec<_> = requests.functions.iter().filter(|(values, f)| f.pays(values.len())).collect();
        for (values, function) in &functions {
            let largest = values.iter().copied().max().unwrap_or_default();
            *ranges.entry(width(largest.into()) as u32).or_default() += function.count;
        }
        let mut reach: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
        for (key, step) in &requests.steps {
            if !looked_up.contains(key) {
                cost += CONSTRAINT * step.by_bits;
                continue;
            }
            let levels = key.1;
            for (&shift, &count) in &step.shifts {
                *ranges.entry(shift).or_default() += count;
                *ranges.entry(width(levels.into()) as u32).or_default() += count;
                cost += LOOKUP * count;
            }
            let table = reach.entry(levels).or_default();
            *table = (table.0.max(step.below), table.1.max(step.above));
        }
        ranges.remove(&0);
        let mut tables: Vec<Table> =
            reach.iter().map(|(&levels, &(below, above))| Table::Clamp { levels, below, above }).collect();
        cost += tables.iter().map(|t| ROW * t.len() as u64).sum::<u64>();
        let table_of = |levels: u32| reach.keys().position(|&l| l == levels);
        let clamps = looked_up.iter().filter_map(|&key| Some((key, table_of(key.1)?))).collect();

        let first = tables.len();
        tables.extend(functions.iter().map(|(values, _)| Table::Function { values: Arc::clone(values) }));
        let functions = functions.iter().zip(first..).map(|((values, _), i)| (Arc::clone(values), i)).collect();

        let (range_cost, widths) = Self::widths(&ranges);
        let limbs = ranges.keys().filter_map(|&bits| Some((bits, Limbs::new(bits, &widths)?))).collect();
        tables.extend(widths.iter().map(|&bits| Table::Range { bits }));
        (cost + range_cost, Self { tables, limbs, clamps, functions })
    }

    /// One to three table widths with the least cost for these ranges.
    fn widths(ranges: &BTreeMap<u32, u64>) -> (u64, Vec<u32>) {
        if ranges.is_empty() {
            return (0, Vec::new());
        }
        const WIDTHS: core::ops::RangeInclusive<u32> = 2..=16;
        let sets = WIDTHS.flat_map(|a| {
            let pairs = (a + 1..=*WIDTHS.end())
                .flat_map(move |b| (b + 1..=*WIDTHS.end()).map(move |c| vec![a, b, c]).chain([vec![a, b]]));
            pairs.chain([vec![a]])
        });
        let cost = |set: &Vec<u32>| {
            let rows: u64 = set.iter().map(|w| ROW << w).sum();
            let limbs: Option<Vec<u64>> =
                ranges.iter().map(|(&bits, &n)| Some(n * LOOKUP * Limbs::lookups(bits, set)?)).collect();
            limbs.map(|l| rows + l.iter().sum::<u64>())
        };
        sets.filter_map(|set| Some((cost(&set)?, set))).min().unwrap_or((u64::MAX / 2, Vec::new()))
    }

    /// How a range of some bits is cut.
    pub(super) fn limbs(&self, bits: u32) -> Option<&Limbs> {
        self.limbs.get(&bits)
    }

    /// Index of a range table.
    pub(super) fn range_table(&self, bits: u32) -> Option<usize> {
        self.tables.iter().position(|t| *t == Table::Range { bits })
    }

    /// Table of a function that is looked up.
    pub(super) fn function(&self, values: &[u8]) -> Option<usize> {
        self.functions.get(values).copied()
    }

    /// Clamp table of a relation and largest result whose steps are looked up.
    pub(super) fn clamp(&self, relation: usize, levels: u32) -> Option<usize> {
        self.clamps.get(&(relation, levels)).copied()
    }
}

#[cfg(test)]
impl Plan {
    /// A plan by hand: tables of these widths for ranges of these bits, and a clamp table for the steps of relation 0.
    pub(super) fn of(widths: &[u32], ranges: &[u32], clamp: Option<Table>) -> Self {
        let mut plan = Self::default();
        if let Some(Table::Clamp { levels, .. }) = clamp {
            plan.clamps.insert((0, levels), 0);
        }
        plan.tables.extend(clamp);
        plan.tables.extend(widths.iter().map(|&bits| Table::Range { bits }));
        plan.limbs.extend(ranges.iter().map(|&bits| (bits, Limbs::new(bits, widths).unwrap())));
        plan
    }
}

/// `2^40`.
pub(super) fn packing() -> Fr {
    fr(1 << PACKING)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_distinct_and_found() {
        for table in [
            Table::Range { bits: 1 },
            Table::Range { bits: 9 },
            Table::Clamp { levels: 255, below: 700, above: 900 },
            Table::Clamp { levels: 3, below: 0, above: 2 },
            Table::Clamp { levels: 7, below: 0, above: 0 },
            Table::Function { values: (0..=255).rev().collect() },
            Table::Function { values: Arc::new([3, 0, 3]) },
        ] {
            let mut rows: Vec<Fr> = (0..table.len()).map(|j| table.row(j)).collect();
            for (j, row) in rows.iter().enumerate() {
                assert_eq!(table.find(row), Some(j));
                assert_eq!(table.find(&(*row + Fr::from(1u64 << 41))), None);
                assert_eq!(table.find(&-(*row + Fr::from(1u64))), None);
            }
            assert_eq!(table.find(&Fr::from(table.len() as u64)), None);
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
            }
        }
        assert_eq!(Limbs::lookups(20, &[10]), Some(2));
        assert_eq!(Limbs::lookups(28, &[8, 10]), Some(3));
        assert_eq!(Limbs::lookups(9, &[8]), Some(3));
        assert_eq!(Limbs::lookups(3, &[8]), Some(2));
    }

    /// The results that a prover gets accepted for one accumulator, over all remainders in `[0, 2^shift)`, all results in
    /// `[0, 2^8)` and all rows of a clamp table, if rows are packed at a distance of `2^packing`:
    /// `total − rem + 2^shift·2^packing·result = 2^shift·row`.
    fn accepted(table: &Table, packing: u32, shift: u32, total: i128) -> Vec<i128> {
        let &Table::Clamp { levels, below, .. } = table else { panic!("no clamp table") };
        let clamped = |row: i128| (row - i128::from(below)).clamp(0, levels.into());
        let step = 1i128 << (shift + packing);
        let result = |j: i128| {
            let row = (j + (clamped(j) << packing)) << shift;
            // The least result with a remainder that is not negative.
            let result = (row - total).div_euclid(step) + i128::from((row - total).rem_euclid(step) != 0);
            let remainder = total + result * step - row;
            ((0..256).contains(&result) && (0..1 << shift).contains(&remainder)).then_some(result)
        };
        let mut results: Vec<i128> = (0..table.len() as i128).filter_map(result).collect();
        results.sort_unstable();
        results.dedup();
        results
    }

    #[test]
    fn packed_rows_are_binding_at_the_real_distance_and_forgeable_at_a_small_one() {
        let (below, above, shift) = (1 << 17, 1 << 17, 20);
        let table = Table::Clamp { levels: 255, below, above };
        let total = |quotient: i128| ((quotient + i128::from(below)) << shift) + 12345;
        // Far in the saturated range, every result is some row's, and the remainder makes up for nothing.
        assert_eq!(accepted(&table, 8, shift, total(1 << 17)).len(), 256);
        assert_eq!(accepted(&table, 8, shift, total(-(1 << 17))).len(), 256);
        for (quotient, result) in [(-(1 << 17), 0), (-1, 0), (0, 0), (1, 1), (100, 100), (255, 255), (1 << 17, 255)] {
            assert_eq!(accepted(&table, PACKING, shift, total(quotient)), [result]);
            // The bound: one more than the rows is enough.
            assert_eq!(accepted(&table, 19, shift, total(quotient)), [result]);
        }
        // What was tried is the table that circuits use.
        let (quotient, result) = (100 + u64::from(below), 100u64);
        assert_eq!(table.row(quotient as usize), Fr::from(quotient) + packing() * Fr::from(result));
        const { assert!(1 << PACKING > 2 * (2 * super::super::builder::MAX_REACH as u64 + 1)) };
    }

    #[test]
    fn every_request_is_in_every_plan() {
        // Narrow and wide reaches, few and many elements: whatever is looked up has its table, and its parts have theirs.
        let counts = [1u64, 30, 1000, 100_000];
        let reaches = [0u32, 10, 300, 70_000, 1 << 20];
        for (case, (count, reach)) in counts.into_iter().flat_map(|c| reaches.map(|r| (c, r))).enumerate() {
            let step = |shift, reach: u32| StepRequest {
                shifts: BTreeMap::from([(shift, count), (0, count), (44, 1)]),
                below: reach,
                above: reach / 2,
                by_bits: 45 * count,
            };
            let requests = Requests {
                ranges: BTreeMap::from([(8, 64), (1, count), (33, 1)]),
                steps: BTreeMap::from([((2, 255), step(20, reach)), ((2, 1), step(7, 3)), ((4, 255), step(13, 900))]),
                ..Requests::default()
            };
            let plan = Plan::new(&requests);
            let has = |bits: u32| {
                let limbs = plan.limbs(bits).unwrap();
                assert_eq!(limbs.widths.iter().sum::<u32>(), bits);
                assert!(limbs.tables.iter().all(|&t| plan.range_table(t).is_some()), "case {case}");
            };
            requests.ranges.keys().for_each(|&bits| has(bits));
            for (&(relation, levels), step) in &requests.steps {
                let Some(index) = plan.clamp(relation, levels) else { continue };
                let Table::Clamp { levels: found, below, above } = plan.tables[index] else { panic!("no clamp table") };
                assert!(found == levels && below >= step.below && above >= step.above, "case {case}");
                step.shifts.keys().filter(|&&bits| bits > 0).for_each(|&bits| has(bits));
                has(width(levels.into()) as u32);
            }
        }
    }

    #[test]
    fn a_wide_layer_of_few_elements_is_left_to_bits() {
        let step = |count: u64, reach| StepRequest {
            shifts: BTreeMap::from([(20, count)]),
            below: reach,
            above: reach,
            by_bits: 40 * count,
        };
        let requests = Requests {
            ranges: BTreeMap::from([(8, 64)]),
            steps: BTreeMap::from([((2, 255), step(4000, 500)), ((4, 255), step(10, 20_000))]),
            ..Requests::default()
        };
        let plan = Plan::new(&requests);
        assert!(plan.clamp(2, 255).is_some() && plan.clamp(4, 255).is_none());
        assert!(plan.tables.contains(&Table::Clamp { levels: 255, below: 500, above: 500 }));
    }
}
