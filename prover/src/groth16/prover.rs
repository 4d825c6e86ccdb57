//! From an input to a proof file.

use std::{path::Path, time::Instant};

use ark_bn254::Fr;
use ark_ff::PrimeField as _;
use avouch_circuits::{
    circuit::{Circuit, Disclosure, LowerError},
    execute::{self, ExecuteError},
    graph::Graph,
    r1cs::{CircuitWitness, Cost, SynthesisError, Synthesizer, public_inputs},
};
use avouch_verifier::{
    AcceptedKey, DecodeError, KeyPolicy, KeyRefused, ProofFile, SetupKind, Statement, VerifiedClaim, VerifyError,
    VerifyingKey, context_slot, verify,
};

use super::{
    prove::{self, CreateError},
    qap::{self, Assignment},
    setup::{Keys, ProvingKey},
    system,
};
use crate::{
    files::FileError,
    memory::Sizes,
    opening::{Opening, Role, be_bytes},
    progress::Progress,
    random::{self, NoRandomness},
};

/// What a proof is for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The 32-byte digest that binds the proof to its use; zero binds it to none.
    pub context: [u8; 32],
    /// Proves for the commitment of this opening, instead of a fresh one. Its values must be the input.
    pub input_opening: Option<Opening>,
}

/// Seconds of each phase.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Times {
    /// Inference, public inputs, and all wires of the circuit.
    pub witness: f64,
    /// The first phase: its multi-scalar multiplication, and the wires derived from the challenge.
    pub commit: f64,
    /// FFTs of the quotient.
    pub fft: f64,
    /// The other multi-scalar multiplications.
    pub msm: f64,
    /// Verification of the own proof.
    pub self_check: f64,
    /// All of them, from witness to serialized proof.
    pub total: f64,
}

/// A proof that has been verified.
pub struct Proof {
    /// The proof file.
    pub file: ProofFile,
    /// What it shows.
    pub claim: VerifiedClaim,
    /// Opening of the input commitment. Private.
    pub input_opening: Opening,
    /// Opening of the output commitment, if the output is disclosed as one. Private.
    pub output_opening: Option<Opening>,
    /// Seconds of each phase.
    pub times: Times,
}

/// Why no proof was made.
#[derive(Debug, thiserror::Error)]
pub enum ProveError {
    /// The circuit has no exact form.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The circuit is malformed.
    #[error(transparent)]
    Synthesis(#[from] SynthesisError),
    /// The input does not fit the model.
    #[error(transparent)]
    Input(#[from] ExecuteError),
    /// The verifying key is for another circuit.
    #[error("the verifying key is for another {0}; run setup with this model and disclosure")]
    WrongKey(&'static str),
    /// The opening is not of this input.
    #[error("the input opening is for other input values; commit to this input again")]
    WrongOpening,
    /// The estimate is above the limit that was given.
    #[error("proving needs about {} MiB of memory, the limit is {} MiB; allow more or use a smaller model", .needed >> 20, .limit >> 20)]
    Memory {
        /// Estimated peak in bytes.
        needed: u64,
        /// The limit in bytes.
        limit: u64,
    },
    /// Key files.
    #[error(transparent)]
    File(#[from] FileError),
    /// The arithmetic failed.
    #[error(transparent)]
    Create(#[from] CreateError),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// A part of the proof file breaks a rule.
    #[error(transparent)]
    Encode(#[from] DecodeError),
    /// The own key was refused.
    #[error(transparent)]
    Key(#[from] KeyRefused),
    /// The proof just made does not verify: the proving key is damaged or belongs to another setup.
    #[error("the proof that was made does not verify ({0}); nothing was written, run setup again")]
    SelfCheck(VerifyError),
}

/// Makes proofs with one key, as many as wanted.
pub struct Prover<'c> {
    graph: &'c Graph,
    synthesizer: Synthesizer<'c>,
    cost: Cost,
    proving: ProvingKey,
    accepted: AcceptedKey,
}

impl<'c> Prover<'c> {
    /// A prover for a graph and its circuit, with the keys of a setup of that circuit.
    pub fn new(graph: &'c Graph, circuit: &'c Circuit, keys: Keys) -> Result<Self, ProveError> {
        check_key(circuit, &keys.verifying)?;
        let Keys { proving, verifying, cost } = keys;
        let synthesizer = Synthesizer::new(circuit, system::range_checks(verifying.system()))?;
        Self::assemble(graph, synthesizer, cost, proving, verifying)
    }

    fn assemble(
        graph: &'c Graph,
        synthesizer: Synthesizer<'c>,
        cost: Cost,
        proving: ProvingKey,
        verifying: VerifyingKey,
    ) -> Result<Self, ProveError> {
        if proving.verifying_key_digest != *verifying.digest() {
            return Err(ProveError::WrongKey("proving key"));
        }
        // The prover's own check, whatever the kind of setup: what a verifier demands is the verifier's choice.
        let policy = match verifying.setup() {
            SetupKind::Dev => KeyPolicy { allow_dev: true, expect_vk: None },
            SetupKind::Ceremony { .. } | SetupKind::Transparent => {
                KeyPolicy { allow_dev: false, expect_vk: Some(*verifying.digest()) }
            }
        };
        Ok(Self { graph, synthesizer, cost, proving, accepted: policy.admit(verifying)? })
    }

    /// A prover with the proving key from a file. The verifying key, all sizes and the memory that proving is going to
    /// take (against `max_memory`, in bytes) are checked before it is read.
    pub fn load(
        graph: &'c Graph,
        circuit: &'c Circuit,
        verifying: VerifyingKey,
        proving_key: &Path,
        max_memory: Option<u64>,
    ) -> Result<Self, ProveError> {
        check_key(circuit, &verifying)?;
        let synthesizer = Synthesizer::new(circuit, system::range_checks(verifying.system()))?;
        let cost = synthesizer.cost()?;
        let needed = sizes(&cost)?.prove();
        if let Some(limit) = max_memory.filter(|&limit| needed > limit) {
            return Err(ProveError::Memory { needed, limit });
        }
        let proving = ProvingKey::read(proving_key, &cost, &verifying)?;
        Self::assemble(graph, synthesizer, cost, proving, verifying)
    }

    /// The key that verifies the proofs.
    pub fn verifying_key(&self) -> &VerifyingKey {
        self.accepted.key()
    }

    /// Constraints and variables of the circuit.
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    /// Runs the model on `input` (integers, row-major), proves it and verifies the proof.
    pub fn prove(&self, input: &[i16], request: &Request, progress: &dyn Progress) -> Result<Proof, ProveError> {
        let start = Instant::now();
        progress.begin("witness", 1);
        let circuit = self.synthesizer.circuit();
        let output = execute::run(self.graph, input)?;
        let input_salt = match &request.input_opening {
            Some(opening) if opening.opens(circuit.input.quant.dtype, input) => opening.salt(),
            Some(_) => return Err(ProveError::WrongOpening),
            None => random::nonzero()?,
        };
        let witness = CircuitWitness { input: input.to_vec(), input_salt, output_salt: random::nonzero()? };
        let public =
            public_inputs(circuit, &witness, &output, Fr::from_be_bytes_mod_order(&context_slot(&request.context)));
        let key = self.accepted.key();
        let statement = Statement::new(key.system(), public.map(|s| be_bytes(&s)))?;
        let mut assignment = Assignment::new(&public, &self.cost);
        self.synthesizer.synthesize(&public, Some(&witness), &mut assignment)?;
        progress.advance(1);
        let witness_time = start.elapsed().as_secs_f64();

        let (proof, times) = prove::create(&self.proving, &self.cost, &statement, assignment, progress)?;

        progress.begin("self-check", 1);
        let check = Instant::now();
        let file = ProofFile::new(key, statement, proof)?;
        let claim = verify(&self.accepted, &file.encode()).map_err(ProveError::SelfCheck)?;
        progress.advance(1);
        let committed = circuit.description.disclosure == Disclosure::Commit;
        Ok(Proof {
            file,
            claim,
            input_opening: Opening::new(Role::Input, circuit.input.quant.dtype, input, input_salt),
            output_opening: committed
                .then(|| Opening::new(Role::Output, circuit.output.quant.dtype, &output, witness.output_salt)),
            times: Times {
                witness: witness_time,
                commit: times.commit,
                fft: times.fft,
                msm: times.msm,
                self_check: check.elapsed().as_secs_f64(),
                total: start.elapsed().as_secs_f64(),
            },
        })
    }
}

/// Sizes of a circuit of this cost, for key files and memory estimates.
pub fn sizes(cost: &Cost) -> Result<Sizes, CreateError> {
    let rows = cost.constraints;
    let domain = qap::domain(cost).ok_or(CreateError::Shape { what: "rows", key: 1 << 28, circuit: rows })?;
    Ok(Sizes { domain: domain.size() as u64, variables: cost.variables as u64, derived: cost.derived as u64 })
}

fn check_key(circuit: &Circuit, key: &VerifyingKey) -> Result<(), ProveError> {
    let (own, other) = (&circuit.description, key.description());
    if own.model_id != other.model_id {
        return Err(ProveError::WrongKey("model"));
    }
    if own.disclosure != other.disclosure {
        return Err(ProveError::WrongKey("disclosure"));
    }
    if own != other || circuit.input != *key.input() || circuit.output != *key.output() {
        return Err(ProveError::WrongKey("circuit"));
    }
    Ok(())
}
