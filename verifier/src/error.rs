//! Decoding errors.

/// Bytes that are not the canonical encoding of what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}, {field}: {problem}")]
pub struct DecodeError {
    /// Which file or object.
    pub what: &'static str,
    /// Which part of it.
    pub field: &'static str,
    /// What is wrong there.
    pub problem: Problem,
}

impl DecodeError {
    pub(crate) const fn new(what: &'static str, field: &'static str, problem: Problem) -> Self {
        Self { what, field, problem }
    }
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// The bytes end within or before the field.
    #[error("the file ends too early; it may have been cut off")]
    Truncated,
    /// There are bytes after the last field.
    #[error("{0} bytes too many; nothing may follow the last field")]
    Trailing(usize),
    /// Another kind of file.
    #[error("this is not such a file: it does not begin with its magic bytes")]
    Magic,
    /// A format or circuit version that this release does not read.
    #[error("version {found}, but this release reads only version {expected}")]
    Version {
        /// The version in the file.
        found: u32,
        /// The only version that is read.
        expected: u32,
    },
    /// A length or count that is not allowed here.
    #[error("length {found}, but {expected} is needed")]
    Length {
        /// The length in the file.
        found: usize,
        /// What is allowed.
        expected: LengthRule,
    },
    /// Not the id of a proof system that this build knows.
    #[error("unknown proof system {}; a newer release may know it", hex::encode(.0))]
    UnknownSystem([u8; 16]),
    /// An enumerated value that does not exist.
    #[error("{0} stands for nothing here")]
    UnknownKind(u8),
    /// A scalar at or above the field's modulus.
    #[error("not below the modulus of the proof system's field")]
    NotCanonical,
    /// A coordinate at or above its modulus, impossible flags, or an x-coordinate without a point.
    #[error("not the canonical encoding of a point on the curve")]
    NotAPoint,
    /// On the curve, but outside the subgroup of prime order.
    #[error("the point is not in the subgroup of prime order")]
    WrongSubgroup,
    /// The point at infinity where it may not be.
    #[error("the point is the identity")]
    Identity,
    /// A point that must not be, or must be, equal to another one up to sign.
    #[error("{0}")]
    Relation(&'static str),
    /// Text that is not UTF-8 or has control characters, which could fool a terminal.
    #[error("not plain UTF-8 text without control characters")]
    Text,
    /// A rule that `avouch-circuits` checks: circuit description, shape or quantization.
    #[error("{0}")]
    Rule(alloc::string::String),
}

/// The lengths that are allowed somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LengthRule {
    /// Exactly this.
    Exactly(usize),
    /// This or less.
    AtMost(usize),
}

impl LengthRule {
    /// Whether a length is allowed.
    pub const fn admits(self, length: usize) -> bool {
        match self {
            Self::Exactly(n) => length == n,
            Self::AtMost(n) => length <= n,
        }
    }
}

impl core::fmt::Display for LengthRule {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Exactly(n) => write!(f, "exactly {n}"),
            Self::AtMost(n) => write!(f, "at most {n}"),
        }
    }
}
