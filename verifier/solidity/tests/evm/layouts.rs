//! The bytes of other chains, as what verifies there reads them.

use ark_bn254::{Bn254, Fr};
use ark_groth16::{Groth16, Proof, VerifyingKey, prepare_verifying_key};
use ark_serialize::CanonicalDeserialize as _;
use avouch_solidity::{
    ExportError,
    layout::{Layout, solana, sui},
};
use groth16_solana::groth16::{Groth16Verifier, Groth16Verifyingkey};

use crate::fixture::ALL;

/// Cuts bytes into parts of N.
fn parts<const N: usize>(bytes: &[u8]) -> Vec<[u8; N]> {
    assert_eq!(bytes.len() % N, 0);
    bytes.chunks(N).map(|chunk| chunk.try_into().unwrap()).collect()
}

fn solana_verifies(Layout { verifying_key: vk, proof, public }: &Layout) -> bool {
    let ic = parts::<64>(&vk[448..]);
    let key = Groth16Verifyingkey {
        nr_pubinputs: 8,
        vk_alpha_g1: vk[..64].try_into().unwrap(),
        vk_beta_g2: vk[64..192].try_into().unwrap(),
        vk_gamma_g2: vk[192..320].try_into().unwrap(),
        vk_delta_g2: vk[320..448].try_into().unwrap(),
        vk_ic: &ic,
        vk_commitment: None,
    };
    let public: [[u8; 32]; 8] = parts(public).try_into().unwrap();
    let (a, b, c) =
        (proof[..64].try_into().unwrap(), proof[64..192].try_into().unwrap(), proof[192..].try_into().unwrap());
    Groth16Verifier::new(&a, &b, &c, &public, &key).unwrap().verify().is_ok()
}

/// As Sui's framework does: with arkworks.
fn sui_verifies(Layout { verifying_key, proof, public }: &Layout) -> bool {
    let key = VerifyingKey::<Bn254>::deserialize_compressed(verifying_key.as_slice()).unwrap();
    let proof = Proof::deserialize_compressed(proof.as_slice()).unwrap();
    let scalar = |slot: &[u8; 32]| Fr::deserialize_compressed(slot.as_slice()).unwrap();
    let public: Vec<Fr> = parts(public).iter().map(scalar).collect();
    Groth16::<Bn254>::verify_proof(&prepare_verifying_key(&key), &proof, &public).unwrap()
}

#[test]
fn layouts_verify_where_they_are_read() {
    let [plain, lookup] = &*ALL;
    let file = plain.proof([0x5a; 32]);
    let (solana_layout, sui_layout) = (solana(&plain.key, &file).unwrap(), sui(&plain.key, &file).unwrap());
    assert!(solana_verifies(&solana_layout) && sui_verifies(&sui_layout));
    for slot in 0..8 {
        // The lowest byte is the last one here, and the first one there.
        let (mut a, mut b) = (solana_layout.clone(), sui_layout.clone());
        a.public[32 * slot + 31] ^= 1;
        b.public[32 * slot] ^= 1;
        assert!(!solana_verifies(&a) && !sui_verifies(&b), "slot {slot}");
    }
    let file = lookup.proof([0; 32]);
    assert_eq!(solana(&lookup.key, &file), Err(ExportError::NotPlain(lookup.system)));
    assert_eq!(sui(&lookup.key, &file), Err(ExportError::NotPlain(lookup.system)));
}
