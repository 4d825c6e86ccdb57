//! The records of a data policy, as a circuit has them.

use alloc::vec::Vec;

use super::Interval;

/// What a circuit has to know of the schema of its records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Records {
    /// Digest of the schema, as the circuit's description has it.
    pub schema: [u8; 31],
    /// Records that one proof covers, at least one.
    pub count: u16,
    /// Features of a record, in order.
    pub features: Vec<RecordFeature>,
}

/// A feature of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordFeature {
    /// Bits of its width, at most 32.
    pub bits: u32,
    /// All integers of that width.
    pub range: Interval,
    /// What stands for it where a policy masks it; within the range.
    pub fill: i64,
}
