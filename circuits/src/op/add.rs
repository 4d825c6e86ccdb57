//! Elementwise addition: com.microsoft QLinearAdd.

use alloc::vec::Vec;

use super::Operator;
#[cfg(feature = "execute")]
use crate::execute::Tensor;
use crate::{
    arith::add,
    circuit::{Interval, LinearMap, LowerError, Lowering, StepFunction, Threshold, WireId},
    graph::{Encoder, GraphError, TensorInfo},
};

/// `y = clip(round_half_even((a − za)·sa/sy + (b − zb)·sb/sy) + zy)`, with [`arith::add`](crate::arith::add).
///
/// Two operands of the same shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Add;

impl Operator for Add {
    fn infer(&self, inputs: &[&TensorInfo], output: &TensorInfo) -> Result<Vec<usize>, GraphError> {
        let [a, b] = inputs else {
            return Err(GraphError::new("expected two operands"));
        };
        if a.shape != b.shape {
            return Err(GraphError::new("both operands must have the same shape (no broadcasting)"));
        }
        // Else two infinities could meet.
        if [a, b].iter().any(|x| !(255.0 * x.quant.scale / output.quant.scale).is_finite()) {
            return Err(GraphError::new("a term x · x_scale / y_scale overflows float32"));
        }
        Ok(a.shape.clone())
    }

    fn encode(&self, _e: &mut Encoder) {}

    #[cfg(feature = "execute")]
    fn eval(&self, infos: &[&TensorInfo], inputs: &[&Tensor], output: &TensorInfo) -> Tensor {
        let (qa, qb) = (&infos[0].quant, &infos[1].quant);
        inputs[0].iter().zip(inputs[1]).map(|(&a, &b)| add(a.into(), qa, b.into(), qb, &output.quant) as i16).collect()
    }

    fn lower(
        &self,
        infos: &[&TensorInfo],
        inputs: &[WireId],
        output: &TensorInfo,
        l: &mut Lowering,
    ) -> Result<WireId, LowerError> {
        let (qa, qb, qy) = (&infos[0].quant, &infos[1].quant, &output.quant);
        let union = |wire| {
            let all = l.bounds(wire).iter().copied().reduce(Interval::union);
            all.ok_or_else(|| LowerError::new("an empty operand"))
        };
        let (a, b) = (union(inputs[0])?, union(inputs[1])?);
        let pairs: Vec<(i64, i64, i32)> = (a.lo..=a.hi)
            .flat_map(|x| (b.lo..=b.hi).map(move |y| (x, y)))
            .map(|(x, y)| (x, y, add(x as i32, qa, y as i32, qb, qy)))
            .collect();
        let sum = Separation::find(&pairs, [qa, qb].map(|q| f64::from(q.scale) / f64::from(qy.scale)))?;
        let map =
            LinearMap::WeightedSum { coefficients: sum.coefficients.to_vec(), constant: 0, len: output.elements() };
        let acc = l.linear(map, inputs)?;
        l.requantize(acc, 1, 1, |_, domain| Ok(StepFunction { domain, ..sum.function.clone() }))
    }
}

/// Integer coefficients under which QLinearAdd is a step function of a weighted sum, checked on every pair of operands.
struct Separation {
    coefficients: [i64; 2],
    function: StepFunction,
}

impl Separation {
    /// Finds the smallest power of two at which the rounded ratios separate the levels of the function, preferring one
    /// at which its thresholds are also equidistant: then it costs no more than a shift.
    fn find(pairs: &[(i64, i64, i32)], ratios: [f64; 2]) -> Result<Self, LowerError> {
        let mut separating = None;
        for shift in 0..=22u32 {
            let one = f64::from(1u32 << shift);
            let coefficients = ratios.map(|r| libm::round(r * one) as i64);
            // Accumulators must stay within int32: operands are below 2^8.
            if coefficients.contains(&0) || coefficients[0].saturating_add(coefficients[1]) >= 1 << 23 {
                continue;
            }
            let Some(function) = Self::levels(pairs, coefficients, 1.0 / one) else { continue };
            let step = 1i64 << shift;
            let origins = function.thresholds.iter().zip(0i64..).map(|(t, i)| (t.below - i * step, t.at - i * step));
            let equidistant = origins.reduce(|a, b| (a.0.max(b.0), a.1.min(b.1))).is_none_or(|(below, at)| below < at);
            let found = Self { coefficients, function };
            if equidistant {
                return Ok(found);
            }
            separating.get_or_insert(found);
        }
        separating.ok_or_else(|| {
            LowerError::new("this addition is no step function of a weighted sum; other scales are needed")
        })
    }

    /// The step function of `coefficients · pair`, unless two levels overlap.
    fn levels(pairs: &[(i64, i64, i32)], coefficients: [i64; 2], slope: f64) -> Option<StepFunction> {
        let (first, last) = pairs.iter().fold((i32::MAX, i32::MIN), |(lo, hi), p| (lo.min(p.2), hi.max(p.2)));
        let mut level = alloc::vec![(i64::MAX, i64::MIN); (last - first + 1) as usize];
        for &(a, b, y) in pairs {
            let sum = coefficients[0] * a + coefficients[1] * b;
            let l = &mut level[(y - first) as usize];
            *l = (l.0.min(sum), l.1.max(sum));
        }
        // Smallest sum of each level or above.
        let mut at = i64::MAX;
        let mut ats: Vec<i64> = level
            .iter()
            .rev()
            .map(|l| {
                at = at.min(l.0);
                at
            })
            .collect();
        ats.reverse();
        let mut below = i64::MIN;
        let mut thresholds = Vec::new();
        for (l, &at) in level.iter().zip(&ats[1..]) {
            below = below.max(l.1);
            if below >= at {
                return None;
            }
            thresholds.push(Threshold { below, at });
        }
        let domain = Interval::new(ats[0], level.iter().map(|l| l.1).max()?);
        Some(StepFunction { domain, first, thresholds, slope })
    }
}
