//! What models cost, pinned: a change of constraints shows up here.
#![cfg(all(feature = "import", feature = "r1cs"))]

#[path = "hostile/model.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with the tests of hostile files")]
mod model;

use std::{fmt::Write as _, path::Path};

use ark_ff::{BigInteger as _, PrimeField as _};
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    import::{import, import_file, proto},
    r1cs::{Cost, Fr, Lc, PUBLIC_INPUTS, Place, RangeChecks, Sink, Synthesizer},
};
use expect_test::{Expect, expect};
use prost::Message as _;
use sha2::{Digest as _, Sha256};

/// Counts what setup is given, and hashes it: another digest is another circuit version.
#[derive(Default)]
struct Setup {
    constraints: usize,
    witnesses: usize,
    digest: Sha256,
}

impl Sink for Setup {
    const TERMS: bool = true;

    fn witness(&mut self, value: Fr) -> Fr {
        self.witnesses += 1;
        value
    }

    fn constraint(&mut self, _place: Place, a: &Lc, b: &Lc, c: &Lc) {
        self.constraints += 1;
        for lc in [a, b, c] {
            self.digest.update((lc.terms.len() as u64).to_be_bytes());
            for (variable, coefficient) in &lc.terms {
                self.digest.update(variable.to_be_bytes());
                self.digest.update(coefficient.into_bigint().to_bytes_be());
            }
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn report(model: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/models").join(model).join("int8_qop.onnx");
    let graph = import_file(&path).unwrap().graph;
    let circuit = Circuit::new(&graph, Disclosure::Raw).unwrap();
    let mut report = String::new();
    for ranges in [RangeChecks::Bits, RangeChecks::Lookups] {
        let synthesizer = Synthesizer::new(&circuit, ranges).unwrap();
        let cost = synthesizer.cost().unwrap();
        let mut setup = Setup::default();
        let variables = synthesizer.synthesize(&[Fr::from(0u64); PUBLIC_INPUTS], None, &mut setup).unwrap();
        let [variables, derived] = variables.map(|n| n as usize);
        assert_eq!((setup.constraints, variables, derived), (cost.constraints, cost.variables, cost.derived));
        assert_eq!(setup.witnesses + cost.public_inputs + 1, variables);
        assert_eq!(cost.relations.iter().map(|r| r.constraints).sum::<usize>(), cost.constraints);

        writeln!(report, "by {}:", format!("{ranges:?}").to_lowercase()).unwrap();
        let names = circuit.relations.iter().map(|r| (r.label.as_str(), r.relation.name()));
        let names = names.chain([("statement", "constants"), ("tables", "rows and sums")]);
        for ((label, relation), cost) in names.zip(&cost.relations).filter(|(_, cost)| cost.constraints > 0) {
            writeln!(report, "{:>7} {label}: {relation}", cost.constraints).unwrap();
        }
        writeln!(report, "{:>7} constraints, {} variables", cost.constraints, variables + derived).unwrap();
        writeln!(report, "        digest {}", hex(&setup.digest.finalize()[..8])).unwrap();
    }
    writeln!(report, "model {}", hex(&graph.model_id())).unwrap();
    writeln!(report, "circuit {}", hex(&circuit.description.circuit_id())).unwrap();
    report
}

fn pin(model: &str, expected: &Expect) {
    expected.assert_eq(&report(model));
}

#[test]
fn digits_mlp() {
    pin(
        "digits_mlp",
        &expect![[r#"
            by bits:
                576 input: range
                739 input: commit
               1586 n0_Gemm_quant: requantize
                664 n2_Gemm_quant: requantize
                408 n4_Gemm_quant: requantize
                  1 output: disclose
                  5 statement: constants
               3979 constraints, 3851 variables
                    digest 2e333d52f464fd5c
            by lookups:
                128 input: range
                739 input: commit
                564 n0_Gemm_quant: requantize
                215 n2_Gemm_quant: requantize
                120 n4_Gemm_quant: requantize
                  1 output: disclose
                  5 statement: constants
                 79 tables: rows and sums
               1851 constraints, 2431 variables
                    digest d34a91567d1affd4
            model 199acde5c22c9cc89a2b8cdc8822ff0414c885d9c3ce0c391e953311c4e34f07
            circuit b4d8cc0febb72b18d680b298491037b55cbac1ed34afeb499af0b48a8f4d73
        "#]],
    );
}

#[test]
fn digits_cnn() {
    pin(
        "digits_cnn",
        &expect![[r#"
            by bits:
                576 input: range
                739 input: commit
              20033 n0_Conv_quant: requantize
              44341 n2_Conv_quant: requantize
               7680 n4_MaxPool: max
               1432 n6_Gemm_quant: requantize
                428 n8_Gemm_quant: requantize
                  1 output: disclose
                  5 statement: constants
              75235 constraints, 72892 variables
                    digest 8b43c4ce7fa4e2d9
            by lookups:
                 64 input: range
                739 input: commit
               1536 n0_Conv_quant: requantize
               3072 n2_Conv_quant: requantize
               1536 n4_MaxPool: max
                288 n6_Gemm_quant: requantize
                 90 n8_Gemm_quant: requantize
                  1 output: disclose
                  5 statement: constants
               2856 tables: rows and sums
              10187 constraints, 16379 variables
                    digest 85a09decbd153b93
            model 7b3f921885f439a292b9ad5297c3da710ef057d6fe27f88431bdd44a17901db3
            circuit b39b7eb7ae0f92932be7c2a531c5b15a59fbd909630860c864747626c1d097
        "#]],
    );
}

#[test]
fn lenet_mnist() {
    pin(
        "lenet_mnist",
        &expect![[r#"
            by bits:
               7056 input: range
               1773 input: commit
             148608 conv_0_quant: requantize
              25920 maxpool_2: max
              46464 conv_3_quant: requantize
               7680 maxpool_5: max
               5642 gemm_7_quant: requantize
               3942 gemm_9_quant: requantize
                452 gemm_11_quant: requantize
                  1 output: disclose
                  5 statement: constants
             247543 constraints, 239492 variables
                    digest 4e50891b96832186
            by lookups:
                784 input: range
               1773 input: commit
              10368 conv_0_quant: requantize
               5184 maxpool_2: max
               3072 conv_3_quant: requantize
               1536 maxpool_5: max
               1080 gemm_7_quant: requantize
                756 gemm_9_quant: requantize
                 90 gemm_11_quant: requantize
                  1 output: disclose
                  5 statement: constants
               6769 tables: rows and sums
              31418 constraints, 48991 variables
                    digest af6ed4c64c37bd28
            model e6410c4b9e119695665104e47c274b5224dfed62101094a90d847768de87b37b
            circuit 07b434283bba10707291e88e0ba3a64a4b226396047730c7c45a10e46ba213
        "#]],
    );
}

/// An operator between DequantizeLinear and QuantizeLinear of int8, or behind a product of integers.
fn operator(op: &str, shape: &[i64], constant: proto::Tensor, attributes: Vec<proto::Attribute>) -> String {
    use model::{I8, bytes, int, onnx, reals, shapeless, value};
    let integers = op.ends_with("Integer");
    let head = if integers {
        vec![onnx(op, &["x", "c", "z"], "acc", attributes), onnx("Cast", &["acc"], "f", vec![int("to", 1)])]
    } else {
        let operands: &[&str] = match op {
            "Split" => &["r"],
            "Resize" => &["r", "", "c"],
            _ if constant.dims.is_empty() => &["r"],
            _ => &["r", "c"],
        };
        vec![onnx("DequantizeLinear", &["x", "s", "z"], "r", vec![]), onnx(op, operands, "f", attributes)]
    };
    let mut nodes = head;
    let y = if integers { "large" } else { "s" };
    nodes.push(onnx("QuantizeLinear", &["f", y, "z"], "y", vec![]));
    if op == "Split" {
        nodes[1].output.insert(0, "other".into());
    }
    let constants = vec![constant, reals("s", &[], &[0.05]), reals("large", &[], &[300.0]), bytes("z", I8, &[], &[-7])];
    let mut m = model::model(value("x", I8, shape), nodes, constants, shapeless("y", I8));
    m.opset_import[0].version = 20;
    let graph = import(&m.encode_to_vec()).unwrap().graph;
    let circuit = Circuit::new(&graph, Disclosure::Commit).unwrap();
    let cost = |ranges| Synthesizer::new(&circuit, ranges).unwrap().cost().unwrap();
    let own = |cost: &Cost| {
        let relations = circuit.relations.iter().zip(&cost.relations).filter(|(r, _)| r.node.is_some());
        relations.map(|(_, c)| c.constraints).sum::<usize>()
    };
    let (bits, lookups) = (cost(RangeChecks::Bits), cost(RangeChecks::Lookups));
    let tables = lookups.relations.last().unwrap().constraints;
    let outputs = graph.output_info().elements();
    format!("{op} {shape:?} to {outputs}: {} by bits, {} by lookups, {tables} for tables\n", own(&bits), own(&lookups))
}

/// Constraints of an operator's own relations by bits and by lookups, and those of the tables, which a circuit pays once.
#[test]
fn operators() {
    use model::{I8, bytes, int, int64s, reals, text};
    let none = || reals("c", &[], &[0.0]);
    let axis = |a: i64| int64s("c", &[1], &[a]);
    let all = [
        operator("Sigmoid", &[1, 600], none(), vec![]),
        operator("HardSwish", &[1, 600], none(), vec![]),
        operator("PRelu", &[1, 600], reals("c", &[1], &[0.25]), vec![]),
        operator("PRelu", &[1, 3, 200], reals("c", &[3, 1], &[0.25, 0.5, -1.0]), vec![]),
        operator("MatMulInteger", &[300, 12], bytes("c", I8, &[12, 2], &[3; 24]), vec![]),
        operator("ConvInteger", &[1, 3, 301], bytes("c", I8, &[2, 3, 2], &[5; 12]), vec![]),
        operator("ReduceMean", &[600, 4], axis(1), vec![]),
        operator("ReduceSum", &[600, 4], axis(1), vec![]),
        operator("Split", &[3, 4], none(), vec![int("axis", 1)]),
        operator("Pad", &[3, 4], int64s("c", &[4], &[1, 1, 0, 0]), vec![]),
        operator("Resize", &[1, 1, 3, 4], reals("c", &[4], &[1.0, 1.0, 2.0, 2.0]), vec![text("mode", "nearest")]),
        operator("DepthToSpace", &[1, 4, 1, 3], none(), vec![int("blocksize", 2)]),
        operator("SpaceToDepth", &[1, 1, 2, 6], none(), vec![int("blocksize", 2)]),
    ];
    expect![[r#"
        Sigmoid [1, 600] to 600: 25200 by bits, 1200 by lookups, 547 for tables
        HardSwish [1, 600] to 600: 26400 by bits, 1200 by lookups, 514 for tables
        PRelu [1, 600] to 600: 27600 by bits, 1200 by lookups, 514 for tables
        PRelu [1, 3, 200] to 600: 27600 by bits, 1200 by lookups, 1028 for tables
        MatMulInteger [300, 12] to 600: 23400 by bits, 1800 by lookups, 353 for tables
        ConvInteger [1, 3, 301] to 600: 21600 by bits, 1800 by lookups, 342 for tables
        ReduceMean [600, 4] to 600: 9000 by bits, 1800 by lookups, 645 for tables
        ReduceSum [600, 4] to 600: 9000 by bits, 1200 by lookups, 1279 for tables
        Split [3, 4] to 6: 0 by bits, 0 by lookups, 17 for tables
        Pad [3, 4] to 20: 1 by bits, 1 by lookups, 17 for tables
        Resize [1, 1, 3, 4] to 48: 0 by bits, 0 by lookups, 17 for tables
        DepthToSpace [1, 4, 1, 3] to 12: 0 by bits, 0 by lookups, 17 for tables
        SpaceToDepth [1, 1, 2, 6] to 12: 0 by bits, 0 by lookups, 17 for tables
    "#]]
    .assert_eq(&all.concat());
}
