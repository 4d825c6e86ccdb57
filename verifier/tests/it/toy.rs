//! Keys of every proof system with a setup, whose trapdoors the tests know, so that they can simulate a proof of any
//! statement, also one that no circuit could prove: then the verifier's own checks are what refuses it.

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use ark_ff::{BigInteger as _, Field as _, PrimeField as _};
use ark_serialize::{CanonicalDeserialize as _, CanonicalSerialize};
use avouch_verifier::{
    AcceptedKey, CircuitDescription, DType, Disclosure, EMPTY_POLICY_ID, KeyMaterial, KeyParts, KeyPolicy, ProofFile,
    Quantization, SLOTS, SetupKind, Statement, SystemId, TensorInfo, VerifyingKey,
    system::{
        groth16_bn254 as plain,
        groth16_lookup_bn254::{self as lookup, KeyPoints},
    },
};

/// The systems whose proofs can be simulated.
pub(crate) const SIMULATED: [SystemId; 2] = [SystemId::Groth16Bn254, SystemId::Groth16LookupBn254];

/// A transparent system has no trapdoor.
#[cfg(feature = "halo2")]
pub(crate) const fn not_simulated() -> ! {
    panic!("a system without a trapdoor")
}

const ALPHA: u64 = 3;
const BETA: u64 = 5;
/// δ of the plain system, δ₁ of the other.
const DELTA: u64 = 7;
const DELTA_2: u64 = 11;

pub(crate) fn g1(scalar: impl Into<Fr>) -> G1Affine {
    (G1Affine::generator() * scalar.into()).into_affine()
}

pub(crate) fn g2(scalar: impl Into<Fr>) -> G2Affine {
    (G2Affine::generator() * scalar.into()).into_affine()
}

/// IC `i` as a multiple of the generator.
fn ic(i: usize) -> Fr {
    Fr::from(101u64).pow([i as u64 + 1])
}

pub(crate) fn plain_key() -> ark_groth16::VerifyingKey<Bn254> {
    ark_groth16::VerifyingKey {
        alpha_g1: g1(ALPHA),
        beta_g2: g2(BETA),
        gamma_g2: G2Affine::generator(),
        delta_g2: g2(DELTA),
        gamma_abc_g1: (0..9).map(|i| g1(ic(i))).collect(),
    }
}

pub(crate) fn lookup_key() -> KeyPoints {
    KeyPoints {
        alpha: g1(ALPHA),
        beta: g2(BETA),
        delta_1: g2(DELTA),
        delta_2: g2(DELTA_2),
        ic: std::array::from_fn(|i| g1(ic(i))),
    }
}

fn material(system: SystemId) -> KeyMaterial {
    match system {
        SystemId::Groth16Bn254 => KeyMaterial::Groth16Bn254(plain::Key::new(&plain_key()).unwrap()),
        SystemId::Groth16LookupBn254 => KeyMaterial::Groth16LookupBn254(lookup::Key::new(lookup_key()).unwrap()),
        #[cfg(feature = "halo2")]
        SystemId::Halo2IpaPasta => not_simulated(),
    }
}

/// A simulated bare proof of any statement: A, B and any commitment are chosen, the last point is solved for.
pub(crate) fn prove(key: &VerifyingKey, statement: &Statement) -> Vec<u8> {
    let [a, b, c_1] = [1009u64, 2003, 4001].map(Fr::from);
    let slots = statement.slots().iter().map(|slot| Fr::from_be_bytes_mod_order(slot));
    let inputs: Fr = std::iter::once(Fr::from(1u64)).chain(slots).enumerate().map(|(i, x)| ic(i) * x).sum();
    let rest = a * b - Fr::from(ALPHA * BETA) - inputs;
    let over = |numerator: Fr, delta| g1(numerator / Fr::from(delta));
    match key.system() {
        SystemId::Groth16Bn254 => plain::encode_proof(&ark_groth16::Proof { a: g1(a), b: g2(b), c: over(rest, DELTA) }),
        SystemId::Groth16LookupBn254 => {
            let challenge = lookup::challenge(key.digest(), statement, &g1(c_1));
            let c_2 = over(rest - ic(9) * challenge - c_1 * Fr::from(DELTA), DELTA_2);
            lookup::encode_proof(&lookup::Proof { a: g1(a), b: g2(b), c_1: g1(c_1), c_2 })
        }
        #[cfg(feature = "halo2")]
        SystemId::Halo2IpaPasta => not_simulated(),
    }
}

/// Bytes of a bare proof.
pub(crate) fn proof_length(system: SystemId) -> usize {
    match system {
        SystemId::Groth16Bn254 => 128,
        SystemId::Groth16LookupBn254 => 160,
        #[cfg(feature = "halo2")]
        SystemId::Halo2IpaPasta => not_simulated(),
    }
}

/// Bytes of the key material, which ends a key file.
pub(crate) fn material_length(system: SystemId) -> usize {
    match system {
        SystemId::Groth16Bn254 => 448,
        SystemId::Groth16LookupBn254 => 544,
        #[cfg(feature = "halo2")]
        SystemId::Halo2IpaPasta => not_simulated(),
    }
}

pub(crate) fn description(disclosure: Disclosure) -> CircuitDescription {
    CircuitDescription {
        statement_version: 1,
        model_id: [0xa5; 32],
        output_tensor: 4,
        disclosure,
        output_len: 10,
        bit_width: 8,
        schema_digest: [0; 31],
        records: 0,
    }
}

pub(crate) fn parts(system: SystemId, description: CircuitDescription) -> KeyParts {
    let tensor = |shape: &[usize], dtype, zero_point| TensorInfo {
        shape: shape.to_vec(),
        quant: Quantization { dtype, scale: 0.125, zero_point },
    };
    KeyParts {
        setup: SetupKind::Dev,
        input: tensor(&[1, 1, 8, 8], DType::U8, 0),
        output: tensor(&[1, usize::try_from(description.output_len).unwrap()], DType::I8, -3),
        description,
        label: String::from("toy"),
        material: material(system),
    }
}

pub(crate) fn key(system: SystemId, disclosure: Disclosure) -> VerifyingKey {
    VerifyingKey::new(parts(system, description(disclosure))).unwrap()
}

/// One key of each of these systems: what holds for one has to hold for all.
pub(crate) fn keys(disclosure: Disclosure) -> impl Iterator<Item = VerifyingKey> {
    SIMULATED.into_iter().map(move |system| key(system, disclosure))
}

pub(crate) fn accept(key: VerifyingKey) -> AcceptedKey {
    KeyPolicy { allow_dev: true, expect_vk: None }.admit(key).unwrap()
}

/// A slot with a small number.
pub(crate) fn small(value: u64) -> [u8; 32] {
    let mut slot = [0; 32];
    slot[24..].copy_from_slice(&value.to_be_bytes());
    slot
}

/// Slots that `key` accepts with this output.
pub(crate) fn slots(key: &VerifyingKey, output: [u8; 32]) -> [[u8; 32]; SLOTS] {
    let mut slots = [[0; 32]; SLOTS];
    slots[0] = avouch_verifier::context_slot(&[0xc0; 32]);
    slots[1] = key.description().circuit_id_slot();
    slots[2] = EMPTY_POLICY_ID;
    slots[6] = small(0x1234_5678_9abc);
    slots[7] = output;
    slots
}

/// A file with a proof of these slots.
pub(crate) fn prove_file(key: &VerifyingKey, slots: [[u8; 32]; SLOTS]) -> Vec<u8> {
    let statement = Statement::new(key.system(), slots).unwrap();
    let proof = prove(key, &statement);
    ProofFile::new(key, statement, proof).unwrap().encode()
}

/// The one right encoding of a point.
pub(crate) fn compressed(point: &impl CanonicalSerialize) -> Vec<u8> {
    let mut out = Vec::new();
    point.serialize_compressed(&mut out).unwrap();
    out
}

/// The point of an encoding.
pub(crate) fn point(bytes: &[u8]) -> G1Affine {
    G1Affine::deserialize_compressed(bytes).unwrap()
}

/// On the twist, but not in the subgroup of prime order.
pub(crate) fn wrong_subgroup() -> G2Affine {
    let point = |x| G2Affine::get_ys_from_x_unchecked(x).map(|(y, _)| G2Affine::new_unchecked(x, y));
    let mut points = (1u64..).filter_map(|x| point(Fq2::new(Fq::from(x), Fq::from(0))));
    points.find(|p| !p.is_in_correct_subgroup_assuming_on_curve()).unwrap()
}

/// The compressed form of an x-coordinate without a point on G1.
pub(crate) fn off_curve() -> Vec<u8> {
    let x = (1u64..).map(Fq::from).find(|&x| G1Affine::get_ys_from_x_unchecked(x).is_none()).unwrap();
    x.into_bigint().to_bytes_le()
}

/// The generator of G1 (x = 1) with x + p for its x-coordinate: still below 2^254, so the flags are not touched.
pub(crate) fn aliased() -> Vec<u8> {
    let mut x = Fq::MODULUS;
    assert!(!x.add_with_carry(&1u64.into()));
    x.to_bytes_le()
}
