//! The data policy from the command line: documents, keys, batches, the registry; and what a proof is prepared from.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use avouch_circuits::policy::{Clause, Window, evaluate};
use avouch_prover::policy::{Files, PrepareError, prepare};
use serde_json::{Value, json};
use tempfile::TempDir;

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../test-vectors/policy/example");
    folder.join(name).display().to_string()
}

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_avouch")).args(arguments).output().unwrap()
}

/// Runs with `--json` what must succeed, after a check that people get something to read as well.
fn json(arguments: &[&str]) -> Value {
    let output = run(&[arguments, &["--json"]].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Runs what must fail with exit code 2: its kind and message.
fn fails(arguments: &[&str]) -> (String, String) {
    let output = run(&[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    let value: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |name: &str| value["error"][name].as_str().unwrap().to_string();
    assert!(String::from_utf8_lossy(&output.stderr).contains(&text("message")));
    (text("kind"), text("message"))
}

const NOW: u64 = 1_764_070_000;
const FROM: &str = "1700000000";
const TO: &str = "1800000000";

/// A household: its device is registered, and its consent is in the registry.
struct Household {
    dir: TempDir,
}

impl Household {
    fn new() -> Self {
        let made = Self { dir: TempDir::new().unwrap() };
        let [key, registry, consent, record, policy] =
            ["device.key", "registry.json", "consent.json", "batch.json", "policy.json"].map(|n| made.path(n));
        json(&["registry", "init", "--registry", &registry]);
        let device = json(&["record", "keygen", "--key", &key]);
        made.add_device(&device, &[]);
        made.add_consent(&consent, "https://grid.example");
        let (schema, readings) = (example("schema.json"), example("readings.json"));
        json(&["record", "sign", &readings, "--schema", &schema, "--key", &key, "--record", &record]);
        json(&["policy", "compile", &example("policy.json"), "--schema", &schema, "--output", &policy]);
        made
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).display().to_string()
    }

    fn add_device(&self, device: &Value, more: &[&str]) -> Value {
        let text = |name: &str| device[name].as_str().unwrap().to_string();
        let (key, hash) = (text("key"), text("nullifier_key_hash"));
        let registry = self.path("registry.json");
        let fixed = ["registry", "add-device", "--registry", &registry, "--key", &key, "--nullifier-key-hash", &hash];
        json(&[&fixed[..], &["--class", "1", "--valid-from", FROM, "--valid-to", TO], more].concat())
    }

    fn add_consent(&self, opening: &str, controller: &str) -> Value {
        let readings: Value = serde_json::from_slice(&fs::read(example("readings.json")).unwrap()).unwrap();
        let subject = readings["subject"].as_str().unwrap();
        let (registry, notice) = (self.path("registry.json"), example("notice.txt"));
        let fixed =
            ["registry", "add-consent", "--registry", &registry, "--controller", controller, "--subject", subject];
        let terms = [
            "--purpose",
            "dpv:ServiceProvision",
            "--purpose",
            "dpv:ServiceOptimisation",
            "--purpose",
            "bit:31",
            "--category",
            "avouch:EnergyConsumption",
        ];
        let rest = ["--notice", &notice, "--valid-from", FROM, "--valid-to", TO, "--consent", opening];
        json(&[&fixed[..], &terms, &rest].concat())
    }

    /// What a proof is prepared from, evaluated: the clause that fails, if one does.
    fn evaluated(
        &self,
        change: impl FnOnce(&mut Paths),
        now: u64,
        window: Option<Window>,
    ) -> Result<[String; 4], Clause> {
        let mut paths = Paths {
            policy: self.path("policy.json").into(),
            record: self.path("batch.json").into(),
            registry: self.path("registry.json").into(),
            key: self.path("device.key").into(),
            consent: Some(self.path("consent.json").into()),
        };
        change(&mut paths);
        let schema = PathBuf::from(example("schema.json"));
        let files = Files {
            policy: &paths.policy,
            schema: &schema,
            record: &paths.record,
            registry: &paths.registry,
            device_key: &paths.key,
            consent: paths.consent.as_deref(),
        };
        match prepare(&files, now, window) {
            Ok(inputs) => evaluate(&inputs).map(|e| e.slots.map(|s| s.to_string())).map_err(|v| v.clause),
            Err(PrepareError::Violation(v)) => Err(v.clause),
            Err(PrepareError::File(e)) => panic!("{e}"),
        }
    }
}

struct Paths {
    policy: PathBuf,
    record: PathBuf,
    registry: PathBuf,
    key: PathBuf,
    consent: Option<PathBuf>,
}

fn same(_: &mut Paths) {}

#[cfg(unix)]
fn mode(path: &str) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn the_whole_story() {
    let house = Household::new();
    let slots = house.evaluated(same, NOW, None).unwrap();
    // Again, another window: the same nullifier.
    let window = Window { lo: NOW - 7_000, hi: NOW - 1_000 };
    let again = house.evaluated(same, NOW, Some(window)).unwrap();
    assert_eq!([&slots[0], &slots[1], &slots[3]], [&again[0], &again[1], &again[3]]);
    assert_ne!(slots[2], again[2]);

    // Stale, in the next epoch, without the consent's opening.
    assert_eq!(house.evaluated(same, NOW + 7_200, None), Err(Clause::Window));
    assert_eq!(house.evaluated(same, NOW, Some(Window { lo: NOW - 7_000, hi: NOW + 4_000 })), Err(Clause::MaxAge));
    assert_eq!(house.evaluated(|p| p.consent = None, NOW, None), Err(Clause::ConsentTree));

    // Another device's keys: its nullifier key is not the signer's.
    let other = house.path("other.key");
    let other_device = json(&["record", "keygen", "--key", &other]);
    assert_eq!(house.evaluated(|p| p.key = other.clone().into(), NOW, None), Err(Clause::NullifierKey));
    // A batch of an unregistered device; then it is registered, and the nullifier is another.
    let foreign = house.path("foreign.json");
    let (schema, readings) = (example("schema.json"), example("readings.json"));
    json(&["record", "sign", &readings, "--schema", &schema, "--key", &other, "--record", &foreign]);
    let use_other = |p: &mut Paths| (p.key, p.record) = (other.clone().into(), foreign.clone().into());
    assert_eq!(house.evaluated(use_other, NOW, None), Err(Clause::DeviceTree));
    assert_eq!(house.add_device(&other_device, &[])["index"], 1);
    assert_ne!(house.evaluated(use_other, NOW, None).unwrap()[3], slots[3]);

    // The key is renewed, the nullifier stays.
    let renewed = house.path("renewed.key");
    let device = json(&["record", "keygen", "--key", &renewed, "--renew", &house.path("device.key")]);
    assert_eq!(house.add_device(&device, &["--renew"])["index"], 0);
    assert_eq!(house.evaluated(same, NOW, None), Err(Clause::DeviceTree), "the old key is not registered any more");
    let batch = house.path("renewed.json");
    json(&["record", "sign", &readings, "--schema", &schema, "--key", &renewed, "--record", &batch]);
    let use_renewed = |p: &mut Paths| (p.key, p.record) = (renewed.clone().into(), batch.clone().into());
    assert_eq!(house.evaluated(use_renewed, NOW, None).unwrap()[3], slots[3]);

    // Consent withdrawn, then given to someone else.
    let (registry, consent) = (house.path("registry.json"), house.path("consent.json"));
    json(&["registry", "revoke-consent", "--registry", &registry, "--consent", &consent]);
    assert_eq!(house.evaluated(use_renewed, NOW, None), Err(Clause::ConsentTree));
    let elsewhere = house.path("elsewhere.json");
    assert_eq!(house.add_consent(&elsewhere, "https://other.example")["index"], 0);
    let use_elsewhere = |p: &mut Paths| {
        use_renewed(p);
        p.consent = Some(elsewhere.clone().into());
    };
    assert_eq!(house.evaluated(use_elsewhere, NOW, None), Err(Clause::ConsentController));
}

#[test]
fn a_violation_is_named_before_any_proving() {
    let house = Household::new();
    let files = ["policy.json", "batch.json", "registry.json", "device.key", "consent.json"].map(|n| house.path(n));
    let [policy, record, registry, key, consent] = &files;
    let schema = example("schema.json");
    let fixed = [
        "policy",
        "check",
        "--policy",
        policy,
        "--schema",
        &schema,
        "--record",
        record,
        "--registry",
        registry,
        "--device-key",
        key,
        "--consent",
        consent,
    ];
    let within = ["--window", "1764063000..1764070000"];
    let satisfied = json(&[&fixed[..], &within].concat());
    assert_eq!(satisfied["satisfied"], true);
    assert_eq!(satisfied["policy_id"], POLICY_ID);
    assert_eq!(satisfied["registry_root"], json(&["registry", "root", "--registry", registry])["registry_root"]);
    let refused = |more: &[&str], clause: &str, message: &str| {
        let arguments = [&fixed[..], more, &["--json"]].concat();
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2));
        let error = &serde_json::from_slice::<Value>(&output.stdout).unwrap()["error"];
        assert_eq!((&error["kind"], &error["where"]), (&json!("policy"), &json!(clause)), "{error}");
        assert!(error["message"].as_str().unwrap().contains(message), "{error}");
    };
    // Today is long after the records' epoch, whose last two hours they are not in.
    refused(&[], "window", "record 0: its time 1764064800 is 43199 seconds before the window");
    refused(
        &["--window", "1764064800..1764072001"],
        "max_age",
        "7201 seconds old at the window's end, allowed are 7200",
    );
    refused(&["--window", "1763900000..1764070000"], "epoch", "begins in epoch");
    json(&["registry", "revoke-consent", "--registry", registry, "--consent", consent]);
    refused(&within, "consent_tree", "withdrawn");
}

#[test]
fn secrets_are_private_and_never_printed() {
    let house = Household::new();
    let read = |name: &str| serde_json::from_slice::<Value>(&fs::read(house.path(name)).unwrap()).unwrap();
    let (key, batch, consent) = (read("device.key"), read("batch.json"), read("consent.json"));
    let text = |v: &Value| v.as_str().unwrap().to_string();
    let secrets = [text(&key["secret_key"]), text(&key["nullifier_key"])];
    let salts = [text(&batch["records"][0]["salt"]), text(&batch["records"][1]["salt"]), text(&consent["salt"])];
    assert_ne!(salts[0], salts[1]);
    for (name, owner_only) in [
        ("device.key", true),
        ("batch.json", true),
        ("consent.json", true),
        ("registry.json", false),
        ("policy.json", false),
    ] {
        #[cfg(unix)]
        assert_eq!(mode(&house.path(name)) == 0o600, owner_only, "{name}");
        let content = fs::read_to_string(house.path(name)).unwrap();
        assert!(name == "device.key" || secrets.iter().all(|s| !content.contains(s.as_str())), "{name}");
        assert!(owner_only || salts.iter().all(|s| !content.contains(s.as_str())), "{name}");
    }
    let (schema, registry) = (example("schema.json"), house.path("registry.json"));
    let device = text(&read("registry.json")["devices"][0]["key"]);
    let (batch, consent, policy) = (house.path("batch.json"), house.path("consent.json"), house.path("policy.json"));
    let renewed = house.path("renewed.key");
    let commands: [&[&str]; 6] = [
        &["record", "show", &batch, "--schema", &schema],
        &["record", "keygen", "--key", &renewed, "--renew", &house.path("device.key")],
        &["policy", "show", &policy],
        &["registry", "root", "--registry", &registry],
        &["registry", "proof", "--registry", &registry, "--device", &device],
        &["registry", "proof", "--registry", &registry, "--consent", &consent],
    ];
    for command in commands {
        for more in [&["--json"][..], &[]] {
            let _ = fs::remove_file(&renewed);
            let output = run(&[command, more].concat());
            assert!(output.status.success(), "{command:?}");
            let printed = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
            assert!(!printed.is_empty());
            assert!(secrets.iter().chain(&salts).all(|s| !printed.contains(s.as_str())), "{command:?}");
        }
    }
}

#[test]
fn a_compiled_policy_says_what_the_document_says() {
    let house = Household::new();
    let shown = json(&["policy", "show", &house.path("policy.json"), "--schema", &example("schema.json")]);
    assert_eq!(shown["features"], json!(["energy", "temperature"]));
    assert_eq!(shown["purposes"], json!(["dpv:ServiceProvision", "dpv:ServiceOptimisation"]));
    assert_eq!(shown["area"], json!({ "south": 48.1, "north": 48.4, "west": 16.2, "east": 16.6 }));
    assert_eq!(shown["predicates"], json!(["energy <= 5000000"]));
    assert_eq!((&shown["consent"], &shown["max_age"]), (&json!(true), &json!(7200)));
    // The hash is Python's too: `json.dumps(…, sort_keys=True, separators=(",", ":"))` is canonical for keys and numbers
    // such as these.
    assert_eq!(shown["document_hash"], DOCUMENT_HASH);
    assert_eq!(shown["policy_id"], POLICY_ID);

    // Spaces and the order of keys do not matter; every word does.
    let document: Value = serde_json::from_slice(&fs::read(example("policy.json")).unwrap()).unwrap();
    let compile = |document: &Value| {
        let (path, output) = (house.path("document.json"), house.path("compiled.json"));
        fs::write(&path, document.to_string()).unwrap();
        json(&["policy", "compile", &path, "--schema", &example("schema.json"), "--output", &output])
    };
    assert_eq!(compile(&document)["policy_id"], POLICY_ID);
    let mut other = document.clone();
    other["title"] = "Another title".into();
    assert_ne!(compile(&other)["policy_id"], POLICY_ID);
    let mut other = document;
    other["legal_basis"] = "dpv:Contract".into();
    assert_eq!(compile(&other)["consent"], false);
}

const DOCUMENT_HASH: &str = "0bdec37f62f5be6a2ece0b1fd11b92a9247930e7af7415cc9f522a7d81a72245";
const POLICY_ID: &str = "1192226f6b8ca6cdc7dd94cd1a2cefd4df5252ba5de62cd9cb35cef921ac19e3";

#[test]
fn documents_that_say_something_else_are_refused() {
    let dir = TempDir::new().unwrap();
    let path = |name: &str| dir.path().join(name).display().to_string();
    let text = fs::read_to_string(example("policy.json")).unwrap();
    let (document, output, schema) = (path("document.json"), path("compiled.json"), example("schema.json"));
    for (from, to, message) in [
        ("\"max_age\": 7200", "\"max_age\": 7200, \"max_age\": 9", "given twice"),
        ("\"max_age\": 7200", "\"max_age\": 7200, \"maxage\": 9", "unknown field"),
        ("\"max_age\": 7200", "\"max_age\": 1099511627776", "2^40"),
        ("\"max_age\": 7200", "\"max_age\": -1", "invalid value"),
        ("\"max_age\": 7200,", "", "missing field"),
        ("dpv:Consent", "dpv:consent", "legal basis"),
        ("\"dpv:ServiceProvision\"", "\"dpv:Fun\"", "not known"),
        ("\"dpv:ServiceProvision\"", "\"dpv:ServiceOptimisation\"", "twice"),
        ("[\"energy\", \"temperature\"]", "[\"energy\", \"power\"]", "no feature \"power\""),
        ("[\"energy\", \"temperature\"]", "[\"temperature\"]", "masked"),
        ("[1, 2]", "[1, 32]", "0 to 31"),
        ("[1, 2]", "[1, 1]", "twice"),
        ("48.4", "90.1", "degrees"),
        ("48.4", "48.0", "empty"),
        ("lteq", "lt", "unknown variant"),
        ("5000000", "4294967296", "value"),
        ("\"batch\"", "\"record\"", "unknown variant"),
        ("{\n", "", "trailing characters"),
        ("\n}", "", "EOF"),
    ] {
        assert!(text.contains(from), "{from}");
        fs::write(&document, text.replacen(from, to, 1)).unwrap();
        let (kind, found) = fails(&["policy", "compile", &document, "--schema", &schema, "--output", &output]);
        assert_eq!(kind, "file", "{found}");
        assert!(found.contains(message), "{to}: {found}");
        assert!(!Path::new(&output).exists());
    }
}

#[test]
fn files_that_were_changed_are_refused() {
    let house = Household::new();
    let schema = example("schema.json");
    let (batch, registry, policy) = (house.path("batch.json"), house.path("registry.json"), house.path("policy.json"));
    let consent = house.path("consent.json");
    let refused = |path: &str, from: &str, to: &str, command: &[&str], message: &str| {
        let text = fs::read_to_string(path).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
        let (_, found) = fails(command);
        assert!(found.contains(message), "{to}: {found}");
        fs::write(path, text).unwrap();
    };
    let show_policy = ["policy", "show", &policy];
    refused(&policy, "\"max_age\": 7200", "\"max_age\": 7201", &show_policy, "policy_id");
    refused(&policy, "avouch/policy/v1", "avouch/policy/v2", &show_policy, "format");
    refused(&policy, "\"format\"", "\"form\"", &show_policy, "format");
    let root = ["registry", "root", "--registry", &registry];
    refused(&registry, "\"class\": 1", "\"class\": 2", &root, "root is not that of its leaves");
    refused(&registry, "\"class\": 1", "\"class\": 32", &root, "0 to 31");
    refused(&registry, "\"index\": 0", "\"index\": 1048576", &root, "2^20");
    refused(&registry, "\"key\": \"", "\"key\": \"00", &root, "64 hexadecimal digits");
    let revoke = ["registry", "revoke-consent", "--registry", &registry, "--consent", &consent];
    refused(&consent, "\"valid_to\": 1800000000", "\"valid_to\": 1800000001", &revoke, "leaf is not that");
    let show = ["record", "show", &batch, "--schema", &schema];
    refused(&batch, "\"seq\": 48", "\"seq\": 1099511627776", &show, "2^40");
    refused(&batch, "412", "16777216", &show, "outside");
    // A changed reading is read, and its signature does not verify.
    let text = fs::read_to_string(&batch).unwrap();
    assert_eq!(json(&show)["signature_verifies"], true);
    fs::write(&batch, text.replacen("412", "413", 1)).unwrap();
    assert_eq!(json(&show)["signature_verifies"], false);
    assert_eq!(house.evaluated(same, NOW, None), Err(Clause::Signature));
}

#[test]
fn nothing_is_overwritten_or_registered_twice() {
    let house = Household::new();
    let (key, registry) = (house.path("device.key"), house.path("registry.json"));
    assert!(fails(&["record", "keygen", "--key", &key]).1.contains("a file already"));
    assert!(fails(&["registry", "init", "--registry", &registry]).1.contains("a file already"));
    let read: Value = serde_json::from_slice(&fs::read(&registry).unwrap()).unwrap();
    let device = &read["devices"][0];
    let text = |name: &str| device[name].as_str().unwrap();
    let add = |key: &str, hash: &str, more: &[&str]| {
        let fixed = ["registry", "add-device", "--registry", &registry, "--key", key, "--nullifier-key-hash", hash];
        fails(&[&fixed[..], &["--class", "1", "--valid-from", FROM, "--valid-to", TO], more].concat())
    };
    let hash = text("nullifier_key_hash");
    assert!(add(text("key"), hash, &[]).1.contains("registered already"));
    let other = json(&["record", "keygen", "--key", &house.path("other.key")]);
    let other_key = other["key"].as_str().unwrap();
    assert!(add(other_key, hash, &[]).1.contains("renew it instead"));
    assert!(add(other_key, other["nullifier_key_hash"].as_str().unwrap(), &["--renew"]).1.contains("nothing to renew"));
    // The identity is no key: y = 1.
    assert!(add(&format!("01{}", "0".repeat(62)), hash, &[]).1.contains("invalid value"));
    let consent = house.path("consent.json");
    let grant = [
        "registry",
        "add-consent",
        "--registry",
        &registry,
        "--controller",
        "c",
        "--purpose",
        "bit:31",
        "--category",
        "bit:31",
        "--notice",
        &registry,
        "--valid-from",
        FROM,
        "--valid-to",
        TO,
        "--consent",
    ];
    assert!(fails(&[&grant[..], &[&consent]].concat()).1.contains("a file already"));
    let fresh = house.path("fresh.json");
    assert_ne!(json(&[&grant[..], &[&fresh]].concat())["subject"], "", "a pseudonym is drawn");
    let revoke = ["registry", "revoke-consent", "--registry", &registry, "--consent", &consent];
    json(&revoke);
    assert!(fails(&revoke).1.contains("not in the registry"));
}

#[test]
fn a_removed_device_proves_nothing_under_later_roots() {
    let house = Household::new();
    let registry = house.path("registry.json");
    assert!(house.evaluated(same, NOW, None).is_ok());
    let before = json(&["registry", "root", "--registry", &registry]);
    let read: Value = serde_json::from_slice(&fs::read(&registry).unwrap()).unwrap();
    let remove =
        ["registry", "remove-device", "--registry", &registry, "--key", read["devices"][0]["key"].as_str().unwrap()];
    let after = json(&remove);
    assert_eq!((&after["index"], &after["devices"]), (&json!(0), &json!(0)));
    assert_ne!(after["registry_root"], before["registry_root"]);
    assert_eq!(house.evaluated(same, NOW, None), Err(Clause::DeviceTree));
    assert!(fails(&remove).1.contains("no device with this key"));
}

#[test]
fn readings_that_do_not_fit_are_not_signed() {
    let house = Household::new();
    let text = fs::read_to_string(example("readings.json")).unwrap();
    let (readings, schema, key, out) =
        (house.path("readings.json"), example("schema.json"), house.path("device.key"), house.path("out.json"));
    for (from, to, message) in [
        ("\"seq\": 48", "\"seq\": 49", "overlap"),
        ("\"seq\": 48", "\"seq\": 1099511627776", "2^40"),
        ("1764068400", "1764064799", "earlier"),
        ("48.2082", "91", "degrees"),
        ("\"energy\": 412", "\"energy\": 16777216", "outside"),
        ("\"energy\": 412,", "", "no value of the feature \"energy\""),
        ("\"energy\": 412", "\"energy\": 412, \"power\": 1", "no feature \"power\""),
        ("[388, -20, 3]", "[388, -20]", "2 values"),
        ("1d0f", "ffff", "modulus"),
        ("avouch/readings/v1", "avouch/readings/v0", "format"),
    ] {
        assert!(text.contains(from));
        fs::write(&readings, text.replacen(from, to, 1)).unwrap();
        let (kind, found) = fails(&["record", "sign", &readings, "--schema", &schema, "--key", &key, "--record", &out]);
        assert_eq!(kind, "file", "{found}");
        assert!(found.contains(message), "{to}: {found}");
        assert!(!Path::new(&out).exists());
    }
}

#[test]
fn proofs_of_membership_lead_to_the_published_root() {
    use ark_ff::PrimeField as _;
    use avouch_circuits::{policy::Path as Way, policy::registry_root, r1cs::Fr};
    let house = Household::new();
    let registry = house.path("registry.json");
    let root = json(&["registry", "root", "--registry", &registry]);
    let element = |v: &Value| Fr::from_be_bytes_mod_order(&hex::decode(v.as_str().unwrap()).unwrap());
    let device = &serde_json::from_slice::<Value>(&fs::read(&registry).unwrap()).unwrap()["devices"][0]["key"];
    let of_device = json(&["registry", "proof", "--registry", &registry, "--device", device.as_str().unwrap()]);
    let consent = house.path("consent.json");
    let of_consent = json(&["registry", "proof", "--registry", &registry, "--consent", &consent]);
    let roots = [&of_device, &of_consent].map(|proof| {
        let siblings: Vec<Fr> = proof["siblings"].as_array().unwrap().iter().map(element).collect();
        let way = Way { index: proof["index"].as_u64().unwrap() as u32, siblings: siblings.try_into().unwrap() };
        assert_eq!(way.root(element(&proof["leaf"])), element(&proof["root"]));
        element(&proof["root"])
    });
    assert_eq!(registry_root(roots[0], roots[1]), element(&root["registry_root"]));
}
