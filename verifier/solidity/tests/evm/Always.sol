// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IAvouchVerifier} from "./IAvouchVerifier.sol";

/// Takes every proof that is not empty: for what a hub checks besides.
contract Always is IAvouchVerifier {
    bytes32 public constant vkDigest = bytes32(uint256(0x77));
    uint256 public constant circuitId = 0x88;

    function verify(uint256[8] calldata, bytes calldata proof) external pure returns (bool) {
        return proof.length != 0;
    }
}

/// Takes no money.
contract Refusing {}
