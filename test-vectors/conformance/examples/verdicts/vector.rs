//! Verdict vectors as they stand in files, and what each platform is given.

use std::{collections::BTreeMap, error::Error, fs, path::Path};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::proof_file::{Parts, Word};

/// They take proof files.
const FILES: [&str; 4] = ["native", "wasm-node", "wasm-chromium", "wasm-raw"];
/// They take a statement and points.
pub(crate) const CALLS: [&str; 2] = ["evm", "snarkjs"];

/// `vectors.json` of a proof system.
#[derive(Serialize, Deserialize)]
pub(crate) struct Vectors {
    pub(crate) system: String,
    pub(crate) notes: String,
    pub(crate) trust: Value,
    pub(crate) not_applicable: Reasons,
    pub(crate) vectors: Vec<Vector>,
}

/// Why, by platform.
pub(crate) type Reasons = BTreeMap<String, String>;

#[derive(Serialize, Deserialize)]
pub(crate) struct Vector {
    pub(crate) id: String,
    comment: String,
    flags: Vec<String>,
    key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<Call>,
    demands: Value,
    result: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    claim: Option<Value>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    not_applicable: Reasons,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    differs: Reasons,
}

/// What a contract is called with.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Call {
    statement: Vec<String>,
    proof: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    demanded: Option<Value>,
}

impl Call {
    pub(crate) fn new(statement: &[Word], proof: &[u8]) -> Self {
        Self { statement: statement.iter().map(hex::encode).collect(), proof: hex::encode(proof), demanded: None }
    }

    /// The caller demands that a slot has this value.
    pub(crate) fn demanding(self, slot: usize, value: &Word) -> Self {
        Self { demanded: Some(json!({ "slot": slot, "value": hex::encode(value) })), ..self }
    }
}

impl Vector {
    /// One that is accepted, with neither a file nor a call.
    pub(crate) fn new(id: impl Into<String>, flag: &str, comment: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            comment: comment.into(),
            flags: vec![flag.into()],
            key: crate::KEY.into(),
            file: None,
            call: None,
            demands: json!({}),
            result: "accepted".into(),
            kind: None,
            claim: None,
            not_applicable: Reasons::new(),
            differs: Reasons::new(),
        }
    }

    pub(crate) fn key(self, name: &str) -> Self {
        Self { key: name.into(), ..self }
    }

    pub(crate) fn file(self, bytes: &[u8]) -> Self {
        Self { file: Some(hex::encode(bytes)), ..self }
    }

    pub(crate) fn call(self, call: Call) -> Self {
        Self { call: Some(call), ..self }
    }

    pub(crate) fn demands(self, demands: Value) -> Self {
        Self { demands, ..self }
    }

    pub(crate) fn not_on(mut self, platforms: &[&str], reason: &str) -> Self {
        self.not_applicable.extend(platforms.iter().map(|&p| (p.into(), reason.into())));
        self
    }

    /// No file can say this.
    pub(crate) fn no_file(self, reason: &str) -> Self {
        self.not_on(&FILES, reason)
    }

    /// No call can say this.
    pub(crate) fn no_call(self, reason: &str) -> Self {
        self.not_on(&CALLS, reason)
    }

    /// A platform that accepts what is to be rejected.
    pub(crate) fn differs(mut self, platform: &str, reason: &str) -> Self {
        self.differs.insert(platform.into(), reason.into());
        self
    }

    pub(crate) fn rejected(self, kind: &str) -> Self {
        Self { result: "rejected".into(), kind: Some(kind.into()), ..self }
    }

    /// Accepted, with what identifies the claim.
    pub(crate) fn claiming(self, file: &Parts) -> Self {
        let claim = json!({
            "statement_digest": hex::encode(file.statement_digest),
            "nullifier": hex::encode(file.slots[5]),
        });
        Self { claim: Some(claim), ..self }
    }
}

impl Vectors {
    /// The file, if there is one.
    pub(crate) fn read(path: &Path) -> Result<Option<Self>, Box<dyn Error>> {
        if !path.exists() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_slice(&fs::read(path)?)?))
    }

    /// Writes the vectors, one a line.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Box<dyn Error>> {
        let Self { system, notes, trust, not_applicable, vectors } = self;
        let head = [("system", json!(system)), ("notes", json!(notes)), ("trust", json!(trust))];
        let mut text = String::from("{\n");
        for (name, value) in head.into_iter().chain([("not_applicable", json!(not_applicable))]) {
            text += &format!("  \"{name}\": {value},\n");
        }
        let lines = vectors.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>()?;
        text += &format!("  \"vectors\": [\n    {}\n  ]\n}}\n", lines.join(",\n    "));
        Ok(fs::write(path, text)?)
    }

    /// The file of a vector that is there.
    pub(crate) fn file_of(&self, id: &str) -> Result<Vec<u8>, Box<dyn Error>> {
        let file = self.vectors.iter().find(|v| v.id == id).and_then(|v| v.file.as_ref());
        let file = file.ok_or_else(|| format!("{}: there is no file {id} to go on from", self.system))?;
        hex::decode(file).map_err(|e| format!("{id}: {e}").into())
    }

    /// Adds those that are not there yet: a vector that was handed out never changes.
    pub(crate) fn add(&mut self, new: Vec<Vector>) -> usize {
        let before = self.vectors.len();
        for vector in new {
            if self.vectors.iter().all(|v| v.id != vector.id) {
                self.vectors.push(vector);
            }
        }
        self.vectors.len() - before
    }
}
