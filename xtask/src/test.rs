//! Everything that must pass, and what it needs.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Result, cosmwasm,
    shell::{built, cargo, exists, install, output, root, run as start, step},
    solidity, verdicts,
    wasm::Wasm,
};

/// Where the verifier has to compile, and with which features: WebAssembly (whose tests run in Node), 32 bits, no system.
const TARGETS: [(&str, &str); 5] = [
    ("wasm32-unknown-unknown", "groth16"),
    ("wasm32-unknown-unknown", "halo2"),
    ("i686-unknown-linux-gnu", "groth16"),
    ("i686-unknown-linux-gnu", "halo2"),
    ("thumbv7em-none-eabi", "groth16"),
];
const VECTORS: &str = "test-vectors";
const REGENERATE: &str = "test-vectors/make/regenerate";

/// `cargo xtask test`.
pub(crate) fn run() -> Result<()> {
    // Debian's python3 alone cannot make a virtual environment.
    let python = output(Command::new("python3").args(["-c", "import ensurepip, venv"])).is_ok();
    if !python || !exists("npm") {
        install(&["python3", "python3-venv", "npm"])?;
    }
    verdicts::forget()?;
    step("all tests", cargo().args(["test", "--workspace", "--locked"]))?;
    for (target, features) in TARGETS {
        step(&format!("target {target}"), Command::new("rustup").current_dir(root()).args(["target", "add", target]))?;
        step(
            &format!("the verifier for {target}, {features}"),
            cargo()
                .args(["check", "--locked", "-p", "avouch-verifier", "--no-default-features", "--features", features])
                .args(["--target", target]),
        )?;
    }
    examples()?;
    vectors()?;
    Wasm::default().run()?;
    solidity::run()?;
    cosmwasm::run()?;
    verdicts::run()?;
    println!("── all passed");
    Ok(())
}

/// Runs the examples that the tests have built; the one that verifies gets a key and a proof of the command line.
fn examples() -> Result<()> {
    let target = built("debug")?;
    let example = |name| Command::new(target.join("examples").join(name));
    let model = root().join("test-vectors/models/digits_mlp");
    let (network, inputs) = (model.join("int8_qop.onnx"), model.join("inputs.npy"));
    step("example: prove", example("prove").args([&network, &inputs]))?;

    let folder = target.join("example-files");
    let (keys, proof, forged) = (folder.join("keys"), folder.join("proof"), folder.join("forged"));
    fs::create_dir_all(&folder)?;
    step("build", cargo().args(["build", "--workspace", "--all-targets", "--locked"]))?;
    let avouch = || Command::new(target.join("avouch"));
    step("keys", avouch().arg("setup").arg(&network).args(["--force", "--keys"]).arg(&keys))?;
    let mut prove = avouch();
    prove.arg("prove").arg(&network).arg("--keys").arg(&keys).arg("--input").arg(&inputs);
    step("proof", prove.args(["--sample", "0", "--proof"]).arg(&proof))?;
    let key = keys.join("verifying.key");
    step("example: verify", example("verify").args([&key, &proof]))?;
    // A changed output: slot 7 ends at byte 262 of the file.
    let mut changed = fs::read(&proof)?;
    *changed.get_mut(261).ok_or("the proof file is too short")? ^= 1;
    fs::write(&forged, changed)?;
    match start(example("verify").args([&key, &forged]))?.status.code() {
        Some(1) => Ok(()),
        code => Err(format!("example: verify ended with {code:?} on a changed output, not with 1").into()),
    }
}

/// Makes the test vectors again, from scripts in other languages, and compares.
fn vectors() -> Result<()> {
    let clean = || -> Result<()> {
        let changes = output(Command::new("git").current_dir(root()).args(["status", "--porcelain", "--", VECTORS]))?;
        if changes.is_empty() { Ok(()) } else { Err(format!("{VECTORS} has uncommitted changes:\n{changes}").into()) }
    };
    clean()?;
    step("test vectors made again", Command::new(root().join(REGENERATE)).current_dir(root()))?;
    clean().map_err(|e| format!("the scripts make other test vectors than those checked in: {e}").into())
}

/// `cargo xtask conformance`.
pub(crate) fn conformance(data: &Path, release: bool) -> Result<()> {
    let data = existing(data)?;
    // As the tests build it, so that nothing is built twice.
    let profile: &[&str] = if release { &["--release"] } else { &["--all-targets"] };
    step("build", cargo().args(["build", "--workspace", "--locked"]).args(profile))?;
    let program = built(if release { "release" } else { "debug" })?.join("avouch-conformance");
    step("conformance", Command::new(program).current_dir(root()).arg("--data").arg(data))
}

/// The folder of recorded models, which has to be there.
pub(crate) fn existing(data: &Path) -> Result<PathBuf> {
    for folder in ["models-and-data", "bench-models"] {
        if !data.join(folder).is_dir() {
            let here = env::current_dir()?;
            let message = format!(
                "{} has no {folder} (seen from {}); give the folder with --data or AVOUCH_CONFORMANCE_DATA",
                data.display(),
                here.display()
            );
            return Err(message.into());
        }
    }
    Ok(fs::canonicalize(data)?)
}
