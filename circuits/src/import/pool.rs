//! Pools, and the window attributes that they share with convolutions.

use alloc::{format, vec::Vec};

use super::{
    Importer,
    error::ImportError,
    nodes::{Call, not_dequantized},
    value::{Kernel, Real, Value},
};
use crate::{
    graph::TensorId,
    op::{
        AveragePool, MaxPool, Window,
        window::{image, image_shape},
    },
};

impl Importer<'_> {
    /// `x, x_scale, x_zero?, y_scale, y_zero?`
    pub(super) fn qlinear_average_pool(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        self.qlinear_pool(call, average_window)
    }

    /// Likewise.
    pub(super) fn qlinear_global_average_pool(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        self.qlinear_pool(call, global_window)
    }

    fn qlinear_pool(
        &mut self,
        call: &mut Call<'_>,
        window: fn(&mut Call<'_>, &[usize]) -> Result<Window, ImportError>,
    ) -> Result<Value, ImportError> {
        call.attributes.only("channels_last", 0)?;
        let (x, _) = self.quantized(call, [0, 1, 2], "x")?;
        let q = call.quantization([3, 4], "y", self.builder.dtype(x))?;
        let (window, shape) = self.average(call, x, window)?;
        self.builder.push(AveragePool { window }, &[x], shape, q).map(Value::Tensor)
    }

    /// `x`
    pub(super) fn average_pool(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, _) = self.dequantized(call, 0, "x")?;
        let (window, shape) = self.average(call, x, average_window)?;
        Ok(Real::pending(Kernel::Average(x, window), shape))
    }

    /// `x`
    pub(super) fn global_average_pool(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let (x, _) = self.dequantized(call, 0, "x")?;
        let (window, shape) = self.average(call, x, global_window)?;
        Ok(Real::pending(Kernel::Average(x, window), shape))
    }

    fn average(
        &mut self,
        call: &mut Call<'_>,
        x: TensorId,
        window: fn(&mut Call<'_>, &[usize]) -> Result<Window, ImportError>,
    ) -> Result<(Window, Vec<usize>), ImportError> {
        let shape = self.builder.shape(x);
        let window = window(call, shape)?;
        if window.is_padded() {
            return Err(ImportError::unsupported("a padded average pool").hint("pad the tensor before, or do not pad"));
        }
        Ok((window, pooled(&window, shape)?))
    }

    /// `x`: the largest dequantized value is the dequantized largest one.
    pub(super) fn max_pool(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        call.attributes.only("storage_order", 0)?;
        let (x, real) = match call.operand(0, "x")? {
            Value::Tensor(id) => (id, false),
            Value::Real(Real::Tensor(id)) => (id, true),
            _ => return Err(not_dequantized("x")),
        };
        let shape = self.builder.shape(x).to_vec();
        let window = window(call, &shape, None)?;
        let pooled = pooled(&window, &shape)?;
        let y = self.builder.keep(MaxPool { window }, &[x], pooled)?;
        Ok(if real { Value::Real(Real::Tensor(y)) } else { Value::Tensor(y) })
    }
}

fn pooled(window: &Window, shape: &[usize]) -> Result<Vec<usize>, ImportError> {
    let [n, c, h, w] = image(shape)?;
    Ok(image_shape(shape.len(), n, c, window.output([h, w])?))
}

fn average_window(call: &mut Call<'_>, shape: &[usize]) -> Result<Window, ImportError> {
    // Without padding it makes no difference.
    call.attributes.int("count_include_pad", 0)?;
    window(call, shape, None)
}

fn global_window(_call: &mut Call<'_>, shape: &[usize]) -> Result<Window, ImportError> {
    let [_, _, h, w] = image(shape)?;
    Ok(Window::new([h, w]))
}

/// The window that the attributes describe, over an operand of this shape; `kernel` is known of a convolution.
/// `auto_pad` and `ceil_mode` become explicit padding.
pub(super) fn window(call: &mut Call<'_>, shape: &[usize], kernel: Option<[usize; 2]>) -> Result<Window, ImportError> {
    let [_, _, h, w] = image(shape)?;
    let spatial = shape.len() - 2;
    let stated = pair(call, spatial, "kernel_shape")?;
    let kernel = match (kernel, stated) {
        (Some(known), Some(stated)) if known != stated => {
            return Err(ImportError::malformed(format!("kernel_shape {stated:?}, the weights' kernel is {known:?}")));
        }
        (Some(kernel), _) | (None, Some(kernel)) => kernel,
        (None, None) => return Err(ImportError::malformed("the attribute kernel_shape is missing")),
    };
    let strides = pair(call, spatial, "strides")?.unwrap_or([1; 2]);
    let dilations = pair(call, spatial, "dilations")?.unwrap_or([1; 2]);
    let (pads_begin, pads_end) = pads(call, spatial)?.unwrap_or(([0; 2], [0; 2]));
    let mut window = Window { kernel, strides, pads_begin, pads_end, dilations };
    let auto_pad = call.attributes.string("auto_pad")?;
    let ceil = match call.attributes.int("ceil_mode", 0)? {
        0 => false,
        1 => true,
        v => return Err(ImportError::malformed(format!("ceil_mode = {v}"))),
    };
    let low = match auto_pad.as_deref() {
        None | Some("NOTSET" | "VALID") if !ceil => return explicit(window, auto_pad.as_deref()),
        None | Some("NOTSET" | "VALID") => None,
        Some("SAME_UPPER") => Some(false),
        Some("SAME_LOWER") => Some(true),
        Some(other) => return Err(ImportError::malformed(format!("auto_pad = {}", super::printable(other)))),
    };
    for (d, input) in [h, w].into_iter().enumerate() {
        complete(&mut window, d, input, low)?;
    }
    Ok(window)
}

fn explicit(window: Window, auto_pad: Option<&str>) -> Result<Window, ImportError> {
    if auto_pad == Some("VALID") && window.is_padded() {
        return Err(ImportError::malformed("auto_pad = VALID together with pads"));
    }
    Ok(window)
}

/// Padding of dimension `d` under `SAME` (`low`: the odd element goes before), or else under `ceil_mode`, where the
/// last window may reach beyond the padded input but has to begin within it.
fn complete(window: &mut Window, d: usize, input: usize, low: Option<bool>) -> Result<(), ImportError> {
    let too_large = || ImportError::malformed("kernel, stride, dilation or padding is zero or too large");
    let (stride, dilation) = (window.strides[d], window.dilations[d]);
    let extent = window.kernel[d].checked_sub(1).and_then(|k| k.checked_mul(dilation)).and_then(|e| e.checked_add(1));
    let extent = extent.ok_or_else(too_large)?;
    // So that nothing below overflows; the window itself is checked when it is used.
    let sizes = [extent, window.pads_begin[d], window.pads_end[d]];
    if stride == 0 || sizes.iter().chain([&stride]).any(|&v| v > 1 << 28) {
        return Err(too_large());
    }
    match low {
        Some(low) => {
            let output = input.div_ceil(stride);
            let total = ((output - 1) * stride + extent).saturating_sub(input);
            let (less, more) = (total / 2, total.div_ceil(2));
            (window.pads_begin[d], window.pads_end[d]) = if low { (more, less) } else { (less, more) };
        }
        None => {
            let begin = window.pads_begin[d];
            let padded = begin + input + window.pads_end[d];
            let steps = padded.checked_sub(extent).ok_or_else(too_large)?.div_ceil(stride);
            let last = if steps * stride >= begin + input { steps - 1 } else { steps };
            window.pads_end[d] += (last * stride + extent).saturating_sub(padded);
        }
    }
    Ok(())
}

/// A list for each spatial dimension; of one dimension, for the second.
fn pair(call: &mut Call<'_>, spatial: usize, name: &str) -> Result<Option<[usize; 2]>, ImportError> {
    if spatial == 1 {
        Ok(call.attributes.sizes::<1>(name)?.map(|[v]| [1, v]))
    } else {
        call.attributes.sizes::<2>(name)
    }
}

type Pads = ([usize; 2], [usize; 2]);

fn pads(call: &mut Call<'_>, spatial: usize) -> Result<Option<Pads>, ImportError> {
    Ok(if spatial == 1 {
        call.attributes.sizes::<2>("pads")?.map(|[begin, end]| ([0, begin], [0, end]))
    } else {
        call.attributes.sizes::<4>("pads")?.map(|[top, left, bottom, right]| ([top, left], [bottom, right]))
    })
}
