"""Writes the JSON test vectors of the operators, from the reference implementation and fixed seeds."""

import json
import pathlib

import numpy as np

import reference
import runtime

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "vectors"
I8, U8, I32, F = np.int8, np.uint8, np.int32, np.float32


def generator(name):
    """A generator of its own for each file: adding vectors to one file leaves the others alone."""
    return np.random.Generator(np.random.PCG64([int(b) for b in name.encode()]))


def tensor(a):
    a = np.asarray(a)
    return {"type": str(a.dtype), "shape": list(a.shape), "values": a.reshape(-1).tolist()}


def node(op, operands, output="y", domain="", **attributes):
    return {"op": op, "domain": domain, "attributes": attributes, "operands": operands, "output": output}


def model(name, flags, x, nodes, constants, notes="", expected=None):
    """A vector of kind `model`, with what the reference computes of the nodes as expected result, if none is given."""
    constants = {key: np.asarray(value) for key, value in constants.items()}
    if expected is None:
        expected = reference.run(nodes, {"x": x, **constants})
    inputs = {"x": tensor(x), "nodes": nodes, "constants": {key: tensor(v) for key, v in constants.items()}}
    return {"name": name, "notes": notes, "flags": flags, "inputs": inputs, "expected": tensor(expected)}


def compared(vectors):
    """The same vectors, after a comparison with ONNX Runtime: where a result differs by one step, its notes say so."""
    for v in vectors:
        expected = np.asarray(v["expected"]["values"])
        got = runtime.run(v["inputs"], v["expected"])
        apart = np.flatnonzero(expected != got)
        assert np.abs(expected - got).max(initial=0) <= 1, (v["name"], expected.tolist(), got.tolist())
        if apart.size:
            where = ", ".join(f"{i} ({got[i]})" for i in apart)
            v["notes"] += ("; " if v["notes"] else "") + f"ONNX Runtime differs by one step at {apart.size}: {where}"
            v["flags"] = v["flags"] + ["runtime_differs"]
    return vectors


def write(stem, kind, notes, vectors):
    """One vector a line, so that a difference shows which one changed."""
    lines = ",\n".join("  " + json.dumps(v, ensure_ascii=False, allow_nan=False) for v in vectors)
    head = f'{{"kind": {json.dumps(kind)}, "notes": {json.dumps(notes, ensure_ascii=False)}, "vectors": [\n'
    (FOLDER / f"{stem}.json").write_text(head + lines + "\n]}\n", encoding="utf-8")


def values(rng, dtype, shape):
    """Random values with the ends of the type among them."""
    info = np.iinfo(dtype)
    v = rng.integers(info.min, info.max + 1, shape, dtype=np.int64)
    ends = rng.random(shape)
    return np.where(ends < 0.1, info.min, np.where(ends > 0.9, info.max, v)).astype(dtype)


def scale(rng, low=0.002, high=0.3):
    return F(rng.uniform(low, high))


def odd_zero(rng, dtype):
    info = np.iinfo(dtype)
    return dtype(rng.integers(info.min // 2, info.max // 2) * 2 + 1)


def near_middle(rng, dtype):
    """A zero point of random values: their sums stay small."""
    info = np.iinfo(dtype)
    return dtype((info.min + info.max) // 2 + 2 * rng.integers(-7, 8) + 1)


# --- requantization ---------------------------------------------------------------------------------------------------

def requantize_vectors():
    rng = generator("requantize")
    int32 = np.iinfo(I32)

    def vector(name, flags, acc, multiplier, zero, low=None, high=None, notes=""):
        info = np.iinfo(zero.dtype)
        low, high = info.min if low is None else low, info.max if high is None else high
        acc = np.asarray(acc, np.int64)
        y = np.clip(reference.requantize(acc, multiplier, zero).astype(np.int64), low, high)
        inputs = {"accumulators": acc.tolist(), "multiplier": float(F(multiplier)), "zero_point": int(zero),
                  "min": int(low), "max": int(high)}
        return {"name": name, "notes": notes, "flags": flags, "inputs": inputs, "expected": y.tolist()}

    out = []
    for i in range(24):
        dtype = [I8, U8][i % 2]
        multiplier = F(2.0 ** rng.uniform(-20, -1))
        reach = min(int(400 / multiplier), int32.max)
        acc = rng.integers(-reach, reach, 64)
        out.append(vector(f"random {i}", ["random"], acc, multiplier, values(rng, dtype, ())[()]))
    for bits in (1, 2, 5, 8, 13, 20):
        half = 1 << (bits - 1)
        acc = [k * half for k in range(-41, 42)]
        for zero in (I8(0), I8(-7), U8(128)):
            out.append(vector(f"ties at 2^-{bits}, zero point {zero} of {zero.dtype}", ["tie"], acc, 2.0**-bits, zero,
                              notes="half to even, on both sides of zero, before the zero point is added"))
    near = [k * 3 + d for k in range(-30, 31) for d in (-1, 0, 1)]
    out.append(vector("near ties", ["tie"], near, F(1) / F(6), I8(3), notes="f32(acc) · f32(1/6) at and around .5"))
    ends = [int32.min, int32.min + 1, -(1 << 24) - 1, -1, 0, 1, (1 << 24) - 1, (1 << 24) + 1, (1 << 24) + 3,
            int32.max - 1, int32.max]
    for name, m in [("smallest normal", np.finfo(F).tiny), ("largest", np.finfo(F).max), ("one", 1.0),
                    ("2^-24", 2.0**-24), ("2^-25", 2.0**-25), ("2^-31", 2.0**-31)]:
        for zero in (I8(-128), I8(127), U8(0), U8(255)):
            out.append(vector(f"extreme accumulators, multiplier {name}, zero point {zero} of {zero.dtype}",
                              ["extreme", "saturation"], ends, m, zero))
    edge = list(range(-140, 141))
    out.append(vector("saturation of int8", ["saturation"], edge, 1.0, I8(0)))
    out.append(vector("saturation of uint8", ["saturation"], edge, 1.0, U8(100)))
    out.append(vector("fused clip", ["saturation", "clip"], edge, 0.75, I8(-9), -9, 60,
                      notes="a Relu below and a Clip above, as bounds of the result"))
    return out


def quantize_vectors():
    rng = generator("quantize")

    def vector(name, flags, x, s, zero, notes=""):
        x = np.asarray(x, F)
        q = {"type": str(zero.dtype), "scale": float(F(s)), "zero_point": int(zero)}
        y = reference.quantize(x, F(s), zero)
        inputs = {"values": [float(v) for v in x], "quantization": q}
        return {"name": name, "notes": notes, "flags": flags, "inputs": inputs, "expected": y.tolist()}

    out = []
    for i in range(16):
        dtype = [I8, U8][i % 2]
        s = F(2.0 ** rng.uniform(-12, 6))
        x = (rng.uniform(-200, 330, 48) * float(s)).astype(F)
        out.append(vector(f"random {i}", ["random"], x, s, values(rng, dtype, ())[()]))
    halves = np.arange(-21, 22) / 2
    for zero in (I8(0), I8(-1), U8(17)):
        out.append(vector(f"ties, zero point {zero} of {zero.dtype}", ["tie"], halves * 0.25, 0.25, zero))
    big = np.finfo(F)
    x = [big.max, -big.max, big.tiny, -big.tiny, 0.0, -0.0, 1e10, -1e10, 1e-45, -1e-45]
    for s in (big.tiny, big.max, 1.0):
        out.append(vector(f"extremes, scale {F(s)!s}", ["extreme", "saturation"], x, s, I8(5),
                          notes="a quotient beyond float32 is infinite and saturates"))
    return out


def dequantize_vectors():
    rng = generator("dequantize")
    out = []
    for dtype in (I8, U8):
        info = np.iinfo(dtype)
        x = np.arange(info.min, info.max + 1)
        for i in range(6):
            zero = [dtype(info.min), dtype(info.max), odd_zero(rng, dtype)][i % 3]
            s = [scale(rng), np.finfo(F).tiny, F(2.0**-7), F(1) / F(3), F(1e30), F(123.456)][i]
            q = {"type": str(np.dtype(dtype)), "scale": float(s), "zero_point": int(zero)}
            y = reference.dequantize(x, s, zero)
            out.append({"name": f"all {np.dtype(dtype)} values {i}", "notes": "", "flags": ["exhaustive"],
                        "inputs": {"values": x.tolist(), "quantization": q}, "expected": [float(v) for v in y]})
    return out


# --- operators --------------------------------------------------------------------------------------------------------

def conv(rng, name, shape, outputs, kernel, flags, x_type=I8, w_type=I8, y_type=I8, per_channel=False, bias=True,
         group=1, y_scale=None, notes="", **attributes):
    w = values(rng, w_type, [outputs, shape[1] // group] + kernel)
    taps = w[0].size
    xs, ws = scale(rng), scale(rng, 0.001, 0.02)
    wz = w_type(0) if w_type is I8 else odd_zero(rng, U8)
    if per_channel:
        ws = rng.uniform(0.001, 0.02, outputs).astype(F)
        wz = np.zeros(outputs, w_type) if w_type is I8 else values(rng, U8, outputs)
    ys = F(np.ravel(xs * ws)[0] * np.sqrt(taps) * 60) if y_scale is None else F(y_scale)
    constants = {"xs": xs, "xz": odd_zero(rng, x_type), "w": w, "ws": ws, "wz": wz, "ys": ys, "yz": odd_zero(rng, y_type)}
    operands = ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"]
    if bias:
        constants["b"] = rng.integers(-4000, 4000, outputs, dtype=np.int64).astype(I32)
        operands.append("b")
    if group > 1:
        attributes["group"] = group
    nodes = [node("QLinearConv", operands, kernel_shape=kernel, **attributes)]
    return model(name, flags, values(rng, x_type, shape), nodes, constants, notes)


def conv_vectors():
    r = generator("conv")
    return [
        conv(r, "1-D", [1, 3, 12], 4, [3], ["1d"]),
        conv(r, "1-D, stride 2, asymmetric pads", [1, 2, 11], 3, [4], ["1d", "stride", "pads"], strides=[2], pads=[1, 2]),
        conv(r, "1-D, dilation 3, no bias", [1, 2, 14], 3, [3], ["1d", "dilation"], bias=False, dilations=[3]),
        conv(r, "1-D, depthwise, per channel", [1, 5, 9], 5, [3], ["1d", "group"], group=5, per_channel=True, pads=[1, 1]),
        conv(r, "2-D", [1, 3, 6, 7], 4, [3, 3], ["2d"]),
        conv(r, "2-D, 1×1", [1, 7, 4, 4], 5, [1, 1], ["2d"]),
        conv(r, "2-D, strides 2 and 3", [1, 2, 9, 11], 3, [3, 2], ["2d", "stride"], strides=[2, 3]),
        conv(r, "2-D, four different pads", [1, 2, 5, 6], 3, [5, 5], ["2d", "pads"], pads=[0, 1, 2, 3]),
        conv(r, "2-D, dilations 2 and 3", [1, 2, 8, 9], 3, [3, 3], ["2d", "dilation"], dilations=[2, 3]),
        conv(r, "2-D, two groups", [1, 4, 5, 5], 6, [3, 3], ["2d", "group"], group=2, pads=[1, 1, 1, 1]),
        conv(r, "2-D, depthwise, two filters a channel", [1, 3, 5, 5], 6, [3, 3], ["2d", "group"], group=3),
        conv(r, "2-D, per channel", [1, 3, 5, 5], 6, [3, 3], ["2d", "per_channel"], per_channel=True),
        conv(r, "2-D, unsigned activations and weights", [1, 3, 5, 5], 4, [3, 3], ["2d", "unsigned"],
             x_type=U8, w_type=U8, y_type=U8, pads=[1, 0, 0, 1]),
        conv(r, "2-D, unsigned weights with a zero point for each channel", [1, 3, 5, 5], 4, [3, 3],
             ["2d", "unsigned", "per_channel"], x_type=U8, w_type=U8, y_type=U8, per_channel=True),
        conv(r, "2-D, unsigned in, signed out", [1, 2, 5, 5], 3, [2, 2], ["2d", "unsigned"], x_type=U8),
        conv(r, "2-D, signed in, unsigned out", [1, 2, 5, 5], 3, [2, 2], ["2d", "unsigned"], y_type=U8),
        conv(r, "2-D, two images", [2, 2, 4, 5], 3, [3, 2], ["2d", "batch"]),
        conv(r, "2-D, everything at once", [2, 6, 9, 10], 4, [3, 2], ["2d", "stride", "pads", "dilation", "group"],
             x_type=U8, per_channel=True, group=2, strides=[2, 1], pads=[1, 0, 2, 1], dilations=[2, 3]),
        conv(r, "2-D, saturating", [1, 3, 5, 5], 4, [3, 3], ["2d", "saturation"], y_scale=1e-4),
        conv(r, "2-D, a tiny ratio", [1, 3, 5, 5], 4, [3, 3], ["2d", "extreme"], y_scale=1e30,
             notes="normal but tiny: every result is the zero point"),
    ]


def dense_vectors():
    rng = generator("dense")
    out = []

    def matmul(name, flags, x_shape, w_shape, x_type=I8, w_type=I8, y_type=I8, per_column=False):
        n = w_shape[-1]
        ws = rng.uniform(0.001, 0.02, n).astype(F) if per_column else scale(rng, 0.001, 0.02)
        wz = values(rng, w_type, n) if per_column else odd_zero(rng, w_type)
        xs = scale(rng)
        constants = {"xs": xs, "xz": odd_zero(rng, x_type), "w": values(rng, w_type, w_shape), "ws": ws, "wz": wz,
                     "ys": F(np.ravel(xs * ws)[0] * np.sqrt(x_shape[-1]) * 60), "yz": odd_zero(rng, y_type)}
        nodes = [node("QLinearMatMul", ["x", "xs", "xz", "w", "ws", "wz", "ys", "yz"])]
        out.append(model(name, flags, values(rng, x_type, x_shape), nodes, constants))

    def gemm(name, flags, m, k, n, x_type=I8, w_type=I8, y_type=I8, per_channel=False, bias=True, **attributes):
        ws = rng.uniform(0.001, 0.02, n).astype(F) if per_channel else scale(rng, 0.001, 0.02)
        wz = values(rng, w_type, n) if per_channel else odd_zero(rng, w_type)
        xs = scale(rng)
        alpha = attributes.get("alpha", 1.0)
        constants = {"xs": xs, "xz": odd_zero(rng, x_type), "ws": ws, "wz": wz,
                     "w": values(rng, w_type, [n, k] if attributes.get("transB") else [k, n]),
                     "ys": F(np.ravel(xs * ws)[0] * alpha * np.sqrt(k) * 60), "yz": odd_zero(rng, y_type)}
        if bias:
            constants["b"] = rng.integers(-4000, 4000, n, dtype=np.int64).astype(I32)
        operands = ["x", "xs", "xz", "w", "ws", "wz", "b" if bias else "", "ys", "yz"]
        nodes = [node("QGemm", operands, domain="com.microsoft", **attributes)]
        out.append(model(name, flags, values(rng, x_type, [m, k]), nodes, constants))

    matmul("matrix", ["matmul"], [3, 7], [7, 5])
    matmul("unsigned", ["matmul", "unsigned"], [2, 9], [9, 4], U8, U8, U8)
    matmul("unsigned in, signed weights, per column", ["matmul", "unsigned", "per_channel"], [2, 9], [9, 4], U8, I8, U8, True)
    matmul("shared by two matrices", ["matmul", "batch"], [2, 3, 6], [6, 4])
    matmul("a matrix of weights for each", ["matmul", "batch"], [2, 3, 6], [2, 6, 4])
    gemm("gemm", ["gemm"], 1, 12, 5)
    gemm("gemm, transposed", ["gemm"], 2, 12, 5, transB=1)
    gemm("gemm, alpha", ["gemm", "alpha"], 2, 9, 4, alpha=0.5)
    gemm("gemm, alpha that is no power of two", ["gemm", "alpha"], 2, 9, 4, alpha=float(F(0.7)), transB=1)
    gemm("gemm, no bias", ["gemm"], 1, 12, 5, bias=False)
    gemm("gemm, unsigned", ["gemm", "unsigned"], 1, 12, 5, U8, U8, U8, transB=1)
    gemm("gemm, per channel", ["gemm", "per_channel"], 2, 12, 5, U8, I8, I8, True, transB=1)
    gemm("gemm, per channel, not transposed", ["gemm", "per_channel"], 2, 12, 5, I8, U8, U8, True)
    return out


def pairs(op, name, flags, x, constants, y, notes):
    """x, and its transpose at another scale: every pair of the values of its rows meets."""
    nodes = [
        node("Transpose", ["x"], "t", perm=[1, 0]),
        node("DequantizeLinear", ["t", "as", "az"], "real"),
        node("QuantizeLinear", ["real", "bs", "bz"], "b"),
        node(op, ["x", "as", "az", "b", "bs", "bz", "ys", "yz"], y, domain="com.microsoft"),
    ]
    return model(name, flags, x, nodes, constants, notes)


def mul_vectors():
    rng = generator("mul")
    out = []
    for i in range(8):
        dtype = [I8, U8][i % 2]
        info = np.iinfo(dtype)
        line = np.concatenate([[info.min, info.min + 1, info.max - 1, info.max], rng.integers(info.min, info.max, 16)])
        x = np.repeat(line[:, None], len(line), 1).astype(dtype)
        s = [scale(rng), scale(rng)]
        s.append(F(s[0] * s[1] * rng.uniform(20, 200)))
        if i >= 6:
            s = [F(0.125), F(0.125), F(0.5)]
        constants = {"as": s[0], "az": odd_zero(rng, dtype), "bs": s[1], "bz": odd_zero(rng, dtype), "ys": s[2],
                     "yz": odd_zero(rng, dtype)}
        out.append(pairs("QLinearMul", f"pairs {i}", ["tie" if i >= 6 else "random"], x, constants, "y",
                         "halves are rounded to even with the zero point added"))
    return out


def function_vectors():
    """Real functions of one 8-bit value, on all 256 of them."""
    rng = generator("function")
    out = []
    cases = [("Tanh", {}), ("Sigmoid", {}), ("HardSigmoid", {}), ("HardSigmoid", {"alpha": 0.25, "beta": 0.625}),
             ("HardSwish", {}), ("LeakyRelu", {}), ("LeakyRelu", {"alpha": 0.125}), ("Elu", {}), ("Softplus", {}),
             ("Erf", {}), ("Exp", {}), ("Abs", {}), ("Neg", {}), ("Round", {})]
    cases += [("QLinearSigmoid", {}), ("QLinearLeakyRelu", {"alpha": 0.125})]
    cases += [("Gelu", {}), ("Gelu", {"approximate": "tanh"}), ("QuickGelu", {}), ("Selu", {}), ("Softsign", {}),
              ("Mish", {}), ("Floor", {}), ("Ceil", {}), ("Elu", {"alpha": 0.5}), ("Sqrt", {}), ("Log", {}),
              ("Reciprocal", {})]
    for i, (op, attributes) in enumerate(cases):
        for dtype in (I8, U8):
            info = np.iinfo(dtype)
            x = np.arange(info.min, info.max + 1).astype(dtype)[None]
            constants = {"xs": F(2.0 ** rng.uniform(-7, -4)), "xz": odd_zero(rng, dtype),
                         "ys": F(2.0 ** rng.uniform(-8, -6)), "yz": odd_zero(rng, dtype)}
            if op in ("Sqrt", "Log", "Reciprocal"):
                # No root below zero; at zero, infinities saturate.
                constants.update(xz=dtype(info.min), ys=F(2.0 ** rng.uniform(-5, -4)), yz=near_middle(rng, dtype))
            if op.startswith("QLinear"):
                nodes = [node(op, ["x", "xs", "xz", "ys", "yz"], domain="com.microsoft", **attributes)]
            else:
                domain = "com.microsoft" if op == "QuickGelu" else ""
                nodes = real(op, ["real"], domain=domain, **attributes)
            out.append(model(f"{op} {i} of {np.dtype(dtype)}", ["exhaustive"], x, nodes, constants))
    return compared(out)


def real(op, operands, **attributes):
    """An operator between DequantizeLinear and QuantizeLinear."""
    return [node("DequantizeLinear", ["x", "xs", "xz"], "real"), node(op, operands, "f", **attributes),
            node("QuantizeLinear", ["f", "ys", "yz"])]


def prelu_vectors():
    """A slope for all, and one for each channel; all 256 values in each."""
    rng = generator("prelu")
    out = []
    slopes = np.array([0.25, -0.5, 0.0, 1.5, 0.013], F)
    for dtype in (I8, U8):
        info = np.iinfo(dtype)
        line = np.arange(info.min, info.max + 1).astype(dtype)
        for name, shape, slope in [("one slope", [1, 256], F(0.125)), ("images", [1, 5, 16, 16], slopes.reshape(5, 1, 1)),
                                   ("sequences", [1, 5, 256], slopes.reshape(1, 5, 1)),
                                   ("two samples", [2, 5, 128], slopes.reshape(5, 1)), ("a list", [1, 5], slopes)]:
            x = np.resize(line, shape) if shape[-1] != 5 else values(rng, dtype, shape)
            constants = {"xs": F(2.0 ** rng.uniform(-7, -4)), "xz": odd_zero(rng, dtype), "slope": slope,
                         "ys": F(2.0 ** rng.uniform(-7, -5)), "yz": odd_zero(rng, dtype)}
            flags = ["exhaustive"] if x.size >= 256 else ["random"]
            out.append(model(f"{name} of {np.dtype(dtype)}", flags, x, real("PRelu", ["real", "slope"]), constants))
    return compared(out)


def reduction_vectors():
    rng = generator("reduction")
    out = []
    for op, f in [("ReduceMean", reference.reduce_mean), ("ReduceSum", reference.reduce_sum)]:
        for i, (shape, axes, keepdims) in enumerate([([2, 3, 4], [1], 1), ([2, 3, 4], [-1], 0), ([1, 3, 4, 5], [2, 3], 1),
                                                     ([3, 2, 4], [0, 2], 0), ([2, 3], [0, 1], 1)]):
            dtype = [I8, U8][i % 2]
            x = values(rng, dtype, shape)
            constants = {"xs": scale(rng), "xz": near_middle(rng, dtype), "axes": np.array(axes, np.int64),
                         "yz": near_middle(rng, dtype)}
            constants["ys"] = F(constants["xs"] * (0.6 if op == "ReduceMean" else 2.3))
            attributes = {"keepdims": keepdims}
            expected = f(attributes, x, *(constants[k] for k in ("xs", "xz", "ys", "yz", "axes")))
            nodes = real(op, ["real", "axes"], **attributes)
            out.append(model(f"{op} of {shape} along {axes}", ["keepdims"] if keepdims else ["dropped"], x, nodes,
                             constants, expected=expected))
    for name, shape, axis, keepdims in [("ArgMax", [1, 9], 1, 1), ("ArgMax without its dimension", [1, 9], -1, 0)]:
        x = values(rng, I8, shape)
        x[0, [3, 7]] = 127
        out.append(model(name, ["tie"], x, [node("ArgMax", ["x"], axis=axis, keepdims=keepdims)], {},
                         "the first of two that are largest"))
    return compared(out)


def integer_product_vectors():
    """MatMulInteger and ConvInteger, scaled by constants: what QLinearMatMul, QGemm and QLinearConv give of them."""
    rng = generator("integer_product")
    out = []

    def case(name, flags, op, x_type, w_type, x_shape, w_shape, per_channel=False, bias=None, relu=False, **attributes):
        conv = op == "ConvInteger"
        n = w_shape[0] if conv else w_shape[-1]
        taps = int(np.prod(w_shape)) // n
        x, w = values(rng, x_type, x_shape), values(rng, w_type, w_shape)
        xz, wz, yz = near_middle(rng, x_type), near_middle(rng, w_type), near_middle(rng, x_type)
        factor = rng.uniform(1e-4, 1e-3, n).astype(F) if per_channel else scale(rng, 1e-4, 1e-3)
        ys = F(np.ravel(factor)[0] * np.sqrt(taps) * 90)
        channels = [n] + [1] * (len(x_shape) - 2) if conv else [n]
        constants = {"xz": xz, "w": w, "wz": wz, "factor": factor.reshape(channels) if per_channel else factor,
                     "ys": ys, "yz": yz}
        nodes = [node(op, ["x", "w", "xz", "wz"], "acc", **attributes), node("Cast", ["acc"], "real", to=1)]
        nodes.append(node("Mul", ["real", "factor"], "scaled"))
        steps = None
        if bias is not None:
            steps = rng.integers(-4000, 4000, n)
            if bias == "int32":
                constants["b"] = steps.astype(I32).reshape(channels)
                nodes[1:2] = [node("Add", ["acc", "b"], "sum"), node("Cast", ["sum"], "real", to=1)]
            else:
                reals = (steps * factor.astype(np.float64) + (rng.uniform(-1e-5, 1e-5, n) if bias == "real" else 0)).astype(F)
                constants["b"] = reals.reshape(channels)
                steps = np.rint(reals.astype(np.float64) / factor.astype(np.float64))
                nodes.append(node("Add", ["scaled", "b"], "biased"))
            steps = steps.astype(I32)
        if relu:
            nodes.append(node("Relu", [nodes[-1]["output"]], "relu"))
        nodes.append(node("QuantizeLinear", [nodes[-1]["output"], "ys", "yz"]))
        weight_zero = np.full(n, wz) if conv else wz
        scales = (F(1), xz, w, factor, weight_zero)
        if conv:
            expected = reference.qlinear_conv(attributes, x, *scales, ys, yz, steps)
        elif steps is None:
            expected = reference.qlinear_matmul({}, x, *scales, ys, yz)
        else:
            expected = reference.qgemm({}, x, *scales, steps, ys, yz)
        if relu:
            expected = np.maximum(expected, yz)
        notes = {"real": "its bias is rounded to steps of the factor", None: ""}.get(bias, "")
        out.append(model(name, flags, x, nodes, constants, notes, expected))

    for x_type in (U8, I8):
        for w_type in (U8, I8):
            case(f"MatMulInteger of {np.dtype(x_type)} and {np.dtype(w_type)}", ["matmul"], "MatMulInteger", x_type, w_type,
                 [3, 9], [9, 5])
    case("MatMulInteger of two matrices", ["matmul", "batch"], "MatMulInteger", U8, I8, [2, 3, 6], [6, 4])
    case("MatMulInteger, a factor for each column", ["matmul", "per_channel"], "MatMulInteger", U8, I8, [3, 9], [9, 5], True)
    case("MatMulInteger, bias and Relu", ["matmul", "bias"], "MatMulInteger", U8, I8, [3, 9], [9, 5], True, "exact", True)
    case("MatMulInteger, a bias between steps", ["matmul", "bias"], "MatMulInteger", U8, I8, [3, 9], [9, 5], False, "real")
    case("MatMulInteger, int32 bias", ["matmul", "bias"], "MatMulInteger", U8, I8, [3, 9], [9, 5], False, "int32")
    case("ConvInteger", ["conv"], "ConvInteger", U8, U8, [1, 2, 5, 6], [3, 2, 3, 2])
    case("ConvInteger, padded", ["conv", "pads"], "ConvInteger", U8, U8, [1, 2, 5, 6], [3, 2, 3, 3], pads=[1, 0, 2, 1],
         strides=[2, 1])
    case("ConvInteger, groups, a factor for each channel, bias, Relu", ["conv", "per_channel", "bias"], "ConvInteger", U8,
         U8, [1, 4, 5, 5], [6, 2, 3, 3], True, "exact", True, group=2)
    return compared(out)


def selection_vectors():
    rng = generator("selection")

    def select(name, shape, dtype, nodes, **constants):
        return model(name, [nodes[-1]["op"].lower()], values(rng, dtype, shape), nodes, constants)

    def ints(*v):
        return np.array(v, np.int64)

    cut = ["x", "starts", "ends", "axes", "steps"]
    out = [
        select("slice", [3, 4, 5], I8, [node("Slice", cut)], starts=ints(1, 0), ends=ints(3, 4), axes=ints(0, 2),
               steps=ints(1, 2)),
        select("slice backwards", [3, 4], U8, [node("Slice", cut)], starts=ints(-1), ends=ints(-100), axes=ints(-1),
               steps=ints(-2)),
        select("gather", [3, 4], I8, [node("Gather", ["x", "i"], axis=1)], i=ints(3, 0, -1)),
        select("gather a matrix", [3, 4], U8, [node("Gather", ["x", "i"])], i=ints(0, 2, 1, 1).reshape(2, 2)),
        select("pad", [2, 3], I8, [node("Pad", ["x", "p"])], p=ints(1, 0, 2, 3)),
        select("resize", [1, 2, 3, 2], U8, [node("Resize", ["x", "", "s"])], s=np.array([1, 1, 2, 3], F)),
        select("split", [2, 7], I8, [node("Split", ["x", "s"], ["a", "b", "y"], axis=1)], s=ints(2, 1, 4)),
        select("split into rows", [4, 3], U8, [node("Split", ["x", "s"], ["a", "y"])], s=ints(1, 3)),
        select("depth to space, DCR", [1, 12, 2, 3], I8, [node("DepthToSpace", ["x"], blocksize=2, mode="DCR")]),
        select("depth to space, CRD", [1, 12, 2, 3], I8, [node("DepthToSpace", ["x"], blocksize=2, mode="CRD")]),
        select("depth to space in blocks of 3", [2, 9, 2, 2], U8, [node("DepthToSpace", ["x"], blocksize=3)]),
        select("space to depth", [1, 2, 4, 6], I8, [node("SpaceToDepth", ["x"], blocksize=2)]),
        select("space to depth in blocks of 3", [2, 1, 3, 6], U8, [node("SpaceToDepth", ["x"], blocksize=3)]),
        select("pad by a value", [2, 3], I8, [node("Pad", ["x", "p", "v"], mode="constant")], p=ints(1, 0, 0, 2), v=I8(-9)),
        select("pad by edges", [3, 4], U8, [node("Pad", ["x", "p"], mode="edge")], p=ints(2, 1, 1, 3)),
        select("pad by reflection", [3, 4], I8, [node("Pad", ["x", "p"], mode="reflect")], p=ints(2, 3, 1, 1)),
        select("pad around", [3, 4], U8, [node("Pad", ["x", "p"], mode="wrap")], p=ints(2, 3, 1, 4)),
        select("expand", [3, 1], I8, [node("Expand", ["x", "s"])], s=ints(2, 1, 4)),
        select("tile", [2, 3], U8, [node("Tile", ["x", "r"])], r=ints(2, 3)),
    ]
    for coordinates in ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"):
        for nearest in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            attributes = {"mode": "nearest", "coordinate_transformation_mode": coordinates, "nearest_mode": nearest}
            out.append(select(f"resize, {coordinates}, {nearest}", [1, 1, 3, 4], U8,
                              [node("Resize", ["x", "", "s"], **attributes)], s=np.array([1, 1, 2, 3], F)))
    for dtype in (I8, U8):
        constants = {"xs": scale(rng), "xz": odd_zero(rng, dtype), "ys": scale(rng), "yz": odd_zero(rng, dtype)}
        nodes = [node("DequantizeLinear", ["x", "xs", "xz"], "real"), node("QuantizeLinear", ["real", "ys", "yz"], "t"),
                 node("QLinearConcat", ["ys", "yz", "x", "xs", "xz", "t", "ys", "yz"], domain="com.microsoft", axis=1)]
        out.append(select(f"concat of two scales of {np.dtype(dtype)}", [2, 8], dtype, nodes, **constants))
    return compared(out)


def add_vectors():
    rng = generator("add")
    out = []
    # x is constant along rows and its transpose along columns: every pair of the listed values meets.
    for i in range(10):
        x_type, y_type = [(I8, I8), (U8, U8), (I8, I8), (U8, U8), (I8, I8)][i % 5]
        info = np.iinfo(x_type)
        line = np.concatenate([[info.min, info.min + 1, info.max - 1, info.max], rng.integers(info.min, info.max, 16)])
        x = np.repeat(line[:, None], len(line), 1).astype(x_type)
        s = [scale(rng), scale(rng), scale(rng, 0.05, 0.4)]
        z = [odd_zero(rng, x_type), odd_zero(rng, x_type), odd_zero(rng, y_type)]
        if i == 8:
            s = [F(0.5), F(0.25), F(1.0)]
        if i == 9:
            s = [F(0.004), F(0.3), F(0.001)]
        constants = {"as": s[0], "az": z[0], "bs": s[1], "bz": z[1], "ys": s[2], "yz": z[2]}
        flags = [["random"], ["random"], ["random"], ["random"], ["random"]] + [["random"]] * 3 + [["tie"], ["saturation"]]
        out.append(pairs("QLinearAdd", f"pairs {i}", flags[i], x, constants, "y",
                         "a, and its transpose at another scale"))
    return out


def average_pool_vectors():
    rng = generator("average_pool")
    out = []

    def pool(name, shape, x_type, kernel=None, y_scale=None, **attributes):
        s = scale(rng)
        constants = {"xs": s, "xz": odd_zero(rng, x_type), "ys": F(s * 0.8) if y_scale is None else F(y_scale),
                     "yz": odd_zero(rng, x_type)}
        op = "QLinearGlobalAveragePool" if kernel is None else "QLinearAveragePool"
        if kernel is not None:
            attributes["kernel_shape"] = kernel
        nodes = [node(op, ["x", "xs", "xz", "ys", "yz"], domain="com.microsoft", **attributes)]
        flags = ["global" if kernel is None else "window"]
        out.append(model(name, flags, values(rng, x_type, shape), nodes, constants))

    pool("2×2", [1, 3, 6, 6], I8, [2, 2], strides=[2, 2])
    pool("3×2, overlapping", [1, 2, 5, 6], U8, [3, 2], strides=[1, 2])
    pool("1-D", [1, 2, 9], I8, [3], strides=[3])
    pool("same scale, ties", [1, 2, 8, 8], U8, [2, 2], y_scale=0.125)
    pool("global 2-D", [1, 4, 5, 3], I8)
    pool("global 1-D", [1, 4, 7], U8)
    pool("global, two images", [2, 3, 4, 4], U8)
    pool("global, saturating", [1, 4, 5, 3], I8, y_scale=0.001)
    return out


def max_pool_vectors():
    rng = generator("max_pool")

    def pool(name, shape, dtype, flags, **attributes):
        return model(name, flags, values(rng, dtype, shape), [node("MaxPool", ["x"], **attributes)], {})

    return [
        pool("2×2", [1, 3, 6, 6], I8, ["2d"], kernel_shape=[2, 2], strides=[2, 2]),
        pool("3×3, overlapping, asymmetric pads", [1, 2, 6, 7], I8, ["2d", "pads"], kernel_shape=[3, 3], strides=[2, 2],
             pads=[1, 0, 2, 1]),
        pool("dilated", [1, 2, 7, 8], U8, ["2d", "dilation"], kernel_shape=[2, 3], dilations=[3, 2]),
        pool("1-D", [1, 4, 10], U8, ["1d"], kernel_shape=[3], strides=[2], pads=[1, 1]),
        pool("1-D of two samples", [2, 3, 8], I8, ["1d", "batch"], kernel_shape=[2], strides=[2]),
    ]


def table_vectors():
    """Functions of one 8-bit value, on all 256 of them."""
    rng = generator("table")
    out = []
    for i in range(8):
        x_type, y_type = [(I8, I8), (I8, U8), (U8, I8), (U8, U8)][i % 4]
        info = np.iinfo(x_type)
        x = np.arange(info.min, info.max + 1).astype(x_type)[None]
        constants = {"xs": scale(rng), "xz": odd_zero(rng, x_type), "ys": scale(rng), "yz": odd_zero(rng, y_type)}
        if i >= 4:
            constants["ys"] = F(constants["xs"] * 2)
        nodes = [node("DequantizeLinear", ["x", "xs", "xz"], "real"), node("QuantizeLinear", ["real", "ys", "yz"])]
        flags = ["exhaustive", "requantize"] + (["tie"] if i >= 4 else [])
        out.append(model(f"requantize {np.dtype(x_type)} to {np.dtype(y_type)} {i}", flags, x, nodes, constants))
    x = np.arange(-128, 128).astype(I8)[None]
    out.append(model("Relu", ["exhaustive"], x, [node("Relu", ["x"])], {}))
    out.append(model("Clip", ["exhaustive"], x, [node("Clip", ["x", "low", "high"])], {"low": I8(-5), "high": I8(77)}))
    return out


def movement_vectors():
    rng = generator("movement")

    def move(name, shape, dtype, nodes, **constants):
        return model(name, [nodes[-1]["op"].lower()], values(rng, dtype, shape), nodes, constants)

    def shape(*dims):
        return np.array(dims, np.int64)

    return [
        move("transpose", [2, 3, 4], I8, [node("Transpose", ["x"], perm=[2, 0, 1])]),
        move("transpose without perm", [2, 3, 4], U8, [node("Transpose", ["x"])]),
        move("transpose to channels first", [1, 3, 4, 2], U8, [node("Transpose", ["x"], perm=[0, 3, 1, 2])]),
        move("reshape with 0 and −1", [2, 3, 4], I8, [node("Reshape", ["x", "s"])], s=shape(0, -1)),
        move("reshape to more dimensions", [1, 24], U8, [node("Reshape", ["x", "s"])], s=shape(1, 2, 3, 4)),
        move("flatten", [2, 3, 4], I8, [node("Flatten", ["x"])]),
        move("flatten at axis 2", [2, 3, 4], I8, [node("Flatten", ["x"], axis=2)]),
        move("flatten at axis 0", [2, 3], I8, [node("Flatten", ["x"], axis=0)]),
        move("squeeze all", [1, 3, 1, 4], I8, [node("Squeeze", ["x"])]),
        move("squeeze one", [1, 3, 1, 4], I8, [node("Squeeze", ["x", "axes"])], axes=shape(-2)),
        move("unsqueeze", [3, 4], U8, [node("Unsqueeze", ["x", "axes"])], axes=shape(0, -1)),
        move("concat on axis 0", [2, 3], I8, [node("Relu", ["x"], "r"), node("Concat", ["x", "r"], axis=0)]),
        move("concat on the last axis", [2, 3], I8, [node("Relu", ["x"], "r"), node("Concat", ["x", "r", "x"], axis=-1)]),
        move("concat of channels", [2, 2, 3, 2], U8,
             [node("MaxPool", ["x"], "m", kernel_shape=[1, 1]), node("Concat", ["m", "x"], axis=1)]),
    ]


def packing_vectors():
    """31 bytes a field element, first byte most significant, the last element padded with zeros."""
    rng = generator("packing")
    out = []
    for dtype in (I8, U8):
        info = np.iinfo(dtype)
        for n in (1, 2, 30, 31, 32, 62, 63, 341, 342):
            v = values(rng, dtype, n)
            if n == 31:
                v[:] = info.max
            raw = [int(u) - info.min for u in v]
            raw += [0] * (-n % 31)
            packed = [str(int.from_bytes(bytes(raw[i:i + 31]), "big")) for i in range(0, len(raw), 31)]
            out.append({"name": f"{n} of {np.dtype(dtype)}", "notes": "", "flags": ["padded"] if n % 31 else ["full"],
                        "inputs": {"type": str(np.dtype(dtype)), "values": v.tolist()}, "expected": packed})
    return out


RUNTIME = f"compared with ONNX Runtime {runtime.VERSION}, element by element"


def main():
    write("requantize", "requantize", "clip(round_half_even(f32(acc) · multiplier) + zero_point)", requantize_vectors())
    write("quantize", "quantize", "clip(round_half_even(x / scale) + zero_point)", quantize_vectors())
    write("dequantize", "dequantize", "(x − zero_point) · scale", dequantize_vectors())
    write("conv", "model", "QLinearConv", conv_vectors())
    write("dense", "model", "QLinearMatMul and QGemm", dense_vectors())
    write("add", "model", "QLinearAdd", add_vectors())
    write("mul", "model", "QLinearMul", mul_vectors())
    write("function", "model", f"real functions of one 8-bit value; {RUNTIME}", function_vectors())
    write("prelu", "model", f"PRelu with one slope, and with one for each channel; {RUNTIME}", prelu_vectors())
    write("reduction", "model", f"ReduceMean, ReduceSum, and ArgMax at the end; {RUNTIME}", reduction_vectors())
    write("integer_product", "model", f"MatMulInteger and ConvInteger, scaled by constants; {RUNTIME}",
          integer_product_vectors())
    write("selection", "model", "Slice, Split, Gather, Pad, Resize, Expand, Tile, DepthToSpace, SpaceToDepth, "
          f"QLinearConcat; {RUNTIME}", selection_vectors())
    write("average_pool", "model", "QLinearAveragePool and QLinearGlobalAveragePool", average_pool_vectors())
    write("max_pool", "model", "MaxPool", max_pool_vectors())
    write("table", "model", "functions of one 8-bit value", table_vectors())
    write("movement", "model", "Transpose, Reshape, Flatten, Squeeze, Unsqueeze, Concat", movement_vectors())
    write("packing", "packing", "8-bit tensors as field elements", packing_vectors())


if __name__ == "__main__":
    main()
