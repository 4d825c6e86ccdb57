//! Files that contradict themselves, hide something, or use what is not understood.

use std::fs::{self, File};

use avouch_circuits::import::{
    ImportErrorKind::{Io, Malformed, Refused, TooLarge, Unsupported},
    import_file,
    proto::{Attribute, Model, Node, OperatorSet, Tensor, Type, Value},
};

use super::{
    MEMORY, graph, import_model,
    memory::peak,
    model::{
        FLOAT, I8, INT32, INT64, U8, bytes, int, int32s, int64s, ints, model, node, onnx, reals, shapeless, value,
    },
    refused, refused_bytes,
};

/// Quantizes, clips and dequantizes four numbers.
fn small() -> Model {
    let nodes = vec![
        onnx("QuantizeLinear", &["x", "s", "z"], "q", vec![]),
        onnx("Relu", &["q"], "r", vec![]),
        onnx("DequantizeLinear", &["r", "s", "z"], "y", vec![]),
    ];
    let constants = vec![reals("s", &[], &[0.5]), bytes("z", I8, &[], &[1])];
    model(value("x", FLOAT, &[-1, 4]), nodes, constants, value("y", FLOAT, &[-1, 4]))
}

fn changed(change: impl FnOnce(&mut Model)) -> Model {
    let mut m = small();
    change(&mut m);
    m
}

#[test]
fn the_model_is_good_without_changes() {
    assert_eq!(import_model(&small()).unwrap().graph.nodes.len(), 1);
}

#[test]
fn an_initializer_that_is_also_an_input_is_refused() {
    let m = changed(|m| graph(m).input.push(value("s", FLOAT, &[])));
    refused(&m, Refused, "input s", "could be overridden");
    let m = changed(|m| graph(m).initializer.push(reals("x", &[1, 4], &[0.0; 4])));
    refused(&m, Refused, "input x", "could be overridden");
}

#[test]
fn names_that_stand_twice_are_refused() {
    let m = changed(|m| graph(m).initializer.push(reals("s", &[], &[0.25])));
    refused(&m, Malformed, "initializer s", "stands twice");
    let m = changed(|m| graph(m).initializer.push(reals("", &[], &[0.25])));
    refused(&m, Malformed, "initializer ", "empty");
    let m = changed(|m| graph(m).node[1].output[0] = "q".into());
    refused(&m, Malformed, "node r (Relu)", "stands twice");
    for taken in ["x", "s"] {
        let m = changed(|m| graph(m).node[1].output[0] = taken.into());
        refused(&m, Malformed, "node r (Relu)", "stands twice");
    }
    let m = changed(|m| graph(m).node[1].output[0].clear());
    refused(&m, Malformed, "node r (Relu)", "empty");
    let m = changed(|m| graph(m).value_info.extend([value("r", I8, &[1, 4]), value("r", I8, &[1, 4])]));
    refused(&m, Malformed, "declared tensor r", "declared twice");
    let m = changed(|m| graph(m).value_info.push(value("y", FLOAT, &[1, 4])));
    refused(&m, Malformed, "declared tensor y", "declared twice");
    let m = changed(|m| graph(m).node[0].attribute.extend([int("axis", 1), int("axis", 0)]));
    refused(&m, Malformed, "node q (QuantizeLinear)", "attribute axis stands twice");
    let m = changed(|m| m.opset_import.push(OperatorSet { domain: "ai.onnx".into(), version: 12 }));
    refused(&m, Malformed, "", "imported twice");
}

#[test]
fn nodes_that_are_not_in_order_are_refused() {
    let m = changed(|m| graph(m).node.swap(0, 1));
    refused(&m, Malformed, "node r (Relu)", "operand q is not produced before it is used");
    let m = changed(|m| graph(m).node[1].input[0] = "r".into());
    refused(&m, Malformed, "node r (Relu)", "operand r is not produced");
    // A cycle of two.
    let m = changed(|m| {
        graph(m).node[1].input[0] = "t".into();
        graph(m).node.insert(2, onnx("Relu", &["r"], "t", vec![]));
    });
    refused(&m, Malformed, "node r (Relu)", "operand t is not produced");
    let m = changed(|m| graph(m).output[0].name = "nowhere".into());
    refused(&m, Malformed, "output nowhere", "no node produces it");
}

#[test]
fn false_declarations_are_refused() {
    for dims in [&[2, 4][..], &[1, 5], &[4], &[1, 4, 1], &[]] {
        let m = changed(|m| graph(m).output[0] = value("y", FLOAT, dims));
        refused(&m, Refused, "tensor y", "declared with shape");
        let m = changed(|m| graph(m).value_info.push(value("r", I8, dims)));
        refused(&m, Refused, "tensor r", "declared with shape");
        let m = changed(|m| graph(m).value_info.push(value("x", FLOAT, dims)));
        refused(&m, Refused, "tensor x", "declared with shape");
    }
    let m = changed(|m| graph(m).value_info.push(value("s", FLOAT, &[1])));
    refused(&m, Refused, "initializer s", "declared with shape");
    let m = changed(|m| graph(m).value_info.push(value("s", INT32, &[])));
    refused(&m, Refused, "initializer s", "declared as int32, is float32");
    let m = changed(|m| graph(m).output[0] = value("y", I8, &[1, 4]));
    refused(&m, Refused, "tensor y", "declared as int8, is float32");
    let m = changed(|m| graph(m).value_info.push(value("r", U8, &[1, 4])));
    refused(&m, Refused, "tensor r", "declared as uint8, is int8");
    let m = changed(|m| graph(m).value_info.push(value("r", 77, &[1, 4])));
    refused(&m, Refused, "tensor r", "declared as type number 77, is int8");
    let m = changed(|m| graph(m).value_info.push(value("r", I8, &[1, -7])));
    refused(&m, Malformed, "declared tensor r", "dimension -7");
    let m = changed(|m| graph(m).value_info.push(Value { name: "r".into(), r#type: None }));
    refused(&m, Unsupported, "declared tensor r", "no tensor type");
    let m = changed(|m| graph(m).value_info.push(value("r", I8, &[1; 9])));
    refused(&m, TooLarge, "declared tensor r", "rank");
    // Unknown dimensions hide nothing.
    let m = changed(|m| graph(m).value_info.extend([value("r", I8, &[-1, -1]), shapeless("q", I8)]));
    assert!(import_model(&m).is_ok());
}

#[test]
fn inputs_that_say_too_little_or_nonsense_are_refused() {
    let input = |v: Value| changed(|m| graph(m).input[0] = v);
    refused(&input(shapeless("x", FLOAT)), Unsupported, "input x", "no shape");
    refused(&input(value("x", FLOAT, &[1, -1])), Unsupported, "input x", "dimension 1 is symbolic");
    refused(&input(value("x", FLOAT, &[1, -4])), Malformed, "input x", "dimension -4");
    refused(&input(value("x", FLOAT, &[1, 0])), TooLarge, "input x", "empty");
    refused(&input(value("x", FLOAT, &[1; 9])), TooLarge, "input x", "rank");
    refused(
        &input(Value { name: "x".into(), r#type: Some(Type { tensor: None }) }),
        Unsupported,
        "input x",
        "no tensor type",
    );
    refused(&input(value("", FLOAT, &[1, 4])), Malformed, "input ", "empty");
    for elem_type in [0, -1, INT32, INT64, 10, 11, 16, 21, 22, 8, 99] {
        refused(&input(value("x", elem_type, &[1, 4])), Unsupported, "input x", "only float32, int8 and uint8");
    }
    let m = changed(|m| graph(m).input.clear());
    refused(&m, Unsupported, "", "0 inputs and 1 outputs");
    let m = changed(|m| graph(m).input.push(value("x2", FLOAT, &[1])));
    refused(&m, Unsupported, "", "2 inputs and 1 outputs");
    let m = changed(|m| graph(m).output.push(value("r", I8, &[1, 4])));
    refused(&m, Unsupported, "", "1 inputs and 2 outputs");
    let m = changed(|m| graph(m).output.clear());
    refused(&m, Unsupported, "", "1 inputs and 0 outputs");
}

#[test]
fn outputs_that_are_no_result_are_refused() {
    let m = changed(|m| graph(m).output[0] = value("s", FLOAT, &[]));
    refused(&m, Unsupported, "output s", "not quantized");
    let m = changed(|m| graph(m).output[0] = value("x", FLOAT, &[1, 4]));
    refused(&m, Unsupported, "output x", "not quantized");
    // A constant output would be true of every input.
    let m = changed(|m| {
        let g = graph(m);
        g.initializer.push(bytes("c", I8, &[1, 4], &[1, 2, 3, 4]));
        g.node[2].input[0] = "c".into();
    });
    refused(&m, Unsupported, "output y", "not quantized");
}

#[test]
fn unknown_versions_are_refused() {
    for v in [-1, 0, 3, 14, i64::MAX, i64::MIN] {
        refused(&changed(|m| m.ir_version = v), Unsupported, "", "IR version");
    }
    for v in [-1, 0, 9, 24, i64::MAX] {
        refused(&changed(|m| m.opset_import[0].version = v), Unsupported, "", "is not known");
    }
    for v in [0, 2] {
        refused(&changed(|m| m.opset_import[1].version = v), Unsupported, "", "com.microsoft");
    }
    refused(&changed(|m| m.opset_import.clear()), Malformed, "", "no operator set");
    refused(&changed(|m| m.graph = None), Malformed, "", "no graph");
}

#[test]
fn what_stands_outside_the_graph_is_refused() {
    refused(&changed(|m| m.functions.push(b"f".as_slice().into())), Unsupported, "", "local functions");
    refused(&changed(|m| m.training_info.push(b"t".as_slice().into())), Unsupported, "", "training information");
    refused(&changed(|m| graph(m).sparse_initializer.push(b"s".as_slice().into())), Unsupported, "", "sparse");
}

#[test]
fn operators_that_are_not_known_are_refused() {
    for (domain, op) in [
        ("", "LSTM"),
        ("", "relu"),
        ("", ""),
        ("", "If"),
        ("", "Loop"),
        ("", "QGemm"),
        ("com.microsoft", "Relu"),
        ("evil", "Relu"),
        ("", "DynamicQuantizeLinear"),
        ("", "RandomNormal"),
    ] {
        let m = changed(|m| graph(m).node[1] = node(domain, op, &["q"], "r", vec![]));
        refused(&m, Unsupported, &format!("node r ({op})"), "is not supported");
    }
}

#[test]
fn attributes_that_are_not_known_are_refused() {
    let with = |a: Attribute| changed(|m| graph(m).node[0].attribute.push(a));
    let place = "node q (QuantizeLinear)";
    refused(&with(int("evil", 1)), Unsupported, place, "unknown attribute evil");
    refused(&with(ints("axis", &[1])), Malformed, place, "attribute axis has the wrong type");
    refused(&with(Attribute { r#type: 0, ..int("axis", 1) }), Malformed, place, "wrong type");
    refused(&with(Attribute { ref_attr_name: "a".into(), ..int("axis", 1) }), Malformed, place, "wrong type");
    refused(&with(Attribute { r#type: 5, ..int("axis", 0) }), Malformed, place, "wrong type");
    refused(&with(int("saturate", 0)), Unsupported, place, "saturate = 0");
    refused(&with(int("block_size", 2)), Unsupported, place, "block_size = 2");
    refused(&with(int("output_dtype", 2)), Unsupported, place, "output_dtype differs");
    // A subgraph, and a list of them.
    for kind in [5, 10] {
        refused(&with(Attribute { r#type: kind, ..int("body", 0) }), Unsupported, place, "unknown attribute body");
    }
}

#[test]
fn operands_of_the_wrong_number_or_kind_are_refused() {
    let with = |n: Node| changed(|m| graph(m).node[1] = n);
    refused(&with(onnx("Relu", &[], "r", vec![])), Malformed, "node r (Relu)", "is missing");
    refused(&with(onnx("Relu", &[""], "r", vec![])), Malformed, "node r (Relu)", "is missing");
    refused(&with(onnx("Relu", &["q", "q"], "r", vec![])), Unsupported, "node r (Relu)", "operand 1 is one too many");
    refused(
        &with(onnx("Relu", &["x"], "r", vec![])),
        Unsupported,
        "node r (Relu)",
        "not the result of a DequantizeLinear",
    );
    refused(
        &with(onnx("Relu", &["s"], "r", vec![])),
        Unsupported,
        "node r (Relu)",
        "not the result of a DequantizeLinear",
    );
    refused(&with(onnx("Concat", &[], "r", vec![])), Malformed, "node r (Concat)", "at least one");
    refused(
        &with(Node { output: vec![], ..onnx("Relu", &["q"], "r", vec![]) }),
        Unsupported,
        "node r (Relu)",
        "no or several outputs",
    );
    let two = Node { output: vec!["r".into(), "t".into()], ..onnx("MaxPool", &["q"], "r", vec![]) };
    refused(&with(two), Unsupported, "node r (MaxPool)", "no or several outputs");
    let m = changed(|m| graph(m).node[0].input[1] = "x".into());
    refused(&m, Unsupported, "node q (QuantizeLinear)", "computed at run time");
    let m = changed(|m| {
        graph(m).node[0].input.truncate(1);
    });
    refused(&m, Malformed, "node q (QuantizeLinear)", "is missing");
    // Dequantized by another scale than it was quantized by.
    let m = changed(|m| {
        graph(m).initializer.push(reals("t", &[], &[0.25]));
        graph(m).node[2].input[1] = "t".into();
    });
    refused(&m, Unsupported, "node y (DequantizeLinear)", "elsewhere");
}

#[test]
fn external_and_segmented_data_are_refused() {
    let with = |t: Tensor| changed(|m| graph(m).initializer.push(t));
    let place = "initializer t";
    let external = Tensor { external_data: vec![b"\n\x08location".as_slice().into()], ..reals("t", &[1], &[1.0]) };
    refused(&with(external), Refused, place, "in another file");
    for data_location in [1, 2, -1] {
        let t = Tensor { data_location, ..reals("t", &[1], &[1.0]) };
        refused(&with(t), Refused, place, "in another file");
    }
    let t = Tensor { segment: Some(b"s".as_slice().into()), ..reals("t", &[1], &[1.0]) };
    refused(&with(t), Unsupported, place, "segmented");
}

#[test]
fn initializers_of_other_types_are_refused() {
    // Undefined, uint16, int16, string, bool, float16, double, uint32, uint64, complex, bfloat16, float8, 4 bits, unknown.
    for data_type in [0, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 99, -1, i32::MAX] {
        let m = changed(|m| graph(m).initializer.push(Tensor { data_type, ..reals("t", &[1], &[1.0]) }));
        refused(&m, Unsupported, "initializer t", &format!("element type number {data_type}"));
    }
}

#[test]
fn data_that_does_not_fit_its_shape_is_refused() {
    let with = |t: Tensor| changed(|m| graph(m).initializer.push(t));
    let raw = |n: usize| vec![0u8; n].into();
    for t in [
        Tensor { raw_data: raw(0), ..reals("t", &[1], &[]) },
        Tensor { raw_data: raw(3), ..reals("t", &[1], &[]) },
        Tensor { raw_data: raw(5), ..reals("t", &[1], &[]) },
        Tensor { raw_data: raw(8), ..reals("t", &[1], &[]) },
        Tensor { raw_data: raw(4), ..reals("t", &[0], &[]) },
        Tensor { float_data: vec![1.0], ..reals("t", &[1], &[1.0]) },
        Tensor { float_data: vec![1.0], ..int32s("t", &[1], &[]) },
        Tensor { float_data: vec![1.0], ..bytes("t", I8, &[1], &[1]) },
        Tensor { int32_data: vec![1], ..bytes("t", I8, &[1], &[1]) },
        Tensor { int32_data: vec![1, 2], ..bytes("t", U8, &[1], &[]) },
        Tensor { int32_data: vec![1], ..int64s("t", &[1], &[]) },
        Tensor { int64_data: vec![1], ..reals("t", &[1], &[]) },
        bytes("t", U8, &[2, 2], &[1, 2, 3]),
        int64s("t", &[2], &[1]),
    ] {
        refused(&with(t), Malformed, "initializer t", "elements of its shape");
    }
    for (data_type, v) in [(I8, 128), (I8, -129), (U8, 256), (U8, -1), (U8, i32::MIN)] {
        let t = Tensor { int32_data: vec![v], ..bytes("t", data_type, &[1], &[]) };
        refused(&with(t), Malformed, "initializer t", "outside");
    }
    refused(&with(reals("t", &[-1], &[])), Malformed, "initializer t", "negative dimension");
    refused(&with(reals("t", &[i64::MIN], &[])), Malformed, "initializer t", "negative dimension");
    let typed = Tensor { int32_data: vec![-128, 127], ..bytes("t", I8, &[2], &[]) };
    assert!(import_model(&with(typed)).is_ok());
}

#[test]
fn weights_of_no_elements_are_refused() {
    for dims in [[0, 1, 3, 3], [1, 0, 3, 3], [1, 1, 0, 3], [1, 1, 3, 0]] {
        let nodes = vec![onnx("QLinearConv", &["x", "s", "z", "w", "s", "z", "s", "z"], "y", vec![])];
        let constants = vec![reals("s", &[], &[0.5]), bytes("z", U8, &[], &[0]), bytes("w", U8, &dims, &[])];
        let m = model(value("x", U8, &[1, 1, 4, 4]), nodes, constants, value("y", U8, &[1, 1, 2, 2]));
        let error = import_model(&m).expect_err("no weights");
        assert!(matches!(error.kind, Malformed | Refused), "{error}");
        assert_eq!(error.place, "node y (QLinearConv)");
    }
}

#[test]
fn names_from_the_file_are_escaped_and_cut() {
    let m = changed(|m| graph(m).node[1].op_type = "\u{1b}[2J\n\u{202e}evil".into());
    refused(&m, Unsupported, "node r (\\u{1b}[2J\\n\\u{202e}evil)", "\\u{1b}[2J\\n\\u{202e}evil");
    let long = "n".repeat(10_000_000);
    let m = changed(|m| {
        let n = &mut graph(m).node[1];
        n.name = long.clone();
        n.op_type = long.clone();
        n.domain = long.clone();
    });
    let cut = format!("{}…", "n".repeat(80));
    refused(&m, Unsupported, &format!("node {cut} ({cut})"), &cut);
    let m = changed(|m| graph(m).node[1].input[0] = long.clone());
    refused(&m, Malformed, "node r (Relu)", &cut);
}

#[test]
fn files_that_can_not_be_read_or_never_end_are_refused() {
    let folder = std::env::temp_dir();
    let missing = folder.join("avouch-no-such-model.onnx");
    for path in [&folder, &missing] {
        let error = import_file(path).unwrap_err();
        assert_eq!((error.kind, error.place), (Io, path.display().to_string()));
    }
    // A terabyte of nothing.
    let endless = folder.join(format!("avouch-endless-{}.onnx", std::process::id()));
    File::create(&endless).and_then(|f| f.set_len(1 << 40)).unwrap();
    let (result, bytes) = peak(|| import_file(&endless));
    fs::remove_file(&endless).unwrap();
    let error = result.unwrap_err();
    assert_eq!((error.kind, error.place), (TooLarge, endless.display().to_string()));
    assert!(bytes < MEMORY, "{bytes}");
}

#[test]
fn files_that_are_no_models_are_refused() {
    refused_bytes(b"", Malformed, "", "empty");
    refused_bytes(b"\0", Malformed, "", "not an ONNX file");
    refused_bytes(b"{\"not\": \"protobuf\"}", Malformed, "", "not an ONNX file");
    refused_bytes(b"\x89PNG\r\n\x1a\n", Malformed, "", "not an ONNX file");
    // A name that is no UTF-8.
    let mut bytes = prost::Message::encode_to_vec(&small());
    let at = bytes.windows(4).position(|w| w == b"Relu").unwrap();
    bytes[at] = 0xff;
    refused_bytes(&bytes, Malformed, "", "not an ONNX file");
}
