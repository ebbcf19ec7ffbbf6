//! `tongues`: verbs only; the work is done in the crates below.

mod args;
mod bar;
mod chat;
mod check;
mod data;
mod decoding;
mod device;
mod eval;
mod generate;
mod inspect;
mod merge;
mod plugins;
mod probe;
mod run;
mod toml;
mod verify;

use args::{Cli, Verb};
use clap::{CommandFactory, Parser};
use std::process::ExitCode;
use tongues_builtin as _;
use tongues_kernel::Fault;
use tongues_recipe::Diagnostics;

// The default allocator of glibc gives large buffers back to the system after every operation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    tongues_ops::memory::keep();
    let cli = Cli::parse();
    match device::threads(cli.threads).and_then(|()| verb(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = code(&error);
            eprintln!("{}: {}", if code == INTERRUPTED { "interrupted" } else { "error" }, told(&error));
            ExitCode::from(code)
        }
    }
}

fn verb(cli: Cli) -> anyhow::Result<()> {
    match cli.verb {
        Verb::Run(args) => run::run(args),
        Verb::Check(args) => check::run(&args),
        Verb::Data(args) => data::run(&args),
        Verb::Plugins(args) => plugins::run(&args),
        Verb::Inspect(args) => inspect::run(&args),
        Verb::Merge(args) => merge::run(&args),
        Verb::Verify(args) => verify::run(&args),
        Verb::Generate(args) => generate::run(&args),
        Verb::Chat(args) => chat::run(&args),
        Verb::Eval(args) => eval::run(&args),
        Verb::Probe(args) => probe::run(&args),
        Verb::Schema => say(&serde_json::to_string_pretty(&tongues_recipe::schema(&tongues_recipe::Linked))?),
        Verb::Completions(args) => {
            clap_complete::generate(args.shell, &mut Cli::command(), "tongues", &mut std::io::stdout());
            Ok(())
        }
    }
}

/// Prints to standard output; a reader that went away is no error.
pub fn say(text: &str) -> anyhow::Result<()> {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{text}") {
        Err(e) if e.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => Ok(other?),
    }
}

fn told(error: &anyhow::Error) -> String {
    match error.downcast_ref::<tongues_kernel::Error>() {
        Some(error) => error.to_string(),
        None => format!("{error:#}"),
    }
}

/// The exit code of a run that stopped because it was asked to.
const INTERRUPTED: u8 = 130;

/// 2 where the user's input is wrong, 1 where something failed while running.
fn code(error: &anyhow::Error) -> u8 {
    if error.is::<Diagnostics>() {
        return 2;
    }
    match error.downcast_ref::<tongues_kernel::Error>().map(tongues_kernel::Error::fault) {
        Some(Fault::Input) => 2,
        Some(Fault::Interrupted) => INTERRUPTED,
        _ => 1,
    }
}
