//! `docs/plots/`: drawings of `docs/results.json`, as SVG.
//!
//! | file | shows |
//! |---|---|
//! | `activations.svg` | proving time against activations, on both axes a power of ten at a time |
//! | `phases.svg` | where the time of a proof goes |
//! | `threads.svg` | proving time against threads |

use std::{fmt::Write as _, fs};

use crate::{
    Result,
    results::{Measurement, Phases, Results},
    shell::root,
};

const WIDTH: f64 = 760.0;
/// Left of the plot, where the names and numbers of the vertical axis are.
const LEFT: f64 = 190.0;
const RIGHT: f64 = 730.0;
/// Colours that stay apart for the colour-blind (Okabe and Ito, 2008).
const COLOURS: [&str; 5] = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#999999"];

/// An SVG under construction, on a ground of its own: readable in a dark page too.
struct Svg {
    body: String,
    height: f64,
}

impl Svg {
    fn new(height: f64, title: &str) -> Self {
        let mut svg = Self { body: String::new(), height };
        svg.body += &format!("<rect width=\"{WIDTH}\" height=\"{height}\" fill=\"#ffffff\"/>\n");
        svg.text(24.0, 30.0, "start", title, "font-size=\"16\" font-weight=\"600\"");
        svg
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, text: &str, more: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        self.body += &format!("<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\" {more}>{text}</text>\n");
    }

    fn line(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let points = format!("x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\"");
        self.body += &format!("<line {points} stroke=\"{colour}\"/>\n");
    }

    fn bar(&mut self, x: f64, y: f64, width: f64, colour: &str) {
        self.body +=
            &format!("<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"14\" fill=\"{colour}\"/>\n");
    }

    fn dot(&mut self, (x, y): (f64, f64), colour: &str, name: &str) {
        self.body +=
            &format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"><title>{name}</title></circle>\n");
    }

    fn legend(&mut self, names: &[&str]) {
        let mut x = 24.0;
        for (name, colour) in names.iter().zip(COLOURS) {
            self.body +=
                &format!("<rect x=\"{x:.1}\" y=\"44\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{colour}\"/>\n");
            self.text(x + 18.0, 54.5, "start", name, "");
            x += 40.0 + 7.0 * name.len() as f64;
        }
    }

    fn finish(self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {h}\" font-family=\"system-ui, sans-serif\" \
             font-size=\"12\" fill=\"#333333\">\n{}</svg>\n",
            self.body,
            h = self.height
        )
    }
}

/// The systems in order; a system's place is its colour's.
fn systems(results: &Results) -> Vec<&str> {
    let mut systems: Vec<_> = results.results.iter().map(|m| m.system.as_str()).collect();
    systems.sort_unstable();
    systems.dedup();
    systems
}

fn colour(systems: &[&str], system: &str) -> &'static str {
    let place = systems.iter().position(|s| *s == system).unwrap_or(0);
    COLOURS[place % COLOURS.len()]
}

fn readable(seconds: f64) -> String {
    if seconds < 1.0 { format!("{:.0} ms", seconds * 1e3) } else { format!("{seconds:.1} s") }
}

/// Powers of ten around some values: the exponents of the first and of the last.
fn decades(values: impl Iterator<Item = f64>) -> Option<(i32, i32)> {
    let (low, high) = values.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), v| (low.min(v), high.max(v)));
    if low <= 0.0 || low.is_infinite() {
        return None;
    }
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    Some((first, last.max(first + 1)))
}

fn activations(results: &Results) -> Option<String> {
    const HEIGHT: f64 = 460.0;
    let measured: Vec<&Measurement> = results.results.iter().filter(|m| m.activations > 0).collect();
    let (x0, x1) = decades(measured.iter().map(|m| m.activations as f64))?;
    let (y0, y1) = decades(measured.iter().map(|m| m.prove_s))?;
    let place = |v: f64, first: i32, last: i32| (v.log10() - f64::from(first)) / f64::from(last - first);
    let x = |v: f64| 90.0 + (RIGHT - 90.0) * place(v, x0, x1);
    let y = |v: f64| 410.0 - 330.0 * place(v, y0, y1);
    let mut svg = Svg::new(HEIGHT, "Seconds of a proof, by the activations of the network");
    let systems = systems(results);
    svg.legend(&systems);
    for decade in x0..=x1 {
        let v = 10f64.powi(decade);
        svg.line((x(v), 410.0), (x(v), 80.0), "#e5e5e5");
        svg.text(x(v), 428.0, "middle", &format!("{v}"), "");
    }
    for decade in y0..=y1 {
        let v = 10f64.powi(decade);
        svg.line((90.0, y(v)), (RIGHT, y(v)), "#e5e5e5");
        svg.text(82.0, y(v) + 4.0, "end", &readable(v), "");
    }
    svg.text((90.0 + RIGHT) / 2.0, 450.0, "middle", "activations", "");
    for m in measured {
        svg.dot((x(m.activations as f64), y(m.prove_s)), colour(&systems, &m.system), &m.model);
    }
    Some(svg.finish())
}

fn phases(results: &Results) -> Option<String> {
    const NAMES: [&str; 5] = ["witness", "first phase", "FFT", "MSM", "self-check"];
    let bars: Vec<_> = results.results.iter().filter_map(|m| Some((m, seconds(m.phases.as_ref()?)))).collect();
    if bars.is_empty() {
        return None;
    }
    let mut svg = Svg::new(84.0 + 20.0 * bars.len() as f64, "Where the time of a proof goes");
    svg.legend(&NAMES);
    for (i, (m, seconds)) in bars.iter().enumerate() {
        let y = 74.0 + 20.0 * i as f64;
        let ranges = if m.system.contains("lookup") { "lookups" } else { "bits" };
        svg.text(LEFT - 8.0, y + 11.0, "end", &format!("{}, {ranges}", m.model), "");
        let (all, mut x) = (seconds.iter().sum::<f64>(), LEFT);
        for (s, colour) in seconds.iter().zip(COLOURS) {
            let width = (RIGHT - 60.0 - LEFT) * s / all;
            svg.bar(x, y, width, colour);
            x += width;
        }
        svg.text(RIGHT, y + 11.0, "end", &readable(m.prove_s), "");
    }
    Some(svg.finish())
}

fn seconds(p: &Phases) -> [f64; 5] {
    [p.witness_s, p.commit_s, p.fft_s, p.msm_s, p.self_check_s]
}

fn threads(results: &Results) -> Option<String> {
    let measured: Vec<_> = results.results.iter().filter(|m| m.prove_s_by_threads.len() > 1).collect();
    let rows: usize = measured.iter().map(|m| m.prove_s_by_threads.len()).sum();
    if rows == 0 {
        return None;
    }
    let longest = measured.iter().flat_map(|m| &m.prove_s_by_threads).fold(0.0, |a: f64, &b| a.max(b));
    let mut svg =
        Svg::new(84.0 + 20.0 * rows as f64, &format!("Seconds of a proof of {}, by threads", measured[0].model));
    let systems = systems(results);
    svg.legend(&systems);
    let mut y = 74.0;
    for m in measured {
        for (i, &s) in m.prove_s_by_threads.iter().enumerate() {
            let threads = if i == 0 { "1 thread".into() } else { format!("{} threads", i + 1) };
            svg.text(LEFT - 8.0, y + 11.0, "end", &threads, "");
            svg.bar(LEFT, y, (RIGHT - 120.0 - LEFT) * s / longest, colour(&systems, &m.system));
            let gain = m.prove_s_by_threads[0] / s;
            svg.text(RIGHT, y + 11.0, "end", &format!("{}, {gain:.2}×", readable(s)), "");
            y += 20.0;
        }
    }
    Some(svg.finish())
}

/// `cargo xtask plots`. What the results do not have figures for is not drawn.
pub(crate) fn run(check: bool) -> Result<()> {
    let results = Results::read()?;
    let folder = root().join("docs/plots");
    let drawings = [
        ("activations.svg", activations(&results)),
        ("phases.svg", phases(&results)),
        ("threads.svg", threads(&results)),
    ];
    let mut stale = String::new();
    for (name, drawing) in drawings {
        let path = folder.join(name);
        let old = if path.exists() { Some(fs::read_to_string(&path)?) } else { None };
        if old == drawing {
            continue;
        }
        if check {
            write!(stale, " {name}")?;
            continue;
        }
        match drawing {
            Some(svg) => {
                fs::create_dir_all(&folder)?;
                fs::write(path, svg)?;
            }
            None => fs::remove_file(path)?,
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("docs/plots is not what docs/results.json says:{stale}; run cargo xtask plots").into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decades_hold_their_values() {
        assert_eq!(decades([0.02, 7.0].into_iter()), Some((-2, 1)));
        assert_eq!(decades([10.0].into_iter()), Some((1, 2)));
        assert_eq!(decades([].into_iter()), None);
        assert_eq!(decades([0.0].into_iter()), None);
    }
}
