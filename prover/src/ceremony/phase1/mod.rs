//! Phase 1: powers of a τ that nobody knows, for every circuit up to a size.
//!
//! The files are those of snarkjs (`.ptau`), so that the public Perpetual Powers of Tau serve, and either program continues
//! what the other began.
//!
//! | module | holds |
//! |---|---|
//! | `file` | the container: sections and their lengths |
//! | `point` | the forms of points, and what each has to satisfy |
//! | `contribution` | the list of contributions, and whether each follows from the one before |
//! | `key` | secrets of a contribution, and proofs of knowing them |
//! | `read` | one pass that checks a file |
//! | `create` | files of our own: beginnings, contributions, beacons |
//! | `public` | the hashes of the public files |
//! | `blake2b` | BLAKE2b-512 with a state that can be stored |

mod blake2b;
mod contribution;
mod create;
mod error;
mod file;
mod key;
mod point;
mod public;
mod read;

use ark_bn254::{G1Affine, G2Affine};

pub use self::{
    contribution::{Beacon, Contribution, ContributionDefect},
    create::{beacon, contribute, new},
    error::{Place, PtauError},
    file::Section,
    key::Secret,
    point::PointDefect,
    public::{PUBLIC_FILES, PublicFile, public_file},
    read::{read, verify},
};

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

/// What a file that was verified says of itself.
#[derive(Debug)]
pub struct Report {
    /// BLAKE2b-512 of the whole file.
    pub hash: [u8; 64],
    /// The file serves domains of up to 2^power points.
    pub power: u32,
    /// The same of the file that was contributed to. If it is larger, then this file is a part of it, and the hashes of the
    /// last contribution are not of this file's points.
    pub ceremony_power: u32,
    /// Whether it has Lagrange bases.
    pub prepared: bool,
    /// The public file that it is.
    pub public: Option<&'static PublicFile>,
    /// All contributions, in their order.
    pub contributions: Vec<Contribution>,
}
