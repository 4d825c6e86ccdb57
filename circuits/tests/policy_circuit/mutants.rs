//! No witness of the records can be another: neither alone, nor with all hints that follow from it.

use std::collections::BTreeMap;

use ark_ff::{AdditiveGroup as _, Field as _, Zero as _};
use avouch_circuits::{
    policy::{Feature, Item, Schema, Source},
    r1cs::{Checker, DERIVED, Fr, Lc, Place, RangeChecks, Sink},
};
use rayon::prelude::*;

use crate::{
    case::{BOTH, Case, challenge},
    statements::{Case as Statement, Shape},
};

/// All clauses on, and as little of everything as has every kind of witness: two records of two features, one masked.
fn small(ranges: RangeChecks) -> Case {
    let mut x = Statement::new(Shape { records: 2, features: 2, predicates: 1, item: Item::Epoch, ..Shape::FULL }, 4);
    let feature =
        |name: &str, bits, signed, fill| Feature { name: name.into(), bits, signed, scale: 0.5, offset: 0.0, fill };
    let inputs = [(0, 0), (1, 0), (0, 1)].map(|(record, feature)| Source::Feature { record, feature }).to_vec();
    x.schema = Schema { records: 2, features: vec![feature("a", 6, true, -3), feature("b", 5, false, 9)], inputs };
    x.policy.schema = x.schema.id();
    x.policy.features = 1;
    x.policy.predicates[0].feature = 0;
    x.policy.predicates[0].value = -20;
    x.policy.predicates[0].at_least = true;
    for (i, r) in x.records.iter_mut().enumerate() {
        r.features = vec![-20 + 7 * i as i64, 11];
    }
    let case = Case::new(ranges, &x.inputs());
    assert_eq!(case.failures(&[]), [""; 0]);
    case
}

/// The constraints of the records, and in which of them each witness stands.
#[derive(Default)]
struct Matrix {
    rows: Vec<[Vec<(u32, Fr)>; 3]>,
    rows_of: BTreeMap<u32, Vec<usize>>,
}

struct Recorder {
    checker: Checker,
    matrix: Matrix,
}

impl Sink for Recorder {
    const TERMS: bool = true;

    fn witness(&mut self, value: Fr) -> Fr {
        self.checker.witness(value)
    }

    fn challenge(&self) -> Fr {
        self.checker.challenge()
    }

    fn derived(&mut self, numerator: Fr, denominator: Fr) -> Fr {
        self.checker.derived(numerator, denominator)
    }

    fn constraint(&mut self, place: Place, a: &Lc, b: &Lc, c: &Lc) {
        self.checker.constraint(place, a, b, c);
        let row = [a, b, c].map(|lc| lc.terms.clone());
        let mut variables: Vec<u32> = row.iter().flatten().map(|t| t.0).collect();
        variables.sort_unstable();
        variables.dedup();
        for v in variables {
            self.matrix.rows_of.entry(v).or_default().push(self.matrix.rows.len());
        }
        self.matrix.rows.push(row);
    }
}

/// Every witness, those within hashes too, takes wrong values while all others stay.
#[test]
fn every_witness_is_determined_by_the_others() {
    for ranges in BOTH {
        let case = small(ranges);
        let synthesizer = case.synthesizer();
        let mut recorder = Recorder { checker: case.checker(&synthesizer), matrix: Matrix::default() };
        synthesizer.synthesize(&case.public, Some(&case.witness), &mut recorder).unwrap();
        let Recorder { checker, matrix } = recorder;
        assert_eq!(checker.failures, []);
        let value = |v: u32| match v & DERIVED {
            0 => checker.assignment[v as usize],
            _ => checker.derived[(v & !DERIVED) as usize],
        };
        let first = synthesizer.public_inputs() as u32 + 1;
        let committed = first..checker.assignment.len() as u32;
        let derived = (0..checker.derived.len() as u32).map(|i| DERIVED | i);
        let variables: Vec<u32> = committed.chain(derived).collect();
        let (one, shifted) = (Fr::from(1u64), Fr::from(2u64).pow([40]));
        let survivors: Vec<u32> = variables
            .into_par_iter()
            .filter(|&v| {
                let honest = value(v);
                let forged =
                    [honest + one, honest - one, -honest, one - honest, honest.double(), honest + shifted, Fr::zero()];
                let passes = |forged: Fr| {
                    let at = |u: u32| if u == v { forged } else { value(u) };
                    matrix.rows_of.get(&v).is_none_or(|rows| {
                        rows.iter().all(|&row| {
                            let sum = |lc: &Vec<(u32, Fr)>| lc.iter().map(|&(u, c)| at(u) * c).sum::<Fr>();
                            let [a, b, c] = matrix.rows[row].each_ref().map(sum);
                            a * b == c
                        })
                    })
                };
                forged.into_iter().any(|f| f != honest && passes(f))
            })
            .collect();
        assert_eq!(survivors, [0; 0], "{ranges:?}");
    }
}

/// Replaces one witness and notes whether a constraint fails; hints follow.
struct Mutant {
    variable: u32,
    value: Fr,
    next: u32,
    rejected: bool,
}

impl Sink for Mutant {
    const TERMS: bool = false;

    fn witness(&mut self, value: Fr) -> Fr {
        let variable = self.next;
        self.next += 1;
        if variable == self.variable { self.value } else { value }
    }

    fn challenge(&self) -> Fr {
        challenge()
    }

    fn derived(&mut self, numerator: Fr, denominator: Fr) -> Fr {
        numerator * denominator.inverse().unwrap_or_default()
    }

    fn constraint(&mut self, _place: Place, a: &Lc, b: &Lc, c: &Lc) {
        self.rejected |= a.value * b.value != c.value;
    }
}

/// Every witness but those within hashes and sums of points takes a wrong value, and everything computed from it follows
/// honestly.
#[test]
fn no_witness_can_be_another_with_the_rest_following() {
    for ranges in BOTH {
        let case = small(ranges);
        let synthesizer = case.synthesizer();
        let (honest, _) = case.check(&synthesizer, &[]);
        let first = synthesizer.public_inputs() as u32 + 1;
        let inner = |name: &str| name.starts_with("poseidon") || name == "policy.signature";
        let is_inner = |v: u32| honest.origins[v as usize].is_some_and(|p| inner(p.name));
        let variables: Vec<u32> = (first..honest.assignment.len() as u32).filter(|&v| !is_inner(v)).collect();
        assert!(variables.len() > 1_000);
        let survivors: Vec<(u32, Option<Place>)> = variables
            .into_par_iter()
            .filter(|&variable| {
                let value = Fr::from(1u64) - honest.assignment[variable as usize];
                let mut mutant = Mutant { variable, value, next: first, rejected: false };
                synthesizer.synthesize(&case.public, Some(&case.witness), &mut mutant).unwrap();
                !mutant.rejected
            })
            .map(|v| (v, honest.origins[v as usize]))
            .collect();
        assert_eq!(survivors, [], "{ranges:?}");
    }
}
