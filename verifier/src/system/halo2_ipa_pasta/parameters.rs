//! The parameters of the commitment scheme: for each k, 2^k points of Vesta and two more that nobody knows a relation
//! between.
//!
//! They are hashes to the curve, so anybody can make them, and there is nothing to trust. But parameters with a known
//! relation let whoever knows it forge, so the SHA-256 of each set is pinned here: points that were read from a file are
//! held against it, and those just derived as well.
//!
//! | file | bytes |
//! |---|---|
//! | k, little-endian | 4 |
//! | G₀ … G_{2^k − 1} | 32 each |
//! | the same points after an inverse FFT, for commitments to values | 32 each |
//! | W, U | 32 + 32 |
//!
//! A set is a constant of mathematics, and a process keeps each that it has used.

use alloc::vec::Vec;
use std::sync::{Mutex, OnceLock, PoisonError};

use halo2_proofs::{pasta::EqAffine, poly::commitment::Params};
use sha2::{Digest as _, Sha256};

/// k, and the SHA-256 of its parameters.
const PINNED: [(u32, &str); 14] = [
    (5, "106977185e775dffe917fe065308d3469d747e79617911bfb7d3f78e2bcb552c"),
    (6, "606ec71853588ea2414707e98ffb181091f6985d294d03d4165fb400a9a6b3a6"),
    (7, "432e492288c43ccabdffb913625109ca76f66312cd4625c9a258a2e33a28c400"),
    (8, "96d2448c483f4df37e69b4f72db328cd8520b09d49f5e7c801da7994150b9b33"),
    (9, "b7ea13dd3cfe5db384fab28fd90c4ca7327fb20d3fde16c12eb8b3f81538cb62"),
    (10, "65235f086265cdf98b12514ab36fe9b849198870918d73cd160903ceb0a954dc"),
    (11, "1eab6f93a080ce41b908d935c04bd2e3ed1ac23f277c15d11c499d56d28fa0f7"),
    (12, "1b97b06da453b9efb1ae18b9ba77c3d870f22dc72898297d5707e340c3f44865"),
    (13, "76ebe6b75b5281cb1dcc2eb04888968573758672b521522f62abedf6366bb876"),
    (14, "1cb278fe4d9cf5325e5cbc710d863c0deca3e961e1b8f6c8736890c43345c461"),
    (15, "e1fb29749c7bd0870768044d5329b4e293cb2d44dae24db2554605427b19d0dd"),
    (16, "174780f80c577d968d10bc3f0a8f819e55a96b9e882ffe73c15d55e9f94053e2"),
    (17, "7c65b8e3d12f2c1054f07c2721da8670d97f0f14c846df6bcf4d390dd62cbceb"),
    (18, "50645fa7a51508a3fe9e34b5b34ee31bfe6a19891364b682d801b3ca265afe33"),
];

static KNOWN: [OnceLock<Params<EqAffine>>; PINNED.len()] = [const { OnceLock::new() }; PINNED.len()];

/// Parameters that are not what they should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// There are none for this k.
    #[error("there are no parameters for k = {0}")]
    UnknownK(u32),
    /// They are not the ones that are pinned: whoever made them may be able to forge proofs.
    #[error("the parameters for k = {0} are not the ones that are pinned; derive them again")]
    NotPinned(u32),
    /// No parameters at all.
    #[error("not the encoding of parameters")]
    Malformed,
}

/// Every k that there are parameters for, in ascending order.
pub fn sizes() -> impl Iterator<Item = u32> {
    PINNED.iter().map(|&(k, _)| k)
}

/// The SHA-256 of the file of this k's parameters, in hexadecimal: a constant of the verifier's source.
///
/// # Errors
/// A k that there are none for.
pub fn pinned(k: u32) -> Result<&'static str, ParametersError> {
    entry(k).map(|(_, pinned)| pinned)
}

/// Bytes of the file for this k.
pub fn file_length(k: u32) -> usize {
    1usize.checked_shl(k).and_then(|n| n.checked_mul(64)?.checked_add(4 + 64)).unwrap_or(usize::MAX)
}

/// The parameters for this k: those that the process has, or derived, which takes seconds.
///
/// # Errors
/// A k that there are none for.
pub fn get(k: u32) -> Result<&'static Params<EqAffine>, ParametersError> {
    let (known, pinned) = entry(k)?;
    // One at a time: a second thread that asks waits rather than deriving them too.
    static DERIVING: Mutex<()> = Mutex::new(());
    let _guard = DERIVING.lock().unwrap_or_else(PoisonError::into_inner);
    match known.get() {
        Some(params) => Ok(params),
        None => keep(known, Params::new(k), pinned),
    }
}

/// The parameters of a file, if they are the ones that are pinned. From then on [`get`] gives them.
///
/// # Errors
/// Anything else.
pub fn load(bytes: &[u8]) -> Result<&'static Params<EqAffine>, ParametersError> {
    let (&k, _) = bytes.split_first_chunk::<4>().ok_or(ParametersError::Malformed)?;
    let k = u32::from_le_bytes(k);
    let (known, pinned) = entry(k)?;
    // Before anything in it is believed.
    if bytes.len() != file_length(k) || hex::encode(Sha256::digest(bytes)) != pinned {
        return Err(ParametersError::NotPinned(k));
    }
    match known.get() {
        Some(params) => Ok(params),
        None => keep(known, Params::read(&mut { bytes }).map_err(|_| ParametersError::Malformed)?, pinned),
    }
}

/// The file of these parameters.
pub fn encode(params: &Params<EqAffine>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(file_length(params.k()));
    // Writing to a vector does not fail.
    let _ = params.write(&mut bytes);
    bytes
}

fn entry(k: u32) -> Result<(&'static OnceLock<Params<EqAffine>>, &'static str), ParametersError> {
    let found = PINNED.iter().zip(&KNOWN).find(|((other, _), _)| *other == k);
    found.map(|((_, pinned), known)| (known, *pinned)).ok_or(ParametersError::UnknownK(k))
}

/// Keeps parameters for good, after a last look at what they are.
fn keep(
    known: &'static OnceLock<Params<EqAffine>>,
    params: Params<EqAffine>,
    pinned: &str,
) -> Result<&'static Params<EqAffine>, ParametersError> {
    if hex::encode(Sha256::digest(encode(&params))) != pinned {
        return Err(ParametersError::NotPinned(params.k()));
    }
    Ok(known.get_or_init(|| params))
}
