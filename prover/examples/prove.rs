//! Sets up, proves and verifies one sample of a model: `prove FOLDER` writes `verifying.key` and `sample.proof` there.

use std::{env, error::Error, fs, path::Path};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    import,
};
use avouch_prover::{
    groth16::{Prover, Request, setup},
    input::{self, InputSpec},
};
use avouch_verifier::{KeyPolicy, verify};

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args().nth(1).ok_or("usage: prove FOLDER")?;
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/models/digits_mlp");
    let model = import::import_file(&files.join("int8_qop.onnx"))?;
    let samples = input::read(&files.join("inputs.npy"), &InputSpec::of(&model))?;

    let circuit = Circuit::new(&model.graph, Disclosure::Argmax)?;
    let keys = setup(&circuit, "digits_mlp", None, &())?;
    let verifying = keys.verifying.clone();
    let prover = Prover::new(&model.graph, &circuit, keys)?;
    let proof = prover.prove(&samples[0], &Request { context: [7; 32], ..Request::default() }, &())?;

    fs::create_dir_all(&folder)?;
    fs::write(Path::new(&folder).join("verifying.key"), verifying.encode())?;
    fs::write(Path::new(&folder).join("sample.proof"), proof.file.encode())?;

    let key = KeyPolicy { allow_dev: true, expect_vk: None }.admit(verifying)?;
    let claim = verify(&key, &proof.file.encode())?;
    println!("{}; proven in {:.2} s", claim.output(), proof.times.total);
    Ok(())
}
