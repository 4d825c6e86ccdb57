//! Model folders: `*.onnx` with the outputs that ONNX Runtime gave, as `inputs.npy` (or `inputs_NAME.npy`) and
//! `out_NAME.npy`.
//!
//! | file | asked for |
//! |---|---|
//! | `*qop.onnx` | every output integer, and every dequantized float, of every sample |
//! | `*qdq.onnx` | every output within [`QDQ_LIMIT`]: ONNX Runtime fuses QDQ graphs in ways that are not unique |
//! | `float.onnx` | a refusal, with the reason |
//!
//! Where a trailing Softmax was cut, it is applied again and its quantized output is compared: that of the file is all
//! that is recorded. A Softmax magnifies where it is steep and flattens where it is not: of a QDQ export the distance is
//! that of the probabilities, or the number of steps that, given to every logit in the worst direction, reaches the
//! recorded one, whichever is smaller.

use std::{
    collections::BTreeMap,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    time::Instant,
};

use avouch_circuits::{
    arith,
    execute::{self, Tensor},
    graph::TensorInfo,
    import::{self, Imported, Kind, Softmax},
};
use avouch_prover::input::{self, InputSpec, Problem, npy};

use crate::{
    Error, entries, name, read,
    report::{Case, Outcome},
};

/// Largest distance of an output integer of a QDQ export from ONNX Runtime's, in steps of the output scale: as much as
/// ONNX Runtime's own optimized and unoptimized runs differ.
pub const QDQ_LIMIT: u32 = 4;

/// Runs every model of a folder: one model's, or one with a folder for each model.
pub fn run(folder: &Path) -> Result<Vec<Case>, Error> {
    const EXPECTED: &str = "*.onnx, or folders with *.onnx,";
    let mut files = Vec::new();
    for path in entries(folder, EXPECTED)? {
        if path.is_dir() {
            files.extend(entries(&path, EXPECTED)?);
        } else {
            files.push(path);
        }
    }
    files.retain(|f| f.extension().is_some_and(|e| e == "onnx"));
    if files.is_empty() {
        return Err(Error::Missing { path: folder.to_path_buf(), expected: EXPECTED });
    }
    files.iter().map(|f| model(f)).collect()
}

fn model(path: &Path) -> Result<Case, Error> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let case = |outcome, detail: String| Case::new(format!("{}/{stem}", name(folder)), outcome, detail);
    let imported = import::import(&read(path)?);
    if stem == "float" {
        return Ok(match imported {
            Ok(_) => case(Outcome::Failed, "a float network was imported as a quantized one".into()),
            Err(reason) => case(Outcome::Unsupported, reason.to_string()),
        });
    }
    let subject = match imported {
        Ok(subject) => subject,
        Err(reason) => return Ok(case(Outcome::Failed, reason.to_string())),
    };

    let own = folder.join(format!("inputs_{stem}.npy"));
    let inputs = if own.is_file() { own } else { folder.join("inputs.npy") };
    let samples = match input::read(&inputs, &InputSpec::of(&subject)) {
        Ok(samples) => samples,
        Err(e) if matches!(e.problem, Problem::Io(_)) => {
            return Err(Error::Malformed { path: inputs, message: e.problem.to_string() });
        }
        Err(e) => return Ok(case(Outcome::Failed, e.to_string())),
    };
    let recorded = Recorded::read(folder.join(format!("out_{stem}.npy")))?;

    let started = Instant::now();
    let outputs = execute::run_batch(&subject.graph, &samples);
    let elapsed = started.elapsed();
    let comparison = outputs.map_err(|e| e.to_string()).and_then(|o| compare(&subject, &o, &recorded));
    let mut case = match comparison {
        Err(reason) => case(Outcome::Failed, reason),
        Ok(c) => {
            let limit = if stem.ends_with("qdq") { QDQ_LIMIT } else { 0 };
            let exact = limit > 0 || c.equal_floats == c.elements;
            let within = exact && c.differences.keys().all(|&d| d <= limit);
            let spread: Vec<String> = c.differences.iter().map(|(d, n)| format!("{n} by {d}")).collect();
            let detail = format!(
                "{} samples, {} of {} outputs: differ {}",
                samples.len(),
                c.what,
                c.elements,
                spread.join(", ")
            );
            let mut case = case(if within { Outcome::Passed } else { Outcome::Failed }, detail);
            case.differences = c.differences;
            case
        }
    };
    case.milliseconds = Some(elapsed.as_secs_f64() * 1e3 / samples.len() as f64);
    Ok(case)
}

/// A recorded output file.
struct Recorded {
    path: PathBuf,
    dtype: npy::DType,
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Recorded {
    fn read(path: PathBuf) -> Result<Self, Error> {
        let malformed = |e: npy::NpyError| Error::Malformed { path: path.clone(), message: e.to_string() };
        let file = File::open(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let mut r = BufReader::new(file);
        let header = npy::Header::read(&mut r).map_err(malformed)?;
        let mut values = Vec::new();
        let push = |v| {
            values.push(v);
            Ok(())
        };
        header.for_each(&mut r, push).map_err(malformed)?;
        Ok(Self { dtype: header.dtype, shape: header.shape, values, path })
    }
}

struct Comparison {
    /// What the two sides are.
    what: &'static str,
    elements: usize,
    /// Elements whose floats are equal to the bit (integers, where integers are recorded).
    equal_floats: usize,
    /// Elements by the distance of their integers.
    differences: BTreeMap<u32, u64>,
}

fn compare(subject: &Imported, outputs: &[Tensor], recorded: &Recorded) -> Result<Comparison, String> {
    let info = subject.graph.output_info();
    let (what, quant) = match &subject.softmax {
        None => ("integers", Some(info.quant)),
        Some(softmax) => ("softmaxes", softmax.output),
    };
    let quant = quant.ok_or("the Softmax that was cut is not quantized, so no integers are recorded")?;
    let ours: Vec<i32> = outputs
        .iter()
        .flat_map(|y| match &subject.softmax {
            None => y.iter().map(|&v| v.into()).collect::<Vec<i32>>(),
            Some(softmax) => softmax.apply(y, info).into_iter().map(|p| arith::quantize(p, &quant)).collect(),
        })
        .collect();
    if recorded.shape.first() != Some(&outputs.len()) || ours.len() != recorded.values.len() {
        let path = name(&recorded.path);
        return Err(format!("{path} has shape {:?}, {} integers were computed", recorded.shape, ours.len()));
    }
    let logits: Vec<i16> = outputs.iter().flatten().copied().collect();
    let width = info.shape.last().copied().unwrap_or(1);
    let floats = matches!(recorded.dtype, npy::DType::F32 | npy::DType::F64);
    if floats != (subject.output.kind == Kind::Real) {
        return Err(format!("{} is recorded, the model gives {:?}", recorded.dtype.name(), subject.output.kind));
    }
    let mut c = Comparison { what, elements: ours.len(), equal_floats: 0, differences: BTreeMap::new() };
    for (i, (&v, &r)) in ours.iter().zip(&recorded.values).enumerate() {
        let (theirs, equal) = if floats {
            // A multiple of the scale, less its own rounding.
            let steps = (r / f64::from(quant.scale)).round();
            (steps as i32 + quant.zero_point, f64::from(arith::dequantize(v, &quant)) == r)
        } else {
            (r as i32, f64::from(v) == r)
        };
        c.equal_floats += usize::from(equal);
        let distance = match &subject.softmax {
            Some(softmax) if v != theirs => {
                let row = &logits[i / width * width..][..width];
                let direct = v.abs_diff(theirs);
                (1..direct).find(|&steps| reaches(softmax, row, info, i % width, steps, theirs)).unwrap_or(direct)
            }
            _ => v.abs_diff(theirs),
        };
        *c.differences.entry(distance).or_default() += 1;
    }
    Ok(c)
}

/// Whether a row of logits, each moved by up to `steps`, can have this quantized probability at `index`.
fn reaches(softmax: &Softmax, row: &[i16], info: &TensorInfo, index: usize, steps: u32, theirs: i32) -> bool {
    let probability = |direction: i16| {
        let moved = row.iter().enumerate().map(|(i, &v)| {
            let d = direction * steps as i16;
            v + if i == index { d } else { -d }
        });
        let p = softmax.apply(&moved.collect::<Vec<_>>(), info)[index];
        softmax.output.map_or(0, |q| arith::quantize(p, &q))
    };
    (probability(-1)..=probability(1)).contains(&theirs)
}
