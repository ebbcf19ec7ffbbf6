//! The verbs and their flags.

use crate::decoding::DecodeArgs;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;

/// Teaches language models new languages: text and a recipe in, an adapted checkpoint and an honest report out.
#[derive(Parser, Debug)]
#[command(name = "tongues", version, propagate_version = true, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub verb: Verb,
    /// Threads to compute with; all cores where absent. Results do not depend on it.
    #[arg(long, global = true, value_name = "N")]
    pub threads: Option<usize>,
}

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Run a recipe: data, training, scores, report.
    Run(RunArgs),
    /// Show all problems of a recipe without running it.
    Check(CheckArgs),
    /// Show samples of a recipe's training data, with what carries loss.
    Data(DataArgs),
    /// List plugins, or document one.
    Plugins(PluginsArgs),
    /// Show what is in a checkpoint or adapter folder.
    Inspect(InspectArgs),
    /// Check every byte of a saved checkpoint, adapter or run, and what its model says.
    Verify(VerifyArgs),
    /// Merge checkpoints as a configuration of mergekit says.
    Merge(MergeArgs),
    /// Continue prompts with a checkpoint.
    Generate(GenerateArgs),
    /// Talk with a checkpoint: a turn a line, answers while they are written.
    Chat(ChatArgs),
    /// Score a checkpoint on a text file.
    Eval(EvalArgs),
    /// Write a checkpoint's logits on fixed inputs, to compare with other programs.
    Probe(ProbeArgs),
    /// Print the JSON schema of recipes, for editors.
    Schema,
    /// Print completions for a shell.
    Completions(CompletionsArgs),
}

/// Flags of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// The recipe.
    pub recipe: PathBuf,
    /// Replace a value: `--set data.train.path=corpus.tsv`, `--set stage.adapt.train.learning_rate=1e-3`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// The run folder; `runs/<name>-<hash>` where absent.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Where to compute: flex (CPU); wgpu, vulkan, cuda:0 where they were built in.
    #[arg(long, default_value = "flex")]
    pub device: String,
    /// Replace the recipe's seed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// Begin again where the folder already holds this run, finished or not.
    #[arg(long, conflicts_with_all = ["resume", "resume_anyway"])]
    pub overwrite: bool,
    /// Go on where an unfinished run of this recipe stopped; the result is the same, bit for bit.
    #[arg(long)]
    pub resume: bool,
    /// Go on even where the recipe, an input file or the program has changed since.
    #[arg(long)]
    pub resume_anyway: bool,
}

/// Flags of `check`.
#[derive(Args, Debug)]
pub struct CheckArgs {
    /// The recipe.
    pub recipe: PathBuf,
    /// Replace a value, as in `run`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Print the resolved recipe: sweeps expanded, defaults filled in.
    #[arg(long)]
    pub resolved: bool,
}

/// Flags of `data`.
#[derive(Args, Debug)]
pub struct DataArgs {
    /// The recipe.
    pub recipe: PathBuf,
    /// Only stages that train on this data set; with `--write` any data set, or a part such as `name.test`.
    #[arg(long, value_name = "NAME")]
    pub data: Option<String>,
    /// Write all records of the data set as JSONL, curated and split as the recipe says, for other programs.
    #[arg(long, value_name = "FILE", requires = "data", conflicts_with = "json")]
    pub write: Option<PathBuf>,
    /// Records shown of each stage's data, evenly spread.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub limit: usize,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
    /// Replace a value, as in `run`.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// Flags of `plugins`.
#[derive(Args, Debug)]
pub struct PluginsArgs {
    /// Document this plugin's options.
    pub name: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `inspect`.
#[derive(Args, Debug)]
pub struct InspectArgs {
    /// A checkpoint or adapter folder, or `hf:org/name`.
    pub folder: PathBuf,
    /// List the places that adapters can sit on.
    #[arg(long)]
    pub sites: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Flags of `verify`.
#[derive(Args, Debug)]
pub struct VerifyArgs {
    /// A checkpoint, adapter or run folder that tongues wrote.
    pub folder: PathBuf,
    /// The base model of an adapter, where it is not where its configuration says.
    #[arg(long, value_name = "FOLDER")]
    pub base: Option<PathBuf>,
    /// Where to compute.
    #[arg(long, default_value = "flex")]
    pub device: String,
}

/// Flags of `merge`.
#[derive(Args, Debug)]
pub struct MergeArgs {
    /// A configuration of mergekit (YAML): merge_method, models or slices, base_model, parameters, dtype, tokenizer_source, ...
    pub config: PathBuf,
    /// The folder of the result; it appears when the merge is whole. A merge that was stopped goes on with the same command.
    #[arg(required_unless_present = "report")]
    pub out: Option<PathBuf>,
    /// Do not merge: look at the models, and write what each changed, where they agree and where they undo each other, as a page
    /// and (beside it, as .json) as numbers.
    #[arg(long, value_name = "FILE.html")]
    pub report: Option<PathBuf>,
    /// What the merge may hold in memory, such as 4GB; more is an error before it begins.
    #[arg(long, value_name = "SIZE")]
    pub memory: Option<String>,
}

/// Flags of `generate`.
#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// A checkpoint folder, or `hf:org/name`.
    pub model: PathBuf,
    /// A text to continue; may be given several times.
    #[arg(long, required = true)]
    pub prompt: Vec<String>,
    /// Each prompt is a user's turn, written by the checkpoint's chat template.
    #[arg(long)]
    pub chat: bool,
    /// A PEFT adapter folder to put on top.
    #[arg(long)]
    pub adapter: Vec<PathBuf>,
    /// How it is written.
    #[command(flatten)]
    pub how: DecodeArgs,
    /// One JSON object a prompt.
    #[arg(long)]
    pub json: bool,
    /// Where to compute.
    #[arg(long, default_value = "flex")]
    pub device: String,
}

/// Flags of `chat`.
#[derive(Args, Debug)]
pub struct ChatArgs {
    /// A checkpoint folder.
    pub model: PathBuf,
    /// The system turn, for checkpoints with a chat template.
    #[arg(long, value_name = "TEXT")]
    pub system: Option<String>,
    /// A PEFT adapter folder to put on top.
    #[arg(long)]
    pub adapter: Vec<PathBuf>,
    /// How answers are written.
    #[command(flatten)]
    pub how: DecodeArgs,
    /// Where to compute.
    #[arg(long, default_value = "flex")]
    pub device: String,
}

/// Flags of `eval`.
#[derive(Args, Debug)]
pub struct EvalArgs {
    /// A checkpoint folder, or `hf:org/name`.
    pub model: PathBuf,
    /// A file: .txt, .tsv, .csv, .jsonl, .parquet.
    #[arg(long, value_name = "FILE")]
    pub data: PathBuf,
    /// Score answers behind their prompts, as the checkpoint's chat template writes them.
    #[arg(long)]
    pub chat: bool,
    /// Evaluator plugins; those that need no options where absent.
    #[arg(long = "use", value_name = "NAME")]
    pub evaluators: Vec<String>,
    /// A PEFT adapter folder to put on top.
    #[arg(long)]
    pub adapter: Vec<PathBuf>,
    /// Score at most so many records, evenly spread.
    #[arg(long)]
    pub limit: Option<usize>,
    /// Where the report goes; a temporary folder where absent.
    #[arg(long, value_name = "FOLDER")]
    pub out: Option<PathBuf>,
    /// Where to compute.
    #[arg(long, default_value = "flex")]
    pub device: String,
}

/// Flags of `probe`.
#[derive(Args, Debug)]
pub struct ProbeArgs {
    /// A checkpoint folder.
    #[arg(long)]
    pub base: PathBuf,
    /// An adapter folder on top of it.
    #[arg(long)]
    pub adapter: Option<PathBuf>,
    /// A checkpoint folder with the adapter folded in.
    #[arg(long)]
    pub folded: Option<PathBuf>,
    /// Texts whose ids are compared.
    #[arg(long, default_value = "tongues")]
    pub text: Vec<String>,
    /// Where `probe.safetensors` and `probe.json` go.
    #[arg(long)]
    pub out: PathBuf,
}

/// Flags of `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: clap_complete::Shell,
}
