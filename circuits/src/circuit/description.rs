//! What a circuit proves, apart from how: its canonical description, and `circuit_id`.
//!
//! The description is the same for every proof system. Its encoding is little-endian, of a length that follows from
//! the disclosure, and there is exactly one for each description:
//!
//! | field | bytes |
//! |---|---|
//! | statement version | 2 |
//! | `model_id` | 32 |
//! | index of the disclosed tensor in the graph | 4 |
//! | disclosure: 0 raw, 1 argmax, 2 threshold, 3 commit | 1 |
//! | only for a threshold: index, threshold | 4 + 4 |
//! | number of elements of the disclosed tensor | 4 |
//! | bits of an element: 8 or 32 | 1 |
//! | schema digest, zero without a data policy | 31 |
//! | records for each proof, zero without a data policy | 2 |

use alloc::{format, string::String, vec::Vec};

use sha2::{Digest as _, Sha256};

use crate::graph::{DType, Encoder, Graph, MAX_ELEMENTS};

/// The statement that circuits of this release prove: eight public inputs.
pub const STATEMENT_VERSION: u16 = 1;

/// Most bits that a raw output may have: it has to fit into one field element of every proof system.
pub const MAX_RAW_BITS: u64 = 248;

/// Slot 2 of a statement without a data policy: the ASCII text `avouch/policy/empty/v1` as a big-endian integer, which
/// is below the modulus of every proof system's field.
pub const EMPTY_POLICY_ID: [u8; 32] = *b"\0\0\0\0\0\0\0\0\0\0avouch/policy/empty/v1";

/// What slot 7 shows of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disclosure {
    /// Every element: Σ uᵢ·2^(w·i), uᵢ the integer minus its type's minimum, w its bits, [`MAX_RAW_BITS`] in all.
    Raw,
    /// The index of the largest element; the lowest index wins a tie.
    Argmax,
    /// Whether one integer reaches a threshold: 1 iff `y[index] ≥ threshold`.
    Threshold {
        /// Position in the output, flat and row-major.
        index: u32,
        /// Compared with the integer, not with the real number it stands for.
        threshold: i32,
    },
    /// A hiding commitment to all elements.
    Commit,
}

impl Disclosure {
    /// What slot 7 is for an output of this type, a big-endian integer, the same in every field; none for a commitment, which
    /// is hashed. The output is row-major, and its elements lie within the type.
    pub fn shown(self, output: &[i16], dtype: DType) -> Option<[u8; 31]> {
        let mut shown = [0; 31];
        match self {
            Self::Raw => {
                let mut carry = 0;
                for (byte, &v) in shown.iter_mut().rev().zip(output) {
                    carry += i32::from(v) - dtype.min();
                    *byte = carry.rem_euclid(256) as u8;
                    // Nothing, within the type.
                    carry = carry.div_euclid(256);
                }
            }
            Self::Argmax => {
                let best = output.iter().enumerate().fold(0, |best, (i, v)| if *v > output[best] { i } else { best });
                shown[27..].copy_from_slice(&(best as u32).to_be_bytes());
            }
            Self::Threshold { index, threshold } => {
                let value = output.get(index as usize);
                shown[30] = value.is_some_and(|&v| i32::from(v) >= threshold).into();
            }
            Self::Commit => return None,
        }
        Some(shown)
    }

    /// The name used in messages and JSON.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Argmax => "argmax",
            Self::Threshold { .. } => "threshold",
            Self::Commit => "commit",
        }
    }
}

/// What a circuit proves. [`CircuitDescription::check`] holds for every description that was decoded or made by
/// [`CircuitDescription::new`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitDescription {
    /// [`STATEMENT_VERSION`].
    pub statement_version: u16,
    /// The graph: [`Graph::model_id`].
    pub model_id: [u8; 32],
    /// Index of the disclosed tensor in [`Graph::tensors`].
    pub output_tensor: u32,
    /// What is shown of it.
    pub disclosure: Disclosure,
    /// Its number of elements, at least 1 and at most [`MAX_ELEMENTS`].
    pub output_len: u32,
    /// Bits of one of its elements: 8 or 32.
    pub bit_width: u8,
    /// First 31 bytes of the SHA-256 of the data policy's schema; zero without a data policy.
    pub schema_digest: [u8; 31],
    /// Records that one proof covers; zero without a data policy.
    pub records: u16,
}

impl CircuitDescription {
    /// Describes a graph's circuit without a data policy. The graph has passed [`Graph::check`].
    ///
    /// # Errors
    /// A raw output that does not fit into one field element, or a threshold index beyond the output.
    pub fn new(graph: &Graph, disclosure: Disclosure) -> Result<Self, DescriptionError> {
        let description = Self {
            statement_version: STATEMENT_VERSION,
            model_id: graph.model_id(),
            output_tensor: graph.output.0,
            disclosure,
            output_len: u32::try_from(graph.output_info().elements()).unwrap_or(u32::MAX),
            bit_width: 8,
            schema_digest: [0; 31],
            records: 0,
        };
        description.check()?;
        Ok(description)
    }

    /// The same with a data policy on `records` records, at least one, of this schema.
    ///
    /// # Errors
    /// No records, or a digest of zero.
    pub fn with_records(self, schema_digest: [u8; 31], records: u16) -> Result<Self, DescriptionError> {
        let description = Self { schema_digest, records, ..self };
        if records == 0 {
            let message = String::from("a data policy is on one record at least");
            return Err(DescriptionError { field: "data policy", message });
        }
        description.check().map(|()| description)
    }

    /// Whether the circuit enforces a data policy on the records that its input comes from.
    pub fn has_data_policy(&self) -> bool {
        self.records != 0
    }

    /// Checks the ranges of all fields and that they agree with each other.
    ///
    /// # Errors
    /// Names the first field that breaks a rule.
    pub fn check(&self) -> Result<(), DescriptionError> {
        let err = |field, message| Err(DescriptionError { field, message });
        if self.statement_version != STATEMENT_VERSION {
            return err("statement version", format!("{} is not {STATEMENT_VERSION}", self.statement_version));
        }
        if self.output_len == 0 || usize::try_from(self.output_len).is_ok_and(|n| n > MAX_ELEMENTS) {
            return err("output length", format!("{} is not in 1..={MAX_ELEMENTS}", self.output_len));
        }
        if !matches!(self.bit_width, 8 | 32) {
            return err("bit width", format!("{} is neither 8 nor 32", self.bit_width));
        }
        if (self.schema_digest == [0; 31]) != (self.records == 0) {
            return err("data policy", String::from("schema digest and records are zero together or not at all"));
        }
        match self.disclosure {
            Disclosure::Raw => {
                let bits = u64::from(self.output_len) * u64::from(self.bit_width);
                if bits > MAX_RAW_BITS {
                    let message = format!(
                        "a raw output of {bits} bits does not fit into one public input of {MAX_RAW_BITS} bits; \
                         disclose argmax, threshold or commit instead"
                    );
                    return err("disclosure", message);
                }
            }
            Disclosure::Threshold { index, .. } if index >= self.output_len => {
                return err("disclosure", format!("threshold index {index} is not below {}", self.output_len));
            }
            Disclosure::Argmax | Disclosure::Threshold { .. } | Disclosure::Commit => {}
        }
        Ok(())
    }

    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::default();
        e.bytes(&self.statement_version.to_le_bytes());
        e.bytes(&self.model_id);
        e.bytes(&self.output_tensor.to_le_bytes());
        match self.disclosure {
            Disclosure::Raw => e.u8(0),
            Disclosure::Argmax => e.u8(1),
            Disclosure::Threshold { index, threshold } => {
                e.u8(2);
                e.bytes(&index.to_le_bytes());
                e.i32(threshold);
            }
            Disclosure::Commit => e.u8(3),
        }
        e.bytes(&self.output_len.to_le_bytes());
        e.u8(self.bit_width);
        e.bytes(&self.schema_digest);
        e.bytes(&self.records.to_le_bytes());
        e.finish()
    }

    /// Reads a canonical encoding, all of `bytes`.
    ///
    /// # Errors
    /// Missing or trailing bytes, an unknown disclosure, or a description that fails [`CircuitDescription::check`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DescriptionError> {
        let rest = &mut { bytes };
        let description = Self {
            statement_version: u16::from_le_bytes(take(rest, "statement version")?),
            model_id: take(rest, "model id")?,
            output_tensor: u32::from_le_bytes(take(rest, "output tensor")?),
            disclosure: match u8::from_le_bytes(take(rest, "disclosure")?) {
                0 => Disclosure::Raw,
                1 => Disclosure::Argmax,
                2 => Disclosure::Threshold {
                    index: u32::from_le_bytes(take(rest, "threshold index")?),
                    threshold: i32::from_le_bytes(take(rest, "threshold")?),
                },
                3 => Disclosure::Commit,
                tag => return Err(DescriptionError { field: "disclosure", message: format!("unknown kind {tag}") }),
            },
            output_len: u32::from_le_bytes(take(rest, "output length")?),
            bit_width: u8::from_le_bytes(take(rest, "bit width")?),
            schema_digest: take(rest, "schema digest")?,
            records: u16::from_le_bytes(take(rest, "records")?),
        };
        if !rest.is_empty() {
            return Err(DescriptionError { field: "end", message: format!("{} trailing bytes", rest.len()) });
        }
        description.check()?;
        Ok(description)
    }

    /// First 31 bytes of SHA-256 of `"avouch/circuit/v1"` and the canonical encoding.
    pub fn circuit_id(&self) -> [u8; 31] {
        let mut h = Sha256::new();
        h.update(b"avouch/circuit/v1");
        h.update(self.encode());
        let [id @ .., _] = <[u8; 32]>::from(h.finalize());
        id
    }

    /// [`CircuitDescription::circuit_id`] as slot 1 holds it: a big-endian integer of 32 bytes.
    pub fn circuit_id_slot(&self) -> [u8; 32] {
        let mut slot = [0; 32];
        slot[1..].copy_from_slice(&self.circuit_id());
        slot
    }
}

fn take<const N: usize>(rest: &mut &[u8], field: &'static str) -> Result<[u8; N], DescriptionError> {
    let (&head, tail) = rest
        .split_first_chunk()
        .ok_or_else(|| DescriptionError { field, message: String::from("the encoding ends too early") })?;
    *rest = tail;
    Ok(head)
}

/// A circuit description that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("circuit description, {field}: {message}")]
pub struct DescriptionError {
    /// Which part of it.
    pub field: &'static str,
    /// What is wrong.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn description(disclosure: Disclosure) -> CircuitDescription {
        CircuitDescription {
            statement_version: 1,
            model_id: [7; 32],
            output_tensor: 5,
            disclosure,
            output_len: 10,
            bit_width: 8,
            schema_digest: [0; 31],
            records: 0,
        }
    }

    const ALL: [Disclosure; 4] =
        [Disclosure::Raw, Disclosure::Argmax, Disclosure::Threshold { index: 3, threshold: -9 }, Disclosure::Commit];

    #[test]
    fn what_is_shown_is_one_integer() {
        let integer = |bytes: [u8; 31]| bytes[15..].iter().fold(0u128, |sum, &b| sum << 8 | u128::from(b));
        let shown = |d: Disclosure, output: &[i16], dtype| integer(d.shown(output, dtype).unwrap());
        assert_eq!(shown(Disclosure::Raw, &[-128, 127, 3], DType::I8), 255 << 8 | 131 << 16);
        assert_eq!(shown(Disclosure::Raw, &[0, 255, 3], DType::U8), 255 << 8 | 3 << 16);
        let most = Disclosure::Raw.shown(&[127; 31], DType::I8).unwrap();
        assert_eq!(most, [255; 31]);
        for (output, class) in [(&[-5, 3, 3][..], 1), (&[3, 3, 3], 0), (&[-128, -127], 1), (&[7], 0)] {
            assert_eq!(shown(Disclosure::Argmax, output, DType::I8), class);
        }
        let mut long = alloc::vec![0; 70_000];
        long[69_999] = 1;
        assert_eq!(shown(Disclosure::Argmax, &long, DType::I8), 69_999);
        for (threshold, reached) in [(5, 1), (4, 1), (6, 0), (i32::MIN, 1), (i32::MAX, 0)] {
            assert_eq!(shown(Disclosure::Threshold { index: 1, threshold }, &[9, 5], DType::I8), reached);
        }
        assert_eq!(Disclosure::Commit.shown(&[1], DType::I8), None);
    }

    #[test]
    fn encodings_round_trip_and_have_no_slack() {
        for disclosure in ALL {
            let d = description(disclosure);
            let bytes = d.encode();
            assert_eq!(CircuitDescription::decode(&bytes), Ok(d));
            for n in 0..bytes.len() {
                assert!(CircuitDescription::decode(&bytes[..n]).is_err(), "{disclosure:?} cut to {n} bytes");
            }
            let mut longer = bytes;
            longer.push(0);
            assert_eq!(CircuitDescription::decode(&longer).unwrap_err().field, "end");
        }
    }

    #[test]
    fn every_field_enters_the_circuit_id() {
        let base = description(ALL[2]);
        let variants = [
            CircuitDescription { model_id: [8; 32], ..base.clone() },
            CircuitDescription { output_tensor: 6, ..base.clone() },
            CircuitDescription { disclosure: Disclosure::Threshold { index: 4, threshold: -9 }, ..base.clone() },
            CircuitDescription { disclosure: Disclosure::Threshold { index: 3, threshold: 9 }, ..base.clone() },
            CircuitDescription { disclosure: Disclosure::Argmax, ..base.clone() },
            CircuitDescription { output_len: 11, ..base.clone() },
            CircuitDescription { bit_width: 32, ..base.clone() },
            CircuitDescription { schema_digest: [1; 31], records: 2, ..base.clone() },
            CircuitDescription { schema_digest: [1; 31], records: 3, ..base.clone() },
            CircuitDescription { schema_digest: [2; 31], records: 2, ..base.clone() },
        ];
        let mut ids: Vec<_> = variants.iter().chain([&base]).map(CircuitDescription::circuit_id).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), variants.len() + 1);
    }

    #[test]
    fn the_circuit_id_is_pinned() {
        let id: String = description(Disclosure::Raw).circuit_id_slot().iter().map(|b| format!("{b:02x}")).collect();
        expect_test::expect!["00e565b33d94d229a50be00e79b9d48ad2dbd2432b85b61cad922ca79b839109"].assert_eq(&id);
    }

    #[test]
    fn descriptions_that_break_a_rule_are_refused() {
        let base = description(Disclosure::Commit);
        for (field, broken) in [
            ("statement version", CircuitDescription { statement_version: 2, ..base.clone() }),
            ("output length", CircuitDescription { output_len: 0, ..base.clone() }),
            ("output length", CircuitDescription { output_len: u32::MAX, ..base.clone() }),
            ("bit width", CircuitDescription { bit_width: 16, ..base.clone() }),
            ("data policy", CircuitDescription { records: 1, ..base.clone() }),
            ("data policy", CircuitDescription { schema_digest: [1; 31], ..base.clone() }),
            ("disclosure", CircuitDescription { disclosure: Disclosure::Raw, output_len: 32, ..base.clone() }),
            ("disclosure", CircuitDescription { disclosure: Disclosure::Raw, bit_width: 32, ..base.clone() }),
            (
                "disclosure",
                CircuitDescription { disclosure: Disclosure::Threshold { index: 10, threshold: 0 }, ..base.clone() },
            ),
        ] {
            assert_eq!(CircuitDescription::decode(&broken.encode()).unwrap_err().field, field, "{broken:?}");
        }
        assert!(CircuitDescription { disclosure: Disclosure::Raw, output_len: 31, ..base }.check().is_ok());
    }

    proptest! {
        #[test]
        fn whatever_decodes_encodes_to_the_same_bytes(
            tail in proptest::collection::vec(any::<u8>(), 0..96),
            at in 0usize..85,
            cut in 0usize..96,
        ) {
            let valid = description(ALL[2]).encode();
            let mut spliced = valid[..at.min(valid.len())].to_vec();
            spliced.extend_from_slice(&tail[..cut.min(tail.len())]);
            for bytes in [&tail, &spliced] {
                if let Ok(d) = CircuitDescription::decode(bytes) {
                    prop_assert_eq!(&d.encode(), bytes);
                }
            }
        }
    }
}
