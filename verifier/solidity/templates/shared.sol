
    /// Adds scalar · (x, y) to the first two words of `sum`; the others are scratch.
    function _add(uint256[4] memory sum, uint256 x, uint256 y, uint256 scalar) private view returns (bool ok) {
        if (scalar == 0) return true;
        uint256[3] memory product = [x, y, scalar];
        assembly ("memory-safe") {
            ok := staticcall(MUL_GAS, 7, product, 96, add(sum, 64), 64)
            ok := and(staticcall(ADD_GAS, 6, sum, 128, sum, 64), ok)
        }
    }

    /// Whether the product of the pairings is one. An invalid point costs no more than the gas given here.
    function _pairing(uint256[{{words}}] memory pairs) private view returns (bool ok) {
        assembly ("memory-safe") {
            ok := staticcall(PAIRING_GAS, 8, pairs, {{bytes}}, 0, 32)
            ok := and(eq(mload(0), 1), and(ok, eq(returndatasize(), 32)))
        }
    }
