//! Circuits whose input is made of records: `Records` → `Requantize`, a step function for each feature → `Reindex`, with
//! the constants of the schema.

use alloc::{collections::BTreeMap, format, string::ToString as _, vec, vec::Vec};

use super::{
    Circuit, Disclosure, LowerError, Lowering, MAX_ELEMENTS, RecordFeature, Records, Relation, WireId, describe,
};
use crate::{
    graph::{Graph, Quantization},
    policy::{Feature, Schema, Source},
};

impl Circuit {
    /// Lowers a checked graph whose input is made of records, which have to satisfy a data policy: their features, as far
    /// as the policy lets them through, are quantized and mapped as the schema says.
    ///
    /// # Errors
    /// As [`Circuit::new`]; a schema that breaks a rule, or does not fit the model's input.
    pub fn with_schema(graph: &Graph, disclosure: Disclosure, schema: &Schema) -> Result<Self, LowerError> {
        let error = |message| LowerError { node: "schema".into(), message };
        let info = graph.input_info();
        schema.check().and_then(|()| schema.check_input(info)).map_err(|e| error(e.to_string()))?;
        if schema.values() > MAX_ELEMENTS {
            return Err(error(format!("its records have more than {MAX_ELEMENTS} values: too many to prove")));
        }
        let description = describe(graph, disclosure)?
            .with_records(schema.digest(), schema.records)
            .map_err(|e| error(e.to_string()))?;
        Self::lower(graph, description, |l| input(l, schema, &info.quant))
    }
}

/// The model's input from fresh records.
fn input(l: &mut Lowering, schema: &Schema, quant: &Quantization) -> Result<WireId, LowerError> {
    let features = &schema.features;
    let feature = |f: &Feature| RecordFeature { bits: f.bits.into(), range: f.range(), fill: f.fill };
    let records =
        Records { schema: schema.digest(), count: schema.records, features: features.iter().map(feature).collect() };
    let bounds = (0..schema.records).flat_map(|_| features.iter().map(Feature::range)).collect();
    let label = core::mem::replace(&mut l.label, "records".into());
    let values = l.emit(Relation::Records(records), &[], bounds);
    l.label = label;

    // What only predicates read need not be quantized.
    let is_read = |i: &usize| {
        let reads = |s: &Source| matches!(s, Source::Feature { feature, .. } if usize::from(*feature) == *i);
        schema.inputs.iter().any(reads)
    };
    let mut read: Vec<usize> = (0..features.len()).filter(is_read).collect();
    if read.is_empty() {
        // Constants are functions of anything.
        read.push(0);
    }
    let index = |record: u16, column: usize, columns: usize| u32::from(record) * columns as u32 + column as u32;
    let chosen = (0..schema.records).flat_map(|r| read.iter().map(move |&f| (0, index(r, f, features.len()))));
    let chosen = l.reindex(&[values], chosen.collect());
    let quantized = l.requantize(chosen, read.len(), 1, |i, _| Ok(features[read[i]].step_function(quant)))?;

    let mut operands = vec![quantized];
    let mut constants = BTreeMap::new();
    let mut gather = Vec::with_capacity(schema.inputs.len());
    for source in &schema.inputs {
        gather.push(match *source {
            Source::Feature { record, feature } => {
                let column = read.binary_search(&feature.into()).unwrap_or_default();
                (0, index(record, column, read.len()))
            }
            Source::Constant(v) => {
                let operand = match constants.get(&v) {
                    Some(&operand) => operand,
                    None => {
                        let any = l.reindex(&[quantized], vec![(0, 0)]);
                        operands.push(l.table(any, 0.0, |_| v.into())?);
                        operands.len() as u32 - 1
                    }
                };
                constants.insert(v, operand);
                (operand, 0)
            }
        });
    }
    Ok(l.reindex(&operands, gather))
}
