// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by `avouch export solidity`, for groth16-bn254:v1.
pragma solidity ^0.8.24;

import {IAvouchVerifier} from "./IAvouchVerifier.sol";

/// Verifies Groth16 proofs under one key. With all on one side, the key's points in G2 negated, and s the statement,
///
///     e(A, B) e(alpha, -beta) e(IC0 + s0 IC1 + ... + s7 IC8, -H) e(C, -delta) = 1.
contract {{contract}} is IAvouchVerifier {
    /// @inheritdoc IAvouchVerifier
    bytes32 public constant vkDigest = {{vk_digest}};
    /// @inheritdoc IAvouchVerifier
    uint256 public constant circuitId = {{circuit_id}};

{{constants}}
    /// @inheritdoc IAvouchVerifier
    function verify(uint256[8] calldata statement, bytes calldata proof) external view returns (bool) {
        if (proof.length != 256) return false;
        uint256[2] calldata a;
        uint256[2][2] calldata b;
        uint256[2] calldata c;
        assembly ("memory-safe") {
            a := proof.offset
            b := add(a, 64)
            c := add(b, 128)
        }
        return _verify(a, b, c, statement);
    }

    /// The same, with arguments as snarkjs has them.
    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c,
        uint256[8] calldata statement
    ) external view returns (bool) {
        return _verify(a, b, c, statement);
    }

    function _verify(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c,
        uint256[8] calldata statement
    ) private view returns (bool) {
        // The precompile checks that points are on their curves and in their subgroups, and takes the identity, which the
        // prover never sends.
        if (a[0] | a[1] == 0 || b[0][0] | b[0][1] | b[1][0] | b[1][1] == 0 || c[0] | c[1] == 0) return false;
        uint256[4] memory sum = [IC0_X, IC0_Y, 0, 0];
        for (uint256 i = 0; i < 8; i++) if (statement[i] >= R) return false;
{{sum}}
        uint256[24] memory pairs = [
            a[0], a[1], b[0][0], b[0][1], b[1][0], b[1][1],
            ALPHA_X, ALPHA_Y, BETA_X1, BETA_X0, BETA_Y1, BETA_Y0,
            sum[0], sum[1], H_X1, H_X0, H_Y1, H_Y0,
            c[0], c[1], DELTA_X1, DELTA_X0, DELTA_Y1, DELTA_Y0
        ];
        return _pairing(pairs);
    }
{{shared}}}
