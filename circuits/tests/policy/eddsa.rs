//! Signatures of circomlibjs and zk-kit verify here, bad ones are refused by the part that is bad, and ours are the same
//! bytes.

use std::{fs, path::PathBuf, str::FromStr as _};

use avouch_circuits::{
    policy::{Point, PublicKey, SecretKey, Signature, SignatureError, verify},
    r1cs::Fr,
};
use serde::Deserialize;

fn file(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/policy/v1").join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    let byte = |i: usize| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).unwrap();
    assert_eq!(digits.len(), 2 * N);
    std::array::from_fn(byte)
}

fn element(text: &str) -> Fr {
    Fr::from_str(text).unwrap()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    kind: String,
    notes: String,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    name: String,
    #[allow(dead_code, reason = "for people")]
    notes: String,
    flags: Vec<String>,
    inputs: Signed,
    expected: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signed {
    secret: Option<String>,
    key: [String; 2],
    message: String,
    r8: [String; 2],
    s: String,
    packed_key: String,
    packed_signature: String,
}

fn point([x, y]: &[String; 2]) -> Point {
    Point::new_unchecked(element(x), element(y))
}

#[test]
fn signatures_of_other_implementations() {
    let file: File = serde_json::from_str(&file("eddsa.json")).unwrap();
    assert_eq!(file.kind, "eddsa");
    assert!(!file.notes.is_empty() && file.vectors.len() >= 40);
    let mut ours = 0;
    for Vector { name, flags, inputs, expected, .. } in &file.vectors {
        let (key, message) = (point(&inputs.key), element(&inputs.message));
        let signature = Signature { r8: point(&inputs.r8), s: element(&inputs.s) };
        let verified = verify(&key, message, &signature);
        let part = match verified {
            Ok(()) => "verifies",
            Err(SignatureError::Key(_)) => "key",
            Err(SignatureError::Nonce(_)) => "nonce",
            Err(SignatureError::Response) => "response",
            Err(SignatureError::Equation) => "equation",
        };
        assert_eq!(part, expected, "{name}");
        assert_eq!(part == "verifies", flags.iter().any(|f| f == "valid"), "{name}");
        // The packed forms are read where they should be, and are the same bytes.
        let packed_key = PublicKey::from_bytes(&bytes(&inputs.packed_key));
        let packed_signature = Signature::from_bytes(&bytes(&inputs.packed_signature));
        match part {
            "verifies" | "equation" => {
                let packed_key = packed_key.unwrap();
                assert_eq!(
                    (packed_key.point(), hex(&packed_key.to_bytes())),
                    (key, inputs.packed_key.clone()),
                    "{name}"
                );
                let packed_signature = packed_signature.unwrap();
                assert_eq!(packed_signature, signature, "{name}");
                assert_eq!(hex(&packed_signature.to_bytes()), inputs.packed_signature, "{name}");
            }
            "key" => assert!(packed_key.is_err() || packed_key != PublicKey::new(key), "{name}"),
            _ => assert_ne!(packed_signature, Ok(signature), "{name}"),
        }
        if let Some(secret) = &inputs.secret {
            let secret = SecretKey::from_bytes(bytes(secret));
            assert_eq!(secret.public().unwrap().point(), key, "{name}");
            assert_eq!(secret.sign(message), Ok(signature), "{name}: the nonce is zk-kit's");
            ours += 1;
        }
    }
    assert!(ours >= 8);
}

#[test]
fn aliases_of_bytes_are_refused() {
    let secret = SecretKey::from_bytes([3; 32]);
    let (key, signature) = (secret.public().unwrap(), secret.sign(Fr::from(5u64)).unwrap());
    assert_eq!(PublicKey::from_bytes(&key.to_bytes()), Ok(key));
    let good = signature.to_bytes();
    assert_eq!(Signature::from_bytes(&good), Ok(signature));
    for bit in 0..512 {
        let mut bad = good;
        bad[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = Signature::from_bytes(&bad) {
            assert_eq!(other.to_bytes(), bad);
            assert_eq!(verify(&key.point(), Fr::from(5u64), &other), Err(SignatureError::Equation), "bit {bit}");
        }
    }
    let identity = std::array::from_fn(|i| u8::from(i == 0));
    assert!(PublicKey::from_bytes(&identity).is_err());
}

#[test]
fn secrets_are_not_printed() {
    let text = format!("{:?}", SecretKey::from_bytes([0xab; 32]));
    assert!(!text.contains("ab") && !text.contains("171"), "{text}");
}

/// What `make/eddsa.js` verifies with circomlibjs and zk-kit.
pub(crate) fn signed_here() -> String {
    let messages = (0..12u64).map(|i| match i {
        0 => Fr::from(0u64),
        1 => -Fr::from(1u64),
        _ => avouch_circuits::r1cs::poseidon::hash(&[Fr::from(i)]),
    });
    let lines = messages.enumerate().map(|(i, message)| {
        let secret = SecretKey::from_bytes([i as u8; 32]);
        let (key, signature) = (secret.public().unwrap().to_bytes(), secret.sign(message).unwrap().to_bytes());
        serde_json::json!({
            "name": format!("signature {i}"),
            "notes": "",
            "flags": ["valid"],
            "inputs": { "secret": hex(&[i as u8; 32]), "message": message.to_string() },
            "expected": { "key": hex(&key), "signature": hex(&signature) },
        })
        .to_string()
    });
    let lines: Vec<String> = lines.map(|line| format!("  {line}")).collect();
    let head = r#"{"kind": "signed", "notes": "signatures made by Avouch; make/eddsa.js verifies them", "vectors": ["#;
    format!("{head}\n{}\n]}}\n", lines.join(",\n"))
}
