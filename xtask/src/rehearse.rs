//! Ceremonies of three contributors, as docs/ceremony.md has coordinators, contributors and auditors do it: with the
//! `avouch` binary alone, from phase 1 to proofs that the command line, the npm package and a contract accept.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    Data, Result,
    accept::{Avouch, integer, number, priced, recorded, string, text},
    results::{Ceremonies, Machine},
    shell::{built, cargo, npm_ci, root, step},
    test::existing,
};

const PLAIN: &str = "groth16-bn254:v1";
const LOOKUP: &str = "groth16-lookup-bn254:v1";

/// Who makes phase 1.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase1 {
    /// `avouch ceremony phase1`.
    Own,
    /// npm's snarkjs; to prepare a file for phase 2 takes it longer than all else here.
    Snarkjs,
}

const REHEARSALS: [(&str, &str, Phase1); 4] = [
    ("digits_cnn", LOOKUP, Phase1::Own),
    ("digits_cnn", PLAIN, Phase1::Own),
    ("lenet_mnist", LOOKUP, Phase1::Snarkjs),
    ("lenet_mnist", PLAIN, Phase1::Own),
];
const CONTRIBUTORS: [&str; 3] = ["Ada", "Blaise", "Carl"];
/// Stands for a value that nobody could know before.
const BEACON: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const ITERATIONS: &str = "10";

#[derive(Args)]
pub(crate) struct Rehearse {
    #[command(flatten)]
    data: Data,
    /// The program to drive; by default the release build.
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// Only this model; may be repeated.
    #[arg(long = "model", value_name = "NAME")]
    models: Vec<String>,
    /// Only this proof system.
    #[arg(long, value_name = "ID")]
    system: Option<String>,
    /// Write the figures to docs/ceremonies.json, on a machine that does nothing else.
    #[arg(long)]
    record: bool,
}

/// What a ceremony took.
#[derive(Serialize, Deserialize)]
pub(crate) struct Measurement {
    pub(crate) model: String,
    pub(crate) system: String,
    pub(crate) constraints: u64,
    /// Of the domain.
    pub(crate) points: u64,
    pub(crate) file_bytes: u64,
    pub(crate) init: Step,
    /// The slowest one.
    pub(crate) contribute: Step,
    /// With key and proving key.
    pub(crate) verify: Step,
}

/// Seconds and memory of one command.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Step {
    pub(crate) seconds: f64,
    pub(crate) peak_memory_bytes: u64,
}

impl Step {
    fn of(json: &Value) -> Result<Self> {
        Ok(Self { seconds: number(json, "/times/total_s")?, peak_memory_bytes: integer(json, "/peak_memory_bytes")? })
    }

    fn max(self, other: Self) -> Self {
        Self {
            seconds: self.seconds.max(other.seconds),
            peak_memory_bytes: self.peak_memory_bytes.max(other.peak_memory_bytes),
        }
    }
}

impl Rehearse {
    /// `cargo xtask rehearse`.
    pub(crate) fn run(&self) -> Result<()> {
        let data = existing(&self.data.folder)?;
        let avouch = Avouch::new(self.binary.as_deref())?;
        let packages = built("npm")?;
        if !packages.join("verifier").is_dir() {
            return Err("the npm package is missing: cargo xtask wasm".into());
        }
        npm_ci("verifier/solidity")?;
        let work = built("rehearsal")?;
        if work.exists() {
            fs::remove_dir_all(&work)?;
        }
        fs::create_dir_all(&work)?;
        let wanted = |(model, system, _): &&(&str, &str, Phase1)| {
            (self.models.is_empty() || self.models.iter().any(|m| m == model))
                && self.system.as_ref().is_none_or(|s| s == system)
        };
        let mut all = Vec::new();
        for &(name, system, phase1) in REHEARSALS.iter().filter(wanted) {
            let folder = work.join(format!("{name}-{}", system.replace(':', "-")));
            fs::create_dir_all(&folder)?;
            let rehearsal = Rehearsal { avouch: &avouch, model: recorded(&data, name)?, folder, system };
            let done = rehearsal.run(name, phase1, &packages).map_err(|e| format!("{name} on {system}: {e}"))?;
            println!(
                "{name} on {system}: initial key {:.1} s, contribution {:.1} s, verification {:.1} s",
                done.init.seconds, done.contribute.seconds, done.verify.seconds
            );
            all.push(done);
        }
        if all.is_empty() {
            return Err("there is no such rehearsal".into());
        }
        if self.record {
            // The figures of other rehearsals stay.
            let measured = |m: &Measurement| all.iter().any(|n| (&n.model, &n.system) == (&m.model, &m.system));
            let mut ceremonies = Ceremonies::of_this_machine();
            ceremonies.retain(|m| !measured(m));
            ceremonies.append(&mut all);
            ceremonies.sort_by_key(|m| {
                REHEARSALS.iter().position(|(model, system, _)| *model == m.model && *system == m.system)
            });
            Ceremonies { machine: Machine::this(), ceremonies }.write()?;
        }
        fs::remove_dir_all(&work)?;
        Ok(())
    }
}

struct Rehearsal<'a> {
    avouch: &'a Avouch,
    /// Its ONNX file is in it, and inputs.
    model: PathBuf,
    folder: PathBuf,
    system: &'static str,
}

impl Rehearsal<'_> {
    fn path(&self, name: &str) -> Result<String> {
        Ok(text(&self.folder.join(name))?.into())
    }

    /// Runs a verb that has to be refused with exit code 1 and an error of this kind.
    fn refuses(&self, kind: &str, arguments: &[&str]) -> Result<()> {
        match self.avouch.start(arguments)? {
            (1, json) if json["error"]["kind"] == kind => Ok(()),
            (code, json) => Err(format!("avouch {arguments:?} ended with {code}, not as {kind}: {json}").into()),
        }
    }

    fn run(&self, name: &str, phase1: Phase1, packages: &Path) -> Result<Measurement> {
        let model = text(&self.model.join("int8_qop.onnx"))?.to_owned();
        let (avouch, system) = (self.avouch, self.system);
        let inspected = avouch.call(&["inspect", &model])?;
        let points = integer(priced(&inspected, system)?, "/domain")?;
        let ptau = match phase1 {
            Phase1::Own => self.own_phase1(power(points))?,
            Phase1::Snarkjs => self.snarkjs_phase1(power(points))?,
        };
        let trusted_ptau = string(&avouch.call(&["ceremony", "phase1", "verify", &ptau])?, "/hash")?;

        // The coordinator begins, and checks each file as it comes back.
        let basis = self.path("basis")?;
        let source = [model.as_str(), "--ptau", &ptau, "--basis", &basis];
        let first = self.path("0.ceremony")?;
        let init = [&["ceremony", "init"], &source[..], &["--system", system, "--output", &first]].concat();
        let begun = avouch.call(&init)?;
        let mut contribute = Step::default();
        let mut hashes = Vec::new();
        for (i, contributor) in CONTRIBUTORS.into_iter().enumerate() {
            let [from, to] = [self.path(&format!("{i}.ceremony"))?, self.path(&format!("{}.ceremony", i + 1))?];
            let made = avouch.call(&["ceremony", "contribute", &from, "--output", &to, "--name", contributor])?;
            contribute = contribute.max(Step::of(&made)?);
            hashes.push(string(&made, "/hash")?);
        }
        let [third, last] = [self.path("3.ceremony")?, self.path("4.ceremony")?];
        let earlier = ["--transcript", &third, "--step", &self.path("1.ceremony")?, "--step", &first];
        avouch.call(&[&["ceremony", "verify"], &source[..], &earlier].concat())?;
        let beacon = ["--output", &last, "--value", BEACON, "--iterations", ITERATIONS];
        let beacon_hash = string(&avouch.call(&[&["ceremony", "beacon", &third][..], &beacon].concat())?, "/hash")?;
        let keys = self.path("keys")?;
        let finalize = [&["ceremony", "finalize"], &source[..], &["--transcript", &last, "--keys", &keys]].concat();
        let digest = string(&avouch.call(&finalize)?, "/vk_digest")?;

        // An auditor, who trusts the second contributor and nothing that was computed before.
        let transcript = self.path("keys/transcript")?;
        let files = ["--transcript", &transcript, "--ptau", &ptau, "--trust-ptau", &trusted_ptau];
        let audit = [&["ceremony", "verify", &model, "--key", &keys], &files[..]].concat();
        let audited = avouch.call(&[&audit[..], &["--trust-contribution", &hashes[1]]].concat())?;
        let right = audited["trusted"] == true && audited["proving_key_checked"] == true;
        if !right || string(&audited, "/vk_digest")? != digest {
            return Err(format!("the audit found {audited}").into());
        }
        self.refuses(
            "not_trusted",
            &[&audit[..], &["--basis", &basis, "--trust-contribution", &beacon_hash]].concat(),
        )?;

        // A node proves; every verifier knows the digest.
        let inputs = text(&self.model.join("inputs.npy"))?.to_owned();
        let proof = self.path("proof")?;
        let sample = ["--input", &inputs, "--sample", "0", "--proof", &proof];
        avouch.call(&[&["prove", &model, "--keys", &keys][..], &sample].concat())?;
        let verify = ["verify", "--key", &keys, "--proof", &proof];
        for (what, more) in [
            ("pinned", vec!["--expect-vk", &digest]),
            ("transcript_checked", [&["--model", &model, "--trust-contribution", &hashes[0]], &files[..]].concat()),
        ] {
            let verified = avouch.call(&[&verify[..], &more].concat())?;
            if string(&verified, "/claim/key_provenance")? != what {
                return Err(format!("verify gave {verified}, not a key that is {what}").into());
            }
        }
        self.refuses("key_refused", &verify)?;
        self.refuses("key_refused", &[&verify[..], &["--allow-dev-setup"]].concat())?;
        let key = self.path("keys/verifying.key")?;
        let mut node = Command::new("node");
        node.current_dir(root().join("verifier/wasm")).env("AVOUCH_WASM_PACKAGES", packages);
        step("the npm package", node.args(["test/given.js", system, &key, &proof, &digest]))?;
        let mut evm = cargo();
        // Built with all tests.
        evm.args(["run", "--quiet", "--locked", "-p", "avouch-solidity", "--example", "evm", "--"]);
        step("a contract", evm.args([&key, &proof, &digest]))?;

        Ok(Measurement {
            model: name.into(),
            system: system.into(),
            constraints: integer(&begun, "/constraints")?,
            points: integer(&begun, "/points")?,
            file_bytes: fs::metadata(&last)?.len(),
            init: Step::of(&begun)?,
            contribute,
            verify: Step::of(&audited)?,
        })
    }

    /// Two contributions and a beacon.
    fn own_phase1(&self, power: u32) -> Result<String> {
        let file = |i: u32| self.path(&format!("{i}.ptau"));
        let phase1 = |arguments: &[&str]| self.avouch.call(&[&["ceremony", "phase1"], arguments].concat());
        phase1(&["new", &power.to_string(), "--output", &file(0)?])?;
        phase1(&["contribute", &file(0)?, "--output", &file(1)?, "--name", "first"])?;
        phase1(&["contribute", &file(1)?, "--output", &file(2)?, "--name", "second"])?;
        phase1(&["beacon", &file(2)?, "--output", &file(3)?, "--value", BEACON, "--iterations", ITERATIONS])?;
        file(3)
    }

    /// The same by snarkjs.
    fn snarkjs_phase1(&self, power: u32) -> Result<String> {
        let file = |name: &str| self.path(&format!("{name}.ptau"));
        let snarkjs = |arguments: &[&str]| {
            let mut node = Command::new(root().join("verifier/solidity/node_modules/.bin/snarkjs"));
            step(&format!("snarkjs powersoftau {}", arguments[0]), node.arg("powersoftau").args(arguments))
        };
        snarkjs(&["new", "bn128", &power.to_string(), &file("0")?])?;
        snarkjs(&["contribute", &file("0")?, &file("1")?, "--name=first", "-e=some text"])?;
        snarkjs(&["contribute", &file("1")?, &file("2")?, "--name=second", "-e=other text"])?;
        snarkjs(&["beacon", &file("2")?, &file("3")?, BEACON, ITERATIONS])?;
        file("3")
    }
}

/// Of the smallest phase 1 file for a domain of so many points.
fn power(points: u64) -> u32 {
    points.next_power_of_two().trailing_zeros()
}
