//! Ceremonies whose secrets are known, and everything that has to be rejected.

use std::{fs, io::Write as _, path::PathBuf, sync::LazyLock};

use ark_bn254::{Fr, G1Affine, G1Projective, G2Projective};
use ark_ec::{AffineRepr as _, CurveGroup as _, PrimeGroup as _, scalar_mul::ScalarMul as _};
use ark_ff::{Field as _, One as _, PrimeField as _};
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
    op::{Dense, Requantization},
};
use avouch_verifier::{
    KeyMaterial, KeyParts, KeyPolicy, KeyProvenance, KeyRefused, SetupKind, SystemId, VerifyingKey,
    system::groth16_lookup_bn254 as lookup, verify,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{
    CeremonyError, Contributor, Delta, Evidence, Head, Moving, NotTrusted, Reason, Rejected, State, Subject,
    Transcript, Trust, beacon, check,
    check::{check_points, check_transcript, compare_file, compare_keys},
    contribute,
    contribute::extend,
    finalize, init, lagrange,
    phase1::{Lagrange, Phase1},
};
use crate::{
    Prover, Request,
    groth16::{Domain, Points, Trapdoors, evaluate},
    keys::{Keys, ProvingKey},
    progress::Progress,
};

const SYSTEMS: [SystemId; 2] = [SystemId::Groth16Bn254, SystemId::Groth16LookupBn254];

pub(super) fn tau() -> Fr {
    Fr::from(3u64).pow([1001])
}

fn alpha() -> Fr {
    Fr::from(3u64).pow([1002])
}

fn beta() -> Fr {
    Fr::from(3u64).pow([1003])
}

fn g1(scalars: &[Fr]) -> Vec<G1Affine> {
    G1Projective::generator().batch_mul(scalars)
}

/// Phase 1 for a domain of n points, from secrets that everybody knows.
pub(super) fn phase1(n: usize) -> Phase1 {
    let powers = |first: Fr, count: usize| -> Vec<Fr> {
        std::iter::successors(Some(first), |p| Some(*p * tau())).take(count).collect()
    };
    Phase1 {
        hash: [7; 64],
        tau_g1: g1(&powers(Fr::one(), 2 * n - 1)),
        tau_g2: G2Projective::generator().batch_mul(&powers(Fr::one(), n)),
        alpha_tau_g1: g1(&powers(alpha(), n)),
        beta_tau_g1: g1(&powers(beta(), n)),
        beta_g2: (G2Projective::generator() * beta()).into_affine(),
        prepared: None,
    }
}

/// The same with its Lagrange basis.
fn prepared(subject: &Subject<'_>) -> Phase1 {
    let l = subject.domain.lagrange(tau());
    let times = |factor: Fr| g1(&l.iter().map(|l| *l * factor).collect::<Vec<_>>());
    let basis = Lagrange {
        tau_g1: times(Fr::one()),
        tau_g2: G2Projective::generator().batch_mul(&l),
        alpha_tau_g1: times(alpha()),
        beta_tau_g1: times(beta()),
    };
    Phase1 { prepared: Some(basis), ..phase1(subject.points()) }
}

/// A network of `k` inputs and `n` outputs.
fn network(k: usize, n: usize) -> Graph {
    let quant = |scale| Quantization { dtype: DType::I8, scale, zero_point: 3 };
    let dense = Dense {
        batch: 1,
        k,
        n,
        weights: (0..k * n).map(|i| (i * i * 37 % 255) as i8 as _).collect(),
        bias: (0..n as i32).map(|i| 50 * i - 60).collect(),
        requantization: Requantization { multipliers: vec![0.0123], min: -128, max: 127 },
    };
    let graph = Graph {
        tensors: vec![
            TensorInfo { shape: vec![1, k], quant: quant(0.1) },
            TensorInfo { shape: vec![1, n], quant: quant(0.2) },
        ],
        nodes: vec![Node { name: "dense".into(), op: dense.into(), inputs: vec![TensorId(0)], output: TensorId(1) }],
        input: TensorId(0),
        output: TensorId(1),
    };
    graph.check().unwrap();
    graph
}

fn circuit(graph: &Graph, disclosure: Disclosure) -> Circuit {
    Circuit::new(graph, disclosure).unwrap()
}

/// The development setup's key with the same trapdoors.
fn with_trapdoors(subject: &Subject<'_>, deltas: Vec<Fr>) -> Points {
    let trapdoors = Trapdoors { alpha: alpha(), beta: beta(), tau: tau(), deltas };
    evaluate(&subject.synthesizer, &subject.cost, &subject.domain, &trapdoors, &()).unwrap()
}

#[test]
fn the_initial_key_is_that_of_a_setup_with_trapdoors_of_one() {
    let [plain, lookup] = SYSTEMS;
    let compare = |system, graph: &Graph, radix| {
        let circuit = circuit(graph, Disclosure::Argmax);
        let subject = Subject::new(system, &circuit, "test").unwrap();
        if subject.domain.radix() != radix {
            return false;
        }
        let (made, _) = subject.start(phase1(subject.points()), &()).unwrap();
        let expected = with_trapdoors(&subject, vec![Fr::one(); subject.variant.phases()]);
        assert!(made == expected, "{system}, radix {radix}");
        true
    };
    assert!(compare(plain, &network(4, 3), 1));
    for radix in [1, 3, 9] {
        assert!((3..99).any(|n| compare(lookup, &network(4, n), radix)), "no network of radix {radix}");
    }
}

/// A subject of each system on one small circuit, and a ceremony of three contributors and a beacon about it.
struct Example<'c> {
    graph: &'c Graph,
    subject: Subject<'c>,
    /// The initial key.
    start: (Points, Head),
    /// After each contribution, from none on.
    states: Vec<State>,
}

const NAMES: [&str; 3] = ["Ada", "Blaise", "Carl Friedrich"];

/// The secret of a contribution, known.
fn secret(index: usize, phase: usize) -> Fr {
    Fr::from(5u64).pow([100 * index as u64 + phase as u64 + 1])
}

impl<'c> Example<'c> {
    fn new(system: SystemId, graph: &'c Graph, circuit: &'c Circuit) -> Self {
        let subject = Subject::new(system, circuit, "test").unwrap();
        let start = subject.start(prepared(&subject), &()).unwrap();
        let points = Moving { l: start.0.l.clone(), h: start.0.h.clone() };
        let mut states = vec![State { transcript: Transcript::start(start.1.clone()).unwrap(), points }];
        for (index, name) in NAMES.into_iter().enumerate() {
            let secrets: Vec<Fr> = (0..subject.variant.phases()).map(|phase| secret(index, phase)).collect();
            let who = Contributor { name, attestation: "on a laptop that was wiped" };
            states.push(extend(states[index].clone(), who, None, &secrets, &()).unwrap());
        }
        let who = Contributor { name: "beacon", attestation: "" };
        states.push(beacon(states[NAMES.len()].clone(), who, b"block 123", 10, &()).unwrap());
        Self { graph, subject, start, states }
    }

    fn last(&self) -> &State {
        &self.states[self.states.len() - 1]
    }

    /// What a check finds, without computing the initial key again.
    fn check(&self, state: &State, earlier: &[State]) -> Result<(), CeremonyError> {
        let (points, head) = &self.start;
        check_transcript(&self.subject, &[7; 64], &state.transcript, &())?;
        check_points(points, head, state, earlier, &())
    }

    fn rejected(&self, state: &State, earlier: &[State]) -> Rejected {
        rejected(self.check(state, earlier))
    }

    fn keys(&self, state: &State) -> Keys {
        finalize(&self.subject, prepared(&self.subject), state, &()).unwrap().0
    }
}

fn rejected<T>(result: Result<T, CeremonyError>) -> Rejected {
    match result {
        Err(CeremonyError::Rejected(e)) => e,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("it was accepted"),
    }
}

static GRAPH: LazyLock<Graph> = LazyLock::new(|| network(4, 3));
static CIRCUIT: LazyLock<Circuit> = LazyLock::new(|| circuit(&GRAPH, Disclosure::Raw));
static EXAMPLES: LazyLock<Vec<Example<'static>>> =
    LazyLock::new(|| SYSTEMS.iter().map(|&system| Example::new(system, &GRAPH, &CIRCUIT)).collect());

fn examples(test: impl Fn(&Example<'_>)) {
    EXAMPLES.iter().for_each(test);
}

fn contribution(index: u32, reason: Reason) -> Rejected {
    Rejected::Contribution { index, reason }
}

#[test]
fn contributions_make_the_key_of_a_setup_with_the_product_of_their_secrets() {
    examples(|example| {
        let phases = example.subject.variant.phases();
        let deltas = (0..phases).map(|phase| (0..3).map(|index| secret(index, phase)).product()).collect();
        let state = &example.states[3];
        let (keys, report) = finalize(&example.subject, prepared(&example.subject), state, &()).unwrap();
        let ProvingKey::Groth16(key) = &keys.proving else { panic!("no points") };
        let expected = with_trapdoors(&example.subject, deltas);
        assert!(key.points == expected);
        assert_eq!(report.vk_digest, Some(*keys.verifying.digest()));
        let expected = crate::groth16::key_material(example.subject.variant, &expected).unwrap();
        assert_eq!(*keys.verifying.material(), expected);
    });
}

#[test]
fn a_basis_that_is_resumed_is_checked() {
    let subject = Subject::new(SYSTEMS[1], &CIRCUIT, "test").unwrap();
    let n = subject.points();
    let folder = TempDir::new().unwrap();
    let cache = folder.path().join("state");
    let expected = init(&subject, prepared(&subject), &()).unwrap();
    let subject = subject.with_basis(&cache);
    let run = |phase1| {
        let state = init(&subject, phase1, &()).unwrap();
        subject.forget_basis();
        state
    };
    let files = || fs::read_dir(folder.path()).unwrap().count();

    // Interrupted after the basis: nothing but the files is left.
    super::cache::basis(&subject.domain, &phase1(n), None, Some(&cache), &()).unwrap();
    assert_eq!(files(), 4);
    let part = folder.path().join("state.alpha-g1");
    let kept = fs::read(&part).unwrap();
    // The next run takes them, and removes them.
    assert!(run(phase1(n)) == expected);
    assert_eq!(files(), 0);

    // Damaged, or of another phase 1, or wrong although its digest is right.
    super::cache::basis(&subject.domain, &phase1(n), None, Some(&cache), &()).unwrap();
    let wrong = fs::read(folder.path().join("state.beta-g1")).unwrap();
    for bytes in [&kept[..kept.len() / 2], &[&kept[..100], &[0; 7], &kept[107..]].concat(), &wrong] {
        super::cache::basis(&subject.domain, &phase1(n), None, Some(&cache), &()).unwrap();
        fs::write(&part, bytes).unwrap();
        assert!(run(phase1(n)) == expected);
    }
}

/// Somebody who can write beside the output puts a wrong file back as often as it is removed.
#[test]
fn a_basis_that_is_planted_again_is_not_believed() {
    struct Planter {
        part: PathBuf,
        bytes: Vec<u8>,
    }
    impl Progress for Planter {
        fn begin(&self, _: &'static str, _: u64) {
            fs::write(&self.part, &self.bytes).unwrap();
        }
    }
    let domain = Domain::new(8, &[1]).unwrap();
    let folder = TempDir::new().unwrap();
    let cache = folder.path().join("state");
    super::cache::basis(&domain, &phase1(8), None, Some(&cache), &()).unwrap();
    // β instead of α.
    let bytes = fs::read(folder.path().join("state.beta-g1")).unwrap();
    let planter = Planter { part: folder.path().join("state.alpha-g1"), bytes };
    let basis = super::cache::basis(&domain, &phase1(8), None, Some(&cache), &planter).unwrap();
    assert!(lagrange::check(&domain, &phase1(8), &basis).unwrap());
}

#[test]
fn a_prepared_basis_of_other_powers_is_refused() {
    let subject = Subject::new(SYSTEMS[0], &CIRCUIT, "test").unwrap();
    let swap: [fn(&mut Lagrange); 4] = [
        |basis| basis.tau_g1.swap(3, 900),
        |basis| basis.tau_g2.swap(3, 900),
        |basis| basis.alpha_tau_g1.swap(3, 900),
        |basis| basis.beta_tau_g1.swap(3, 900),
    ];
    for swap in swap {
        let mut phase1 = prepared(&subject);
        let basis = phase1.prepared.as_mut().unwrap();
        swap(basis);
        assert!(!lagrange::check(&subject.domain, &phase1, phase1.prepared.as_ref().unwrap()).unwrap());
        let e = init(&subject, phase1, &()).unwrap_err();
        assert!(e.to_string().contains("does not belong to its powers"), "{e}");
    }
    let e = init(&subject, phase1(subject.points() / 2), &()).unwrap_err();
    assert!(e.to_string().contains("another size"), "{e}");
}

#[test]
fn a_ceremony_that_holds_is_reported() {
    examples(|example| {
        let last = example.last();
        let earlier = &example.states[..example.states.len() - 1];
        let keys = example.keys(last);
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("proving.key");
        let ProvingKey::Groth16(key) = &keys.proving else { panic!("no points") };
        let mut bytes = Vec::new();
        key.write(&mut bytes).unwrap();
        fs::write(&path, &bytes).unwrap();
        let evidence = Evidence { earlier, key: Some(&keys.verifying), proving_key: Some(&path) };
        let report = check(&example.subject, prepared(&example.subject), last, &evidence, &()).unwrap();
        assert_eq!(report.vk_digest, Some(*keys.verifying.digest()));
        assert!(report.is_proving_key_checked);
        assert_eq!(report.earlier, [0, 1, 2, 3]);
        assert_eq!(report.contributors().map(|s| s.name.as_str()).collect::<Vec<_>>(), NAMES);
        assert_eq!(report.contributions[3].beacon, Some((b"block 123".to_vec(), 10)));
        let said = report.cheating().join("\n");
        assert!(said.contains("all 3 contributors") && said.contains("2^10 hashes"), "{said}");
        // Any earlier stage, and a start.
        assert!(earlier.iter().all(|state| example.check(state, &[]).is_ok()));

        // Any change of the proving key is found.
        let changed = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            rejected(compare_file(&path, key))
        };
        for i in [5, 40, 90, bytes.len() / 2, bytes.len() - 1] {
            let mut other = bytes.clone();
            other[i] ^= 1;
            assert!(matches!(changed(&other), Rejected::ProvingKey(_)), "byte {i}");
        }
        assert!(matches!(changed(&[&bytes[..], &[0]].concat()), Rejected::ProvingKey(_)));
        assert!(matches!(changed(&bytes[..bytes.len() - 1]), Rejected::ProvingKey(_)));
        fs::write(&path, [&bytes[..], &[0]].concat()).unwrap();
        assert!(matches!(
            rejected(check(&example.subject, prepared(&example.subject), last, &evidence, &())),
            Rejected::ProvingKey(_)
        ));
    });
}

#[test]
fn proofs_under_the_key_of_a_ceremony_need_a_pin_or_a_checked_transcript() {
    examples(|example| {
        let (keys, report) = finalize(&example.subject, prepared(&example.subject), example.last(), &()).unwrap();
        let key = keys.verifying.clone();
        let prover = Prover::new(example.graph, example.subject.circuit, keys).unwrap();
        let file = prover.prove(&[-128, 127, 3, 55], &Request::default(), &()).unwrap().file.encode();
        let digest = *key.digest();
        let pinned = KeyPolicy { allow_dev: false, expect_vk: Some(digest) };
        assert!(verify(&pinned.admit(key.clone()).unwrap(), &file).is_ok());
        let open = KeyPolicy::default();
        assert_eq!(open.admit(key.clone()).unwrap_err(), KeyRefused::ClaimedNotChecked);
        let dev = KeyPolicy { allow_dev: true, expect_vk: None };
        assert_eq!(dev.admit(key.clone()).unwrap_err(), KeyRefused::ClaimedNotChecked);

        let trust = |phase1: &[[u8; 64]], contributions: &[[u8; 32]]| Trust { phase1, contributions }.check(&report);
        let hash = |i: usize| report.contributions[i].hash;
        assert_eq!(trust(&[[8; 64], [7; 64]], &[[1; 32], hash(1)]), Ok(()));
        assert_eq!(trust(&[[8; 64]], &[hash(1)]), Err(NotTrusted::Phase1([7; 64])));
        assert_eq!(trust(&[[7; 64]], &[]), Err(NotTrusted::NoneNamed));
        assert_eq!(trust(&[[7; 64]], &[hash(3)]), Err(NotTrusted::Beacon(hash(3))));
        assert_eq!(trust(&[[7; 64]], &[[1; 32]]), Err(NotTrusted::NotThere([1; 32])));
        let accepted = open.admit_checked(key, &report.vk_digest.unwrap()).unwrap();
        assert_eq!(verify(&accepted, &file).unwrap().key_provenance(), KeyProvenance::TranscriptChecked);
    });
}

/// The transcript with another content. Hashes are made right again with `reseal`.
fn retell(transcript: &Transcript, edit: impl FnOnce(&mut Value)) -> Result<Transcript, Rejected> {
    let mut story: Value = serde_json::from_slice(&transcript.encode()).unwrap();
    edit(&mut story);
    Transcript::decode(&serde_json_canonicalizer::to_vec(&story).unwrap())
}

fn contributions(story: &mut Value) -> &mut Vec<Value> {
    story["contributions"].as_array_mut().unwrap()
}

fn hash(label: &str, value: &Value) -> String {
    let bytes = serde_json_canonicalizer::to_vec(value).unwrap();
    hex::encode(Sha256::new().chain_update(label).chain_update(bytes).finalize())
}

/// Numbers and hashes as if the story were true.
fn reseal(story: &mut Value) {
    let mut previous = hash("avouch/ceremony/start/v1", &story["head"]);
    for (index, contribution) in (1..).zip(contributions(story)) {
        contribution["index"] = json!(index);
        contribution["previous"] = json!(previous);
        contribution.as_object_mut().unwrap().remove("hash");
        previous = hash("avouch/ceremony/contribution/v1", contribution);
        contribution["hash"] = json!(previous);
    }
}

fn delta(example: &Example<'_>, phase: usize) -> Delta {
    Delta { phase, phases: example.subject.variant.phases() }
}

#[test]
fn a_story_that_is_told_otherwise_is_rejected() {
    examples(|example| {
        let transcript = &example.last().transcript;
        let refuse = |edit: &dyn Fn(&mut Value)| retell(transcript, edit).unwrap_err();
        let (first, last) = (delta(example, 0), delta(example, example.subject.variant.phases() - 1));
        assert_eq!(retell(transcript, |_| ()).as_ref(), Ok(transcript));
        assert_eq!(retell(transcript, reseal).as_ref(), Ok(transcript));

        // Dropped, reordered, repeated; and made up for.
        assert_eq!(refuse(&|s| drop(contributions(s).remove(1))), contribution(2, Reason::Index(3)));
        assert_eq!(refuse(&|s| contributions(s).swap(1, 2)), contribution(2, Reason::Index(3)));
        let repeat = |s: &mut Value| {
            let again = contributions(s)[1].clone();
            contributions(s).insert(2, again);
        };
        assert_eq!(refuse(&repeat), contribution(3, Reason::Index(2)));
        let with_index = |s: &mut Value| {
            contributions(s).remove(1);
            contributions(s)[1]["index"] = json!(2);
        };
        assert_eq!(refuse(&with_index), contribution(2, Reason::Previous));
        let resealed = |edit: &dyn Fn(&mut Value)| {
            refuse(&|s| {
                edit(s);
                reseal(s);
            })
        };
        assert_eq!(resealed(&|s| drop(contributions(s).remove(1))), contribution(2, Reason::NotMultiple(first)));
        assert_eq!(resealed(&|s| contributions(s).swap(1, 2)), contribution(2, Reason::NotMultiple(first)));
        assert_eq!(resealed(&repeat), contribution(3, Reason::Unchanged(first)));

        // A changed word, with the hash as it was and made right: then the next one's proofs are for another place.
        assert_eq!(refuse(&|s| contributions(s)[0]["name"] = json!("Eve")), contribution(1, Reason::Hash));
        assert_eq!(
            resealed(&|s| contributions(s)[0]["name"] = json!("Eve")),
            contribution(2, Reason::Knowledge(first))
        );
        assert_eq!(resealed(&|s| s["head"]["label"] = json!("other")), contribution(1, Reason::Knowledge(first)));
        let long = "x".repeat(257);
        assert_eq!(resealed(&|s| contributions(s)[0]["name"] = json!(long)), contribution(1, Reason::Text("name")));
        let escape = json!("\u{1b}[2J");
        assert_eq!(
            resealed(&|s| contributions(s)[0]["attestation"] = escape.clone()),
            contribution(1, Reason::Text("attestation"))
        );

        // Forged updates.
        let update = |s: &mut Value, phase: usize, field: &str, value: Value| {
            contributions(s)[2]["updates"][phase][field] = value;
        };
        let point = |p: G1Projective| json!(hex::encode(super::encoding::Point(p.into_affine()).bytes()));
        let point_2 = |p: G2Projective| json!(hex::encode(super::encoding::Point(p.into_affine()).bytes()));
        let (one, two) = (G1Projective::generator(), G2Projective::generator());
        for (phase, which) in [(0, first), (last.phase, last)] {
            let forged = |field: &'static str, value: Value| resealed(&|s| update(s, phase, field, value.clone()));
            let own = contribution(3, Reason::Knowledge(which));
            assert_eq!(forged("proof", point(one * Fr::from(9u64))), own);
            assert_eq!(forged("secret_g2", point_2(two * Fr::from(9u64))), contribution(3, Reason::NotMultiple(which)));
            assert_eq!(forged("secret_g2", point_2(two)), contribution(3, Reason::Unchanged(which)));
            assert_eq!(forged("secret_g2", point_2(-two)), contribution(3, Reason::Unchanged(which)));
            assert_eq!(forged("delta_g1", point(one * Fr::from(9u64))), contribution(3, Reason::Groups(which)));
            assert_eq!(forged("delta_g2", point_2(two * Fr::from(9u64))), contribution(3, Reason::Groups(which)));
            assert_eq!(forged("delta_g1", point(-one)), contribution(3, Reason::Generator(which)));
            let before: Value = serde_json::from_slice(&transcript.encode()).unwrap();
            let old = before["contributions"][1]["updates"][phase].clone();
            assert_eq!(forged("delta_g1", old["delta_g1"].clone()), contribution(3, Reason::Unchanged(which)));
            assert_eq!(forged("delta_g2", old["delta_g2"].clone()), contribution(3, Reason::Unchanged(which)));
            let identity = json!(format!("{}40", "00".repeat(31)));
            let e = forged("delta_g1", identity);
            assert!(e.to_string().contains("the point is the identity"), "{e}");
        }
        let none = resealed(&|s| contributions(s)[2]["updates"] = json!([]));
        let expected = example.subject.variant.phases();
        assert_eq!(none, contribution(3, Reason::Updates { found: 0, expected }));
        if expected == 2 {
            let swap = |s: &mut Value| contributions(s)[2]["updates"].as_array_mut().unwrap().swap(0, 1);
            assert_eq!(resealed(&swap), contribution(3, Reason::NotMultiple(first)));
        }

        // A beacon in the middle, one that is out of range, and other values.
        let beacon = |s: &mut Value, i: usize, value: Value| contributions(s)[i]["beacon"] = value;
        let of = |value: &str, n: u32| json!({ "value": value, "iterations_log2": n });
        assert_eq!(resealed(&|s| beacon(s, 1, of("00", 10))), contribution(3, Reason::AfterBeacon));
        for wrong in [of("", 10), of("00", 9), of("00", 33), of(&"00".repeat(257), 10)] {
            assert_eq!(resealed(&|s| beacon(s, 3, wrong.clone())), contribution(4, Reason::BeaconRange));
        }
        for wrong in [of("00", 10), of(&hex::encode("block 123"), 11)] {
            let told = retell(transcript, |s| {
                beacon(s, 3, wrong.clone());
                reseal(s);
            });
            let state = State { transcript: told.unwrap(), points: example.last().points.clone() };
            assert_eq!(example.rejected(&state, &[]), contribution(4, Reason::Beacon(first)));
        }

        // What is about the circuit.
        let e = refuse(&|s| s["head"]["circuit_version"] = json!(1));
        assert!(matches!(e, Rejected::Differs { what: "circuit version", .. }), "{e}");
        for (field, value) in
            [("system", json!("halo2-ipa-pasta:v1")), ("format", json!("avouch/ceremony/v2")), ("extra", json!(1))]
        {
            assert!(matches!(refuse(&|s| s["head"][field] = value.clone()), Rejected::Malformed { .. }), "{field}");
        }
        let ids = [("circuit_id", json!("00".repeat(31))), ("model_id", json!("00".repeat(32)))];
        for (field, value) in ids {
            let e = refuse(&|s| s["head"][field] = value.clone());
            assert!(matches!(e, Rejected::Malformed { field: "circuit_id", .. }), "{field}: {e}");
        }
        for label in ["\u{1b}[2J", &long] {
            let e = refuse(&|s| s["head"]["label"] = json!(label));
            assert!(matches!(e, Rejected::Malformed { field: "label", .. }), "{e}");
        }
        // Two texts of one story would have two hashes.
        let upper = |s: &mut Value| {
            let digest = s["head"]["fixed_points"].as_str().unwrap().to_uppercase();
            s["head"]["fixed_points"] = json!(digest);
        };
        assert!(refuse(&upper).to_string().contains("RFC 8785"));
        let e = refuse(&|s| contributions(s)[0]["beacon"] = json!(null));
        assert!(e.to_string().contains("RFC 8785"), "{e}");
        let e = Transcript::decode(&[transcript.encode().as_slice(), b" "].concat()).unwrap_err();
        assert!(e.to_string().contains("RFC 8785"), "{e}");
    });
}

/// Secrets that leave a δ as it was, or make it what it may not be.
#[test]
fn degenerate_secrets_are_refused() {
    examples(|example| {
        let phases = example.subject.variant.phases();
        let try_with = |index: usize, secrets: &[Fr]| {
            rejected(extend(example.states[index].clone(), Contributor::default(), None, secrets, &()))
        };
        let good = Fr::from(77u64);
        for phase in 0..phases {
            for degenerate in [Fr::one(), -Fr::one()] {
                let mut secrets = vec![good; phases];
                secrets[phase] = degenerate;
                // The other phase's secret is not the same, or δ1 would be δ2.
                secrets[phases - 1 - phase] *= if phases == 2 { Fr::from(3u64) } else { Fr::one() };
                let reason = Reason::Unchanged(delta(example, phase));
                assert_eq!(try_with(1, &secrets), contribution(2, reason));
            }
            let mut secrets: Vec<Fr> = (0..phases).map(|p| good * Fr::from(p as u64 + 1)).collect();
            secrets[phase] = secret(0, phase).inverse().unwrap();
            assert_eq!(try_with(1, &secrets), contribution(2, Reason::Generator(delta(example, phase))));
        }
        if phases == 2 {
            assert_eq!(try_with(0, &[good, good]), contribution(1, Reason::Equal));
            assert_eq!(try_with(0, &[good, -good]), contribution(1, Reason::Equal));
        }
    });
}

#[test]
fn points_that_were_not_scaled_are_rejected() {
    examples(|example| {
        let phases = example.subject.variant.phases();
        let honest = &example.states[2];
        let (first, second) = (delta(example, 0), delta(example, phases - 1));
        let split = honest.transcript.head().sizes.first_phase as usize;
        let used = |from: usize| (from..).find(|&i| honest.points.l[i] != G1Affine::identity()).unwrap();
        // A contribution whose points are others, with their digest in the transcript.
        let with = |edit: &dyn Fn(&mut Moving)| {
            let mut points = honest.points.clone();
            edit(&mut points);
            let digest = points.digest();
            let transcript = retell(&honest.transcript, |s| {
                contributions(s)[1]["moving_points"] = json!(hex::encode(digest));
                reseal(s);
            });
            example.rejected(&State { transcript: transcript.unwrap(), points }, &[])
        };
        let not_scaled = |part, delta| Rejected::NotScaled { index: 2, part, delta };
        let at = used(0);
        assert_eq!(
            with(&|p| p.l[at] = (p.l[at] + G1Affine::generator()).into_affine()),
            not_scaled("L of the first phase", first)
        );
        assert_eq!(with(&|p| p.h[9] = -p.h[9]), not_scaled("H", second));
        assert_eq!(with(&|p| p.h.swap(3, 4)), not_scaled("H", second));
        if phases == 2 {
            assert_eq!(with(&|p| p.l[split] = -p.l[split]), not_scaled("L of the second phase", second));
            // A wire of the first phase that is divided by the other δ.
            let factor = (0..2).map(|i| secret(i, 0) * secret(i, 1).inverse().unwrap()).product::<Fr>();
            assert_eq!(
                with(&|p| p.l[at] = (p.l[at] * factor).into_affine()),
                not_scaled("L of the first phase", first)
            );
        }
        // The points of the contribution before.
        let state = State { transcript: honest.transcript.clone(), points: example.states[1].points.clone() };
        assert_eq!(example.rejected(&state, &[]), not_scaled("L of the first phase", first));

        // An earlier file with other points, or of another ceremony.
        let mut other = example.states[1].clone();
        other.points.h.swap(3, 4);
        let expected = Rejected::NotScaled { index: 1, part: "H", delta: second };
        assert_eq!(example.rejected(honest, &[other]), expected);
        let secrets = [Fr::from(4u64), Fr::from(5u64)];
        let other = extend(example.states[0].clone(), Contributor::default(), None, &secrets[..phases], &()).unwrap();
        assert_eq!(example.rejected(honest, &[other]), Rejected::OtherStep { index: 1 });
    });
}

/// A head that model and phase 1 do not lead to, with contributions that hold.
#[test]
fn ceremonies_about_something_else_are_rejected() {
    examples(|example| {
        let start = &example.states[0];
        let with = |edit: &dyn Fn(&mut Value)| {
            let state = State { transcript: retell(&start.transcript, edit).unwrap(), points: start.points.clone() };
            match example.rejected(&state, &[]) {
                Rejected::Differs { what, .. } => what,
                e => panic!("{e}"),
            }
        };
        let zeros = json!("0".repeat(64));
        assert_eq!(with(&|s| s["head"]["fixed_points"] = zeros.clone()), "α, β, A, B and IC");
        assert_eq!(with(&|s| s["head"]["moving_points"] = zeros.clone()), "L and H of the initial key");
        assert_eq!(with(&|s| s["head"]["key_template"] = zeros.clone()), "key template");
        assert_eq!(with(&|s| s["head"]["label"] = json!("other")), "label");
        assert_eq!(with(&|s| s["head"]["phase1"] = json!("0".repeat(128))), "phase 1");
        // A wire moved from the first phase to the second.
        let move_wire = |s: &mut Value| {
            let first = s["head"]["sizes"]["first_phase"].as_u64().unwrap();
            let second = s["head"]["sizes"]["second_phase"].as_u64().unwrap();
            s["head"]["sizes"]["first_phase"] = json!(first - 1);
            s["head"]["sizes"]["second_phase"] = json!(second + 1);
        };
        assert_eq!(with(&move_wire), "phases of the wires");

        // Another model, disclosure, or system.
        let against = |system, graph: &Graph, disclosure| {
            let circuit = circuit(graph, disclosure);
            let subject = Subject::new(system, &circuit, "test").unwrap();
            match rejected(check_transcript(&subject, &[7; 64], &example.last().transcript, &())) {
                Rejected::Differs { what, .. } => what,
                e => panic!("{e}"),
            }
        };
        let system = example.subject.variant.system();
        let other = if system == SYSTEMS[0] { SYSTEMS[1] } else { SYSTEMS[0] };
        assert_eq!(against(system, &network(5, 3), Disclosure::Raw), "model");
        assert_eq!(against(system, example.graph, Disclosure::Argmax), "circuit");
        assert_eq!(against(other, example.graph, Disclosure::Raw), "proof system");
    });
}

#[test]
fn a_changed_verifying_key_is_rejected() {
    examples(|example| {
        let last = example.last();
        let key = &example.keys(last).verifying;
        let parts = || KeyParts {
            setup: key.setup().clone(),
            description: key.description().clone(),
            input: key.input().clone(),
            output: key.output().clone(),
            label: key.label().into(),
            material: key.material().clone(),
        };
        let with = |edit: &dyn Fn(&mut KeyParts)| {
            let mut parts = parts();
            edit(&mut parts);
            let changed = VerifyingKey::new(parts).unwrap();
            match compare_keys(&changed, key) {
                Err(Rejected::Key(what)) => what,
                other => panic!("{other:?}"),
            }
        };
        let output = "the output's shape, type, scale or zero point";
        assert_eq!(with(&|p| p.output.quant.scale *= 2.0), output);
        assert_eq!(with(&|p| p.output.quant.zero_point += 1), output);
        assert_eq!(with(&|p| p.output.shape = vec![3, 1]), output);
        assert_eq!(with(&|p| p.input.shape = vec![4, 1]), "the input's shape, type, scale or zero point");
        assert_eq!(with(&|p| p.label = "other".into()), "the label");
        assert_eq!(with(&|p| p.description.disclosure = Disclosure::Commit), "the circuit description");
        let kind = "the setup kind, or a hash that it names,";
        assert_eq!(with(&|p| p.setup = SetupKind::Dev), kind);
        for changed in 0..3 {
            let edit = |p: &mut KeyParts| {
                let SetupKind::Ceremony { phase1, transcript, last_contribution } = &mut p.setup else { return };
                match changed {
                    0 => phase1[0] ^= 1,
                    1 => transcript[0] ^= 1,
                    _ => last_contribution[0] ^= 1,
                }
            };
            assert_eq!(with(&edit), kind);
        }
        let changed = VerifyingKey::new(KeyParts { label: "other".into(), ..parts() }).unwrap();
        let evidence = Evidence { key: Some(&changed), ..Evidence::default() };
        let found = rejected(check(&example.subject, prepared(&example.subject), last, &evidence, &()));
        assert_eq!(found, Rejected::Key("the label"));
        match key.material() {
            KeyMaterial::Groth16Bn254(material) => {
                let with = |edit: &dyn Fn(&mut ark_groth16::VerifyingKey<ark_bn254::Bn254>)| {
                    let mut points = material.to_ark();
                    edit(&mut points);
                    let points = avouch_verifier::system::groth16_bn254::Key::new(&points).unwrap();
                    with(&|p| p.material = KeyMaterial::Groth16Bn254(points.clone()))
                };
                assert_eq!(with(&|p| p.alpha_g1 = -p.alpha_g1), "α");
                assert_eq!(with(&|p| p.beta_g2 = -p.beta_g2), "β");
                assert_eq!(with(&|p| p.delta_g2 = -p.delta_g2), "δ");
                assert_eq!(with(&|p| p.gamma_abc_g1[8] = -p.gamma_abc_g1[8]), "an IC point");
            }
            KeyMaterial::Groth16LookupBn254(material) => {
                let with = |edit: &dyn Fn(&mut lookup::KeyPoints)| {
                    let mut points = material.points().clone();
                    edit(&mut points);
                    let points = lookup::Key::new(points).unwrap();
                    with(&|p| p.material = KeyMaterial::Groth16LookupBn254(points.clone()))
                };
                assert_eq!(with(&|p| p.alpha = -p.alpha), "α");
                assert_eq!(with(&|p| p.beta = -p.beta), "β");
                assert_eq!(with(&|p| p.delta_1 = -p.delta_1), "δ1");
                assert_eq!(with(&|p| p.delta_2 = -p.delta_2), "δ2");
                assert_eq!(with(&|p| std::mem::swap(&mut p.delta_1, &mut p.delta_2)), "δ1");
                assert_eq!(with(&|p| p.ic[0] = -p.ic[0]), "an IC point");
                assert_eq!(with(&|p| p.ic[9] = -p.ic[9]), "the challenge's IC point");
            }
            KeyMaterial::Halo2IpaPasta(_) => panic!("no ceremony"),
        }
    });
}

#[test]
fn nobody_and_a_beacon_alone_make_no_key() {
    examples(|example| {
        let make = |state: &State| rejected(finalize(&example.subject, prepared(&example.subject), state, &()));
        assert_eq!(make(&example.states[0]), Rejected::NoContribution);
        let alone = beacon(example.states[0].clone(), Contributor::default(), b"x", 10, &()).unwrap();
        assert_eq!(make(&alone), Rejected::NoContribution);
        let e = rejected(contribute(alone, Contributor::default(), None, &()));
        assert_eq!(e, contribution(2, Reason::AfterBeacon));
        for (value, n) in [(&[] as &[u8], 10), (&[0], 9), (&[0], 33)] {
            let e = beacon(example.states[1].clone(), Contributor::default(), value, n, &()).unwrap_err();
            assert!(matches!(e, CeremonyError::Input { field: "beacon", .. }), "{e}");
        }
        let who = Contributor { name: "two\nlines", attestation: "" };
        let e = contribute(example.states[1].clone(), who, None, &()).unwrap_err();
        assert!(matches!(e, CeremonyError::Input { field: "name", .. }), "{e}");
    });
}

/// Contributions with fresh secrets differ, also with the same text, and all hold.
#[test]
fn secrets_are_fresh() {
    examples(|example| {
        let again = || contribute(example.states[1].clone(), Contributor::default(), Some("text"), &()).unwrap();
        let (one, other) = (again(), again());
        assert_ne!(one.transcript.last_hash(), other.transcript.last_hash());
        assert!(example.check(&one, &[]).is_ok());
    });
}

#[test]
fn files_are_read_whole_or_refused() {
    examples(|example| {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("state");
        let read = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            State::read(&path)
        };
        for state in &example.states {
            state.write(&path).unwrap();
            assert_eq!(&State::read(&path).unwrap(), state);
        }
        let state = &example.states[1];
        state.write(&path).unwrap();
        let bytes = fs::read(&path).unwrap();
        let text = 10 + state.transcript.encode().len();
        // All of the header and the transcript, and some of the points.
        let places = (0..text).chain((text..bytes.len()).step_by(9973)).chain([bytes.len() - 1]);
        for i in places {
            let mut changed = bytes.clone();
            changed[i] ^= 1 << (i % 8);
            rejected(read(&changed));
        }
        for n in (0..text + 100).step_by(97).chain([bytes.len() - 1, bytes.len() - 33]) {
            rejected(read(&bytes[..n]));
        }
        rejected(read(&[&bytes[..], &[0]].concat()));

        // Points off the curve, an identity in H, and others than the transcript names, with a digest that is right.
        let sealed = |edit: &dyn Fn(&mut [u8])| {
            let mut changed = bytes.clone();
            let (body, digest) = changed.split_last_chunk_mut::<32>().unwrap();
            edit(&mut body[text..]);
            *digest = Sha256::digest(&*body).into();
            rejected(read(&changed)).to_string()
        };
        let (l, h) = (state.points.l.len(), state.points.h.len());
        assert!(sealed(&|p| p[64 * l] ^= 1).contains("not on the curve"));
        assert!(sealed(&|p| p[64 * l..64 * l + 64].fill(0)).contains("H is the identity"));
        assert!(sealed(&|p| p.copy_within(64 * (l + h - 1).., 64 * l)).contains("not those that the last"));
        assert!(sealed(&|p| p[64 * l..64 * l + 32].fill(0xff)).contains("not canonical"));

        // Sizes far beyond the file: nothing is allocated.
        let story = retell(&example.states[0].transcript, |s| s["head"]["sizes"]["domain"] = json!(u32::MAX)).unwrap();
        let mut file = Vec::new();
        file.write_all(b"AVCE\x01\x00").unwrap();
        file.write_all(&(story.encode().len() as u32).to_le_bytes()).unwrap();
        file.write_all(&story.encode()).unwrap();
        let e = rejected(read(&file));
        assert!(e.to_string().contains("are needed"), "{e}");
        file.truncate(6);
        file.write_all(&u32::MAX.to_le_bytes()).unwrap();
        assert!(rejected(read(&file)).to_string().contains("longer than"));
    });
}

/// The chain of hashes with known secrets, for other implementations.
#[test]
fn chains_are_those_of_the_vectors() {
    let mut vectors = Vec::new();
    let hex_of = |x: Fr| hex::encode(x.into_bigint().0.iter().rev().flat_map(|l| l.to_be_bytes()).collect::<Vec<_>>());
    for example in &*EXAMPLES {
        let (keys, report) = finalize(&example.subject, prepared(&example.subject), example.last(), &()).unwrap();
        let phases = example.subject.variant.phases();
        let secrets = |index| (0..phases).map(|phase| hex_of(secret(index, phase))).collect::<Vec<_>>();
        let transcript = &example.last().transcript;
        let story: Value = serde_json::from_slice(&transcript.encode()).unwrap();
        vectors.push(json!({
            "name": example.subject.variant.system().name(),
            "notes": "three contributions with known secrets, one of each phase, and a beacon",
            "flags": [],
            "inputs": {
                "tau": hex_of(tau()),
                "alpha": hex_of(alpha()),
                "beta": hex_of(beta()),
                "secrets": (0..NAMES.len()).map(secrets).collect::<Vec<_>>(),
                "transcript": story,
            },
            "expected": {
                "start_hash": hex::encode(example.states[0].transcript.last_hash()),
                "hashes": report.contributions.iter().map(|step| hex::encode(step.hash)).collect::<Vec<_>>(),
                "transcript_hash": hex::encode(report.transcript),
                "vk_digest": hex::encode(keys.verifying.digest()),
            },
        }));
    }
    let notes = "The chain of hashes of a setup ceremony; make/chains.py computes it once more from the transcript.";
    let all = json!({ "kind": "ceremony", "notes": notes, "vectors": vectors });
    let text = serde_json::to_string_pretty(&all).unwrap();
    expect_test::expect_file!["../../../test-vectors/ceremony/v1/chains.json"].assert_eq(&(text + "\n"));
}
