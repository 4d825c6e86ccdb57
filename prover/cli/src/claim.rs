//! A verified claim, for scripts and for people.

use avouch_circuits::arith;
use avouch_prover::keys;
use avouch_verifier::{AcceptanceReport, Output, Slot, VerifiedClaim};
use serde_json::{Value, json};

use crate::console::{cross, field, tick};

/// The output by its disclosure; integers of a raw one also as the real numbers that they stand for.
fn output(claim: &VerifiedClaim) -> Value {
    match claim.output() {
        Output::Raw(integers) => {
            let quant = &claim.output_info().quant;
            let outputs: Vec<f32> = integers.iter().map(|&v| arith::dequantize(v, quant)).collect();
            json!({ "kind": "raw", "integers": integers, "outputs": outputs })
        }
        Output::Argmax(class) => json!({ "kind": "argmax", "class": class }),
        Output::Threshold { index, threshold, reached } => {
            json!({ "kind": "threshold", "index": index, "threshold": threshold, "reached": reached })
        }
        Output::Commit(commitment) => json!({ "kind": "commit", "commitment": hex::encode(commitment) }),
    }
}

/// Everything that a claim says.
pub(crate) fn json(claim: &VerifiedClaim) -> Value {
    let mut object = keys::manifest(claim.key());
    let statement: serde_json::Map<_, _> = Slot::ALL
        .iter()
        .map(|&slot| (slot.name().to_string(), hex::encode(claim.statement().slot(slot)).into()))
        .collect();
    object["key_provenance"] = claim.key_provenance().name().into();
    object["records"] = claim.description().records.into();
    object["schema_digest"] = hex::encode(claim.description().schema_digest).into();
    object["context_bound"] = claim.is_context_bound().into();
    object["statement"] = statement.into();
    object["output"] = output(claim);
    object
}

/// How the verifier's conditions came out.
pub(crate) fn acceptance_json(report: &AcceptanceReport) -> Value {
    let outcomes = report
        .outcomes
        .iter()
        .map(|o| json!({ "condition": o.condition.name(), "met": o.met, "expected": o.expected, "found": o.found }));
    let open = report.not_checked.iter().map(|n| json!({ "name": n.name(), "meaning": n.to_string() }));
    json!({ "conditions": outcomes.collect::<Vec<_>>(), "not_checked": open.collect::<Vec<_>>() })
}

/// The claim as lines.
pub(crate) fn text(claim: &VerifiedClaim) -> String {
    let key = claim.key();
    let model = hex::encode(claim.model_id());
    let model = if claim.key_provenance().is_model_checked() { model } else { format!("{model} (claimed by the key)") };
    let mut text = field("output", claim.output());
    if let Output::Raw(integers) = claim.output() {
        let quant = &claim.output_info().quant;
        let reals: Vec<f32> = integers.iter().map(|&v| arith::dequantize(v, quant)).collect();
        text += &field("as real numbers", format!("{reals:?}"));
    }
    text += &field("model", model);
    if !key.label().is_empty() {
        text += &field("label", format!("{} (for people; proves nothing)", key.label()));
    }
    text += &field("proof system", claim.system());
    text += &field("key", format!("{} ({})", hex::encode(key.digest()), claim.key_provenance().name()));
    let context = hex::encode(claim.statement().context());
    text += &field("context", if claim.is_context_bound() { context } else { "none: not bound to a task".into() });
    text += &field("input commitment", hex::encode(claim.statement().input_commitment()));
    text
}

/// The conditions as lines.
pub(crate) fn acceptance_text(report: &AcceptanceReport) -> String {
    let mut text = String::new();
    for o in &report.outcomes {
        let mark = if o.met { tick() } else { cross() };
        text += &format!("  {mark} {}: expected {}, found {}\n", o.condition.name(), o.expected, o.found);
    }
    if !report.not_checked.is_empty() {
        text += "Not checked:\n";
        for n in &report.not_checked {
            text += &format!("  - {n}\n");
        }
    }
    text
}
