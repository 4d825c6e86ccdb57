//! Openings: private files that hold exactly one commitment.

use std::fs;

use avouch_circuits::{circuit::Disclosure, graph::DType};
use avouch_prover::{
    ProveError, Request,
    opening::{self, Hash, Opening, Role},
};
use avouch_verifier::Output;
use proptest::{collection::vec, prelude::*, sample::Index};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    fixture::{Fixture, OTHER_INPUT, entries, systems},
    network::INPUT,
};

fn fresh() -> Opening {
    Opening::fresh(Hash::PoseidonBn254, Role::Input, DType::I8, &INPUT).unwrap()
}

/// The one opening of a file.
fn json_of(opening: &Opening) -> Value {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("opening.json");
    opening::write(&path, &[opening]).unwrap();
    let mut file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    file["openings"][0].take()
}

fn file_of(openings: &[&str]) -> String {
    format!("{{\"openings\":[{}]}}", openings.join(","))
}

fn read_file(bytes: impl AsRef<[u8]>) -> Result<Vec<Opening>, String> {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("opening.json");
    fs::write(&path, bytes).unwrap();
    opening::read(&path).map_err(|e| e.message)
}

/// Reads a file with one opening.
fn read(opening: impl AsRef<str>) -> Result<Opening, String> {
    read_file(file_of(&[opening.as_ref()])).map(|mut openings| openings.pop().unwrap())
}

#[test]
fn files_are_private_and_read_back() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("opening.json");
    // An older file of that name may be open to all.
    fs::write(&path, "older").unwrap();
    let opening = fresh();
    opening::write(&path, &[&opening]).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(entries(folder.path()), [path.as_path()]);
    let again = opening::read(&path).unwrap().pop().unwrap();
    assert_eq!(
        (again.role, again.dtype, &again.values, again.commitment()),
        (opening.role, opening.dtype, &opening.values, opening.commitment())
    );
}

#[test]
fn every_field_is_bound_by_the_commitment() {
    let good = json_of(&fresh());
    assert!(read(good.to_string()).is_ok());
    let salt = good["salt"].as_str().unwrap();
    let other_salt = json_of(&fresh())["salt"].clone();
    // The salt plus the modulus is the same field element.
    let modulus = num("30644e72e131a029b85045b68181585d2833e84879b9709143e1f593f0000001");
    let aliased = add(num(salt), modulus);
    let changes = [
        ("role", json!("output"), "commitment"),
        ("role", json!("both"), "not a file of openings"),
        ("dtype", json!("uint8"), "outside"),
        ("dtype", json!("int16"), "dtype"),
        ("values", json!([-128, 127, 3, 56]), "commitment"),
        ("values", json!([-128, 127, 3]), "commitment"),
        ("values", json!([-128, 127, 3, 55, 0]), "commitment"),
        ("values", json!([-128, 127, 3, 128]), "outside"),
        ("values", json!([-128, 127, 3, 1e3]), "not a file of openings"),
        ("values", json!([-128, 127, 3, 99_999]), "not a file of openings"),
        ("salt", other_salt, "commitment"),
        ("salt", json!(hex::encode(aliased)), "canonical"),
        ("salt", json!("00".repeat(32)), "canonical"),
        ("salt", json!("ff".repeat(32)), "canonical"),
        ("salt", json!("00".repeat(31)), "salt"),
        ("salt", json!("zz".repeat(32)), "salt"),
        ("commitment", json!("00".repeat(32)), "commitment"),
        ("commitment", json!(""), "commitment"),
        ("note", json!("unknown"), "not a file of openings"),
        ("hash", json!("poseidon-pasta"), "commitment"),
        ("hash", json!("sha256"), "not a file of openings"),
    ];
    for (field, value, expected) in changes {
        let mut changed = good.clone();
        changed[field] = value;
        let message = read(changed.to_string()).unwrap_err();
        assert!(message.contains(expected), "{field}: {message}");
    }
    for field in ["role", "dtype", "values", "salt", "commitment"] {
        let mut missing = good.clone();
        missing.as_object_mut().unwrap().remove(field);
        assert!(read(missing.to_string()).unwrap_err().contains("not a file of openings"), "without {field}");
    }
    assert!(read(format!("{good}{good}")).is_err(), "two objects");
    let input = good.to_string();
    assert!(read_file(file_of(&[&input, &input])).unwrap_err().contains("one opening of each role"));
    assert!(read_file(file_of(&[])).unwrap_err().contains("one opening of each role"));
    let output = json_of(&Opening::fresh(Hash::PoseidonBn254, Role::Output, DType::U8, &[1, 2]).unwrap()).to_string();
    assert_eq!(read_file(file_of(&[&input, &output])).unwrap().len(), 2);
    assert!(read(good.to_string().replacen('{', "{\"role\":\"input\",", 1)).is_err(), "a repeated field");
}

fn num(digits: &str) -> [u8; 32] {
    let mut bytes = [0; 32];
    hex::decode_to_slice(digits, &mut bytes).unwrap();
    bytes
}

fn add(a: [u8; 32], b: [u8; 32]) -> [u8; 32] {
    let (mut sum, mut carry) = ([0; 32], 0u16);
    for i in (0..32).rev() {
        let s = u16::from(a[i]) + u16::from(b[i]) + carry;
        (sum[i], carry) = (s as u8, s >> 8);
    }
    assert_eq!(carry, 0);
    sum
}

#[test]
fn salts_are_fresh_and_stay_private() {
    for (fixture, prover) in systems() {
        let (one, two) = (fixture.opening(), fixture.opening());
        assert_ne!(one.commitment(), two.commitment());

        let salt = json_of(&one)["salt"].as_str().unwrap().to_owned();
        let debug = format!("{one:?} {one:#?}");
        assert!(!debug.contains(&salt) && !debug.contains("127"), "{debug}");

        let request = Request { input_opening: Some(one.clone()), ..Request::default() };
        let proof = prover.prove(&INPUT, &request, &()).unwrap();
        assert_eq!(*proof.file.statement().input_commitment(), one.commitment());
        let file = proof.file.encode();
        let mut secret = num(&salt);
        for _ in 0..2 {
            assert!(!file.windows(32).any(|w| w == secret), "the salt is in the proof file");
            secret.reverse();
        }
    }
}

#[test]
fn a_proof_is_for_the_given_commitment_or_none_is_made() {
    for (fixture, prover) in systems() {
        let hash = Hash::of(fixture.system);
        let other_hash = if hash == Hash::PoseidonBn254 { Hash::PoseidonPasta } else { Hash::PoseidonBn254 };
        let other = [
            Opening::fresh(other_hash, Role::Input, DType::I8, &INPUT).unwrap(),
            Opening::fresh(hash, Role::Input, DType::I8, &OTHER_INPUT).unwrap(),
            Opening::fresh(hash, Role::Input, DType::I8, &INPUT[..3]).unwrap(),
            // The same integers, but committed to as another type or in another role.
            Opening::fresh(hash, Role::Input, DType::U8, &INPUT).unwrap(),
            Opening::fresh(hash, Role::Output, DType::I8, &INPUT).unwrap(),
        ];
        for opening in other {
            let request = Request { input_opening: Some(opening), ..Request::default() };
            assert!(matches!(prover.prove(&INPUT, &request, &()), Err(ProveError::WrongOpening)));
        }
    }
}

#[test]
fn a_committed_output_opens() {
    for (fixture, prover) in systems() {
        let commit = Fixture::new(fixture.system, 100, Disclosure::Commit, 7);
        let committing = commit.load(&commit.proving).unwrap();
        let proof = committing.prove(&INPUT, &Request::default(), &()).unwrap();
        let opening = proof.output_opening.unwrap();
        assert_eq!(opening.role, Role::Output);
        assert_eq!(*proof.claim.output(), Output::Commit(opening.commitment()));
        let shown = prover.prove(&INPUT, &Request::default(), &()).unwrap();
        let values = opening.values.iter().map(|&v| v.into()).collect();
        assert_eq!(*shown.claim.output(), Output::Raw(values));
        assert!(shown.output_opening.is_none());
        // The two salts are independent, and so are those of two proofs.
        let again = committing.prove(&INPUT, &Request::default(), &()).unwrap();
        let salt = |o: &Opening| json_of(o)["salt"].clone();
        let salts = [&opening, &proof.input_opening, &again.input_opening, &again.output_opening.unwrap()].map(salt);
        for (i, one) in salts.iter().enumerate() {
            assert!(!salts[..i].contains(one));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    /// Whatever is read is the opening of the commitment that stands in it.
    #[test]
    fn reading_is_total(
        junk in vec(any::<u8>(), 0..200),
        at in any::<Index>(),
        remove in 0usize..20,
        insert in "[\\[\\]{}:,\"0-9a-f-]{0,20}",
    ) {
        prop_assert!(read_file(junk).is_err());
        let opening = fresh();
        let mut text = json_of(&opening).to_string();
        let at = at.index(text.len());
        text.replace_range(at..(at + remove).min(text.len()), &insert);
        if let Ok(changed) = read(text) {
            prop_assert_eq!(changed.commitment(), opening.commitment());
        }
    }
}
