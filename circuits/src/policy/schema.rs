//! Schemas: the features of a record, and how they become the model's input.
//!
//! A feature is a fixed-point integer v; the real number that it stands for is `offset + scale · f32(v)`: first v is
//! rounded to binary32, then the product, then the sum, each to nearest, ties to even. The model's input integer is
//! QuantizeLinear of that real number with scale and zero point of the graph's input tensor. Each of these steps is
//! nondecreasing, so together they are one step function from v to an 8-bit value. A model that takes integers instead of
//! reals is no exception: what counts is the quantization that the graph states for its input, scale 1 and zero point 0
//! if the file states none.
//!
//! The encoding is little-endian, and there is exactly one for each schema:
//!
//! | field | bytes |
//! |---|---|
//! | records for each proof, R | 2 |
//! | number of features | 1 |
//! | each feature: length of its name, name | 1 + 1 to 64 |
//! | bits, signed (0 or 1) | 1 + 1 |
//! | scale, offset (bits of binary32) | 4 + 4 |
//! | fill value (two's complement) | 8 |
//! | number of elements of the model's input | 4 |
//! | each element: 0, record, feature; or 1, constant | 1 + 2 + 2; 1 + 2 |

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};

use ark_ff::PrimeField as _;
use sha2::{Digest as _, Sha256};

use super::{FormatError, MAX_FEATURE_BITS, MAX_FEATURES, PACKED_BITS, pack};
use crate::{
    arith,
    circuit::{Interval, MAX_ELEMENTS, StepFunction},
    graph::{DType, Encoder, Quantization, TensorInfo, check_scale},
    r1cs::Fr,
};

/// Longest name of a feature, in bytes.
pub const MAX_NAME: usize = 64;

/// One value of a record: an integer of stated width, and the real number that it stands for.
#[derive(Clone, Debug, PartialEq)]
pub struct Feature {
    /// 1 to [`MAX_NAME`] of the characters `a`–`z`, `0`–`9`, `_`, `-` and `.`; unique in the schema.
    pub name: String,
    /// Width, 1 to 32.
    pub bits: u8,
    /// Whether the integer is in two's complement.
    pub signed: bool,
    /// Step of the real value: positive and normal.
    pub scale: f32,
    /// Real value of the integer 0: normal, or positive zero.
    pub offset: f32,
    /// What the model gets instead of the integer, where a policy masks the feature.
    pub fill: i64,
}

impl Feature {
    /// All integers of the width. The width has to pass [`Schema::check`].
    pub fn range(&self) -> Interval {
        let bits = u32::from(self.bits).clamp(1, MAX_FEATURE_BITS);
        match self.signed {
            true => Interval::new(-(1 << (bits - 1)), (1 << (bits - 1)) - 1),
            false => Interval::new(0, (1 << bits) - 1),
        }
    }

    /// The real number that an integer of the range stands for.
    pub fn real(&self, v: i64) -> f32 {
        self.offset + self.scale * v as f32
    }

    /// The model's input integer of a value of the feature.
    pub fn quantize(&self, v: i64, input: &Quantization) -> i32 {
        arith::quantize(self.real(v), input)
    }

    /// [`Feature::quantize`] on the whole range.
    pub fn step_function(&self, input: &Quantization) -> StepFunction {
        let slope = f64::from(self.scale) / f64::from(input.scale);
        StepFunction::bisect(self.range(), slope, |v| self.quantize(v, input))
    }

    fn check(&self) -> Result<(), String> {
        let character = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.');
        if self.name.is_empty() || self.name.len() > MAX_NAME || !self.name.bytes().all(character) {
            return Err(format!("its name is not 1 to {MAX_NAME} of the characters a–z, 0–9, _, - and ."));
        }
        if !(1..=MAX_FEATURE_BITS).contains(&self.bits.into()) {
            return Err(format!("{} bits: 1 to {MAX_FEATURE_BITS} are possible", self.bits));
        }
        check_scale(self.scale).map_err(|e| e.message)?;
        if !(self.offset.is_normal() || self.offset.to_bits() == 0) {
            return Err(format!("offset {:e} is neither normal nor positive zero", self.offset));
        }
        let range = self.range();
        if [range.lo, range.hi].iter().any(|&v| !self.real(v).is_finite()) {
            return Err("its scale and offset lead beyond the largest binary32 number".into());
        }
        if !(range.lo..=range.hi).contains(&self.fill) {
            return Err(format!("the fill value {} is outside {} to {}", self.fill, range.lo, range.hi));
        }
        Ok(())
    }
}

/// Where an element of the model's input comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A feature of a record, quantized.
    Feature {
        /// Which record, below R.
        record: u16,
        /// Which feature of the schema.
        feature: u16,
    },
    /// An integer of the input's type.
    Constant(i16),
}

/// The features of a record and the model's input: a constant of the circuit.
#[derive(Clone, Debug, PartialEq)]
pub struct Schema {
    /// Records that one proof covers, and one signature: R, at least 1.
    pub records: u16,
    /// Values of a record, in order; 1 to [`MAX_FEATURES`].
    pub features: Vec<Feature>,
    /// Source of each element of the model's input, row-major; 1 to [`MAX_ELEMENTS`].
    pub inputs: Vec<Source>,
}

impl Schema {
    /// Checks all ranges.
    ///
    /// # Errors
    /// Names the first part that breaks a rule.
    pub fn check(&self) -> Result<(), FormatError> {
        let err = |place: &str, message: String| Err(FormatError::new(format!("schema, {place}"), message));
        if self.records == 0 {
            return err("records", "at least one record is proven".into());
        }
        if !(1..=MAX_FEATURES).contains(&self.features.len()) {
            return err("features", format!("{}: 1 to {MAX_FEATURES} are possible", self.features.len()));
        }
        for (i, feature) in self.features.iter().enumerate() {
            let place = format!("feature {i} ({:.64})", feature.name);
            if let Err(message) = feature.check() {
                return err(&place, message);
            }
            if self.features.iter().take(i).any(|other| other.name == feature.name) {
                return err(&place, "an earlier feature has the same name".into());
            }
        }
        if !(1..=MAX_ELEMENTS).contains(&self.inputs.len()) {
            return err("inputs", format!("{} elements: 1 to {MAX_ELEMENTS} are possible", self.inputs.len()));
        }
        let least = Interval::of(DType::I8).union(Interval::of(DType::U8));
        for (i, &source) in self.inputs.iter().enumerate() {
            let message = match source {
                Source::Feature { record, .. } if record >= self.records => {
                    format!("there is no record {record}: a proof covers {}", self.records)
                }
                Source::Feature { feature, .. } if usize::from(feature) >= self.features.len() => {
                    format!("there is no feature {feature}: the schema has {}", self.features.len())
                }
                Source::Constant(v) if !(least.lo..=least.hi).contains(&v.into()) => {
                    format!("the constant {v} is of no 8-bit type")
                }
                Source::Feature { .. } | Source::Constant(_) => continue,
            };
            return err(&format!("input element {i}"), message);
        }
        Ok(())
    }

    /// Checks that the mapping is one to this model's input.
    ///
    /// # Errors
    /// Another number of elements, or a constant outside the input's type.
    pub fn check_input(&self, input: &TensorInfo) -> Result<(), FormatError> {
        if self.inputs.len() != input.elements() {
            let message = format!(
                "the schema maps to {} elements, the model's input has {}: give a source for each, row-major",
                self.inputs.len(),
                input.elements()
            );
            return Err(FormatError::new("schema, inputs", message));
        }
        let dtype = input.quant.dtype;
        let outside =
            |s: &Source| matches!(s, Source::Constant(v) if !(dtype.min()..=dtype.max()).contains(&(*v).into()));
        match self.inputs.iter().position(outside) {
            Some(i) => {
                let message = format!("the constant is outside the model's {}", dtype.name());
                Err(FormatError::new(format!("schema, input element {i}"), message))
            }
            None => Ok(()),
        }
    }

    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::default();
        e.bytes(&self.records.to_le_bytes());
        e.u8(self.features.len() as u8);
        for f in &self.features {
            e.u8(f.name.len() as u8);
            e.bytes(f.name.as_bytes());
            e.u8(f.bits);
            e.u8(f.signed.into());
            e.f32(f.scale);
            e.f32(f.offset);
            e.bytes(&f.fill.to_le_bytes());
        }
        e.list(&self.inputs, |e, source| match source {
            Source::Feature { record, feature } => {
                e.u8(0);
                e.bytes(&record.to_le_bytes());
                e.bytes(&feature.to_le_bytes());
            }
            Source::Constant(v) => {
                e.u8(1);
                e.bytes(&v.to_le_bytes());
            }
        });
        e.finish()
    }

    /// Reads a canonical encoding, all of `bytes`. [`Schema::encode`] of the result gives the same bytes.
    ///
    /// # Errors
    /// Anything that is not the encoding of a schema that passes [`Schema::check`].
    pub fn decode(bytes: &[u8]) -> Result<Self, FormatError> {
        let d = &mut Decoder { rest: bytes };
        let records = u16::from_le_bytes(d.array()?);
        let features = (0..d.u8()?).map(|_| d.feature()).collect::<Result<_, _>>()?;
        let count = u32::from_le_bytes(d.array()?) as usize;
        if count > d.rest.len() / SOURCE_BYTES {
            return Err(FormatError::new("schema, inputs", format!("{count} elements are more than the bytes hold")));
        }
        let inputs = (0..count).map(|_| d.source()).collect::<Result<_, _>>()?;
        if !d.rest.is_empty() {
            return Err(FormatError::new("schema, end", format!("{} trailing bytes", d.rest.len())));
        }
        let schema = Self { records, features, inputs };
        schema.check()?;
        Ok(schema)
    }

    /// First 31 bytes of SHA-256 of `"avouch/schema/v1"` and the canonical encoding.
    pub fn digest(&self) -> [u8; 31] {
        let mut h = Sha256::new();
        h.update(b"avouch/schema/v1");
        h.update(self.encode());
        let [digest @ .., _] = <[u8; 32]>::from(h.finalize());
        digest
    }

    /// [`Schema::digest`] as an element: a big-endian integer.
    pub fn id(&self) -> Fr {
        Fr::from_be_bytes_mod_order(&self.digest())
    }

    /// Features of all records of a proof.
    pub fn values(&self) -> usize {
        usize::from(self.records) * self.features.len()
    }

    /// A record's features as offsets from the least integers of their ranges, packed at their widths.
    pub fn pack(&self, values: &[i64]) -> Vec<Fr> {
        let offset = |(f, &v): (&Feature, &i64)| (f.bits.into(), Fr::from(v) - Fr::from(f.range().lo));
        pack(self.features.iter().zip(values).map(offset))
    }

    /// The model's input from the features of all records, record after record: [`Schema::values`] of them, in their
    /// ranges. Elements beyond `values` are taken as fill values.
    pub fn model_input(&self, values: &[i64], input: &Quantization) -> Vec<i16> {
        let element = |source: &Source| match *source {
            Source::Constant(v) => v,
            Source::Feature { record, feature } => {
                let (record, feature) = (usize::from(record), usize::from(feature));
                self.features.get(feature).map_or(0, |f| {
                    let value = values.get(record * self.features.len() + feature);
                    f.quantize(value.copied().unwrap_or(f.fill), input) as i16
                })
            }
        };
        self.inputs.iter().map(element).collect()
    }
}

/// Least bytes of a source: a constant.
const SOURCE_BYTES: usize = 1 + 2;

// The widest record fits into one step of a chain.
const _: () = assert!(MAX_FEATURES as u32 * MAX_FEATURE_BITS <= crate::r1cs::poseidon::CHAIN_RATE as u32 * PACKED_BITS);

/// Takes fields off the front.
struct Decoder<'a> {
    rest: &'a [u8],
}

impl Decoder<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormatError> {
        let (&head, tail) = self.rest.split_first_chunk().ok_or_else(too_short)?;
        self.rest = tail;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, FormatError> {
        self.array().map(u8::from_le_bytes)
    }

    fn feature(&mut self) -> Result<Feature, FormatError> {
        let length = self.u8()?.into();
        let (name, tail) = self.rest.split_at_checked(length).ok_or_else(too_short)?;
        self.rest = tail;
        let error = |message: &str| FormatError::new("schema, features", message);
        Ok(Feature {
            name: core::str::from_utf8(name).map_err(|_| error("a name is not UTF-8"))?.to_string(),
            bits: self.u8()?,
            signed: match self.u8()? {
                0 => false,
                1 => true,
                _ => return Err(error("signed is neither 0 nor 1")),
            },
            scale: f32::from_bits(u32::from_le_bytes(self.array()?)),
            offset: f32::from_bits(u32::from_le_bytes(self.array()?)),
            fill: i64::from_le_bytes(self.array()?),
        })
    }

    fn source(&mut self) -> Result<Source, FormatError> {
        match self.u8()? {
            0 => Ok(Source::Feature {
                record: u16::from_le_bytes(self.array()?),
                feature: u16::from_le_bytes(self.array()?),
            }),
            1 => Ok(Source::Constant(i16::from_le_bytes(self.array()?))),
            kind => Err(FormatError::new("schema, inputs", format!("unknown kind of source {kind}"))),
        }
    }
}

fn too_short() -> FormatError {
    FormatError::new("schema, end", "the encoding ends too early")
}
