"""ONNX Runtime's results of the vectors' nodes, without graph optimizations: each operator by its own kernel."""

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

import reference

VERSION = onnxruntime.__version__
OPSETS = [helper.make_opsetid("", 20), helper.make_opsetid("com.microsoft", 1)]
TYPES = {"int8": TensorProto.INT8, "uint8": TensorProto.UINT8, "int64": TensorProto.INT64}


def array(tensor):
    return np.array(tensor["values"], tensor["type"]).reshape(tensor["shape"])


def run(inputs, expected):
    """The elements of the last output, row-major; `expected` has its type and shape."""
    names = {"x": inputs["x"], **inputs["constants"]}
    nodes = []
    for n in inputs["nodes"]:
        outputs = n["output"] if isinstance(n["output"], list) else [n["output"]]
        nodes.append(helper.make_node(n["op"], n["operands"], outputs, domain=n["domain"], **n["attributes"]))
    x = helper.make_tensor_value_info("x", TYPES[names["x"]["type"]], names["x"]["shape"])
    output = reference.last(inputs["nodes"])
    y = helper.make_tensor_value_info(output, TYPES[expected["type"]], expected["shape"])
    constants = [numpy_helper.from_array(array(c), name) for name, c in inputs["constants"].items()]
    model = helper.make_model(helper.make_graph(nodes, "vector", [x], [y], constants), opset_imports=OPSETS, ir_version=9)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run([output], {"x": array(inputs["x"])})[0].reshape(-1).astype(np.int64)
