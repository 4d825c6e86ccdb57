//! The tiny network that everything is about, and signed records for it.

use std::error::Error;

use avouch_circuits::{
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
    op::{Dense, Requantization},
    policy::{
        Area, Consent, Device, Feature, Inputs, Item, Policy, Predicate, Record, Roots, Schema, SecretKey, Source,
        Tree, Window, batch_hash, nullifier_key_hash,
    },
    r1cs::Fr,
};

pub(crate) const INPUT: [i16; 4] = [-128, 127, 3, 55];
pub(crate) const OTHER_INPUT: [i16; 4] = [99, -128, 90, -7];
/// The end of the records' window.
pub(crate) const NOW: u64 = 1_764_000_000;

/// Four inputs and three outputs.
pub(crate) fn graph() -> Result<Graph, Box<dyn Error>> {
    let quant = |scale| Quantization { dtype: DType::I8, scale, zero_point: 3 };
    let dense = Dense {
        batch: 1,
        k: 4,
        n: 3,
        weights: vec![5, -3, 100, -128, 7, 7, 7, 7, -20, 30, 0, 1],
        bias: vec![100, -50, 0],
        requantization: Requantization { multipliers: vec![0.0123], min: -128, max: 127 },
    };
    let graph = Graph {
        tensors: vec![
            TensorInfo { shape: vec![1, 4], quant: quant(0.1) },
            TensorInfo { shape: vec![1, 3], quant: quant(0.2) },
        ],
        nodes: vec![Node { name: "dense".into(), op: dense.into(), inputs: vec![TensorId(0)], output: TensorId(1) }],
        input: TensorId(0),
        output: TensorId(1),
    };
    graph.check()?;
    Ok(graph)
}

/// Two records of two features, which make up the network's inputs.
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

/// A batch of records that a registered device signed, and that satisfies its policy.
pub(crate) fn records() -> Result<Inputs, Box<dyn Error>> {
    let schema = schema();
    let secret = SecretKey::from_bytes([3; 32]);
    let [subject, controller, scope, nullifier_key] = [11u64, 12, 13, 14].map(Fr::from);
    let record = |i: u64| Record {
        subject,
        time: NOW - 600 + 20 * i,
        lat: 1_382_000_000,
        lon: 1_963_000_000,
        seq: 80 + i,
        salt: Fr::from(1000 + i),
        features: vec![if i == 0 { -200 } else { 133 }, 77],
    };
    let records: Vec<Record> = (0..2).map(record).collect();
    let policy = Policy {
        document: [9; 32],
        controller,
        schema: schema.id(),
        purposes: 0b10,
        categories: 0b1,
        features: 0b11,
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
        key: secret.public()?.point(),
        class: 2,
        valid_from: 0,
        valid_to: NOW + 1,
        nullifier_key_hash: nullifier_key_hash(nullifier_key),
    };
    let consent = Consent {
        subject,
        controller,
        purposes: 0b11,
        categories: 0b1,
        valid_from: 0,
        valid_to: NOW,
        notice: [8; 32],
        salt: Fr::from(77u64),
    };
    let (mut devices, mut consents) = (Tree::default(), Tree::default());
    devices.insert(5, device.leaf())?;
    consents.insert(5, consent.leaf())?;
    Ok(Inputs {
        roots: Roots { devices: devices.root(), consents: consents.root() },
        device_path: devices.path(5)?,
        consent_path: consents.path(5)?,
        signature: secret.sign(batch_hash(&schema, &records))?,
        window: Window { lo: NOW - 3_600, hi: NOW },
        policy,
        schema,
        device,
        nullifier_key,
        consent,
        records,
    })
}
