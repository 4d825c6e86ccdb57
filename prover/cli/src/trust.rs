//! A verifying key, and why it is trusted: by verbs that rely on one.

use std::path::PathBuf;

use avouch_circuits::import;
use avouch_prover::{
    ceremony::{Trust, audit},
    keys::{self, read_verifying_key},
    policy::read_schema,
};
use avouch_verifier::{AcceptedKey, KeyPolicy, KeyRefused, SetupKind, VerifyingKey};
use clap::Args;

use crate::{
    args::{Hex, lower},
    console::Console,
    failure::Failure,
};

#[derive(Args)]
pub(crate) struct KeyArgs {
    /// Verifying key, or the folder that holds one.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Accept a key from a development setup, whose maker can forge proofs.
    #[arg(long)]
    allow_dev_setup: bool,
    /// The only key digest to accept.
    #[arg(long, value_name = "HEX")]
    expect_vk: Option<Hex<32>>,
    #[command(flatten)]
    ceremony: CeremonyArgs,
}

/// Files from which it is checked that a key is that of its ceremony.
#[derive(Args)]
#[command(next_help_heading = "To check the key's ceremony")]
struct CeremonyArgs {
    /// Last file of the ceremony, which is then checked, with all that it started from.
    #[arg(long, value_name = "FILE", requires_all = ["model", "ptau"])]
    transcript: Option<PathBuf>,
    /// ONNX file that the key has to be for.
    #[arg(long, value_name = "FILE", requires = "transcript")]
    model: Option<PathBuf>,
    /// Schema of signed records that the model's input is made of.
    #[arg(long, value_name = "FILE", requires = "transcript")]
    schema: Option<PathBuf>,
    /// Phase 1 file that the ceremony started from.
    #[arg(long, value_name = "FILE", requires = "transcript")]
    ptau: Option<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
}

/// Whom to trust in a ceremony.
#[derive(Args)]
pub(crate) struct TrustArgs {
    /// Phase 1 file to trust besides the public ones, by its BLAKE2b-512; may be repeated.
    #[arg(long, value_name = "HASH")]
    trust_ptau: Vec<Hex<64>>,
    /// Contribution to trust, by the hash that its maker published; may be repeated.
    #[arg(long, value_name = "HASH")]
    trust_contribution: Vec<Hex<32>>,
}

impl TrustArgs {
    pub(crate) fn is_empty(&self) -> bool {
        self.trust_ptau.is_empty() && self.trust_contribution.is_empty()
    }

    /// Does something with who is named.
    pub(crate) fn with<T>(&self, then: impl FnOnce(Trust<'_>) -> T) -> T {
        let phase1: Vec<_> = self.trust_ptau.iter().map(|h| h.0).collect();
        let contributions: Vec<_> = self.trust_contribution.iter().map(|h| h.0).collect();
        then(Trust { phase1: &phase1, contributions: &contributions })
    }
}

impl KeyArgs {
    /// Where the key is.
    pub(crate) fn path(&self) -> PathBuf {
        if self.key.is_dir() { self.key.join(keys::VERIFYING_KEY) } else { self.key.clone() }
    }

    /// Reads the key; whether it is trusted is for [`admit`](Self::admit) to say.
    pub(crate) fn read(&self) -> Result<VerifyingKey, Failure> {
        Ok(read_verifying_key(&self.path())?)
    }

    /// Reads the key and admits it.
    pub(crate) fn accepted(&self, console: &Console) -> Result<AcceptedKey, Failure> {
        self.admit(self.read()?, console)
    }

    /// Admits the key if its ceremony is checked here, if its digest is the expected one, or if development keys are
    /// allowed.
    pub(crate) fn admit(&self, key: VerifyingKey, console: &Console) -> Result<AcceptedKey, Failure> {
        let policy = KeyPolicy { allow_dev: self.allow_dev_setup, expect_vk: self.expect_vk.map(|h| h.0) };
        let CeremonyArgs { transcript, model, schema, ptau, trust } = &self.ceremony;
        let (Some(transcript), Some(model), Some(ptau)) = (transcript, model, ptau) else {
            if !trust.is_empty() {
                return Err(Failure::usage("nobody is trusted without the ceremony's files")
                    .hint("give --transcript, --model and --ptau too"));
            }
            return Ok(policy.admit(key)?);
        };
        // What is cheap to refuse, before the minutes that checking a ceremony takes.
        if *key.setup() == SetupKind::Dev {
            return Err(KeyRefused::Dev.into());
        }
        if let Some(expected) = policy.expect_vk.filter(|expected| expected != key.digest()) {
            return Err(KeyRefused::OtherDigest { expected, found: *key.digest() }.into());
        }
        let schema = schema.as_deref().map(read_schema).transpose()?;
        let circuit = lower(&import::import_file(model)?.graph, key.description().disclosure, schema.as_ref())?;
        let report = trust.with(|trust| audit(&circuit, &key, ptau, transcript, &trust, &console.progress()))?;
        // An audit of a key always names its digest.
        let checked = report.vk_digest.ok_or(KeyRefused::ClaimedNotChecked)?;
        Ok(policy.admit_checked(key, &checked)?)
    }
}
