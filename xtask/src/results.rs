//! What was recorded in `docs/results.json` and `docs/ceremonies.json`, and the tables made from it.

use std::{fmt::Write as _, fs, thread};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Result, rehearse, shell::root};

/// What `cargo xtask accept --record` measured, in one run on one machine.
#[derive(Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) results: Vec<Measurement>,
}

/// Where it was measured.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cpu: String,
    pub(crate) cores: usize,
}

/// One model on one proof system; times are medians of several runs, each a process of its own, but that of setup.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) system: String,
    pub(crate) model: String,
    pub(crate) parameters: u64,
    pub(crate) macs: u64,
    #[serde(default)]
    pub(crate) activations: u64,
    /// Or rows, on halo2.
    pub(crate) constraints: u64,
    /// None where the key is derived.
    pub(crate) proving_key_bytes: Option<u64>,
    pub(crate) setup_s: f64,
    pub(crate) prove_s: f64,
    pub(crate) phases: Option<Phases>,
    /// With one thread, with two, and so on; measured for one model only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) prove_s_by_threads: Vec<f64>,
    pub(crate) prove_peak_memory_bytes: Option<u64>,
    pub(crate) verify_s: f64,
    /// Deriving the verifying key from the model, where that is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key_s: Option<f64>,
    pub(crate) proof_bytes: u64,
    pub(crate) envelope_bytes: u64,
}

/// Where the seconds of a proof go.
#[derive(Serialize, Deserialize)]
pub(crate) struct Phases {
    pub(crate) witness_s: f64,
    pub(crate) commit_s: f64,
    pub(crate) fft_s: f64,
    pub(crate) msm_s: f64,
    pub(crate) self_check_s: f64,
}

/// What `cargo xtask rehearse --record` measured.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ceremonies {
    pub(crate) machine: Machine,
    pub(crate) ceremonies: Vec<rehearse::Measurement>,
}

impl Ceremonies {
    const FILE: &str = "docs/ceremonies.json";

    /// Writes the file.
    pub(crate) fn write(&self) -> Result<()> {
        write(Self::FILE, self)
    }

    /// Reads the file.
    pub(crate) fn read() -> Result<Self> {
        read(Self::FILE)
    }

    /// The figures, if there are some, of this machine.
    pub(crate) fn of_this_machine() -> Vec<rehearse::Measurement> {
        Self::read().ok().filter(|c| c.machine == Machine::this()).map(|c| c.ceremonies).unwrap_or_default()
    }

    /// A row for each.
    pub(crate) fn table(&self) -> Result<String> {
        let mut text = format!("On {} cores of {}:\n\n", self.machine.cores, self.machine.cpu);
        text += "| model | proof system | constraints | domain | file | initial key | a contribution | verification |\n\
                 |---|---|--:|--:|--:|--:|--:|--:|\n";
        for m in &self.ceremonies {
            let step = |s: &rehearse::Step| format!("{:.1} s, {}", s.seconds, megabytes(s.peak_memory_bytes));
            writeln!(
                text,
                "| {} | `{}` | {} | {} | {} | {} | {} | {} |",
                m.model,
                name(&m.system),
                grouped(m.constraints),
                grouped(m.points),
                megabytes(m.file_bytes),
                step(&m.init),
                step(&m.contribute),
                step(&m.verify),
            )?;
        }
        Ok(text)
    }
}

impl Machine {
    /// This machine.
    pub(crate) fn this() -> Self {
        let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let name = info.lines().find_map(|l| l.strip_prefix("model name")).and_then(|l| l.split_once(':'));
        Self {
            cpu: name.map_or_else(|| std::env::consts::ARCH.into(), |(_, name)| name.trim().into()),
            cores: thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

impl Results {
    const FILE: &str = "docs/results.json";

    /// Writes the file.
    pub(crate) fn write(&self) -> Result<()> {
        write(Self::FILE, self)
    }

    /// The figures, if they are from this machine: those of two machines are not put into one file.
    pub(crate) fn of_this_machine(self) -> Vec<Measurement> {
        if self.machine == Machine::this() { self.results } else { Vec::new() }
    }

    /// Reads the file.
    pub(crate) fn read() -> Result<Self> {
        read(Self::FILE)
    }

    /// One table: each model, and on each proof system that proves it a row of figures.
    pub(crate) fn table(&self) -> Result<String> {
        let mut models: Vec<&str> = Vec::new();
        for m in &self.results {
            if !models.contains(&m.model.as_str()) {
                models.push(&m.model);
            }
        }
        let mut text = format!("On {} cores of {}:\n\n", self.machine.cores, self.machine.cpu);
        text += "| model | weights | MACs | proof system | trust in | constraints or rows | proving key | setup | prove \
                 | peak memory | verify | proof |\n|---|--:|--:|---|---|--:|--:|--:|--:|--:|--:|--:|\n";
        for model in models {
            for (i, m) in self.results.iter().filter(|m| m.model == model).enumerate() {
                let first = |text: String| if i == 0 { text } else { String::new() };
                let peak = m.prove_peak_memory_bytes.map_or_else(|| "unknown".into(), megabytes);
                writeln!(
                    text,
                    "| {} | {} | {} | `{}` | {} | {} | {} | {:.2} s | {:.2} s | {peak} | {:.1} ms{} | {} B |",
                    first(m.model.clone()),
                    first(grouped(m.parameters)),
                    first(grouped(m.macs)),
                    name(&m.system),
                    if m.proving_key_bytes.is_none() { "nobody" } else { "one of a ceremony" },
                    grouped(m.constraints),
                    m.proving_key_bytes.map_or_else(|| "derived".into(), megabytes),
                    m.setup_s,
                    m.prove_s,
                    m.verify_s * 1e3,
                    m.key_s.map_or_else(String::new, |s| format!(" (+ key {s:.2} s)")),
                    m.proof_bytes,
                )?;
            }
        }
        Ok(text + "\n")
    }
}

fn write(file: &str, figures: &impl Serialize) -> Result<()> {
    fs::write(root().join(file), serde_json::to_string_pretty(figures)? + "\n")?;
    println!("recorded in {file}; cargo xtask tables puts it where it is shown");
    Ok(())
}

fn read<T: DeserializeOwned>(file: &str) -> Result<T> {
    let text = fs::read(root().join(file)).map_err(|e| format!("{file}: {e}"))?;
    Ok(serde_json::from_slice(&text).map_err(|e| format!("{file}: {e}"))?)
}

/// A proof system without its curve and version.
fn name(system: &str) -> &str {
    ["-bn254", "-ipa"].iter().find_map(|end| system.split_once(end)).map_or(system, |(name, _)| name)
}

fn megabytes(bytes: u64) -> String {
    format!("{:.1} MB", bytes as f64 / 1e6)
}

/// Digits in groups of three.
pub(crate) fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(|g| String::from_utf8_lossy(g)).collect();
    groups.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(megabytes(1_250_000), "1.2 MB");
    }
}
