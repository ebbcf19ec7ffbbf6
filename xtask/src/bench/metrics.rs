//! BLEU, chrF, chrF++ and TER beside sacrebleu, on made-up texts: the same lines, and how long each side takes for them.

use super::page::{median, processor};
use crate::interop::environment_with;
use crate::tree;
use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

/// Metric and segments; sacrebleu needs long for the shifts of TER.
const ROWS: [(&str, &str, usize); 4] = [("BLEU", "bleu", 5000), ("chrF", "chrf", 5000), ("chrF++", "chrf++", 5000), ("TER", "ter", 500)];
const SEGMENTS: usize = 5000;
/// Throughput over sacrebleu's that is aimed at.
const AIM: f64 = 20.0;

/// Draws for the texts; any would do.
struct Draws(u64);

impl Draws {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }

    /// A word of a vocabulary whose first words are frequent.
    fn word<'a>(&mut self, words: &'a [String]) -> &'a str {
        let rank = self.below(words.len()) * self.below(words.len()) / words.len();
        &words[rank * rank / words.len()]
    }
}

/// A sentence, and what a fair translation system could have made of it: some words lost, replaced or moved.
fn pair(draws: &mut Draws, words: &[String]) -> (String, String) {
    let mut reference: Vec<String> = (0..8 + draws.below(30)).map(|_| draws.word(words).to_owned()).collect();
    for _ in 0..draws.below(3) {
        let at = draws.below(reference.len());
        reference[at].push(',');
    }
    if let Some(last) = reference.last_mut() {
        last.push('.');
    }
    let mut hypothesis = vec![];
    for word in &reference {
        match draws.below(12) {
            0 => {}
            1 | 2 => hypothesis.push(draws.word(words).to_owned()),
            _ => hypothesis.push(word.clone()),
        }
    }
    if hypothesis.len() > 6 {
        let (at, by) = (draws.below(hypothesis.len() - 5), 1 + draws.below(4));
        hypothesis[at..at + 5].rotate_left(by);
    }
    (hypothesis.join(" "), reference.join(" "))
}

fn corpus(folder: &Path) -> Result<()> {
    let mut draws = Draws(7);
    let letters = ["a", "e", "i", "o", "u", "n", "r", "s", "t", "l", "k", "m", "d", "p", "g", "ü", "é", "sch", "th"];
    let words: Vec<String> = (0..6000).map(|_| (0..2 + draws.below(5)).map(|_| letters[draws.below(letters.len())]).collect()).collect();
    let (hypotheses, references): (Vec<String>, Vec<String>) = (0..SEGMENTS).map(|_| pair(&mut draws, &words)).unzip();
    std::fs::write(folder.join("hypotheses.txt"), hypotheses.join("\n"))?;
    std::fs::write(folder.join("references.txt"), references.join("\n"))?;
    Ok(())
}

/// Seconds and the score line.
fn measured(mut command: Command, folder: &Path, metric: &str, segments: usize) -> Result<(f64, String)> {
    command.args(["hypotheses.txt", "references.txt", metric, &segments.to_string()]).current_dir(folder);
    let output = command.output().with_context(|| format!("{command:?}"))?;
    ensure!(output.status.success(), "{command:?} failed: {}", String::from_utf8_lossy(&output.stderr));
    let answer: Json = serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?}"))?;
    Ok((answer["seconds"].as_f64().context("no seconds")?, answer["line"].as_str().context("no line")?.to_owned()))
}

/// The load average of the last minute, which tells whether the machine was free.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().filter(|l| !l.is_empty()).unwrap_or("an unknown number of").to_owned()
}

/// Measures, and writes `docs/bench/metrics.md`.
///
/// # Errors
/// A side cannot be built or started, or the score lines differ.
pub fn run(root: &Path, rounds: usize) -> Result<()> {
    ensure!(rounds >= 1, "--rounds: at least 1 was expected");
    let target = tree::target(root);
    let python = environment_with(root, &target.join("metrics-venv"), "xtask/python/metrics.txt")?;
    tree::call(tree::cargo(root).args(["build", "--release", "--quiet", "-p", "tongues-metrics", "--example", "bench-metrics"]))?;
    let folder = target.join("bench-metrics");
    std::fs::create_dir_all(&folder)?;
    corpus(&folder)?;
    let own = |threads: &str| {
        let mut command = Command::new(target.join("release/examples/bench-metrics"));
        command.env("RAYON_NUM_THREADS", threads);
        command
    };
    let theirs = || {
        let mut command = Command::new(&python);
        command.arg(root.join("xtask/python/bench_metrics.py"));
        command
    };
    let mut text = format!(
        "# Metrics beside sacrebleu\n\nWritten by `cargo xtask bench metrics`; do not edit by hand.\n\nOn {}, {} processes at work on average when it began: made-up texts of 8 to 37 words a segment. Each run is a process of its own, the sides in\nturn; medians of {rounds} runs. Starting, importing and reading are left out on both sides, tokenizing is not. sacrebleu 2.6.0 has one thread.\nThe score lines are equal to six decimals, or nothing is written. A second thread gains only where a second core is free.\n\n| metric | segments | sacrebleu, s | tongues, 1 thread, s | times as fast | tongues, 2 threads, s | times as fast |\n|---|---|---|---|---|---|---|\n",
        processor(),
        load()
    );
    let mut least = f64::MAX;
    for (name, metric, segments) in ROWS {
        let mut seconds = [vec![], vec![], vec![]];
        for round in 0..rounds {
            let mut lines = vec![];
            for i in 0..3 {
                let turn = (i + round) % 3;
                let command = [theirs(), own("1"), own("2")].into_iter().nth(turn).context("three sides")?;
                let (taken, line) = measured(command, &folder, metric, segments)?;
                seconds[turn].push(taken);
                lines.push(line);
            }
            ensure!(lines.iter().all(|l| *l == lines[0]), "{name}: score lines differ: {lines:?}");
        }
        let [theirs, one, two] = seconds.map(|s| median(&s));
        least = least.min(theirs / two);
        let row = format!("| {name} | {segments} | {theirs:.2} | {one:.4} | **{:.0}** | {two:.4} | **{:.0}** |", theirs / one, theirs / two);
        eprintln!("{row}");
        writeln!(text, "{row}")?;
    }
    writeln!(text, "\nThe aim is at least {AIM:.0} times sacrebleu's throughput with 2 threads: {}.", if least >= AIM { "met" } else { "not met" })?;
    std::fs::create_dir_all(root.join("docs/bench"))?;
    std::fs::write(root.join("docs/bench/metrics.md"), text)?;
    eprintln!("written: docs/bench/metrics.md");
    Ok(())
}
