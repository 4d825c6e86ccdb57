//! `halo2-ipa-pasta:v1`: zcash's halo2 with inner-product commitments over Vesta, and no setup.
//!
//! A key is the model itself. Its material is the canonical encoding of the graph, the layout of the circuit and a
//! digest; a verifier lowers the graph to the circuit, lays it out, commits to its fixed columns, and compares. So there
//! is nothing in a key that somebody could have chosen: the layout has to be the one that the search gives, and the
//! digest that of the key just derived.
//!
//! | key material | bytes |
//! |---|---|
//! | layout | 3 |
//! | SHA-256 of `"avouch/halo2-ipa-pasta:v1/key"` and halo2's pinned form of the derived key | 32 |
//! | canonical encoding of the graph | the rest |
//!
//! Slots are elements of the field of 2^254 + 45560315531419706090280762371685220353 elements, the order of Vesta; the
//! eight of a statement are the first rows of the one instance column.
//!
//! A proof is what halo2 writes into its Blake2b transcript, after [`absorb`]. All of a proof's length follows from the
//! key, and no other length is read.
//!
//! Sources: halo2 (<https://zcash.github.io/halo2>), PLONK (<https://eprint.iacr.org/2019/953>), Halo
//! (<https://eprint.iacr.org/2019/1021>).

pub mod parameters;

use alloc::{string::ToString as _, sync::Arc, vec::Vec};
use core::fmt::Write as _;
use std::io;

use avouch_circuits::{
    circuit::{Circuit, CircuitDescription, LowerError},
    graph::{Graph, MAX_ENCODED, TensorInfo},
    op::Operator as _,
    plonkish::{self, Job, Layout},
};
use halo2_proofs::{
    pasta::{
        EqAffine, Fp,
        group::{
            CurveAffine as _,
            ff::{Field as _, FromUniformBytes as _, PrimeField as _},
        },
    },
    plonk::{self, SingleVerifier, VerificationStrategy, VerifyingKey, keygen_vk, verify_proof},
    poly::commitment::{Guard, MSM, Params},
    transcript::{Blake2bRead, Challenge255, EncodedChallenge, Transcript, TranscriptRead},
};
use sha2::{Digest as _, Sha256, Sha512};

use super::{DeriveError, ProofError, ProofSystem};
use crate::{
    bytes::Reader,
    error::{DecodeError, LengthRule, Problem},
    key::SetupKind,
    statement::Statement,
};

const KEY: &str = "verifying key";

/// Most multiplications of a network whose key is derived: far more than the largest layout holds, and little enough
/// that a hostile key costs seconds.
const MAX_MACS: u64 = 1 << 27;
/// Most nodes of such a network.
const MAX_NODES: usize = 1 << 12;

/// Key material that is well formed. It is the key of its graph only if it is derived again, which admitting it does.
#[derive(Clone)]
pub struct Key {
    layout: Layout,
    digest: [u8; 32],
    graph: Arc<Graph>,
    encoded: Arc<[u8]>,
}

impl Key {
    /// The key of a circuit: what setup writes, and the derived key that it stands for. The circuit is `graph`'s.
    ///
    /// # Errors
    /// A circuit that is too large for every layout.
    pub fn derive(graph: &Graph, circuit: &Circuit) -> Result<(Self, DerivedKey), DeriveError> {
        let derived = DerivedKey::derive(circuit)?;
        let (layout, digest) = (derived.layout, derived.digest);
        let key = Self { layout, digest, graph: Arc::new(graph.clone()), encoded: graph.encode().into() };
        Ok((key, derived))
    }

    /// Where the circuit's relations stand in its table.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The network.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        (self.layout, &self.digest, &self.encoded) == (other.layout, &other.digest, &other.encoded)
    }
}

impl Eq for Key {}

impl core::fmt::Debug for Key {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Key").field("layout", &self.layout).field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// What verifying takes, derived from a circuit alone.
pub struct DerivedKey {
    layout: Layout,
    parameters: &'static Params<EqAffine>,
    key: VerifyingKey<EqAffine>,
    digest: [u8; 32],
    proof_length: usize,
}

impl DerivedKey {
    /// Lays out the circuit and commits to its fixed columns: seconds, or a minute without threads.
    fn derive(circuit: &Circuit) -> Result<Self, DeriveError> {
        let (layout, _) = Layout::choose(circuit)?;
        let parameters = parameters::get(layout.k())?;
        let key = plonkish::with_circuit(circuit, layout, None, Keygen(parameters))
            .map_err(|e| DeriveError::Synthesis(e.to_string()))?
            .map_err(|e| DeriveError::Synthesis(e.to_string()))?;
        let proof_length = proof_length(parameters, &key).map_err(|e| DeriveError::Synthesis(e.to_string()))?;
        Ok(Self { layout, parameters, digest: digest(&key), proof_length, key })
    }

    /// Where the circuit's relations stand in its table.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// The commitment scheme's parameters.
    pub fn parameters(&self) -> &'static Params<EqAffine> {
        self.parameters
    }

    /// In halo2's form.
    pub fn verifying_key(&self) -> &VerifyingKey<EqAffine> {
        &self.key
    }

    /// Bytes of every proof.
    pub fn proof_length(&self) -> usize {
        self.proof_length
    }

    /// The multi-scalar multiplication that is zero if the proof holds.
    fn check<S: VerificationStrategy<'static, EqAffine>>(
        &self,
        strategy: S,
        vk_digest: &[u8; 32],
        statement: &Statement,
        mut proof: &[u8],
    ) -> Result<S::Output, ProofError> {
        let expected = LengthRule::Exactly(self.proof_length);
        if !expected.admits(proof.len()) {
            let problem = Problem::Length { found: proof.len(), expected };
            return Err(DecodeError::new("proof", "length", problem).into());
        }
        let instance = slots(statement)?;
        let mut transcript = Blake2bRead::<_, EqAffine, Challenge255<_>>::init(&mut proof);
        absorb(&mut transcript, vk_digest, statement).map_err(|_| ProofError::Rejected)?;
        let checked = verify_proof(self.parameters, &self.key, strategy, &[&[&instance]], &mut transcript)
            .map_err(|_| ProofError::Rejected)?;
        // The length is right, so that every byte was read.
        if proof.is_empty() { Ok(checked) } else { Err(ProofError::Rejected) }
    }
}

/// Makes halo2's verifying key.
struct Keygen(&'static Params<EqAffine>);

impl Job for Keygen {
    type Output = Result<VerifyingKey<EqAffine>, plonk::Error>;

    fn run<C: plonk::Circuit<Fp>>(self, circuit: &C) -> Self::Output {
        keygen_vk(self.0, circuit)
    }
}

/// The digest of a derived key, over all that halo2 pins: columns, gates, lookups, copies, domain and commitments.
fn digest(key: &VerifyingKey<EqAffine>) -> [u8; 32] {
    struct Hash(Sha256);
    impl core::fmt::Write for Hash {
        fn write_str(&mut self, s: &str) -> core::fmt::Result {
            self.0.update(s);
            Ok(())
        }
    }
    let mut hash = Hash(Sha256::new());
    hash.0.update(b"avouch/halo2-ipa-pasta:v1/key");
    // Hashing does not fail.
    let _ = write!(hash, "{:?}", key.pinned());
    hash.0.finalize().into()
}

/// Puts what a proof is for ahead of all of halo2's transcript: one scalar, the first 31 bytes of SHA-256 of
///
/// ```text
/// "avouch/halo2-ipa-pasta:v1/proof" ‖ key digest (32) ‖ 8 slots (256)
/// ```
///
/// halo2 itself absorbs the derived key and a commitment to the instance. With this the key file is bound too: its label
/// and quantization, which are in no constraint.
///
/// # Errors
/// None, for the transcripts of halo2.
pub fn absorb<T: Transcript<EqAffine, Challenge255<EqAffine>>>(
    transcript: &mut T,
    vk_digest: &[u8; 32],
    statement: &Statement,
) -> io::Result<()> {
    let mut h = Sha256::new();
    h.update(b"avouch/halo2-ipa-pasta:v1/proof");
    h.update(vk_digest);
    h.update(statement.encode());
    let mut little_endian = <[u8; 32]>::from(h.finalize());
    if let Some(last) = little_endian.last_mut() {
        *last = 0;
    }
    // 248 bits are below the modulus.
    transcript.common_scalar(Option::from(Fp::from_repr(little_endian)).unwrap_or_default())
}

/// A slot as a field element; `None` if it is not below the modulus.
pub fn slot(bytes: &[u8; 32]) -> Option<Fp> {
    let mut little_endian = *bytes;
    little_endian.reverse();
    Fp::from_repr(little_endian).into()
}

/// A field element as a slot.
pub fn slot_bytes(element: &Fp) -> [u8; 32] {
    let mut bytes = element.to_repr();
    bytes.reverse();
    bytes
}

fn slots(statement: &Statement) -> Result<Vec<Fp>, ProofError> {
    let all: Option<Vec<Fp>> = statement.slots().iter().map(slot).collect();
    all.ok_or(ProofError::Rejected)
}

/// Bytes of a proof, by letting halo2's verifier read one and counting. Nothing is known to be simpler and exact: halo2
/// offers no such number.
fn proof_length(parameters: &'static Params<EqAffine>, key: &VerifyingKey<EqAffine>) -> Result<usize, plonk::Error> {
    struct Count {
        bytes: usize,
        challenges: u64,
    }
    impl Transcript<EqAffine, Challenge255<EqAffine>> for Count {
        fn squeeze_challenge(&mut self) -> Challenge255<EqAffine> {
            // Any will do, but for the few at which a division by zero would end the reading.
            self.challenges = self.challenges.saturating_add(1);
            Challenge255::new(&Sha512::digest(self.challenges.to_le_bytes()).into())
        }

        fn common_point(&mut self, _: EqAffine) -> io::Result<()> {
            Ok(())
        }

        fn common_scalar(&mut self, _: Fp) -> io::Result<()> {
            Ok(())
        }
    }
    impl TranscriptRead<EqAffine, Challenge255<EqAffine>> for Count {
        fn read_point(&mut self) -> io::Result<EqAffine> {
            self.bytes = self.bytes.saturating_add(32);
            Ok(EqAffine::generator())
        }

        fn read_scalar(&mut self) -> io::Result<Fp> {
            self.bytes = self.bytes.saturating_add(32);
            Ok(Fp::ONE)
        }
    }
    /// Reads to the end and checks nothing.
    struct Skim(MSM<'static, EqAffine>);
    impl VerificationStrategy<'static, EqAffine> for Skim {
        type Output = ();

        fn process<E: EncodedChallenge<EqAffine>>(
            self,
            read: impl FnOnce(MSM<'static, EqAffine>) -> Result<Guard<'static, EqAffine, E>, plonk::Error>,
        ) -> Result<(), plonk::Error> {
            read(self.0).map(|_| ())
        }
    }
    let mut count = Count { bytes: 0, challenges: 0 };
    let instance = [Fp::ONE; crate::SLOTS];
    verify_proof(parameters, key, Skim(parameters.empty_msm()), &[&[&instance]], &mut count)?;
    Ok(count.bytes)
}

/// Hands out the multi-scalar multiplication instead of computing it.
struct Collect(MSM<'static, EqAffine>);

impl VerificationStrategy<'static, EqAffine> for Collect {
    type Output = MSM<'static, EqAffine>;

    fn process<E: EncodedChallenge<EqAffine>>(
        self,
        read: impl FnOnce(MSM<'static, EqAffine>) -> Result<Guard<'static, EqAffine, E>, plonk::Error>,
    ) -> Result<Self::Output, plonk::Error> {
        read(self.0).map(Guard::use_challenges)
    }
}

/// Whether all proofs hold, by one multi-scalar multiplication: that of their sum, each times a weight of its own. The
/// weights are hashes of all statements and proofs, so that no proof can be made to cancel what another one lacks.
fn all_hold(key: &DerivedKey, vk_digest: &[u8; 32], proofs: &[(&Statement, &[u8])]) -> bool {
    let mut seed = Sha256::new();
    seed.update(b"avouch/halo2-ipa-pasta:v1/batch");
    seed.update(vk_digest);
    for (statement, proof) in proofs {
        // Each of one length, or it fails below.
        seed.update(statement.encode());
        seed.update(proof);
    }
    let seed = seed.finalize();
    let mut sum = key.parameters.empty_msm();
    for ((statement, proof), i) in proofs.iter().zip(0u64..) {
        let Ok(mut term) = key.check(Collect(key.parameters.empty_msm()), vk_digest, statement, proof) else {
            return false;
        };
        let weight = Sha512::new().chain_update(seed).chain_update(i.to_le_bytes()).finalize();
        term.scale(Fp::from_uniform_bytes(&weight.into()));
        sum.add_msm(&term);
    }
    sum.eval()
}

/// The proof system.
pub(crate) struct System;

impl ProofSystem for System {
    const NAME: &'static str = "halo2-ipa-pasta:v1";
    const CIRCUIT_VERSION: u32 = 1;
    const MODULUS: [u8; 32] = [
        0x40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x22, 0x46, 0x98, 0xfc, 0x09, 0x4c, 0xf9, 0x1b, 0x99, 0x2d,
        0x30, 0xed, 0, 0, 0, 1,
    ];
    // Exactly which one follows from the key.
    const PROOF_LENGTH: LengthRule = LengthRule::AtMost(1 << 16);
    const KEY_LENGTH: LengthRule = LengthRule::AtMost(3 + 32 + MAX_ENCODED);

    type Key = Key;
    type Prepared = DerivedKey;

    fn admits(setup: &SetupKind) -> bool {
        match setup {
            SetupKind::Transparent => true,
            SetupKind::Dev | SetupKind::Ceremony { .. } => false,
        }
    }

    fn decode_key(bytes: &[u8]) -> Result<Key, DecodeError> {
        let mut r = Reader::new(KEY, bytes);
        let layout = Layout::decode(r.array("layout")?)
            .ok_or_else(|| r.error("layout", Problem::Relation("it is none of the layouts of this system")))?;
        let digest = r.array("derived key's digest")?;
        let encoded = r.rest();
        let graph = Graph::decode(encoded)
            .map_err(|e| DecodeError::new(KEY, "graph", Problem::Rule(e.to_string())))?;
        Ok(Key { layout, digest, graph: Arc::new(graph), encoded: encoded.into() })
    }

    fn encode_key(key: &Key) -> Vec<u8> {
        [&key.layout.encode()[..], &key.digest, &key.encoded].concat()
    }

    fn check_circuit(
        key: &Key,
        description: &CircuitDescription,
        input: &TensorInfo,
        output: &TensorInfo,
    ) -> Result<(), DecodeError> {
        let rule = |e: &dyn core::fmt::Display| DecodeError::new(KEY, "graph", Problem::Rule(e.to_string()));
        let own = CircuitDescription::new(&key.graph, description.disclosure).map_err(|e| rule(&e))?;
        let problem = Problem::Relation("it is not what the graph in the key gives");
        if own != *description {
            return Err(DecodeError::new(KEY, "circuit description", problem));
        }
        if key.graph.input_info() != input {
            return Err(DecodeError::new(KEY, "input", problem));
        }
        if key.graph.output_info() != output {
            return Err(DecodeError::new(KEY, "output", problem));
        }
        Ok(())
    }

    fn prepare(key: &Key, description: &CircuitDescription) -> Result<DerivedKey, DeriveError> {
        let graph = &key.graph;
        let macs = graph.nodes.iter().fold(0u64, |sum, n| sum.saturating_add(n.op.macs(graph.tensor(n.output))));
        if macs > MAX_MACS || graph.nodes.len() > MAX_NODES {
            let message = alloc::format!("more than {MAX_MACS} multiplications or {MAX_NODES} nodes");
            return Err(LowerError { node: "model".into(), message }.into());
        }
        let derived = DerivedKey::derive(&Circuit::new(graph, description.disclosure)?)?;
        if derived.layout != key.layout {
            return Err(DeriveError::Layout);
        }
        if derived.digest != key.digest {
            return Err(DeriveError::Digest { derived: derived.digest, claimed: key.digest });
        }
        Ok(derived)
    }

    fn verify(
        key: &DerivedKey,
        vk_digest: &[u8; 32],
        statement: &Statement,
        proof: &[u8],
    ) -> Result<(), ProofError> {
        key.check(SingleVerifier::new(key.parameters), vk_digest, statement, proof)
    }

    fn verify_batch(
        key: &DerivedKey,
        vk_digest: &[u8; 32],
        proofs: &[(&Statement, &[u8])],
    ) -> Vec<Result<(), ProofError>> {
        let all = all_hold(key, vk_digest, proofs);
        let each = |(statement, proof): &(&Statement, &[u8])| {
            if all { Ok(()) } else { Self::verify(key, vk_digest, statement, proof) }
        };
        proofs.iter().map(each).collect()
    }
}
