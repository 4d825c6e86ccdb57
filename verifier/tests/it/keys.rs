//! Verifying keys: what is well formed, and which keys are trusted.

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::AffineRepr as _;
use avouch_verifier::{
    CircuitDescription, DecodeError, Disclosure, KeyParts, KeyPolicy, KeyProvenance, KeyRefused, Problem, Quantization,
    SetupKind, SystemId, TensorInfo, VerifyingKey,
    error::LengthRule,
    system::{
        groth16_bn254::Key,
        groth16_lookup_bn254::{Key as LookupKey, KeyPoints as LookupKeyPoints},
    },
};

use crate::toy::{
    self, SIMULATED, aliased, compressed, description, lookup_key, material_length, off_curve, parts, plain_key,
    wrong_subgroup,
};

const CEREMONY: SetupKind = SetupKind::Ceremony { phase1: [1; 64], transcript: [2; 32], last_contribution: [3; 32] };

fn toy_parts(system: SystemId) -> KeyParts {
    parts(system, description(Disclosure::Argmax))
}

/// A key file with other bytes at an offset into the key material.
fn with_material(system: SystemId, offset: usize, bytes: &[u8]) -> Result<VerifyingKey, DecodeError> {
    let mut file = toy::key(system, Disclosure::Argmax).encode();
    let start = file.len() - material_length(system) + offset;
    file[start..start + bytes.len()].copy_from_slice(bytes);
    VerifyingKey::decode(&file)
}

const IC: [&str; 10] = ["IC[0]", "IC[1]", "IC[2]", "IC[3]", "IC[4]", "IC[5]", "IC[6]", "IC[7]", "IC[8]", "IC[9]"];

/// Names and offsets of the key material's points of G1, and of G2.
fn points(system: SystemId) -> [Vec<(&'static str, usize)>; 2] {
    let (deltas, ic): (&[&str], _) = match system {
        SystemId::Groth16Bn254 => (&["delta"], 9),
        SystemId::Groth16LookupBn254 => (&["delta 1", "delta 2"], 10),
        #[cfg(feature = "halo2")]
        SystemId::Halo2IpaPasta => toy::not_simulated(),
    };
    let g2: Vec<_> = ["beta"].iter().chain(deltas).enumerate().map(|(i, &name)| (name, 32 + 64 * i)).collect();
    let after = 32 + 64 * g2.len();
    let ic = IC[..ic].iter().enumerate().map(|(i, &name)| (name, after + 32 * i));
    let g1: Vec<_> = [("alpha", 0)].into_iter().chain(ic).collect();
    assert_eq!(g1[g1.len() - 1].1 + 32, material_length(system));
    [g1, g2]
}

#[test]
fn bad_points_are_refused_in_every_place() {
    let mut junk_identity = compressed(&G1Affine::identity());
    junk_identity[5] = 1;
    let mut both_flags = compressed(&G1Affine::generator());
    both_flags[31] |= 0xc0;
    for system in SIMULATED {
        let refused = |offset, bytes: &[u8]| {
            let e = with_material(system, offset, bytes).unwrap_err();
            (e.field, e.problem)
        };
        let [g1, g2] = points(system);
        for (field, offset) in g1 {
            assert_eq!(refused(offset, &compressed(&G1Affine::identity())), (field, Problem::Identity));
            for bytes in [&off_curve(), &aliased(), &junk_identity, &both_flags, &vec![0xff; 32]] {
                assert_eq!(refused(offset, bytes), (field, Problem::NotAPoint));
            }
        }
        for (field, offset) in g2 {
            assert_eq!(refused(offset, &compressed(&G2Affine::identity())), (field, Problem::Identity));
            assert_eq!(refused(offset, &compressed(&wrong_subgroup())), (field, Problem::WrongSubgroup));
            assert_eq!(refused(offset, &[0xff; 64]), (field, Problem::NotAPoint));
        }
    }
}

/// With δ known, or known relative to another point of the key, anybody can forge.
#[test]
fn an_unfinished_or_degenerate_delta_is_refused() {
    let (h, beta) = (G2Affine::generator(), plain_key().beta_g2);
    for system in SIMULATED {
        let [_, g2] = points(system);
        for &(field, offset) in &g2[1..] {
            for delta in [h, -h, beta, -beta] {
                let error = with_material(system, offset, &compressed(&delta)).unwrap_err();
                assert!(matches!(error, DecodeError { problem: Problem::Relation(_), .. }), "{error}");
                assert_eq!(error.field, field);
            }
        }
    }
    let LookupKeyPoints { delta_1, delta_2, .. } = lookup_key();
    let [_, g2] = points(SystemId::Groth16LookupBn254);
    for (offset, delta) in [(g2[1].1, delta_2), (g2[1].1, -delta_2), (g2[2].1, delta_1), (g2[2].1, -delta_1)] {
        let error = with_material(SystemId::Groth16LookupBn254, offset, &compressed(&delta)).unwrap_err();
        assert!(matches!(error, DecodeError { field: "delta 2", problem: Problem::Relation(_), .. }), "{error}");
    }
}

#[test]
fn keys_from_a_setup_pass_the_same_checks() {
    let vk = plain_key();
    let refused = |vk: &ark_groth16::VerifyingKey<Bn254>| {
        let e = Key::new(vk).unwrap_err();
        (e.field, e.problem)
    };
    assert_eq!(Key::new(&vk).unwrap().to_ark(), vk);
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
    for delta_g2 in [G2Affine::generator(), vk.beta_g2] {
        let key = ark_groth16::VerifyingKey { delta_g2, ..vk.clone() };
        assert!(matches!(refused(&key), ("delta", Problem::Relation(_))));
    }
}

#[test]
fn lookup_keys_from_a_setup_pass_the_same_checks() {
    let good = lookup_key();
    assert_eq!(*LookupKey::new(good.clone()).unwrap().points(), good);
    let refused = |change: &dyn Fn(&mut LookupKeyPoints)| {
        let mut points = lookup_key();
        change(&mut points);
        let e = LookupKey::new(points).unwrap_err();
        (e.field, e.problem)
    };
    let (h, beta) = (G2Affine::generator(), good.beta);
    for known in [h, -h, beta, -beta] {
        assert!(matches!(refused(&|k| k.delta_1 = known), ("delta 1", Problem::Relation(_))));
        assert!(matches!(refused(&|k| k.delta_2 = known), ("delta 2", Problem::Relation(_))));
    }
    for sign in [good.delta_1, -good.delta_1] {
        assert!(matches!(refused(&|k| k.delta_2 = sign), ("delta 2", Problem::Relation(_))));
    }
    let identity = G2Affine::identity();
    assert_eq!(refused(&|k| k.beta = identity), ("beta", Problem::Identity));
    assert_eq!(refused(&|k| k.delta_1 = identity), ("delta 1", Problem::Identity));
    assert_eq!(refused(&|k| k.delta_2 = identity), ("delta 2", Problem::Identity));
    assert_eq!(refused(&|k| k.delta_1 = wrong_subgroup()), ("delta 1", Problem::WrongSubgroup));
    assert_eq!(refused(&|k| k.delta_2 = wrong_subgroup()), ("delta 2", Problem::WrongSubgroup));
    assert_eq!(refused(&|k| k.alpha = G1Affine::identity()), ("alpha", Problem::Identity));
    for (i, name) in IC.into_iter().enumerate() {
        assert_eq!(refused(&|k| k.ic[i] = G1Affine::identity()), (name, Problem::Identity));
        let off_curve = |k: &mut LookupKeyPoints| k.ic[i] = G1Affine::new_unchecked(k.ic[i].x, k.ic[i].x);
        assert_eq!(refused(&off_curve), (name, Problem::NotAPoint));
    }
}

/// The material of one system, a point more and a point less are no keys of another.
#[test]
fn key_material_has_one_length() {
    for system in SIMULATED {
        let length = material_length(system);
        let file = toy::key(system, Disclosure::Argmax).encode();
        let (head, material) = file.split_at(file.len() - length);
        for found in [0, length - 32, length + 32, length - 64, length + 64, 448, 544] {
            let mut other = head[..head.len() - 4].to_vec();
            other.extend_from_slice(&u32::try_from(found).unwrap().to_le_bytes());
            other.extend(material.iter().chain(material).take(found));
            let decoded = VerifyingKey::decode(&other);
            if found == length {
                assert_eq!(decoded.unwrap().encode(), file);
            } else {
                let expected = LengthRule::Exactly(length);
                assert_eq!(decoded.unwrap_err().problem, Problem::Length { found, expected });
            }
        }
    }
}

#[test]
fn key_files_round_trip() {
    for system in SIMULATED {
        let ceremony = KeyParts { setup: CEREMONY, ..toy_parts(system) };
        let scalar = KeyParts {
            output: TensorInfo { shape: vec![], ..toy_parts(system).output },
            ..parts(system, CircuitDescription { output_len: 1, ..description(Disclosure::Raw) })
        };
        let unlabelled = KeyParts { label: String::new(), ..toy_parts(system) };
        let long = KeyParts { label: "é".repeat(128), ..toy_parts(system) };
        for parts in [toy_parts(system), ceremony, scalar, unlabelled, long] {
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
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    for system in SIMULATED {
        let good = toy_parts(system);
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
}

#[test]
fn transparent_groth16_keys_are_malformed() {
    for system in SIMULATED {
        let mut file = toy::key(system, Disclosure::Argmax).encode();
        assert_eq!(file[22], 0, "the setup kind follows magic, version and system");
        file[22] = 2;
        assert_eq!(VerifyingKey::decode(&file).unwrap_err().field, "setup kind");
        file[22] = 3;
        assert_eq!(VerifyingKey::decode(&file).unwrap_err().problem, Problem::UnknownKind(3));
    }
}

#[test]
fn trust_follows_setup_kind_and_pin() {
    for system in SIMULATED {
        let dev = VerifyingKey::new(toy_parts(system)).unwrap();
        let ceremony = VerifyingKey::new(KeyParts { setup: CEREMONY, ..toy_parts(system) }).unwrap();
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

        let checked = |policy: KeyPolicy, key: &VerifyingKey, checked: &VerifyingKey| {
            policy.admit_checked(key.clone(), checked.digest()).map(|k| k.provenance())
        };
        let transcript_checked = Ok(KeyProvenance::TranscriptChecked);
        assert_eq!(checked(policy(false, None), &ceremony, &ceremony), transcript_checked);
        assert_eq!(checked(policy(false, Some(&ceremony)), &ceremony, &ceremony), transcript_checked);
        assert_eq!(checked(policy(false, None), &ceremony, &dev), other(&dev, &ceremony));
        assert_eq!(checked(policy(false, Some(&dev)), &ceremony, &ceremony), other(&dev, &ceremony));
        assert_eq!(checked(policy(false, None), &dev, &dev), Err(KeyRefused::Dev), "only ceremonies are checked");
        assert_eq!(checked(policy(true, None), &dev, &dev), Ok(KeyProvenance::Dev));
    }
}

/// Changes with any byte of the format.
#[test]
fn the_digests_of_keys_are_pinned() {
    let digest = |system| hex::encode(toy::key(system, Disclosure::Argmax).digest());
    expect_test::expect!["7488570cc9c06bc6b77e4614883de5e111f3192ae100e466e8b23899db67a9c7"]
        .assert_eq(&digest(SystemId::Groth16Bn254));
    expect_test::expect!["e183d1f3317408c45c4885fcc9336f79591107d7d9521601dd76139ff488c1b3"]
        .assert_eq(&digest(SystemId::Groth16LookupBn254));
}
