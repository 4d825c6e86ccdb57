//! Linear combinations that carry their value, and the builder that gadgets write to.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::{AdditiveGroup as _, BigInteger as _, Field as _, One as _, PrimeField as _, Zero as _};

use crate::circuit::Interval;

/// A variable with its value: index 0 is the constant one, 1 to 8 are the public inputs, witnesses follow.
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
}

/// Allocates variables and emits constraints.
pub struct Builder<'s, S: Sink> {
    sink: &'s mut S,
    next: u32,
    place: Place,
}

impl<'s, S: Sink> Builder<'s, S> {
    pub(super) fn new(sink: &'s mut S, first_witness: u32) -> Self {
        Self { sink, next: first_witness, place: Place { relation: 0, element: 0, name: "" } }
    }

    /// Number of variables so far, the constant one and the public inputs included.
    pub fn variables(&self) -> u32 {
        self.next
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
        let bits = self.decompose(names, &difference.clone().plus(power(n)), n + 1);
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
