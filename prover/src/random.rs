//! Uniform field elements from the operating system, or from a seed for development setups.

use ark_bn254::Fr;
use ark_ff::{PrimeField as _, Zero as _};
use sha2::{Digest as _, Sha512};
use zeroize::Zeroize as _;

/// The operating system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct NoRandomness(getrandom::Error);

/// A uniform nonzero element: 512 random bits modulo r, so that the bias is below 2^−256.
pub(crate) fn nonzero() -> Result<Fr, NoRandomness> {
    loop {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(NoRandomness)?;
        let element = Fr::from_le_bytes_mod_order(&bytes);
        bytes.zeroize();
        if !element.is_zero() {
            return Ok(element);
        }
    }
}

/// A source of setup secrets.
pub(crate) enum Secrets {
    /// From the operating system.
    Os,
    /// From a seed: reproducible, so known to whoever knows the seed.
    Seeded([u8; 32]),
}

impl Secrets {
    /// The nonzero secret of this name.
    pub(crate) fn draw(&self, name: &str) -> Result<Fr, NoRandomness> {
        match self {
            Self::Os => nonzero(),
            Self::Seeded(seed) => {
                let mut counter = 0u32;
                loop {
                    let mut h = Sha512::new();
                    h.update(b"avouch/dev-setup/v1");
                    h.update(seed);
                    h.update(name.as_bytes());
                    h.update(counter.to_be_bytes());
                    let element = Fr::from_le_bytes_mod_order(&h.finalize());
                    if !element.is_zero() {
                        return Ok(element);
                    }
                    counter += 1;
                }
            }
        }
    }
}
