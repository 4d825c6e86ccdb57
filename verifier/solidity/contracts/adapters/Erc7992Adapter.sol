// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IAvouchVerifier} from "../IAvouchVerifier.sol";

/// A verifier in the shape of ERC-7992 (draft): success is validity, and everything else reverts.
///
/// The model's id is the circuit's. `proof` is `abi.encode(uint256[8] statement, bytes points)`, and `output` is
/// `abi.encode(statement[7])`. Neither context nor data policy is checked here: anybody can show a proof again.
contract Erc7992Adapter {
    IAvouchVerifier public immutable verifier;

    event InferenceVerified(
        uint256 indexed modelId, bytes32 indexed inputCommitment, bytes output, address indexed caller
    );

    error InvalidProof();
    error ModelMismatch();
    error InputCommitmentMismatch();
    error OutputMismatch();

    constructor(IAvouchVerifier verifier_) {
        verifier = verifier_;
    }

    function verifyInference(uint256 modelId, bytes32 inputCommitment, bytes calldata output, bytes calldata proof)
        external
    {
        (uint256[8] memory statement, bytes memory points) = abi.decode(proof, (uint256[8], bytes));
        if (modelId != verifier.circuitId() || statement[1] != modelId) revert ModelMismatch();
        if (bytes32(statement[6]) != inputCommitment) revert InputCommitmentMismatch();
        if (keccak256(output) != keccak256(abi.encode(statement[7]))) revert OutputMismatch();
        if (!verifier.verify(statement, points)) revert InvalidProof();
        emit InferenceVerified(modelId, inputCommitment, output, msg.sender);
    }
}
