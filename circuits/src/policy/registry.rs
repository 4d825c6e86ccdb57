//! The registry: registered devices and consents, each in a Merkle tree.
//!
//! Both trees are binary, of fixed depth [`TREE_DEPTH`], with Poseidon of two elements as node and 0 as empty leaf.
//! A consent is withdrawn by removing its leaf. A device has one live leaf, and keeps its nullifier key's hash when its
//! signing key is renewed: else it could be paid twice for one batch.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    format,
    vec::Vec,
};

use ark_ff::Zero as _;

use super::{FormatError, Point, TREE_DEPTH, tags};
use crate::r1cs::{
    Fr,
    poseidon::{hash, tag},
};

/// A registered device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its public key: in the prime-order subgroup and not the identity, which who registers it checks.
    pub key: Point,
    /// Kind of device, below 32: what the registry says of its hardware and of how its key is kept.
    pub class: u8,
    /// First second at which its records count.
    pub valid_from: u64,
    /// Last second at which they do.
    pub valid_to: u64,
    /// [`nullifier_key_hash`] of its nullifier key.
    pub nullifier_key_hash: Fr,
}

impl Device {
    /// Its leaf: H(tag, Ax, Ay, class, valid from, valid to, hash of the nullifier key).
    pub fn leaf(&self) -> Fr {
        hash(&[
            tag(tags::DEVICE),
            self.key.x,
            self.key.y,
            self.class.into(),
            self.valid_from.into(),
            self.valid_to.into(),
            self.nullifier_key_hash,
        ])
    }
}

/// H(tag, nullifier key, 0): what the registry knows of a nullifier key.
pub fn nullifier_key_hash(key: Fr) -> Fr {
    hash(&[tag(tags::NULLIFIER_KEY), key, Fr::zero()])
}

/// What a person agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Pseudonym of the person: that of the records.
    pub subject: Fr,
    /// Who may process the data.
    pub controller: Fr,
    /// Purposes, a bit each.
    pub purposes: u32,
    /// Categories of data, a bit each.
    pub categories: u32,
    /// First second of validity.
    pub valid_from: u64,
    /// Last second of validity.
    pub valid_to: u64,
    /// SHA-256 of the notice that the person was shown.
    pub notice: [u8; 32],
    /// Hides the consent from whoever sees its leaf: uniform and nonzero.
    pub salt: Fr,
}

impl Consent {
    /// Its leaf: H(tag, subject, controller, purposes, categories, valid from, valid to, notice lo, notice hi, salt).
    pub fn leaf(&self) -> Fr {
        let [lo, hi] = halves(&self.notice);
        hash(&[
            tag(tags::CONSENT),
            self.subject,
            self.controller,
            self.purposes.into(),
            self.categories.into(),
            self.valid_from.into(),
            self.valid_to.into(),
            lo,
            hi,
            self.salt,
        ])
    }
}

/// A 256-bit hash as two elements, big-endian integers of its last 16 and of its first 16 bytes: lo and hi.
pub(crate) fn halves(digest: &[u8; 32]) -> [Fr; 2] {
    let integer = |bytes: &[u8]| bytes.iter().fold(0u128, |sum, &b| sum << 8 | u128::from(b)).into();
    let (hi, lo) = digest.split_at(16);
    [integer(lo), integer(hi)]
}

/// Slot 3: H(tag, root of the device tree, root of the consent tree).
pub fn registry_root(devices: Fr, consents: Fr) -> Fr {
    hash(&[tag(tags::REGISTRY), devices, consents])
}

/// Where a leaf stands, and the nodes beside its way to the root.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Path {
    /// Position of the leaf, below 2^[`TREE_DEPTH`]. Bit i says on which side of its parent the node at height i is: 1
    /// for the right.
    pub index: u32,
    /// The sibling at each height, the leaf's first.
    pub siblings: [Fr; TREE_DEPTH],
}

impl Path {
    /// The root that a leaf at this place leads to.
    pub fn root(&self, leaf: Fr) -> Fr {
        self.siblings.iter().enumerate().fold(leaf, |node, (height, &sibling)| {
            if self.index >> height & 1 == 0 { hash(&[node, sibling]) } else { hash(&[sibling, node]) }
        })
    }
}

/// A sparse Merkle tree: only nodes that differ from those of an empty tree are stored.
#[derive(Clone, Debug)]
pub struct Tree {
    /// By height (0: leaves) and position.
    nodes: BTreeMap<(usize, u32), Fr>,
    /// The node of an empty tree at each height, the root last.
    empty: Vec<Fr>,
}

impl Default for Tree {
    fn default() -> Self {
        let parent = |node: &Fr| Some(hash(&[*node, *node]));
        let empty = core::iter::successors(Some(Fr::zero()), parent).take(TREE_DEPTH + 1).collect();
        Self { nodes: BTreeMap::new(), empty }
    }
}

impl Tree {
    /// The tree of these leaves, with about two hashes for each.
    ///
    /// # Errors
    /// A position beyond the tree or given twice, or a leaf of zero.
    pub fn new(leaves: impl IntoIterator<Item = (u32, Fr)>) -> Result<Self, FormatError> {
        let mut tree = Self::default();
        let mut all = BTreeMap::new();
        for (index, leaf) in leaves {
            tree.check_free(index, leaf)?;
            if all.insert(index, leaf).is_some() {
                return Err(FormatError::new(format!("leaf {index}"), "it is given twice"));
            }
        }
        tree.set(all);
        Ok(tree)
    }

    /// The root.
    pub fn root(&self) -> Fr {
        self.node(TREE_DEPTH, 0)
    }

    /// The leaf at a position; 0 is an empty one.
    pub fn leaf(&self, index: u32) -> Fr {
        self.node(0, index)
    }

    /// Puts a leaf where none is.
    ///
    /// # Errors
    /// A position beyond the tree or occupied, or a leaf of zero, which means that there is none.
    pub fn insert(&mut self, index: u32, leaf: Fr) -> Result<(), FormatError> {
        self.check_free(index, leaf)?;
        self.set([(index, leaf)]);
        Ok(())
    }

    /// Takes a leaf away.
    ///
    /// # Errors
    /// A position beyond the tree, or empty.
    pub fn remove(&mut self, index: u32) -> Result<(), FormatError> {
        if self.check_index(index)?.is_zero() {
            return Err(FormatError::new(format!("leaf {index}"), "it is empty already"));
        }
        self.set([(index, Fr::zero())]);
        Ok(())
    }

    /// The way from a position to the root.
    ///
    /// # Errors
    /// A position beyond the tree.
    pub fn path(&self, index: u32) -> Result<Path, FormatError> {
        self.check_index(index)?;
        Ok(Path { index, siblings: core::array::from_fn(|height| self.node(height, index >> height ^ 1)) })
    }

    /// The leaf at a position that the tree has.
    fn check_index(&self, index: u32) -> Result<Fr, FormatError> {
        match index >> TREE_DEPTH {
            0 => Ok(self.leaf(index)),
            _ => Err(FormatError::new(format!("leaf {index}"), format!("the tree has 2^{TREE_DEPTH} leaves"))),
        }
    }

    fn check_free(&self, index: u32, leaf: Fr) -> Result<(), FormatError> {
        let message = match (self.check_index(index)?.is_zero(), leaf.is_zero()) {
            (false, _) => "it is occupied; remove it first",
            (true, true) => "a leaf of zero is an empty one",
            (true, false) => return Ok(()),
        };
        Err(FormatError::new(format!("leaf {index}"), message))
    }

    fn node(&self, height: usize, position: u32) -> Fr {
        let empty = || self.empty.get(height).copied().unwrap_or_default();
        self.nodes.get(&(height, position)).copied().unwrap_or_else(empty)
    }

    /// Replaces leaves, and computes the nodes above them once each.
    fn set(&mut self, leaves: impl IntoIterator<Item = (u32, Fr)>) {
        let mut changed = BTreeMap::from_iter(leaves);
        for height in 0..=TREE_DEPTH {
            for (&position, &node) in &changed {
                if self.empty.get(height) == Some(&node) {
                    self.nodes.remove(&(height, position));
                } else {
                    self.nodes.insert((height, position), node);
                }
            }
            if height < TREE_DEPTH {
                let parents: BTreeSet<u32> = changed.keys().map(|position| position >> 1).collect();
                let parent = |p: u32| (p, hash(&[2 * p, 2 * p + 1].map(|child| self.node(height, child))));
                changed = parents.into_iter().map(parent).collect();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaf(n: u64) -> Fr {
        Fr::from(n + 1)
    }

    #[test]
    fn paths_lead_to_the_root_and_nowhere_else() {
        let mut tree = Tree::default();
        let empty = tree.root();
        let places = [0, 1, 2, 5, 1 << 19, (1 << 20) - 1];
        for (i, &index) in places.iter().enumerate() {
            tree.insert(index, leaf(i as u64)).unwrap();
        }
        for (i, &index) in places.iter().enumerate() {
            let path = tree.path(index).unwrap();
            assert_eq!(path.root(leaf(i as u64)), tree.root());
            assert_ne!(path.root(leaf(99)), tree.root());
            assert_ne!(Path { index: index ^ 1, ..path }.root(leaf(i as u64)), tree.root());
            assert_eq!(tree.leaf(index), leaf(i as u64));
        }
        let at_once = Tree::new(places.iter().enumerate().map(|(i, &index)| (index, leaf(i as u64)))).unwrap();
        assert_eq!(at_once.root(), tree.root());
        assert_eq!(tree.path(3).unwrap().root(Fr::zero()), tree.root(), "an empty leaf");
        for index in places {
            tree.remove(index).unwrap();
        }
        assert_eq!(tree.root(), empty);
        assert!(tree.nodes.is_empty());
    }

    #[test]
    fn the_empty_tree_is_pinned() {
        let root = Tree::default().root();
        let by_hand = (0..TREE_DEPTH).fold(Fr::zero(), |node, _| hash(&[node, node]));
        assert_eq!(root, by_hand);
        expect_test::expect!["15019797232609675441998260052101280400536945603062888308240081994073687793470"]
            .assert_eq(&format!("{root}"));
    }

    #[test]
    fn places_are_taken_once_and_within_the_tree() {
        let mut tree = Tree::default();
        tree.insert(7, leaf(0)).unwrap();
        let message = |e: Result<(), FormatError>| e.unwrap_err().message;
        assert!(message(tree.insert(7, leaf(1))).contains("occupied"));
        assert!(message(tree.insert(8, Fr::zero())).contains("zero"));
        assert!(message(tree.insert(1 << 20, leaf(1))).contains("2^20"));
        assert!(message(tree.remove(8)).contains("empty already"));
        assert!(tree.path(1 << 20).is_err());
        assert!(Tree::new([(3, leaf(0)), (3, leaf(0))]).unwrap_err().message.contains("twice"));
    }

    #[test]
    fn the_halves_of_a_hash_are_big_endian() {
        let mut digest = [0; 32];
        (digest[15], digest[30]) = (2, 1);
        assert_eq!(halves(&digest), [Fr::from(256u64), Fr::from(2u64)]);
    }
}
