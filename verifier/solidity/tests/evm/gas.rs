//! What calls cost, held to the limits and written to `gas.snapshot`.

use std::fmt::Write as _;

use revm::primitives::Address;

use crate::{
    chain::{Chain, PROVER, STRANGER},
    fixture::{ALL, Fixture, POLICIED},
    hub::Setting,
    records::NEWCOMER,
    verifier::without_points,
};

/// The most that a verification, and a submission in all, may take: plain, and with lookups.
const LIMITS: [[u64; 2]; 2] = [[250_000, 330_000], [290_000, 370_000]];
/// The most that points may cost which are none.
const INVALID: u64 = 400_000;

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn gas_is_as_recorded() {
    let mut snapshot = String::from(
        "# Gas of the execution alone, and the most that is allowed. AVOUCH_RECORD=1 writes this file anew.\n",
    );
    for ((plain, policied), [verify, submit]) in ALL.iter().zip(&*POLICIED).zip(LIMITS) {
        for (call, gas, limit) in [
            ("verify, empty policy", verification(plain), verify),
            ("verify, data policy", verification(policied), verify),
            ("refuse a point that is none", refusal(plain).max(refusal(policied)), INVALID),
            ("submit, empty policy", submission(plain, PROVER), submit),
            ("submit, data policy", submission(policied, PROVER), submit),
            ("submit, data policy, for a new account", submission(policied, NEWCOMER), submit),
        ] {
            let name = plain.system.name();
            let _ = writeln!(snapshot, "{name} {call}: {gas} of {limit}");
            assert!(gas <= limit, "{name} {call}: {gas}");
        }
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/gas.snapshot");
    if std::env::var_os("AVOUCH_RECORD").is_some() {
        std::fs::write(path, &snapshot).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), snapshot);
}

fn verification(fixture: &Fixture) -> u64 {
    let mut chain = Chain::new();
    let contract = chain.deploy(fixture.contract, &[]);
    let verified = chain.call(STRANGER, contract, 0, fixture.call([0xff; 32]).calldata());
    assert!(verified.is_true());
    verified.gas
}

/// The most of all points.
fn refusal(fixture: &Fixture) -> u64 {
    let mut chain = Chain::new();
    let contract = chain.deploy(fixture.contract, &[]);
    let refused = without_points(&fixture.call([0xff; 32])).into_iter().map(|call| {
        let outcome = chain.call(STRANGER, contract, 0, call.calldata());
        assert!(!outcome.is_true());
        outcome.gas
    });
    refused.max().unwrap()
}

fn submission(fixture: &Fixture, recipient: Address) -> u64 {
    let mut s = Setting::of(fixture);
    let (task, recipients) = match fixture.policy_and_root() {
        None => (s.named(2), &[PROVER, STRANGER][..]),
        Some(_) => (s.policied(2), &[][..]),
    };
    s.set_root(u64::MAX);
    s.create(&task, recipients).result.unwrap();
    let call = fixture.call(s.context(&task, recipient));
    let submitted = s.submit(&task, recipient, &call);
    submitted.result.unwrap();
    submitted.gas
}
