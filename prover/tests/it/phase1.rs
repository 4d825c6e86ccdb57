//! Files of phase 1: those of snarkjs are verified, ours are too, and what was tampered with is refused with the reason.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use ark_bn254::{Fq, Fq2, G2Affine};
use ark_ff::{BigInt, BigInteger as _, Field as _, PrimeField as _};
use avouch_prover::{
    ceremony::phase1::{self, Beacon, ContributionDefect as Defect, Place, PointDefect, PtauError, Secret, Section},
    progress::Progress,
};
use serde_json::Value;
use tempfile::TempDir;

const G1: usize = 64;
const G2: usize = 128;
/// Of the points and the key of a contribution, in bytes; its hash state and the next challenge follow.
const STATE: usize = 3 * G1 + 2 * G2;
const KEY: usize = 6 * G1 + 3 * G2;

fn fixture(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../test-vectors/ceremony/v1", name].iter().collect()
}

fn vectors() -> Value {
    serde_json::from_slice(&fs::read(fixture("phase1.json")).unwrap()).unwrap()
}

/// A file that tests change.
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl Bytes {
    fn fixture(name: &str) -> Self {
        Self(fs::read(fixture(name)).unwrap())
    }

    /// Where the headers of the sections begin, with their numbers, and where their contents are.
    fn sections(&self) -> Vec<(usize, u32, Range<usize>)> {
        let mut at = 12;
        let mut sections = Vec::new();
        while at < self.0.len() {
            let number = u32::from_le_bytes(self.0[at..at + 4].try_into().unwrap());
            let length = u64::from_le_bytes(self.0[at + 4..at + 12].try_into().unwrap()) as usize;
            sections.push((at, number, at + 12..at + 12 + length));
            at += 12 + length;
        }
        sections
    }

    fn section(&self, section: Section) -> Range<usize> {
        let number = section as u32;
        self.sections().into_iter().find(|(_, n, _)| *n == number).unwrap().2
    }

    /// Where a section's header begins.
    fn header(&self, section: Section) -> usize {
        self.section(section).start - 12
    }

    fn point(&self, section: Section, index: usize) -> Range<usize> {
        let size = match section {
            Section::TauG2 | Section::BetaG2 | Section::LagrangeG2 => G2,
            _ => G1,
        };
        let start = self.section(section).start + index * size;
        start..start + size
    }

    fn set(mut self, at: usize, bytes: &[u8]) -> Self {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    fn flip(mut self, at: usize) -> Self {
        self.0[at] ^= 1;
        self
    }

    fn swap(self, section: Section, a: usize, b: usize) -> Self {
        let [a, b] = [a, b].map(|i| self.point(section, i));
        let (first, second) = (self.0[a.clone()].to_vec(), self.0[b.clone()].to_vec());
        self.set(a.start, &second).set(b.start, &first)
    }

    fn verify(&self) -> Result<phase1::Report, PtauError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &self.0).unwrap();
        phase1::verify(file.path(), &())
    }

    /// Why it is refused, by both functions.
    fn error(&self) -> PtauError {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &self.0).unwrap();
        let error = phase1::verify(file.path(), &()).expect_err("the file was verified");
        match phase1::read(file.path(), 16, &()) {
            Ok(_) => assert!(matches!(error, PtauError::Basis { .. }), "the file was read: {error}"),
            Err(e) => assert_eq!(e.to_string(), error.to_string()),
        }
        error
    }
}

macro_rules! assert_error {
    ($bytes:expr, $pattern:pat $(if $guard:expr)?) => {
        let error = $bytes.error();
        assert!(matches!(error, $pattern $(if $guard)?), "{error}: {error:?}");
    };
}

#[test]
fn files_of_snarkjs_are_verified() {
    let vectors = vectors();
    for name in ["powers.ptau", "prepared.ptau"] {
        let report = phase1::verify(&fixture(name), &()).unwrap();
        assert_eq!(hex::encode(report.hash), vectors["files"][name]);
        assert_eq!((report.power, report.ceremony_power), (4, 4));
        assert_eq!(report.prepared, name == "prepared.ptau");
        assert_eq!(report.public, None);
        let expected = vectors["contributions"].as_array().unwrap();
        assert_eq!(report.contributions.len(), expected.len());
        for (c, expected) in report.contributions.iter().zip(expected) {
            assert_eq!(c.name.as_deref(), expected["name"].as_str());
            assert_eq!(hex::encode(c.response_hash), expected["response_hash"]);
            assert_eq!(hex::encode(c.next_challenge), expected["next_challenge"]);
            let beacon = expected["beacon"].as_object().map(|b| Beacon {
                value: hex::decode(b["value"].as_str().unwrap()).unwrap(),
                iterations: b["iterations"].as_u64().unwrap() as u8,
            });
            assert_eq!(c.beacon, beacon);
        }
        for points in [1, 2, 3, 8, 9, 15, 16] {
            phase1::read(&fixture(name), points, &()).unwrap();
        }
        let small = phase1::read(&fixture(name), 17, &()).err();
        assert!(matches!(small, Some(PtauError::TooSmall { points: 17, power: 4 })));
    }
}

#[test]
fn a_cut_or_extended_file_is_refused() {
    for name in ["powers.ptau", "prepared.ptau"] {
        let whole = Bytes::fixture(name);
        let ends = whole.sections().into_iter().flat_map(|(at, _, r)| [at, at + 4, at + 11, r.start, r.end - 1]);
        for end in ends.chain((0..whole.0.len()).step_by(499)).filter(|end| *end < whole.0.len()) {
            let error = Bytes(whole.0[..end].to_vec()).error();
            match (end, &error) {
                (..8, PtauError::NotPtau) => {}
                (8.., PtauError::Truncated(Place::Sections | Place::Section(_))) => {}
                _ => panic!("cut to {end} bytes: {error}"),
            }
        }
        let longer = Bytes([whole.0.as_slice(), &[0]].concat());
        assert_error!(longer, PtauError::Trailing(1));
    }
}

#[test]
fn a_wrong_container_is_refused() {
    let file = Bytes::fixture("powers.ptau");
    assert_error!(file.clone().set(0, b"zkey"), PtauError::NotPtau);
    assert_error!(file.clone().set(4, &[2]), PtauError::NotPtau);
    let alpha = file.header(Section::AlphaTauG1);
    assert_error!(file.clone().set(alpha, &[9]), PtauError::UnknownSection(9));
    assert_error!(file.clone().set(alpha, &[3]), PtauError::Duplicate(Section::TauG2));
    let (tau1, tau2) = (file.header(Section::TauG1), file.header(Section::TauG2));
    assert_error!(file.clone().set(tau1, &[3]).set(tau2, &[2]), PtauError::Order(Section::TauG1));
    let mut without = file.clone();
    without.0.drain(alpha..file.section(Section::AlphaTauG1).end);
    assert_error!(without.set(8, &[6]), PtauError::Missing(Section::AlphaTauG1));
    let huge = u64::MAX.to_le_bytes();
    assert_error!(file.clone().set(alpha + 4, &huge), PtauError::Truncated(Place::Section(Section::AlphaTauG1)));
    assert_error!(file.clone().set(8, &u32::MAX.to_le_bytes()), PtauError::Truncated(Place::Sections));
    assert_error!(file.clone().set(8, &[6]), PtauError::Trailing(_));
    let prepared = Bytes::fixture("prepared.ptau");
    let last = prepared.header(Section::BetaLagrangeG1);
    let cut = Bytes(prepared.0[..last].to_vec()).set(8, &[10]);
    assert_error!(cut, PtauError::Missing(Section::BetaLagrangeG1));
}

#[test]
fn a_wrong_curve_or_power_is_refused() {
    let file = Bytes::fixture("powers.ptau");
    let header = file.section(Section::Header).start;
    assert_error!(file.clone().set(header, &[48]), PtauError::OtherCurve);
    assert_error!(file.clone().flip(header + 4), PtauError::OtherCurve);
    let powers = |power: u8, ceremony: u8| file.clone().set(header + 36, &[power]).set(header + 40, &[ceremony]);
    for (power, ceremony) in [(0, 4), (5, 4), (29, 29), (4, 29), (4, 255)] {
        assert_error!(powers(power, ceremony), PtauError::Power { .. });
    }
    for power in [3, 5] {
        assert_error!(powers(power, 5), PtauError::Length { section: Section::TauG1, power: p, .. } if p == u32::from(power));
    }
    // As if it were a part of a larger one: then its last hashes would not be checked.
    assert_error!(powers(4, 5), PtauError::Contribution { number: 1, defect: Defect::HashState });
}

#[test]
fn points_that_are_none_are_refused() {
    let file = Bytes::fixture("powers.ptau");
    let sections = [
        (Section::TauG1, 30),
        (Section::TauG2, 15),
        (Section::AlphaTauG1, 7),
        (Section::BetaTauG1, 2),
        (Section::BetaG2, 0),
    ];
    for (section, index) in sections {
        let at = file.point(section, index);
        let refused = |bytes: &[u8], expected| {
            let error = file.clone().set(at.start, bytes).error();
            let PtauError::Point { section: s, index: i, defect } = error else { panic!("{error}") };
            assert_eq!((s, i, defect), (section, index as u64, expected));
        };
        refused(&vec![0; at.len()], PointDefect::Identity);
        refused(&[file.0[at.start] ^ 1], PointDefect::OffCurve);
        // The same point, with a coordinate that is larger by the modulus.
        let mut x = BigInt::<4>::new(std::array::from_fn(|i| {
            u64::from_le_bytes(file.0[at.start + 8 * i..at.start + 8 * i + 8].try_into().unwrap())
        }));
        x.add_with_carry(&Fq::MODULUS);
        refused(&x.to_bytes_le(), PointDefect::Coordinate);
        if at.len() == G2 {
            let x = (1u64..).map(|i| Fq2::new(i.into(), Fq::ONE));
            let outside = x.filter_map(|x| G2Affine::get_point_from_x_unchecked(x, true)).next().unwrap();
            assert!(outside.is_on_curve() && !outside.is_in_correct_subgroup_assuming_on_curve());
            let limbs = [outside.x.c0, outside.x.c1, outside.y.c0, outside.y.c1].map(|c| c.0.to_bytes_le());
            refused(&limbs.concat(), PointDefect::Subgroup);
        }
    }
}

#[test]
fn powers_that_do_not_belong_together_are_refused() {
    let file = Bytes::fixture("powers.ptau");
    for section in [Section::TauG1, Section::TauG2, Section::AlphaTauG1, Section::BetaTauG1] {
        for (a, b) in [(2, 3), (14, 15)] {
            assert_error!(file.clone().swap(section, a, b), PtauError::Powers { section: s } if s == section);
        }
        assert_error!(file.clone().swap(section, 0, 1), PtauError::First { section: s } if s == section);
    }
    assert_error!(file.clone().swap(Section::TauG1, 29, 30), PtauError::Powers { section: Section::TauG1 });
    // β instead of α, with all its powers.
    let beta = file.0[file.section(Section::BetaTauG1)].to_vec();
    let at = file.section(Section::AlphaTauG1).start;
    assert_error!(file.clone().set(at, &beta), PtauError::First { section: Section::AlphaTauG1 });
    let other = file.0[file.point(Section::TauG2, 1)].to_vec();
    let at = file.point(Section::BetaG2, 0).start;
    assert_error!(file.clone().set(at, &other), PtauError::First { section: Section::BetaG2 });
}

#[test]
fn points_beyond_the_domain_are_hashed_too() {
    let file = Bytes::fixture("powers.ptau").swap(Section::TauG1, 29, 30);
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("swapped.ptau");
    fs::write(&path, &file.0).unwrap();
    assert!(matches!(phase1::read(&path, 8, &()), Err(PtauError::Response)));
}

#[test]
fn contributions_that_do_not_follow_are_refused() {
    let file = Bytes::fixture("powers.ptau");
    let list = file.section(Section::Contributions);
    // The first is named with 5 bytes: what follows the key are a state, a challenge, type, length and name.
    let first = list.start + 4;
    let second = first + STATE + KEY + 216 + 64 + 4 + 4 + 7;
    let name = file.0[second + STATE + KEY + 289] as usize;
    let beacon = second + STATE + KEY + 216 + 64 + 4 + 4 + 2 + name;
    let is = |bytes: Bytes, number: usize, defect: Defect| {
        let error = bytes.error();
        let PtauError::Contribution { number: n, defect: d } = error else { panic!("{error}") };
        assert_eq!((n, d), (number, defect));
    };
    let copy = |from: usize, to: usize, length: usize| {
        let bytes = file.0[from..from + length].to_vec();
        file.clone().set(to, &bytes)
    };

    // What each gives to the next.
    is(copy(first, second, G1), 2, Defect::Step("[τ]₁"));
    is(copy(first + G1, second + G1, G2), 2, Defect::Step("[τ]₂"));
    is(copy(first + G1 + G2, second + G1 + G2, G1), 2, Defect::Step("[α]₁"));
    is(copy(first + 2 * G1 + G2, second + 2 * G1 + G2, G1), 2, Defect::Step("[β]₁"));
    is(copy(first + 3 * G1 + G2, second + 3 * G1 + G2, G2), 2, Defect::Step("[β]₂"));
    // The proofs of knowledge.
    for (i, secret) in [Secret::Tau, Secret::Alpha, Secret::Beta].into_iter().enumerate() {
        let (s, px) = (second + STATE + 2 * i * G1, second + STATE + 6 * G1 + i * G2);
        is(copy(s + G1, s, G1), 2, Defect::Unchanged(secret));
        is(copy(first, s + G1, G1), 2, Defect::Knowledge(secret));
        is(copy(first + G1, px, G2), 2, Defect::Knowledge(secret));
        is(copy(first, beacon + STATE + 2 * i * G1, G1), 3, Defect::Beacon);
    }
    is(file.clone().set(first + G1, &[0; G2]), 1, Defect::Point("[τ]₂", PointDefect::Identity));
    is(file.clone().flip(second + STATE), 2, Defect::Point("s of τ", PointDefect::OffCurve));
    // The challenge of the next: proofs of knowledge are made for it.
    is(file.clone().flip(first + STATE + KEY + 216), 2, Defect::Knowledge(Secret::Tau));
    is(file.clone().flip(second + STATE + KEY + 216), 3, Defect::Beacon);
    // The last hashes are those of the points.
    let hashes = beacon + STATE + KEY;
    assert_error!(file.clone().flip(hashes + 128), PtauError::Response);
    assert_error!(file.clone().flip(hashes + 216 + 63), PtauError::NextChallenge);
    is(file.clone().set(hashes + 200, &[129]), 3, Defect::HashState);
    is(file.clone().flip(hashes + 193), 3, Defect::HashState);
    // Type and parameters.
    let parameters = hashes + 216 + 64 + 8;
    is(file.clone().set(hashes + 280, &[0]), 3, Defect::Form("it has a beacon's parameters and is none"));
    is(file.clone().set(hashes + 280, &[2]), 3, Defect::Form("it is neither a contribution nor a beacon"));
    is(
        file.clone().set(first + STATE + KEY + 280, &[1]),
        1,
        Defect::Form("it is a beacon without value or number of iterations"),
    );
    is(file.clone().set(parameters, &[4]), 3, Defect::Form("it has a parameter that the format does not have"));
    is(file.clone().set(parameters, &[0]), 3, Defect::Form("its parameters are not in ascending order"));
    let iterations = parameters + 2 + "beacon".len() + 1;
    let form = Defect::Form("its beacon is hashed less than 2^10 or more than 2^32 times");
    is(file.clone().set(iterations, &[9]), 3, form);
    is(file.clone().set(iterations, &[33]), 3, form);
    is(file.clone().set(iterations, &[11]), 3, Defect::Beacon);
    // A beacon of nothing.
    let value = iterations + 2;
    let end = list.end - file.0[value] as usize;
    let mut empty = file.clone().set(value, &[0]);
    empty.0.truncate(end);
    let empty = empty.set(parameters - 4, &((end - parameters) as u32).to_le_bytes());
    let empty = empty.set(list.start - 8, &((end - list.start) as u64).to_le_bytes());
    is(empty, 3, Defect::Form("it is a beacon without value or number of iterations"));
    // Many beacons, each of which may be: hours of hashes before the first that is wrong.
    let mut beacons = file.clone().set(iterations, &[32]).set(list.start, &[4]);
    let last = beacons.0[beacon..list.end].to_vec();
    beacons.0.extend(&last);
    let length = (list.len() + last.len()) as u64;
    let beacons = beacons.set(list.start - 8, &length.to_le_bytes());
    assert_error!(beacons, PtauError::Contributions("its beacons are hashed more than 2^32 times in all"));
    is(file.clone().flip(list.end - 1), 3, Defect::Beacon);
    is(file.clone().set(parameters - 4, &[1, 1]), 3, Defect::Truncated);
    is(file.clone().set(list.start, &[4]), 4, Defect::Truncated);
    assert_error!(file.clone().set(list.start, &[2]), PtauError::Contributions("bytes follow the last contribution"));
    assert_error!(file.clone().set(list.start, &[0]), PtauError::Contributions("bytes follow the last contribution"));
}

/// What is checked first and what is read then have to be one file, or its hash would be of something else.
#[test]
fn a_file_that_changes_while_it_is_read_is_refused() {
    struct Swap<'a> {
        path: &'a Path,
        bytes: Vec<u8>,
    }
    impl Progress for Swap<'_> {
        fn begin(&self, phase: &'static str, _: u64) {
            if phase == "check contributions" {
                fs::write(self.path, &self.bytes).unwrap();
            }
        }
    }
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("ptau");
    let file = Bytes::fixture("powers.ptau");
    let swapped = |Bytes(bytes)| {
        fs::write(&path, &file.0).unwrap();
        phase1::verify(&path, &Swap { path: &path, bytes })
    };
    assert!(swapped(file.clone()).is_ok());
    // The list's end is the beacon's value.
    let list = file.clone().flip(file.section(Section::Contributions).end - 1);
    let header = file.clone().flip(file.header(Section::AlphaTauG1));
    let longer = Bytes([file.0.as_slice(), &[0]].concat());
    for other in [list, header, longer] {
        assert!(matches!(swapped(other), Err(PtauError::Changed)));
    }
}

#[test]
fn bases_that_do_not_belong_to_the_powers_are_refused() {
    let file = Bytes::fixture("prepared.ptau");
    let sections = [
        (Section::LagrangeG1, 5),
        (Section::LagrangeG2, 4),
        (Section::AlphaLagrangeG1, 4),
        (Section::BetaLagrangeG1, 4),
    ];
    for (section, top) in sections {
        for power in 1..=top {
            let first = (1usize << power) - 1;
            let swapped = file.clone().swap(section, first, first + 1);
            assert_error!(swapped, PtauError::Basis { section: s, power: p } if (s, p) == (section, power));
        }
        let at = file.point(section, 15);
        let identity = file.clone().set(at.start, &vec![0; at.len()]);
        assert_error!(identity, PtauError::Point { section: s, index: 15, defect: PointDefect::Identity } if s == section);
    }
}

#[test]
fn no_byte_makes_a_decoder_panic() {
    let original = phase1::verify(&fixture("prepared.ptau"), &()).unwrap();
    let file = Bytes::fixture("prepared.ptau");
    let list = file.section(Section::Contributions);
    for at in (0..file.0.len()).step_by(173).chain(list.clone().step_by(41)) {
        // Names are claims, and so are the response hashes before the last: the hash of the file covers them.
        if let Ok(report) = file.clone().flip(at).verify() {
            assert!(list.contains(&at), "byte {at}");
            assert_ne!(report.hash, original.hash);
        }
    }
}

#[test]
fn our_own_files_are_verified() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    phase1::new(&path("0"), 3, &()).unwrap();
    assert!(matches!(phase1::verify(&path("0"), &()), Err(PtauError::NoContribution)));
    assert!(matches!(phase1::read(&path("0"), 8, &()), Err(PtauError::NoContribution)));
    // A beacon's secrets are everybody's, so it is not enough.
    let value = Beacon { value: vec![7], iterations: 10 };
    phase1::beacon(&path("0"), &path("alone"), None, value, &()).unwrap();
    assert!(matches!(phase1::verify(&path("alone"), &()), Err(PtauError::NoContribution)));
    assert!(matches!(phase1::read(&path("alone"), 8, &()), Err(PtauError::NoContribution)));
    let first = phase1::contribute(&path("0"), &path("1"), Some("first"), b"", &()).unwrap();
    let second = phase1::contribute(&path("1"), &path("2"), None, b"dice", &()).unwrap();
    assert_ne!(first.response_hash, second.response_hash);
    let value = vec![7; 255];
    let beacon = |iterations, to: &Path| {
        let beacon = Beacon { value: value.clone(), iterations };
        phase1::beacon(&path("2"), to, Some("beacon"), beacon, &())
    };
    let third = beacon(10, &path("3")).unwrap();
    assert_eq!(phase1::verify(&path("3"), &()).unwrap().contributions, [first, second, third]);
    phase1::read(&path("3"), 8, &()).unwrap();

    beacon(10, &path("4")).unwrap();
    assert_eq!(fs::read(path("3")).unwrap(), fs::read(path("4")).unwrap(), "a beacon's secrets are everybody's");
    for iterations in [9, 33] {
        assert!(matches!(beacon(iterations, &path("5")), Err(PtauError::Parameter(_))));
    }
    for power in [0, 29] {
        assert!(matches!(phase1::new(&path("5"), power, &()), Err(PtauError::Parameter(_))));
    }
    let long = "n".repeat(65);
    for name in ["", &long] {
        let named = phase1::contribute(&path("0"), &path("5"), Some(name), b"", &());
        assert!(matches!(named, Err(PtauError::Parameter(_))));
    }
    let forged = Bytes(fs::read(path("2")).unwrap()).swap(Section::TauG1, 2, 3);
    fs::write(path("forged"), forged.0).unwrap();
    let refused = phase1::contribute(&path("forged"), &path("5"), None, b"", &());
    assert!(matches!(refused, Err(PtauError::Powers { section: Section::TauG1 })), "verified before anything is drawn");
    assert!(!path("5").exists());
}

#[test]
fn a_contribution_can_be_stopped() {
    struct Stop;
    impl Progress for Stop {
        fn is_cancelled(&self) -> bool {
            true
        }
    }
    let folder = TempDir::new().unwrap();
    let to = folder.path().join("to");
    let stopped = [
        phase1::new(&to, 3, &Stop).err(),
        phase1::contribute(&fixture("powers.ptau"), &to, None, b"", &Stop).err(),
        phase1::verify(&fixture("powers.ptau"), &Stop).err(),
    ];
    for error in stopped {
        assert!(matches!(error, Some(PtauError::Cancelled(_))), "{error:?}");
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_list_of_public_files_is_complete() {
    let powers: Vec<u32> = phase1::PUBLIC_FILES.iter().map(|f| f.power).collect();
    assert_eq!(powers, (8..=28).collect::<Vec<_>>());
    for file in &phase1::PUBLIC_FILES {
        let hash = hex::decode(file.hash).unwrap().try_into().unwrap();
        assert_eq!(phase1::public_file(&hash), Some(file));
    }
    assert_eq!(phase1::public_file(&[0; 64]), None);
}
