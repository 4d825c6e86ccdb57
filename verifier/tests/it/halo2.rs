//! The transparent system with real keys and proofs of tiny networks: nobody can simulate one.

use std::{convert::Infallible, sync::LazyLock};

use avouch_circuits::{
    circuit::Circuit,
    graph::{Graph, Node, TensorId},
    op::{Dense, Requantization},
    plonkish::{CircuitWitness, Fp, Job, Layout, PUBLIC_INPUTS, public_inputs, with_circuit},
};
use avouch_verifier::{
    AcceptedKey, CircuitDescription, DType, DecodeError, Disclosure, KeyMaterial, KeyParts, KeyPolicy, KeyProvenance,
    KeyRefused, Output, Problem, ProofFile, Quantization, SLOTS, SetupKind, Slot, Statement, SystemId, TensorInfo,
    VerifyError, VerifyingKey,
    error::LengthRule,
    system::{
        DeriveError, ProofError,
        halo2_ipa_pasta::{
            DerivedKey, Key, absorb,
            parameters::{self, ParametersError},
            slot, slot_bytes,
        },
    },
    verify, verify_batch,
};
use halo2_proofs::{
    pasta::EqAffine,
    plonk::{self, ProvingKey, SingleVerifier, create_proof, keygen_pk, verify_proof},
    poly::commitment::Params,
    transcript::{Blake2bRead, Blake2bWrite, Challenge255},
};
use rand_core::TryRng;
use sha2::{Digest as _, Sha256};

use crate::toy::small;

const SYSTEM: SystemId = SystemId::Halo2IpaPasta;
/// Bytes of a proof file before the proof, and of the statement's slots in it.
const HEAD: usize = 352;
const FIRST_SLOT: usize = 6;
/// Bytes of key material before the graph: layout and digest.
const BEFORE_GRAPH: usize = 3 + 32;

const WEIGHTS: [[i16; 4]; 3] = [[5, -3, 100, -128], [7, 7, 7, 7], [-20, 30, 0, 1]];
const ZERO_POINT: i16 = 3;

/// What the layer sums up but for the bias, which changes no argmax here: it is the same as that of the outputs.
fn sums(input: &[i16]) -> [i16; 3] {
    WEIGHTS.map(|row| row.iter().zip(input).map(|(w, x)| w * (x - ZERO_POINT)).sum())
}

/// A network of one layer, 4 inputs and 3 outputs.
fn graph(bias: i32) -> Graph {
    let tensor = |shape: &[usize], scale| TensorInfo {
        shape: shape.to_vec(),
        quant: Quantization { dtype: DType::I8, scale, zero_point: ZERO_POINT.into() },
    };
    let dense = Dense {
        batch: 1,
        k: 4,
        n: 3,
        weights: WEIGHTS.as_flattened().to_vec(),
        bias: vec![bias, -50, 0],
        requantization: Requantization { multipliers: vec![0.0123], min: -128, max: 127 },
    };
    let graph = Graph {
        tensors: vec![tensor(&[1, 4], 0.1), tensor(&[1, 3], 0.2)],
        nodes: vec![Node { name: "dense".into(), op: dense.into(), inputs: vec![TensorId(0)], output: TensorId(1) }],
        input: TensorId(0),
        output: TensorId(1),
    };
    graph.check().unwrap();
    graph
}

fn key_parts(graph: &Graph, circuit: &Circuit, label: &str) -> (KeyParts, DerivedKey) {
    let (key, derived) = Key::derive(graph, circuit).unwrap();
    let parts = KeyParts {
        setup: SetupKind::Transparent,
        description: circuit.description.clone(),
        input: circuit.input.clone(),
        output: circuit.output.clone(),
        label: label.into(),
        material: KeyMaterial::Halo2IpaPasta(key),
    };
    (parts, derived)
}

/// A network with its keys.
struct Model {
    graph: Graph,
    circuit: Circuit,
    parts: KeyParts,
    accepted: AcceptedKey,
    proving: ProvingKey<EqAffine>,
}

impl Model {
    fn new(bias: i32, label: &str) -> Self {
        struct Keygen<'k>(&'k DerivedKey);
        impl Job for Keygen<'_> {
            type Output = ProvingKey<EqAffine>;
            fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> Self::Output {
                keygen_pk(self.0.parameters(), self.0.verifying_key().clone(), circuit).unwrap()
            }
        }
        let graph = graph(bias);
        let circuit = Circuit::new(&graph, Disclosure::Argmax).unwrap();
        let (parts, derived) = key_parts(&graph, &circuit, label);
        let proving = with_circuit(&circuit, derived.layout(), None, Keygen(&derived)).unwrap();
        let accepted = admit(VerifyingKey::new(parts.clone()).unwrap()).unwrap();
        Self { graph, circuit, parts, accepted, proving }
    }

    fn key(&self) -> &VerifyingKey {
        self.accepted.key()
    }

    fn derived(&self) -> &DerivedKey {
        self.accepted.derived().unwrap()
    }

    /// The only length of its proofs.
    fn proof_length(&self) -> LengthRule {
        LengthRule::Exactly(self.derived().proof_length())
    }

    fn public(&self, witness: &CircuitWitness) -> [Fp; PUBLIC_INPUTS] {
        public_inputs(&self.circuit, witness, &sums(&witness.input), Fp::from(0xc0))
    }

    /// What halo2's prover makes of these public inputs. It does not ask whether they are true.
    fn prove(&self, witness: &CircuitWitness, public: [Fp; PUBLIC_INPUTS]) -> (Statement, Vec<u8>) {
        struct Create<'p> {
            model: &'p Model,
            statement: &'p Statement,
            public: [Fp; PUBLIC_INPUTS],
        }
        impl Job for Create<'_> {
            type Output = Vec<u8>;
            fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> Self::Output {
                let Self { model, statement, public } = self;
                let mut transcript = Blake2bWrite::<_, EqAffine, Challenge255<_>>::init(vec![]);
                absorb(&mut transcript, model.key().digest(), statement).unwrap();
                let circuits = std::slice::from_ref(circuit);
                let (parameters, key) = (model.derived().parameters(), &model.proving);
                create_proof(parameters, key, circuits, &[&[&public]], Draws(0), &mut transcript).unwrap();
                transcript.finalize()
            }
        }
        let statement = Statement::new(SYSTEM, public.map(|s| slot_bytes(&s))).unwrap();
        let create = Create { model: self, statement: &statement, public };
        let proof = with_circuit(&self.circuit, self.derived().layout(), Some(witness), create).unwrap();
        (statement, proof)
    }

    fn prove_file(&self, witness: &CircuitWitness) -> Vec<u8> {
        let (statement, proof) = self.prove(witness, self.public(witness));
        ProofFile::new(self.key(), statement, proof).unwrap().encode()
    }

    /// Verifies a bare proof of any statement, in an envelope made for it.
    fn verify(&self, statement: Statement, proof: &[u8]) -> Result<(), VerifyError> {
        let file = ProofFile::new(self.key(), statement, proof.to_vec())?;
        verify(&self.accepted, &file.encode()).map(|_| ())
    }

    /// What halo2 alone says, without the verifier's look at the slots.
    fn circuit_accepts(&self, statement: &Statement, mut proof: &[u8]) -> bool {
        let derived = self.derived();
        let public = statement.slots().map(|s| slot(&s).unwrap());
        let mut transcript = Blake2bRead::<_, EqAffine, Challenge255<_>>::init(&mut proof);
        absorb(&mut transcript, self.key().digest(), statement).unwrap();
        let strategy = SingleVerifier::new(derived.parameters());
        verify_proof(derived.parameters(), derived.verifying_key(), strategy, &[&[&public]], &mut transcript).is_ok()
    }

    /// Its key file with other key material.
    fn with_material(&self, change: impl FnOnce(&mut Vec<u8>)) -> Result<VerifyingKey, DecodeError> {
        let mut file = self.key().encode();
        let mut material = file.split_off(file.len() - BEFORE_GRAPH - self.graph.encode().len());
        change(&mut material);
        file.truncate(file.len() - 4);
        file.extend_from_slice(&u32::try_from(material.len()).unwrap().to_le_bytes());
        file.extend_from_slice(&material);
        VerifyingKey::decode(&file)
    }
}

fn admit(key: VerifyingKey) -> Result<AcceptedKey, KeyRefused> {
    KeyPolicy::default().admit(key)
}

fn refused(key: VerifyingKey) -> DeriveError {
    match admit(key) {
        Err(KeyRefused::NotDerived(e)) => e,
        other => panic!("{other:?}"),
    }
}

/// Blinding that is the same in every run.
struct Draws(u64);

impl TryRng for Draws {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(32) {
            self.0 += 1;
            chunk.copy_from_slice(&Sha256::digest(self.0.to_le_bytes())[..chunk.len()]);
        }
        Ok(())
    }
}

fn witness(input: [i16; 4]) -> CircuitWitness {
    CircuitWitness { input: input.to_vec(), input_salt: Fp::from(77), output_salt: Fp::from(0) }
}

static MODEL: LazyLock<Model> = LazyLock::new(|| Model::new(100, "tiny"));
/// Of class 2 and 0.
static WITNESSES: LazyLock<[CircuitWitness; 2]> =
    LazyLock::new(|| [witness([-20, 90, 3, 3]), witness([20, -70, 9, -5])]);
/// A proof file for each.
static FILES: LazyLock<[Vec<u8>; 2]> = LazyLock::new(|| WITNESSES.each_ref().map(|w| MODEL.prove_file(w)));

/// A key and a proof file that decode.
pub(crate) fn files() -> [Vec<u8>; 2] {
    [MODEL.key().encode(), FILES[0].clone()]
}

fn opened() -> (Statement, Vec<u8>) {
    let file = ProofFile::decode(&FILES[0]).unwrap();
    (file.statement().clone(), file.envelope().proof().to_vec())
}

#[test]
fn a_proof_is_accepted_and_says_what_was_proven() {
    for ((file, witness), class) in FILES.iter().zip(&*WITNESSES).zip([2, 0]) {
        assert_eq!(file.len(), HEAD + MODEL.derived().proof_length());
        let claim = verify(&MODEL.accepted, file).unwrap();
        assert_eq!(claim.system(), SYSTEM);
        assert_eq!(claim.key_provenance(), KeyProvenance::Rederived);
        assert_eq!(claim.model_id(), &MODEL.graph.model_id());
        assert_eq!(claim.output(), &Output::Argmax(class));
        assert_eq!(claim.statement().slots(), &MODEL.public(witness).map(|s| slot_bytes(&s)));
    }
    let again = admit(VerifyingKey::decode(&MODEL.key().encode()).unwrap()).unwrap();
    assert_eq!(again.key(), MODEL.key());
    assert!(verify(&again, &FILES[0]).is_ok());
}

/// A proof is points and scalars of 32 bytes each: of every one, its lowest bit, one in the middle, and the highest two,
/// one of which is a point's sign.
#[test]
fn a_changed_proof_is_rejected() {
    let (statement, proof) = opened();
    assert_eq!(proof.len() % 32, 0);
    let rejected = Err(VerifyError::Proof(ProofError::Rejected));
    for at in (0..proof.len()).step_by(32) {
        for (i, change) in [(0, 0x01), (17, 0x10), (31, 0x40), (31, 0x80)] {
            let mut changed = proof.clone();
            changed[at + i] ^= change;
            assert_eq!(MODEL.verify(statement.clone(), &changed), rejected, "byte {} ^ {change:#x}", at + i);
        }
        // The identity or zero, and what is no encoding at all.
        for bytes in [[0; 32], [0xff; 32]] {
            let mut changed = proof.clone();
            changed[at..at + 32].copy_from_slice(&bytes);
            // A fixed column without an entry is zero everywhere, and so is its value in the honest proof.
            let expected = if changed == proof { Ok(()) } else { rejected.clone() };
            assert_eq!(MODEL.verify(statement.clone(), &changed), expected, "element {}", at / 32);
        }
    }
}

#[test]
fn a_proof_has_one_length() {
    let (statement, proof) = opened();
    for found in [0, 1, 31, 32, proof.len() - 32, proof.len() - 1, proof.len() + 1, proof.len() + 32, 2 * proof.len()] {
        let other: Vec<u8> = proof.iter().chain(&proof).copied().take(found).collect();
        let problem = Problem::Length { found, expected: MODEL.proof_length() };
        let error = DecodeError { what: "proof", field: "length", problem };
        let error = VerifyError::Proof(ProofError::Malformed(error));
        assert_eq!(MODEL.verify(statement.clone(), &other), Err(error));
    }
    let file = &FILES[0];
    for n in (0..HEAD).chain([HEAD + 1, file.len() - 32, file.len() - 1]) {
        assert!(matches!(verify(&MODEL.accepted, &file[..n]), Err(VerifyError::File(_))), "cut to {n} bytes");
    }
    let longer = [&file[..], &[0]].concat();
    assert!(matches!(verify(&MODEL.accepted, &longer), Err(VerifyError::File(_))));
}

#[test]
fn a_proof_does_not_carry_over_to_another_statement() {
    let (statement, proof) = opened();
    for (i, slot) in Slot::ALL.into_iter().enumerate() {
        let mut slots = *statement.slots();
        slots[i][31] ^= 1;
        // In the file, the digest is no longer the statement's.
        let mut file = FILES[0].clone();
        file[FIRST_SLOT + 32 * i..][..32].copy_from_slice(&slots[i]);
        assert_eq!(verify(&MODEL.accepted, &file), Err(VerifyError::StatementDigest), "{}", slot.name());
        let changed = Statement::new(SYSTEM, slots).unwrap();
        assert!(!MODEL.circuit_accepts(&changed, &proof), "{}", slot.name());
        match (slot, MODEL.verify(changed, &proof).unwrap_err()) {
            (Slot::Context | Slot::InputCommitment, VerifyError::Proof(ProofError::Rejected)) => {}
            // 2 became 3, and there are three classes.
            (slot, VerifyError::Slot { slot: named, .. }) if slot == named => {}
            (slot, error) => panic!("{}: {error}", slot.name()),
        }
    }
    let mut slots = *statement.slots();
    slots[7] = small(1);
    let other_class = Statement::new(SYSTEM, slots).unwrap();
    assert_eq!(MODEL.verify(other_class, &proof), Err(VerifyError::Proof(ProofError::Rejected)));
    assert!(MODEL.circuit_accepts(&statement, &proof));
}

/// Made for the statement from the start, so that only the constraints stand in the way. All but the context are the
/// circuit's business.
#[test]
fn the_circuit_holds_every_slot_but_the_context() {
    let witness = &WITNESSES[0];
    for i in 0..SLOTS {
        let mut public = MODEL.public(witness);
        public[i] += Fp::from(1);
        let (statement, proof) = MODEL.prove(witness, public);
        assert_eq!(MODEL.circuit_accepts(&statement, &proof), i == 0, "slot {i}");
        assert_eq!(MODEL.verify(statement, &proof).is_ok(), i == 0, "slot {i}");
    }
}

/// The modulus added to a slot is the same field element.
#[test]
fn slots_at_or_above_the_modulus_are_refused() {
    let modulus = SYSTEM.modulus();
    assert_eq!(slot(&modulus), None);
    let mut largest = modulus;
    largest[31] -= 1;
    assert_eq!(slot(&largest), Some(-Fp::from(1)));
    assert_eq!(slot_bytes(&-Fp::from(1)), largest);
    for (i, named) in Slot::ALL.into_iter().enumerate() {
        let mut aliased = FILES[0].clone();
        let slot = &mut aliased[FIRST_SLOT + 32 * i..][..32];
        let mut carry = 0;
        for (byte, m) in slot.iter_mut().zip(modulus).rev() {
            let sum = u16::from(*byte) + u16::from(m) + carry;
            (*byte, carry) = (sum.to_le_bytes()[0], sum >> 8);
        }
        assert_eq!(carry, 0);
        let problem = Problem::NotCanonical;
        let error = VerifyError::File(DecodeError { what: "statement", field: named.name(), problem });
        assert_eq!(verify(&MODEL.accepted, &aliased), Err(error));
    }
}

#[test]
fn a_proof_does_not_carry_over_to_another_key() {
    let (statement, proof) = opened();
    // The same circuit, and so the same derived key.
    let label = String::from("another");
    let relabelled = admit(VerifyingKey::new(KeyParts { label, ..MODEL.parts.clone() }).unwrap()).unwrap();
    let other_model = Model::new(101, "tiny");
    assert_eq!(other_model.proof_length(), MODEL.proof_length());
    for other in [&relabelled, &other_model.accepted] {
        let error = VerifyError::OtherKey { file: *MODEL.key().digest(), key: *other.key().digest() };
        assert_eq!(verify(other, &FILES[0]), Err(error));
        // In an envelope for that key, and for its circuit.
        let mut slots = *statement.slots();
        slots[1] = other.key().description().circuit_id_slot();
        let statement = Statement::new(SYSTEM, slots).unwrap();
        let file = ProofFile::new(other.key(), statement, proof.clone()).unwrap().encode();
        assert_eq!(verify(other, &file), Err(VerifyError::Proof(ProofError::Rejected)));
    }
    let error = other_model.verify(statement, &proof).unwrap_err();
    assert!(matches!(error, VerifyError::Slot { slot: Slot::CircuitId, .. }), "{error}");
}

#[test]
fn a_layout_that_is_not_the_chosen_one_is_refused() {
    for bytes in [[0; 3], [8, 1, 4], [0xff; 3]] {
        assert_eq!(Layout::decode(bytes), None);
        let error = MODEL.with_material(|m| m[..3].copy_from_slice(&bytes)).unwrap_err();
        assert_eq!(error.field, "layout");
        assert!(matches!(error.problem, Problem::Relation(_)), "{error}");
    }
    let chosen = MODEL.derived().layout();
    let others: Vec<_> = Layout::ALL.into_iter().filter(|l| *l != chosen).collect();
    assert_eq!(others.len() + 1, Layout::ALL.len());
    let of_shape = others.iter().find(|l| l.shape() == chosen.shape()).unwrap();
    let of_size = others.iter().find(|l| l.k() == chosen.k()).unwrap();
    for layout in [of_shape, of_size, others.last().unwrap()] {
        let key = MODEL.with_material(|m| m[..3].copy_from_slice(&layout.encode())).unwrap();
        assert_eq!(refused(key), DeriveError::Layout, "{layout:?}");
    }
}

#[test]
fn a_digest_that_is_not_the_derived_keys_is_refused() {
    for (i, change) in [(3, 0x01), (20, 0x10), (34, 0x80)] {
        let mut file = Vec::new();
        let key = MODEL.with_material(|m| {
            file.clone_from(m);
            m[i] ^= change;
        });
        let derived: [u8; 32] = file[3..35].try_into().unwrap();
        let mut claimed = derived;
        claimed[i - 3] ^= change;
        assert_eq!(refused(key.unwrap()), DeriveError::Digest { derived, claimed });
    }
}

/// The graph's digest is in the circuit description, so that no other one decodes beside it.
#[test]
fn another_graph_is_refused() {
    let encoded = MODEL.graph.encode();
    for i in 0..encoded.len() {
        for change in [0x01, 0x80, 0xff] {
            let error = MODEL.with_material(|m| m[BEFORE_GRAPH + i] ^= change).unwrap_err();
            assert!(matches!(error.field, "graph" | "circuit description"), "byte {i} ^ {change:#x}: {error}");
        }
        let error = MODEL.with_material(|m| m.truncate(BEFORE_GRAPH + i)).unwrap_err();
        assert_eq!(error.field, "graph", "cut to {i} bytes");
    }
    assert_eq!(MODEL.with_material(|m| m.push(0)).unwrap_err().field, "graph");
    for (cut, field) in [(0, "layout"), (2, "layout"), (3, "derived key's digest"), (34, "derived key's digest")] {
        let error = MODEL.with_material(|m| m.truncate(cut)).unwrap_err();
        assert_eq!((error.field, error.problem), (field, Problem::Truncated));
    }
    assert_eq!(MODEL.with_material(|_| {}).unwrap(), *MODEL.key());
    let file = MODEL.key().encode();
    for n in 0..file.len() {
        assert!(VerifyingKey::decode(&file[..n]).is_err(), "cut to {n} bytes");
    }
}

#[test]
fn what_does_not_follow_from_the_graph_is_refused() {
    let good = &MODEL.parts;
    let other = CircuitDescription::new(&graph(101), Disclosure::Argmax).unwrap();
    let scale = |t: &TensorInfo| TensorInfo { quant: Quantization { scale: 0.5, ..t.quant }, ..t.clone() };
    let tensor = CircuitDescription { output_tensor: 0, ..good.description.clone() };
    for (field, parts) in [
        ("circuit description", KeyParts { description: other, ..good.clone() }),
        ("circuit description", KeyParts { description: tensor, ..good.clone() }),
        ("input", KeyParts { input: scale(&good.input), ..good.clone() }),
        ("output", KeyParts { output: scale(&good.output), ..good.clone() }),
        ("setup kind", KeyParts { setup: SetupKind::Dev, ..good.clone() }),
        (
            "setup kind",
            KeyParts {
                setup: SetupKind::Ceremony { phase1: [1; 64], transcript: [2; 32], last_contribution: [3; 32] },
                ..good.clone()
            },
        ),
    ] {
        assert_eq!(VerifyingKey::new(parts).unwrap_err().field, field);
    }
    let mut dev = MODEL.key().encode();
    assert_eq!(dev[22], 2, "the setup kind follows magic, version and system");
    dev[22] = 0;
    assert_eq!(VerifyingKey::decode(&dev).unwrap_err().field, "setup kind");

    // Another disclosure of the same graph is well formed, but its circuit is another one.
    let description = CircuitDescription::new(&MODEL.graph, Disclosure::Raw).unwrap();
    let key = VerifyingKey::new(KeyParts { description, ..good.clone() }).unwrap();
    assert!(matches!(refused(key), DeriveError::Layout | DeriveError::Digest { .. }));
}

/// With a relation between generators, such as two equal ones, proofs can be forged.
#[test]
fn only_the_pinned_parameters_are_loaded() {
    let smallest = parameters::sizes().min().unwrap();
    let file = parameters::encode(&Params::new(smallest));
    assert_eq!(file.len(), parameters::file_length(smallest));
    let refused = |bytes: &[u8]| parameters::load(bytes).map(Params::k).unwrap_err();

    let mut replaced = file.clone();
    replaced.copy_within(4 + 32..4 + 64, 4);
    assert_ne!(replaced, file);
    assert!(Params::<EqAffine>::read(&mut &replaced[..]).is_ok(), "well formed but for the pin");
    assert_eq!(refused(&replaced), ParametersError::NotPinned(smallest));
    let mut last = file.clone();
    last.copy_within(4..4 + 32, file.len() - 32);
    assert_eq!(refused(&last), ParametersError::NotPinned(smallest));
    for n in [4, 5, 36, file.len() - 32, file.len() - 1] {
        assert_eq!(refused(&file[..n]), ParametersError::NotPinned(smallest), "cut to {n} bytes");
    }
    assert_eq!(refused(&[&file[..], &[0]].concat()), ParametersError::NotPinned(smallest));
    for n in 0..4 {
        assert_eq!(refused(&file[..n]), ParametersError::Malformed);
    }
    for k in [0, smallest - 1, parameters::sizes().max().unwrap() + 1, u32::MAX] {
        let mut unknown = file.clone();
        unknown[..4].copy_from_slice(&k.to_le_bytes());
        assert_eq!(refused(&unknown), ParametersError::UnknownK(k));
        assert_eq!(parameters::get(k).map(Params::k).unwrap_err(), ParametersError::UnknownK(k));
    }
    // Another size's name on it.
    let mut renamed = file.clone();
    renamed[..4].copy_from_slice(&(smallest + 1).to_le_bytes());
    assert_eq!(refused(&renamed), ParametersError::NotPinned(smallest + 1));

    // Derived here, and accepted: they equal the pin. From then on they are the process's.
    let loaded = parameters::load(&file).unwrap();
    assert_eq!(parameters::encode(loaded), file);
    assert!(std::ptr::eq(loaded, parameters::get(smallest).unwrap()));
    assert!(std::ptr::eq(loaded, parameters::load(&file).unwrap()));
    // And those that the library derives itself.
    let next = parameters::get(smallest + 1).unwrap();
    assert_eq!(parameters::encode(next), parameters::encode(&Params::new(smallest + 1)));
}

#[test]
fn a_batch_is_verified_and_names_what_is_bad() {
    let [a, b] = &*FILES;
    let one_by_one = |files: &[&[u8]]| files.iter().map(|f| verify(&MODEL.accepted, f)).collect::<Vec<_>>();
    assert_eq!(verify_batch(&MODEL.accepted, &[]), []);
    let good: [&[u8]; 3] = [a, b, a];
    let verdicts = verify_batch(&MODEL.accepted, &good);
    assert!(verdicts.iter().all(Result::is_ok));
    assert_eq!(verdicts, one_by_one(&good));

    let mut bad = b.clone();
    let last = bad.len() - 32;
    bad[last] ^= 1;
    // The proofs of two statements in each other's place.
    let (statements, proofs): (Vec<_>, Vec<_>) = FILES
        .iter()
        .map(|file| ProofFile::decode(file).unwrap())
        .map(|file| (file.statement().clone(), file.envelope().proof().to_vec()))
        .unzip();
    let swapped =
        |i: usize| ProofFile::new(MODEL.key(), statements[i].clone(), proofs[1 - i].clone()).unwrap().encode();
    let (swapped_a, swapped_b) = (swapped(0), swapped(1));
    for files in [[a, &bad, b], [&bad, a, b], [a, b, &bad], [&swapped_a, &swapped_b, a]] {
        let files = files.map(|f| f.as_slice());
        let verdicts = verify_batch(&MODEL.accepted, &files);
        assert_eq!(verdicts, one_by_one(&files));
        for (file, verdict) in files.into_iter().zip(verdicts) {
            let good = file == a || file == b;
            assert_eq!(verdict.err(), (!good).then_some(VerifyError::Proof(ProofError::Rejected)));
        }
    }
    // One that does not even decode is not in the sum.
    let verdicts = verify_batch(&MODEL.accepted, &[a, &b[..100], b]);
    assert!(matches!(verdicts.as_slice(), [Ok(_), Err(VerifyError::File(_)), Ok(_)]), "{verdicts:?}");
}
