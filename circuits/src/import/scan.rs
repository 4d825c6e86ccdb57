//! A walk over the protobuf bytes before they are decoded, so that a small file can't ask for a large allocation: two
//! bytes of a repeated message become hundreds in memory.

use prost::{
    DecodeError,
    bytes::Buf as _,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};

use super::error::ImportError;

/// Most fields of all messages together.
const MAX_FIELDS: usize = 1 << 19;
/// Most bytes in packed lists of varints, each of which may become an element of 8 bytes.
const MAX_PACKED: usize = 1 << 23;

/// The messages that are decoded, with those inside them.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    Leaf,
}

enum Field {
    Message(Message),
    Packed,
    Other,
}

impl Message {
    fn field(self, tag: u32) -> Field {
        match (self, tag) {
            (Self::Model, 7) => Field::Message(Self::Graph),
            (Self::Model, 8) | (Self::Shape, 1) => Field::Message(Self::Leaf),
            (Self::Graph, 1) => Field::Message(Self::Node),
            (Self::Graph, 5) | (Self::Attribute, 5) => Field::Message(Self::Tensor),
            (Self::Graph, 11..=13) => Field::Message(Self::Value),
            (Self::Node, 5) => Field::Message(Self::Attribute),
            (Self::Value, 2) => Field::Message(Self::Type),
            (Self::Type, 1) => Field::Message(Self::TensorType),
            (Self::TensorType, 2) => Field::Message(Self::Shape),
            (Self::Attribute, 8) | (Self::Tensor, 1 | 5 | 7) => Field::Packed,
            _ => Field::Other,
        }
    }
}

/// Refuses a model file whose decoded form would be far larger than the file.
pub(super) fn check(bytes: &[u8]) -> Result<(), ImportError> {
    let mut budget = Budget { fields: MAX_FIELDS, packed: MAX_PACKED };
    budget.walk(bytes, Message::Model)
}

struct Budget {
    fields: usize,
    packed: usize,
}

impl Budget {
    fn walk(&mut self, mut bytes: &[u8], message: Message) -> Result<(), ImportError> {
        let malformed = |e: DecodeError| ImportError::malformed(std::format!("not an ONNX file: {e}"));
        while bytes.has_remaining() {
            let too_large = || ImportError::too_large("the file has too many fields");
            self.fields = self.fields.checked_sub(1).ok_or_else(too_large)?;
            let (tag, wire) = decode_key(&mut bytes).map_err(malformed)?;
            if wire != WireType::LengthDelimited {
                skip_field(wire, tag, &mut bytes, DecodeContext::default()).map_err(malformed)?;
                continue;
            }
            let length = decode_varint(&mut bytes).map_err(malformed)?;
            let length = usize::try_from(length).ok().filter(|&l| l <= bytes.len());
            let length = length.ok_or_else(|| ImportError::malformed("not an ONNX file, or a truncated one"))?;
            let (field, rest) = bytes.split_at(length);
            match message.field(tag) {
                Field::Message(inner) => self.walk(field, inner)?,
                Field::Packed => self.packed = self.packed.checked_sub(length).ok_or_else(too_large)?,
                Field::Other => {}
            }
            bytes = rest;
        }
        Ok(())
    }
}
