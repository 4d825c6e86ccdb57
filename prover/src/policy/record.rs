//! Device keys, readings, and signed batches. All of them are private.

use std::{collections::BTreeMap, path::Path};

use ark_bn254::Fr;
use ark_ff::Zero as _;
use avouch_circuits::policy::{PublicKey, Record, Schema, SecretKey, Signature, batch_hash, nullifier_key_hash};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize as _;

use super::{
    json,
    text::{self, Hex as _},
};
use crate::{
    files::FileError,
    random::{self, NoRandomness},
};

const KEY_FORMAT: &str = "avouch/device-key/v1";
const READINGS_FORMAT: &str = "avouch/readings/v1";
const BATCH_FORMAT: &str = "avouch/batch/v1";

/// Steps of a degree in a record's coordinates.
const STEPS: i64 = 10_000_000;

/// A coordinate as records have it: 10^7 · (degrees + `most`), rounded; `most` is 90 for latitudes and 180 for longitudes.
pub(super) fn coordinate(degrees: f64, most: i32) -> Result<u32, String> {
    let limit = f64::from(most);
    if !(-limit..=limit).contains(&degrees) {
        return Err(format!("{degrees} degrees are not in -{most} to {most}"));
    }
    // Within 0 to 3.6 · 10^9.
    Ok(((degrees * STEPS as f64).round() as i64 + i64::from(most) * STEPS) as u32)
}

/// A device's secrets. Never printed.
pub struct DeviceKey {
    /// Signs batches.
    pub secret: SecretKey,
    /// What nullifiers are made from: for nothing else, and carried over when the signing key is renewed.
    pub nullifier_key: Fr,
}

impl core::fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("DeviceKey")
    }
}

impl Drop for DeviceKey {
    fn drop(&mut self) {
        self.nullifier_key.zeroize();
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyJson {
    #[serde(with = "text")]
    secret_key: [u8; 32],
    #[serde(with = "text")]
    nullifier_key: Fr,
}

impl DeviceKey {
    /// A fresh signing key; with a fresh nullifier key, unless that of an older key is carried over.
    ///
    /// # Errors
    /// The operating system gives no randomness.
    pub fn fresh(older: Option<&Self>) -> Result<Self, NoRandomness> {
        let nullifier_key = older.map_or_else(random::nonzero, |k| Ok(k.nullifier_key))?;
        Ok(Self { secret: SecretKey::from_bytes(random::bytes()?), nullifier_key })
    }

    /// Writes the key file, for its owner only.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let mut content = KeyJson { secret_key: *self.secret.expose(), nullifier_key: self.nullifier_key };
        let written = json::write(path, true, KEY_FORMAT, &content);
        content.secret_key.zeroize();
        written
    }

    /// Reads a key file.
    ///
    /// # Errors
    /// Anything that [`DeviceKey::write`] does not write.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let KeyJson { mut secret_key, nullifier_key } = json::read(path, KEY_FORMAT)?;
        let key = Self { secret: SecretKey::from_bytes(secret_key), nullifier_key };
        secret_key.zeroize();
        key.public().map_err(|e| FileError::new(path, e))?;
        if key.nullifier_key.is_zero() {
            return Err(FileError::new(path, "the nullifier key is zero"));
        }
        Ok(key)
    }

    /// The public key.
    ///
    /// # Errors
    /// The identity; see [`SecretKey::public`].
    pub fn public(&self) -> Result<PublicKey, avouch_circuits::policy::PointError> {
        self.secret.public()
    }

    /// What the registry knows of the nullifier key.
    pub fn nullifier_key_hash(&self) -> Fr {
        nullifier_key_hash(self.nullifier_key)
    }
}

/// Readings of one person, before they are signed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readings {
    /// The person's pseudonym.
    #[serde(with = "text")]
    subject: Fr,
    /// Sequence number of the first.
    seq: u64,
    readings: Vec<Reading>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Reading {
    /// Seconds since 1970.
    time: u64,
    latitude: f64,
    longitude: f64,
    features: Values,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Values {
    Ordered(Vec<i64>),
    Named(BTreeMap<String, i64>),
}

impl Values {
    /// In the schema's order.
    fn ordered(self, schema: &Schema) -> Result<Vec<i64>, String> {
        let mut named = match self {
            Self::Ordered(values) => return Ok(values),
            Self::Named(named) => named,
        };
        let take =
            |name: &String| named.remove(name).ok_or_else(|| format!("there is no value of the feature {name:?}"));
        let values = schema.features.iter().map(|f| &f.name).map(take).collect::<Result<_, _>>()?;
        match named.keys().next() {
            Some(name) => Err(format!("the schema has no feature {name:?}")),
            None => Ok(values),
        }
    }
}

impl Readings {
    /// Reads readings.
    ///
    /// # Errors
    /// Another format.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        json::read(path, READINGS_FORMAT)
    }

    /// Signs them as one batch, each with a fresh salt.
    ///
    /// # Errors
    /// Anything but R records of the schema whose first number R divides; no randomness; no key.
    pub fn sign(self, schema: &Schema, key: &DeviceKey) -> Result<SignedBatch, SignError> {
        let refused = |message: String| Err(SignError::Readings(message));
        let count = schema.records;
        if self.readings.len() != usize::from(count) {
            return refused(format!("{} readings: the schema signs {count} at once", self.readings.len()));
        }
        if !self.seq.is_multiple_of(count.into()) {
            return refused(format!("seq {} is not a multiple of {count}: batches would overlap", self.seq));
        }
        let mut records: Vec<Record> = Vec::new();
        for (i, r) in self.readings.into_iter().enumerate() {
            let at = |message: String| SignError::Readings(format!("reading {i}: {message}"));
            let record = Record {
                subject: self.subject,
                time: r.time,
                lat: coordinate(r.latitude, 90).map_err(at)?,
                lon: coordinate(r.longitude, 180).map_err(at)?,
                seq: self.seq.saturating_add(i as u64),
                salt: random::nonzero()?,
                features: r.features.ordered(schema).map_err(at)?,
            };
            record.check(schema).map_err(|e| at(e.to_string()))?;
            if records.last().is_some_and(|before| before.time > record.time) {
                return Err(at("it is earlier than the one before".into()));
            }
            records.push(record);
        }
        let refused = |e: avouch_circuits::policy::PointError| SignError::Readings(e.to_string());
        let signature = key.secret.sign(batch_hash(schema, &records)).map_err(refused)?;
        Ok(SignedBatch { key: key.public().map_err(refused)?, schema: schema.id(), records, signature })
    }
}

/// Why readings are not signed.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// Something about them.
    #[error("{0}")]
    Readings(String),
    /// No salts.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}

/// A batch that a device signed, with the salts of its records: private.
#[derive(Clone)]
pub struct SignedBatch {
    /// The device's public key.
    pub key: PublicKey,
    /// [`Schema::id`].
    pub schema: Fr,
    /// The records, in order.
    pub records: Vec<Record>,
    /// On their [`batch_hash`].
    pub signature: Signature,
}

impl core::fmt::Debug for SignedBatch {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Neither readings nor salts: debug output ends up in logs.
        f.debug_struct("SignedBatch").field("key", &self.key.to_hex()).finish_non_exhaustive()
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct BatchJson {
    #[serde(with = "text")]
    key: PublicKey,
    #[serde(with = "text")]
    schema: Fr,
    records: Vec<RecordJson>,
    #[serde(with = "text")]
    signature: Signature,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordJson {
    #[serde(with = "text")]
    subject: Fr,
    time: u64,
    lat: u32,
    lon: u32,
    seq: u64,
    #[serde(with = "text")]
    salt: Fr,
    features: Vec<i64>,
}

impl SignedBatch {
    /// Writes the batch, for its owner only.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let record = |r: &Record| RecordJson {
            subject: r.subject,
            time: r.time,
            lat: r.lat,
            lon: r.lon,
            seq: r.seq,
            salt: r.salt,
            features: r.features.clone(),
        };
        let records = self.records.iter().map(record).collect();
        let content = BatchJson { key: self.key, schema: self.schema, records, signature: self.signature };
        json::write(path, true, BATCH_FORMAT, &content)
    }

    /// Reads a batch and checks each record by itself; the signature is for `evaluate`.
    ///
    /// # Errors
    /// A batch of another schema, or a record that does not fit it.
    pub fn read(path: &Path, schema: &Schema) -> Result<Self, FileError> {
        let BatchJson { key, schema: id, records, signature } = json::read(path, BATCH_FORMAT)?;
        if id != schema.id() {
            let message = format!("it is of the schema {}, not {}", id.to_hex(), schema.id().to_hex());
            return Err(FileError::new(path, message));
        }
        let record = |(i, r): (usize, RecordJson)| {
            let RecordJson { subject, time, lat, lon, seq, salt, features } = r;
            let record = Record { subject, time, lat, lon, seq, salt, features };
            record.check(schema).map_err(|e| FileError::new(path, format!("record {i}: {e}")))?;
            Ok(record)
        };
        let records = records.into_iter().enumerate().map(record).collect::<Result<_, FileError>>()?;
        Ok(Self { key, schema: id, records, signature })
    }
}
