//! Benchmarks with pages of their own: training and generation beside PyTorch, transformers and PEFT (one run, step by step in
//! turn, `docs/bench/train.md`), how memory and arithmetic grow with the model (`docs/bench/size.md`), checkpoints read and written
//! (`docs/bench/load.md`), merges beside mergekit (`docs/bench/merge.md`), metrics beside sacrebleu (`docs/bench/metrics.md`), how far
//! a task carries between languages (`docs/bench/transfer.md`), and how hard the world's tasks are (`docs/bench/tasks.md`).

mod load;
mod merge;
mod metrics;
mod page;
mod peer;
mod plot;
mod seeds;
mod size;
mod tasks;
mod transfer;

use crate::interop::environment;
use crate::tree;
use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use peer::{Peer, Side};
use std::path::Path;

#[derive(Args)]
pub struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Steps of training and generation, memory, start. Wants a machine that does nothing else.
    Train {
        /// Steps of each side that count.
        #[arg(long, default_value_t = 10)]
        rounds: usize,
        /// Only rows whose name contains this.
        #[arg(long, default_value = "")]
        only: String,
        /// Leave `torch.compile` out (it takes minutes to compile); the page then says so.
        #[arg(long)]
        no_compile: bool,
    },
    /// Memory over layers with and without recomputation, and operations a second over sizes; tongues alone.
    Size {
        /// Steps that count.
        #[arg(long, default_value_t = 5)]
        rounds: usize,
    },
    /// A checkpoint of 2.2 GB read, written again and verified, and the memory that takes. Wants 7 GB of disk.
    Load,
    /// Merges of checkpoints of 2.2 GB beside mergekit. Wants 10 GB of disk and a machine that does nothing else.
    Merge {
        /// Rounds of each side.
        #[arg(long, default_value_t = 3)]
        rounds: usize,
    },
    /// How far a task carries between languages of the world, over cognates and grammar. About three minutes a seed.
    Transfer {
        /// Seeds, from 1 on; finished ones are taken as they are.
        #[arg(long, default_value_t = 5)]
        seeds: usize,
    },
    /// How hard every task of the world is: trained, carried over, looked up in a lexicon, counted. About half an hour of one core a seed.
    Tasks {
        /// Seeds, from 1 on; finished ones are taken as they are.
        #[arg(long, default_value_t = 3)]
        seeds: usize,
    },
    /// BLEU, chrF and TER beside sacrebleu.
    Metrics {
        /// Runs of each side, in turn; the median counts.
        #[arg(long, default_value_t = 7)]
        rounds: usize,
    },
}

/// One line of the table.
pub struct Row {
    pub name: &'static str,
    /// hidden, inner, layers, vocabulary, rows, time.
    pub shape: [usize; 6],
    pub mode: &'static str,
    /// The checkpoint's dtype.
    pub stored: Stored,
}

/// In what a checkpoint lies, and how each side takes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// 32-bit floats; both sides compute in them.
    Float32,
    /// bfloat16; tongues keeps it and computes in 32-bit floats, PyTorch computes in bfloat16 or in 32-bit floats, whichever is faster.
    Bfloat16,
}

const fn row(name: &'static str, shape: [usize; 6], mode: &'static str, stored: Stored) -> Row {
    Row { name, shape, mode, stored }
}

const ROWS: [Row; 11] = [
    row("full fine-tuning, 5M", [256, 672, 4, 4096, 8, 128], "full", Stored::Float32),
    row("full fine-tuning, 55M", [768, 2048, 6, 8192, 4, 128], "full", Stored::Float32),
    row("LoRA r=16, 5M", [256, 672, 4, 4096, 8, 128], "lora", Stored::Float32),
    row("LoRA r=16, 55M", [768, 2048, 6, 8192, 4, 128], "lora", Stored::Float32),
    row("LoRA r=16, 167M", [1024, 2720, 12, 8192, 2, 128], "lora", Stored::Float32),
    row("LoRA r=16, 45M, vocabulary 32k", [512, 1376, 4, 32000, 2, 512], "lora", Stored::Float32),
    row("LoRA r=16, 167M, stored in bf16", [1024, 2720, 12, 8192, 2, 128], "lora", Stored::Bfloat16),
    row("generation, 55M, batch 1", [768, 2048, 6, 8192, 1, 128], "generate", Stored::Float32),
    row("generation, 55M, batch 8", [768, 2048, 6, 8192, 8, 128], "generate", Stored::Float32),
    row("generation, 55M, batch 1, stored in bf16", [768, 2048, 6, 8192, 1, 128], "generate", Stored::Bfloat16),
    row("generation, 55M, batch 8, stored in bf16", [768, 2048, 6, 8192, 8, 128], "generate", Stored::Bfloat16),
];

/// What one side did on one row.
pub struct Measured {
    pub side: Side,
    pub seconds: Vec<f64>,
    /// Bytes when the model was there, and the most afterwards.
    pub memory: [u64; 2],
    /// From the start of the process to its first step's end.
    pub first: f64,
    pub parameters: u64,
    /// Loss of the last step, or tokens.
    pub value: f64,
}

/// Runs a benchmark and writes its page.
///
/// # Errors
/// Something cannot be built or started.
pub fn run(root: &Path, arguments: &Arguments) -> Result<()> {
    match &arguments.what {
        What::Train { rounds, only, no_compile } => train(root, *rounds, only, *no_compile),
        What::Size { rounds } => size::run(root, *rounds),
        What::Load => load::run(root),
        What::Merge { rounds } => merge::run(root, *rounds),
        What::Transfer { seeds } => transfer::run(root, *seeds),
        What::Tasks { seeds } => tasks::run(root, *seeds),
        What::Metrics { rounds } => metrics::run(root, *rounds),
    }
}

fn train(root: &Path, rounds: usize, only: &str, no_compile: bool) -> Result<()> {
    ensure!(rounds >= 2, "--rounds: at least 2 were expected");
    let python = environment(root, &tree::target(root).join("interop-venv"))?;
    worker(root)?;
    let mut table = vec![];
    for row in ROWS.iter().filter(|r| r.name.contains(only)) {
        eprintln!("{}", row.name);
        let compiled = !no_compile && row.mode != "generate";
        let half = row.stored == Stored::Bfloat16;
        let sides = [Some(Side::Tongues), Some(Side::Eager), compiled.then_some(Side::Compiled), half.then_some(Side::Half)];
        let measured = measured(root, &python, row, &sides.into_iter().flatten().collect::<Vec<_>>(), rounds)?;
        eprintln!("{}", page::line(row, &measured));
        table.push((row, measured));
    }
    let notes = tree::text(root, "docs/bench/train-notes.md")?;
    let text = page::page(&notes, &python, rounds, no_compile, &table)?;
    // A part of the table is for looking at; the page is written by a whole run only.
    if !only.is_empty() {
        print!("{text}");
        return Ok(());
    }
    let path = root.join("docs/bench/train.md");
    std::fs::create_dir_all(root.join("docs/bench"))?;
    std::fs::write(&path, text)?;
    eprintln!("written: docs/bench/train.md");
    Ok(())
}

/// Builds what the benchmarks run.
fn worker(root: &Path) -> Result<()> {
    tree::call(tree::cargo(root).args(["build", "--release", "--quiet", "--example", "bench-worker"]))
}

/// All sides loaded at once, then a step of each in turn; two steps of each do not count.
fn measured(root: &Path, python: &Path, row: &Row, sides: &[Side], rounds: usize) -> Result<Vec<Measured>> {
    let mut peers = vec![];
    for side in sides {
        let mut peer = Peer::start(root, python, row, *side)?;
        peer.step()?;
        peer.started();
        peer.step()?;
        peers.push(peer);
    }
    for round in 0..rounds {
        for i in 0..peers.len() {
            // Whoever goes first finds the cache as the others left it; that is shared out.
            let turn = (i + round) % peers.len();
            peers[turn].counted()?;
        }
    }
    Ok(peers.into_iter().map(Peer::end).collect())
}
