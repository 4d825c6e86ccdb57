//! The shapes of ERC-7992 and ERC-8274.

use avouch_solidity::Call;

use crate::{
    chain::{Chain, STRANGER, Word, address, encode_with},
    fixture::ALL,
};

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn erc_7992_reverts_or_is_valid() {
    for fixture in ALL.iter() {
        let mut chain = Chain::new();
        let verifier = chain.deploy(fixture.contract, &[]);
        let adapter = chain.deploy("Erc7992Adapter", &[address(verifier)]);
        let call = fixture.call([0; 32]);
        let mut verify = |model: Word, input: Word, output: &[u8], call: &Call| {
            let points = call.proof.concat();
            // abi.encode(uint256[8], bytes) without a selector.
            let proof = encode_with("", &call.statement, &[(points.len() as u128, points)]).split_off(4);
            let tails = [(output.len() as u128, output.to_vec()), (proof.len() as u128, proof)];
            let signature = "verifyInference(uint256,bytes32,bytes,bytes)";
            chain.call(STRANGER, adapter, 0, encode_with(signature, &[model, input], &tails))
        };
        let [_, model, .., input, output] = call.statement;
        let outcome = verify(model, input, &output, &call);
        assert!(outcome.result.is_ok_and(|data| data.is_empty()) && outcome.logs == 1);
        verify([1; 32], input, &output, &call).assert_error("ModelMismatch()");
        verify(model, [1; 32], &output, &call).assert_error("InputCommitmentMismatch()");
        verify(model, input, &[0; 32], &call).assert_error("OutputMismatch()");
        verify(model, input, &[&output[..], &[0]].concat(), &call).assert_error("OutputMismatch()");
        let mut forged = call.clone();
        forged.statement[0][31] ^= 1;
        verify(model, input, &output, &forged).assert_error("InvalidProof()");
    }
}

#[test]
#[ignore = "cargo xtask solidity installs the compiler"]
fn erc_8274_is_true_for_what_holds() {
    for fixture in ALL.iter() {
        let mut chain = Chain::new();
        let verifier = chain.deploy(fixture.contract, &[]);
        let adapter = chain.deploy("Erc8274Adapter", &[address(verifier)]);
        let call = fixture.call([0; 32]);
        let mut verify = |input: Word, output: Word, metadata: &[Word], proof: &[Word]| {
            let tails = [metadata, proof].map(|words| (32 * words.len() as u128, words.concat()));
            let data = encode_with("verify(bytes32,bytes32,bytes,bytes)", &[input, output], &tails);
            chain.call(STRANGER, adapter, 0, data).is_true()
        };
        let [.., input, output] = call.statement;
        assert!(verify(input, output, &call.statement, &call.proof));
        assert!(!verify([1; 32], output, &call.statement, &call.proof));
        assert!(!verify(input, [1; 32], &call.statement, &call.proof));
        assert!(!verify(input, output, &call.statement[..7], &call.proof));
        let mut forged = call.statement;
        forged[0][31] ^= 1;
        assert!(!verify(input, output, &forged, &call.proof));
        assert!(!verify(input, output, &call.statement, &call.proof[1..]));
    }
}
