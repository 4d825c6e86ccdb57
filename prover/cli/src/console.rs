//! Where answers, progress and errors go: people read the terminal, scripts one JSON object on stdout.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command's output")]

use std::{
    process::ExitCode,
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use avouch_prover::progress::Progress;
use console::{Emoji, style};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::Value;

use crate::failure::{Failure, REJECTED};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C asks the work to stop, so that nothing is left half-written.
pub(crate) fn catch_interrupt() -> Result<(), Failure> {
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed)).map_err(|e| Failure::new("signal", "", e))
}

/// What a verb answers.
pub(crate) struct Answer {
    /// For scripts.
    pub(crate) json: Value,
    /// For people: lines.
    pub(crate) text: String,
}

/// The two ways to talk.
pub(crate) struct Console {
    json: bool,
}

impl Console {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Something for people alone, at once.
    pub(crate) fn say(&self, line: impl AsRef<str>) {
        if !self.json {
            println!("{}", line.as_ref());
        }
    }

    /// The verb's answer.
    pub(crate) fn answer(&self, answer: Answer) -> ExitCode {
        if self.json {
            println!("{}", answer.json);
        } else if !answer.text.is_empty() {
            println!("{}", answer.text.trim_end());
        }
        ExitCode::SUCCESS
    }

    /// What went wrong instead.
    pub(crate) fn fail(&self, failure: &Failure) -> ExitCode {
        if self.json {
            println!("{}", failure.json());
        }
        let word = if failure.code == REJECTED { "rejected" } else { "error" };
        let place = if failure.place.is_empty() { String::new() } else { format!("{}: ", failure.place) };
        eprintln!("{} {place}{}", style(format!("{word}:")).red().bold().for_stderr(), failure.message);
        if !failure.hint.is_empty() {
            eprintln!("{} {}", style(" hint:").cyan().for_stderr(), failure.hint);
        }
        ExitCode::from(failure.code)
    }

    /// Bars for long work; none under `--json` or where stderr is no terminal.
    pub(crate) fn progress(&self) -> Bars {
        let target = if self.json { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(ProgressStyle::with_template(BAR).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bars { bar, phase: Mutex::new(0) }
    }
}

const BAR: &str = "{msg:>30} {wide_bar:.cyan/dim} {percent:>3} %  {elapsed} (about {eta} left)";

/// One bar that follows the phases of a job.
pub(crate) struct Bars {
    bar: ProgressBar,
    /// Phases begun.
    phase: Mutex<usize>,
}

impl Progress for Bars {
    fn begin(&self, phase: &'static str, total: u64) {
        if let Ok(mut n) = self.phase.lock() {
            *n += 1;
        }
        self.bar.reset();
        self.bar.set_length(total);
        self.bar.set_message(phase);
        self.bar.enable_steady_tick(std::time::Duration::from_millis(100));
    }

    fn advance(&self, steps: u64) {
        self.bar.inc(steps);
    }

    fn is_cancelled(&self) -> bool {
        INTERRUPTED.load(Ordering::Relaxed)
    }
}

impl Bars {
    /// Says something for people above the bar.
    pub(crate) fn say(&self, console: &Console, line: &str) {
        self.bar.suspend(|| console.say(line));
    }
}

/// Says nothing, and stops at Ctrl-C: for work whose progress is shown as a whole.
pub(crate) struct Silent;

impl Progress for Silent {
    fn is_cancelled(&self) -> bool {
        INTERRUPTED.load(Ordering::Relaxed)
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// A line of a report: a dim, aligned name and its value.
pub(crate) fn field(name: &str, value: impl core::fmt::Display) -> String {
    format!("  {} {value}\n", style(format!("{name:<18}")).dim())
}

/// A heading.
pub(crate) fn title(text: &str) -> String {
    format!("{}\n", style(text).bold())
}

/// A mark for what went well.
pub(crate) fn tick() -> String {
    style(Emoji("✔", "+")).green().to_string()
}

/// A mark for what was rejected.
pub(crate) fn cross() -> String {
    style(Emoji("✘", "x")).red().to_string()
}

/// 1536 → `1.5 KiB`.
pub(crate) fn bytes(n: u64) -> String {
    indicatif::BinaryBytes(n).to_string()
}

/// 1234567 → `1,234,567`.
pub(crate) fn count(n: impl TryInto<u64>) -> String {
    indicatif::HumanCount(n.try_into().unwrap_or(u64::MAX)).to_string()
}

/// Seconds with three digits.
pub(crate) fn seconds(s: f64) -> String {
    if s < 1.0 { format!("{:.0} ms", s * 1e3) } else { format!("{s:.2} s") }
}
