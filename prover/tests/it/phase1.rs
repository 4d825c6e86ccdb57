//! Files of phase 1: those of snarkjs are verified, and what was tampered with is refused with the reason.

use std::path::PathBuf;

use avouch_prover::ceremony::phase1::{self, Beacon};
use serde_json::Value;

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../test-vectors/ceremony/v1", name].iter().collect()
}

fn vectors() -> Value {
    serde_json::from_slice(&std::fs::read(fixture("phase1.json")).unwrap()).unwrap()
}

#[test]
fn files_of_snarkjs_are_verified() {
    let vectors = vectors();
    for name in ["powers.ptau", "prepared.ptau"] {
        let report = phase1::verify(&fixture(name), &()).unwrap();
        assert_eq!(hex::encode(report.hash), vectors["files"][name]);
        assert_eq!((report.power, report.ceremony_power), (4, 4));
        assert_eq!(report.prepared, name == "prepared.ptau");
        assert_eq!(report.public, None);
        let expected = vectors["contributions"].as_array().unwrap();
        assert_eq!(report.contributions.len(), expected.len());
        for (c, expected) in report.contributions.iter().zip(expected) {
            assert_eq!(c.name.as_deref(), expected["name"].as_str());
            assert_eq!(hex::encode(c.response_hash), expected["response_hash"]);
            assert_eq!(hex::encode(c.next_challenge), expected["next_challenge"]);
            let beacon = expected["beacon"].as_object().map(|b| Beacon {
                value: hex::decode(b["value"].as_str().unwrap()).unwrap(),
                iterations: b["iterations"].as_u64().unwrap() as u8,
            });
            assert_eq!(c.beacon, beacon);
        }
        for points in [1, 2, 3, 8, 9, 16] {
            phase1::read(&fixture(name), points, &()).unwrap();
        }
    }
}
