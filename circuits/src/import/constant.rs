//! Values that stand in the file: initializers and Constant nodes.

use alloc::{format, vec::Vec};

use super::{
    error::{ImportError, listed},
    proto::{Tensor, data_type},
};
use crate::graph::{DType, MAX_ELEMENTS, MAX_RANK, check_scale};

/// Elements of a constant, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Data {
    /// float32.
    Real(Vec<f32>),
    /// int8 or uint8.
    Byte(DType, Vec<i16>),
    /// int32.
    Int32(Vec<i32>),
    /// int64.
    Int64(Vec<i64>),
}

/// A constant tensor.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Constant {
    pub(super) dims: Vec<usize>,
    pub(super) data: Data,
}

impl Constant {
    pub(super) fn decode(t: &Tensor) -> Result<Self, ImportError> {
        if t.data_location != 0 || !t.external_data.is_empty() {
            return Err(ImportError::refused("its data is in another file")
                .hint("save the model as one file, without external data"));
        }
        if t.segment.is_some() {
            return Err(ImportError::unsupported("a segmented tensor"));
        }
        let too_large = || ImportError::too_large(format!("shape {} is too large", listed(&t.dims)));
        if t.dims.len() > MAX_RANK {
            return Err(too_large());
        }
        let dims = t.dims.iter().map(|&d| usize::try_from(d).ok()).collect::<Option<Vec<_>>>();
        let dims = dims.ok_or_else(|| ImportError::malformed("a negative dimension"))?;
        let elements = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d).filter(|&n| n <= MAX_ELEMENTS));
        let elements = elements.ok_or_else(too_large)?;
        let data = match t.data_type {
            data_type::FLOAT => {
                Data::Real(list(t, elements, &t.float_data, |v| v, |b: [u8; 4]| f32::from_le_bytes(b))?)
            }
            data_type::INT8 => Data::Byte(DType::I8, bytes(t, elements, DType::I8)?),
            data_type::UINT8 => Data::Byte(DType::U8, bytes(t, elements, DType::U8)?),
            data_type::INT32 => {
                Data::Int32(list(t, elements, &t.int32_data, |v| v, |b: [u8; 4]| i32::from_le_bytes(b))?)
            }
            data_type::INT64 => {
                Data::Int64(list(t, elements, &t.int64_data, |v| v, |b: [u8; 8]| i64::from_le_bytes(b))?)
            }
            other => {
                return Err(ImportError::unsupported(format!("element type number {other}"))
                    .hint("float32, int8, uint8, int32 and int64 are supported"));
            }
        };
        Ok(Self { dims, data })
    }

    pub(super) fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// Number of the element type.
    pub(super) fn elem_type(&self) -> i32 {
        match &self.data {
            Data::Real(_) => data_type::FLOAT,
            Data::Byte(t, _) => data_type::of(*t),
            Data::Int32(_) => data_type::INT32,
            Data::Int64(_) => data_type::INT64,
        }
    }

    /// What was expected, and what this is.
    pub(super) fn mismatch(&self, what: &str, expected: &str) -> ImportError {
        let name = data_type::name(self.elem_type()).unwrap_or_default();
        ImportError::unsupported(format!("{what} is {name} {:?}, {expected} is expected", self.dims))
    }

    /// Scales of a quantization, each positive and normal.
    pub(super) fn scales(&self, what: &str) -> Result<Vec<f32>, ImportError> {
        let Data::Real(v) = &self.data else { return Err(self.mismatch(what, "float32")) };
        if self.dims.len() > 1 || v.is_empty() {
            return Err(self.mismatch(what, "a number or a list of them"));
        }
        v.iter()
            .try_for_each(|&s| check_scale(s))
            .map_err(|e| ImportError::refused(format!("{what}: {}", e.message)))?;
        Ok(v.clone())
    }

    /// Zero points of a quantization.
    pub(super) fn zeros(&self, what: &str) -> Result<(DType, Vec<i32>), ImportError> {
        match &self.data {
            Data::Byte(dtype, v) if self.dims.len() <= 1 && !v.is_empty() => {
                Ok((*dtype, v.iter().map(|&z| z.into()).collect()))
            }
            _ => Err(self.mismatch(what, "int8 or uint8, a number or a list of them,")),
        }
    }

    /// A list of int64, such as a shape.
    pub(super) fn integers(&self, what: &str) -> Result<&[i64], ImportError> {
        match &self.data {
            Data::Int64(v) if self.dims.len() <= 1 => Ok(v),
            _ => Err(self.mismatch(what, "a list of int64")),
        }
    }

    /// A float32 scalar.
    pub(super) fn real(&self, what: &str) -> Result<f32, ImportError> {
        match &self.data {
            Data::Real(v) if v.len() == 1 => Ok(v[0]),
            _ => Err(self.mismatch(what, "one float32")),
        }
    }
}

/// Elements from `raw_data`, or from the typed list; exactly one of them may hold elements.
fn list<S: Copy, T, const N: usize>(
    t: &Tensor,
    elements: usize,
    typed: &[S],
    from_typed: impl Fn(S) -> T,
    from_raw: impl Fn([u8; N]) -> T,
) -> Result<Vec<T>, ImportError> {
    let others = t.float_data.len() + t.int32_data.len() + t.int64_data.len() - typed.len();
    let raw = &t.raw_data;
    let fits = if raw.is_empty() { typed.len() == elements } else { typed.is_empty() && raw.len() == elements * N };
    if others > 0 || !fits {
        return Err(ImportError::malformed(format!("its data does not hold the {elements} elements of its shape")));
    }
    Ok(if raw.is_empty() {
        typed.iter().map(|&v| from_typed(v)).collect()
    } else {
        raw.as_chunks().0.iter().map(|&b| from_raw(b)).collect()
    })
}

/// 8-bit integers; the typed list has them as int32.
fn bytes(t: &Tensor, elements: usize, dtype: DType) -> Result<Vec<i16>, ImportError> {
    if t.int32_data.iter().any(|&v| v < dtype.min() || v > dtype.max()) {
        return Err(ImportError::malformed(format!("an element is outside {}", dtype.name())));
    }
    let sign = |b: u8| if dtype == DType::I8 { i16::from(b as i8) } else { b.into() };
    list(t, elements, &t.int32_data, |v| v as i16, |[b]: [u8; 1]| sign(b))
}
