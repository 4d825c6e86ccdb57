// SPDX-License-Identifier: MIT OR Apache-2.0
// Written by `avouch export solidity`, for groth16-lookup-bn254:v1.
pragma solidity ^0.8.24;

import {IAvouchVerifier} from "./IAvouchVerifier.sol";

/// Verifies proofs of Groth16 with one committed phase under one key. With all on one side, the key's points in G2
/// negated, s the statement and x the challenge that the contract derives from key, statement and C1,
///
///     e(A, B) e(alpha, -beta) e(IC0 + s0 IC1 + ... + s7 IC8 + x IC9, -H) e(C1, -delta1) e(C2, -delta2) = 1.
contract {{contract}} is IAvouchVerifier {
    /// @inheritdoc IAvouchVerifier
    bytes32 public constant vkDigest = {{vk_digest}};
    /// @inheritdoc IAvouchVerifier
    uint256 public constant circuitId = {{circuit_id}};

{{constants}}
    /// @inheritdoc IAvouchVerifier
    function verify(uint256[8] calldata statement, bytes calldata proof) external view returns (bool) {
        if (proof.length != 320) return false;
        uint256[2] calldata a;
        uint256[2][2] calldata b;
        uint256[2] calldata c1;
        uint256[2] calldata c2;
        assembly ("memory-safe") {
            a := proof.offset
            b := add(a, 64)
            c1 := add(b, 128)
            c2 := add(c1, 64)
        }
        return _verify(a, b, c1, c2, statement);
    }

    /// The same, with an argument for each part of the proof.
    function verifyProof(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c1,
        uint256[2] calldata c2,
        uint256[8] calldata statement
    ) external view returns (bool) {
        return _verify(a, b, c1, c2, statement);
    }

    function _verify(
        uint256[2] calldata a,
        uint256[2][2] calldata b,
        uint256[2] calldata c1,
        uint256[2] calldata c2,
        uint256[8] calldata statement
    ) private view returns (bool) {
        // The precompile checks that points are on their curves and in their subgroups, and takes the identity, which the
        // prover never sends.
        if (
            a[0] | a[1] == 0 || b[0][0] | b[0][1] | b[1][0] | b[1][1] == 0 || c1[0] | c1[1] == 0 || c2[0] | c2[1] == 0
        ) return false;
        uint256[4] memory sum = [IC0_X, IC0_Y, 0, 0];
        for (uint256 i = 0; i < 8; i++) if (statement[i] >= R) return false;
{{sum}}
        // 248 bits, so below R.
        uint256 x = uint256(keccak256(abi.encodePacked(DOMAIN, vkDigest, statement, c1, uint8(0)))) >> 8;
        if (!_add(sum, IC9_X, IC9_Y, x)) return false;
        uint256[30] memory pairs = [
            a[0], a[1], b[0][0], b[0][1], b[1][0], b[1][1],
            ALPHA_X, ALPHA_Y, BETA_X1, BETA_X0, BETA_Y1, BETA_Y0,
            sum[0], sum[1], H_X1, H_X0, H_Y1, H_Y0,
            c1[0], c1[1], DELTA1_X1, DELTA1_X0, DELTA1_Y1, DELTA1_Y0,
            c2[0], c2[1], DELTA2_X1, DELTA2_X0, DELTA2_Y1, DELTA2_Y0
        ];
        return _pairing(pairs);
    }

    bytes private constant DOMAIN = "avouch/groth16-lookup-bn254:v1/challenge";
{{shared}}}
