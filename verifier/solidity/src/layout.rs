//! Plain Groth16 keys and proofs in the bytes of other chains.

use ark_bn254::Bn254;
use ark_groth16::VerifyingKey;
use ark_serialize::CanonicalSerialize as _;
use avouch_verifier::{AcceptedKey, KeyMaterial, ProofFile, VerifyError};

use crate::{
    Call, ExportError,
    words::{Word, g1, g2, negated},
};

/// What a chain's program is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The verifying key.
    pub verifying_key: Vec<u8>,
    /// The proof.
    pub proof: Vec<u8>,
    /// The eight public inputs, 32 bytes each.
    pub public: Vec<u8>,
}

/// For Solana's alt_bn128 calls, as the crate groth16-solana takes them: coordinates are 32 bytes, big-endian, in G2 with
/// the imaginary part first. The key is α, β, γ, δ, IC₀ … IC₈; the proof −A, B, C.
///
/// # Errors
/// A proof that does not hold, or any proof system but `groth16-bn254:v1`.
pub fn solana(key: &AcceptedKey, proof_file: &[u8]) -> Result<Layout, ExportError> {
    let k = plain(key)?;
    let Call { statement, mut proof } = Call::new(key, proof_file)?;
    if let Some(y) = proof.get_mut(1) {
        *y = negated(y);
    }
    let mut words: Vec<Word> = g1(&k.alpha_g1).into();
    words.extend([k.beta_g2, k.gamma_g2, k.delta_g2].iter().flat_map(g2));
    words.extend(k.gamma_abc_g1.iter().flat_map(g1));
    Ok(Layout { verifying_key: words.concat(), proof: proof.concat(), public: statement.concat() })
}

/// For Sui's `groth16` module: everything as arkworks compresses it, scalars little-endian.
///
/// # Errors
/// A proof that does not hold, or any proof system but `groth16-bn254:v1`.
pub fn sui(key: &AcceptedKey, proof_file: &[u8]) -> Result<Layout, ExportError> {
    let k = plain(key)?;
    let Call { mut statement, .. } = Call::new(key, proof_file)?;
    statement.iter_mut().for_each(|slot| slot.reverse());
    let mut verifying_key = Vec::new();
    // Writing to a vector does not fail.
    let _ = k.serialize_compressed(&mut verifying_key);
    // It verifies, so it decodes; a bare proof is arkworks' encoding.
    let file = ProofFile::decode(proof_file).map_err(VerifyError::from)?;
    Ok(Layout { verifying_key, proof: file.envelope().proof().to_vec(), public: statement.concat() })
}

/// The key, if it is one of plain Groth16.
pub(crate) fn plain(key: &AcceptedKey) -> Result<VerifyingKey<Bn254>, ExportError> {
    match key.key().material() {
        KeyMaterial::Groth16Bn254(material) => Ok(material.to_ark()),
        #[allow(unreachable_patterns, reason = "other systems are features of the verifier")]
        _ => Err(ExportError::NotPlain(key.key().system())),
    }
}
