//! The file `proving.key`: the points that only the prover needs.
//!
//! | field | bytes |
//! |---|---|
//! | magic `AVPK` | 4 |
//! | version, little-endian | 2 |
//! | system id | 16 |
//! | digest of the verifying key that it belongs to | 32 |
//! | variables, domain size, little-endian | 8 + 8 |
//! | β, δ in G1 | 64 + 64 |
//! | A, B (G1), B (G2) of each variable; L of each witness; H of each row but the last | 64, 128 |
//! | SHA-256 of all before | 32 |
//!
//! A point is its coordinates, each canonical and little-endian; the identity is all zeros. Points are not checked
//! against the curve: the digest finds damage, and every proof is verified before it leaves the prover.

use std::{
    fs::File,
    io::{self, BufReader, Read, Write},
    path::Path,
};

use ark_bn254::{Bn254, Fq, Fq2};
use ark_ec::{
    AffineRepr as _,
    short_weierstrass::{Affine, SWCurveConfig},
};
use ark_ff::{BigInt, Field, PrimeField as _, Zero as _};
use ark_groth16::{ProvingKey as Groth16Key, VerifyingKey as Groth16VerifyingKey};
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::{qap::INSTANCE, setup::ProvingKey};
use crate::{files::FileError, memory::Sizes};

const MAGIC: &[u8; 4] = b"AVPK";
const VERSION: u16 = 1;
const HEADER: usize = 4 + 2 + 16 + 32 + 8 + 8;
/// Points decoded at a time.
const CHUNK: usize = 1 << 14;

/// A coordinate: 32 or 64 bytes.
trait Coordinate: Field {
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
struct Writer<W> {
    inner: W,
    hash: Sha256,
}

impl<W: Write> Writer<W> {
    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hash.update(bytes);
        self.inner.write_all(bytes)
    }

    fn points<C: SWCurveConfig<BaseField: Coordinate>>(&mut self, points: &[Affine<C>]) -> io::Result<()> {
        let size = point_bytes::<C::BaseField>();
        for chunk in points.chunks(CHUNK) {
            let mut bytes = vec![0; chunk.len() * size];
            bytes.par_chunks_exact_mut(size).zip(chunk).for_each(|(out, p)| put_point(p, out));
            self.put(&bytes)?;
        }
        Ok(())
    }
}

/// Hashes what is read.
struct Reader<R> {
    inner: R,
    hash: Sha256,
}

impl<R: Read> Reader<R> {
    fn take<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.inner.read_exact(&mut bytes)?;
        self.hash.update(bytes);
        Ok(bytes)
    }

    fn points<C: SWCurveConfig<BaseField: Coordinate>>(&mut self, count: usize) -> io::Result<Vec<Affine<C>>> {
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

    fn point<C: SWCurveConfig<BaseField: Coordinate>>(&mut self) -> io::Result<Affine<C>> {
        self.points(1)?.pop().ok_or_else(|| io::Error::other("a point is missing"))
    }
}

impl ProvingKey {
    /// Writes the file's bytes.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let k = &self.key;
        let mut out = Writer { inner: out, hash: Sha256::new() };
        out.put(MAGIC)?;
        out.put(&VERSION.to_le_bytes())?;
        out.put(&super::SYSTEM.bytes())?;
        out.put(&self.verifying_key_digest)?;
        out.put(&(k.a_query.len() as u64).to_le_bytes())?;
        out.put(&(k.h_query.len() as u64 + 1).to_le_bytes())?;
        out.points(&[k.beta_g1, k.delta_g1])?;
        out.points(&k.a_query)?;
        out.points(&k.b_g1_query)?;
        out.points(&k.b_g2_query)?;
        out.points(&k.l_query)?;
        out.points(&k.h_query)?;
        let digest = out.hash.clone().finalize();
        out.put(&digest)
    }

    /// Reads a file for a circuit of these sizes and this verifying key. Nothing is allocated before header and length
    /// fit, and the file is never in memory beside the key.
    pub fn read(
        path: &Path,
        sizes: Sizes,
        verifying_key: Groth16VerifyingKey<Bn254>,
        verifying_key_digest: [u8; 32],
    ) -> Result<Self, FileError> {
        let error = |message: &str| FileError::new(path, message);
        let io_error = |e: io::Error| match e.kind() {
            io::ErrorKind::UnexpectedEof => error("the proving key is truncated; run setup again"),
            _ => FileError::new(path, e),
        };
        let file = File::open(path).map_err(io_error)?;
        let length = file.metadata().map_err(io_error)?.len();
        let mut r = Reader { inner: BufReader::with_capacity(1 << 20, file), hash: Sha256::new() };
        if r.take::<4>().map_err(io_error)? != *MAGIC {
            return Err(error("not a proving key"));
        }
        let version = u16::from_le_bytes(r.take().map_err(io_error)?);
        if version != VERSION {
            return Err(error(&format!(
                "proving key of version {version}, this program reads {VERSION}; run setup again"
            )));
        }
        if r.take::<16>().map_err(io_error)? != super::SYSTEM.bytes() {
            return Err(error("the proving key is for another proof system"));
        }
        if r.take::<32>().map_err(io_error)? != verifying_key_digest {
            return Err(error("the proving key does not belong to verifying.key beside it; run setup again"));
        }
        let variables = u64::from_le_bytes(r.take().map_err(io_error)?);
        let domain = u64::from_le_bytes(r.take().map_err(io_error)?);
        if (Sizes { domain, variables }) != sizes {
            return Err(error("the proving key is for another circuit"));
        }
        let (n, rows) = (variables as usize, domain as usize);
        let expected = HEADER + 2 * 64 + n * (64 + 64 + 128) + (n - INSTANCE) * 64 + (rows - 1) * 64 + 32;
        if length != expected as u64 {
            return Err(error(&format!("{length} bytes where {expected} are needed; run setup again")));
        }
        let mut points = || -> io::Result<Groth16Key<Bn254>> {
            Ok(Groth16Key {
                beta_g1: r.point()?,
                delta_g1: r.point()?,
                a_query: r.points(n)?,
                b_g1_query: r.points(n)?,
                b_g2_query: r.points(n)?,
                l_query: r.points(n - INSTANCE)?,
                h_query: r.points(rows - 1)?,
                vk: verifying_key.clone(),
            })
        };
        let key = points().map_err(io_error)?;
        let digest: [u8; 32] = r.hash.clone().finalize().into();
        if r.take::<32>().map_err(io_error)? != digest {
            return Err(error("the proving key is damaged (its digest does not match); run setup again"));
        }
        Ok(Self { verifying_key_digest, key })
    }
}
