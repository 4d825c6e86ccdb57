//! Operators that move elements. They commute with quantization, so of reals they move the integers.

use alloc::{format, vec::Vec};

use super::{
    Importer,
    error::{ImportError, listed},
    nodes::{Call, not_dequantized},
    quantize::normalize_axis,
    value::{Fill, Kernel, Move, Real, Value},
};
use crate::{
    arith,
    graph::{MAX_RANK, TensorId, check_shape},
    op::{Concat, Reshape, Select, Transpose},
};

/// Most operators that move the input before it is quantized: each result keeps the list of all before it.
const MAX_MOVES: usize = 16;

impl Importer<'_> {
    /// `x, shape`: 0 copies a dimension (unless `allowzero`), −1 is what remains.
    pub(super) fn reshape(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        call.attributes.only("allowzero", 0)?;
        let target = call.constant(1, "the shape")?;
        let target = target.integers("the shape")?;
        let elements: usize = shape.iter().product();
        let misfit = || ImportError::malformed(format!("{elements} elements can't have shape {}", listed(target)));
        let mut dims = Vec::with_capacity(target.len());
        for (i, &d) in target.iter().enumerate() {
            dims.push(match d {
                -1 => 1,
                0 => *shape.get(i).ok_or_else(misfit)?,
                d => usize::try_from(d).map_err(|_| misfit())?,
            });
        }
        check_shape(&dims).map_err(|e| ImportError::too_large(e.message))?;
        let known: usize = dims.iter().product();
        let mut open = target.iter().enumerate().filter(|t| *t.1 == -1).map(|t| t.0);
        if let Some(i) = open.next() {
            dims[i] = elements / known;
        }
        if open.next().is_some() || dims.iter().product::<usize>() != elements {
            return Err(misfit());
        }
        self.moved(x, Move::Reshape(dims))
    }

    /// `x`: two dimensions, cut before `axis`.
    pub(super) fn flatten(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let axis = call.attributes.int("axis", 1)?;
        let axis = if axis == shape.len() as i64 { shape.len() } else { normalize_axis(axis, shape.len())? };
        let (outer, inner) = shape.split_at(axis);
        self.moved(x, Move::Reshape([outer, inner].map(|dims| dims.iter().product()).to_vec()))
    }

    /// `x`; without `perm` the dimensions are reversed.
    pub(super) fn transpose(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let perm = match call.attributes.ints("perm")? {
            None => (0..shape.len()).rev().collect(),
            Some(perm) => perm.iter().map(|&p| normalize_axis(p, shape.len())).collect::<Result<Vec<_>, _>>()?,
        };
        if perm.len() != shape.len() || !(0..shape.len()).all(|d| perm.contains(&d)) {
            return Err(ImportError::malformed(format!(
                "perm {} is no permutation of {} dimensions",
                listed(&perm),
                shape.len()
            )));
        }
        self.moved(x, Move::Transpose(perm))
    }

    /// `x, axes?`: drops dimensions of 1.
    pub(super) fn squeeze(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let axes = match axes(call)? {
            None => (0..shape.len()).filter(|&d| shape[d] == 1).collect(),
            Some(axes) => normalize_axes(&axes, shape.len())?,
        };
        if axes.iter().any(|&a| shape[a] != 1) {
            return Err(ImportError::malformed(format!("axes {axes:?} of shape {shape:?} are not all 1")));
        }
        let kept = shape.iter().enumerate().filter(|(d, _)| !axes.contains(d)).map(|(_, &extent)| extent);
        self.moved(x, Move::Reshape(kept.collect()))
    }

    /// `x, axes`: inserts dimensions of 1.
    pub(super) fn unsqueeze(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let axes = axes(call)?.ok_or_else(|| ImportError::malformed("the axes are missing"))?;
        let rank = shape.len().saturating_add(axes.len());
        if rank > MAX_RANK {
            return Err(ImportError::too_large(format!("rank {rank} is above {MAX_RANK}")));
        }
        let axes = normalize_axes(&axes, rank)?;
        let mut old = shape.iter();
        let dims = (0..rank).map(|d| if axes.contains(&d) { 1 } else { old.next().copied().unwrap_or(1) });
        self.moved(x, Move::Reshape(dims.collect()))
    }

    /// Operands along `axis`: of equal quantization, or reals, which their QuantizeLinear brings to one.
    pub(super) fn concat(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let mut ids = Vec::new();
        let mut reals = 0;
        for i in 0..call.operands() {
            match call.operand(i, "an operand")? {
                Value::Tensor(id) => ids.push(id),
                Value::Real(Real::Tensor(id)) => {
                    ids.push(id);
                    reals += 1;
                }
                _ => return Err(not_dequantized(&format!("operand {i}"))),
            }
        }
        let Some(&first) = ids.first().filter(|_| reals == 0 || reals == ids.len()) else {
            return Err(ImportError::malformed("operands must be all integers or all reals, and at least one"));
        };
        let mut shape = self.builder.shape(first).to_vec();
        let axis = normalize_axis(call.attributes.int("axis", 0)?, shape.len())?;
        let known: Vec<_> = ids.iter().map(|&id| self.builder.quantization(id)).collect();
        let apart = reals > 0 && known.iter().any(|q| *q != known[0]);
        for &id in &ids[1..] {
            if !apart {
                self.builder.unite(first, id)?;
            }
            let other = self.builder.shape(id);
            let extent = other.get(axis).copied().unwrap_or(0);
            shape[axis] = shape[axis].saturating_add(extent);
        }
        if apart {
            check_shape(&shape).map_err(|e| ImportError::too_large(e.message))?;
            return Ok(Real::pending(Kernel::Concat(ids, axis), shape));
        }
        let op = Concat { axis };
        let y = self.builder.keep(op, &ids, shape)?;
        Ok(if reals > 0 { Value::Real(Real::Tensor(y)) } else { Value::Tensor(y) })
    }

    /// `y_scale, y_zero, (x, x_scale, x_zero)…`
    pub(super) fn qlinear_concat(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let mut ids = Vec::new();
        for first in (2..call.operands()).step_by(3) {
            ids.push(self.quantized(call, [first, first + 1, first + 2], "an operand")?.0);
        }
        let Some(&first) = ids.first() else {
            return Err(ImportError::malformed("at least one operand is needed"));
        };
        let q = call.quantization([0, 1], "y", self.builder.dtype(first))?;
        let mut shape = self.builder.shape(first).to_vec();
        let axis = normalize_axis(call.attributes.int("axis", 0)?, shape.len())?;
        shape[axis] = ids
            .iter()
            .fold(0usize, |sum, &id| sum.saturating_add(self.builder.shape(id).get(axis).copied().unwrap_or(0)));
        let parts = ids.iter().map(|&id| self.copy(id, q)).collect::<Result<Vec<_>, _>>()?;
        self.builder.keep(Concat { axis }, &parts, shape).map(Value::Tensor)
    }

    /// An operand whose elements can be moved, and its shape.
    pub(super) fn movable(&self, call: &mut Call<'_>) -> Result<(Value, Vec<usize>), ImportError> {
        let x = call.operand(0, "x")?;
        let shape = match &x {
            Value::Tensor(id) => self.builder.shape(*id),
            Value::Real(real @ (Real::Input { .. } | Real::Tensor(_))) => real.shape(&self.builder),
            _ => return Err(not_dequantized("x")),
        };
        let shape = shape.to_vec();
        Ok((x, shape))
    }

    pub(super) fn moved(&mut self, x: Value, m: Move) -> Result<Value, ImportError> {
        Ok(match x {
            Value::Tensor(id) => Value::Tensor(self.rearrange(id, &m)?),
            Value::Real(Real::Tensor(id)) => Value::Real(Real::Tensor(self.rearrange(id, &m)?)),
            Value::Real(Real::Input { moves, .. }) if moves.len() == MAX_MOVES => {
                return Err(ImportError::too_large(format!(
                    "more than {MAX_MOVES} rearrangements of the input in a row"
                ))
                .hint("quantize the input before they begin"));
            }
            Value::Real(Real::Input { mut moves, shape }) => {
                let shape = m.shape(&shape);
                moves.push(m);
                Value::Real(Real::Input { moves, shape })
            }
            _ => return Err(not_dequantized("x")),
        })
    }

    pub(super) fn rearrange(&mut self, id: TensorId, m: &Move) -> Result<TensorId, ImportError> {
        let shape = m.shape(self.builder.shape(id));
        match m {
            Move::Reshape(_) if shape == self.builder.shape(id) => Ok(id),
            Move::Reshape(_) => self.builder.keep(Reshape, &[id], shape),
            Move::Transpose(perm) => self.builder.keep(Transpose { perm: perm.clone() }, &[id], shape),
            Move::Select { axes, fill } => {
                self.builder.charge(shape.iter().sum())?;
                let fill = match *fill {
                    None => None,
                    Some(Fill::Integer(v)) => Some(v),
                    Some(Fill::Real(v)) => Some(arith::quantize(v, &self.known(id)?) as i16),
                };
                self.builder.keep(Select { axes: axes.to_vec(), fill }, &[id], shape)
            }
        }
    }
}

impl Move {
    fn shape(&self, from: &[usize]) -> Vec<usize> {
        match self {
            Self::Reshape(dims) => dims.clone(),
            Self::Transpose(perm) => perm.iter().map(|&p| from[p]).collect(),
            Self::Select { axes, .. } => axes.iter().map(Vec::len).collect(),
        }
    }
}

/// The axes: an operand since operator set 13, an attribute before.
pub(super) fn axes(call: &mut Call<'_>) -> Result<Option<Vec<i64>>, ImportError> {
    if call.opset < 13 {
        return Ok(call.attributes.ints("axes")?.map(<[i64]>::to_vec));
    }
    let constant = call.optional_constant(1, "the axes")?;
    constant.map(|c| c.integers("the axes").map(<[i64]>::to_vec)).transpose()
}

pub(super) fn normalize_axes(axes: &[i64], rank: usize) -> Result<Vec<usize>, ImportError> {
    let mut normal = axes.iter().map(|&a| normalize_axis(a, rank)).collect::<Result<Vec<_>, _>>()?;
    normal.sort_unstable();
    if normal.windows(2).any(|p| p[0] == p[1]) {
        return Err(ImportError::malformed(format!("axes {} are not distinct", listed(axes))));
    }
    Ok(normal)
}
