//! Reading the canonical encoding of a graph: total on hostile bytes.
//!
//! Every count is compared with the bytes that are left before anything is allocated for it, so the graph in memory is
//! at most a small multiple of its encoding, and what was read passes [`Graph::check`]. Node names are not in the
//! encoding: a node is called by its position.

use alloc::{format, vec::Vec};

use super::{DType, Graph, GraphError, MAX_ELEMENTS, Node, Quantization, TensorId, TensorInfo, encode};
use crate::op::{
    Add, AveragePool, Concat, Conv, Dense, MaxPool, Mul, Op, Requantization, Reshape, Select, Table, Transpose, Window,
};

/// Longest encoding that is read, in bytes: more than the largest model that the importer makes.
pub const MAX_ENCODED: usize = 1 << 27;
/// Most nodes that are read: as many as the importer makes.
const MAX_NODES: usize = 1 << 16;

impl Graph {
    /// Reads a canonical encoding, all of `bytes`. [`Graph::encode`] of the result gives the same bytes.
    ///
    /// # Errors
    /// Anything that is not the encoding of a graph that passes [`Graph::check`].
    pub fn decode(bytes: &[u8]) -> Result<Self, GraphError> {
        if bytes.len() > MAX_ENCODED {
            return Err(GraphError::new(format!("the encoding is longer than {MAX_ENCODED} bytes")));
        }
        let mut d = Decoder { rest: bytes };
        if d.array()? != *encode::MAGIC || u16::from_le_bytes(d.array()?) != encode::VERSION {
            return Err(GraphError::new(format!("not an encoded graph of version {}", encode::VERSION)));
        }
        // Every tensor but the input is some node's.
        let tensors = d.count(TENSOR_BYTES, MAX_NODES + 1)?;
        let tensors = (0..tensors).map(|i| d.tensor().map_err(|e| e.at(format!("tensor {i}"))));
        let tensors = tensors.collect::<Result<_, _>>()?;
        let nodes = d.count(NODE_BYTES, MAX_NODES)?;
        let nodes = (0..nodes).map(|i| {
            let name = format!("node {i}");
            d.node().map(|node| Node { name: name.clone(), ..node }).map_err(|e| e.at(name))
        });
        let nodes = nodes.collect::<Result<_, _>>()?;
        let graph = Self { tensors, nodes, input: d.id()?, output: d.id()? };
        if !d.rest.is_empty() {
            return Err(GraphError::new(format!("{} trailing bytes", d.rest.len())));
        }
        graph.check()?;
        Ok(graph)
    }
}

/// Least bytes of a tensor: no dimensions, type, scale, zero point.
const TENSOR_BYTES: usize = 4 + 1 + 4 + 4;
/// Least bytes of a node: operator, no operands, result.
const NODE_BYTES: usize = 1 + 4 + 4;

/// Takes fields off the front.
struct Decoder<'a> {
    rest: &'a [u8],
}

impl Decoder<'_> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], GraphError> {
        let (&head, tail) =
            self.rest.split_first_chunk().ok_or_else(|| GraphError::new("the encoding ends too early"))?;
        self.rest = tail;
        Ok(head)
    }

    fn u8(&mut self) -> Result<u8, GraphError> {
        self.array().map(u8::from_le_bytes)
    }

    fn i16(&mut self) -> Result<i16, GraphError> {
        self.array().map(i16::from_le_bytes)
    }

    fn i32(&mut self) -> Result<i32, GraphError> {
        self.array().map(i32::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, GraphError> {
        self.array().map(u32::from_le_bytes)
    }

    fn f32(&mut self) -> Result<f32, GraphError> {
        self.u32().map(f32::from_bits)
    }

    /// A size. None is above [`MAX_ELEMENTS`] in a graph that passes its check, and sums of a few do not overflow 32 bits.
    fn size(&mut self) -> Result<usize, GraphError> {
        let size = self.u32()? as usize;
        if size > MAX_ELEMENTS {
            return Err(GraphError::new(format!("the size {size} is above {MAX_ELEMENTS}")));
        }
        Ok(size)
    }

    /// The length of a list of items of at least `item` bytes, which the bytes that are left can hold.
    fn count(&mut self, item: usize, most: usize) -> Result<usize, GraphError> {
        let count = self.u32()? as usize;
        if count > most.min(self.rest.len() / item) {
            return Err(GraphError::new(format!("a list of {count} items is longer than it can be")));
        }
        Ok(count)
    }

    /// A list of items of `bytes` bytes each.
    fn list<T>(
        &mut self,
        bytes: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, GraphError>,
    ) -> Result<Vec<T>, GraphError> {
        let count = self.count(bytes, usize::MAX)?;
        (0..count).map(|_| item(self)).collect()
    }

    fn id(&mut self) -> Result<TensorId, GraphError> {
        self.u32().map(TensorId)
    }

    fn tensor(&mut self) -> Result<TensorInfo, GraphError> {
        let shape = self.list(4, Self::size)?;
        let dtype = match self.u8()? {
            0 => DType::I8,
            1 => DType::U8,
            other => return Err(GraphError::new(format!("unknown type {other}"))),
        };
        Ok(TensorInfo { shape, quant: Quantization { dtype, scale: self.f32()?, zero_point: self.i32()? } })
    }

    /// A node without its name.
    fn node(&mut self) -> Result<Node, GraphError> {
        let tag = self.u8()?;
        let inputs = self.list(4, Self::id)?;
        let output = self.id()?;
        Ok(Node { name: Default::default(), op: self.op(tag)?, inputs, output })
    }

    /// The attributes of the operator of this number. Where struct fields are read in place, they are in file order.
    fn op(&mut self, tag: u8) -> Result<Op, GraphError> {
        Ok(match tag {
            1 => Op::Conv(Conv {
                window: self.window()?,
                group: self.size()?,
                out_channels: self.size()?,
                weights: self.weights()?,
                bias: self.list(4, Self::i32)?,
                requantization: self.requantization()?,
            }),
            2 => Op::Dense(Dense {
                batch: self.size()?,
                k: self.size()?,
                n: self.size()?,
                weights: self.weights()?,
                bias: self.list(4, Self::i32)?,
                requantization: self.requantization()?,
            }),
            3 => Op::Add(Add),
            4 => Op::AveragePool(AveragePool { window: self.window()? }),
            5 => Op::MaxPool(MaxPool { window: self.window()? }),
            6 => Op::Table(Table { entries: self.list(2, Self::i16)? }),
            7 => Op::Reshape(Reshape),
            8 => Op::Transpose(Transpose { perm: self.list(4, Self::size)? }),
            9 => Op::Concat(Concat { axis: self.size()? }),
            10 => Op::Mul(Mul),
            11 => Op::Select(self.select()?),
            _ => return Err(GraphError::new(format!("unknown operator {tag}"))),
        })
    }

    fn window(&mut self) -> Result<Window, GraphError> {
        let mut pair = || Ok([self.size()?, self.size()?]);
        Ok(Window { kernel: pair()?, strides: pair()?, pads_begin: pair()?, pads_end: pair()?, dilations: pair()? })
    }

    /// Differences of 8-bit numbers: sums over them are what the bounds on shapes were made for.
    fn weights(&mut self) -> Result<Vec<i16>, GraphError> {
        self.list(2, |d| match d.i16()? {
            w @ -255..=255 => Ok(w),
            w => Err(GraphError::new(format!("the weight {w} is not within ±255"))),
        })
    }

    fn requantization(&mut self) -> Result<Requantization, GraphError> {
        Ok(Requantization { multipliers: self.list(4, Self::f32)?, min: self.i32()?, max: self.i32()? })
    }

    fn select(&mut self) -> Result<Select, GraphError> {
        let axes = self.list(4, |d| d.list(4, |d| Ok(Some(d.u32()?).filter(|&i| i != u32::MAX))))?;
        let value = |d: &mut Self| {
            let v = d.i32()?;
            i16::try_from(v).map_err(|_| GraphError::new(format!("the constant {v} is not of an 8-bit type")))
        };
        let fill = match *self.list(4, value)? {
            [] => None,
            [v] => Some(v),
            _ => return Err(GraphError::new("more than one constant")),
        };
        Ok(Select { axes, fill })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new operator needs a line above: without attributes it ends too early or is read, but it is known.
    #[test]
    fn every_operator_is_known() {
        for tag in 1..=Op::NAMES.len() {
            let read = Decoder { rest: &[] }.op(u8::try_from(tag).unwrap());
            match read {
                Ok(op) => assert_eq!(usize::from(op.tag()), tag),
                Err(e) => assert_eq!(e.message, "the encoding ends too early", "operator {tag}"),
            }
        }
        let unknown = u8::try_from(Op::NAMES.len() + 1).unwrap();
        assert!(Decoder { rest: &[] }.op(unknown).unwrap_err().message.starts_with("unknown operator"));
    }
}
