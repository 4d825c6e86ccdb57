//! Values that several verbs take.

use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::Graph,
    import::Imported,
    policy::{Inputs, Schema, Window},
};
use avouch_prover::{
    input::{self, InputSpec},
    policy::{Files, prepare},
};
use avouch_verifier::SystemId;
use clap::Args;

use crate::failure::Failure;

/// Largest proof file read, in bytes: far above any.
pub(crate) const MAX_PROOF: u64 = 1 << 20;

/// What slot 7 shows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DisclosureArg(pub(crate) Disclosure);

impl std::str::FromStr for DisclosureArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let threshold = |rest: &str| {
            let (index, threshold) = rest.split_once(':')?;
            Some(Disclosure::Threshold { index: index.parse().ok()?, threshold: threshold.parse().ok()? })
        };
        let disclosure = match text {
            "raw" => Disclosure::Raw,
            "argmax" => Disclosure::Argmax,
            "commit" => Disclosure::Commit,
            _ => text
                .strip_prefix("threshold=")
                .and_then(threshold)
                .ok_or("expected raw, argmax, commit or threshold=INDEX:T, such as threshold=0:12")?,
        };
        Ok(Self(disclosure))
    }
}

/// The disclosure that was asked for, or raw if the output fits into one public input, else commit.
pub(crate) fn disclosure(asked: Option<DisclosureArg>, graph: &Graph) -> Disclosure {
    const RAW_ELEMENTS: usize = (avouch_circuits::circuit::description::MAX_RAW_BITS / 8) as usize;
    match asked {
        Some(DisclosureArg(disclosure)) => disclosure,
        None if graph.output_info().elements() <= RAW_ELEMENTS => Disclosure::Raw,
        None => Disclosure::Commit,
    }
}

/// The circuit of a model; with a schema its input is made of signed records.
pub(crate) fn lower(graph: &Graph, disclosure: Disclosure, schema: Option<&Schema>) -> Result<Circuit, Failure> {
    let circuit = match schema {
        None => Circuit::new(graph, disclosure),
        Some(schema) => Circuit::with_schema(graph, disclosure, schema),
    };
    Ok(circuit?)
}

/// N bytes in hexadecimal, with or without `0x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hex<const N: usize>(pub(crate) [u8; N]);

impl<const N: usize> std::str::FromStr for Hex<N> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; N];
        let digits = text.strip_prefix("0x").unwrap_or(text);
        hex::decode_to_slice(digits, &mut bytes).map_err(|_| format!("{} hexadecimal digits are expected", 2 * N))?;
        Ok(Self(bytes))
    }
}

/// A number of bytes, such as `800M` or `2G` (powers of 1024).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes(pub(crate) u64);

impl std::str::FromStr for Bytes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(split);
        let shift = match unit.to_ascii_uppercase().as_str() {
            "" | "B" => 0,
            "K" | "KB" | "KIB" => 10,
            "M" | "MB" | "MIB" => 20,
            "G" | "GB" | "GIB" => 30,
            _ => return Err("expected a number of bytes, such as 800M or 2G".into()),
        };
        let n: u64 = digits.parse().map_err(|_| "expected a number of bytes, such as 800M or 2G")?;
        n.checked_mul(1 << shift).map(Self).ok_or_else(|| "too large".into())
    }
}

/// Samples by number, such as `0..32,40`: ranges without their end.
#[derive(Clone, Debug)]
pub(crate) struct SampleList(Vec<Range<usize>>);

impl std::str::FromStr for SampleList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let part = |part: &str| match part.split_once("..") {
            Some((start, end)) => Some(start.parse().ok()?..end.parse().ok()?).filter(|r| !r.is_empty()),
            None => part.parse::<usize>().ok().and_then(|n| Some(n..n.checked_add(1)?)),
        };
        let parts = text.split(',').map(part).collect::<Option<_>>();
        parts.map(Self).ok_or_else(|| "expected numbers and ranges, such as 0..32,40".into())
    }
}

impl SampleList {
    /// The samples in ascending order, each once; or the first that is not among `count`.
    pub(crate) fn of(&self, count: usize) -> Result<BTreeSet<usize>, usize> {
        match self.0.iter().find(|r| r.end > count) {
            Some(range) => Err(range.start.max(count)),
            None => Ok(self.0.iter().cloned().flatten().collect()),
        }
    }
}

/// A sample of the model's input.
#[derive(Args)]
pub(crate) struct InputArgs {
    /// Sample or samples: .npy or .json, of the model's input shape, or [N, rest] for N samples.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Which sample of the file, from 0.
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<usize>,
}

impl InputArgs {
    /// The file, which other arguments may stand for.
    pub(crate) fn file(&self) -> Result<&Path, Failure> {
        let missing = || Failure::usage("there is no input").hint("give --input FILE");
        self.input.as_deref().ok_or_else(missing)
    }

    pub(crate) fn is_given(&self) -> bool {
        self.input.is_some() || self.sample.is_some()
    }

    /// The one sample that is meant, as integers of the graph's input.
    pub(crate) fn one(&self, model: &Imported) -> Result<Vec<i16>, Failure> {
        let path = self.file()?;
        let mut samples = input::read(path, &InputSpec::of(model))?;
        let count = samples.len();
        let index = match self.sample {
            Some(index) if index < count => index,
            Some(index) => return Err(no_sample(path, index, count)),
            None if count == 1 => 0,
            None => {
                return Err(Failure::file(path, format!("the file holds {count} samples, one is proven"))
                    .hint(format!("choose one with --sample 0 to --sample {}", count - 1)));
            }
        };
        Ok(samples.swap_remove(index))
    }
}

/// The file does not hold this sample.
pub(crate) fn no_sample(path: &Path, index: usize, count: usize) -> Failure {
    Failure::file(path, format!("there is no sample {index}: the file holds {count}"))
}

/// Signed records in place of a sample, and what shows that they satisfy a data policy.
#[derive(Args)]
pub(crate) struct RecordArgs {
    /// Compiled policy that signed records have to satisfy, in place of a sample (see `avouch policy`).
    #[arg(long, value_name = "FILE", requires_all = ["schema", "record", "registry", "device_key"])]
    policy: Option<PathBuf>,
    /// Schema that the keys were made with.
    #[arg(long, value_name = "FILE", requires = "policy")]
    schema: Option<PathBuf>,
    /// Batch of records that a device signed (see `avouch record`).
    #[arg(long, value_name = "FILE", requires = "policy")]
    record: Option<PathBuf>,
    /// Registry of devices and consents (see `avouch registry`).
    #[arg(long, value_name = "FILE", requires = "policy")]
    registry: Option<PathBuf>,
    /// The device's keys: the nullifier is made with one of them.
    #[arg(long, value_name = "FILE", requires = "policy")]
    device_key: Option<PathBuf>,
    /// Opening of the consent, where the policy asks for one.
    #[arg(long, value_name = "FILE", requires = "policy")]
    consent: Option<PathBuf>,
    /// Seconds since 1970 that all records lie between, and that a proof shows; by default the widest that the policy allows,
    /// which tells least.
    #[arg(long, value_name = "FROM..TO", requires = "policy", value_parser = window)]
    window: Option<Window>,
}

impl RecordArgs {
    /// What a proof about records is made from, if it is to be one.
    pub(crate) fn prepare(&self) -> Result<Option<Inputs>, Failure> {
        let (Some(policy), Some(schema), Some(record), Some(registry), Some(device_key)) =
            (&self.policy, &self.schema, &self.record, &self.registry, &self.device_key)
        else {
            return Ok(None);
        };
        let files = Files { policy, schema, record, registry, device_key, consent: self.consent.as_deref() };
        Ok(Some(prepare(&files, now()?, self.window)?))
    }
}

fn window(text: &str) -> Result<Window, String> {
    let ends = text.split_once("..").and_then(|(lo, hi)| Some(Window { lo: lo.parse().ok()?, hi: hi.parse().ok()? }));
    ends.ok_or_else(|| "two times in seconds since 1970, such as 1764000000..1764003600".into())
}

/// Seconds since 1970.
pub(crate) fn now() -> Result<u64, Failure> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| Failure::new("clock", "", e))?;
    Ok(now.as_secs())
}

/// Limits the thread pool.
pub(crate) fn use_threads(n: usize) -> Result<(), Failure> {
    if n == 0 || n > 1024 {
        return Err(Failure::usage(format!("--threads {n}: 1 to 1024 are possible")));
    }
    rayon::ThreadPoolBuilder::new().num_threads(n).build_global().map_err(|e| Failure::new("threads", "--threads", e))
}

/// Refuses a file that could not be written later, before any expensive work.
pub(crate) fn check_writable(path: &Path) -> Result<(), Failure> {
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if path.is_dir() {
        return Err(Failure::file(path, "is a folder; give the name of a file"));
    }
    if !parent.is_dir() {
        return Err(Failure::file(path, "its folder does not exist").hint(format!("create {}", parent.display())));
    }
    probe(parent).map_err(|e| Failure::file(path, format!("its folder cannot be written to ({})", e.kind())))
}

/// Makes a folder for files that are written later, unless it is there; refuses one that cannot be written to.
pub(crate) fn make_folder(path: &Path) -> Result<(), Failure> {
    let made = fs::create_dir_all(path).and_then(|()| probe(path));
    made.map_err(|e| Failure::file(path, format!("no folder that can be written to ({})", e.kind())))
}

/// Writes a file into a folder and removes it.
fn probe(folder: &Path) -> std::io::Result<()> {
    tempfile::Builder::new().prefix(".avouch-").tempfile_in(folder).map(drop)
}

/// A proof system by its name.
pub(crate) fn system(name: &str) -> Result<SystemId, String> {
    let all = || SystemId::ALL.iter().map(|s| s.name()).collect::<Vec<_>>().join(", ");
    SystemId::from_name(name).ok_or_else(|| format!("this build has {}", all()))
}
