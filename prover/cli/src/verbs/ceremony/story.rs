//! What happened in a ceremony, as JSON and as text.

use std::path::Path;

use avouch_prover::ceremony::{CeremonyError, Rejected, Report, State, Step};
use serde_json::{Value, json};

use crate::{
    console::{Answer, field, seconds, tick},
    failure::Failure,
};

/// A file that was passed on.
pub(super) struct Made<'a> {
    pub(super) what: &'static str,
    pub(super) file: &'a Path,
    pub(super) seconds: f64,
}

impl Made<'_> {
    pub(super) fn answer(&self, state: &State) -> Answer {
        let transcript = state.transcript();
        let (index, hash) = (transcript.index(), hex::encode(transcript.last_hash()));
        let json = json!({ "file": self.file, "index": index, "hash": hash, "times": { "total_s": self.seconds } });
        let mut text =
            format!("{} {} {index} in {} ({})\n", tick(), self.what, self.file.display(), seconds(self.seconds));
        text += &field("circuit", transcript.label());
        text += &field("hash", hash);
        Answer { json, text }
    }
}

/// An error about a file of a ceremony.
pub(super) fn at(file: &Path, e: CeremonyError) -> Failure {
    match e {
        CeremonyError::Rejected(e) => rejected(file, e),
        e => e.into(),
    }
}

fn rejected(file: &Path, e: Rejected) -> Failure {
    Failure { place: file.display().to_string(), ..CeremonyError::from(e).into() }
}

pub(super) fn json(report: &Report) -> Value {
    let step = |s: &Step| {
        let beacon = s.beacon.as_ref().map(|(value, n)| json!({ "value": hex::encode(value), "iterations_log2": n }));
        json!({
            "index": s.index, "name": s.name, "attestation": s.attestation, "hash": hex::encode(s.hash), "beacon": beacon,
        })
    };
    json!({
        "system": report.system.name(),
        "disclosure": report.disclosure.name(),
        "model_id": hex::encode(report.model_id),
        "circuit_id": hex::encode(report.circuit_id),
        "phase1": hex::encode(report.phase1),
        "transcript": hex::encode(report.transcript),
        "contributions": report.contributions.iter().map(step).collect::<Vec<_>>(),
        "earlier_files": report.earlier,
        "vk_digest": report.vk_digest.map(hex::encode),
        "proving_key_checked": report.is_proving_key_checked,
        "cheating": report.cheating(),
    })
}

pub(super) fn text(report: &Report) -> String {
    let mut text = field("proof system", report.system);
    text += &field("discloses", report.disclosure.name());
    text += &field("model", hex::encode(report.model_id));
    text += &field("phase 1", hex::encode(report.phase1));
    text += &field("transcript", hex::encode(report.transcript));
    for s in &report.contributions {
        let what = if s.beacon.is_some() { "beacon" } else { "contribution" };
        text += &field(&format!("{what} {}", s.index), format!("{} {:?}", hex::encode(s.hash), s.name));
    }
    if let Some(digest) = report.vk_digest {
        text += &field("key digest", hex::encode(digest));
        let proving = if report.is_proving_key_checked { "the one that follows" } else { "not there, so not checked" };
        text += &field("proving key", proving);
    }
    for line in report.cheating() {
        text += &format!("{line}\n");
    }
    text
}
