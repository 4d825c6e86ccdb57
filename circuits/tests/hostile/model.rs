//! ONNX models built in code.

use avouch_circuits::import::proto::{
    Attribute, Dimension, Graph, Model, Node, OperatorSet, Shape, Tensor, TensorType, Type, Value, attribute_type,
    data_type,
};

pub const FLOAT: i32 = data_type::FLOAT;
pub const U8: i32 = data_type::UINT8;
pub const I8: i32 = data_type::INT8;
pub const INT32: i32 = data_type::INT32;
pub const INT64: i32 = data_type::INT64;

/// A model of operator sets 17 and com.microsoft 1.
pub fn model(input: Value, nodes: Vec<Node>, constants: Vec<Tensor>, output: Value) -> Model {
    let set = |domain: &str, version| OperatorSet { domain: domain.into(), version };
    let graph =
        Graph { node: nodes, initializer: constants, input: vec![input], output: vec![output], ..Graph::default() };
    Model {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![set("", 17), set("com.microsoft", 1)],
        ..Model::default()
    }
}

/// A declared tensor; −1 is a symbolic dimension.
pub fn value(name: &str, elem_type: i32, dims: &[i64]) -> Value {
    let dim = dims.iter().map(|&d| match d {
        -1 => Dimension { dim_value: None, dim_param: Some("n".into()) },
        d => Dimension { dim_value: Some(d), dim_param: None },
    });
    let tensor = TensorType { elem_type, shape: Some(Shape { dim: dim.collect() }) };
    Value { name: name.into(), r#type: Some(Type { tensor: Some(tensor) }) }
}

/// A declared tensor of unknown shape.
pub fn shapeless(name: &str, elem_type: i32) -> Value {
    Value { name: name.into(), r#type: Some(Type { tensor: Some(TensorType { elem_type, shape: None }) }) }
}

pub fn node(domain: &str, op: &str, operands: &[&str], output: &str, attribute: Vec<Attribute>) -> Node {
    Node {
        input: operands.iter().map(|&o| o.into()).collect(),
        output: vec![output.into()],
        name: output.into(),
        op_type: op.into(),
        attribute,
        domain: domain.into(),
    }
}

/// A node of the default domain.
pub fn onnx(op: &str, operands: &[&str], output: &str, attribute: Vec<Attribute>) -> Node {
    node("", op, operands, output, attribute)
}

/// A node of ONNX Runtime's domain.
pub fn ort(op: &str, operands: &[&str], output: &str, attribute: Vec<Attribute>) -> Node {
    node("com.microsoft", op, operands, output, attribute)
}

pub fn int(name: &str, i: i64) -> Attribute {
    Attribute { name: name.into(), i, r#type: attribute_type::INT, ..Attribute::default() }
}

pub fn ints(name: &str, ints: &[i64]) -> Attribute {
    Attribute { name: name.into(), ints: ints.to_vec(), r#type: attribute_type::INTS, ..Attribute::default() }
}

pub fn float(name: &str, f: f32) -> Attribute {
    Attribute { name: name.into(), f, r#type: attribute_type::FLOAT, ..Attribute::default() }
}

pub fn text(name: &str, s: &str) -> Attribute {
    let s = s.to_owned().into_bytes().into();
    Attribute { name: name.into(), s, r#type: attribute_type::STRING, ..Attribute::default() }
}

fn raw<const N: usize>(name: &str, data_type: i32, dims: &[i64], bytes: impl Iterator<Item = [u8; N]>) -> Tensor {
    let raw_data = bytes.flatten().collect::<Vec<u8>>().into();
    Tensor { name: name.into(), data_type, dims: dims.to_vec(), raw_data, ..Tensor::default() }
}

pub fn reals(name: &str, dims: &[i64], values: &[f32]) -> Tensor {
    raw(name, FLOAT, dims, values.iter().map(|v| v.to_le_bytes()))
}

/// 8-bit integers of type `I8` or `U8`.
pub fn bytes(name: &str, data_type: i32, dims: &[i64], values: &[i32]) -> Tensor {
    raw(name, data_type, dims, values.iter().map(|&v| [v as u8]))
}

pub fn int32s(name: &str, dims: &[i64], values: &[i32]) -> Tensor {
    raw(name, INT32, dims, values.iter().map(|v| v.to_le_bytes()))
}

pub fn int64s(name: &str, dims: &[i64], values: &[i64]) -> Tensor {
    raw(name, INT64, dims, values.iter().map(|v| v.to_le_bytes()))
}
