//! `tongues inspect`.

use crate::args::InspectArgs;
use crate::say;
use serde_json::{Map, Value as Json, json};
use std::path::Path;
use tongues_io::{Checkpoint, HfTokenizer, config, hf, hub, open_file};
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Bare, Draws, Init, SiteInfo, Tokenizer, refuse};

/// Shows headers only; no tensor is read.
pub fn run(args: &InspectArgs) -> anyhow::Result<()> {
    let located = hub::locate(&args.folder.display().to_string())?;
    let dir = &located.dir;
    if dir.join("adapter_config.json").exists() {
        let config = config::read_object(&dir.join("adapter_config.json"))?;
        return show(args, dir, "adapter", &config, &open_file(&hf::adapter_tensors(dir))?, vec![]);
    }
    if !dir.join("config.json").exists() {
        return Ok(refuse(dir.display(), "a folder with config.json or adapter_config.json", "neither", "name a checkpoint or adapter folder")?);
    }
    let config = config::read_config(dir)?;
    let checkpoint = Checkpoint::open(dir)?;
    let sites = if args.sites { sites(&config, dir)? } else { vec![] };
    show(args, dir, "checkpoint", &config, &checkpoint, sites)
}

fn sites(config: &Map<String, Json>, dir: &Path) -> anyhow::Result<Vec<SiteInfo>> {
    let mut cx = Bare { device: Device::flex(), draws: Draws::new(0) };
    let family = hf::family(config, &dir.join("config.json"), &mut cx)?;
    let backbone = family.build(&Init { device: Device::flex(), draws: None })?;
    Ok(backbone.spec().sites.clone())
}

fn show(args: &InspectArgs, dir: &Path, kind: &str, config: &Map<String, Json>, file: &Checkpoint, sites: Vec<SiteInfo>) -> anyhow::Result<()> {
    let mut rows = vec![];
    for name in file.names() {
        rows.push((name.to_owned(), file.info(name)?));
    }
    let parameters: usize = rows.iter().map(|(_, i)| i.shape.iter().product::<usize>()).sum();
    if args.json {
        let tensors: Vec<Json> = rows.iter().map(|(name, i)| json!({ "name": name, "dtype": format!("{:?}", i.dtype), "shape": i.shape })).collect();
        let sites: Vec<Json> =
            sites.iter().map(|s| json!({ "path": s.path, "role": s.site.role.word(), "layer": s.site.layer, "width": s.width, "weight": s.weight })).collect();
        return say(&serde_json::to_string_pretty(&json!({ "kind": kind, "parameters": parameters, "config": config, "tensors": tensors, "sites": sites }))?);
    }
    let family = config.get("model_type").or(config.get("peft_type")).and_then(Json::as_str).unwrap_or("unknown kind");
    say(&format!("{kind} {}: {family}, {parameters} parameters in {} tensors", args.folder.display(), rows.len()))?;
    if let Ok(tokenizer) = HfTokenizer::from_dir(dir) {
        say(&format!("tokenizer: {} entries, bos {:?}, eos {:?}, pad {:?}", tokenizer.size(), tokenizer.bos(), tokenizer.eos(), tokenizer.pad()))?;
    }
    for (name, info) in &rows {
        say(&format!("  {name:56} {:5} {:?}", format!("{:?}", info.dtype), info.shape))?;
    }
    if args.sites {
        say("places:")?;
    }
    for s in &sites {
        say(&format!("  {:48} {:14} {:?}{}", s.path, s.site.role.word(), s.width, if s.weight { "  projection" } else { "" }))?;
    }
    Ok(())
}
