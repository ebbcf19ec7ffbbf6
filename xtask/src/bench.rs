//! Training and generation beside PyTorch, transformers and PEFT: one run, step by step in turn, written to `docs/bench/train.md`.

mod page;
mod peer;

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
}

/// One line of the table.
pub struct Row {
    pub name: &'static str,
    /// hidden, inner, layers, vocabulary, rows, time.
    pub shape: [usize; 6],
    pub mode: &'static str,
}

const ROWS: [Row; 8] = [
    Row { name: "full fine-tuning, 5M", shape: [256, 672, 4, 4096, 8, 128], mode: "full" },
    Row { name: "full fine-tuning, 55M", shape: [768, 2048, 6, 8192, 4, 128], mode: "full" },
    Row { name: "LoRA r=16, 5M", shape: [256, 672, 4, 4096, 8, 128], mode: "lora" },
    Row { name: "LoRA r=16, 55M", shape: [768, 2048, 6, 8192, 4, 128], mode: "lora" },
    Row { name: "LoRA r=16, 167M", shape: [1024, 2720, 12, 8192, 2, 128], mode: "lora" },
    Row { name: "LoRA r=16, 45M, vocabulary 32k", shape: [512, 1376, 4, 32000, 2, 512], mode: "lora" },
    Row { name: "generation, 55M, batch 1", shape: [768, 2048, 6, 8192, 1, 128], mode: "generate" },
    Row { name: "generation, 55M, batch 8", shape: [768, 2048, 6, 8192, 8, 128], mode: "generate" },
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
    let What::Train { rounds, only, no_compile } = &arguments.what;
    ensure!(*rounds >= 2, "--rounds: at least 2 were expected");
    let python = environment(root, &tree::target(root).join("interop-venv"))?;
    tree::call(tree::cargo(root).args(["build", "--release", "--quiet", "--example", "bench-worker"]))?;
    let mut table = vec![];
    for row in ROWS.iter().filter(|r| r.name.contains(only.as_str())) {
        eprintln!("{}", row.name);
        let compiled = !no_compile && row.mode != "generate";
        let sides = [Some(Side::Tongues), Some(Side::Eager), compiled.then_some(Side::Compiled)];
        let measured = measured(root, &python, row, &sides.into_iter().flatten().collect::<Vec<_>>(), *rounds)?;
        eprintln!("{}", page::line(row, &measured));
        table.push((row, measured));
    }
    let notes = tree::text(root, "docs/bench/train-notes.md")?;
    let text = page::page(&notes, &python, *rounds, *no_compile, &table)?;
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
