//! `tongues generate`.

use crate::args::GenerateArgs;
use crate::toml::{path, paths};
use crate::{device, say};
use serde_json::{Map, Value as Json, json};
use tongues_engine::{Shop, continued};
use tongues_kernel::{Kind, Plugin, plugins, refuse};
use tongues_recipe::Linked;
use tongues_recipe::ast::PluginUse;

/// Continues prompts.
pub fn run(args: &GenerateArgs) -> anyhow::Result<()> {
    let decode = decode(args)?;
    let device = device::parse(&args.device)?;
    let text = format!(
        "recipe = 1\nname = \"generate\"\nseed = {}\n[models.model]\ncheckpoint = {}\nadapters = {}\n[[stage]]\nname = \"copy\"\nexport = {{ model = \"model\", fold = false }}\n",
        args.seed,
        path(&args.model),
        paths(&args.adapter)
    );
    let loaded = tongues_recipe::parse(&text, "flags", &[], &Linked)?;
    let shop = Shop::new(&loaded.recipe, device.autodiff(), std::path::PathBuf::new());
    let model = shop.model("model")?;
    let tokenizer = model.tokenizer()?;
    let written = continued(&shop, &model, &args.prompt, args.chat.then_some("chat"), &decode, args.max_new_tokens)?;
    for (prompt, generation) in args.prompt.iter().zip(&written) {
        let text = tokenizer.decode(&generation.ids)?;
        if args.json {
            say(&json!({ "prompt": prompt, "text": text, "ids": generation.ids, "log_probabilities": generation.scores, "stopped": generation.stopped })
                .to_string())?;
        } else {
            say(&format!("{prompt}{text}"))?;
        }
    }
    Ok(())
}

fn decode(args: &GenerateArgs) -> anyhow::Result<PluginUse> {
    let mut options = Map::new();
    options.extend(args.temperature.map(|t| ("temperature".to_owned(), json!(t))));
    options.extend(args.top_k.map(|k| ("top_k".to_owned(), json!(k))));
    options.extend(args.top_p.map(|p| ("top_p".to_owned(), json!(p))));
    let plugin = match &args.decoder {
        Some(name) => name.clone(),
        None => first_with(&options)?,
    };
    Ok(PluginUse { plugin, options })
}

/// The first decoder that has all these options.
fn first_with(options: &Map<String, Json>) -> anyhow::Result<String> {
    let has = |p: &&'static Plugin| {
        let schema = (p.schema)();
        options.keys().chain(std::iter::once(&"temperature".to_owned())).all(|k| schema.pointer(&format!("/properties/{k}")).is_some())
    };
    match plugins().into_iter().filter(|p| p.kind == Kind::Decoder).find(has) {
        Some(plugin) => Ok(plugin.name.to_owned()),
        None => Ok(refuse("--decoder", "a decoder with these options", "none linked", "name one with --decoder")?),
    }
}
