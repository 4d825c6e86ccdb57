//! The proof systems: `setup`, `witness`, `prove`, `verify` and `verify-64` of every workload.
//!
//! `cargo bench -p avouch-benches -- prove` runs one group, `-- dense` one workload, `-- --test` each bench once.

use std::{cell::LazyCell, hint::black_box};

use avouch_benches::Workload;
use avouch_circuits::{
    circuit::Circuit,
    execute,
    r1cs::{CircuitWitness, Fr, Lc, Place, Sink, Synthesizer, public_inputs},
};
use avouch_prover::{Kind, Prover, Request, setup};
use avouch_verifier::{KeyPolicy, SystemId, verify, verify_batch};
use criterion::{Bencher, Criterion, SamplingMode, criterion_group, criterion_main};

/// Proofs that are verified at once.
const BATCH: usize = 64;

/// Keeps what the prover keeps: every witness, and the values of A and B row by row.
#[derive(Default)]
struct Values(Vec<Fr>);

impl Sink for Values {
    const TERMS: bool = false;

    fn witness(&mut self, value: Fr) -> Fr {
        self.0.push(value);
        value
    }

    fn constraint(&mut self, _place: Place, a: &Lc, b: &Lc, _c: &Lc) {
        self.0.extend([a.value, b.value]);
    }
}

/// Inference, public inputs and all wires that are known before a challenge.
fn witness(workload: &Workload, synthesizer: &Synthesizer<'_>) -> Vec<Fr> {
    let output = execute::run(&workload.graph, &workload.input).expect("the input fits the network");
    let salt = Fr::from(7u64);
    let witness = CircuitWitness { input: workload.input.clone(), input_salt: salt, output_salt: salt, policy: None };
    let public = public_inputs(synthesizer.circuit(), &witness, &output, Fr::from(0u64));
    let mut values = Values::default();
    synthesizer.synthesize(&public, Some(&witness), &mut values).expect("a circuit made from a graph is well formed");
    values.0
}

fn bench(c: &mut Criterion, phase: &str, system: SystemId, workload: &Workload, mut run: impl FnMut(&mut Bencher<'_>)) {
    let mut group = c.benchmark_group(format!("{phase}/{system}"));
    // Seconds rather than microseconds: few samples, each of few iterations.
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function(&workload.name, |b| run(b));
    group.finish();
}

fn workload(c: &mut Criterion, system: SystemId, workload: &Workload, circuit: &Circuit) {
    bench(c, "setup", system, workload, |b| {
        b.iter_with_large_drop(|| setup(system, &workload.graph, circuit, "bench", None, &()).expect("setup"));
    });
    if let Kind::Groth16(variant) = Kind::of(system) {
        let synthesizer = LazyCell::new(|| Synthesizer::new(circuit, variant.range_checks()).expect("certified forms"));
        bench(c, "witness", system, workload, |b| b.iter(|| witness(workload, &synthesizer)));
    }
    // Made only where a bench is not filtered out.
    let keys = LazyCell::new(|| {
        let keys = setup(system, &workload.graph, circuit, "bench", None, &()).expect("setup");
        let policy = KeyPolicy { allow_dev: true, expect_vk: None };
        let accepted = policy.admit(keys.verifying.clone()).expect("a development key, or a derived one");
        (Prover::new(&workload.graph, circuit, keys).expect("keys of this circuit"), accepted)
    });
    let prove = || keys.0.prove(&workload.input, &Request::default(), &()).expect("proof");
    bench(c, "prove", system, workload, |b| b.iter(prove));
    let file = LazyCell::new(|| prove().file.encode());
    bench(c, "verify", system, workload, |b| b.iter(|| verify(&keys.1, black_box(&file)).expect("the proof verifies")));
    bench(c, "verify-64", system, workload, |b| {
        // One proof as often: each has a weight of its own, so it costs what others would.
        let files = [file.as_slice(); BATCH];
        b.iter(|| assert!(verify_batch(&keys.1, black_box(&files)).iter().all(Result::is_ok)));
    });
}

fn systems(c: &mut Criterion) {
    for w in avouch_benches::all().expect("workloads") {
        let circuit = w.circuit().expect("the network has an exact form");
        SystemId::ALL.iter().for_each(|&system| workload(c, system, &w, &circuit));
    }
}

criterion_group!(benches, systems);
criterion_main!(benches);
