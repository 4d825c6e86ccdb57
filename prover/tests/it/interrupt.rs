//! Long work can be stopped wherever it looks, and then leaves nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use avouch_prover::{
    ProveError, Request, SetupError, files::NewFolder, groth16::CreateError, keys, progress::Progress, setup,
};
use tempfile::TempDir;

use crate::{
    fixture::{entries, is_groth16, systems},
    network::INPUT,
};

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
            let seed = is_groth16(fixture.system).then_some([7; 32]);
            match setup(fixture.system, &fixture.graph, &fixture.circuit, "test", seed, &Stop::at(stops)) {
                Err(SetupError::Cancelled(_)) => drop(new),
                Err(e) => panic!("{e}"),
                Ok(keys) => break keys::write(new, &keys).unwrap(),
            }
            assert!(entries(folder.path()).is_empty(), "stopped at look {stops}");
            stops += 1;
        }
        let least = if is_groth16(fixture.system) { 5 } else { 2 };
        assert!(stops >= least, "setup looks only {stops} times");
        assert_eq!(entries(folder.path()), [target]);
    }
}

#[test]
fn a_stopped_proof_is_none() {
    for (fixture, prover) in systems() {
        // halo2 looks at each element of a proof.
        let step = if is_groth16(fixture.system) { 1 } else { 37 };
        let mut stops = 0;
        let proof = loop {
            match prover.prove(&INPUT, &Request::default(), &Stop::at(stops)) {
                Err(ProveError::Create(CreateError::Cancelled(_)) | ProveError::Cancelled(_)) => stops += step,
                Err(e) => panic!("{e}"),
                Ok(proof) => break proof,
            }
        };
        assert!(stops >= 4, "proving looks only {stops} times");
        assert!(proof.times.total >= proof.times.phases.iter().map(|p| p.1).sum());
        assert!(proof.times.phases.iter().any(|p| p.0 == "self_check"));
    }
}
