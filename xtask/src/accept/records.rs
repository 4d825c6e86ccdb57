//! Proofs about signed records: a network and a data policy in one proof, from the command line alone.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde_json::{Value, json};

use super::{Avouch, RUNS, check_memory, integer, median, number, phases, priced, string, text, verify};
use crate::{Result, results::Measurement};

/// The network whose input is made of records: 64 elements.
pub(super) const MODEL: &str = "digits_cnn";
const ELEMENTS: u32 = 64;
/// Those that have data policies.
const SYSTEMS: [&str; 2] = ["groth16-bn254:v1", "groth16-lookup-bn254:v1"];
const SUBJECT: &str = "1d0f4c7a2b6e8f90123456789abcdef00112233445566778899aabbccddeeff0";
const CONTROLLER: &str = "https://grid.example";
const HOUR: u64 = 3600;

/// Records that a proof covers.
struct Case {
    name: &'static str,
    records: u32,
    features: u32,
    bits: u32,
}

const CASES: [Case; 2] = [
    Case { name: "digits_cnn, 1 record", records: 1, features: 64, bits: 5 },
    Case { name: "digits_cnn, 24 records", records: 24, features: 16, bits: 16 },
];

/// Files of a case.
struct Files {
    folder: PathBuf,
    model: String,
    /// Arguments of everything that reads records.
    records: Vec<String>,
    root: String,
    policy: String,
}

/// Proves and verifies every case, holds refusals against what they should name, and gives the figures.
pub(super) fn accept(avouch: &Avouch, model: &Path, work: &Path) -> Result<Vec<Measurement>> {
    let mut all = Vec::new();
    for case in &CASES {
        let folder = work.join(case.name.replace([',', ' '], "-"));
        fs::create_dir_all(&folder)?;
        let files = case.sign(avouch, model, folder)?;
        for system in SYSTEMS {
            all.push(case.accept(avouch, &files, system).map_err(|e| format!("{} on {system}: {e}", case.name))?);
        }
        files.withdraw(avouch)?;
    }
    Ok(all)
}

impl Case {
    fn schema(&self) -> Value {
        let name = |i: u32| format!("f{i}");
        let scale = 0.5_f32.powi(self.bits as i32 - 1);
        let feature = |i| json!({ "name": name(i), "bits": self.bits, "scale": scale });
        let source = |i| json!({ "record": i * self.records / ELEMENTS, "feature": name(i % self.features) });
        json!({
            "format": "avouch/schema/v1",
            "records": self.records,
            "features": (0..self.features).map(feature).collect::<Vec<_>>(),
            "inputs": (0..ELEMENTS).map(source).collect::<Vec<_>>(),
        })
    }

    /// Hourly readings of which the last is a minute old.
    fn readings(&self, now: u64) -> Value {
        let value = |i: u32| (i * 7919) % (1 << (self.bits - 1));
        let reading = |r: u32| {
            json!({
                "time": now - 60 - HOUR * u64::from(self.records - 1 - r),
                "latitude": 48.2082,
                "longitude": 16.3738,
                "features": (0..self.features).map(|i| value(r * self.features + i)).collect::<Vec<_>>(),
            })
        };
        let readings: Vec<_> = (0..self.records).map(reading).collect();
        json!({ "format": "avouch/readings/v1", "subject": SUBJECT, "seq": 2 * self.records, "readings": readings })
    }

    fn policy(&self) -> Value {
        json!({
            "controller": CONTROLLER,
            "scope": "https://grid.example/tasks/acceptance",
            "purposes": ["dpv:ServiceProvision"],
            "categories": ["avouch:EnergyConsumption"],
            "legal_basis": "dpv:Consent",
            "features": (0..self.features).map(|i| format!("f{i}")).collect::<Vec<_>>(),
            "device_classes": [1],
            "area": { "south": 48.1, "north": 48.4, "west": 16.2, "east": 16.6 },
            "max_age": HOUR * u64::from(self.records),
            "predicates": [{ "feature": "f0", "operator": "gteq", "value": 0 }],
        })
    }

    /// Device, consent, registry, policy and a signed batch.
    fn sign(&self, avouch: &Avouch, model: &Path, folder: PathBuf) -> Result<Files> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let path = |name: &str| Ok::<_, Box<dyn std::error::Error>>(text(&folder.join(name))?.to_string());
        let write = |name: &str, json: &Value| fs::write(folder.join(name), json.to_string());
        write("schema", &self.schema())?;
        write("readings", &self.readings(now))?;
        write("document", &self.policy())?;
        fs::write(folder.join("notice"), "what a person was told")?;
        let [schema, readings, document, notice] =
            [path("schema")?, path("readings")?, path("document")?, path("notice")?];
        let [policy, record, registry, key, consent] =
            [path("policy")?, path("batch")?, path("registry")?, path("device.key")?, path("consent")?];
        let valid = [(now - 400 * HOUR).to_string(), (now + 400 * HOUR).to_string()];
        let valid = ["--valid-from", &valid[0], "--valid-to", &valid[1]];

        avouch.call(&["registry", "init", "--registry", &registry])?;
        let device = avouch.call(&["record", "keygen", "--key", &key])?;
        let (public, hash) = (string(&device, "/key")?, string(&device, "/nullifier_key_hash")?);
        let device = ["--registry", &registry, "--key", &public, "--nullifier-key-hash", &hash, "--class", "1"];
        avouch.call(&[&["registry", "add-device"], &device[..], &valid].concat())?;
        let terms = ["--purpose", "dpv:ServiceProvision", "--category", "avouch:EnergyConsumption"];
        let who = ["--registry", &registry, "--controller", CONTROLLER, "--subject", SUBJECT, "--notice", &notice];
        avouch.call(&[&["registry", "add-consent"], &who[..], &terms, &valid, &["--consent", &consent]].concat())?;
        avouch.call(&["record", "sign", &readings, "--schema", &schema, "--key", &key, "--record", &record])?;
        let compiled = avouch.call(&["policy", "compile", &document, "--schema", &schema, "--output", &policy])?;
        let root = avouch.call(&["registry", "root", "--registry", &registry])?;
        let records = ["--policy", &policy, "--schema", &schema, "--record", &record, "--registry", &registry]
            .into_iter()
            .chain(["--device-key", &key, "--consent", &consent])
            .map(String::from)
            .collect();
        Ok(Files {
            model: text(model)?.into(),
            records,
            root: string(&root, "/registry_root")?,
            policy: string(&compiled, "/policy_id")?,
            folder,
        })
    }

    fn accept(&self, avouch: &Avouch, files: &Files, system: &str) -> Result<Measurement> {
        let (keys, proof) = (files.folder.join("keys"), files.folder.join("proof"));
        let schema = text(&files.folder.join("schema"))?.to_string();
        let circuit = ["--schema", schema.as_str(), "--disclose", "argmax"];
        let inspected = avouch.call(&[&["inspect", &files.model], &circuit[..]].concat())?;
        let setup = ["setup", &files.model, "--system", system, "--force", "--keys", text(&keys)?];
        let setup = avouch.call(&[&setup[..], &circuit].concat())?;
        let records: Vec<&str> = files.records.iter().map(String::as_str).collect();
        let prove = ["prove", &files.model, "--keys", text(&keys)?, "--proof", text(&proof)?];
        let prove = [&prove[..], &records].concat();
        let proofs = (0..RUNS).map(|_| avouch.call(&prove)).collect::<Result<Vec<_>>>()?;
        let nullifier = |p: &Value| string(p, "/claim/statement/nullifier");
        let first = proofs.first().ok_or("nothing was proven")?;
        for p in &proofs {
            if nullifier(p)? != nullifier(first)? {
                return Err("one batch has two nullifiers".into());
            }
        }

        let key = keys.join("verifying.key");
        let asked = ["--expect-policy", files.policy.as_str(), "--expect-root", &files.root, "--max-delay", "3600"];
        let verifications = (0..RUNS)
            .map(|_| avouch.call(&[&verify(&key, &proof)?[..], &asked].concat()))
            .collect::<Result<Vec<_>>>()?;
        let zeros = "00".repeat(32);
        // The window ended when the last proof began.
        thread::sleep(Duration::from_secs(2));
        for (what, condition) in [
            ("another policy", ["--expect-policy", zeros.as_str()]),
            ("another registry", ["--expect-root", &zeros]),
            ("records that are too old", ["--max-delay", "0"]),
        ] {
            avouch.rejects(what, &key, &proof, &condition)?;
        }

        let priced = priced(&inspected, system)?;
        let constraints = integer(&setup, "/constraints")?;
        if integer(priced, "/constraints")? != constraints || integer(priced, "/layers/policy")? == 0 {
            return Err(format!("setup took {constraints} constraints, inspect says {priced}").into());
        }
        let peak = proofs.iter().filter_map(|p| p["peak_memory_bytes"].as_u64()).max();
        check_memory(peak, priced)?;
        let of = |all: &[Value], time| median(all.iter().map(|v| number(v, time)).collect::<Result<_>>()?);
        let measured = Measurement {
            system: system.into(),
            model: self.name.into(),
            parameters: integer(&inspected, "/parameters")?,
            macs: integer(&inspected, "/macs")?,
            activations: integer(&inspected, "/activations")?,
            constraints,
            proving_key_bytes: setup["proving_key_bytes"].as_u64(),
            setup_s: number(&setup, "/times/total_s")?,
            prove_s: of(&proofs, "/times/total_s")?,
            phases: Some(phases(&proofs)?),
            prove_s_by_threads: Vec::new(),
            prove_peak_memory_bytes: peak,
            verify_s: of(&verifications, "/times/verify_s")?,
            key_s: None,
            proof_bytes: integer(first, "/proof_bytes")?,
            envelope_bytes: integer(first, "/envelope_bytes")?,
        };
        println!("{} on {system}: {constraints} constraints, prove {:.2} s", self.name, measured.prove_s);
        Ok(measured)
    }
}

impl Files {
    /// Withdraws the consent: the same records are refused, before any proving and by the right clause.
    fn withdraw(&self, avouch: &Avouch) -> Result<()> {
        let at = |name: &str| Ok::<_, Box<dyn std::error::Error>>(text(&self.folder.join(name))?.to_string());
        avouch.call(&["registry", "revoke-consent", "--registry", &at("registry")?, "--consent", &at("consent")?])?;
        let (keys, proof) = (at("keys")?, at("late-proof")?);
        let prove = ["prove", &self.model, "--keys", &keys, "--proof", &proof];
        let records: Vec<&str> = self.records.iter().map(String::as_str).collect();
        match avouch.start(&[&prove[..], &records].concat())? {
            (2, json) if json["error"]["kind"] == "policy" && json["error"]["where"] == "consent_tree" => Ok(()),
            (code, json) => Err(format!("a withdrawn consent ended with {code}: {json}").into()),
        }
    }
}
