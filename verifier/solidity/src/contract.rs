//! The verifier of a key.

use core::fmt::Write as _;
use core::ops::Neg as _;

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr as _;
use avouch_verifier::{AcceptedKey, KeyMaterial, VerifyingKey};

use crate::{
    ExportError,
    words::{g1, g2, literal},
};

/// What every verifier implements: `IAvouchVerifier.sol`.
pub const INTERFACE: &str = include_str!("../contracts/IAvouchVerifier.sol");

const GROTH16: &str = include_str!("../templates/groth16.sol");
const GROTH16_LOOKUP: &str = include_str!("../templates/groth16-lookup.sol");
const SHARED: &str = include_str!("../templates/shared.sol");

/// Gas for a precompile is bounded, because one that fails takes all it was given. EIP-1108 has 6,000 for a
/// multiplication, 150 for an addition, and 45,000 and 34,000 a pair for pairings; a chain may ask for a quarter more.
const MUL_GAS: usize = 7_500;
const ADD_GAS: usize = 500;
const fn pairing_gas(pairs: usize) -> usize {
    (45_000 + 34_000 * pairs) * 5 / 4
}

/// What a template is filled with.
struct Parts {
    template: &'static str,
    ic: Vec<G1Affine>,
    alpha: G1Affine,
    /// Those that proofs and inputs are paired with, not negated, by their names.
    g2: Vec<(&'static str, G2Affine)>,
}

impl Parts {
    fn of(key: &VerifyingKey) -> Result<Self, ExportError> {
        match key.material() {
            KeyMaterial::Groth16Bn254(material) => {
                let k = material.to_ark();
                let g2 = vec![("BETA", k.beta_g2), ("H", k.gamma_g2), ("DELTA", k.delta_g2)];
                Ok(Self { template: GROTH16, ic: k.gamma_abc_g1, alpha: k.alpha_g1, g2 })
            }
            KeyMaterial::Groth16LookupBn254(material) => {
                let k = material.points();
                let g2 =
                    vec![("BETA", k.beta), ("H", G2Affine::generator()), ("DELTA1", k.delta_1), ("DELTA2", k.delta_2)];
                Ok(Self { template: GROTH16_LOOKUP, ic: k.ic.to_vec(), alpha: k.alpha, g2 })
            }
            #[allow(unreachable_patterns, reason = "other systems are features of the verifier")]
            _ => Err(ExportError::NoContract(key.system())),
        }
    }
}

/// The Solidity source of a verifier for a key, which imports `./IAvouchVerifier.sol`.
///
/// # Errors
/// A proof system without contracts, or a name that is none.
pub fn verifier(key: &AcceptedKey, name: &str) -> Result<String, ExportError> {
    let key = key.key();
    let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty();
    if !is_name || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(ExportError::Name(name.into()));
    }
    let Parts { template, ic, alpha, g2: points } = Parts::of(key)?;
    // A, B and alpha, beta have a pair each; H and each delta too.
    let pairs = points.len() + 1;
    let slots = avouch_verifier::SLOTS;
    let mut sum = String::new();
    for i in 0..slots {
        let n = i + 1;
        let _ = writeln!(sum, "        if (!_add(sum, IC{n}_X, IC{n}_Y, statement[{i}])) return false;");
    }
    let shared = SHARED.replace("{{words}}", &(6 * pairs).to_string()).replace("{{bytes}}", &(192 * pairs).to_string());
    let circuit_id = key.description().circuit_id_slot();
    Ok(template
        .replace("{{contract}}", name)
        .replace("{{vk_digest}}", &literal(key.digest()))
        .replace("{{circuit_id}}", &literal(&circuit_id))
        .replace("{{constants}}\n", &constants(&ic, &alpha, &points, pairs))
        .replace("{{sum}}\n", &sum)
        .replace("{{shared}}", &shared))
}

fn constants(ic: &[G1Affine], alpha: &G1Affine, g2_points: &[(&str, G2Affine)], pairs: usize) -> String {
    let mut text = String::from("    /// Order of the groups and of the scalar field.\n");
    let r = "0x30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001";
    let mut constant = |name: &str, value: &str| {
        let _ = writeln!(text, "    uint256 private constant {name} = {value};");
    };
    constant("R", r);
    constant("MUL_GAS", &MUL_GAS.to_string());
    constant("ADD_GAS", &ADD_GAS.to_string());
    constant("PAIRING_GAS", &pairing_gas(pairs).to_string());
    let mut point = |name: &str, suffixes: &[&str], words: &[[u8; 32]]| {
        for (suffix, word) in suffixes.iter().zip(words) {
            constant(&format!("{name}_{suffix}"), &literal(word));
        }
    };
    point("ALPHA", &["X", "Y"], &g1(alpha));
    for (name, p) in g2_points {
        point(name, &["X1", "X0", "Y1", "Y0"], &g2(&p.neg()));
    }
    for (i, p) in ic.iter().enumerate() {
        point(&format!("IC{i}"), &["X", "Y"], &g1(p));
    }
    text
}
