//! Values that several verbs take.

use std::{
    collections::BTreeSet,
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use avouch_circuits::{circuit::Disclosure, graph::Graph, import::Imported};
use avouch_prover::input::{self, InputSpec};
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
    pub(crate) input: PathBuf,
    /// Which sample of the file, from 0.
    #[arg(long, value_name = "N")]
    pub(crate) sample: Option<usize>,
}

impl InputArgs {
    /// The one sample that is meant, as integers of the graph's input.
    pub(crate) fn one(&self, model: &Imported) -> Result<Vec<i16>, Failure> {
        let mut samples = input::read(&self.input, &InputSpec::of(model))?;
        let count = samples.len();
        let index = match self.sample {
            Some(index) if index < count => index,
            Some(index) => return Err(self.no_sample(index, count)),
            None if count == 1 => 0,
            None => {
                return Err(Failure::file(&self.input, format!("the file holds {count} samples, one is proven"))
                    .hint(format!("choose one with --sample 0 to --sample {}", count - 1)));
            }
        };
        Ok(samples.swap_remove(index))
    }

    /// The file does not hold this sample.
    pub(crate) fn no_sample(&self, index: usize, count: usize) -> Failure {
        Failure::file(&self.input, format!("there is no sample {index}: the file holds {count}"))
    }
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
