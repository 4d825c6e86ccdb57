//! What a data policy costs, pinned, and held against the budgets.

use std::{collections::BTreeMap, fmt::Write as _};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    policy::{Feature, Schema, Source},
    r1cs::{Fr, Lc, PUBLIC_INPUTS, Place, RangeChecks, Sink, Synthesizer},
};
use expect_test::{Expect, expect};

use crate::case::{model, usual_quant};

/// Constraints of a clause: its own, and those of the hashes that it comes after.
#[derive(Clone, Copy, Default)]
struct Count {
    own: usize,
    hashed: usize,
}

impl Count {
    fn all(self) -> usize {
        self.own + self.hashed
    }
}

/// Counts the constraints of the records by clause.
#[derive(Default)]
struct Clauses {
    counts: BTreeMap<String, Count>,
    hashed: usize,
}

impl Clauses {
    fn of(&self, clause: &str) -> Count {
        self.counts.get(clause).copied().unwrap_or_default()
    }

    fn total(&self) -> usize {
        self.counts.values().map(|c| c.all()).sum()
    }
}

impl Sink for Clauses {
    const TERMS: bool = false;

    fn witness(&mut self, value: Fr) -> Fr {
        value
    }

    fn constraint(&mut self, place: Place, _a: &Lc, _b: &Lc, _c: &Lc) {
        // The records are the first relation.
        match place.name.split_once('.') {
            _ if place.relation != 0 => {}
            Some(("poseidon", _)) | None => self.hashed += 1,
            Some((_, name)) => {
                let clause = name.split_once('.').map_or(name, |(clause, _)| clause);
                let count = self.counts.entry(clause.into()).or_default();
                count.own += 1;
                count.hashed += std::mem::take(&mut self.hashed);
            }
        }
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

/// Constraints for each further record.
fn further(ranges: RangeChecks) -> usize {
    let [few, many] = [2, 24].map(|records| clauses(&schema(records, 16), ranges).total());
    (many - few).div_ceil(22)
}

fn pin(ranges: RangeChecks, expected: &Expect) {
    let one = clauses(&schema(1, 16), ranges);
    let mut report = String::from(" own  hashed\n");
    for (name, count) in &one.counts {
        writeln!(report, "{:>4} {:>7} {name}", count.own, count.hashed).unwrap();
    }
    writeln!(report, "{:>12} for one record of 16 features of 16 bits", one.total()).unwrap();
    writeln!(report, "{:>12} for each further record", further(ranges)).unwrap();
    expected.assert_eq(&report);
}

#[test]
fn by_bits() {
    pin(
        RangeChecks::Bits,
        &expect![[r#"
          own  hashed
           42       0 batch_number
           69       0 consent_categories
            1       0 consent_controller
           69       0 consent_purposes
           41    5256 consent_tree
          166       0 consent_validity
           66       0 device_class
           41    5178 device_tree
          164       0 device_validity
          128       0 epoch
          169       0 feature_mask
          272       0 feature_range
          132       0 geofence
           41       0 max_age
            2     348 nullifier
            1     255 nullifier_key
          462       0 policy
            1     492 policy_id
          204     885 predicate
           41       0 record_width
            1     258 registry_root
            1       0 schema
         3941    1104 signature
            1       0 subject
           83       0 window
           82       0 window_width
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
          own  hashed
            8       0 batch_number
           69       0 consent_categories
            1       0 consent_controller
           69       0 consent_purposes
           41    5256 consent_tree
           30       0 consent_validity
           66       0 device_class
           41    5178 device_tree
           28       0 device_validity
           26       0 epoch
          169       0 feature_mask
           48       0 feature_range
           24       0 geofence
            7       0 max_age
            2     348 nullifier
            1     255 nullifier_key
          174       0 policy
            1     492 policy_id
           92     885 predicate
            7       0 record_width
            1     258 registry_root
            1       0 schema
         3883    1104 signature
            1       0 subject
           15       0 window
           14       0 window_width
                18595 for one record of 16 features of 16 bits
                 1085 for each further record
    "#]],
    );
}

/// One signature is counted with its gadget.
#[test]
fn budgets_are_met() {
    for (ranges, epoch, most) in [(RangeChecks::Bits, 260, 1_800), (RangeChecks::Lookups, 60, 1_300)] {
        let one = clauses(&schema(1, 16), ranges);
        let all = |clauses: &[&str]| clauses.iter().map(|c| one.of(c).all()).sum::<usize>();
        assert!(all(&["device_tree", "nullifier_key"]) <= 5_500);
        assert!(all(&["consent_tree"]) <= 5_350);
        for clause in [
            "consent_purposes",
            "consent_categories",
            "max_age",
            "window",
            "window_width",
            "device_validity",
            "consent_validity",
            "device_class",
            "geofence",
            "feature_mask",
        ] {
            assert!(one.of(clause).own <= 200, "{clause}");
        }
        assert!(one.of("predicate").own <= 4 * 200);
        assert!(all(&["nullifier"]) <= 360);
        assert!(all(&["epoch"]) <= epoch);
        assert!(one.total() <= 20_000);
        assert!(further(ranges) <= most);
    }
}
