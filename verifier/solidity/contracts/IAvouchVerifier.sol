// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

/// Verifies proofs under one verifying key. `avouch export solidity` writes a contract for a key.
///
/// A statement is eight public inputs: context, circuit id, policy id, registry root, window, nullifier, input
/// commitment, output. Whoever calls has to compare them with what is expected: a verified statement is true, but it need
/// not be the one that was asked for. Proof bytes are no identity: anybody can turn a proof into another one of the same
/// statement.
interface IAvouchVerifier {
    /// The digest of the whole verifying key.
    function vkDigest() external view returns (bytes32);

    /// What slot 1 of every statement is.
    function circuitId() external view returns (uint256);

    /// Whether the proof holds. Takes any bytes, and bounded gas.
    /// @param statement the eight public inputs, each below the order of the scalar field
    /// @param proof the proof's points, uncompressed, as 32-byte words; in G2 the imaginary part comes first
    function verify(uint256[8] calldata statement, bytes calldata proof) external view returns (bool);
}
