//! `avouch ceremony verify`: everything that anybody can check.

use std::{path::PathBuf, time::Instant};

use avouch_prover::{
    ceremony::{Evidence, State, check, phase1::public_file},
    keys::{PROVING_KEY, VERIFYING_KEY, read_verifying_key},
    memory,
};
use clap::Args;
use serde_json::json;

use super::{Source, story};
use crate::{
    console::{Answer, Console, seconds, tick},
    failure::Failure,
    trust::TrustArgs,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch ceremony verify model.onnx --ptau final_14.ptau --transcript 2.ceremony
  avouch ceremony verify model.onnx --ptau final_14.ptau --transcript keys/transcript --key keys/verifying.key \\
    --trust-contribution 12ab…")]
pub(crate) struct Verify {
    #[command(flatten)]
    source: Source,
    /// The last file of the ceremony.
    #[arg(long, value_name = "FILE")]
    transcript: PathBuf,
    /// Final verifying key, or the folder that holds it. A proving.key beside it is checked too.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Earlier files of the ceremony, whose points are checked too.
    #[arg(long, value_name = "FILE")]
    step: Vec<PathBuf>,
    #[command(flatten)]
    trust: TrustArgs,
}

impl Verify {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let start = Instant::now();
        let key_path = self.key.as_ref().map(|k| if k.is_dir() { k.join(VERIFYING_KEY) } else { k.clone() });
        let key = key_path.as_deref().map(read_verifying_key).transpose()?;
        let proving_key = key_path.map(|k| k.with_file_name(PROVING_KEY)).filter(|k| k.exists());
        let read = |path: &PathBuf| State::read(path).map_err(|e| story::at(path, e));
        let state = read(&self.transcript)?;
        let earlier = self.step.iter().map(read).collect::<Result<Vec<_>, _>>()?;

        let transcript = state.transcript();
        let disclosure = key.as_ref().map_or(transcript.disclosure(), |k| k.description().disclosure);
        let model = self.source.import()?;
        let circuit = self.source.circuit(&model, disclosure)?;
        let subject = self.source.subject(transcript.system(), &circuit, transcript.label())?;
        let bars = console.progress();
        let phase1 = self.source.phase1(&subject, &bars)?;
        let evidence = Evidence { earlier: &earlier, key: key.as_ref(), proving_key: proving_key.as_deref() };
        let report = check(&subject, phase1, &state, &evidence, &bars).map_err(|e| story::at(&self.transcript, e))?;
        drop(bars);

        let public = public_file(&report.phase1);
        let trusted = self.trust.with(|trust| trust.check(&report));
        let elapsed = start.elapsed().as_secs_f64();
        let mut json = story::json(&report);
        json["phase1_public"] = public.map(|p| p.name).into();
        json["trusted"] = trusted.is_ok().into();
        json["peak_memory_bytes"] = memory::peak().into();
        json["times"] = json!({ "total_s": elapsed });
        let mut text = format!("{} the ceremony holds ({})\n{}", tick(), seconds(elapsed), story::text(&report));
        match trusted {
            Ok(()) => text += "Phase 1 and a contribution are trusted, as you named them.\n",
            Err(_) if self.trust.is_empty() => {
                text += "Whom to trust is open: name a contribution with --trust-contribution, \
                and with --trust-ptau a phase 1 that is not public.\n"
            }
            Err(e) => return Err(Failure { facts: Some(json.into()), ..e.into() }),
        }
        Ok(Answer { json, text })
    }
}
