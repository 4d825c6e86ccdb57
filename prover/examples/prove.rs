//! Import → setup → prove → verify: `prove MODEL.onnx INPUT.npy`, proving the first sample.

use std::{env, error::Error};

use avouch_circuits::circuit::{Circuit, Disclosure};
use avouch_circuits::import::import_file;
use avouch_prover::input::{InputSpec, read};
use avouch_prover::{Prover, Request, setup};
use avouch_verifier::{KeyPolicy, SystemId, verify};

#[allow(clippy::print_stdout)]
fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = env::args().collect();
    let [_, model, input] = args.as_slice() else { return Err("usage: prove MODEL.onnx INPUT.npy".into()) };
    let model = import_file(model.as_ref())?;
    let samples = read(input.as_ref(), &InputSpec::of(&model))?;

    let circuit = Circuit::new(&model.graph, Disclosure::Argmax)?;
    let keys = setup(SystemId::Groth16Bn254, &model.graph, &circuit, "example", None, &())?;
    let verifying_key = keys.verifying.clone();
    let prover = Prover::new(&model.graph, &circuit, keys)?;
    let proof = prover.prove(&samples[0], &Request::default(), &())?.file.encode();

    let key = KeyPolicy { allow_dev: true, expect_vk: None }.admit(verifying_key)?;
    println!("{} bytes prove: {}", proof.len(), verify(&key, &proof)?.output());
    Ok(())
}
