//! The registry of proof systems.
//!
//! A proof system is one module here and one line in the table below. Its name says everything that a verifier checks;
//! any change of that is a new version, and so a new name.

use alloc::{string::String, vec::Vec};

use avouch_circuits::{
    circuit::{CircuitDescription, LowerError},
    graph::TensorInfo,
};
use sha2::{Digest as _, Sha256};

use crate::{
    bytes::Reader,
    error::{DecodeError, LengthRule, Problem},
    key::SetupKind,
    statement::Statement,
};

/// The verifying half of a proof system.
pub(crate) trait ProofSystem {
    /// Name and version.
    const NAME: &'static str;
    /// Raised by any change of constraints, wire order or key layout.
    const CIRCUIT_VERSION: u32;
    /// The scalar field's, big-endian.
    const MODULUS: [u8; 32];
    /// Of a bare proof, in bytes.
    const PROOF_LENGTH: LengthRule;
    /// Of the key material in a key file, in bytes.
    const KEY_LENGTH: LengthRule;

    /// The key material; every value of the type has passed all checks.
    type Key;
    /// What is computed once for each key.
    type Prepared;

    /// Whether keys of this system come from such a setup; any other is malformed.
    fn admits(setup: &SetupKind) -> bool;
    /// Reads key material, all of `bytes`.
    fn decode_key(bytes: &[u8]) -> Result<Self::Key, DecodeError>;
    /// Inverse of `decode_key`.
    fn encode_key(key: &Self::Key) -> Vec<u8>;
    /// Holds the key against what stands beside it in its file, where that is known.
    fn check_circuit(
        key: &Self::Key,
        description: &CircuitDescription,
        input: &TensorInfo,
        output: &TensorInfo,
    ) -> Result<(), DecodeError>;
    /// Computes what depends on the key alone. A transparent key is derived again.
    fn prepare(key: &Self::Key, description: &CircuitDescription) -> Result<Self::Prepared, DeriveError>;
    /// Checks a proof of a statement of this system. Where there are challenges, the key's digest enters them.
    fn verify(
        key: &Self::Prepared,
        vk_digest: &[u8; 32],
        statement: &Statement,
        proof: &[u8],
    ) -> Result<(), ProofError>;
    /// Checks many proofs, for less than one by one where the system can.
    fn verify_batch(
        key: &Self::Prepared,
        vk_digest: &[u8; 32],
        proofs: &[(&Statement, &[u8])],
    ) -> Vec<Result<(), ProofError>> {
        proofs.iter().map(|(statement, proof)| Self::verify(key, vk_digest, statement, proof)).collect()
    }
}

/// A proof that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// The proof is no canonical encoding.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// The proof system rejects it: it is for another key or another statement, or was changed.
    #[error("the proof does not verify for this statement and key")]
    Rejected,
}

/// A transparent key that does not follow from its model.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeriveError {
    /// The model has no circuit of this proof system, or too large a one.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The circuit cannot be laid out.
    #[error("the circuit cannot be laid out: {0}")]
    Synthesis(String),
    /// The layout is another than the one that the search gives.
    #[error("its layout is not the one that its model leads to")]
    Layout,
    /// The key that was derived is another.
    #[error("the key derived from its model has the digest {}, not {}", hex::encode(.derived), hex::encode(.claimed))]
    Digest {
        /// Of the key just derived.
        derived: [u8; 32],
        /// In the file.
        claimed: [u8; 32],
    },
    /// The commitment scheme's parameters.
    #[cfg(feature = "halo2")]
    #[error(transparent)]
    Parameters(#[from] halo2_ipa_pasta::parameters::ParametersError),
}

#[cfg(feature = "groth16")]
mod bn254;
#[cfg(feature = "groth16")]
mod pairing;

macro_rules! systems {
    ($($(#[doc = $doc:literal])* $feature:literal $Variant:ident = $module:ident;)*) => {
        $(#[cfg(feature = $feature)] pub mod $module;)*

        /// A proof system that this build verifies.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SystemId {
            $($(#[doc = $doc])* #[cfg(feature = $feature)] $Variant,)*
        }

        impl SystemId {
            /// All of them.
            pub const ALL: &[Self] = &[$(#[cfg(feature = $feature)] Self::$Variant,)*];

            /// Name and version, as on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(#[cfg(feature = $feature)] Self::$Variant => <$module::System as ProofSystem>::NAME,)* }
            }

            /// Modulus of the scalar field, big-endian: every slot of a statement is below it.
            pub const fn modulus(self) -> [u8; 32] {
                match self { $(#[cfg(feature = $feature)] Self::$Variant => <$module::System as ProofSystem>::MODULUS,)* }
            }

            /// The circuit version of the keys that this release reads and writes.
            pub const fn circuit_version(self) -> u32 {
                match self {
                    $(#[cfg(feature = $feature)] Self::$Variant => <$module::System as ProofSystem>::CIRCUIT_VERSION,)*
                }
            }

            /// Allowed lengths of a bare proof, in bytes.
            pub const fn proof_length(self) -> LengthRule {
                match self {
                    $(#[cfg(feature = $feature)] Self::$Variant => <$module::System as ProofSystem>::PROOF_LENGTH,)*
                }
            }

            pub(crate) const fn key_length(self) -> LengthRule {
                match self {
                    $(#[cfg(feature = $feature)] Self::$Variant => <$module::System as ProofSystem>::KEY_LENGTH,)*
                }
            }

            pub(crate) fn admits(self, setup: &SetupKind) -> bool {
                match self {
                    $(#[cfg(feature = $feature)] Self::$Variant => <$module::System as ProofSystem>::admits(setup),)*
                }
            }

            pub(crate) fn decode_key(self, bytes: &[u8]) -> Result<KeyMaterial, DecodeError> {
                match self {
                    $(#[cfg(feature = $feature)]
                    Self::$Variant => <$module::System as ProofSystem>::decode_key(bytes).map(KeyMaterial::$Variant),)*
                }
            }
        }

        /// The part of a verifying key that only its proof system understands. A value has passed all of its checks.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum KeyMaterial {
            $($(#[doc = $doc])* #[cfg(feature = $feature)] $Variant($module::Key),)*
        }

        impl KeyMaterial {
            /// The proof system that it is for.
            pub const fn system(&self) -> SystemId {
                match self { $(#[cfg(feature = $feature)] Self::$Variant(_) => SystemId::$Variant,)* }
            }

            pub(crate) fn encode(&self) -> Vec<u8> {
                match self {
                    $(#[cfg(feature = $feature)]
                    Self::$Variant(key) => <$module::System as ProofSystem>::encode_key(key),)*
                }
            }

            pub(crate) fn check_circuit(
                &self,
                description: &CircuitDescription,
                input: &TensorInfo,
                output: &TensorInfo,
            ) -> Result<(), DecodeError> {
                match self {
                    $(#[cfg(feature = $feature)]
                    Self::$Variant(key) => {
                        <$module::System as ProofSystem>::check_circuit(key, description, input, output)
                    })*
                }
            }

            pub(crate) fn prepare(&self, description: &CircuitDescription) -> Result<Prepared, DeriveError> {
                match self {
                    $(#[cfg(feature = $feature)]
                    Self::$Variant(key) => {
                        <$module::System as ProofSystem>::prepare(key, description).map(Prepared::$Variant)
                    })*
                }
            }
        }

        /// What is computed once for each key.
        pub(crate) enum Prepared {
            $(#[cfg(feature = $feature)] $Variant(<$module::System as ProofSystem>::Prepared),)*
        }

        impl Prepared {
            pub(crate) fn verify(
                &self,
                vk_digest: &[u8; 32],
                statement: &Statement,
                proof: &[u8],
            ) -> Result<(), ProofError> {
                match self {
                    $(#[cfg(feature = $feature)]
                    Self::$Variant(key) => <$module::System as ProofSystem>::verify(key, vk_digest, statement, proof),)*
                }
            }

            pub(crate) fn verify_batch(
                &self,
                vk_digest: &[u8; 32],
                proofs: &[(&Statement, &[u8])],
            ) -> Vec<Result<(), ProofError>> {
                match self {
                    $(#[cfg(feature = $feature)]
                    Self::$Variant(key) => <$module::System as ProofSystem>::verify_batch(key, vk_digest, proofs),)*
                }
            }
        }
    };
}

systems! {
    /// Groth16 over BN254, with the weights as constants of the circuit.
    "groth16" Groth16Bn254 = groth16_bn254;
    /// The same with ranges and steps looked up in tables: one commitment and one challenge more.
    "groth16" Groth16LookupBn254 = groth16_lookup_bn254;
    /// halo2 with inner-product commitments over Pasta: no setup, keys are derived from the model.
    "halo2" Halo2IpaPasta = halo2_ipa_pasta;
}

#[cfg(feature = "halo2")]
impl Prepared {
    pub(crate) fn derived(&self) -> Option<&halo2_ipa_pasta::DerivedKey> {
        match self {
            Self::Halo2IpaPasta(key) => Some(key),
            #[cfg(feature = "groth16")]
            Self::Groth16Bn254(_) | Self::Groth16LookupBn254(_) => None,
        }
    }
}

impl SystemId {
    /// The 16 bytes that stand for the system in files: the first of SHA-256 of `"avouch/system/v1"` and the name.
    pub fn bytes(self) -> [u8; 16] {
        let mut h = Sha256::new();
        h.update(b"avouch/system/v1");
        h.update(self.name());
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(h.finalize()) {
            *to = from;
        }
        id
    }

    /// The system of this name, if this build has it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.name() == name)
    }

    /// The system with this id, if this build has it.
    pub fn from_bytes(id: &[u8; 16]) -> Option<Self> {
        Self::ALL.iter().copied().find(|s| s.bytes() == *id)
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let id = r.array("proof system")?;
        Self::from_bytes(&id).ok_or_else(|| r.error("proof system", Problem::UnknownSystem(id)))
    }
}

impl core::fmt::Display for SystemId {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
