//! Relations as rank-1 constraints over the scalar field of BN254.
