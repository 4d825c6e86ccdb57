//! Verifies a proof file: `verify VERIFYING_KEY PROOF [KEY_DIGEST_HEX]`. Without a digest, only development keys pass.

use std::{env, error::Error, fs, process::ExitCode};

use avouch_verifier::{KeyPolicy, VerifiedClaim, VerifyingKey, verify};

fn claim(key: &str, proof: &str, digest: Option<&str>) -> Result<VerifiedClaim, Box<dyn Error>> {
    let mut expect_vk = digest.map(|_| [0; 32]);
    if let (Some(text), Some(bytes)) = (digest, &mut expect_vk) {
        hex::decode_to_slice(text, bytes).map_err(|e| format!("key digest: {e}"))?;
    }
    let policy = KeyPolicy { allow_dev: expect_vk.is_none(), expect_vk };
    let key = policy.admit(VerifyingKey::decode(&fs::read(key)?)?)?;
    Ok(verify(&key, &fs::read(proof)?)?)
}

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let [key, proof, digest @ ..] = args.as_slice() else { return ExitCode::from(2) };
    match claim(key, proof, digest.first().map(String::as_str)) {
        Ok(claim) => println!("{}; model {}", claim.output(), hex::encode(claim.model_id())),
        Err(e) => {
            eprintln!("not verified: {e}");
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}
