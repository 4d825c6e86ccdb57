//! The container: a header, and sections that each begin with their number and length.
//!
//! ```text
//! "ptau" | version u32 | sections u32 | (number u32 | length u64 | content)…      all little-endian
//! ```

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
};

use ark_bn254::{Fq, g1, g2};
use ark_ff::PrimeField as _;

use super::{
    blake2b::Blake2b,
    error::{Place, PtauError},
    point::Curve,
};
use crate::{
    files::FileError,
    progress::{Progress, check},
};

pub(super) const MAGIC: &[u8; 4] = b"ptau";
pub(super) const VERSION: u32 = 1;
/// The largest domain of the scalar field has 2^28 points.
pub(super) const MAX_POWER: u32 = 28;
/// Above any list of contributions: some 40,000 of them.
const MAX_CONTRIBUTIONS: u64 = 64 << 20;
/// The header's content: the length of a field element, the modulus, two powers.
pub(super) const HEADER: u64 = 4 + 32 + 4 + 4;
/// Bytes read at a time of what is only hashed.
const SKIP: u64 = 1 << 22;

/// What a header says of the field: the length of an element, and the modulus.
pub(super) fn field() -> Vec<u8> {
    let modulus = Fq::MODULUS.0.into_iter().flat_map(u64::to_le_bytes);
    32u32.to_le_bytes().into_iter().chain(modulus).collect()
}

/// A section, by its number in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Section {
    /// Curve and power.
    Header = 1,
    /// `[τ^i]₁` for i below 2^(power + 1) − 1.
    TauG1 = 2,
    /// `[τ^i]₂` for i below 2^power.
    TauG2 = 3,
    /// `[α·τ^i]₁` for i below 2^power.
    AlphaTauG1 = 4,
    /// `[β·τ^i]₁` for i below 2^power.
    BetaTauG1 = 5,
    /// `[β]₂`.
    BetaG2 = 6,
    /// Who contributed, and how.
    Contributions = 7,
    /// `[L_i(τ)]₁` over the domains of 1, 2, 4 … 2^(power + 1) points.
    LagrangeG1 = 12,
    /// `[L_i(τ)]₂` over the domains up to 2^power points.
    LagrangeG2 = 13,
    /// `[α·L_i(τ)]₁` over the domains up to 2^power points.
    AlphaLagrangeG1 = 14,
    /// `[β·L_i(τ)]₁` over the domains up to 2^power points.
    BetaLagrangeG1 = 15,
}

impl Section {
    const ALL: [Self; 11] = [
        Self::Header,
        Self::TauG1,
        Self::TauG2,
        Self::AlphaTauG1,
        Self::BetaTauG1,
        Self::BetaG2,
        Self::Contributions,
        Self::LagrangeG1,
        Self::LagrangeG2,
        Self::AlphaLagrangeG1,
        Self::BetaLagrangeG1,
    ];
    /// Of a file without Lagrange bases.
    pub(super) const REQUIRED: u32 = 7;

    /// Points that it holds in a file of this power.
    pub(super) fn points(self, power: u32) -> u64 {
        let n = 1u64 << power;
        match self {
            Self::Header | Self::Contributions => 0,
            Self::BetaG2 => 1,
            Self::TauG2 | Self::AlphaTauG1 | Self::BetaTauG1 => n,
            Self::TauG1 | Self::LagrangeG2 | Self::AlphaLagrangeG1 | Self::BetaLagrangeG1 => 2 * n - 1,
            Self::LagrangeG1 => 4 * n - 1,
        }
    }

    fn point_bytes(self) -> u64 {
        match self {
            Self::TauG2 | Self::BetaG2 | Self::LagrangeG2 => g2::Config::POINT as u64,
            _ => g1::Config::POINT as u64,
        }
    }
}

impl core::fmt::Display for Section {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name = match self {
            Self::Header => "header",
            Self::TauG1 => "tauG1",
            Self::TauG2 => "tauG2",
            Self::AlphaTauG1 => "alphaTauG1",
            Self::BetaTauG1 => "betaTauG1",
            Self::BetaG2 => "betaG2",
            Self::Contributions => "contributions",
            Self::LagrangeG1 => "Lagrange tauG1",
            Self::LagrangeG2 => "Lagrange tauG2",
            Self::AlphaLagrangeG1 => "Lagrange alphaTauG1",
            Self::BetaLagrangeG1 => "Lagrange betaTauG1",
        };
        write!(f, "section {} ({name})", *self as u32)
    }
}

/// A file whose sections are where they should be. Its content is read from the beginning, once, and hashed.
pub(super) struct Ptau<'a> {
    path: PathBuf,
    file: File,
    hash: Blake2b,
    sections: Vec<(Section, u64)>,
    /// log2 of the number of points.
    pub(super) power: u32,
    /// The same of the file that was contributed to: this one may be a part of it.
    pub(super) ceremony_power: u32,
    /// The content of the list of contributions.
    pub(super) contributions: Vec<u8>,
    /// Bytes of the file.
    pub(super) length: u64,
    pub(super) progress: &'a dyn Progress,
}

impl<'a> Ptau<'a> {
    /// Opens a file and checks its headers, before it takes memory for anything.
    pub(super) fn open(path: &Path, progress: &'a dyn Progress) -> Result<Self, PtauError> {
        let error = |e: io::Error| FileError::new(path, e);
        let file = File::open(path).map_err(error)?;
        let metadata = file.metadata().map_err(error)?;
        if !metadata.is_file() {
            return Err(FileError::new(path, "not a regular file").into());
        }
        let mut ptau = Self {
            path: path.to_owned(),
            file,
            hash: Blake2b::default(),
            sections: Vec::new(),
            power: 0,
            ceremony_power: 0,
            contributions: Vec::new(),
            length: metadata.len(),
            progress,
        };
        ptau.scan()?;
        ptau.hash = Blake2b::default();
        ptau.seek(0)?;
        Ok(ptau)
    }

    /// Goes from section to section.
    fn scan(&mut self) -> Result<(), PtauError> {
        let count = self.start()?;
        let mut at = 12;
        for _ in 0..count {
            let (number, length) = self.section_start()?;
            at += 12;
            let section =
                Section::ALL.into_iter().find(|s| *s as u32 == number).ok_or(PtauError::UnknownSection(number))?;
            if self.sections.iter().any(|(s, _)| *s == section) {
                return Err(PtauError::Duplicate(section));
            }
            if self.sections.last().is_some_and(|(s, _)| *s > section) {
                return Err(PtauError::Order(section));
            }
            if length > self.length.saturating_sub(at) {
                return Err(PtauError::Truncated(Place::Section(section)));
            }
            self.sections.push((section, length));
            match section {
                Section::Header => self.header(length)?,
                Section::Contributions if length > MAX_CONTRIBUTIONS => {
                    return Err(PtauError::Contributions("it is too long to be a list of contributions"));
                }
                Section::Contributions => self.contributions = self.bytes(length, section.into())?,
                _ => {}
            }
            at += length;
            self.seek(at)?;
        }
        if at != self.length {
            return Err(PtauError::Trailing(self.length.saturating_sub(at)));
        }
        // Either none of the bases, or all.
        let expected = if self.sections.iter().any(|(s, _)| *s > Section::Contributions) { 11 } else { 7 };
        for section in Section::ALL.into_iter().take(expected) {
            let (_, bytes) = self.sections.iter().find(|(s, _)| *s == section).ok_or(PtauError::Missing(section))?;
            let points = section.points(self.power);
            let expected = points * section.point_bytes();
            // Files prepared by old versions lack the basis for 2^(power + 1) points.
            let short = section == Section::LagrangeG1 && *bytes == (points / 2) * section.point_bytes();
            if points > 0 && *bytes != expected && !short {
                return Err(PtauError::Length { section, bytes: *bytes, expected, power: self.power });
            }
        }
        Ok(())
    }

    fn header(&mut self, length: u64) -> Result<(), PtauError> {
        if length != HEADER || self.bytes(4 + 32, Section::Header.into())? != field() {
            return Err(PtauError::OtherCurve);
        }
        (self.power, self.ceremony_power) = (self.u32(Section::Header.into())?, self.u32(Section::Header.into())?);
        if self.power == 0 || self.power > self.ceremony_power || self.ceremony_power > MAX_POWER {
            return Err(PtauError::Power { power: self.power, ceremony: self.ceremony_power });
        }
        Ok(())
    }

    /// Whether it has Lagrange bases.
    pub(super) fn is_prepared(&self) -> bool {
        self.sections.len() > Section::REQUIRED as usize
    }

    /// Bytes of a section.
    pub(super) fn section_length(&self, section: Section) -> u64 {
        self.sections.iter().find(|(s, _)| *s == section).map_or(0, |(_, length)| *length)
    }

    /// Reads again what comes before the points: magic, version, header.
    pub(super) fn begin(&mut self) -> Result<(), PtauError> {
        self.start()?;
        self.enter(Section::Header)?;
        self.skip(HEADER, Section::Header)
    }

    /// Reads what is left, for the hash.
    pub(super) fn rest(&mut self) -> Result<(), PtauError> {
        let at = self.file.stream_position().map_err(|e| FileError::new(&self.path, e))?;
        self.skip(self.length.saturating_sub(at), Section::Contributions)
    }

    /// Reads the beginning of the file: the number of sections.
    fn start(&mut self) -> Result<u32, PtauError> {
        let magic = self.bytes(4, Place::Sections);
        let version = self.u32(Place::Sections);
        match (magic, version) {
            (Ok(magic), Ok(VERSION)) if magic == MAGIC => self.u32(Place::Sections),
            (Err(e @ PtauError::File(_)), _) => Err(e),
            _ => Err(PtauError::NotPtau),
        }
    }

    fn section_start(&mut self) -> Result<(u32, u64), PtauError> {
        let number = self.u32(Place::Sections)?;
        let length = self.bytes(8, Place::Sections)?;
        Ok((number, length.try_into().map_or(0, u64::from_le_bytes)))
    }

    /// Goes on to the next section, which has to be this one.
    pub(super) fn enter(&mut self, section: Section) -> Result<(), PtauError> {
        let expected = (section as u32, self.section_length(section));
        if self.section_start()? == expected { Ok(()) } else { Err(PtauError::Changed) }
    }

    fn u32(&mut self, place: Place) -> Result<u32, PtauError> {
        Ok(self.bytes(4, place)?.try_into().map_or(0, u32::from_le_bytes))
    }

    /// Reads and hashes bytes. Their number is checked before.
    pub(super) fn bytes(&mut self, count: u64, place: Place) -> Result<Vec<u8>, PtauError> {
        let bytes = self.unhashed(count, place)?;
        self.hash.update(&bytes);
        Ok(bytes)
    }

    /// Reads bytes, and hashes them while something else is done with them.
    pub(super) fn with_bytes<T: Send>(
        &mut self,
        count: u64,
        section: Section,
        work: impl FnOnce(&[u8]) -> T + Send,
    ) -> Result<T, PtauError> {
        check(self.progress)?;
        let bytes = self.unhashed(count, section.into())?;
        let ((), value) = rayon::join(|| self.hash.update(&bytes), || work(&bytes));
        self.progress.advance(count);
        Ok(value)
    }

    /// Reads bytes that only the hash needs.
    pub(super) fn skip(&mut self, mut count: u64, section: Section) -> Result<(), PtauError> {
        while count > 0 {
            let now = count.min(SKIP);
            self.with_bytes(now, section, |_| ())?;
            count -= now;
        }
        Ok(())
    }

    /// BLAKE2b-512 of the whole file, all of which has been read.
    pub(super) fn finish(mut self) -> Result<[u8; 64], PtauError> {
        let mut more = [0];
        let read = self.file.read(&mut more).map_err(|e| FileError::new(&self.path, e))?;
        if read > 0 { Err(PtauError::Changed) } else { Ok(self.hash.finish()) }
    }

    fn unhashed(&mut self, count: u64, place: Place) -> Result<Vec<u8>, PtauError> {
        let mut bytes = Vec::new();
        let read = (&self.file).take(count).read_to_end(&mut bytes).map_err(|e| FileError::new(&self.path, e))?;
        if read as u64 == count { Ok(bytes) } else { Err(PtauError::Truncated(place)) }
    }

    fn seek(&mut self, to: u64) -> Result<(), PtauError> {
        self.file.seek(SeekFrom::Start(to)).map_err(|e| FileError::new(&self.path, e))?;
        Ok(())
    }
}

impl From<Section> for Place {
    fn from(section: Section) -> Self {
        Self::Section(section)
    }
}
