//! `avouch inspect`: a model and what proving it costs.

use std::{path::PathBuf, thread};

use avouch_circuits::{
    circuit::Disclosure,
    graph::TensorInfo,
    import::{self, Imported, Port},
    op::Operator as _,
    policy::Schema,
};
use avouch_prover::policy::read_schema;
use avouch_verifier::SystemId;
use clap::Args;
use serde_json::{Value, json};

use crate::{
    args::{DisclosureArg, disclosure, lower},
    console::{Answer, bytes, count, field, seconds, title},
    failure::Failure,
    size::{Cost, Share},
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch inspect model.onnx
  avouch inspect model.onnx --disclose argmax --json
  avouch inspect model.onnx --schema schema.json

Constraints and rows are exact: the same as setup uses. Memory and seconds are estimates for this machine's cores.")]
pub(crate) struct Inspect {
    /// ONNX file: int8, statically quantized (QOperator or QDQ).
    model: PathBuf,
    /// What a proof would show of the output, as in `avouch setup`.
    #[arg(long, value_name = "WHAT")]
    disclose: Option<DisclosureArg>,
    /// Schema of signed records that the input would be made of, as in `avouch setup`.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
}

/// One proof system's part.
struct Priced {
    cost: Cost,
    layers: Layers,
}

/// What a data policy, the input, each node, and the output with the statement take, and tables.
struct Layers {
    /// Records and their policy; none without a schema.
    policy: Option<Share>,
    input: Share,
    nodes: Vec<Share>,
    output: Share,
    tables: Share,
}

impl Inspect {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        let model = import::import_file(&self.model)?;
        let disclosure = disclosure(self.disclose, &model.graph);
        let threads = rayon::current_num_threads().min(thread::available_parallelism().map_or(1, usize::from));
        let schema = self.schema.as_deref().map(read_schema).transpose()?;
        let price = |&s: &SystemId| (s, price(&model, disclosure, schema.as_ref(), s));
        let priced: Vec<_> = SystemId::ALL.iter().map(price).collect();
        Ok(Answer {
            json: to_json(&model, disclosure, &priced, threads),
            text: to_text(&model, disclosure, &priced, threads),
        })
    }
}

fn price(
    model: &Imported,
    disclosure: Disclosure,
    schema: Option<&Schema>,
    system: SystemId,
) -> Result<Priced, Failure> {
    let circuit = lower(&model.graph, disclosure, schema)?;
    let cost = Cost::of(system, &circuit)?;
    let shares = cost.relations();
    let zero = shares.first().map_or(Share::Constraints(0), |share| share.zero());
    let nodes = vec![zero; model.graph.nodes.len()];
    let policy = schema.map(|_| zero);
    let mut layers = Layers { policy, input: zero, nodes, output: zero, tables: zero };
    for (i, share) in shares.into_iter().enumerate() {
        let of = circuit.relations.get(i);
        let slot = match of.map(|a| (a.node, a.label.as_str())) {
            Some((Some(node), _)) => &mut layers.nodes[node],
            Some((None, "records")) => layers.policy.get_or_insert(zero),
            Some((None, "input")) => &mut layers.input,
            Some((None, _)) => &mut layers.output,
            None if i == circuit.relations.len() => &mut layers.output,
            None => &mut layers.tables,
        };
        slot.add(share);
    }
    Ok(Priced { cost, layers })
}

fn macs(model: &Imported) -> u64 {
    model.graph.nodes.iter().map(|n| n.op.macs(model.graph.tensor(n.output))).sum()
}

fn parameters(model: &Imported) -> usize {
    model.graph.nodes.iter().map(|n| n.op.parameters()).sum()
}

fn activations(model: &Imported) -> usize {
    model.graph.nodes.iter().map(|n| model.graph.tensor(n.output).elements()).sum()
}

fn to_json(
    model: &Imported,
    disclosure: Disclosure,
    priced: &[(SystemId, Result<Priced, Failure>)],
    threads: usize,
) -> Value {
    let graph = &model.graph;
    let port = |port: &Port, info: &TensorInfo| {
        json!({
            "name": port.name,
            "shape": port.shape,
            "dtype": info.quant.dtype.name(),
            "scale": info.quant.scale,
            "zero_point": info.quant.zero_point,
            "float": port.kind == import::Kind::Real,
        })
    };
    let nodes: Vec<_> = graph
        .nodes
        .iter()
        .map(|n| {
            let out = graph.tensor(n.output);
            json!({
                "name": n.name,
                "op": n.op.name(),
                "output_shape": out.shape,
                "parameters": n.op.parameters(),
                "macs": n.op.macs(out),
                "activations": out.elements(),
            })
        })
        .collect();
    let systems: Vec<_> = priced
        .iter()
        .map(|(system, priced)| match priced {
            Err(e) => json!({ "system": system.name(), "error": e.json()["error"] }),
            Ok(p) => {
                let estimate = p.cost.estimate();
                let mut json = json!({
                    "system": system.name(),
                    "layers": {
                        "input": p.layers.input.json(),
                        "nodes": p.layers.nodes.iter().map(|share| share.json()).collect::<Vec<_>>(),
                        "output": p.layers.output.json(),
                        "tables": p.layers.tables.json(),
                    },
                    "layouts": p.cost.candidates(),
                    "proving_key_bytes": estimate.proving_key_file(),
                    "estimates": {
                        "threads": threads,
                        "prove_s": estimate.prove_seconds(threads),
                        "prove_memory_bytes": estimate.prove(),
                        "setup_s": estimate.setup_seconds(threads),
                        "setup_memory_bytes": estimate.setup(),
                    },
                });
                p.cost.size().put(&mut json);
                if let Some(share) = p.layers.policy {
                    json["layers"]["policy"] = share.json();
                }
                json
            }
        })
        .collect();
    json!({
        "model_id": hex::encode(graph.model_id()),
        "form": model.form.name(),
        "input": port(&model.input, graph.input_info()),
        "output": port(&model.output, graph.output_info()),
        "softmax_cut": model.softmax.is_some(),
        "notes": model.notes,
        "parameters": parameters(model),
        "macs": macs(model),
        "activations": activations(model),
        "disclosure": disclosure.name(),
        "nodes": nodes,
        "systems": systems,
    })
}

fn to_text(
    model: &Imported,
    disclosure: Disclosure,
    priced: &[(SystemId, Result<Priced, Failure>)],
    threads: usize,
) -> String {
    let graph = &model.graph;
    let tensor = |port: &Port, info: &TensorInfo| {
        let q = &info.quant;
        format!("{} {:?} {}, scale {}, zero point {}", port.name, port.shape, q.dtype.name(), q.scale, q.zero_point)
    };
    let mut text = title("Model");
    text += &field("id", hex::encode(graph.model_id()));
    text += &field("form", model.form.name());
    text += &field("input", tensor(&model.input, graph.input_info()));
    text += &field("output", tensor(&model.output, graph.output_info()));
    text += &field("parameters", count(parameters(model) as u64));
    text += &field("MACs", count(macs(model)));
    text += &field("activations", count(activations(model) as u64));
    for note in &model.notes {
        text += &field("note", note);
    }

    for (system, priced) in priced {
        text += "\n";
        text += &title(&format!("{system}, disclosing {}", disclosure.name()));
        let p = match priced {
            Err(e) => {
                text += &field("cannot be proven", format!("{}: {}", e.place, e.message));
                continue;
            }
            Ok(p) => p,
        };
        text += &format!(
            "  {:32} {:12} {:>16} {:>12} {:>13} {:>18}\n",
            "node",
            "op",
            "shape",
            "parameters",
            "MACs",
            p.layers.input.unit()
        );
        let row = |name: &str, op: &str, shape: String, parameters: String, macs: String, share: Share| {
            let name: String =
                if name.chars().count() > 32 { name.chars().take(31).chain(['…']).collect() } else { name.into() };
            format!("  {name:32} {op:12} {shape:>16} {parameters:>12} {macs:>13} {:>18}\n", share.text())
        };
        let shape = |s: &[usize]| s.iter().map(ToString::to_string).collect::<Vec<_>>().join("×");
        if let Some(share) = p.layers.policy {
            text += &row("records and their policy", "", "".into(), "".into(), "".into(), share);
        }
        text += &row("input, committed", "", shape(&graph.input_info().shape), "".into(), "".into(), p.layers.input);
        for (node, &share) in graph.nodes.iter().zip(&p.layers.nodes) {
            let out = graph.tensor(node.output);
            let numbers =
                [node.op.parameters() as u64, node.op.macs(out)].map(|n| if n == 0 { String::new() } else { count(n) });
            let [parameters, macs] = numbers;
            text += &row(&node.name, node.op.name(), shape(&out.shape), parameters, macs, share);
        }
        text += &row("output and statement", "", "".into(), "".into(), "".into(), p.layers.output);
        text += &p.cost.size().text();
        text += &p.cost.candidates_text();
        let estimate = p.cost.estimate();
        text += &estimate.proving_key_file().map_or(String::new(), |n| field("proving key", bytes(n)));
        let job = |s, memory| format!("about {} on {threads} cores, {} of memory", seconds(s), bytes(memory));
        text += &field("setup", job(estimate.setup_seconds(threads), estimate.setup()));
        text += &field("proof", job(estimate.prove_seconds(threads), estimate.prove()));
    }
    text
}
