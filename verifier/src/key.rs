//! The verifying key file.
//!
//! Self-contained: whoever holds it needs nothing else to verify a proof and to read its claim. Its digest covers every
//! byte of it.
//!
//! | field | bytes |
//! |---|---|
//! | magic `AVVK`, format version | 4 + 2 |
//! | proof system's id | 16 |
//! | setup kind: 0 dev, 1 ceremony, 2 transparent | 1 |
//! | only for a ceremony: phase 1, transcript, last contribution | 64 + 32 + 32 |
//! | length, circuit description | 4 + length |
//! | input, then output: rank, dimensions, type (0 int8, 1 uint8), scale, zero point | each 1 + 4·rank + 1 + 4 + 4 |
//! | length, label | 4 + length |
//! | circuit version of the proof system | 4 |
//! | length, key material | 4 + length |

use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};

use avouch_circuits::{
    circuit::description::CircuitDescription,
    graph::{DType, GraphError, MAX_RANK, Quantization, TensorInfo, check_shape},
};
use sha2::{Digest as _, Sha256};

use crate::{
    bytes::{Reader, put_counted, put_header, put_u32},
    error::{DecodeError, LengthRule, Problem},
    system::{KeyMaterial, SystemId},
};

const WHAT: &str = "verifying key";
const MAGIC: &[u8; 4] = b"AVVK";
const DESCRIPTION_LENGTH: LengthRule = LengthRule::AtMost(128);
const LABEL_LENGTH: LengthRule = LengthRule::AtMost(256);

/// How a key came about. For a [`Ceremony`](Self::Ceremony) this is a claim of the file, believed only if somebody
/// checked it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetupKind {
    /// One machine drew the secrets and was trusted to forget them. For development only.
    Dev,
    /// Several parties contributed; one honest one suffices.
    Ceremony {
        /// BLAKE2b-512 of the phase 1 file.
        phase1: [u8; 64],
        /// SHA-256 of the transcript of phase 2.
        transcript: [u8; 32],
        /// Hash of the last contribution in it.
        last_contribution: [u8; 32],
    },
    /// No secrets exist; the verifier derives the key again.
    Transparent,
}

impl SetupKind {
    /// The name used in messages and JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Ceremony { .. } => "ceremony",
            Self::Transparent => "transparent",
        }
    }
}

/// What a [`VerifyingKey`] is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyParts {
    /// How the key came about; it has to fit the proof system.
    pub setup: SetupKind,
    /// What the circuit proves.
    pub description: CircuitDescription,
    /// Shape and quantization of the model's input.
    pub input: TensorInfo,
    /// Shape and quantization of the disclosed tensor.
    pub output: TensorInfo,
    /// A few words for people, such as the model's name: at most 256 bytes, no control characters.
    pub label: String,
    /// Of one proof system.
    pub material: KeyMaterial,
}

/// A verifying key that is well formed. Whether it is to be trusted is for [`KeyPolicy`](crate::KeyPolicy) to say.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifyingKey {
    parts: KeyParts,
    digest: [u8; 32],
}

impl VerifyingKey {
    /// Puts a key together, under the rules of [`VerifyingKey::decode`].
    ///
    /// # Errors
    /// Names the first part that breaks a rule or does not fit the others.
    pub fn new(parts: KeyParts) -> Result<Self, DecodeError> {
        let err = |field, problem| Err(DecodeError::new(WHAT, field, problem));
        let KeyParts { setup, description, input, output, label, material } = &parts;
        if !material.system().admits(setup) {
            let problem = Problem::Relation("the proof system has no setup of this kind: the key is malformed");
            return err("setup kind", problem);
        }
        if let Err(e) = description.check() {
            return err("circuit description", Problem::Rule(e.to_string()));
        }
        check_tensor("input", input)?;
        check_tensor("output", output)?;
        if usize::try_from(description.output_len) != Ok(output.elements()) {
            return err("output", Problem::Relation("its shape does not hold the description's number of elements"));
        }
        if description.bit_width != bits(output.quant.dtype) {
            return err("output", Problem::Relation("its type does not have the description's number of bits"));
        }
        if !LABEL_LENGTH.admits(label.len()) {
            return err("label", Problem::Length { found: label.len(), expected: LABEL_LENGTH });
        }
        if label.chars().any(char::is_control) {
            return err("label", Problem::Text);
        }
        material.check_circuit(description, input, output)?;
        let mut h = Sha256::new();
        h.update(b"avouch/verifying-key/v1");
        h.update(encode(&parts));
        Ok(Self { parts, digest: h.finalize().into() })
    }

    /// Reads a key file, all of `bytes`.
    ///
    /// # Errors
    /// Anything that is not the canonical encoding of a well-formed key: names the first field that is wrong.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(WHAT, bytes);
        r.header(MAGIC)?;
        let system = SystemId::read(&mut r)?;
        let setup = match r.u8("setup kind")? {
            0 => SetupKind::Dev,
            1 => SetupKind::Ceremony {
                phase1: r.array("phase 1 hash")?,
                transcript: r.array("transcript hash")?,
                last_contribution: r.array("last contribution's hash")?,
            },
            2 => SetupKind::Transparent,
            other => return Err(r.error("setup kind", Problem::UnknownKind(other))),
        };
        let description = CircuitDescription::decode(r.counted("circuit description", DESCRIPTION_LENGTH)?)
            .map_err(|e| r.error("circuit description", Problem::Rule(e.to_string())))?;
        let input = read_tensor(&mut r, "input")?;
        let output = read_tensor(&mut r, "output")?;
        let label = core::str::from_utf8(r.counted("label", LABEL_LENGTH)?)
            .map_err(|_| r.error("label", Problem::Text))?
            .to_string();
        r.version("circuit version", system.circuit_version(), Reader::u32)?;
        let material = system.decode_key(r.counted("key material", system.key_length())?)?;
        r.finish()?;
        Self::new(KeyParts { setup, description, input, output, label, material })
    }

    /// The key file.
    pub fn encode(&self) -> Vec<u8> {
        encode(&self.parts)
    }

    /// SHA-256 of `"avouch/verifying-key/v1"` and the encoding: what is pinned.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The proof system.
    pub fn system(&self) -> SystemId {
        self.parts.material.system()
    }

    /// How the key came about, by its own account.
    pub fn setup(&self) -> &SetupKind {
        &self.parts.setup
    }

    /// What the circuit proves, by the key's own account.
    pub fn description(&self) -> &CircuitDescription {
        &self.parts.description
    }

    /// Shape and quantization of the model's input.
    pub fn input(&self) -> &TensorInfo {
        &self.parts.input
    }

    /// Shape and quantization of the disclosed tensor.
    pub fn output(&self) -> &TensorInfo {
        &self.parts.output
    }

    /// A few words for people. They prove nothing.
    pub fn label(&self) -> &str {
        &self.parts.label
    }

    /// The proof system's part.
    pub fn material(&self) -> &KeyMaterial {
        &self.parts.material
    }
}

fn encode(parts: &KeyParts) -> Vec<u8> {
    let KeyParts { setup, description, input, output, label, material } = parts;
    let mut out = Vec::new();
    put_header(&mut out, MAGIC);
    out.extend_from_slice(&material.system().bytes());
    match setup {
        SetupKind::Dev => out.push(0),
        SetupKind::Ceremony { phase1, transcript, last_contribution } => {
            out.push(1);
            out.extend_from_slice(phase1);
            out.extend_from_slice(transcript);
            out.extend_from_slice(last_contribution);
        }
        SetupKind::Transparent => out.push(2),
    }
    put_counted(&mut out, &description.encode());
    put_tensor(&mut out, input);
    put_tensor(&mut out, output);
    put_counted(&mut out, label.as_bytes());
    out.extend_from_slice(&material.system().circuit_version().to_le_bytes());
    put_counted(&mut out, &material.encode());
    out
}

/// Bits of an element.
const fn bits(dtype: DType) -> u8 {
    match dtype {
        DType::I8 | DType::U8 => 8,
    }
}

fn check_tensor(field: &'static str, tensor: &TensorInfo) -> Result<(), DecodeError> {
    let rule = |e: GraphError| DecodeError::new(WHAT, field, Problem::Rule(e.message));
    check_shape(&tensor.shape).and_then(|()| tensor.quant.check()).map_err(rule)
}

fn put_tensor(out: &mut Vec<u8>, tensor: &TensorInfo) {
    // A checked rank is at most `MAX_RANK`.
    out.push(u8::try_from(tensor.shape.len()).unwrap_or(u8::MAX));
    for &dim in &tensor.shape {
        put_u32(out, dim);
    }
    out.push(match tensor.quant.dtype {
        DType::I8 => 0,
        DType::U8 => 1,
    });
    out.extend_from_slice(&tensor.quant.scale.to_le_bytes());
    out.extend_from_slice(&tensor.quant.zero_point.to_le_bytes());
}

fn read_tensor(r: &mut Reader<'_>, field: &'static str) -> Result<TensorInfo, DecodeError> {
    let rank = usize::from(r.u8(field)?);
    if rank > MAX_RANK {
        return Err(r.error(field, Problem::Length { found: rank, expected: LengthRule::AtMost(MAX_RANK) }));
    }
    let mut shape = Vec::with_capacity(rank);
    for _ in 0..rank {
        shape.push(usize::try_from(r.u32(field)?).unwrap_or(usize::MAX));
    }
    let dtype = match r.u8(field)? {
        0 => DType::I8,
        1 => DType::U8,
        other => return Err(r.error(field, Problem::UnknownKind(other))),
    };
    let scale = f32::from_bits(r.u32(field)?);
    let tensor = TensorInfo { shape, quant: Quantization { dtype, scale, zero_point: r.i32(field)? } };
    check_tensor(field, &tensor)?;
    Ok(tensor)
}
