//! Schema files.

use std::path::Path;

use avouch_circuits::policy::{Feature, Schema, Source};
use serde::Deserialize;

use super::json;
use crate::files::FileError;

const FORMAT: &str = "avouch/schema/v1";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    records: u16,
    features: Vec<FeatureJson>,
    inputs: Option<Vec<SourceJson>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeatureJson {
    name: String,
    bits: u8,
    #[serde(default)]
    signed: bool,
    scale: f32,
    #[serde(default)]
    offset: f32,
    #[serde(default)]
    fill: i64,
}

#[derive(Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum SourceJson {
    Feature { record: u16, feature: String },
    Constant { constant: i16 },
}

/// Reads a schema: `records`, `features` (each `name`, `bits`, `scale`, and where they are not zero `signed`, `offset`,
/// `fill`), and `inputs`, a source for each element of the model's input: `{"record", "feature"}` by name, or
/// `{"constant"}`. Without `inputs` these are all features of the first record, then of the next.
///
/// # Errors
/// What [`Schema::check`] refuses, among others.
pub fn read(path: &Path) -> Result<Schema, FileError> {
    let File { records, features, inputs } = json::read(path, FORMAT)?;
    let features: Vec<Feature> = features
        .into_iter()
        .map(|FeatureJson { name, bits, signed, scale, offset, fill }| Feature {
            name,
            bits,
            signed,
            scale,
            offset,
            fill,
        })
        .collect();
    // Bounds what follows: the number of features is checked before they are repeated for each record.
    let mut schema = Schema { records, features, inputs: vec![Source::Constant(0)] };
    schema.check().map_err(|e| FileError::new(path, e))?;
    let number = |name: &str| schema.features.iter().position(|f| f.name == name);
    let source = |json: SourceJson| match json {
        SourceJson::Constant { constant } => Ok(Source::Constant(constant)),
        SourceJson::Feature { record, feature } => match number(&feature) {
            Some(i) => Ok(Source::Feature { record, feature: i as u16 }),
            None => Err(FileError::new(path, format!("inputs: there is no feature {feature:?}"))),
        },
    };
    schema.inputs = match inputs {
        Some(inputs) => inputs.into_iter().map(source).collect::<Result<_, _>>()?,
        None => (0..records)
            .flat_map(|record| {
                (0..schema.features.len() as u16).map(move |feature| Source::Feature { record, feature })
            })
            .collect(),
    };
    schema.check().map_err(|e| FileError::new(path, e))?;
    Ok(schema)
}
