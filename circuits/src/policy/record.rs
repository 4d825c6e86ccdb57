//! Records, and the batch of them that a device signs.

use alloc::{format, vec::Vec};

use ark_ff::Zero as _;

use super::{FormatError, Schema, TIME_BITS, tags};
use crate::r1cs::{
    Fr,
    poseidon::{chain, hash, tag},
};

/// One reading.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Pseudonym of the person that the reading is about.
    pub subject: Fr,
    /// Seconds since 1970 (Unix time), below 2^40.
    pub time: u64,
    /// Latitude: 10^7 · (degrees + 90), so that 0 is the south pole.
    pub lat: u32,
    /// Longitude: 10^7 · (degrees + 180).
    pub lon: u32,
    /// Sequence number, below 2^40: one more with every record of the device under this schema.
    pub seq: u64,
    /// Hides the record from whoever sees its hash: uniform and nonzero.
    pub salt: Fr,
    /// Values in the order of the schema.
    pub features: Vec<i64>,
}

impl Record {
    /// Checks everything that the schema and the widths say of a record.
    ///
    /// # Errors
    /// Names the first field that breaks a rule.
    pub fn check(&self, schema: &Schema) -> Result<(), FormatError> {
        self.check_widths()?;
        if self.salt.is_zero() {
            return Err(FormatError::new("salt", "it is zero: draw it at random"));
        }
        self.check_features(schema)
    }

    pub(super) fn check_widths(&self) -> Result<(), FormatError> {
        for (name, value) in [("time", self.time), ("seq", self.seq)] {
            if value >> TIME_BITS != 0 {
                return Err(FormatError::new(name, format!("{value} is not below 2^{TIME_BITS}")));
            }
        }
        Ok(())
    }

    pub(super) fn check_features(&self, schema: &Schema) -> Result<(), FormatError> {
        if self.features.len() != schema.features.len() {
            let message = format!("{} values, the schema has {}", self.features.len(), schema.features.len());
            return Err(FormatError::new("features", message));
        }
        for (f, &v) in schema.features.iter().zip(&self.features) {
            let range = f.range();
            if !(range.lo..=range.hi).contains(&v) {
                let message = format!("{v} is outside {} to {}", range.lo, range.hi);
                return Err(FormatError::new(format!("feature {}", f.name), message));
            }
        }
        Ok(())
    }

    /// H(tag, schema, subject, time, lat, lon, seq, salt, chain of the packed features).
    pub fn hash(&self, schema: &Schema) -> Fr {
        self.hash_under(schema, schema.id())
    }

    fn hash_under(&self, schema: &Schema, id: Fr) -> Fr {
        hash(&[
            tag(tags::RECORD),
            id,
            self.subject,
            self.time.into(),
            self.lat.into(),
            self.lon.into(),
            self.seq.into(),
            self.salt,
            chain(tag(tags::FEATURES), &schema.pack(&self.features)),
        ])
    }
}

/// What a device signs: H(tag, schema, R, seq of the first record, chain of the record hashes).
pub fn batch_hash(schema: &Schema, records: &[Record]) -> Fr {
    let id = schema.id();
    let hashes: Vec<Fr> = records.iter().map(|r| r.hash_under(schema, id)).collect();
    let first = records.first().map_or(0, |r| r.seq);
    hash(&[tag(tags::BATCH), id, schema.records.into(), first.into(), chain(tag(tags::RECORDS), &hashes)])
}
