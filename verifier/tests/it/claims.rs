//! What a verified proof says, and statements that are proven but make no sense for the circuit.

use avouch_verifier::{
    CircuitDescription, DType, Disclosure, Envelope, KeyParts, KeyProvenance, Output, ProofFile, Slot, Statement,
    VerifiedClaim, VerifyError, VerifyingKey, Window, system::ProofError, verify,
};

use crate::toy::{SIMULATED, accept, description, key, keys, parts, proof_length, prove, prove_file, slots, small};

fn claim(key: &VerifyingKey, slots: [[u8; 32]; 8]) -> Result<VerifiedClaim, VerifyError> {
    verify(&accept(key.clone()), &prove_file(key, slots))
}

/// The slot that a statement is refused for.
fn refused_slot(key: &VerifyingKey, slots: [[u8; 32]; 8]) -> Slot {
    match claim(key, slots) {
        Err(VerifyError::Slot { slot, .. }) => slot,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_claim_says_what_was_proven() {
    for key in keys(Disclosure::Argmax) {
        let slots = slots(&key, small(7));
        let file = prove_file(&key, slots);
        assert_eq!(file.len(), 352 + proof_length(key.system()));
        let accepted = accept(key.clone());
        for _ in 0..2 {
            let claim = verify(&accepted, &file).unwrap();
            assert_eq!(claim.system(), key.system());
            assert_eq!(claim.key(), &key);
            assert_eq!(claim.key_provenance(), KeyProvenance::Dev);
            assert_eq!(claim.description(), key.description());
            assert_eq!(claim.model_id(), &[0xa5; 32]);
            assert_eq!(claim.statement().slots(), &slots);
            assert_eq!(claim.output(), &Output::Argmax(7));
            assert_eq!(claim.output_info().shape, [1, 10]);
            assert!(claim.is_context_bound());
            assert_eq!(claim.window(), None);
        }
    }
}

#[test]
fn an_envelope_fits_in_320_bytes() {
    for key in keys(Disclosure::Commit) {
        let statement = Statement::new(key.system(), slots(&key, small(7))).unwrap();
        let envelope = Envelope::new(&key, &statement, prove(&key, &statement)).unwrap();
        assert_eq!(envelope.encode().len(), 90 + proof_length(key.system()));
        assert!(envelope.encode().len() <= 320);
        assert_eq!(Envelope::decode(&envelope.encode()), Ok(envelope));
    }
}

#[test]
fn an_unbound_claim_says_so() {
    for key in keys(Disclosure::Argmax) {
        let mut slots = slots(&key, small(0));
        slots[0] = [0; 32];
        assert!(!claim(&key, slots).unwrap().is_context_bound());
    }
}

#[test]
fn raw_outputs_are_read_from_the_low_end() {
    for key in keys(Disclosure::Raw) {
        let mut output = [0; 32];
        for i in 0..10u8 {
            output[31 - usize::from(i)] = [0, 255, 128, 127, 129, 1, 2, 3, 4, 250][usize::from(i)];
        }
        let integers = vec![-128, 127, 0, -1, 1, -127, -126, -125, -124, 122];
        assert_eq!(claim(&key, slots(&key, output)).unwrap().output(), &Output::Raw(integers));
        // An eleventh element, and the highest byte below the modulus.
        for surplus in [21, 0] {
            let mut output = output;
            output[surplus] = 1;
            assert_eq!(refused_slot(&key, slots(&key, output)), Slot::Output);
        }

        let mut unsigned = parts(key.system(), description(Disclosure::Raw));
        unsigned.output.quant.dtype = DType::U8;
        unsigned.output.quant.zero_point = 3;
        let key = VerifyingKey::new(unsigned).unwrap();
        let integers = vec![0, 255, 128, 127, 129, 1, 2, 3, 4, 250];
        assert_eq!(claim(&key, slots(&key, output)).unwrap().output(), &Output::Raw(integers));
    }
}

#[test]
fn the_widest_raw_output_fits() {
    for system in SIMULATED {
        let description = CircuitDescription { output_len: 31, ..description(Disclosure::Raw) };
        let key = VerifyingKey::new(parts(system, description)).unwrap();
        let mut output = [0xff; 32];
        output[0] = 0;
        assert_eq!(claim(&key, slots(&key, output)).unwrap().output(), &Output::Raw(vec![127; 31]));
        output[0] = 1;
        assert_eq!(refused_slot(&key, slots(&key, output)), Slot::Output);
    }
}

#[test]
fn the_other_disclosures_have_their_own_range() {
    for system in SIMULATED {
        let argmax = key(system, Disclosure::Argmax);
        assert_eq!(claim(&argmax, slots(&argmax, small(9))).unwrap().output(), &Output::Argmax(9));
        for bad in [10, 1 << 32, 1 << 33 | 1] {
            assert_eq!(refused_slot(&argmax, slots(&argmax, small(bad))), Slot::Output);
        }

        let (index, threshold) = (3, -20);
        let above = key(system, Disclosure::Threshold { index, threshold });
        for reached in [false, true] {
            let output = Output::Threshold { index, threshold, reached };
            assert_eq!(claim(&above, slots(&above, small(reached.into()))).unwrap().output(), &output);
        }
        assert_eq!(refused_slot(&above, slots(&above, small(2))), Slot::Output);

        let commit = key(system, Disclosure::Commit);
        let mut largest = system.modulus();
        largest[31] -= 1;
        assert_eq!(claim(&commit, slots(&commit, largest)).unwrap().output(), &Output::Commit(largest));
    }
}

#[test]
fn a_proof_of_another_circuit_is_refused() {
    for (argmax, above) in keys(Disclosure::Argmax).zip(keys(Disclosure::Threshold { index: 0, threshold: 0 })) {
        // The same proving key, so the proof itself holds: the 1 would change its meaning.
        assert_eq!(refused_slot(&above, slots(&argmax, small(1))), Slot::CircuitId);
    }
}

#[test]
fn without_a_data_policy_its_slots_are_fixed() {
    for key in keys(Disclosure::Argmax) {
        let good = slots(&key, small(1));
        for (i, slot) in [(2, Slot::PolicyId), (3, Slot::RegistryRoot), (4, Slot::Window), (5, Slot::Nullifier)] {
            let mut bad = good;
            bad[i] = small(1);
            assert_eq!(refused_slot(&key, bad), slot);
        }
        let mut bad = good;
        bad[2] = [0; 32];
        assert_eq!(refused_slot(&key, bad), Slot::PolicyId);
    }
}

#[test]
fn with_a_data_policy_the_window_has_to_fit() {
    for system in SIMULATED {
        let description = CircuitDescription { schema_digest: [9; 31], records: 4, ..description(Disclosure::Argmax) };
        let key = VerifyingKey::new(parts(system, description)).unwrap();
        let window = Window { t_lo: 1000, t_hi: 2000, records: 4 };
        let mut good = slots(&key, small(1));
        (good[2], good[3], good[5]) = (small(20), small(30), small(50));
        good[4] = window.to_slot().unwrap();
        let claim = claim(&key, good).unwrap();
        assert_eq!(claim.window(), Some(window));
        assert!(claim.description().has_data_policy());

        let mut bad = good;
        bad[4] = Window { records: 5, ..window }.to_slot().unwrap();
        assert_eq!(refused_slot(&key, bad), Slot::Window);
        bad[4] = good[4];
        bad[4][19] = 1;
        assert_eq!(refused_slot(&key, bad), Slot::Window);
    }
}

#[test]
fn proofs_do_not_carry_over_to_other_statements() {
    for key in keys(Disclosure::Argmax) {
        let good = slots(&key, small(1));
        let proof = prove(&key, &Statement::new(key.system(), good).unwrap());
        let accepted = accept(key.clone());
        for (i, value) in [(0, small(5)), (6, small(6)), (7, small(2)), (0, [0; 32])] {
            let mut other = good;
            other[i] = value;
            // With a fresh digest, so that only the pairing stands in the way.
            let file = ProofFile::new(&key, Statement::new(key.system(), other).unwrap(), proof.clone()).unwrap();
            assert_eq!(verify(&accepted, &file.encode()), Err(VerifyError::Proof(ProofError::Rejected)));
        }
    }
}

#[test]
fn proofs_do_not_carry_over_to_other_keys() {
    for key in keys(Disclosure::Argmax) {
        let file = prove_file(&key, slots(&key, small(1)));
        let relabelled = VerifyingKey::new(KeyParts {
            label: "other".into(),
            ..parts(key.system(), description(Disclosure::Argmax))
        });
        let relabelled = relabelled.unwrap();
        let error = VerifyError::OtherKey { file: *key.digest(), key: *relabelled.digest() };
        assert_eq!(verify(&accept(relabelled), &file), Err(error));
    }
}

/// Groth16 proofs are malleable: proof bytes identify nothing, and nothing may rely on them as an id.
#[test]
fn a_mauled_proof_proves_the_same_and_no_more() {
    for key in keys(Disclosure::Argmax) {
        let file = prove_file(&key, slots(&key, small(1)));
        let mut mauled = file.clone();
        let proof = mauled.len() - proof_length(key.system());
        mauled[proof + 31] ^= 0x80; // −A
        mauled[proof + 95] ^= 0x80; // −B
        let accepted = accept(key);
        assert_eq!(verify(&accepted, &mauled), verify(&accepted, &file));
        assert!(verify(&accepted, &file).is_ok());
    }
}
