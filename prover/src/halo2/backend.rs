//! From an inference to a proof.

use std::io;

use avouch_circuits::{
    circuit::Circuit,
    plonkish::{CircuitWitness, Cost, Fp, Job, Layout, PUBLIC_INPUTS, public_inputs, with_circuit},
};
use avouch_verifier::{
    Statement, SystemId, VerifyingKey,
    system::halo2_ipa_pasta::{DerivedKey, absorb, slot, slot_bytes},
};
use halo2_proofs::{
    pasta::EqAffine,
    plonk::{self, ProvingKey, create_proof, keygen_pk},
    poly::commitment::Params,
    transcript::{Blake2bWrite, Challenge255},
};

use super::Sizes;
use crate::{
    progress::{Cancelled, Progress},
    prover::{Inference, Made, ProveError, Stopwatch},
    random::Os,
};

/// The proving key of a circuit.
pub(crate) struct Backend<'c> {
    circuit: &'c Circuit,
    layout: Layout,
    cost: Cost,
    sizes: Sizes,
    parameters: &'static Params<EqAffine>,
    key: ProvingKey<EqAffine>,
    proof_length: usize,
}

impl<'c> Backend<'c> {
    /// With the proving key of the circuit that `derived` verifies proofs of, which is derived here.
    pub(crate) fn new(circuit: &'c Circuit, derived: &DerivedKey) -> Result<Self, ProveError> {
        let layout = derived.layout();
        let cost = layout.cost(circuit).map_err(halo2)?;
        let key = with_circuit(circuit, layout, None, Keygen(derived)).map_err(halo2)?.map_err(halo2)?;
        Ok(Self {
            circuit,
            layout,
            sizes: Sizes::of(&cost),
            cost,
            parameters: derived.parameters(),
            key,
            proof_length: derived.proof_length(),
        })
    }

    pub(crate) fn cost(&self) -> &Cost {
        &self.cost
    }

    pub(crate) fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    pub(crate) fn prove(
        &self,
        key: &VerifyingKey,
        inference: &Inference<'_>,
        clock: &mut Stopwatch,
        progress: &dyn Progress,
    ) -> Result<Made, ProveError> {
        // All are canonical: they were made so, or checked when they were read.
        let element = |bytes: &[u8; 32]| slot(bytes).unwrap_or_default();
        let witness = CircuitWitness {
            input: inference.input.to_vec(),
            input_salt: element(inference.input_salt),
            output_salt: element(inference.output_salt),
        };
        let public = public_inputs(self.circuit, &witness, inference.output, element(&inference.context));
        let statement = Statement::new(SystemId::Halo2IpaPasta, public.map(|s| slot_bytes(&s)))?;
        let create = Create { backend: self, vk_digest: key.digest(), statement: &statement, public, clock, progress };
        let proof = with_circuit(self.circuit, self.layout, Some(&witness), create).map_err(halo2)??;
        Ok(Made { statement, proof })
    }
}

fn halo2(e: impl ToString) -> ProveError {
    ProveError::Halo2(e.to_string())
}

/// Derives the proving key.
struct Keygen<'k>(&'k DerivedKey);

impl Job for Keygen<'_> {
    type Output = Result<ProvingKey<EqAffine>, plonk::Error>;

    fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> Self::Output {
        keygen_pk(self.0.parameters(), self.0.verifying_key().clone(), circuit)
    }
}

/// Makes a proof.
struct Create<'p> {
    backend: &'p Backend<'p>,
    vk_digest: &'p [u8; 32],
    statement: &'p Statement,
    public: [Fp; PUBLIC_INPUTS],
    clock: &'p mut Stopwatch,
    progress: &'p dyn Progress,
}

impl Job for Create<'_> {
    type Output = Result<Vec<u8>, ProveError>;

    fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> Self::Output {
        let Self { backend, vk_digest, statement, public, clock, progress } = self;
        progress.advance(1);
        clock.lap("witness");
        progress.begin("proof", backend.proof_length as u64);
        let written = Written { bytes: Vec::with_capacity(backend.proof_length), progress, cancelled: false };
        let mut transcript = Blake2bWrite::<_, EqAffine, Challenge255<_>>::init(written);
        absorb(&mut transcript, vk_digest, statement).map_err(halo2)?;
        let mut random = Os::default();
        let created = create_proof(
            backend.parameters,
            &backend.key,
            std::slice::from_ref(circuit),
            &[&[&public]],
            &mut random,
            &mut transcript,
        );
        let Written { bytes, cancelled, .. } = transcript.finalize();
        if cancelled {
            return Err(Cancelled.into());
        }
        random.check()?;
        created.map_err(halo2)?;
        clock.lap("proof");
        Ok(bytes)
    }
}

/// What a proof has so far. halo2's prover knows no progress, but it writes all along and stops where it cannot.
struct Written<'p> {
    bytes: Vec<u8>,
    progress: &'p dyn Progress,
    cancelled: bool,
}

impl io::Write for Written<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.cancelled |= self.progress.is_cancelled();
        if self.cancelled {
            return Err(io::Error::other(Cancelled));
        }
        self.progress.advance(bytes.len() as u64);
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
