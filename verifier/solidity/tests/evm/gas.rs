//! What calls cost, held to the limits and written to `gas.snapshot`.

use std::fmt::Write as _;

use crate::{
    chain::{Chain, PROVER, STRANGER},
    fixture::ALL,
    hub::Setting,
};

/// The most that a verification, and a submission in all, may take: plain, and with lookups.
const LIMITS: [(u64, u64); 2] = [(250_000, 330_000), (290_000, 370_000)];

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn gas_is_as_recorded() {
    let mut snapshot = String::from("# Gas of the execution alone. AVOUCH_RECORD=1 writes this file anew.\n");
    let policied = policied_submission();
    let _ = writeln!(snapshot, "submit with a data policy, without verifying: {policied}");
    for (fixture, (verify, submit)) in ALL.iter().zip(LIMITS) {
        let name = fixture.system.name();
        let mut chain = Chain::new();
        let contract = chain.deploy(fixture.contract, &[]);
        let mut call = fixture.call([0xff; 32]);
        let verified = chain.call(STRANGER, contract, 0, call.calldata());
        assert!(verified.is_true());
        // Slots that are zero take no multiplication. With a data policy all are in use, and a wrong statement takes as
        // long as a right one.
        call.statement[3..6].fill([1; 32]);
        let full = chain.call(STRANGER, contract, 0, call.calldata());
        assert!(!full.is_true());

        let mut s = Setting::of(fixture);
        let task = s.named(2);
        s.create(&task, &[PROVER, STRANGER]).result.unwrap();
        let call = fixture.call(s.context(&task, PROVER));
        let submitted = s.submit(&task, PROVER, &call);
        submitted.result.unwrap();

        let _ = writeln!(snapshot, "{name} verify, empty policy: {}", verified.gas);
        let _ = writeln!(snapshot, "{name} verify, data policy: {}", full.gas);
        let _ = writeln!(snapshot, "{name} submit, empty policy: {}", submitted.gas);
        assert!(full.gas <= verify, "{name}: verification takes {}", full.gas);
        let most = submitted.gas.max(policied + full.gas);
        assert!(most <= submit, "{name}: submission takes {most}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/gas.snapshot");
    if std::env::var_os("AVOUCH_RECORD").is_some() {
        std::fs::write(path, &snapshot).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), snapshot);
}

/// What the hub takes with a data policy, when verifying takes next to nothing.
fn policied_submission() -> u64 {
    let mut s = Setting::always();
    s.set_root(u64::MAX);
    let task = s.policied(2);
    s.create(&task, &[]).result.unwrap();
    let call = s.answer(&task, PROVER);
    let submitted = s.submit(&task, PROVER, &call);
    submitted.result.unwrap();
    submitted.gas
}
