//! The closed set of relations.

pub mod description;

/// Index of a wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WireId(pub u32);

/// Collects relations.
pub struct Lowering;

/// A graph that cannot be proven exactly.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("stub")]
pub struct LowerError;
