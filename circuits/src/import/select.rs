//! Operators that choose, repeat or pad elements along dimensions.

use alloc::{format, vec::Vec};
use std::rc::Rc;

use super::{
    Importer,
    constant::{Constant, Data},
    error::{ImportError, listed, printable},
    nodes::{Call, not_dequantized},
    quantize::normalize_axis,
    shape::normalize_axes,
    value::{Fill, Move, Real, Value},
};
use crate::{
    arith,
    graph::{TensorId, check_shape},
};

/// Most results of a Split.
const MAX_PARTS: usize = 256;

/// Indices along one dimension.
type Axis = Vec<Option<u32>>;

fn every(extent: usize) -> Axis {
    (0..extent as u32).map(Some).collect()
}

impl Importer<'_> {
    /// `x, starts, ends, axes?, steps?`
    pub(super) fn slice(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let list = |c: Rc<Constant>, what: &str| c.indices(what);
        let starts = list(call.constant(1, "the starts")?, "the starts")?;
        let ends = list(call.constant(2, "the ends")?, "the ends")?;
        let axes = call.optional_constant(3, "the axes")?.map(|c| list(c, "the axes")).transpose()?;
        let steps = call.optional_constant(4, "the steps")?.map(|c| list(c, "the steps")).transpose()?;
        let n = starts.len();
        let axes = axes.unwrap_or_else(|| (0..n as i64).collect());
        let steps = steps.unwrap_or_else(|| alloc::vec![1; n]);
        if [ends.len(), axes.len(), steps.len()] != [n; 3] {
            return Err(ImportError::malformed("starts, ends, axes and steps differ in length"));
        }
        normalize_axes(&axes, shape.len())?;
        self.select(x, &shape, None, |d, extent| {
            let Some(i) = axes.iter().position(|&a| normalize_axis(a, shape.len()) == Ok(d)) else {
                return Ok(every(extent));
            };
            range([starts[i], ends[i], steps[i]], extent)
        })
    }

    /// `x, indices`: along `axis`, in the shape of the indices.
    pub(super) fn gather(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let axis = normalize_axis(call.attributes.int("axis", 0)?, shape.len())?;
        let constant = call.constant(1, "the indices")?;
        let indices = Constant { dims: alloc::vec![constant.elements()], data: constant.data.clone() };
        let extent = shape[axis] as i64;
        let index = |i: i64| match i {
            i if (0..extent).contains(&i) => Ok(Some(i as u32)),
            i if (-extent..0).contains(&i) => Ok(Some((i + extent) as u32)),
            i => Err(ImportError::malformed(format!("index {i} is outside dimension {axis} of {shape:?}"))),
        };
        let along = indices.indices("the indices")?.into_iter().map(index).collect::<Result<Axis, _>>()?;
        let mut result = shape.clone();
        result.splice(axis..=axis, constant.dims.iter().copied());
        check_shape(&result).map_err(|e| ImportError::too_large(e.message))?;
        let chosen =
            self.select(x, &shape, None, |d, extent| Ok(if d == axis { along.clone() } else { every(extent) }))?;
        self.moved(chosen, Move::Reshape(result))
    }

    /// `x, split?`: one part for each output.
    pub(super) fn split(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let axis = normalize_axis(call.attributes.int("axis", 0)?, shape.len())?;
        let [part, parts] = call.part;
        let stated = if call.opset < 13 {
            call.attributes.ints("split")?.map(<[i64]>::to_vec)
        } else {
            call.optional_constant(1, "the split")?.map(|c| c.indices("the split")).transpose()?
        };
        let declared = call.attributes.int("num_outputs", parts as i64)?;
        if parts > MAX_PARTS || declared != parts as i64 {
            return Err(ImportError::unsupported(format!("{parts} outputs of {declared}, at most {MAX_PARTS}")));
        }
        let extent = shape[axis];
        let sizes: Vec<usize> = match &stated {
            Some(sizes) => sizes.iter().map(|&s| usize::try_from(s).unwrap_or(usize::MAX)).collect(),
            None => {
                let each = extent.div_ceil(parts);
                (0..parts).map(|i| each.min(extent.saturating_sub(i * each))).collect()
            }
        };
        let total = sizes.iter().fold(0usize, |sum, &s| sum.saturating_add(s));
        if sizes.len() != parts || total != extent || sizes.contains(&0) {
            return Err(ImportError::malformed(format!("{extent} elements in parts of {}", listed(&sizes))));
        }
        let first: usize = sizes[..part].iter().sum();
        let along: Axis = (first..first + sizes[part]).map(|i| Some(i as u32)).collect();
        self.select(x, &shape, None, |d, extent| Ok(if d == axis { along.clone() } else { every(extent) }))
    }

    /// `x, pads, value?, axes?`; before operator set 11 pads and value are attributes.
    pub(super) fn pad(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let mode = call.attributes.string("mode")?;
        let (pads, value) = if call.opset < 11 {
            let pads = call.attributes.ints("pads")?.map(<[i64]>::to_vec);
            let value = call.attributes.float("value", 0.0)?;
            let data = Data::Real(alloc::vec![value]);
            (pads, (value != 0.0).then(|| Rc::new(Constant { dims: Vec::new(), data })))
        } else {
            let pads = call.optional_constant(1, "the pads")?.map(|c| c.indices("the pads")).transpose()?;
            (pads, call.optional_constant(2, "the value")?)
        };
        let pads = pads.ok_or_else(|| ImportError::malformed("the pads are missing"))?;
        let rank = shape.len();
        let padded: Vec<usize> = match call.optional_constant(3, "the axes")? {
            None => (0..rank).collect(),
            Some(c) => {
                let axes = c.indices("the axes")?;
                normalize_axes(&axes, rank)?;
                axes.iter().map(|&a| normalize_axis(a, rank)).collect::<Result<_, _>>()?
            }
        };
        let n = padded.len();
        if pads.len() != 2 * n {
            return Err(ImportError::malformed(format!("{} pads for {n} dimensions", pads.len())));
        }
        let mut around = alloc::vec![[0usize; 2]; rank];
        for (i, &d) in padded.iter().enumerate() {
            let size = |v: i64| usize::try_from(v).map_err(|_| ImportError::unsupported(format!("a pad of {v}")));
            around[d] = [size(pads[i])?, size(pads[i + n])?];
        }
        let constant = matches!(mode.as_deref(), None | Some("constant"));
        let fill = if constant && around.iter().flatten().any(|&p| p > 0) {
            Some(self.padding(&x, value.as_deref())?)
        } else {
            None
        };
        let result: Vec<usize> =
            shape.iter().zip(&around).map(|(&s, [a, b])| s.saturating_add(*a).saturating_add(*b)).collect();
        check_shape(&result).map_err(|e| ImportError::too_large(e.message))?;
        self.select(x, &shape, fill, |d, extent| {
            let (extent, [before, after]) = (extent as i64, around[d].map(|p| p as i64));
            if mode.as_deref() == Some("reflect") && before.max(after) >= extent {
                return Err(ImportError::malformed(format!(
                    "reflection beyond the {extent} elements of dimension {d}"
                )));
            }
            let index = |i: i64| match mode.as_deref() {
                None | Some("constant") => Ok((0..extent).contains(&i).then_some(i as u32)),
                Some("edge") => Ok(Some(i.clamp(0, extent - 1) as u32)),
                Some("wrap") => Ok(Some(i.rem_euclid(extent) as u32)),
                Some("reflect") => {
                    let i = i.abs();
                    Ok(Some(if i < extent { i } else { 2 * (extent - 1) - i } as u32))
                }
                Some(other) => Err(ImportError::malformed(format!("mode = {}", printable(other)))),
            };
            (-before..extent + after).map(index).collect()
        })
    }

    /// What padding by a constant means.
    fn padding(&self, x: &Value, value: Option<&Constant>) -> Result<Fill, ImportError> {
        match (x, value.map(|c| (&c.data, c))) {
            (Value::Tensor(_), None) => Ok(Fill::Integer(0)),
            (Value::Tensor(id), Some((Data::Byte(dtype, v), _)))
                if *dtype == self.builder.dtype(*id) && v.len() == 1 =>
            {
                Ok(Fill::Integer(v[0]))
            }
            (Value::Real(Real::Tensor(id)), value) => {
                let value = value.map_or(Ok(0.0), |(_, c)| c.real("the value"))?;
                let q = self.known(*id)?;
                let v = arith::quantize(value, &q);
                if arith::dequantize(v, &q) == value {
                    Ok(Fill::Integer(v as i16))
                } else {
                    Err(ImportError::unsupported(format!("padding by {value}, which is no value of the tensor")))
                }
            }
            (Value::Tensor(_), Some((_, c))) => Err(c.mismatch("the value", "one of the tensor's type")),
            // Quantization is elementwise: the padding becomes what it makes of this number.
            (Value::Real(Real::Input { .. }), value) => match value.map_or(Ok(0.0), |(_, c)| c.real("the value"))? {
                v if v.is_finite() => Ok(Fill::Real(v)),
                v => Err(ImportError::refused(format!("padding by {v}"))),
            },
            _ => Err(not_dequantized("x")),
        }
    }

    /// `x, roi?, scales?, sizes?` (operator set 10: `x, scales`): nearest neighbours, by whole factors.
    pub(super) fn resize(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let old = call.opset < 11;
        let mut text =
            |name, default: &str| Ok::<_, ImportError>(call.attributes.string(name)?.unwrap_or_else(|| default.into()));
        let mode = text("mode", "nearest")?;
        let coordinates = text("coordinate_transformation_mode", if old { "asymmetric" } else { "half_pixel" })?;
        let nearest = text("nearest_mode", if old { "floor" } else { "round_prefer_floor" })?;
        if text("keep_aspect_ratio_policy", "stretch")? != "stretch" {
            return Err(ImportError::unsupported("keep_aspect_ratio_policy is not stretch"));
        }
        if mode != "nearest" {
            return Err(ImportError::unsupported(format!(
                "mode = {} is not supported, only nearest",
                printable(&mode)
            )));
        }
        // Those of other modes.
        call.attributes.float("cubic_coeff_a", 0.0)?;
        call.attributes.float("extrapolation_value", 0.0)?;
        call.attributes.only("exclude_outside", 0)?;
        call.attributes.only("antialias", 0)?;
        let rank = shape.len();
        let resized = match call.attributes.ints("axes")? {
            None => (0..rank).collect(),
            Some(axes) => {
                normalize_axes(axes, rank)?;
                axes.iter().map(|&a| normalize_axis(a, rank)).collect::<Result<Vec<_>, _>>()?
            }
        };
        let given = |c: Option<Rc<Constant>>| c.filter(|c| c.elements() > 0);
        let (scales, sizes) = if old {
            (given(call.optional_constant(1, "the scales")?), None)
        } else {
            call.optional_constant(1, "the region")?;
            (given(call.optional_constant(2, "the scales")?), given(call.optional_constant(3, "the sizes")?))
        };
        let whole = || {
            ImportError::unsupported("a dimension is not resized by a whole factor").hint("only whole ones are exact")
        };
        let factors: Vec<usize> = match (scales, sizes) {
            (Some(c), None) => match &c.data {
                Data::Real(v) if c.dims.len() == 1 => {
                    let factor = |&s: &f32| {
                        ((1.0..=65536.0).contains(&s) && libm::floorf(s) == s).then_some(s as usize).ok_or_else(whole)
                    };
                    v.iter().map(factor).collect::<Result<_, _>>()?
                }
                _ => return Err(c.mismatch("the scales", "a list of float32")),
            },
            (None, Some(c)) => {
                let factor = |(i, &size): (usize, &i64)| {
                    let extent = resized.get(i).map_or(1, |&d| shape[d]);
                    usize::try_from(size).ok().filter(|s| *s > 0 && s.is_multiple_of(extent)).map(|s| s / extent)
                };
                let sizes = c.indices("the sizes")?;
                sizes.iter().enumerate().map(factor).collect::<Option<_>>().ok_or_else(whole)?
            }
            _ => return Err(ImportError::malformed("either scales or sizes are needed")),
        };
        if factors.len() != resized.len() {
            return Err(ImportError::malformed(format!("{} factors for {} dimensions", factors.len(), resized.len())));
        }
        let factor_of = |d: usize| resized.iter().position(|&r| r == d).map_or(1, |i| factors[i]);
        let result: Vec<usize> = shape.iter().enumerate().map(|(d, s)| s.saturating_mul(factor_of(d))).collect();
        check_shape(&result).map_err(|e| ImportError::too_large(e.message))?;
        self.select(x, &shape, None, |d, extent| {
            let index = |o| nearest_index([o, extent as i64, factor_of(d) as i64], &coordinates, &nearest);
            (0..result[d] as i64).map(index).collect()
        })
    }

    /// `x, shape`: dimensions of 1 are repeated, and the rank may grow.
    pub(super) fn expand(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let target = call.constant(1, "the shape")?.indices("the shape")?;
        let target = target.iter().map(|&d| usize::try_from(d).unwrap_or(usize::MAX)).collect::<Vec<_>>();
        let result = broadcast(&shape, &target)?;
        self.expand_to(x, &shape, &result)
    }

    /// `x, repeats`
    pub(super) fn tile(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, shape) = self.movable(call)?;
        let repeats = call.constant(1, "the repeats")?.indices("the repeats")?;
        let repeats: Vec<usize> = repeats.iter().map(|&r| usize::try_from(r).unwrap_or(usize::MAX)).collect();
        if repeats.len() != shape.len() {
            return Err(ImportError::malformed(format!("repeats {} of shape {shape:?}", listed(&repeats))));
        }
        let result: Vec<usize> = shape.iter().zip(&repeats).map(|(s, &r)| s.saturating_mul(r)).collect();
        check_shape(&result).map_err(|e| ImportError::too_large(e.message))?;
        self.select(x, &shape, None, |d, extent| Ok((0..result[d]).map(|i| Some((i % extent) as u32)).collect()))
    }

    /// `x`: channels to blocks of pixels.
    pub(super) fn depth_to_space(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, [n, c, h, w], b) = self.blocks(call)?;
        let mode = call.attributes.string("mode")?;
        let Some(channels) = b.checked_mul(b).filter(|s| c.is_multiple_of(*s)).map(|s| c / s) else {
            return Err(ImportError::malformed(format!("{c} channels in blocks of {b}×{b}")));
        };
        let (from, perm) = match mode.as_deref() {
            None | Some("DCR") => ([n, b, b, channels, h, w], [0, 3, 4, 1, 5, 2]),
            Some("CRD") => ([n, channels, b, b, h, w], [0, 1, 4, 2, 5, 3]),
            Some(other) => return Err(ImportError::malformed(format!("mode = {}", printable(other)))),
        };
        self.block_moves(x, from, perm, [n, channels, h * b, w * b])
    }

    /// `x`: blocks of pixels to channels.
    pub(super) fn space_to_depth(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, [n, c, h, w], b) = self.blocks(call)?;
        if !h.is_multiple_of(b) || !w.is_multiple_of(b) {
            return Err(ImportError::malformed(format!("{h}×{w} pixels in blocks of {b}×{b}")));
        }
        let (h, w) = (h / b, w / b);
        self.block_moves(x, [n, c, h, b, w, b], [0, 3, 5, 1, 2, 4], [n, c * b * b, h, w])
    }

    fn blocks(&mut self, call: &mut Call<'_>) -> Result<(Value, [usize; 4], usize), ImportError> {
        let (x, shape) = self.movable(call)?;
        let b = usize::try_from(call.attributes.int("blocksize", 0)?).ok().filter(|&b| b > 0);
        let b = b.ok_or_else(|| ImportError::malformed("blocksize is missing or not positive"))?;
        let shape = shape.try_into().map_err(|_| ImportError::unsupported("a tensor that is not [N, C, H, W]"))?;
        Ok((x, shape, b))
    }

    fn block_moves(
        &mut self,
        x: Value,
        from: [usize; 6],
        perm: [usize; 6],
        to: [usize; 4],
    ) -> Result<Value, ImportError> {
        let moves = [Move::Reshape(from.to_vec()), Move::Transpose(perm.to_vec()), Move::Reshape(to.to_vec())];
        moves.into_iter().try_fold(x, |x, m| self.moved(x, m))
    }

    /// Two tensors repeated to one shape.
    pub(super) fn broadcast(&mut self, a: TensorId, b: TensorId) -> Result<[TensorId; 2], ImportError> {
        let shapes = [a, b].map(|id| self.builder.shape(id).to_vec());
        let result = broadcast(&shapes[0], &shapes[1])?;
        let mut ids = [a, b];
        for (id, shape) in ids.iter_mut().zip(&shapes) {
            match self.expand_to(Value::Tensor(*id), shape, &result)? {
                Value::Tensor(expanded) => *id = expanded,
                _ => return Err(not_dequantized("an operand")),
            }
        }
        Ok(ids)
    }

    /// Repeats dimensions of 1, after adding such in front.
    fn expand_to(&mut self, x: Value, shape: &[usize], result: &[usize]) -> Result<Value, ImportError> {
        let mut full = alloc::vec![1; result.len() - shape.len()];
        full.extend_from_slice(shape);
        let x = self.moved(x, Move::Reshape(full.clone()))?;
        if full == result {
            return Ok(x);
        }
        self.select(x, &full, None, |d, extent| {
            Ok((0..result[d]).map(|i| Some(if extent == 1 { 0 } else { i as u32 })).collect())
        })
    }

    /// `x` with these indices along each dimension.
    fn select(
        &mut self,
        x: Value,
        shape: &[usize],
        fill: Option<Fill>,
        axis: impl Fn(usize, usize) -> Result<Axis, ImportError>,
    ) -> Result<Value, ImportError> {
        let mut axes = Vec::with_capacity(shape.len());
        for (d, &extent) in shape.iter().enumerate() {
            let axis = axis(d, extent)?;
            self.builder.charge(axis.len())?;
            axes.push(axis);
        }
        let result: Vec<usize> = axes.iter().map(Vec::len).collect();
        check_shape(&result).map_err(|e| ImportError::too_large(e.message))?;
        self.moved(x, Move::Select { axes: axes.into(), fill })
    }
}

/// Indices from start to end, cut to the dimension as ONNX does.
fn range([start, end, step]: [i64; 3], extent: usize) -> Result<Axis, ImportError> {
    let extent = extent as i64;
    let from_front = |v: i64| if v < 0 { v.saturating_add(extent) } else { v };
    let (start, end) = (from_front(start), from_front(end));
    if step == 0 {
        return Err(ImportError::malformed("a step of 0"));
    }
    let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    let axis: Axis = if step > 0 {
        (start.clamp(0, extent)..end.clamp(0, extent)).step_by(stride).map(|i| Some(i as u32)).collect()
    } else {
        let (first, last) = (start.clamp(-1, extent - 1), end.clamp(-1, extent - 1));
        (last + 1..=first).rev().step_by(stride).map(|i| Some(i as u32)).collect()
    };
    if axis.is_empty() { Err(ImportError::unsupported("nothing is left of a dimension")) } else { Ok(axis) }
}

/// The operand's index nearest to an output's, in whole numbers: the coordinate is `numerator / denominator`.
fn nearest_index([o, extent, factor]: [i64; 3], coordinates: &str, nearest: &str) -> Result<Option<u32>, ImportError> {
    let single = extent * factor == 1;
    let (numerator, denominator) = match coordinates {
        "asymmetric" => (o, factor),
        "half_pixel" => (2 * o + 1 - factor, 2 * factor),
        "pytorch_half_pixel" | "align_corners" if single => (0, 1),
        "pytorch_half_pixel" => (2 * o + 1 - factor, 2 * factor),
        "align_corners" => (o * (extent - 1), extent * factor - 1),
        other => {
            return Err(ImportError::unsupported(format!("coordinate_transformation_mode = {}", printable(other))));
        }
    };
    let ceil = |n: i64, d: i64| -(-n).div_euclid(d);
    let index = match nearest {
        "floor" => numerator.div_euclid(denominator),
        "ceil" => ceil(numerator, denominator),
        "round_prefer_floor" => ceil(2 * numerator - denominator, 2 * denominator),
        "round_prefer_ceil" => (2 * numerator + denominator).div_euclid(2 * denominator),
        other => return Err(ImportError::malformed(format!("nearest_mode = {}", printable(other)))),
    };
    Ok(Some(index.clamp(0, extent - 1) as u32))
}

/// The shape that two shapes are repeated to, aligned at their last dimensions.
fn broadcast(a: &[usize], b: &[usize]) -> Result<Vec<usize>, ImportError> {
    let rank = a.len().max(b.len());
    let dim = |shape: &[usize], d: usize| (d + shape.len()).checked_sub(rank).map_or(1, |i| shape[i]);
    let result = (0..rank).map(|d| match (dim(a, d), dim(b, d)) {
        (1, n) | (n, 1) => Ok(n),
        (m, n) if m == n => Ok(n),
        _ => Err(ImportError::malformed(format!("shapes {} and {} do not fit", listed(a), listed(b)))),
    });
    let result = result.collect::<Result<Vec<_>, _>>()?;
    check_shape(&result).map_err(|e| ImportError::too_large(e.message))?;
    Ok(result)
}

impl Constant {
    /// A list of int64 or int32.
    fn indices(&self, what: &str) -> Result<Vec<i64>, ImportError> {
        match &self.data {
            Data::Int64(v) if self.dims.len() <= 1 => Ok(v.clone()),
            Data::Int32(v) if self.dims.len() <= 1 => Ok(v.iter().map(|&i| i.into()).collect()),
            _ => Err(self.mismatch(what, "a list of int64")),
        }
    }
}
