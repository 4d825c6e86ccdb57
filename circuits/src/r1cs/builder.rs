//! Linear combinations that carry their value, and the builder that gadgets write to.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup as _, BigInteger as _, Field as _, One as _, PrimeField as _, Zero as _};

use super::lookup::{Plan, Requests, Step, StepRequest};
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
    /// Whether a variable is in it.
    varies: bool,
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
        self.varies = true;
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
        self.varies |= other.varies;
        if self.tracked {
            self.terms.extend(other.terms.iter().map(|&(v, c)| (v, c * coefficient)));
        }
        self
    }

    /// Whether no variable is in it, so that its value is the same for every witness.
    pub fn is_constant(&self) -> bool {
        !self.varies
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
    /// `2^−i`: an inversion for every element would cost more than its constraints.
    inverse_powers: [Fr; 64],
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
        let half = Fr::from(2u64).inverse().unwrap_or_default();
        let mut inverse_powers = [Fr::one(); 64];
        for i in 1..inverse_powers.len() {
            inverse_powers[i] = inverse_powers[i - 1] * half;
        }
        let place = Place { relation: 0, element: 0, name: "" };
        Self { sink, next, next_derived: 0, place, ranges, inverse_powers }
    }

    /// A builder that collects what is asked for.
    pub(super) fn collect(sink: &'s mut S, public_inputs: usize) -> Self {
        Self { ranges: Ranges::Collect(Requests::default()), ..Self::new(sink, public_inputs, None) }
    }

    /// Number of variables so far: with the constant one and the public inputs, and of those that are derived.
    pub fn variables(&self) -> [u32; 2] {
        [self.next, self.next_derived]
    }

    /// `2^−i`, for `i` below 64.
    pub(super) fn inverse_power(&self, i: usize) -> Fr {
        self.inverse_powers[i]
    }

    /// How the elements of one of the current relation's functions are proven; none where it is only being collected what
    /// is asked for, so that nothing has to be constrained.
    pub(super) fn step(&mut self, function: usize, request: impl FnOnce() -> StepRequest) -> Option<&'s Step> {
        let key = (self.place.relation, function);
        match &mut self.ranges {
            Ranges::Bits => Some(&Step::Bits),
            Ranges::Collect(requests) => {
                requests.steps.entry(key).or_insert_with(request).count += 1;
                None
            }
            Ranges::Lookups(l) => Some(l.plan.step(key).unwrap_or(&Step::Bits)),
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
        Lc { value, terms: if S::TERMS { terms() } else { Vec::new() }, tracked: S::TERMS, varies: true }
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
                let mut bits = 0;
                for (num, &(_, width, table)) in low.iter().zip(&limbs) {
                    let limb = self.var(*num);
                    self.look_up_limb(names[0], &limb, width, table);
                    rest.push(-power(bits), *num);
                    bits += width as usize;
                }
                // The top limb is what remains: no witness, and no sum to constrain.
                let top_limb = rest.scale(self.inverse_power(bits));
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
            return self.top_bit(names, &shifted, n);
        }
        let top = self.boolean(names[0], shifted.value.into_bigint().get_bit(n));
        let low = shifted.add(-power(n), top);
        self.range(names, &low, n);
        self.var(top)
    }

    /// Bit `n` of a value below `2^(n+1)`, by bits whatever ranges are proven by.
    pub(super) fn top_bit(&mut self, names: [&'static str; 2], value: &Lc, n: usize) -> Lc {
        let bits = self.decompose(names, value, n + 1);
        self.var(bits[n])
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
    if i < 64 { Fr::from(1u64 << i) } else { Fr::from(2u64).pow([i as u64]) }
}

/// Number of bits that hold `0..=v`.
pub(super) fn width(v: i64) -> usize {
    (i64::BITS - v.leading_zeros()) as usize
}

/// The value as a signed integer of at most 127 bits and a sign, if it is one.
pub(super) fn signed(value: &Fr) -> Option<i128> {
    let integer = |value: Fr| match value.into_bigint().0 {
        [low, high, 0, 0] if high >> 63 == 0 => Some((i128::from(high) << 64) | i128::from(low)),
        _ => None,
    };
    integer(*value).or_else(|| integer(-*value).map(|v| -v))
}

/// The value as a small signed integer, if it is one.
pub(super) fn small(value: &Fr) -> Option<i64> {
    signed(value).and_then(|v| i64::try_from(v).ok())
}

#[cfg(test)]
pub(super) mod tests {
    use alloc::vec;

    use super::{
        super::{checker::Checker, closure::Closure},
        *,
    };

    pub(in super::super) fn challenge() -> Fr {
        Fr::from(3u64).pow([100])
    }

    /// What a gadget and its lookups constrain, with some witnesses replaced. The challenge is variable 1, so the first
    /// witness is variable 2.
    pub(in super::super) fn check_at(
        challenge: Fr,
        plan: &Plan,
        tamper: &[(u32, Fr)],
        gadget: impl FnOnce(&mut Builder<'_, Checker>),
    ) -> Checker {
        let mut checker = Checker::new(&[challenge]);
        checker.tamper = tamper.iter().copied().collect();
        let mut b = Builder::new(&mut checker, 0, Some(plan));
        gadget(&mut b);
        b.enter_relation(1);
        b.finish_lookups();
        checker
    }

    /// The rows of the tables whose sums fail, where nothing else does.
    #[track_caller]
    pub(in super::super) fn failing_sums(checker: &Checker) -> Vec<usize> {
        let sum = |place: &Place| {
            assert_eq!(place.name, "lookup.sum", "{:?}", checker.failures);
            place.element + 1
        };
        checker.failures.iter().map(sum).collect()
    }

    const X: u32 = 2;
    const NAMES: [&str; 2] = ["limb", "sum"];

    /// A value in `[0, 2^10)` by parts of 4, 4 and 2 bits, the last looked up twice.
    struct TenBits(Plan);

    impl TenBits {
        const LOW: u32 = X + 1;
        const MIDDLE: u32 = X + 2;
        const FIRST_ROW: u32 = X + 3;

        fn new() -> Self {
            let plan = Plan::of(&[4], &[10]);
            let limbs = plan.limbs(10).unwrap();
            assert_eq!((&limbs.widths, &limbs.tables), (&vec![4, 4, 2], &vec![4, 4, 4]));
            Self(plan)
        }

        fn check_at(&self, challenge: Fr, value: Fr, tamper: &[(u32, Fr)]) -> Checker {
            check_at(challenge, &self.0, tamper, |b| {
                let x = b.witness(value);
                let x = b.var(x);
                b.range(NAMES, &x, 10);
            })
        }

        fn check(&self, value: Fr, tamper: &[(u32, Fr)]) -> Checker {
            self.check_at(challenge(), value, tamper)
        }

        fn names(&self, value: Fr, tamper: &[(u32, Fr)]) -> Vec<&'static str> {
            self.check(value, tamper).failures.iter().map(|f| f.name).collect()
        }
    }

    #[test]
    fn exactly_the_values_of_a_range_have_limbs() {
        let range = TenBits::new();
        for v in 0..1024 {
            assert_eq!(range.check(fr(v), &[]).failures, []);
        }
        let half = fr(2).inverse().unwrap();
        for v in [fr(1024), fr(1025), fr(4095), fr(4096), fr(1 << 32), fr(-1), fr(-1024), half, power(200), -power(200)]
        {
            assert_eq!(failing_sums(&range.check(v, &[])), [16]);
        }
    }

    /// Every way to cut 300 beside the right one, (12, 2, 1): with parts that are rows of a wider table, and beyond.
    #[test]
    fn a_limb_out_of_its_table_cannot_be_made_up_for() {
        let range = TenBits::new();
        assert_eq!(range.check(fr(300), &[]).assignment[X as usize + 1..][..2], [fr(12), fr(2)]);
        for low in -40..40 {
            for middle in -40..40 {
                let forged = [(TenBits::LOW, fr(low)), (TenBits::MIDDLE, fr(middle))];
                let names = range.names(fr(300), &forged);
                assert_eq!(names.is_empty(), (low, middle) == (12, 2), "{low}, {middle}");
                assert!(names.iter().all(|n| *n == "lookup.sum"));
            }
        }
        // The lowest part too large by one of the next, and the one above too small.
        let carried = [(TenBits::LOW, fr(12 + 16)), (TenBits::MIDDLE, fr(1))];
        assert_eq!(failing_sums(&range.check(fr(300), &carried)), [16]);
    }

    /// Without the second lookup of the last part, 1024 to 4095 would pass.
    #[test]
    fn a_narrowed_part_is_checked_to_its_own_width() {
        let range = TenBits::new();
        for top in 4..16 {
            let checker = range.check(fr(300 + (top - 1) * 256), &[]);
            assert_eq!(failing_sums(&checker), [16]);
            // Its own lookup finds a row; that of the shifted one does not.
            let found: Fr = checker.assignment[TenBits::FIRST_ROW as usize..].iter().sum();
            assert_eq!(found, fr(3));
        }
    }

    #[test]
    fn multiplicities_inverses_and_shares_are_determined() {
        let range = TenBits::new();
        for row in 0..16 {
            let honest = range.check(fr(300), &[]).assignment[(TenBits::FIRST_ROW + row) as usize];
            for change in [fr(1), fr(-1), power(100)] {
                assert_eq!(range.names(fr(300), &[(TenBits::FIRST_ROW + row, honest + change)]), ["lookup.sum"]);
            }
        }
        let derived = range.check(fr(300), &[]).derived;
        assert_eq!(derived.len(), 4 + 16);
        for (i, &value) in derived.iter().enumerate() {
            let forged = [(DERIVED | i as u32, value + fr(1))];
            assert_eq!(range.names(fr(300), &forged), [if i < 4 { "limb" } else { "lookup.row" }, "lookup.sum"]);
        }
        // Made up for within the sum.
        let forged = [(DERIVED, derived[0] + fr(1)), (DERIVED | 1, derived[1] - fr(1))];
        assert_eq!(range.names(fr(300), &forged), ["limb", "limb"]);
        let forged = [(DERIVED, derived[0] + fr(1)), (DERIVED | 9, derived[9] + fr(1))];
        assert_eq!(range.names(fr(300), &forged), ["limb", "lookup.row"]);
    }

    /// One sum for all tables would accept this: a value that only the other table has, counted there.
    #[test]
    fn each_table_has_a_sum_of_its_own() {
        let plan = Plan::of(&[3, 5], &[3, 5]);
        let check = |tamper: &[(u32, Fr)]| {
            check_at(challenge(), &plan, tamper, |b| {
                for (value, bits) in [(20, 3), (6, 5)] {
                    let x = b.witness(fr(value));
                    let x = b.var(x);
                    b.range(NAMES, &x, bits);
                }
            })
        };
        assert_eq!(failing_sums(&check(&[])), [8]);
        assert_eq!(check(&[(X, fr(7))]).failures, []);
        let row = |table: u32, row: u32| X + 2 + 8 * table + row;
        let forged = check(&[(row(1, 20), fr(1))]);
        assert_eq!(failing_sums(&forged), [8, 32]);
        let (queries, shares) = forged.derived.split_at(2);
        assert_eq!(queries.iter().sum::<Fr>(), shares.iter().sum::<Fr>());
    }

    /// Who knows the challenge before the commitment fits one multiplicity to it, and everything holds; at any other
    /// challenge the same witnesses fail.
    #[test]
    fn a_known_challenge_lets_any_value_pass_and_a_fresh_one_none() {
        let range = TenBits::new();
        for value in [fr(1024), fr(-1), power(100)] {
            for row in [0, 7, 15] {
                let honest = range.check(value, &[]);
                assert_eq!(failing_sums(&honest), [16]);
                let (queries, shares) = honest.derived.split_at(4);
                let missing = queries.iter().sum::<Fr>() - shares.iter().sum::<Fr>();
                let multiplicity = TenBits::FIRST_ROW + row;
                let fit = missing * (challenge() - fr(row.into()));
                let forged = [(multiplicity, honest.assignment[multiplicity as usize] + fit)];
                assert_eq!(range.check(value, &forged).failures, []);
                for fresh in [challenge() + fr(1), -challenge(), power(200)] {
                    assert_eq!(failing_sums(&range.check_at(fresh, value, &forged)), [16]);
                }
            }
        }
    }

    #[test]
    fn one_value_may_be_looked_up_many_times() {
        let plan = Plan::of(&[3], &[3]);
        let check = |tamper: &[(u32, Fr)]| {
            check_at(challenge(), &plan, tamper, |b| {
                let x = b.witness(fr(5));
                let x = b.var(x);
                (0..9).for_each(|_| b.range(NAMES, &x, 3));
            })
        };
        let honest = check(&[]);
        assert_eq!((honest.failures.as_slice(), honest.assignment[X as usize + 1 + 5]), ([].as_slice(), fr(9)));
        assert_eq!(failing_sums(&check(&[(X, fr(8))])), [8]);
    }

    #[test]
    fn a_range_of_no_bits_is_zero() {
        let plan = Plan::of(&[3], &[]);
        let failures = |value| {
            let checker = check_at(challenge(), &plan, &[], |b| {
                let x = b.witness(value);
                let x = b.var(x);
                b.range(NAMES, &x, 0);
            });
            checker.failures.iter().map(|f| f.name).collect::<Vec<_>>()
        };
        assert_eq!(failures(fr(0)), [""; 0]);
        assert_eq!(failures(fr(1)), ["sum"]);
    }

    #[test]
    fn comparisons_are_exact_and_their_bit_cannot_be_another() {
        // −5 ≤ d ≤ 9: 16 is added, and the top of five bits is the answer.
        let bounds = Interval::new(-5, 9);
        let plan = Plan::of(&[3], &[4]);
        let check = |d: i64, tamper: &[(u32, Fr)]| {
            let mut answer = fr(0);
            let checker = check_at(challenge(), &plan, tamper, |b| {
                let d = b.witness(fr(d));
                let d = b.var(d);
                answer = b.is_nonnegative(["bit", "comparison"], &d, bounds).value;
            });
            (answer, checker)
        };
        for d in -16..16 {
            let (answer, checker) = check(d, &[]);
            assert_eq!((answer, checker.failures.as_slice()), (fr((d >= 0).into()), [].as_slice()));
            let (_, forged) = check(d, &[(X + 1, fr((d < 0).into()))]);
            assert_eq!(failing_sums(&forged), [8]);
            let (_, forged) = check(d, &[(X + 1, fr(2))]);
            assert_eq!(forged.failures.iter().map(|f| f.name).collect::<Vec<_>>(), ["bit", "lookup.sum"]);
        }
        for d in [16, -17, 1 << 40] {
            assert_eq!(failing_sums(&check(d, &[]).1), [8]);
        }
    }

    /// What the builder emits has the shape that setup demands.
    #[test]
    fn lookups_are_closed() {
        let plan = Plan::of(&[3, 4], &[4, 10]);
        let mut closure = Closure::new(Checker::new(&[challenge()]), Some(1));
        let mut b = Builder::new(&mut closure, 0, Some(&plan));
        for bits in [4, 10] {
            let x = b.witness(fr(9));
            let x = b.var(x);
            b.range(NAMES, &x, bits);
        }
        b.finish_lookups();
        assert_eq!(closure.finish().unwrap().failures, []);
    }

    /// A table of the one row 5, and a query of `x`. With a multiplicity that is not committed: chosen after the challenge.
    fn one_row<S: Sink>(sink: &mut S, x: Fr, is_committed: bool, multiplicity: impl FnOnce(Fr) -> Fr) {
        let mut b = Builder::new(sink, 1, None);
        let challenge = Num { variable: 1, value: b.sink.challenge() };
        let multiplicity = multiplicity(challenge.value);
        let x = b.witness(x);
        let one = b.constant(Fr::one());
        let multiplicity = if is_committed {
            b.witness(multiplicity)
        } else {
            let variable = DERIVED | b.next_derived;
            b.next_derived += 1;
            Num { variable, value: b.sink.derived(multiplicity, Fr::one()) }
        };
        let query = b.lc().add(Fr::one(), challenge).add(-Fr::one(), x);
        let inverse = b.derived("query", &one, &query);
        let row = b.lc().add(Fr::one(), challenge).plus(-fr(5));
        let multiplicity = b.var(multiplicity);
        let share = b.derived("row", &multiplicity, &row);
        let (sum, zero) = (b.lc().add(Fr::one(), inverse).add(-Fr::one(), share), b.lc());
        b.enforce_equal("sum", &sum, &zero);
    }

    /// Why the closure is checked: were a multiplicity computed from the challenge, any value would be in any table, at every
    /// challenge.
    #[test]
    fn an_uncommitted_multiplicity_forges_and_the_closure_refuses_it() {
        let challenges = [challenge(), challenge() + fr(1), power(200)];
        let fit = |x: Fr| move |challenge: Fr| (challenge - fr(5)) * (challenge - x).inverse().unwrap();
        let failures = |challenge, x, is_committed, multiplicity: &dyn Fn(Fr) -> Fr| {
            let mut checker = Checker::new(&[challenge]);
            one_row(&mut checker, x, is_committed, multiplicity);
            checker.failures.iter().map(|f| f.name).collect::<Vec<_>>()
        };
        for known in challenges {
            assert_eq!(failures(known, fr(5), true, &|_| fr(1)), [""; 0]);
            for x in [fr(6), fr(-1), power(100)] {
                // Not checked: it succeeds.
                assert_eq!(failures(known, x, false, &fit(x)), [""; 0]);
                // Committed, it is fitted to one challenge only.
                let committed = fit(x)(known);
                for fresh in challenges {
                    let expected: &[&str] = if fresh == known { &[] } else { &["sum"] };
                    assert_eq!(failures(fresh, x, true, &|_| committed), expected);
                }
            }
        }
        let closed = |is_committed| {
            let mut closure = Closure::new(Checker::new(&[challenge()]), Some(1));
            one_row(&mut closure, fr(6), is_committed, fit(fr(6)));
            closure.finish().map(|_| ()).map_err(|e| e.place.name)
        };
        assert_eq!(closed(true), Ok(()));
        assert_eq!(closed(false), Err("row"));
    }
}
