//! Membership in a Merkle tree of fixed depth: a bit, a choice and a hash a level, 242 constraints.

use ark_bn254::Fr;
use ark_ff::One as _;

use super::super::{
    builder::{Builder, Lc, Sink},
    poseidon::hash_gadget,
};
use crate::policy::Path;

/// The root that a leaf leads to. The bits are those of the leaf's position, so a path has one witness.
pub(super) fn root<S: Sink>(b: &mut Builder<'_, S>, names: [&'static str; 2], leaf: Lc, path: &Path) -> Lc {
    path.siblings.iter().enumerate().fold(leaf, |node, (height, &sibling)| {
        let sibling = b.witness(sibling);
        let is_right = b.boolean(names[0], path.index >> height & 1 == 1);
        let (sibling, is_right) = (b.var(sibling), b.var(is_right));
        let change = sibling.clone().add_lc(-Fr::one(), &node);
        let change = b.product(names[1], &change, &is_right);
        hash_gadget(b, &[node.add(Fr::one(), change), sibling.add(-Fr::one(), change)])
    })
}
