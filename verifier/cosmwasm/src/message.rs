//! Messages, as JSON. Hashes and identifiers are hexadecimal, files are base64, times are seconds.

use cosmwasm_std::{Binary, HexBinary};
use serde::{Deserialize, Serialize};

/// What a contract is made with.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Instantiate {
    /// The file `verifying.key`.
    pub(crate) key: Binary,
    pub(crate) terms: Terms,
}

/// What is fixed for good.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Terms {
    /// The digest of the whole key.
    pub(crate) vk_digest: HexBinary,
    /// Slot 2 of every statement.
    pub(crate) policy_id: HexBinary,
    /// Sets this task apart from others, in the context: any bytes.
    pub(crate) task_id: HexBinary,
    /// Whose roots of devices and consents are taken.
    pub(crate) registry: String,
    /// How long ago a window may have ended, and how far ahead of the chain's time.
    pub(crate) max_delay: u64,
    pub(crate) skew: u64,
    /// Unix time after which nothing is taken.
    pub(crate) deadline: u64,
    /// Whether the key may be of a development setup, whose maker can forge proofs: for tests.
    #[serde(default)]
    pub(crate) allow_dev_setup: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Execute {
    /// Stands by a root of devices and consents until then; a time in the past withdraws it.
    SetRoot { root: HexBinary, until: u64 },
    /// Takes a proof file for a recipient.
    Submit { recipient: String, proof: Binary },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub(crate) enum Query {
    /// The terms.
    Terms {},
    /// The context digest that proofs for a recipient are bound to, for `avouch prove --context`.
    Context { recipient: String },
    /// Until when the registry stands by a root: 0 if it never did.
    ValidUntil { root: HexBinary },
    /// Whether a nullifier was used.
    IsUsed { nullifier: HexBinary },
}
