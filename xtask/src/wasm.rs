//! The verifier in WebAssembly: packages and plain module, built, measured and tested.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;
use serde_json::Value;
use wasm_bindgen_cli_support::Bindgen;

use crate::{
    Result,
    shell::{built, cargo, exists, install, npm_ci, output, root, run, step},
};

pub(crate) const TARGET: &str = "wasm32-unknown-unknown";
/// The profile of the workspace that it is built with.
pub(crate) const PROFILE: &str = "wasm";
const CRATE: &str = "avouch-verifier-wasm";
const FOLDER: &str = "verifier/wasm";
/// What tests prove.
const MODEL: &str = "test-vectors/models/digits_mlp";
/// The context that the tests' proofs are bound to: 32 times this byte.
const CONTEXT: &str = "5a";
const SYSTEMS: [&str; 3] = ["groth16-bn254:v1", "groth16-lookup-bn254:v1", "halo2-ipa-pasta:v1"];

/// An npm package.
struct Package {
    /// After `@avouch/`, and the name of its folder.
    name: &'static str,
    description: &'static str,
    features: &'static str,
    /// What all of its code may take, compressed by gzip.
    max_bytes: usize,
}

const PACKAGES: [Package; 2] = [
    Package {
        name: "verifier",
        description: "Verifies Groth16 proofs of quantized neural network inference",
        features: "js,groth16",
        max_bytes: 200 << 10,
    },
    Package {
        name: "verifier-halo2",
        description: "Verifies proofs of quantized neural network inference that need no trusted setup",
        features: "js,halo2",
        max_bytes: 400 << 10,
    },
];
/// Chains allow contracts of about this size.
const MAX_RAW_BYTES: usize = 800 << 10;

#[derive(Args, Default)]
pub(crate) struct Wasm {
    /// The program that makes keys and proofs; by default the one that the tests build.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
}

impl Wasm {
    /// `cargo xtask wasm`.
    pub(crate) fn run(&self) -> Result<()> {
        let avouch = match &self.binary {
            Some(path) => fs::canonicalize(path).map_err(|e| format!("{}: {e}", path.display()))?,
            None => {
                // As the tests build it, so that nothing is built twice.
                step("build", cargo().args(["build", "--workspace", "--all-targets", "--locked"]))?;
                built("debug")?.join("avouch")
            }
        };
        if !exists("chromium") {
            install(&["chromium"])?;
        }
        install_compiler()?;
        let (packages, files) = (built("npm")?, built("wasm-files")?);
        for package in &PACKAGES {
            make(package, &packages.join(package.name))?;
        }
        let raw = built("wasm-raw")?.join("avouch_verifier.wasm");
        make_raw(&raw)?;
        for system in SYSTEMS {
            prove(&avouch, system, &files.join(system.replace(':', "-")))?;
        }

        let verdicts = built("verdicts")?;
        let node = |arguments: &[&str]| {
            let mut command = Command::new("node");
            command.current_dir(folder()).args(arguments);
            command.env("AVOUCH_WASM_PACKAGES", &packages).env("AVOUCH_WASM_FILES", &files);
            command.env("AVOUCH_VERDICTS", &verdicts);
            command
        };
        step("types of the packages", &mut node(&["node_modules/typescript/bin/tsc", "--project", "test"]))?;
        step("packages in Node", &mut node(&["--test", "--test-reporter=spec", "test/verify.test.js"]))?;
        step("verdicts in Node", &mut node(&["--test", "test/verdicts.test.js"]))?;
        let site = built("wasm-site")?;
        make_site(&packages, &site)?;
        let mut page = node(&["--test", "--test-reporter=spec", "test/page.test.js"]);
        page.env("AVOUCH_WASM_SITE", &site).env("AVOUCH_SCREENSHOT", built("example-page.png")?);
        step("example page in Chromium", &mut page)?;
        let mut page = node(&["--test", "test/verdicts.page.test.js"]);
        step("verdicts in Chromium", page.env("AVOUCH_WASM_SITE", &site))?;
        let mut plain = cargo();
        plain.args(["test", "--locked", "-p", CRATE, "--test", "raw", "--", "--ignored"]);
        step("plain module, interpreted", plain.env("AVOUCH_WASM_RAW", &raw).env("AVOUCH_WASM_FILES", &files))
    }
}

/// Installs what compiles to WebAssembly and makes it smaller.
pub(crate) fn install_compiler() -> Result<()> {
    if !exists("npm") {
        install(&["nodejs", "npm"])?;
    }
    step("target for WebAssembly", Command::new("rustup").current_dir(root()).args(["target", "add", TARGET]))?;
    npm_ci(FOLDER)
}

/// The crate's folder.
fn folder() -> PathBuf {
    root().join(FOLDER)
}

/// Compiles a crate, and gives the module.
pub(crate) fn compile(package: &str, features: &str) -> Result<PathBuf> {
    let mut command = cargo();
    command.args(["build", "--locked", "-p", package, "--lib", "--profile", PROFILE, "--target", TARGET]);
    step(&format!("{package} [{features}]"), command.args(["--no-default-features", "--features", features]))?;
    Ok(built(TARGET)?.join(PROFILE).join(package.replace('-', "_")).with_extension("wasm"))
}

pub(crate) fn optimize(from: &Path, to: &Path, more: &[&str]) -> Result<()> {
    let program = folder().join("node_modules/.bin/wasm-opt");
    let mut command = Command::new(program);
    step("wasm-opt", command.args(["-O3", "--strip-producers"]).args(more).arg(from).arg("-o").arg(to))
}

/// Makes the folder that is published.
fn make(package: &Package, to: &Path) -> Result<()> {
    let module = compile(CRATE, package.features)?;
    if to.exists() {
        fs::remove_dir_all(to)?;
    }
    fs::create_dir_all(to)?;
    // Of the same version as the crate, as Cargo.lock has it.
    let mut bindgen = Bindgen::new();
    bindgen.input_path(module).out_name("avouch").web(true)?.typescript(false).generate(to)?;
    let module = to.join("avouch_bg.wasm");
    optimize(&module, &module, &[])?;

    copy(&folder().join("npm"), to)?;
    let manifest = to.join("package.json");
    let mut json: Value = serde_json::from_slice(&fs::read(&manifest)?)?;
    json["name"] = format!("@avouch/{}", package.name).into();
    json["version"] = env!("CARGO_PKG_VERSION").into();
    json["description"] = package.description.into();
    fs::write(&manifest, serde_json::to_string_pretty(&json)? + "\n")?;
    fs::copy(folder().join("README.md"), to.join("README.md"))?;
    for licence in ["LICENSE-APACHE", "LICENSE-MIT"] {
        fs::copy(root().join(licence), to.join(licence))?;
    }

    let code = ["avouch_bg.wasm", "avouch.js", "api.js", "browser.js"].map(|name| to.join(name));
    check_size(&format!("@avouch/{}", package.name), &code, package.max_bytes)
}

/// Makes the module for hosts without JavaScript.
fn make_raw(to: &Path) -> Result<()> {
    let module = compile(CRATE, "raw,groth16")?;
    fs::create_dir_all(to.parent().unwrap_or(to))?;
    optimize(&module, to, &[])?;
    check_size("plain module", &[to], MAX_RAW_BYTES)
}

/// Makes the folder of the example page, as a static server has it.
fn make_site(packages: &Path, to: &Path) -> Result<()> {
    copy(&folder().join("example"), to)?;
    PACKAGES.iter().try_for_each(|package| copy(&packages.join(package.name), &to.join(package.name)))
}

/// Copies the files of a folder.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), to.join(entry.file_name()))?;
    }
    Ok(())
}

/// Prints what files take, and fails if it is too much when compressed.
fn check_size(name: &str, files: &[impl AsRef<Path>], max: usize) -> Result<()> {
    let (mut plain, mut compressed) = (0, 0);
    for file in files {
        plain += fs::metadata(file)?.len();
        compressed += run(Command::new("gzip").args(["-9", "-c"]).arg(file.as_ref()))?.stdout.len();
    }
    println!("── {name}: {plain} bytes, {compressed} compressed, at most {max} allowed");
    if compressed <= max { Ok(()) } else { Err(format!("{name} takes {compressed} bytes, more than {max}").into()) }
}

/// Makes a key, another key, a proof, and the command line's verdict on it.
fn prove(avouch: &Path, system: &str, folder: &Path) -> Result<()> {
    let model = root().join(MODEL);
    let network = model.join("int8_qop.onnx");
    let avouch = |verb| {
        let mut command = Command::new(avouch);
        command.arg(verb);
        command
    };
    let setup = |keys: &Path, disclosure| {
        let mut command = avouch("setup");
        command.arg(&network).args(["--system", system, "--disclose", disclosure, "--force", "--keys"]);
        output(command.arg(keys))
    };
    println!("── keys and proof, {system}");
    let other = folder.join("other");
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    setup(folder, "raw")?;
    setup(&other, "argmax")?;
    fs::rename(other.join("verifying.key"), folder.join("other.key"))?;
    fs::remove_dir_all(&other)?;

    let (context, proof) = (CONTEXT.repeat(32), folder.join("proof"));
    let mut prove = avouch("prove");
    prove.arg(&network).arg("--keys").arg(folder).arg("--input").arg(model.join("inputs.npy"));
    output(prove.args(["--sample", "0", "--context", &context, "--proof"]).arg(&proof))?;
    let mut verify = avouch("verify");
    verify.arg("--key").arg(folder.join("verifying.key")).arg("--proof").arg(&proof);
    let verdict = output(verify.args(["--allow-dev-setup", "--expect-context", &context, "--json"]))?;
    Ok(fs::write(folder.join("verdict.json"), verdict)?)
}
