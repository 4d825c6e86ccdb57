//! Functions of one 8-bit value, as their 256 results.

use alloc::vec::Vec;

use super::{Operator, unary};
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    circuit::{LowerError, Lowering, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// `y = entries[x − min(type of x)]`: requantization between scales, activations, any function of one value; one for
/// all elements, or one for each channel (index along dimension 1), as of a PRelu.
///
/// Entries are computed once at import and are part of the canonical encoding.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Output value for each of the 256 input values, ascending; of one channel after another if each has its own.
    pub entries: Vec<i16>,
}

impl Table {
    /// The table of `f` from one type to another.
    pub fn new(input: crate::graph::DType, f: impl Fn(i32) -> i32) -> Self {
        Self { entries: crate::arith::values(input).map(|v| f(v) as i16).collect() }
    }
}

/// Values of an 8-bit type.
const VALUES: usize = 256;

impl Table {
    fn channels(&self) -> usize {
        self.entries.len() / VALUES
    }

    /// The channel of each element.
    fn channels_of(&self, x: &TensorInfo) -> impl Iterator<Item = usize> {
        let (channels, inner) = (self.channels(), x.shape.iter().skip(2).product::<usize>());
        (0..x.elements()).map(move |i| i / inner % channels)
    }
}

impl Operator for Table {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let x = unary(inputs)?;
        let q = output.quant.dtype;
        let lengths = [Some(&1), x.shape.get(1)].map(|n| n.and_then(|n| n.checked_mul(VALUES)));
        let inside = |v: i16| (q.min()..=q.max()).contains(&v.into());
        if !lengths.contains(&Some(self.entries.len())) || !self.entries.iter().all(|&v| inside(v)) {
            return Err(GraphError::new("a table needs 256 entries, or 256 for each channel, within the output type"));
        }
        Ok(x.shape.clone())
    }

    fn encode(&self, e: &mut Encoder) {
        e.list(&self.entries, |e, v| e.bytes(&v.to_le_bytes()));
    }

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], _output: &TensorInfo) -> Tensor {
        let min = infos[0].quant.dtype.min();
        let channels = self.channels_of(infos[0]);
        channels.zip(inputs[0]).map(|(c, &x)| self.entries[c * VALUES + (i32::from(x) - min) as usize]).collect()
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let x = infos[0].quant;
        let f = |c: usize, v: i64| i32::from(self.entries[c * VALUES + (v - i64::from(x.dtype.min())) as usize]);
        let slope = f64::from(x.scale) / f64::from(output.quant.scale);
        if self.channels() == 1 {
            return l.table(inputs[0], slope, |v| f(0, v));
        }
        // Each channel apart, and back in its place.
        let mut places = alloc::vec![Vec::new(); self.channels()];
        let mut gather = Vec::with_capacity(infos[0].elements());
        for (i, c) in self.channels_of(infos[0]).enumerate() {
            gather.push((c as u32, places[c].len() as u32));
            places[c].push((0, i as u32));
        }
        let mut parts = Vec::with_capacity(places.len());
        for (c, places) in places.into_iter().enumerate() {
            let part = l.reindex(inputs, places);
            parts.push(l.table(part, slope, |v| f(c, v))?);
        }
        Ok(l.reindex(&parts, gather))
    }
}
