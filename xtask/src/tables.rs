//! Tables in documents, made from what was recorded.

use std::fs;

use crate::{
    Result,
    results::{Ceremonies, Results, grouped},
    shell::root,
};

/// Documents, and the name of the markers around the table in each.
const README: [&str; 2] = ["README.md", "results"];
const CEREMONY: [&str; 2] = ["docs/ceremony.md", "ceremonies"];
const EVM: [&str; 2] = ["docs/integration/evm.md", "gas"];
const COSMWASM: [&str; 2] = ["docs/integration/cosmwasm.md", "cost"];
/// What contracts cost, as their tests recorded it.
const EVM_SNAPSHOT: &str = "verifier/solidity/gas.snapshot";
const COSMWASM_SNAPSHOT: &str = "verifier/cosmwasm/cost.snapshot";

/// `cargo xtask tables`.
pub(crate) fn run(check: bool) -> Result<()> {
    for ([document, name], table) in [
        (README, Results::read()?.table()?),
        (CEREMONY, Ceremonies::read()?.table()?),
        (EVM, costs(&read(EVM_SNAPSHOT)?)?),
        (COSMWASM, costs(&read(COSMWASM_SNAPSHOT)?)?),
    ] {
        let old = read(document)?;
        let new = replace(&old, name, &table)
            .ok_or_else(|| format!("{document} has no {} followed by {}", begin(name), end(name)))?;
        if check && new != old {
            return Err(format!("the table of {document} is not up to date; run cargo xtask tables").into());
        }
        if new != old {
            fs::write(root().join(document), new)?;
        }
    }
    Ok(())
}

fn read(path: &str) -> Result<String> {
    Ok(fs::read_to_string(root().join(path)).map_err(|e| format!("{path}: {e}"))?)
}

/// A snapshot as a table. Its lines are `NAME: MEASURED of LIMIT`, or begin with `#`.
fn costs(snapshot: &str) -> Result<String> {
    let mut table = String::from("| | measured | at most |\n|---|--:|--:|\n");
    for line in snapshot.lines().filter(|line| !line.starts_with('#')) {
        let row = || {
            let (name, figures) = line.rsplit_once(": ")?;
            let (measured, limit) = figures.split_once(" of ")?;
            Some(format!("| {name} | {} | {} |\n", grouped(measured.parse().ok()?), grouped(limit.parse().ok()?)))
        };
        table += &row().ok_or_else(|| format!("a snapshot has the line {line:?}, not NAME: MEASURED of LIMIT"))?;
    }
    Ok(table)
}

fn begin(name: &str) -> String {
    format!("<!-- {name}:begin -->")
}

fn end(name: &str) -> String {
    format!("<!-- {name}:end -->")
}

/// `text` with what is between the markers replaced.
fn replace(text: &str, name: &str, table: &str) -> Option<String> {
    let (begin, end) = (begin(name), end(name));
    let (before, rest) = text.split_once(&begin)?;
    let (_, after) = rest.split_once(&end)?;
    Some(format!("{before}{begin}\n{table}{end}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_stand_between_the_markers() {
        let text = "a\n<!-- x:begin -->\nold\n<!-- x:end -->\nb";
        let new = replace(text, "x", "new\n").unwrap();
        assert_eq!(new, "a\n<!-- x:begin -->\nnew\n<!-- x:end -->\nb");
        assert_eq!(replace(&new, "x", "new\n").unwrap(), new);
        assert!(replace(text, "y", "new").is_none());
    }

    #[test]
    fn a_snapshot_has_a_row_for_each_line() {
        let table = costs("# about\na:v1 b, c: 1234 of 5000\n").unwrap();
        assert!(table.ends_with("|\n| a:v1 b, c | 1,234 | 5,000 |\n"), "{table}");
        for line in ["a: 1", "a: 1 of b", "1 of 2", ""] {
            assert!(costs(&format!("{line}\n")).is_err(), "{line}");
        }
    }
}
