//! One more contribution: new secrets for every δ, proofs that they are known, and the points divided by them.

use ark_bn254::{Fr, G1Affine, G1Projective};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{Field as _, PrimeField as _};
use rayon::prelude::*;
use sha2::{Digest as _, Sha512};
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    CeremonyError,
    beacon::Beacon,
    encoding::{Bytes, Hex},
    error::{Reason, Rejected},
    knowledge::Update,
    multiply::{Digits, multiply},
    state::{Moving, State},
    transcript::Contribution,
};
use crate::{
    progress::{self, Cancelled, Progress},
    random::{self, NoRandomness},
};

/// Points multiplied between two looks at [`Progress::is_cancelled`].
const CHUNK: usize = 1 << 12;

/// Who contributes, by their own account: a name of at most 256 bytes, and what they say about it, of at most 4096. Both
/// are public, and without control characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Contributor<'a> {
    /// A name is a claim: what counts is that its bearer publishes the contribution's hash elsewhere.
    pub name: &'a str,
    /// Such as on which machine, and what became of it.
    pub attestation: &'a str,
}

/// Contributes. Secrets come from the operating system, with the text mixed in where there is one, and are wiped.
///
/// # Errors
/// A beacon was contributed already, the name or attestation is not allowed, or the work was stopped.
pub fn contribute(
    state: State,
    who: Contributor<'_>,
    entropy: Option<&str>,
    progress: &dyn Progress,
) -> Result<State, CeremonyError> {
    let mut secrets = Zeroizing::new(Vec::new());
    for phase in 0..state.transcript.variant().phases() {
        secrets.push(draw(phase, entropy)?);
    }
    extend(state, who, None, &secrets, progress)
}

/// Ends a ceremony with a beacon: a public value that nobody could know before all contributions were made, hashed
/// 2^`iterations_log2` times. It keeps the last contributor from steering the key, and is no contribution by itself.
///
/// # Errors
/// There is a beacon already, the value is empty or longer than 256 bytes, there are not 2^10 to 2^32 iterations, or the
/// work was stopped.
pub fn beacon(
    state: State,
    who: Contributor<'_>,
    value: &[u8],
    iterations_log2: u32,
    progress: &dyn Progress,
) -> Result<State, CeremonyError> {
    let beacon = Beacon { value: Bytes(value.to_vec()), iterations_log2 };
    if !beacon.is_in_range() {
        return Err(CeremonyError::Input { field: "beacon", problem: Reason::BeaconRange.to_string() });
    }
    let transcript = &state.transcript;
    let secrets = beacon.secrets(&transcript.last_hash(), transcript.variant().phases(), progress)?;
    extend(state, who, Some(beacon), &secrets, progress)
}

/// The contribution with these secrets, one for each phase.
pub(super) fn extend(
    state: State,
    who: Contributor<'_>,
    beacon: Option<Beacon>,
    secrets: &[Fr],
    progress: &dyn Progress,
) -> Result<State, CeremonyError> {
    let State { transcript, mut points } = state;
    let previous = transcript.last_hash();
    let deltas = transcript.deltas();
    let updates = deltas
        .into_iter()
        .zip(secrets)
        .enumerate()
        .map(|(phase, (old, secret))| Update::new(&transcript.next_place(&previous, phase, old), secret));
    let mut next = Contribution {
        index: transcript.index() + 1,
        name: who.name.into(),
        attestation: who.attestation.into(),
        beacon,
        updates: updates.collect(),
        moving_points: Hex([0; 32]),
        previous: Hex(previous),
        hash: None,
    };
    // Before the long part: a bad name is found here.
    transcript.with(next.clone()).map_err(own)?;

    let inverses: Zeroizing<Vec<Fr>> =
        Zeroizing::new(secrets.iter().map(|s| s.inverse().unwrap_or_default()).collect());
    let first = transcript.head().sizes.first_phase as usize;
    let Moving { l, h } = &mut points;
    progress.begin("multiplying the points", (l.len() + h.len()) as u64);
    if let ([first_inverse, ..], [.., last_inverse]) = (inverses.as_slice(), inverses.as_slice()) {
        let (l_first, l_second) = l.split_at_mut(first);
        scale(l_first, first_inverse, progress)?;
        scale(l_second, last_inverse, progress)?;
        scale(h, last_inverse, progress)?;
    }
    next.moving_points = Hex(points.digest());
    Ok(State { transcript: transcript.with(next).map_err(own)?, points })
}

/// A contribution that does not hold is refused before anybody sees it.
fn own(e: Rejected) -> CeremonyError {
    match e {
        Rejected::Contribution { reason: reason @ Reason::Text(field), .. } => {
            CeremonyError::Input { field, problem: reason.to_string() }
        }
        e => e.into(),
    }
}

fn scale(points: &mut [G1Affine], factor: &Fr, progress: &dyn Progress) -> Result<(), Cancelled> {
    // They say what the factor is.
    let digits = Zeroizing::new(Digits::of(factor));
    for chunk in points.chunks_mut(CHUNK) {
        progress::check(progress)?;
        let scaled: Vec<G1Projective> = chunk.par_iter().map(|p| multiply(&p.into_group(), &digits)).collect();
        chunk.copy_from_slice(&G1Projective::normalize_batch(&scaled));
        progress.advance(chunk.len() as u64);
    }
    Ok(())
}

/// A secret that is neither of 0, 1 and −1: 512 bits of the operating system, which the hash of a text can only change to
/// others that are as uniform.
fn draw(phase: usize, entropy: Option<&str>) -> Result<Fr, NoRandomness> {
    loop {
        let mut bytes: Zeroizing<[u8; 64]> = Zeroizing::new(random::bytes()?);
        let mut hash = Sha512::new();
        hash.update(b"avouch/ceremony/entropy/v1");
        hash.update([phase as u8]);
        hash.update(entropy.unwrap_or_default());
        let mut text: [u8; 64] = hash.finalize().into();
        bytes.iter_mut().zip(&text).for_each(|(byte, text)| *byte ^= text);
        text.zeroize();
        let secret = Fr::from_le_bytes_mod_order(&*bytes);
        if ![0, 1, -1].map(Fr::from).contains(&secret) {
            return Ok(secret);
        }
    }
}
