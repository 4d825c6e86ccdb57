//! The policy document that people read, and the policy compiled from it.

use std::path::Path;

use ark_bn254::Fr;
use ark_ff::PrimeField as _;
use avouch_circuits::policy::{Area, Item, Policy, Predicate, Schema};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    json,
    record::coordinate,
    term::{Terms, is_consent},
    text,
};
use crate::files::FileError;

const FORMAT: &str = "avouch/policy/v1";

/// A name as an element: first 31 bytes of SHA-256 of `"avouch/"`, the kind, `"/v1"` and the name. Kinds are `controller` and
/// `scope`.
pub fn named(kind: &str, name: &str) -> Fr {
    let mut h = Sha256::new();
    h.update(format!("avouch/{kind}/v1"));
    h.update(name);
    let [digest @ .., _] = <[u8; 32]>::from(h.finalize());
    Fr::from_be_bytes_mod_order(&digest)
}

/// A policy document: JSON whose terms a JSON-LD context can map to ODRL and DPV. `@context`, `@type`, `uid`, `title` and
/// `description` are for people, and hashed with the rest.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(rename = "@context", default)]
    _context: Value,
    #[serde(rename = "@type", default)]
    _type: Value,
    #[serde(rename = "uid", default)]
    _uid: Option<String>,
    #[serde(rename = "title", default)]
    _title: Option<String>,
    #[serde(rename = "description", default)]
    _description: Option<String>,
    /// Who processes the data: a name that is hashed.
    controller: String,
    /// What nullifiers are unique in: a name that is hashed.
    scope: String,
    /// Terms of [`Terms::Purposes`].
    purposes: Vec<String>,
    /// Terms of [`Terms::Categories`].
    categories: Vec<String>,
    /// `dpv:Consent` demands a consent in the registry.
    legal_basis: String,
    /// Names of the features that may reach the model.
    features: Vec<String>,
    /// Numbers of the device classes that are allowed.
    device_classes: Vec<u8>,
    area: Option<AreaJson>,
    /// Seconds.
    max_age: u64,
    /// Seconds; none for no epochs.
    #[serde(default)]
    epoch_length: u64,
    #[serde(default)]
    item: ItemJson,
    #[serde(default)]
    predicates: Vec<PredicateJson>,
}

/// Degrees; the edges belong to it.
#[derive(Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct AreaJson {
    south: f64,
    north: f64,
    west: f64,
    east: f64,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ItemJson {
    #[default]
    Batch,
    Epoch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PredicateJson {
    feature: String,
    operator: Operator,
    value: i64,
}

/// ODRL's names.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Operator {
    Gteq,
    Lteq,
}

/// A policy compiled for a schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compiled {
    /// The parameters, within their widths.
    pub policy: Policy,
}

impl Compiled {
    /// Compiles a document for a schema that passes its check.
    ///
    /// # Errors
    /// A document with unknown, repeated or missing keys, or something that the schema or the widths do not allow.
    pub fn compile(document: &Path, schema: &Schema) -> Result<Self, FileError> {
        Self::of(json::read_value(document)?, schema).map_err(|message| FileError::new(document, message))
    }

    /// The same, of a document that was read already.
    ///
    /// # Errors
    /// As [`Compiled::compile`].
    pub fn of(document: Value, schema: &Schema) -> Result<Self, String> {
        let canonical = serde_json_canonicalizer::to_vec(&document).map_err(|e| e.to_string())?;
        let read: Document = serde_json::from_value(document).map_err(|e| e.to_string())?;
        let policy = read.policy(Sha256::digest(canonical).into(), schema)?;
        policy.check(schema).map_err(|e| e.to_string())?;
        Ok(Self { policy })
    }

    /// Writes the compiled policy, which anyone may know.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        json::write(path, false, FORMAT, &CompiledJson::of(&self.policy))
    }

    /// Reads a compiled policy, and checks that its id is that of its fields.
    ///
    /// # Errors
    /// Anything that [`Compiled::write`] does not write.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let file: CompiledJson = json::read(path, FORMAT)?;
        let policy_id = file.policy_id;
        let policy = file.policy();
        policy.check_widths().map_err(|e| FileError::new(path, e))?;
        if policy.id() != policy_id {
            return Err(FileError::new(path, "its policy_id is not that of its fields: compile the document anew"));
        }
        Ok(Self { policy })
    }
}

impl Document {
    fn policy(&self, document: [u8; 32], schema: &Schema) -> Result<Policy, String> {
        let number = |name: &String| {
            let number = schema.features.iter().position(|f| f.name == *name);
            number.ok_or_else(|| format!("the schema has no feature {name:?}"))
        };
        let mut features = 0;
        for name in &self.features {
            let bit = 1u64 << number(name)?;
            if features & bit != 0 {
                return Err(format!("the feature {name:?} is given twice"));
            }
            features |= bit;
        }
        let classes =
            self.device_classes.iter().try_fold(0u32, |mask, &class| match 1u32.checked_shl(class.into()) {
                Some(bit) if mask & bit == 0 => Ok(mask | bit),
                Some(_) => Err(format!("device class {class} is given twice")),
                None => Err(format!("there is no device class {class}: they are 0 to 31")),
            })?;
        let predicate = |p: &PredicateJson| {
            let feature = number(&p.feature)? as u8;
            Ok(Predicate { feature, at_least: p.operator == Operator::Gteq, value: p.value })
        };
        Ok(Policy {
            document,
            controller: named("controller", &self.controller),
            schema: schema.id(),
            purposes: Terms::Purposes.mask(&self.purposes)?,
            categories: Terms::Categories.mask(&self.categories)?,
            features,
            classes,
            consent: is_consent(&self.legal_basis)?,
            area: self.area.map(AreaJson::area).transpose()?,
            max_age: self.max_age,
            scope: named("scope", &self.scope),
            epoch_length: self.epoch_length,
            item: self.item.into(),
            predicates: self.predicates.iter().map(predicate).collect::<Result<_, String>>()?,
        })
    }
}

impl AreaJson {
    fn area(self) -> Result<Area, String> {
        let range = |name: &str, [lo, hi]: [f64; 2], most| {
            let range = [coordinate(lo, most)?, coordinate(hi, most)?];
            if range[0] > range[1] { Err(format!("area: its {name} range is empty")) } else { Ok(range) }
        };
        Ok(Area {
            lat: range("latitude", [self.south, self.north], 90)?,
            lon: range("longitude", [self.west, self.east], 180)?,
        })
    }
}

impl From<ItemJson> for Item {
    fn from(item: ItemJson) -> Self {
        match item {
            ItemJson::Batch => Self::Batch,
            ItemJson::Epoch => Self::Epoch,
        }
    }
}

/// The compiled policy's file: the fields that are proven, in their order.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompiledJson {
    #[serde(with = "text")]
    policy_id: Fr,
    #[serde(with = "text")]
    document_hash: [u8; 32],
    #[serde(with = "text")]
    controller: Fr,
    #[serde(with = "text")]
    schema: Fr,
    purposes: u32,
    categories: u32,
    features: u64,
    device_classes: u32,
    consent: bool,
    area: Option<[[u32; 2]; 2]>,
    max_age: u64,
    #[serde(with = "text")]
    scope: Fr,
    epoch_length: u64,
    item: ItemJson,
    predicates: Vec<CompiledPredicate>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CompiledPredicate {
    feature: u8,
    operator: Operator,
    value: i64,
}

impl CompiledJson {
    fn of(policy: &Policy) -> Self {
        Self {
            policy_id: policy.id(),
            document_hash: policy.document,
            controller: policy.controller,
            schema: policy.schema,
            purposes: policy.purposes,
            categories: policy.categories,
            features: policy.features,
            device_classes: policy.classes,
            consent: policy.consent,
            area: policy.area.map(|a| [a.lat, a.lon]),
            max_age: policy.max_age,
            scope: policy.scope,
            epoch_length: policy.epoch_length,
            item: match policy.item {
                Item::Batch => ItemJson::Batch,
                Item::Epoch => ItemJson::Epoch,
            },
            predicates: policy
                .predicates
                .iter()
                .map(|p| CompiledPredicate {
                    feature: p.feature,
                    operator: if p.at_least { Operator::Gteq } else { Operator::Lteq },
                    value: p.value,
                })
                .collect(),
        }
    }

    fn policy(self) -> Policy {
        Policy {
            document: self.document_hash,
            controller: self.controller,
            schema: self.schema,
            purposes: self.purposes,
            categories: self.categories,
            features: self.features,
            classes: self.device_classes,
            consent: self.consent,
            area: self.area.map(|[lat, lon]| Area { lat, lon }),
            max_age: self.max_age,
            scope: self.scope,
            epoch_length: self.epoch_length,
            item: self.item.into(),
            predicates: self
                .predicates
                .into_iter()
                .map(|p| Predicate { feature: p.feature, at_least: p.operator == Operator::Gteq, value: p.value })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        let value: Value = serde_json::from_str(text).unwrap();
        serde_json_canonicalizer::to_string(&value).unwrap()
    }

    /// RFC 8785, sections 3.2.2 and 3.2.3: numbers and strings as ECMAScript writes them, keys in order of UTF-16 units.
    #[test]
    fn documents_are_hashed_in_canonical_form() {
        let numbers = r#"{"n": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001, -0.0]}"#;
        assert_eq!(canonical(numbers), r#"{"n":[333333333.3333333,1e+30,4.5,0.002,1e-27,0]}"#);
        assert_eq!(canonical(r#""\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/""#), r#""€$\u000f\nA'B\"\\\\\"/""#);
        let keys = r#"{"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\ud83d\ude00": 5, "\u0080": 6, "\u00f6": 7}"#;
        let sorted = canonical(keys);
        let values: Vec<&str> = sorted.split(':').skip(1).map(|rest| &rest[..1]).collect();
        assert_eq!(values, ["2", "4", "6", "7", "1", "5", "3"]);
    }

    #[test]
    fn names_of_different_kinds_are_apart() {
        assert_ne!(named("controller", "a"), named("scope", "a"));
        assert_ne!(named("scope", "a"), named("scope", "b"));
    }
}
