//! Statements at all borders at once, and flags that only the policy's id keeps in place.

use avouch_circuits::{
    policy::{Area, Feature, Item, Predicate, Source, evaluate},
    r1cs::Fr,
};

use crate::{
    case::{BOTH, Case},
    forged::Honest,
    statements::{Case as Statement, Shape},
};

/// The widest record, an empty area, window and age, masks of ones, the last class, and epochs of the least and the
/// greatest length.
#[test]
fn all_borders_at_once_are_valid() {
    let most = (1u64 << 40) - 1;
    for (ranges, (length, seq)) in BOTH.into_iter().zip([(1, 0), (most, most)]) {
        let mut x = Statement::new(Shape { records: 1, predicates: 0, item: Item::Epoch, ..Shape::FULL }, 41);
        let feature = |i: usize| {
            let (name, signed) = (format!("f{i}"), i % 2 == 1);
            Feature { name, bits: 32, signed, scale: 2e-8, offset: 0.0, fill: 0 }
        };
        x.schema.features = (0..64).map(feature).collect();
        x.schema.inputs = [0, 1, 62, 63].map(|feature| Source::Feature { record: 0, feature }).to_vec();
        x.policy.schema = x.schema.id();
        let record = &mut x.records[0];
        record.features =
            x.schema.features.iter().map(|f| if f.signed { f.range().lo } else { f.range().hi }).collect();
        (record.time, record.seq, record.lat, record.lon) = (most, seq, 0, u32::MAX);
        (x.window.lo, x.window.hi, x.policy.max_age, x.policy.epoch_length) = (most, most, 0, length);
        x.policy.area = Some(Area { lat: [0, 0], lon: [u32::MAX, u32::MAX] });
        (x.device.valid_from, x.device.valid_to, x.device.class) = (most, most, 31);
        (x.consent.valid_from, x.consent.valid_to) = (most, most);
        (x.policy.purposes, x.policy.categories, x.policy.features) = (u32::MAX, u32::MAX, u64::MAX);
        (x.consent.purposes, x.consent.categories, x.policy.classes) = (u32::MAX, u32::MAX, 1 << 31);
        let (least, greatest) = (-(1 << 31), (1 << 32) - 1);
        let predicate = |(feature, at_least, value)| Predicate { feature, at_least, value };
        let all = [(62, true, greatest), (63, false, least), (62, true, least), (63, false, greatest)];
        x.policy.predicates = all.map(predicate).to_vec();
        (x.device_index, x.consent_index) = ((1 << 20) - 1, 0);
        let inputs = x.inputs();
        let evaluation = evaluate(&inputs).unwrap();
        let case = Case::new(ranges, &inputs);
        assert_eq!(case.public[2..6], evaluation.slots);
        assert_eq!(case.failures(&[]), [""; 0], "{ranges:?}");
    }
}

/// Turned off, a flag lets everything through but the id of the policy that asks for it.
#[test]
fn flags_are_bound_by_the_policys_id_alone() {
    let asked = Statement::new(Shape { records: 1, ..Shape::FULL }, 42);
    let id = asked.policy.id();
    for ranges in BOTH {
        for switch in 0..3 {
            let mut x = asked.clone();
            match switch {
                0 => (x.policy.consent, x.consent.subject) = (false, Fr::from(1u64)),
                1 => (x.policy.area, x.records[0].lat) = (None, u32::MAX),
                _ => x.policy.predicates.clear(),
            }
            let mut case = Case::new(ranges, &x.inputs());
            assert_eq!(case.failures(&[]), [""; 0]);
            case.public[2] = id;
            assert_eq!(case.failures(&[]), ["statement.policy_id"], "{ranges:?}, {switch}");
        }
    }
}

/// The consent flag stands next to the class mask in the packed policy: taken off there and put on top of the mask, it leaves
/// the id as it is.
#[test]
fn a_flag_cannot_be_carried_into_the_field_beside_it() {
    for ranges in BOTH {
        let mut x = Statement::new(Shape { records: 1, ..Shape::FULL }, 43);
        x.device.class = 3;
        x.policy.classes = 1 << 3;
        x.consent.subject += Fr::from(1u64);
        let honest = Honest::new(ranges, &x.inputs());
        assert_eq!(honest.case.failures(&[]), ["policy.subject"]);
        // After 32 purposes, 32 categories and 32 classes.
        let bits = honest.variables("policy.bit");
        let (last_class, consent) = (bits[95], bits[96]);
        assert_eq!([last_class, consent].map(|v| honest.value(v)), [Fr::from(0u64), Fr::from(1u64)]);
        let forgery = [(last_class, Fr::from(2u64)), (consent, Fr::from(0u64))];
        assert_eq!(honest.case.failures(&forgery), ["policy.policy.bit"], "{ranges:?}");
    }
}

/// A window of two epochs, with the circuit told that there are none.
#[test]
fn an_epoch_length_cannot_pass_for_none() {
    for ranges in BOTH {
        let mut x = Statement::new(Shape { records: 1, ..Shape::FULL }, 44);
        x.window.lo = 0;
        let honest = Honest::new(ranges, &x.inputs());
        let none = honest.variables("epoch.none");
        // The inverse of the length, and whether it is zero.
        assert_eq!(honest.value(none[1]), Fr::from(0u64));
        for forgery in [vec![(none[1], Fr::from(1u64))], vec![(none[0], Fr::from(0u64)), (none[1], Fr::from(1u64))]] {
            let names = honest.case.failures(&forgery);
            assert!(names.contains(&"policy.epoch.none"), "{names:?}");
        }
    }
}
