//! No decoder panics on any bytes, and whatever one accepts it writes back unchanged.

use std::sync::LazyLock;

use avouch_verifier::{Disclosure, Envelope, ProofFile, Statement, VerifyingKey, verify};
use proptest::{collection::vec, prelude::*, sample::Index};

use crate::toy::{SYSTEM, accept, key, prove_file, slots, small};

static KEY: LazyLock<VerifyingKey> = LazyLock::new(|| key(Disclosure::Threshold { index: 2, threshold: 3 }));
static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| prove_file(&KEY, slots(&KEY, small(1))));

/// Random bytes, and valid files with a stretch replaced by others.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let valid = prop_oneof![Just(KEY.encode()), Just(FILE.clone()), Just(FILE[262..].to_vec())];
    let spliced = (valid, any::<Index>(), 0usize..40, vec(any::<u8>(), 0..40));
    let spliced = spliced.prop_map(|(mut file, at, remove, insert)| {
        let at = at.index(file.len());
        let end = (at + remove).min(file.len());
        file.splice(at..end, insert);
        file
    });
    prop_oneof![vec(any::<u8>(), 0..600), spliced]
}

fn decode_all(bytes: &[u8]) -> Result<(), TestCaseError> {
    if let Ok(x) = VerifyingKey::decode(bytes) {
        prop_assert_eq!(x.encode(), bytes);
    }
    if let Ok(x) = ProofFile::decode(bytes) {
        prop_assert_eq!(x.encode(), bytes);
    }
    if let Ok(x) = Envelope::decode(bytes) {
        prop_assert_eq!(x.encode(), bytes);
    }
    if let Ok(x) = Statement::decode(SYSTEM, bytes) {
        prop_assert_eq!(x.encode(), bytes);
    }
    Ok(())
}

#[test]
fn the_valid_files_decode() {
    assert!(VerifyingKey::decode(&KEY.encode()).is_ok());
    assert!(ProofFile::decode(&FILE).is_ok());
    assert!(Envelope::decode(&FILE[262..]).is_ok());
    assert!(Statement::decode(SYSTEM, &FILE[6..262]).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn decoding_is_total_and_canonical(bytes in bytes()) {
        decode_all(&bytes)?;
    }

    #[test]
    fn length_fields_cause_no_large_allocation(length in any::<u32>(), at in prop_oneof![Just(0usize), Just(1), Just(2)]) {
        // The three lengths of the key file: description, label, key material.
        let mut file = KEY.encode();
        let offset = [23, file.len() - 448 - 4 - 4 - 3 - 4, file.len() - 448 - 4][at];
        let same = file[offset..offset + 4] == length.to_le_bytes();
        file[offset..offset + 4].copy_from_slice(&length.to_le_bytes());
        prop_assert_eq!(VerifyingKey::decode(&file).is_ok(), same);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A proof is accepted for its own bytes, and nothing else about the file can differ.
    #[test]
    fn verifying_is_total(proof in vec(any::<u8>(), 128)) {
        let mut file = FILE.clone();
        let at = file.len() - 128;
        file[at..].copy_from_slice(&proof);
        prop_assert!(verify(&accept(KEY.clone()), &file).is_err());
    }
}
