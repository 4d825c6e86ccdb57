//! Phase 1: powers of a τ that nobody knows, for every circuit up to a size.

use ark_bn254::{G1Affine, G2Affine};

/// What phase 2 needs of a phase 1 file, for a domain of `n` points. All points are on the curve and in the subgroup, and
/// are what they are said to be.
pub struct Phase1 {
    /// BLAKE2b-512 of the whole file.
    pub(crate) hash: [u8; 64],
    /// `[τ^i]₁` for i below 2n − 1.
    pub(crate) tau_g1: Vec<G1Affine>,
    /// `[τ^i]₂` for i below n.
    pub(crate) tau_g2: Vec<G2Affine>,
    /// `[α·τ^i]₁` for i below n.
    pub(crate) alpha_tau_g1: Vec<G1Affine>,
    /// `[β·τ^i]₁` for i below n.
    pub(crate) beta_tau_g1: Vec<G1Affine>,
    /// `[β]₂`.
    pub(crate) beta_g2: G2Affine,
    /// The Lagrange basis over the domain of n points, where the file has it. Only curve and subgroup are checked: whether
    /// it belongs to the powers is still to be seen.
    pub(crate) prepared: Option<Lagrange>,
}

/// `[L_i(τ)]` for every point `i` of a domain, and multiples.
pub(crate) struct Lagrange {
    /// `[L_i(τ)]₁`.
    pub(crate) tau_g1: Vec<G1Affine>,
    /// `[L_i(τ)]₂`.
    pub(crate) tau_g2: Vec<G2Affine>,
    /// `[α·L_i(τ)]₁`.
    pub(crate) alpha_tau_g1: Vec<G1Affine>,
    /// `[β·L_i(τ)]₁`.
    pub(crate) beta_tau_g1: Vec<G1Affine>,
}
