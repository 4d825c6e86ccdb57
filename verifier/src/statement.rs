//! The statement: eight public inputs.
//!
//! Each slot is a canonical element of the proof system's scalar field, written as 32 bytes, big-endian, below the
//! modulus. A statement belongs to one proof system, because the moduli differ.

use alloc::vec::Vec;
use core::ops::RangeInclusive;

use sha2::{Digest as _, Sha256};

use crate::{
    bytes::Reader,
    error::{DecodeError, Problem},
    system::SystemId,
};

/// Number of public inputs, for every proof system.
pub const SLOTS: usize = 8;

const WHAT: &str = "statement";

/// One of the eight public inputs, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Slot {
    /// 0: binds the proof to its use; zero if it is bound to none.
    Context,
    /// 1: the circuit that was proven.
    CircuitId,
    /// 2: the data policy; [`EMPTY_POLICY_ID`](crate::EMPTY_POLICY_ID) without one.
    PolicyId,
    /// 3: roots of the device and consent trees; zero without a data policy.
    RegistryRoot,
    /// 4: a [`Window`]; zero without a data policy.
    Window,
    /// 5: names the batch of records once and for all; zero without a data policy.
    Nullifier,
    /// 6: a hiding commitment to the model's input.
    InputCommitment,
    /// 7: by the circuit's disclosure.
    Output,
}

impl Slot {
    /// All slots, in order.
    pub const ALL: [Self; SLOTS] = [
        Self::Context,
        Self::CircuitId,
        Self::PolicyId,
        Self::RegistryRoot,
        Self::Window,
        Self::Nullifier,
        Self::InputCommitment,
        Self::Output,
    ];

    /// The name used in messages and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::CircuitId => "circuit_id",
            Self::PolicyId => "policy_id",
            Self::RegistryRoot => "registry_root",
            Self::Window => "window",
            Self::Nullifier => "nullifier",
            Self::InputCommitment => "input_commitment",
            Self::Output => "output",
        }
    }
}

/// Eight canonical field elements of one proof system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    system: SystemId,
    slots: [[u8; 32]; SLOTS],
}

impl Statement {
    /// Length of the encoding: 8 × 32 bytes.
    pub const ENCODED_LEN: usize = 256;

    /// Takes the slots in order, each 32 bytes, big-endian.
    ///
    /// # Errors
    /// Names the first slot that is not below the modulus of the proof system's field.
    pub fn new(system: SystemId, slots: [[u8; 32]; SLOTS]) -> Result<Self, DecodeError> {
        let modulus = system.modulus();
        for (slot, value) in Slot::ALL.iter().zip(&slots) {
            if *value >= modulus {
                return Err(DecodeError::new(WHAT, slot.name(), Problem::NotCanonical));
            }
        }
        Ok(Self { system, slots })
    }

    /// Reads exactly 8 × 32 bytes.
    ///
    /// # Errors
    /// Missing or trailing bytes, or a slot that is not below the modulus.
    pub fn decode(system: SystemId, bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(WHAT, bytes);
        let mut slots = [[0; 32]; SLOTS];
        for (slot, value) in Slot::ALL.iter().zip(&mut slots) {
            *value = r.array(slot.name())?;
        }
        r.finish()?;
        Self::new(system, slots)
    }

    /// The slots in order, 32 bytes each.
    pub fn encode(&self) -> Vec<u8> {
        self.slots.concat()
    }

    /// SHA-256 of `"avouch/statement/v1"`, the proof system's id and the encoding.
    pub fn digest(&self) -> [u8; 32] {
        let mut h = Sha256::new();
        h.update(b"avouch/statement/v1");
        h.update(self.system.bytes());
        h.update(self.encode());
        h.finalize().into()
    }

    /// The proof system whose field the slots are of.
    pub fn system(&self) -> SystemId {
        self.system
    }

    /// All slots in order.
    pub fn slots(&self) -> &[[u8; 32]; SLOTS] {
        &self.slots
    }

    /// One slot.
    pub fn slot(&self, slot: Slot) -> &[u8; 32] {
        let [context, circuit_id, policy_id, registry_root, window, nullifier, input_commitment, output] = &self.slots;
        match slot {
            Slot::Context => context,
            Slot::CircuitId => circuit_id,
            Slot::PolicyId => policy_id,
            Slot::RegistryRoot => registry_root,
            Slot::Window => window,
            Slot::Nullifier => nullifier,
            Slot::InputCommitment => input_commitment,
            Slot::Output => output,
        }
    }

    /// Slot 0.
    pub fn context(&self) -> &[u8; 32] {
        self.slot(Slot::Context)
    }

    /// Slot 1.
    pub fn circuit_id(&self) -> &[u8; 32] {
        self.slot(Slot::CircuitId)
    }

    /// Slot 2.
    pub fn policy_id(&self) -> &[u8; 32] {
        self.slot(Slot::PolicyId)
    }

    /// Slot 3.
    pub fn registry_root(&self) -> &[u8; 32] {
        self.slot(Slot::RegistryRoot)
    }

    /// Slot 4; [`Window::from_slot`] takes it apart.
    pub fn window(&self) -> &[u8; 32] {
        self.slot(Slot::Window)
    }

    /// Slot 5.
    pub fn nullifier(&self) -> &[u8; 32] {
        self.slot(Slot::Nullifier)
    }

    /// Slot 6.
    pub fn input_commitment(&self) -> &[u8; 32] {
        self.slot(Slot::InputCommitment)
    }

    /// Slot 7.
    pub fn output(&self) -> &[u8; 32] {
        self.slot(Slot::Output)
    }
}

/// Slot 4 taken apart: t_lo + t_hi·2^40 + record_count·2^80.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// No record is older: seconds since 1970, below 2^40.
    pub t_lo: u64,
    /// No record is younger: seconds since 1970, below 2^40.
    pub t_hi: u64,
    /// Records that the proof covers.
    pub records: u16,
}

impl Window {
    /// The times that fit.
    pub const TIMES: RangeInclusive<u64> = 0..=0xff_ffff_ffff;

    /// Takes slot 4 apart; `None` if anything is set above the record count.
    pub fn from_slot(slot: &[u8; 32]) -> Option<Self> {
        let (zeros, rest) = slot.split_first_chunk::<20>()?;
        let (&records, rest) = rest.split_first_chunk::<2>()?;
        let (t_hi, t_lo) = rest.split_first_chunk::<5>()?;
        let time = |t: &[u8]| t.iter().fold(0u64, |acc, &b| acc << 8 | u64::from(b));
        let window = Self { t_lo: time(t_lo), t_hi: time(t_hi), records: u16::from_be_bytes(records) };
        (*zeros == [0; 20]).then_some(window)
    }

    /// Slot 4; `None` if a time does not fit into 40 bits.
    pub fn to_slot(self) -> Option<[u8; 32]> {
        if !Self::TIMES.contains(&self.t_lo) || !Self::TIMES.contains(&self.t_hi) {
            return None;
        }
        let low = u128::from(self.t_lo) | u128::from(self.t_hi) << 40 | u128::from(self.records) << 80;
        let mut slot = [0; 32];
        *slot.last_chunk_mut()? = low.to_be_bytes();
        Some(slot)
    }
}

impl core::fmt::Display for Window {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let s = if self.records == 1 { "" } else { "s" };
        write!(f, "{} record{s} between {} and {} (Unix time)", self.records, self.t_lo, self.t_hi)
    }
}
