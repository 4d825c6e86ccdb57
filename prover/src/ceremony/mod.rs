//! Setups of several parties for the Groth16 systems: whoever trusts one of the contributors to have forgotten a secret
//! trusts the key.
//!
//! | module | holds |
//! |---|---|
//! | [`phase1`] | powers of τ for any circuit, in the files of snarkjs |

pub mod phase1;
