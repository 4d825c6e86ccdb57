//! A sink that checks constraints one by one and can replace one witness: the tool of negative tests.

use alloc::vec::Vec;

use ark_bn254::Fr;
use ark_ff::Field as _;

use super::builder::{DERIVED, Lc, Place, Sink};

/// A constraint that does not hold.
pub type Failure = Place;

/// Checks every constraint as it is emitted, on values and on terms, and remembers those that fail.
#[derive(Default)]
pub struct Checker {
    /// Values by variable: one, the public inputs, then the witnesses so far.
    pub assignment: Vec<Fr>,
    /// Values of the witnesses that are derived from the challenge so far.
    pub derived: Vec<Fr>,
    /// Constraints that do not hold, in order.
    pub failures: Vec<Failure>,
    /// Number of constraints seen.
    pub constraints: usize,
    /// Replaces the witness of this variable; everything computed from it follows.
    pub tamper: Option<(u32, Fr)>,
}

impl Checker {
    /// A checker for a statement: the constant one and the public inputs, of which the challenge, where the circuit has one,
    /// is the last.
    pub fn new(public_inputs: &[Fr]) -> Self {
        let mut assignment = alloc::vec![Fr::from(1u64)];
        assignment.extend_from_slice(public_inputs);
        Self { assignment, ..Self::default() }
    }

    fn eval(&self, lc: &Lc) -> Fr {
        let value = |v: u32| match v & DERIVED {
            0 => self.assignment[v as usize],
            _ => self.derived[(v & !DERIVED) as usize],
        };
        lc.terms.iter().map(|&(v, c)| value(v) * c).sum()
    }
}

impl Sink for Checker {
    const TERMS: bool = true;

    fn witness(&mut self, value: Fr) -> Fr {
        let value = match self.tamper {
            Some((variable, forged)) if variable as usize == self.assignment.len() => forged,
            _ => value,
        };
        self.assignment.push(value);
        value
    }

    fn challenge(&self) -> Fr {
        // Asked for before the first witness.
        self.assignment.last().copied().unwrap_or_default()
    }

    fn derived(&mut self, numerator: Fr, denominator: Fr) -> Fr {
        let value = numerator * denominator.inverse().unwrap_or_default();
        self.derived.push(value);
        value
    }

    fn constraint(&mut self, place: Place, a: &Lc, b: &Lc, c: &Lc) {
        self.constraints += 1;
        let [x, y, z] = [a, b, c].map(|lc| self.eval(lc));
        debug_assert!([x, y, z] == [a.value, b.value, c.value], "{place:?}: terms and value disagree");
        if x * y != z {
            self.failures.push(place);
        }
    }
}
