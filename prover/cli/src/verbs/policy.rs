//! `avouch policy`: policy documents, compiled to what is proven.

use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

use avouch_circuits::policy::{Inputs, Item, Policy as Parameters, Schema, Window, evaluate};
use avouch_prover::policy::{Compiled, Files, Hex as _, Terms, prepare, read_schema};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    args::check_writable,
    console::{Answer, field, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch policy compile policy.json --schema schema.json --output policy.compiled.json
  avouch policy show policy.compiled.json --schema schema.json
  avouch policy check --policy policy.compiled.json --schema schema.json --record batch.json \\
    --registry registry.json --device-key device.key --consent consent.json")]
pub(crate) struct Policy {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Compile a policy document for a schema: its hash, the fields that are proven, and policy_id.
    Compile {
        /// Policy document: JSON with ODRL and DPV terms.
        document: PathBuf,
        /// Schema of the records.
        #[arg(long, value_name = "FILE")]
        schema: PathBuf,
        /// File to write.
        #[arg(long, value_name = "FILE")]
        output: PathBuf,
    },
    /// Say what a compiled policy asks for.
    Show {
        /// Compiled policy.
        policy: PathBuf,
        /// Schema of the records: features are then called by name.
        #[arg(long, value_name = "FILE")]
        schema: Option<PathBuf>,
    },
    /// Say whether records satisfy a policy, and which clause fails, without proving anything.
    Check(RecordArgs),
}

/// What a proof about records is made from, besides the model.
#[derive(Args)]
pub(crate) struct RecordArgs {
    /// Compiled policy.
    #[arg(long, value_name = "FILE")]
    policy: PathBuf,
    /// Schema of circuit, policy and records.
    #[arg(long, value_name = "FILE")]
    schema: PathBuf,
    /// Signed batch.
    #[arg(long, value_name = "FILE")]
    record: PathBuf,
    /// Registry, as it is published.
    #[arg(long, value_name = "FILE")]
    registry: PathBuf,
    /// Key file of the device: the nullifier is made with it.
    #[arg(long, value_name = "FILE")]
    device_key: PathBuf,
    /// Opening of the consent, if the policy asks for one.
    #[arg(long, value_name = "FILE")]
    consent: Option<PathBuf>,
    /// First and last second of the window that the verifier sees; by default the widest that the policy allows now.
    #[arg(long, value_name = "FROM..TO", value_parser = window)]
    window: Option<Window>,
}

fn window(text: &str) -> Result<Window, String> {
    let ends = text.split_once("..").and_then(|(lo, hi)| Some(Window { lo: lo.parse().ok()?, hi: hi.parse().ok()? }));
    ends.ok_or_else(|| "expected two times, such as 1764060000..1764070000".into())
}

impl RecordArgs {
    /// Reads the files.
    pub(crate) fn read(&self) -> Result<Inputs, Failure> {
        let files = Files {
            policy: &self.policy,
            schema: &self.schema,
            record: &self.record,
            registry: &self.registry,
            device_key: &self.device_key,
            consent: self.consent.as_deref(),
        };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|e| Failure::new("clock", "", e))?;
        Ok(prepare(&files, now.as_secs(), self.window)?)
    }
}

impl Policy {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        match self.action {
            Action::Compile { document, schema, output } => {
                check_writable(&output)?;
                let schema = read_schema(&schema)?;
                let compiled = Compiled::compile(&document, &schema)?;
                compiled.write(&output)?;
                let Answer { json, text } = describe(&compiled.policy, Some(&schema));
                Ok(Answer { json, text: format!("{} compiled to {}\n{text}", tick(), output.display()) })
            }
            Action::Show { policy, schema } => {
                let compiled = Compiled::read(&policy)?;
                let schema = schema.as_deref().map(read_schema).transpose()?;
                if let Some(schema) = &schema {
                    compiled.policy.check(schema).map_err(|e| Failure::file(&policy, e))?;
                    if compiled.policy.schema != schema.id() {
                        let message = format!("it is for the schema {}", compiled.policy.schema.to_hex());
                        return Err(Failure::file(&policy, message)
                            .hint(format!("the schema given is {}", schema.id().to_hex())));
                    }
                }
                Ok(describe(&compiled.policy, schema.as_ref()))
            }
            Action::Check(records) => {
                let inputs = records.read()?;
                let [policy_id, registry_root, _, nullifier] = evaluate(&inputs)?.slots.map(|slot| slot.to_hex());
                let Window { lo, hi } = inputs.window;
                let mut text = format!("{} the records satisfy the policy\n", tick());
                text += &field("policy id", &policy_id);
                text += &field("registry root", &registry_root);
                text += &field("window", format!("{lo} to {hi}, {} records", inputs.records.len()));
                text += &field("nullifier", &nullifier);
                let json = json!({
                    "satisfied": true,
                    "policy_id": policy_id,
                    "registry_root": registry_root,
                    "window": { "t_lo": lo, "t_hi": hi, "records": inputs.records.len() },
                    "nullifier": nullifier,
                });
                Ok(Answer { json, text })
            }
        }
    }
}

/// What a policy asks for, for scripts and people.
fn describe(policy: &Parameters, schema: Option<&Schema>) -> Answer {
    let name = |i: usize| {
        let known = schema.and_then(|s| s.features.get(i));
        known.map_or_else(|| format!("feature {i}"), |f| f.name.clone())
    };
    let features: Vec<String> = (0..64).filter(|&i| policy.admits(i)).map(name).collect();
    let classes: Vec<u32> = (0..32).filter(|c| policy.classes >> c & 1 == 1).collect();
    let (purposes, categories) = (Terms::Purposes.of(policy.purposes), Terms::Categories.of(policy.categories));
    let predicates: Vec<String> = policy
        .predicates
        .iter()
        .map(|p| format!("{} {} {}", name(p.feature.into()), if p.at_least { ">=" } else { "<=" }, p.value))
        .collect();
    let area = policy.area.map(|a| {
        let degrees = |v: u32, most: f64| f64::from(v) / 1e7 - most;
        let [south, north] = a.lat.map(|v| degrees(v, 90.0));
        let [west, east] = a.lon.map(|v| degrees(v, 180.0));
        [south, north, west, east].map(|d| (d * 1e7).round() / 1e7)
    });
    let item = match policy.item {
        Item::Batch => "batch",
        Item::Epoch => "epoch",
    };
    let json = json!({
        "policy_id": policy.id().to_hex(),
        "document_hash": policy.document.to_hex(),
        "controller": policy.controller.to_hex(),
        "schema": policy.schema.to_hex(),
        "purposes": purposes,
        "categories": categories,
        "features": features,
        "device_classes": classes,
        "consent": policy.consent,
        "area": area.map(|[south, north, west, east]| {
            json!({ "south": south, "north": north, "west": west, "east": east })
        }),
        "max_age": policy.max_age,
        "scope": policy.scope.to_hex(),
        "epoch_length": policy.epoch_length,
        "item": item,
        "predicates": predicates,
    });
    let list = |items: &[String]| if items.is_empty() { "none".into() } else { items.join(", ") };
    let mut text = String::new();
    for key in ["policy_id", "document_hash", "controller", "schema", "scope"] {
        text += &field(&key.replace('_', " "), json.get(key).and_then(Value::as_str).unwrap_or_default());
    }
    text += &field("purposes", list(&purposes));
    text += &field("categories", list(&categories));
    text += &field("features", list(&features));
    text += &field("device classes", list(&classes.iter().map(u32::to_string).collect::<Vec<_>>()));
    text += &field(
        "consent",
        if policy.consent { "one in the registry has to cover the records" } else { "not asked for" },
    );
    text += &field(
        "area",
        area.map_or_else(|| "anywhere".into(), |[s, n, w, e]| format!("{s} to {n} north, {w} to {e} east")),
    );
    text += &field("max age", format!("{} seconds", policy.max_age));
    text += &field(
        "epochs",
        if policy.epoch_length == 0 { "none".into() } else { format!("{} seconds each", policy.epoch_length) },
    );
    text += &field("one proof for each", item);
    text += &field("predicates", list(&predicates));
    Answer { json, text }
}
