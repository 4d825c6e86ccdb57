//! Openings of commitments: the values and the salt, private to the node.
//!
//! As a file: JSON, `{"openings": [..]}`, one or two of them, each with `hash` (`poseidon-bn254`, which is meant where
//! there is none, or `poseidon-pasta`), `role` (`input` or `output`), `dtype` (`int8` or `uint8`), `values` (integers,
//! row-major), `salt` and `commitment` (64 hexadecimal digits each, big-endian); written with mode 0600.

use std::path::Path;

use ark_bn254::Fr;
use ark_ff::{BigInteger as _, PrimeField as _, Zero as _};
use avouch_circuits::{circuit::CommitmentUse, graph::DType, plonkish, r1cs};
use avouch_verifier::{
    SystemId,
    system::halo2_ipa_pasta::{slot, slot_bytes},
};
use halo2_proofs::pasta::group::ff::Field as _;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::{
    files::{FileError, read_bounded, write_atomically},
    random::{self, NoRandomness},
};

/// Largest opening file read: the largest tensor, with room for its digits.
const MAX_FILE: u64 = 512 << 20;

/// The hash of a commitment: proof systems over different fields have different ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hash {
    /// Poseidon over BN254's scalar field, with circomlib's parameters.
    #[default]
    #[serde(rename = "poseidon-bn254")]
    PoseidonBn254,
    /// P128Pow5T3 over Vesta's scalar field.
    #[serde(rename = "poseidon-pasta")]
    PoseidonPasta,
}

impl Hash {
    /// That of a proof system's commitments.
    pub const fn of(system: SystemId) -> Self {
        match system {
            SystemId::Groth16Bn254 | SystemId::Groth16LookupBn254 => Self::PoseidonBn254,
            SystemId::Halo2IpaPasta => Self::PoseidonPasta,
        }
    }

    /// The name used in messages and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PoseidonBn254 => "poseidon-bn254",
            Self::PoseidonPasta => "poseidon-pasta",
        }
    }

    /// A fresh salt: a uniform nonzero element of the hash's field.
    fn salt(self) -> Result<[u8; 32], NoRandomness> {
        Ok(match self {
            Self::PoseidonBn254 => be_bytes(&random::nonzero()?),
            Self::PoseidonPasta => slot_bytes(&random::nonzero_pasta()?),
        })
    }

    /// Whether these are the canonical bytes of a nonzero element.
    fn is_salt(self, bytes: &[u8; 32]) -> bool {
        match self {
            Self::PoseidonBn254 => {
                let element = Fr::from_be_bytes_mod_order(bytes);
                be_bytes(&element) == *bytes && !element.is_zero()
            }
            Self::PoseidonPasta => slot(bytes).is_some_and(|element| !bool::from(element.is_zero())),
        }
    }
}

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
    /// How it is committed to.
    pub hash: Hash,
    /// Which commitment.
    pub role: Role,
    /// Type of the values.
    pub dtype: DType,
    /// The tensor's integers, row-major.
    pub values: Vec<i16>,
    /// Canonical, nonzero, big-endian.
    salt: [u8; 32],
}

impl core::fmt::Debug for Opening {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // Neither values nor salt: debug output ends up in logs.
        f.debug_struct("Opening").field("hash", &self.hash).field("role", &self.role).finish_non_exhaustive()
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
    #[serde(default)]
    hash: Hash,
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
    /// An opening with a fresh salt from the operating system.
    pub fn fresh(hash: Hash, role: Role, dtype: DType, values: &[i16]) -> Result<Self, NoRandomness> {
        Ok(Self { hash, role, dtype, values: values.to_vec(), salt: hash.salt()? })
    }

    /// The commitment, as a slot.
    pub fn commitment(&self) -> [u8; 32] {
        let Self { hash, role, dtype, values, salt } = self;
        let (role, dtype) = ((*role).into(), *dtype);
        match hash {
            Hash::PoseidonBn254 => {
                let salt = Fr::from_be_bytes_mod_order(salt);
                be_bytes(&r1cs::Commitment { role, values, dtype, salt }.value())
            }
            Hash::PoseidonPasta => {
                let salt = slot(salt).unwrap_or_default();
                slot_bytes(&plonkish::Commitment { role, values, dtype, salt }.value())
            }
        }
    }

    /// Whether it opens a commitment to this input.
    pub(crate) fn opens(&self, hash: Hash, dtype: DType, input: &[i16]) -> bool {
        self.hash == hash && self.role == Role::Input && self.dtype == dtype && self.values == input
    }

    pub(crate) fn salt(&self) -> &[u8; 32] {
        &self.salt
    }

    fn to_json(&self) -> JsonOpening {
        JsonOpening {
            hash: self.hash,
            role: self.role,
            dtype: self.dtype.name().into(),
            values: self.values.clone(),
            salt: hex::encode(self.salt),
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
        if !json.hash.is_salt(&salt) {
            return Err("the salt is not a canonical, nonzero field element".into());
        }
        let opening = Self { hash: json.hash, role: json.role, dtype, values: json.values, salt };
        if hex::encode(opening.commitment()) != json.commitment.to_ascii_lowercase() {
            return Err("its commitment is not that of its values and salt".into());
        }
        Ok(opening)
    }
}

/// Big-endian canonical bytes: the form of a slot.
pub fn be_bytes(v: &Fr) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(&v.into_bigint().to_bytes_be());
    bytes
}
