//! A public value that nobody could know before all contributions were made, such as the hash of a block that was agreed on,
//! as the last contribution. Its secrets follow from it by SHA-256, iterated so often that nobody could try many values.

use ark_bn254::Fr;
use ark_ff::PrimeField as _;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

use super::encoding::Bytes;
use crate::progress::{self, Cancelled, Progress};

/// Longest value, in bytes.
const MAX_VALUE: usize = 256;
/// Iterations between two looks at [`Progress::is_cancelled`].
const STRIDE: u64 = 1 << 16;

/// A beacon's parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Beacon {
    /// The public value.
    pub(super) value: Bytes,
    /// Logarithm of the number of iterations: 10 to 32. More would take hours to check.
    pub(super) iterations_log2: u32,
}

impl Beacon {
    pub(super) fn is_in_range(&self) -> bool {
        (1..=MAX_VALUE).contains(&self.value.0.len()) && (10..=32).contains(&self.iterations_log2)
    }

    /// The secret of each phase, for a contribution after this one.
    pub(super) fn secrets(
        &self,
        previous: &[u8; 32],
        phases: usize,
        progress: &dyn Progress,
    ) -> Result<Vec<Fr>, Cancelled> {
        let iterations = 1u64 << self.iterations_log2.min(63);
        progress.begin("iterating the beacon's hash", iterations);
        let mut seed: [u8; 32] = Sha256::digest(&self.value.0).into();
        // The first is done.
        let mut done = 1;
        while done < iterations {
            progress::check(progress)?;
            let stride = STRIDE.min(iterations - done);
            for _ in 0..stride {
                seed = Sha256::digest(seed).into();
            }
            done += stride;
            progress.advance(stride);
        }
        let secret = |phase: usize| {
            let mut h = Sha512::new();
            h.update(b"avouch/ceremony/beacon/v1");
            h.update(previous);
            h.update([phase as u8]);
            h.update(seed);
            Fr::from_le_bytes_mod_order(&h.finalize())
        };
        Ok((0..phases).map(secret).collect())
    }
}
