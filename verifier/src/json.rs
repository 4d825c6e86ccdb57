//! Keys, claims and reports as JSON objects, and stable words for errors: the same from the command line and in
//! WebAssembly. Fields are only ever added; `docs/cli.md` describes them.

use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};

use avouch_circuits::{arith, circuit::description::Disclosure, graph::TensorInfo};
use serde_json::{Map, Value, json};

use crate::{
    acceptance::AcceptanceReport,
    claim::{Output, VerifiedClaim, VerifyError},
    key::VerifyingKey,
    statement::Slot,
};

/// What a verifying key says.
pub fn manifest(key: &VerifyingKey) -> Value {
    key_fields(key).into()
}

fn key_fields(key: &VerifyingKey) -> Map<String, Value> {
    let description = key.description();
    let tensor = |t: &TensorInfo| {
        json!({
            "shape": t.shape,
            "dtype": t.quant.dtype.name(),
            "scale": t.quant.scale,
            "zero_point": t.quant.zero_point,
        })
    };
    let kind = description.disclosure.name();
    let disclosure = match description.disclosure {
        Disclosure::Threshold { index, threshold } => json!({ "kind": kind, "index": index, "threshold": threshold }),
        Disclosure::Raw | Disclosure::Argmax | Disclosure::Commit => json!({ "kind": kind }),
    };
    object([
        ("system", key.system().name().into()),
        ("setup", key.setup().name().into()),
        ("vk_digest", hex::encode(key.digest()).into()),
        ("model_id", hex::encode(description.model_id).into()),
        ("circuit_id", hex::encode(description.circuit_id()).into()),
        ("disclosure", disclosure),
        ("input_tensor", tensor(key.input())),
        ("output_tensor", tensor(key.output())),
        ("label", key.label().into()),
    ])
}

/// Everything that a claim says: the manifest of its key, and more.
pub fn claim(claim: &VerifiedClaim) -> Value {
    let description = claim.description();
    let statement = Slot::ALL.map(|slot| (slot.name(), hex::encode(claim.statement().slot(slot)).into()));
    let mut fields = key_fields(claim.key());
    fields.extend(object([
        ("key_provenance", claim.key_provenance().name().into()),
        ("records", description.records.into()),
        ("schema_digest", hex::encode(description.schema_digest).into()),
        ("context_bound", claim.is_context_bound().into()),
        ("statement", object(statement).into()),
        ("output", output(claim)),
    ]));
    fields.into()
}

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

/// How the verifier's conditions came out.
pub fn acceptance(report: &AcceptanceReport) -> Value {
    let outcomes = report
        .outcomes
        .iter()
        .map(|o| json!({ "condition": o.condition.name(), "met": o.met, "expected": o.expected, "found": o.found }));
    let open = report.not_checked.iter().map(|n| json!({ "name": n.name(), "meaning": n.to_string() }));
    json!({ "conditions": outcomes.collect::<Vec<_>>(), "not_checked": open.collect::<Vec<_>>() })
}

fn object<const N: usize>(fields: [(&str, Value); N]) -> Map<String, Value> {
    fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect()
}

/// The kind of error that a file which proves nothing is.
pub const fn kind(error: &VerifyError) -> &'static str {
    match error {
        VerifyError::File(_) => "malformed_proof",
        VerifyError::OtherSystem { .. } | VerifyError::OtherKey { .. } => "other_key",
        VerifyError::StatementDigest | VerifyError::Slot { .. } | VerifyError::Proof(_) => "rejected",
    }
}
