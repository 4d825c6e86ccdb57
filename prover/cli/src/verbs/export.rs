//! `avouch export`: keys and proofs for other verifiers.

use std::path::{Path, PathBuf};

use avouch_prover::files::{read_bounded, write_atomically};
use avouch_solidity::{
    Call, ExportError, INTERFACE,
    layout::{self, Layout},
    snarkjs, verifier,
};
use avouch_verifier::AcceptedKey;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::{
    args::MAX_PROOF,
    console::{Answer, Console, field, tick},
    failure::Failure,
    trust::KeyArgs,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch export solidity --key verifying.key --expect-vk 12ab… --output contracts
  avouch export calldata --key verifying.key --expect-vk 12ab… --proof sample.proof --json
  avouch export snarkjs --key verifying.key --expect-vk 12ab… --proof sample.proof --output json")]
pub(crate) struct Export {
    #[command(subcommand)]
    format: Format,
}

#[derive(Subcommand)]
enum Format {
    /// Write a contract that verifies proofs under a key, and the interface that it implements.
    Solidity {
        #[command(flatten)]
        key: KeyArgs,
        /// Folder for the two files; replaces them.
        #[arg(long, value_name = "DIR")]
        output: PathBuf,
        /// Name of the contract.
        #[arg(long, value_name = "NAME", default_value = "AvouchVerifier")]
        name: String,
    },
    /// Print the data with which a contract is called to verify a proof.
    Calldata {
        #[command(flatten)]
        key: KeyArgs,
        /// Proof file.
        #[arg(long, value_name = "FILE")]
        proof: PathBuf,
    },
    /// Write a plain Groth16 key and a proof as snarkjs reads them: verification_key.json, proof.json, public.json.
    Snarkjs(Files),
    /// The same for Solana's alt_bn128 calls: verifying_key.bin, proof.bin, public.bin.
    Solana(Files),
    /// The same for Sui's groth16 module: verifying_key.bin, proof.bin, public.bin.
    Sui(Files),
}

#[derive(Args)]
struct Files {
    #[command(flatten)]
    key: KeyArgs,
    /// Proof file.
    #[arg(long, value_name = "FILE")]
    proof: PathBuf,
    /// Folder for the three files; replaces them.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
}

impl Export {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        match self.format {
            Format::Solidity { key, output, name } => solidity(&key.accepted(console)?, &output, &name),
            Format::Calldata { key, proof } => calldata(&key.accepted(console)?, &proof),
            Format::Snarkjs(files) => files.write(console, |key, proof| {
                let vk = snarkjs::verification_key(key)?;
                let (proof, public) = snarkjs::proof(key, proof)?;
                let text = |value: Value| format!("{value:#}\n").into_bytes();
                let names = ["verification_key.json", "proof.json", "public.json"];
                Ok((names, [text(vk), text(proof), text(public)]))
            }),
            Format::Solana(files) => files.write(console, |key, proof| Ok(binary(layout::solana(key, proof)?))),
            Format::Sui(files) => files.write(console, |key, proof| Ok(binary(layout::sui(key, proof)?))),
        }
    }
}

fn solidity(key: &AcceptedKey, folder: &Path, name: &str) -> Result<Answer, Failure> {
    let source = verifier(key, name)?;
    std::fs::create_dir_all(folder).map_err(|e| Failure::file(folder, e))?;
    let contract = folder.join(format!("{name}.sol"));
    let interface = folder.join("IAvouchVerifier.sol");
    for (path, text) in [(&contract, source.as_str()), (&interface, INTERFACE)] {
        write_atomically(path, false, |out| out.write_all(text.as_bytes()))?;
    }
    let digest = hex::encode(key.key().digest());
    let json = json!({
        "contract": contract.display().to_string(),
        "interface": interface.display().to_string(),
        "vk_digest": digest,
        "key_provenance": key.provenance().name(),
    });
    let mut text = format!("{} {}\n", tick(), contract.display());
    text += &field("key", format!("{digest} ({})", key.provenance().name()));
    Ok(Answer { json, text })
}

fn calldata(key: &AcceptedKey, proof: &Path) -> Result<Answer, Failure> {
    let call = Call::new(key, &read_bounded(proof, MAX_PROOF)?)?;
    let data = format!("0x{}", hex::encode(call.calldata()));
    let words = |words: &[[u8; 32]]| words.iter().map(|w| format!("0x{}", hex::encode(w))).collect::<Vec<_>>();
    let json = json!({ "statement": words(&call.statement), "proof": words(&call.proof), "calldata": data });
    Ok(Answer { json, text: data })
}

/// Names and contents of three files.
type Three = ([&'static str; 3], [Vec<u8>; 3]);

fn binary(Layout { verifying_key, proof, public }: Layout) -> Three {
    (["verifying_key.bin", "proof.bin", "public.bin"], [verifying_key, proof, public])
}

impl Files {
    fn write(
        self,
        console: &Console,
        export: impl FnOnce(&AcceptedKey, &[u8]) -> Result<Three, ExportError>,
    ) -> Result<Answer, Failure> {
        let key = self.key.accepted(console)?;
        let (names, contents) = export(&key, &read_bounded(&self.proof, MAX_PROOF)?)?;
        std::fs::create_dir_all(&self.output).map_err(|e| Failure::file(&self.output, e))?;
        let mut paths = Vec::new();
        for (name, content) in names.iter().zip(contents) {
            let path = self.output.join(name);
            write_atomically(&path, false, |out| out.write_all(&content))?;
            paths.push(path.display().to_string());
        }
        let text = format!("{} {}\n", tick(), paths.join(", "));
        Ok(Answer { json: json!({ "files": paths, "key_provenance": key.provenance().name() }), text })
    }
}

impl From<ExportError> for Failure {
    fn from(e: ExportError) -> Self {
        match e {
            ExportError::NoContract(_) | ExportError::NotPlain(_) => Self::new("unsupported", "--key", e),
            ExportError::Name(_) => Self::new("usage", "--name", e),
            ExportError::Proof(e) => e.into(),
        }
    }
}
