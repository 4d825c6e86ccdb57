//! Results, and their form for people and machines.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

/// How a case came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// As recorded.
    Passed,
    /// As recorded, on the 8-bit image of a test that is recorded in floats (see [`crate::node_tests`]).
    PassedAsUint8,
    /// Refused by the importer, with a reason.
    Unsupported,
    /// Not as recorded, where the recorded output contradicts ONNX's specification (see [`crate::node_tests`]).
    Disputed,
    /// Not as recorded.
    Failed,
}

impl Outcome {
    /// The word of tables and snapshots.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::PassedAsUint8 => "passed as uint8",
            Self::Unsupported => "unsupported",
            Self::Disputed => "disputed",
            Self::Failed => "failed",
        }
    }
}

/// One model file, or one test.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// Where it is from.
    pub name: String,
    /// How it came out.
    pub outcome: Outcome,
    /// What was compared, or why not.
    pub detail: String,
    /// Number of output integers by their distance from the recorded ones, where outputs were compared.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub differences: BTreeMap<u32, u64>,
    /// Time of one inference, where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub milliseconds: Option<f64>,
}

impl Case {
    /// A case without measurements.
    pub fn new(name: impl Into<String>, outcome: Outcome, detail: impl Into<String>) -> Self {
        Self { name: name.into(), outcome, detail: detail.into(), differences: BTreeMap::new(), milliseconds: None }
    }
}

/// All cases of one run.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// In the order they ran.
    pub cases: Vec<Case>,
}

impl Report {
    /// Cases with this outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.cases.iter().filter(|c| c.outcome == outcome).count()
    }

    /// Cases that came out as recorded, in either form.
    pub fn passed(&self) -> usize {
        self.count(Outcome::Passed) + self.count(Outcome::PassedAsUint8)
    }

    /// Cases that did not.
    pub fn failed(&self) -> usize {
        self.count(Outcome::Failed)
    }

    /// One JSON object.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "cases": self.cases,
            "passed": self.passed(),
            "passed_as_uint8": self.count(Outcome::PassedAsUint8),
            "unsupported": self.count(Outcome::Unsupported),
            "disputed": self.count(Outcome::Disputed),
            "failed": self.failed(),
        })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.cases.iter().map(|c| c.name.len()).max().unwrap_or(0);
        for c in &self.cases {
            write!(f, "{:width$}  {:15}  {}", c.name, c.outcome.word(), c.detail)?;
            if let Some(ms) = c.milliseconds {
                write!(f, "; {ms:.2} ms an inference")?;
            }
            writeln!(f)?;
        }
        writeln!(
            f,
            "\n{} as recorded, {} as recorded on 8-bit images, {} refused with a reason, {} disputed",
            self.count(Outcome::Passed),
            self.count(Outcome::PassedAsUint8),
            self.count(Outcome::Unsupported),
            self.count(Outcome::Disputed)
        )?;
        write!(f, "{} passed, {} failed", self.passed(), self.failed())
    }
}
