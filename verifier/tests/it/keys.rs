//! Verifying keys: what is well formed, and which keys are trusted.

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::AffineRepr as _;
use avouch_verifier::{
    CircuitDescription, DecodeError, Disclosure, KeyParts, KeyPolicy, KeyProvenance, KeyRefused, Problem, Quantization,
    SetupKind, TensorInfo, VerifyingKey, error::LengthRule, system::groth16_bn254::Key,
};

use crate::toy::{self, PROVING_KEY, aliased, compressed, description, off_curve, parts, wrong_subgroup};

const CEREMONY: SetupKind = SetupKind::Ceremony { phase1: [1; 64], transcript: [2; 32], last_contribution: [3; 32] };

/// Length of the key material: at the end of a key file.
const MATERIAL: usize = 448;

fn toy_parts() -> KeyParts {
    parts(description(Disclosure::Argmax))
}

/// A key file with other bytes at an offset into the key material.
fn with_material(offset: usize, bytes: &[u8]) -> Result<VerifyingKey, DecodeError> {
    let mut file = toy::key(Disclosure::Argmax).encode();
    let start = file.len() - MATERIAL + offset;
    file[start..start + bytes.len()].copy_from_slice(bytes);
    VerifyingKey::decode(&file)
}

/// Where the points of G1, and of G2, are in the key material.
const G1_OFFSETS: [(&str, usize); 10] = [
    ("alpha", 0),
    ("IC[0]", 160),
    ("IC[1]", 192),
    ("IC[2]", 224),
    ("IC[3]", 256),
    ("IC[4]", 288),
    ("IC[5]", 320),
    ("IC[6]", 352),
    ("IC[7]", 384),
    ("IC[8]", 416),
];
const G2_OFFSETS: [(&str, usize); 2] = [("beta", 32), ("delta", 96)];

#[test]
fn bad_points_are_refused_in_every_place() {
    let refused = |offset, bytes: &[u8]| {
        let e = with_material(offset, bytes).unwrap_err();
        (e.field, e.problem)
    };
    let mut junk_identity = compressed(&G1Affine::identity());
    junk_identity[5] = 1;
    let mut both_flags = compressed(&G1Affine::generator());
    both_flags[31] |= 0xc0;
    for (field, offset) in G1_OFFSETS {
        assert_eq!(refused(offset, &compressed(&G1Affine::identity())), (field, Problem::Identity));
        for bytes in [&off_curve(), &aliased(), &junk_identity, &both_flags, &vec![0xff; 32]] {
            assert_eq!(refused(offset, bytes), (field, Problem::NotAPoint));
        }
    }
    for (field, offset) in G2_OFFSETS {
        assert_eq!(refused(offset, &compressed(&G2Affine::identity())), (field, Problem::Identity));
        assert_eq!(refused(offset, &compressed(&wrong_subgroup())), (field, Problem::WrongSubgroup));
        assert_eq!(refused(offset, &[0xff; 64]), (field, Problem::NotAPoint));
    }
}

#[test]
fn an_unfinished_or_degenerate_delta_is_refused() {
    let (h, beta) = (G2Affine::generator(), PROVING_KEY.vk.beta_g2);
    for delta in [h, -h, beta, -beta] {
        let error = with_material(96, &compressed(&delta)).unwrap_err();
        assert!(matches!(error, DecodeError { field: "delta", problem: Problem::Relation(_), .. }), "{error}");
        let vk = ark_groth16::VerifyingKey { delta_g2: delta, ..PROVING_KEY.vk.clone() };
        assert_eq!(Key::new(&vk), Err(error));
    }
}

#[test]
fn keys_from_a_setup_pass_the_same_checks() {
    let vk = &PROVING_KEY.vk;
    let refused = |vk: &ark_groth16::VerifyingKey<Bn254>| {
        let e = Key::new(vk).unwrap_err();
        (e.field, e.problem)
    };
    assert_eq!(Key::new(vk).unwrap().to_ark(), *vk);
    let other_gamma = ark_groth16::VerifyingKey { gamma_g2: vk.delta_g2, ..vk.clone() };
    assert!(matches!(refused(&other_gamma), ("gamma", Problem::Relation(_))));
    for found in [0, 8, 10] {
        let mut other_count = vk.clone();
        other_count.gamma_abc_g1.resize(found, G1Affine::generator());
        let expected = LengthRule::Exactly(9);
        assert_eq!(refused(&other_count), ("IC", Problem::Length { found, expected }));
    }
    let mut identity = vk.clone();
    identity.gamma_abc_g1[3] = G1Affine::identity();
    assert_eq!(refused(&identity), ("IC[3]", Problem::Identity));
    let off_curve = G1Affine::new_unchecked(vk.alpha_g1.x, vk.alpha_g1.x);
    assert_eq!(
        refused(&ark_groth16::VerifyingKey { alpha_g1: off_curve, ..vk.clone() }),
        ("alpha", Problem::NotAPoint)
    );
    let beta_g2 = wrong_subgroup();
    assert_eq!(refused(&ark_groth16::VerifyingKey { beta_g2, ..vk.clone() }), ("beta", Problem::WrongSubgroup));
}

#[test]
fn key_files_round_trip() {
    let ceremony = KeyParts { setup: CEREMONY, ..toy_parts() };
    let scalar = KeyParts {
        output: TensorInfo { shape: vec![], ..toy_parts().output },
        ..parts(CircuitDescription { output_len: 1, ..description(Disclosure::Raw) })
    };
    let unlabelled = KeyParts { label: String::new(), ..toy_parts() };
    let long = KeyParts { label: "é".repeat(128), ..toy_parts() };
    for parts in [toy_parts(), ceremony, scalar, unlabelled, long] {
        let key = VerifyingKey::new(parts.clone()).unwrap();
        let again = VerifyingKey::decode(&key.encode()).unwrap();
        assert_eq!(again, key);
        let decoded = KeyParts {
            setup: again.setup().clone(),
            description: again.description().clone(),
            input: again.input().clone(),
            output: again.output().clone(),
            label: again.label().into(),
            material: again.material().clone(),
        };
        assert_eq!(decoded, parts);
    }
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let good = toy_parts();
    let tensor = |shape: &[usize]| TensorInfo { shape: shape.to_vec(), ..good.output.clone() };
    let scale = |scale| TensorInfo { quant: Quantization { scale, ..good.input.quant }, ..good.input.clone() };
    let wide = CircuitDescription { bit_width: 32, ..good.description.clone() };
    let threshold = Disclosure::Threshold { index: 10, threshold: 0 };
    for (field, parts) in [
        ("setup kind", KeyParts { setup: SetupKind::Transparent, ..good.clone() }),
        ("circuit description", KeyParts { description: description(threshold), ..good.clone() }),
        ("output", KeyParts { output: tensor(&[1, 11]), ..good.clone() }),
        ("output", KeyParts { output: tensor(&[0, 10]), ..good.clone() }),
        ("output", KeyParts { output: tensor(&[1, 1, 1, 1, 1, 1, 1, 1, 10]), ..good.clone() }),
        ("output", KeyParts { description: wide, ..good.clone() }),
        ("input", KeyParts { input: tensor(&[usize::MAX, 2]), ..good.clone() }),
        ("input", KeyParts { input: scale(f32::NAN), ..good.clone() }),
        ("input", KeyParts { input: scale(-1.0), ..good.clone() }),
        ("input", KeyParts { input: scale(1e-40), ..good.clone() }),
        ("label", KeyParts { label: "x".repeat(257), ..good.clone() }),
        ("label", KeyParts { label: "\u{1b}[2Jverified".into(), ..good.clone() }),
    ] {
        assert_eq!(VerifyingKey::new(parts).unwrap_err().field, field);
    }
}

#[test]
fn transparent_groth16_keys_are_malformed() {
    let mut file = toy::key(Disclosure::Argmax).encode();
    assert_eq!(file[22], 0, "the setup kind follows magic, version and system");
    file[22] = 2;
    assert_eq!(VerifyingKey::decode(&file).unwrap_err().field, "setup kind");
    file[22] = 3;
    assert_eq!(VerifyingKey::decode(&file).unwrap_err().problem, Problem::UnknownKind(3));
}

#[test]
fn trust_follows_setup_kind_and_pin() {
    let dev = VerifyingKey::new(toy_parts()).unwrap();
    let ceremony = VerifyingKey::new(KeyParts { setup: CEREMONY, ..toy_parts() }).unwrap();
    let policy = |allow_dev, expect_vk: Option<&VerifyingKey>| KeyPolicy {
        allow_dev,
        expect_vk: expect_vk.map(|k| *k.digest()),
    };
    let admit = |policy: KeyPolicy, key: &VerifyingKey| policy.admit(key.clone()).map(|k| k.provenance());
    let other = |expected: &VerifyingKey, found: &VerifyingKey| {
        Err(KeyRefused::OtherDigest { expected: *expected.digest(), found: *found.digest() })
    };

    assert_eq!(KeyPolicy::default(), policy(false, None));
    assert_eq!(admit(policy(false, None), &dev), Err(KeyRefused::Dev));
    assert_eq!(admit(policy(true, None), &dev), Ok(KeyProvenance::Dev));
    assert_eq!(admit(policy(false, Some(&dev)), &dev), Err(KeyRefused::Dev), "a pin admits no dev key");
    assert_eq!(admit(policy(true, Some(&dev)), &dev), Ok(KeyProvenance::Dev));
    assert_eq!(admit(policy(true, Some(&ceremony)), &dev), other(&ceremony, &dev));

    assert_eq!(admit(policy(false, None), &ceremony), Err(KeyRefused::ClaimedNotChecked));
    assert_eq!(admit(policy(true, None), &ceremony), Err(KeyRefused::ClaimedNotChecked));
    assert_eq!(admit(policy(false, Some(&ceremony)), &ceremony), Ok(KeyProvenance::Pinned));
    assert_eq!(admit(policy(false, Some(&dev)), &ceremony), other(&dev, &ceremony));
}

#[test]
fn the_digest_of_a_key_is_pinned() {
    // Changes with any byte of the format, and with arkworks' key generation for the toy circuit.
    expect_test::expect!["daf3bfe6b8417bb8f0a53f2df2af62c5a82db257034e249dfefcf8eeab0a0744"]
        .assert_eq(&hex::encode(toy::key(Disclosure::Argmax).digest()));
}
