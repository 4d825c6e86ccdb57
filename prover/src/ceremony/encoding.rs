//! Bytes and points as text in a transcript: hexadecimal digits, one form for each value.

use core::fmt;

use ark_bn254::{G1Affine, G2Affine};
use ark_ec::AffineRepr;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// N bytes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Hex<const N: usize>(pub(super) [u8; N]);

impl<const N: usize> fmt::Display for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl<const N: usize> fmt::Debug for Hex<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl<const N: usize> Serialize for Hex<N> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(self.0))
    }
}

impl<'de, const N: usize> Deserialize<'de> for Hex<N> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let mut bytes = [0; N];
        hex::decode_to_slice(String::deserialize(d)?, &mut bytes)
            .map_err(|_| D::Error::custom(format_args!("{} hexadecimal digits are expected", 2 * N)))?;
        Ok(Self(bytes))
    }
}

/// Some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        hex::decode(String::deserialize(d)?).map(Self).map_err(D::Error::custom)
    }
}

/// A point of the subgroup that is not the identity, in arkworks' compressed form as in verifying keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Point<P>(pub(super) P);

pub(super) type G1 = Point<G1Affine>;
pub(super) type G2 = Point<G2Affine>;

impl<P: AffineRepr> Point<P> {
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // Writing to a vector does not fail; a short encoding would be refused by every reader.
        let _ = self.0.serialize_compressed(&mut bytes);
        bytes
    }
}

impl<P: AffineRepr> Serialize for Point<P> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&hex::encode(self.bytes()))
    }
}

impl<'de, P: AffineRepr> Deserialize<'de> for Point<P> {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let bytes = hex::decode(String::deserialize(d)?).map_err(D::Error::custom)?;
        let point =
            P::deserialize_compressed(bytes.as_slice()).map_err(|_| D::Error::custom("not a point of the group"))?;
        if point.is_zero() {
            return Err(D::Error::custom("the point is the identity"));
        }
        Ok(Self(point))
    }
}
