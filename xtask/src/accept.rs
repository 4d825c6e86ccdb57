//! The `avouch` binary on recorded models: what is claimed is what was run, and no proof passes for another.

mod records;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;
use serde_json::Value;

use crate::{
    Data, Result,
    results::{Machine, Measurement, Phases, Results},
    shell::{built, run},
    test::existing,
};

/// A recorded model.
struct Recorded {
    folder: &'static str,
    name: &'static str,
    on: On,
}

/// Which proof systems prove a model here.
#[derive(Clone, Copy, PartialEq, Eq)]
enum On {
    /// Every one.
    All,
    /// Those that look ranges up: by bits it is too large.
    Lookup,
    /// The same, and only with `--large`: minutes of setup.
    LookupLarge,
}

const MODELS_AND_DATA: &str = "models-and-data/models";
const BENCH_MODELS: &str = "bench-models";

const MODELS: &[Recorded] = &[
    Recorded { folder: MODELS_AND_DATA, name: "digits_mlp", on: On::All },
    Recorded { folder: MODELS_AND_DATA, name: "digits_cnn", on: On::All },
    Recorded { folder: MODELS_AND_DATA, name: "occupancy_mlp", on: On::All },
    Recorded { folder: MODELS_AND_DATA, name: "airquality_calib_mlp", on: On::All },
    Recorded { folder: MODELS_AND_DATA, name: "basicmotions_cnn1d", on: On::All },
    Recorded { folder: MODELS_AND_DATA, name: "har_cnn1d", on: On::All },
    Recorded { folder: BENCH_MODELS, name: "mlp_digits", on: On::All },
    Recorded { folder: BENCH_MODELS, name: "accel_mlp", on: On::All },
    Recorded { folder: BENCH_MODELS, name: "accel_conv1d", on: On::All },
    Recorded { folder: BENCH_MODELS, name: "lenet_mnist", on: On::All },
    Recorded { folder: BENCH_MODELS, name: "dense_256k", on: On::Lookup },
    Recorded { folder: BENCH_MODELS, name: "mlp_mnist_2m", on: On::LookupLarge },
    Recorded { folder: BENCH_MODELS, name: "cnn_264k", on: On::LookupLarge },
    Recorded { folder: BENCH_MODELS, name: "dense_4m", on: On::LookupLarge },
    Recorded { folder: MODELS_AND_DATA, name: "kws01", on: On::LookupLarge },
    Recorded { folder: MODELS_AND_DATA, name: "ic01", on: On::LookupLarge },
    Recorded { folder: MODELS_AND_DATA, name: "vww01", on: On::LookupLarge },
];

impl On {
    fn includes(self, system: &str) -> bool {
        self == Self::All || system.contains("lookup")
    }
}

/// The model whose proving time is recorded for each number of threads.
const SCALING: &str = "lenet_mnist";
/// Most elements that the disclosure `raw` shows.
const RAW_ELEMENTS: usize = 31;
/// Bytes of a proof file before the bare proof, in every proof system: magic, version and eight slots; then the
/// envelope's magic, version, system, two digests and length.
const BEFORE_PROOF: usize = (4 + 2 + 8 * 32) + (4 + 2 + 16 + 32 + 32 + 4);
/// What fits into a transaction and a QR code: proof and envelope.
const MAX_ENVELOPE: u64 = 320;
/// How far the peak of memory may be above what `inspect` said: `--max-memory` relies on it.
const MEMORY_MARGIN: f64 = 1.25;
/// Proofs and verifications of which the median counts, each in a process of its own.
const RUNS: usize = 5;

#[derive(Args)]
pub(crate) struct Accept {
    #[command(flatten)]
    data: Data,
    /// The program to drive; by default the release build.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Only this model; may be repeated.
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    /// The large models too, that take minutes each; one that is named needs no --large.
    #[arg(long)]
    large: bool,
    /// Write the figures to docs/results.json, on a machine that does nothing else; and measure how proving scales with
    /// threads. With --model the figures of other models stay.
    #[arg(long)]
    record: bool,
}

impl Accept {
    /// `cargo xtask accept`.
    pub(crate) fn run(&self) -> Result<()> {
        let data = existing(&self.data.folder)?;
        let avouch = Avouch::new(self.binary.as_deref())?;
        if let Some(unknown) = self.models.iter().find(|m| !MODELS.iter().any(|r| r.name == *m)) {
            return Err(format!("there is no model {unknown}").into());
        }
        let wanted = |r: &&Recorded| match self.models.is_empty() {
            true => self.large || r.on != On::LookupLarge,
            false => self.models.iter().any(|m| m == r.name),
        };
        let work = built("accept")?;
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        let mut results = Vec::new();
        // For each proof system, the last model that was proven.
        let mut last: Vec<Proven> = Vec::new();
        for &Recorded { folder, name, on } in MODELS.iter().filter(wanted) {
            let model = Model::new(&avouch, &data.join(folder).join(name), name)?;
            for system in model.systems()?.into_iter().filter(|system| on.includes(system)) {
                let at = work.join(system.replace(':', "-")).join(name);
                fs::create_dir_all(&at)?;
                let (proven, measured) =
                    model.accept(&system, &at, self.record).map_err(|e| format!("{name} on {system}: {e}"))?;
                if let Some(other) = last.iter_mut().find(|p| p.system == system) {
                    proven.reject_other(&avouch, other)?;
                    *other = proven;
                } else {
                    last.push(proven);
                }
                println!(
                    "{name} on {system}: {} constraints, setup {:.2} s, prove {:.2} s, verify {:.1} ms, {} bytes",
                    measured.constraints,
                    measured.setup_s,
                    measured.prove_s,
                    measured.verify_s * 1e3,
                    measured.proof_bytes
                );
                results.push(measured);
            }
        }
        if let Some(recorded) = MODELS.iter().filter(wanted).find(|r| r.name == records::MODEL) {
            let model = data.join(recorded.folder).join(recorded.name).join("int8_qop.onnx");
            results.extend(records::accept(&avouch, &model, &work)?);
        }
        if self.record {
            let kept = if self.models.is_empty() { Vec::new() } else { Results::read()?.of_this_machine() };
            let measured = |m: &Measurement| results.iter().any(|r| r.model == m.model && r.system == m.system);
            let mut all: Vec<Measurement> = kept.into_iter().filter(|m| !measured(m)).collect();
            all.append(&mut results);
            // With records, behind all models.
            let place = |m: &Measurement| MODELS.iter().position(|r| r.name == m.model).unwrap_or(MODELS.len());
            all.sort_by_key(|m| (m.system.clone(), place(m)));
            Results { machine: Machine::this(), results: all }.write()?;
        }
        fs::remove_dir_all(&work)?;
        Ok(())
    }
}

/// Where a recorded model is.
pub(crate) fn recorded(data: &Path, name: &str) -> Result<PathBuf> {
    let found = MODELS.iter().find(|r| r.name == name);
    Ok(found.map(|r| data.join(r.folder).join(name)).ok_or_else(|| format!("there is no model {name}"))?)
}

/// The program.
pub(crate) struct Avouch {
    program: PathBuf,
}

impl Avouch {
    /// The one that is given, or the release build.
    pub(crate) fn new(binary: Option<&Path>) -> Result<Self> {
        let program = match binary {
            Some(path) => fs::canonicalize(path).map_err(|e| format!("{}: {e}", path.display()))?,
            None => built("release")?.join("avouch"),
        };
        if !program.is_file() {
            return Err(format!("{} is missing: cargo build --release --bin avouch", program.display()).into());
        }
        Ok(Self { program })
    }

    /// Runs a verb with `--json`; its one JSON object and exit code.
    pub(crate) fn start(&self, arguments: &[&str]) -> Result<(i32, Value)> {
        let output = run(Command::new(&self.program).args(arguments).arg("--json"))?;
        let code = output.status.code().ok_or_else(|| format!("avouch {arguments:?} was killed"))?;
        let json = serde_json::from_slice(&output.stdout).map_err(|e| {
            let stderr = String::from_utf8_lossy(&output.stderr);
            format!("avouch {arguments:?} ended with {code} and printed no JSON object ({e}): {}", stderr.trim())
        })?;
        Ok((code, json))
    }

    /// Runs a verb that has to succeed.
    pub(crate) fn call(&self, arguments: &[&str]) -> Result<Value> {
        match self.start(arguments)? {
            (0, json) => Ok(json),
            (code, json) => Err(format!("avouch {arguments:?} ended with {code}: {}", json["error"]).into()),
        }
    }

    /// Verifies a file that has to be rejected: with exit code 1, and an error.
    fn rejects(&self, what: &str, key: &Path, proof: &Path, more: &[&str]) -> Result<()> {
        let verify = verify(key, proof)?;
        match self.start(&[&verify[..], more].concat())? {
            (1, json) if json["error"]["message"].is_string() => Ok(()),
            (code, json) => Err(format!("verify ended with {code} on {what}, not with 1: {json}").into()),
        }
    }
}

/// Whether a setup's key has no secrets behind it, and is derived by whoever verifies.
fn is_transparent(setup: &Value) -> bool {
    setup["setup"] == "transparent"
}

pub(crate) fn text(path: &Path) -> Result<&str> {
    Ok(path.to_str().ok_or("a path is not UTF-8")?)
}

fn verify<'a>(key: &'a Path, proof: &'a Path) -> Result<[&'a str; 6]> {
    Ok(["verify", "--key", text(key)?, "--proof", text(proof)?, "--allow-dev-setup"])
}

pub(crate) fn number(json: &Value, pointer: &str) -> Result<f64> {
    Ok(json.pointer(pointer).and_then(Value::as_f64).ok_or_else(|| format!("no number at {pointer} in {json}"))?)
}

pub(crate) fn integer(json: &Value, pointer: &str) -> Result<u64> {
    Ok(json.pointer(pointer).and_then(Value::as_u64).ok_or_else(|| format!("no integer at {pointer} in {json}"))?)
}

pub(crate) fn string(json: &Value, pointer: &str) -> Result<String> {
    let value = json.pointer(pointer).and_then(Value::as_str);
    Ok(value.ok_or_else(|| format!("no string at {pointer} in {json}"))?.into())
}

/// The middle of several times; of an even number the upper one.
fn median(mut times: Vec<f64>) -> Result<f64> {
    times.sort_by(f64::total_cmp);
    Ok(*times.get(times.len() / 2).ok_or("nothing was measured")?)
}

/// The phases of a proof: the medians of each.
fn phases(proofs: &[Value]) -> Result<Phases> {
    let of = |phase: &str| median(proofs.iter().map(|p| number(p, phase)).collect::<Result<_>>()?);
    Ok(Phases {
        witness_s: of("/times/witness_s")?,
        commit_s: of("/times/commit_s")?,
        fft_s: of("/times/fft_s")?,
        msm_s: of("/times/msm_s")?,
        self_check_s: of("/times/self_check_s")?,
    })
}

/// A model, and what the executor makes of its samples.
struct Model<'a> {
    avouch: &'a Avouch,
    name: &'static str,
    file: PathBuf,
    inputs: PathBuf,
    inspected: Value,
    /// For each sample, the integers of the output.
    outputs: Vec<Vec<i64>>,
}

/// A key and a proof of a model.
struct Proven {
    system: String,
    name: &'static str,
    key: PathBuf,
    proof: PathBuf,
}

/// A proof file, and what `prove` and `verify` say of it.
struct Made {
    file: PathBuf,
    verified: Value,
    proven: Value,
}

impl<'a> Model<'a> {
    fn new(avouch: &'a Avouch, folder: &Path, name: &'static str) -> Result<Self> {
        let (file, inputs) = (folder.join("int8_qop.onnx"), folder.join("inputs.npy"));
        let inspected = avouch.call(&["inspect", text(&file)?])?;
        let ran = avouch.call(&["run", text(&file)?, "--input", text(&inputs)?])?;
        let outputs: Vec<Vec<i64>> = serde_json::from_value(ran["integers"].clone())?;
        Ok(Self { avouch, name, file, inputs, inspected, outputs })
    }

    /// The proof systems of the program.
    fn systems(&self) -> Result<Vec<String>> {
        let systems = self.inspected["systems"].as_array().filter(|s| !s.is_empty());
        let systems = systems.ok_or("inspect names no proof system")?;
        systems.iter().map(|s| string(s, "/system")).collect()
    }

    /// A sample with another output than the first's: mixing up the two must be noticed.
    fn other_sample(&self) -> Result<usize> {
        let other = self.outputs.iter().position(|y| Some(y) != self.outputs.first());
        Ok(other.ok_or("all samples have the same output")?)
    }

    /// The checks, and the figures: with `thorough` of [`RUNS`] proofs, and for [`SCALING`] of each number of threads.
    fn accept(&self, system: &str, at: &Path, thorough: bool) -> Result<(Proven, Measurement)> {
        let Self { avouch, name, .. } = *self;
        let (model, inputs) = (text(&self.file)?, text(&self.inputs)?);
        let (keys, opening) = (at.join("keys"), at.join("opening"));
        let raw = self.outputs.first().is_some_and(|y| y.len() <= RAW_ELEMENTS);
        let disclosure = if raw { "raw" } else { "argmax" };
        let setup =
            avouch.call(&["setup", model, "--system", system, "--keys", text(&keys)?, "--disclose", disclosure])?;
        let key = keys.join("verifying.key");

        // One proof, and others that differ from it in the context, in the input's salt, and in the sample.
        let commit = ["commit", model, "--system", system, "--input", inputs, "--sample", "0", "--opening"];
        avouch.call(&[&commit[..], &[text(&opening)?]].concat())?;
        let (context, other_context) = ("c0".repeat(32), "c1".repeat(32));
        let other_sample = self.other_sample()?;
        let mut proofs = Vec::new();
        let mut peak = None;
        let mut prove = |file: &str, sample: usize, context: &str, opening: Option<&Path>| -> Result<Made> {
            let (proof, sample_text) = (at.join(file), sample.to_string());
            let mut arguments = vec!["prove", model, "--keys", text(&keys)?, "--input", inputs, "--sample"];
            arguments.extend([&sample_text, "--proof", text(&proof)?, "--context", context]);
            if let Some(opening) = opening {
                arguments.extend(["--input-opening", text(opening)?]);
            }
            let proven = avouch.call(&arguments)?;
            proofs.push(proven.clone());
            peak = peak.max(proven["peak_memory_bytes"].as_u64());
            let verified = avouch.call(&verify(&key, &proof)?)?;
            if verified["accepted"] != true || verified["claim"]["statement"] != proven["claim"]["statement"] {
                return Err(format!("the claim of {file} is not what was proven: {verified}").into());
            }
            self.check_output(&verified["claim"]["output"], sample)?;
            Ok(Made { file: proof, verified, proven })
        };
        let Made { file: proof, verified, proven } = prove("proof", 0, &context, Some(&opening))?;
        let in_context = prove("other-context", 0, &other_context, Some(&opening))?;
        let salted = prove("other-salt", 0, &context, None)?;
        let sampled = prove("other-sample", other_sample, &context, None)?;
        avouch.call(&["open", "--opening", text(&opening)?, "--proof", text(&proof)?])?;
        if avouch.start(&["open", "--opening", text(&opening)?, "--proof", text(&salted.file)?])?.0 != 1 {
            return Err("the opening does not tell its own proof from another".into());
        }

        // The statement of each with the proof of the first, every digest being right.
        for (what, other) in [("context", &in_context), ("input commitment", &salted), ("output", &sampled)] {
            let spliced = at.join("spliced");
            splice(&other.file, &proof, &spliced)?;
            avouch.rejects(&format!("a proof for another {what}"), &key, &spliced, &[])?;
        }
        let commitment = |claim: &Value| string(claim, "/claim/statement/input_commitment");
        if commitment(&verified)? == commitment(&salted.verified)? {
            return Err("two commitments to one input are equal: the salt is not fresh".into());
        }
        let model_id = string(&verified, "/claim/model_id")?;
        avouch.call(
            &[&verify(&key, &proof)?[..], &["--expect-model", &model_id, "--expect-context", &context]].concat(),
        )?;
        let other_output = format!("--expect-output={}", expected(&sampled.verified["claim"]["output"])?);
        for (what, conditions) in [
            ("another expected context", &["--expect-context", other_context.as_str()][..]),
            ("another expected model", &["--expect-model", &"ab".repeat(32)]),
            ("another expected key", &["--expect-vk", &"ab".repeat(32)]),
            ("another expected output", &[&other_output]),
        ] {
            avouch.rejects(what, &key, &proof, conditions)?;
        }
        let unasked = avouch.start(&["verify", "--key", text(&key)?, "--proof", text(&proof)?])?.0 == 0;
        if unasked != is_transparent(&setup) {
            return Err(format!("a key of setup {} was accepted unasked: {unasked}", setup["setup"]).into());
        }

        let verifications = (0..RUNS).map(|_| avouch.call(&verify(&key, &proof)?)).collect::<Result<Vec<_>>>()?;
        let of = |time: &str| median(verifications.iter().map(|v| number(v, time)).collect::<Result<_>>()?);
        let (verify_s, key_s) = (of("/times/verify_s")?, of("/times/key_s")?);
        let again = at.join("again");
        let arguments =
            ["prove", model, "--keys", text(&keys)?, "--input", inputs, "--sample", "0", "--proof", text(&again)?];
        let mut scaling = Vec::new();
        if thorough {
            while proofs.len() < RUNS {
                proofs.push(avouch.call(&arguments)?);
            }
            let cores = if name == SCALING { Machine::this().cores } else { 0 };
            for threads in 1..=cores {
                let timed = |_| {
                    let answer = avouch.call(&[&arguments[..], &["--threads", &threads.to_string()]].concat())?;
                    number(&answer, "/times/total_s")
                };
                scaling.push(median((0..RUNS).map(timed).collect::<Result<_>>()?)?);
            }
        }
        let again = avouch.call(&["inspect", model, "--disclose", disclosure])?;
        let priced = priced(&again, system)?;
        let unit = if is_transparent(&setup) { "/rows" } else { "/constraints" };
        let constraints = integer(&setup, unit)?;
        if integer(priced, unit)? != constraints {
            return Err(format!("setup took {constraints} constraints or rows, inspect says {priced}").into());
        }
        let envelope_bytes = integer(&proven, "/envelope_bytes")?;
        if envelope_bytes > MAX_ENVELOPE && !is_transparent(&setup) {
            return Err(format!("the envelope has {envelope_bytes} bytes, at most {MAX_ENVELOPE} are wanted").into());
        }
        check_memory(peak, priced)?;
        let measurement = Measurement {
            system: system.into(),
            model: name.into(),
            parameters: integer(&self.inspected, "/parameters")?,
            macs: integer(&self.inspected, "/macs")?,
            activations: integer(&self.inspected, "/activations")?,
            constraints,
            proving_key_bytes: setup["proving_key_bytes"].as_u64(),
            setup_s: number(&setup, "/times/total_s")?,
            prove_s: median(proofs.iter().map(|p| number(p, "/times/total_s")).collect::<Result<_>>()?)?,
            phases: if is_transparent(&setup) { None } else { Some(phases(&proofs)?) },
            prove_s_by_threads: scaling,
            prove_peak_memory_bytes: peak,
            verify_s,
            key_s: is_transparent(&setup).then_some(key_s),
            proof_bytes: integer(&proven, "/proof_bytes")?,
            envelope_bytes,
        };
        Ok((Proven { system: system.into(), name, key, proof }, measurement))
    }

    /// Holds a claim's output against the executor's.
    fn check_output(&self, output: &Value, sample: usize) -> Result<()> {
        let integers = self.outputs.get(sample).ok_or("the sample does not exist")?;
        let right = match output["kind"].as_str() {
            Some("raw") => output["integers"] == serde_json::json!(integers),
            Some("argmax") => {
                let largest = integers.iter().max();
                output["class"].as_u64() == integers.iter().position(|v| Some(v) == largest).map(|i| i as u64)
            }
            _ => false,
        };
        if right {
            Ok(())
        } else {
            Err(format!("sample {sample}: run gave {integers:?}, the claim says {output}").into())
        }
    }
}

impl Proven {
    /// Neither proof passes for the other.
    fn reject_other(&self, avouch: &Avouch, other: &Self) -> Result<()> {
        for (a, b) in [(self, other), (other, self)] {
            let what = format!("a proof of {} under the key of {}", a.name, b.name);
            avouch.rejects(&what, &b.key, &a.proof, &[])?;
            // In the envelope of the other, so that only the proof can be wrong.
            let spliced = b.proof.with_extension("other-model");
            splice(&b.proof, &a.proof, &spliced)?;
            avouch.rejects(&what, &b.key, &spliced, &[])?;
        }
        Ok(())
    }
}

/// What `inspect` says of one proof system.
pub(crate) fn priced<'a>(inspected: &'a Value, system: &str) -> Result<&'a Value> {
    let systems = inspected["systems"].as_array().ok_or("inspect names no proof system")?;
    Ok(systems.iter().find(|s| s["system"] == system).ok_or("inspect does not name the system")?)
}

/// Holds the peak of memory against what `inspect` said.
fn check_memory(peak: Option<u64>, priced: &Value) -> Result<()> {
    let estimate = number(priced, "/estimates/prove_memory_bytes")?;
    if peak.is_some_and(|peak| peak as f64 > MEMORY_MARGIN * estimate) {
        return Err(format!("proving took {peak:?} bytes of memory, inspect says {estimate}").into());
    }
    Ok(())
}

/// An output as `--expect-output` takes it.
fn expected(output: &Value) -> Result<String> {
    match (&output["integers"], &output["class"]) {
        (Value::Array(integers), _) => Ok(integers.iter().map(Value::to_string).collect::<Vec<_>>().join(",")),
        (_, Value::Number(class)) => Ok(class.to_string()),
        _ => Err(format!("unknown kind of output: {output}").into()),
    }
}

/// Statement and envelope of one file, bare proof of another; of another length only where that follows from the model.
fn splice(statement: &Path, proof: &Path, to: &Path) -> Result<()> {
    let (mut file, proof) = (fs::read(statement)?, fs::read(proof)?);
    let bare = proof.get(BEFORE_PROOF..).filter(|b| !b.is_empty()).ok_or("the proof file is too short")?;
    file.truncate(BEFORE_PROOF);
    file.extend_from_slice(bare);
    Ok(fs::write(to, file)?)
}
