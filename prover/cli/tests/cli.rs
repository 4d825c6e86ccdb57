//! The command line, as a script sees it: exit codes, JSON on stdout, files that are whole or absent.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors/models")
}

fn model(name: &str) -> String {
    models().join(name).join("int8_qop.onnx").display().to_string()
}

fn inputs(name: &str) -> String {
    models().join(name).join("inputs.npy").display().to_string()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_avouch")).args(arguments).output().unwrap()
}

/// Runs with `--json`: the exit code, and the one object on stdout.
fn json(arguments: &[&str]) -> (i32, Value) {
    let output = run(&[arguments, &["--json"]].concat());
    let stdout = String::from_utf8(output.stdout).unwrap();
    let value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{arguments:?}: {e}: {stdout}"));
    (output.status.code().unwrap(), value)
}

/// Runs what must fail: its kind and message, after a check that people are told the same, and soon.
fn fails(code: i32, arguments: &[&str]) -> (String, String) {
    let start = Instant::now();
    let (found, value) = json(arguments);
    assert!(start.elapsed() < Duration::from_secs(2), "{arguments:?} took {:?}", start.elapsed());
    let error = &value["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{arguments:?}: {value}")).to_string();
    assert_eq!(found, code, "{arguments:?}: {value}");
    assert!(!text("message").is_empty() && !text("message").contains('\n'), "{value}");
    let people = run(arguments);
    assert_eq!(people.status.code(), Some(code));
    assert!(people.stdout.is_empty(), "{arguments:?}");
    assert!(String::from_utf8_lossy(&people.stderr).contains(&text("message")), "{arguments:?}: {people:?}");
    (text("kind"), text("message"))
}

/// Keys and a proof of `digits_mlp`, made once.
struct Made {
    dir: TempDir,
}

impl Made {
    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }
}

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let made = Made { dir: TempDir::new().unwrap() };
        let (code, setup) = json(&["setup", &model("digits_mlp"), "--keys", &made.path("keys")]);
        assert_eq!((code, setup["setup"].as_str()), (0, Some("dev")), "{setup}");
        let (code, proof) =
            prove(&made, &["--proof", &made.path("proof"), "--context", CONTEXT, "--opening", &made.path("opening")]);
        assert_eq!(code, 0, "{proof}");
        made
    })
}

const CONTEXT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn prove(made: &Made, more: &[&str]) -> (i32, Value) {
    let (model, inputs, keys) = (model("digits_mlp"), inputs("digits_mlp"), made.path("keys"));
    json(&[&["prove", &model, "--keys", &keys, "--input", &inputs, "--sample", "2"], more].concat())
}

fn verify<'a>(made: &Made, proof: &'a str, more: &[&'a str]) -> Vec<String> {
    let fixed = ["verify", "--key", &made.path("keys"), "--proof", proof].map(String::from);
    fixed.into_iter().chain(more.iter().map(ToString::to_string)).collect()
}

fn strs(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn the_claim_of_a_proof_is_what_the_executor_says() {
    let made = made();
    let (code, ran) = json(&["run", &model("digits_mlp"), "--input", &inputs("digits_mlp")]);
    assert_eq!(code, 0);
    let integers: Vec<i64> = ran["integers"][2].as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect();
    let expected = integers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");

    let proof = made.path("proof");
    let output = format!("--expect-output={expected}");
    let model_id = ran["model_id"].as_str().unwrap();
    let arguments =
        verify(made, &proof, &["--allow-dev-setup", &output, "--expect-model", model_id, "--expect-context", CONTEXT]);
    let (code, verified) = json(&strs(&arguments));
    assert_eq!((code, &verified["accepted"]), (0, &Value::Bool(true)), "{verified}");
    assert_eq!(verified["claim"]["output"]["integers"], ran["integers"][2]);
    assert_eq!(verified["claim"]["output"]["outputs"], ran["outputs"][2]);
    assert_eq!(verified["claim"]["key_provenance"], "dev");
    assert_eq!(verified["claim"]["context_bound"], true);
    let open = |name: &str| verified["acceptance"]["not_checked"].as_array().unwrap().iter().any(|n| n["name"] == name);
    assert!(open("setup") && open("model_claimed_by_key") && open("input_origin") && !open("context"));
    // And for people.
    let people = run(&strs(&arguments));
    assert!(people.status.success() && String::from_utf8_lossy(&people.stdout).contains("the proof verifies"));
}

#[test]
fn every_unmet_condition_is_exit_code_1() {
    let made = made();
    let proof = made.path("proof");
    let zeros = "0".repeat(64);
    let unmet: [&[&str]; 7] = [
        &["--expect-output=1,2,3,4,5,6,7,8,9,10"],
        &["--expect-model", &zeros],
        &["--expect-context", &zeros],
        &["--expect-policy", &zeros],
        &["--expect-root", &CONTEXT.replace("00", "01")],
        &["--max-delay", "60"],
        &["--max-delay", "60", "--skew", "5"],
    ];
    for more in unmet {
        let arguments = verify(made, &proof, &[&["--allow-dev-setup"], more].concat());
        let (kind, _) = fails(1, &strs(&arguments));
        assert_eq!(kind, "unmet", "{more:?}");
    }
    // The key.
    assert_eq!(fails(1, &strs(&verify(made, &proof, &[]))).0, "key_refused");
    assert_eq!(fails(1, &strs(&verify(made, &proof, &["--allow-dev-setup", "--expect-vk", &zeros]))).0, "key_refused");
    let (_, manifest) = json(&strs(&verify(made, &proof, &["--allow-dev-setup"])));
    let digest = manifest["claim"]["vk_digest"].as_str().unwrap();
    let (code, _) = json(&strs(&verify(made, &proof, &["--allow-dev-setup", "--expect-vk", digest])));
    assert_eq!(code, 0);
    // A pinned digest never admits a development key.
    assert_eq!(fails(1, &strs(&verify(made, &proof, &["--expect-vk", digest]))).0, "key_refused");
}

#[test]
fn a_bad_proof_file_is_1_and_a_bad_key_or_usage_is_2() {
    let made = made();
    let good = fs::read(made.path("proof")).unwrap();
    let file = made.path("changed");
    let check = |bytes: &[u8], kind: &str| {
        fs::write(&file, bytes).unwrap();
        assert_eq!(fails(1, &strs(&verify(made, &file, &["--allow-dev-setup"]))).0, kind);
    };
    check(b"", "malformed_proof");
    check(&good[..good.len() - 1], "malformed_proof");
    check(&[&good[..], &[0]].concat(), "malformed_proof");
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    check(&flipped(0), "malformed_proof");
    check(&flipped(37), "rejected");
    // The envelope's key digest: after the statement, magic, version and system.
    check(&flipped(4 + 2 + 256 + 4 + 2 + 16), "other_key");

    let proof = made.path("proof");
    let broken = made.path("broken.key");
    for bytes in [&b""[..], b"AVVK", &[0; 300]] {
        fs::write(&broken, bytes).unwrap();
        assert_eq!(fails(2, &["verify", "--key", &broken, "--proof", &proof, "--allow-dev-setup"]).0, "file");
    }
    assert_eq!(fails(2, &["verify", "--key", &made.path("none"), "--proof", &proof]).0, "file");
    assert_eq!(fails(2, &["verify", "--key", &made.path("keys"), "--proof", &made.path("none")]).0, "file");
    assert_eq!(fails(2, &["verify", "--proof", &proof]).0, "usage");
    assert_eq!(fails(2, &["frobnicate"]).0, "usage");
    assert_eq!(fails(2, &strs(&verify(made, &proof, &["--allow-dev-setup", "--expect-output", "seven"]))).0, "usage");
    assert_eq!(fails(2, &strs(&verify(made, &proof, &["--expect-vk", "12"]))).0, "usage");
}

#[test]
fn bad_input_is_refused_before_any_work() {
    let made = made();
    let (model, keys, proof) = (model("digits_mlp"), made.path("keys"), made.path("unwritten"));
    let path = |name: &str, bytes: &[u8]| {
        let path = made.path(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let short = path("short.json", b"[1, 2, 3]");
    let text = path("text.json", b"hello");
    let nan = path("nan.json", format!("[{}1e999]", "0,".repeat(63)).as_bytes());
    let other = path("other.txt", b"[]");
    let npy = path("broken.npy", b"\x93NUMPY\x01\x00\xff\xff");
    for input in [&short, &text, &nan, &other, &npy, &made.path("none.npy")] {
        for verb in ["prove", "run", "commit"] {
            let keys: &[&str] = if verb == "prove" { &["--keys", &keys, "--proof", &proof] } else { &[] };
            let opening: &[&str] = if verb == "commit" { &["--opening", &proof] } else { &[] };
            let (kind, _) = fails(2, &[&[verb, &model, "--input", input], keys, opening].concat());
            assert_eq!(kind, "input", "{verb} {input}");
        }
    }
    let all = inputs("digits_mlp");
    let base = ["prove", &model, "--keys", &keys, "--input", &all];
    let (_, message) = fails(2, &[&base[..], &["--proof", &proof]].concat());
    assert!(message.contains("32 samples"), "{message}");
    fails(2, &[&base[..], &["--proof", &proof, "--sample", "32"]].concat());
    let one = [&base[..], &["--sample", "0"]].concat();
    assert_eq!(fails(2, &[&one[..], &["--proof", &proof, "--max-memory", "1M"]].concat()).0, "memory");
    assert_eq!(fails(2, &[&one[..], &["--proof", &proof, "--context", "12"]].concat()).0, "usage");
    assert_eq!(fails(2, &[&one[..], &["--proof", &proof, "--threads", "0"]].concat()).0, "usage");
    assert_eq!(fails(2, &[&one[..], &["--proof", &made.path("no/such/folder/p")]].concat()).0, "file");
    let dir = made.dir.path().display().to_string();
    assert_eq!(fails(2, &[&one[..], &["--proof", &dir]].concat()).0, "file");

    // Another model than the keys'.
    let (kind, _) = fails(
        2,
        &[
            "prove",
            &self::model("digits_mlp_matmul"),
            "--keys",
            &keys,
            "--input",
            &all,
            "--sample",
            "0",
            "--proof",
            &proof,
        ],
    );
    assert_eq!(kind, "wrong_key");
    assert!(!Path::new(&proof).exists());

    // Models.
    for (name, bytes) in [("empty.onnx", &b""[..]), ("text.onnx", b"hello"), ("zeros.onnx", &[0; 100])] {
        let model = path(name, bytes);
        for arguments in
            [vec!["inspect", &model], vec!["run", &model, "--input", &all], vec!["setup", &model, "--keys", &proof]]
        {
            fails(2, &arguments);
        }
    }
    let float = models().join("digits_mlp/float.onnx").display().to_string();
    let (kind, _) = fails(2, &["inspect", &float]);
    assert_eq!(kind, "unsupported");
    assert!(!Path::new(&proof).exists());
}

#[test]
fn setup_refuses_a_folder_in_use_and_what_cannot_be_disclosed() {
    let made = made();
    let before = fs::read(made.path("keys/verifying.key")).unwrap();
    assert_eq!(fails(2, &["setup", &model("digits_mlp"), "--keys", &made.path("keys")]).0, "file");
    for disclose in ["everything", "threshold=1", "threshold=x:1"] {
        assert_eq!(
            fails(2, &["setup", &model("digits_mlp"), "--keys", &made.path("k2"), "--disclose", disclose]).0,
            "usage"
        );
    }
    fails(2, &["setup", &model("digits_mlp"), "--keys", &made.path("k2"), "--disclose", "threshold=10:0"]);
    fails(2, &["setup", &model("digits_mlp"), "--keys", &made.path("k2"), "--system", "none"]);
    assert!(!Path::new(&made.path("k2")).exists());
    assert_eq!(fs::read(made.path("keys/verifying.key")).unwrap(), before);
}

#[test]
fn every_disclosure_is_proven() {
    let made = made();
    let (_, ran) = json(&["run", &model("digits_mlp"), "--input", &inputs("digits_mlp")]);
    let y: Vec<i64> = ran["integers"][2].as_array().unwrap().iter().map(|v| v.as_i64().unwrap()).collect();
    let class = (0..y.len()).fold(0, |best, i| if y[i] > y[best] { i } else { best });
    let reached = format!("threshold=3:{}", y[3]);
    let missed = format!("threshold=3:{}", y[3] + 1);
    for (disclose, output) in [("argmax", class.to_string()), (&*reached, "1".into()), (&*missed, "0".into())] {
        let keys = made.path(&format!("keys-{output}-{}", disclose.len()));
        let (code, _) =
            json(&["setup", &model("digits_mlp"), "--keys", &keys, "--disclose", disclose, "--seed", CONTEXT]);
        assert_eq!(code, 0);
        let proof = format!("{keys}.proof");
        let (code, value) = json(&[
            "prove",
            &model("digits_mlp"),
            "--keys",
            &keys,
            "--input",
            &inputs("digits_mlp"),
            "--sample",
            "2",
            "--proof",
            &proof,
        ]);
        assert_eq!(code, 0, "{value}");
        let (code, _) =
            json(&["verify", "--key", &keys, "--proof", &proof, "--allow-dev-setup", "--expect-output", &output]);
        assert_eq!(code, 0);
        let other = if output == "0" { "1" } else { "0" };
        fails(1, &["verify", "--key", &keys, "--proof", &proof, "--allow-dev-setup", "--expect-output", other]);
    }
}

#[test]
fn commitments_open_and_can_be_fixed_beforehand() {
    let made = made();
    let (proof, opening) = (made.path("proof"), made.path("opening"));
    let (code, opened) = json(&["open", "--opening", &opening, "--proof", &proof]);
    assert_eq!((code, opened["opened"][0]["role"].as_str()), (0, Some("input")));

    let (model, all, first) = (model("digits_mlp"), inputs("digits_mlp"), made.path("first.opening"));
    let (code, committed) = json(&["commit", &model, "--input", &all, "--sample", "2", "--opening", &first]);
    assert_eq!(code, 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&first).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(&opening).unwrap().permissions().mode() & 0o777, 0o600);
    }
    // The opening of another commitment to the same input.
    assert_eq!(fails(1, &["open", "--opening", &first, "--proof", &proof]).0, "other_opening");
    let second = made.path("second.proof");
    let (code, proven) = prove(made, &["--proof", &second, "--input-opening", &first]);
    assert_eq!(code, 0, "{proven}");
    assert_eq!(proven["claim"]["statement"]["input_commitment"], committed["input_commitment"]);
    assert_eq!(json(&["open", "--opening", &first, "--proof", &second]).0, 0);
    // Of another input.
    let keys = made.path("keys");
    let arguments = [
        "prove",
        &model,
        "--keys",
        &keys,
        "--input",
        &all,
        "--sample",
        "3",
        "--proof",
        &second,
        "--input-opening",
        &first,
    ];
    assert_eq!(fails(2, &arguments).0, "wrong_opening");
}

#[test]
fn contexts_have_both_forms() {
    let word = "07".repeat(32);
    let address = "ab".repeat(20);
    let (code, evm) = json(&[
        "context",
        "evm",
        "--chain-id",
        "1",
        "--hub",
        &address,
        "--task-id",
        &word,
        "--recipient",
        &address,
        "--deadline",
        "5",
    ]);
    assert_eq!(code, 0);
    let (_, generic) = json(&[
        "context",
        "generic",
        "--chain",
        "net",
        "--hub",
        "hub",
        "--task-id",
        "0x07",
        "--recipient",
        "node",
        "--deadline",
        "5",
    ]);
    for answer in [&evm, &generic] {
        let (context, slot) = (answer["context"].as_str().unwrap(), answer["slot"].as_str().unwrap());
        assert_eq!(format!("00{}", &context[..62]), slot);
    }
    assert_ne!(evm["context"], generic["context"]);
    fails(
        2,
        &[
            "context",
            "generic",
            "--chain",
            "0xzz",
            "--hub",
            "h",
            "--task-id",
            "t",
            "--recipient",
            "r",
            "--deadline",
            "5",
        ],
    );
}

fn batch(made: &Made, input: &str, more: &[&str]) -> Vec<String> {
    let fixed = ["prove", &model("digits_mlp"), "--keys", &made.path("keys"), "--input", input, "--batch"];
    fixed.into_iter().chain(more.iter().copied()).map(String::from).collect()
}

#[test]
fn a_batch_proves_every_sample_with_one_key_load() {
    let made = made();
    let (proofs, openings) = (made.path("batch/proofs"), made.path("batch/openings"));
    let (_, ran) = json(&["run", &model("digits_mlp"), "--input", &inputs("digits_mlp")]);
    for jobs in ["1", "3"] {
        let more = ["--samples", "5..8,2", "--jobs", jobs, "--proof", &proofs, "--opening", &openings];
        let (code, answer) = json(&strs(&batch(made, &inputs("digits_mlp"), &more)));
        assert_eq!((code, &answer["proven"], &answer["failed"]), (0, &4.into(), &0.into()), "{answer}");
        assert!(answer["proofs_per_second"].as_f64().unwrap() > 0.0);
        let samples = answer["samples"].as_array().unwrap();
        assert_eq!(samples.len(), 4);
        for (entry, sample) in samples.iter().zip([2, 5, 6, 7]) {
            assert_eq!(entry["sample"], sample);
            assert_eq!(entry["claim"]["output"]["integers"], ran["integers"][sample]);
            assert!(entry["times"]["total_s"].as_f64().unwrap() > 0.0);
            let (proof, opening) = (format!("{proofs}/{sample}.proof"), format!("{openings}/{sample}.opening"));
            assert_eq!(json(&strs(&verify(made, &proof, &["--allow-dev-setup"]))).0, 0);
            assert_eq!(json(&["open", "--opening", &opening, "--proof", &proof]).0, 0);
        }
        assert_eq!(fs::read_dir(&proofs).unwrap().count(), 4);
    }
    // For people: a line for each, as it is done.
    let people = run(&strs(&batch(made, &inputs("digits_mlp"), &["--samples", "0..2", "--proof", &proofs])));
    let lines = String::from_utf8(people.stdout).unwrap();
    assert!(["sample 0 in", "sample 1 in", "2 of 2 samples proven"].iter().all(|l| lines.contains(l)), "{lines}");
}

#[test]
fn a_failed_sample_does_not_lose_the_others() {
    let made = made();
    let (proofs, input) = (made.path("lossy"), made.path("three.json"));
    let sample = |first: &str| format!("[{first}{}]", ",0".repeat(63));
    fs::write(&input, format!("[{},{},{}]", sample("1"), sample("1e300"), sample("2"))).unwrap();
    let (code, answer) = json(&strs(&batch(made, &input, &["--proof", &proofs])));
    assert_eq!((code, &answer["error"]["kind"]), (2, &"batch".into()), "{answer}");
    assert_eq!((&answer["proven"], &answer["failed"]), (&2.into(), &1.into()));
    assert_eq!(answer["samples"][1]["error"]["kind"], "input");
    assert!(answer["samples"][1]["error"]["message"].as_str().unwrap().contains("element 64"), "{answer}");
    // A file that cannot be written.
    fs::create_dir(format!("{proofs}/1.proof")).unwrap();
    let (code, answer) = json(&strs(&batch(made, &inputs("digits_mlp"), &["--samples", "0..3", "--proof", &proofs])));
    assert_eq!((code, &answer["samples"][1]["error"]["kind"]), (2, &"file".into()), "{answer}");
    for sample in [0, 2] {
        let proof = format!("{proofs}/{sample}.proof");
        assert_eq!(json(&strs(&verify(made, &proof, &["--allow-dev-setup"]))).0, 0);
    }
    // Alone, the bad sample loses the file.
    assert_eq!(fails(2, &["run", &model("digits_mlp"), "--input", &input]).0, "input");
}

#[test]
fn a_batch_that_cannot_be_made_is_refused_before_any_work() {
    let made = made();
    let (all, proofs) = (inputs("digits_mlp"), made.path("never"));
    let refused = |more: &[&str]| fails(2, &strs(&batch(made, &all, &[&["--proof", &proofs], more].concat()))).0;
    for list in ["", "3..3", "5..2", "a", "1,", "-1", "0..99999999999999999999"] {
        assert_eq!(refused(&[&format!("--samples={list}")]), "usage", "{list}");
    }
    assert_eq!(refused(&["--samples", "30..33"]), "file");
    assert_eq!(refused(&["--samples", "18446744073709551614"]), "file");
    assert_eq!(refused(&["--jobs", "0"]), "usage");
    assert_eq!(refused(&["--sample", "1"]), "usage");
    assert_eq!(refused(&["--input-opening", &made.path("opening")]), "usage");
    assert!(!Path::new(&proofs).exists());
    assert_eq!(refused(&["--max-memory", "1M"]), "memory");
    // The memory of one proof is not that of twenty.
    let (_, inspected) = json(&["inspect", &model("digits_mlp")]);
    let one = inspected["systems"][0]["estimates"]["prove_memory_bytes"].to_string();
    assert_eq!(refused(&["--max-memory", &one, "--jobs", "20"]), "memory");
    let (code, answer) =
        json(&strs(&batch(made, &all, &["--proof", &proofs, "--samples", "0..4", "--max-memory", &one])));
    assert_eq!((code, &answer["jobs"]), (0, &1.into()), "{answer}");
    let (kind, _) =
        fails(2, &["prove", &model("digits_mlp"), "--keys", "k", "--input", &all, "--jobs", "2", "--proof", "p"]);
    assert_eq!(kind, "usage");
}

#[test]
fn outputs_are_written_in_the_models_type() {
    let made = made();
    let path = made.path("out.npy");
    let (code, _) = json(&["run", &model("digits_cnn"), "--input", &inputs("digits_cnn"), "--output", &path]);
    assert_eq!(code, 0);
    let recorded = fs::read(models().join("digits_cnn/out_int8_qop.npy")).unwrap();
    let written = fs::read(&path).unwrap();
    // Headers may be padded differently; the data is the same to the bit.
    let data = 32 * 10 * 4;
    assert_eq!(written[written.len() - data..], recorded[recorded.len() - data..]);
}

#[test]
fn inspect_counts_what_setup_uses() {
    let made = made();
    let (code, inspected) = json(&["inspect", &model("digits_mlp")]);
    assert_eq!(code, 0);
    let system = &inspected["systems"][0];
    let layers = &system["layers"];
    let nodes: u64 = layers["nodes"].as_array().unwrap().iter().map(|n| n.as_u64().unwrap()).sum();
    let sum = nodes + layers["input"].as_u64().unwrap() + layers["output"].as_u64().unwrap();
    assert_eq!(system["constraints"].as_u64(), Some(sum));
    let (_, proven) = prove(made, &["--proof", &made.path("again")]);
    assert_eq!(proven["constraints"], system["constraints"]);
    let key = fs::metadata(made.path("keys/proving.key")).unwrap().len();
    assert!(key.abs_diff(system["proving_key_bytes"].as_u64().unwrap()) < 1024);
    for phase in ["load_s", "witness_s", "fft_s", "msm_s", "self_check_s", "total_s"] {
        assert!(proven["times"][phase].as_f64().unwrap() > 0.0, "{phase}");
    }
    assert_eq!(proven["proof_bytes"], 128);
    assert!(proven["envelope_bytes"].as_u64().unwrap() <= 320);
}

/// What needs no trust in a setup, from the model to the claim.
#[test]
fn a_transparent_key_is_derived_by_whoever_verifies() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let (model, inputs, keys, proof, opening) =
        (model("digits_mlp"), inputs("digits_mlp"), path("keys"), path("proof"), path("opening"));
    let system = ["--system", "halo2-ipa-pasta:v1"];
    let (code, setup) = json(&[&["setup", &model, "--keys", &keys][..], &system].concat());
    assert_eq!((code, setup["setup"].as_str()), (0, Some("transparent")), "{setup}");
    let (_, inspected) = json(&["inspect", &model]);
    let priced = inspected["systems"].as_array().unwrap().iter().find(|s| s["system"] == setup["system"]).unwrap();
    for size in ["k", "lanes", "terms", "rows", "wide_rows", "narrow_rows", "table_rows", "advice_columns"] {
        assert!(setup[size].is_u64() && setup[size] == priced[size], "{size}");
    }
    assert!(setup["proving_key_bytes"].is_null() && priced["proving_key_bytes"].is_null());
    assert!(!fs::exists(path("keys/proving.key")).unwrap());

    let (code, _) =
        json(&[&["commit", &model, "--input", &inputs, "--sample", "2", "--opening", &opening][..], &system].concat());
    assert_eq!(code, 0);
    let sample = ["--input", &inputs, "--sample", "2", "--input-opening", &opening, "--proof", &proof];
    let (code, proven) = json(&[&["prove", &model, "--keys", &keys][..], &sample].concat());
    assert_eq!(code, 0, "{proven}");
    let bytes = fs::read(&proof).unwrap();
    assert_eq!(proven["file_bytes"].as_u64(), Some(bytes.len() as u64));
    assert_eq!(json(&["open", "--opening", &opening, "--proof", &proof]).0, 0);

    // No flag, and no parameters beside the key: both are derived.
    let alone = path("verifying.key");
    fs::copy(path("keys/verifying.key"), &alone).unwrap();
    for key in [&keys, &alone] {
        let (code, verified) = json(&["verify", "--key", key, "--proof", &proof]);
        assert_eq!((code, &verified["accepted"]), (0, &Value::Bool(true)), "{verified}");
        assert_eq!(verified["claim"]["key_provenance"], "rederived");
        assert_eq!(verified["claim"]["statement"], proven["claim"]["statement"]);
        assert!(verified["times"]["key_s"].as_f64().unwrap() > 0.0);
    }
    let (_, ran) = json(&["run", &model, "--input", &inputs]);
    assert_eq!(proven["claim"]["output"]["integers"], ran["integers"][2]);

    // A proof that was changed; parameters that somebody else made; a key with another model in it.
    let mut forged = bytes.clone();
    *forged.last_mut().unwrap() ^= 1;
    fs::write(&proof, &forged).unwrap();
    assert_eq!(json(&["verify", "--key", &keys, "--proof", &proof]).0, 1);
    fs::write(&proof, &bytes).unwrap();
    let mut parameters = fs::read(path("keys/parameters")).unwrap();
    parameters[40] ^= 1;
    fs::write(path("keys/parameters"), parameters).unwrap();
    let (code, refused) = json(&["verify", "--key", &keys, "--proof", &proof]);
    assert_eq!((code, refused["error"]["kind"].as_str()), (2, Some("file")), "{refused}");
    let mut key = fs::read(&alone).unwrap();
    let last = key.len() - 1;
    key[last] ^= 1;
    fs::write(&alone, key).unwrap();
    let (code, refused) = json(&["verify", "--key", &alone, "--proof", &proof]);
    assert_ne!(code, 0);
    assert!(refused["claim"].is_null(), "{refused}");
}

#[test]
fn parameters_are_derived_anew_and_compared() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("parameters").display().to_string();
    let (code, derived) = json(&["parameters", "6", "--output", &file]);
    assert_eq!((code, derived["k"].as_u64()), (0, Some(6)), "{derived}");
    assert_eq!(derived["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(fs::metadata(&file).unwrap().len(), 4 + 64 * 64 + 64);
    let (kind, message) = fails(2, &["parameters", "40"]);
    assert!(kind == "usage" && message.contains("k = 40"), "{message}");
}

#[test]
fn help_has_examples_for_every_verb() {
    for verb in ["demo", "inspect", "run", "setup", "prove", "verify", "commit", "context", "open", "parameters"] {
        let help = run(&[verb, "--help"]);
        assert!(help.status.success());
        assert!(String::from_utf8_lossy(&help.stdout).contains(&format!("  avouch {verb}")), "{verb}");
    }
}

#[test]
fn the_demo_tells_the_story_and_uses_its_keys_again() {
    let made = made();
    let keys = made.path("demo-keys");
    let (code, first) = json(&["demo", "--keys", &keys]);
    assert_eq!(code, 0, "{first}");
    assert_eq!(first["rejected"].as_array().unwrap().len(), 4);
    let clauses: Vec<&str> =
        first["refused"].as_array().unwrap().iter().map(|r| r["clause"].as_str().unwrap()).collect();
    assert_eq!(clauses, ["consent_tree", "device_tree", "window", "geofence", "subject"]);
    assert_eq!(first["nullifier_again"], first["claim"]["statement"]["nullifier"]);
    assert!(first["acceptance"]["conditions"].as_array().unwrap().iter().all(|c| c["met"] == true));
    let digest = first["claim"]["vk_digest"].clone();
    let (_, second) = json(&["demo", "--keys", &keys, "--sample", "1"]);
    assert_eq!(second["claim"]["vk_digest"], digest);
    assert_ne!(second["claim"]["statement"]["input_commitment"], first["claim"]["statement"]["input_commitment"]);
    fails(2, &["demo", "--keys", &keys, "--sample", "1000"]);
}

/// Starts a command, interrupts it once there is a file in the folder, and waits: its exit code and JSON object.
#[cfg(unix)]
fn interrupt(folder: &Path, arguments: &[&str]) -> (i32, Value) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_avouch"))
        .args(arguments)
        .arg("--json")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while fs::read_dir(folder).unwrap().next().is_none() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let code = child.wait().unwrap().code().unwrap();
    (code, serde_json::from_reader(child.stdout.take().unwrap()).unwrap())
}

#[cfg(unix)]
#[test]
fn an_interrupt_leaves_nothing_behind() {
    let folder = made().dir.path().join("interrupted");
    fs::create_dir(&folder).unwrap();
    let keys = folder.join("keys").display().to_string();
    // Once the staging folder is there, the work has begun.
    let (code, output) = interrupt(&folder, &["setup", &model("lenet_mnist"), "--keys", &keys]);
    assert_eq!((code, &output["error"]["kind"]), (2, &"interrupted".into()), "{output}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "something was left behind");
}

#[cfg(unix)]
#[test]
fn an_interrupted_batch_keeps_what_is_proven() {
    let made = made();
    let (proofs, input) = (made.path("some"), made.path("many.json"));
    fs::create_dir(&proofs).unwrap();
    let sample = format!("[0{}]", ",0".repeat(63));
    fs::write(&input, format!("[{}]", vec![sample; 3000].join(","))).unwrap();
    let (code, output) =
        interrupt(Path::new(&proofs), &strs(&batch(made, &input, &["--jobs", "2", "--proof", &proofs])));
    assert_eq!((code, &output["error"]["kind"]), (2, &"interrupted".into()), "{output}");
    let [proven, not_begun] = ["proven", "not_begun"].map(|name| output[name].as_u64().unwrap());
    assert!(proven > 0 && not_begun > 0, "{output}");
    let files: Vec<PathBuf> = fs::read_dir(&proofs).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(files.len() as u64, proven, "{files:?}");
    for file in files.iter().take(3) {
        let file = file.display().to_string();
        assert_eq!(json(&strs(&verify(made, &file, &["--allow-dev-setup"]))).0, 0, "{file}");
    }
}
