//! `avouch registry`: the trees of devices and consents.

use std::path::{Path, PathBuf};

use avouch_circuits::{
    policy::{Device, PublicKey},
    r1cs::Fr,
};
use avouch_prover::{
    files::read_bounded,
    policy::{ConsentOpening, Grant, GrantError, Hex, Registry as Trees, Terms, named},
};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    args::check_writable,
    console::{Answer, field, tick},
    failure::Failure,
};

/// Largest notice that is hashed, in bytes.
const MAX_NOTICE: u64 = 64 << 20;

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch registry init --registry registry.json
  avouch registry add-device --registry registry.json --key 4a5b… --nullifier-key-hash 0c1d… \\
    --class 1 --valid-from 1700000000 --valid-to 1800000000
  avouch registry add-consent --registry registry.json --controller https://grid.example \\
    --purpose dpv:ServiceProvision --category avouch:EnergyConsumption --notice notice.txt \\
    --valid-from 1700000000 --valid-to 1800000000 --consent consent.json
  avouch registry remove-device --registry registry.json --key 4a5b…
  avouch registry revoke-consent --registry registry.json --consent consent.json
  avouch registry root --registry registry.json
  avouch registry proof --registry registry.json --device 4a5b…")]
pub(crate) struct Registry {
    #[command(subcommand)]
    action: Action,
}

#[derive(Args)]
struct File {
    /// The registry.
    #[arg(long, value_name = "FILE")]
    registry: PathBuf,
}

#[derive(Args)]
struct Validity {
    /// First second of validity: seconds since 1970.
    #[arg(long, value_name = "SECONDS")]
    valid_from: u64,
    /// Last second of validity.
    #[arg(long, value_name = "SECONDS")]
    valid_to: u64,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Opening of the consent.
    #[arg(long, value_name = "FILE")]
    consent: Option<PathBuf>,
    /// Leaf of the consent.
    #[arg(long, value_name = "HEX", value_parser = digits::<Fr>)]
    leaf: Option<Fr>,
}

#[derive(Subcommand)]
enum Action {
    /// Make an empty registry.
    Init(File),
    /// Register a device, or renew its key.
    AddDevice {
        #[command(flatten)]
        file: File,
        /// Public key, as `avouch record keygen` prints it.
        #[arg(long, value_name = "HEX", value_parser = digits::<PublicKey>)]
        key: PublicKey,
        /// Hash of the nullifier key, as `avouch record keygen` prints it.
        #[arg(long, value_name = "HEX", value_parser = digits::<Fr>)]
        nullifier_key_hash: Fr,
        /// Class of the device, 0 to 31.
        #[arg(long)]
        class: u8,
        #[command(flatten)]
        validity: Validity,
        /// Replace the device that has the same nullifier key.
        #[arg(long)]
        renew: bool,
    },
    /// Remove a device, whose key is lost or known to others.
    RemoveDevice {
        #[command(flatten)]
        file: File,
        /// Its public key.
        #[arg(long, value_name = "HEX", value_parser = digits::<PublicKey>)]
        key: PublicKey,
    },
    /// Add a consent, and write its opening.
    AddConsent {
        #[command(flatten)]
        file: File,
        /// Pseudonym of the person; a fresh one if there is none.
        #[arg(long, value_name = "HEX", value_parser = digits::<Fr>)]
        subject: Option<Fr>,
        /// Who may process the data: the name in the policy document.
        #[arg(long, value_name = "NAME")]
        controller: String,
        /// A purpose; may be repeated.
        #[arg(long = "purpose", value_name = "TERM", required = true)]
        purposes: Vec<String>,
        /// A category of data; may be repeated.
        #[arg(long = "category", value_name = "TERM", required = true)]
        categories: Vec<String>,
        /// The notice that the person was shown: its hash is in the leaf.
        #[arg(long, value_name = "FILE")]
        notice: PathBuf,
        #[command(flatten)]
        validity: Validity,
        /// Opening to write, for its owner only.
        #[arg(long, value_name = "FILE")]
        consent: PathBuf,
    },
    /// Remove the leaf of a consent that is withdrawn.
    RevokeConsent {
        #[command(flatten)]
        file: File,
        #[command(flatten)]
        which: Which,
    },
    /// Print the root that proofs are checked against.
    Root(File),
    /// Print the way from a leaf to its tree's root.
    Proof {
        #[command(flatten)]
        file: File,
        #[command(flatten)]
        leaf: Leaf,
    },
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Leaf {
    /// Public key of a device.
    #[arg(long, value_name = "HEX", value_parser = digits::<PublicKey>)]
    device: Option<PublicKey>,
    /// Opening of a consent.
    #[arg(long, value_name = "FILE")]
    consent: Option<PathBuf>,
    /// Leaf of a consent.
    #[arg(long, value_name = "HEX", value_parser = digits::<Fr>)]
    leaf: Option<Fr>,
}

fn digits<T: Hex>(text: &str) -> Result<T, String> {
    T::of_hex(text.strip_prefix("0x").unwrap_or(text))
}

impl Registry {
    pub(crate) fn run(self) -> Result<Answer, Failure> {
        match self.action {
            Action::Init(File { registry }) => {
                check_writable(&registry)?;
                if registry.exists() {
                    return Err(Failure::file(&registry, "there is a file already").hint("give another name"));
                }
                let trees = Trees::default();
                trees.write(&registry)?;
                Ok(root(&trees, format!("{} made {}\n", tick(), registry.display())))
            }
            Action::AddDevice { file, key, nullifier_key_hash, class, validity, renew } => {
                let Validity { valid_from, valid_to } = validity;
                let device = Device { key: key.point(), class, valid_from, valid_to, nullifier_key_hash };
                let done = if renew { "renewed" } else { "registered" };
                change(&file.registry, done, |trees| trees.add_device(key, device, renew))
            }
            Action::RemoveDevice { file, key } => {
                change(&file.registry, "device removed, it was", |trees| trees.remove_device(&key))
            }
            Action::AddConsent {
                file,
                subject,
                controller,
                purposes,
                categories,
                notice,
                validity: Validity { valid_from, valid_to },
                consent,
            } => {
                check_writable(&consent)?;
                if consent.exists() {
                    return Err(Failure::file(&consent, "there is a file already").hint("give another name"));
                }
                let mask = |terms: Terms, names: &[String]| terms.mask(names).map_err(Failure::usage);
                let grant = Grant {
                    subject,
                    controller: named("controller", &controller),
                    purposes: mask(Terms::Purposes, &purposes)?,
                    categories: mask(Terms::Categories, &categories)?,
                    valid: [valid_from, valid_to],
                    notice: Sha256::digest(read_bounded(&notice, MAX_NOTICE)?).into(),
                };
                let opening = ConsentOpening::fresh(&grant).map_err(|e| match e {
                    GrantError::Grant(message) => Failure::usage(message),
                    GrantError::Randomness(e) => e.into(),
                })?;
                let leaf = opening.consent.leaf();
                // The opening first: a leaf that nobody can open is of no use.
                opening.write(&consent)?;
                let mut answer = change(&file.registry, "consent added", |trees| trees.add_consent(leaf))?;
                answer.json["leaf"] = leaf.to_hex().into();
                answer.json["subject"] = opening.consent.subject.to_hex().into();
                answer.json["consent"] = json!(consent);
                answer.text += &field("leaf", leaf.to_hex());
                answer.text += &field("subject", opening.consent.subject.to_hex());
                answer.text += &format!("Keep {} private.\n", consent.display());
                Ok(answer)
            }
            Action::RevokeConsent { file, which } => {
                let leaf = consent_leaf(which.consent.as_deref(), which.leaf)?;
                change(&file.registry, "consent withdrawn", |trees| trees.revoke_consent(leaf))
            }
            Action::Root(File { registry }) => Ok(root(&Trees::read(&registry)?, String::new())),
            Action::Proof { file, leaf } => proof(&file.registry, &leaf),
        }
    }
}

/// The leaf that is given, or that of an opening.
fn consent_leaf(opening: Option<&Path>, leaf: Option<Fr>) -> Result<Fr, Failure> {
    match (leaf, opening) {
        (Some(leaf), _) => Ok(leaf),
        (None, Some(path)) => Ok(ConsentOpening::read(path)?.consent.leaf()),
        (None, None) => Err(Failure::usage("a leaf or an opening is needed")),
    }
}

/// Changes the registry's file.
fn change(path: &Path, done: &str, change: impl FnOnce(&mut Trees) -> Result<u32, String>) -> Result<Answer, Failure> {
    let mut trees = Trees::read(path)?;
    let index = change(&mut trees).map_err(|e| Failure::new("registry", path.display(), e))?;
    trees.write(path)?;
    let mut answer = root(&trees, format!("{} {done} at place {index}\n", tick()));
    answer.json["index"] = index.into();
    Ok(answer)
}

fn root(trees: &Trees, head: String) -> Answer {
    let (roots, [devices, consents]) = (trees.roots(), trees.counts());
    let json = json!({
        "registry_root": trees.root().to_hex(),
        "device_root": roots.devices.to_hex(),
        "consent_root": roots.consents.to_hex(),
        "devices": devices,
        "consents": consents,
    });
    let text = head
        + &field("registry root", trees.root().to_hex())
        + &field("devices", devices)
        + &field("consents", consents);
    Answer { json, text }
}

fn proof(path: &Path, which: &Leaf) -> Result<Answer, Failure> {
    let trees = Trees::read(path)?;
    let [devices, consents] = trees.trees();
    let missing = |message: &str| Failure::new("registry", path.display(), message);
    let (name, tree, index) = match &which.device {
        Some(key) => {
            let (index, _) = trees.device(key).ok_or_else(|| missing("no device with this key is registered"))?;
            ("device", devices, index)
        }
        None => {
            let leaf = consent_leaf(which.consent.as_deref(), which.leaf)?;
            let index = trees.consent(leaf).ok_or_else(|| missing("this consent is not in the registry"))?;
            ("consent", consents, index)
        }
    };
    let way = tree.path(index).map_err(|e| missing(&e.to_string()))?;
    let siblings: Vec<Value> = way.siblings.iter().map(|s| s.to_hex().into()).collect();
    let json = json!({
        "tree": name,
        "index": index,
        "leaf": tree.leaf(index).to_hex(),
        "siblings": siblings,
        "root": tree.root().to_hex(),
        "registry_root": trees.root().to_hex(),
    });
    let mut text = field("tree", name);
    text += &field("place", index);
    text += &field("leaf", tree.leaf(index).to_hex());
    text += &field("root", tree.root().to_hex());
    for (height, s) in way.siblings.iter().enumerate() {
        text += &field(&format!("sibling {height}"), s.to_hex());
    }
    Ok(Answer { json, text })
}
