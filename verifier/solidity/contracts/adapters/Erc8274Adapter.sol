// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IAvouchVerifier} from "../IAvouchVerifier.sol";

/// A verifier in the shape of ERC-8274's IProofVerifier (draft).
///
/// The hash of the input is its commitment, that of the output is slot 7, and `metadata` is the whole statement:
/// `abi.encode(uint256[8])`. What else a statement says, context and data policy, is for the caller to compare.
contract Erc8274Adapter {
    IAvouchVerifier public immutable verifier;
    /// The digest of the verifying key.
    bytes32 public immutable proofProfile;
    string public constant proofSystem = "zk/avouch";

    constructor(IAvouchVerifier verifier_) {
        verifier = verifier_;
        proofProfile = verifier_.vkDigest();
    }

    function verify(bytes32 inputHash, bytes32 outputHash, bytes calldata metadata, bytes calldata proof)
        external
        view
        returns (bool)
    {
        if (metadata.length != 256) return false;
        uint256[8] memory statement = abi.decode(metadata, (uint256[8]));
        if (statement[1] != verifier.circuitId()) return false;
        if (bytes32(statement[6]) != inputHash || bytes32(statement[7]) != outputHash) return false;
        return verifier.verify(statement, proof);
    }
}
