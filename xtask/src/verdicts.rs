//! One report of what every platform says of the verdict vectors in `test-vectors/proofs`.
//!
//! The tests of each platform hold it against the vectors and write its verdicts to `target/verdicts`. Here all are held
//! against each other and against the vectors once more: none may be missing, and each case that a platform does not have
//! needs a reason in the vectors.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use serde::Deserialize;

use crate::{
    Result,
    shell::{built, root},
};

const VECTORS: &str = "test-vectors/proofs";
/// With what each is run.
const PLATFORMS: [(&str, &str); 6] = [
    ("native", "cargo test -p avouch-verifier --all-features --test it verdicts"),
    ("wasm-node", "cargo xtask wasm"),
    ("wasm-chromium", "cargo xtask wasm"),
    ("wasm-raw", "cargo xtask wasm"),
    ("evm", "cargo xtask solidity"),
    ("snarkjs", "cargo xtask solidity"),
];
/// They say yes or no, and no more.
const WITHOUT_KINDS: [&str; 2] = ["evm", "snarkjs"];

type Reasons = BTreeMap<String, String>;

#[derive(Deserialize)]
struct Suite {
    system: String,
    not_applicable: Reasons,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    flags: Vec<String>,
    result: String,
    kind: Option<String>,
    #[serde(default)]
    not_applicable: Reasons,
    #[serde(default)]
    differs: Reasons,
}

/// A platform's verdicts, by system and id.
type Verdicts = BTreeMap<String, String>;

/// What a platform says of the vectors of a class.
#[derive(Clone, Default)]
struct Count {
    agree: usize,
    differ: usize,
    not_applicable: usize,
}

/// `cargo xtask verdicts`.
pub(crate) fn run() -> Result<()> {
    let folder = built("verdicts")?;
    let mut verdicts = BTreeMap::new();
    let mut wrong = Vec::new();
    for (platform, command) in PLATFORMS {
        match fs::read(folder.join(platform).with_extension("json")) {
            Ok(bytes) => drop(verdicts.insert(platform, serde_json::from_slice::<Verdicts>(&bytes)?)),
            Err(_) => wrong.push(format!("{platform} has said nothing: {command}")),
        }
    }
    let suites = suites()?;
    let report = report(&suites, &verdicts, &mut wrong);
    fs::create_dir_all(&folder)?;
    fs::write(folder.join("report.md"), &report)?;
    println!("{report}");
    if wrong.is_empty() { Ok(()) } else { Err(format!("verdicts differ:\n{}", wrong.join("\n")).into()) }
}

/// Forgets what was said, so that nothing old is taken for an answer.
pub(crate) fn forget() -> Result<()> {
    let folder = built("verdicts")?;
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    Ok(())
}

/// The vectors of every system, in the order of their folders.
fn suites() -> Result<Vec<Suite>> {
    let mut files: Vec<_> = fs::read_dir(root().join(VECTORS))?
        .map(|entry| Ok(entry?.path().join("v1/vectors.json")))
        .collect::<Result<_>>()?;
    files.retain(|path| path.exists());
    files.sort_unstable();
    files.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Suite> {
    serde_json::from_slice(&fs::read(path)?).map_err(|e| format!("{}: {e}", path.display()).into())
}

/// Adds what is wrong to `wrong`.
fn report(suites: &[Suite], verdicts: &BTreeMap<&str, Verdicts>, wrong: &mut Vec<String>) -> String {
    let mut text = String::from("# Verdicts\n");
    let mut inapplicable = BTreeMap::<String, usize>::new();
    let mut differing = Vec::new();
    let mut known = BTreeSet::new();
    for suite in suites {
        let mut rows = Vec::<(&str, [Count; PLATFORMS.len()])>::new();
        for vector in &suite.vectors {
            let class = vector.flags.first().map_or("", String::as_str);
            let row = rows.iter().position(|(name, _)| *name == class).unwrap_or(rows.len());
            if row == rows.len() {
                rows.push((class, Default::default()));
            }
            let name = format!("{} {}", suite.system, vector.id);
            for ((platform, _), count) in PLATFORMS.iter().zip(&mut rows[row].1) {
                let reason = suite.not_applicable.get(*platform).or_else(|| vector.not_applicable.get(*platform));
                let verdict = verdicts.get(platform).and_then(|all| all.get(&name));
                match (reason, verdict) {
                    (Some(reason), None) => {
                        count.not_applicable += 1;
                        *inapplicable.entry(format!("{platform} has no such case: {reason}")).or_default() += 1;
                    }
                    (Some(_), Some(_)) => wrong.push(format!("{name}: {platform} says something inapplicable")),
                    (None, None) if verdicts.contains_key(platform) => {
                        wrong.push(format!("{name}: {platform} says nothing"));
                    }
                    (None, None) => {}
                    (None, Some(verdict)) => match vector.differs.get(*platform) {
                        None if agrees(platform, vector, verdict) => count.agree += 1,
                        // To be rejected, and known to be accepted there.
                        Some(reason) if vector.result == "rejected" && verdict == "accepted" => {
                            count.differ += 1;
                            differing.push(format!("{name}: {platform} accepts it: {reason}"));
                        }
                        Some(_) | None => wrong.push(format!("{name}: {platform} says {verdict}")),
                    },
                }
            }
            known.insert(name);
        }
        write_table(&mut text, &suite.system, &rows);
    }
    for (platform, all) in verdicts {
        let unknown = all.keys().filter(|name| !known.contains(*name));
        wrong.extend(unknown.map(|name| format!("{name}: {platform} knows it, the vectors do not")));
    }
    text += "\n";
    for line in differing {
        let _ = writeln!(text, "- {line}");
    }
    for (reason, count) in inapplicable {
        let _ = writeln!(text, "- {count} × {reason}");
    }
    text
}

fn agrees(platform: &str, vector: &Vector, verdict: &str) -> bool {
    if WITHOUT_KINDS.contains(&platform) {
        (verdict == "accepted") == (vector.result == "accepted")
    } else {
        verdict == vector.kind.as_ref().unwrap_or(&vector.result)
    }
}

fn write_table(text: &mut String, system: &str, rows: &[(&str, [Count; PLATFORMS.len()])]) {
    let names: Vec<_> = PLATFORMS.iter().map(|(platform, _)| *platform).collect();
    let _ = writeln!(text, "\n## {system}\n| vectors | {} |\n|---|{}", names.join(" | "), "--:|".repeat(names.len()));
    let mut total: [Count; PLATFORMS.len()] = Default::default();
    for (class, counts) in rows {
        write_row(text, class, counts);
        for (sum, count) in total.iter_mut().zip(counts) {
            sum.agree += count.agree;
            sum.differ += count.differ;
            sum.not_applicable += count.not_applicable;
        }
    }
    write_row(text, "**all**", &total);
}

fn write_row(text: &mut String, name: &str, counts: &[Count]) {
    let cell = |Count { agree, differ, not_applicable }: &Count| {
        let parts = [(agree, "agree"), (differ, "differ"), (not_applicable, "not applicable")];
        let said: Vec<_> = parts.iter().filter(|(n, _)| **n > 0).map(|(n, what)| format!("{n} {what}")).collect();
        said.join(", ")
    };
    let cells: Vec<_> = counts.iter().map(cell).collect();
    let _ = writeln!(text, "| {name} | {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vector(result: &str, kind: Option<&str>) -> Vector {
        Vector {
            id: "v".into(),
            flags: vec!["class".into()],
            result: result.into(),
            kind: kind.map(String::from),
            not_applicable: Reasons::new(),
            differs: Reasons::new(),
        }
    }

    /// What is wrong with one vector on which every platform says `verdict`, but for one.
    fn wrong(vector: Vector, verdict: &str, but: (&'static str, Option<&str>)) -> Vec<String> {
        let suite = Suite { system: "s".into(), not_applicable: Reasons::new(), vectors: vec![vector] };
        let said = |platform| if platform == but.0 { but.1 } else { Some(verdict) };
        let all = |platform| said(platform).map(|v| (String::from("s v"), v.to_string())).into_iter().collect();
        let verdicts = PLATFORMS.iter().map(|(platform, _)| (*platform, all(*platform))).collect();
        let mut wrong = Vec::new();
        report(&[suite], &verdicts, &mut wrong);
        wrong
    }

    #[test]
    fn every_disagreement_is_wrong() {
        let rejected = || vector("rejected", Some("other_key"));
        assert!(wrong(rejected(), "other_key", ("evm", Some("rejected"))).is_empty());
        assert!(wrong(vector("accepted", None), "accepted", ("", None)).is_empty());
        for (platform, verdict) in [
            ("native", "accepted"),
            ("native", "rejected"),
            ("wasm-node", "unmet"),
            ("wasm-raw", "malformed_proof"),
            ("evm", "accepted"),
            ("snarkjs", "accepted"),
        ] {
            let found = wrong(rejected(), "other_key", (platform, Some(verdict)));
            assert_eq!(found, [format!("s v: {platform} says {verdict}")]);
        }
        assert_eq!(wrong(vector("accepted", None), "accepted", ("evm", Some("rejected"))).len(), 1);
        assert_eq!(wrong(rejected(), "other_key", ("snarkjs", None)), ["s v: snarkjs says nothing"]);
    }

    #[test]
    fn exceptions_are_exactly_those_of_the_vectors() {
        let reasons = || Reasons::from([("snarkjs".into(), "a reason".into())]);
        let inapplicable = || Vector { not_applicable: reasons(), ..vector("rejected", Some("rejected")) };
        assert!(wrong(inapplicable(), "rejected", ("snarkjs", None)).is_empty());
        assert_eq!(wrong(inapplicable(), "rejected", ("", None)).len(), 1);
        let differs = || Vector { differs: reasons(), ..vector("rejected", Some("rejected")) };
        assert!(wrong(differs(), "rejected", ("snarkjs", Some("accepted"))).is_empty());
        // What no longer differs, and what differs without being known to.
        assert_eq!(wrong(differs(), "rejected", ("evm", Some("accepted"))).len(), 2);
    }
}
