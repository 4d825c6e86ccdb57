//! `avouch record`: device keys and signed records.

use std::path::PathBuf;

use avouch_circuits::policy::{Record as Reading, batch_hash, verify};
use avouch_prover::policy::{DeviceKey, Hex as _, Readings, SignedBatch, read_schema};
use clap::{Args, Subcommand};
use serde_json::json;

use crate::{
    args::check_writable,
    console::{Answer, cross, field, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch record keygen --key device.key
  avouch record keygen --key new.key --renew device.key
  avouch record sign readings.json --schema schema.json --key device.key --record batch.json
  avouch record show batch.json --schema schema.json")]
pub(crate) struct Record {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Make a device's secret keys, and print what the registry has to know of them.
    Keygen {
        /// File to write, for its owner only.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// The device's older key file, whose nullifier key is carried over.
        #[arg(long, value_name = "FILE")]
        renew: Option<PathBuf>,
    },
    /// Sign readings as one batch, each with a fresh salt.
    Sign {
        /// Readings: pseudonym, sequence number, and for each time, position and features.
        readings: PathBuf,
        /// Schema of the records.
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
        /// The device's key file.
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// File to write, for its owner only: readings, salts and signature.
        #[arg(long, value_name = "FILE")]
        record: PathBuf,
    },
    /// Show a signed batch without its salts, and check its signature.
    Show {
        /// Signed batch.
        record: PathBuf,
        /// Schema of the records.
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
    },
}

impl Record {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        match self.action {
            Action::Keygen { key, renew } => keygen(&key, renew.as_deref()),
            Action::Sign { readings, schema, key, record } => {
                check_writable(&record)?;
                let (schema, key) = (read_schema(&schema)?, DeviceKey::read(&key)?);
                let batch = Readings::read(&readings)?.sign(&schema, &key).map_err(|e| Failure::file(&readings, e))?;
                batch.write(&record)?;
                let (count, hash) = (batch.records.len(), batch_hash(&schema, &batch.records).to_hex());
                let mut text = format!("{} signed; keep {} private\n", tick(), record.display());
                text += &field("records", count);
                text += &field("batch hash", &hash);
                text += &field("device key", batch.key.to_hex());
                let json = json!({
                    "records": count, "batch_hash": hash, "key": batch.key.to_hex(), "record": record,
                });
                Ok(Answer { json, text })
            }
            Action::Show { record, schema } => {
                let schema = read_schema(&schema)?;
                let batch = SignedBatch::read(&record, &schema)?;
                let hash = batch_hash(&schema, &batch.records);
                let verified = verify(&batch.key.point(), hash, &batch.signature);
                let first = batch.records.first().map_or(0, |r| r.seq);
                let reading = |r: &Reading| {
                    let named = schema.features.iter().zip(&r.features).map(|(f, &v)| (f.name.clone(), json!(v)));
                    json!({
                        "subject": r.subject.to_hex(), "time": r.time, "seq": r.seq,
                        "latitude": (f64::from(r.lat) - 9e8) / 1e7, "longitude": (f64::from(r.lon) - 18e8) / 1e7,
                        "features": named.collect::<serde_json::Map<_, _>>(),
                    })
                };
                let json = json!({
                    "schema": batch.schema.to_hex(),
                    "key": batch.key.to_hex(),
                    "batch": first / u64::from(schema.records),
                    "batch_hash": hash.to_hex(),
                    "signature_verifies": verified.is_ok(),
                    "records": batch.records.iter().map(reading).collect::<Vec<_>>(),
                });
                let mut text = match verified {
                    Ok(()) => format!("{} the device signed this batch\n", tick()),
                    Err(e) => format!("{} {e}\n", cross()),
                };
                text += &field("device key", batch.key.to_hex());
                text += &field("batch hash", hash.to_hex());
                text += &field("batch number", first / u64::from(schema.records));
                for r in &batch.records {
                    let values: Vec<String> =
                        schema.features.iter().zip(&r.features).map(|(f, v)| format!("{} {v}", f.name)).collect();
                    text += &field(&format!("record {}", r.seq), format!("at {}: {}", r.time, values.join(", ")));
                }
                Ok(Answer { json, text })
            }
        }
    }
}

fn keygen(key: &std::path::Path, renew: Option<&std::path::Path>) -> Result<Answer, Failure> {
    check_writable(key)?;
    if key.exists() {
        return Err(Failure::file(key, "there is a file already, and a lost key cannot be made again")
            .hint("give another name; --renew FILE carries the nullifier key over"));
    }
    let older = renew.map(DeviceKey::read).transpose()?;
    let made = DeviceKey::fresh(older.as_ref())?;
    let public = made.public().map_err(|e| Failure::new("randomness", "", e))?.to_hex();
    made.write(key)?;
    let hash = made.nullifier_key_hash().to_hex();
    let mut text = format!("{} made; keep {} secret\n", tick(), key.display());
    text += &field("public key", &public);
    text += &field("nullifier key hash", &hash);
    let json = json!({ "key": public, "nullifier_key_hash": hash, "file": key, "renewed": renew.is_some() });
    Ok(Answer { json, text })
}
