//! What anybody can check of a ceremony with the model, its schema and the phase 1 file: that the transcript starts from the
//! key that they lead to, that every contribution holds, and that the final key is the last one's.

use std::{
    fs::File,
    io::{self, BufReader, Read as _},
    path::Path,
};

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::{AffineRepr as _, CurveGroup as _, pairing::Pairing as _};
use ark_ff::PrimeField as _;
use avouch_circuits::circuit::Circuit;
use avouch_verifier::{KeyMaterial, SetupKind, VerifyingKey};
use rayon::prelude::*;

use super::{
    CeremonyError, Subject,
    error::{Delta, Reason, Rejected},
    phase1::{self, Phase1},
    report::Report,
    state::State,
    transcript::{Head, Transcript},
    trust::Trust,
    weights,
};
use crate::{
    files::FileError,
    groth16::{self, Points, msm},
    keys::{self, Keys},
    progress::{self, Progress},
};

/// What is checked beside the last file.
#[derive(Default)]
pub struct Evidence<'a> {
    /// Files of earlier contributions.
    pub earlier: &'a [State],
    /// The final verifying key.
    pub key: Option<&'a VerifyingKey>,
    /// The final `proving.key`.
    pub proving_key: Option<&'a Path>,
}

/// Checks a ceremony, whose last file this is, and what it led to.
///
/// # Errors
/// The first thing that does not hold; or the work was stopped.
pub fn check(
    subject: &Subject<'_>,
    phase1: Phase1,
    state: &State,
    evidence: &Evidence<'_>,
    progress: &dyn Progress,
) -> Result<Report, CeremonyError> {
    let points = check_all(subject, phase1, state, evidence.earlier, progress)?;
    let mut report = Report::new(&state.transcript, evidence.earlier);
    let Some(claimed) = evidence.key else { return Ok(report) };
    let keys = final_keys(subject, state, points)?;
    compare_keys(claimed, &keys.verifying)?;
    report.vk_digest = Some(*claimed.digest());
    if let (Some(path), keys::ProvingKey::Groth16(key)) = (evidence.proving_key, &keys.proving) {
        compare_file(path, key)?;
        report.is_proving_key_checked = true;
    }
    Ok(report)
}

/// Checks that a key of a circuit is that of a ceremony, from the files of phase 1 and of the ceremony's end, and that the
/// ceremony is trusted. The report then names the key's digest.
///
/// # Errors
/// As of [`check`]; phase 1 does not hold; or the ceremony holds, but is not trusted.
pub fn audit(
    circuit: &Circuit,
    key: &VerifyingKey,
    phase1: &Path,
    transcript: &Path,
    trust: &Trust<'_>,
    progress: &dyn Progress,
) -> Result<Report, CeremonyError> {
    let state = State::read(transcript)?;
    // Cheap, so before all else; what the transcript says is checked below.
    trust.check(&Report::new(&state.transcript, &[]))?;
    let subject = Subject::new(key.system(), circuit, key.label())?;
    let phase1 = phase1::read(phase1, subject.points(), progress)?;
    let evidence = Evidence { key: Some(key), ..Evidence::default() };
    check(&subject, phase1, &state, &evidence, progress)
}

/// Checks a ceremony and makes its keys, of kind `ceremony`.
///
/// # Errors
/// As of [`check`]; or nobody contributed.
pub fn finalize(
    subject: &Subject<'_>,
    phase1: Phase1,
    state: &State,
    progress: &dyn Progress,
) -> Result<(Keys, Report), CeremonyError> {
    let points = check_all(subject, phase1, state, &[], progress)?;
    let keys = final_keys(subject, state, points)?;
    let report = Report { vk_digest: Some(*keys.verifying.digest()), ..Report::new(&state.transcript, &[]) };
    Ok((keys, report))
}

/// Checks the transcript and all points, and gives those of the initial key.
fn check_all(
    subject: &Subject<'_>,
    phase1: Phase1,
    state: &State,
    earlier: &[State],
    progress: &dyn Progress,
) -> Result<Points, CeremonyError> {
    check_transcript(subject, &phase1.hash, &state.transcript, progress)?;
    let (points, head) = subject.start(phase1, progress)?;
    check_points(&points, &head, state, earlier, progress)?;
    Ok(points)
}

/// All that takes no points: cheap, and with the better reasons.
pub(super) fn check_transcript(
    subject: &Subject<'_>,
    phase1: &[u8; 64],
    transcript: &Transcript,
    progress: &dyn Progress,
) -> Result<(), CeremonyError> {
    check_subject(subject, transcript)?;
    if phase1 != transcript.phase1() {
        return Err(differs("phase 1", hex::encode(transcript.phase1()), hex::encode(phase1)));
    }
    check_beacon(transcript, progress)
}

/// A ceremony starts from this initial key and this head, and the points of all its files are multiples of the key's.
pub(super) fn check_points(
    initial: &Points,
    head: &Head,
    state: &State,
    earlier: &[State],
    progress: &dyn Progress,
) -> Result<(), CeremonyError> {
    compare_heads(state.transcript.head(), head)?;
    progress.begin("checking the contributions", 1 + earlier.len() as u64);
    for step in earlier {
        if !state.transcript.begins_with(&step.transcript) {
            return Err(Rejected::OtherStep { index: step.transcript.index() }.into());
        }
        check_scaled(initial, step)?;
        progress.advance(1);
        progress::check(progress)?;
    }
    check_scaled(initial, state)?;
    progress.advance(1);
    Ok(())
}

fn check_subject(subject: &Subject<'_>, transcript: &Transcript) -> Result<(), CeremonyError> {
    let (head, description) = (transcript.head(), &subject.circuit.description);
    if transcript.system() != subject.variant.system() {
        return Err(differs("proof system", &head.system, subject.variant.system()));
    }
    if head.model_id.0 != description.model_id {
        return Err(differs("model", head.model_id, hex::encode(description.model_id)));
    }
    if head.circuit_id.0 != description.circuit_id() {
        return Err(differs("circuit", head.circuit_id, hex::encode(description.circuit_id())));
    }
    if head.label != subject.label {
        return Err(differs("label", &head.label, &subject.label));
    }
    Ok(())
}

fn compare_heads(head: &Head, rebuilt: &Head) -> Result<(), CeremonyError> {
    if head.sizes != rebuilt.sizes {
        return Err(differs("phases of the wires", format!("{:?}", head.sizes), format!("{:?}", rebuilt.sizes)));
    }
    let digests = [
        ("α, β, A, B and IC", head.fixed_points, rebuilt.fixed_points),
        ("L and H of the initial key", head.moving_points, rebuilt.moving_points),
        ("key template", head.key_template, rebuilt.key_template),
    ];
    if let Some((what, transcript, rebuilt)) = digests.into_iter().find(|(_, a, b)| a != b) {
        return Err(differs(what, transcript, rebuilt));
    }
    // Nothing else is left, but a field that is added later must not be forgotten.
    if head != rebuilt { Err(differs("head", "something else", "another one")) } else { Ok(()) }
}

fn differs(what: &'static str, transcript: impl ToString, rebuilt: impl ToString) -> CeremonyError {
    Rejected::Differs { what, transcript: transcript.to_string(), rebuilt: rebuilt.to_string() }.into()
}

/// The last contribution's secrets are those of its beacon, if it is one.
fn check_beacon(transcript: &Transcript, progress: &dyn Progress) -> Result<(), CeremonyError> {
    let Some(last) = transcript.contributions().last() else { return Ok(()) };
    let Some(beacon) = &last.beacon else { return Ok(()) };
    let phases = last.updates.len();
    let secrets = beacon.secrets(&last.previous.0, phases, progress)?;
    for (phase, (update, secret)) in last.updates.iter().zip(secrets).enumerate() {
        if update.secret_g2.0 != (G2Affine::generator() * secret).into_affine() {
            let reason = Reason::Beacon(Delta { phase, phases });
            return Err(Rejected::Contribution { index: last.index, reason }.into());
        }
    }
    Ok(())
}

/// L of the first phase is the initial key's divided by its δ; L of the second and H by the last. For random weights,
/// `e(Σ wᵢ·Lᵢ, δ) = e(Σ wᵢ·L⁰ᵢ, H)`: wrong points pass with a chance of 2^−128.
fn check_scaled(initial: &Points, state: &State) -> Result<(), CeremonyError> {
    let (now, transcript) = (&state.points, &state.transcript);
    let first = transcript.head().sizes.first_phase as usize;
    let deltas = transcript.deltas();
    let last = deltas.len() - 1;
    let ((l_1, l_2), (now_1, now_2)) = (initial.l.split_at(first), now.l.split_at(first));
    let parts = [
        ("L of the first phase", l_1, now_1, 0),
        ("L of the second phase", l_2, now_2, last),
        ("H", &initial.h[..], &now.h[..], last),
    ];
    for (part, before, after, phase) in parts {
        let weights: Vec<_> = weights(before.len())?.into_par_iter().map(|w| w.into_bigint()).collect();
        let sum = |points: &[G1Affine]| msm(&[(points, &weights)]);
        if Bn254::pairing(sum(after), deltas[phase].g2) != Bn254::pairing(sum(before), G2Affine::generator()) {
            let delta = Delta { phase, phases: deltas.len() };
            return Err(Rejected::NotScaled { index: transcript.index(), part, delta }.into());
        }
    }
    Ok(())
}

/// The keys after the last contribution, from the initial points that no contribution changes.
fn final_keys(subject: &Subject<'_>, state: &State, fixed: Points) -> Result<Keys, CeremonyError> {
    let transcript = &state.transcript;
    if transcript.contributions().iter().all(|c| c.beacon.is_some()) {
        return Err(Rejected::NoContribution.into());
    }
    let deltas = transcript.deltas();
    let points = Points {
        deltas_g1: deltas.iter().map(|d| d.g1).collect(),
        deltas_g2: deltas.iter().map(|d| d.g2).collect(),
        l: state.points.l.clone(),
        h: state.points.h.clone(),
        ..fixed
    };
    let setup = SetupKind::Ceremony {
        phase1: *transcript.phase1(),
        transcript: transcript.hash(),
        last_contribution: transcript.last_hash(),
    };
    let verifying = subject.verifying_key(&points, setup)?;
    let key = groth16::ProvingKey::new(&verifying, points);
    Ok(Keys { proving: keys::ProvingKey::Groth16(key.into()), verifying })
}

/// Names the first part in which two keys differ.
pub(super) fn compare_keys(claimed: &VerifyingKey, rebuilt: &VerifyingKey) -> Result<(), Rejected> {
    let parts = [
        ("the proof system", claimed.system() == rebuilt.system()),
        ("the setup kind, or a hash that it names,", claimed.setup() == rebuilt.setup()),
        ("the circuit description", claimed.description() == rebuilt.description()),
        ("the input's shape, type, scale or zero point", claimed.input() == rebuilt.input()),
        ("the output's shape, type, scale or zero point", claimed.output() == rebuilt.output()),
        ("the label", claimed.label() == rebuilt.label()),
    ];
    if let Some((part, _)) = parts.into_iter().find(|(_, is_equal)| !is_equal) {
        return Err(Rejected::Key(part));
    }
    compare_material(claimed.material(), rebuilt.material())?;
    if claimed.digest() != rebuilt.digest() { Err(Rejected::Key("its digest")) } else { Ok(()) }
}

fn compare_material(claimed: &KeyMaterial, rebuilt: &KeyMaterial) -> Result<(), Rejected> {
    match (claimed, rebuilt) {
        (KeyMaterial::Groth16Bn254(a), KeyMaterial::Groth16Bn254(b)) => {
            let (a, b) = (a.to_ark(), b.to_ark());
            compare_points([
                ("α", a.alpha_g1 == b.alpha_g1),
                ("β", a.beta_g2 == b.beta_g2),
                ("δ", a.delta_g2 == b.delta_g2),
                ("an IC point", a.gamma_abc_g1 == b.gamma_abc_g1),
            ])
        }
        (KeyMaterial::Groth16LookupBn254(a), KeyMaterial::Groth16LookupBn254(b)) => {
            let (a, b) = (a.points(), b.points());
            let ([a_public @ .., a_challenge], [b_public @ .., b_challenge]) = (&a.ic, &b.ic);
            compare_points([
                ("α", a.alpha == b.alpha),
                ("β", a.beta == b.beta),
                ("δ1", a.delta_1 == b.delta_1),
                ("δ2", a.delta_2 == b.delta_2),
                ("an IC point", a_public == b_public),
                ("the challenge's IC point", a_challenge == b_challenge),
            ])
        }
        _ => Err(Rejected::Key("the proof system")),
    }
}

fn compare_points<const N: usize>(points: [(&'static str, bool); N]) -> Result<(), Rejected> {
    points.into_iter().find(|(_, is_equal)| !is_equal).map_or(Ok(()), |(name, _)| Err(Rejected::Key(name)))
}

/// Whether a file holds exactly this key.
pub(super) fn compare_file(path: &Path, key: &groth16::ProvingKey) -> Result<(), CeremonyError> {
    let io_error = |e: io::Error| match e.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => {
            Rejected::ProvingKey("it is not the one that model, phase 1 and transcript lead to").into()
        }
        _ => CeremonyError::from(FileError::new(path, e)),
    };
    let mut file = BufReader::with_capacity(1 << 20, File::open(path).map_err(io_error)?);
    key.write(Compare { file: &mut file, bytes: Vec::new() }).map_err(io_error)?;
    match file.read(&mut [0]).map_err(io_error)? {
        0 => Ok(()),
        _ => Err(Rejected::ProvingKey("it is longer than it may be").into()),
    }
}

/// Takes what a file holds, and nothing else.
struct Compare<R> {
    file: R,
    bytes: Vec<u8>,
}

impl<R: io::Read> io::Write for Compare<R> {
    fn write(&mut self, expected: &[u8]) -> io::Result<usize> {
        self.bytes.resize(expected.len(), 0);
        self.file.read_exact(&mut self.bytes)?;
        if self.bytes == expected { Ok(expected.len()) } else { Err(io::ErrorKind::InvalidData.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
