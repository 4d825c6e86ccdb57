//! The envelope around a proof, and the proof file.
//!
//! | envelope | bytes | | proof file | bytes |
//! |---|---|---|---|---|
//! | magic `AVEN` | 4 | | magic `AVPF` | 4 |
//! | format version | 2 | | format version | 2 |
//! | proof system's id | 16 | | statement, 8 × 32 | 256 |
//! | verifying key digest | 32 | | envelope | the rest |
//! | statement digest | 32 | | | |
//! | length | 4 | | | |
//! | proof | length | | | |
//!
//! Neither holds a salt or anything else that is secret. Proof bytes identify nothing: Groth16 proofs can be
//! re-randomized by anyone, so two files may prove the same statement.

use alloc::vec::Vec;

use crate::{
    bytes::{Reader, put_counted, put_header},
    error::{DecodeError, Problem},
    key::VerifyingKey,
    statement::{SLOTS, Slot, Statement},
    system::SystemId,
};

/// A proof, and which key and statement it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    system: SystemId,
    vk_digest: [u8; 32],
    statement_digest: [u8; 32],
    proof: Vec<u8>,
}

impl Envelope {
    const MAGIC: &[u8; 4] = b"AVEN";
    const WHAT: &str = "envelope";

    /// Puts a proof that `key` verifies for `statement` into its envelope.
    ///
    /// # Errors
    /// A statement of another proof system than the key's, or a proof of a wrong length.
    pub fn new(key: &VerifyingKey, statement: &Statement, proof: Vec<u8>) -> Result<Self, DecodeError> {
        let system = key.system();
        if statement.system() != system {
            let problem = Problem::Relation("the statement is of another proof system than the key");
            return Err(DecodeError::new(Self::WHAT, "system", problem));
        }
        let rule = system.proof_length();
        if !rule.admits(proof.len()) {
            let problem = Problem::Length { found: proof.len(), expected: rule };
            return Err(DecodeError::new(Self::WHAT, "proof", problem));
        }
        Ok(Self { system, vk_digest: *key.digest(), statement_digest: statement.digest(), proof })
    }

    /// Reads an envelope, all of `bytes`. The proof inside is not looked at.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(Self::WHAT, bytes);
        r.header(Self::MAGIC)?;
        let system = SystemId::read(&mut r)?;
        let envelope = Self {
            system,
            vk_digest: r.array("verifying key digest")?,
            statement_digest: r.array("statement digest")?,
            proof: r.counted("proof", system.proof_length())?.to_vec(),
        };
        r.finish()?;
        Ok(envelope)
    }

    /// The encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_header(&mut out, Self::MAGIC);
        out.extend_from_slice(&self.system.bytes());
        out.extend_from_slice(&self.vk_digest);
        out.extend_from_slice(&self.statement_digest);
        put_counted(&mut out, &self.proof);
        out
    }

    /// The proof system.
    pub fn system(&self) -> SystemId {
        self.system
    }

    /// Digest of the verifying key that the proof is for.
    pub fn vk_digest(&self) -> &[u8; 32] {
        &self.vk_digest
    }

    /// Digest of the statement that the proof is for.
    pub fn statement_digest(&self) -> &[u8; 32] {
        &self.statement_digest
    }

    /// The bare proof.
    pub fn proof(&self) -> &[u8] {
        &self.proof
    }
}

/// What `avouch prove` writes: a statement and the envelope of its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProofFile {
    statement: Statement,
    envelope: Envelope,
}

impl ProofFile {
    const MAGIC: &[u8; 4] = b"AVPF";
    const WHAT: &str = "proof file";

    /// A proof of `statement` that `key` verifies. Whether it does is not checked here.
    ///
    /// # Errors
    /// Those of [`Envelope::new`].
    pub fn new(key: &VerifyingKey, statement: Statement, proof: Vec<u8>) -> Result<Self, DecodeError> {
        let envelope = Envelope::new(key, &statement, proof)?;
        Ok(Self { statement, envelope })
    }

    /// Reads a proof file, all of `bytes`. Nothing about the proof is checked.
    ///
    /// # Errors
    /// Names the first field that is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(Self::WHAT, bytes);
        r.header(Self::MAGIC)?;
        let mut slots = [[0; 32]; SLOTS];
        for (slot, value) in Slot::ALL.iter().zip(&mut slots) {
            *value = r.array(slot.name())?;
        }
        let envelope = Envelope::decode(r.rest())?;
        Ok(Self { statement: Statement::new(envelope.system, slots)?, envelope })
    }

    /// The encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_header(&mut out, Self::MAGIC);
        out.extend_from_slice(&self.statement.encode());
        out.extend_from_slice(&self.envelope.encode());
        out
    }

    /// The statement, as the prover states it.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The envelope.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }
}
