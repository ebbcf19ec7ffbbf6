//! A checkpoint of 2.2 GB: read, inspected, written again and verified, with the anonymous memory that takes.

use super::page::processor;
use crate::tree;
use anyhow::{Context, Result, ensure};
use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Anonymous memory may be so many times the bytes of the checkpoint.
const BOUND: f64 = 1.3;

/// Seconds, and the most anonymous memory in bytes, of a command.
pub fn watched(command: &mut Command) -> Result<(f64, u64, bool)> {
    let begun = Instant::now();
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().with_context(|| format!("{command:?}"))?;
    let mut most = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let kilobytes = status.lines().find_map(|l| l.strip_prefix("RssAnon:")).and_then(|l| l.split_whitespace().next()?.parse::<u64>().ok());
        most = most.max(kilobytes.unwrap_or(0) * 1024);
        if let Some(status) = child.try_wait()? {
            return Ok((begun.elapsed().as_secs_f64(), most, status.success()));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn flip(path: &Path) -> Result<()> {
    use std::io::{Read, Seek, SeekFrom, Write as _};
    let mut file = std::fs::File::options().read(true).write(true).open(path)?;
    let at = file.metadata()?.len() / 2;
    let mut byte = [0u8];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut byte)?;
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&[byte[0] ^ 1])?;
    Ok(())
}

/// Measures, and writes `docs/bench/load.md`.
///
/// # Errors
/// Something cannot be built or started, memory is beyond the bound, or a flipped bit is not found.
pub fn run(root: &Path) -> Result<()> {
    tree::call(tree::cargo(root).args(["build", "--release", "--quiet", "--example", "synthetic-checkpoint"]))?;
    tree::call(tree::cargo(root).args(["build", "--release", "--quiet", "--bin", "tongues"]))?;
    let target = tree::target(root);
    let work = target.join("bench-load");
    let _ = std::fs::remove_dir_all(&work);
    std::fs::create_dir_all(&work)?;
    tree::call(Command::new(target.join("release/examples/synthetic-checkpoint")).arg(work.join("model")))?;
    let bytes: u64 = std::fs::read_dir(work.join("model"))?
        .flatten()
        .filter(|e| e.path().extension().is_some_and(|x| x == "safetensors"))
        .map(|e| e.metadata().map_or(0, |m| m.len()))
        .sum();
    std::fs::write(
        work.join("recipe.toml"),
        "recipe = 1\nname = \"load\"\n[models.m]\ncheckpoint = \"model\"\n[[stage]]\nname = \"again\"\nexport = { model = \"m\" }\n",
    )?;
    let program = target.join("release/tongues");
    let call = |args: &[&str]| watched(Command::new(&program).args(args).current_dir(&work));
    let mut text = format!(
        "# A checkpoint of 2.2 GB\n\nWritten by `cargo xtask bench load`; do not edit by hand.\n\nOn {}: a random llama of 1.1 billion parameters in bfloat16, {bytes} bytes in shards. Anonymous memory is the largest `RssAnon`,\nlooked at every 5 ms; the bound is {BOUND} times the bytes of the checkpoint.\n\n| what | seconds | anonymous memory, MB | of the bytes |\n|---|---|---|---|\n",
        processor()
    );
    let jobs: [(&str, &[&str]); 4] = [
        ("`tongues inspect`", &["inspect", "model"]),
        ("`tongues generate`, one token", &["generate", "model", "--prompt", "one", "--max-new-tokens", "1", "--temperature", "0"]),
        ("a recipe that reads, writes, reads back and certifies it", &["run", "recipe.toml", "--out", "run"]),
        ("`tongues verify` of what was written", &["verify", "run/stages/again/checkpoint"]),
    ];
    for (name, args) in jobs {
        let (seconds, memory, good) = call(args)?;
        ensure!(good, "{name} failed");
        let share = memory as f64 / bytes as f64;
        let _ = writeln!(text, "| {name} | {seconds:.1} | {:.0} | {share:.2} |", memory as f64 / 1e6);
        ensure!(share <= BOUND, "{name}: {share:.2} of the checkpoint's bytes, where {BOUND} are allowed");
    }
    let shards = std::fs::read_dir(work.join("run/stages/again/checkpoint"))?.flatten().map(|e| e.path());
    let mut found = 0;
    for file in shards.collect::<Vec<_>>() {
        flip(&file)?;
        ensure!(!call(&["verify", "run/stages/again/checkpoint"])?.2, "a flipped bit in {} is not found", file.display());
        flip(&file)?;
        found += 1;
    }
    let _ = write!(
        text,
        "\nA bit flipped in the middle of each of the {found} files of the written folder, one after the other: found by `tongues verify` each time.\n"
    );
    std::fs::write(root.join("docs/bench/load.md"), text)?;
    std::fs::remove_dir_all(&work)?;
    eprintln!("written: docs/bench/load.md");
    Ok(())
}
