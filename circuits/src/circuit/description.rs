//! temporary
use crate::graph::Graph;
/// d
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disclosure {
    /// r
    Raw,
    /// a
    Argmax,
    /// t
    Threshold {
        /// i
        index: u32,
        /// t
        threshold: i32,
    },
    /// c
    Commit,
}
/// d
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitDescription {
    /// d
    pub disclosure: Disclosure,
}
impl CircuitDescription {
    /// n
    pub fn new(_: &Graph, disclosure: Disclosure) -> Result<Self, crate::graph::GraphError> {
        Ok(Self { disclosure })
    }
    /// c
    pub fn circuit_id(&self) -> [u8; 31] {
        [1; 31]
    }
}
/// e
pub const EMPTY_POLICY_ID: [u8; 32] = [0; 32];
