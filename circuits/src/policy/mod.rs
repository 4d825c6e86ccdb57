//! The data policy: what signed records have to satisfy before a network may run on them.
//!
//! | file | holds |
//! |---|---|
//! | `schema` | the features of a record, and which of them reach which element of the model's input |
//! | `record` | records, and the batch of them that a device signs |
//! | `babyjubjub`, `eddsa` | the signature scheme, byte-compatible with circomlibjs |
//! | `registry` | leaves of devices and consents, and the two trees that hold them |
//! | `parameters` | the policy itself and `policy_id` |
//! | `evaluate` | all clauses, natively: what the circuit is held against |
//!
//! Every hash is Poseidon over BN254 with circomlib's parameters. Its first element is one of these tags, unless it is a
//! tree node (two elements), a step of a chain (twelve) or the challenge of a signature (five):
//!
//! | tag | elements after it |
//! |---|---|
//! | [`tags::FEATURES`] | chain of a record's packed features |
//! | [`tags::RECORD`] | schema, subject, time, lat, lon, seq, salt, chain of features |
//! | [`tags::RECORDS`] | chain of a batch's record hashes |
//! | [`tags::BATCH`] | schema, R, seq of the first record, chain of records |
//! | [`tags::NULLIFIER_KEY`] | nullifier key, 0 |
//! | [`tags::DEVICE`] | Ax, Ay, class, valid from, valid to, hash of the nullifier key |
//! | [`tags::CONSENT`] | subject, controller, purposes, categories, valid from, valid to, notice lo, notice hi, salt |
//! | [`tags::REGISTRY`] | root of the device tree, root of the consent tree |
//! | [`tags::POLICY`] | chain of the policy's elements |
//! | [`tags::NULLIFIER`] | nullifier key, controller, scope, schema, item |

mod babyjubjub;
mod eddsa;
mod evaluate;
mod parameters;
mod record;
mod registry;
mod schema;

use alloc::{string::String, vec::Vec};

use ark_ff::{AdditiveGroup as _, Field as _};

pub(crate) use self::registry::halves;
pub use self::{
    babyjubjub::{BabyJubjub, PointError, Scalar},
    eddsa::{Point, PublicKey, SIGNATURE_BYTES, SecretKey, Signature, SignatureError, challenge, verify},
    evaluate::{Clause, Evaluation, Inputs, Roots, Violation, Window, evaluate},
    parameters::{Area, FEATURE_INDEX_BITS, Item, PREDICATE_BITS, Policy, Predicate},
    record::{Record, batch_hash},
    registry::{Consent, Device, Path, Tree, nullifier_key_hash, registry_root},
    schema::{Feature, MAX_NAME, Schema, Source},
};
use crate::r1cs::Fr;

/// Levels below the root of both trees; a tree holds 2^20 leaves.
pub const TREE_DEPTH: usize = 20;
/// Bits of times, ends of validity, ages, epochs and their length, sequence numbers and batch numbers.
pub const TIME_BITS: u32 = 40;
/// Bits of a coordinate.
pub const COORDINATE_BITS: u32 = 32;
/// Bits of the masks of purposes, of categories and of device classes.
pub const MASK_BITS: u32 = 32;
/// Most bits of a feature.
pub const MAX_FEATURE_BITS: u32 = 32;
/// Most features of a record; bits of the feature mask.
pub const MAX_FEATURES: usize = 64;
/// Threshold predicates that a policy has room for.
pub const MAX_PREDICATES: usize = 4;
/// Bits that are packed into one field element.
pub const PACKED_BITS: u32 = 248;

/// Domain tags: ASCII, at most 31 bytes, each for one use.
pub mod tags {
    /// Chain of a record's packed features.
    pub const FEATURES: &str = "avouch/features/v1";
    /// A record.
    pub const RECORD: &str = "avouch/record/v1";
    /// Chain of a batch's record hashes.
    pub const RECORDS: &str = "avouch/records/v1";
    /// A batch: what a device signs.
    pub const BATCH: &str = "avouch/batch/v1";
    /// A nullifier key, as a device's leaf holds it.
    pub const NULLIFIER_KEY: &str = "avouch/nullifier-key/v1";
    /// A leaf of the device tree.
    pub const DEVICE: &str = "avouch/device/v1";
    /// A leaf of the consent tree.
    pub const CONSENT: &str = "avouch/consent/v1";
    /// Slot 3: both roots.
    pub const REGISTRY: &str = "avouch/registry/v1";
    /// Slot 2: the policy's chain.
    pub const POLICY: &str = "avouch/policy/v1";
    /// Slot 5.
    pub const NULLIFIER: &str = "avouch/nullifier/v1";

    /// All of them.
    pub const ALL: [&str; 10] =
        [FEATURES, RECORD, RECORDS, BATCH, NULLIFIER_KEY, DEVICE, CONSENT, REGISTRY, POLICY, NULLIFIER];
}

/// Packs values at their widths: from the least significant bit up, and a value that does not fit into the
/// [`PACKED_BITS`] of an element starts the next one. Injective on values below 2^width.
pub fn pack(fields: impl IntoIterator<Item = (u32, Fr)>) -> Vec<Fr> {
    let mut elements = Vec::new();
    let (mut used, mut weight) = (0, Fr::ONE);
    for (bits, value) in fields {
        match elements.last_mut() {
            Some(last) if used + bits <= PACKED_BITS => *last += weight * value,
            _ => {
                (used, weight) = (0, Fr::ONE);
                elements.push(value);
            }
        }
        used += bits;
        weight *= Fr::ONE.double().pow([bits.into()]);
    }
    elements
}

/// A part of a data policy that breaks a rule of its format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {message}")]
pub struct FormatError {
    /// Which part.
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl FormatError {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::circuit::CommitmentUse;

    #[test]
    fn tags_are_short_ascii_and_distinct() {
        let commitments = [CommitmentUse::Input, CommitmentUse::Output].into_iter().flat_map(CommitmentUse::tags);
        let mut all: Vec<&str> = tags::ALL.into_iter().chain(commitments).chain(["avouch/policy/empty/v1"]).collect();
        assert!(all.iter().all(|t| t.is_ascii() && t.len() <= 31));
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn a_value_that_does_not_fit_starts_the_next_element() {
        let two = Fr::from(2u64);
        let one = Fr::ONE;
        assert!(pack([]).is_empty());
        assert_eq!(pack([(8, Fr::from(3u64)), (40, one)]), [Fr::from(3u64 + 256)]);
        assert_eq!(pack([(247, one), (1, one)]), [one + two.pow([247])]);
        assert_eq!(pack([(247, one), (2, one), (3, one)]), [one, one + two.pow([2])]);
    }
}
