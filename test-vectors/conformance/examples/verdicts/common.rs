//! Vectors of every proof system: the file's framing, the statement, the key, and what a verifier demands.

use serde_json::json;

use crate::{
    proof_file::{Parts, Word, sum},
    vector::{Call, Vector},
};

pub(crate) const MALFORMED: &str = "malformed_proof";
pub(crate) const OTHER_KEY: &str = "other_key";
pub(crate) const REJECTED: &str = "rejected";
pub(crate) const UNMET: &str = "unmet";

/// Reasons that are given often.
const FRAMING: &str = "the framing of a file; a call has none";
const DIGEST: &str = "a digest in the file; a call has none";
pub(crate) const DEMANDS: &str = "a caller's demands, which snarkjs knows nothing about";

/// A key's proofs, from which its vectors are made.
pub(crate) struct Subject {
    /// The key's file.
    pub(crate) key: &'static str,
    /// Of all its ids.
    pub(crate) prefix: &'static str,
    pub(crate) valid: Parts,
    /// Of another statement.
    pub(crate) second: Parts,
    /// The context that both are made for.
    pub(crate) context: Word,
    /// The points of a proof as calls have them, where there are calls.
    pub(crate) points: fn(&[u8]) -> Option<Vec<u8>>,
}

impl Subject {
    pub(crate) fn vector(&self, id: &str, flag: &str, comment: &str) -> Vector {
        Vector::new(format!("{}{id}", self.prefix), flag, comment).key(self.key)
    }

    pub(crate) fn call(&self, parts: &Parts) -> Option<Call> {
        Some(Call::new(&parts.slots, &(self.points)(&parts.proof)?))
    }

    /// A vector with a file, and the same as a call.
    pub(crate) fn both(&self, vector: Vector, parts: &Parts) -> Vector {
        let vector = vector.file(&parts.encode());
        match self.call(parts) {
            Some(call) => vector.call(call),
            None => vector,
        }
    }

    pub(crate) fn accepted(&self, id: &str, flag: &str, comment: &str, parts: &Parts) -> Vector {
        self.both(self.vector(id, flag, comment), parts).claiming(parts)
    }

    pub(crate) fn rejected(&self, id: &str, flag: &str, comment: &str, parts: &Parts) -> Vector {
        self.both(self.vector(id, flag, comment), parts).rejected(REJECTED)
    }
}

const SLOTS: [&str; 8] =
    ["context", "circuit_id", "policy_id", "registry_root", "window", "nullifier", "input_commitment", "output"];

/// Wrong statements.
pub(crate) fn statements(s: &Subject, modulus: &Word) -> Vec<Vector> {
    let mut all = Vec::new();
    let valid = &s.valid;
    for (i, name) in SLOTS.into_iter().enumerate() {
        let mut value = valid.slots[i];
        value[31] ^= 1;
        let changed = valid.with_slot(i, value);
        let comment = format!("Slot {i}, {name}, is changed by one, and the statement's digest with it.");
        all.push(s.rejected(&format!("slot-{i}-changed"), "statement", &comment, &changed));

        if let Some(alias) = sum(&valid.slots[i], modulus) {
            let aliased = valid.with_slot(i, alias);
            let comment = format!("Slot {i}, {name}, plus the modulus: the same field element, not canonical.");
            let id = format!("slot-{i}-plus-modulus");
            all.push(s.rejected(&id, "non-canonical", &comment, &aliased).rejected(MALFORMED));
        }
    }
    all
}

/// What the rest about other keys is made from.
pub(crate) fn other_key(foreign: &[u8]) -> Vector {
    let vector = Vector::new("other-key", "key", "A proof for another key, which the file names.");
    vector.file(foreign).rejected(OTHER_KEY).no_call(DIGEST)
}

/// What concerns a key once: framing, digests, other keys. `lengths` is what a proof of a wrong length is.
pub(crate) fn files(
    s: &Subject,
    foreign: &Parts,
    modulus: &Word,
    other_system: [u8; 16],
    lengths: &str,
) -> Vec<Vector> {
    let valid = &s.valid;
    let bytes = valid.encode();
    let mut all = Vec::new();

    let at_modulus = valid.with_slot(7, *modulus);
    let comment = "The output is the modulus itself.";
    all.push(s.rejected("slot-7-modulus", "non-canonical", comment, &at_modulus).rejected(MALFORMED));
    let largest = valid.with_slot(0, [0xff; 32]);
    let comment = "The context is 2^256 − 1.";
    all.push(s.rejected("slot-0-largest", "non-canonical", comment, &largest).rejected(MALFORMED));
    let mut swapped = valid.slots.clone();
    swapped.swap(0, 6);
    let comment = "Context and input commitment in each other's place.";
    all.push(s.rejected("slots-swapped", "statement", comment, &valid.with_slots(swapped)));
    let restated = s.second.with_proof(valid.proof.clone());
    let comment = "The statement of one valid proof with another valid proof.";
    all.push(s.rejected("statement-of-another-proof", "statement", comment, &restated));

    let seven = valid.with_slots(valid.slots[..7].to_vec());
    let nine = valid.with_slots([&valid.slots[..], &[[0; 32]]].concat());
    for (count, parts) in [("7", seven), ("9", nine)] {
        let comment = format!("{count} slots instead of 8.");
        all.push(s.rejected(&format!("slots-{count}"), "count", &comment, &parts).rejected(MALFORMED));
    }

    let mut claimed = foreign.clone();
    claimed.vk_digest = valid.vk_digest;
    let comment = "A proof for another key, in a file that names this one.";
    all.push(s.rejected("proof-of-another-key", "key", comment, &claimed));

    let mut framing = |id: &str, flag: &str, comment: &str, file: Vec<u8>, kind: &str, reason: &str| {
        all.push(s.vector(id, flag, comment).file(&file).rejected(kind).no_call(reason));
    };
    let changed = |change: fn(&mut Parts)| {
        let mut parts = valid.clone();
        change(&mut parts);
        parts.encode()
    };
    let mut stale = valid.with_slot(7, s.second.slots[7]);
    stale.statement_digest = valid.statement_digest;
    framing(
        "statement-digest-stale",
        "statement",
        "Another output; the digest is the old one.",
        stale.encode(),
        REJECTED,
        DIGEST,
    );
    let file = changed(|p| p.statement_digest[0] ^= 1);
    framing("statement-digest-changed", "statement", "The statement's digest is changed.", file, REJECTED, DIGEST);
    let file = changed(|p| p.vk_digest[31] ^= 1);
    framing("key-digest-changed", "key", "The digest of no key.", file, OTHER_KEY, DIGEST);
    let file = Parts { system: other_system, ..valid.clone() }.encode();
    framing("other-system", "framing", "The id of another proof system.", file, MALFORMED, FRAMING);
    let file = changed(|p| p.system = [0; 16]);
    framing("unknown-system", "framing", "The id of no proof system.", file, MALFORMED, FRAMING);
    framing("magic-changed", "framing", "Not a proof file.", changed(|p| p.magic[0] ^= 1), MALFORMED, FRAMING);
    let file = changed(|p| p.version[0] += 1);
    framing("version-changed", "framing", "The format's next version.", file, MALFORMED, FRAMING);
    let file = changed(|p| p.envelope_magic[3] ^= 1);
    framing("envelope-magic-changed", "framing", "Not an envelope.", file, MALFORMED, FRAMING);
    let file = changed(|p| p.envelope_version[0] += 1);
    framing("envelope-version-changed", "framing", "The envelope's next version.", file, MALFORMED, FRAMING);
    for (id, change) in [("short", u32::MAX), ("long", 1)] {
        let length = valid.length.wrapping_add(change);
        let file = Parts { length, ..valid.clone() }.encode();
        let comment = format!("The length of the proof is one too {id}.");
        framing(&format!("length-one-too-{id}"), "length", &comment, file, MALFORMED, FRAMING);
    }
    let file = changed(|p| p.length = u32::MAX);
    framing("length-largest", "length", "A proof of 2^32 − 1 bytes, says the file.", file, MALFORMED, FRAMING);
    let file = [&bytes[..], &[0]].concat();
    framing("file-trailing-byte", "length", "A byte after the file's end.", file, MALFORMED, FRAMING);
    framing("file-twice", "length", "The file twice.", bytes.repeat(2), MALFORMED, FRAMING);
    let file = bytes[..bytes.len() - 1].to_vec();
    framing("file-cut", "length", "The last byte is missing.", file, MALFORMED, FRAMING);
    framing("file-empty", "length", "No bytes.", Vec::new(), MALFORMED, FRAMING);

    // The points of a call are cut and extended likewise.
    let points = (s.points)(&valid.proof);
    for (id, comment, proof, called) in [
        ("proof-trailing-byte", "A byte after the proof, with its length.", [&valid.proof[..], &[0]].concat(), 1),
        ("proof-cut", "The proof's last byte is missing.", valid.proof[..valid.proof.len() - 1].to_vec(), -1),
        ("proof-empty", "No proof.", Vec::new(), 0),
    ] {
        let vector = s.vector(id, "length", comment).file(&valid.with_proof(proof).encode()).rejected(lengths);
        all.push(match &points {
            Some(points) => {
                let call = match called {
                    1 => [&points[..], &[0]].concat(),
                    -1 => points[..points.len() - 1].to_vec(),
                    _ => Vec::new(),
                };
                let json = "snarkjs takes numbers, not bytes";
                vector.call(Call::new(&valid.slots, &call)).not_on(&["snarkjs"], json)
            }
            None => vector,
        });
    }
    all
}

/// A demand that is met, and one that is not, of each kind.
pub(crate) fn demands(s: &Subject, model: &Word, output: &[i32]) -> Vec<Vector> {
    let valid = &s.valid;
    let mut other_output = output.to_vec();
    other_output[0] ^= 1;
    let mut other_slot = valid.slots[7];
    other_slot[31] ^= 1;
    let mut other_context = s.context;
    other_context[0] ^= 1;
    let raw = |integers: &[i32]| json!({ "expect_output": { "kind": "raw", "integers": integers } });
    let context = |digest: &Word| json!({ "expect_context": hex::encode(digest) });
    let slot = |digest: &Word| {
        let mut slot = [0; 32];
        slot[1..].copy_from_slice(&digest[..31]);
        slot
    };
    let mut all = Vec::new();
    for (id, comment, demands, called, met) in [
        (
            "context-demanded",
            "The context that the proof is made for.",
            context(&s.context),
            Some((0, slot(&s.context))),
            true,
        ),
        (
            "context-other",
            "Another context is demanded.",
            context(&other_context),
            Some((0, slot(&other_context))),
            false,
        ),
        ("context-none", "A proof for no context is demanded.", context(&[0; 32]), Some((0, [0; 32])), false),
        ("output-demanded", "The output.", raw(output), Some((7, valid.slots[7])), true),
        ("output-other", "Another output is demanded.", raw(&other_output), Some((7, other_slot)), false),
        (
            "output-shorter",
            "An output without its last element is demanded.",
            raw(&output[..output.len() - 1]),
            None,
            false,
        ),
        ("model-demanded", "The model.", json!({ "expect_model": hex::encode(model) }), None, true),
        ("model-other", "Another model is demanded.", json!({ "expect_model": hex::encode([7; 32]) }), None, false),
    ] {
        all.push(demand(s, id, comment, demands, called, met));
    }
    all
}

/// A valid proof with a demand, and the same as a slot of a call.
pub(crate) fn demand(
    s: &Subject,
    id: &str,
    comment: &str,
    demands: serde_json::Value,
    called: Option<(usize, Word)>,
    met: bool,
) -> Vector {
    let mut vector = s.vector(id, "demand", comment).file(&s.valid.encode()).demands(demands);
    vector = if met { vector.claiming(&s.valid) } else { vector.rejected(UNMET) };
    match (s.call(&s.valid), called) {
        (None, _) => vector,
        (Some(call), Some((slot, value))) => vector.call(call.demanding(slot, &value)).not_on(&["snarkjs"], DEMANDS),
        (Some(_), None) => vector.no_call("no comparison of a slot with a value"),
    }
}
