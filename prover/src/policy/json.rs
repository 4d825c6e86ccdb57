//! JSON files: an object with the name of its format under `format`. Unknown and repeated keys are refused, so that people
//! and programs read the same.

use core::fmt;
use std::path::Path;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, DeserializeOwned, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

use crate::files::{FileError, read_bounded, write_atomically};

/// Largest file read: a registry of half a million leaves, or the longest batch.
const MAX_FILE: u64 = 64 << 20;
const FORMAT: &str = "format";

/// Reads a file of a format.
pub(super) fn read<T: DeserializeOwned>(path: &Path, format: &str) -> Result<T, FileError> {
    let error = |message: String| FileError::new(path, message);
    let mut value = read_value(path)?;
    let found = value.as_object_mut().and_then(|object| object.remove(FORMAT));
    match found {
        Some(found) if found == format => serde_json::from_value(value).map_err(|e| error(e.to_string())),
        Some(found) => Err(error(format!("its format is {found}, not {format:?}"))),
        None => Err(error(format!("not a file of the format {format:?}: it has no key \"{FORMAT}\""))),
    }
}

/// Reads any JSON document.
pub(super) fn read_value(path: &Path) -> Result<Value, FileError> {
    let strict: Strict = serde_json::from_slice(&read_bounded(path, MAX_FILE)?).map_err(|e| FileError::new(path, e))?;
    Ok(strict.0)
}

/// Writes a file of a format, for its owner only if it is private.
pub(super) fn write<T: Serialize>(path: &Path, private: bool, format: &str, content: &T) -> Result<(), FileError> {
    let value = serde_json::to_value(content).map_err(|e| FileError::new(path, e))?;
    let mut object = Map::from_iter([(FORMAT.to_string(), format.into())]);
    object.extend(value.as_object().cloned().unwrap_or_default());
    write_atomically(path, private, |out| {
        serde_json::to_writer_pretty(&mut *out, &object)?;
        out.write_all(b"\n")
    })
}

/// A JSON value whose objects have no key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        d.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_i64<E>(self, v: i64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_u64<E>(self, v: u64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_f64<E>(self, v: f64) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_str<E>(self, v: &str) -> Result<Value, E> {
        Ok(v.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(Strict(item)) = seq.next_element()? {
            items.push(item);
        }
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if object.contains_key(&key) {
                return Err(de::Error::custom(format_args!("the key {key:?} is given twice")));
            }
            object.insert(key, map.next_value::<Strict>()?.0);
        }
        Ok(object.into())
    }
}
