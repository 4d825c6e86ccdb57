//! How large a circuit is and what its jobs take, in the words of its proof system.

use avouch_circuits::{
    circuit::Circuit,
    plonkish::{self, Layout, Plan},
    r1cs::{self, Synthesizer},
};
use avouch_prover::{CircuitSize, Kind, groth16, halo2, memory::Estimate};
use avouch_verifier::SystemId;
use serde_json::{Value, json};

use crate::{
    console::{count, field},
    failure::Failure,
};

/// What a circuit costs on a proof system.
pub(crate) enum Cost {
    Groth16(r1cs::Cost, groth16::Sizes),
    Halo2(Box<plonkish::Cost>, Plan, halo2::Sizes),
}

impl Cost {
    pub(crate) fn of(system: SystemId, circuit: &Circuit) -> Result<Self, Failure> {
        match Kind::of(system) {
            Kind::Groth16(variant) => {
                let synthesizer = Synthesizer::new(circuit, variant.range_checks())?;
                let cost = synthesizer.cost().map_err(|e| Failure::new("unsupported", "", e))?;
                let sizes = groth16::sizes(&cost).map_err(|e| Failure::new("too_large", "", e))?;
                Ok(Self::Groth16(cost, sizes))
            }
            Kind::Halo2 => {
                let (layout, plan) = Layout::choose(circuit)?;
                let cost = layout.cost(circuit).map_err(|e| Failure::new("unsupported", "", e))?;
                let sizes = halo2::Sizes::of(&cost);
                Ok(Self::Halo2(Box::new(cost), plan, sizes))
            }
        }
    }

    pub(crate) fn size(&self) -> Size<'_> {
        Size(match self {
            Self::Groth16(cost, _) => CircuitSize::Groth16(cost),
            Self::Halo2(cost, ..) => CircuitSize::Halo2(cost),
        })
    }

    pub(crate) fn estimate(&self) -> &dyn Estimate {
        match self {
            Self::Groth16(_, sizes) => sizes,
            Self::Halo2(_, _, sizes) => sizes,
        }
    }

    /// Of each of the circuit's relations, of the statement's constants, and of the tables if they cost extra.
    pub(crate) fn relations(&self) -> Vec<Share> {
        match self {
            Self::Groth16(cost, _) => cost.relations.iter().map(|r| Share::Constraints(r.constraints as u64)).collect(),
            Self::Halo2(cost, ..) => {
                cost.relations.iter().map(|r| Share::Rows([r.wide.into(), r.narrow.into()])).collect()
            }
        }
    }

    /// What the search for a layout compared.
    pub(crate) fn candidates(&self) -> Vec<Value> {
        match self {
            Self::Groth16(..) => Vec::new(),
            Self::Halo2(_, plan, _) => {
                let candidate = |c: &plonkish::Candidate| {
                    let mut json = json!({ "price": c.price });
                    Size(CircuitSize::Halo2(&c.cost)).put(&mut json);
                    json
                };
                plan.candidates.iter().map(candidate).collect()
            }
        }
    }

    /// The same for people: a line for each.
    pub(crate) fn candidates_text(&self) -> String {
        let Self::Halo2(cost, plan, _) = self else { return String::new() };
        let line = |c: &plonkish::Candidate| {
            let shape = c.layout.shape();
            let chosen = if c.layout == cost.layout { ", chosen" } else { "" };
            let text = format!(
                "k = {}, {} lanes × {} terms: price {}{chosen}",
                c.layout.k(),
                shape.lanes,
                shape.terms,
                count(c.price)
            );
            field("layout", text)
        };
        plan.candidates.iter().map(line).collect()
    }
}

/// What some relations take.
#[derive(Clone, Copy)]
pub(crate) enum Share {
    /// Constraints.
    Constraints(u64),
    /// Rows of the wide part, and of the narrow one.
    Rows([u64; 2]),
}

impl Share {
    pub(crate) fn add(&mut self, other: Self) {
        match (self, other) {
            (Self::Constraints(a), Self::Constraints(b)) => *a += b,
            (Self::Rows(a), Self::Rows(b)) => a.iter_mut().zip(b).for_each(|(a, b)| *a += b),
            // All shares of one cost are of one kind.
            (Self::Constraints(_), Self::Rows(_)) | (Self::Rows(_), Self::Constraints(_)) => {}
        }
    }

    /// Nothing, of the same kind.
    pub(crate) fn zero(self) -> Self {
        match self {
            Self::Constraints(_) => Self::Constraints(0),
            Self::Rows(_) => Self::Rows([0, 0]),
        }
    }

    pub(crate) fn json(self) -> Value {
        match self {
            Self::Constraints(n) => n.into(),
            Self::Rows([wide, narrow]) => json!({ "wide": wide, "narrow": narrow }),
        }
    }

    pub(crate) fn text(self) -> String {
        match self {
            Self::Constraints(n) => count(n),
            Self::Rows([wide, narrow]) => format!("{} + {}", count(wide), count(narrow)),
        }
    }

    /// What it counts, as the head of a column.
    pub(crate) fn unit(self) -> &'static str {
        match self {
            Self::Constraints(_) => "constraints",
            Self::Rows(_) => "wide + narrow rows",
        }
    }
}

/// Rows of the evaluation domain, unless the field has none so large.
fn domain(cost: &r1cs::Cost) -> Option<u64> {
    groth16::sizes(cost).ok().map(|sizes| sizes.domain)
}

/// How large a circuit is.
#[derive(Clone, Copy)]
pub(crate) struct Size<'a>(pub(crate) CircuitSize<'a>);

impl Size<'_> {
    /// Adds it to an object.
    pub(crate) fn put(self, json: &mut Value) {
        let facts = match self.0 {
            CircuitSize::Groth16(cost) => {
                json!({
                    "constraints": cost.constraints,
                    "variables": cost.variables + cost.derived,
                    "domain": domain(cost),
                })
            }
            CircuitSize::Halo2(cost) => {
                let shape = cost.layout.shape();
                json!({
                    "k": cost.layout.k(),
                    "lanes": shape.lanes,
                    "terms": shape.terms,
                    "rows": u64::from(cost.wide_rows.max(cost.narrow_rows)).max(cost.table_rows),
                    "wide_rows": cost.wide_rows,
                    "narrow_rows": cost.narrow_rows,
                    "table_rows": cost.table_rows,
                    "advice_columns": cost.advice,
                    "fixed_columns": cost.fixed,
                    "permuted_columns": cost.permuted,
                    "lookups": cost.lookups,
                    "degree": cost.degree,
                })
            }
        };
        if let (Value::Object(to), Value::Object(facts)) = (json, facts) {
            to.extend(facts);
        }
    }

    pub(crate) fn text(self) -> String {
        match self.0 {
            CircuitSize::Groth16(cost) => {
                let domain = domain(cost).map_or_else(|| "too large".into(), count);
                field("constraints", format!("{} (domain {domain})", count(cost.constraints as u64)))
            }
            CircuitSize::Halo2(cost) => {
                let shape = cost.layout.shape();
                let text = format!(
                    "{} wide, {} narrow, {} of functions; k = {}, {} lanes × {} terms",
                    count(cost.wide_rows),
                    count(cost.narrow_rows),
                    count(cost.table_rows),
                    cost.layout.k(),
                    shape.lanes,
                    shape.terms
                );
                field("rows", text)
            }
        }
    }
}
