//! Uniform field elements from the operating system, or from a seed for development setups.

use std::convert::Infallible;

use ark_bn254::Fr;
use ark_ff::{PrimeField as _, Zero as _};
use avouch_circuits::plonkish::Fp;
use halo2_proofs::pasta::group::ff::{Field as _, FromUniformBytes as _};
use rand_core::TryRng;
use sha2::{Digest as _, Sha512};
use zeroize::Zeroize as _;

/// The operating system gave no randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no randomness: {0}")]
pub struct NoRandomness(getrandom::Error);

/// A uniform nonzero element of BN254's scalar field: 512 random bits modulo r, so that the bias is below 2^−256.
pub(crate) fn nonzero() -> Result<Fr, NoRandomness> {
    draw(|bytes| Some(Fr::from_le_bytes_mod_order(bytes)).filter(|e| !e.is_zero()))
}

/// The same of Vesta's.
pub(crate) fn nonzero_pasta() -> Result<Fp, NoRandomness> {
    draw(|bytes| Some(Fp::from_uniform_bytes(bytes)).filter(|e| !bool::from(e.is_zero())))
}

/// Uniform bytes, for a secret key.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], NoRandomness> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(NoRandomness)?;
    Ok(bytes)
}

/// The first element that `of` makes of 512 random bits.
fn draw<F>(of: impl Fn(&[u8; 64]) -> Option<F>) -> Result<F, NoRandomness> {
    loop {
        let mut bytes = [0; 64];
        getrandom::fill(&mut bytes).map_err(NoRandomness)?;
        let element = of(&bytes);
        bytes.zeroize();
        if let Some(element) = element {
            return Ok(element);
        }
    }
}

/// The operating system's randomness for a prover that cannot be told that there is none: what it makes after a failure
/// has to be thrown away.
#[derive(Default)]
pub(crate) struct Os {
    failure: Option<NoRandomness>,
}

impl Os {
    /// Whether all that was drawn is random.
    pub(crate) fn check(&self) -> Result<(), NoRandomness> {
        self.failure.map_or(Ok(()), Err)
    }
}

impl TryRng for Os {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        if let Err(e) = getrandom::fill(bytes) {
            self.failure = Some(NoRandomness(e));
        }
        Ok(())
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
