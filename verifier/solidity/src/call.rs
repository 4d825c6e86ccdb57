//! A proof as a contract takes it.

use ark_bn254::{G1Affine, G2Affine};
use ark_serialize::CanonicalDeserialize;
use avouch_verifier::{AcceptedKey, DecodeError, Problem, ProofFile, SLOTS, VerifyError, verify};
use sha3::{Digest as _, Keccak256};

use crate::{
    ExportError,
    words::{Word, g1, g2},
};

/// The arguments of `IAvouchVerifier.verify`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// The eight public inputs.
    pub statement: [Word; SLOTS],
    /// The proof's points, uncompressed: A, B, C; or A, B, C₁, C₂.
    pub proof: Vec<Word>,
}

impl Call {
    /// Verifies a proof file, and writes its points out.
    ///
    /// # Errors
    /// A proof that does not hold, or of a proof system without contracts.
    pub fn new(key: &AcceptedKey, proof_file: &[u8]) -> Result<Self, ExportError> {
        let claim = verify(key, proof_file)?;
        // It verifies, so the file decodes, and its points do.
        let file = ProofFile::decode(proof_file).map_err(VerifyError::from)?;
        let mut rest = file.envelope().proof();
        let mut proof = Vec::new();
        proof.extend(g1(&read::<G1Affine>(&mut rest)?));
        proof.extend(g2(&read::<G2Affine>(&mut rest)?));
        while !rest.is_empty() {
            proof.extend(g1(&read::<G1Affine>(&mut rest)?));
        }
        Ok(Self { statement: *claim.statement().slots(), proof })
    }

    /// The data of a call of `verify(uint256[8],bytes)`.
    pub fn calldata(&self) -> Vec<u8> {
        let number = |n: usize| {
            let mut word = [0; 32];
            let bytes = n.to_be_bytes();
            word[32 - bytes.len()..].copy_from_slice(&bytes);
            word
        };
        let mut data = Keccak256::digest("verify(uint256[8],bytes)")[..4].to_vec();
        // The bytes stand behind the statement and where they are.
        let head = [number(32 * (SLOTS + 1)), number(32 * self.proof.len())];
        for word in self.statement.iter().chain(&head).chain(&self.proof) {
            data.extend_from_slice(word);
        }
        data
    }
}

fn read<P: CanonicalDeserialize>(bytes: &mut &[u8]) -> Result<P, ExportError> {
    P::deserialize_compressed(bytes).map_err(|_| {
        VerifyError::File(DecodeError { what: "proof", field: "point", problem: Problem::NotAPoint }).into()
    })
}
