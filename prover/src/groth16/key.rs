//! The file `proving.key`: the points that only the prover needs.
//!
//! | field | bytes |
//! |---|---|
//! | magic `AVPK` | 4 |
//! | version, little-endian | 2 |
//! | system id | 16 |
//! | digest of the verifying key that it belongs to | 32 |
//! | variables, derived ones, domain size, little-endian | 8 + 8 + 8 |
//! | β and each phase's δ in G1 | 64 each |
//! | A of each variable; B (G1) and B (G2) of those not derived; L of each witness; H of each row but the last | 64, 128 |
//! | SHA-256 of all before | 32 |
//!
//! Variables are counted without the derived ones. A point is its coordinates, each canonical and little-endian; the identity is all zeros. Points are not checked
//! against the curve: the digest finds damage, and every proof is verified before it leaves the prover.

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    path::Path,
};

use ark_bn254::{Fq, Fq2};
use ark_ec::{
    AffineRepr as _,
    short_weierstrass::{Affine, SWCurveConfig},
};
use ark_ff::{BigInt, Field, PrimeField as _, Zero as _};
use avouch_circuits::r1cs::Cost;
use avouch_verifier::VerifyingKey;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::{
    qap,
    setup::{Points, ProvingKey},
    sizes::{Sizes, sizes},
    system,
};
use crate::files::FileError;

const MAGIC: &[u8; 4] = b"AVPK";
const VERSION: u16 = 2;
const HEADER: u64 = 4 + 2 + 16 + 32 + 3 * 8;
/// Points decoded at a time.
const CHUNK: usize = 1 << 14;

/// A coordinate: 32 or 64 bytes.
pub(crate) trait Coordinate: Field {
    const BYTES: usize;
    fn put(&self, out: &mut [u8]);
    fn get(bytes: &[u8]) -> Option<Self>;
}

impl Coordinate for Fq {
    const BYTES: usize = 32;

    fn put(&self, out: &mut [u8]) {
        for (limb, bytes) in self.into_bigint().0.iter().zip(out.chunks_exact_mut(8)) {
            bytes.copy_from_slice(&limb.to_le_bytes());
        }
    }

    fn get(bytes: &[u8]) -> Option<Self> {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
            *limb = u64::from_le_bytes(chunk.try_into().ok()?);
        }
        Self::from_bigint(BigInt(limbs))
    }
}

impl Coordinate for Fq2 {
    const BYTES: usize = 64;

    fn put(&self, out: &mut [u8]) {
        let (c0, c1) = out.split_at_mut(Fq::BYTES);
        self.c0.put(c0);
        self.c1.put(c1);
    }

    fn get(bytes: &[u8]) -> Option<Self> {
        let (c0, c1) = bytes.split_at(Fq::BYTES);
        Some(Self::new(Fq::get(c0)?, Fq::get(c1)?))
    }
}

const fn point_bytes<C: Coordinate>() -> usize {
    2 * C::BYTES
}

fn put_point<C: SWCurveConfig<BaseField: Coordinate>>(point: &Affine<C>, out: &mut [u8]) {
    if let Some((x, y)) = point.xy() {
        let (first, second) = out.split_at_mut(C::BaseField::BYTES);
        x.put(first);
        y.put(second);
    }
}

fn get_point<C: SWCurveConfig<BaseField: Coordinate>>(bytes: &[u8]) -> Option<Affine<C>> {
    let (first, second) = bytes.split_at(C::BaseField::BYTES);
    let (x, y) = (C::BaseField::get(first)?, C::BaseField::get(second)?);
    Some(if x.is_zero() && y.is_zero() { Affine::identity() } else { Affine::new_unchecked(x, y) })
}

/// Hashes what is written.
pub(crate) struct Writer<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Writer<W> {
    pub(crate) fn new(inner: W) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    pub(crate) fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.inner.write_all(bytes)
    }

    pub(crate) fn points<C: SWCurveConfig<BaseField: Coordinate>>(&mut self, points: &[Affine<C>]) -> io::Result<()> {
        let size = point_bytes::<C::BaseField>();
        for chunk in points.chunks(CHUNK) {
            let mut bytes = vec![0; chunk.len() * size];
            bytes.par_chunks_exact_mut(size).zip(chunk).for_each(|(out, p)| put_point(p, out));
            self.put(&bytes)?;
        }
        Ok(())
    }

    /// Ends the file with the SHA-256 of all before.
    pub(crate) fn seal(mut self) -> io::Result<()> {
        let digest = self.hash.finalize();
        self.inner.write_all(&digest)
    }
}

/// Hashes what is read.
pub(crate) struct Reader<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Reader<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hash: Sha256::new() }
    }

    pub(crate) fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes)?;
        self.hash.update(bytes);
        Ok(bytes)
    }

    /// As many bytes as asked for, which the caller has bounded.
    pub(crate) fn bytes(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.inner.read_exact(&mut bytes)?;
        self.hash.update(&bytes);
        Ok(bytes)
    }

    pub(crate) fn points<C: SWCurveConfig<BaseField: Coordinate>>(
        &mut self,
        count: usize,
    ) -> io::Result<Vec<Affine<C>>> {
        let size = point_bytes::<C::BaseField>();
        let mut points = Vec::with_capacity(count);
        let mut bytes = vec![0; CHUNK.min(count) * size];
        while points.len() < count {
            let n = CHUNK.min(count - points.len());
            let chunk = &mut bytes[..n * size];
            self.inner.read_exact(chunk)?;
            self.hash.update(&*chunk);
            let decoded: Option<Vec<_>> = chunk.par_chunks_exact(size).map(get_point).collect();
            points.extend(decoded.ok_or_else(|| io::Error::other("a coordinate is not canonical"))?);
        }
        Ok(points)
    }

    pub(crate) fn point<C: SWCurveConfig<BaseField: Coordinate>>(&mut self) -> io::Result<Affine<C>> {
        self.points(1)?.pop().ok_or_else(|| io::Error::other("a point is missing"))
    }

    /// Whether the SHA-256 of all before follows.
    pub(crate) fn is_sealed(&mut self) -> io::Result<bool> {
        let digest: [u8; 32] = self.hash.clone().finalize().into();
        Ok(self.take::<32>()? == digest)
    }
}

impl ProvingKey {
    /// Writes the file's bytes.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let k = &self.points;
        let mut out = Writer::new(out);
        out.put(MAGIC)?;
        out.put(&VERSION.to_le_bytes())?;
        out.put(&self.system.bytes())?;
        out.put(&self.verifying_key_digest)?;
        for size in [k.b_g1.len(), k.a.len() - k.b_g1.len(), k.h.len() + 1] {
            out.put(&(size as u64).to_le_bytes())?;
        }
        out.points(&[k.beta_g1])?;
        out.points(&k.deltas_g1)?;
        out.points(&k.a)?;
        out.points(&k.b_g1)?;
        out.points(&k.b_g2)?;
        out.points(&k.l)?;
        out.points(&k.h)?;
        out.seal()
    }

    /// Reads a file for a circuit of this cost and this verifying key. Nothing is allocated before header and length fit,
    /// and the file is never in memory beside the key.
    pub fn read(path: &Path, cost: &Cost, verifying_key: &VerifyingKey) -> Result<Self, FileError> {
        let system = verifying_key.system();
        let error = |message: &str| FileError::new(path, message);
        let io_error = |e: io::Error| match e.kind() {
            io::ErrorKind::UnexpectedEof => error("the proving key is truncated; run setup again"),
            _ => FileError::new(path, e),
        };
        let file = File::open(path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        let mut r = Reader::new(BufReader::with_capacity(1 << 20, file));
        if r.take::<4>().map_err(io_error)? != *MAGIC {
            return Err(error("not a proving key"));
        }
        let version = u16::from_le_bytes(r.take().map_err(io_error)?);
        if version != VERSION {
            return Err(error(&format!(
                "proving key of version {version}, this program reads {VERSION}; run setup again"
            )));
        }
        if r.take::<16>().map_err(io_error)? != system.bytes() {
            return Err(error("the proving key is for another proof system"));
        }
        if r.take::<32>().map_err(io_error)? != *verifying_key.digest() {
            return Err(error("the proving key does not belong to verifying.key beside it; run setup again"));
        }
        let mut size = || r.take().map(u64::from_le_bytes).map_err(io_error);
        let found = Sizes { variables: size()?, derived: size()?, domain: size()? };
        let sizes = sizes(cost).map_err(|e| FileError::new(path, e))?;
        if found != sizes {
            return Err(error("the proving key is for another circuit"));
        }
        let shared = system::shared_points(verifying_key.material());
        let (alpha_g1, beta_g2, deltas_g2) =
            shared.ok_or_else(|| error("the verifying key is of another proof system"))?;
        let expected =
            HEADER + 64 * (1 + deltas_g2.len() as u64) + sizes.points_in_file(qap::instance(cost) as u64) + 32;
        if length != expected {
            return Err(error(&format!("{length} bytes where {expected} are needed; run setup again")));
        }
        let (first, rows) = (cost.variables, sizes.domain as usize);
        let all = first + cost.derived;
        let mut points = || -> io::Result<Points> {
            Ok(Points {
                alpha_g1,
                beta_g1: r.point()?,
                beta_g2,
                deltas_g1: r.points(deltas_g2.len())?,
                deltas_g2: deltas_g2.clone(),
                ic: Vec::new(),
                a: r.points(all)?,
                b_g1: r.points(first)?,
                b_g2: r.points(first)?,
                l: r.points(all - qap::instance(cost))?,
                h: r.points(rows - 1)?,
            })
        };
        let points = points().map_err(io_error)?;
        if !r.is_sealed().map_err(io_error)? {
            return Err(error("the proving key is damaged (its digest does not match); run setup again"));
        }
        Ok(Self { system, verifying_key_digest: *verifying_key.digest(), points })
    }
}
