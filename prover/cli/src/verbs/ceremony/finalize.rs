//! `avouch ceremony finalize`: the keys.

use std::{path::PathBuf, time::Instant};

use avouch_prover::{
    ceremony::{State, finalize},
    files::NewFolder,
    keys::{self, TRANSCRIPT},
    memory,
};
use avouch_verifier::json;
use clap::Args;
use serde_json::json;

use super::{Source, story};
use crate::{
    console::{Answer, Console, seconds, tick},
    failure::Failure,
};

#[derive(Args)]
#[command(after_help = "\
Examples:
  avouch ceremony finalize model.onnx --ptau final_14.ptau --transcript 4.ceremony --keys keys")]
pub(crate) struct Finalize {
    #[command(flatten)]
    source: Source,
    /// The last file of the ceremony.
    #[arg(long, value_name = "FILE")]
    transcript: PathBuf,
    /// Folder to create, for verifying.key, proving.key, manifest.json and the transcript.
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,
    /// Replace a folder that is not empty.
    #[arg(long)]
    force: bool,
}

impl Finalize {
    pub(crate) fn run(self, console: &Console) -> Result<Answer, Failure> {
        let start = Instant::now();
        let folder = NewFolder::create(&self.keys, self.force)?;
        let state = State::read(&self.transcript).map_err(|e| story::at(&self.transcript, e))?;
        let transcript = state.transcript();
        let model = self.source.import()?;
        let circuit = self.source.circuit(&model, transcript.disclosure())?;
        let subject = self.source.subject(transcript.system(), &circuit, transcript.label())?;
        let bars = console.progress();
        let phase1 = self.source.phase1(&subject, &bars)?;
        let (keys, report) = finalize(&subject, phase1, &state, &bars).map_err(|e| story::at(&self.transcript, e))?;
        drop(bars);
        state.write(&folder.path().join(TRANSCRIPT))?;
        keys::write(folder, &keys)?;

        let elapsed = start.elapsed().as_secs_f64();
        let mut json = story::json(&report);
        json["manifest"] = json::manifest(&keys.verifying);
        json["peak_memory_bytes"] = memory::peak().into();
        json["times"] = json!({ "total_s": elapsed });
        let mut text = format!("{} keys in {} ({})\n", tick(), self.keys.display(), seconds(elapsed));
        text += &story::text(&report);
        text += "Publish the key digest, the transcript and the phase 1 file: anybody can check the key with them.\n";
        Ok(Answer { json, text })
    }
}
