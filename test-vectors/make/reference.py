"""The integer meaning of quantized networks, in numpy, written from its definition and apart from the Rust code.

Integers are accumulated in 64 bits. Every step on reals is one IEEE 754 binary32 operation, in the order written here.
A node is a dictionary {op, domain, attributes, operands, output}; operands and output are names, an operand that is
left out is the empty string.
"""

import math
from fractions import Fraction

import numpy as np

F = np.float32


def real(value):
    """One float32 from a scale operand."""
    return F(np.asarray(value).reshape(-1)[0]) if np.size(value) == 1 else np.asarray(value, F)


def saturate(reals, zero_point):
    """clip(round_half_even(reals) + zero_point) in the zero point's type."""
    dtype = np.asarray(zero_point).dtype
    limits = np.iinfo(dtype)
    shifted = np.rint(np.asarray(reals, F)).astype(np.float64) + float(int(np.ravel(zero_point)[0]))
    return np.clip(shifted, limits.min, limits.max).astype(dtype)


def requantize(accumulators, multiplier, zero_point):
    """Integer accumulators to 8 bits: f32(acc) · multiplier, then `saturate`."""
    with np.errstate(over="ignore"):
        return saturate(np.asarray(accumulators).astype(F) * np.asarray(multiplier, F), zero_point)


def quantize(x, scale, zero_point):
    with np.errstate(over="ignore"):
        return saturate(np.asarray(x, F) / real(scale), zero_point)


def dequantize(x, scale, zero_point):
    return (np.asarray(x).astype(np.int32) - int(np.ravel(zero_point)[0])).astype(F) * real(scale)


def centered(x, zero_point, axis=0):
    """x − zero point in 64 bits; a list of zero points runs along `axis`."""
    x = np.asarray(x).astype(np.int64)
    zero = np.asarray(zero_point).astype(np.int64).reshape(-1)
    if zero.size > 1:
        zero = zero.reshape([-1 if d == axis else 1 for d in range(x.ndim)])
    return x - zero


def along_channels(values, rank):
    """A list over dimension 1 of a tensor of this rank; a single value stays one."""
    values = np.asarray(values)
    return values.reshape(-1) if values.size == 1 else values.reshape([1, -1] + [1] * (rank - 2))


def windows(x, kernel, attributes, fill):
    """Yields, for each output position, its index and the values under the window: [N, C, *kernel]."""
    n = len(kernel)
    strides = attributes.get("strides", [1] * n)
    dilations = attributes.get("dilations", [1] * n)
    pads = attributes.get("pads", [0] * (2 * n))
    x = np.pad(x, [(0, 0), (0, 0)] + list(zip(pads[:n], pads[n:])), constant_values=fill)
    extent = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    counts = [(size - e) // s + 1 for size, e, s in zip(x.shape[2:], extent, strides)]
    for position in np.ndindex(*counts):
        first = [p * s for p, s in zip(position, strides)]
        taps = tuple(slice(f, f + e, d) for f, e, d in zip(first, extent, dilations))
        yield position, x[(slice(None), slice(None)) + taps]


def over_windows(x, kernel, attributes, fill, channels, f):
    """A tensor of `f(window)` for each output position."""
    columns = {position: f(window) for position, window in windows(x, kernel, attributes, fill)}
    counts = [last + 1 for last in max(columns)]
    out = np.empty([x.shape[0], channels] + counts, np.asarray(next(iter(columns.values()))).dtype)
    for position, column in columns.items():
        out[(slice(None), slice(None)) + position] = column
    return out


def qlinear_conv(a, x, xs, xz, w, ws, wz, ys, yz, bias=None):
    x, w = centered(x, xz), centered(w, wz)
    groups, outputs = a.get("group", 1), w.shape[0]
    inner, outer = x.shape[1] // groups, outputs // groups

    def column(window):
        parts = []
        for g in range(groups):
            part = window[:, g * inner:(g + 1) * inner].reshape(x.shape[0], 1, -1)
            parts.append((part * w[g * outer:(g + 1) * outer].reshape(1, outer, -1)).sum(-1))
        return np.concatenate(parts, 1)

    acc = over_windows(x, w.shape[2:], a, 0, outputs, column)
    if bias is not None:
        acc = acc + along_channels(bias.astype(np.int64), acc.ndim)
    return requantize(acc, along_channels(real(xs) * real(ws) / real(ys), acc.ndim), yz)


def qlinear_matmul(a, x, xs, xz, w, ws, wz, ys, yz):
    acc = np.einsum("...mk,...kn->...mn", centered(x, xz), centered(w, wz, np.ndim(w) - 1))
    return requantize(acc, real(xs) * real(ws) / real(ys), yz)


def qgemm(a, x, xs, xz, w, ws, wz, bias, ys, yz):
    w = centered(w, wz, 0 if a.get("transB", 0) else 1)
    w = w.T if a.get("transB", 0) else w
    acc = np.einsum("mk,kn->mn", centered(x, xz), w)
    if bias is not None:
        acc = acc + bias.astype(np.int64)
    return requantize(acc, F(a.get("alpha", 1.0)) * real(xs) * real(ws) / real(ys), yz)


def qlinear_add(a, x, xs, xz, y, ys, yz, zs, zz):
    def term(v, scale, zero):
        return (v.astype(F) - F(int(np.ravel(zero)[0]))) * real(scale) / real(zs)

    return saturate(term(x, xs, xz) + term(y, ys, yz), zz)


def qlinear_mul(a, x, xs, xz, y, ys, yz, zs, zz):
    # The zero point is added before rounding.
    product = (centered(x, xz) * centered(y, yz)).astype(F) * (real(xs) * real(ys) / real(zs))
    limits = np.iinfo(np.asarray(zz).dtype)
    return np.clip(np.rint(product + F(int(np.ravel(zz)[0]))), limits.min, limits.max).astype(np.asarray(zz).dtype)


def doubled(f):
    """A function rounded to float32 from its float64 value."""
    return lambda x: f(x.astype(np.float64)).astype(F)


exp, expm1, log, log1p, tanh = (doubled(f) for f in (np.exp, np.expm1, np.log, np.log1p, np.tanh))
erf = doubled(np.vectorize(math.erf))


def sigmoid(a, x):
    return F(1) / (F(1) + exp(-x))


def hard_sigmoid(a, x):
    return np.clip(F(a.get("alpha", 0.2)) * x + F(a.get("beta", 0.5)), F(0), F(1))


SELU = F(1.67326319217681884765625), F(1.05070102214813232421875)


def softplus(x):
    return log1p(exp(-np.abs(x))) + np.maximum(x, F(0))


def leaky_relu(a, x):
    return np.where(x >= 0, x, F(a.get("alpha", 0.01)) * x)


def gelu(a, x):
    if a.get("approximate") == "tanh":
        inner = F(math.sqrt(2 / math.pi)) * (x + F(0.044715) * x * x * x)
        return F(0.5) * x * (F(1) + tanh(inner))
    return F(0.5) * x * (F(1) + erf(x * F(math.sqrt(0.5))))


def qlinear(f):
    return lambda a, x, xs, xz, ys, yz: quantize(f(a, dequantize(x, xs, xz)), ys, yz)


def qlinear_concat(a, ys, yz, *operands):
    parts = [operands[i:i + 3] for i in range(0, len(operands), 3)]
    return np.concatenate([quantize(dequantize(*part), ys, yz) for part in parts], a["axis"])


def slice_(a, x, starts, ends, axes, steps):
    for start, end, axis, step in zip(starts, ends, axes, steps):
        cut = slice(int(start), None if end < -x.shape[axis] else int(end), int(step))
        x = x[tuple(cut if d == axis % x.ndim else slice(None) for d in range(x.ndim))]
    return x


def prelu(a, x, slope):
    return np.where(x >= 0, x, slope * x)


def hard_swish(a, x):
    return x * hard_sigmoid({"alpha": F(1) / F(6)}, x)


def pad(a, x, pads, value=None):
    around = list(zip(pads[:x.ndim].tolist(), pads[x.ndim:].tolist()))
    if a.get("mode", "constant") == "constant":
        return np.pad(x, around, constant_values=0 if value is None else value)
    return np.pad(x, around, a["mode"])


def split(a, x, sizes):
    return np.split(x, np.cumsum(sizes)[:-1], a.get("axis", 0))


def depth_to_space(a, x):
    n, c, h, w = x.shape
    b = a["blocksize"]
    y = np.empty([n, c // (b * b), h * b, w * b], x.dtype)
    for i, j in np.ndindex(b, b):
        depth = c // (b * b)
        step = b * b if a.get("mode", "DCR") == "CRD" else 1
        first = i * b + j if step > 1 else (i * b + j) * depth
        y[:, :, i::b, j::b] = x[:, first:first + depth * step:step][:, :depth]
    return y


def space_to_depth(a, x):
    b = a["blocksize"]
    return np.concatenate([x[:, :, i::b, j::b] for i, j in np.ndindex(b, b)], 1)


def reduced(a, x, axes):
    """The sums and their number of terms, of the integers less their zero point."""
    axes = tuple(int(v) for v in axes)
    return x.sum(axes, keepdims=bool(a.get("keepdims", 1))), np.prod([x.shape[i] for i in axes])


def reduce_mean(a, x, xs, xz, ys, yz, axes):
    sums, taps = reduced(a, centered(x, xz), axes)
    return requantize(sums, real(xs) / (real(ys) * F(taps)), yz)


def reduce_sum(a, x, xs, xz, ys, yz, axes):
    return requantize(reduced(a, centered(x, xz), axes)[0], real(xs) / real(ys), yz)


def arg_max(a, x):
    y = np.argmax(x, a.get("axis", 0))
    return np.expand_dims(y, a.get("axis", 0)) if a.get("keepdims", 1) else y


def resize(a, x, _, scales):
    """Each output's coordinate as an exact fraction, rounded as `nearest_mode` says."""
    mode = a.get("coordinate_transformation_mode", "half_pixel")

    def index(out, size, factor):
        length = size * factor
        if mode == "asymmetric":
            at = Fraction(out, factor)
        elif mode == "align_corners":
            at = Fraction(out * (size - 1), length - 1) if length > 1 else Fraction(0)
        else:
            at = Fraction(0) if mode == "pytorch_half_pixel" and length == 1 else Fraction(2 * out + 1, 2 * factor) - Fraction(1, 2)
        half = Fraction(1, 2)
        rounded = {"floor": math.floor(at), "ceil": math.ceil(at), "round_prefer_floor": math.ceil(at - half),
                   "round_prefer_ceil": math.floor(at + half)}[a.get("nearest_mode", "round_prefer_floor")]
        return min(max(rounded, 0), size - 1)

    for axis, scale in enumerate(scales):
        size, factor = x.shape[axis], int(scale)
        x = np.take(x, [index(o, size, factor) for o in range(size * factor)], axis)
    return x


def qlinear_average_pool(a, x, xs, xz, ys, yz):
    kernel = a["kernel_shape"]
    sums = over_windows(centered(x, xz), kernel, a, 0, x.shape[1], lambda w: w.reshape(*w.shape[:2], -1).sum(-1))
    return requantize(sums, real(xs) / (real(ys) * F(np.prod(kernel))), yz)


def qlinear_global_average_pool(a, x, xs, xz, ys, yz):
    return qlinear_average_pool({"kernel_shape": list(x.shape[2:])}, x, xs, xz, ys, yz)


def max_pool(a, x):
    least = np.iinfo(x.dtype).min
    return over_windows(x, a["kernel_shape"], a, least, x.shape[1], lambda w: w.reshape(*w.shape[:2], -1).max(-1))


def reshape(a, x, shape):
    return x.reshape([x.shape[i] if d == 0 else int(d) for i, d in enumerate(shape)])


def flatten(a, x):
    cut = a.get("axis", 1) % (x.ndim + 1)
    return x.reshape(int(np.prod(x.shape[:cut])), -1)


def squeeze(a, x, axes=None):
    return np.squeeze(x, None if axes is None else tuple(int(v) for v in axes))


OPERATORS = {
    "QuantizeLinear": lambda a, x, s, z: quantize(x, s, z),
    "DequantizeLinear": lambda a, x, s, z: dequantize(x, s, z),
    "QLinearConv": qlinear_conv,
    "QLinearMatMul": qlinear_matmul,
    "QGemm": qgemm,
    "QLinearAdd": qlinear_add,
    "QLinearMul": qlinear_mul,
    "QLinearSigmoid": qlinear(sigmoid),
    "QLinearLeakyRelu": qlinear(leaky_relu),
    "QLinearConcat": qlinear_concat,
    "Tanh": lambda a, x: tanh(x),
    "Sigmoid": sigmoid,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "PRelu": prelu,
    "Selu": lambda a, x: np.where(x > 0, SELU[1] * x, SELU[1] * (SELU[0] * exp(x) - SELU[0])),
    "Softsign": lambda a, x: x / (F(1) + np.abs(x)),
    "Mish": lambda a, x: x * tanh(softplus(x)),
    "QuickGelu": lambda a, x: x * sigmoid(a, F(a.get("alpha", 1.702)) * x),
    "Sqrt": lambda a, x: np.sqrt(x),
    "Log": lambda a, x: log(x),
    "Reciprocal": lambda a, x: F(1) / x,
    "Floor": lambda a, x: np.floor(x),
    "Ceil": lambda a, x: np.ceil(x),
    "LeakyRelu": leaky_relu,
    "Elu": lambda a, x: np.where(x >= 0, x, F(a.get("alpha", 1.0)) * expm1(x)),
    "Softplus": lambda a, x: softplus(x),
    "Erf": lambda a, x: erf(x),
    "Exp": lambda a, x: exp(x),
    "Abs": lambda a, x: np.abs(x),
    "Neg": lambda a, x: -x,
    "Round": lambda a, x: np.rint(x),
    "Gelu": gelu,
    "Slice": slice_,
    "Gather": lambda a, x, indices: np.take(x, indices, a.get("axis", 0)),
    "Pad": pad,
    "Split": split,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "ArgMax": arg_max,
    "Resize": resize,
    "Expand": lambda a, x, shape: np.broadcast_to(x, np.broadcast_shapes(x.shape, tuple(shape.tolist()))),
    "Tile": lambda a, x, repeats: np.tile(x, repeats.tolist()),
    "QLinearAveragePool": qlinear_average_pool,
    "QLinearGlobalAveragePool": qlinear_global_average_pool,
    "MaxPool": max_pool,
    "Relu": lambda a, x: np.maximum(x, 0),
    "Clip": lambda a, x, low, high: np.clip(x, low, high),
    "Reshape": reshape,
    "Flatten": flatten,
    "Transpose": lambda a, x: np.transpose(x, a.get("perm")),
    "Squeeze": squeeze,
    "Unsqueeze": lambda a, x, axes: np.expand_dims(x, tuple(int(v) for v in axes)),
    "Concat": lambda a, *xs: np.concatenate(xs, a["axis"]),
}


def run(nodes, tensors):
    """Evaluates nodes in order; `tensors` holds the input and the constants, and receives every result."""
    for node in nodes:
        operands = [tensors[name] if name else None for name in node["operands"]]
        while operands and operands[-1] is None:
            operands.pop()
        with np.errstate(divide="ignore"):
            result = OPERATORS[node["op"]](node["attributes"], *operands)
        if isinstance(node["output"], list):
            tensors.update(zip(node["output"], result))
        else:
            tensors[node["output"]] = result
    return tensors[last(nodes)]


def last(nodes):
    """The name of the last node's last output."""
    output = nodes[-1]["output"]
    return output[-1] if isinstance(output, list) else output
