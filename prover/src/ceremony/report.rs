//! What was checked of a ceremony, and what cheating would have taken.

use avouch_circuits::circuit::Disclosure;
use avouch_verifier::SystemId;

use super::{state::State, transcript::Transcript};

/// What [`check`](super::check) found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The proof system.
    pub system: SystemId,
    /// What proofs show of the output.
    pub disclosure: Disclosure,
    /// The model that the initial key was computed from.
    pub model_id: [u8; 32],
    /// Its circuit.
    pub circuit_id: [u8; 31],
    /// BLAKE2b-512 of the phase 1 file.
    pub phase1: [u8; 64],
    /// SHA-256 of the transcript.
    pub transcript: [u8; 32],
    /// In order; the beacon, if there is one, is the last.
    pub contributions: Vec<Step>,
    /// After how many contributions files were checked besides the last.
    pub earlier: Vec<u32>,
    /// Digest of the verifying key, where one was given or made.
    pub vk_digest: Option<[u8; 32]>,
    /// Whether a `proving.key` was there, and is the right one.
    pub is_proving_key_checked: bool,
}

/// A contribution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// From 1.
    pub index: u32,
    /// Who made it, by their own account.
    pub name: String,
    /// What they say about it.
    pub attestation: String,
    /// What its maker published, if they did.
    pub hash: [u8; 32],
    /// A beacon's value, and the logarithm of its number of iterations.
    pub beacon: Option<(Vec<u8>, u32)>,
}

impl Report {
    pub(super) fn new(transcript: &Transcript, earlier: &[State]) -> Self {
        let head = transcript.head();
        let step = |c: &super::transcript::Contribution| Step {
            index: c.index,
            name: c.name.clone(),
            attestation: c.attestation.clone(),
            hash: c.hash.map_or([0; 32], |h| h.0),
            beacon: c.beacon.as_ref().map(|b| (b.value.0.clone(), b.iterations_log2)),
        };
        Self {
            system: transcript.system(),
            disclosure: transcript.disclosure(),
            model_id: head.model_id.0,
            circuit_id: head.circuit_id.0,
            phase1: head.phase1.0,
            transcript: transcript.hash(),
            contributions: transcript.contributions().iter().map(step).collect(),
            earlier: earlier.iter().map(|s| s.transcript.index()).collect(),
            vk_digest: None,
            is_proving_key_checked: false,
        }
    }

    /// Contributions that are not the beacon.
    pub fn contributors(&self) -> impl Iterator<Item = &Step> {
        self.contributions.iter().filter(|step| step.beacon.is_none())
    }

    /// In plain words, what each party would have had to do to forge proofs.
    pub fn cheating(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "Phase 1: all contributors to the file {}… together would have had to keep their secrets.",
            hex::encode(&self.phase1[..8])
        )];
        let names: Vec<String> =
            self.contributors().map(|s| format!("{:?} ({}…)", s.name, hex::encode(&s.hash[..8]))).collect();
        lines.push(match names.as_slice() {
            [] => "Phase 2: nobody contributed, so everybody can forge proofs.".into(),
            [one] => format!("Phase 2: {one} alone could have kept the secret, and would be able to forge proofs."),
            [.., last] => format!(
                "Phase 2: all {} contributors, {} together, would have had to keep their secrets; one who did not is enough.",
                names.len(),
                if names.len() <= 8 { names.join(" and ") } else { format!("the last of them {last},") }
            ),
        });
        lines.push(
            "A name is a claim: a contribution counts for who published its hash elsewhere, and one person can bear many \
             names."
                .into(),
        );
        if let Some(Step { beacon: Some((value, iterations)), .. }) = self.contributions.last() {
            lines.push(format!(
                "Beacon: its secrets are known to all. It hinders contributors from steering the key, if nobody knew {} \
                 before the last contribution, or could try it out in 2^{iterations} hashes.",
                hex::encode(value)
            ));
        }
        lines.push(
            "Coordinator: who started, carried or ended the ceremony had no secret. The initial key was computed again \
             from the model and phase 1, so another circuit or split of its wires would have been found."
                .into(),
        );
        lines
    }
}
