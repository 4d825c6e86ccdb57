//! The circuits of recorded models by lookups: satisfied by the executor's values, by no other, and cheaper than by bits.

use std::path::Path;

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    execute,
    import::{self, Imported},
    r1cs::{Checker, CircuitWitness, Fr, RangeChecks, Synthesizer, public_inputs},
};

fn model(name: &str) -> Imported {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../test-vectors/models").join(name).join("int8_qop.onnx");
    import::import_file(&path).unwrap()
}

#[test]
fn the_executors_values_satisfy_and_lookups_are_cheaper() {
    for name in ["digits_mlp", "digits_cnn", "lenet_mnist"] {
        let model = model(name);
        for disclosure in [Disclosure::Raw, Disclosure::Argmax] {
            let circuit = Circuit::new(&model.graph, disclosure).unwrap();
            let by_bits = Synthesizer::new(&circuit, RangeChecks::Bits).unwrap().cost().unwrap();
            let synthesizer = Synthesizer::new(&circuit, RangeChecks::Lookups).unwrap();
            let cost = synthesizer.cost().unwrap();
            assert!(cost.constraints <= by_bits.constraints);
            let info = model.graph.input_info();
            let input: Vec<i16> =
                (0..info.elements()).map(|i| ((i * 37 % 256) as i32 + info.quant.dtype.min()) as i16).collect();
            let output = execute::run(&model.graph, &input).unwrap();
            let witness =
                CircuitWitness { input, input_salt: Fr::from(5u64), output_salt: Fr::from(6u64), policy: None };
            let public = public_inputs(&circuit, &witness, &output, Fr::from(7u64));
            let mut checker = Checker::new(&[&public[..], &[Fr::from(1u64 << 60)]].concat());
            synthesizer.synthesize(&public, Some(&witness), &mut checker).unwrap();
            assert_eq!(checker.failures, []);
            assert_eq!(checker.constraints, cost.constraints);
        }
    }
}
