//! Vectors of both Groth16 systems: points of all kinds, mixed proofs, and proofs that are another's without being new.

use std::error::Error;

use ark_bn254::{Bn254, Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr as _, CurveGroup as _, pairing::Pairing as _};
use ark_ff::{BigInteger as _, PrimeField as _};
use ark_serialize::{CanonicalDeserialize, CanonicalSerialize};
use avouch_prover::keys::ProvingKey;
use avouch_verifier::{KeyMaterial, VerifyingKey};

use crate::{
    common::{REJECTED, Subject},
    proof_file::{Parts, Word, sum},
    vector::{Call, Vector},
};

/// snarkjs 0.7 reduces coordinates before it looks at them. What `avouch export` writes for it is always canonical.
const REDUCES: &str = "snarkjs reduces coordinates by the modulus; avouch export writes none that need it";

/// A, B, C; or A, B, C₁, C₂.
#[derive(Clone)]
pub(crate) struct Points {
    a: G1Affine,
    b: G2Affine,
    c: Vec<G1Affine>,
}

impl Points {
    /// Reads a proof that holds.
    pub(crate) fn read(proof: &[u8]) -> Self {
        let mut rest = proof;
        let a = point(&mut rest);
        let b = point(&mut rest);
        let mut c = Vec::new();
        while !rest.is_empty() {
            c.push(point(&mut rest));
        }
        Self { a, b, c }
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let c: Vec<u8> = self.c.iter().flat_map(compressed).collect();
        [compressed(&self.a), compressed(&self.b), c].concat()
    }

    /// As calls have them.
    fn words(&self) -> Vec<u8> {
        let c: Vec<u8> = self.c.iter().flat_map(g1).collect();
        [g1(&self.a), g2(&self.b), c].concat()
    }

    /// Another proof of the same statement: (A/r, r·B + r·s·δ, C + s·A), and with lookups δ₂ and C₂.
    pub(crate) fn randomized(&self, delta: &G2Affine, r: Fr, s: Fr) -> Self {
        let inverse = Fr::from(1u64) / r;
        let mut c = self.c.clone();
        if let Some(last) = c.last_mut() {
            *last = (*last + self.a * s).into_affine();
        }
        Self { a: (self.a * inverse).into_affine(), b: (self.b * r + *delta * (r * s)).into_affine(), c }
    }

    /// Whether the modulus can be added to each x-coordinate without running into the flags of its encoding.
    pub(crate) fn leaves_room(&self) -> bool {
        [self.a.x, self.b.x.c1].into_iter().chain(self.c.iter().map(|c| c.x)).all(|x| aliased(x).is_some())
    }
}

/// The points of a proof as calls have them.
pub(crate) fn words(proof: &[u8]) -> Option<Vec<u8>> {
    Some(Points::read(proof).words())
}

/// δ of the last point.
pub(crate) fn delta(key: &VerifyingKey) -> G2Affine {
    match key.material() {
        KeyMaterial::Groth16Bn254(key) => key.to_ark().delta_g2,
        KeyMaterial::Groth16LookupBn254(key) => key.points().delta_2,
        KeyMaterial::Halo2IpaPasta(_) => unreachable!("a system without a setup"),
    }
}

fn point<P: CanonicalDeserialize>(rest: &mut &[u8]) -> P {
    P::deserialize_compressed(rest).expect("the proof holds")
}

fn compressed(point: &impl CanonicalSerialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    point.serialize_compressed(&mut bytes).expect("a vector takes all");
    bytes
}

fn word(x: Fq) -> Word {
    x.into_bigint().to_bytes_be().try_into().expect("32 bytes")
}

fn g1(p: &G1Affine) -> Vec<u8> {
    [word(p.x), word(p.y)].concat()
}

/// Each coordinate with its imaginary part first.
fn g2(p: &G2Affine) -> Vec<u8> {
    [p.x.c1, p.x.c0, p.y.c1, p.y.c0].map(word).concat()
}

fn q() -> Word {
    Fq::MODULUS.to_bytes_be().try_into().expect("32 bytes")
}

/// A coordinate plus the modulus, little-endian, if both flags above it stay free.
fn aliased(x: Fq) -> Option<Word> {
    let mut alias = sum(&word(x), &q())?;
    alias.reverse();
    (alias[31] < 0x40).then_some(alias)
}

/// Where a part of a proof stands, in files and in calls.
struct Part {
    name: &'static str,
    file: std::ops::Range<usize>,
    call: std::ops::Range<usize>,
}

impl Part {
    fn is_g2(&self) -> bool {
        self.file.len() == 64
    }
}

fn parts(points: &Points) -> Vec<Part> {
    let mut all = vec![Part { name: "a", file: 0..32, call: 0..64 }, Part { name: "b", file: 32..96, call: 64..192 }];
    let names: &[&str] = if points.c.len() == 1 { &["c"] } else { &["c1", "c2"] };
    all.extend(names.iter().enumerate().map(|(i, name)| Part {
        name,
        file: 96 + 32 * i..128 + 32 * i,
        call: 192 + 64 * i..256 + 64 * i,
    }));
    all
}

/// A proof in both encodings, some bytes of which are replaced.
struct Replaced<'a> {
    subject: &'a Subject,
    base: &'a Parts,
}

impl Replaced<'_> {
    fn file(&self, part: &Part, bytes: &[u8]) -> Vec<u8> {
        let mut proof = self.base.proof.clone();
        proof[part.file.clone()].copy_from_slice(bytes);
        self.base.with_proof(proof).encode()
    }

    fn call(&self, part: &Part, bytes: &[u8]) -> Call {
        let mut proof = words(&self.base.proof).unwrap_or_default();
        proof[part.call.clone()].copy_from_slice(bytes);
        Call::new(&self.base.slots, &proof)
    }

    fn vector(&self, id: &str, flag: &str, comment: &str) -> Vector {
        self.subject.vector(id, flag, comment).rejected(REJECTED)
    }

    fn both(&self, id: &str, flag: &str, comment: &str, part: &Part, file: &[u8], call: &[u8]) -> Vector {
        self.vector(id, flag, comment).file(&self.file(part, file)).call(self.call(part, call))
    }
}

/// A point that is none, or the wrong one, as a file and as a call have it.
struct Bad {
    id: &'static str,
    flag: &'static str,
    comment: &'static str,
    file: Vec<u8>,
    call: Vec<u8>,
}

fn bad_g1() -> [Bad; 3] {
    let x = (1u64..).map(Fq::from).find(|x| G1Affine::get_ys_from_x_unchecked(*x).is_none()).unwrap_or_default();
    let generator = G1Affine::generator();
    bad(compressed(&x), vec![x, 1.into()], &G1Affine::identity(), &generator, g1(&generator))
}

fn bad_g2() -> [Bad; 3] {
    let mut xs = (1u64..).map(|x| Fq2::new(x.into(), 0.into()));
    let x = xs.find(|x| G2Affine::get_ys_from_x_unchecked(*x).is_none()).unwrap_or_default();
    let generator = G2Affine::generator();
    bad(compressed(&x), vec![x.c1, x.c0, 0.into(), 1.into()], &G2Affine::identity(), &generator, g2(&generator))
}

fn bad<P: CanonicalSerialize>(off: Vec<u8>, off_call: Vec<Fq>, identity: &P, generator: &P, call: Vec<u8>) -> [Bad; 3] {
    let off_call: Vec<u8> = off_call.into_iter().flat_map(word).collect();
    let zeros = vec![0; off_call.len()];
    let vector = |id, flag, comment, file, call| Bad { id, flag, comment, file, call };
    [
        vector("off-curve", "off-curve", "has an x-coordinate without a point", off, off_call),
        vector("identity", "identity", "is the identity", compressed(identity), zeros),
        vector("generator", "point", "is the generator", compressed(generator), call),
    ]
}

/// Points that are none, or the wrong ones. Coordinates of `roomy` leave room for the modulus.
pub(crate) fn points(s: &Subject, roomy: &Parts) -> Vec<Vector> {
    let base = Replaced { subject: s, base: &s.valid };
    let valid = Points::read(&s.valid.proof);
    let mut all = Vec::new();
    for part in parts(&valid) {
        let (name, upper) = (part.name, part.name.to_uppercase());
        for bad in if part.is_g2() { bad_g2() } else { bad_g1() } {
            let (id, comment) = (format!("{name}-{}", bad.id), format!("{upper} {}.", bad.comment));
            all.push(base.both(&id, bad.flag, &comment, &part, &bad.file, &bad.call));
        }
        let mut negated = valid.clone();
        match name {
            "a" => negated.a = -negated.a,
            "b" => negated.b = -negated.b,
            "c" | "c1" => negated.c[0] = -negated.c[0],
            _ => negated.c[1] = -negated.c[1],
        }
        let comment = format!("{upper} alone is negated.");
        let negated = s.valid.with_proof(negated.encode());
        all.push(s.rejected(&format!("{name}-negated"), "point", &comment, &negated));

        for (what, flags, comment) in [
            ("flags", 0xc0, "has both flags, which exclude each other"),
            ("identity-with-x", 0x40, "has the flag of the identity and an x-coordinate"),
        ] {
            let mut bytes = s.valid.proof[part.file.clone()].to_vec();
            if let Some(last) = bytes.last_mut() {
                *last = *last & 0x3f | flags;
            }
            let vector = base.vector(&format!("{name}-{what}"), "encoding", &format!("{upper} {comment}."));
            let vector = vector.file(&base.file(&part, &bytes));
            all.push(vector.no_call("the flags of a compressed point; a call has none"));
        }
        all.extend(aliases(s, roomy, &part, &upper));
    }

    let part = &parts(&valid)[1];
    let (outside, small) = outside_subgroup();
    let comment = "B is on its curve, outside of the subgroup of prime order.";
    all.push(base.both("b-wrong-subgroup", "subgroup", comment, part, &compressed(&outside), &g2(&outside)));
    let shifted = (valid.b + small).into_affine();
    let comment = "B plus a point of an order that divides the cofactor.";
    all.push(base.both("b-plus-cofactor-point", "subgroup", comment, part, &compressed(&shifted), &g2(&shifted)));
    all
}

/// A point on the twist outside of the subgroup, and its part in the other subgroup: r times it.
fn outside_subgroup() -> (G2Affine, G2Affine) {
    let mut points = (1u64..)
        .filter_map(|x| G2Affine::get_point_from_x_unchecked(Fq2::new(x.into(), 0.into()), false))
        .map(|p| (p, p.mul_bigint(Fr::MODULUS).into_affine()));
    points.find(|(_, multiple)| !multiple.is_zero()).unwrap_or_default()
}

/// Each coordinate plus the modulus.
fn aliases(s: &Subject, roomy: &Parts, part: &Part, upper: &str) -> Vec<Vector> {
    let base = Replaced { subject: s, base: roomy };
    let encoded = &roomy.proof[part.file.clone()];
    let called = &words(&roomy.proof).unwrap_or_default()[part.call.clone()];
    // Names in the order of calls; in files, the real part of x is first, and there is no y.
    let coordinates: &[(&str, Option<usize>)] = if part.is_g2() {
        &[("x-imaginary", Some(32)), ("x-real", Some(0)), ("y-imaginary", None), ("y-real", None)]
    } else {
        &[("x", Some(0)), ("y", None)]
    };
    let alias = |(i, &(name, at)): (usize, &(&str, Option<usize>))| {
        let mut call = called.to_vec();
        let coordinate: Word = call[32 * i..][..32].try_into().ok()?;
        call[32 * i..][..32].copy_from_slice(&sum(&coordinate, &q())?);
        let comment = format!("The {} of {upper} plus the modulus.", name.replace("x-", "x's ").replace("y-", "y's "));
        let id = format!("{}-{name}-plus-modulus", part.name);
        let vector =
            base.vector(&id, "non-canonical", &comment).call(base.call(part, &call)).differs("snarkjs", REDUCES);
        let Some(at) = at else { return Some(vector.no_file("a compressed point has no y")) };
        let mut file = encoded.to_vec();
        let flags = file[at + 31] & 0xc0;
        let is_flagged = at + 32 == file.len();
        let mut alias = sum(&coordinate, &q())?;
        alias.reverse();
        if is_flagged {
            alias[31] |= flags;
        }
        file[at..at + 32].copy_from_slice(&alias);
        Some(vector.file(&base.file(part, &file)))
    };
    coordinates.iter().enumerate().filter_map(alias).collect()
}

/// Parts in each other's place, and parts of two proofs in one. `same` is of the same statement.
pub(crate) fn mixes(s: &Subject, same: &Parts) -> Vec<Vector> {
    let valid = Points::read(&s.valid.proof);
    let mut all = Vec::new();
    let mut push = |id: String, comment: &str, points: &Points| {
        all.push(s.rejected(&id, "mixed", comment, &s.valid.with_proof(points.encode())));
    };
    for i in 0..valid.c.len() {
        let name = parts(&valid)[2 + i].name;
        let mut swapped = valid.clone();
        (swapped.a, swapped.c[i]) = (valid.c[i], valid.a);
        push(format!("a-{name}-swapped"), &format!("A and {} in each other's place.", name.to_uppercase()), &swapped);
    }
    if let [c_1, c_2] = valid.c[..] {
        push(
            "c1-c2-swapped".into(),
            "C1 and C2 in each other's place.",
            &Points { c: vec![c_2, c_1], ..valid.clone() },
        );
        let sum = (c_1 + c_2).into_affine();
        push("c1-c2-equal".into(), "C1 + C2, twice.", &Points { c: vec![sum, sum], ..valid.clone() });
    }
    for (which, text, other) in [("same", "of the same statement", same), ("second", "of another statement", &s.second)]
    {
        let other = Points::read(&other.proof);
        for part in parts(&valid) {
            let mut mixed = valid.clone();
            match part.name {
                "a" => mixed.a = other.a,
                "b" => mixed.b = other.b,
                "c" | "c1" => mixed.c[0] = other.c[0],
                _ => mixed.c[1] = other.c[1],
            }
            let comment = format!("{} is that of another valid proof {text}.", part.name.to_uppercase());
            push(format!("{}-of-{which}-proof", part.name), &comment, &mixed);
        }
    }
    all
}

/// Proofs that anybody can make of a valid one: accepted, and no other claim.
pub(crate) fn randomized(s: &Subject, key: &VerifyingKey) -> Vec<Vector> {
    let (valid, delta) = (Points::read(&s.valid.proof), delta(key));
    [
        ("negated", "(−A, −B, …): anybody can make it of a valid proof, and it is the same claim.", -Fr::from(1u64), 0),
        ("scaled", "(A/r, r·B, …): the same.", Fr::from(0x5eed_u64), 0),
        ("rerandomized", "(A/r, r·B + r·s·δ, C + s·A), with lookups C2: the same.", Fr::from(0x1dea_u64), 77),
    ]
    .map(|(id, comment, r, t)| {
        let points = valid.randomized(&delta, r, Fr::from(t));
        s.accepted(id, "rerandomized", comment, &s.valid.with_proof(points.encode()))
    })
    .into()
}

/// C₁ blinded anew, and C₂ to match: under the old challenge the equation would hold. `proving` is the key of the proof.
pub(crate) fn reblinded(
    s: &Subject,
    key: &VerifyingKey,
    proving: &ProvingKey,
) -> Result<Option<Vector>, Box<dyn Error>> {
    let (KeyMaterial::Groth16LookupBn254(key), ProvingKey::Groth16(proving)) = (key.material(), proving) else {
        return Ok(None);
    };
    let mut file = Vec::new();
    proving.write(&mut file)?;
    // After the header and β: see docs/formats.md.
    let delta = |i: usize| G1Affine::deserialize_uncompressed(file.get(78 + 64 * (i + 1)..).unwrap_or_default());
    let (delta_1, delta_2, rho) = (delta(0)?, delta(1)?, Fr::from(0xb11d_u64));
    let points = Points::read(&s.valid.proof);
    let [c_1, c_2] = points.c[..] else { return Ok(None) };
    let moved = [(c_1 + delta_2 * rho).into_affine(), (c_2 - delta_1 * rho).into_affine()];
    let sides = |c: [G1Affine; 2]| Bn254::multi_pairing(c, [key.points().delta_1, key.points().delta_2]);
    if sides(moved) != sides([c_1, c_2]) {
        return Err("C1 and C2, blinded anew, are not as before: these are not the key's points".into());
    }
    let comment = "C1 blinded anew and C2 to match: the equation holds for the challenge of the old C1 only.";
    let proof = Points { c: moved.into(), ..points }.encode();
    Ok(Some(s.rejected("c1-reblinded", "mixed", comment, &s.valid.with_proof(proof))))
}
