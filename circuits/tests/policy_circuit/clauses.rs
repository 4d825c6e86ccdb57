//! Valid statements satisfy the circuit, broken ones do not, and the constraint that refuses one is of its clause.

use avouch_circuits::{
    policy::{Area, Clause, Inputs, Item, Record, evaluate},
    r1cs::{Fr, RangeChecks},
};
use rayon::prelude::*;

use crate::{
    case::{BOTH, Case, is_of},
    random::Choices,
    statements::{BREAKS, Case as Statement, Shape, broken},
};

#[test]
fn valid_statements_satisfy_the_circuit() {
    (0..12u64).into_par_iter().for_each(|seed| {
        let shape = if seed == 0 { Shape::FULL } else { Shape::random(&mut Choices(seed)) };
        let inputs = Statement::new(shape, seed).inputs();
        let evaluation = evaluate(&inputs).unwrap();
        for ranges in BOTH {
            let case = Case::new(ranges, &inputs);
            assert_eq!(case.public[2..6], evaluation.slots);
            assert_eq!(case.failures(&[]), [""; 0], "{seed}, {ranges:?}");
        }
    });
}

/// What a bound excludes by one it includes.
#[test]
fn bounds_are_inclusive() {
    for (i, ranges) in BOTH.into_iter().enumerate() {
        let mut x = Statement::new(Shape::FULL, 5 + i as u64);
        let [first, last] = [0, x.records.len() - 1].map(|i| x.records[i].time);
        (x.window.lo, x.window.hi) = (first, last);
        x.policy.max_age = last - first;
        (x.device.valid_from, x.device.valid_to) = (first, last);
        (x.consent.valid_from, x.consent.valid_to) = (first, last);
        let ends = |f: fn(&Record) -> u32| {
            let values = || x.records.iter().map(f);
            [values().min().unwrap(), values().max().unwrap()]
        };
        x.policy.area = Some(Area { lat: ends(|r| r.lat), lon: ends(|r| r.lon) });
        // The window is all of an epoch, or ends with one's last second.
        x.policy.epoch_length = last + 1;
        let inputs = x.inputs();
        evaluate(&inputs).unwrap();
        assert_eq!(Case::new(ranges, &inputs).failures(&[]), [""; 0]);
    }
}

/// Extremes of widths: coordinates, times, sequence numbers and features.
#[test]
fn the_ends_of_all_widths_are_valid() {
    for ranges in BOTH {
        let mut x = Statement::new(Shape { area: false, predicates: 2, epoch_length: 0, ..Shape::FULL }, 3);
        let most = (1u64 << 40) - 1;
        (x.window.lo, x.window.hi, x.policy.max_age) = (0, most, most);
        (x.device.valid_from, x.device.valid_to) = (0, most);
        (x.consent.valid_from, x.consent.valid_to) = (0, most);
        let count = u64::from(x.schema.records);
        let first = most / count * count - count;
        let features: Vec<_> = x.schema.features.iter().map(|f| f.range()).collect();
        let last = x.records.len() - 1;
        for (i, r) in x.records.iter_mut().enumerate() {
            r.seq = first + i as u64;
            r.time = if i == 0 { 0 } else { most };
            (r.lat, r.lon) = if i == last { (u32::MAX, 0) } else { (0, u32::MAX) };
            r.features = features.iter().map(|f| if i == 0 { f.lo } else { f.hi }).collect();
        }
        for p in &mut x.policy.predicates {
            p.value = if p.at_least { -(1 << 31) } else { (1 << 32) - 1 };
        }
        let inputs = x.inputs();
        evaluate(&inputs).unwrap();
        assert_eq!(Case::new(ranges, &inputs).failures(&[]), [""; 0], "{ranges:?}");
    }
}

/// Where the circuit cannot name the clause, what does it name?
enum Refusal {
    /// A constraint of one of these.
    By(&'static [&'static str]),
    /// The input has no such form in the circuit, where it is another, valid one.
    Inexpressible,
}

/// Ways to break a clause that the circuit refuses under another name, each with the reason.
fn exception(clause: Clause, way: &str) -> Option<Refusal> {
    use Refusal::{By, Inexpressible};
    Some(match (clause, way) {
        // The value fits its 33 bits and means what it says.
        (Clause::Policy, "predicate value of 33 bits") => By(&["policy.predicate"]),
        // There is no place for a fifth predicate, and none for a seventh bit of an index.
        (Clause::Policy, "five predicates") => By(&["statement.policy_id"]),
        (Clause::Policy, "predicate on feature 64") => By(&["policy.feature_mask"]),
        // R records are all there are: those that are missing or too many are not what was signed.
        (Clause::RecordCount, _) => By(&["policy.signature"]),
        // A feature that is missing is zero.
        (Clause::FeatureRange, "a feature missing") => Inexpressible,
        // Records lie in the window, whose ends have 40 bits.
        (Clause::RecordWidth, "a time of 41 bits" | "the greatest time") => By(&["policy.window", "policy.time_order"]),
        // A path has 20 bits.
        (Clause::DeviceTree | Clause::ConsentTree, "a place beyond the tree") => Inexpressible,
        _ => return None,
    })
}

/// Asserts that a statement that breaks a clause in this way does not satisfy the circuit, by a constraint of the clause.
#[track_caller]
pub(crate) fn assert_refused(ranges: RangeChecks, clause: Clause, way: &str, inputs: &Inputs) {
    let names = Case::new(ranges, inputs).failures(&[]);
    let named = |what: &str| names.iter().any(|n| is_of(n, what));
    let refused = match exception(clause, way) {
        None => named(clause.name()),
        Some(Refusal::By(others)) => {
            others.iter().any(|o| names.contains(o) || o.strip_prefix("policy.").is_some_and(named))
        }
        Some(Refusal::Inexpressible) => true,
    };
    assert!(refused, "{}, {way}, {ranges:?}: {names:?}", clause.name());
}

#[test]
fn every_broken_clause_is_refused_by_its_constraint() {
    BREAKS.par_iter().enumerate().for_each(|(i, &(clause, way, by))| {
        let inputs = broken(Shape::FULL, i as u64, by);
        assert_eq!(evaluate(&inputs).map_err(|v| v.clause).err(), Some(clause), "{way}");
        BOTH.into_iter().for_each(|ranges| assert_refused(ranges, clause, way, &inputs));
    });
}

/// Flags switch clauses off, and are fields of the policy: with another policy's id, none can be turned.
#[test]
fn what_the_policy_does_not_ask_for_need_not_hold() {
    for ranges in BOTH {
        let shape =
            Shape { consent: false, area: false, predicates: 0, epoch_length: 0, item: Item::Epoch, ..Shape::FULL };
        let mut x = Statement::new(shape, 8);
        x.consent = Default::default();
        x.records[1].subject += Fr::from(1u64);
        (x.records[0].lat, x.records[1].lon) = (0, u32::MAX);
        x.policy.purposes = 0;
        let mut inputs = x.inputs();
        inputs.consent_path = Default::default();
        inputs.roots.consents = Default::default();
        evaluate(&inputs).unwrap();
        assert_eq!(Case::new(ranges, &inputs).failures(&[]), [""; 0], "{ranges:?}");
        for switch in [0, 1] {
            let mut asked = inputs.clone();
            match switch {
                0 => asked.policy.consent = true,
                _ => asked.policy.area = Some(Area::default()),
            }
            assert!(!Case::new(ranges, &asked).failures(&[]).is_empty());
        }
    }
}

/// The statement is of this policy, these roots, this window and this nullifier alone.
#[test]
fn slots_are_bound() {
    let inputs = Statement::new(Shape::FULL, 1).inputs();
    for ranges in BOTH {
        let mut case = Case::new(ranges, &inputs);
        let names = ["statement.policy_id", "statement.registry_root", "statement.window", "statement.nullifier"];
        for (slot, name) in (2..).zip(names) {
            let honest = case.public[slot];
            for forged in [honest + Fr::from(1u64), Fr::from(0u64)] {
                case.public[slot] = forged;
                assert_eq!(case.failures(&[]), [name]);
            }
            case.public[slot] = honest;
        }
    }
}
