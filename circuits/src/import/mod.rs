//! Strict ONNX import.
