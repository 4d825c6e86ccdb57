//! Statements as JSON. Field elements are decimal strings, hashes hexadecimal digits.

use std::str::FromStr as _;

use avouch_circuits::{
    policy::{
        Area, Consent, Device, Evaluation, Feature, Inputs, Item, Path, Point, Policy, Predicate, Record, Roots,
        Schema, Signature, Source, Window,
    },
    r1cs::Fr,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::Value;

#[derive(Clone, Copy)]
pub(crate) struct Element(pub(crate) Fr);

impl Serialize for Element {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Element {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let element = Fr::from_str(&text).map_err(|()| D::Error::custom("not a field element"))?;
        if element.to_string() != text { Err(D::Error::custom("not reduced")) } else { Ok(Self(element)) }
    }
}

struct Hash([u8; 32]);

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(&self.0.iter().map(|b| format!("{b:02x}")).collect::<String>())
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = String::deserialize(d)?;
        let byte = |i: usize| u8::from_str_radix(text.get(2 * i..2 * i + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..32).map(byte).collect();
        let bytes = bytes.filter(|_| text.len() == 64).ok_or_else(|| D::Error::custom("not 64 digits"))?;
        Ok(Self(bytes.try_into().unwrap()))
    }
}

/// JSON objects that stand for types of the crate, field by field: `type in JSON` as `its form here`.
macro_rules! mirrors {
    ($($json:ident for $of:ty { $($field:ident: $form:ty),* $(,)? })*) => {$(
        #[derive(Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct $json { $($field: $form),* }

        impl Mirror for $of {
            type Json = $json;
            fn to_json(&self) -> $json {
                $json { $($field: Mirror::to_json(&self.$field)),* }
            }
            fn of_json(json: $json) -> Self {
                Self { $($field: Mirror::of_json(json.$field)),* }
            }
        }
    )*};
}

trait Mirror {
    type Json;
    fn to_json(&self) -> Self::Json;
    fn of_json(json: Self::Json) -> Self;
}

macro_rules! plain {
    ($($of:ty),*) => {$(
        impl Mirror for $of {
            type Json = Self;
            fn to_json(&self) -> Self {
                self.clone()
            }
            fn of_json(json: Self) -> Self {
                json
            }
        }
    )*};
}

plain!(bool, u8, u16, u32, u64, i64, f32, String, [u32; 2]);

impl Mirror for Fr {
    type Json = Element;
    fn to_json(&self) -> Element {
        Element(*self)
    }
    fn of_json(json: Element) -> Self {
        json.0
    }
}

impl Mirror for [u8; 32] {
    type Json = Hash;
    fn to_json(&self) -> Hash {
        Hash(*self)
    }
    fn of_json(json: Hash) -> Self {
        json.0
    }
}

impl<const N: usize> Mirror for [Fr; N] {
    type Json = Vec<Element>;
    fn to_json(&self) -> Vec<Element> {
        self.iter().copied().map(Element).collect()
    }
    fn of_json(json: Vec<Element>) -> Self {
        let elements: Vec<Fr> = json.into_iter().map(|e| e.0).collect();
        elements.try_into().unwrap()
    }
}

impl<T: Mirror> Mirror for Vec<T> {
    type Json = Vec<T::Json>;
    fn to_json(&self) -> Self::Json {
        self.iter().map(T::to_json).collect()
    }
    fn of_json(json: Self::Json) -> Self {
        json.into_iter().map(T::of_json).collect()
    }
}

impl<T: Mirror> Mirror for Option<T> {
    type Json = Option<T::Json>;
    fn to_json(&self) -> Self::Json {
        self.as_ref().map(T::to_json)
    }
    fn of_json(json: Self::Json) -> Self {
        json.map(T::of_json)
    }
}

impl Mirror for Point {
    type Json = [Element; 2];
    fn to_json(&self) -> Self::Json {
        [self.x, self.y].map(Element)
    }
    fn of_json([x, y]: Self::Json) -> Self {
        Self::new_unchecked(x.0, y.0)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ItemJson {
    Batch,
    Epoch,
}

impl Mirror for Item {
    type Json = ItemJson;
    fn to_json(&self) -> ItemJson {
        match self {
            Self::Batch => ItemJson::Batch,
            Self::Epoch => ItemJson::Epoch,
        }
    }
    fn of_json(json: ItemJson) -> Self {
        match json {
            ItemJson::Batch => Self::Batch,
            ItemJson::Epoch => Self::Epoch,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum SourceJson {
    Feature { record: u16, feature: u16 },
    Constant { constant: i16 },
}

impl Mirror for Source {
    type Json = SourceJson;
    fn to_json(&self) -> SourceJson {
        match *self {
            Self::Feature { record, feature } => SourceJson::Feature { record, feature },
            Self::Constant(constant) => SourceJson::Constant { constant },
        }
    }
    fn of_json(json: SourceJson) -> Self {
        match json {
            SourceJson::Feature { record, feature } => Self::Feature { record, feature },
            SourceJson::Constant { constant } => Self::Constant(constant),
        }
    }
}

type ElementsJson = Vec<Element>;

mirrors! {
    FeatureJson for Feature { name: String, bits: u8, signed: bool, scale: f32, offset: f32, fill: i64 }
    SchemaJson for Schema { records: u16, features: Vec<FeatureJson>, inputs: Vec<SourceJson> }
    AreaJson for Area { lat: [u32; 2], lon: [u32; 2] }
    PredicateJson for Predicate { feature: u8, at_least: bool, value: i64 }
    PolicyJson for Policy {
        document: Hash, controller: Element, schema: Element, purposes: u32, categories: u32, features: u64, classes: u32,
        consent: bool, area: Option<AreaJson>, max_age: u64, scope: Element, epoch_length: u64, item: ItemJson,
        predicates: Vec<PredicateJson>,
    }
    RootsJson for Roots { devices: Element, consents: Element }
    DeviceJson for Device { key: [Element; 2], class: u8, valid_from: u64, valid_to: u64, nullifier_key_hash: Element }
    PathJson for Path { index: u32, siblings: ElementsJson }
    ConsentJson for Consent {
        subject: Element, controller: Element, purposes: u32, categories: u32, valid_from: u64, valid_to: u64,
        notice: Hash, salt: Element,
    }
    RecordJson for Record {
        subject: Element, time: u64, lat: u32, lon: u32, seq: u64, salt: Element, features: Vec<i64>,
    }
    SignatureJson for Signature { r8: [Element; 2], s: Element }
    WindowJson for Window { lo: u64, hi: u64 }
    StatementJson for Inputs {
        policy: PolicyJson, schema: SchemaJson, roots: RootsJson, device: DeviceJson, device_path: PathJson,
        nullifier_key: Element, consent: ConsentJson, consent_path: PathJson, records: Vec<RecordJson>,
        signature: SignatureJson, window: WindowJson,
    }
    EvaluationJson for Evaluation { slots: ElementsJson, features: Vec<i64> }
}

pub(crate) fn to_value(inputs: &Inputs) -> Value {
    serde_json::to_value(inputs.to_json()).unwrap()
}

pub(crate) fn of_value(value: Value) -> Inputs {
    Inputs::of_json(serde_json::from_value(value).unwrap())
}

pub(crate) fn evaluation_to_value(evaluation: &Evaluation) -> Value {
    serde_json::to_value(evaluation.to_json()).unwrap()
}

/// The merge patch (RFC 7396) that makes `to` of `from`, for objects that have the same keys.
pub(crate) fn difference(from: &Value, to: &Value) -> Value {
    match (from, to) {
        (Value::Object(from), Value::Object(to)) => {
            let changed = to.iter().filter(|(key, value)| from.get(*key) != Some(value));
            Value::Object(changed.map(|(key, value)| (key.clone(), difference(&from[key], value))).collect())
        }
        _ => to.clone(),
    }
}

/// Applies a merge patch that removes nothing.
pub(crate) fn apply(base: &mut Value, patch: &Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (key, value) in patch {
                apply(base.get_mut(key).unwrap(), value);
            }
        }
        (base, patch) => *base = patch.clone(),
    }
}
