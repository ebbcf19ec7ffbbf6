//! The page that a benchmark writes.

use super::peer::Side;
use super::{Measured, Row};
use anyhow::Result;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

pub fn median(of: &[f64]) -> f64 {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    (sorted[(n - 1) / 2] + sorted[n / 2]) / 2.0
}

/// Smallest and largest of the middle four fifths.
fn middle(of: &[f64]) -> (f64, f64) {
    let mut sorted = of.to_vec();
    sorted.sort_by(f64::total_cmp);
    let cut = sorted.len() / 10;
    (sorted[cut], sorted[sorted.len() - 1 - cut])
}

/// The faster of PyTorch's two.
fn best(measured: &[Measured]) -> Option<&Measured> {
    measured.iter().filter(|m| m.side != Side::Tongues).min_by(|a, b| median(&a.seconds).total_cmp(&median(&b.seconds)))
}

fn ours(measured: &[Measured]) -> Option<&Measured> {
    measured.iter().find(|m| m.side == Side::Tongues)
}

/// One row of the table of times.
pub fn line(row: &Row, measured: &[Measured]) -> String {
    let (Some(a), Some(b)) = (ours(measured), best(measured)) else { return String::new() };
    let ratios: Vec<f64> = a.seconds.iter().zip(&b.seconds).map(|(a, b)| b / a).collect();
    let (low, high) = middle(&ratios);
    let how = match b.side {
        Side::Compiled => "compiled",
        Side::Half => "eager, bf16",
        _ => "eager",
    };
    let ratio = median(&ratios);
    format!("| {} | {} | {:.3} | {:.3} ({how}) | **{ratio:.2}** ({low:.2} to {high:.2}) |", row.name, shape(row), median(&a.seconds), median(&b.seconds))
}

fn shape(row: &Row) -> String {
    let [hidden, _, layers, vocabulary, rows, time] = row.shape;
    format!("{hidden} wide, {layers} layers, vocabulary {vocabulary}, {rows} × {time}")
}

/// Multiplications and additions of the matrices outside the embeddings, forwards and backwards, per second.
pub fn flops(row: &Row, seconds: f64) -> Option<f64> {
    let [hidden, inner, layers, vocabulary, rows, time] = row.shape.map(|n| n as f64);
    let inside = layers * (4.0 * hidden * hidden + 3.0 * hidden * inner) + vocabulary * hidden;
    let passes = match row.mode {
        "full" => 6.0,
        "lora" => 4.0,
        _ => return None,
    };
    Some(passes * inside * rows * time / seconds)
}

fn memory(row: &Row, measured: &[Measured]) -> String {
    let (Some(a), Some(b)) = (ours(measured), best(measured)) else { return String::new() };
    let growth = |m: &Measured| m.memory[1].saturating_sub(m.memory[0]) as f64 / 1e6;
    let total = |m: &Measured| m.memory[1] as f64 / 1e6;
    format!(
        "| {} | {:.0} | {:.0} | **{:.2}** | {:.0} | {:.0} | **{:.2}** |",
        row.name,
        growth(a),
        growth(b),
        growth(a) / growth(b),
        total(a),
        total(b),
        total(a) / total(b)
    )
}

fn start(row: &Row, measured: &[Measured]) -> String {
    let eager = measured.iter().find(|m| m.side == Side::Eager);
    let (Some(a), Some(b)) = (ours(measured), eager) else { return String::new() };
    format!("| {} | {:.2} | {:.2} | **{:.1}** |", row.name, a.first, b.first, b.first / a.first)
}

fn said(command: &mut Command) -> String {
    command.output().map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}

pub fn processor() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = info.lines().find_map(|l| l.strip_prefix("model name")).map(|l| l.trim_start_matches([' ', '\t', ':']).to_owned());
    let cores = info.lines().filter(|l| l.starts_with("processor")).count();
    format!("{}, {cores} cores", name.unwrap_or_else(|| "an unknown processor".into()))
}

/// The whole page.
///
/// # Errors
/// Python does not answer.
pub fn page(notes: &str, python: &Path, rounds: usize, no_compile: bool, table: &[(&Row, Vec<Measured>)]) -> Result<String> {
    let versions =
        "import torch, transformers, peft; print('PyTorch', torch.__version__ + ', transformers', transformers.__version__ + ', PEFT', peft.__version__)";
    let mut text = format!(
        "# Training and generation on a CPU\n\nWritten by `cargo xtask bench train`; do not edit the tables by hand.\n\n\
         On {}, 2 threads each; {}. All sides have their model loaded at once and take their steps in turn, {rounds} each after two\n\
         that do not count; medians, and the ratio step by step with its middle four fifths. Same shapes, token ids and loss\n\
         positions, AdamW, clipping at 1, 32-bit floats. PyTorch attends with SDPA; {}. Of a checkpoint stored in bf16 tongues keeps the\n\
         matrices as they are and computes in 32-bit floats; PyTorch does so after widening them, or computes in bf16, whichever is faster.\n\n",
        processor(),
        said(Command::new(python).args(["-c", versions])),
        if no_compile { "`torch.compile` was left out of this run" } else { "the better of eager and `torch.compile` counts" },
    );
    text.push_str("## Seconds a step\n\nA ratio above 1 is in favour of tongues. Generation: 128 new tokens from 16, greedy.\n\n");
    text.push_str("| job | shape | tongues | PyTorch | ratio |\n|---|---|---|---|---|\n");
    text.extend(table.iter().map(|(row, m)| line(row, m) + "\n"));
    text.push_str(
        "\n## Memory, MB\n\nGrowth since the model was loaded, and the most resident memory of the process. A ratio below 1 is in favour of tongues.\n\n",
    );
    text.push_str("| job | growth, tongues | growth, PyTorch | ratio | total, tongues | total, PyTorch | ratio |\n|---|---|---|---|---|---|---|\n");
    text.extend(table.iter().map(|(row, m)| memory(row, m) + "\n"));
    text.push_str("\n## From the start of the process to the end of the first step, seconds\n\nPyTorch eager.\n\n| job | tongues | PyTorch | ratio |\n|---|---|---|---|\n");
    text.extend(table.iter().map(|(row, m)| start(row, m) + "\n"));
    text.push_str("\n## Arithmetic of tongues, 10⁹ operations a second\n\nMatrices outside the embeddings, forwards and backwards; a frozen weight has no gradient of its own.\n\n| job | operations |\n|---|---|\n");
    for (row, m) in table {
        if let Some(rate) = ours(m).and_then(|a| flops(row, median(&a.seconds))) {
            let _ = writeln!(text, "| {} | {:.0} |", row.name, rate / 1e9);
        }
    }
    text.push('\n');
    text.push_str(notes);
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_middles() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[4.0, 1.0, 2.0, 3.0])), (2.0, 2.5));
        let ten: Vec<f64> = (1..=10).map(f64::from).collect();
        assert_eq!(middle(&ten), (2.0, 9.0));
    }
}
