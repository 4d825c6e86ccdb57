//! The ONNX project's tests of single operators, as exported by its Python package: a folder for each, with
//! `model.onnx` and `test_data_set_0/{input,output}_N.pb`.
//!
//! The first input is the sample; all others (scales, zero points, weights, shapes) become initializers, as an exported
//! model has them. Where an operator only moves or selects elements and its test is recorded in floats, the test's
//! 8-bit image is run instead: every float is replaced by its rank among the inputs, cut to 256 steps and kept in
//! order, so that the recorded output still says which element goes where. That is reported as `passed as uint8`.
//!
//! What the executor computes has to satisfy the circuits of every proof system, too, and what differs from it must not.

use std::path::Path;

use avouch_circuits::{
    arith, execute, graph,
    import::{
        self, Imported, Kind,
        proto::{Graph, Model, Tensor, data_type},
    },
};
use prost::Message as _;
use rayon::prelude::*;

use crate::{
    Error, entries, name, read,
    report::{Case, Outcome},
    systems,
};

/// Operators that give elements of their input, unchanged: they commute with every map that keeps the order.
const SELECTIONS: &[&str] = &[
    "MaxPool",
    "Reshape",
    "Flatten",
    "Transpose",
    "Squeeze",
    "Unsqueeze",
    "Concat",
    "Slice",
    "Split",
    "Gather",
    "Pad",
    "Expand",
    "Tile",
    "DepthToSpace",
    "SpaceToDepth",
];

/// Tests whose recorded outputs wrap around where the specification of QLinearMatMul says "saturate", as ONNX Runtime
/// does: their 8-bit type was given to unclipped values. They may differ where our result is saturated, and nowhere
/// else.
const WRAPPED: &[&str] = &["test_qlinearmatmul_2D_int8_float32", "test_qlinearmatmul_3D_int8_float32"];

/// How every test comes out, one a line: name and outcome.
pub const SNAPSHOT: &str = include_str!("../node-tests.snapshot");

/// Runs every test of a folder.
pub fn run(folder: &Path) -> Result<Vec<Case>, Error> {
    const EXPECTED: &str = "folders with model.onnx and test_data_set_0";
    let tests: Vec<_> = entries(folder, EXPECTED)?.into_iter().filter(|p| p.join("model.onnx").is_file()).collect();
    if tests.is_empty() {
        return Err(Error::Missing { path: folder.to_path_buf(), expected: EXPECTED });
    }
    tests.par_iter().map(|t| test(t)).collect()
}

/// The lines of [`SNAPSHOT`] for these cases.
pub fn snapshot(cases: &[Case]) -> String {
    cases.iter().map(|c| format!("{} {}\n", c.name, c.outcome.word())).collect()
}

/// Fails every case that comes out otherwise than the snapshot says, and every test of the snapshot that did not run.
pub fn check_snapshot(cases: &mut Vec<Case>, snapshot: &str) {
    for case in &mut *cases {
        let pinned = snapshot.lines().filter_map(|l| l.split_once(' ')).find(|(name, _)| *name == case.name);
        let problem = match pinned {
            Some((_, outcome)) if outcome == case.outcome.word() => continue,
            Some((_, outcome)) => format!("pinned as {outcome}"),
            None => "not in the snapshot".into(),
        };
        case.detail = format!("{problem}, is {}: {}", case.outcome.word(), case.detail);
        case.outcome = Outcome::Failed;
    }
    for name in snapshot.lines().filter_map(|l| l.split_once(' ')).map(|(name, _)| name) {
        if !cases.iter().any(|c| c.name == name) {
            cases.push(Case::new(name, Outcome::Failed, "in the snapshot, but there is no such test"));
        }
    }
}

fn test(folder: &Path) -> Result<Case, Error> {
    let path = folder.join("model.onnx");
    let malformed = |message: &str| Error::Malformed { path: path.clone(), message: message.into() };
    let model = Model::decode(&*read(&path)?).map_err(|e| malformed(&e.to_string()))?;
    let graph = model.graph.as_ref().ok_or_else(|| malformed("no graph"))?;
    let data = folder.join("test_data_set_0");
    let inputs = (0..graph.input.len())
        .map(|k| tensor(&data.join(format!("input_{k}.pb")), &graph.input[k].name))
        .collect::<Result<Vec<_>, _>>()?;
    let expected = tensor(&data.join("output_0.pb"), "expected")?;
    let (sample, bound) = inputs.split_first().ok_or_else(|| malformed("no inputs"))?;

    let verdict = attempt(&model, sample, bound, &expected, WRAPPED.contains(&&*name(folder)));
    let op = &graph.node.first().ok_or_else(|| malformed("no nodes"))?.op_type;
    let (outcome, detail) = match verdict {
        Verdict::Unsupported(_) if SELECTIONS.contains(&&**op) && sample.data_type == data_type::FLOAT => {
            match as_uint8(&model, &inputs, &expected) {
                Some((model, inputs, expected)) => match attempt(&model, &inputs[0], &inputs[1..], &expected, false) {
                    Verdict::Passed(detail) => (Outcome::PassedAsUint8, detail),
                    Verdict::Unsupported(detail) => (Outcome::Unsupported, detail),
                    Verdict::Failed(detail) | Verdict::Disputed(detail) => {
                        (Outcome::Failed, format!("as uint8: {detail}"))
                    }
                },
                None => (Outcome::Failed, "the recorded output is not a selection of the inputs".into()),
            }
        }
        Verdict::Passed(detail) => (Outcome::Passed, detail),
        Verdict::Unsupported(detail) => (Outcome::Unsupported, detail),
        Verdict::Disputed(detail) => (Outcome::Disputed, detail),
        Verdict::Failed(detail) => (Outcome::Failed, detail),
    };
    Ok(Case::new(name(folder), outcome, format!("{op}: {detail}")))
}

fn tensor(path: &Path, name: &str) -> Result<Tensor, Error> {
    let mut tensor = Tensor::decode(&*read(path)?)
        .map_err(|e| Error::Malformed { path: path.to_path_buf(), message: e.to_string() })?;
    tensor.name = name.to_string();
    Ok(tensor)
}

enum Verdict {
    Passed(String),
    Unsupported(String),
    Disputed(String),
    Failed(String),
}

/// Binds, imports, runs and compares.
fn attempt(model: &Model, sample: &Tensor, bound: &[Tensor], expected: &Tensor, wrapped: bool) -> Verdict {
    let mut model = model.clone();
    if let Some(graph) = &mut model.graph {
        graph.input.truncate(1);
        graph.initializer.extend_from_slice(bound);
    }
    let subject = match import::import(&model.encode_to_vec()) {
        Ok(subject) => subject,
        Err(reason) => return Verdict::Unsupported(reason.to_string()),
    };
    match compare(&subject, sample, expected, wrapped) {
        Ok(elements) if wrapped => Verdict::Disputed(format!("{elements} elements equal but for those that saturate")),
        Ok(elements) => Verdict::Passed(format!("{elements} elements equal")),
        Err(difference) => Verdict::Failed(difference),
    }
}

fn compare(subject: &Imported, sample: &Tensor, expected: &Tensor, wrapped: bool) -> Result<usize, String> {
    let sample = values(sample).ok_or("the input is neither float32 nor of an 8-bit type")?;
    let quant = &subject.graph.input_info().quant;
    let input: Vec<i16> = match subject.input.kind {
        Kind::Real => sample.iter().map(|&v| arith::quantize(v, quant) as i16).collect(),
        Kind::Integer => sample.iter().map(|&v| v as i16).collect(),
    };
    let output = execute::run(&subject.graph, &input).map_err(|e| e.to_string())?;
    let info = subject.graph.output_info();
    let ours: Vec<f32> = match subject.output.kind {
        Kind::Real => output.iter().map(|&v| arith::dequantize(v.into(), &info.quant)).collect(),
        Kind::Integer => output.iter().map(|&v| v.into()).collect(),
    };
    let recorded = values(expected).ok_or("the output is neither float32 nor of an 8-bit type")?;
    let shape: Vec<i64> = info.shape.iter().map(|&d| d as i64).collect();
    if shape != expected.dims {
        return Err(format!("shape {shape:?}, recorded {:?}", expected.dims));
    }
    let range = [info.quant.dtype.min() as f32, info.quant.dtype.max() as f32];
    let differs = |(a, b): (&f32, &f32)| a != b && !(wrapped && range.contains(a));
    match ours.iter().zip(&recorded).position(differs) {
        Some(i) => return Err(format!("element {i} is {}, recorded {}", ours[i], recorded[i])),
        None if ours.len() == recorded.len() => {}
        None => return Err(format!("{} elements, recorded {}", ours.len(), recorded.len())),
    }
    check_circuits(&subject.graph, &input, output)?;
    Ok(ours.len())
}

/// That the circuits of all proof systems accept the output, and not another.
fn check_circuits(graph: &graph::Graph, input: &[i16], mut output: Vec<i16>) -> Result<(), String> {
    let failures = |output: &[i16]| systems::failures(graph, input, output).map_err(|e| e.to_string());
    if let Some(failed) = failures(&output)?.iter().find_map(|f| f.first()) {
        return Err(format!("the output does not satisfy a circuit: {failed}"));
    }
    if let Some(first) = output.first_mut() {
        *first ^= 1;
    }
    if failures(&output)?.iter().any(Vec::is_empty) {
        return Err("a circuit is satisfied by an output that was not computed".into());
    }
    Ok(())
}

/// The 8-bit image of a float test; `None` if the output has a value that no input has.
fn as_uint8(model: &Model, inputs: &[Tensor], expected: &Tensor) -> Option<(Model, Vec<Tensor>, Tensor)> {
    let is_float = |t: &&Tensor| t.data_type == data_type::FLOAT;
    let mut distinct: Vec<f32> = inputs.iter().filter(is_float).filter_map(values).flatten().collect();
    distinct.sort_by(f32::total_cmp);
    distinct.dedup_by(|a, b| a.total_cmp(b).is_eq());
    let steps = distinct.len().max(256);
    let image = |t: &Tensor| {
        if t.data_type != data_type::FLOAT {
            return Some(t.clone());
        }
        let rank = |v: &f32| distinct.binary_search_by(|d| d.total_cmp(v)).ok();
        let raw_data =
            values(t)?.iter().map(|v| rank(v).map(|r| (r * 256 / steps) as u8)).collect::<Option<Vec<u8>>>()?.into();
        Some(Tensor { data_type: data_type::UINT8, float_data: Vec::new(), raw_data, ..t.clone() })
    };
    let mut model = model.clone();
    let graph: &mut Graph = model.graph.as_mut()?;
    for value in graph.input.iter_mut().chain(&mut graph.output) {
        let tensor = value.r#type.as_mut()?.tensor.as_mut()?;
        if tensor.elem_type == data_type::FLOAT {
            tensor.elem_type = data_type::UINT8;
        }
    }
    Some((model, inputs.iter().map(image).collect::<Option<_>>()?, image(expected)?))
}

/// The elements, if of an 8-bit type or float32.
fn values(tensor: &Tensor) -> Option<Vec<f32>> {
    let raw = &tensor.raw_data;
    match tensor.data_type {
        data_type::FLOAT if raw.is_empty() => Some(tensor.float_data.clone()),
        data_type::FLOAT => Some(raw.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect()),
        data_type::UINT8 | data_type::INT8 if raw.is_empty() => {
            Some(tensor.int32_data.iter().map(|&v| v as f32).collect())
        }
        data_type::UINT8 => Some(raw.iter().map(|&b| b.into()).collect()),
        data_type::INT8 => Some(raw.iter().map(|&b| f32::from(b as i8)).collect()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_pins_every_outcome() {
        let cases = || vec![Case::new("a", Outcome::Passed, ""), Case::new("b", Outcome::Unsupported, "no")];
        let pinned = snapshot(&cases());
        let failed = |snapshot: &str| {
            let mut cases = cases();
            check_snapshot(&mut cases, snapshot);
            cases.iter().filter(|c| c.outcome == Outcome::Failed).map(|c| c.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(failed(&pinned), [""; 0]);
        assert_eq!(failed(&pinned.replace("unsupported", "passed")), ["b"]);
        assert_eq!(failed("a passed\n"), ["b"]);
        assert_eq!(failed(&format!("{pinned}c passed\n")), ["c"]);
    }

    #[test]
    fn the_8_bit_image_keeps_order_and_place() {
        let floats = |values: &[f32]| Tensor {
            data_type: data_type::FLOAT,
            dims: vec![values.len() as i64],
            float_data: values.to_vec(),
            ..Tensor::default()
        };
        let model = Model { graph: Some(Graph::default()), ..Model::default() };
        let (_, inputs, expected) = as_uint8(&model, &[floats(&[2.0, -1.0, 7.5, 2.0])], &floats(&[7.5, -1.0])).unwrap();
        assert_eq!(*inputs[0].raw_data, [1, 0, 2, 1]);
        assert_eq!(*expected.raw_data, [2, 0]);
        assert!(as_uint8(&model, &[floats(&[2.0])], &floats(&[3.0])).is_none());

        let many: Vec<f32> = (0..1024).map(|i| i as f32 / 8.0).collect();
        let (_, inputs, _) = as_uint8(&model, &[floats(&many)], &floats(&many)).unwrap();
        assert!(inputs[0].raw_data.is_sorted());
        assert_eq!((inputs[0].raw_data[0], inputs[0].raw_data[1023]), (0, 255));
    }
}
