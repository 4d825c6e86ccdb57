//! The statements of `test-vectors/policy/v1/statements.json`: made here, and evaluated from the file.
//!
//! `UPDATE_EXPECT=1 cargo test -p avouch-circuits --features r1cs --test policy vectors` writes the files anew.

use std::{collections::BTreeMap, fs, path::PathBuf};

use avouch_circuits::{
    graph::{DType, Quantization},
    policy::{Clause, Item, evaluate},
};
use expect_test::expect_file;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    eddsa::signed_here,
    random::Choices,
    statement_json::{apply, difference, evaluation_to_value, of_value, to_value},
    statements::{BREAKS, Case, Shape, broken},
};

const QUANT: Quantization = Quantization { dtype: DType::U8, scale: 0.5, zero_point: 100 };

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/policy/v1").join(name)
}

/// Shapes of the valid statements: every switch both ways, then random ones.
fn shapes() -> Vec<(String, Shape)> {
    let full = Shape::FULL;
    let named = [
        ("every clause", full),
        ("one record", Shape { records: 1, ..full }),
        ("twelve records", Shape { records: 12, ..full }),
        ("no consent asked for", Shape { consent: false, ..full }),
        ("anywhere", Shape { area: false, ..full }),
        ("no predicates", Shape { predicates: 0, ..full }),
        ("no epochs", Shape { epoch_length: 0, ..full }),
        ("one proof an epoch", Shape { item: Item::Epoch, ..full }),
        ("one proof for ever", Shape { item: Item::Epoch, epoch_length: 0, ..full }),
        ("sixteen features", Shape { records: 1, features: 16, ..full }),
        ("nothing asked for", Shape { consent: false, area: false, predicates: 0, epoch_length: 0, ..full }),
    ];
    let random = (0..10).map(|i| (format!("random {i}"), Shape::random(&mut Choices(i))));
    named.map(|(name, shape)| (name.to_string(), shape)).into_iter().chain(random).collect()
}

fn statements() -> String {
    let mut bases = Vec::new();
    let mut vectors = Vec::new();
    for (seed, (name, shape)) in shapes().into_iter().enumerate() {
        let inputs = Case::new(shape, seed as u64).inputs();
        let evaluation = evaluate(&inputs).unwrap();
        let mut expected = evaluation_to_value(&evaluation);
        expected["model_input"] = json!(inputs.schema.model_input(&evaluation.features, &QUANT));
        vectors.push(json!({
            "name": name, "notes": "", "flags": ["valid"], "base": name, "changes": {}, "expected": expected,
        }));
        bases.push((name, to_value(&inputs)));
    }
    let base = bases[0].1.clone();
    for (clause, name, by) in BREAKS {
        let inputs = broken(Shape::FULL, 0, *by);
        let violation = evaluate(&inputs).unwrap_err();
        assert_eq!(violation.clause, *clause, "{name}");
        vectors.push(json!({
            "name": format!("{}: {name}", clause.name()),
            "notes": violation.message,
            "flags": ["invalid", clause.name()],
            "base": bases[0].0,
            "changes": difference(&base, &to_value(&inputs)),
            "expected": { "clause": clause.name(), "record": violation.record },
        }));
    }
    let bases: Vec<String> = bases.iter().map(|(name, base)| format!("  {}: {base}", json!(name))).collect();
    let vectors: Vec<String> = vectors.iter().map(|v| format!("  {v}")).collect();
    let notes = "statements about signed records: a base with a merge patch (RFC 7396), and what evaluation says; \
                 model_input is for uint8, scale 0.5, zero point 100";
    format!(
        "{{\"kind\": \"policy\", \"notes\": {}, \"bases\": {{\n{}\n}}, \"vectors\": [\n{}\n]}}\n",
        json!(notes),
        bases.join(",\n"),
        vectors.join(",\n")
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: String,
    notes: String,
    bases: BTreeMap<String, Value>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    notes: String,
    flags: Vec<String>,
    base: String,
    changes: Value,
    expected: Value,
}

#[test]
fn vectors_are_those_of_this_program() {
    expect_file![path("statements.json")].assert_eq(&statements());
    expect_file![path("signed.json")].assert_eq(&signed_here());
}

#[test]
fn statements_of_the_file_are_evaluated_as_expected() {
    let file: File = serde_json::from_str(&fs::read_to_string(path("statements.json")).unwrap()).unwrap();
    assert_eq!(file.kind, "policy");
    assert!(!file.notes.is_empty());
    let (mut valid, mut invalid) = (0, BTreeMap::<String, usize>::new());
    for Vector { name, notes, flags, base, changes, expected } in file.vectors {
        let mut statement = file.bases[&base].clone();
        apply(&mut statement, &changes);
        let inputs = of_value(statement);
        match evaluate(&inputs) {
            Ok(evaluation) => {
                assert_eq!(flags, ["valid"], "{name}");
                let mut found = evaluation_to_value(&evaluation);
                found["model_input"] = json!(inputs.schema.model_input(&evaluation.features, &QUANT));
                assert_eq!(found, expected, "{name}");
                valid += 1;
            }
            Err(violation) => {
                let clause = violation.clause.name();
                assert_eq!(flags, ["invalid", clause], "{name}: {violation}");
                assert_eq!(json!({ "clause": clause, "record": violation.record }), expected, "{name}");
                assert_eq!(violation.message, notes, "{name}");
                *invalid.entry(clause.to_string()).or_default() += 1;
            }
        }
    }
    assert!(valid >= 20, "{valid} valid statements");
    for clause in Clause::ALL {
        assert!(invalid[clause.name()] >= 3, "{}", clause.name());
    }
}
