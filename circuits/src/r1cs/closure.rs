//! The closure of the lookup argument: everything that a challenge tests was committed before the challenge.
//!
//! On the expanded constraints, the only ones in which the challenge or a derived witness may stand are
//!
//! | constraint | A | B | C |
//! |---|---|---|---|
//! | definition | one derived witness that no other defines, once | the challenge, once, and what was committed | what was committed |
//! | sum | derived witnesses alone | the constant one | nothing |
//!
//! where *what was committed* is linear in first-phase witnesses, the constant one and the statement's public inputs.
//! Otherwise a prover who knows the challenge could choose a query, a multiplicity or a table entry to fit it.

use alloc::{format, string::String, vec::Vec};

use ark_bn254::Fr;
use ark_ff::{One as _, Zero as _};

use super::builder::{DERIVED, Lc, Place, Sink};

/// A constraint that breaks the closure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("relation {}, {}: {message}; this circuit would let a prover fit witnesses to the challenge", .place.relation, .place.name)]
pub struct ClosureError {
    /// Where it stands.
    pub place: Place,
    /// What is wrong.
    pub message: String,
}

/// Checks every constraint on its way to another sink.
pub struct Closure<S> {
    inner: S,
    challenge: Option<u32>,
    /// Derived witnesses that have their definition.
    defined: Vec<bool>,
    error: Option<ClosureError>,
}

impl<S: Sink> Closure<S> {
    /// A check of constraints whose challenge, if there is one, is this variable.
    pub fn new(inner: S, challenge: Option<u32>) -> Self {
        Self { inner, challenge, defined: Vec::new(), error: None }
    }

    /// The other sink, if no constraint broke the closure and every derived witness is defined.
    pub fn finish(self) -> Result<S, ClosureError> {
        match self.error {
            Some(e) => Err(e),
            None => match self.defined.iter().position(|d| !d) {
                None => Ok(self.inner),
                Some(i) => Err(ClosureError {
                    place: Place { relation: 0, element: 0, name: "derived" },
                    message: format!("derived witness {i} has no definition"),
                }),
            },
        }
    }

    fn check(&mut self, a: &Lc, b: &Lc, c: &Lc) -> Result<(), &'static str> {
        let is_derived = |v: u32| v & DERIVED != 0;
        let derived = |lc: &Lc| lc.terms.iter().any(|t| is_derived(t.0));
        let challenge = |lc: &Lc| lc.terms.iter().filter(|t| Some(t.0) == self.challenge).map(|t| t.1).collect::<Vec<Fr>>();
        if !derived(a) {
            let clean = |lc: &Lc| !derived(lc) && challenge(lc).is_empty();
            return if clean(a) && clean(b) && clean(c) {
                Ok(())
            } else {
                Err("the challenge or a derived witness stands where neither may")
            };
        }
        if derived(b) || derived(c) || !challenge(a).is_empty() || !challenge(c).is_empty() {
            return Err("a derived witness or the challenge is multiplied with, or equals, what was not committed");
        }
        match challenge(b).as_slice() {
            [] => {
                let one = matches!(b.terms.as_slice(), [(0, c)] if c.is_one());
                let alone = a.terms.iter().all(|t| is_derived(t.0));
                let zero = c.terms.iter().all(|t| t.1.is_zero());
                if one && alone && zero { Ok(()) } else { Err("a sum of derived witnesses is not tested against zero") }
            }
            [coefficient] if coefficient.is_one() => {
                let [(variable, one)] = a.terms.as_slice() else { return Err("a definition of several witnesses") };
                let defined = self.defined.get_mut((variable & !DERIVED) as usize);
                match defined {
                    Some(d) if !*d && one.is_one() => *d = true,
                    Some(_) | None => return Err("a derived witness is defined twice, or scaled"),
                }
                Ok(())
            }
            _ => Err("the challenge stands more than once, or scaled"),
        }
    }
}

impl<S: Sink> Sink for Closure<S> {
    const TERMS: bool = true;

    fn witness(&mut self, value: Fr) -> Fr {
        self.inner.witness(value)
    }

    fn constraint(&mut self, place: Place, a: &Lc, b: &Lc, c: &Lc) {
        if self.error.is_none() {
            self.error = self.check(a, b, c).err().map(|message| ClosureError { place, message: message.into() });
        }
        self.inner.constraint(place, a, b, c);
    }

    fn challenge(&self) -> Fr {
        self.inner.challenge()
    }

    fn derived(&mut self, numerator: Fr, denominator: Fr) -> Fr {
        self.defined.push(false);
        self.inner.derived(numerator, denominator)
    }
}
