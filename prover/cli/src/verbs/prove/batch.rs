//! `avouch prove --batch`: many samples with one key, several at a time where memory allows. A sample that fails does not
//! lose the others.

use std::{
    collections::BTreeMap,
    num::NonZeroUsize,
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::Instant,
};

use avouch_circuits::{circuit::Circuit, import};
use avouch_prover::{
    ProveError,
    input::{self, InputSpec},
    memory::{self, Estimate},
    progress::Progress as _,
};
use avouch_verifier::VerifyingKey;
use clap::Args;
use serde_json::{Value, json};

use super::{Prove, Source, Written, write_proof};
use crate::{
    args::{SampleList, make_folder, no_sample},
    console::{Answer, Console, Silent, bytes, count, cross, field, seconds, tick},
    failure::{Failure, interrupted},
    size::Size,
};

#[derive(Args)]
pub(crate) struct Batch {
    /// Prove many samples with one loading of the key: by default all of the file.
    #[arg(long, conflicts_with_all = ["sample", "input_opening", "policy"])]
    batch: bool,
    /// Only these samples, from 0: numbers and ranges without their end, such as 0..32,40.
    #[arg(long, value_name = "LIST", requires = "batch")]
    samples: Option<SampleList>,
    /// Proofs made at a time, on the same threads; by default as many as --max-memory, or the memory that is free, is
    /// estimated to hold, and no more than there are threads.
    #[arg(long, value_name = "N", requires = "batch")]
    jobs: Option<NonZeroUsize>,
}

impl Batch {
    pub(super) fn asked(&self) -> bool {
        self.batch
    }
}

type Outcome = Result<Written, Failure>;

impl Prove {
    pub(super) fn many(&self, verifying: VerifyingKey, console: &Console) -> Result<Answer, Failure> {
        let from = self.input.file()?;
        let model = import::import_file(&self.model)?;
        let samples = input::read_each(from, &InputSpec::of(&model))?;
        let chosen: Vec<usize> = match &self.batch.samples {
            Some(list) => {
                let chosen = list.of(samples.len()).map_err(|i| no_sample(from, i, samples.len()))?;
                chosen.into_iter().collect()
            }
            None => (0..samples.len()).collect(),
        };
        [Some(&self.proof), self.opening.as_ref()].into_iter().flatten().try_for_each(|p| make_folder(p))?;
        let circuit = Circuit::new(&model.graph, verifying.description().disclosure)?;
        let free = memory::available();
        let loaded = self.load(&model, &circuit, verifying)?;
        let prover = &loaded.prover;
        let sizes = prover.estimate();
        let jobs = self.jobs(sizes, free, chosen.len())?;
        let memory = sizes.prove_together(jobs as u64);
        console.say(format!("{} samples, {jobs} at a time, about {} of memory", count(chosen.len()), bytes(memory)));

        let request = self.request();
        let prove = |sample: usize| -> Outcome {
            let input = match samples.get(sample) {
                Some(Ok(input)) => Source::Input(input.clone()),
                Some(Err(problem)) => return Err(Failure::new("input", from.display(), problem)),
                None => return Err(no_sample(from, sample, samples.len())),
            };
            let file = |folder: &Path, extension| folder.join(format!("{sample}.{extension}"));
            let opening = self.opening.as_ref().map(|folder| file(folder, "opening"));
            write_proof(prover, &input, &request, &file(&self.proof, "proof"), opening.as_deref(), &Silent)
        };
        let start = Instant::now();
        let outcomes = each(&chosen, jobs, prove, console);
        let elapsed = start.elapsed().as_secs_f64();

        let failed: Vec<String> =
            outcomes.iter().filter(|(_, o)| o.is_err()).map(|(sample, _)| sample.to_string()).collect();
        let proven = outcomes.len() - failed.len();
        let (peak, rate) = (memory::peak(), proven as f64 / elapsed);
        let mut json = json!({
            "samples": outcomes.iter().map(|(&sample, outcome)| to_json(sample, outcome)).collect::<Vec<_>>(),
            "proven": proven,
            "failed": failed.len(),
            "not_begun": chosen.len() - outcomes.len(),
            "jobs": jobs,
            "estimated_memory_bytes": memory,
            "peak_memory_bytes": peak,
            "proofs_per_second": rate,
            "times": { "load_s": loaded.seconds, "total_s": elapsed },
            "notes": model.notes,
        });
        Size(prover.size()).put(&mut json);
        let mut text = format!("{} of {} samples proven in {}\n", count(proven), count(chosen.len()), seconds(elapsed));
        text += &field("throughput", format!("{rate:.2} proofs per second, {jobs} at a time"));
        text += &field("key loading", seconds(loaded.seconds));
        if let Some(peak) = peak {
            text += &field("peak memory", bytes(peak));
        }
        if failed.is_empty() && outcomes.len() == chosen.len() {
            return Ok(Answer { json, text });
        }
        console.say(text.trim_end());
        if Silent.is_cancelled() {
            let message = format!("interrupted: {proven} of {} samples are proven", chosen.len());
            return Err(Failure { message, facts: Some(json.into()), ..interrupted() });
        }
        let message = format!("{} of {} samples failed: {}", failed.len(), chosen.len(), failed.join(", "));
        Err(Failure { facts: Some(json.into()), ..Failure::new("batch", from.display(), message) })
    }

    /// How many proofs to make at a time.
    fn jobs(&self, sizes: &dyn Estimate, free: Option<u64>, samples: usize) -> Result<usize, Failure> {
        let limit = self.max_memory.map(|b| b.0);
        let fits = |jobs: usize, limit: u64| sizes.prove_together(jobs as u64) <= limit;
        let Some(asked) = self.batch.jobs else {
            let most = samples.min(rayon::current_num_threads());
            let memory = limit.or(free).unwrap_or(0);
            return Ok((2..=most).take_while(|&jobs| fits(jobs, memory)).last().unwrap_or(1));
        };
        let jobs = asked.get().min(samples);
        match limit {
            Some(limit) if !fits(jobs, limit) => {
                Err(ProveError::Memory { needed: sizes.prove_together(jobs as u64), limit }.into())
            }
            _ => Ok(jobs),
        }
    }
}

/// Proves the samples, `jobs` at a time, and says of each how it went, as soon as it is known. After Ctrl-C no other begins.
fn each(
    chosen: &[usize],
    jobs: usize,
    prove: impl Fn(usize) -> Outcome + Sync,
    console: &Console,
) -> BTreeMap<usize, Outcome> {
    let bars = console.progress();
    bars.begin("samples", chosen.len() as u64);
    let next = AtomicUsize::new(0);
    let (sender, outcomes) = mpsc::channel();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (sender, next, prove) = (sender.clone(), &next, &prove);
            scope.spawn(move || {
                while let Some(&sample) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if Silent.is_cancelled() || sender.send((sample, prove(sample))).is_err() {
                        break;
                    }
                }
            });
        }
        drop(sender);
        let tell = |(sample, outcome): &(usize, Outcome)| {
            bars.advance(1);
            bars.say(console, &to_line(*sample, outcome));
        };
        outcomes.iter().inspect(tell).collect()
    })
}

fn to_line(sample: usize, outcome: &Outcome) -> String {
    match outcome {
        Ok(written) => {
            let (time, claim) = (seconds(written.proof.times.total), &written.proof.claim);
            format!("{} sample {sample} in {time}: {}, output {}", tick(), written.path.display(), claim.output())
        }
        Err(failure) => format!("{} sample {sample}: {}: {}", cross(), failure.place, failure.message),
    }
}

fn to_json(sample: usize, outcome: &Outcome) -> Value {
    let mut json = match outcome {
        Ok(written) => written.json(),
        Err(failure) => failure.json(),
    };
    json["sample"] = sample.into();
    json
}
