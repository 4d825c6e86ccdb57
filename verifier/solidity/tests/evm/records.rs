//! The hub with proofs about signed records, under a data policy.

use revm::primitives::Address;

use crate::{
    chain::{NOW, PROVER, STRANGER, number},
    fixture::POLICIED,
    hub::{DEADLINE, REWARD, Setting, Task},
    verifier::negated,
};

/// Nobody has paid it anything yet.
pub(crate) const NEWCOMER: Address = Address::repeat_byte(0x77);

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn a_batch_is_paid_once() {
    for fixture in POLICIED.iter() {
        let mut s = Setting::of(fixture);
        s.set_root(DEADLINE);
        let (task, other) = (s.policied(3), Task { salt: [4; 32], ..s.policied(1) });
        s.create(&task, &[]).result.unwrap();
        s.create(&other, &[]).result.unwrap();
        let call = fixture.call(s.context(&task, NEWCOMER));
        assert!(!s.chain.exists(NEWCOMER));
        let outcome = s.submit(&task, NEWCOMER, &call);
        outcome.result.as_ref().unwrap();
        assert_eq!((s.chain.balance(NEWCOMER), outcome.logs), (REWARD, 1));

        s.submit(&task, NEWCOMER, &call).assert_error("NullifierUsed()");
        // Other bytes of the same proof.
        s.submit(&task, NEWCOMER, &negated(&call)).assert_error("NullifierUsed()");
        // Another proof about the same records: for the same task, another recipient, another task.
        for (task, recipient) in [(&task, NEWCOMER), (&task, PROVER), (&other, NEWCOMER)] {
            let again = fixture.call(s.context(task, recipient));
            assert_ne!(again.statement[6], call.statement[6]);
            s.submit(task, recipient, &again).assert_error("NullifierUsed()");
        }
        assert_eq!(s.chain.balance(NEWCOMER), REWARD);
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn every_slot_is_compared() {
    for fixture in POLICIED.iter() {
        let mut s = Setting::of(fixture);
        s.set_root(DEADLINE);
        let task = s.policied(1);
        s.create(&task, &[]).result.unwrap();
        let call = fixture.call(s.context(&task, PROVER));
        let errors = [
            "WrongContext(uint256)",
            "WrongCircuit()",
            "WrongPolicy()",
            "RootExpired()",
            "InvalidProof()",
            "InvalidProof()",
            "InvalidProof()",
            "InvalidProof()",
        ];
        for (slot, error) in errors.into_iter().enumerate() {
            let mut changed = call.clone();
            // The lowest bit of slot 4 is the window's begin, which the hub does not look at.
            changed.statement[slot][31] ^= 1;
            s.submit(&task, PROVER, &changed).assert_error(error);
        }
        for (slot, error) in [(3, "RootExpired()"), (4, "NotFresh()"), (5, "NullifierUsed()")] {
            let mut changed = call.clone();
            changed.statement[slot] = number(0);
            s.submit(&task, PROVER, &changed).assert_error(error);
        }
        // Another recipient, another task, another policy.
        s.submit(&task, STRANGER, &call).assert_error("WrongContext(uint256)");
        let other = Task { salt: [4; 32], ..task.clone() };
        s.create(&other, &[]).result.unwrap();
        s.submit(&other, PROVER, &call).assert_error("WrongContext(uint256)");
        let foreign = Task { policy_id: number(0x99), ..task.clone() };
        s.create(&foreign, &[]).result.unwrap();
        let proof = fixture.call(s.context(&foreign, PROVER));
        s.submit(&foreign, PROVER, &proof).assert_error("WrongPolicy()");
        s.submit(&task, PROVER, &call).result.unwrap();
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn roots_expire_and_windows_do() {
    for fixture in POLICIED.iter() {
        let mut s = Setting::of(fixture);
        let task = s.policied(1);
        s.create(&task, &[]).result.unwrap();
        let call = fixture.call(s.context(&task, PROVER));
        s.submit(&task, PROVER, &call).assert_error("RootExpired()");
        // Expired, and withdrawn.
        for until in [NOW - 1, 0] {
            s.set_root(until);
            s.submit(&task, PROVER, &call).assert_error("RootExpired()");
        }
        // The window ends at `NOW`.
        s.set_root(DEADLINE);
        for now in [NOW + task.max_delay + 1, NOW - task.skew - 1] {
            s.chain.now = now;
            s.submit(&task, PROVER, &call).assert_error("NotFresh()");
        }
    }
    // To the second, each is still taken.
    let [fixture, _] = &*POLICIED;
    let s = Setting::of(fixture);
    let task = s.policied(1);
    let call = fixture.call(s.context(&task, PROVER));
    for now in [NOW + task.max_delay, NOW - task.skew] {
        let mut s = Setting::of(fixture);
        s.chain.now = now;
        s.set_root(now);
        s.create(&task, &[]).result.unwrap();
        s.submit(&task, PROVER, &call).result.unwrap();
    }
}
