//! Chores of the repository: `cargo xtask --help`.
//!
//! Files that follow from the list of plugins are generated ([`sync`]), rules that the compiler does not know are checked
//! ([`lint`]), faults are put in to see whether a test finds them ([`mutants`]), the checkpoints that `tongues` writes
//! are opened with transformers and PEFT ([`interop`]), and papers' comparisons are rerun and judged ([`repro`]).

mod bench;
mod interop;
mod lint;
mod mutants;
mod new_plugin;
mod plugins;
mod repro;
mod sync;
mod tree;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Chores of the repository")]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Writes the files that follow from the folders under plugins/.
    SyncPlugins {
        /// Only say what is stale; exit code 1 if something is.
        #[arg(long)]
        check: bool,
    },
    /// Makes the skeleton of a plugin that compiles and passes its test.
    NewPlugin {
        /// backbone, adapter, objective, merger, evaluator, curator or decoder.
        kind: String,
        /// The plugin's name in recipes: lower case, words joined by `-`.
        name: String,
    },
    /// Checks arrows between crates, sizes, headings, words, fixtures and licences.
    Lint,
    /// Puts known faults into a copy of the tree; a test must find each of them.
    Mutants(mutants::Arguments),
    /// Measures against other programs, side by side in one run.
    Bench(bench::Arguments),
    /// Reruns a paper's comparison and judges its claims.
    Repro(repro::Arguments),
    /// Opens what tongues wrote with transformers and PEFT and compares token ids and logits.
    Interop,
    /// Everything that must hold before a change is merged; the same as `.ci/run`.
    Ci,
}

fn main() -> Result<()> {
    let root = tree::root()?;
    match Arguments::parse().chore {
        Chore::SyncPlugins { check: true } => sync::check(&root),
        Chore::SyncPlugins { check: false } => sync::write(&root),
        Chore::NewPlugin { kind, name } => new_plugin::run(&root, &kind, &name),
        Chore::Lint => lint::run(&root),
        Chore::Mutants(arguments) => mutants::run(&root, &arguments),
        Chore::Bench(arguments) => bench::run(&root, &arguments),
        Chore::Repro(arguments) => repro::run(&root, &arguments),
        Chore::Interop => interop::run(&root),
        Chore::Ci => tree::call(std::process::Command::new(root.join(".ci/run")).current_dir(&root)),
    }
}
