//! Why a message is refused.

use avouch_verifier::{DecodeError, KeyRefused, VerifyError, acceptance::Unmet};
use cosmwasm_std::StdError;

#[derive(Debug, thiserror::Error)]
pub(crate) enum ContractError {
    /// Storage, addresses, JSON.
    #[error(transparent)]
    Std(#[from] StdError),
    #[error("the contract takes no funds; send none")]
    Funds,
    #[error(transparent)]
    Key(#[from] DecodeError),
    #[error(transparent)]
    KeyRefused(#[from] KeyRefused),
    #[error(
        "the key's circuit has no data policy, so its proofs could be taken again and again; use one with a schema"
    )]
    NoDataPolicy,
    #[error("only the registry, {registry}, sets roots")]
    NotTheRegistry { registry: String },
    #[error("nothing is taken after {deadline}")]
    PastDeadline { deadline: u64 },
    #[error(transparent)]
    Proof(#[from] VerifyError),
    /// A claim that is true, and not the one that was asked for.
    #[error(transparent)]
    Unmet(#[from] Unmet),
    #[error("the registry stands by this root until {until}, which is past; prove against its present root")]
    RootExpired { until: u64 },
    #[error("these records were used already")]
    NullifierUsed,
}
