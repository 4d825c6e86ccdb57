//! Conditions on a claim, and the list of what nobody checked.

use avouch_verifier::{
    Acceptance, CircuitDescription, Disclosure, EMPTY_POLICY_ID, Freshness, KeyParts, KeyPolicy, NotChecked, Output,
    SetupKind, SystemId, VerifiedClaim, VerifyingKey, Window, acceptance::Condition, verify,
};

use crate::toy::{SIMULATED, accept, description, key, parts, prove_file, slots, small};

fn plain(system: SystemId, context: Option<[u8; 32]>) -> VerifiedClaim {
    let key = key(system, Disclosure::Argmax);
    let mut slots = slots(&key, small(7));
    slots[0] = context.map_or([0; 32], |digest| avouch_verifier::context_slot(&digest));
    verify(&accept(key.clone()), &prove_file(&key, slots)).unwrap()
}

fn with_policy(system: SystemId) -> VerifiedClaim {
    let description = CircuitDescription { schema_digest: [9; 31], records: 1, ..description(Disclosure::Argmax) };
    let setup = SetupKind::Ceremony { phase1: [1; 64], transcript: [2; 32], last_contribution: [3; 32] };
    let key = VerifyingKey::new(KeyParts { setup, ..parts(system, description) }).unwrap();
    let mut slots = slots(&key, small(7));
    (slots[2], slots[3]) = (small(20), small(30));
    slots[4] = Window { t_lo: 900, t_hi: 1000, records: 1 }.to_slot().unwrap();
    let pin = KeyPolicy { allow_dev: false, expect_vk: Some(*key.digest()) };
    verify(&pin.admit(key.clone()).unwrap(), &prove_file(&key, slots)).unwrap()
}

#[test]
fn each_condition_is_met_or_named() {
    let context = [0xc0; 32];
    let mut other = context;
    other[30] ^= 1;
    let claims = SIMULATED.map(|system| plain(system, Some(context)));
    let none = Acceptance::default;
    let cases = [
        (Condition::Model, Acceptance { expect_model: Some([0xa5; 32]), ..none() }, true),
        (Condition::Model, Acceptance { expect_model: Some([0xa6; 32]), ..none() }, false),
        (Condition::Context, Acceptance { expect_context: Some(context), ..none() }, true),
        (Condition::Context, Acceptance { expect_context: Some(other), ..none() }, false),
        (Condition::Policy, Acceptance { expect_policy: Some(EMPTY_POLICY_ID), ..none() }, true),
        (Condition::Policy, Acceptance { expect_policy: Some(small(20)), ..none() }, false),
        (Condition::RegistryRoot, Acceptance { expect_root: Some([0; 32]), ..none() }, true),
        (Condition::RegistryRoot, Acceptance { expect_root: Some(small(30)), ..none() }, false),
        (Condition::Output, Acceptance { expect_output: Some(Output::Argmax(7)), ..none() }, true),
        (Condition::Output, Acceptance { expect_output: Some(Output::Argmax(1)), ..none() }, false),
        (Condition::Output, Acceptance { expect_output: Some(Output::Raw(vec![7])), ..none() }, false),
        (
            Condition::Freshness,
            Acceptance { freshness: Some(Freshness { now: 0, max_delay: 0, skew: 0 }), ..none() },
            false,
        ),
    ];
    for ((condition, acceptance, met), claim) in cases.iter().flat_map(|case| claims.iter().map(move |c| (case, c))) {
        let report = acceptance.evaluate(claim);
        let [outcome] = report.outcomes.as_slice() else { panic!("{report:?}") };
        assert_eq!((outcome.condition, outcome.met), (*condition, *met));
        assert_eq!(report.is_accepted(), *met);
        assert_eq!(report.check().err().map(|e| e.0), (!met).then(|| outcome.clone()));
    }
}

#[test]
fn the_last_byte_of_a_context_digest_is_not_in_the_proof() {
    let mut same = [0xc0; 32];
    same[31] ^= 1;
    let acceptance = Acceptance { expect_context: Some(same), ..Acceptance::default() };
    for system in SIMULATED {
        assert!(acceptance.evaluate(&plain(system, Some([0xc0; 32]))).is_accepted());
        assert!(!acceptance.evaluate(&plain(system, None)).is_accepted());
    }
}

#[test]
fn freshness_is_a_closed_interval_around_the_end_of_the_window() {
    let claims = SIMULATED.map(with_policy);
    for (now, max_delay, skew, met) in [
        (1000, 0, 0, true),
        (1010, 10, 0, true),
        (1011, 10, 0, false),
        (995, 0, 5, true),
        (994, 0, 5, false),
        (0, u64::MAX, u64::MAX, true),
        (u64::MAX, 0, u64::MAX, false),
    ] {
        let freshness = Some(Freshness { now, max_delay, skew });
        for claim in &claims {
            let report = Acceptance { freshness, ..Acceptance::default() }.evaluate(claim);
            assert_eq!(report.is_accepted(), met, "{freshness:?}");
        }
    }
}

#[test]
fn the_first_unmet_condition_is_reported() {
    let acceptance =
        Acceptance { expect_model: Some([0; 32]), expect_output: Some(Output::Argmax(1)), ..Acceptance::default() };
    for system in SIMULATED {
        let error = acceptance.evaluate(&plain(system, None)).check().unwrap_err();
        assert_eq!(error.0.condition, Condition::Model);
        assert!(error.to_string().starts_with("model: expected 0000"), "{error}");
    }
}

#[test]
fn whatever_is_not_checked_is_said() {
    use NotChecked::{
        Context, ContextUnbound, Freshness as Age, InputOrigin, Model, ModelClaimedByKey, Policy, RegistryRoot, Reuse,
        SensorTruth, Setup,
    };
    for system in SIMULATED {
        let none = Acceptance::default();
        let open = |acceptance: &Acceptance, claim: &VerifiedClaim| acceptance.evaluate(claim).not_checked;
        assert_eq!(open(&none, &plain(system, None)), [Setup, ModelClaimedByKey, Model, ContextUnbound, InputOrigin]);
        assert_eq!(open(&none, &plain(system, Some([1; 32]))), [Setup, ModelClaimedByKey, Model, Context, InputOrigin]);
        assert_eq!(
            open(&none, &with_policy(system)),
            [ModelClaimedByKey, Model, Context, Policy, RegistryRoot, Age, Reuse, SensorTruth]
        );
        let all = Acceptance {
            expect_model: Some([0xa5; 32]),
            expect_context: Some([0xc0; 32]),
            expect_policy: Some(small(20)),
            expect_root: Some(small(30)),
            freshness: Some(Freshness { now: 1000, max_delay: 0, skew: 0 }),
            ..none
        };
        let report = all.evaluate(&with_policy(system));
        assert!(report.is_accepted(), "{report:?}");
        assert_eq!(report.not_checked, [ModelClaimedByKey, Reuse, SensorTruth]);
    }
}
