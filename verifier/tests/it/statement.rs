//! Slots, digests, contexts, ids: values pinned against an independent computation (Python's hashlib and big integers,
//! and a keccak256 written for the purpose).

use ark_bn254::Fr;
use ark_ff::{BigInteger as _, PrimeField as _};
use avouch_verifier::{
    EMPTY_POLICY_ID, EvmContext, GenericContext, Problem, Slot, Statement, SystemId, Window, context_slot,
};

use crate::toy::{SIMULATED, small};

#[test]
fn the_modulus_is_the_fields() {
    for system in SIMULATED {
        assert_eq!(system.modulus().to_vec(), Fr::MODULUS.to_bytes_be());
    }
}

#[test]
fn slots_at_or_above_the_modulus_are_refused() {
    for &system in SystemId::ALL {
        let modulus = system.modulus();
        let mut largest = modulus;
        largest[31] -= 1;
        for (i, slot) in Slot::ALL.into_iter().enumerate() {
            for bad in [modulus, [0xff; 32]] {
                let mut slots = [small(1); 8];
                slots[i] = bad;
                let error = Statement::new(system, slots).unwrap_err();
                assert_eq!((error.field, error.problem), (slot.name(), Problem::NotCanonical));
                assert!(Statement::decode(system, &slots.concat()).is_err());
            }
            let mut slots = [small(1); 8];
            slots[i] = largest;
            let statement = Statement::new(system, slots).unwrap();
            assert_eq!(statement.slot(slot), &largest);
            assert_eq!(Statement::decode(system, &statement.encode()), Ok(statement));
        }
    }
}

#[test]
fn accessors_name_the_slots_in_order() {
    for &system in SystemId::ALL {
        let slots = [0, 1, 2, 3, 4, 5, 6, 7].map(small);
        let s = Statement::new(system, slots).unwrap();
        let named = [
            s.context(),
            s.circuit_id(),
            s.policy_id(),
            s.registry_root(),
            s.window(),
            s.nullifier(),
            s.input_commitment(),
            s.output(),
        ];
        assert_eq!(named.map(|slot| *slot), slots);
    }
}

#[test]
fn ids_and_digests_are_pinned() {
    let pins: &[_] = &[
        (
            SystemId::Groth16Bn254,
            "425281573a0c364732acdb2ec2285f76",
            "477b7eaa8885302cba5614fa91a0233dc0f72a4741db1e3ced85a8ffb5679d5e",
        ),
        (
            SystemId::Groth16LookupBn254,
            "aef57e84b6d1cb03fb05428e6d3103f0",
            "90d3a27f9fccd30b5db2931e30a6d103a18d3e90c29af8ab5f27eaf29317994f",
        ),
        #[cfg(feature = "halo2")]
        (
            SystemId::Halo2IpaPasta,
            "54aca9cc24e143b4b229a1adc91a7604",
            "ea8a695d3286d172a7c1f4fd7bf0f8ff9520d2c4c63f625ca110786f5b62cacd",
        ),
    ];
    assert_eq!(pins.len(), SystemId::ALL.len());
    for &(system, id, digest) in pins {
        assert_eq!(hex::encode(system.bytes()), id);
        let statement = Statement::new(system, [1, 2, 3, 4, 5, 6, 7, 8].map(small)).unwrap();
        assert_eq!(hex::encode(statement.digest()), digest);
        assert!(EMPTY_POLICY_ID < system.modulus());
    }
    assert_eq!(hex::encode(EMPTY_POLICY_ID), "0000000000000000000061766f7563682f706f6c6963792f656d7074792f7631");
}

#[test]
fn systems_are_found_by_name_and_id() {
    for &system in SystemId::ALL {
        assert_eq!(SystemId::from_name(system.name()), Some(system));
        assert_eq!(SystemId::from_bytes(&system.bytes()), Some(system));
    }
    assert_eq!(SystemId::from_name("groth16-bn254:v0"), None);
    assert_eq!(SystemId::from_bytes(&[0; 16]), None);
}

#[test]
fn contexts_match_an_independent_computation() {
    let evm = EvmContext {
        chain_id: 137,
        hub: [0x11; 20],
        task_id: [0x22; 32],
        recipient: [0x33; 20],
        deadline: 1_893_456_000,
    };
    let type_hash = "13816078ed152b12b0c471b705602fb94b67515f8a208b04e3d9dbbda2f6746c";
    assert_eq!(hex::encode(EvmContext::type_hash()), type_hash);
    let digest = "14e2d80dcf87562de2502a6d97a66590a0de6be1e2ea16cb2972081242131c0e";
    assert_eq!(hex::encode(evm.digest()), digest);
    assert_eq!(hex::encode(context_slot(&evm.digest())), format!("00{}", &digest[..62]));

    let generic = GenericContext {
        chain: b"cosmos:osmosis-1",
        hub: b"hub",
        task_id: b"task 7",
        recipient: b"",
        deadline: 1_893_456_000,
    };
    let digest = "cd80788e4e977bdb0fb47c93306c9dec439e432c651753e0ea2c992ae5baf92e";
    assert_eq!(hex::encode(generic.digest().unwrap()), digest);
    // Bytes that move between fields make another context.
    let moved = GenericContext { hub: b"hubt", task_id: b"ask 7", ..generic };
    assert_ne!(moved.digest(), generic.digest());
}

#[test]
fn windows_fill_their_slot_without_slack() {
    let window = Window { t_lo: 1, t_hi: 0xff_ffff_ffff, records: 0x0203 };
    let slot = window.to_slot().unwrap();
    assert_eq!(hex::encode(slot), "00000000000000000000000000000000000000000203ffffffffff0000000001");
    assert_eq!(Window::from_slot(&slot), Some(window));
    assert_eq!(Window { t_lo: 1 << 40, ..window }.to_slot(), None);
    assert_eq!(Window { t_hi: 1 << 40, ..window }.to_slot(), None);
    for i in 0..20 {
        let mut surplus = slot;
        surplus[i] = 1;
        assert_eq!(Window::from_slot(&surplus), None);
    }
}
