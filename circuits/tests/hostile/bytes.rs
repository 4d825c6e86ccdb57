//! Files cut, filled with noise, or changed in some bytes or fields: nothing panics, and what still imports is a graph
//! that lowers or is refused, and runs.

use std::{fs, path::Path, sync::LazyLock};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    execute::run,
    import::{ImportErrorKind, proto::Model},
};
use proptest::{prelude::*, sample::Index};
use prost::Message as _;

use super::{graph, import_bounded, scales};

/// The small real models, in both forms.
static MODELS: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/models");
    let files = [
        "digits_cnn/int8_qop",
        "digits_cnn/int8_qdq",
        "digits_mlp/int8_qop",
        "digits_mlp/int8_qdq",
        "digits_mlp_matmul/int8_qop",
        "digits_mlp_matmul/int8_qdq",
        "meter_cnn/int8_qop",
        "accel_conv1d/int8_qop",
    ];
    let mut models: Vec<Vec<u8>> =
        files.iter().map(|f| fs::read(folder.join(f).with_extension("onnx")).unwrap()).collect();
    models.extend([scales::qoperator(), scales::qdq()].map(|m| m.encode_to_vec()));
    models
});

/// Imports; what is imported is a checked graph that runs on the ends of its input's type, and lowers or is refused.
fn exercise(bytes: &[u8]) {
    let Ok(imported) = import_bounded(bytes) else { return };
    let graph = &imported.graph;
    graph.check().unwrap();
    let info = graph.input_info();
    for value in [info.quant.dtype.min(), info.quant.zero_point, info.quant.dtype.max()] {
        let output = run(graph, &vec![value as i16; info.elements()]).unwrap();
        let q = graph.output_info().quant;
        assert_eq!(output.len(), graph.output_info().elements());
        assert!(output.iter().all(|&v| (q.dtype.min()..=q.dtype.max()).contains(&v.into())));
        if let Some(softmax) = imported.softmax {
            softmax.apply(&output, graph.output_info());
        }
    }
    for disclosure in [Disclosure::Argmax, Disclosure::Commit] {
        if let Err(e) = Circuit::new(graph, disclosure) {
            assert!(!e.message.is_empty() && !e.node.is_empty());
        }
    }
}

#[test]
fn real_models_pass() {
    for bytes in &*MODELS {
        import_bounded(bytes).unwrap();
        exercise(bytes);
    }
}

#[test]
fn a_file_cut_anywhere_is_refused() {
    for m in [scales::qoperator(), scales::qdq()] {
        let uses_microsoft = m.graph.as_ref().unwrap().node.iter().any(|n| !n.domain.is_empty());
        let bytes = m.encode_to_vec();
        // Without its last field, an import that is not used, the second is the same model.
        let whole = if uses_microsoft { bytes.len() } else { bytes.len() - 19 };
        for n in 0..whole {
            let error = import_bounded(&bytes[..n]).err().unwrap_or_else(|| panic!("imported when cut to {n} bytes"));
            assert_eq!(error.kind, ImportErrorKind::Malformed, "{n}: {error}");
        }
        assert!(import_bounded(&bytes[..whole]).is_ok());
    }
}

#[test]
fn every_byte_of_a_small_model_can_change() {
    for m in [scales::qoperator(), scales::qdq()] {
        let bytes = m.encode_to_vec();
        for at in 0..bytes.len() {
            for change in [1, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] ^= change;
                exercise(&changed);
            }
        }
    }
}

/// A change of a file's bytes.
#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Cut(Index),
    Remove(Index, usize),
    Repeat(Index, usize),
    /// A piece of another model.
    Splice(Index, usize, Index, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        6 => (any::<Index>(), prop_oneof![any::<u8>(), Just(0), Just(0xff), Just(0x7f), Just(0x80)])
            .prop_map(|(at, v)| Edit::Set(at, v)),
        1 => any::<Index>().prop_map(Edit::Cut),
        1 => (any::<Index>(), 1usize..40).prop_map(|(at, n)| Edit::Remove(at, n)),
        1 => (any::<Index>(), 1usize..40).prop_map(|(at, n)| Edit::Repeat(at, n)),
        1 => (any::<Index>(), 0usize..10, any::<Index>(), 1usize..200)
            .prop_map(|(at, model, from, n)| Edit::Splice(at, model, from, n)),
    ]
}

fn apply(bytes: &mut Vec<u8>, edit: &Edit) {
    if bytes.is_empty() {
        return;
    }
    let piece = |source: &[u8], at: usize, n: usize| source[at..source.len().min(at + n)].to_vec();
    match edit {
        Edit::Set(at, v) => *at.get_mut(bytes) = *v,
        Edit::Cut(at) => bytes.truncate(at.index(bytes.len())),
        Edit::Remove(at, n) => {
            let at = at.index(bytes.len());
            bytes.drain(at..bytes.len().min(at + n));
        }
        Edit::Repeat(at, n) => {
            let at = at.index(bytes.len());
            let again = piece(bytes, at, *n);
            bytes.splice(at..at, again);
        }
        Edit::Splice(at, model, from, n) => {
            let at = at.index(bytes.len());
            let other = piece(&MODELS[*model], from.index(MODELS[*model].len()), *n);
            let end = bytes.len().min(at + other.len());
            bytes.splice(at..end, other);
        }
    }
}

/// Numbers at which sizes, axes and shifts break.
fn number() -> impl Strategy<Value = i64> {
    prop_oneof![-3i64..10, Just(64), Just(1 << 31), Just(1 << 40), Just(i64::MAX), Just(i64::MIN)]
}

/// A change of a model's fields: always a file that decodes.
#[derive(Clone, Debug)]
enum Change {
    Int(Index, Index, Index, i64),
    DropAttribute(Index),
    Operand(Index, Index, Index),
    DropOperand(Index),
    Operator(Index, Index),
    Output(Index, Index),
    DropNode(Index),
    SwapNodes(Index, Index),
    Dim(Index, Index, i64),
    Type(Index, i32),
    Bits(Index, Index, u8),
    InputDim(Index, i64),
    OutputTensor(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let i = any::<Index>;
    prop_oneof![
        3 => (i(), i(), i(), number()).prop_map(|(n, a, e, v)| Change::Int(n, a, e, v)),
        1 => i().prop_map(Change::DropAttribute),
        2 => (i(), i(), i()).prop_map(|(n, o, from)| Change::Operand(n, o, from)),
        1 => i().prop_map(Change::DropOperand),
        2 => (i(), i()).prop_map(|(n, from)| Change::Operator(n, from)),
        1 => (i(), i()).prop_map(|(n, from)| Change::Output(n, from)),
        1 => i().prop_map(Change::DropNode),
        1 => (i(), i()).prop_map(|(a, b)| Change::SwapNodes(a, b)),
        1 => (i(), i(), number()).prop_map(|(t, d, v)| Change::Dim(t, d, v)),
        1 => (i(), 0i32..24).prop_map(|(t, v)| Change::Type(t, v)),
        3 => (i(), i(), any::<u8>()).prop_map(|(t, at, v)| Change::Bits(t, at, v)),
        1 => (i(), number()).prop_map(|(d, v)| Change::InputDim(d, v)),
        2 => i().prop_map(Change::OutputTensor),
    ]
}

fn change_model(m: &mut Model, change: &Change) {
    let g = graph(m);
    // Every node and initializer may be gone after enough changes.
    if g.node.is_empty() || g.initializer.is_empty() {
        return;
    }
    let nodes = g.node.len();
    match change {
        Change::Int(n, a, e, v) => {
            let attributes = &mut n.get_mut(&mut g.node).attribute;
            if !attributes.is_empty() {
                let attribute = a.get_mut(attributes);
                attribute.i = *v;
                if !attribute.ints.is_empty() {
                    *e.get_mut(&mut attribute.ints) = *v;
                }
            }
        }
        Change::DropAttribute(n) => drop(n.get_mut(&mut g.node).attribute.pop()),
        Change::Operand(n, o, from) => {
            let names: Vec<String> = g.node.iter().flat_map(|n| n.input.iter().chain(&n.output)).cloned().collect();
            let operands = &mut n.get_mut(&mut g.node).input;
            if !operands.is_empty() {
                *o.get_mut(operands) = from.get(&names).clone();
            }
        }
        Change::DropOperand(n) => drop(n.get_mut(&mut g.node).input.pop()),
        Change::Operator(n, from) => {
            let other = from.get(&g.node).clone();
            let node = n.get_mut(&mut g.node);
            (node.op_type, node.domain) = (other.op_type, other.domain);
        }
        Change::Output(n, from) => {
            let other = from.get(&g.node).output.clone();
            n.get_mut(&mut g.node).output = other;
        }
        Change::DropNode(n) => drop(g.node.remove(n.index(nodes))),
        Change::SwapNodes(a, b) => g.node.swap(a.index(nodes), b.index(nodes)),
        Change::Dim(t, d, v) => {
            let dims = &mut t.get_mut(&mut g.initializer).dims;
            if dims.is_empty() {
                dims.push(*v);
            } else {
                *d.get_mut(dims) = *v;
            }
        }
        Change::Type(t, v) => t.get_mut(&mut g.initializer).data_type = *v,
        Change::Bits(t, at, v) => {
            let tensor = t.get_mut(&mut g.initializer);
            let mut raw = tensor.raw_data.to_vec();
            if !raw.is_empty() {
                *at.get_mut(&mut raw) = *v;
            }
            tensor.raw_data = raw.into();
        }
        Change::InputDim(d, v) => {
            let tensor = g.input[0].r#type.as_mut().unwrap().tensor.as_mut().unwrap();
            let dims = &mut tensor.shape.as_mut().unwrap().dim;
            d.get_mut(dims).dim_value = Some(*v);
        }
        Change::OutputTensor(n) => {
            let name = n.get(&g.node).output.first().cloned().unwrap_or_default();
            g.output[0].name = name;
            let tensor = g.output[0].r#type.as_mut().unwrap().tensor.as_mut().unwrap();
            tensor.shape = None;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn noise_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..2000), framed in any::<bool>()) {
        let file = if framed {
            // As a graph.
            let mut file = vec![0x08, 8, 0x3a];
            prost::encoding::encode_varint(bytes.len() as u64, &mut file);
            file.extend(bytes);
            file
        } else {
            bytes
        };
        prop_assert!(import_bounded(&file).is_err());
    }

    #[test]
    fn edited_models_do_not_panic(model in 0usize..10, edits in prop::collection::vec(edit(), 1..6)) {
        let mut bytes = MODELS[model].clone();
        edits.iter().for_each(|e| apply(&mut bytes, e));
        exercise(&bytes);
    }

    #[test]
    fn changed_models_do_not_panic(model in 0usize..10, changes in prop::collection::vec(change(), 1..5)) {
        let mut m = Model::decode(&*MODELS[model]).unwrap();
        changes.iter().for_each(|c| change_model(&mut m, c));
        exercise(&m.encode_to_vec());
    }
}
