//! One pass over a file, which checks what it is asked for.
//!
//! Points `P_0 … P_{N−1}` are consecutive powers of τ if `P_{i+1} = τ·P_i` for all i. For a random z, with
//! `S = Σ z^i·P_i`, this is one equation of two sums: `Σ_{i<N−1} z^i·P_{i+1} = (S − P_0)/z` is τ times
//! `Σ_{i<N−1} z^i·P_i = S − z^{N−1}·P_{N−1}`, which a pairing shows. If it fails for one i, then z is a root of a polynomial
//! that is not zero: of probability below N/r.
//!
//! A basis `L_0 … L_{n−1}` belongs to powers `P_i` over a domain of points ω^j if `Σ_j ω^{ij}·L_j = P_i` for all i < n. The
//! same z makes it one equation again: `Σ_j c_j·L_j = Σ_{i<n} z^i·P_i` with `c_j = Σ_i (z·ω^j)^i = ((z·ω^j)^n − 1)/(z·ω^j − 1)`.
//! The largest basis in G1 is for one power more than there are: its last power is zero in a file that was prepared, and
//! not in one that was cut from a larger, so it is left out of both sums. No circuit of the file's power needs this basis.
//!
//! z is drawn from the operating system when the file is there, so that no file can be made for it.

use std::path::Path;

use ark_bn254::{Fr, G1Affine, G2Affine, g1, g2};
use ark_ec::{
    AffineRepr as _, CurveGroup as _, VariableBaseMSM as _,
    short_weierstrass::{Affine, Projective},
};
use ark_ff::{AdditiveGroup as _, FftField as _, Field as _, One as _, PrimeField as _};
use rayon::prelude::*;

use super::{
    Lagrange, Phase1, Report,
    blake2b::Blake2b,
    contribution::{Accumulated, State, check_all, first_challenge},
    error::PtauError,
    file::{MAX_POWER, Ptau, Section},
    point::{self, Curve, same_ratio},
    public::public_file,
};
use crate::{progress::Progress, random};

/// Points at a time.
pub(super) const CHUNK: u64 = 1 << 16;

/// What a pass is for.
#[derive(Clone, Copy)]
enum Wanted {
    /// The points for a domain of this size: checked and kept.
    Domain(u64),
    /// All points checked, and none kept.
    Nothing,
}

/// The two hashes of the last contribution, over all points of the file.
struct Chain {
    response: Blake2b,
    next_challenge: Blake2b,
}

impl Chain {
    /// Nothing to be checked of a part of a file.
    fn new(file: &Ptau<'_>, last: &Accumulated) -> Option<Self> {
        (file.power == file.ceremony_power).then(|| {
            let mut chain = Self { response: Blake2b::default(), next_challenge: Blake2b::default() };
            chain.response.update(&last.challenge);
            chain.next_challenge.update(&last.response_hash);
            chain
        })
    }

    fn update<C: Curve>(&mut self, points: &[Affine<C>]) {
        self.next_challenge.update(&point::uncompressed(points));
        self.response.update(&point::compressed(points));
    }

    fn check(self, last: &Accumulated) -> Result<(), PtauError> {
        let stored = last.response.clone().map(Blake2b::finish);
        if stored.is_some_and(|stored| stored != self.response.finish()) {
            Err(PtauError::Response)
        } else if last.next_challenge != self.next_challenge.finish() {
            Err(PtauError::NextChallenge)
        } else {
            Ok(())
        }
    }
}

/// Points of a section that are powers of τ, times something.
struct Powers<C: Curve> {
    /// Those that are kept.
    kept: Vec<Affine<C>>,
    first: Affine<C>,
    second: Affine<C>,
    /// `Σ_{i<2^k} z^i·P_i` for each k, the last for all points.
    sums: Vec<Projective<C>>,
    /// `z^{N−1}·P_{N−1}`.
    last: Projective<C>,
}

impl<C: Curve> Powers<C> {
    /// The sums that τ takes from one to the other.
    fn shifted(&self, z: Fr) -> [Affine<C>; 2] {
        let sum = self.sums.last().copied().unwrap_or_default();
        let inverse = z.inverse().unwrap_or_default();
        [(sum - self.last).into_affine(), ((sum - self.first) * inverse).into_affine()]
    }
}

struct Pass<'a> {
    file: Ptau<'a>,
    wanted: Wanted,
    z: Fr,
    chain: Option<Chain>,
}

/// Reads what a circuit's setup needs of a file and checks it: the points for a domain of `points` points, all
/// contributions, and the hashes over the whole file. In one pass; memory is that of the result and some constant.
///
/// # Errors
/// A file that is damaged, forged, not finished, or too small: see [`PtauError`].
pub fn read(path: &Path, points: usize, progress: &dyn Progress) -> Result<Phase1, PtauError> {
    let file = Ptau::open(path, progress)?;
    // A τ can only be checked on two of its powers.
    let n = points.max(2);
    if n as u64 > 1 << file.power {
        return Err(PtauError::TooSmall { points, power: file.power });
    }
    let (phase1, _) = Pass::run(file, Wanted::Domain(n as u64), false)?;
    Ok(phase1)
}

/// Checks all of a file, in one pass and bounded memory.
///
/// # Errors
/// A file that is damaged, forged, or not finished: see [`PtauError`].
pub fn verify(path: &Path, progress: &dyn Progress) -> Result<Report, PtauError> {
    let file = Ptau::open(path, progress)?;
    let (_, report) = Pass::run(file, Wanted::Nothing, false)?;
    Ok(report)
}

/// The same of a file to contribute to, which need not have a contribution yet: its BLAKE2b-512, and the hash of the
/// challenge that it is.
pub(super) fn verify_challenge(file: Ptau<'_>) -> Result<([u8; 64], [u8; 64]), PtauError> {
    let (power, progress) = (file.power, file.progress);
    let (_, report) = Pass::run(file, Wanted::Nothing, true)?;
    let challenge = match report.contributions.last() {
        Some(last) => last.next_challenge,
        None => first_challenge(power, progress)?,
    };
    Ok((report.hash, challenge))
}

impl<'a> Pass<'a> {
    fn run(file: Ptau<'a>, wanted: Wanted, may_be_empty: bool) -> Result<(Phase1, Report), PtauError> {
        let last = check_all(&file)?;
        if last.contributions.iter().all(|c| c.beacon.is_some()) && !may_be_empty {
            return Err(PtauError::NoContribution);
        }
        let chain = Chain::new(&file, &last);
        let (power, ceremony_power, prepared) = (file.power, file.ceremony_power, file.is_prepared());
        let mut pass = Self { file, wanted, z: random::nonzero()?, chain };

        pass.file.progress.begin("check powers of τ", pass.file.length);
        pass.file.begin()?;
        let tau_g1 = pass.powers::<g1::Config>(Section::TauG1)?;
        let tau_g2 = pass.powers::<g2::Config>(Section::TauG2)?;
        let alpha_tau_g1 = pass.powers::<g1::Config>(Section::AlphaTauG1)?;
        let beta_tau_g1 = pass.powers::<g1::Config>(Section::BetaTauG1)?;
        let beta_g2 = pass.beta_g2()?;
        pass.file.enter(Section::Contributions)?;
        let list = pass.file.bytes(pass.file.contributions.len() as u64, Section::Contributions.into())?;
        if list != pass.file.contributions {
            return Err(PtauError::Changed);
        }

        let State { tau_g1: tau1, tau_g2: tau2, alpha_g1, beta_g1, beta_g2: beta2 } = last.state;
        let firsts = [
            (Section::TauG1, tau_g1.first == G1Affine::generator() && tau_g1.second == tau1),
            (Section::TauG2, tau_g2.first == G2Affine::generator() && tau_g2.second == tau2),
            (Section::AlphaTauG1, alpha_tau_g1.first == alpha_g1),
            (Section::BetaTauG1, beta_tau_g1.first == beta_g1),
            (Section::BetaG2, beta_g2 == beta2),
        ];
        if let Some((section, _)) = firsts.into_iter().find(|(_, equal)| !equal) {
            return Err(PtauError::First { section });
        }
        let (in_g1, in_g2) = ([G1Affine::generator(), tau1], [G2Affine::generator(), tau2]);
        let z = pass.z;
        let ratios = [
            (Section::TauG1, same_ratio(tau_g1.shifted(z), in_g2)),
            (Section::TauG2, same_ratio(in_g1, tau_g2.shifted(z))),
            (Section::AlphaTauG1, same_ratio(alpha_tau_g1.shifted(z), in_g2)),
            (Section::BetaTauG1, same_ratio(beta_tau_g1.shifted(z), in_g2)),
        ];
        if let Some((section, _)) = ratios.into_iter().find(|(_, equal)| !equal) {
            return Err(PtauError::Powers { section });
        }
        if let Some(chain) = pass.chain.take() {
            chain.check(&last)?;
        }

        let lagrange = if prepared {
            Some(Lagrange {
                tau_g1: pass.lagrange(Section::LagrangeG1, &tau_g1.sums)?,
                tau_g2: pass.lagrange(Section::LagrangeG2, &tau_g2.sums)?,
                alpha_tau_g1: pass.lagrange(Section::AlphaLagrangeG1, &alpha_tau_g1.sums)?,
                beta_tau_g1: pass.lagrange(Section::BetaLagrangeG1, &beta_tau_g1.sums)?,
            })
        } else {
            None
        };
        let hash = pass.file.finish()?;
        let phase1 = Phase1 {
            hash,
            tau_g1: tau_g1.kept,
            tau_g2: tau_g2.kept,
            alpha_tau_g1: alpha_tau_g1.kept,
            beta_tau_g1: beta_tau_g1.kept,
            beta_g2,
            prepared: lagrange.filter(|_| matches!(wanted, Wanted::Domain(n) if n.is_power_of_two())),
        };
        let public = public_file(&hash);
        let report = Report { hash, power, ceremony_power, prepared, public, contributions: last.contributions };
        Ok((phase1, report))
    }

    fn beta_g2(&mut self) -> Result<G2Affine, PtauError> {
        self.file.enter(Section::BetaG2)?;
        let mut points = Vec::new();
        self.points::<g2::Config>(Section::BetaG2, 0..1, true, |p| points.extend_from_slice(p))?;
        points.pop().ok_or(PtauError::Changed)
    }

    /// Reads a section of powers.
    fn powers<C: Curve>(&mut self, section: Section) -> Result<Powers<C>, PtauError> {
        self.file.enter(section)?;
        let all = section.points(self.file.power);
        let wanted = match self.wanted {
            Wanted::Domain(n) if section == Section::TauG1 => 2 * n - 1,
            Wanted::Domain(n) => n,
            Wanted::Nothing => all,
        };
        let keep = matches!(self.wanted, Wanted::Domain(_));
        let mut powers = Powers {
            kept: Vec::new(),
            first: Affine::identity(),
            second: Affine::identity(),
            sums: vec![],
            last: Projective::ZERO,
        };
        let (z, mut power, mut sum) = (self.z, Fr::one(), Projective::ZERO);
        let mut at = 0;
        while at < wanted {
            // Up to the next power of two: the sum there belongs to a domain.
            let end = wanted.min(at + at.clamp(1, CHUNK));
            self.points(section, at..end, true, |points: &[Affine<C>]| {
                let scalars = geometric(power, z, points.len());
                let bigints: Vec<_> = scalars.par_iter().map(|s| s.into_bigint()).collect();
                sum += Projective::<C>::msm_bigint(points, &bigints);
                if let ([.., scalar], [.., point]) = (&*scalars, points) {
                    powers.last = *point * scalar;
                    power = z * scalar;
                }
                if keep {
                    powers.kept.extend_from_slice(points);
                }
                match (at, points) {
                    (0, [first, ..]) => powers.first = *first,
                    (1, [second, ..]) => powers.second = *second,
                    _ => {}
                }
            })?;
            at = end;
            if at.is_power_of_two() || at == wanted {
                powers.sums.push(sum);
            }
        }
        while at < all {
            let end = all.min(at + CHUNK);
            if self.chain.is_some() {
                self.points::<C>(section, at..end, false, |_| ())?;
            } else {
                self.file.skip((end - at) * C::POINT as u64, section)?;
            }
            at = end;
        }
        Ok(powers)
    }

    /// Reads points, hashes them, and does something with them. With `checked` each has to be on the curve, in the
    /// subgroup, and not the identity; else only its coordinates are looked at.
    fn points<C: Curve>(
        &mut self,
        section: Section,
        range: std::ops::Range<u64>,
        checked: bool,
        work: impl FnOnce(&[Affine<C>]) + Send,
    ) -> Result<(), PtauError> {
        let chain = &mut self.chain;
        let run = |bytes: &[u8]| {
            let defect = |i, defect| PtauError::Point { section, index: range.start + i as u64, defect };
            let points: Vec<Affine<C>> = bytes
                .par_chunks_exact(C::POINT)
                .enumerate()
                .map(|(i, bytes)| {
                    let point = point::read(bytes);
                    let point = if checked { point.and_then(|p| point::check(&p).map(|()| p)) } else { point };
                    point.map_err(|e| defect(i, e))
                })
                .collect::<Result<_, _>>()?;
            rayon::join(|| chain.as_mut().map(|chain| chain.update(&points)), || work(&points));
            Ok(())
        };
        self.file.with_bytes((range.end - range.start) * C::POINT as u64, section, run)?
    }

    /// Reads a section of Lagrange bases, over the domains of 1, 2, 4 … points, and keeps the wanted one; or checks each
    /// against the sum of as many powers.
    fn lagrange<C: Curve>(&mut self, section: Section, sums: &[Projective<C>]) -> Result<Vec<Affine<C>>, PtauError> {
        self.file.enter(section)?;
        let mut kept = Vec::new();
        let count = self.file.section_length(section) / C::POINT as u64;
        let powers =
            if section == Section::LagrangeG1 { Section::TauG1 } else { Section::TauG2 }.points(self.file.power);
        for k in 0..=(count + 1).ilog2().saturating_sub(1) {
            let n = 1u64 << k;
            match (self.wanted, sums.get(k as usize)) {
                (Wanted::Domain(wanted), _) if wanted == n => {
                    for at in (0..n).step_by(CHUNK as usize) {
                        let range = at..n.min(at + CHUNK);
                        self.points(section, n - 1 + range.start..n - 1 + range.end, true, |p| {
                            kept.extend_from_slice(p)
                        })?;
                    }
                }
                // The scalar field has no larger domain, so no circuit does.
                (Wanted::Nothing, Some(sum)) if k <= MAX_POWER => {
                    if self.basis::<C>(section, k, n.min(powers))? != *sum {
                        return Err(PtauError::Basis { section, power: k });
                    }
                }
                _ => self.file.skip(n * C::POINT as u64, section)?,
            }
        }
        Ok(kept)
    }

    /// `Σ_j c_j·L_j` over the domain of 2^k points, for the powers below `count`.
    fn basis<C: Curve>(&mut self, section: Section, k: u32, count: u64) -> Result<Projective<C>, PtauError> {
        let n = 1u64 << k;
        let omega = Fr::get_root_of_unity(n).unwrap_or_default();
        let (mut point, mut power) = (self.z, self.z.pow([count]));
        let mut sum = Projective::ZERO;
        for at in (0..n).step_by(CHUNK as usize) {
            let range = at..n.min(at + CHUNK);
            self.points(section, n - 1 + range.start..n - 1 + range.end, true, |points: &[Affine<C>]| {
                let mut scalars = geometric(point, omega, points.len());
                let powers = geometric(power, omega.pow([count]), points.len());
                if let ([.., last], [.., last_power]) = (&*scalars, &*powers) {
                    (point, power) = (omega * last, omega.pow([count]) * last_power);
                }
                scalars.iter_mut().for_each(|s| *s -= Fr::one());
                ark_ff::batch_inversion(&mut scalars);
                let scalars = scalars.par_iter().zip(&powers).map(|(s, p)| (*s * (*p - Fr::one())).into_bigint());
                sum += Projective::<C>::msm_bigint(points, &scalars.collect::<Vec<_>>());
            })?;
        }
        Ok(sum)
    }
}

/// `first·ratio^i` for i below `count`.
fn geometric(first: Fr, ratio: Fr, count: usize) -> Vec<Fr> {
    std::iter::successors(Some(first), |s| Some(*s * ratio)).take(count).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use ark_bn254::{Bn254, G1Affine, G2Affine, g1, g2};
    use ark_ec::{AffineRepr as _, CurveGroup as _, pairing::Pairing as _, short_weierstrass::Projective};
    use ark_poly::{EvaluationDomain as _, Radix2EvaluationDomain};

    use super::{super::Phase1, Affine, Curve, Fr, read, verify};

    const NAMES: [&str; 2] = ["powers.ptau", "prepared.ptau"];

    fn path(name: &str) -> PathBuf {
        [env!("CARGO_MANIFEST_DIR"), "../test-vectors/ceremony/v1", name].iter().collect()
    }

    fn fixture(name: &str, points: usize) -> Phase1 {
        read(&path(name), points, &()).unwrap()
    }

    #[test]
    fn a_domain_gets_its_powers() {
        for name in NAMES {
            let report = verify(&path(name), &()).unwrap();
            for n in [2, 3, 9, 16] {
                let p = fixture(name, n);
                assert_eq!(p.hash, report.hash);
                let lengths = [p.tau_g1.len(), p.tau_g2.len(), p.alpha_tau_g1.len(), p.beta_tau_g1.len()];
                assert_eq!(lengths, [2 * n - 1, n, n, n]);
                assert_eq!(p.prepared.is_some(), name == NAMES[1] && n.is_power_of_two());
                let h = G2Affine::generator();
                let e = |a: G1Affine, b: G2Affine| Bn254::pairing(a, b);
                for i in 1..n {
                    assert_eq!(e(p.tau_g1[i], h), e(p.tau_g1[0], p.tau_g2[i]));
                    assert_eq!(e(p.tau_g1[i + n - 1], h), e(p.tau_g1[n - 1], p.tau_g2[i]));
                    assert_eq!(e(p.alpha_tau_g1[i], h), e(p.alpha_tau_g1[0], p.tau_g2[i]));
                    assert_eq!(e(p.beta_tau_g1[i], h), e(p.tau_g1[i], p.beta_g2));
                }
            }
        }
    }

    /// `Σ_j ω^{ij}·L_j` for i of 0 and 1.
    fn sums<C: Curve>(basis: &[Affine<C>]) -> [Affine<C>; 2] {
        let domain = Radix2EvaluationDomain::<Fr>::new(basis.len()).unwrap();
        let ones: Projective<C> = basis.iter().sum();
        let points: Projective<C> = basis.iter().zip(domain.elements()).map(|(l, w)| *l * w).sum();
        [ones.into_affine(), points.into_affine()]
    }

    #[test]
    fn a_prepared_basis_is_that_of_the_domain() {
        for n in [2, 4, 8, 16] {
            let p = fixture(NAMES[1], n);
            let basis = p.prepared.unwrap();
            assert_eq!(basis.tau_g1.len(), n);
            assert_eq!(sums::<g1::Config>(&basis.tau_g1), p.tau_g1[..2]);
            assert_eq!(sums::<g2::Config>(&basis.tau_g2), p.tau_g2[..2]);
            assert_eq!(sums::<g1::Config>(&basis.alpha_tau_g1), p.alpha_tau_g1[..2]);
            assert_eq!(sums::<g1::Config>(&basis.beta_tau_g1), p.beta_tau_g1[..2]);
        }
    }
}
