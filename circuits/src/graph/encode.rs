//! Canonical encoding of a graph, and `model_id`.
//!
//! Little-endian; every list is a `u32` count and its items. There is exactly one encoding of a graph, and node names
//! are not in it.

use alloc::vec::Vec;

use sha2::{Digest as _, Sha256};

use super::{DType, Graph};
use crate::op::Operator as _;

pub(super) const MAGIC: &[u8; 4] = b"AVGR";
pub(super) const VERSION: u16 = 1;

/// Writes the canonical encoding.
#[derive(Default)]
pub struct Encoder(Vec<u8>);

impl Encoder {
    /// Appends raw bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// Appends a byte.
    pub fn u8(&mut self, v: u8) {
        self.0.push(v);
    }

    /// Appends a size or index; everything in a checked graph is below 2^32.
    pub fn size(&mut self, v: usize) {
        self.bytes(&(v as u32).to_le_bytes());
    }

    /// Appends a signed integer.
    pub fn i32(&mut self, v: i32) {
        self.bytes(&v.to_le_bytes());
    }

    /// Appends the bits of an f32.
    pub fn f32(&mut self, v: f32) {
        self.bytes(&v.to_bits().to_le_bytes());
    }

    /// Appends a counted list.
    pub fn list<T: Copy>(&mut self, items: &[T], mut item: impl FnMut(&mut Self, T)) {
        self.size(items.len());
        for &i in items {
            item(self, i);
        }
    }

    /// The bytes written.
    pub fn finish(self) -> Vec<u8> {
        self.0
    }
}

impl Graph {
    /// The canonical encoding.
    pub fn encode(&self) -> Vec<u8> {
        let mut e = Encoder::default();
        e.bytes(MAGIC);
        e.bytes(&VERSION.to_le_bytes());
        e.size(self.tensors.len());
        for t in &self.tensors {
            e.list(&t.shape, Encoder::size);
            e.u8(match t.quant.dtype {
                DType::I8 => 0,
                DType::U8 => 1,
            });
            e.f32(t.quant.scale);
            e.i32(t.quant.zero_point);
        }
        e.size(self.nodes.len());
        for n in &self.nodes {
            e.u8(n.op.tag());
            e.list(&n.inputs, |e, id| e.size(id.index()));
            e.size(n.output.index());
            n.op.encode(&mut e);
        }
        e.size(self.input.index());
        e.size(self.output.index());
        e.finish()
    }

    /// SHA-256 of `"avouch/model/v1"` and the canonical encoding.
    pub fn model_id(&self) -> [u8; 32] {
        let mut h = Sha256::new();
        h.update(b"avouch/model/v1");
        h.update(self.encode());
        h.finalize().into()
    }
}
