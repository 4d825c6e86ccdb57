//! What may be wrong with a `.ptau` file.

use super::{
    contribution::ContributionDefect,
    file::{MAX_POWER, Section},
    point::PointDefect,
};
use crate::{files::FileError, progress::Cancelled, random::NoRandomness};

/// Why a `.ptau` file is refused, or none was made.
#[derive(Debug, thiserror::Error)]
pub enum PtauError {
    /// Reading or writing failed.
    #[error(transparent)]
    File(#[from] FileError),
    /// The work was stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// There is no randomness for secrets or for the checks.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// It does not begin like a `.ptau` file of version 1.
    #[error("this is no .ptau file of version 1, as snarkjs writes them")]
    NotPtau,
    /// It ends too early.
    #[error("the file ends within {0}: it is truncated; fetch it again")]
    Truncated(Place),
    /// There is something after the last section.
    #[error("{0} bytes follow the last section: the file is damaged; fetch it again")]
    Trailing(u64),
    /// It changed between two readings.
    #[error("the file changed while it was read; run this again when nothing writes to it")]
    Changed,
    /// A section that the format does not have.
    #[error("the file has a section {0}, which the format does not have")]
    UnknownSection(u32),
    /// A section that is there twice.
    #[error("{0} is there more than once")]
    Duplicate(Section),
    /// A section that is not there.
    #[error("{0} is missing: the file was not finished, or is damaged; fetch it again")]
    Missing(Section),
    /// Sections in another order than ascending.
    #[error("{0} is not in its place: sections have to be in ascending order, as snarkjs writes them")]
    Order(Section),
    /// The header has another length or another field.
    #[error("the header is not of BN254: files of other curves are of no use here")]
    OtherCurve,
    /// Powers that cannot be.
    #[error("power {power} of a ceremony of power {ceremony}: the first is from 1 to the second, at most {MAX_POWER}")]
    Power {
        /// log2 of the number of points.
        power: u32,
        /// The same of the file that the contributions were made to.
        ceremony: u32,
    },
    /// A section whose length does not fit the power in the header.
    #[error("{section} has {bytes} bytes, and {expected} at power {power}: the header or the section is wrong")]
    Length {
        /// Which.
        section: Section,
        /// Its length.
        bytes: u64,
        /// What it should be.
        expected: u64,
        /// From the header.
        power: u32,
    },
    /// A file for smaller circuits.
    #[error("the circuit needs a domain of {points} points; a file of power {power} has 2^{power}: take a larger one")]
    TooSmall {
        /// Points of the domain.
        points: usize,
        /// The file's.
        power: u32,
    },
    /// Nobody contributed.
    #[error("the file has no contribution but beacons: everybody knows its secrets; contribute to it first")]
    NoContribution,
    /// The list of contributions cannot be read.
    #[error("{section}: {0}", section = Section::Contributions)]
    Contributions(&'static str),
    /// A contribution that does not hold.
    #[error("contribution {number}: {defect}")]
    Contribution {
        /// From 1.
        number: usize,
        /// What is wrong.
        defect: ContributionDefect,
    },
    /// A point that is none, or none of those allowed.
    #[error("{section}, point {index}: {defect}")]
    Point {
        /// Where.
        section: Section,
        /// From 0.
        index: u64,
        /// What is wrong.
        defect: PointDefect,
    },
    /// A section does not begin with what the last contribution says.
    #[error("{section} does not begin with the points of the last contribution")]
    First {
        /// Where.
        section: Section,
    },
    /// Points that are not consecutive powers.
    #[error("{section}: the points are not consecutive powers of the τ of the last contribution")]
    Powers {
        /// Where.
        section: Section,
    },
    /// The last contribution's response is not what the file holds.
    #[error("the points are not those that the last contribution hashed as its response")]
    Response,
    /// The next challenge is not what the file holds.
    #[error("the points are not those that the last contribution hashed as the next challenge")]
    NextChallenge,
    /// A Lagrange basis that does not belong to the powers.
    #[error(
        "{section}: the basis of 2^{power} points does not belong to the powers; run `snarkjs powersoftau prepare phase2` anew"
    )]
    Basis {
        /// Where.
        section: Section,
        /// log2 of the size of the domain.
        power: u32,
    },
    /// A file cut to a smaller power, where nobody can contribute.
    #[error("the file was cut from a ceremony of power {0}: nobody can contribute to a part")]
    Reduced(u32),
    /// What a new file or contribution should be made with.
    #[error("{0}")]
    Parameter(&'static str),
}

/// Where a file ends too early.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Before the list of sections is complete.
    Sections,
    /// In a section.
    Section(Section),
}

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Sections => f.write_str("the headers of its sections"),
            Self::Section(section) => section.fmt(f),
        }
    }
}
