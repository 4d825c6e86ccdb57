//! The executor against a naive implementation of the same operators, written from their ONNX definitions with 64-bit
//! accumulators and explicit padded images, at the extremes and on random graphs.
#![cfg(feature = "execute")]

use avouch_circuits::{
    execute::{ExecuteError, run, run_batch, trace},
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
    op::{Add, AveragePool, Concat, Conv, Dense, MaxPool, Op, Requantization, Reshape, Table, Transpose, Window},
};
use proptest::prelude::*;

fn quant(dtype: DType, scale: f32, zero_point: i32) -> Quantization {
    Quantization { dtype, scale, zero_point }
}

fn info(shape: &[usize], quant: Quantization) -> TensorInfo {
    TensorInfo { shape: shape.to_vec(), quant }
}

/// A graph of one node. The operands after the first are tables of the input, so that they differ from it.
fn graph(op: impl Into<Op>, x: TensorInfo, others: &[(TensorInfo, Table)], y: TensorInfo) -> Graph {
    let mut tensors = vec![x];
    let mut nodes = Vec::new();
    for (other, table) in others {
        let output = TensorId(tensors.len() as u32);
        tensors.push(other.clone());
        let op = table.clone().into();
        nodes.push(Node { name: "table".into(), op, inputs: vec![TensorId(0)], output });
    }
    let output = TensorId(tensors.len() as u32);
    let inputs = (0..output.0).map(TensorId).collect();
    tensors.push(y);
    nodes.push(Node { name: "op".into(), op: op.into(), inputs, output });
    let graph = Graph { tensors, nodes, input: TensorId(0), output };
    graph.check().unwrap();
    graph
}

/// `clip(round_half_even(f32(acc) · m) + zero)` by another way: floor and an explicit tie rule, in f64.
fn naive_requantize(acc: i64, m: f32, zero: i32, min: i32, max: i32) -> i16 {
    let product = f64::from(acc as f32 * m);
    let floor = product.floor();
    let rounded = match product - floor {
        d if d < 0.5 => floor,
        d if d > 0.5 => floor + 1.0,
        _ if floor % 2.0 == 0.0 => floor,
        _ => floor + 1.0,
    };
    (rounded + f64::from(zero)).clamp(f64::from(min), f64::from(max)) as i16
}

/// One image channel with its padding written out: `None` is padding.
fn padded(x: &[i16], [h, w]: [usize; 2], win: &Window) -> Vec<Vec<Option<i16>>> {
    let width = w + win.pads_begin[1] + win.pads_end[1];
    let mut rows = vec![vec![None; width]; win.pads_begin[0]];
    for row in x.chunks(w) {
        let mut padded = vec![None; win.pads_begin[1]];
        padded.extend(row.iter().map(|&v| Some(v)));
        padded.resize(width, None);
        rows.push(padded);
    }
    assert_eq!(rows.len(), h + win.pads_begin[0]);
    rows.extend(vec![vec![None; width]; win.pads_end[0]]);
    rows
}

/// For each output position of each channel, the values under the window.
fn windows(x: &[i16], shape: &[usize], win: &Window) -> Vec<Vec<Vec<Option<i16>>>> {
    let (h, w) = if shape.len() == 3 { (1, shape[2]) } else { (shape[2], shape[3]) };
    let extent = |d: usize| (win.kernel[d] - 1) * win.dilations[d] + 1;
    x.chunks(h * w)
        .map(|plane| {
            let image = padded(plane, [h, w], win);
            let mut positions = Vec::new();
            let mut top = 0;
            while top + extent(0) <= image.len() {
                let mut left = 0;
                while left + extent(1) <= image[0].len() {
                    let mut taps = Vec::new();
                    for ky in 0..win.kernel[0] {
                        for kx in 0..win.kernel[1] {
                            taps.push(image[top + ky * win.dilations[0]][left + kx * win.dilations[1]]);
                        }
                    }
                    positions.push(taps);
                    left += win.strides[1];
                }
                top += win.strides[0];
            }
            positions
        })
        .collect()
}

fn naive_conv(conv: &Conv, x: &TensorInfo, y: &TensorInfo, values: &[i16]) -> Vec<i16> {
    let channels = x.shape[1];
    let zero = x.quant.zero_point as i64;
    let (cg, og) = (channels / conv.group, conv.out_channels / conv.group);
    let taps = conv.window.kernel[0] * conv.window.kernel[1];
    let planes = windows(values, &x.shape, &conv.window);
    let mut out = Vec::new();
    for image in planes.chunks(channels) {
        for o in 0..conv.out_channels {
            for p in 0..image[0].len() {
                let weights = &conv.weights[o * cg * taps..][..cg * taps];
                let values = image[o / og * cg..][..cg].iter().flat_map(|plane| &plane[p]);
                let products =
                    values.zip(weights).filter_map(|(v, &w)| v.map(|v| (i64::from(v) - zero) * i64::from(w)));
                let acc = i64::from(conv.bias[o]) + products.sum::<i64>();
                let r = &conv.requantization;
                let m = r.multipliers[if r.multipliers.len() == 1 { 0 } else { o }];
                out.push(naive_requantize(acc, m, y.quant.zero_point, r.min, r.max));
            }
        }
    }
    out
}

fn naive_dense(dense: &Dense, x: &TensorInfo, y: &TensorInfo, values: &[i16]) -> Vec<i16> {
    let rows = values.len() / dense.k;
    let mut out = Vec::new();
    for row in 0..rows {
        let matrix = row / (rows / dense.batch);
        for n in 0..dense.n {
            let mut acc = i64::from(dense.bias[n]);
            for k in 0..dense.k {
                let w = dense.weights[(matrix * dense.n + n) * dense.k + k];
                acc += i64::from(values[row * dense.k + k] as i32 - x.quant.zero_point) * i64::from(w);
            }
            let r = &dense.requantization;
            let m = r.multipliers[if r.multipliers.len() == 1 { 0 } else { n }];
            out.push(naive_requantize(acc, m, y.quant.zero_point, r.min, r.max));
        }
    }
    out
}

fn dtype() -> impl Strategy<Value = DType> {
    prop_oneof![Just(DType::I8), Just(DType::U8)]
}

fn any_quant() -> impl Strategy<Value = Quantization> {
    (dtype(), 1e-3f32..10.0).prop_flat_map(|(dtype, scale)| {
        let ends = prop_oneof![Just(dtype.min()), Just(dtype.max()), dtype.min()..=dtype.max()];
        ends.prop_map(move |zero_point| quant(dtype, scale, zero_point))
    })
}

/// Values of a type, its ends more often than not.
fn values(dtype: DType, n: usize) -> impl Strategy<Value = Vec<i16>> {
    let (min, max) = (dtype.min() as i16, dtype.max() as i16);
    prop::collection::vec(prop_oneof![Just(min), Just(max), min..=max], n)
}

fn weights(n: usize) -> impl Strategy<Value = Vec<i16>> {
    prop::collection::vec(prop_oneof![Just(-255i16), Just(255), -255..=255i16], n)
}

/// Multipliers, among them powers of two (so that ties occur), and a clip range within the type.
fn requantization(y: DType, channels: usize) -> impl Strategy<Value = Requantization> {
    let multiplier = || prop_oneof![1e-6f32..1e-1, (1i32..14).prop_map(|e| 2f32.powi(-e)), Just(f32::MIN_POSITIVE)];
    let count = prop_oneof![Just(1), Just(channels)];
    let clip = prop_oneof![
        Just((y.min(), y.max())),
        (y.min()..=y.max(), y.min()..=y.max()).prop_map(|(a, b)| (a.min(b), a.max(b)))
    ];
    (count.prop_flat_map(move |n| prop::collection::vec(multiplier(), n)), clip)
        .prop_map(|(multipliers, (min, max))| Requantization { multipliers, min, max })
}

fn window(two_d: bool) -> impl Strategy<Value = Window> {
    let axis = || {
        (1usize..=4, 1usize..=3, 1usize..=3).prop_flat_map(|(k, s, d)| {
            let extent = (k - 1) * d + 1;
            (Just(k), Just(s), Just(d), 0..extent, 0..extent)
        })
    };
    (axis(), axis()).prop_map(move |(h, w)| {
        let (k, s, d, b, e) = if two_d { h } else { (1, 1, 1, 0, 0) };
        Window { kernel: [k, w.0], strides: [s, w.1], dilations: [d, w.2], pads_begin: [b, w.3], pads_end: [e, w.4] }
    })
}

/// A window and the shape of an image that it fits.
fn image() -> impl Strategy<Value = (Window, Vec<usize>)> {
    (any::<bool>(), 1usize..=2, 1usize..=3).prop_flat_map(|(two_d, n, c)| {
        window(two_d).prop_flat_map(move |win| {
            let fit = |d: usize| {
                let extent = (win.kernel[d] - 1) * win.dilations[d] + 1;
                let least = extent.saturating_sub(win.pads_begin[d] + win.pads_end[d]).max(1);
                least..least + 6
            };
            let shape = (fit(0), fit(1)).prop_map(move |(h, w)| if two_d { vec![n, c, h, w] } else { vec![n, c, w] });
            (Just(win), shape)
        })
    })
}

fn output_shape(win: &Window, x: &[usize], channels: usize) -> Vec<usize> {
    let [h, w] = win.output(if x.len() == 3 { [1, x[2]] } else { [x[2], x[3]] }).unwrap();
    if x.len() == 3 { vec![x[0], channels, w] } else { vec![x[0], channels, h, w] }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn conv_is_the_naive_one(
        (conv, x, y, input) in (image(), 1usize..=3, 1usize..=3, any_quant(), any_quant())
            .prop_flat_map(|((win, mut shape), group, outputs, qx, qy)| {
                shape[1] *= group;
                let (cg, o) = (shape[1] / group, outputs * group);
                let y = info(&output_shape(&win, &shape, o), qy);
                let x = info(&shape, qx);
                let input = values(qx.dtype, x.elements());
                let taps = cg * win.kernel[0] * win.kernel[1];
                let conv = (weights(o * taps), prop::collection::vec(-100_000i32..100_000, o), requantization(qy.dtype, o))
                    .prop_map(move |(weights, bias, requantization)| Conv {
                        window: win, group, out_channels: o, weights, bias, requantization,
                    });
                (conv, Just(x), Just(y), input)
            })
    ) {
        let expected = naive_conv(&conv, &x, &y, &input);
        prop_assert_eq!(run(&graph(conv, x, &[], y), &input).unwrap(), expected);
    }

    #[test]
    fn dense_is_the_naive_one(
        (dense, x, y, input) in (1usize..=3, 1usize..=3, any::<bool>(), 1usize..=40, 1usize..=6, any_quant(), any_quant())
            .prop_flat_map(|(batch, m, shared, k, n, qx, qy)| {
                let (x, y) = (info(&[batch, m, k], qx), info(&[batch, m, n], qy));
                let batch = if shared { 1 } else { batch };
                let dense = (
                    weights(batch * n * k),
                    prop::collection::vec(-100_000i32..100_000, n),
                    requantization(qy.dtype, n),
                ).prop_map(move |(weights, bias, requantization)| Dense { batch, k, n, weights, bias, requantization });
                let input = values(qx.dtype, x.elements());
                (dense, Just(x), Just(y), input)
            })
    ) {
        let expected = naive_dense(&dense, &x, &y, &input);
        prop_assert_eq!(run(&graph(dense, x, &[], y), &input).unwrap(), expected);
    }

    #[test]
    fn max_pool_is_the_naive_one(
        (window, x, input) in (image(), any_quant()).prop_flat_map(|((win, shape), q)| {
            let x = info(&shape, q);
            let input = values(q.dtype, x.elements());
            (Just(win), Just(x), input)
        })
    ) {
        let expected: Vec<i16> = windows(&input, &x.shape, &window)
            .iter()
            .flatten()
            .map(|taps| taps.iter().flatten().copied().max().unwrap_or(x.quant.dtype.min() as i16))
            .collect();
        let y = info(&output_shape(&window, &x.shape, x.shape[1]), x.quant);
        prop_assert_eq!(run(&graph(MaxPool { window }, x, &[], y), &input).unwrap(), expected);
    }

    #[test]
    fn average_pool_is_the_naive_one(
        (window, x, qy, input) in (image(), any_quant(), any_quant()).prop_flat_map(|((mut win, mut shape), q, qy)| {
            win.pads_begin = [0; 2];
            win.pads_end = [0; 2];
            let rank = shape.len();
            for (d, dim) in shape[2..].iter_mut().enumerate() {
                let d = d + 4 - rank;
                *dim = (*dim).max((win.kernel[d] - 1) * win.dilations[d] + 1);
            }
            let x = info(&shape, q);
            let input = values(q.dtype, x.elements());
            (Just(win), Just(x), Just(qy), input)
        })
    ) {
        let m = x.quant.scale / (qy.scale * (window.kernel[0] * window.kernel[1]) as f32);
        let expected: Vec<i16> = windows(&input, &x.shape, &window)
            .iter()
            .flatten()
            .map(|taps| {
                let acc = taps.iter().map(|t| i64::from(t.unwrap()) - i64::from(x.quant.zero_point)).sum();
                naive_requantize(acc, m, qy.zero_point, qy.dtype.min(), qy.dtype.max())
            })
            .collect();
        let y = info(&output_shape(&window, &x.shape, x.shape[1]), qy);
        prop_assert_eq!(run(&graph(AveragePool { window }, x, &[], y), &input).unwrap(), expected);
    }

    #[test]
    fn add_is_the_naive_one(qa in any_quant(), qb in any_quant(), qy in any_quant(), reversed in any::<bool>()) {
        // The second operand is a table of the first: its values ascending or descending, so that both ends meet.
        let (min, first) = (qb.dtype.min(), qa.dtype.min());
        let table = Table::new(qa.dtype, |v| if reversed { min + 255 - (v - first) } else { min + (v - first) });
        let input: Vec<i16> = (qa.dtype.min() as i16..=qa.dtype.max() as i16).collect();
        let expected: Vec<i16> = input
            .iter()
            .zip(&table.entries)
            .map(|(&a, &b)| {
                let a = (f32::from(a) - qa.zero_point as f32) * qa.scale / qy.scale;
                let b = (f32::from(b) - qb.zero_point as f32) * qb.scale / qy.scale;
                let sum = f64::from((a + b).round_ties_even()) + f64::from(qy.zero_point);
                sum.clamp(f64::from(qy.dtype.min()), f64::from(qy.dtype.max())) as i16
            })
            .collect();
        let g = graph(Add, info(&[256], qa), &[(info(&[256], qb), table)], info(&[256], qy));
        prop_assert_eq!(run(&g, &input).unwrap(), expected);
    }

    #[test]
    fn transpose_moves_by_index(shape in prop::collection::vec(1usize..5, 1..5), seed in any::<u64>()) {
        let rank = shape.len();
        let mut perm: Vec<usize> = (0..rank).collect();
        (1..rank).for_each(|i| perm.swap(i, (seed >> (8 * i)) as usize % (i + 1)));
        let q = quant(DType::U8, 1.0, 3);
        let x = info(&shape, q);
        let input: Vec<i16> = (0..x.elements()).map(|i| (i % 256) as i16).collect();
        let to: Vec<usize> = perm.iter().map(|&p| shape[p]).collect();
        let out = run(&graph(Transpose { perm: perm.clone() }, x, &[], info(&to, q)), &input).unwrap();
        for (i, &v) in input.iter().enumerate() {
            let mut rest = i;
            let mut index = vec![0; rank];
            for d in (0..rank).rev() {
                index[d] = rest % shape[d];
                rest /= shape[d];
            }
            let at = perm.iter().fold(0, |at, &p| at * shape[p] + index[p]);
            prop_assert_eq!(out[at], v);
        }
    }
}

/// A 1×1 product of one value: the requantization alone.
fn identity_dense(m: f32, qx: Quantization, qy: Quantization, min: i32, max: i32) -> Graph {
    let requantization = Requantization { multipliers: vec![m], min, max };
    let dense = Dense { batch: 1, k: 1, n: 1, weights: vec![1], bias: vec![0], requantization };
    graph(dense, info(&[1, 1], qx), &[], info(&[1, 1], qy))
}

#[test]
fn ties_round_to_even_on_both_sides_of_zero() {
    let q = quant(DType::I8, 1.0, 0);
    let g = identity_dense(0.5, q, q, -128, 127);
    for (x, y) in [(-7, -4), (-5, -2), (-3, -2), (-1, 0), (1, 0), (3, 2), (5, 2), (7, 4), (-128, -64), (127, 64)] {
        assert_eq!(run(&g, &[x]).unwrap(), [y], "{x} / 2");
    }
}

#[test]
fn saturates_at_both_ends_and_at_a_fused_clip() {
    let (qx, qy) = (quant(DType::U8, 1.0, 128), quant(DType::I8, 1.0, -3));
    let wide = identity_dense(1e6, qx, qy, -128, 127);
    assert_eq!(run(&wide, &[0]).unwrap(), [-128]);
    assert_eq!(run(&wide, &[128]).unwrap(), [-3]);
    assert_eq!(run(&wide, &[255]).unwrap(), [127]);
    let clipped = identity_dense(1e6, qx, qy, -3, 60);
    assert_eq!(run(&clipped, &[0]).unwrap(), [-3]);
    assert_eq!(run(&clipped, &[255]).unwrap(), [60]);
}

#[test]
fn the_largest_accumulator_does_not_wrap() {
    // 33,025 products of 255 · 255 are the most that fit 31 bits.
    let k = 33_025;
    let q = quant(DType::U8, 1.0, 0);
    for (weight, expected) in [(255, 254), (-255, 0)] {
        let requantization = Requantization { multipliers: vec![254.0 / (k as f32 * 65_025.0)], min: 0, max: 255 };
        let dense = Dense { batch: 1, k, n: 1, weights: vec![weight; k], bias: vec![0], requantization };
        let g = graph(dense, info(&[1, k], q), &[], info(&[1, 1], q));
        assert_eq!(run(&g, &vec![255; k]).unwrap(), [expected]);
    }
}

#[test]
fn a_convolution_wider_than_a_block_is_the_naive_one() {
    // More taps than one block holds, and more positions than one block of few taps.
    for (channels, width, kernel) in [(5000, 4, 3), (2, 9000, 2)] {
        let (qx, qy) = (quant(DType::U8, 0.1, 7), quant(DType::I8, 0.3, -5));
        let window = Window { pads_begin: [0, 1], ..Window::new([1, kernel]) };
        let taps = channels * kernel;
        let weights = (0..3 * taps).map(|i| (i * 37 % 255) as i16 - 127).collect();
        let requantization = Requantization { multipliers: vec![1e-4, 2e-4, 3e-4], min: -128, max: 127 };
        let conv = Conv { window, group: 1, out_channels: 3, weights, bias: vec![1, -2, 3], requantization };
        let x = info(&[2, channels, width], qx);
        let y = info(&output_shape(&window, &x.shape, 3), qy);
        let input: Vec<i16> = (0..x.elements()).map(|i| (i * 91 % 256) as i16).collect();
        let expected = naive_conv(&conv, &x, &y, &input);
        assert_eq!(run(&graph(conv, x, &[], y), &input).unwrap(), expected);
    }
}

#[test]
fn table_concat_and_reshape_move_the_right_values() {
    let q = quant(DType::I8, 0.5, 1);
    let x = info(&[2, 3], q);
    let negate = Table::new(DType::I8, |v| (-v).clamp(-128, 127));
    let input = [-128, -1, 0, 1, 2, 127];
    let negated = [127, 1, 0, -1, -2, -127];

    let g = graph(negate.clone(), x.clone(), &[], x.clone());
    assert_eq!(run(&g, &input).unwrap(), negated);

    let g = graph(Concat { axis: 0 }, x.clone(), &[(x.clone(), negate.clone())], info(&[4, 3], q));
    assert_eq!(run(&g, &input).unwrap(), [input, negated].concat());
    let g = graph(Concat { axis: 1 }, x.clone(), &[(x.clone(), negate)], info(&[2, 6], q));
    assert_eq!(run(&g, &input).unwrap(), [-128, -1, 0, 127, 1, 0, 1, 2, 127, -1, -2, -127]);

    let g = graph(Reshape, x, &[], info(&[6], q));
    assert_eq!(run(&g, &input).unwrap(), input);
}

#[test]
fn run_is_the_last_of_trace_and_batches_keep_their_order() {
    let q = quant(DType::I8, 0.5, 0);
    let double = Table::new(DType::I8, |v| (2 * v).clamp(-128, 127));
    let g = graph(Add, info(&[3], q), &[(info(&[3], q), double)], info(&[3], q));
    let samples: Vec<Vec<i16>> = (0..40).map(|i| vec![i, -i, 100]).collect();
    let outputs = run_batch(&g, &samples).unwrap();
    for (sample, output) in samples.iter().zip(&outputs) {
        let tensors = trace(&g, sample).unwrap();
        assert_eq!(tensors.len(), 3);
        assert_eq!(&tensors[0], sample);
        assert_eq!(tensors[1], [2 * sample[0], 2 * sample[1], 127]);
        assert_eq!(&tensors[2], output);
        assert_eq!(output, &[3 * sample[0], 3 * sample[1], 127]);
    }
}

#[test]
fn a_graph_without_nodes_gives_its_input() {
    let q = quant(DType::U8, 0.5, 9);
    let g = Graph { tensors: vec![info(&[2], q)], nodes: vec![], input: TensorId(0), output: TensorId(0) };
    g.check().unwrap();
    assert_eq!(run(&g, &[3, 255]).unwrap(), [3, 255]);
}

#[test]
fn samples_that_do_not_fit_are_refused() {
    let g = identity_dense(1.0, quant(DType::U8, 1.0, 0), quant(DType::U8, 1.0, 0), 0, 255);
    assert_eq!(run(&g, &[]), Err(ExecuteError::Length { got: 0, expected: 1 }));
    assert_eq!(trace(&g, &[1, 2]), Err(ExecuteError::Length { got: 2, expected: 1 }));
    assert_eq!(run(&g, &[-1]), Err(ExecuteError::Range { index: 0, value: -1, dtype: "uint8" }));
    assert_eq!(run(&g, &[256]), Err(ExecuteError::Range { index: 0, value: 256, dtype: "uint8" }));
    assert_eq!(run_batch(&g, &[[1], [300]]), Err(ExecuteError::Range { index: 0, value: 300, dtype: "uint8" }));
}
