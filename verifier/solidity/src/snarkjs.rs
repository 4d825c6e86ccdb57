//! Plain Groth16 keys and proofs as snarkjs has them: decimal numbers, points in projective coordinates, and in G2 the
//! real part first.

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ff::PrimeField as _;
use avouch_verifier::AcceptedKey;
use serde_json::{Value, json};

use crate::{Call, ExportError, layout::plain, words::Word};

/// `verification_key.json`.
///
/// # Errors
/// Any proof system but `groth16-bn254:v1`.
pub fn verification_key(key: &AcceptedKey) -> Result<Value, ExportError> {
    let key = plain(key)?;
    Ok(json!({
        "protocol": "groth16",
        "curve": "bn128",
        "nPublic": avouch_verifier::SLOTS,
        "vk_alpha_1": g1(&key.alpha_g1),
        "vk_beta_2": g2(&key.beta_g2),
        "vk_gamma_2": g2(&key.gamma_g2),
        "vk_delta_2": g2(&key.delta_g2),
        "IC": key.gamma_abc_g1.iter().map(g1).collect::<Vec<_>>(),
    }))
}

/// `proof.json` and `public.json` of a proof file, which is verified first.
///
/// # Errors
/// A proof that does not hold, or any proof system but `groth16-bn254:v1`.
pub fn proof(key: &AcceptedKey, proof_file: &[u8]) -> Result<(Value, Value), ExportError> {
    let Call { statement, proof } = Call::new(key, proof_file)?;
    let [ax, ay, bx1, bx0, by1, by0, cx, cy] = proof.as_slice() else {
        return Err(ExportError::NotPlain(key.key().system()));
    };
    let q = |word: &Word| Fq::from_be_bytes_mod_order(word).to_string();
    let proof = json!({
        "protocol": "groth16",
        "curve": "bn128",
        "pi_a": [q(ax), q(ay), "1"],
        "pi_b": [[q(bx0), q(bx1)], [q(by0), q(by1)], ["1", "0"]],
        "pi_c": [q(cx), q(cy), "1"],
    });
    Ok((proof, statement.iter().map(|slot| Fr::from_be_bytes_mod_order(slot).to_string()).collect()))
}

fn g1(point: &G1Affine) -> Value {
    json!([point.x.to_string(), point.y.to_string(), "1"])
}

fn g2(point: &G2Affine) -> Value {
    let pair = |c: Fq2| [c.c0.to_string(), c.c1.to_string()];
    json!([pair(point.x), pair(point.y), ["1", "0"]])
}
