//! The registry's file, and openings of consents.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use ark_bn254::Fr;
use ark_ff::Zero as _;
use avouch_circuits::policy::{Consent, Device, FormatError, PublicKey, Roots, TREE_DEPTH, Tree, registry_root};
use serde::{Deserialize, Serialize};

use super::{
    json,
    text::{self, Hex as _},
};
use crate::{
    files::FileError,
    random::{self, NoRandomness},
};

const REGISTRY_FORMAT: &str = "avouch/registry/v1";
const CONSENT_FORMAT: &str = "avouch/consent/v1";

/// Registered devices and consents: all that is public of them.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// By place.
    devices: BTreeMap<u32, Registered>,
    /// Leaves by place.
    consents: BTreeMap<u32, Fr>,
    /// Of devices and of consents.
    trees: [Tree; 2],
}

/// A device with its checked key.
#[derive(Clone, Copy, Debug)]
struct Registered {
    key: PublicKey,
    device: Device,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RegistryJson {
    devices: Vec<DeviceJson>,
    consents: Vec<ConsentLeafJson>,
    #[serde(with = "text")]
    root: Fr,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct DeviceJson {
    index: u32,
    #[serde(with = "text")]
    key: PublicKey,
    class: u8,
    valid_from: u64,
    valid_to: u64,
    #[serde(with = "text")]
    nullifier_key_hash: Fr,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentLeafJson {
    index: u32,
    #[serde(with = "text")]
    leaf: Fr,
}

impl Registry {
    /// Writes the registry, which everyone may read.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let device = |(&index, &Registered { key, device }): (&u32, &Registered)| DeviceJson {
            index,
            key,
            class: device.class,
            valid_from: device.valid_from,
            valid_to: device.valid_to,
            nullifier_key_hash: device.nullifier_key_hash,
        };
        let content = RegistryJson {
            devices: self.devices.iter().map(device).collect(),
            consents: self.consents.iter().map(|(&index, &leaf)| ConsentLeafJson { index, leaf }).collect(),
            root: self.root(),
        };
        json::write(path, false, REGISTRY_FORMAT, &content)
    }

    /// Reads a registry, checks all leaves, and that its root is theirs.
    ///
    /// # Errors
    /// Anything that [`Registry::write`] does not write.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let error = |message: String| FileError::new(path, message);
        let RegistryJson { devices, consents, root } = json::read(path, REGISTRY_FORMAT)?;
        let mut registry = Self::default();
        let (mut keys, mut hashes) = (BTreeSet::new(), BTreeSet::new());
        for DeviceJson { index, key, class, valid_from, valid_to, nullifier_key_hash } in devices {
            let device = Device { key: key.point(), class, valid_from, valid_to, nullifier_key_hash };
            check_device(&device).map_err(|e| error(format!("device {index}: {e}")))?;
            let twin = !keys.insert(key.to_bytes()) || !hashes.insert(nullifier_key_hash);
            if registry.devices.insert(index, Registered { key, device }).is_some() || twin {
                return Err(error(format!("device {index}: its place, key or nullifier key is taken already")));
            }
        }
        for ConsentLeafJson { index, leaf } in consents {
            if registry.consents.insert(index, leaf).is_some() {
                return Err(error(format!("consent {index}: its place is taken already")));
            }
        }
        let leaves = registry.devices.iter().map(|(&index, d)| (index, d.device.leaf()));
        let tree = |tree: Result<Tree, FormatError>| tree.map_err(|e| error(e.to_string()));
        let consents = registry.consents.iter().map(|(&index, &leaf)| (index, leaf));
        registry.trees = [tree(Tree::new(leaves))?, tree(Tree::new(consents))?];
        if registry.root() != root {
            return Err(FileError::new(path, "its root is not that of its leaves"));
        }
        Ok(registry)
    }

    /// The device and the consent tree.
    pub fn trees(&self) -> &[Tree; 2] {
        &self.trees
    }

    /// Their roots.
    pub fn roots(&self) -> Roots {
        let [devices, consents] = &self.trees;
        Roots { devices: devices.root(), consents: consents.root() }
    }

    /// Slot 3.
    pub fn root(&self) -> Fr {
        let Roots { devices, consents } = self.roots();
        registry_root(devices, consents)
    }

    /// How many devices and consents there are.
    pub fn counts(&self) -> [usize; 2] {
        [self.devices.len(), self.consents.len()]
    }

    /// A device by its key, and its place.
    pub fn device(&self, key: &PublicKey) -> Option<(u32, Device)> {
        self.devices.iter().find(|(_, d)| d.key == *key).map(|(&index, d)| (index, d.device))
    }

    /// The place of a consent's leaf.
    pub fn consent(&self, leaf: Fr) -> Option<u32> {
        self.consents.iter().find(|c| *c.1 == leaf).map(|c| *c.0)
    }

    /// Registers a device at the lowest free place. One that has the same nullifier key is the same physical device under
    /// an older key: it is replaced if `renew` says so.
    ///
    /// # Errors
    /// A device that is registered already, or fields beyond their widths.
    pub fn add_device(&mut self, key: PublicKey, device: Device, renew: bool) -> Result<u32, String> {
        check_device(&device)?;
        if let Some((index, _)) = self.device(&key) {
            return Err(format!("the key {} is registered already, at place {index}", key.to_hex()));
        }
        let twin = self.devices.iter().find(|(_, d)| d.device.nullifier_key_hash == device.nullifier_key_hash);
        let [devices, _] = &mut self.trees;
        let index = match (twin.map(|(&index, _)| index), renew) {
            (Some(index), true) => {
                devices.remove(index).map_err(|e| e.to_string())?;
                index
            }
            (Some(index), false) => {
                return Err(format!("the device at place {index} has this nullifier key: renew it instead"));
            }
            (None, true) => return Err("no device has this nullifier key: there is nothing to renew".into()),
            (None, false) => free_place(&self.devices)?,
        };
        devices.insert(index, device.leaf()).map_err(|e| e.to_string())?;
        self.devices.insert(index, Registered { key, device });
        Ok(index)
    }

    /// Removes a device, and says where it was: nothing of it is proven under the roots that follow. Its key has to be the
    /// registered one.
    ///
    /// # Errors
    /// A key that is not registered.
    pub fn remove_device(&mut self, key: &PublicKey) -> Result<u32, String> {
        let (index, _) = self.device(key).ok_or("no device with this key is registered")?;
        let [devices, _] = &mut self.trees;
        devices.remove(index).map_err(|e| e.to_string())?;
        self.devices.remove(&index);
        Ok(index)
    }

    /// Adds the leaf of a consent at the lowest free place.
    ///
    /// # Errors
    /// A leaf that is there already, or no place.
    pub fn add_consent(&mut self, leaf: Fr) -> Result<u32, String> {
        if self.consent(leaf).is_some() {
            return Err("this consent is in the registry already".into());
        }
        let index = free_place(&self.consents)?;
        let [_, consents] = &mut self.trees;
        consents.insert(index, leaf).map_err(|e| e.to_string())?;
        self.consents.insert(index, leaf);
        Ok(index)
    }

    /// Removes the leaf of a consent that is withdrawn, and says where it was.
    ///
    /// # Errors
    /// A leaf that is not there.
    pub fn revoke_consent(&mut self, leaf: Fr) -> Result<u32, String> {
        let index = self.consent(leaf).ok_or("this consent is not in the registry")?;
        let [_, consents] = &mut self.trees;
        consents.remove(index).map_err(|e| e.to_string())?;
        self.consents.remove(&index);
        Ok(index)
    }
}

/// Checks what holds of every registered device, whose key is checked already.
fn check_device(device: &Device) -> Result<(), String> {
    check_validity(device.valid_from, device.valid_to)?;
    if device.class >= 32 {
        return Err(format!("there is no device class {}: they are 0 to 31", device.class));
    }
    Ok(())
}

fn check_validity(from: u64, to: u64) -> Result<(), String> {
    match to {
        _ if from > to => Err(format!("it is never valid: from {from} to {to}")),
        _ if to >> 40 != 0 => Err(format!("the end of validity {to} is not below 2^40")),
        _ => Ok(()),
    }
}

/// The lowest place that is free.
fn free_place<T>(taken: &BTreeMap<u32, T>) -> Result<u32, String> {
    let free = taken.keys().fold(0, |free, &taken| if taken == free { free + 1 } else { free });
    if free >> TREE_DEPTH == 0 { Ok(free) } else { Err("the tree is full".into()) }
}

/// What a person agrees to, before a leaf is made of it.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The person's pseudonym; a fresh one if there is none.
    pub subject: Option<Fr>,
    /// Who may process the data.
    pub controller: Fr,
    /// Purposes, a bit each.
    pub purposes: u32,
    /// Categories, a bit each.
    pub categories: u32,
    /// First and last second of validity.
    pub valid: [u64; 2],
    /// SHA-256 of the notice.
    pub notice: [u8; 32],
}

/// A consent with its salt: private to the person and the node.
#[derive(Clone)]
pub struct ConsentOpening {
    /// The consent.
    pub consent: Consent,
}

impl core::fmt::Debug for ConsentOpening {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("ConsentOpening")
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ConsentJson {
    #[serde(with = "text")]
    subject: Fr,
    #[serde(with = "text")]
    controller: Fr,
    purposes: u32,
    categories: u32,
    valid_from: u64,
    valid_to: u64,
    #[serde(with = "text")]
    notice: [u8; 32],
    #[serde(with = "text")]
    salt: Fr,
    #[serde(with = "text")]
    leaf: Fr,
}

impl ConsentOpening {
    /// A consent with a fresh salt.
    ///
    /// # Errors
    /// A consent that is never valid, or to nothing; no randomness.
    pub fn fresh(grant: &Grant) -> Result<Self, GrantError> {
        let &Grant { subject, controller, purposes, categories, valid: [valid_from, valid_to], notice } = grant;
        check_validity(valid_from, valid_to).map_err(GrantError::Grant)?;
        if purposes == 0 || categories == 0 {
            return Err(GrantError::Grant("a consent is to at least one purpose and one category".into()));
        }
        let subject = subject.map_or_else(random::nonzero, Ok)?;
        let salt = random::nonzero()?;
        Ok(Self { consent: Consent { subject, controller, purposes, categories, valid_from, valid_to, notice, salt } })
    }

    /// Writes the opening, for its owner only.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), FileError> {
        let Consent { subject, controller, purposes, categories, valid_from, valid_to, notice, salt } = self.consent;
        let leaf = self.consent.leaf();
        let content =
            ConsentJson { subject, controller, purposes, categories, valid_from, valid_to, notice, salt, leaf };
        json::write(path, true, CONSENT_FORMAT, &content)
    }

    /// Reads an opening, and checks that its leaf is that of its fields.
    ///
    /// # Errors
    /// Anything that [`ConsentOpening::write`] does not write.
    pub fn read(path: &Path) -> Result<Self, FileError> {
        let ConsentJson { subject, controller, purposes, categories, valid_from, valid_to, notice, salt, leaf } =
            json::read(path, CONSENT_FORMAT)?;
        let consent = Consent { subject, controller, purposes, categories, valid_from, valid_to, notice, salt };
        check_validity(valid_from, valid_to).map_err(|e| FileError::new(path, e))?;
        if salt.is_zero() {
            return Err(FileError::new(path, "its salt is zero"));
        }
        if consent.leaf() != leaf {
            return Err(FileError::new(path, "its leaf is not that of its fields"));
        }
        Ok(Self { consent })
    }
}

/// Why there is no consent.
#[derive(Debug, thiserror::Error)]
pub enum GrantError {
    /// Something about it.
    #[error("{0}")]
    Grant(String),
    /// No salt.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
}
