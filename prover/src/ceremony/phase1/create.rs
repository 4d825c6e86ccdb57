//! Files of our own: a ceremony's beginning, contributions, and its beacon.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write},
    path::Path,
};

use ark_bn254::{Fr, G1Affine, G2Affine, g1, g2};
use ark_ec::{
    AffineRepr as _, CurveGroup as _,
    short_weierstrass::{Affine, Projective},
};
use ark_ff::{Field as _, One as _};
use rayon::prelude::*;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    blake2b::Blake2b,
    contribution::{Beacon, Contribution, Entry, MAX_ITERATIONS, MAX_NAME, MIN_ITERATIONS, State},
    error::PtauError,
    file::{HEADER, MAGIC, MAX_POWER, Ptau, Section, VERSION, field},
    key::{self, PublicKey, Secrets},
    point::{self, Curve},
    read::{CHUNK, verify_challenge},
};
use crate::{
    files::{FileError, write_atomically},
    progress::{Progress, check},
    random,
};

/// The sections of points, in their order, and whether they are in G2.
const POINTS: [(Section, bool); 5] = [
    (Section::TauG1, false),
    (Section::TauG2, true),
    (Section::AlphaTauG1, false),
    (Section::BetaTauG1, false),
    (Section::BetaG2, true),
];

/// Writes the file that a ceremony for domains of up to 2^`power` points begins with: its secrets are one, so it serves only
/// to contribute to.
pub fn new(path: &Path, power: u32, progress: &dyn Progress) -> Result<(), PtauError> {
    if !(1..=MAX_POWER).contains(&power) {
        return Err(PtauError::Parameter("a power is from 1 to 28"));
    }
    let g1 = point::encode(&[G1Affine::generator()]);
    let g2 = point::encode(&[G2Affine::generator()]);
    progress.begin("write points", POINTS.iter().map(|(section, _)| section.points(power)).sum());
    write(path, progress, |out| {
        begin(out, power)?;
        for (section, in_g2) in POINTS {
            let (point, mut left) = (if in_g2 { &g2 } else { &g1 }, section.points(power));
            section_start(out, section, left * point.len() as u64)?;
            while left > 0 {
                stop(progress)?;
                let now = left.min(CHUNK);
                out.write_all(&point.repeat(now as usize))?;
                progress.advance(now);
                left -= now;
            }
        }
        section_start(out, Section::Contributions, 4)?;
        out.write_all(&0u32.to_le_bytes())
    })
}

/// Contributes to `from`, which is verified first, and writes the result to `to`.
///
/// The secrets are drawn from the operating system, with `entropy` hashed in, and forgotten. Only the hash of the response
/// that comes back shows later that a contribution is in a file: it should be published.
pub fn contribute(
    from: &Path,
    to: &Path,
    name: Option<&str>,
    entropy: &[u8],
    progress: &dyn Progress,
) -> Result<Contribution, PtauError> {
    let mut hash = Blake2b::default();
    hash.update(&*Zeroizing::new(random::bytes::<64>()?));
    hash.update(entropy);
    let digest = Zeroizing::new(hash.finish());
    let mut seed = Zeroizing::new([0; 32]);
    seed.copy_from_slice(&digest[..32]);
    apply(from, to, name, None, progress, |challenge| Ok(key::derive(&seed, challenge)))
}

/// Applies a beacon to `from`, which is verified first, and writes the result to `to`: nobody who contributed could know
/// what comes out.
///
/// `value` is 1 to 255 bytes of public randomness, such as a block's hash that was not known when the last contribution was
/// made; it is hashed 2^`iterations` times, 10 to 32.
pub fn beacon(
    from: &Path,
    to: &Path,
    name: Option<&str>,
    beacon: Beacon,
    progress: &dyn Progress,
) -> Result<Contribution, PtauError> {
    if !(1..=255).contains(&beacon.value.len()) {
        return Err(PtauError::Parameter("a beacon has 1 to 255 bytes"));
    }
    if !(MIN_ITERATIONS..=MAX_ITERATIONS).contains(&beacon.iterations) {
        return Err(PtauError::Parameter("a beacon is hashed 2^10 to 2^32 times"));
    }
    let (value, iterations) = (beacon.value.clone(), beacon.iterations);
    apply(from, to, name, Some(beacon), progress, |challenge| {
        Ok(key::of_beacon(&value, iterations, challenge, progress)?)
    })
}

fn apply(
    from: &Path,
    to: &Path,
    name: Option<&str>,
    beacon: Option<Beacon>,
    progress: &dyn Progress,
    key: impl FnOnce(&[u8; 64]) -> Result<(Secrets, PublicKey), PtauError>,
) -> Result<Contribution, PtauError> {
    if name.is_some_and(|name| name.is_empty() || name.len() > MAX_NAME) {
        return Err(PtauError::Parameter("a name has 1 to 64 bytes"));
    }
    let file = Ptau::open(from, progress)?;
    if file.power != file.ceremony_power {
        return Err(PtauError::Reduced(file.ceremony_power));
    }
    let (hash, challenge) = verify_challenge(file)?;
    let (secrets, public) = key(&challenge)?;

    let file = Ptau::open(from, progress)?;
    let (power, mut list) = (file.power, file.contributions.clone());
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let scratch = tempfile::tempfile_in(folder).map_err(|e| FileError::new(folder, e))?;
    let mut step =
        Step { file, scratch: io::BufWriter::with_capacity(1 << 20, scratch), response: Blake2b::default(), to };
    step.response.update(&challenge);
    progress.begin("multiply points", step.file.length);
    step.file.begin()?;
    let one = Fr::one();
    let [_, tau_g1] = step.multiply::<g1::Config>(Section::TauG1, one, secrets.tau)?;
    let [_, tau_g2] = step.multiply::<g2::Config>(Section::TauG2, one, secrets.tau)?;
    let [alpha_g1, _] = step.multiply::<g1::Config>(Section::AlphaTauG1, secrets.alpha, secrets.tau)?;
    let [beta_g1, _] = step.multiply::<g1::Config>(Section::BetaTauG1, secrets.beta, secrets.tau)?;
    let [beta_g2, _] = step.multiply::<g2::Config>(Section::BetaG2, secrets.beta, one)?;
    drop(secrets);
    let Step { mut file, scratch, response, .. } = step;
    file.rest()?;
    if file.finish()? != hash {
        return Err(PtauError::Changed);
    }
    let state = State { tau_g1, tau_g2, alpha_g1, beta_g1, beta_g2 };
    let name = name.map(str::to_owned);
    let mut entry = Entry { state, key: public, response, next_challenge: [0; 64], name, beacon };

    let mut scratch = scratch.into_inner().map_err(|e| FileError::new(to, e.into_error()))?;
    scratch.rewind().map_err(|e| FileError::new(to, e))?;
    let mut next = Blake2b::default();
    next.update(&entry.response_hash());
    progress.begin("hash the next challenge", POINTS.iter().map(|(section, _)| section.points(power)).sum());
    write(to, progress, |out| {
        begin(out, power)?;
        for (section, in_g2) in POINTS {
            if in_g2 {
                copy::<g2::Config>(&mut scratch, out, &mut next, section, power, progress)?;
            } else {
                copy::<g1::Config>(&mut scratch, out, &mut next, section, power, progress)?;
            }
        }
        entry.next_challenge = next.finish();
        let count = list.first_chunk().map_or(0, |n| u32::from_le_bytes(*n)) + 1;
        list.splice(..4, count.to_le_bytes());
        list.extend(entry.encode());
        section_start(out, Section::Contributions, list.len() as u64)?;
        out.write_all(&list)
    })?;
    Ok(entry.public())
}

/// A file whose points are multiplied.
struct Step<'a> {
    file: Ptau<'a>,
    /// The new points, in the form of a file.
    scratch: io::BufWriter<File>,
    response: Blake2b,
    to: &'a Path,
}

impl Step<'_> {
    /// Multiplies the points of a section by `first·ratio^i`, and returns the first two.
    fn multiply<C: Curve>(&mut self, section: Section, first: Fr, ratio: Fr) -> Result<[Affine<C>; 2], PtauError> {
        self.file.enter(section)?;
        let all = section.points(self.file.power);
        let mut firsts = [Affine::identity(); 2];
        for at in (0..all).step_by(CHUNK as usize) {
            let count = CHUNK.min(all - at);
            let start = first * ratio.pow([at]);
            let points = self.file.with_bytes(count * C::POINT as u64, section, |bytes| {
                let pieces = bytes.par_chunks(C::POINT << 8).enumerate().map(|(i, bytes)| {
                    let mut scalar = start * ratio.pow([(i as u64) << 8]);
                    let products = bytes.chunks_exact(C::POINT).map(|bytes| {
                        let product = point::read::<C>(bytes).map(|p| p * scalar);
                        scalar *= ratio;
                        product
                    });
                    let products = products.collect::<Result<Vec<_>, _>>();
                    scalar.zeroize();
                    products.map(|products| Projective::normalize_batch(&products))
                });
                pieces.collect::<Result<Vec<_>, _>>().map(|pieces| pieces.concat())
            })?;
            // The points were checked when the file was verified.
            let points: Vec<Affine<C>> = points.map_err(|_| PtauError::Changed)?;
            if at == 0 {
                firsts.iter_mut().zip(&points).for_each(|(first, p)| *first = *p);
            }
            self.response.update(&point::compressed(&points));
            self.scratch.write_all(&point::encode(&points)).map_err(|e| FileError::new(self.to, e))?;
        }
        Ok(firsts)
    }
}

/// Copies a section of points, and hashes them as a challenge.
fn copy<C: Curve>(
    from: &mut File,
    out: &mut dyn Write,
    hash: &mut Blake2b,
    section: Section,
    power: u32,
    progress: &dyn Progress,
) -> io::Result<()> {
    let all = section.points(power);
    section_start(out, section, all * C::POINT as u64)?;
    for at in (0..all).step_by(CHUNK as usize) {
        stop(progress)?;
        let count = CHUNK.min(all - at);
        let mut bytes = vec![0; count as usize * C::POINT];
        from.read_exact(&mut bytes)?;
        let points = bytes.par_chunks_exact(C::POINT).map(point::read::<C>).collect::<Result<Vec<_>, _>>();
        hash.update(&point::uncompressed(&points.map_err(io::Error::other)?));
        out.write_all(&bytes)?;
        progress.advance(count);
    }
    Ok(())
}

/// Writes a file, or says that the work was stopped.
fn write(
    path: &Path,
    progress: &dyn Progress,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> Result<(), PtauError> {
    write_atomically(path, false, write).or_else(|e| {
        check(progress)?;
        Err(e.into())
    })
}

fn stop(progress: &dyn Progress) -> io::Result<()> {
    check(progress).map_err(io::Error::other)
}

/// Writes magic, version, the number of sections, and the header.
fn begin(out: &mut dyn Write, power: u32) -> io::Result<()> {
    out.write_all(MAGIC)?;
    out.write_all(&VERSION.to_le_bytes())?;
    out.write_all(&Section::REQUIRED.to_le_bytes())?;
    section_start(out, Section::Header, HEADER)?;
    out.write_all(&field())?;
    out.write_all(&power.to_le_bytes())?;
    out.write_all(&power.to_le_bytes())
}

fn section_start(out: &mut dyn Write, section: Section, length: u64) -> io::Result<()> {
    out.write_all(&(section as u32).to_le_bytes())?;
    out.write_all(&length.to_le_bytes())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{ContributionDefect, PtauError, Secret, key::tests::of_one, verify},
        apply, new,
    };

    #[test]
    fn a_contribution_that_changes_nothing_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        new(&from, 2, &()).unwrap();
        for secret in Secret::ALL {
            apply(&from, &to, None, None, &(), |challenge| Ok(of_one(secret, challenge))).unwrap();
            let expected = ContributionDefect::Unchanged(secret);
            let refused = verify(&to, &());
            assert!(
                matches!(refused, Err(PtauError::Contribution { number: 1, defect }) if defect == expected),
                "{refused:?}"
            );
        }
    }
}
