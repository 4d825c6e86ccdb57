//! One nullifier for a batch, whatever else changes; and no second way to cut batches.

use ark_bn254::Fr;
use avouch_circuits::policy::{Clause, Item, SecretKey, evaluate};

use crate::statements::{Case, Shape};

/// A named change.
type Change = (&'static str, fn(&mut Case));

fn nullifier(case: &Case) -> Fr {
    evaluate(&case.inputs()).unwrap().slots[3]
}

#[test]
fn nothing_but_key_controller_scope_schema_and_batch_enters() {
    let base = Case::new(Shape::FULL, 10);
    let due = nullifier(&base);
    let same: [Change; 6] = [
        ("another policy", |x| {
            x.policy.max_age += 1;
            x.policy.purposes = 0b10;
            x.policy.document[0] ^= 1;
        }),
        ("another salt", |x| x.records[0].salt += Fr::from(1u64)),
        ("a renewed key that carries the nullifier key over", |x| {
            x.secret = SecretKey::from_bytes([9; 32]);
            x.device.key = x.secret.public().unwrap().point();
        }),
        ("another window", |x| x.window.lo += 1),
        ("the same reading signed again under a new time", |x| x.records[2].time += 1),
        ("another epoch length", |x| x.policy.epoch_length = 0),
    ];
    for (name, change) in same {
        let mut case = base.clone();
        change(&mut case);
        assert_eq!(nullifier(&case), due, "{name}");
    }
    let other: [Change; 5] = [
        ("another scope", |x| x.policy.scope += Fr::from(1u64)),
        ("another controller", |x| {
            x.policy.controller += Fr::from(1u64);
            x.consent.controller = x.policy.controller;
        }),
        ("another schema", |x| {
            x.schema.features[0].name.push('x');
            x.policy.schema = x.schema.id();
        }),
        ("the next batch", |x| x.records.iter_mut().for_each(|r| r.seq += 3)),
        ("epoch mode", |x| x.policy.item = Item::Epoch),
    ];
    for (name, change) in other {
        let mut case = base.clone();
        change(&mut case);
        assert_ne!(nullifier(&case), due, "{name}");
    }
}

#[test]
fn an_epoch_has_one_nullifier() {
    let base = Case::new(Shape { item: Item::Epoch, ..Shape::FULL }, 11);
    let due = nullifier(&base);
    let mut next = base.clone();
    next.records.iter_mut().for_each(|r| r.seq += 3);
    assert_eq!(nullifier(&next), due, "the next batch of the same epoch");
    let length = base.policy.epoch_length;
    let mut later = base;
    later.records.iter_mut().for_each(|r| r.time += length);
    (later.window.lo, later.window.hi) = (later.window.lo + length, later.window.hi + length);
    assert_ne!(nullifier(&later), due, "the next epoch");
}

/// Items of the two modes never meet: 2b is even, 2·epoch + 1 is odd.
#[test]
fn modes_are_apart() {
    let mut policy = Case::new(Shape::FULL, 12).policy;
    for n in [0, 1, 7, (1 << 40) - 1] {
        policy.item = Item::Batch;
        assert_eq!(policy.item(n, 99), 2 * n);
        policy.item = Item::Epoch;
        assert_eq!(policy.item(99, n), 2 * n + 1);
    }
}

#[test]
fn batches_are_cut_in_one_way() {
    let base = Case::new(Shape::FULL, 13);
    let refused: [(Clause, Change); 6] = [
        (Clause::BatchNumber, ("overlapping", |x| x.records.iter_mut().for_each(|r| r.seq += 1))),
        (Clause::Sequence, ("a gap", |x| x.records[1].seq += 1)),
        (Clause::Sequence, ("a duplicate", |x| x.records[1].seq -= 1)),
        (Clause::Sequence, ("falling", |x| x.records[2].seq -= 2)),
        (
            Clause::Schema,
            ("another R", |x| {
                x.schema.records = 2;
                x.records.pop();
                x.schema.inputs.retain(|_| false);
                x.schema.inputs.push(avouch_circuits::policy::Source::Constant(0));
            }),
        ),
        (
            Clause::Epoch,
            ("two epochs", |x| {
                x.policy.epoch_length = x.records[1].time;
                x.window.lo = x.records[0].time;
            }),
        ),
    ];
    for (clause, (name, change)) in refused {
        let mut case = base.clone();
        change(&mut case);
        assert_eq!(evaluate(&case.inputs()).unwrap_err().clause, clause, "{name}");
    }
}
