//! Schemas: their encoding has no slack, and features reach the model exactly as QuantizeLinear takes them there.

use avouch_circuits::{
    graph::{DType, Quantization, TensorInfo},
    policy::{Feature, MAX_FEATURES, Schema, Source},
};
use proptest::prelude::*;

use crate::statements::{Case, Shape};

fn schema(seed: u64) -> Schema {
    Case::new(Shape::FULL, seed).schema
}

fn feature(bits: u8, signed: bool) -> Feature {
    Feature { name: "f".into(), bits, signed, scale: 0.25, offset: -3.0, fill: 0 }
}

#[test]
fn encodings_round_trip_and_have_no_slack() {
    for seed in 0..4 {
        let s = schema(seed);
        let bytes = s.encode();
        assert_eq!(Schema::decode(&bytes), Ok(s));
        for n in 0..bytes.len() {
            assert!(Schema::decode(&bytes[..n]).is_err(), "cut to {n} bytes");
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert!(Schema::decode(&longer).unwrap_err().place.contains("end"));
        // Every changed byte is another schema or none.
        for i in 0..bytes.len() {
            let mut other = bytes.clone();
            other[i] ^= 1;
            if let Ok(decoded) = Schema::decode(&other) {
                assert_eq!(decoded.encode(), other);
                assert_ne!(decoded.digest(), Schema::decode(&bytes).unwrap().digest());
            }
        }
    }
}

#[test]
fn a_count_beyond_the_bytes_allocates_nothing() {
    let mut bytes = schema(0).encode();
    let s = schema(0);
    let inputs: usize = s.inputs.iter().map(|i| if matches!(i, Source::Constant(_)) { 3 } else { 5 }).sum();
    let at = bytes.len() - inputs - 4;
    bytes[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(Schema::decode(&bytes).unwrap_err().message.contains("more than the bytes hold"));
}

#[test]
fn schemas_that_break_a_rule_are_refused() {
    let base = schema(5);
    let with = |change: &dyn Fn(&mut Schema)| {
        let mut s = base.clone();
        change(&mut s);
        s.check().unwrap_err().to_string()
    };
    let of = |change: &dyn Fn(&mut Feature)| with(&|s| change(&mut s.features[1]));
    for (message, found) in [
        ("at least one record", with(&|s| s.records = 0)),
        ("0: 1 to 64", with(&|s| s.features.clear())),
        ("65: 1 to 64", with(&|s| s.features = vec![feature(8, false); MAX_FEATURES + 1])),
        ("0 elements", with(&|s| s.inputs.clear())),
        ("same name", with(&|s| s.features[1].name = s.features[0].name.clone())),
        ("its name", of(&|f| f.name.clear())),
        ("its name", of(&|f| f.name = "A".into())),
        ("its name", of(&|f| f.name = "a".repeat(65))),
        ("0 bits", of(&|f| f.bits = 0)),
        ("33 bits", of(&|f| f.bits = 33)),
        ("not a positive normal", of(&|f| f.scale = 0.0)),
        ("not a positive normal", of(&|f| f.scale = f32::NAN)),
        ("not a positive normal", of(&|f| f.scale = -1.0)),
        ("not a positive normal", of(&|f| f.scale = 1e-40)),
        ("offset", of(&|f| f.offset = f32::INFINITY)),
        ("offset", of(&|f| f.offset = f32::NAN)),
        ("offset", of(&|f| f.offset = -0.0)),
        ("offset", of(&|f| f.offset = 1e-40)),
        ("largest", of(&|f| (f.bits, f.scale) = (32, f32::MAX))),
        ("fill value", of(&|f| f.fill = f.range().hi + 1)),
        ("fill value", of(&|f| f.fill = f.range().lo - 1)),
        ("no record 3", with(&|s| s.inputs[0] = Source::Feature { record: 3, feature: 0 })),
        ("no feature 4", with(&|s| s.inputs[0] = Source::Feature { record: 0, feature: 4 })),
        ("no 8-bit type", with(&|s| s.inputs[7] = Source::Constant(256))),
        ("no 8-bit type", with(&|s| s.inputs[7] = Source::Constant(-129))),
    ] {
        assert!(found.contains(message), "{message}: {found}");
    }
}

#[test]
fn the_mapping_has_to_fit_the_model() {
    let s = schema(6);
    let quant = Quantization { dtype: DType::I8, scale: 0.1, zero_point: 3 };
    let input = |n| TensorInfo { shape: vec![1, n], quant };
    assert_eq!(s.check_input(&input(8)), Ok(()));
    assert!(s.check_input(&input(9)).unwrap_err().message.contains("has 9"));
    let mut constant = s;
    constant.inputs[2] = Source::Constant(200);
    assert!(constant.check_input(&input(8)).unwrap_err().message.contains("int8"));
    let unsigned = TensorInfo { quant: Quantization { dtype: DType::U8, ..quant }, ..input(8) };
    assert_eq!(constant.check_input(&unsigned), Ok(()));
}

#[test]
fn the_digest_is_pinned() {
    let s = Schema {
        records: 1,
        features: vec![feature(8, true)],
        inputs: vec![Source::Feature { record: 0, feature: 0 }, Source::Constant(-1)],
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    expect_test::expect!["010001016608010000803e000040c0000000000000000002000000000000000001ffff"]
        .assert_eq(&hex(&s.encode()));
    expect_test::expect!["0f72bafa3ca0b7e78325c104515e68feaf610fae9147b7d3b3a8c29df694e9"].assert_eq(&hex(&s.digest()));
}

/// QuantizeLinear of the real value, written once more with the standard library's operations.
fn reference(f: &Feature, v: i64, q: &Quantization) -> i64 {
    let real = f.offset + f.scale * (v as f32);
    let rounded = (real / q.scale).round_ties_even();
    let [lo, hi] = [q.dtype.min(), q.dtype.max()].map(f64::from);
    (f64::from(rounded) + f64::from(q.zero_point)).clamp(lo, hi) as i64
}

proptest! {
    #[test]
    fn whatever_decodes_encodes_to_the_same_bytes(
        seed in 0u64..64,
        at in 0usize..200,
        splice in proptest::collection::vec(any::<u8>(), 0..12),
    ) {
        let mut bytes = schema(seed).encode();
        let at = at % bytes.len();
        let end = (at + splice.len()).min(bytes.len());
        bytes.splice(at..end, splice.iter().copied());
        for bytes in [&bytes, &splice] {
            if let Ok(s) = Schema::decode(bytes) {
                prop_assert_eq!(&s.encode(), bytes);
                prop_assert_eq!(s.check(), Ok(()));
            }
        }
    }

    #[test]
    fn step_functions_are_the_quantization(
        bits in 1u8..=32,
        signed in any::<bool>(),
        scale in prop_oneof![Just(1.0f32), 1e-6f32..1e3, Just(f32::MIN_POSITIVE), Just(1e-30)],
        offset in prop_oneof![Just(0.0f32), -1e6f32..-1e-3, 1e-3f32..1e6],
        x_scale in prop_oneof![Just(1.0f32), 1e-4f32..10.0, Just(f32::MIN_POSITIVE)],
        zero_point in 0i32..=127,
        dtype in prop_oneof![Just(DType::I8), Just(DType::U8)],
        at in proptest::collection::vec(any::<u64>(), 40),
    ) {
        let f = Feature { scale, offset, ..feature(bits, signed) };
        let q = Quantization { dtype, scale: x_scale, zero_point };
        let (function, range) = (f.step_function(&q), f.range());
        prop_assert_eq!(function.domain, range);
        let near = function.thresholds.iter().flat_map(|t| [t.below, t.at]);
        let inside = at.iter().map(|a| range.lo + (a % (range.hi - range.lo + 1) as u64) as i64);
        for v in near.chain(inside).chain([range.lo, range.hi]) {
            let due = reference(&f, v, &q);
            prop_assert_eq!(i64::from(function.eval(v)), due, "{} of {:?}", v, f);
            prop_assert_eq!(i64::from(f.quantize(v, &q)), due);
        }
    }
}

#[test]
fn masked_features_reach_the_model_as_their_fill_value() {
    let mut case = Case::new(Shape { predicates: 0, ..Shape::FULL }, 8);
    let q = Quantization { dtype: DType::I8, scale: 0.5, zero_point: -3 };
    case.policy.features = 0b0101;
    let input = |case: &Case| {
        let inputs = case.inputs();
        case.schema.model_input(&avouch_circuits::policy::evaluate(&inputs).unwrap().features, &q)
    };
    let before = input(&case);
    for (i, source) in case.schema.inputs.iter().enumerate() {
        let due = match *source {
            Source::Constant(v) => v,
            Source::Feature { record, feature } => {
                let f = &case.schema.features[usize::from(feature)];
                let own = case.records[usize::from(record)].features[usize::from(feature)];
                f.quantize(if feature % 2 == 0 { own } else { f.fill }, &q) as i16
            }
        };
        assert_eq!(before[i], due);
    }
    for r in &mut case.records {
        r.features[1] = case.schema.features[1].range().hi;
        r.features[3] = case.schema.features[3].range().lo;
    }
    assert_eq!(input(&case), before);
}
