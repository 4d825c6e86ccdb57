//! The open set of operators of a [`Graph`](crate::graph::Graph).
//!
//! To add one: write its file with an [`Operator`] implementation, add one line to the registry below, and teach
//! `import` to make it. Nothing else changes, because proof systems prove relations, not operators.

mod add;
mod average_pool;
mod concat;
mod conv;
mod dense;
mod max_pool;
mod mul;
mod reshape;
mod select;
mod table;
mod transpose;
pub(crate) mod window;

use alloc::vec::Vec;

pub use self::{
    add::Add, average_pool::AveragePool, concat::Concat, conv::Conv, dense::Dense, max_pool::MaxPool, mul::Mul,
    reshape::Reshape, select::Select, table::Table, transpose::Transpose, window::Window,
};
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    circuit::{LowerError, Lowering, StepFunction, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// What every operator defines.
pub trait Operator {
    /// Checks operands, attributes and the output's quantization, and gives the output's shape.
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError>;

    /// Appends the attributes and weights to the canonical encoding (the tag is written by the graph).
    fn encode(&self, e: &mut Encoder);

    /// Multiply-accumulate operations of one inference.
    fn macs(&self, output: &TensorInfo) -> u64 {
        let _ = output;
        0
    }

    /// Weights and biases held.
    fn parameters(&self) -> usize {
        0
    }

    /// The exact integer result on raw (not centered) integers, row-major.
    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor;

    /// Emits the relations that constrain the output, and gives its wire.
    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError>;
}

macro_rules! registry {
    ($($tag:literal $name:ident $(,)?)*) => {
        /// An operator with its attributes and weights.
        #[derive(Clone, Debug, PartialEq)]
        #[allow(missing_docs, reason = "each variant is documented at its type")]
        pub enum Op { $($name($name)),* }

        impl Op {
            /// Every operator's name.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// Number of the operator in the canonical encoding; never reused.
            pub fn tag(&self) -> u8 { match self { $(Self::$name(_) => $tag),* } }

            /// Name for people.
            pub fn name(&self) -> &'static str { match self { $(Self::$name(_) => stringify!($name)),* } }
        }

        impl Operator for Op {
            fn infer(&self, i: &[&TensorInfo], o: &TensorInfo) -> Result<Vec<usize>, GraphError> {
                match self { $(Self::$name(op) => op.infer(i, o)),* }
            }
            fn encode(&self, e: &mut Encoder) { match self { $(Self::$name(op) => op.encode(e)),* } }
            fn macs(&self, o: &TensorInfo) -> u64 { match self { $(Self::$name(op) => op.macs(o)),* } }
            fn parameters(&self) -> usize { match self { $(Self::$name(op) => op.parameters()),* } }
            #[cfg(feature = "execute")]
            fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor {
                match self { $(Self::$name(op) => op.eval(infos, inputs, output)),* }
            }
            fn lower(
                &self, infos: &[&TensorInfo], inputs: &[WireId], output: &TensorInfo, l: &mut Lowering,
            ) -> Result<WireId, LowerError> {
                match self { $(Self::$name(op) => op.lower(infos, inputs, output, l)),* }
            }
        }

        $(impl From<$name> for Op { fn from(op: $name) -> Self { Self::$name(op) } })*
    };
}

// The registry: one line per operator.
registry! {
    1 Conv,
    2 Dense,
    3 Add,
    4 AveragePool,
    5 MaxPool,
    6 Table,
    7 Reshape,
    8 Transpose,
    9 Concat,
    10 Mul,
    11 Select,
}

/// The one operand of a unary operator.
fn unary<'a>(inputs: &[&'a TensorInfo]) -> Result<&'a TensorInfo, GraphError> {
    match inputs {
        [x] => Ok(x),
        _ => Err(GraphError::new("expected one operand")),
    }
}

/// Refuses a sum `bias + Σ (x − zero)·w` that some operand of this type could push out of int32, where ONNX Runtime and
/// the executor wrap. Padding and cut windows leave terms out, and zero is within the range of every term.
fn check_accumulator(x: &TensorInfo, weights: impl Iterator<Item = i64>, bias: i32) -> Result<(), GraphError> {
    let q = &x.quant;
    let [lo, hi] = [q.dtype.min(), q.dtype.max()].map(|end| i64::from(end - q.zero_point));
    let (least, most) = weights.fold((i64::from(bias), i64::from(bias)), |(least, most), w| {
        let (a, b) = (w * lo, w * hi);
        (least + a.min(b), most + a.max(b))
    });
    if i32::try_from(least).is_ok() && i32::try_from(most).is_ok() {
        Ok(())
    } else {
        Err(GraphError::new(alloc::format!("an accumulator can reach {least} to {most}, outside int32")))
    }
}

/// Refuses an operand whose quantization differs from the output's, for operators that only move or select values.
fn check_same_quantization(x: &TensorInfo, y: &TensorInfo) -> Result<(), GraphError> {
    if x.quant == y.quant {
        Ok(())
    } else {
        Err(GraphError::new("the operand and the result must have the same type, scale and zero point"))
    }
}

/// How an accumulator becomes an 8-bit value: [`requantize`](crate::arith::requantize) with these parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct Requantization {
    /// `m = (x_scale · w_scale) / y_scale`, each step in f32: one, or one for each output channel. Positive, normal.
    pub multipliers: Vec<f32>,
    /// Smallest output value: the type's minimum, or more under a fused Relu or Clip.
    pub min: i32,
    /// Largest output value.
    pub max: i32,
}

impl Requantization {
    /// The multiplier of an output channel.
    pub fn multiplier(&self, channel: usize) -> f32 {
        if self.multipliers.len() == 1 { self.multipliers[0] } else { self.multipliers[channel] }
    }

    /// The 8-bit value of an accumulator.
    #[inline]
    pub fn apply(&self, acc: i32, channel: usize, zero_point: i32) -> i32 {
        crate::arith::requantize(acc, self.multiplier(channel), zero_point, self.min, self.max)
    }

    fn check(&self, channels: usize, output: &TensorInfo) -> Result<(), GraphError> {
        if self.multipliers.len() != 1 && self.multipliers.len() != channels {
            return Err(GraphError::new("as many multipliers as output channels, or one, are needed"));
        }
        for &m in &self.multipliers {
            crate::graph::check_scale(m)
                .map_err(|e| GraphError::new(alloc::format!("x_scale · w_scale / y_scale: {}", e.message)))?;
        }
        let q = output.quant.dtype;
        if self.min > self.max || self.min < q.min() || self.max > q.max() {
            return Err(GraphError::new("the clip range is empty or outside the output type"));
        }
        Ok(())
    }

    /// The relation `y = apply(acc)`, for accumulators whose channel is `(element / inner) % channels`.
    fn lower(&self, acc: WireId, inner: usize, output: &TensorInfo, l: &mut Lowering) -> Result<WireId, LowerError> {
        let zero_point = output.quant.zero_point;
        l.requantize(acc, self.multipliers.len(), inner, |channel, domain| {
            let slope = f64::from(self.multiplier(channel));
            Ok(StepFunction::bisect(domain, slope, |a| self.apply(a as i32, channel, zero_point)))
        })
    }

    fn encode(&self, e: &mut Encoder) {
        e.list(&self.multipliers, Encoder::f32);
        e.i32(self.min);
        e.i32(self.max);
    }
}
