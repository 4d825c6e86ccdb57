//! The list of contributions, and whether each follows from the one before.

use ark_bn254::{G1Affine, G2Affine, g1, g2};
use ark_ec::{AffineRepr as _, short_weierstrass::Affine};

use super::{
    blake2b::{Blake2b, STATE},
    error::PtauError,
    file::{MAX_POWER, Ptau, Section},
    key::{self, Knowledge, PublicKey, Secret},
    point::{self, Curve, PointDefect, same_ratio},
};
use crate::progress::{Cancelled, Progress, check};

/// log2 of the hashes that snarkjs wants of a beacon at least.
pub(super) const MIN_ITERATIONS: u8 = 10;
/// More would take hours to check, also of all beacons of a file together.
pub(super) const MAX_ITERATIONS: u8 = 32;
/// Longest name that is written: snarkjs cuts there.
pub(super) const MAX_NAME: usize = 64;

/// What a file says of a contribution. The hashes are checked; who is behind a name is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// What the contributor called it.
    pub name: Option<String>,
    /// If it was no person's: everybody can derive its secrets.
    pub beacon: Option<Beacon>,
    /// Hash of what the contributor made; published by whoever wants to be found in the list.
    pub response_hash: [u8; 64],
    /// Hash of what the next contributor begins with.
    pub next_challenge: [u8; 64],
}

/// Public randomness that nobody knew before a certain time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beacon {
    /// What was hashed: 1 to 255 bytes.
    pub value: Vec<u8>,
    /// It was hashed 2^iterations times.
    pub iterations: u8,
}

/// What is wrong with a contribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ContributionDefect {
    /// Its bytes end too early.
    #[error("it is cut off")]
    Truncated,
    /// Its type or its parameters are not those of a contribution or of a beacon.
    #[error("{0}")]
    Form(&'static str),
    /// A point that is none, or none of those allowed.
    #[error("{0}: {1}")]
    Point(&'static str, PointDefect),
    /// The state of the hash of its response is not one after as many bytes as the response has.
    #[error("the state of its response hash does not fit the power of the ceremony")]
    HashState,
    /// A secret is one: it changes nothing.
    #[error("its {0} is one: it changes nothing")]
    Unchanged(Secret),
    /// A key that is not the one that follows from the beacon.
    #[error("its key is not derived from the beacon")]
    Beacon,
    /// It is not shown that a secret was known.
    #[error("the proof of knowing its {0} is wrong")]
    Knowledge(Secret),
    /// A point that is not the one before times the secret.
    #[error("{0} does not follow from the contribution before")]
    Step(&'static str),
}

/// The points by which contributions follow from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct State {
    pub(super) tau_g1: G1Affine,
    pub(super) tau_g2: G2Affine,
    pub(super) alpha_g1: G1Affine,
    pub(super) beta_g1: G1Affine,
    pub(super) beta_g2: G2Affine,
}

/// A contribution as the file holds it.
pub(super) struct Entry {
    pub(super) state: State,
    pub(super) key: PublicKey,
    /// The hash of the response before the key.
    pub(super) response: Blake2b,
    pub(super) next_challenge: [u8; 64],
    pub(super) name: Option<String>,
    pub(super) beacon: Option<Beacon>,
}

/// What a file has to hold after its contributions.
pub(super) struct Accumulated {
    pub(super) state: State,
    /// What the last one began with.
    pub(super) challenge: [u8; 64],
    /// Of the last one.
    pub(super) response_hash: [u8; 64],
    /// The same before its last update; none if nobody contributed.
    pub(super) response: Option<Blake2b>,
    pub(super) next_challenge: [u8; 64],
    pub(super) contributions: Vec<Contribution>,
}

/// Reads and checks the contributions of a file.
pub(super) fn check_all(file: &Ptau<'_>) -> Result<Accumulated, PtauError> {
    let power = file.ceremony_power;
    let entries = decode(&file.contributions, power)?;
    let hashes: u64 = entries.iter().filter_map(|e| e.beacon.as_ref()).map(|b| 1 << b.iterations).sum();
    if hashes > 1 << MAX_ITERATIONS {
        return Err(PtauError::Contributions("its beacons are hashed more than 2^32 times in all"));
    }
    let mut last = Accumulated {
        state: State {
            tau_g1: G1Affine::generator(),
            tau_g2: G2Affine::generator(),
            alpha_g1: G1Affine::generator(),
            beta_g1: G1Affine::generator(),
            beta_g2: G2Affine::generator(),
        },
        challenge: [0; 64],
        response_hash: Blake2b::default().finish(),
        response: None,
        next_challenge: first_challenge(power, file.progress)?,
        contributions: Vec::new(),
    };
    file.progress.begin("check contributions", entries.len() as u64);
    for (i, entry) in entries.into_iter().enumerate() {
        entry
            .check(&last.state, &last.next_challenge, file.progress)?
            .map_err(|defect| PtauError::Contribution { number: i + 1, defect })?;
        let contribution = entry.public();
        last.state = entry.state;
        last.response_hash = contribution.response_hash;
        last.challenge = std::mem::replace(&mut last.next_challenge, contribution.next_challenge);
        last.response = Some(entry.response);
        last.contributions.push(contribution);
        file.progress.advance(1);
    }
    Ok(last)
}

/// Bytes of a compressed response to a challenge of this power, before its key: the challenge's hash, and all points.
fn response_bytes(power: u32) -> u64 {
    let [g1, g2] = [g1::Config::POINT as u64 / 2, g2::Config::POINT as u64 / 2];
    let sections = [(Section::TauG1, g1), (Section::TauG2, g2), (Section::AlphaTauG1, g1), (Section::BetaTauG1, g1)];
    64 + g2 + sections.map(|(section, bytes)| section.points(power) * bytes).iter().sum::<u64>()
}

/// Of a ceremony of power 28, such as the public one, whose first attestation has it too (perpetualpowersoftau, 0001):
/// 100 GB would have to be hashed for it.
const FIRST_CHALLENGE_28: &str = "93da91920d5a54a8a0fde55cd9dc3a10c4f3eef768b62c0948741370864254b4\
                                  c1920f3f29d4ebc0ef3acecf2e2db63a755713d77e1ed77347a56fbc317c7a93";

/// The hash of the challenge that a ceremony begins with: all points are the generators.
pub(super) fn first_challenge(power: u32, progress: &dyn Progress) -> Result<[u8; 64], Cancelled> {
    let mut known = [0; 64];
    if power == MAX_POWER && hex::decode_to_slice(FIRST_CHALLENGE_28, &mut known).is_ok() {
        return Ok(known);
    }
    hash_first_challenge(power, progress)
}

fn hash_first_challenge(power: u32, progress: &dyn Progress) -> Result<[u8; 64], Cancelled> {
    const POINTS: usize = 1 << 14;
    let mut hash = Blake2b::default();
    hash.update(&Blake2b::default().finish());
    let g1 = point::uncompressed(&[G1Affine::generator()]).repeat(POINTS);
    let g2 = point::uncompressed(&[G2Affine::generator()]).repeat(POINTS);
    progress.begin("hash the first challenge", response_bytes(power));
    for section in [Section::TauG1, Section::TauG2, Section::AlphaTauG1, Section::BetaTauG1, Section::BetaG2] {
        let block = if matches!(section, Section::TauG2 | Section::BetaG2) { &g2 } else { &g1 };
        let size = block.len() / POINTS;
        let mut left = section.points(power) as usize;
        while left > 0 {
            check(progress)?;
            let now = left.min(POINTS);
            hash.update(&block[..now * size]);
            progress.advance((now * size / 2) as u64);
            left -= now;
        }
    }
    Ok(hash.finish())
}

impl Entry {
    /// Hash of the response.
    pub(super) fn response_hash(&self) -> [u8; 64] {
        let mut hash = self.response.clone();
        let (g1, g2) = points(&self.key);
        hash.update(&point::uncompressed(&g1));
        hash.update(&point::uncompressed(&g2));
        hash.finish()
    }

    /// What people see of it.
    pub(super) fn public(&self) -> Contribution {
        Contribution {
            name: self.name.clone(),
            beacon: self.beacon.clone(),
            response_hash: self.response_hash(),
            next_challenge: self.next_challenge,
        }
    }

    /// Whether it follows from the state and the challenge before.
    fn check(
        &self,
        before: &State,
        challenge: &[u8; 64],
        progress: &dyn Progress,
    ) -> Result<Result<(), ContributionDefect>, Cancelled> {
        check(progress)?;
        if let Some(beacon) = &self.beacon {
            let (_, key) = key::of_beacon(&beacon.value, beacon.iterations, challenge, progress)?;
            if key != self.key {
                return Ok(Err(ContributionDefect::Beacon));
            }
        }
        Ok(self.check_step(before, challenge))
    }

    fn check_step(&self, before: &State, challenge: &[u8; 64]) -> Result<(), ContributionDefect> {
        for (secret, k) in Secret::ALL.into_iter().zip(&self.key) {
            if k.s == k.sx {
                return Err(ContributionDefect::Unchanged(secret));
            }
            if !k.is_valid(secret, challenge) {
                return Err(ContributionDefect::Knowledge(secret));
            }
        }
        let after = &self.state;
        let [tau, alpha, beta] = &self.key;
        let g1 = |before, after, secret, k: &Knowledge| same_ratio([before, after], [k.base(secret, challenge), k.px]);
        let g2 = |before, after, k: &Knowledge| same_ratio([k.s, k.sx], [before, after]);
        let steps = [
            ("[τ]₁", g1(before.tau_g1, after.tau_g1, Secret::Tau, tau)),
            ("[τ]₂", g2(before.tau_g2, after.tau_g2, tau)),
            ("[α]₁", g1(before.alpha_g1, after.alpha_g1, Secret::Alpha, alpha)),
            ("[β]₁", g1(before.beta_g1, after.beta_g1, Secret::Beta, beta)),
            ("[β]₂", g2(before.beta_g2, after.beta_g2, beta)),
        ];
        match steps.iter().find(|(_, holds)| !holds) {
            Some((name, _)) => Err(ContributionDefect::Step(name)),
            None => Ok(()),
        }
    }

    /// As the file holds it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let State { tau_g1, tau_g2, alpha_g1, beta_g1, beta_g2 } = &self.state;
        let (g1, g2) = points(&self.key);
        let mut out = point::encode(&[*tau_g1]);
        out.extend(point::encode(&[*tau_g2]));
        out.extend(point::encode(&[*alpha_g1, *beta_g1]));
        out.extend(point::encode(&[*beta_g2]));
        out.extend(point::encode(&g1));
        out.extend(point::encode(&g2));
        out.extend(self.response.state());
        out.extend(self.next_challenge);
        out.extend(u32::from(self.beacon.is_some()).to_le_bytes());
        // Name and value have at most 255 bytes: who makes a contribution checks it.
        let mut parameters = Vec::new();
        if let Some(name) = &self.name {
            parameters.extend([1, name.len() as u8]);
            parameters.extend(name.as_bytes());
        }
        if let Some(Beacon { value, iterations }) = &self.beacon {
            parameters.extend([2, *iterations, 3, value.len() as u8]);
            parameters.extend(value);
        }
        out.extend((parameters.len() as u32).to_le_bytes());
        out.extend(parameters);
        out
    }
}

/// The points of a key as they are stored and hashed: those in G1, then those in G2.
fn points(key: &PublicKey) -> (Vec<G1Affine>, Vec<G2Affine>) {
    (key.iter().flat_map(|k| [k.s, k.sx]).collect(), key.iter().map(|k| k.px).collect())
}

fn decode(bytes: &[u8], power: u32) -> Result<Vec<Entry>, PtauError> {
    let mut reader = Reader(bytes);
    let count = reader.u32().map_err(|_| PtauError::Contributions("it is cut off"))?;
    let mut entries = Vec::new();
    for number in 1..=count as usize {
        entries.push(reader.entry(power).map_err(|defect| PtauError::Contribution { number, defect })?);
    }
    if reader.0.is_empty() { Ok(entries) } else { Err(PtauError::Contributions("bytes follow the last contribution")) }
}

/// What is still to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], ContributionDefect> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(ContributionDefect::Truncated)?;
        self.0 = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], ContributionDefect> {
        self.take(N)?.try_into().map_err(|_| ContributionDefect::Truncated)
    }

    fn u32(&mut self) -> Result<u32, ContributionDefect> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn point<C: Curve>(&mut self, name: &'static str) -> Result<Affine<C>, ContributionDefect> {
        let bytes = self.take(C::POINT)?;
        let point = point::read(bytes).and_then(|p| point::check(&p).map(|()| p));
        point.map_err(|defect| ContributionDefect::Point(name, defect))
    }

    /// A parameter of up to 255 bytes, after its length.
    fn text(&mut self) -> Result<&'a [u8], ContributionDefect> {
        let [length] = self.array()?;
        self.take(length.into())
    }

    fn entry(&mut self, power: u32) -> Result<Entry, ContributionDefect> {
        let state = State {
            tau_g1: self.point("[τ]₁")?,
            tau_g2: self.point("[τ]₂")?,
            alpha_g1: self.point("[α]₁")?,
            beta_g1: self.point("[β]₁")?,
            beta_g2: self.point("[β]₂")?,
        };
        let mut pair = |s, sx| -> Result<_, ContributionDefect> { Ok([self.point(s)?, self.point(sx)?]) };
        let g1 = [pair("s of τ", "τ·s")?, pair("s of α", "α·s")?, pair("s of β", "β·s")?];
        let g2 = [self.point("τ·p")?, self.point("α·p")?, self.point("β·p")?];
        let knowledge = |i: usize| Knowledge { s: g1[i][0], sx: g1[i][1], px: g2[i] };
        let key = [knowledge(0), knowledge(1), knowledge(2)];
        let response = Blake2b::from_state(&self.array::<STATE>()?)
            .filter(|hash| hash.length() == response_bytes(power))
            .ok_or(ContributionDefect::HashState)?;
        let next_challenge = self.array()?;
        let kind = self.u32()?;
        let length = self.u32()? as usize;
        let (name, beacon) = Reader(self.take(length)?).parameters(kind)?;
        Ok(Entry { state, key, response, next_challenge, name, beacon })
    }

    /// Name, iterations and value, each at most once and in this order, all of the rest.
    fn parameters(&mut self, kind: u32) -> Result<(Option<String>, Option<Beacon>), ContributionDefect> {
        let (mut name, mut iterations, mut value) = (None, None, None);
        let mut last = 0;
        while !self.0.is_empty() {
            let [number] = self.array()?;
            if number <= last {
                return Err(ContributionDefect::Form("its parameters are not in ascending order"));
            }
            last = number;
            match number {
                1 => name = Some(String::from_utf8_lossy(self.text()?).into_owned()),
                2 => iterations = Some(u8::from_le_bytes(self.array()?)),
                3 => value = Some(self.text()?.to_vec()),
                _ => return Err(ContributionDefect::Form("it has a parameter that the format does not have")),
            }
        }
        let beacon = match (kind, iterations, value) {
            (0, None, None) => None,
            (1, Some(iterations), Some(value)) if !value.is_empty() => Some(Beacon { value, iterations }),
            (0, ..) => return Err(ContributionDefect::Form("it has a beacon's parameters and is none")),
            (1, ..) => return Err(ContributionDefect::Form("it is a beacon without value or number of iterations")),
            _ => return Err(ContributionDefect::Form("it is neither a contribution nor a beacon")),
        };
        if beacon.as_ref().is_some_and(|b| !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&b.iterations)) {
            return Err(ContributionDefect::Form("its beacon is hashed less than 2^10 or more than 2^32 times"));
        }
        Ok((name, beacon))
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_CHALLENGE_28, MAX_POWER, hash_first_challenge};

    #[test]
    #[ignore = "hashes 100 GB"]
    fn first_challenge_of_the_public_ceremony() {
        let hash = hash_first_challenge(MAX_POWER, &()).unwrap();
        assert_eq!(hex::encode(hash), FIRST_CHALLENGE_28);
    }
}
