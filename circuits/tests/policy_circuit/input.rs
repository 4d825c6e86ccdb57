//! The model's input: features as far as the policy lets them through, quantized as the reference does it.

use avouch_circuits::{
    circuit::{Circuit, Disclosure, Relation},
    graph::DType,
    policy::{Feature, Schema, Source, evaluate},
    r1cs::Fr,
};
use rayon::prelude::*;

use crate::{
    case::{BOTH, Case, model, usual_quant},
    graphs::quant,
    random::Choices,
    statements::{Case as Statement, Shape},
};

/// One record of features of all widths, every one read, and all of them let through.
fn statement(c: &mut Choices, scale: f32) -> Statement {
    let mut x = Statement::new(Shape { records: 1, features: 6, predicates: 0, ..Shape::FULL }, c.next());
    let feature = |i: usize| {
        let bits = [1, 8, 16, 24, 31, 32][i];
        // Steep and flat, with an offset and without.
        let steepness = [0.05, 1.0, 3.0, 0.7][c.below(4)];
        let scale = scale * 256.0 * steepness / (1u64 << bits) as f32;
        let offset = if c.below(2) == 0 { 0.0 } else { scale * (c.below(100) as f32 - 50.3) };
        Feature { name: format!("f{i}"), bits, signed: c.below(2) == 0, scale, offset, fill: 0 }
    };
    let features: Vec<Feature> = (0..6).map(feature).collect();
    let source = |feature: u16| Source::Feature { record: 0, feature };
    let inputs = [
        source(0),
        Source::Constant(7),
        source(3),
        source(1),
        source(2),
        source(5),
        source(4),
        source(5),
        Source::Constant(7),
        Source::Constant(0),
    ];
    x.schema = Schema { records: 1, features, inputs: inputs.to_vec() };
    x.policy.schema = x.schema.id();
    x.policy.features = 0b11_1111;
    x.records[0].features = vec![0; 6];
    x
}

#[test]
fn features_are_quantized_exactly() {
    (0..6u64).into_par_iter().for_each(|seed| {
        let c = &mut Choices(seed);
        let quant = match seed % 3 {
            0 => quant(DType::I8, 0.25, -7),
            1 => quant(DType::U8, 0.0371, 130),
            _ => quant(DType::I8, 1.0, 0),
        };
        let mut x = statement(c, quant.scale);
        let functions: Vec<_> = x.schema.features.iter().map(|f| f.step_function(&quant)).collect();
        for round in 0..4 {
            for (f, v) in functions.iter().zip(&mut x.records[0].features) {
                *v = match (round, f.thresholds.len()) {
                    (0, _) => f.domain.lo,
                    (1, _) => f.domain.hi,
                    (_, 0) => f.domain.lo + c.below(2) as i64,
                    (2, n) => f.thresholds[c.below(n)].at,
                    (_, n) => f.thresholds[c.below(n)].below,
                };
            }
            let inputs = x.inputs();
            evaluate(&inputs).unwrap();
            for ranges in BOTH {
                let mut case = Case::with(ranges, &inputs, quant);
                assert_eq!(case.failures(&[]), [""; 0], "{seed}, {round}, {ranges:?}");
                // The output is the input, in slot 7 a byte each: any other is refused.
                let element = c.below(10);
                case.public[7] += Fr::from(1u64 << (8 * (element % 7)));
                assert_eq!(case.failures(&[]), ["disclose.output"]);
            }
        }
    });
}

/// Whatever a masked feature is, the model gets the same.
#[test]
fn a_masked_feature_reaches_the_model_as_its_fill_value() {
    let quant = quant(DType::I8, 0.25, -7);
    let c = &mut Choices(5);
    let mut x = statement(c, quant.scale);
    let last = x.schema.features.len() - 1;
    x.schema.features[last].fill = x.schema.features[last].range().hi;
    x.policy.schema = x.schema.id();
    x.policy.features = 0b01_1111;
    let mut seen = Vec::new();
    for v in [0, 1, 12345] {
        x.records[0].features[last] = v;
        let inputs = x.inputs();
        for ranges in BOTH {
            let case = Case::with(ranges, &inputs, quant);
            assert_eq!(case.failures(&[]), [""; 0]);
            seen.push(case.witness.input.clone());
        }
    }
    assert!(seen.iter().all(|s| *s == seen[0]));
    // Let through, it is seen.
    x.policy.features |= 1 << last;
    x.records[0].features[last] = x.schema.features[last].range().lo;
    assert_ne!(Case::with(BOTH[0], &x.inputs(), quant).witness.input, seen[0]);
}

/// What no element reads is not quantized, and a constant costs one constraint.
#[test]
fn features_that_are_not_read_cost_no_quantization() {
    let mut x = statement(&mut Choices(1), 0.25);
    x.schema.inputs = vec![Source::Feature { record: 0, feature: 1 }, Source::Constant(-3)];
    x.policy.schema = x.schema.id();
    let case = Case::new(BOTH[0], &x.inputs());
    assert_eq!(case.failures(&[]), [""; 0]);
    let functions = case.circuit.relations.iter().find_map(|r| match &r.relation {
        Relation::Requantize(q) => Some(q.functions.len()),
        _ => None,
    });
    assert_eq!(functions, Some(1));
}

/// With constants alone, the records still have to satisfy the policy.
#[test]
fn an_input_of_constants_is_possible() {
    let mut x = Statement::new(Shape { records: 2, ..Shape::FULL }, 6);
    x.schema.inputs = vec![Source::Constant(3), Source::Constant(3), Source::Constant(-8)];
    x.policy.schema = x.schema.id();
    for ranges in BOTH {
        let case = Case::new(ranges, &x.inputs());
        assert_eq!(case.witness.input, [3, 3, -8]);
        assert_eq!(case.failures(&[]), [""; 0]);
    }
}

#[test]
fn schemas_that_do_not_fit_the_model_are_refused() {
    let x = Statement::new(Shape { records: 1, ..Shape::FULL }, 7);
    let error = |schema: &Schema| {
        let graph = model(&x.schema, usual_quant());
        Circuit::with_schema(&graph, Disclosure::Raw, schema).map(|_| ()).unwrap_err().to_string()
    };
    let mut longer = x.schema.clone();
    longer.inputs.push(Source::Constant(1));
    assert!(error(&longer).contains("the schema maps to 9 elements, the model's input has 8"), "{}", error(&longer));
    let mut outside = x.schema.clone();
    outside.inputs[2] = Source::Constant(200);
    assert!(error(&outside).contains("the constant is outside the model's int8"), "{}", error(&outside));
    let none = Schema { records: 0, ..x.schema.clone() };
    assert!(error(&none).contains("at least one record"), "{}", error(&none));
}
