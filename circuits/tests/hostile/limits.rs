//! Sizes: whatever a file states, it is refused before anything is allocated for it.

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    import::{
        ImportErrorKind::{Malformed, Refused, TooLarge, Unsupported},
        MAX_FILE,
        proto::{Attribute, Model, Node, Shape, Tensor, TensorType, Type, Value},
    },
};

use super::{
    MEMORY, graph, import_bounded, import_model,
    memory::peak,
    model::{FLOAT, I8, U8, bytes, int, int32s, int64s, ints, model, node, onnx, reals, value},
    refused, refused_bytes,
};

const HUGE: [i64; 6] = [1 << 26 | 1, 1 << 31, 1 << 32, 1 << 40, 1 << 62, i64::MAX];

/// One node between an 8-bit input and output.
fn single(n: Node, x: &[i64], mut constants: Vec<Tensor>) -> Model {
    constants.extend([reals("s", &[], &[0.5]), bytes("z", U8, &[], &[0])]);
    let mut m = model(value("x", U8, x), vec![n], constants, value("y", U8, &[-1]));
    graph(&mut m).output[0].r#type = Some(Type { tensor: Some(TensorType { elem_type: U8, shape: None }) });
    m
}

fn max_pool(x: &[i64], attributes: Vec<Attribute>) -> Model {
    single(onnx("MaxPool", &["x"], "y", attributes), x, vec![])
}

#[test]
fn giant_declared_dimensions() {
    for d in HUGE {
        for dims in [vec![d], vec![1, d], vec![d, d, d], vec![1 << 13, 1 << 13, 2, d]] {
            refused(&max_pool(&dims, vec![]), TooLarge, "input x", "elements");
            let mut m = max_pool(&[1, 1, 4], vec![ints("kernel_shape", &[2])]);
            graph(&mut m).value_info.push(value("x", U8, &dims));
            refused(&m, Refused, "tensor x", "declared with shape");
        }
    }
}

#[test]
fn giant_dimensions_of_initializers() {
    for d in HUGE {
        for dims in [vec![d], vec![2, d], vec![d, d], vec![1 << 13, 1 << 13, d], vec![d, 0]] {
            let m = single(onnx("Relu", &["x"], "y", vec![]), &[1], vec![Tensor { dims, ..reals("t", &[], &[]) }]);
            refused(&m, TooLarge, "initializer t", "is too large");
        }
    }
    let m = single(onnx("Relu", &["x"], "y", vec![]), &[1], vec![reals("t", &[1; 9], &[1.0])]);
    refused(&m, TooLarge, "initializer t", "is too large");
    // Nothing times something giant is nothing: legal as such, but good for nothing.
    for dims in [vec![0, 1 << 62, 1 << 62], vec![0, i64::MAX, 3, 3]] {
        let weights = Tensor { dims: dims.clone(), ..bytes("w", U8, &[], &[]) };
        let conv = onnx("QLinearConv", &["x", "s", "z", "w", "s", "z", "s", "z"], "y", vec![]);
        let x = if dims.len() == 3 { &[1, 1, 4][..] } else { &[1, 1, 4, 4] };
        let error = import_model(&single(conv, x, vec![weights.clone()])).expect_err("no filters");
        assert_eq!(error.kind, Malformed, "{error}");
        let product = onnx("QLinearMatMul", &["x", "s", "z", "w", "s", "z", "s", "z"], "y", vec![]);
        let error = import_model(&single(product, &[1, 1, 4], vec![weights])).expect_err("no columns");
        assert_eq!(error.kind, Unsupported, "{error}");
    }
}

#[test]
fn giant_dimensions_of_constant_nodes() {
    let value = Box::new(Tensor { dims: vec![1 << 40], ..reals("", &[], &[]) });
    let attribute = Attribute { name: "value".into(), r#type: 4, t: Some(value), ..Attribute::default() };
    let m = single(onnx("Constant", &[], "y", vec![attribute]), &[1], vec![]);
    refused(&m, TooLarge, "node y (Constant)", "is too large");
}

#[test]
fn giant_reshapes() {
    let reshape = |shape: &[i64]| {
        let target = int64s("t", &[shape.len() as i64], shape);
        single(onnx("Reshape", &["x", "t"], "y", vec![]), &[1, 4], vec![target])
    };
    let place = "node y (Reshape)";
    for d in HUGE {
        refused(&reshape(&[d]), TooLarge, place, "elements");
        refused(&reshape(&[d, d]), TooLarge, place, "elements");
        refused(&reshape(&[-1, d]), TooLarge, place, "elements");
    }
    refused(&reshape(&[1; 9]), TooLarge, place, "rank");
    refused(&reshape(&[-1, -1]), Malformed, place, "can't have shape [-1, -1]");
    refused(&reshape(&[-2, 2]), Malformed, place, "can't have shape");
    refused(&reshape(&[3, -1]), Malformed, place, "can't have shape");
    refused(&reshape(&[5]), Malformed, place, "can't have shape");
    refused(&reshape(&[2, 2, 0]), Malformed, place, "can't have shape");
    refused(&reshape(&[i64::MIN]), Malformed, place, "can't have shape");
    refused(&reshape(&[]), Malformed, place, "can't have shape []");
    refused(&reshape(&vec![1; 1 << 20]), TooLarge, place, "rank 1048576");
    let target = reals("t", &[1], &[4.0]);
    let m = single(onnx("Reshape", &["x", "t"], "y", vec![]), &[1, 4], vec![target]);
    refused(&m, Unsupported, place, "a list of int64 is expected");
    let m = single(onnx("Reshape", &["x", "x"], "y", vec![]), &[1, 4], vec![]);
    refused(&m, Unsupported, place, "computed at run time");
}

#[test]
fn giant_windows() {
    let place = "node y (MaxPool)";
    let image = [1, 1, 8, 8];
    let kernel = || ints("kernel_shape", &[2, 2]);
    for d in HUGE {
        for list in [[d, 1], [1, d]] {
            refused(&max_pool(&image, vec![ints("kernel_shape", &list)]), Refused, place, "kernel");
            for same in ["SAME_UPPER", "SAME_LOWER"] {
                let same =
                    Attribute { name: "auto_pad".into(), r#type: 3, s: same.as_bytes().into(), ..Attribute::default() };
                let error = import_model(&max_pool(&image, vec![ints("kernel_shape", &list), same.clone()]));
                let error = error.expect_err("a giant kernel");
                assert!(matches!(error.kind, Refused | Malformed), "{error}");
                let error = import_model(&max_pool(&image, vec![kernel(), ints("dilations", &list), same.clone()]));
                assert!(error.is_err());
                // A stride beyond the image leaves one window.
                let _ = import_model(&max_pool(&image, vec![kernel(), ints("strides", &list), same]));
            }
            refused(&max_pool(&image, vec![kernel(), ints("dilations", &list)]), Refused, place, "kernel");
        }
        for pads in [[d, 0, 0, 0], [0, 0, 0, d], [d; 4]] {
            for ceil in [0, 1] {
                let m = max_pool(&image, vec![kernel(), ints("pads", &pads), int("ceil_mode", ceil)]);
                let error = import_model(&m).expect_err("giant pads");
                assert!(matches!(error.kind, Refused | Malformed), "{error}");
                assert_eq!(error.place, place);
                for stride in [1, 1 << 24, 1 << 32, i64::MAX] {
                    let strides = ints("strides", &[stride, stride]);
                    let m =
                        max_pool(&[1, 1, 1, 1], vec![kernel(), ints("pads", &pads), int("ceil_mode", ceil), strides]);
                    assert!(import_model(&m).is_err());
                }
            }
        }
    }
    for bad in [-1, 0, i64::MIN] {
        for name in ["kernel_shape", "strides", "dilations"] {
            let mut attributes = vec![ints(name, &[bad, 1])];
            if name != "kernel_shape" {
                attributes.push(kernel());
            }
            let error = import_model(&max_pool(&image, attributes)).expect_err(name);
            assert!(matches!(error.kind, Refused | Malformed), "{error}");
        }
    }
    refused(
        &max_pool(&image, vec![kernel(), ints("pads", &[2, 0, 0, 0])]),
        Refused,
        place,
        "smaller than the dilated kernel",
    );
    refused(&max_pool(&image, vec![kernel(), ints("pads", &[-1, 0, 0, 0])]), Malformed, place, "from 0 on");
    refused(&max_pool(&image, vec![ints("kernel_shape", &[2])]), Malformed, place, "2 numbers");
    refused(&max_pool(&image, vec![ints("kernel_shape", &vec![1; 1 << 20])]), Malformed, place, "(1048576 in all)");
    refused(&max_pool(&[1, 8], vec![kernel()]), Refused, place, "expected [N, C, L]");
    // Padding multiplies an image: the result has to stay small, too.
    let m = max_pool(&[1, 1, 8, 8], vec![ints("kernel_shape", &[1 << 14; 2]), ints("pads", &[(1 << 14) - 1; 4])]);
    refused(&m, TooLarge, place, "elements");
}

#[test]
fn giant_groups_and_axes() {
    let conv = |group| {
        let n = onnx("QLinearConv", &["x", "s", "z", "w", "s", "z", "s", "z"], "y", vec![int("group", group)]);
        single(n, &[1, 2, 4], vec![bytes("w", U8, &[2, 1, 2], &[1; 4])])
    };
    assert!(import_model(&conv(2)).is_ok());
    for group in [0, -1, 1, 3, 1 << 62, i64::MAX, i64::MIN] {
        let error = import_model(&conv(group)).expect_err("a group that does not fit");
        assert_eq!((error.kind, &*error.place), (Malformed, "node y (QLinearConv)"), "{error}");
    }
    for axis in [2, -3, i64::MAX, i64::MIN] {
        for n in [
            onnx("Concat", &["x", "x"], "y", vec![int("axis", axis)]),
            onnx("Transpose", &["x"], "y", vec![ints("perm", &[0, axis])]),
            onnx("Squeeze", &["x", "a"], "y", vec![]),
            onnx("Flatten", &["x"], "y", vec![int("axis", if axis == 2 { 3 } else { axis })]),
        ] {
            let place = format!("node y ({})", n.op_type);
            let m = single(n, &[1, 1], vec![int64s("a", &[1], &[axis])]);
            refused(&m, Malformed, &place, "outside rank 2");
        }
        let n = onnx("Unsqueeze", &["x", "a"], "y", vec![]);
        let m = single(n, &[1, 1], vec![int64s("a", &[1], &[if axis == 2 { 3 } else { axis.saturating_sub(1) }])]);
        let error = import_model(&m).expect_err("an axis outside the rank");
        assert_eq!(error.kind, Malformed, "{error}");
    }
    let list = |op: &str, axes: &[i64]| {
        let n = onnx(op, &["x", "a"], "y", vec![]);
        single(n, &[1, 1], vec![int64s("a", &[axes.len() as i64], axes)])
    };
    refused(&list("Squeeze", &[0, 0]), Malformed, "node y (Squeeze)", "not distinct");
    refused(&list("Unsqueeze", &[0, 0]), Malformed, "node y (Unsqueeze)", "not distinct");
    refused(&list("Unsqueeze", &[0; 1 << 20]), TooLarge, "node y (Unsqueeze)", "rank");
    refused(&list("Squeeze", &vec![0; 1 << 20]), Malformed, "node y (Squeeze)", "(1048576 in all)");
    let perm = ints("perm", &vec![0; 1 << 20]);
    let m = single(onnx("Transpose", &["x"], "y", vec![perm]), &[1, 1], vec![]);
    refused(&m, Malformed, "node y (Transpose)", "(1048576 in all)");
}

#[test]
fn models_far_too_large_to_prove_are_not_lowered() {
    let lower = |m: &Model| {
        let imported = import_model(m).unwrap();
        let (result, bytes) = peak(|| Circuit::new(&imported.graph, Disclosure::Commit));
        assert!(bytes < MEMORY, "{bytes}");
        result.map(|c| c.wires.len()).map_err(|e| (e.node, e.message))
    };
    let relu = |side: i64| single(onnx("Clip", &["x", "z"], "y", vec![]), &[1, 1, side, side], vec![]);
    assert_eq!(lower(&relu(1 << 10)), Ok(2));
    for side in [1 << 11, 1 << 13] {
        let (node, message) = lower(&relu(side)).unwrap_err();
        assert!(node == "model" && message.contains("too many to prove"), "{node}: {message}");
    }
    // Few results, and many elements under the windows of each.
    let pool = |kernel| max_pool(&[1, 1, 512, 512], vec![ints("kernel_shape", &[kernel, kernel])]);
    assert_eq!(lower(&pool(3)), Ok(2));
    let (node, message) = lower(&pool(256)).unwrap_err();
    assert!(node == "y" && message.contains("too many to prove"), "{node}: {message}");
}

/// `header` and `count` times `field`, as one length-delimited field each.
fn repeated(header: &[u8], field: &[u8], count: usize, tag: u8) -> Vec<u8> {
    let mut inner = header.to_vec();
    (0..count).for_each(|_| inner.extend_from_slice(field));
    let mut out = vec![0x08, 8];
    out.push(tag << 3 | 2);
    prost::encoding::encode_varint(inner.len() as u64, &mut out);
    out.extend(inner);
    out
}

#[test]
fn many_small_fields() {
    // Empty messages in the graph: two bytes each, hundreds in memory.
    for tag in [1, 5, 11, 12, 13, 15] {
        let few = repeated(&[], &[tag << 3 | 2, 0], 100, 7);
        assert!(import_bounded(&few).is_err());
        for count in [(1 << 19) - 10, 1 << 24] {
            let error = import_bounded(&repeated(&[], &[tag << 3 | 2, 0], count, 7)).expect_err("many fields");
            assert!(
                count < 1 << 19 || (error.kind == TooLarge && error.message.contains("too many fields")),
                "{error}"
            );
        }
    }
    // In the model itself, of unknown tags, and groups.
    let mut sets = vec![0x08, 8];
    (0..1 << 20).for_each(|_| sets.extend([0x42, 0]));
    refused_bytes(&sets, TooLarge, "", "too many fields");
    refused_bytes(&[0x78, 1].repeat(1 << 20), TooLarge, "", "too many fields");
    refused_bytes(&[0x7b].repeat(1 << 20), Malformed, "", "not an ONNX file");
    // A node of many attributes, and of many operands.
    for field in [[0x2a, 0], [0x0a, 0], [0x12, 0]] {
        let node = repeated(&[], &field, 500_000, 1);
        let error = import_bounded(&repeated(&[], &node[2..], 1, 7)).expect_err("a node of nothing");
        assert!(matches!(error.kind, Unsupported | Malformed), "{error}");
    }
}

#[test]
fn long_lists() {
    // Varints of one byte become elements of eight.
    for n in [1 << 22, (1 << 23) - 100, 1 << 23] {
        let t = Tensor { int64_data: vec![1; n], dims: vec![n as i64], ..int64s("t", &[], &[]) };
        let m = single(onnx("Relu", &["x"], "y", vec![]), &[1], vec![t]);
        assert_eq!(import_model(&m).is_ok(), n < 1 << 23);
        let t = Tensor { int32_data: vec![1; n], dims: vec![n as i64], ..bytes("t", I8, &[], &[]) };
        let m = single(onnx("Relu", &["x"], "y", vec![]), &[1], vec![t]);
        assert_eq!(import_model(&m).is_ok(), n < 1 << 23);
    }
    let m = single(
        onnx("Relu", &["x"], "y", vec![]),
        &[1],
        vec![Tensor { dims: vec![1; 1 << 22], ..reals("t", &[], &[]) }],
    );
    refused(&m, TooLarge, "initializer t", "(4194304 in all)");
    let mut m = single(onnx("Relu", &["x"], "y", vec![]), &[1], vec![]);
    let dim = value("", U8, &[1]).r#type.unwrap().tensor.unwrap().shape.unwrap().dim;
    let shape = Some(Shape { dim: vec![dim[0].clone(); 100_000] });
    graph(&mut m).input[0] =
        Value { name: "x".into(), r#type: Some(Type { tensor: Some(TensorType { elem_type: U8, shape }) }) };
    refused(&m, TooLarge, "input x", "rank");
}

#[test]
fn the_largest_files() {
    refused_bytes(&vec![0; MAX_FILE as usize + 1], TooLarge, "", "larger than");
    let room = MAX_FILE as i64 - 1000;
    // One constant that fills the file, of each type; the last are weights.
    for t in [
        Tensor { raw_data: vec![1; room as usize].into(), dims: vec![room], ..bytes("t", I8, &[], &[]) },
        Tensor { raw_data: vec![0; room as usize / 4 * 4].into(), dims: vec![room / 4], ..reals("t", &[], &[]) },
        Tensor { raw_data: vec![0; room as usize / 8 * 8].into(), dims: vec![room / 8], ..int64s("t", &[], &[]) },
    ] {
        assert!(import_model(&single(onnx("Relu", &["x"], "y", vec![]), &[1], vec![t])).is_ok());
    }
    let dense = |k: i64, n: i64| {
        let w = Tensor { raw_data: vec![1; (k * n) as usize].into(), dims: vec![k, n], ..bytes("w", U8, &[], &[]) };
        single(onnx("QLinearMatMul", &["x", "s", "z", "w", "s", "z", "s", "z"], "y", vec![]), &[1, k], vec![w])
    };
    assert!(import_model(&dense(1 << 12, (1 << 12) - 1)).is_ok());
    refused(&dense(1 << 12, (1 << 13) + 1), TooLarge, "node y (QLinearMatMul)", "parameters");
    refused(&dense(1 << 12, 1 << 12), TooLarge, "node y (QLinearMatMul)", "parameters");
}

/// Many nodes that each do a little, or that each make something large of one constant.
#[test]
fn many_nodes() {
    let chain =
        |count: usize, domain: &str, op: &str, others: &[&str], attributes: &[Attribute], first: &str| -> Vec<Node> {
            let name = |i: usize| if i == 0 { first.to_owned() } else { format!("t{i}") };
            let one = |i: usize| {
                let (from, to) = (name(i), name(i + 1));
                let operands: Vec<&str> = std::iter::once(&*from).chain(others.iter().copied()).collect();
                node(domain, op, &operands, &to, attributes.to_vec())
            };
            (0..count).map(one).collect()
        };
    let with = |elem_type, nodes: Vec<Node>, mut constants: Vec<Tensor>| {
        constants.extend([reals("s", &[], &[0.5]), bytes("z", U8, &[], &[0])]);
        let last = nodes.last().unwrap().output[0].clone();
        let mut m = model(value("x", elem_type, &[1, 1, 2]), nodes, constants, value(&last, U8, &[1, 1, 2]));
        graph(&mut m).output[0].r#type = Some(Type { tensor: Some(TensorType { elem_type: U8, shape: None }) });
        m
    };
    let perm = [ints("perm", &[0, 1, 2])];

    assert!(import_model(&with(U8, chain(40_000, "", "Transpose", &[], &perm, "x"), vec![])).is_ok());
    let many = with(U8, chain(70_000, "", "Relu", &[], &[], "x"), vec![]);
    refused(&many, TooLarge, "", "more than 65536 nodes");
    // Moves of the input before it is quantized.
    let many = with(FLOAT, chain(40_000, "", "Transpose", &[], &perm, "x"), vec![]);
    refused(&many, TooLarge, "node t17 (Transpose)", "more than 16 rearrangements");
    // Each of them replayed by many QuantizeLinear.
    let mut nodes = chain(16, "", "Transpose", &[], &perm, "x");
    nodes.extend((0..60_000).map(|i| onnx("QuantizeLinear", &["t16", "s", "z"], &format!("q{i}"), vec![])));
    refused(&with(FLOAT, nodes, vec![]), TooLarge, "node q4096 (QuantizeLinear)", "more than 65536 nodes");

    // One large constant, read by many.
    let big = 1 << 20;
    let w = Tensor { raw_data: vec![1; 2 * big].into(), dims: vec![big as i64, 1, 2], ..bytes("w", U8, &[], &[]) };
    let real = reals("r", &[big as i64], &vec![1.0; big]);
    let scales = reals("ws", &[big as i64], &vec![0.5; big]);
    let fan = |n: usize, make: &dyn Fn(usize) -> Node| (0..n).map(make).collect::<Vec<_>>();
    let quantized = fan(1000, &|i| onnx("QuantizeLinear", &["r", "s", "z"], &format!("q{i}"), vec![]));
    refused(&with(U8, quantized, vec![real.clone()]), TooLarge, "node q32 (QuantizeLinear)", "parameters");
    let dequantized = fan(1000, &|i| onnx("DequantizeLinear", &["w", "ws"], &format!("d{i}"), vec![int("axis", 0)]));
    refused(
        &with(U8, dequantized, vec![w.clone(), scales.clone()]),
        TooLarge,
        "node d32 (DequantizeLinear)",
        "parameters",
    );
    let mut convs = vec![
        onnx("DequantizeLinear", &["x", "s", "z"], "xr", vec![]),
        onnx("DequantizeLinear", &["w", "ws"], "wr", vec![int("axis", 0)]),
    ];
    convs.extend(fan(1000, &|i| onnx("Conv", &["xr", "wr"], &format!("c{i}"), vec![])));
    refused(&with(U8, convs, vec![w.clone(), scales.clone()]), TooLarge, "node c15 (Conv)", "parameters");
    // One product, and many activations and biases of it.
    let mut relus = vec![
        onnx("DequantizeLinear", &["x", "s", "z"], "xr", vec![]),
        onnx("DequantizeLinear", &["w", "ws"], "wr", vec![int("axis", 0)]),
        onnx("Conv", &["xr", "wr"], "c", vec![]),
    ];
    let mut adds = relus.clone();
    relus.extend(chain(60_000, "", "Relu", &[], &[], "c"));
    relus.push(onnx("QuantizeLinear", &["t60000", "s", "z"], "y", vec![]));
    assert!(import_model(&with(U8, relus, vec![w.clone(), scales.clone()])).is_ok());
    adds.extend(fan(1000, &|i| onnx("Add", &["c", "b"], &format!("a{i}"), vec![])));
    let bias = int32s("b", &[big as i64, 1], &vec![1; big]);
    refused(&with(U8, adds, vec![w, scales, bias]), TooLarge, "node a29 (Add)", "parameters");
    // A concatenation of more than fits.
    let parts: Vec<&str> = std::iter::repeat_n("x", 400_000).collect();
    let concat = onnx("Concat", &parts, "c0", vec![int("axis", 2)]);
    assert!(import_model(&with(U8, vec![concat], vec![])).is_ok());
    let doubling: Vec<Node> = (0..40)
        .map(|i| {
            let from = if i == 0 { "x".to_owned() } else { format!("c{}", i - 1) };
            onnx("Concat", &[&from, &from], &format!("c{i}"), vec![int("axis", 2)])
        })
        .collect();
    refused(&with(U8, doubling, vec![]), TooLarge, "node c25 (Concat)", "elements");
}

#[test]
fn copies_of_large_selections_and_tables_are_counted() {
    let quantized = |first: Node, shape: &[i64], constants: Vec<Tensor>| {
        let from = first.output[0].clone();
        let mut m = single(first, shape, constants);
        let each = (0..1000).map(|i| onnx("QuantizeLinear", &[&from, "s", "z"], &format!("q{i}"), vec![]));
        graph(&mut m).node.extend(each);
        m
    };
    // Each QuantizeLinear of the padded input selects its elements anew.
    let pad = onnx("Pad", &["x", "pads"], "p", vec![]);
    let mut m = quantized(pad, &[1], vec![int64s("pads", &[2], &[0, 1 << 20])]);
    graph(&mut m).input[0] = value("x", FLOAT, &[1]);
    refused(&m, TooLarge, "node q30 (QuantizeLinear)", "parameters");
    // And each of a PRelu makes its tables.
    let prelu = onnx("PRelu", &["r", "slopes"], "p", vec![]);
    let channels = 1 << 12;
    let slopes = reals("slopes", &[channels], &vec![0.5; channels as usize]);
    let mut m = quantized(prelu.clone(), &[1, channels], vec![slopes]);
    graph(&mut m).node.insert(0, onnx("DequantizeLinear", &["x", "s", "z"], "r", vec![]));
    refused(&m, TooLarge, "node q30 (QuantizeLinear)", "parameters");
    let channels = 1 << 20;
    let slopes = reals("slopes", &[channels], &vec![0.5; channels as usize]);
    let mut m = quantized(prelu, &[1, channels], vec![slopes]);
    graph(&mut m).node.insert(0, onnx("DequantizeLinear", &["x", "s", "z"], "r", vec![]));
    refused(&m, TooLarge, "node p (PRelu)", "parameters");
}
