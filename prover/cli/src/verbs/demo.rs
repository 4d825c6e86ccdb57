//! `avouch demo`: the whole story on a real image, from a signed reading to a claim.

mod household;

use std::{io::Cursor, path::PathBuf, time::Instant};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::Graph,
    import,
    op::Operator as _,
    policy::evaluate,
};
use avouch_prover::{
    Prover, Request,
    files::NewFolder,
    input::{self, InputSpec},
    keys,
    opening::be_bytes,
    setup,
};
use avouch_verifier::{
    Acceptance, AcceptedKey, Freshness, KeyPolicy, Output, ProofFile, Slot, Statement, SystemId, VerifiedClaim,
    context::GenericContext, json, verify,
};
use clap::Args;
use serde_json::json;

use self::household::Household;
use crate::{
    args::now,
    claim,
    console::{Answer, Console, bytes, count, cross, field, seconds, tick, title},
    failure::Failure,
    size::Size,
};

/// A small convolutional network for 8×8 digits, and images that it was not trained on.
const MODEL: &[u8] = include_bytes!("../../../../test-vectors/models/meter_cnn/int8_qop.onnx");
const IMAGES: &[u8] = include_bytes!("../../../../test-vectors/models/meter_cnn/images.npy");

/// The fastest for a model of this size.
const SYSTEM: SystemId = SystemId::Groth16LookupBn254;

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch demo
  avouch demo --sample 5")]
pub(crate) struct Demo {
    /// Which of the images, from 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    sample: usize,
    /// Where the keys are kept for the next run.
    #[arg(long, value_name = "DIR", default_value = ".avouch/demo-keys")]
    keys: PathBuf,
}

/// One forgery, and why it was rejected.
struct Forgery {
    name: &'static str,
    reason: String,
}

impl Demo {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let start = Instant::now();
        let model = import::import(MODEL)?;
        let graph = &model.graph;
        let mut images = input::read_npy(Cursor::new(IMAGES), &InputSpec::of(&model))
            .map_err(|e| Failure::new("demo", "images", e))?;
        if self.sample >= images.len() {
            return Err(Failure::usage(format!("--sample {}: there are {} images", self.sample, images.len())));
        }
        let image = images.swap_remove(self.sample);

        console.say(title("A meter-reading node sees a digit. Nobody else will see this image:"));
        console.say(draw(&image, graph));
        let macs: u64 = graph.nodes.iter().map(|n| n.op.macs(graph.tensor(n.output))).sum();
        console.say(title("It runs a committed int8 network on it"));
        console.say(field("model", hex::encode(graph.model_id())).trim_end());
        console.say(field("size", format!("{} operators, {} multiplications", graph.nodes.len(), count(macs))));

        let now = now()?;
        let household = Household::new(household::schema(graph.input_info()), &image, graph.input_info(), now)?;
        let inputs = household.inputs()?;
        let evaluation = evaluate(&inputs)?;
        let [policy_id, registry_root, ..] = evaluation.slots.map(|slot| be_bytes(&slot));
        console.say(title("A policy says which readings may be used, and for what; the household consented to it"));
        console.say(field("may use them", "https://grid.example, for dpv:ServiceProvision").trim_end());
        console.say(field("which", "of a registered meter, at most two hours old, from the grid's area").trim_end());
        console.say(field("policy", hex::encode(policy_id)).trim_end());
        console.say(field("registry", hex::encode(registry_root)));

        let circuit = Circuit::with_schema(graph, Disclosure::Argmax, &household.schema)?;
        let (prover, setup) = self.prover(graph, &circuit, console)?;

        console.say(title("The meter signs its reading; the node proves what it shows, and that it may be used"));
        let task = GenericContext {
            chain: b"demo-network",
            hub: b"meter-oracle",
            task_id: b"reading-1",
            recipient: b"node-7",
            deadline: 1_800_000_000,
        };
        let context = task.digest().unwrap_or_default();
        let request = Request { context, input_opening: None };
        let proof = prover.prove_records(&inputs, &request, &console.progress())?;
        let proof_bytes = proof.file.envelope().proof().len();
        console.say(format!(
            "  {} proven in {}; {proof_bytes} bytes of proof\n{}",
            tick(),
            seconds(proof.times.total),
            Size(prover.size()).text()
        ));

        console.say(title("Anyone verifies it, with nothing but the verifying key"));
        let key = KeyPolicy { allow_dev: true, expect_vk: None }.admit(prover.verifying_key().clone())?;
        let file = proof.file.encode();
        let clock = Instant::now();
        let claim = verify(&key, &file)?;
        let verified = clock.elapsed().as_secs_f64();
        console.say(format!("  {} verified in {}", tick(), seconds(verified)));
        console.say(claim::text(&claim));
        let acceptance = Acceptance {
            expect_model: Some(graph.model_id()),
            expect_context: Some(context),
            expect_policy: Some(policy_id),
            expect_root: Some(registry_root),
            freshness: Some(Freshness { now, max_delay: 600, skew: 0 }),
            ..Acceptance::default()
        };
        let report = acceptance.evaluate(&claim);
        report.check()?;
        console.say(claim::acceptance_text(&report));

        console.say(title("Readings that may not be used are refused before anything is proven"));
        let refusals = household.refusals()?;
        for r in &refusals {
            console.say(format!("  {} {}: {} ({})", cross(), r.case, r.reason, r.clause));
        }
        let [.., again] = evaluate(&household.inputs()?)?.slots;
        if be_bytes(&again) != *claim.statement().nullifier() {
            return Err(Failure::new("demo", "", "one reading has two nullifiers: do not use this build"));
        }
        let replay = "the same reading is signed and proven again";
        console.say(format!("  {} {replay}: its nullifier is the one above, so it is paid once\n", cross()));

        console.say(title("Forgeries are rejected"));
        let forgeries = forgeries(&key, &file, &claim, context)?;
        for f in &forgeries {
            console.say(format!("  {} {}: {}", cross(), f.name, f.reason));
        }

        let Output::Argmax(reading) = claim.output() else {
            return Err(Failure::new("demo", "", "the claim is no class"));
        };
        let total = start.elapsed().as_secs_f64();
        let refused: Vec<_> =
            refusals.iter().map(|r| json!({ "case": r.case, "clause": r.clause, "reason": r.reason })).collect();
        let rejected: Vec<_> = forgeries.iter().map(|f| json!({ "forgery": f.name, "reason": f.reason })).collect();
        let mut json = json!({
            "reading": reading,
            "claim": json::claim(&claim),
            "acceptance": json::acceptance(&report),
            "refused": refused,
            "nullifier_again": hex::encode(be_bytes(&again)),
            "rejected": rejected,
            "proof_bytes": proof_bytes,
            "times": { "setup_s": setup, "prove_s": proof.times.total, "verify_s": verified, "total_s": total },
        });
        Size(prover.size()).put(&mut json);
        let text = format!(
            "\nThe meter reads {reading}: proven, and neither image, household nor meter is known. ({} in all)\n",
            seconds(total)
        );
        Ok(Answer { json, text })
    }

    /// Keys from the last run if they fit, else from a new setup; and its seconds.
    fn prover<'c>(
        &self,
        graph: &'c Graph,
        circuit: &'c Circuit,
        console: &Console,
    ) -> Result<(Prover<'c>, f64), Failure> {
        let start = Instant::now();
        let cached = keys::read_verifying_key(&self.keys.join(keys::VERIFYING_KEY));
        if let Ok(key) = cached
            && let Ok(prover) = Prover::load(graph, circuit, key, &self.keys, None)
        {
            console.say(title("Keys from the last run"));
            console.say(field("folder", self.keys.display()));
            return Ok((prover, start.elapsed().as_secs_f64()));
        }
        console.say(title("Setup makes the keys, once for each model"));
        let folder = NewFolder::create(&self.keys, true)?;
        let made = setup(SYSTEM, graph, circuit, "demo: digits", None, &console.progress())?;
        keys::write(folder, &made)?;
        let seconds_taken = start.elapsed().as_secs_f64();
        let size = std::fs::metadata(self.keys.join(keys::PROVING_KEY)).map(|m| m.len()).unwrap_or_default();
        let prover = Prover::new(graph, circuit, made)?;
        console.say(format!(
            "  {} keys in {}; a proving key of {}, kept in {}\n",
            tick(),
            seconds(seconds_taken),
            bytes(size),
            self.keys.display()
        ));
        Ok((prover, seconds_taken))
    }
}

/// What an attacker would try with a proof in hand.
fn forgeries(
    key: &AcceptedKey,
    file: &[u8],
    claim: &VerifiedClaim,
    context: [u8; 32],
) -> Result<Vec<Forgery>, Failure> {
    let accepted = || Failure::new("demo", "", "a forgery was accepted: do not use this build");
    let rejected = |name, forged: &[u8]| match verify(key, forged) {
        Ok(_) => Err(accepted()),
        Err(e) => Ok(Forgery { name, reason: e.to_string() }),
    };
    let malformed = |e| Failure::new("demo", "", e);
    let original = ProofFile::decode(file).map_err(malformed)?;
    // A consistent file for another statement: only the proof can say no.
    let restated = |slot: Slot, change: fn(&mut [u8; 32])| {
        let mut slots = *claim.statement().slots();
        if let Some(value) = Slot::ALL.iter().position(|&s| s == slot).and_then(|i| slots.get_mut(i)) {
            change(value);
        }
        let statement = Statement::new(claim.system(), slots).map_err(malformed)?;
        let file = ProofFile::new(key.key(), statement, original.envelope().proof().to_vec()).map_err(malformed)?;
        Ok::<_, Failure>(file.encode())
    };

    let mut flipped = file.to_vec();
    if let Some(byte) = flipped.last_mut() {
        *byte ^= 1;
    }
    let other_output = restated(Slot::Output, |v| v[31] = (v[31] + 1) % 10)?;
    let other_context = restated(Slot::Context, |v| v[31] ^= 1)?;
    let mut found = vec![
        rejected("one bit of the proof flipped", &flipped)?,
        rejected("another digit claimed", &other_output)?,
        rejected("the context changed", &other_context)?,
    ];
    let mut other_task = context;
    other_task[0] ^= 1;
    let replay = Acceptance { expect_context: Some(other_task), ..Acceptance::default() }.evaluate(claim);
    match replay.check() {
        Ok(()) => return Err(accepted()),
        Err(e) => found.push(Forgery { name: "the proof shown for another task", reason: e.to_string() }),
    }
    Ok(found)
}

/// An 8-bit image with two pixels a character.
fn draw(image: &[i16], graph: &Graph) -> String {
    let info = graph.input_info();
    let width = info.shape.last().copied().unwrap_or(1).max(1);
    let (min, max) = (i32::from(*image.iter().min().unwrap_or(&0)), i32::from(*image.iter().max().unwrap_or(&1)));
    let shade = |v: i16| {
        const SHADES: [&str; 5] = ["  ", "░░", "▒▒", "▓▓", "██"];
        let level = (i32::from(v) - min) * (SHADES.len() as i32 - 1) / (max - min).max(1);
        SHADES[level.clamp(0, 4) as usize]
    };
    let rows = image.chunks(width).map(|row| format!("      {}\n", row.iter().map(|&v| shade(v)).collect::<String>()));
    rows.collect()
}
