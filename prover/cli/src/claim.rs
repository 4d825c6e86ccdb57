//! A verified claim, for people.

use avouch_circuits::arith;
use avouch_verifier::{AcceptanceReport, Output, VerifiedClaim};

use crate::console::{cross, field, tick};

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
    if let Some(window) = claim.window() {
        let statement = claim.statement();
        text += &field("policy", hex::encode(statement.policy_id()));
        text += &field("registry root", hex::encode(statement.registry_root()));
        text += &field("records", window);
        text += &field("nullifier", hex::encode(statement.nullifier()));
    }
    text
}

/// The conditions as lines.
pub(crate) fn acceptance_text(report: &AcceptanceReport) -> String {
    let mut text = String::new();
    for o in &report.outcomes {
        let mark = if o.met { tick() } else { cross() };
        let name = o.condition.name();
        text += &if o.expected == o.found {
            format!("  {mark} {name}: {}, as expected\n", o.found)
        } else {
            format!("  {mark} {name}: expected {}, found {}\n", o.expected, o.found)
        };
    }
    if !report.not_checked.is_empty() {
        text += "Not checked:\n";
        for n in &report.not_checked {
            text += &format!("  - {n}\n");
        }
    }
    text
}
