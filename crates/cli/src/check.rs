//! `tongues check`.

use crate::args::CheckArgs;
use crate::say;
use tongues_recipe::Linked;

/// Shows all problems of a recipe, or what it will do.
pub fn run(args: &CheckArgs) -> anyhow::Result<()> {
    let loaded = tongues_recipe::load(&args.recipe, &args.set, &Linked)?;
    if args.resolved {
        return say(&tongues_recipe::resolved(&loaded.recipe)?);
    }
    let recipe = &loaded.recipe;
    for (name, data) in &recipe.data {
        if let Some(path) = &data.path
            && !std::path::Path::new(path).exists()
        {
            let place = loaded.place(&["data", name, "path"]);
            return Ok(tongues_kernel::refuse(place, "a file", format!("nothing at {path}"), format!("give your own with --set data.{name}.path=FILE"))?);
        }
    }
    let stages: Vec<&str> = recipe.stage.iter().map(|s| s.name.as_str()).collect();
    say(&format!("{}: no problems. Stages: {}.", args.recipe.display(), stages.join(", ")))
}
