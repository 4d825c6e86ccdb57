//! What the importer makes of operators where the two forms differ, or where nothing of them is left: exact integers,
//! worked out by hand. The JSON vectors hold all operators in both forms.

use avouch_circuits::{
    execute::run,
    graph::{DType, Quantization},
    import::{
        Form,
        ImportErrorKind::{Malformed, Refused, TooLarge, Unsupported},
        Imported, Kind, Softmax,
        proto::{Attribute, Model, Node, Tensor, attribute_type},
    },
};

use super::{
    graph, import_model,
    model::{
        FLOAT, I8, INT32, U8, bytes, float, int, int32s, int64s, ints, model, onnx, ort, reals, shapeless, text, value,
    },
    refused,
};

/// With the scales 1, ½ and ¼, and zero points of int8 and uint8.
fn build(input: (i32, &[i64]), nodes: Vec<Node>, mut constants: Vec<Tensor>) -> Model {
    constants.extend([reals("one", &[], &[1.0]), reals("half", &[], &[0.5]), reals("quarter", &[], &[0.25])]);
    constants.extend([bytes("i0", I8, &[], &[0]), bytes("i3", I8, &[], &[-3]), bytes("u5", U8, &[], &[5])]);
    let last = nodes.last().unwrap();
    let real = last.op_type.starts_with("Dequantize") || last.op_type == "Softmax";
    let output = shapeless(&last.output[0], if real { FLOAT } else { I8 });
    model(value("x", input.0, input.1), nodes, constants, output)
}

#[track_caller]
fn gives(m: &Model, x: &[i16], y: &[i16]) -> Imported {
    let imported = import_model(m).unwrap();
    assert_eq!(run(&imported.graph, x).unwrap(), y);
    imported
}

fn dequantize(from: &str, scale: &str, zero: &str, to: &str) -> Node {
    onnx("DequantizeLinear", &[from, scale, zero], to, vec![])
}

fn quantize(from: &str, scale: &str, zero: &str, to: &str) -> Node {
    onnx("QuantizeLinear", &[from, scale, zero], to, vec![])
}

#[test]
fn activations_clip_the_operator_before() {
    // x in steps of ½, weights of 1 and 2: 2·x₀ + x₁, to steps of 1 around −3.
    let product = |activations: Vec<Node>, last: &str| {
        let mut nodes = vec![
            dequantize("x", "half", "i0", "xr"),
            onnx("DequantizeLinear", &["w", "one"], "wr", vec![]),
            onnx("MatMul", &["xr", "wr"], "m", vec![]),
        ];
        nodes.extend(activations);
        nodes.push(quantize(last, "one", "i3", "y"));
        build(
            (I8, &[1, 2]),
            nodes,
            vec![bytes("w", I8, &[2, 1], &[2, 1]), reals("six", &[], &[6.0]), reals("zero", &[], &[0.0])],
        )
    };
    let none = product(vec![], "m");
    let relu = product(vec![onnx("Relu", &["m"], "r", vec![])], "r");
    let relu6 = product(vec![onnx("Clip", &["m", "zero", "six"], "r", vec![])], "r");
    let twice = product(vec![onnx("Relu", &["m"], "t", vec![]), onnx("Clip", &["t", "", "six"], "r", vec![])], "r");
    for (x, [plain, clipped, six]) in [
        // 2.5 and 3.5 round to even, then the zero point.
        ([2, 1], [-1, -1, -1]),
        ([3, 1], [1, 1, 1]),
        ([-2, -1], [-5, -3, -3]),
        ([10, 0], [7, 7, 3]),
        ([127, 127], [127, 127, 3]),
        ([-128, -128], [-128, -3, -3]),
    ] {
        gives(&none, &x, &[plain]);
        gives(&relu, &x, &[clipped]);
        gives(&relu6, &x, &[six]);
        // One operator: the activation is its clip range.
        assert_eq!(gives(&twice, &x, &[six]).graph.nodes.len(), 1);
    }
}

#[test]
fn biases_are_operands_or_added_behind() {
    let weights = bytes("w", I8, &[2, 2], &[1, 0, 0, 1]);
    let front = || vec![dequantize("x", "half", "i0", "xr"), onnx("DequantizeLinear", &["w", "one"], "wr", vec![])];
    let finish = |mut nodes: Vec<Node>, constants: Vec<Tensor>| {
        nodes.push(quantize("m", "half", "i3", "y"));
        build((I8, &[1, 2]), nodes, constants)
    };
    let gemm = |bias: &str, attributes| onnx("Gemm", &["xr", "wr", bias], "m", attributes);
    let real = reals("b", &[2], &[5.1, -5.1]);
    let mut forms = Vec::new();
    let mut nodes = front();
    nodes.push(gemm("b", vec![]));
    forms.push(finish(nodes, vec![weights.clone(), real.clone()]));
    let mut nodes = front();
    nodes.extend([onnx("MatMul", &["xr", "wr"], "p", vec![]), onnx("Add", &["b", "p"], "m", vec![])]);
    forms.push(finish(nodes, vec![weights.clone(), real]));
    let mut nodes = front();
    nodes.extend([onnx("DequantizeLinear", &["b", "half"], "br", vec![]), gemm("br", vec![float("beta", 1.0)])]);
    forms.push(finish(nodes, vec![weights.clone(), int32s("b", &[2], &[10, -10])]));
    // At another scale: rounded to steps of ½.
    let mut nodes = front();
    nodes.extend([onnx("DequantizeLinear", &["b", "quarter"], "br", vec![]), gemm("br", vec![])]);
    forms.push(finish(nodes, vec![weights.clone(), int32s("b", &[2], &[21, -20])]));
    for m in &forms {
        gives(m, &[1, 2], &[8, -11]);
    }
    let mut nodes = front();
    nodes.extend([gemm("b", vec![]), onnx("Add", &["m", "b"], "n", vec![]), quantize("n", "half", "i3", "y")]);
    let twice = build((I8, &[1, 2]), nodes, vec![weights.clone(), int32s("b", &[2], &[1, 1])]);
    refused(&twice, Unsupported, "node n (Add)", "has a bias already");
    let mut nodes = front();
    nodes.push(gemm("b", vec![float("beta", 0.5)]));
    refused(&finish(nodes, vec![weights, int32s("b", &[2], &[1, 1])]), Unsupported, "node m (Gemm)", "beta = 0.5");
}

#[test]
fn what_moves_the_input_before_it_is_quantized_moves_the_integers() {
    let nodes = vec![
        onnx("Transpose", &["x"], "t", vec![ints("perm", &[0, 2, 1])]),
        onnx("Unsqueeze", &["t", "axes"], "u", vec![]),
        onnx("Flatten", &["u"], "f", vec![]),
        quantize("f", "half", "i3", "q"),
        onnx("Relu", &["q"], "r", vec![]),
        dequantize("r", "half", "i3", "y"),
    ];
    let m = build((FLOAT, &[-1, 2, 3]), nodes, vec![int64s("axes", &[1], &[1])]);
    let imported = gives(&m, &[1, 2, 3, 4, 5, -6], &[1, 4, 2, 5, 3, 0]);
    assert_eq!(imported.input.shape, [1, 2, 3]);
    assert_eq!(imported.graph.output_info().shape, [1, 6]);
    assert!(imported.notes.iter().any(|n| n.contains("moved behind")));
    assert_eq!((imported.input.kind, imported.output.kind), (Kind::Real, Kind::Real));
    assert!(imported.input.batchable);
}

#[test]
fn quantize_and_dequantize_inside_requantize_or_pass() {
    // From steps of ½ around −3 to steps of 1 around 0: ties to even.
    let to = |scale: &str, zero: &str| {
        let nodes = vec![dequantize("x", "half", "i3", "r"), quantize("r", scale, zero, "y")];
        build((I8, &[1, 5]), nodes, vec![])
    };
    let x = [-128, -4, -2, 0, 127];
    gives(&to("one", "i0"), &x, &[-62, 0, 0, 2, 65]);
    // The same quantization: nothing happens, and nothing is proven about it.
    assert!(gives(&to("half", "i3"), &x, &x).graph.nodes.is_empty());
    // To steps of ¼ of uint8.
    let m = {
        let nodes = vec![dequantize("x", "half", "i3", "r"), quantize("r", "quarter", "u5", "y")];
        let mut m = build((I8, &[1, 5]), nodes, vec![]);
        graph(&mut m).output[0] = shapeless("y", U8);
        m
    };
    gives(&m, &x, &[0, 3, 7, 11, 255]);
    // Without a zero point: uint8, as the operator defines it.
    let nodes = vec![dequantize("x", "half", "i3", "r"), onnx("QuantizeLinear", &["r", "half"], "y", vec![])];
    let mut m = build((I8, &[1, 5]), nodes, vec![]);
    graph(&mut m).output[0] = shapeless("y", U8);
    gives(&m, &x, &[0, 0, 1, 3, 130]);
}

#[test]
fn tensors_of_different_scales_are_not_concatenated() {
    let concat = |scale: &str, zero: &str, operands: [&str; 2]| {
        let nodes = vec![
            dequantize("x", "half", "i3", "r"),
            quantize("r", scale, zero, "b"),
            dequantize("b", scale, zero, "s"),
            onnx("Concat", &operands, "y", vec![int("axis", -1)]),
        ];
        build((I8, &[1, 2]), nodes, vec![])
    };
    gives(&concat("half", "i3", ["x", "b"]), &[-3, 5], &[-3, 5, -3, 5]);
    let place = "node y (Concat)";
    for (scale, zero) in [("one", "i3"), ("half", "i0")] {
        refused(&concat(scale, zero, ["x", "b"]), Unsupported, place, "elsewhere");
    }
    refused(&concat("half", "u5", ["x", "b"]), Malformed, place, "different types");
    refused(&concat("half", "i3", ["x", "s"]), Malformed, place, "all integers or all reals");
    // Operands of an addition are repeated to one shape: x and its transpose, both of steps of ½ from −3.
    let broadcast = |op: &str| {
        let node = ort(op, &["x", "half", "i3", "t", "half", "i3", "half", "i3"], "y", vec![]);
        build((I8, &[1, 2]), vec![onnx("Transpose", &["x"], "t", vec![]), node], vec![])
    };
    gives(&broadcast("QLinearAdd"), &[-1, 1], &[1, 3, 3, 5]);
    // 4 · ½ = 2, 8 · ½ = 4 and so on, less 3.
    gives(&broadcast("QLinearMul"), &[-1, 1], &[-1, 1, 1, 5]);
    let cut = vec![onnx("Reshape", &["x", "three"], "t", vec![]), onnx("Relu", &["x"], "y", vec![])];
    refused(&build((I8, &[1, 2]), cut, vec![int64s("three", &[1], &[3])]), Malformed, "node t (Reshape)", "shape [3]");
}

#[test]
fn a_trailing_softmax_is_cut() {
    let u8q = |scale, zero_point| Quantization { dtype: DType::U8, scale, zero_point };
    let quantized = reals("sy", &[], &[1.0 / 256.0]);
    let zero = bytes("u0", U8, &[], &[0]);
    let logits = || onnx("Relu", &["x"], "r", vec![]);
    let cut = [
        // QOperator, with and without the DequantizeLinear behind.
        (
            vec![ort("QLinearSoftmax", &["r", "half", "i0", "sy", "u0"], "s", vec![int("opset", 13), int("axis", -1)])],
            true,
            false,
        ),
        (
            vec![
                ort("QLinearSoftmax", &["r", "half", "i0", "sy", "u0"], "s", vec![int("opset", 12), int("axis", 1)]),
                dequantize("s", "sy", "u0", "y"),
            ],
            true,
            true,
        ),
        // QDQ.
        (vec![dequantize("r", "half", "i0", "d"), onnx("Softmax", &["d"], "y", vec![])], false, true),
        (
            vec![
                dequantize("r", "half", "i0", "d"),
                onnx("Softmax", &["d"], "p", vec![int("axis", 1)]),
                quantize("p", "sy", "u0", "s"),
                dequantize("s", "sy", "u0", "y"),
            ],
            true,
            true,
        ),
    ];
    for (tail, is_quantized, real) in cut {
        let mut nodes = vec![logits()];
        nodes.extend(tail);
        let mut m = build((I8, &[1, 3]), nodes, vec![quantized.clone(), zero.clone()]);
        graph(&mut m).output[0] =
            shapeless(&m.graph.as_ref().unwrap().output[0].name.clone(), if real { FLOAT } else { U8 });
        let imported = gives(&m, &[-4, 2, 4], &[0, 2, 4]);
        let output = is_quantized.then(|| u8q(1.0 / 256.0, 0));
        assert_eq!(imported.softmax, Some(Softmax { output }));
        assert_eq!(imported.output.kind, if real { Kind::Real } else { Kind::Integer });
        assert!(imported.notes.iter().any(|n| n.contains("Softmax")));
        let shown = imported.softmax.unwrap().apply(&[0, 2, 4], imported.graph.output_info());
        // 1, e and e² of their sum.
        let exact = [0.090_030_57, 0.244_728_48, 0.665_240_94f32];
        let close = shown.iter().zip(exact).all(|(a, b)| (a - b).abs() < if is_quantized { 1.0 / 512.0 } else { 1e-6 });
        assert!(close, "{shown:?}");
    }
    let inside = vec![
        dequantize("x", "half", "i0", "d"),
        onnx("Softmax", &["d"], "p", vec![]),
        quantize("p", "half", "i0", "s"),
        onnx("Relu", &["s"], "y", vec![]),
    ];
    refused(
        &build((I8, &[1, 3]), inside, vec![]),
        Unsupported,
        "node y (Relu)",
        "not the result of a DequantizeLinear",
    );
    let across = vec![dequantize("x", "half", "i0", "d"), onnx("Softmax", &["d"], "y", vec![int("axis", 1)])];
    refused(&build((I8, &[1, 3, 2]), across, vec![]), Unsupported, "node y (Softmax)", "along axis 1");
}

#[test]
fn automatic_padding_becomes_explicit() {
    let pool =
        |attributes: Vec<Attribute>| build((I8, &[1, 1, 4]), vec![onnx("MaxPool", &["x"], "y", attributes)], vec![]);
    let two = || ints("kernel_shape", &[2]);
    let x = [-5, -2, -3, -4];
    gives(&pool(vec![two(), text("auto_pad", "VALID")]), &x, &[-2, -2, -3]);
    gives(&pool(vec![two(), text("auto_pad", "NOTSET"), ints("pads", &[1, 0])]), &x, &[-5, -2, -2, -3]);
    gives(&pool(vec![two(), text("auto_pad", "SAME_UPPER")]), &x, &[-2, -2, -3, -4]);
    gives(&pool(vec![two(), text("auto_pad", "SAME_LOWER")]), &x, &[-5, -2, -2, -3]);
    let strides = |n: i64| ints("strides", &[n]);
    gives(&pool(vec![two(), strides(3)]), &x, &[-2]);
    gives(&pool(vec![two(), strides(3), int("ceil_mode", 1)]), &x, &[-2, -4]);
    // The last window would begin in the padding: it is not there.
    gives(&pool(vec![two(), strides(4), ints("pads", &[0, 1]), int("ceil_mode", 1)]), &x, &[-2]);
    refused(&pool(vec![two(), text("auto_pad", "SAME")]), Malformed, "node y (MaxPool)", "auto_pad = SAME");
    refused(
        &pool(vec![two(), text("auto_pad", "VALID"), ints("pads", &[1, 0])]),
        Malformed,
        "node y (MaxPool)",
        "together with pads",
    );
    refused(&pool(vec![two(), int("ceil_mode", 2)]), Malformed, "node y (MaxPool)", "ceil_mode = 2");
    refused(&pool(vec![two(), int("storage_order", 1)]), Unsupported, "node y (MaxPool)", "storage_order = 1");

    // Padding of a convolution is the zero point: −3 − (−3) = 0.
    let conv = onnx(
        "QLinearConv",
        &["x", "one", "i3", "w", "one", "i0", "one", "i0"],
        "y",
        vec![text("auto_pad", "SAME_UPPER")],
    );
    let m = build((I8, &[1, 1, 4]), vec![conv], vec![bytes("w", I8, &[1, 1, 2], &[1, 10])]);
    gives(&m, &[-2, -1, 0, 1], &[21, 32, 43, 4]);
}

#[test]
fn pools_that_pad_are_refused() {
    let pool = ort(
        "QLinearAveragePool",
        &["x", "one", "i0", "one", "i0"],
        "y",
        vec![ints("kernel_shape", &[2]), ints("pads", &[1, 0])],
    );
    refused(&build((I8, &[1, 1, 4]), vec![pool], vec![]), Unsupported, "node y (QLinearAveragePool)", "padded");
    let pool = ort("QLinearGlobalAveragePool", &["x", "one", "i0", "one", "i0"], "y", vec![int("channels_last", 1)]);
    refused(
        &build((I8, &[1, 1, 4]), vec![pool], vec![]),
        Unsupported,
        "node y (QLinearGlobalAveragePool)",
        "channels_last",
    );
}

#[test]
fn attributes_of_older_operator_sets() {
    let nodes = vec![
        onnx("Squeeze", &["x"], "s", vec![ints("axes", &[1])]),
        dequantize("s", "one", "i0", "d"),
        onnx("Clip", &["d"], "c", vec![float("min", -1.5), float("max", 2.0)]),
        quantize("c", "one", "i0", "q"),
        onnx("Unsqueeze", &["q"], "y", vec![ints("axes", &[0, 2])]),
    ];
    let mut m = build((I8, &[1, 1, 4]), nodes, vec![]);
    m.opset_import[0].version = 10;
    let imported = gives(&m, &[-5, -1, 2, 5], &[-2, -1, 2, 2]);
    assert_eq!(imported.graph.output_info().shape, [1, 1, 1, 4]);
    // Today these are operands.
    m.opset_import[0].version = 13;
    refused(&m, Unsupported, "node s (Squeeze)", "unknown attribute axes");
}

#[test]
fn weights_of_reals_are_quantized_in_the_file() {
    let nodes = vec![
        dequantize("x", "one", "i0", "xr"),
        // 1.5 and 2.5 in steps of 1: half to even.
        onnx("QuantizeLinear", &["w", "one", "i0"], "wq", vec![]),
        onnx("DequantizeLinear", &["wq", "one", "i0"], "wr", vec![]),
        onnx("MatMul", &["xr", "wr"], "m", vec![]),
        quantize("m", "one", "i0", "y"),
    ];
    let m = build((I8, &[1, 1]), nodes, vec![reals("w", &[1, 3], &[1.5, 2.5, -300.0])]);
    assert_eq!(gives(&m, &[1], &[2, 2, -128]).form, Form::Qdq);
}

#[test]
fn constants_and_identities_are_no_operators() {
    let zero = Attribute {
        name: "value".into(),
        t: Some(Box::new(bytes("", I8, &[], &[0]))),
        r#type: attribute_type::TENSOR,
        ..Attribute::default()
    };
    let nodes = vec![
        onnx("Constant", &[], "zc", vec![zero]),
        onnx("Identity", &["x"], "i", vec![]),
        onnx("Identity", &["one"], "s", vec![]),
        ort("QLinearAdd", &["i", "s", "zc", "i", "s", "zc", "s", "zc"], "y", vec![]),
    ];
    let imported = gives(&build((I8, &[1, 2]), nodes, vec![]), &[-3, 100], &[-6, 127]);
    assert_eq!((imported.form, imported.graph.nodes.len()), (Form::QOperator, 1));
}

#[test]
fn operators_of_microsoft_need_their_import() {
    let add = ort("QLinearAdd", &["x", "one", "i0", "x", "one", "i0", "one", "i0"], "y", vec![]);
    let mut m = build((I8, &[1, 2]), vec![add], vec![]);
    assert!(import_model(&m).is_ok());
    m.opset_import.pop();
    refused(&m, Malformed, "node y (QLinearAdd)", "does not import the operator set com.microsoft");
}

/// One operator on integers of int8, with constants.
fn on_integers(shape: &[i64], op: &str, operands: &[&str], a: Vec<Attribute>, constants: Vec<Tensor>) -> Model {
    build((I8, shape), vec![onnx(op, operands, "y", a)], constants)
}

#[test]
fn elements_are_chosen_and_padded() {
    let list = |name: &str, v: &[i64]| int64s(name, &[v.len() as i64], v);
    let slice = |lists: [&[i64]; 4]| {
        let names = ["starts", "ends", "axes", "steps"];
        let constants = names.iter().zip(lists).map(|(n, v)| list(n, v)).collect();
        on_integers(&[2, 3], "Slice", &["x", "starts", "ends", "axes", "steps"], vec![], constants)
    };
    let x = [1, 2, 3, 4, 5, 6];
    gives(&slice([&[1], &[i64::MAX], &[1], &[1]]), &x, &[2, 3, 5, 6]);
    gives(&slice([&[-1], &[i64::MIN], &[-1], &[-2]]), &x, &[3, 1, 6, 4]);
    gives(&slice([&[1, -2], &[0, 9], &[0, 1], &[-1, i64::MAX]]), &x, &[5]);
    let place = "node y (Slice)";
    refused(&slice([&[0], &[1], &[0], &[0]]), Malformed, place, "a step of 0");
    refused(&slice([&[0], &[1], &[2], &[1]]), Malformed, place, "axis 2 is outside rank 2");
    refused(&slice([&[0, 0], &[1, 1], &[0, -2], &[1, 1]]), Malformed, place, "not distinct");
    refused(&slice([&[0], &[1, 1], &[0], &[1]]), Malformed, place, "differ in length");
    refused(&slice([&[2], &[1], &[0], &[1]]), Unsupported, place, "nothing is left");

    let gather = |dims: &[i64], v: &[i64]| {
        on_integers(&[2, 3], "Gather", &["x", "i"], vec![int("axis", 1)], vec![int64s("i", dims, v)])
    };
    assert_eq!(gives(&gather(&[1, 2], &[2, -3]), &x, &[3, 1, 6, 4]).graph.output_info().shape, [2, 1, 2]);
    for i in [3, -4, i64::MAX, i64::MIN] {
        refused(&gather(&[1], &[i]), Malformed, "node y (Gather)", "is outside dimension 1");
    }

    let pad = |mode: &'static str, pads: &[i64]| {
        on_integers(&[1, 3], "Pad", &["x", "pads"], vec![text("mode", mode)], vec![list("pads", pads)])
    };
    gives(&pad("constant", &[0, 1, 1, 0]), &x[..3], &[0, 1, 2, 3, 0, 0, 0, 0]);
    gives(&pad("edge", &[0, 2, 0, 1]), &x[..3], &[1, 1, 1, 2, 3, 3]);
    gives(&pad("reflect", &[0, 2, 0, 2]), &x[..3], &[3, 2, 1, 2, 3, 2, 1]);
    let place = "node y (Pad)";
    refused(&pad("reflect", &[0, 3, 0, 0]), Malformed, place, "reflection beyond");
    refused(&pad("edge", &[0, 0, 0, -1]), Unsupported, place, "a pad of -1");
    refused(&pad("edge", &[0, 1, 1]), Malformed, place, "3 pads for 2 dimensions");
    refused(&pad("mirror", &[0, 1, 0, 1]), Malformed, place, "mode = mirror");
    for giant in [1 << 26, 1 << 40, i64::MAX] {
        refused(&pad("constant", &[0, giant, 0, giant]), TooLarge, place, "elements");
    }

    let tile = |repeats: &[i64]| on_integers(&[1, 3], "Tile", &["x", "r"], vec![], vec![list("r", repeats)]);
    gives(&tile(&[1, 2]), &x[..3], &[1, 2, 3, 1, 2, 3]);
    for giant in [[1 << 40, 1], [i64::MAX, i64::MAX], [-1, 1]] {
        refused(&tile(&giant), TooLarge, "node y (Tile)", "elements");
    }
    let resize = |scales: &[f32]| {
        let scales = reals("scales", &[scales.len() as i64], scales);
        on_integers(&[1, 3], "Resize", &["x", "", "scales"], vec![], vec![scales])
    };
    gives(&resize(&[1.0, 2.0]), &x[..3], &[1, 1, 2, 2, 3, 3]);
    for factor in [1.5, 0.5, 0.0, -2.0, f32::NAN, f32::INFINITY] {
        refused(&resize(&[1.0, factor]), Unsupported, "node y (Resize)", "a whole factor");
    }
    refused(&resize(&[2.0]), Malformed, "node y (Resize)", "1 factors for 2 dimensions");
}

#[test]
fn a_split_has_an_output_for_each_part() {
    let split = |sizes: &[i64]| {
        let mut node = onnx("Split", &["x", "sizes"], "a", vec![int("axis", 1)]);
        node.output.push("y".into());
        build(
            (I8, &[1, 3]),
            vec![node, onnx("Relu", &["y"], "z", vec![])],
            vec![int64s("sizes", &[sizes.len() as i64], sizes)],
        )
    };
    gives(&split(&[1, 2]), &[1, 2, 3], &[2, 3]);
    for sizes in [&[1, 1][..], &[3, 0], &[1, 1, 1], &[-1, 4], &[i64::MAX, i64::MAX]] {
        refused(&split(sizes), Malformed, "node a (Split)", "3 elements in parts of");
    }
}

#[test]
fn functions_of_one_tensor_are_one_table() {
    // x · Clip(x + 3, 0, 6) / 6 in its parts: a hard swish, on halves.
    let nodes = vec![
        dequantize("x", "half", "i0", "r"),
        onnx("Add", &["r", "three"], "a", vec![]),
        onnx("Clip", &["a", "zero", "six"], "c", vec![]),
        onnx("Mul", &["c", "r"], "m", vec![]),
        onnx("Div", &["m", "six"], "d", vec![]),
        quantize("d", "half", "i0", "y"),
    ];
    let constants = vec![reals("three", &[], &[3.0]), reals("zero", &[], &[0.0]), reals("six", &[], &[6.0])];
    let imported = gives(&build((I8, &[4]), nodes, constants), &[-8, -3, 2, 20], &[0, -1, 1, 20]);
    assert_eq!(imported.graph.nodes.len(), 1);
    let one = |op: &str| {
        let nodes =
            vec![dequantize("x", "half", "i0", "r"), onnx(op, &["r"], "f", vec![]), quantize("f", "one", "i0", "y")];
        build((I8, &[3]), nodes, vec![])
    };
    gives(&one("Tanh"), &[-127, 1, 4], &[-1, 0, 1]);
    gives(&one("Exp"), &[-127, 4, 127], &[0, 7, 127]);
    for op in ["Sqrt", "Log"] {
        refused(&one(op), Refused, &std::format!("node f ({op})"), "the function has no value at");
    }
    let apart = vec![
        dequantize("x", "half", "i0", "r"),
        onnx("Relu", &["x"], "p", vec![]),
        dequantize("p", "half", "i0", "s"),
        onnx("Div", &["r", "s"], "f", vec![]),
        quantize("f", "one", "i0", "y"),
    ];
    refused(&build((I8, &[3]), apart, vec![]), Unsupported, "node f (Div)", "two different tensors");
}

#[test]
fn sums_and_the_largest_element() {
    let reduce = |op: &str, axes: i64| {
        let mut m = build(
            (I8, &[2, 3]),
            vec![
                dequantize("x", "half", "i0", "r"),
                onnx(op, &["r", "axes"], "s", vec![int("keepdims", 0)]),
                quantize("s", "half", "i3", "y"),
            ],
            vec![int64s("axes", &[1], &[axes])],
        );
        m.opset_import[0].version = 18;
        m
    };
    let x = [1, 2, 3, 4, 5, -7];
    gives(&reduce("ReduceSum", 0), &x, &[2, 4, -7]);
    gives(&reduce("ReduceSum", 1), &x, &[3, -1]);
    gives(&reduce("ReduceMean", -1), &x, &[-1, -2]);
    refused(&reduce("ReduceSum", 2), Malformed, "node s (ReduceSum)", "axis 2 is outside rank 2");

    let argmax = |shape: &[i64], axis| {
        let mut m = on_integers(shape, "ArgMax", &["x"], vec![int("axis", axis)], vec![]);
        graph(&mut m).output[0] = shapeless("y", avouch_circuits::import::proto::data_type::INT64);
        m
    };
    let imported = gives(&argmax(&[1, 3], 1), &[4, 9, 9], &[4, 9, 9]);
    assert!(imported.notes.iter().any(|n| n.contains("disclose argmax")));
    refused(&argmax(&[2, 3], 1), Unsupported, "node y (ArgMax)", "along axis 1");
    refused(&argmax(&[1, 3], 2), Malformed, "node y (ArgMax)", "outside rank");
}

/// A product of x (steps of ½ around −3) and 2·x₀ + x₁, the nodes behind it, and QuantizeLinear in steps of ½ around −3.
fn integer_product(behind: Vec<Node>, last: &str, constants: Vec<Tensor>) -> Model {
    let mut nodes = vec![quantize("x", "half", "i3", "q"), onnx("MatMulInteger", &["q", "w", "i3"], "acc", vec![])];
    nodes.extend(behind);
    nodes.push(quantize(last, "half", "i3", "y"));
    let mut m = build((FLOAT, &[1, 2]), nodes, constants);
    graph(&mut m).initializer.push(bytes("w", I8, &[2, 1], &[2, 1]));
    m
}

#[test]
fn products_of_integers_are_scaled_by_constants() {
    let cast = || onnx("Cast", &["acc"], "r", vec![int("to", 1)]);
    let by = |factor: &str| vec![cast(), onnx("Mul", &["r", factor], "m", vec![])];
    // 2·(3 + 3) + (1 + 3) = 16 steps of ¼, and −7 of them.
    let (x, low) = ([3, 1], [-6, -4]);
    let m = integer_product(by("quarter"), "m", vec![]);
    assert_eq!(gives(&m, &x, &[5]).graph.nodes.len(), 1);
    gives(&m, &low, &[-7]);
    // The same in two factors, in one that is folded, and with what may stand behind.
    let halves = onnx("Mul", &["half", "half"], "h", vec![]);
    gives(&integer_product([vec![halves], by("h")].concat(), "m", vec![]), &x, &[5]);
    let twice = [by("half"), vec![onnx("Mul", &["half", "m"], "n", vec![])]].concat();
    gives(&integer_product(twice, "n", vec![]), &x, &[5]);
    let relu = [by("quarter"), vec![onnx("Relu", &["m"], "n", vec![])]].concat();
    gives(&integer_product(relu, "n", vec![]), &low, &[-3]);
    // 1.1 is 4.4 steps of ¼, so 4.
    let bias = || [by("quarter"), vec![onnx("Add", &["m", "b"], "n", vec![])]].concat();
    let imported = gives(&integer_product(bias(), "n", vec![reals("b", &[1], &[1.1])]), &x, &[7]);
    assert!(imported.notes.iter().any(|n| n.contains("bias was rounded")));
    let early = vec![
        onnx("Add", &["acc", "b"], "s", vec![]),
        onnx("Cast", &["s"], "r", vec![int("to", 1)]),
        onnx("Mul", &["r", "quarter"], "m", vec![]),
    ];
    gives(&integer_product(early.clone(), "m", vec![int32s("b", &[1], &[4])]), &x, &[7]);
    refused(&integer_product(early, "m", vec![reals("b", &[1], &[4.0])]), Unsupported, "node s (Add)", "int32");

    let scaled = |name: &'static str, c: Tensor| integer_product(by(name), "m", vec![c]);
    let place = "node m (Mul)";
    for bad in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-45] {
        refused(&scaled("f", reals("f", &[], &[bad])), Refused, place, "the factor of a product");
    }
    refused(&scaled("f", reals("f", &[2], &[1.0, 2.0])), Unsupported, place, "factors of shape [2]");
    refused(&scaled("f", reals("f", &[1, 1, 1], &[1.0])), Unsupported, place, "factors of shape [1, 1, 1]");
    refused(&scaled("f", int32s("f", &[], &[2])), Unsupported, place, "the factor is int32");
    let behind =
        [by("half"), vec![onnx("Relu", &["m"], "n", vec![]), onnx("Mul", &["n", "half"], "o", vec![])]].concat();
    refused(&integer_product(behind, "o", vec![]), Unsupported, "node o (Mul)", "no product");
    refused(&integer_product(vec![], "acc", vec![]), Unsupported, "node y (QuantizeLinear)", "not a float32 tensor");
    let double = onnx("Cast", &["acc"], "r", vec![int("to", 11)]);
    refused(&integer_product(vec![double], "r", vec![]), Unsupported, "node r (Cast)", "to = 11");
    refused(
        &integer_product(vec![onnx("Cast", &["q"], "r", vec![int("to", 1)])], "r", vec![]),
        Unsupported,
        "node r (Cast)",
        "anything but the result",
    );
}

#[test]
fn products_of_integers_need_known_zero_points_and_a_quantized_end() {
    let product = |operands: &[&str], constants: Vec<Tensor>| {
        let mut m = integer_product(vec![onnx("Cast", &["acc"], "r", vec![int("to", 1)])], "r", constants);
        graph(&mut m).node[1].input = operands.iter().map(|&o| o.into()).collect();
        m
    };
    let place = "node acc (MatMulInteger)";
    refused(&product(&["q", "w", "i0"], vec![]), Unsupported, place, "elsewhere");
    refused(&product(&["q", "w", "u5"], vec![]), Malformed, place, "zero point uint8");
    let list = bytes("list", I8, &[2], &[0, 1]);
    refused(&product(&["q", "w", "list"], vec![list.clone()]), Unsupported, place, "several zero points");
    refused(&product(&["q", "w", "i3", "list"], vec![list]), Malformed, place, "2 zero points for 1 channels");
    refused(&product(&["x", "w", "i3"], vec![]), Unsupported, place, "not a tensor of int8 or uint8");
    refused(&product(&["q", "q", "i3"], vec![]), Unsupported, place, "computed at run time");
    refused(&product(&["q", "half", "i3"], vec![]), Unsupported, place, "the constant is float32");
    // Ended where the reals begin.
    for (nodes, output, elem_type) in [(2, "acc", INT32), (3, "r", FLOAT)] {
        let mut m = product(&["q", "w", "i3"], vec![]);
        graph(&mut m).node.truncate(nodes);
        graph(&mut m).output[0] = shapeless(output, elem_type);
        refused(&m, Unsupported, &std::format!("output {output}"), "it is not quantized");
    }
    // Integers without a QuantizeLinear before them: 2·3 + 1 = 7 steps of 1.
    let nodes = vec![
        onnx("MatMulInteger", &["x", "w"], "acc", vec![]),
        onnx("Cast", &["acc"], "r", vec![int("to", 1)]),
        quantize("r", "half", "i3", "y"),
    ];
    gives(&build((I8, &[1, 2]), nodes, vec![bytes("w", I8, &[2, 1], &[2, 1])]), &[3, 1], &[11]);

    let dynamic = vec![onnx("DynamicQuantizeLinear", &["x"], "q", vec![]), onnx("Relu", &["q"], "y", vec![])];
    let mut m = build((FLOAT, &[1, 2]), dynamic, vec![]);
    graph(&mut m).node[0].output.extend(["s".into(), "z".into()]);
    refused(&m, Unsupported, "node q (DynamicQuantizeLinear)", "depends on the data");
    assert!(import_model(&m).unwrap_err().hint.contains("statically"));
}

#[test]
fn a_slope_for_each_channel_is_a_table_for_each() {
    let prelu = |shape: &[i64], dims: &[i64], slopes: &[f32]| {
        let nodes = vec![
            dequantize("x", "half", "i0", "r"),
            onnx("PRelu", &["r", "slope"], "p", vec![]),
            // A function of it is one of the same tables.
            onnx("Mul", &["p", "r"], "m", vec![]),
            quantize("m", "one", "i0", "y"),
        ];
        build((I8, shape), nodes, vec![reals("slope", dims, slopes)])
    };
    let x = [-4, 4, -4, 4, -4, 4];
    // 2 · 2 = 4, and slope · 4 below zero.
    let imported = gives(&prelu(&[1, 3, 2], &[3, 1], &[0.5, -1.0, 2.0]), &x, &[2, 4, -4, 4, 8, 4]);
    assert_eq!(imported.graph.nodes.len(), 1);
    gives(&prelu(&[2, 3], &[3], &[0.5, -1.0, 2.0]), &x, &[2, 4, 8, 4, -4, 4]);
    gives(&prelu(&[1, 3, 2], &[1, 1, 1], &[0.5]), &x, &[2, 4, 2, 4, 2, 4]);
    let place = "node p (PRelu)";
    for dims in [&[3, 2][..], &[2], &[3, 1, 1], &[1, 1, 3, 1], &[1, 3, 1, 1], &[0]] {
        let slopes = vec![0.5; dims.iter().product::<i64>() as usize];
        refused(&prelu(&[1, 3, 2], dims, &slopes), Unsupported, place, "slopes of shape");
    }
    refused(&prelu(&[1, 3, 2], &[3, 1], &[0.5, f32::NAN, 1.0]), Refused, place, "no value at");
}

#[test]
fn constant_padding_of_the_input_is_quantized_with_it() {
    let pad = |value: f32| {
        let nodes = vec![
            onnx("Pad", &["x", "pads", "v"], "p", vec![text("mode", "constant")]),
            onnx("Transpose", &["p"], "t", vec![]),
            quantize("t", "half", "i3", "y"),
        ];
        build((FLOAT, &[1, 2]), nodes, vec![int64s("pads", &[4], &[0, 1, 0, 0]), reals("v", &[], &[value])])
    };
    let imported = gives(&pad(0.0), &[5, 7], &[-3, 5, 7]);
    assert_eq!(imported.input.shape, [1, 2]);
    // 2.25 is 4.5 steps, which rounds to 4; and the ends of the type.
    gives(&pad(2.25), &[5, 7], &[1, 5, 7]);
    gives(&pad(1e30), &[5, 7], &[127, 5, 7]);
    for bad in [f32::NAN, f32::INFINITY] {
        refused(&pad(bad), Refused, "node p (Pad)", "padding by");
    }
}
