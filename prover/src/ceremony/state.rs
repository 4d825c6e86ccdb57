//! The one file that a ceremony passes on: the transcript, and the points that the next contribution multiplies.
//!
//! | field | bytes |
//! |---|---|
//! | magic `AVCE` | 4 |
//! | version, little-endian | 2 |
//! | length of the transcript, little-endian | 4 |
//! | transcript | length |
//! | L of each witness, then H of each row but the last | 64 each |
//! | SHA-256 of all before | 32 |
//!
//! Points are coordinates, canonical and little-endian, as in `proving.key`. Each is on its curve; an L may be the identity,
//! all zeros.

use std::{
    fs::File,
    io::{self, BufReader},
    path::Path,
};

use ark_bn254::G1Affine;
use ark_ec::AffineRepr as _;
use rayon::prelude::*;
use sha2::{Digest as _, Sha256};

use super::{
    CeremonyError,
    error::Rejected,
    transcript::{MAX_LENGTH, Sizes, Transcript, malformed},
};
use crate::{
    files::{FileError, write_atomically},
    groth16::{Reader, Writer},
};

const MAGIC: &[u8; 4] = b"AVCE";
const VERSION: u16 = 1;

/// A ceremony after any number of contributions. All is checked that can be without model and phase 1: the chain of hashes,
/// every proof of knowledge, and that the points are those that the last contribution names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    pub(super) transcript: Transcript,
    pub(super) points: Moving,
}

/// The points that contributions multiply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moving {
    /// Of the witnesses, those of the first phase first.
    pub(super) l: Vec<G1Affine>,
    pub(super) h: Vec<G1Affine>,
}

impl Moving {
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hash = Hasher(Sha256::new());
        hash.0.update(b"avouch/ceremony/moving-points/v1");
        // A hash takes everything.
        let mut out = Writer::new(&mut hash);
        let _ = out.points(&self.l).and_then(|()| out.points(&self.h));
        hash.0.finalize().into()
    }

    fn check(&self) -> Result<(), Rejected> {
        let on_curve = |points: &[G1Affine]| points.par_iter().all(|p| p.is_on_curve());
        if !on_curve(&self.l) || !on_curve(&self.h) {
            return Err(malformed("points", "a point is not on the curve"));
        }
        if self.h.par_iter().any(|p| p.is_zero()) {
            return Err(malformed("points", "a point of H is the identity"));
        }
        Ok(())
    }
}

/// A hash that can be written to.
pub(super) struct Hasher(pub(super) Sha256);

impl io::Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl State {
    /// What happened so far.
    pub fn transcript(&self) -> &Transcript {
        &self.transcript
    }

    /// Writes the file, whole or not at all.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        write_atomically(path, false, |out| self.write_to(out))
    }

    fn write_to(&self, out: &mut dyn io::Write) -> io::Result<()> {
        let transcript = self.transcript.encode();
        let length = u32::try_from(transcript.len()).map_err(io::Error::other)?;
        let mut out = Writer::new(out);
        out.put(MAGIC)?;
        out.put(&VERSION.to_le_bytes())?;
        out.put(&length.to_le_bytes())?;
        out.put(&transcript)?;
        out.points(&self.points.l)?;
        out.points(&self.points.h)?;
        out.seal()
    }

    /// Reads a file and checks it. Nothing is allocated before header and length fit.
    ///
    /// # Errors
    /// The file cannot be read, is malformed, or tells of a ceremony that does not hold.
    pub fn read(path: &Path) -> Result<Self, CeremonyError> {
        let io_error = |e: io::Error| FileError::new(path, e);
        let file = File::open(path).map_err(io_error)?;
        let metadata = file.metadata().map_err(io_error)?;
        if !metadata.is_file() {
            return Err(FileError::new(path, "not a regular file").into());
        }
        Ok(Self::read_from(BufReader::with_capacity(1 << 20, file), metadata.len())?)
    }

    fn read_from(file: impl io::Read, length: u64) -> Result<Self, Rejected> {
        let mut r = Reader::new(file);
        let truncated = |e: io::Error| malformed("file", e);
        if r.take::<4>().map_err(truncated)? != *MAGIC {
            return Err(malformed("magic", "not a ceremony file"));
        }
        let version = u16::from_le_bytes(r.take().map_err(truncated)?);
        if version != VERSION {
            return Err(malformed("version", format!("{version}, but this release reads {VERSION}")));
        }
        let transcript_length = u32::from_le_bytes(r.take().map_err(truncated)?) as usize;
        if transcript_length > MAX_LENGTH || transcript_length as u64 > length {
            return Err(malformed("transcript", "it is longer than the file, or than any may be"));
        }
        let transcript = r.bytes(transcript_length).map_err(truncated)?;
        let transcript = Transcript::decode(&transcript)?;
        let sizes = transcript.head().sizes;
        let expected = 4 + 2 + 4 + transcript_length as u64 + 64 * sizes.points() + 32;
        if length != expected {
            return Err(malformed("file", format!("{length} bytes where {expected} are needed")));
        }
        let Sizes { first_phase, second_phase, domain } = sizes;
        let mut points = || -> io::Result<Moving> {
            let l = r.points(first_phase as usize + second_phase as usize)?;
            Ok(Moving { l, h: r.points((domain as usize).saturating_sub(1))? })
        };
        let points = points().map_err(truncated)?;
        if !r.is_sealed().map_err(truncated)? {
            return Err(malformed("digest", "the file is damaged"));
        }
        points.check()?;
        if points.digest() != transcript.moving_points() {
            return Err(malformed("points", "they are not those that the last contribution names"));
        }
        Ok(Self { transcript, points })
    }
}
