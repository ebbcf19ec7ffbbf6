//! Merges beside mergekit: seconds, anonymous memory, and bytes a second beside `cp`.

use super::load::watched;
use super::page::{median, processor};
use crate::tree;
use anyhow::{Result, ensure};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

/// What the other side is.
const PEER: &str = "mergekit==0.1.5";

/// Name, configuration, and how many checkpoints are read.
const ROWS: [(&str, &str, u64); 2] = [
    ("linear", "merge_method: linear\ndtype: bfloat16\nmodels:\n  - {model: ./a, parameters: {weight: 0.6}}\n  - {model: ./b, parameters: {weight: 0.4}}\n", 2),
    (
        "ties, density 0.5",
        "merge_method: ties\ndtype: bfloat16\nbase_model: ./base\nparameters: {density: 0.5}\nmodels:\n  - {model: ./a, parameters: {weight: 0.6}}\n  - {model: ./b, parameters: {weight: 0.4}}\n",
        3,
    ),
];

/// Seconds and anonymous bytes of one side, a round each.
#[derive(Default)]
struct Side {
    seconds: Vec<f64>,
    memory: Vec<f64>,
}

impl Side {
    /// Runs a command that writes `out`, and flushes what it wrote.
    fn round(&mut self, work: &Path, command: &mut Command) -> Result<()> {
        let _ = std::fs::remove_dir_all(work.join("out"));
        flush(work)?;
        warm(work)?;
        let begun = Instant::now();
        let (_, memory, good) = watched(command.current_dir(work))?;
        ensure!(good, "{command:?} failed");
        flush(work)?;
        self.seconds.push(begun.elapsed().as_secs_f64());
        self.memory.push(memory as f64);
        Ok(())
    }
}

/// Reads every checkpoint once, so that all sides find the same in the page cache.
fn warm(work: &Path) -> Result<()> {
    for name in ["base", "a", "b"] {
        for entry in std::fs::read_dir(work.join(name))?.flatten() {
            std::io::copy(&mut std::fs::File::open(entry.path())?, &mut std::io::sink())?;
        }
    }
    Ok(())
}

fn flush(work: &Path) -> Result<()> {
    tree::call(Command::new("sync").arg("-f").arg(work))
}

/// Measures, and writes `docs/bench/merge.md`.
///
/// # Errors
/// Something cannot be built or started.
pub fn run(root: &Path, rounds: usize) -> Result<()> {
    ensure!(rounds >= 2, "--rounds: at least 2 were expected");
    tree::call(tree::cargo(root).args(["build", "--release", "--quiet", "--example", "synthetic-checkpoint"]))?;
    tree::call(tree::cargo(root).args(["build", "--release", "--quiet", "--bin", "tongues"]))?;
    let target = tree::target(root);
    let venv = target.join("merge-venv");
    if !venv.join("bin/mergekit-yaml").is_file() {
        tree::call(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
        tree::call(Command::new(venv.join("bin/python")).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEER]))?;
    }
    let work = target.join("bench-merge");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work)?;
    for (name, number) in [("base", None), ("a", Some("2")), ("b", Some("3"))] {
        tree::call(Command::new(target.join("release/examples/synthetic-checkpoint")).arg(work.join(name)).args(number))?;
    }
    let bytes = |name: &str| -> u64 {
        let files = std::fs::read_dir(work.join(name)).into_iter().flatten().flatten();
        files.filter(|e| e.path().extension().is_some_and(|x| x == "safetensors")).map(|e| e.metadata().map_or(0, |m| m.len())).sum()
    };
    let one = bytes("a");
    let mut text = format!(
        "# Merging beside mergekit\n\nWritten by `cargo xtask bench merge`; do not edit by hand.\n\nOn {}, {rounds} rounds in turn after one that does not count, medians: random llamas of 1.1 billion parameters in bfloat16 ({one} bytes each), every\nfile read once before each run,\nthe result flushed to the disk on both sides ({PEER}, `--no-cuda`). Seconds are those of the whole program, imports included; those of\ntongues hold the certificate (hashes of all files, and a forward pass of the result as the ordinary loader reads it), which mergekit\ndoes not make. Anonymous memory is the largest `RssAnon`, looked at every 5 ms.\n\n| merge | tongues, s | mergekit, s | ratio | tongues, MB | mergekit, MB | of it | read and written, GB/s | of `cp` |\n|---|---|---|---|---|---|---|---|---|\n",
        processor()
    );
    for (row, (name, config, reads)) in ROWS.into_iter().enumerate() {
        std::fs::write(work.join("config.yml"), config)?;
        let (mut ours, mut theirs, mut copy) = (Side::default(), Side::default(), Side::default());
        // Before the first row a round that does not count.
        for round in usize::from(row > 0)..=rounds {
            ours.round(&work, Command::new(target.join("release/tongues")).args(["merge", "config.yml", "out"]))?;
            theirs.round(&work, Command::new(venv.join("bin/mergekit-yaml")).args(["config.yml", "out", "--no-cuda"]))?;
            copy.round(&work, Command::new("cp").args(["-r", "a", "out"]))?;
            // Pages that a virtual machine has to get from its host first are dear to whoever asks first.
            if round == 0 {
                (ours, theirs, copy) = Default::default();
            }
        }
        let (seconds, other) = (median(&ours.seconds), median(&theirs.seconds));
        let (memory, more) = (median(&ours.memory), median(&theirs.memory));
        let rate = ((reads + 1) * one) as f64 / seconds / 1e9;
        let plain = (2 * one) as f64 / median(&copy.seconds) / 1e9;
        let _ = writeln!(
            text,
            "| {name} | {seconds:.1} | {other:.1} | **{:.1}** | {:.0} | {:.0} | {:.2} | {rate:.2} | {:.2} |",
            other / seconds,
            memory / 1e6,
            more / 1e6,
            memory / more,
            rate / plain
        );
    }
    std::fs::write(root.join("docs/bench/merge.md"), text)?;
    std::fs::remove_dir_all(&work)?;
    eprintln!("written: docs/bench/merge.md");
    Ok(())
}
