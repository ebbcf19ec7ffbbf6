//! `tongues eval`: a one-stage recipe from flags.

use crate::args::EvalArgs;
use crate::bar::Bar;
use crate::run::show;
use crate::toml::{path, paths, quoted};
use crate::{device, say};
use serde_json::Value as Json;
use std::sync::Arc;
use tongues_engine::{Begin, RunOptions};
use tongues_kernel::{Kind, plugins};
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
    let chosen = if args.evaluators.is_empty() { free_of_options() } else { args.evaluators.clone() };
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

/// Evaluators that can be used without options.
fn free_of_options() -> Vec<String> {
    let free = |schema: Json| schema.get("required").and_then(Json::as_array).is_none_or(Vec::is_empty);
    plugins().into_iter().filter(|p| p.kind == Kind::Evaluator && free((p.schema)())).map(|p| p.name.to_owned()).collect()
}
