//! Scales, and other reals, that have no exact meaning: at every place where one can stand.

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    execute::run,
    import::{
        ImportErrorKind::{Malformed, Refused, Unsupported},
        proto::{Model, Tensor},
    },
};

use super::{
    graph, import_model,
    model::{FLOAT, I8, U8, bytes, float, int, int32s, ints, model, onnx, ort, reals, value},
    refused,
};

const BAD: [(&str, f32); 9] = [
    ("NaN", f32::NAN),
    ("inf", f32::INFINITY),
    ("-inf", f32::NEG_INFINITY),
    ("0", 0.0),
    ("-0", -0.0),
    ("-1", -1.0),
    ("denormal", 1e-40),
    ("smallest denormal", f32::from_bits(1)),
    ("negative denormal", -1e-40),
];

fn scale(name: &str, v: f32) -> Tensor {
    reals(name, &[], &[v])
}

/// Every operator of the QOperator form.
pub(super) fn qoperator() -> Model {
    let nodes = vec![
        onnx("QuantizeLinear", &["x", "x_s", "x_z"], "q", vec![]),
        onnx("QLinearConv", &["q", "x_s", "x_z", "cw", "cw_s", "cw_z", "c_s", "c_z", "cb"], "c", vec![]),
        ort("QLinearAdd", &["c", "c_s", "c_z", "c", "c_s", "c_z", "a_s", "a_z"], "a", vec![]),
        ort("QLinearAveragePool", &["a", "a_s", "a_z", "p_s", "p_z"], "p", vec![ints("kernel_shape", &[1, 2])]),
        ort("QLinearGlobalAveragePool", &["p", "p_s", "p_z", "g_s", "g_z"], "g", vec![]),
        onnx("Flatten", &["g"], "f", vec![]),
        ort("QGemm", &["f", "g_s", "g_z", "gw", "gw_s", "gw_z", "gb", "h_s", "h_z"], "h", vec![int("transB", 1)]),
        onnx("QLinearMatMul", &["h", "h_s", "h_z", "mw", "mw_s", "mw_z", "y_s", "y_z"], "m", vec![]),
        ort("QLinearSoftmax", &["m", "y_s", "y_z", "s_s", "s_z"], "s", vec![int("opset", 13)]),
        onnx("DequantizeLinear", &["s", "s_s", "s_z"], "y", vec![]),
    ];
    let mut constants = vec![
        bytes("cw", I8, &[2, 1, 2, 2], &[1, -2, 3, -4, 5, 6, -7, 8]),
        reals("cw_s", &[2], &[0.5, 0.25]),
        bytes("cw_z", I8, &[2], &[0, 0]),
        int32s("cb", &[2], &[10, -10]),
        bytes("gw", I8, &[3, 2], &[1, -2, 3, -4, 5, 6]),
        reals("gw_s", &[3], &[0.5, 0.25, 0.125]),
        bytes("gw_z", I8, &[3], &[0, 0, 0]),
        int32s("gb", &[3], &[1, 2, 3]),
        bytes("mw", I8, &[3, 2], &[1, -2, 3, -4, 5, 6]),
        scale("mw_s", 0.5),
        bytes("mw_z", I8, &[], &[1]),
    ];
    for name in ["x", "c", "a", "p", "g", "h", "y", "s"] {
        constants.push(scale(&format!("{name}_s"), 0.5));
        constants.push(bytes(&format!("{name}_z"), U8, &[], &[3]));
    }
    model(value("x", FLOAT, &[1, 1, 4, 4]), nodes, constants, value("y", FLOAT, &[1, 2]))
}

/// The same in QDQ form, with weights that are quantized in the file.
pub(super) fn qdq() -> Model {
    let mut nodes = Vec::new();
    let mut pass = |from: &str, to: &str, name: &str| {
        let [s, z] = ["s", "z"].map(|e| format!("{name}_{e}"));
        nodes.push(onnx("QuantizeLinear", &[from, &s, &z], &format!("{to}_q"), vec![]));
        nodes.push(onnx("DequantizeLinear", &[&format!("{to}_q"), &s, &z], to, vec![]));
    };
    pass("x", "x1", "x");
    pass("w", "w1", "w");
    pass("c1", "c2", "c");
    pass("a1", "a2", "a");
    pass("p1", "p2", "p");
    pass("h1", "h2", "h");
    pass("m1", "m2", "m");
    pass("s1", "y", "s");
    let ops = [
        onnx("DequantizeLinear", &["b", "b_s"], "b1", vec![int("axis", 0)]),
        onnx("Conv", &["x1", "w1", "b1"], "c0", vec![]),
        onnx("Relu", &["c0"], "c1", vec![]),
        onnx("Add", &["c2", "c2"], "a1", vec![]),
        onnx("GlobalAveragePool", &["a2"], "p1", vec![]),
        onnx("Flatten", &["p2"], "f", vec![]),
        onnx("DequantizeLinear", &["gw", "gw_s", "gw_z"], "gw1", vec![int("axis", 0)]),
        onnx("Gemm", &["f", "gw1"], "h1", vec![int("transB", 1)]),
        onnx("DequantizeLinear", &["mw", "mw_s"], "mw1", vec![]),
        onnx("MatMul", &["h2", "mw1"], "m1", vec![]),
        onnx("Softmax", &["m2"], "s1", vec![]),
    ];
    let mut sorted = Vec::new();
    let mut rest: Vec<_> = nodes.into_iter().chain(ops).collect();
    let mut known: Vec<String> = ["x", "w", "b", "gw", "mw"].map(Into::into).into();
    while !rest.is_empty() {
        let next = rest
            .iter()
            .position(|n| n.input.iter().all(|i| known.contains(i) || i.contains('_') && !i.ends_with("_q")));
        let node = rest.remove(next.unwrap());
        known.push(node.output[0].clone());
        sorted.push(node);
    }
    let mut constants = vec![
        reals("w", &[2, 1, 2, 2], &[0.1, -0.2, 0.3, -0.4, 0.5, 0.6, -0.7, 0.8]),
        int32s("b", &[2], &[10, -10]),
        reals("b_s", &[2], &[0.25, 0.25]),
        bytes("gw", I8, &[3, 2], &[1, -2, 3, -4, 5, 6]),
        reals("gw_s", &[3], &[0.5, 0.25, 0.125]),
        bytes("gw_z", I8, &[3], &[0, 0, 0]),
        bytes("mw", I8, &[3, 2], &[1, -2, 3, -4, 5, 6]),
        scale("mw_s", 0.5),
    ];
    for name in ["x", "w", "c", "a", "p", "h", "m", "s"] {
        constants.push(scale(&format!("{name}_s"), 0.5));
        constants.push(bytes(&format!("{name}_z"), U8, &[], &[3]));
    }
    model(value("x", FLOAT, &[1, 1, 4, 4]), sorted, constants, value("y", FLOAT, &[1, 2]))
}

#[test]
fn the_models_are_good_without_changes() {
    for m in [qoperator(), qdq()] {
        let imported = import_model(&m).unwrap();
        imported.graph.check().unwrap();
        assert!(imported.softmax.is_some());
    }
}

#[test]
fn every_bad_scale_is_refused_at_its_node() {
    let mut places = 0;
    for m in [qoperator(), qdq()] {
        let g = m.graph.as_ref().unwrap();
        let scales = g.initializer.iter().enumerate().filter(|(_, t)| t.name.ends_with("_s"));
        for (at, tensor) in scales {
            let user = g.node.iter().find(|n| n.input.contains(&tensor.name)).unwrap();
            let place = format!("node {} ({})", user.name, user.op_type);
            let elements: i64 = tensor.dims.iter().product();
            for element in 0..elements as usize {
                for (what, bad) in BAD {
                    let mut hostile = m.clone();
                    let mut values = vec![0.25; elements as usize];
                    values[element] = bad;
                    graph(&mut hostile).initializer[at] = reals(&tensor.name, &tensor.dims, &values);
                    let error = import_model(&hostile).expect_err(what);
                    assert_eq!((error.kind, &error.place), (Refused, &place), "{what}: {error}");
                    assert!(error.message.contains("is not a positive normal number"), "{what}: {error}");
                    places += 1;
                }
            }
        }
    }
    assert_eq!(places, 28 * BAD.len());
}

#[test]
fn scales_of_the_wrong_type_or_number_are_refused() {
    let change = |name: &str, t: Tensor| {
        let mut m = qoperator();
        let at = graph(&mut m).initializer.iter().position(|t| t.name == name).unwrap();
        graph(&mut m).initializer[at] = Tensor { name: name.into(), ..t };
        m
    };
    let place = "node c (QLinearConv)";
    refused(&change("c_s", int32s("", &[], &[1])), Unsupported, place, "float32 is expected");
    refused(&change("c_s", reals("", &[0], &[])), Unsupported, place, "a number or a list of them is expected");
    refused(&change("c_s", reals("", &[2], &[1.0, 1.0])), Unsupported, place, "several scales or zero points");
    refused(&change("c_s", reals("", &[1, 1], &[1.0])), Unsupported, place, "a number or a list of them is expected");
    refused(&change("c_z", int32s("", &[], &[0])), Unsupported, place, "int8 or uint8");
    refused(&change("c_z", bytes("", U8, &[2], &[0, 0])), Unsupported, place, "several scales or zero points");
    refused(&change("cw_s", reals("", &[3], &[1.0; 3])), Malformed, place, "3 scales and 2 zero points for 2 channels");
    refused(&change("cw_z", bytes("", U8, &[2], &[0, 0])), Malformed, place, "different types");
}

#[test]
fn scales_whose_products_leave_the_normal_numbers_are_refused() {
    let change = |pairs: &[(&str, f32)]| {
        let mut m = qoperator();
        for &(name, v) in pairs {
            let tensor = graph(&mut m).initializer.iter_mut().find(|t| t.name == name).unwrap();
            let elements = tensor.dims.iter().product::<i64>() as usize;
            *tensor = reals(name, &tensor.dims.clone(), &vec![v; elements]);
        }
        m
    };
    let place = "node c (QLinearConv)";
    refused(&change(&[("x_s", 1e-30), ("cw_s", 1e-20)]), Refused, place, "x_scale · w_scale: scale");
    refused(&change(&[("x_s", 1e30), ("cw_s", 1e20)]), Refused, place, "x_scale · w_scale: scale");
    refused(&change(&[("x_s", 1e-30), ("c_s", 1e20)]), Refused, "c", "x_scale · w_scale / y_scale: scale");
    refused(&change(&[("x_s", 1e30), ("c_s", 1e-20)]), Refused, "c", "x_scale · w_scale / y_scale: scale");
    refused(&change(&[("c_s", 1e30), ("a_s", 1e-10)]), Refused, "a", "overflows float32");
    refused(&change(&[("a_s", 1e-30), ("p_s", 1e20)]), Refused, "p", "is not a positive normal number");
}

#[test]
fn a_sum_of_operands_far_above_the_result_is_not_lowered() {
    let constants = vec![scale("a_s", 1e20), scale("y_s", 1.0), bytes("z", U8, &[], &[0])];
    let add = ort("QLinearAdd", &["x", "a_s", "z", "x", "a_s", "z", "y_s", "z"], "y", vec![]);
    let imported =
        import_model(&model(value("x", U8, &[1, 2]), vec![add], constants, value("y", U8, &[1, 2]))).unwrap();
    assert_eq!(run(&imported.graph, &[0, 1]).unwrap(), [0, 255]);
    let error = Circuit::new(&imported.graph, Disclosure::Raw).unwrap_err();
    assert!(error.node == "y" && error.message.contains("no step function of a weighted sum"), "{error}");
}

#[test]
fn alpha_is_a_scale_too() {
    for (what, bad) in BAD {
        let mut m = qoperator();
        let gemm = graph(&mut m).node.iter_mut().find(|n| n.op_type == "QGemm").unwrap();
        gemm.attribute.push(float("alpha", bad));
        let error = import_model(&m).expect_err(what);
        assert_eq!((error.kind, &*error.place), (Refused, "node h (QGemm)"), "{error}");
        assert!(error.message.starts_with("alpha: scale"), "{error}");
    }
}

#[test]
fn real_weights_and_biases_that_are_not_finite_are_refused() {
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut m = qdq();
        let w = graph(&mut m).initializer.iter_mut().find(|t| t.name == "w").unwrap();
        *w = reals("w", &[2, 1, 2, 2], &[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, bad]);
        refused(&m, Refused, "node w1_q (QuantizeLinear)", "not finite");

        let mut m = qdq();
        let g = graph(&mut m);
        g.initializer.push(reals("real_b", &[2], &[bad, 0.0]));
        g.node.iter_mut().find(|n| n.op_type == "Conv").unwrap().input[2] = "real_b".into();
        refused(&m, Refused, "node c0 (Conv)", "the bias leaves int32");
    }
}

#[test]
fn clips_to_nothing_or_to_nan_are_refused() {
    for bounds in [[f32::NAN, 1.0], [0.0, f32::NAN], [1.0, 0.0]] {
        let mut m = qdq();
        let g = graph(&mut m);
        g.initializer.extend([scale("low", bounds[0]), scale("high", bounds[1])]);
        let relu = g.node.iter_mut().find(|n| n.op_type == "Relu").unwrap();
        relu.op_type = "Clip".into();
        relu.input.extend(["low".into(), "high".into()]);
        refused(&m, Refused, "node c1 (Clip)", "is empty");
    }
    let constants = vec![bytes("low", I8, &[], &[5]), bytes("high", I8, &[], &[4])];
    let nodes = vec![onnx("Clip", &["x", "low", "high"], "y", vec![])];
    refused(
        &model(value("x", I8, &[1, 2]), nodes, constants, value("y", I8, &[1, 2])),
        Refused,
        "node y (Clip)",
        "is empty",
    );
}

#[test]
fn biases_and_weights_that_leave_int32_are_refused() {
    let with_bias = |bias: &[i32]| {
        let mut m = qoperator();
        *graph(&mut m).initializer.iter_mut().find(|t| t.name == "cb").unwrap() = int32s("cb", &[2], bias);
        m
    };
    // x − 3 is from −3 to 252: the sums are from −1524 to 1026 under the first filter, −1821 to 4809 under the second.
    assert!(import_model(&with_bias(&[i32::MAX - 1026, i32::MIN + 1821])).is_ok());
    refused(&with_bias(&[i32::MAX - 1025, 0]), Refused, "c", "outside int32");
    refused(&with_bias(&[i32::MIN, 0]), Refused, "c", "outside int32");
    refused(&with_bias(&[0, i32::MIN + 1820]), Refused, "c", "outside int32");

    // 2^17 products of 255 · 127.
    let k = 1 << 17;
    let matmul = |weight: i32| {
        let nodes = vec![onnx("QLinearMatMul", &["x", "s", "z", "w", "s", "wz", "s", "z"], "y", vec![])];
        let constants = vec![
            scale("s", 0.5),
            bytes("z", U8, &[], &[0]),
            bytes("wz", I8, &[], &[0]),
            bytes("w", I8, &[k, 1], &vec![weight; k as usize]),
        ];
        model(value("x", U8, &[1, k]), nodes, constants, value("y", U8, &[1, 1]))
    };
    assert!(import_model(&matmul(64)).is_ok());
    refused(&matmul(127), Refused, "y", "an accumulator can reach 0 to 4244766720, outside int32");

    // 2^24 values of 255.
    let nodes = vec![ort("QLinearGlobalAveragePool", &["x", "s", "z", "s", "z"], "y", vec![])];
    let constants = vec![scale("s", 0.5), bytes("z", U8, &[], &[0])];
    let m = model(value("x", U8, &[1, 1, 4096, 4096]), nodes, constants, value("y", U8, &[1, 1, 1, 1]));
    refused(&m, Refused, "y", "outside int32");
}

#[test]
fn an_axis_that_does_not_exist_is_refused_for_several_scales() {
    let dequantized = |axis, scales: &[f32]| {
        let nodes = vec![
            onnx("DequantizeLinear", &["x", "s", "z"], "xr", vec![]),
            onnx("DequantizeLinear", &["w", "ws"], "wr", vec![int("axis", axis)]),
            onnx("MatMul", &["xr", "wr"], "m", vec![]),
            onnx("QuantizeLinear", &["m", "s", "z"], "y", vec![]),
        ];
        let constants = vec![
            scale("s", 0.5),
            bytes("z", U8, &[], &[0]),
            bytes("w", I8, &[2, 2], &[1, 2, 3, 4]),
            reals("ws", &[scales.len() as i64], scales),
        ];
        model(value("x", U8, &[1, 2]), nodes, constants, value("y", U8, &[1, 2]))
    };
    assert!(import_model(&dequantized(1, &[0.5, 0.25])).is_ok());
    assert!(import_model(&dequantized(7, &[0.5])).is_ok());
    for axis in [2, 7, -3, i64::MAX, i64::MIN] {
        refused(&dequantized(axis, &[0.5, 0.25]), Malformed, "node wr (DequantizeLinear)", "outside rank 2");
    }
    refused(&dequantized(0, &[0.5, 0.25]), Unsupported, "node m (MatMul)", "not quantized along the output channels");
}

#[test]
fn a_zero_point_of_int32_that_is_not_zero_is_refused() {
    let mut m = qdq();
    let g = graph(&mut m);
    g.initializer.push(int32s("b_z", &[], &[1]));
    let user = g.node.iter_mut().find(|n| n.input.contains(&"b_s".into())).unwrap();
    user.input.push("b_z".into());
    refused(&m, Unsupported, "node b1 (DequantizeLinear)", "int32 with zero point 0");
}
