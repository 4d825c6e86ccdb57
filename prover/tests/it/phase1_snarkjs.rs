//! snarkjs and this library continue each other's files of phase 1.

use std::{fs, path::Path, process::Command};

use avouch_prover::ceremony::phase1::{self, Beacon, PtauError};
use tempfile::TempDir;

/// Power of the files.
const POWER: u32 = 8;

/// Runs `snarkjs powersoftau` in a folder, and says whether it went well.
fn snarkjs(folder: &Path, arguments: &[&str]) -> bool {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/../verifier/solidity/node_modules/snarkjs/build/cli.cjs");
    let mut command = Command::new("node");
    command.current_dir(folder).arg(program).arg("powersoftau").args(arguments);
    let output = command.output().expect("node runs");
    let text = String::from_utf8_lossy(&output.stdout);
    output.status.success() && (arguments[0] != "verify" || text.contains("Powers of Tau Ok!"))
}

#[test]
#[ignore = "cargo xtask solidity installs snarkjs"]
fn either_continues_what_the_other_began() {
    let folder = TempDir::new().unwrap();
    let path = |name: &str| folder.path().join(name);
    let run = |arguments: &[&str]| assert!(snarkjs(folder.path(), arguments), "snarkjs powersoftau {arguments:?}");
    let bytes = |name: &str| fs::read(path(name)).unwrap();
    let power = POWER.to_string();

    phase1::new(&path("our-0"), POWER, &()).unwrap();
    run(&["new", "bn128", &power, "their-0"]);
    assert!(bytes("our-0") == bytes("their-0"), "files begin alike");

    phase1::contribute(&path("their-0"), &path("our-1"), Some("ours"), b"entropy", &()).unwrap();
    run(&["verify", "our-1"]);
    run(&["contribute", "our-1", "their-2", "--name=theirs", "-e=entropy"]);
    phase1::verify(&path("their-2"), &()).unwrap();
    phase1::contribute(&path("their-2"), &path("our-3"), None, b"", &()).unwrap();
    run(&["verify", "our-3"]);

    let beacon = Beacon { value: (0..32).collect(), iterations: 10 };
    phase1::beacon(&path("our-3"), &path("our-4"), Some("beacon"), beacon.clone(), &()).unwrap();
    run(&["verify", "our-4"]);
    run(&["beacon", "our-3", "their-4", &hex::encode(&beacon.value), "10", "--name=beacon"]);
    let [ours, theirs] = ["our-4", "their-4"].map(|name| phase1::verify(&path(name), &()).unwrap());
    assert_eq!(ours.contributions, theirs.contributions, "a beacon gives everybody the same");
    assert_eq!(ours.contributions.len(), 4);

    run(&["prepare", "phase2", "our-4", "their-5.ptau"]);
    let prepared = phase1::verify(&path("their-5.ptau"), &()).unwrap();
    assert!(prepared.prepared);
    phase1::read(&path("their-5.ptau"), 1 << POWER, &()).unwrap();
    phase1::read(&path("their-5.ptau"), (1 << POWER) - 1, &()).unwrap();
    let more = phase1::contribute(&path("their-5.ptau"), &path("our-6"), None, b"", &()).unwrap();
    run(&["verify", "our-6"]);
    assert_eq!(phase1::verify(&path("our-6"), &()).unwrap().contributions.last(), Some(&more));

    run(&["truncate", "their-5.ptau"]);
    let part = format!("their-5_{:02}.ptau", POWER - 1);
    let report = phase1::verify(&path(&part), &()).unwrap();
    assert_eq!((report.power, report.ceremony_power), (POWER - 1, POWER));
    assert_eq!(report.contributions, prepared.contributions);
    phase1::read(&path(&part), 1 << (POWER - 1), &()).unwrap();
    let refused = phase1::contribute(&path(&part), &path("our-7"), None, b"", &());
    assert!(matches!(refused, Err(PtauError::Reduced(POWER))));

    run(&["new", "bls12-381", "4", "other"]);
    assert!(matches!(phase1::verify(&path("other"), &()), Err(PtauError::OtherCurve)));
}
