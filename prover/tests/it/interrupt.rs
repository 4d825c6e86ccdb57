//! Long work can be stopped wherever it looks, and then leaves nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use avouch_prover::{
    files::NewFolder,
    groth16::{self, CreateError, ProveError, Request, SetupError},
    keys,
    progress::Progress,
};
use tempfile::TempDir;

use crate::fixture::{INPUT, entries, systems};

/// Stops at a given look, and checks that phases are announced with as many steps as they take.
struct Stop {
    looks: AtomicU64,
    left: AtomicU64,
    at: u64,
}

impl Stop {
    fn at(at: u64) -> Self {
        Self { looks: AtomicU64::new(0), left: AtomicU64::new(0), at }
    }
}

impl Progress for Stop {
    fn begin(&self, phase: &'static str, total: u64) {
        assert_eq!(self.left.swap(total, Ordering::Relaxed), 0, "steps missing before {phase}");
    }

    fn advance(&self, steps: u64) {
        assert!(self.left.fetch_sub(steps, Ordering::Relaxed) >= steps, "more steps than announced");
    }

    fn is_cancelled(&self) -> bool {
        self.looks.fetch_add(1, Ordering::Relaxed) == self.at
    }
}

#[test]
fn a_stopped_setup_leaves_nothing() {
    for (fixture, _) in systems() {
        let folder = TempDir::new().unwrap();
        let target = folder.path().join("keys");
        let mut stops = 0;
        loop {
            let new = NewFolder::create(&target, false).unwrap();
            match groth16::setup(fixture.system, &fixture.circuit, "test", Some([7; 32]), &Stop::at(stops)) {
                Err(SetupError::Cancelled(_)) => drop(new),
                Err(e) => panic!("{e}"),
                Ok(keys) => break keys::write(new, &keys).unwrap(),
            }
            assert!(entries(folder.path()).is_empty(), "stopped at look {stops}");
            stops += 1;
        }
        assert!(stops >= 5, "setup looks only {stops} times");
        assert_eq!(entries(folder.path()), [target]);
    }
}

#[test]
fn a_stopped_proof_is_none() {
    for (_, prover) in systems() {
        let mut stops = 0;
        let proof = loop {
            match prover.prove(&INPUT, &Request::default(), &Stop::at(stops)) {
                Err(ProveError::Create(CreateError::Cancelled(_))) => stops += 1,
                Err(e) => panic!("{e}"),
                Ok(proof) => break proof,
            }
        };
        assert!(stops >= 4, "proving looks only {stops} times");
        assert!(proof.times.total >= proof.times.witness + proof.times.fft + proof.times.msm + proof.times.self_check);
    }
}
