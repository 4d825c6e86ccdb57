//! From an input to a proof file, on every proof system.

use std::{path::Path, time::Instant};

use avouch_circuits::{
    circuit::{Circuit, Disclosure, LowerError},
    execute::{self, ExecuteError},
    graph::Graph,
    plonkish,
    policy::{self, Violation},
    r1cs::{self, SynthesisError},
};
use avouch_verifier::{
    AcceptedKey, DecodeError, KeyMaterial, KeyPolicy, KeyRefused, ProofFile, SetupKind, Statement, SystemId,
    VerifiedClaim, VerifyError, VerifyingKey, context_slot, verify,
};

use crate::{
    files::FileError,
    groth16::{self, CreateError},
    halo2,
    keys::{Keys, PROVING_KEY, ProvingKey, read_parameters},
    memory::Estimate,
    opening::{Hash, Opening, Role},
    progress::{Cancelled, Progress},
    random::NoRandomness,
};

/// Which of the provers here makes a system's proofs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`groth16`].
    Groth16(groth16::Variant),
    /// [`halo2`].
    Halo2,
}

impl Kind {
    /// The one of this system.
    pub const fn of(system: SystemId) -> Self {
        match system {
            SystemId::Groth16Bn254 => Self::Groth16(groth16::Variant::Plain),
            SystemId::Groth16LookupBn254 => Self::Groth16(groth16::Variant::Lookup),
            SystemId::Halo2IpaPasta => Self::Halo2,
        }
    }
}

/// What a proof is for.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The 32-byte digest that binds the proof to its use; zero binds it to none.
    pub context: [u8; 32],
    /// Proves for the commitment of this opening, instead of a fresh one. Its values must be the input.
    pub input_opening: Option<Opening>,
}

/// Seconds of each phase.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Times {
    /// In order: `witness` (inference, public inputs, and all values of the circuit), those of the proof system, and
    /// `self_check`, the verification of the own proof.
    pub phases: Vec<(&'static str, f64)>,
    /// All of them, from witness to serialized proof.
    pub total: f64,
}

/// Times phases that follow each other.
pub(crate) struct Stopwatch {
    start: Instant,
    last: Instant,
    phases: Vec<(&'static str, f64)>,
}

impl Stopwatch {
    fn start() -> Self {
        let start = Instant::now();
        Self { start, last: start, phases: Vec::new() }
    }

    /// Ends a phase.
    pub(crate) fn lap(&mut self, phase: &'static str) {
        let last = std::mem::replace(&mut self.last, Instant::now());
        self.phases.push((phase, (self.last - last).as_secs_f64()));
    }

    /// Ends phases that were timed elsewhere.
    pub(crate) fn phases(&mut self, phases: impl IntoIterator<Item = (&'static str, f64)>) {
        self.last = Instant::now();
        self.phases.extend(phases);
    }

    fn stop(self) -> Times {
        Times { phases: self.phases, total: self.start.elapsed().as_secs_f64() }
    }
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
    /// The circuit takes records, and an input was given.
    #[error("this circuit's input is made of signed records; prove with a policy, records and a registry")]
    NoRecords,
    /// The circuit takes an input, and records were given.
    #[error("this circuit has no data policy; run setup with the records' schema")]
    NoDataPolicy,
    /// The records' schema is not the circuit's.
    #[error("the records are of another schema than the circuit; run setup with theirs, or use records of its own")]
    OtherSchema,
    /// A clause of the data policy does not hold.
    #[error("the records do not satisfy the policy: {0}")]
    Policy(#[from] Violation),
    /// The opening is not of this input.
    #[error("the input opening is for other input values or another proof system; commit to this input again")]
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
    /// halo2's prover failed.
    #[error("halo2: {0}")]
    Halo2(String),
    /// Stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
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

/// One run of the network, and what it is committed to with. Elements are big-endian.
pub(crate) struct Inference<'a> {
    pub(crate) input: &'a [i16],
    pub(crate) output: &'a [i16],
    pub(crate) input_salt: &'a [u8; 32],
    pub(crate) output_salt: &'a [u8; 32],
    /// Slot 0.
    pub(crate) context: [u8; 32],
    /// What satisfies the data policy, where the circuit has one.
    pub(crate) policy: Option<&'a policy::Inputs>,
}

/// What a proof system makes of it.
pub(crate) struct Made {
    pub(crate) statement: Statement,
    pub(crate) proof: Vec<u8>,
}

/// Makes proofs with one key, as many as wanted.
pub struct Prover<'c> {
    graph: &'c Graph,
    circuit: &'c Circuit,
    backend: Backend<'c>,
    accepted: AcceptedKey,
}

enum Backend<'c> {
    Groth16(Box<groth16::Backend<'c>>),
    Halo2(Box<halo2::Backend<'c>>),
}

impl<'c> Backend<'c> {
    /// With the proving key that belongs to a derived key.
    fn halo2(circuit: &'c Circuit, accepted: &AcceptedKey) -> Result<Self, ProveError> {
        let derived = accepted.derived().ok_or(ProveError::WrongKey("proof system"))?;
        Ok(Self::Halo2(Box::new(halo2::Backend::new(circuit, derived)?)))
    }
}

/// How large a circuit is, in the terms of its proof system.
#[derive(Clone, Copy, Debug)]
pub enum CircuitSize<'a> {
    /// Constraints and variables.
    Groth16(&'a r1cs::Cost),
    /// Rows and columns.
    Halo2(&'a plonkish::Cost),
}

impl<'c> Prover<'c> {
    /// A prover for a graph and its circuit, with the keys of a setup of that circuit.
    pub fn new(graph: &'c Graph, circuit: &'c Circuit, keys: Keys) -> Result<Self, ProveError> {
        let Keys { proving, verifying } = keys;
        check_key(circuit, &verifying)?;
        let accepted = admit(verifying)?;
        let backend = match (Kind::of(accepted.key().system()), proving) {
            (Kind::Groth16(variant), ProvingKey::Groth16(key)) => {
                Backend::Groth16(groth16::Backend::new(variant, circuit, *key)?.into())
            }
            (Kind::Halo2, ProvingKey::Halo2) => Backend::halo2(circuit, &accepted)?,
            (Kind::Groth16(_), ProvingKey::Halo2) | (Kind::Halo2, ProvingKey::Groth16(_)) => {
                return Err(ProveError::WrongKey("proving key"));
            }
        };
        Self { graph, circuit, backend, accepted }.checked()
    }

    /// A prover with the keys of a folder, whose verifying key was read already. All sizes and the memory that proving is
    /// going to take (against `max_memory`, in bytes) are checked before the proving key is read or derived.
    pub fn load(
        graph: &'c Graph,
        circuit: &'c Circuit,
        verifying: VerifyingKey,
        folder: &Path,
        max_memory: Option<u64>,
    ) -> Result<Self, ProveError> {
        check_key(circuit, &verifying)?;
        let (backend, accepted) = match (Kind::of(verifying.system()), verifying.material()) {
            (Kind::Groth16(variant), _) => {
                let proving_key = folder.join(PROVING_KEY);
                let backend = groth16::Backend::load(variant, circuit, &verifying, &proving_key, max_memory)?;
                (Backend::Groth16(backend.into()), admit(verifying)?)
            }
            (Kind::Halo2, KeyMaterial::Halo2IpaPasta(key)) => {
                let cost = key.layout().cost(circuit).map_err(|_| ProveError::WrongKey("layout"))?;
                check_memory(&halo2::Sizes::of(&cost), max_memory)?;
                read_parameters(folder, &verifying)?;
                let accepted = admit(verifying)?;
                (Backend::halo2(circuit, &accepted)?, accepted)
            }
            (Kind::Halo2, _) => return Err(ProveError::WrongKey("proof system")),
        };
        Self { graph, circuit, backend, accepted }.checked()
    }

    fn checked(self) -> Result<Self, ProveError> {
        match &self.backend {
            Backend::Groth16(backend) if backend.verifying_key_digest() != self.accepted.key().digest() => {
                Err(ProveError::WrongKey("proving key"))
            }
            Backend::Groth16(_) | Backend::Halo2(_) => Ok(self),
        }
    }

    /// The key that verifies the proofs.
    pub fn verifying_key(&self) -> &VerifyingKey {
        self.accepted.key()
    }

    /// The same, as the prover trusts it for the check of its own proofs.
    pub fn accepted_key(&self) -> &AcceptedKey {
        &self.accepted
    }

    /// How large the circuit is.
    pub fn size(&self) -> CircuitSize<'_> {
        match &self.backend {
            Backend::Groth16(backend) => CircuitSize::Groth16(backend.cost()),
            Backend::Halo2(backend) => CircuitSize::Halo2(backend.cost()),
        }
    }

    /// What jobs take.
    pub fn estimate(&self) -> &dyn Estimate {
        match &self.backend {
            Backend::Groth16(backend) => backend.sizes(),
            Backend::Halo2(backend) => backend.sizes(),
        }
    }

    /// Runs the model on `input` (integers, row-major), proves it and verifies the proof.
    ///
    /// # Errors
    /// [`ProveError::NoRecords`] if the circuit has a data policy; an input that does not fit; all that can go wrong later.
    pub fn prove(&self, input: &[i16], request: &Request, progress: &dyn Progress) -> Result<Proof, ProveError> {
        if self.circuit.description.has_data_policy() {
            return Err(ProveError::NoRecords);
        }
        self.prove_input(input, None, request, progress)
    }

    /// Runs the model on records that satisfy a data policy, proves both and verifies the proof.
    ///
    /// # Errors
    /// The first clause of the policy that does not hold, before any proving; records of another schema, or a circuit
    /// without a data policy; all that can go wrong later.
    pub fn prove_records(
        &self,
        inputs: &policy::Inputs,
        request: &Request,
        progress: &dyn Progress,
    ) -> Result<Proof, ProveError> {
        let (circuit, schema) = (self.circuit, &inputs.schema);
        if !circuit.description.has_data_policy() {
            return Err(ProveError::NoDataPolicy);
        }
        if circuit.description.schema_digest != schema.digest() {
            return Err(ProveError::OtherSchema);
        }
        let evaluation = policy::evaluate(inputs)?;
        let input = schema.model_input(&evaluation.features, &circuit.input.quant);
        self.prove_input(&input, Some(inputs), request, progress)
    }

    fn prove_input(
        &self,
        input: &[i16],
        policy: Option<&policy::Inputs>,
        request: &Request,
        progress: &dyn Progress,
    ) -> Result<Proof, ProveError> {
        let mut clock = Stopwatch::start();
        progress.begin("witness", 1);
        let (circuit, key) = (self.circuit, self.accepted.key());
        let output = execute::run(self.graph, input)?;
        let hash = Hash::of(key.system());
        let dtype = circuit.input.quant.dtype;
        let input_opening = match &request.input_opening {
            Some(opening) if opening.opens(hash, dtype, input) => opening.clone(),
            Some(_) => return Err(ProveError::WrongOpening),
            None => Opening::fresh(hash, Role::Input, dtype, input)?,
        };
        let output_opening = Opening::fresh(hash, Role::Output, circuit.output.quant.dtype, &output)?;
        let inference = Inference {
            input,
            output: &output,
            input_salt: input_opening.salt(),
            output_salt: output_opening.salt(),
            context: context_slot(&request.context),
            policy,
        };
        let made = match &self.backend {
            Backend::Groth16(backend) => backend.prove(&inference, &mut clock, progress)?,
            Backend::Halo2(backend) => backend.prove(key, &inference, &mut clock, progress)?,
        };

        progress.begin("self-check", 1);
        let file = ProofFile::new(key, made.statement, made.proof)?;
        let claim = verify(&self.accepted, &file.encode()).map_err(ProveError::SelfCheck)?;
        progress.advance(1);
        clock.lap("self_check");
        let committed = circuit.description.disclosure == Disclosure::Commit;
        let output_opening = committed.then_some(output_opening);
        Ok(Proof { file, claim, input_opening, output_opening, times: clock.stop() })
    }
}

/// The prover's own check, whatever the kind of setup: what a verifier demands is the verifier's choice.
fn admit(verifying: VerifyingKey) -> Result<AcceptedKey, KeyRefused> {
    let policy = match verifying.setup() {
        SetupKind::Dev => KeyPolicy { allow_dev: true, expect_vk: None },
        SetupKind::Ceremony { .. } | SetupKind::Transparent => {
            KeyPolicy { allow_dev: false, expect_vk: Some(*verifying.digest()) }
        }
    };
    policy.admit(verifying)
}

/// Refuses a job whose estimate is above the limit.
pub(crate) fn check_memory(sizes: &dyn Estimate, limit: Option<u64>) -> Result<(), ProveError> {
    let needed = sizes.prove();
    match limit {
        Some(limit) if needed > limit => Err(ProveError::Memory { needed, limit }),
        _ => Ok(()),
    }
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
