//! Reading and writing canonical encodings.

use alloc::vec::Vec;

use crate::error::{DecodeError, LengthRule, Problem};

/// The version of every file format of this release.
pub(crate) const FORMAT_VERSION: u16 = 1;

/// Reads fields in order and names the one that is wrong.
pub(crate) struct Reader<'a> {
    what: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self { what, rest: bytes }
    }

    /// The error for a field of this object.
    pub(crate) fn error(&self, field: &'static str, problem: Problem) -> DecodeError {
        DecodeError::new(self.what, field, problem)
    }

    /// Magic bytes and format version.
    pub(crate) fn header(&mut self, magic: &[u8; 4]) -> Result<(), DecodeError> {
        if self.array::<4>("magic")? != *magic {
            return Err(self.error("magic", Problem::Magic));
        }
        self.version("format version", FORMAT_VERSION.into(), |r, f| r.u16(f).map(u32::from))
    }

    /// A version of which exactly one is read.
    pub(crate) fn version(
        &mut self,
        field: &'static str,
        expected: u32,
        read: impl FnOnce(&mut Self, &'static str) -> Result<u32, DecodeError>,
    ) -> Result<(), DecodeError> {
        let found = read(self, field)?;
        if found == expected { Ok(()) } else { Err(self.error(field, Problem::Version { found, expected })) }
    }

    pub(crate) fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DecodeError> {
        let (&head, tail) = self.rest.split_first_chunk().ok_or(self.error(field, Problem::Truncated))?;
        self.rest = tail;
        Ok(head)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        self.array(field).map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, DecodeError> {
        self.array(field).map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, DecodeError> {
        self.array(field).map(u32::from_le_bytes)
    }

    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, DecodeError> {
        self.array(field).map(i32::from_le_bytes)
    }

    /// A `u32` length that `rule` admits, and that many bytes.
    pub(crate) fn counted(&mut self, field: &'static str, rule: LengthRule) -> Result<&'a [u8], DecodeError> {
        let found = usize::try_from(self.u32(field)?).unwrap_or(usize::MAX);
        if !rule.admits(found) {
            return Err(self.error(field, Problem::Length { found, expected: rule }));
        }
        let (head, tail) = self.rest.split_at_checked(found).ok_or(self.error(field, Problem::Truncated))?;
        self.rest = tail;
        Ok(head)
    }

    /// Whatever is left.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.rest
    }

    /// Refuses trailing bytes.
    pub(crate) fn finish(self) -> Result<(), DecodeError> {
        match self.rest.len() {
            0 => Ok(()),
            n => Err(self.error("end", Problem::Trailing(n))),
        }
    }
}

/// Magic bytes and format version.
pub(crate) fn put_header(out: &mut Vec<u8>, magic: &[u8; 4]) {
    out.extend_from_slice(magic);
    out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
}

/// A `u32` length and the bytes. What is written was checked against a [`LengthRule`] far below 2^32 when it was made.
pub(crate) fn put_counted(out: &mut Vec<u8>, bytes: &[u8]) {
    put_u32(out, bytes.len());
    out.extend_from_slice(bytes);
}

/// A size far below 2^32. Decoding refuses the bytes if it is not.
pub(crate) fn put_u32(out: &mut Vec<u8>, size: usize) {
    out.extend_from_slice(&u32::try_from(size).unwrap_or(u32::MAX).to_le_bytes());
}
