//! `tongues check`.

use crate::args::CheckArgs;
use crate::say;
use std::path::Path;
use tongues_kernel::refuse;
use tongues_recipe::{Linked, Loaded};

/// Shows all problems of a recipe, or what it will do.
pub fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let loaded = tongues_recipe::load(&args.recipe, &args.set, &Linked)?;
    if args.resolved {
        return say(&tongues_recipe::resolved(&loaded.recipe)?);
    }
    let missing = missing(&loaded);
    if !missing.is_empty() {
        let (expected, found) = ("files and folders that are there", missing.join("; "));
        return Ok(refuse(args.recipe.display(), expected, found, "correct the paths, or give your own with --set KEY=PATH")?);
    }
    let stages: Vec<&str> = loaded.recipe.stage.iter().map(|s| s.name.as_str()).collect();
    say(&format!("{}: no problems. Stages: {}.", args.recipe.display(), stages.join(", ")))
}

/// Every path of the recipe that leads nowhere, with its place.
fn missing(loaded: &Loaded) -> Vec<String> {
    let recipe = &loaded.recipe;
    let data = recipe.data.iter().filter_map(|(n, d)| Some((["data", n, "path"], d.path.as_ref()?)));
    let tokenizers = recipe.tokenizers.iter().filter_map(|(n, t)| Some((["tokenizers", n, "file"], t.file.as_ref()?)));
    let models = recipe.models.iter().filter_map(|(n, m)| Some((["models", n, "checkpoint"], m.checkpoint.as_ref()?)));
    let adapters = recipe.models.iter().flat_map(|(n, m)| m.adapters.iter().map(move |a| (["models", n, "adapters"], a)));
    let all = data.chain(tokenizers).chain(models).chain(adapters);
    all.filter(|(_, path)| !Path::new(path).exists()).map(|(keys, path)| format!("{}: nothing at {path} ({})", loaded.place(&keys), keys.join("."))).collect()
}
