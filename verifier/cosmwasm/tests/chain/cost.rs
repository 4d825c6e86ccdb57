//! What the code and messages take, held to limits and written to `cost.snapshot`.

use std::{fmt::Write as _, fs};

use crate::{
    code::{MAX_PAGES, MAX_SIZE},
    fixture::{ALL, PROVER, submit},
    host::{self, Chain},
    meter::MULTIPLIER,
};

/// What wasmd gives a query by default, and so what every chain has room for: `DefaultSmartQueryGasLimit`.
const MAX_GAS: u64 = 3_000_000;

#[test]
#[ignore = "cargo xtask cosmwasm compiles the contract"]
fn costs_are_about_as_recorded() {
    let size = host::code().len() as u64;
    let mut costs = vec![("code, bytes".to_owned(), size, MAX_SIZE)];
    for fixture in ALL.iter() {
        let name = fixture.system.name();
        let instantiated = Chain::new(crate::fixture::NOW).instantiate(&fixture.instantiation());
        instantiated.result.unwrap();
        let mut chain = fixture.chain();
        let submitted = chain.execute(PROVER, &submit(PROVER, &fixture.proof(&chain, PROVER)));
        submitted.result.unwrap();
        costs.extend([
            (format!("{name} instantiate, gas of its instructions"), instantiated.gas.div_ceil(MULTIPLIER), MAX_GAS),
            (format!("{name} submit, gas of its instructions"), submitted.gas.div_ceil(MULTIPLIER), MAX_GAS),
            (format!("{name} submit, pages of 64 KiB"), submitted.pages, MAX_PAGES),
        ]);
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/cost.snapshot");
    if std::env::var_os("AVOUCH_RECORD").is_some() {
        let mut snapshot = String::from("# What a chain allows at most. AVOUCH_RECORD=1 writes this file anew.\n");
        for (name, cost, limit) in &costs {
            let _ = writeln!(snapshot, "{name}: {cost} of {limit}");
        }
        fs::write(path, snapshot).unwrap();
    }
    let snapshot = fs::read_to_string(path).unwrap_or_default();
    let mut recorded = snapshot.lines().filter(|line| !line.starts_with('#'));
    for (name, cost, limit) in costs {
        assert!(cost <= limit, "{name}: {cost} of {limit}");
        let line = recorded.next().unwrap_or_default();
        let figures = line.strip_prefix(&format!("{name}: ")).and_then(|rest| rest.split_once(" of "));
        let (before, most) = figures.unwrap_or_else(|| panic!("{line:?} is not about {name}"));
        assert_eq!(most.parse(), Ok(limit));
        // Compilers change it a little; the rest is a change to look at.
        let before: u64 = before.parse().unwrap();
        assert!(cost.abs_diff(before) * 20 <= before, "{name}: {cost}, recorded as {before}");
    }
    assert_eq!(recorded.next(), None);
}
