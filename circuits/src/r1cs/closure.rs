//! The closure of the lookup argument: everything that a challenge tests was committed before the challenge.
//!
//! On the expanded constraints, the only ones in which the challenge or a derived witness may stand are
//!
//! | constraint | A | B | C |
//! |---|---|---|---|
//! | definition | one derived witness that no other defines, once | the challenge, once, and what was committed | what was committed |
//! | sum | derived witnesses alone, each 1 or −1 times, and none that is in another sum | the constant one | nothing |
//!
//! and every derived witness has a definition and is in a sum: one that is in none would be a query that nothing tests.
//! Here *what was committed* is linear in first-phase witnesses, the constant one and the statement's public inputs.
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

/// Where a derived witness was met.
#[derive(Clone, Copy, Default)]
struct Derived {
    is_defined: bool,
    is_summed: bool,
}

/// Checks every constraint on its way to another sink.
pub struct Closure<S> {
    inner: S,
    challenge: Option<u32>,
    derived: Vec<Derived>,
    error: Option<ClosureError>,
}

impl<S: Sink> Closure<S> {
    /// A check of constraints whose challenge, if there is one, is this variable.
    pub fn new(inner: S, challenge: Option<u32>) -> Self {
        Self { inner, challenge, derived: Vec::new(), error: None }
    }

    /// The other sink, if no constraint broke the closure, and every derived witness is defined and in a sum.
    pub fn finish(self) -> Result<S, ClosureError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let missing = |what: &str, has: fn(&Derived) -> bool| match self.derived.iter().position(|d| !has(d)) {
            None => Ok(()),
            Some(i) => Err(ClosureError {
                place: Place { relation: 0, element: 0, name: "derived" },
                message: format!("derived witness {i} {what}"),
            }),
        };
        missing("has no definition", |d| d.is_defined)?;
        missing("is in no sum", |d| d.is_summed)?;
        Ok(self.inner)
    }

    fn check(&mut self, a: &Lc, b: &Lc, c: &Lc) -> Result<(), &'static str> {
        let is_derived = |v: u32| v & DERIVED != 0;
        let derived = |lc: &Lc| lc.terms.iter().any(|t| is_derived(t.0));
        let challenge =
            |lc: &Lc| lc.terms.iter().filter(|t| Some(t.0) == self.challenge).map(|t| t.1).collect::<Vec<Fr>>();
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
                if !(one && alone && zero) {
                    return Err("a sum of derived witnesses is not tested against zero");
                }
                for (variable, coefficient) in &a.terms {
                    match self.derived.get_mut((variable & !DERIVED) as usize) {
                        Some(d) if !d.is_summed && (coefficient.is_one() || (-*coefficient).is_one()) => {
                            d.is_summed = true;
                        }
                        Some(_) | None => return Err("a derived witness is in two sums, or scaled there"),
                    }
                }
                Ok(())
            }
            [coefficient] if coefficient.is_one() => {
                let [(variable, one)] = a.terms.as_slice() else { return Err("a definition of several witnesses") };
                match self.derived.get_mut((variable & !DERIVED) as usize) {
                    Some(d) if !d.is_defined && one.is_one() => d.is_defined = true,
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
        self.derived.push(Derived::default());
        self.inner.derived(numerator, denominator)
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;
    use crate::r1cs::builder::fr;

    /// Takes everything.
    struct Nothing;

    impl Sink for Nothing {
        const TERMS: bool = true;

        fn witness(&mut self, value: Fr) -> Fr {
            value
        }

        fn constraint(&mut self, _place: Place, _a: &Lc, _b: &Lc, _c: &Lc) {}
    }

    const ONE: u32 = 0;
    const PUBLIC: u32 = 1;
    const CHALLENGE: u32 = 2;
    const WITNESS: u32 = 3;
    const FIRST: u32 = DERIVED;
    const SECOND: u32 = DERIVED | 1;

    type Terms<'a> = &'a [(u32, i64)];

    fn lc(terms: Terms<'_>) -> Lc {
        let mut lc = Lc::default();
        lc.terms = terms.iter().map(|&(v, c)| (v, fr(c))).collect();
        lc
    }

    const DENOMINATOR: Terms<'_> = &[(CHALLENGE, 1), (WITNESS, -1)];
    const DEFINE_FIRST: [Terms<'_>; 3] = [&[(FIRST, 1)], DENOMINATOR, &[(ONE, 1)]];
    const DEFINE_SECOND: [Terms<'_>; 3] = [&[(SECOND, 1)], &[(CHALLENGE, 1), (ONE, -5)], &[(WITNESS, 1)]];
    const SUM: [Terms<'_>; 3] = [&[(FIRST, 1), (SECOND, -1)], &[(ONE, 1)], &[]];

    fn check_with(challenge: Option<u32>, derived: usize, stream: &[[Terms<'_>; 3]]) -> Result<(), ClosureError> {
        let mut closure = Closure::new(Nothing, challenge);
        (0..derived).for_each(|_| {
            closure.derived(fr(0), fr(0));
        });
        for (element, constraint) in stream.iter().enumerate() {
            let [a, b, c] = constraint.map(lc);
            closure.constraint(Place { relation: 7, element, name: "test" }, &a, &b, &c);
        }
        closure.finish().map(|_| ())
    }

    /// Two derived witnesses, defined, and then this.
    fn check(constraint: [Terms<'_>; 3]) -> Result<(), ClosureError> {
        check_with(Some(CHALLENGE), 2, &[DEFINE_FIRST, DEFINE_SECOND, constraint, SUM])
    }

    #[track_caller]
    fn refuses(constraint: [Terms<'_>; 3], message: &str) {
        let error = check(constraint).unwrap_err();
        assert!(error.message.contains(message), "{error}");
        assert_eq!((error.place.relation, error.place.element, error.place.name), (7, 2, "test"));
    }

    /// One more derived witness, defined like this.
    #[track_caller]
    fn refuses_definition(constraint: [Terms<'_>; 3], message: &str) {
        let error = check_with(Some(CHALLENGE), 2, &[DEFINE_FIRST, constraint, SUM]).unwrap_err();
        assert!(error.message.contains(message), "{error}");
        assert_eq!(error.place.element, 1);
    }

    #[test]
    fn definitions_and_sums_are_closed() {
        assert_eq!(check_with(Some(CHALLENGE), 0, &[]), Ok(()));
        assert_eq!(check_with(Some(CHALLENGE), 2, &[DEFINE_FIRST, DEFINE_SECOND, SUM]), Ok(()));
        // Constraints of committed variables alone; a query and a multiplicity may be any combination of them.
        assert_eq!(check([&[(WITNESS, 2), (PUBLIC, 1)], &[(WITNESS, 1)], &[(WITNESS, 3), (ONE, 1)]]), Ok(()));
        let wide = [(CHALLENGE, 1), (WITNESS, -3), (PUBLIC, 2), (ONE, 9)];
        let definition: [Terms<'_>; 3] = [&[(FIRST, 1)], &wide, &[(WITNESS, 4), (PUBLIC, -1)]];
        assert_eq!(check_with(Some(CHALLENGE), 1, &[definition, [&[(FIRST, -1)], &[(ONE, 1)], &[]]]), Ok(()));
        assert_eq!(check_with(None, 0, &[[&[(WITNESS, 1)], &[(WITNESS, 1)], &[(ONE, 1)]]]), Ok(()));
    }

    #[test]
    fn a_query_on_a_derived_witness_is_refused() {
        let message = "what was not committed";
        refuses_definition([&[(SECOND, 1)], &[(CHALLENGE, 1), (FIRST, -1)], &[(ONE, 1)]], message);
        // Through a combination of many terms.
        let query = [(CHALLENGE, 1), (WITNESS, -1), (ONE, 2), (FIRST, 5)];
        refuses_definition([&[(SECOND, 1)], &query, &[(ONE, 1)]], message);
        // On itself.
        refuses_definition([&[(SECOND, 1)], &[(CHALLENGE, 1), (SECOND, -1)], &[(ONE, 1)]], message);
    }

    #[test]
    fn a_query_on_the_challenge_is_refused() {
        let message = "more than once, or scaled";
        refuses_definition([&[(SECOND, 1)], &[(CHALLENGE, 2), (WITNESS, -1)], &[(ONE, 1)]], message);
        refuses_definition([&[(SECOND, 1)], &[(CHALLENGE, 1), (WITNESS, -1), (CHALLENGE, -1)], &[(ONE, 1)]], message);
        refuses_definition([&[(SECOND, 1)], &[(CHALLENGE, -1), (WITNESS, 1)], &[(ONE, 1)]], message);
    }

    #[test]
    fn a_multiplicity_that_is_not_committed_is_refused() {
        let message = "what was not committed";
        for numerator in [[(FIRST, 1)], [(SECOND, 1)], [(CHALLENGE, 1)]] {
            refuses_definition([&[(SECOND, 1)], DENOMINATOR, &numerator], message);
        }
        refuses_definition([&[(SECOND, 1)], DENOMINATOR, &[(WITNESS, 1), (ONE, 3), (CHALLENGE, -1)]], message);
    }

    #[test]
    fn a_definition_is_of_one_witness_once() {
        let message = "a definition of several witnesses";
        refuses_definition([&[(SECOND, 1), (FIRST, 1)], DENOMINATOR, &[(ONE, 1)]], message);
        refuses_definition([&[(SECOND, 1), (WITNESS, 1)], DENOMINATOR, &[(ONE, 1)]], message);
        refuses_definition([&[(SECOND, 1), (ONE, 1)], DENOMINATOR, &[(ONE, 1)]], message);
        let message = "is defined twice, or scaled";
        refuses_definition([&[(SECOND, 2)], DENOMINATOR, &[(ONE, 1)]], message);
        refuses_definition([&[(FIRST, 1)], DENOMINATOR, &[(ONE, 1)]], message);
        // One that was never allocated.
        refuses_definition([&[(DERIVED | 2, 1)], DENOMINATOR, &[(ONE, 1)]], message);
        refuses(DEFINE_SECOND, message);
    }

    #[test]
    fn a_derived_witness_without_a_definition_is_refused() {
        for (derived, stream, missing) in [
            (1, vec![], 0),
            (2, vec![DEFINE_FIRST], 1),
            (2, vec![DEFINE_SECOND, SUM], 0),
            (3, vec![DEFINE_FIRST, DEFINE_SECOND, SUM], 2),
        ] {
            let error = check_with(Some(CHALLENGE), derived, &stream).unwrap_err();
            assert_eq!(error.message, format!("derived witness {missing} has no definition"));
        }
    }

    #[test]
    fn a_derived_witness_in_another_constraint_is_refused() {
        let neither = "stands where neither may";
        refuses([&[(WITNESS, 1)], &[(FIRST, 1)], &[(WITNESS, 1)]], neither);
        refuses([&[(WITNESS, 1)], &[(WITNESS, 1)], &[(FIRST, 1)]], neither);
        refuses([&[], &[(ONE, 1)], &[(FIRST, 1), (SECOND, -1)]], neither);
        let product = "what was not committed";
        refuses([&[(FIRST, 1)], &[(SECOND, 1)], &[]], product);
        refuses([&[(FIRST, 1)], &[(ONE, 1)], &[(SECOND, 1)]], product);
        refuses([&[(FIRST, 1), (CHALLENGE, 1)], &[(ONE, 1)], &[]], product);
    }

    #[test]
    fn the_challenge_in_another_constraint_is_refused() {
        let message = "stands where neither may";
        for place in 0..3 {
            let mut constraint: [Terms<'_>; 3] = [&[(WITNESS, 1)], &[(WITNESS, 1)], &[(WITNESS, 1)]];
            constraint[place] = &[(WITNESS, 1), (CHALLENGE, 1)];
            refuses(constraint, message);
            constraint[place] = &[(CHALLENGE, 1)];
            refuses(constraint, message);
        }
    }

    #[test]
    fn a_sum_is_of_derived_witnesses_alone_and_zero() {
        let message = "is not tested against zero";
        for a in [[(FIRST, 1), (WITNESS, 1)], [(FIRST, 1), (PUBLIC, 1)], [(FIRST, 1), (ONE, 1)]] {
            refuses([&a, &[(ONE, 1)], &[]], message);
        }
        for b in [[(ONE, 2)], [(WITNESS, 1)], [(PUBLIC, 1)]] {
            refuses([&[(FIRST, 1)], &b, &[]], message);
        }
        refuses([&[(FIRST, 1)], &[], &[]], message);
        refuses([&[(FIRST, 1)], &[(ONE, 1), (WITNESS, 1)], &[]], message);
        for c in [[(ONE, 1)], [(WITNESS, 1)], [(PUBLIC, -1)]] {
            refuses([&[(FIRST, 1)], &[(ONE, 1)], &c], message);
        }
    }

    /// A query that is in no sum, in one only by half, or made up for in another.
    #[test]
    fn a_derived_witness_is_in_exactly_one_sum() {
        let definitions = [DEFINE_FIRST, DEFINE_SECOND];
        let check = |sums: &[Terms<'_>]| {
            let sums = sums.iter().map(|&a| [a, &[(ONE, 1)], &[]]);
            check_with(Some(CHALLENGE), 2, &definitions.into_iter().chain(sums).collect::<Vec<_>>())
        };
        assert_eq!(check(&[&[(FIRST, 1), (SECOND, -1)]]), Ok(()));
        assert_eq!(check(&[&[(FIRST, -1)], &[(SECOND, 1)]]), Ok(()));
        assert_eq!(check(&[]).unwrap_err().message, "derived witness 0 is in no sum");
        assert_eq!(check(&[&[(FIRST, 1)]]).unwrap_err().message, "derived witness 1 is in no sum");
        let wrong: [[Terms<'_>; 2]; 4] = [
            [&[(FIRST, 1), (SECOND, -1)], &[(FIRST, 1)]],
            [&[(FIRST, 1), (SECOND, -1), (FIRST, 1)], &[(SECOND, 1)]],
            [&[(FIRST, 2)], &[(SECOND, -1)]],
            [&[(FIRST, 0)], &[(SECOND, -1)]],
        ];
        for sums in wrong {
            let error = check(&sums).unwrap_err();
            assert!(error.message.contains("in two sums, or scaled"), "{error}");
        }
    }

    #[test]
    fn nothing_is_derived_without_a_challenge() {
        let error = check_with(None, 2, &[DEFINE_FIRST, DEFINE_SECOND, SUM]).unwrap_err();
        assert!(error.message.contains("is not tested against zero"), "{error}");
        let error = check_with(None, 2, &[SUM]).unwrap_err();
        assert_eq!(error.message, "derived witness 0 has no definition");
    }
}
