//! The dependency rule: `circuits ← verifier ← prover ← cli`, and what must stay out of the small crates.

use std::collections::BTreeSet;

use crate::{
    Result,
    shell::{cargo, output},
};

/// A package with some features, and what may not be among its dependencies.
struct Rule {
    package: &'static str,
    features: &'static str,
    target: Option<&'static str>,
    /// Packages; a trailing `*` stands for any ending.
    forbidden: &'static [&'static str],
    /// Features of `avouch-circuits` that are switched on, in alphabetical order.
    circuits: Option<&'static str>,
}

const WASM: Option<&str> = Some("wasm32-unknown-unknown");
/// Whatever is above `avouch-circuits`.
const ABOVE_CIRCUITS: &[&str] = &["avouch", "avouch-*"];
/// Nothing that draws randomness, starts threads, or reads model files or text formats.
const SMALL: &[&str] = &[
    "avouch",
    "avouch-prover",
    "avouch-benches",
    "avouch-conformance",
    "getrandom",
    "light-poseidon",
    "prost*",
    "rayon*",
    "serde_json",
    "tempfile",
];

/// The same for the transparent system, whose curves want getrandom in WebAssembly.
const SMALL_TRANSPARENT: &[&str] = &[
    "avouch",
    "avouch-prover",
    "avouch-benches",
    "avouch-conformance",
    "light-poseidon",
    "prost*",
    "rayon*",
    "serde_json",
    "tempfile",
];

/// The same where JSON is spoken.
const SMALL_PACKAGES: &[&str] =
    &["avouch", "avouch-prover", "getrandom", "halo2*", "light-poseidon", "prost*", "rayon*", "tempfile"];

/// The same where there is no JavaScript.
const SMALL_MODULE: &[&str] =
    &["avouch", "avouch-prover", "getrandom", "halo2*", "js-sys", "prost*", "rayon*", "wasm-bindgen*"];

const RULES: &[Rule] = &[
    Rule {
        package: "avouch-circuits",
        features: "",
        target: None,
        forbidden: &[
            "avouch",
            "avouch-*",
            "ark-*",
            "getrandom",
            "light-poseidon",
            "prost*",
            "rand*",
            "rayon*",
            "serde*",
        ],
        circuits: None,
    },
    Rule {
        package: "avouch-circuits",
        features: "execute,import,r1cs",
        target: None,
        forbidden: ABOVE_CIRCUITS,
        circuits: None,
    },
    Rule { package: "avouch-verifier", features: "groth16", target: None, forbidden: SMALL, circuits: Some("") },
    Rule { package: "avouch-verifier", features: "groth16", target: WASM, forbidden: SMALL, circuits: Some("") },
    Rule {
        package: "avouch-verifier",
        features: "halo2",
        target: WASM,
        forbidden: SMALL_TRANSPARENT,
        circuits: Some("plonkish"),
    },
    Rule {
        package: "avouch-verifier-wasm",
        features: "groth16,js",
        target: WASM,
        forbidden: SMALL_PACKAGES,
        circuits: Some(""),
    },
    Rule {
        package: "avouch-verifier-wasm",
        features: "groth16,raw",
        target: WASM,
        forbidden: SMALL_MODULE,
        circuits: Some(""),
    },
    Rule { package: "avouch-cosmwasm", features: "", target: WASM, forbidden: SMALL_MODULE, circuits: Some("") },
    Rule { package: "avouch-solidity", features: "", target: None, forbidden: SMALL_PACKAGES, circuits: Some("") },
    Rule {
        package: "avouch-prover",
        features: "",
        target: None,
        forbidden: &["avouch", "avouch-benches", "avouch-conformance", "clap", "indicatif"],
        circuits: None,
    },
    Rule {
        package: "avouch",
        features: "",
        target: None,
        forbidden: &["avouch-benches", "avouch-conformance"],
        circuits: None,
    },
];

/// `cargo xtask dependencies`.
pub(crate) fn check() -> Result<()> {
    let mut broken = Vec::new();
    for rule in RULES {
        let name = format!(
            "{} [{}]{}",
            rule.package,
            rule.features,
            rule.target.map(|t| format!(" for {t}")).unwrap_or_default()
        );
        let dependencies = dependencies(rule)?;
        let found: Vec<_> = dependencies.iter().filter(|d| rule.forbids(&d.name)).map(|d| d.name.as_str()).collect();
        if !found.is_empty() {
            broken.push(format!("{name} depends on {}", found.join(", ")));
        }
        if let Some(expected) = rule.circuits {
            let circuits = dependencies.iter().find(|d| d.name == "avouch-circuits");
            match circuits {
                Some(c) if c.features == expected => {}
                Some(c) => broken.push(format!("{name} takes avouch-circuits with [{}], not [{expected}]", c.features)),
                None => broken.push(format!("{name} does not take avouch-circuits")),
            }
        }
        println!("{name}: {} dependencies", dependencies.len());
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("the dependency rule is broken: {}", broken.join("; ")).into()) }
}

impl Rule {
    fn forbids(&self, name: &str) -> bool {
        self.forbidden.iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(start) => name.starts_with(start),
            None => name == *pattern,
        })
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Dependency {
    name: String,
    features: String,
}

/// All normal dependencies, direct or not, without the package itself.
fn dependencies(rule: &Rule) -> Result<BTreeSet<Dependency>> {
    let mut command = cargo();
    command.args(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--no-dedupe"]);
    command.args(["--format", "{p}|{f}", "--package", rule.package]);
    command.args(["--no-default-features", "--features", rule.features]);
    if let Some(target) = rule.target {
        command.args(["--target", target]);
    }
    let tree = output(&mut command)?;
    let lines = tree.lines().skip(1).map(|line| {
        let (package, features) = line.split_once('|').ok_or_else(|| format!("cargo tree printed {line:?}"))?;
        let name = package.split(' ').next().unwrap_or_default();
        Ok(Dependency { name: name.into(), features: features.into() })
    });
    let all = lines.collect::<Result<BTreeSet<_>>>()?;
    // An empty or misread tree would satisfy every rule.
    if !all.iter().any(|d| d.name == "sha2") {
        return Err(format!("{}: cargo tree shows no sha2, which everything depends on", rule.package).into());
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_name_packages_or_their_beginnings() {
        let rule = Rule { package: "", features: "", target: None, forbidden: &["rayon*", "avouch"], circuits: None };
        assert!(rule.forbids("rayon") && rule.forbids("rayon-core") && rule.forbids("avouch"));
        assert!(!rule.forbids("crayon") && !rule.forbids("avouch-circuits"));
    }

    #[test]
    fn the_rule_holds() {
        check().unwrap();
    }
}
