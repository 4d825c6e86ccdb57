//! From an inference to a proof.

use std::path::Path;

use ark_bn254::Fr;
use ark_ff::PrimeField as _;
use avouch_circuits::{
    circuit::Circuit,
    r1cs::{CircuitWitness, Cost, Synthesizer, public_inputs},
};
use avouch_verifier::{Statement, VerifyingKey};

use super::{
    prove::{self, CreateError},
    qap::Assignment,
    setup::ProvingKey,
    sizes::{Sizes, sizes},
    system::Variant,
};
use crate::{
    opening::be_bytes,
    progress::{self, Progress},
    prover::{Inference, Made, ProveError, Stopwatch, check_memory},
};

/// The proving key of a circuit, and how to lay the circuit out.
pub(crate) struct Backend<'c> {
    synthesizer: Synthesizer<'c>,
    cost: Cost,
    sizes: Sizes,
    proving: ProvingKey,
}

impl<'c> Backend<'c> {
    pub(crate) fn new(variant: Variant, circuit: &'c Circuit, proving: ProvingKey) -> Result<Self, ProveError> {
        let synthesizer = Synthesizer::new(circuit, variant.range_checks())?;
        let cost = synthesizer.cost()?;
        Ok(Self { synthesizer, sizes: sizes(&cost)?, cost, proving })
    }

    /// With the proving key of a file, which is read last.
    pub(crate) fn load(
        variant: Variant,
        circuit: &'c Circuit,
        verifying: &VerifyingKey,
        proving_key: &Path,
        max_memory: Option<u64>,
    ) -> Result<Self, ProveError> {
        let synthesizer = Synthesizer::new(circuit, variant.range_checks())?;
        let cost = synthesizer.cost()?;
        let sizes = sizes(&cost)?;
        check_memory(&sizes, max_memory)?;
        let proving = ProvingKey::read(proving_key, &cost, verifying)?;
        Ok(Self { synthesizer, cost, sizes, proving })
    }

    pub(crate) fn cost(&self) -> &Cost {
        &self.cost
    }

    pub(crate) fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Digest of the verifying key that the proving key belongs to.
    pub(crate) fn verifying_key_digest(&self) -> &[u8; 32] {
        &self.proving.verifying_key_digest
    }

    pub(crate) fn prove(
        &self,
        inference: &Inference<'_>,
        clock: &mut Stopwatch,
        progress: &dyn Progress,
    ) -> Result<Made, ProveError> {
        let element = |bytes: &[u8; 32]| Fr::from_be_bytes_mod_order(bytes);
        let witness = CircuitWitness {
            input: inference.input.to_vec(),
            input_salt: element(inference.input_salt),
            output_salt: element(inference.output_salt),
            policy: inference.policy.map(|inputs| Box::new(inputs.clone())),
        };
        let circuit = self.synthesizer.circuit();
        let public = public_inputs(circuit, &witness, inference.output, element(&inference.context));
        let statement = Statement::new(self.proving.system, public.map(|s| be_bytes(&s)))?;
        let mut assignment = Assignment::new(&public, &self.cost);
        self.synthesizer.synthesize(&public, Some(&witness), &mut assignment)?;
        progress.advance(1);
        progress::check(progress).map_err(CreateError::from)?;
        clock.lap("witness");
        let (proof, times) = prove::create(&self.proving, &self.cost, &statement, assignment, progress)?;
        clock.phases([("commit", times.commit), ("fft", times.fft), ("msm", times.msm)]);
        Ok(Made { statement, proof })
    }
}
