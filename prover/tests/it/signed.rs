//! Records that satisfy their policy, signed by a registered device.

use avouch_circuits::{
    policy::{
        Area, Consent, Device, Feature, Inputs, Item, Policy, Predicate, Record, Roots, Schema, SecretKey, Source,
        Tree, Window, batch_hash, nullifier_key_hash,
    },
    r1cs::Fr,
};

/// Two records of two features, which make up the model's four inputs.
pub(crate) fn schema() -> Schema {
    let feature =
        |name: &str, bits, signed, fill| Feature { name: name.into(), bits, signed, scale: 0.05, offset: 0.0, fill };
    let inputs = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(record, feature)| Source::Feature { record, feature });
    Schema {
        records: 2,
        features: vec![feature("a", 12, true, -7), feature("b", 8, false, 100)],
        inputs: inputs.into(),
    }
}

/// Records of a schema, and all that a proof about them needs at the time `now`.
pub(crate) fn signed(schema: Schema, now: u64, features: impl Fn(u64) -> Vec<i64>) -> Inputs {
    let secret = SecretKey::from_bytes([3; 32]);
    let [subject, controller, scope, nullifier_key] = [11u64, 12, 13, 14].map(Fr::from);
    let count = u64::from(schema.records);
    let record = |i: u64| Record {
        subject,
        time: now - 600 + 20 * i,
        lat: 1_382_000_000,
        lon: 1_963_000_000,
        seq: 40 * count + i,
        salt: Fr::from(1000 + i),
        features: features(i),
    };
    let records: Vec<Record> = (0..count).map(record).collect();
    let policy = Policy {
        document: [9; 32],
        controller,
        schema: schema.id(),
        purposes: 0b10,
        categories: 0b1,
        features: u64::MAX >> (64 - schema.features.len()),
        classes: 0b100,
        consent: true,
        area: Some(Area { lat: [1_381_000_000, 1_383_000_000], lon: [1_962_000_000, 1_964_000_000] }),
        max_age: 3_600,
        scope,
        epoch_length: 86_400,
        item: Item::Batch,
        predicates: vec![Predicate { feature: 1, at_least: true, value: -70 }],
    };
    let device = Device {
        key: secret.public().unwrap().point(),
        class: 2,
        valid_from: 0,
        valid_to: now + 1,
        nullifier_key_hash: nullifier_key_hash(nullifier_key),
    };
    let consent = Consent {
        subject,
        controller,
        purposes: 0b11,
        categories: 0b1,
        valid_from: 0,
        valid_to: now,
        notice: [8; 32],
        salt: Fr::from(77u64),
    };
    let tree = |leaf| {
        let mut tree = Tree::default();
        tree.insert(5, leaf).unwrap();
        tree
    };
    let (devices, consents) = (tree(device.leaf()), tree(consent.leaf()));
    Inputs {
        roots: Roots { devices: devices.root(), consents: consents.root() },
        device_path: devices.path(5).unwrap(),
        consent_path: consents.path(5).unwrap(),
        signature: secret.sign(batch_hash(&schema, &records)).unwrap(),
        window: Window { lo: now - 3_600, hi: now },
        policy,
        schema,
        device,
        nullifier_key,
        consent,
        records,
    }
}

/// Records of that schema.
pub(crate) fn inputs(now: u64) -> Inputs {
    signed(schema(), now, |i| vec![-200 + 333 * i as i64, 77])
}
