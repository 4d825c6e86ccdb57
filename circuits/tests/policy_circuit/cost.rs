//! What a data policy costs, pinned, and held against the budgets.

use std::{collections::BTreeMap, fmt::Write as _};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    policy::{Feature, Schema, Source},
    r1cs::{Fr, Lc, PUBLIC_INPUTS, Place, RangeChecks, Sink, Synthesizer},
};
use expect_test::{Expect, expect};

use crate::case::{BOTH, model, usual_quant};

/// Counts the constraints of the records by the clause that they come after: a hash belongs to what names it next.
#[derive(Default)]
struct Clauses {
    counts: BTreeMap<String, usize>,
    hash: usize,
    total: usize,
}

impl Sink for Clauses {
    const TERMS: bool = false;

    fn witness(&mut self, value: Fr) -> Fr {
        value
    }

    fn constraint(&mut self, place: Place, _a: &Lc, _b: &Lc, _c: &Lc) {
        if place.relation != 0 {
            return;
        }
        self.total += 1;
        if place.name.starts_with("poseidon") {
            self.hash += 1;
            return;
        }
        let mut parts = place.name.split('.');
        let _ = parts.next();
        let clause = parts.next().unwrap_or_default();
        *self.counts.entry(clause.into()).or_default() += 1 + std::mem::take(&mut self.hash);
    }
}

/// `features` of 16 bits, all of which reach the model.
fn schema(records: u16, features: u16) -> Schema {
    let feature =
        |i: u16| Feature { name: format!("f{i}"), bits: 16, signed: i % 2 == 1, scale: 0.01, offset: 0.0, fill: 0 };
    let inputs = (0..records).flat_map(|record| (0..features).map(move |feature| Source::Feature { record, feature }));
    Schema { records, features: (0..features).map(feature).collect(), inputs: inputs.collect() }
}

fn clauses(schema: &Schema, ranges: RangeChecks) -> Clauses {
    let circuit = Circuit::with_schema(&model(schema, usual_quant()), Disclosure::Commit, schema).unwrap();
    let mut clauses = Clauses::default();
    let synthesizer = Synthesizer::new(&circuit, ranges).unwrap();
    synthesizer.synthesize(&[Fr::from(0u64); PUBLIC_INPUTS], None, &mut clauses).unwrap();
    clauses
}

fn pin(ranges: RangeChecks, expected: &Expect) {
    let one = clauses(&schema(1, 16), ranges);
    let mut report = String::new();
    for (name, count) in &one.counts {
        writeln!(report, "{count:>6} {name}").unwrap();
    }
    writeln!(report, "{:>6} for one record of 16 features of 16 bits", one.total).unwrap();
    let [few, many] = [2, 24].map(|records| clauses(&schema(records, 16), ranges).total);
    writeln!(report, "{:>6} for each further record", (many - few).div_ceil(22)).unwrap();
    expected.assert_eq(&report);
}

#[test]
fn by_bits() {
    pin(
        RangeChecks::Bits,
        &expect![[r#"
            42 batch_number
            69 consent_categories
             1 consent_controller
            69 consent_purposes
          5297 consent_tree
           166 consent_validity
            66 device_class
          5219 device_tree
           164 device_validity
           128 epoch
           169 feature_mask
           272 feature_range
           132 geofence
            41 max_age
           350 nullifier
           256 nullifier_key
           462 policy
           493 policy_id
          1089 predicate
            41 record_width
           259 registry_root
             1 schema
          5045 signature
             1 subject
            83 window
            82 window_width
         19997 for one record of 16 features of 16 bits
          1598 for each further record
    "#]],
    );
}

#[test]
fn by_lookups() {
    pin(
        RangeChecks::Lookups,
        &expect![[r#"
             8 batch_number
            69 consent_categories
             1 consent_controller
            69 consent_purposes
          5297 consent_tree
            30 consent_validity
            66 device_class
          5219 device_tree
            28 device_validity
            26 epoch
           169 feature_mask
            48 feature_range
            24 geofence
             7 max_age
           350 nullifier
           256 nullifier_key
           174 policy
           493 policy_id
           977 predicate
             7 record_width
           259 registry_root
             1 schema
          4987 signature
             1 subject
            15 window
            14 window_width
         18595 for one record of 16 features of 16 bits
          1085 for each further record
    "#]],
    );
}

#[test]
fn budgets_are_met() {
    for ranges in BOTH {
        let one = clauses(&schema(1, 16), ranges);
        assert!(one.total <= 20_000);
    }
}
