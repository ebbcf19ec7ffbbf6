//! `tongues plugins`.

use crate::args::PluginsArgs;
use crate::say;
use serde_json::json;
use tongues_kernel::{Plugin, nearest, plugins, refuse};

/// Lists plugins, or documents one.
pub fn run(args: &PluginsArgs) -> anyhow::Result<()> {
    let chosen = chosen(args)?;
    if args.json {
        let all: Vec<_> = chosen
            .iter()
            .map(|p| json!({ "kind": p.kind.name(), "name": p.name, "summary": p.summary, "origin": p.origin, "options": (p.schema)() }))
            .collect();
        return say(&serde_json::to_string_pretty(&all)?);
    }
    let width = chosen.iter().map(|p| p.name.len()).max().unwrap_or(0);
    for plugin in &chosen {
        say(&format!("{:10} {:width$} {}", plugin.kind.name(), plugin.name, plugin.summary))?;
        if args.name.is_some() {
            say(&format!("\n{}\nFrom {}.", tongues_recipe::options_text(&(plugin.schema)()), plugin.origin))?;
        }
    }
    Ok(())
}

fn chosen(args: &PluginsArgs) -> anyhow::Result<Vec<&'static Plugin>> {
    let all = plugins();
    let Some(name) = &args.name else { return Ok(all) };
    let found: Vec<_> = all.iter().copied().filter(|p| p.name == name).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let near = nearest(name, all.iter().map(|p| p.name)).map_or_else(|| "`tongues plugins` lists them".into(), |n| format!("did you mean {n}?"));
    Ok(refuse("plugin", "the name of a plugin", name, near)?)
}
