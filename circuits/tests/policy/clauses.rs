//! Valid statements satisfy the policy; broken ones are refused by the clause that they break.

use std::collections::BTreeMap;

use avouch_circuits::policy::{Clause, Inputs, Item, Policy, Window, evaluate};
use proptest::prelude::*;

use crate::{
    random::Choices,
    statements::{BREAKS, Case, Shape, broken},
};

#[test]
fn every_clause_has_three_ways_to_be_broken() {
    let mut ways = BTreeMap::new();
    for (clause, name, _) in BREAKS {
        ways.entry(clause).or_insert_with(Vec::new).push(name);
    }
    for clause in Clause::ALL {
        let names = &ways[&clause];
        assert!(names.len() >= 3, "{}: {names:?}", clause.name());
    }
    let mut names: Vec<_> = Clause::ALL.iter().map(|c| c.name()).collect();
    names.dedup();
    assert_eq!(names.len(), Clause::ALL.len());
    assert!(Clause::ALL.is_sorted(), "in the order of evaluation");
}

/// Slots, features and model input agree with what the inputs say, by hand.
fn is_satisfied(inputs: &Inputs) {
    let evaluation = evaluate(inputs).unwrap();
    let [policy, _, window, _] = evaluation.slots;
    assert_eq!(policy, inputs.policy.id());
    let shifted = |v: u64, bits: u32| u128::from(v) << bits;
    let expected =
        shifted(inputs.window.lo, 0) + shifted(inputs.window.hi, 40) + shifted(inputs.schema.records.into(), 80);
    assert_eq!(window, expected.into());
    assert_eq!(evaluation.features.len(), inputs.schema.values());
    for (i, &v) in evaluation.features.iter().enumerate() {
        let (record, feature) = (i / inputs.schema.features.len(), i % inputs.schema.features.len());
        let masked = inputs.policy.features >> feature & 1 == 0;
        let due = if masked { inputs.schema.features[feature].fill } else { inputs.records[record].features[feature] };
        assert_eq!(v, due);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn valid_statements_satisfy(seed in any::<u64>()) {
        let shape = Shape::random(&mut Choices(seed));
        is_satisfied(&Case::new(shape, seed).inputs());
    }

    #[test]
    fn broken_statements_name_the_clause(seed in any::<u64>(), which in 0..BREAKS.len()) {
        let (clause, name, by) = BREAKS[which];
        let violation = evaluate(&broken(Shape::FULL, seed, by)).expect_err(name);
        prop_assert_eq!(violation.clause, clause, "{}: {}", name, violation);
        prop_assert!(!violation.message.is_empty());
    }
}

/// Numbers from anywhere are refused or evaluated, and nothing panics.
#[test]
fn no_number_is_too_large() {
    let extremes = [0, 1, (1 << 40) - 1, 1 << 40, u64::MAX];
    for a in extremes {
        for b in extremes {
            let mut inputs = Case::new(Shape::FULL, a ^ b).inputs();
            (inputs.window.lo, inputs.window.hi) = (a, b);
            (inputs.policy.max_age, inputs.policy.epoch_length) = (b, a);
            (inputs.device.valid_from, inputs.consent.valid_to) = (a, b);
            for (r, (time, seq)) in inputs.records.iter_mut().zip([(a, b), (b, a), (b, b)]) {
                (r.time, r.seq) = (time, seq);
                r.features.fill(a as i64);
            }
            inputs.policy.predicates[0].value = b as i64;
            inputs.device.class = a as u8;
            assert!(evaluate(&inputs).is_err());
            assert_eq!(inputs.slots().len(), 4);
            assert_eq!(inputs.features().len(), inputs.schema.values());
            inputs.schema.records = a as u16;
            inputs.schema.features.truncate(b as usize % 5);
            inputs.records.truncate(a as usize % 3);
            assert!(evaluate(&inputs).is_err());
            let _ = inputs.slots();
        }
    }
}

#[test]
fn the_widest_window_stays_in_the_epoch() {
    let mut policy = Case::new(Shape::FULL, 0).policy;
    (policy.epoch_length, policy.max_age) = (100, 30);
    for (time, now, lo, hi) in
        [(250, 260, 230, 260), (250, 299, 269, 299), (250, 300, 269, 299), (250, 1_000, 269, 299), (205, 210, 200, 210)]
    {
        assert_eq!(Window::widest(&policy, time, now), Window { lo, hi }, "{time} at {now}");
    }
    policy.epoch_length = 0;
    assert_eq!(Window::widest(&policy, 250, 1_000), Window { lo: 970, hi: 1_000 });
    assert_eq!(Window::widest(&policy, 250, 10), Window { lo: 0, hi: 10 });
    policy.epoch_length = u64::MAX;
    assert_eq!(Window::widest(&policy, u64::MAX, u64::MAX).hi, u64::MAX);
}

#[test]
fn every_way_to_break_a_clause_is_refused_by_it() {
    for seed in 0..3 {
        is_satisfied(&Case::new(Shape::FULL, seed).inputs());
        for &(clause, name, by) in BREAKS {
            match evaluate(&broken(Shape::FULL, seed, by)) {
                Ok(_) => panic!("{}: {name}: accepted", clause.name()),
                Err(violation) => assert_eq!(violation.clause, clause, "{name}: {violation}"),
            }
        }
    }
}

/// Statements on the very edge of every bound.
#[test]
fn bounds_are_inclusive() {
    for seed in 0..4 {
        let mut case = Case::new(Shape::FULL, seed);
        let (first, last) = (case.records[0].time, case.records[2].time);
        (case.window.lo, case.window.hi) = (first, last);
        case.policy.max_age = last - first;
        (case.device.valid_from, case.device.valid_to) = (first, last);
        (case.consent.valid_from, case.consent.valid_to) = (first, last);
        let edges = |v: &dyn Fn(usize) -> u32| {
            let mut values: Vec<u32> = (0..3).map(v).collect();
            values.sort_unstable();
            [values[0], values[2]]
        };
        let area = case.policy.area.as_mut().unwrap();
        area.lat = edges(&|i| case.records[i].lat);
        area.lon = edges(&|i| case.records[i].lon);
        is_satisfied(&case.inputs());
    }
}

#[test]
fn times_may_stand_still() {
    let mut case = Case::new(Shape::FULL, 1);
    let time = case.records[0].time;
    case.records.iter_mut().for_each(|r| r.time = time);
    is_satisfied(&case.inputs());
}

/// What the policy does not ask for is not looked at.
#[test]
fn clauses_that_are_switched_off_say_nothing() {
    let shape = Shape { consent: false, area: false, predicates: 0, epoch_length: 0, ..Shape::FULL };
    let mut inputs = Case::new(shape, 2).inputs();
    inputs.consent = Default::default();
    inputs.consent_path = Default::default();
    is_satisfied(&inputs);
    // And is looked at as soon as the policy asks.
    inputs.policy.consent = true;
    assert_eq!(evaluate(&inputs).unwrap_err().clause, Clause::ConsentTree);
}

#[test]
fn every_field_enters_the_policy_id() {
    let policy = Case::new(Shape::FULL, 3).policy;
    let with = |change: fn(&mut Policy)| {
        let mut other = policy.clone();
        change(&mut other);
        other.id()
    };
    let mut ids = vec![
        policy.id(),
        with(|p| p.document[0] ^= 1),
        with(|p| p.document[31] ^= 1),
        with(|p| p.controller += ark_bn254::Fr::from(1u64)),
        with(|p| p.schema += ark_bn254::Fr::from(1u64)),
        with(|p| p.scope += ark_bn254::Fr::from(1u64)),
        with(|p| p.purposes ^= 1 << 31),
        with(|p| p.categories ^= 1),
        with(|p| p.features ^= 1 << 63),
        with(|p| p.classes ^= 1),
        with(|p| p.consent ^= true),
        with(|p| p.area = None),
        with(|p| p.area.as_mut().unwrap().lat[0] ^= 1),
        with(|p| p.area.as_mut().unwrap().lat[1] ^= 1),
        with(|p| p.area.as_mut().unwrap().lon[0] ^= 1),
        with(|p| p.area.as_mut().unwrap().lon[1] ^= 1),
        with(|p| p.max_age ^= 1 << 39),
        with(|p| p.epoch_length ^= 1),
        with(|p| p.item = Item::Epoch),
        with(|p| p.predicates[0].value += 1),
        with(|p| p.predicates[0].at_least ^= true),
        with(|p| p.predicates[3].feature += 1),
        with(|p| {
            p.predicates.pop();
        }),
    ];
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count);
}
