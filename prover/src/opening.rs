//! Openings of commitments: the values and the salt, private to the node.
//!
//! As a file: JSON, `{"openings": [..]}`, one or two of them, each with `role` (`input` or `output`), `dtype` (`int8` or
//! `uint8`), `values` (integers, row-major), `salt` and `commitment` (64 hexadecimal digits each, big-endian); written
//! with mode 0600.

use std::path::Path;

use ark_bn254::Fr;
use ark_ff::{BigInteger as _, PrimeField as _, Zero as _};
use avouch_circuits::{circuit::CommitmentUse, graph::DType, r1cs};
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{
    files::{FileError, read_bounded, write_atomically},
    random::{self, NoRandomness},
};

/// Largest opening file read: the largest tensor, with room for its digits.
const MAX_FILE: u64 = 512 << 20;

/// Which commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Slot 6.
    Input,
    /// Slot 7 under the disclosure `commit`.
    Output,
}

impl Role {
    /// The name used in messages and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

impl From<Role> for CommitmentUse {
    fn from(role: Role) -> Self {
        match role {
            Role::Input => Self::Input,
            Role::Output => Self::Output,
        }
    }
}

/// What opens a commitment. Private: whoever has it knows the values. Wiped when dropped.
#[derive(Clone)]
pub struct Opening {
    /// Which commitment.
    pub role: Role,
    /// Type of the values.
    pub dtype: DType,
    /// The tensor's integers, row-major.
    pub values: Vec<i16>,
    salt: Fr,
}

impl core::fmt::Debug for Opening {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Neither values nor salt: debug output ends up in logs.
        f.debug_struct("Opening").field("role", &self.role).finish_non_exhaustive()
    }
}

impl Drop for Opening {
    fn drop(&mut self) {
        self.values.zeroize();
        self.salt.zeroize();
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Json {
    openings: Vec<JsonOpening>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonOpening {
    role: Role,
    dtype: String,
    values: Vec<i16>,
    salt: String,
    commitment: String,
}

/// Writes a file of openings, for its owner only.
pub fn write(path: &Path, openings: &[&Opening]) -> Result<(), FileError> {
    let json = Json { openings: openings.iter().map(|o| o.to_json()).collect() };
    write_atomically(path, true, |out| {
        serde_json::to_writer(&mut *out, &json)?;
        out.write_all(b"\n")
    })
}

/// Reads a file of openings, at most one of each role, and checks that each commitment is that of its values and salt.
pub fn read(path: &Path) -> Result<Vec<Opening>, FileError> {
    let error = |message: String| FileError::new(path, message);
    let bytes = read_bounded(path, MAX_FILE)?;
    let json: Json = serde_json::from_slice(&bytes).map_err(|e| error(format!("not a file of openings: {e}")))?;
    let openings = json.openings.into_iter().map(Opening::from_json).collect::<Result<Vec<_>, _>>().map_err(error)?;
    let count = |role| openings.iter().filter(|o| o.role == role).count();
    if openings.is_empty() || count(Role::Input) > 1 || count(Role::Output) > 1 {
        return Err(error("one opening of each role at most is expected, and one at least".into()));
    }
    Ok(openings)
}

impl Opening {
    pub(crate) fn new(role: Role, dtype: DType, values: &[i16], salt: Fr) -> Self {
        Self { role, dtype, values: values.to_vec(), salt }
    }

    /// An opening with a fresh salt from the operating system.
    pub fn fresh(role: Role, dtype: DType, values: &[i16]) -> Result<Self, NoRandomness> {
        Ok(Self::new(role, dtype, values, random::nonzero()?))
    }

    /// The commitment, as a slot.
    pub fn commitment(&self) -> [u8; 32] {
        let Self { role, dtype, values, salt } = self;
        be_bytes(&r1cs::Commitment { role: (*role).into(), values, dtype: *dtype, salt: *salt }.value())
    }

    /// Whether it opens a commitment to this input.
    pub(crate) fn opens(&self, dtype: DType, input: &[i16]) -> bool {
        self.role == Role::Input && self.dtype == dtype && self.values == input
    }

    pub(crate) fn salt(&self) -> Fr {
        self.salt
    }

    fn to_json(&self) -> JsonOpening {
        JsonOpening {
            role: self.role,
            dtype: self.dtype.name().into(),
            values: self.values.clone(),
            salt: hex::encode(be_bytes(&self.salt)),
            commitment: hex::encode(self.commitment()),
        }
    }

    fn from_json(json: JsonOpening) -> Result<Self, String> {
        let dtype = [DType::I8, DType::U8].into_iter().find(|d| d.name() == json.dtype);
        let dtype = dtype.ok_or_else(|| format!("unknown dtype {:?}", json.dtype))?;
        let outside = |&v: &i16| i32::from(v) < dtype.min() || i32::from(v) > dtype.max();
        if let Some(v) = json.values.iter().copied().find(outside) {
            return Err(format!("the value {v} is outside {}", dtype.name()));
        }
        let mut salt = [0; 32];
        hex::decode_to_slice(&json.salt, &mut salt).map_err(|e| format!("salt: {e}"))?;
        let element = Fr::from_be_bytes_mod_order(&salt);
        if be_bytes(&element) != salt || element.is_zero() {
            return Err("the salt is not a canonical, nonzero field element".into());
        }
        let opening = Self { role: json.role, dtype, values: json.values, salt: element };
        if hex::encode(opening.commitment()) != json.commitment.to_ascii_lowercase() {
            return Err("its commitment is not that of its values and salt".into());
        }
        Ok(opening)
    }
}

/// Big-endian canonical bytes: the form of a slot.
pub(crate) fn be_bytes(v: &Fr) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&v.into_bigint().to_bytes_be());
    bytes
}
