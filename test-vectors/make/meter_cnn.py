"""Makes models/meter_cnn: a small convolutional network that reads 8×8 digit images, quantized to int8.

Every run gives the same bytes. Training is plain float64 numpy without BLAS and without transcendental functions, and
all state is rounded to a grid after every step, so that the last bit of a sum, which may differ between processors,
does not reach the next step.
"""

import pathlib

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

import reference

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "models" / "meter_cnn"
F = np.float32
HELD_OUT = 360
SHOWN = 24
EPOCHS = 60
BATCH = 32
GRID = 2.0**16
# Layers: convolution of 6 filters, pool, convolution of 16 filters, matrix of 10 classes.
SHAPES = {"w1": (6, 1, 3, 3), "b1": (6,), "w2": (16, 6, 3, 3), "b2": (16,), "w3": (10, 256), "b3": (10,)}


def snap(a):
    return np.rint(a * GRID) / GRID


def patches(x):
    """[N, C, 3, 3, H, W]: the 3×3 neighbourhood of every pixel, zero outside."""
    h, w = x.shape[2:]
    x = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
    rows = [np.stack([x[:, :, i:i + h, j:j + w] for j in range(3)], 2) for i in range(3)]
    return np.stack(rows, 2)


def scatter(d):
    """The transpose of `patches`."""
    n, c, _, _, h, w = d.shape
    x = np.zeros((n, c, h + 2, w + 2))
    for i in range(3):
        for j in range(3):
            x[:, :, i:i + h, j:j + w] += d[:, :, i, j]
    return x[:, :, 1:-1, 1:-1]


def forward(p, x):
    """All activations, by name; `a1`, `a2` behind Relu, `p1` behind the pool."""
    t = {"x": x, "c1": patches(x)}
    t["a1"] = np.maximum(np.einsum("nckqhw,ockq->nohw", t["c1"], p["w1"]) + p["b1"].reshape(1, -1, 1, 1), 0)
    n, c, h, w = t["a1"].shape
    t["p1"] = t["a1"].reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))
    t["c2"] = patches(t["p1"])
    t["a2"] = np.maximum(np.einsum("nckqhw,ockq->nohw", t["c2"], p["w2"]) + p["b2"].reshape(1, -1, 1, 1), 0)
    t["y"] = np.einsum("nk,ok->no", t["a2"].reshape(n, -1), p["w3"]) + p["b3"]
    return t


def gradients(p, t, labels):
    """Of the squared hinge loss, each class against all others."""
    n = len(labels)
    sign = np.where(np.arange(10)[None] == labels[:, None], 1.0, -1.0)
    dy = -2 * sign * np.maximum(1 - sign * t["y"], 0) / n
    g = {"w3": np.einsum("no,nk->ok", dy, t["a2"].reshape(n, -1)), "b3": dy.sum(0)}
    d2 = np.einsum("no,ok->nk", dy, p["w3"]).reshape(t["a2"].shape) * (t["a2"] > 0)
    g["w2"], g["b2"] = np.einsum("nohw,nckqhw->ockq", d2, t["c2"]), d2.sum((0, 2, 3))
    dp = scatter(np.einsum("nohw,ockq->nckqhw", d2, p["w2"]))
    up = lambda a: a.repeat(2, 2).repeat(2, 3)
    d1 = up(dp) * (t["a1"] == up(t["p1"])) * (t["a1"] > 0)
    g["w1"], g["b1"] = np.einsum("nohw,nckqhw->ockq", d1, t["c1"]), d1.sum((0, 2, 3))
    return g


def train(images, labels, rng):
    fan_in = {"w1": 9, "w2": 54, "w3": 256}
    p = {k: snap(rng.uniform(-1, 1, s) * np.sqrt(3 / fan_in[k])) if k in fan_in else np.zeros(s) for k, s in SHAPES.items()}
    velocity = {k: np.zeros(s) for k, s in SHAPES.items()}
    for epoch in range(EPOCHS):
        rate = 0.015 * (1 - epoch / EPOCHS)
        order = rng.permutation(len(images))
        for batch in np.split(order, range(BATCH, len(order), BATCH)):
            g = gradients(p, forward(p, images[batch]), labels[batch])
            for k in p:
                velocity[k] = snap(0.9 * velocity[k] - rate * g[k])
                p[k] = snap(p[k] + velocity[k])
    return p


def activation(low, high):
    """int8 scale and zero point whose range holds `low` to `high`, and zero exactly."""
    scale = F((max(high, 0.0) - min(low, 0.0)) / 255)
    return scale, np.int8(np.clip(np.rint(-128 - min(low, 0.0) / scale), -128, 127))


def weights(w):
    """int8 weights with a scale for each output channel."""
    scale = (np.abs(w).reshape(len(w), -1).max(1) / 127).astype(F)
    rows = scale.astype(np.float64).reshape([-1] + [1] * (w.ndim - 1))
    return np.rint(w / rows).astype(np.int8), scale, np.zeros(len(w), np.int8)


def quantize(p, images):
    """Nodes and constants of the int8 network, calibrated on these images."""
    t = forward(p, images)
    c, nodes = {}, []
    for name, values in [("x", t["x"]), ("a1", t["a1"]), ("a2", t["a2"]), ("y", t["y"])]:
        c[f"{name}_scale"], c[f"{name}_zero"] = activation(values.min(), values.max())

    def add(op, operands, output, domain="", **attributes):
        nodes.append({"op": op, "domain": domain, "attributes": attributes, "operands": operands, "output": output})

    def linear(op, layer, x, y, operand, output, **attributes):
        c[f"w{layer}"], c[f"w{layer}_scale"], c[f"w{layer}_zero"] = weights(p[f"w{layer}"])
        step = c[f"{x}_scale"].astype(np.float64) * c[f"w{layer}_scale"]
        c[f"b{layer}"] = np.rint(p[f"b{layer}"] / step).astype(np.int32)
        scaled = [operand, f"{x}_scale", f"{x}_zero", f"w{layer}", f"w{layer}_scale", f"w{layer}_zero"]
        result = [f"{y}_scale", f"{y}_zero"]
        operands = scaled + [f"b{layer}"] + result if op == "QGemm" else scaled + result + [f"b{layer}"]
        add(op, operands, output, **attributes)

    # A Relu is nothing but the zero point −128: what is below saturates.
    add("QuantizeLinear", ["x", "x_scale", "x_zero"], "x_q")
    linear("QLinearConv", 1, "x", "a1", "x_q", "a1_q", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    add("MaxPool", ["a1_q"], "p1_q", kernel_shape=[2, 2], strides=[2, 2])
    linear("QLinearConv", 2, "a1", "a2", "p1_q", "a2_q", kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    add("Flatten", ["a2_q"], "flat_q")
    linear("QGemm", 3, "a2", "y", "flat_q", "y_q", domain="com.microsoft", transB=1)
    add("DequantizeLinear", ["y_q", "y_scale", "y_zero"], "y")
    return nodes, c


def export(nodes, constants):
    graph = helper.make_graph(
        [helper.make_node(n["op"], n["operands"], [n["output"]], n["output"], domain=n["domain"] or None, **n["attributes"])
         for n in nodes],
        "meter_cnn",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="meter_cnn.py")
    return model.SerializeToString(deterministic=True)


def main():
    rng = np.random.Generator(np.random.PCG64(20))
    digits = load_digits()
    images, labels = digits.images.reshape(-1, 1, 8, 8) / 16, digits.target
    order = rng.permutation(len(images))
    held_out, rest = order[:HELD_OUT], order[HELD_OUT:]
    p = train(images[rest], labels[rest], rng)
    nodes, constants = quantize(p, images[rest])

    x = images[held_out].astype(F)
    y = reference.run(nodes, {"x": x, **constants})
    accuracy = np.mean(y.argmax(1) == labels[held_out])
    print(f"meter_cnn: {accuracy:.2%} of {HELD_OUT} held-out images")
    assert accuracy >= 0.97

    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "int8_qop.onnx").write_bytes(export(nodes, constants))
    np.save(FOLDER / "images.npy", x[:SHOWN])
    np.save(FOLDER / "labels.npy", labels[held_out][:SHOWN].astype(np.int64))
    np.save(FOLDER / "out_int8_qop.npy", y[:SHOWN].astype(F))


if __name__ == "__main__":
    main()
