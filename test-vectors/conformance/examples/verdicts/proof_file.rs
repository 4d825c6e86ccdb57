//! A proof file in parts that need not fit together: see `docs/formats.md`.

use std::error::Error;

use sha2::{Digest as _, Sha256};

/// 32 bytes, big-endian.
pub(crate) type Word = [u8; 32];

/// What a proof file is made of.
#[derive(Clone)]
pub(crate) struct Parts {
    pub(crate) magic: [u8; 4],
    pub(crate) version: [u8; 2],
    pub(crate) slots: Vec<Word>,
    pub(crate) envelope_magic: [u8; 4],
    pub(crate) envelope_version: [u8; 2],
    pub(crate) system: [u8; 16],
    pub(crate) vk_digest: Word,
    pub(crate) statement_digest: Word,
    /// Of the proof, as the file says.
    pub(crate) length: u32,
    pub(crate) proof: Vec<u8>,
}

impl Parts {
    pub(crate) fn read(file: &[u8]) -> Result<Self, Box<dyn Error>> {
        let mut rest = file;
        let slots = |rest: &mut &[u8]| (0..8).map(|_| take(rest)).collect::<Result<Vec<Word>, _>>();
        Ok(Self {
            magic: take(&mut rest)?,
            version: take(&mut rest)?,
            slots: slots(&mut rest)?,
            envelope_magic: take(&mut rest)?,
            envelope_version: take(&mut rest)?,
            system: take(&mut rest)?,
            vk_digest: take(&mut rest)?,
            statement_digest: take(&mut rest)?,
            length: u32::from_le_bytes(take(&mut rest)?),
            proof: rest.into(),
        })
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        [
            &self.magic[..],
            &self.version,
            &self.slots.concat(),
            &self.envelope_magic,
            &self.envelope_version,
            &self.system,
            &self.vk_digest,
            &self.statement_digest,
            &self.length.to_le_bytes(),
            &self.proof,
        ]
        .concat()
    }

    /// With other slots, and their digest.
    pub(crate) fn with_slots(&self, slots: Vec<Word>) -> Self {
        let digest = Sha256::new().chain_update("avouch/statement/v1").chain_update(self.system);
        let statement_digest = digest.chain_update(slots.concat()).finalize().into();
        Self { slots, statement_digest, ..self.clone() }
    }

    /// With another slot, and the digest of them all.
    pub(crate) fn with_slot(&self, slot: usize, value: Word) -> Self {
        let mut slots = self.slots.clone();
        slots[slot] = value;
        self.with_slots(slots)
    }

    /// With another proof, and its length.
    pub(crate) fn with_proof(&self, proof: Vec<u8>) -> Self {
        let length = u32::try_from(proof.len()).unwrap_or(u32::MAX);
        Self { length, proof, ..self.clone() }
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], Box<dyn Error>> {
    let (&part, after) = rest.split_first_chunk().ok_or("the file is too short")?;
    *rest = after;
    Ok(part)
}

/// a + b, if it is below 2^256.
pub(crate) fn sum(a: &Word, b: &Word) -> Option<Word> {
    let (mut sum, mut carry) = ([0; 32], 0u16);
    for i in (0..32).rev() {
        let digit = u16::from(a[i]) + u16::from(b[i]) + carry;
        (sum[i], carry) = (digit.to_le_bytes()[0], digit >> 8);
    }
    (carry == 0).then_some(sum)
}
