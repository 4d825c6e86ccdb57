//! Slot 0: what binds a proof to its use.
//!
//! A context digest is 32 bytes, in one of two forms; slot 0 holds its first 31 bytes. Whoever asks for a proof chooses
//! the context, and a proof made for one context verifies for no other. A digest of zeros binds a proof to nothing.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};
use sha3::Keccak256;

/// The type that [`EvmContext::type_hash`] is the keccak256 of, written like an EIP-712 type. The digest itself is
/// plain: there is no EIP-712 domain around it, because chain and contract are fields of it.
pub const EVM_CONTEXT_TYPE: &str =
    "AvouchContext(uint256 chainId,address hub,bytes32 taskId,address recipient,uint64 deadline)";

/// The first 31 bytes of a context digest as slot 0 holds them: a big-endian integer of 32 bytes.
pub fn context_slot(digest: &[u8; 32]) -> [u8; 32] {
    let mut slot = [0; 32];
    for (to, from) in slot.iter_mut().skip(1).zip(digest) {
        *to = *from;
    }
    slot
}

/// A context on an EVM chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EvmContext {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// The contract that takes the proof.
    pub hub: [u8; 20],
    /// The task there.
    pub task_id: [u8; 32],
    /// Who is paid.
    pub recipient: [u8; 20],
    /// Unix time after which the contract refuses the proof.
    pub deadline: u64,
}

impl EvmContext {
    /// keccak256 of [`EVM_CONTEXT_TYPE`].
    pub fn type_hash() -> [u8; 32] {
        Keccak256::digest(EVM_CONTEXT_TYPE).into()
    }

    /// keccak256(abi.encode(TYPEHASH, chainId, hub, taskId, recipient, deadline)): six words of 32 bytes.
    pub fn digest(&self) -> [u8; 32] {
        let mut h = Keccak256::new();
        h.update(Self::type_hash());
        let mut right_aligned = |value: &[u8]| {
            h.update([0u8; 32].get(value.len()..).unwrap_or_default());
            h.update(value);
        };
        right_aligned(&self.chain_id.to_be_bytes());
        right_aligned(&self.hub);
        right_aligned(&self.task_id);
        right_aligned(&self.recipient);
        right_aligned(&self.deadline.to_be_bytes());
        h.finalize().into()
    }
}

/// A context anywhere else: the same fields, as bytes of any length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GenericContext<'a> {
    /// The chain, network or service.
    pub chain: &'a [u8],
    /// The contract or endpoint that takes the proof.
    pub hub: &'a [u8],
    /// The task there.
    pub task_id: &'a [u8],
    /// Who is paid or answered.
    pub recipient: &'a [u8],
    /// Unix time after which the proof is refused; hashed as 8 bytes, big-endian.
    pub deadline: u64,
}

impl GenericContext<'_> {
    /// SHA-256 of `"avouch/context/v1"` and each field as its length (`u32`, big-endian) and its bytes; `None` if a
    /// field has 2^32 bytes or more.
    pub fn digest(&self) -> Option<[u8; 32]> {
        let mut message = Vec::from(*b"avouch/context/v1");
        for field in [self.chain, self.hub, self.task_id, self.recipient, &self.deadline.to_be_bytes()] {
            message.extend_from_slice(&u32::try_from(field.len()).ok()?.to_be_bytes());
            message.extend_from_slice(field);
        }
        Some(Sha256::digest(message).into())
    }
}
