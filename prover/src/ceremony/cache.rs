//! The Lagrange basis is the long part of an initial key. Each quarter of it is kept in a file as soon as it is there, so
//! that an interrupted run goes on from it. What a file says is believed only after the check against the powers.

use std::{
    fs,
    io::{self, BufReader},
    path::{Path, PathBuf},
};

use ark_bn254::Fr;
use ark_ec::{
    scalar_mul::glv::GLVConfig,
    short_weierstrass::{Affine, SWCurveConfig},
};
use rayon::prelude::*;

use super::{
    CeremonyError,
    lagrange::{self, check, layers},
    phase1::{Lagrange, Phase1},
};
use crate::{
    files::write_atomically,
    groth16::{Coordinate, Domain, Reader, Writer},
    progress::Progress,
};

const MAGIC: &[u8; 4] = b"AVLB";
/// What an operation of G2 costs, in such of G1.
const G2_WEIGHT: u64 = 3;
const NAMES: [&str; 4] = ["tau-g1", "tau-g2", "alpha-g1", "beta-g1"];

/// The basis for phase 1: the one prepared in its file, the one of an interrupted run, or a new one.
pub(super) fn basis(
    domain: &Domain,
    phase1: &Phase1,
    prepared: Option<Lagrange>,
    cache: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Lagrange, CeremonyError> {
    if let Some(prepared) = prepared {
        if check(domain, phase1, &prepared)? {
            return Ok(prepared);
        }
        return Err(CeremonyError::Phase1("its prepared Lagrange basis does not belong to its powers"));
    }
    let steps = (3 + G2_WEIGHT) * layers(domain) * domain.size() as u64;
    progress.begin("computing the Lagrange basis", steps);
    let (basis, is_cached) = compute(domain, phase1, cache, progress)?;
    if !is_cached || check(domain, phase1, &basis)? {
        return Ok(basis);
    }
    // The files are of no use, and whoever made them may make others.
    forget(cache);
    progress.begin("computing the Lagrange basis", steps);
    Ok(compute(domain, phase1, None, progress)?.0)
}

/// Removes the files.
pub(super) fn forget(cache: Option<&Path>) {
    for name in cache.into_iter().flat_map(|cache| NAMES.map(|name| file(cache, name))) {
        // A file that stays is checked before it is used.
        let _ = fs::remove_file(name);
    }
}

fn file(cache: &Path, name: &str) -> PathBuf {
    let mut path = cache.as_os_str().to_owned();
    path.push(format!(".{name}"));
    path.into()
}

/// The basis, and whether a part of it comes from a file.
fn compute(
    domain: &Domain,
    phase1: &Phase1,
    cache: Option<&Path>,
    progress: &dyn Progress,
) -> Result<(Lagrange, bool), CeremonyError> {
    let n = domain.size();
    let hash = &phase1.hash;
    let [one, two, alpha, beta] = NAMES.map(|name| cache.map(|cache| file(cache, name)));
    let (tau_g1, first) = part(domain, &phase1.tau_g1[..n], hash, one.as_deref(), 1, progress)?;
    let (tau_g2, second) = part(domain, &phase1.tau_g2, hash, two.as_deref(), G2_WEIGHT, progress)?;
    let (alpha_tau_g1, third) = part(domain, &phase1.alpha_tau_g1, hash, alpha.as_deref(), 1, progress)?;
    let (beta_tau_g1, fourth) = part(domain, &phase1.beta_tau_g1, hash, beta.as_deref(), 1, progress)?;
    Ok((Lagrange { tau_g1, tau_g2, alpha_tau_g1, beta_tau_g1 }, first | second | third | fourth))
}

fn part<C: GLVConfig<ScalarField = Fr> + SWCurveConfig<BaseField: Coordinate>>(
    domain: &Domain,
    powers: &[Affine<C>],
    hash: &[u8; 64],
    path: Option<&Path>,
    weight: u64,
    progress: &dyn Progress,
) -> Result<(Vec<Affine<C>>, bool), CeremonyError> {
    if let Some(points) = path.and_then(|path| read(path, hash, powers.len()).ok()) {
        return Ok((points, true));
    }
    let basis = lagrange::basis(domain, powers, weight, progress)?;
    if let Some(path) = path {
        write_atomically(path, false, |out| {
            let mut out = Writer::new(out);
            out.put(MAGIC)?;
            out.put(hash)?;
            out.points(&basis)?;
            out.seal()
        })?;
    }
    Ok((basis, false))
}

fn read<C: SWCurveConfig<BaseField: Coordinate>>(
    path: &Path,
    hash: &[u8; 64],
    count: usize,
) -> io::Result<Vec<Affine<C>>> {
    let mut r = Reader::new(BufReader::with_capacity(1 << 20, fs::File::open(path)?));
    if r.take()? != *MAGIC || r.take()? != *hash {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let points: Vec<Affine<C>> = r.points(count)?;
    let in_group = |p: &Affine<C>| p.is_on_curve() && p.is_in_correct_subgroup_assuming_on_curve();
    if !r.is_sealed()? || !points.par_iter().all(in_group) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok(points)
}
