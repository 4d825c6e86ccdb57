//! The canonical encoding of graphs: read back to the same bytes, and nothing else is read.
#![allow(missing_docs)]
#![cfg(feature = "import")]

use std::{collections::BTreeSet, fs, path::Path, sync::LazyLock};

use avouch_circuits::{
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
    import::import,
    op::{Add, AveragePool, Concat, Mul, Op, Reshape, Select, Table, Transpose, Window},
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

/// Every integer network among the test vectors.
fn models() -> Vec<Graph> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/models");
    let files = fs::read_dir(folder).unwrap().flat_map(|model| fs::read_dir(model.unwrap().path()).unwrap());
    let mut files: Vec<_> = files.map(|f| f.unwrap().path()).collect();
    files.sort_unstable();
    files.retain(|f| {
        let name = f.file_name().unwrap().to_string_lossy();
        name.ends_with(".onnx") && name != "float.onnx"
    });
    files.iter().map(|f| import(&fs::read(f).unwrap()).unwrap().graph).collect()
}

/// A graph of what no model has.
fn moves() -> Graph {
    let quant = Quantization { dtype: DType::U8, scale: 0.5, zero_point: 7 };
    let tensor = |shape: &[usize]| TensorInfo { shape: shape.to_vec(), quant };
    let axes = vec![vec![Some(0)], vec![Some(2), None, Some(0), Some(1)]];
    let node = |op: Op, inputs: &[u32], output| Node {
        name: String::new(),
        op,
        inputs: inputs.iter().map(|&i| TensorId(i)).collect(),
        output: TensorId(output),
    };
    let graph = Graph {
        tensors: [&[1, 3][..], &[1, 4], &[4, 1], &[4, 2], &[4, 2], &[4, 2], &[1, 4, 2], &[1, 4, 1], &[1, 4, 1]]
            .map(tensor)
            .into(),
        nodes: vec![
            node(Select { axes, fill: Some(9) }.into(), &[0], 1),
            node(Transpose { perm: vec![1, 0] }.into(), &[1], 2),
            node(Concat { axis: 1 }.into(), &[2, 2], 3),
            node(Mul.into(), &[3, 3], 4),
            node(Add.into(), &[3, 4], 5),
            node(Reshape.into(), &[5], 6),
            node(AveragePool { window: Window::new([1, 2]) }.into(), &[6], 7),
            node(Table::new(DType::U8, |v| 255 - v).into(), &[7], 8),
        ],
        input: TensorId(0),
        output: TensorId(8),
    };
    graph.check().unwrap();
    graph
}

static GRAPHS: LazyLock<Vec<Graph>> = LazyLock::new(|| models().into_iter().chain([moves()]).collect());
/// Encodings that are short enough to be changed byte by byte.
static SMALL: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let all = GRAPHS.iter().map(Graph::encode);
    all.filter(|bytes| bytes.len() < 20_000).collect()
});

fn nameless(graph: &Graph) -> Graph {
    let mut graph = graph.clone();
    graph.nodes.iter_mut().for_each(|n| n.name.clear());
    graph
}

#[test]
fn every_graph_is_read_back() {
    let mut operators = BTreeSet::new();
    for graph in &*GRAPHS {
        let bytes = graph.encode();
        let read = Graph::decode(&bytes).unwrap();
        assert_eq!(nameless(&read), nameless(graph));
        assert_eq!(read.encode(), bytes);
        assert_eq!(read.model_id(), graph.model_id());
        operators.extend(graph.nodes.iter().map(|n| n.op.name()));
    }
    assert_eq!(operators, Op::NAMES.iter().copied().collect(), "an operator is in none of the graphs");
}

#[test]
fn a_cut_or_extended_encoding_is_refused() {
    assert!(SMALL.len() >= 2);
    for bytes in &*SMALL {
        for n in 0..bytes.len() {
            assert!(Graph::decode(&bytes[..n]).is_err(), "cut to {n} bytes");
        }
        let error = Graph::decode(&[bytes.as_slice(), &[0]].concat()).unwrap_err();
        assert_eq!(error.message, "1 trailing bytes");
    }
}

#[test]
fn a_changed_byte_is_another_graph_or_none() {
    for bytes in &*SMALL {
        for i in 0..bytes.len() {
            for change in [0x01, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[i] ^= change;
                if let Ok(graph) = Graph::decode(&changed) {
                    assert_eq!(graph.encode(), changed, "byte {i} ^ {change:#x}");
                }
            }
        }
    }
}

/// What shape inference does not look at, because the importer never makes it.
#[test]
fn numbers_beyond_any_model_are_refused() {
    let graph = GRAPHS.iter().find(|g| g.nodes.iter().any(|n| matches!(n.op, Op::Dense(_)))).unwrap();
    let mut wide = graph.clone();
    let dense = wide.nodes.iter_mut().find_map(|n| if let Op::Dense(d) = &mut n.op { Some(d) } else { None });
    dense.unwrap().weights[0] = 256;
    let error = Graph::decode(&wide.encode()).unwrap_err();
    assert!(error.message.contains("weight 256"), "{error}");
    assert!(error.place.starts_with("node "), "{error}");

    // Every count and size: none of them allocates anything, and none overflows.
    let bytes = moves().encode();
    for at in 0..bytes.len() - 3 {
        for value in [u32::MAX, u32::MAX / 2, 1 << 26, (1 << 26) + 1, 1 << 24] {
            let mut changed = bytes.clone();
            changed[at..at + 4].copy_from_slice(&value.to_le_bytes());
            if let Ok(graph) = Graph::decode(&changed) {
                assert_eq!(graph.encode(), changed, "{value} at byte {at}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn decoding_is_total_and_canonical(
        junk in vec(any::<u8>(), 0..300),
        bytes in select(&*SMALL),
        edits in vec((any::<Index>(), 0usize..9, vec(any::<u8>(), 0..9)), 1..4),
    ) {
        prop_assert!(Graph::decode(&junk).is_err());
        let mut bytes = bytes;
        for (at, remove, insert) in edits {
            let at = at.index(bytes.len() + 1);
            let end = (at + remove).min(bytes.len());
            bytes.splice(at..end, insert);
        }
        if let Ok(graph) = Graph::decode(&bytes) {
            prop_assert_eq!(graph.encode(), bytes);
        }
    }
}
