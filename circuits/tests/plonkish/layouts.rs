//! The closed list of layouts, and what models cost, pinned: a change of columns, rows or fixed cells shows up here.

use std::{collections::BTreeSet, fmt::Write as _, path::Path};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::DType,
    import::import_file,
    plonkish::{Cell, CircuitWitness, Fp, Job, Layout, Place, Sink, SynthesisError, Trace, synthesize},
};
use expect_test::{Expect, expect};
use ff::PrimeField as _;
use halo2_proofs::plonk::{self, ConstraintSystem};
use sha2::{Digest as _, Sha256};

use crate::graphs::{identity, info, quant};

fn circuit(model: &str) -> Circuit {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/models").join(model).join("int8_qop.onnx");
    Circuit::new(&import_file(&path).unwrap().graph, Disclosure::Raw).unwrap()
}

#[test]
fn encodings_are_those_of_the_list() {
    let all: BTreeSet<[u8; 3]> = Layout::ALL.iter().map(Layout::encode).collect();
    assert_eq!(all.len(), Layout::ALL.len());
    for layout in Layout::ALL {
        assert_eq!(Layout::decode(layout.encode()), Some(layout));
    }
    let known = (0..=255u8).flat_map(|k| (0..=32u8).flat_map(move |l| (0..=32u8).map(move |t| [k, l, t])));
    assert_eq!(known.filter(|&b| Layout::decode(b).is_some()).count(), Layout::ALL.len());
}

/// Degree of the constraints, and the rows that blinding takes, by the columns themselves.
struct Measure;

impl Job for Measure {
    type Output = [usize; 2];

    fn run<C: plonk::Circuit<Fp>>(self, _circuit: &C) -> [usize; 2] {
        let mut system = ConstraintSystem::default();
        C::configure(&mut system);
        [system.degree(), system.blinding_factors() + 1]
    }
}

#[test]
fn rows_and_degrees_are_those_of_the_columns() {
    for layout in Layout::ALL.into_iter().filter(|l| l.k() == 9) {
        let [degree, blinded] = Trace::new(layout).run(Measure);
        assert_eq!((degree, blinded), (5, 512 - layout.rows() as usize), "{layout:?}");
    }
}

/// Hashes all that a verifying key is derived from: fixed cells, copies and tables, in order.
#[derive(Default)]
struct Fingerprint(Sha256);

impl Fingerprint {
    fn add(&mut self, kind: u8, words: &[u64]) {
        self.0.update([kind]);
        words.iter().for_each(|w| self.0.update(w.to_le_bytes()));
    }
}

impl Sink for Fingerprint {
    fn advice(&mut self, _place: Place, _cell: Cell, value: Fp) -> Fp {
        value
    }

    fn fixed(&mut self, column: u32, row: u32, value: Fp) {
        self.add(0, &[column.into(), row.into()]);
        self.0.update(value.to_repr());
    }

    fn copy(&mut self, from: Cell, to: Cell) {
        self.add(1, &[from, to].map(|c| [c.column.into(), c.row.into()]).concat());
    }

    fn instance(&mut self, cell: Cell, slot: usize) {
        self.add(2, &[cell.column.into(), cell.row.into(), slot as u64]);
    }

    fn table(&mut self, row: [u64; 4]) {
        self.add(3, &row);
    }
}

fn report(model: &str) -> String {
    let circuit = circuit(model);
    let (layout, plan) = Layout::choose(&circuit).unwrap();
    let mut report = String::new();
    for c in &plan.candidates {
        let [k, lanes, terms] = c.layout.encode();
        let rows = [u64::from(c.cost.wide_rows), c.cost.narrow_rows.into(), c.cost.table_rows];
        let chosen = if c.layout == layout { " chosen" } else { "" };
        writeln!(report, "k {k}, {lanes} × {terms}: rows {rows:?}, price {}{chosen}", c.price).unwrap();
        assert!(rows.iter().all(|&r| r <= c.layout.rows().into()));
        assert_eq!((c.layout.cost(&circuit).unwrap(), c.cost.degree), (c.cost.clone(), 5));
    }
    let cost = layout.cost(&circuit).unwrap();
    let wide: u32 = cost.relations.iter().map(|r| r.wide).sum();
    let narrow: u32 = cost.relations.iter().map(|r| r.narrow).sum();
    // Row 0 is empty.
    assert_eq!((wide + 1, narrow + 1), (cost.wide_rows, cost.narrow_rows));
    let columns = [cost.advice, cost.fixed, cost.permuted];
    writeln!(report, "advice, fixed, permuted columns {columns:?}, {} lookups, degree {}", cost.lookups, cost.degree)
        .unwrap();
    let names = circuit.relations.iter().map(|r| (r.label.as_str(), r.relation.name()));
    for ((label, relation), rows) in names.chain([("statement", "constants")]).zip(&cost.relations) {
        writeln!(report, "{:>6} {:>6} {label}: {relation}", rows.wide, rows.narrow).unwrap();
    }
    writeln!(report, "fixed cells {}", fingerprint(&circuit, layout, None)).unwrap();
    report
}

fn fingerprint(circuit: &Circuit, layout: Layout, witness: Option<&CircuitWitness>) -> String {
    let mut fingerprint = Fingerprint::default();
    synthesize(circuit, layout, witness, &mut fingerprint).unwrap();
    fingerprint.0.finalize().iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn keys_depend_on_no_witness() {
    let circuit = circuit("digits_mlp");
    let (layout, _) = Layout::choose(&circuit).unwrap();
    let key = fingerprint(&circuit, layout, None);
    for v in [-128, 0, 127] {
        let input = vec![v; circuit.input.elements()];
        let witness = CircuitWitness { input, input_salt: Fp::from(3), output_salt: Fp::from(4) };
        assert_eq!(fingerprint(&circuit, layout, Some(&witness)), key);
    }
    let larger = Layout::ALL.into_iter().find(|l| l.k() == layout.k() + 1).unwrap();
    assert_ne!(fingerprint(&circuit, larger, None), key);
}

fn pin(model: &str, expected: &Expect) {
    expected.assert_eq(&report(model));
}

#[test]
fn digits_mlp() {
    pin(
        "digits_mlp",
        &expect![[r#"
            k 11, 4 × 4: rows [497, 123, 1740], price 595968 chosen
            k 11, 6 × 5: rows [429, 123, 1740], price 673792
            k 11, 8 × 4: rows [413, 123, 1740], price 694272
            k 11, 8 × 8: rows [360, 123, 1740], price 825344
            k 11, 12 × 10: rows [346, 123, 1740], price 1038336
            advice, fixed, permuted columns [12, 32, 11], 3 lookups, degree 5
                 0     64 input: range
               319      0 input: commit
               128      0 n0_Gemm_quant: linear
                 0     32 n0_Gemm_quant: requantize
                32      0 n2_Gemm_quant: linear
                 0     16 n2_Gemm_quant: requantize
                12      0 n4_Gemm_quant: linear
                 0     10 n4_Gemm_quant: requantize
                 3      0 output: disclose
                 2      0 statement: constants
            fixed cells 256ac50f0e7b6208bfb3b5c49d774884d7342c1c7350e75f6eab354b0b48243b
        "#]],
    );
}

#[test]
fn digits_cnn() {
    pin(
        "digits_cnn",
        &expect![[r#"
            k 13, 4 × 4: rows [5053, 2667, 1530], price 2383872
            k 12, 6 × 5: rows [3320, 2667, 2036], price 1347584 chosen
            k 12, 8 × 4: rows [2693, 2667, 2036], price 1388544
            k 12, 8 × 8: rows [1520, 2667, 2036], price 1650688
            k 12, 12 × 10: rows [1309, 2667, 2036], price 2076672
            advice, fixed, permuted columns [15, 46, 14], 3 lookups, degree 5
                 0     64 input: range
               317      0 input: commit
               248      0 n0_Conv_quant: linear
                 0    512 n0_Conv_quant: requantize
              2424      0 n2_Conv_quant: linear
                 0   1024 n2_Conv_quant: requantize
                 0   1024 n4_MaxPool: max
               312      0 n6_Gemm_quant: linear
                 0     32 n6_Gemm_quant: requantize
                14      0 n8_Gemm_quant: linear
                 0     10 n8_Gemm_quant: requantize
                 2      0 output: disclose
                 2      0 statement: constants
            fixed cells 94c5d24e427102f9122361fd89a035dc0000e4209f66cbdec62d2882a8e21af1
        "#]],
    );
}

#[test]
fn lenet_mnist() {
    pin(
        "lenet_mnist",
        &expect![[r#"
            k 15, 4 × 4: rows [21362, 9959, 1574], price 9535488
            k 14, 6 × 5: rows [10980, 9959, 1873], price 5390336 chosen
            k 14, 8 × 4: rows [11185, 9959, 1873], price 5554176
            k 14, 8 × 8: rows [6258, 9959, 1873], price 6602752
            k 14, 12 × 10: rows [4854, 9959, 1873], price 8306688
            advice, fixed, permuted columns [15, 46, 14], 3 lookups, degree 5
                 0    784 input: range
               925      0 input: commit
              2880      0 conv_0_quant: linear
                 0   3456 conv_0_quant: requantize
                 0   3456 maxpool_2: max
              5760      0 conv_3_quant: linear
                 0   1024 conv_3_quant: requantize
                 0   1024 maxpool_5: max
              1040      0 gemm_7_quant: linear
                 0    120 gemm_7_quant: requantize
               336      0 gemm_9_quant: linear
                 0     84 gemm_9_quant: requantize
                34      0 gemm_11_quant: linear
                 0     10 gemm_11_quant: requantize
                 2      0 output: disclose
                 2      0 statement: constants
            fixed cells ebe5a06d3219ab7a3e85a081129635aac7f3bed4eaf3762151fad4d6938584cc
        "#]],
    );
}

#[test]
fn a_layout_that_is_too_small_is_an_error() {
    let circuit = circuit("digits_mlp");
    let small = Layout::ALL[0];
    let error = synthesize(&circuit, small, None, &mut Fingerprint::default()).unwrap_err();
    let SynthesisError::Rows { needed, limit } = error else { panic!("{error}") };
    assert!(limit == small.rows() && needed > limit.into(), "{error}");
    assert_eq!(small.cost(&circuit).unwrap_err(), error);
}

#[test]
fn a_circuit_above_the_largest_layout_is_refused_with_its_rows() {
    let input = 140_000;
    let graph = identity(info(&[1, input], quant(DType::I8, 0.5, 3)));
    let error = Layout::choose(&Circuit::new(&graph, Disclosure::Commit).unwrap()).unwrap_err();
    let largest = Layout::ALL.iter().map(Layout::rows).max().unwrap();
    assert!(error.message.contains(&largest.to_string()), "{error}");
    let rows: Vec<usize> = error.message.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    assert!(rows[0] > input, "{error}");
}
