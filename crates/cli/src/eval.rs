//! `tongues eval`: a one-stage recipe from flags.

use crate::args::EvalArgs;
use crate::bar::Bar;
use crate::run::show;
use crate::toml::{path, paths, quoted};
use crate::{device, say};
use serde_json::{Value as Json, json};
use std::sync::Arc;
use tongues_engine::{Begin, RunOptions};
use tongues_io::{hf, hub};
use tongues_kernel::burn::prelude::Device;
use tongues_kernel::{Bare, Built, Draws, Kind, Stack, build, plugins};
use tongues_recipe::Linked;

/// Scores a checkpoint on a text file.
pub fn run(args: &EvalArgs) -> anyhow::Result<()> {
    let device = device::parse(&args.device)?;
    let loaded = tongues_recipe::parse(&recipe(args), "flags", &[], &Linked)?;
    let temporary = tempfile::tempdir()?;
    let out = args.out.clone().unwrap_or_else(|| temporary.path().join("eval"));
    let options = RunOptions { out: Some(out), device, device_name: args.device.clone(), begin: Begin::Fresh, stop: Arc::default() };
    show(&tongues_engine::run(&loaded, &options, &Bar::new())?)?;
    match &args.out {
        Some(folder) => say(&format!("Report: {}", folder.join("report.html").display())),
        None => Ok(()),
    }
}

fn recipe(args: &EvalArgs) -> String {
    let chosen = if args.evaluators.is_empty() { free_of_options(args.chat, is_encoder(&args.model.to_string_lossy())) } else { args.evaluators.clone() };
    let limit = args.limit.map_or(String::new(), |n| format!(", limit = {n}"));
    let chat = if args.chat { ", format = \"chat\"" } else { "" };
    let on: Vec<String> = chosen.iter().map(|name| format!("{{ use = {}, data = \"text\"{chat}{limit} }}", quoted(name))).collect();
    format!(
        "recipe = 1\nname = \"eval\"\n[models.model]\ncheckpoint = {}\nadapters = {}\n[data.text]\npath = {}\n[[stage]]\nname = \"score\"\nevaluate = {{ models = [\"model\"], on = [{}] }}\n",
        path(&args.model),
        paths(&args.adapter),
        path(&args.data),
        on.join(", ")
    )
}

/// Whether a checkpoint's tokens see those behind them. What is wrong with one is told when it is read for its scores.
fn is_encoder(model: &str) -> bool {
    let mut cx = Bare { device: Device::flex(), draws: Draws::new(0) };
    let opened = hub::locate(model).and_then(|located| hf::Opened::open(&located.dir, &mut cx));
    opened.is_ok_and(|opened| opened.spec.main() != Stack::Decoder)
}

/// Evaluators that can be used without options, and with a format where one is asked for. Those of encoders say so in their schema.
fn free_of_options(format: bool, encoder: bool) -> Vec<String> {
    let mut cx = Bare { device: Device::flex(), draws: Draws::new(0) };
    let mut free = |name: &str| match build(Kind::Evaluator, name, json!({}), &mut cx) {
        Ok(Built::Evaluator(evaluator)) => !format || evaluator.takes_format(),
        _ => false,
    };
    let suits = |schema: Json| (schema.get("x-stack") == Some(&json!("encoder"))) == encoder;
    plugins().into_iter().filter(|p| p.kind == Kind::Evaluator && suits((p.schema)()) && free(p.name)).map(|p| p.name.to_owned()).collect()
}
