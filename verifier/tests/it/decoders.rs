//! No decoder panics on any bytes, and whatever one accepts it writes back unchanged.

use std::sync::LazyLock;

use avouch_verifier::{Disclosure, Envelope, ProofFile, Statement, SystemId, VerifyingKey, verify};
use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use crate::toy::{accept, keys, material_length, proof_length, prove_file, slots, small};

/// A key and a proof file of each proof system that can be simulated.
static FILES: LazyLock<Vec<(VerifyingKey, Vec<u8>)>> = LazyLock::new(|| {
    let files = keys(Disclosure::Threshold { index: 2, threshold: 3 }).map(|key| {
        let file = prove_file(&key, slots(&key, small(1)));
        (key, file)
    });
    files.collect()
});

/// Random bytes, and valid files with a stretch replaced by others.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let simulated = FILES.iter().map(|(key, file)| [key.encode(), file.clone()]);
    #[cfg(feature = "halo2")]
    let simulated = simulated.chain([crate::halo2::files()]);
    let valid = simulated.flat_map(|[key, file]| [key, file[262..].to_vec(), file]);
    let spliced = (select(valid.collect::<Vec<_>>()), any::<Index>(), 0usize..40, vec(any::<u8>(), 0..40));
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
    for &system in SystemId::ALL {
        if let Ok(x) = Statement::decode(system, bytes) {
            prop_assert_eq!(x.encode(), bytes);
        }
    }
    Ok(())
}

#[test]
fn the_valid_files_decode() {
    for (key, file) in &*FILES {
        assert!(VerifyingKey::decode(&key.encode()).is_ok());
        assert!(ProofFile::decode(file).is_ok());
        assert!(Envelope::decode(&file[262..]).is_ok());
        assert!(Statement::decode(key.system(), &file[6..262]).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, ..ProptestConfig::default() })]

    #[test]
    fn decoding_is_total_and_canonical(bytes in bytes()) {
        decode_all(&bytes)?;
    }

    #[test]
    fn length_fields_cause_no_large_allocation(length in any::<u32>(), at in prop_oneof![Just(0usize), Just(1), Just(2)]) {
        for (key, _) in &*FILES {
            // The three lengths of the key file: description, label, key material.
            let mut file = key.encode();
            let material = file.len() - material_length(key.system()) - 4;
            let offset = [23, material - 4 - 3 - 4, material][at];
            let same = file[offset..offset + 4] == length.to_le_bytes();
            file[offset..offset + 4].copy_from_slice(&length.to_le_bytes());
            prop_assert_eq!(VerifyingKey::decode(&file).is_ok(), same);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// A proof is accepted for its own bytes, and nothing else about the file can differ.
    #[test]
    fn verifying_is_total(proof in vec(any::<u8>(), 160)) {
        for (key, file) in &*FILES {
            let mut file = file.clone();
            let length = proof_length(key.system());
            let at = file.len() - length;
            file[at..].copy_from_slice(&proof[..length]);
            prop_assert!(verify(&accept(key.clone()), &file).is_err());
        }
    }
}
