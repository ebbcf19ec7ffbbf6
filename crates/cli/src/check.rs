//! `tongues check`.

use crate::args::CheckArgs;
use crate::say;
use serde_json::Map;
use std::path::Path;
use tongues_formats::ChatTemplate;
use tongues_kernel::{Error, refuse};
use tongues_recipe::ast::{Chat, FormatDef};
use tongues_recipe::{Linked, Loaded};

/// Shows all problems of a recipe, or what it will do.
pub fn run(args: &CheckArgs) -> anyhow::Result<()> {
    if is_paper_file(&args.recipe) {
        let told = "the paper file of a repro, which `cargo xtask repro` reads; its recipes lie in the folder beside it";
        return say(&format!("{}: {told}.", args.recipe.display()));
    }
    let loaded = tongues_recipe::load(&args.recipe, &args.set, &Linked)?;
    if args.resolved {
        return say(&tongues_recipe::resolved(&loaded.recipe)?);
    }
    let missing = missing(&loaded);
    if !missing.is_empty() {
        let (expected, found) = ("files and folders that are there", missing.join("; "));
        return Ok(refuse(args.recipe.display(), expected, found, "correct the paths, or give your own with --set KEY=PATH")?);
    }
    templates(&loaded)?;
    let stages: Vec<&str> = loaded.recipe.stage.iter().map(|s| s.name.as_str()).collect();
    say(&format!("{}: no problems. Stages: {}.", args.recipe.display(), stages.join(", ")))
}

/// A paper file says `repro = …` before its first table.
fn is_paper_file(path: &Path) -> bool {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().take_while(|l| !l.trim_start().starts_with('[')).any(|l| l.split_once('=').is_some_and(|(key, _)| key.trim() == "repro"))
}

fn chat_file(format: &FormatDef) -> Option<&String> {
    match &format.chat {
        Some(Chat::File(path)) => Some(path),
        _ => None,
    }
}

/// Chat templates in files of their own can be read; what the recipe itself holds was checked with it.
fn templates(loaded: &Loaded) -> tongues_kernel::Result<()> {
    for (name, format) in &loaded.recipe.formats {
        let Some(path) = chat_file(format) else { continue };
        let source = std::fs::read_to_string(path).map_err(|e| Error::input(path, "a chat template in UTF-8", e, "save it as UTF-8"))?;
        ChatTemplate::new(&source, &Map::new(), None, path).map_err(|e| e.within(loaded.place(&["formats", name, "chat"])))?;
    }
    Ok(())
}

/// Every path of the recipe that leads nowhere, with its place.
fn missing(loaded: &Loaded) -> Vec<String> {
    let recipe = &loaded.recipe;
    let data = recipe.data.iter().flat_map(|(n, d)| d.files().into_iter().map(move |(_, path)| (["data", n, "path"], path)));
    let tokenizers = recipe.tokenizers.iter().filter_map(|(n, t)| Some((["tokenizers", n, "file"], t.file.clone()?)));
    let models = recipe.models.iter().filter_map(|(n, m)| Some((["models", n, "checkpoint"], m.checkpoint.clone()?)));
    let adapters = recipe.models.iter().flat_map(|(n, m)| m.adapters.iter().map(move |a| (["models", n, "adapters"], a.clone())));
    let chats = recipe.formats.iter().filter_map(|(n, f)| Some((["formats", n, "chat"], chat_file(f)?.clone())));
    let all = data.chain(tokenizers).chain(models).chain(adapters).chain(chats);
    all.filter(|(_, path)| !Path::new(path).exists()).map(|(keys, path)| format!("{}: nothing at {path} ({})", loaded.place(&keys), keys.join("."))).collect()
}
