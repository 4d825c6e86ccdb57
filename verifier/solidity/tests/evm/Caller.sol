// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity ^0.8.24;

import {IAvouchVerifier} from "./IAvouchVerifier.sol";

/// Demands something of a claim, as contracts do: verifies it, and compares a slot.
contract Caller {
    enum Verdict {
        Rejected,
        Accepted,
        Unmet
    }

    function accept(
        IAvouchVerifier verifier,
        uint256 slot,
        uint256 value,
        uint256[8] calldata statement,
        bytes calldata proof
    ) external view returns (Verdict) {
        if (!verifier.verify(statement, proof)) return Verdict.Rejected;
        return statement[slot] == value ? Verdict.Accepted : Verdict.Unmet;
    }
}
