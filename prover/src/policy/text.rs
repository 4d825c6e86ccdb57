//! Hexadecimal digits, one canonical form each.

use ark_bn254::Fr;
use ark_ff::PrimeField as _;
use avouch_circuits::policy::{PublicKey, SIGNATURE_BYTES, Signature};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::opening::be_bytes;

/// What is written as hexadecimal digits.
pub trait Hex: Sized {
    /// Lower-case digits, two for each byte.
    fn to_hex(&self) -> String;

    /// Reads digits of either case.
    ///
    /// # Errors
    /// Another length, other characters, or bytes that are not canonical.
    fn of_hex(text: &str) -> Result<Self, String>;
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], String> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| format!("{} hexadecimal digits are expected", 2 * N))?;
    Ok(bytes)
}

impl<const N: usize> Hex for [u8; N] {
    fn to_hex(&self) -> String {
        hex::encode(self)
    }

    fn of_hex(text: &str) -> Result<Self, String> {
        bytes(text)
    }
}

/// 32 bytes, big-endian, below the modulus.
impl Hex for Fr {
    fn to_hex(&self) -> String {
        hex::encode(be_bytes(self))
    }

    fn of_hex(text: &str) -> Result<Self, String> {
        let bytes = bytes::<32>(text)?;
        let element = Self::from_be_bytes_mod_order(&bytes);
        if be_bytes(&element) == bytes { Ok(element) } else { Err("not below the field's modulus".into()) }
    }
}

impl Hex for PublicKey {
    fn to_hex(&self) -> String {
        hex::encode(self.to_bytes())
    }

    fn of_hex(text: &str) -> Result<Self, String> {
        Self::from_bytes(&bytes(text)?).map_err(|e| format!("no public key: {e}"))
    }
}

impl Hex for Signature {
    fn to_hex(&self) -> String {
        hex::encode(self.to_bytes())
    }

    fn of_hex(text: &str) -> Result<Self, String> {
        Self::from_bytes(&bytes::<SIGNATURE_BYTES>(text)?).map_err(|e| e.to_string())
    }
}

pub(super) fn serialize<T: Hex, S: Serializer>(v: &T, s: S) -> Result<S::Ok, S::Error> {
    v.to_hex().serialize(s)
}

pub(super) fn deserialize<'de, T: Hex, D: Deserializer<'de>>(d: D) -> Result<T, D::Error> {
    let text = String::deserialize(d)?;
    T::of_hex(&text).map_err(de::Error::custom)
}
