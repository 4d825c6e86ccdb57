//! The statements of `test-vectors/policy/v1/statements.json`, by constraint satisfaction.

use std::{collections::BTreeMap, fs, path::Path};

use avouch_circuits::policy::evaluate;
use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    case::{BOTH, Case},
    clauses::assert_refused,
    statement_json::{apply, of_value},
};

#[derive(Deserialize)]
struct File {
    bases: BTreeMap<String, Value>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    name: String,
    base: String,
    changes: Value,
}

#[test]
fn statements_of_the_file_satisfy_the_circuit_or_fail_by_clause() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/policy/v1/statements.json");
    let file: File = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    file.vectors.par_iter().enumerate().for_each(|(i, Vector { name, base, changes })| {
        let mut statement = file.bases[base].clone();
        apply(&mut statement, changes);
        let inputs = of_value(statement);
        match evaluate(&inputs) {
            Ok(evaluation) => {
                for ranges in BOTH {
                    let case = Case::new(ranges, &inputs);
                    assert_eq!(case.public[2..6], evaluation.slots, "{name}");
                    assert_eq!(case.failures(&[]), [""; 0], "{name}, {ranges:?}");
                }
            }
            // Each on one system: on both, ways to break a clause are tried elsewhere.
            Err(violation) => {
                let way = name.split_once(": ").unwrap().1;
                assert_refused(BOTH[i % 2], violation.clause, way, &inputs);
            }
        }
    });
}
