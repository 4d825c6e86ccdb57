//! What the contract takes, and what it refuses.

use serde_json::{Value, json};

use crate::{
    fixture::{ALL, DEADLINE, Fixture, MAX_DELAY, NOW, PROVER, REGISTRY, SKEW, STRANGER, submit},
    host::Chain,
};

/// What an answer says of something.
fn attribute(answer: &Value, key: &str) -> String {
    let attributes = answer["events"][0]["attributes"].as_array().unwrap();
    attributes.iter().find(|a| a["key"] == key).unwrap()["value"].as_str().unwrap().into()
}

/// The JSON that a query answers.
fn answer(chain: &mut Chain, query: &Value) -> Value {
    use base64::prelude::{BASE64_STANDARD, Engine as _};
    let answer = chain.query(query).result.unwrap();
    serde_json::from_slice(&BASE64_STANDARD.decode(answer.as_str().unwrap()).unwrap()).unwrap()
}

/// (−A, −B, …): other bytes of the same proof. The highest bit of a point is the sign of its y.
fn negated(file: &[u8], points: usize) -> Vec<u8> {
    let mut negated = file.to_vec();
    let proof = file.len() - points;
    for last in [31, 95] {
        negated[proof + last] ^= 0x80;
    }
    negated
}

#[test]
#[ignore = "cargo xtask cosmwasm compiles the contract"]
fn a_batch_is_taken_once() {
    for (fixture, points) in ALL.iter().zip([128, 160]) {
        let mut chain = fixture.chain();
        let [policy, root, nullifier] = fixture.slots();
        let is_used = json!({ "is_used": { "nullifier": nullifier } });
        assert_eq!(answer(&mut chain, &is_used), json!(false));
        assert_eq!(answer(&mut chain, &json!({ "valid_until": { "root": root } })), json!(DEADLINE));
        assert_eq!(answer(&mut chain, &json!({ "terms": {} }))["policy_id"], policy);

        // As the contract says that a proof has to be bound.
        let context = answer(&mut chain, &json!({ "context": { "recipient": PROVER } }));
        let context = hex::decode(context.as_str().unwrap()).unwrap().try_into().unwrap();
        let proof = fixture.proof_for(context);
        let taken = chain.execute(STRANGER, &submit(PROVER, &proof)).result.unwrap();
        assert_eq!(taken["events"][0]["type"], "avouch-answer");
        assert_eq!(attribute(&taken, "recipient"), PROVER);
        assert_eq!(attribute(&taken, "nullifier"), nullifier);
        assert!(attribute(&taken, "output").starts_with("integers ["));
        assert_eq!(answer(&mut chain, &is_used), json!(true));

        let again = fixture.proof(&chain, PROVER);
        for proof in [&proof, &negated(&proof, points), &again] {
            chain.execute(PROVER, &submit(PROVER, proof)).assert_error("these records were used already");
        }
        let foreign = fixture.proof(&chain, STRANGER);
        chain.execute(PROVER, &submit(STRANGER, &foreign)).assert_error("these records were used already");
    }
}

#[test]
#[ignore = "cargo xtask cosmwasm compiles the contract"]
fn a_proof_is_for_one_chain_contract_task_and_recipient() {
    let [fixture, _] = &*ALL;
    let mut chain = fixture.chain();
    let proof = fixture.proof(&chain, PROVER);
    chain.execute(PROVER, &submit(STRANGER, &proof)).assert_error("context: expected");
    chain.execute(PROVER, &submit(PROVER, &fixture.proof_for([0; 32]))).assert_error("context: expected");
    let mut other = chain.clone();
    other.id = "test-2".into();
    other.execute(PROVER, &submit(PROVER, &proof)).assert_error("context: expected");
    let mut other = chain.clone();
    other.contract = "wasm1another".into();
    other.execute(PROVER, &submit(PROVER, &proof)).assert_error("context: expected");
    for (term, value, error) in [
        ("task_id", json!("00"), "context: expected"),
        ("deadline", json!(DEADLINE + 1), "context: expected"),
        ("policy_id", json!("11".repeat(32)), "policy: expected"),
    ] {
        let mut message = fixture.instantiation();
        message["terms"][term] = value;
        let mut other = Chain::new(NOW);
        other.instantiate(&message).result.unwrap();
        other.execute(REGISTRY, &fixture.set_root(DEADLINE)).result.unwrap();
        other.execute(PROVER, &submit(PROVER, &proof)).assert_error(error);
    }
    // No refusal used anything up.
    chain.execute(PROVER, &submit(PROVER, &proof)).result.unwrap();
}

#[test]
#[ignore = "cargo xtask cosmwasm compiles the contract"]
fn roots_windows_and_the_task_expire() {
    let [fixture, _] = &*ALL;
    let mut chain = fixture.chain();
    let message = submit(PROVER, &fixture.proof(&chain, PROVER));
    chain.execute(STRANGER, &fixture.set_root(u64::MAX)).assert_error("only the registry");
    // Expired, and withdrawn.
    for until in [NOW - 1, 0] {
        chain.execute(REGISTRY, &fixture.set_root(until)).result.unwrap();
        chain.execute(PROVER, &message).assert_error("the registry stands by this root until");
    }
    let mut unknown = Chain::new(NOW);
    unknown.instantiate(&fixture.instantiation()).result.unwrap();
    unknown.execute(PROVER, &message).assert_error("the registry stands by this root until 0");

    chain.execute(REGISTRY, &fixture.set_root(u64::MAX)).result.unwrap();
    // The window ends at `NOW`.
    for (now, error) in [
        (NOW + MAX_DELAY + 1, "freshness: expected"),
        (NOW - SKEW - 1, "freshness: expected"),
        (DEADLINE + 1, "nothing is taken after"),
    ] {
        chain.now = now;
        chain.execute(PROVER, &message).assert_error(error);
    }
    for now in [NOW + MAX_DELAY, NOW - SKEW] {
        let mut chain = chain.clone();
        chain.now = now;
        chain.execute(REGISTRY, &fixture.set_root(now)).result.unwrap();
        chain.execute(PROVER, &message).result.unwrap();
    }
}

#[test]
#[ignore = "cargo xtask cosmwasm compiles the contract"]
fn no_changed_file_is_taken() {
    for fixture in ALL.iter() {
        let mut chain = fixture.chain();
        let proof = fixture.proof(&chain, PROVER);
        let mut refuse = |proof: &[u8]| {
            let refused = chain.execute(PROVER, &submit(PROVER, proof));
            assert!(refused.result.is_err());
        };
        // A bit of each part: magic, slots, envelope, points.
        for place in (0..proof.len()).step_by(19) {
            let mut changed = proof.clone();
            changed[place] ^= 1;
            refuse(&changed);
        }
        refuse(&[]);
        refuse(&proof[1..]);
        refuse(&proof[..proof.len() - 1]);
        refuse(&[&proof[..], &[0]].concat());
        refuse(&vec![0xff; 100_000]);
        chain.execute(PROVER, &submit(PROVER, &proof)).result.unwrap();
    }
    let [plain, lookup] = &*ALL;
    let mut chain = plain.chain();
    let foreign = lookup.proof(&chain, PROVER);
    chain.execute(PROVER, &submit(PROVER, &foreign)).assert_error("the proof is of groth16-lookup-bn254:v1");
}

#[test]
#[ignore = "cargo xtask cosmwasm compiles the contract"]
fn keys_are_pinned_and_have_a_policy() {
    let [fixture, other] = &*ALL;
    let instantiate = |change: &dyn Fn(&mut Value)| {
        let mut message = fixture.instantiation();
        change(&mut message);
        Chain::new(NOW).instantiate(&message)
    };
    instantiate(&|_| ()).result.unwrap();
    instantiate(&|m| m["terms"]["vk_digest"] = "00".repeat(32).into()).assert_error("the key's digest is");
    instantiate(&|m| m["key"] = other.instantiation()["key"].take()).assert_error("the key's digest is");
    instantiate(&|m| m["terms"]["allow_dev_setup"] = false.into()).assert_error("development setup");
    instantiate(&|m| {
        m["terms"].as_object_mut().unwrap().remove("allow_dev_setup");
    })
    .assert_error("development setup");
    instantiate(&|m| m["key"] = "".into()).assert_error("verifying key");
    instantiate(&|m| m["terms"]["registry"] = "someone".into()).assert_error("address");
    instantiate(&|m| m["terms"]["unknown"] = 1.into()).assert_error("unknown field");
    instantiate(&|m| m["terms"]["policy_id"] = "00".into()).assert_error("length");
    instantiate(&|m| *m = Fixture::without_policy()).assert_error("the key's circuit has no data policy");
}

#[test]
#[ignore = "cargo xtask cosmwasm compiles the contract"]
fn whatever_is_sent_is_answered() {
    let [fixture, _] = &*ALL;
    let mut chain = fixture.chain();
    let funds = [json!({ "denom": "token", "amount": "1" })];
    chain.call("execute", Some((REGISTRY, &funds)), &fixture.set_root(NOW)).assert_error("no funds");
    chain.call("instantiate", Some((REGISTRY, &funds)), &fixture.instantiation()).assert_error("no funds");
    for message in [
        json!(null),
        json!({}),
        json!({ "submit": {} }),
        json!({ "submit": { "recipient": PROVER, "proof": "not base64!" } }),
        json!({ "submit": { "recipient": "", "proof": "" } }),
        json!({ "set_root": { "root": "ff", "until": 1 } }),
        json!({ "set_root": { "root": "00".repeat(32), "until": -1 } }),
        json!({ "withdraw": {} }),
    ] {
        assert!(chain.execute(REGISTRY, &message).result.is_err(), "{message}");
        assert!(chain.query(&message).result.is_err(), "{message}");
    }
    // Before it is instantiated.
    Chain::new(NOW).execute(PROVER, &submit(PROVER, &[])).assert_error("never instantiated");
}
