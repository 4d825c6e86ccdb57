//! A Groth16 circuit with eight public inputs that are bound to nothing but the proof: it lets tests prove statements
//! that no real circuit could, so that the verifier's own checks are what refuses them.

use std::sync::LazyLock;

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::PrimeGroup as _;
use ark_ff::{BigInteger as _, PrimeField as _};
use ark_groth16::{Groth16, ProvingKey};
use ark_relations::{
    gr1cs::{ConstraintSynthesizer, ConstraintSystemRef, SynthesisError, Variable},
    lc,
};
use ark_serialize::CanonicalSerialize;
use ark_std::rand::SeedableRng as _;
use avouch_verifier::{
    AcceptedKey, CircuitDescription, DType, Disclosure, EMPTY_POLICY_ID, KeyMaterial, KeyParts, KeyPolicy, ProofFile,
    Quantization, SLOTS, SetupKind, Statement, SystemId, TensorInfo, VerifyingKey,
    system::groth16_bn254::{Key, encode_proof},
};
use rand_chacha::ChaCha20Rng;

pub(crate) const SYSTEM: SystemId = SystemId::Groth16Bn254;

/// Constrains each input to equal a witness, and multiplies the first with the last.
#[derive(Clone)]
struct Circuit([Fr; SLOTS]);

impl ConstraintSynthesizer<Fr> for Circuit {
    fn generate_constraints(self, cs: ConstraintSystemRef<Fr>) -> Result<(), SynthesisError> {
        let (first, last) = (self.0[0], self.0[SLOTS - 1]);
        let mut wires = Vec::new();
        for x in self.0 {
            let (input, wire) = (cs.new_input_variable(|| Ok(x))?, cs.new_witness_variable(|| Ok(x))?);
            cs.enforce_r1cs_constraint(|| lc!() + input, || lc!() + Variable::One, || lc!() + wire)?;
            wires.push(wire);
        }
        let product = cs.new_witness_variable(|| Ok(first * last))?;
        cs.enforce_r1cs_constraint(|| lc!() + wires[0], || lc!() + wires[SLOTS - 1], || lc!() + product)
    }
}

pub(crate) static PROVING_KEY: LazyLock<ProvingKey<Bn254>> = LazyLock::new(|| {
    let [alpha, beta, gamma, delta] = [3u64, 5, 1, 7].map(Fr::from);
    let (g, h) = (G1Projective::generator(), G2Projective::generator());
    let circuit = Circuit([Fr::from(0); SLOTS]);
    Groth16::<Bn254>::generate_parameters_with_qap(circuit, alpha, beta, gamma, delta, g, h, &mut rng()).unwrap()
});

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

/// A bare proof of any statement.
pub(crate) fn prove(statement: &Statement) -> Vec<u8> {
    let circuit = Circuit(statement.slots().map(|slot| Fr::from_be_bytes_mod_order(&slot)));
    encode_proof(&Groth16::<Bn254>::create_random_proof_with_reduction(circuit, &PROVING_KEY, &mut rng()).unwrap())
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

pub(crate) fn parts(description: CircuitDescription) -> KeyParts {
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
        material: KeyMaterial::Groth16Bn254(Key::new(&PROVING_KEY.vk).unwrap()),
    }
}

pub(crate) fn key(disclosure: Disclosure) -> VerifyingKey {
    VerifyingKey::new(parts(description(disclosure))).unwrap()
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

/// A file with an honest proof of these slots.
pub(crate) fn prove_file(key: &VerifyingKey, slots: [[u8; 32]; SLOTS]) -> Vec<u8> {
    let statement = Statement::new(SYSTEM, slots).unwrap();
    let proof = prove(&statement);
    ProofFile::new(key, statement, proof).unwrap().encode()
}

/// The one right encoding of a point.
pub(crate) fn compressed(point: &impl CanonicalSerialize) -> Vec<u8> {
    let mut out = Vec::new();
    point.serialize_compressed(&mut out).unwrap();
    out
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
