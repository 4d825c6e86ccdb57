//! Attacks on borders: the last rows, rows of the table offered to any argument, functions that share rows, lengths of
//! lists, ties between elements that cells count from different floors.

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::{DType, Graph},
    op::{Concat, Table},
    plonkish::{Cell, Fp, Layout, Place, Sink, SynthesisError, synthesize},
};
use ff::Field as _;

use crate::{
    case::{Case, fp},
    graphs::{graph, hat, identity, info, quant, wave},
    random::Choices,
};

fn values(dtype: DType, n: usize) -> Graph {
    identity(info(&[n], quant(dtype, 1.0, 3)))
}

/// One input, followed by tables of it.
fn tables(dtype: DType, tables: Vec<Table>) -> Graph {
    let q = quant(dtype, 1.0, 3);
    let (x, n) = (info(&[1, 1], q), tables.len() + 1);
    let others: Vec<_> = tables.into_iter().map(|t| (x.clone(), t)).collect();
    graph(Concat { axis: 1 }, x, &others, info(&[1, n], q))
}

/// Keeps the table of functions.
#[derive(Default)]
struct Rows(Vec<[u64; 4]>);

impl Sink for Rows {
    fn advice(&mut self, _place: Place, _cell: Cell, value: Fp) -> Fp {
        value
    }

    fn fixed(&mut self, _column: u32, _row: u32, _value: Fp) {}

    fn copy(&mut self, _from: Cell, _to: Cell) {}

    fn instance(&mut self, _cell: Cell, _slot: usize) {}

    fn table(&mut self, row: [u64; 4]) {
        self.0.push(row);
    }
}

fn rows(case: &Case) -> Vec<[i64; 4]> {
    let mut rows = Rows::default();
    synthesize(&case.circuit, case.layout, None, &mut rows).unwrap();
    rows.0.into_iter().map(|row| row.map(|v| v as i64)).collect()
}

/// Whatever row of the table a prover offers, of any function or of none, it is the honest one or refused.
#[test]
fn no_other_row_of_the_table_answers_a_query() {
    let case = Case::bare(&tables(DType::I8, vec![hat(DType::I8, DType::I8), wave(DType::I8, DType::I8)]), &[16]);
    case.holds();
    let rows = rows(&case);
    assert_eq!(rows[0], [0; 4]);
    assert!(rows[1..].iter().all(|r| r[0] > 0));
    for query in 0..3 {
        let honest = case.claims_honestly(query);
        let mut tried = 0;
        for &[id, start, last, value] in rows.iter().step_by(5).chain(&rows[..3]) {
            let claim = case.claims(query, [start, last, value]);
            if claim != honest {
                let failures = case.failures(&claim);
                assert!(!failures.is_empty(), "query {query}: row {start}, {last}, {value} of function {id}");
                tried += 1;
            }
        }
        assert!(tried > 30);
    }
}

/// Nor is there one for an input outside its type, however near the ends of the range table or of the field.
#[test]
fn no_row_of_the_table_admits_an_input_outside_its_type() {
    let case = Case::bare(&tables(DType::U8, vec![hat(DType::U8, DType::U8)]), &[200]);
    let x = case.cells("range.value")[0];
    let reach = 1i64 << (case.layout.k() - 1);
    let half = fp(2).invert().unwrap();
    let outside = [256, 257, reach, reach + 1, reach + 255, 2 * reach, -1, -255, -reach, 1 - reach];
    for x_forged in outside.map(fp).into_iter().chain([half, -half, half * fp(255)]) {
        for &[_, start, last, value] in rows(&case).iter().step_by(7) {
            let mut forgery = case.claims(0, [start, last, value]);
            forgery.push((x, x_forged));
            assert!(!case.failures(&forgery).is_empty(), "{x_forged:?}: {start}, {last}, {value}");
        }
    }
}

/// Equal stretches are one function of the table; what they are counted from is not shared.
#[test]
fn functions_that_differ_by_a_constant_have_their_own_values() {
    let shifted = |by: i32| Table::new(DType::I8, move |v| v.min(100) + by);
    let graph = tables(DType::I8, vec![shifted(0), shifted(27), shifted(5)]);
    for x in [-128, 0, 99, 100, 101, 127] {
        let mut case = Case::new(&graph, Disclosure::Raw, &[x]).unwrap();
        case.holds();
        let ids = rows(&case).iter().map(|r| r[0]).max();
        assert_eq!(ids, Some(2), "the type's range, and one for all tables");
        let honest = case.public[7];
        // The value of one in place of another's.
        case.public[7] = honest + fp(27 << 8);
        case.stops(&[], &["copy", "public input"]);
    }
}

/// The largest of elements whose cells count from different floors, with ties.
#[test]
fn argmax_compares_integers_and_not_cells() {
    let shifted = |by: i32| Table::new(DType::I8, move |v| v.min(60) + by);
    let graph = tables(DType::I8, vec![shifted(40), shifted(0), shifted(40), hat(DType::I8, DType::I8)]);
    for x in [-128, -60, 0, 60, 100, 101, 127] {
        let mut case = Case::new(&graph, Disclosure::Argmax, &[x]).unwrap();
        let best = if x >= 100 { 0 } else { 1 };
        assert_eq!(case.public[7], fp(best), "{x}");
        case.holds();
        for other in (0..5).filter(|&i| i != best) {
            case.public[7] = fp(other);
            case.stops(&[], &["copy", "public input"]);
        }
    }
}

/// Thresholds at and beyond both ends of what the element can be.
#[test]
fn a_threshold_holds_at_the_ends_of_narrow_bounds() {
    let graph = tables(DType::I8, vec![Table::new(DType::I8, |v| v.clamp(-20, 30))]);
    for threshold in [-129, -128, -21, -20, -19, 29, 30, 31, 127, 128] {
        for x in [-128, 127, -20, -19, 29, 30] {
            let disclosure = Disclosure::Threshold { index: 1, threshold };
            let mut case = Case::new(&graph, disclosure, &[x]).unwrap();
            let bit = i64::from(i32::from(x).clamp(-20, 30) >= threshold);
            assert_eq!(case.public[7], fp(bit));
            case.holds();
            case.public[7] = fp(1 - bit);
            let value = *case.cells("function.value").last().unwrap();
            let failures = case.failures(&[(value, fp(1 - bit))]);
            assert!(failures.contains("function"), "{threshold}, {x}: {failures:?}");
        }
    }
}

#[test]
fn raw_holds_31_elements_and_no_more() {
    let input = [255; 31];
    let mut case = Case::new(&values(DType::U8, 31), Disclosure::Raw, &input).unwrap();
    assert_eq!(case.public[7], (0..31).fold(fp(0), |sum, _| sum * fp(256) + fp(255)));
    case.holds();
    // One more in the last byte than it holds, and the same integer by one less beside it.
    let x = case.cells("range.value");
    let borrowed = [(x[30], fp(254)), (x[29], fp(511))];
    case.stops(&borrowed[..], &["not below", "not above", "copy", "public input"]);
    case.public[7] += fp(1);
    case.stops(&[], &["copy", "public input"]);
    assert!(Circuit::new(&values(DType::U8, 32), Disclosure::Raw).is_err());
}

/// The chip agrees with the native hash for lists of one element, of full steps, and one beyond.
#[test]
fn chains_of_every_kind_of_length_are_the_native_ones() {
    let mut random = Choices(3);
    for packed in [1, 2, 10, 11, 12, 22, 23] {
        for n in [31 * (packed - 1) + 1, 31 * packed] {
            let input: Vec<i16> = (0..n).map(|_| random.between(0, 255) as i16).collect();
            let mut case = Case::new(&values(DType::U8, n), Disclosure::Commit, &input).unwrap();
            case.holds();
            case.public[6] += fp(1);
            case.stops(&[], &["copy", "public input"]);
        }
    }
}

/// Narrow rows up to the last that does not blind, and one more.
#[test]
fn a_query_in_the_last_row_is_as_strict_as_any() {
    let small = Layout::decode([9, 4, 4]).unwrap();
    let last = small.rows() - 1;
    let mut input = vec![7; last as usize];
    let case = Case::bare(&values(DType::U8, input.len()), &input).with_layout(small);
    case.holds();
    let x = *case.cells("range.value").last().unwrap();
    assert_eq!(x.row, last);
    for outside in [fp(256), -fp(1)] {
        case.stops(&[(x, outside)], &["not below", "not above"]);
    }
    for claim in [[0, 256, 0], [0, 255, 1], [1, 254, 0], [0, 0, 0]] {
        let failures = case.failures(&case.claims(input.len() - 1, claim));
        assert!(!failures.is_empty(), "{claim:?}");
    }
    input.push(7);
    let case = Case::bare(&values(DType::U8, input.len()), &input);
    let refused = synthesize(&case.circuit, small, None, &mut Rows::default());
    assert_eq!(refused, Err(SynthesisError::Rows { needed: u64::from(last) + 2, limit: last + 1 }));
}

/// In shapes of few terms the squares of a hash lie in columns of sums: every shape has to stop every mutant.
#[test]
fn mutants_die_in_every_shape() {
    let graph = tables(DType::I8, vec![hat(DType::I8, DType::I8)]);
    for shape in Layout::ALL.into_iter().filter(|l| l.k() == 10) {
        let case = Case::new(&graph, Disclosure::Argmax, &[33]).unwrap().with_layout(shape);
        case.holds();
        for (cell, place, _) in case.honest.iter().step_by(11) {
            assert!(!case.failures(&[case.plus(*cell, 1)]).is_empty(), "{shape:?}: {place:?} {cell:?}");
        }
    }
}
