//! Many proofs of one key at once: the same verdicts as one by one.

use ark_bn254::G1Affine;
use ark_ec::{AffineRepr as _, CurveGroup as _};
use avouch_verifier::{AcceptedKey, Disclosure, VerifyError, system::ProofError, verify, verify_batch};

use crate::toy::{accept, compressed, keys, point, prove_file, slots, small};

/// Proof files of these outputs.
fn files(key: &AcceptedKey, count: u64) -> Vec<Vec<u8>> {
    (0..count).map(|i| prove_file(key.key(), slots(key.key(), small(i)))).collect()
}

/// The proof's last point, C or C₂, plus another.
fn shifted(file: &[u8], by: G1Affine) -> Vec<u8> {
    let (rest, last) = file.split_at(file.len() - 32);
    [rest, &compressed(&(point(last) + by).into_affine())].concat()
}

fn assert_as_one_by_one(key: &AcceptedKey, files: &[&[u8]], good: &[bool]) {
    let verdicts = verify_batch(key, files);
    assert_eq!(verdicts, files.iter().map(|f| verify(key, f)).collect::<Vec<_>>());
    assert_eq!(verdicts.iter().map(Result::is_ok).collect::<Vec<_>>(), good);
}

#[test]
fn a_batch_is_verified_and_names_what_is_bad() {
    for key in keys(Disclosure::Argmax).map(accept) {
        let files = files(&key, 9);
        let good: Vec<&[u8]> = files.iter().map(Vec::as_slice).collect();
        for n in [0, 1, 2, 9] {
            assert_as_one_by_one(&key, &good[..n], &vec![true; n]);
        }
        let bad = shifted(&files[4], G1Affine::generator());
        for at in [0, 4, 8] {
            let (mut some, mut expected) = (good.clone(), [true; 9]);
            (some[at], expected[at]) = (&bad, false);
            assert_as_one_by_one(&key, &some, &expected);
        }
        // What does not decode is in no sum.
        let verdicts = verify_batch(&key, &[good[0], &good[1][..100], good[2]]);
        assert!(matches!(verdicts.as_slice(), [Ok(_), Err(VerifyError::File(_)), Ok(_)]), "{verdicts:?}");
    }
}

/// Without weights the two errors would cancel, and both proofs pass.
#[test]
fn errors_that_cancel_are_found() {
    for key in keys(Disclosure::Argmax).map(accept) {
        let files = files(&key, 3);
        let error = (G1Affine::generator() + G1Affine::generator()).into_affine();
        let (plus, minus) = (shifted(&files[0], error), shifted(&files[1], -error));
        let verdicts = verify_batch(&key, &[&plus, &minus, &files[2]]);
        let rejected = Some(VerifyError::Proof(ProofError::Rejected));
        assert_eq!(verdicts.into_iter().map(Result::err).collect::<Vec<_>>(), [rejected.clone(), rejected, None]);
        // A proof that stands twice is no error.
        assert_as_one_by_one(&key, &[&files[0], &files[0], &plus, &plus], &[true, true, false, false]);
    }
}
