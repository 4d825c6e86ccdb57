//! The network with keys and a prover on every proof system, made once.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::LazyLock,
};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::Graph,
};
use avouch_prover::{
    Keys, Kind, ProveError, Prover,
    keys::{self, ProvingKey},
    opening::{Hash, Opening, Role},
    setup,
};
use avouch_verifier::{AcceptedKey, KeyPolicy, SystemId, VerifyingKey};
use tempfile::TempDir;

use crate::network::{INPUT, graph};

/// With another output.
pub(crate) const OTHER_INPUT: [i16; 4] = [99, -128, 90, -7];

/// A model with the files of its key folder.
pub(crate) struct Fixture {
    pub(crate) system: SystemId,
    pub(crate) graph: Graph,
    pub(crate) circuit: Circuit,
    /// Empty where there is none.
    pub(crate) proving: Vec<u8>,
    pub(crate) verifying: Vec<u8>,
}

impl Fixture {
    pub(crate) fn new(system: SystemId, bias: i32, disclosure: Disclosure, seed: u8) -> Self {
        let graph = graph(bias);
        let circuit = Circuit::new(&graph, disclosure).unwrap();
        let seed = is_groth16(system).then_some([seed; 32]);
        let Keys { proving, verifying } = setup(system, &graph, &circuit, "test", seed, &()).unwrap();
        let mut bytes = Vec::new();
        if let ProvingKey::Groth16(key) = proving {
            key.write(&mut bytes).unwrap();
        }
        Self { system, graph, circuit, proving: bytes, verifying: verifying.encode() }
    }

    pub(crate) fn key(&self) -> VerifyingKey {
        VerifyingKey::decode(&self.verifying).unwrap()
    }

    pub(crate) fn accepted(&self) -> AcceptedKey {
        KeyPolicy { allow_dev: true, expect_vk: None }.admit(self.key()).unwrap()
    }

    /// A prover with these bytes as its proving key.
    pub(crate) fn load(&self, proving: &[u8]) -> Result<Prover<'_>, ProveError> {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(keys::PROVING_KEY), proving).unwrap();
        Prover::load(&self.graph, &self.circuit, self.key(), folder.path(), None)
    }

    /// An opening of the first input, as this system commits to it.
    pub(crate) fn opening(&self) -> Opening {
        Opening::fresh(Hash::of(self.system), Role::Input, self.circuit.input.quant.dtype, &INPUT).unwrap()
    }
}

/// Whether the system has a setup, and a proving key in a file.
pub(crate) fn is_groth16(system: SystemId) -> bool {
    matches!(Kind::of(system), Kind::Groth16(_))
}

/// Those that have.
pub(crate) fn groth16_systems() -> impl Iterator<Item = (&'static Fixture, &'static Prover<'static>)> {
    systems().filter(|(f, _)| is_groth16(f.system))
}

/// For each proof system, a model that shows all outputs.
static ALL: LazyLock<Vec<Fixture>> =
    LazyLock::new(|| SystemId::ALL.iter().map(|&s| Fixture::new(s, 100, Disclosure::Raw, 7)).collect());
static PROVERS: LazyLock<Vec<Prover<'static>>> =
    LazyLock::new(|| ALL.iter().map(|f| f.load(&f.proving).unwrap()).collect());

/// What every proof system has to pass.
pub(crate) fn systems() -> impl Iterator<Item = (&'static Fixture, &'static Prover<'static>)> {
    ALL.iter().zip(&*PROVERS)
}

/// The first of them, for what does not depend on the system.
pub(crate) fn first() -> (&'static Fixture, &'static Prover<'static>) {
    (&ALL[0], &PROVERS[0])
}

/// Everything in a folder.
pub(crate) fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort_unstable();
    entries
}
