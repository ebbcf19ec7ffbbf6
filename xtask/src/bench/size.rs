//! How a training step grows with the model: memory over layers, with and without recomputation, and operations a second over sizes.

use super::page::{flops, median, processor};
use super::peer::{Peer, Side};
use super::plot::{Line, svg};
use super::{Row, Stored, worker};
use anyhow::Result;
use std::fmt::Write;
use std::path::Path;

const LAYERS: [usize; 5] = [2, 4, 8, 16, 24];
const SIZES: [(&str, [usize; 4]); 3] = [("5M", [256, 672, 4, 4096]), ("55M", [768, 2048, 6, 8192]), ("167M", [1024, 2720, 12, 8192])];
/// Rows and tokens a row, the same for all sizes.
const TOKENS: [usize; 2] = [4, 128];

/// Growth of memory since the model was loaded, in MB, and seconds a step.
fn steps(root: &Path, row: &Row, recompute: bool, rounds: usize) -> Result<(f64, f64)> {
    let environment: &[(&str, &str)] = if recompute { &[("BENCH_RECOMPUTE", "1")] } else { &[] };
    let mut peer = Peer::start_with(root, Path::new(""), row, Side::Tongues, environment)?;
    peer.step()?;
    peer.step()?;
    for _ in 0..rounds {
        peer.counted()?;
    }
    let found = peer.end();
    Ok((found.memory[1].saturating_sub(found.memory[0]) as f64 / 1e6, median(&found.seconds)))
}

/// Measures, and writes `docs/bench/size.md` with its plot.
///
/// # Errors
/// The worker cannot be built or started.
pub fn run(root: &Path, rounds: usize) -> Result<()> {
    worker(root)?;
    let mut text = format!(
        "# Memory and arithmetic over the size of the model\n\nWritten by `cargo xtask bench size`; do not edit by hand.\n\nOn {}, 2 threads; medians of {rounds} steps after two that do not count.\n\n",
        processor()
    );
    let memory = memory(root, rounds, &mut text)?;
    arithmetic(root, rounds, &mut text)?;
    let folder = root.join("docs/bench");
    std::fs::create_dir_all(&folder)?;
    std::fs::write(folder.join("memory.svg"), memory)?;
    std::fs::write(folder.join("size.md"), text)?;
    eprintln!("written: docs/bench/size.md, docs/bench/memory.svg");
    Ok(())
}

fn memory(root: &Path, rounds: usize, text: &mut String) -> Result<String> {
    text.push_str("## Memory over layers\n\nLoRA r=16 on all projections, a network 512 wide with a vocabulary of 4096, 4 rows of 256 tokens: growth of resident memory\nsince the model was loaded. With recomputation (`recompute = true`) one block's activations are kept at a time.\n\n![Memory over layers](memory.svg)\n\n| layers | growth, MB | with recomputation, MB | seconds a step | with recomputation |\n|---|---|---|---|---|\n");
    let (mut plain, mut again) = (vec![], vec![]);
    for layers in LAYERS {
        let row = Row { name: "", shape: [512, 1376, layers, 4096, 4, 256], mode: "lora", stored: Stored::Float32 };
        let ((a, slow), (b, slower)) = (steps(root, &row, false, rounds)?, steps(root, &row, true, rounds)?);
        let _ = writeln!(text, "| {layers} | {a:.0} | {b:.0} | {slow:.2} | {slower:.2} |");
        plain.push((layers as f64, a));
        again.push((layers as f64, b));
    }
    text.push('\n');
    let lines = [Line { name: "as it comes", points: &plain }, Line { name: "with recomputation", points: &again }];
    Ok(svg("Memory of a LoRA step over layers", "layers", "growth, MB", &lines))
}

fn arithmetic(root: &Path, rounds: usize, text: &mut String) -> Result<()> {
    let [rows, time] = TOKENS;
    let _ = writeln!(
        text,
        "## Operations a second over sizes\n\n10⁹ multiplications and additions a second in matrices outside the embedding table, {} tokens a step, forwards and backwards.\n\n| job | 5M | 55M | 167M | largest over smallest |\n|---|---|---|---|---|",
        rows * time
    );
    for (mode, name) in [("full", "full fine-tuning"), ("lora", "LoRA r=16")] {
        let mut rates = vec![];
        for (_, [hidden, inner, layers, vocabulary]) in SIZES {
            let row = Row { name: "", shape: [hidden, inner, layers, vocabulary, rows, time], mode, stored: Stored::Float32 };
            let (_, seconds) = steps(root, &row, false, rounds)?;
            rates.push(flops(&row, seconds).unwrap_or(0.0) / 1e9);
        }
        let spread = rates.iter().copied().fold(0.0, f64::max) / rates.iter().copied().fold(f64::MAX, f64::min);
        let _ = writeln!(text, "| {name} | {:.0} | {:.0} | {:.0} | {spread:.2} |", rates[0], rates[1], rates[2]);
    }
    text.push_str("\nThe aim is at most 1.25.\n");
    Ok(())
}
