//! Linear combinations that carry their value, and the builder that gadgets write to.

use alloc::{sync::Arc, vec::Vec};

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup as _, BigInteger as _, Field as _, One as _, PrimeField as _, Zero as _};

use super::lookup::{Plan, Requests, Table};
use crate::circuit::Interval;

/// Set in the number of a variable that is computed from the challenge; those are numbered apart from all others.
pub const DERIVED: u32 = 1 << 31;

/// A variable with its value: index 0 is the constant one, the public inputs follow (the challenge is the last of them),
/// then the witnesses; those computed from the challenge are [`DERIVED`].
#[derive(Clone, Copy, Debug)]
pub struct Num {
    /// Column of the constraint matrices.
    pub variable: u32,
    /// Its value; meaningless where no witness is known (setup, counting).
    pub value: Fr,
}

/// A linear combination of variables and its value.
#[derive(Clone, Debug, Default)]
pub struct Lc {
    /// The value.
    pub value: Fr,
    /// Variables and coefficients; left empty by a builder whose sink does not want terms.
    pub terms: Vec<(u32, Fr)>,
    tracked: bool,
}

impl Lc {
    /// `self + coefficient · x`.
    pub fn add(mut self, coefficient: Fr, x: Num) -> Self {
        self.push(coefficient, x);
        self
    }

    /// Adds `coefficient · x` in place.
    pub fn push(&mut self, coefficient: Fr, x: Num) {
        self.value += coefficient * x.value;
        if self.tracked {
            self.terms.push((x.variable, coefficient));
        }
    }

    /// `self + constant`.
    pub fn plus(mut self, constant: Fr) -> Self {
        self.value += constant;
        if self.tracked && !constant.is_zero() {
            self.terms.push((0, constant));
        }
        self
    }

    /// `self + coefficient · other`.
    pub fn add_lc(mut self, coefficient: Fr, other: &Self) -> Self {
        self.value += coefficient * other.value;
        if self.tracked {
            self.terms.extend(other.terms.iter().map(|&(v, c)| (v, c * coefficient)));
        }
        self
    }

    /// `coefficient · self`.
    pub fn scale(mut self, coefficient: Fr) -> Self {
        self.value *= coefficient;
        self.terms.iter_mut().for_each(|t| t.1 *= coefficient);
        self
    }
}

/// Where a constraint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Index in [`Circuit::relations`](crate::circuit::Circuit::relations), or their number for the statement's constants.
    pub relation: usize,
    /// Element of the relation's output.
    pub element: usize,
    /// The constraint's name within the gadget.
    pub name: &'static str,
}

/// Receives what gadgets build.
pub trait Sink {
    /// Whether linear combinations must list their terms.
    const TERMS: bool;

    /// A fresh witness. The returned value is the one that the builder goes on with: tests tamper here.
    fn witness(&mut self, value: Fr) -> Fr;

    /// `a · b = c`.
    fn constraint(&mut self, place: Place, a: &Lc, b: &Lc, c: &Lc);

    /// The challenge, if it is known already.
    fn challenge(&self) -> Fr {
        Fr::zero()
    }

    /// A fresh witness `numerator / denominator`, where the challenge is known; the very next constraint defines it, with
    /// this witness as `a`, the denominator as `b` and the numerator as `c`.
    fn derived(&mut self, numerator: Fr, denominator: Fr) -> Fr {
        let _ = (numerator, denominator);
        Fr::zero()
    }
}

/// Widest reach of quotients, on each side, that a table is made for.
const MAX_REACH: u32 = 1 << 20;

/// How ranges are proven.
pub(super) enum Ranges<'p> {
    /// By bits.
    Bits,
    /// Not at all: what is asked for is collected.
    Collect(Requests),
    /// By looking up limbs.
    Lookups(Lookups<'p>),
}

/// The lookups of a circuit so far.
pub(super) struct Lookups<'p> {
    plan: &'p Plan,
    challenge: Num,
    /// For each table, how often each row was looked up.
    multiplicities: Vec<Vec<u64>>,
    /// For each table, the sum of the inverses of its queries.
    sums: Vec<Lc>,
}

/// Allocates variables and emits constraints.
pub struct Builder<'s, S: Sink> {
    sink: &'s mut S,
    next: u32,
    next_derived: u32,
    place: Place,
    pub(super) ranges: Ranges<'s>,
}

impl<'s, S: Sink> Builder<'s, S> {
    /// A builder after `public_inputs` public inputs. With a plan, ranges are looked up, and there is a public input more:
    /// the challenge.
    pub(super) fn new(sink: &'s mut S, public_inputs: usize, plan: Option<&'s Plan>) -> Self {
        let mut next = public_inputs as u32 + 1;
        let ranges = plan.map_or(Ranges::Bits, |plan| {
            let challenge = Num { variable: next, value: sink.challenge() };
            next += 1;
            let multiplicities = plan.tables.iter().map(|t| alloc::vec![0; t.len()]).collect();
            let sums = plan.tables.iter().map(|_| Lc { tracked: S::TERMS, ..Lc::default() }).collect();
            Ranges::Lookups(Lookups { plan, challenge, multiplicities, sums })
        });
        Self { sink, next, next_derived: 0, place: Place { relation: 0, element: 0, name: "" }, ranges }
    }

    /// A builder that collects what is asked for.
    pub(super) fn collect(sink: &'s mut S, public_inputs: usize) -> Self {
        Self { ranges: Ranges::Collect(Requests::default()), ..Self::new(sink, public_inputs, None) }
    }

    /// Number of variables so far: with the constant one and the public inputs, and of those that are derived.
    pub fn variables(&self) -> [u32; 2] {
        [self.next, self.next_derived]
    }

    /// Asks for a step of the current relation: a remainder of `shift` bits, a quotient within `reach`, a result of at most
    /// `levels`. The table that it is looked up in and how far below zero that goes, or none if it is left to bits, which
    /// take `by_bits` constraints.
    pub(super) fn step_table(
        &mut self,
        shift: u32,
        reach: Interval,
        levels: u32,
        by_bits: usize,
    ) -> Option<(usize, u32)> {
        let key = (self.place.relation, levels);
        match &mut self.ranges {
            Ranges::Bits => None,
            Ranges::Collect(requests) => {
                let bound = |v: i64| u32::try_from(v.max(0)).ok().filter(|&v| v <= MAX_REACH);
                let (below, above) = (bound(-reach.lo)?, bound(reach.hi)?);
                let step = requests.steps.entry(key).or_default();
                *step.shifts.entry(shift).or_default() += 1;
                step.below = step.below.max(below);
                step.above = step.above.max(above);
                step.by_bits += by_bits as u64;
                None
            }
            Ranges::Lookups(l) => {
                let index = l.plan.clamp(key.0, levels)?;
                let &Table::Clamp { below, above, .. } = &l.plan.tables[index] else { return None };
                // An element of too wide a reach did not enter the plan.
                (-i64::from(below) <= reach.lo && reach.hi <= i64::from(above)).then_some((index, below))
            }
        }
    }

    /// Asks for a function with these values of consecutive arguments: the table that it is looked up in, or none if it
    /// is left to bits, which take `by_bits` constraints.
    pub(super) fn function_table(&mut self, values: &Arc<[u8]>, by_bits: usize) -> Option<usize> {
        match &mut self.ranges {
            Ranges::Bits => None,
            Ranges::Collect(requests) => {
                let request = requests.functions.entry(Arc::clone(values)).or_default();
                request.count += 1;
                request.by_bits += by_bits as u64;
                None
            }
            Ranges::Lookups(l) => l.plan.function(values),
        }
    }

    pub(super) fn enter_relation(&mut self, relation: usize) {
        self.place = Place { relation, element: 0, name: "" };
    }

    pub(super) fn enter_element(&mut self, element: usize) {
        self.place.element = element;
    }

    /// The zero combination.
    pub fn lc(&self) -> Lc {
        Lc { tracked: S::TERMS, ..Lc::default() }
    }

    /// One variable.
    pub fn var(&self, x: Num) -> Lc {
        self.lc().add(Fr::one(), x)
    }

    /// A constant.
    pub fn constant(&self, c: Fr) -> Lc {
        self.lc().plus(c)
    }

    /// A combination whose value is known already; `terms` is only called where terms are wanted.
    pub fn lc_with(&self, value: Fr, terms: impl FnOnce() -> Vec<(u32, Fr)>) -> Lc {
        Lc { value, terms: if S::TERMS { terms() } else { Vec::new() }, tracked: S::TERMS }
    }

    /// A fresh witness.
    pub fn witness(&mut self, value: Fr) -> Num {
        let variable = self.next;
        self.next += 1;
        Num { variable, value: self.sink.witness(value) }
    }

    /// `a · b = c`.
    pub fn enforce(&mut self, name: &'static str, a: &Lc, b: &Lc, c: &Lc) {
        self.sink.constraint(Place { name, ..self.place }, a, b, c);
    }

    /// `a = c`, as `a · 1 = c`: weights go to A, so that B stays sparse.
    pub fn enforce_equal(&mut self, name: &'static str, a: &Lc, c: &Lc) {
        let one = self.constant(Fr::one());
        self.enforce(name, a, &one, c);
    }

    /// A fresh witness that equals `a · b`.
    pub fn product(&mut self, name: &'static str, a: &Lc, b: &Lc) -> Num {
        let p = self.witness(a.value * b.value);
        let c = self.var(p);
        self.enforce(name, a, b, &c);
        p
    }

    /// A fresh witness that equals `a`.
    pub fn materialize(&mut self, name: &'static str, a: &Lc) -> Num {
        let w = self.witness(a.value);
        let c = self.var(w);
        self.enforce_equal(name, a, &c);
        w
    }

    /// A fresh witness that is zero or one.
    pub fn boolean(&mut self, name: &'static str, value: bool) -> Num {
        let bit = self.witness(if value { Fr::one() } else { Fr::zero() });
        let a = self.var(bit);
        let b = self.var(bit).plus(-Fr::one());
        let zero = self.lc();
        self.enforce(name, &a, &b, &zero);
        bit
    }

    /// `count` fresh bits, least significant first: those of the canonical integer of `value`. The caller constrains
    /// what they add up to.
    pub fn bits(&mut self, name: &'static str, value: Fr, count: usize) -> Vec<Num> {
        let canonical = value.into_bigint();
        (0..count).map(|i| self.boolean(name, canonical.get_bit(i))).collect()
    }

    /// `value` is in `[0, 2^count)`: by bits, or by limbs that are looked up. Two constraint names: of the parts, and of
    /// their sum.
    pub fn range(&mut self, names: [&'static str; 2], value: &Lc, count: usize) {
        match &mut self.ranges {
            Ranges::Bits => {
                self.decompose(names, value, count);
            }
            Ranges::Collect(requests) => *requests.ranges.entry(count as u32).or_default() += 1,
            Ranges::Lookups(_) if count == 0 => {
                let zero = self.lc();
                self.enforce_equal(names[1], value, &zero);
            }
            Ranges::Lookups(_) => {
                let limbs = self.limbs(value, count);
                let (low, top) = limbs.split_at(limbs.len() - 1);
                let low: Vec<Num> = low.iter().map(|&(value, _, _)| self.witness(value)).collect();
                let mut rest = value.clone();
                let mut weight = Fr::one();
                for (num, &(_, width, table)) in low.iter().zip(&limbs) {
                    let limb = self.var(*num);
                    self.look_up_limb(names[0], &limb, width, table);
                    rest.push(-weight, *num);
                    weight *= power(width as usize);
                }
                // The top limb is what remains: no witness, and no sum to constrain.
                let top_limb = rest.scale(weight.inverse().unwrap_or_default());
                self.look_up_limb(names[0], &top_limb, top[0].1, top[0].2);
            }
        }
    }

    /// `count` looked-up bits of the canonical integer of `value`, as limbs low to high with their weights.
    pub(super) fn looked_up_limbs(&mut self, name: &'static str, value: Fr, count: usize) -> Lc {
        let mut sum = self.lc();
        if count == 0 {
            return sum;
        }
        let value = self.constant(value);
        let mut weight = Fr::one();
        for (value, width, table) in self.limbs(&value, count) {
            let num = self.witness(value);
            let limb = self.var(num);
            self.look_up_limb(name, &limb, width, table);
            sum.push(weight, num);
            weight *= power(width as usize);
        }
        sum
    }

    /// The plan, which has every range and table that was collected: a missing one must never pass for a check.
    #[allow(clippy::expect_used, reason = "the plan was made from the same walk over the circuit")]
    fn plan(&self) -> &'s Plan {
        match &self.ranges {
            Ranges::Lookups(l) => Some(l.plan),
            Ranges::Bits | Ranges::Collect(_) => None,
        }
        .expect("lookups are planned")
    }

    #[allow(clippy::expect_used, reason = "only called where lookups are planned")]
    fn lookups(&mut self) -> &mut Lookups<'s> {
        match &mut self.ranges {
            Ranges::Lookups(l) => Some(l),
            Ranges::Bits | Ranges::Collect(_) => None,
        }
        .expect("lookups are planned")
    }

    /// The plan's cut of a range: value, width and table width of each limb.
    #[allow(clippy::expect_used, reason = "the plan was made from the same walk over the circuit")]
    fn limbs(&self, value: &Lc, count: usize) -> Vec<(Fr, u32, u32)> {
        let canonical = value.value.into_bigint();
        let limbs = self.plan().limbs(count as u32).expect("every range was collected");
        let mut at = 0;
        let cut = limbs.widths.iter().zip(&limbs.tables).map(|(&width, &table)| {
            let bits = (0..width as usize).filter(|&i| canonical.get_bit(at + i)).map(|i| 1u64 << i).sum::<u64>();
            at += width as usize;
            (Fr::from(bits), width, table)
        });
        cut.collect()
    }

    #[allow(clippy::expect_used, reason = "the plan was made from the same walk over the circuit")]
    fn look_up_limb(&mut self, name: &'static str, limb: &Lc, width: u32, table_width: u32) {
        let table = self.plan().range_table(table_width).expect("every width has a table");
        self.query(name, table, limb);
        if width != table_width {
            // Below 2^width: shifted to the top of the table, it is a row again.
            let shifted = limb.clone().scale(power((table_width - width) as usize));
            self.query(name, table, &shifted);
        }
    }

    /// `value` is a row of the table.
    pub(super) fn query(&mut self, name: &'static str, table: usize, value: &Lc) {
        let row = self.plan().tables[table].find(&value.value);
        let challenge = self.lookups().challenge;
        let denominator = value.clone().scale(-Fr::one()).add(Fr::one(), challenge);
        let one = self.constant(Fr::one());
        let inverse = self.derived(name, &one, &denominator);
        let l = self.lookups();
        if let Some(row) = row {
            l.multiplicities[table][row] += 1;
        }
        l.sums[table].push(Fr::one(), inverse);
    }

    /// A fresh witness that equals `numerator / denominator`, computed once the challenge is known.
    fn derived(&mut self, name: &'static str, numerator: &Lc, denominator: &Lc) -> Num {
        let variable = DERIVED | self.next_derived;
        self.next_derived += 1;
        let num = Num { variable, value: self.sink.derived(numerator.value, denominator.value) };
        let a = self.var(num);
        self.enforce(name, &a, denominator, numerator);
        num
    }

    /// The tables' sides of all sums, and the sums.
    pub(super) fn finish_lookups(&mut self) {
        let Ranges::Lookups(Lookups { plan, challenge, multiplicities, sums }) =
            core::mem::replace(&mut self.ranges, Ranges::Bits)
        else {
            return;
        };
        for (table, (multiplicities, mut sum)) in plan.tables.iter().zip(multiplicities.into_iter().zip(sums)) {
            for (row, count) in multiplicities.into_iter().enumerate() {
                self.enter_element(row);
                let multiplicity = self.witness(Fr::from(count));
                let numerator = self.var(multiplicity);
                let denominator = self.lc().add(Fr::one(), challenge).plus(-table.row(row));
                let share = self.derived("lookup.row", &numerator, &denominator);
                sum.push(-Fr::one(), share);
            }
            let zero = self.lc();
            self.enforce_equal("lookup.sum", &sum, &zero);
        }
    }

    /// `count` bits that add up to `value`, least significant first: `value` is in `[0, 2^count)`. Two constraint
    /// names: of the booleans, and of the sum.
    pub fn decompose(&mut self, names: [&'static str; 2], value: &Lc, count: usize) -> Vec<Num> {
        debug_assert!(count < Fr::MODULUS_BIT_SIZE as usize - 1, "bits must not wrap around the field");
        let bits = self.bits(names[0], value.value, count);
        let sum = self.weighted(&bits);
        self.enforce_equal(names[1], value, &sum);
        bits
    }

    /// `Σ bits[i] · 2^i`.
    pub fn weighted(&self, bits: &[Num]) -> Lc {
        let mut sum = self.lc();
        let mut weight = Fr::one();
        for &bit in bits {
            sum.push(weight, bit);
            weight.double_in_place();
        }
        sum
    }

    /// One if `difference ≥ 0`, else zero, for a difference within `bounds`; constant where the bounds decide. By the
    /// top bit of `difference + 2^n`. Two constraint names: of the bits, and of their sum.
    pub fn is_nonnegative(&mut self, names: [&'static str; 2], difference: &Lc, bounds: Interval) -> Lc {
        if bounds.lo >= 0 {
            return self.constant(Fr::one());
        }
        if bounds.hi < 0 {
            return self.lc();
        }
        let n = width(-1 - bounds.lo).max(width(bounds.hi));
        let shifted = difference.clone().plus(power(n));
        if let Ranges::Bits = self.ranges {
            let bits = self.decompose(names, &shifted, n + 1);
            return self.var(bits[n]);
        }
        let top = self.boolean(names[0], shifted.value.into_bigint().get_bit(n));
        let low = shifted.add(-power(n), top);
        self.range(names, &low, n);
        self.var(top)
    }

    /// A witness that equals `then` if the bit `condition` is one, else `otherwise`.
    pub fn select(&mut self, name: &'static str, condition: &Lc, then: &Lc, otherwise: &Lc) -> Num {
        let step = then.clone().add_lc(-Fr::one(), otherwise);
        let selected = self.witness(otherwise.value + condition.value * step.value);
        let change = self.var(selected).add_lc(-Fr::one(), otherwise);
        self.enforce(name, &step, condition, &change);
        selected
    }

    /// A witness that is one if `x` is zero, else zero. All three witnesses are unique, the hint too.
    pub fn is_zero(&mut self, names: [&'static str; 3], x: &Lc) -> Num {
        let inverse = self.witness(x.value.inverse().unwrap_or_default());
        let zero = self.witness(if x.value.is_zero() { Fr::one() } else { Fr::zero() });
        let (inverse_lc, zero_lc) = (self.var(inverse), self.var(zero));
        let not = self.lc().add(-Fr::one(), zero).plus(Fr::one());
        let nothing = self.lc();
        self.enforce(names[0], x, &inverse_lc, &not);
        self.enforce(names[1], x, &zero_lc, &nothing);
        // Without this the inverse of zero would be free.
        self.enforce(names[2], &inverse_lc, &zero_lc, &nothing);
        zero
    }
}

/// A field element from a signed integer.
pub(super) fn fr(v: i64) -> Fr {
    Fr::from(v)
}

/// `2^i`.
pub(super) fn power(i: usize) -> Fr {
    Fr::from(2u64).pow([i as u64])
}

/// Number of bits that hold `0..=v`.
pub(super) fn width(v: i64) -> usize {
    (i64::BITS - v.leading_zeros()) as usize
}

/// The value as a small signed integer, if it is one.
pub(super) fn small(value: &Fr) -> Option<i64> {
    let limbs = value.into_bigint().0;
    if limbs[1..] == [0, 0, 0] && limbs[0] <= i32::MAX as u64 {
        return Some(limbs[0] as i64);
    }
    let limbs = (-*value).into_bigint().0;
    (limbs[1..] == [0, 0, 0] && limbs[0] <= i32::MAX as u64).then(|| -(limbs[0] as i64))
}
