//! One node: its operands, and the table of operators.

use alloc::{format, string::String, vec::Vec};
use std::rc::Rc;

use super::{
    Form, Importer, MICROSOFT,
    attributes::Attributes,
    constant::Constant,
    error::{ImportError, printable},
    proto,
    value::{Real, Value, Weights},
};
use crate::graph::{DType, Quantization, TensorId};

/// A node with its operands looked up.
pub(super) struct Call<'m> {
    pub(super) attributes: Attributes<'m>,
    /// `None` for an optional operand that is left out.
    operands: Vec<Option<Value>>,
    pub(super) opset: i64,
    /// The operator's name.
    pub(super) op: &'m str,
    /// Which of how many outputs is asked for.
    pub(super) part: [usize; 2],
}

type Handler<'m> = fn(&mut Importer<'m>, &mut Call<'_>) -> Result<Value, ImportError>;

/// The operators, with their domains.
fn handler<'m>(domain: &str, op: &str) -> Option<(Option<Form>, Handler<'m>)> {
    const Q: Option<Form> = Some(Form::QOperator);
    const QDQ: Option<Form> = Some(Form::Qdq);
    Some(match (domain, op) {
        ("", "QuantizeLinear") => (None, Importer::quantize_linear),
        ("", "DequantizeLinear") => (None, Importer::dequantize_linear),
        ("", "QLinearConv") => (Q, Importer::qlinear_conv),
        ("", "QLinearMatMul") => (Q, Importer::qlinear_matmul),
        (MICROSOFT, "QGemm") => (Q, Importer::qgemm),
        (MICROSOFT, "QLinearAdd") => (Q, Importer::qlinear_add),
        (MICROSOFT, "QLinearMul") => (Q, Importer::qlinear_mul),
        (MICROSOFT, "QLinearConcat") => (Q, Importer::qlinear_concat),
        (MICROSOFT, "QLinearLeakyRelu" | "QLinearSigmoid") => (Q, Importer::qlinear_unary),
        (MICROSOFT, "QLinearAveragePool") => (Q, Importer::qlinear_average_pool),
        (MICROSOFT, "QLinearGlobalAveragePool") => (Q, Importer::qlinear_global_average_pool),
        (MICROSOFT, "QLinearSoftmax") => (Q, Importer::qlinear_softmax),
        ("", "ConvInteger") => (QDQ, Importer::conv_integer),
        ("", "MatMulInteger") => (QDQ, Importer::matmul_integer),
        ("", "Cast") => (QDQ, Importer::cast),
        ("", "Conv") => (QDQ, Importer::conv),
        ("", "Gemm") => (QDQ, Importer::gemm),
        ("", "MatMul") => (QDQ, Importer::matmul),
        ("", "Add") => (QDQ, Importer::add),
        ("", "Mul") => (QDQ, Importer::mul),
        ("", "Sub" | "Div") => (QDQ, Importer::subtract_or_divide),
        ("", "Tanh" | "Sigmoid" | "HardSigmoid" | "HardSwish" | "LeakyRelu" | "Elu" | "Selu" | "Softplus")
        | (
            "",
            "Softsign" | "Mish" | "Erf" | "Exp" | "Log" | "Sqrt" | "Reciprocal" | "Abs" | "Neg" | "Floor" | "Ceil",
        )
        | ("", "Round" | "Gelu")
        | (MICROSOFT, "Gelu" | "QuickGelu") => (QDQ, Importer::unary),
        ("", "PRelu") => (QDQ, Importer::prelu),
        ("", "ReduceMean" | "ReduceSum") => (QDQ, Importer::reduce),
        ("", "AveragePool") => (QDQ, Importer::average_pool),
        ("", "GlobalAveragePool") => (QDQ, Importer::global_average_pool),
        ("", "MaxPool") => (None, Importer::max_pool),
        ("", "Relu") => (None, Importer::relu),
        ("", "Clip") => (None, Importer::clip),
        ("", "Softmax") => (None, Importer::softmax),
        ("", "Reshape") => (None, Importer::reshape),
        ("", "Flatten") => (None, Importer::flatten),
        ("", "Transpose") => (None, Importer::transpose),
        ("", "Squeeze") => (None, Importer::squeeze),
        ("", "Unsqueeze") => (None, Importer::unsqueeze),
        ("", "Slice") => (None, Importer::slice),
        ("", "Split") => (None, Importer::split),
        ("", "Gather") => (None, Importer::gather),
        ("", "Pad") => (None, Importer::pad),
        ("", "Resize") => (None, Importer::resize),
        ("", "Expand") => (None, Importer::expand),
        ("", "Tile") => (None, Importer::tile),
        ("", "DepthToSpace") => (None, Importer::depth_to_space),
        ("", "SpaceToDepth") => (None, Importer::space_to_depth),
        ("", "ArgMax") => (None, Importer::argmax),
        ("", "Concat") => (None, Importer::concat),
        ("", "Identity") => (None, Importer::identity),
        ("", "Constant") => (None, Importer::constant),
        _ => return None,
    })
}

impl<'m> Importer<'m> {
    pub(super) fn node(&mut self, node: &'m proto::Node, name: &str) -> Result<(), ImportError> {
        let domain = if node.domain == "ai.onnx" { "" } else { &*node.domain };
        let (form, handler) = handler(domain, &node.op_type).ok_or_else(|| unknown(domain, &node.op_type))?;
        if domain == MICROSOFT && !self.versions.microsoft {
            return Err(ImportError::malformed(format!("the model does not import the operator set {MICROSOFT}")));
        }
        let several = node.op_type == "Split";
        let outputs = match &*node.output {
            outputs @ [_, ..] if several => outputs,
            [output, rest @ ..] if rest.iter().all(String::is_empty) => core::slice::from_ref(output),
            _ => return Err(ImportError::unsupported("a node with no or several outputs")),
        };
        let mut operands = Vec::with_capacity(node.input.len());
        for input in &node.input {
            let value = self.values.get(&**input).cloned();
            if value.is_none() && !input.is_empty() {
                return Err(ImportError::malformed(format!(
                    "operand {} is not produced before it is used",
                    printable(input)
                ))
                .hint("nodes must be sorted, and without cycles"));
            }
            operands.push(value);
        }
        self.builder.node = name.into();
        for (i, output) in outputs.iter().enumerate() {
            let attributes = Attributes::new(node)?;
            let (op, part, operands) = (&*node.op_type, [i, outputs.len()], operands.clone());
            let mut call = Call { attributes, operands, opset: self.versions.onnx, op, part };
            let value = handler(self, &mut call)?;
            call.attributes.finish()?;
            if let Some(i) = call.operands.iter().position(Option::is_some) {
                return Err(ImportError::unsupported(format!("operand {i} is one too many")));
            }
            self.define(output, value)?;
        }
        self.form = form.unwrap_or(self.form);
        Ok(())
    }

    fn identity(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        call.operand(0, "the operand")
    }

    fn constant(&mut self, call: &mut Call<'_>) -> Result<Value, ImportError> {
        let tensor = call.attributes.tensor("value")?;
        let tensor = tensor.ok_or_else(|| ImportError::unsupported("a Constant without the attribute value"))?;
        Ok(Value::Constant(Rc::new(Constant::decode(tensor)?)))
    }
}

impl Call<'_> {
    /// Takes an operand; what nobody takes is one too many.
    pub(super) fn optional(&mut self, i: usize) -> Option<Value> {
        self.operands.get_mut(i).and_then(Option::take)
    }

    pub(super) fn operand(&mut self, i: usize, what: &str) -> Result<Value, ImportError> {
        self.optional(i).ok_or_else(|| ImportError::malformed(format!("{what} (operand {i}) is missing")))
    }

    pub(super) fn operands(&self) -> usize {
        self.operands.len()
    }

    /// Rank of a constant operand, which stays.
    pub(super) fn peek_rank(&self, i: usize) -> Option<usize> {
        match self.operands.get(i) {
            Some(Some(Value::Constant(c))) => Some(c.dims.len()),
            _ => None,
        }
    }

    pub(super) fn optional_constant(&mut self, i: usize, what: &str) -> Result<Option<Rc<Constant>>, ImportError> {
        match self.optional(i) {
            None => Ok(None),
            Some(Value::Constant(c)) => Ok(Some(c)),
            Some(_) => Err(ImportError::unsupported(format!("{what} (operand {i}) is computed at run time"))
                .hint("it must be an initializer")),
        }
    }

    pub(super) fn constant(&mut self, i: usize, what: &str) -> Result<Rc<Constant>, ImportError> {
        let constant = self.optional_constant(i, what)?;
        constant.ok_or_else(|| ImportError::malformed(format!("{what} (operand {i}) is missing")))
    }

    /// The per-tensor quantization that operands `scale` and `zero` state; without a zero point it is 0 of `default`.
    pub(super) fn quantization(
        &mut self,
        [scale, zero]: [usize; 2],
        what: &str,
        default: DType,
    ) -> Result<Quantization, ImportError> {
        let scales = self.constant(scale, &format!("the scale of {what}"))?.scales("the scale")?;
        let zero = self.optional_constant(zero, &format!("the zero point of {what}"))?;
        let (dtype, zeros) = zero.map_or(Ok((default, alloc::vec![0])), |z| z.zeros("the zero point"))?;
        let (&[scale], &[zero_point]) = (&*scales, &*zeros) else {
            return Err(ImportError::unsupported(format!("{what} has several scales or zero points"))
                .hint("only weights may be quantized per channel"));
        };
        Ok(Quantization { dtype, scale, zero_point })
    }

    /// Constant integers with scales and zero points along `axis`.
    pub(super) fn weights(&mut self, [w, scale, zero]: [usize; 3], axis: usize) -> Result<Weights, ImportError> {
        let constant = self.constant(w, "the weights")?;
        let scales = self.constant(scale, "the weights' scale")?.scales("the weights' scale")?;
        let zero = self.optional_constant(zero, "the weights' zero point")?;
        Weights::new(constant, scales, zero.as_deref(), axis)
    }

    /// Constant integers in operand 1 with zero points in operand 3 along `axis`, at the scale 1.
    pub(super) fn unscaled_weights(&mut self, axis: usize) -> Result<Weights, ImportError> {
        let constant = self.constant(1, "the weights")?;
        let zero = self.optional_constant(3, "the weights' zero point")?;
        Weights::new(constant, alloc::vec![1.0], zero.as_deref(), axis)
    }
}

impl Importer<'_> {
    /// An integer operand, with the quantization that the node states for it.
    pub(super) fn quantized(
        &mut self,
        call: &mut Call<'_>,
        [x, scale, zero]: [usize; 3],
        what: &str,
    ) -> Result<(TensorId, Quantization), ImportError> {
        let id = match call.operand(x, what)? {
            Value::Tensor(id) => id,
            _ => return Err(ImportError::unsupported(format!("{what} is not a tensor of int8 or uint8"))),
        };
        let q = call.quantization([scale, zero], what, self.builder.dtype(id))?;
        self.builder.assume(id, q)?;
        Ok((id, q))
    }

    /// A dequantized operand.
    pub(super) fn dequantized(
        &mut self,
        call: &mut Call<'_>,
        i: usize,
        what: &str,
    ) -> Result<(TensorId, Quantization), ImportError> {
        match call.operand(i, what)? {
            Value::Real(Real::Tensor(id)) => Ok((id, self.known(id)?)),
            _ => Err(not_dequantized(what)),
        }
    }

    /// The quantization of a tensor that a DequantizeLinear was applied to.
    pub(super) fn known(&self, id: TensorId) -> Result<Quantization, ImportError> {
        self.builder.quantization(id).ok_or_else(|| ImportError::malformed("its quantization is not known"))
    }
}

fn unknown(domain: &str, op: &str) -> ImportError {
    if op.starts_with("DynamicQuantize") {
        return ImportError::unsupported(format!(
            "operator {} is not supported: its scale depends on the data",
            printable(op)
        ))
        .hint("no fixed arithmetic can be proven of it: quantize the model statically, with calibration data");
    }
    let domain = if domain.is_empty() { String::new() } else { format!(" of domain {}", printable(domain)) };
    ImportError::unsupported(format!("operator {}{domain} is not supported", printable(op)))
        .hint("the documentation lists the operators; quantize the model statically to int8 or uint8")
}

/// A real operand of an operator that is only supported between DequantizeLinear and QuantizeLinear.
pub(super) fn not_dequantized(what: &str) -> ImportError {
    ImportError::unsupported(format!("{what} is not the result of a DequantizeLinear")).hint(
        "quantize the model statically, so that every operator stands between DequantizeLinear and QuantizeLinear",
    )
}
