//! Flags that say how text is written, and the model that writes it.

use crate::device;
use crate::toml::{path, paths};
use clap::Args;
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};
use tongues_engine::{Shop, Writing};
use tongues_kernel::{Kind, Plugin, plugins, refuse};
use tongues_recipe::ast::PluginUse;
use tongues_recipe::{Linked, Loaded};

/// How text is written.
#[derive(Args, Debug)]
pub struct DecodeArgs {
    /// The decoder plugin; the first that has the options given where absent.
    #[arg(long)]
    pub decoder: Option<String>,
    /// 0 takes the likeliest token; 1 samples from the model as it is.
    #[arg(long)]
    pub temperature: Option<f64>,
    /// Sample among the K likeliest tokens.
    #[arg(long, value_name = "K")]
    pub top_k: Option<usize>,
    /// Sample among the likeliest tokens that together have this probability.
    #[arg(long, value_name = "P")]
    pub top_p: Option<f64>,
    /// Sample among tokens with at least this share of the likeliest one's probability.
    #[arg(long, value_name = "P")]
    pub min_p: Option<f64>,
    /// Above 1: tokens that are there already become less likely.
    #[arg(long, value_name = "X")]
    pub repetition_penalty: Option<f64>,
    /// Keep so many texts at every step and give the best.
    #[arg(long, value_name = "N")]
    pub num_beams: Option<usize>,
    /// Another option of the decoder, its value as JSON: `--option length_penalty=0.6`; `tongues plugins NAME` lists them.
    #[arg(long, value_name = "KEY=VALUE")]
    pub option: Vec<String>,
    /// A string that ends a text; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub stop: Vec<String>,
    /// At most so many new tokens.
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub max_new_tokens: usize,
    /// Seed of the draws.
    #[arg(long, default_value_t = 0)]
    pub seed: u64,
}

impl DecodeArgs {
    /// The decoder with its options.
    ///
    /// # Errors
    /// An option has no value, or no decoder has these options.
    pub fn decoder(&self) -> anyhow::Result<PluginUse> {
        let flags = [
            ("temperature", self.temperature.map(|x| json!(x))),
            ("top_k", self.top_k.map(|x| json!(x))),
            ("top_p", self.top_p.map(|x| json!(x))),
            ("min_p", self.min_p.map(|x| json!(x))),
            ("repetition_penalty", self.repetition_penalty.map(|x| json!(x))),
            ("num_beams", self.num_beams.map(|x| json!(x))),
        ];
        let mut options: Map<String, Json> = flags.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))).collect();
        for option in &self.option {
            let Some((key, value)) = option.split_once('=') else {
                return Ok(refuse("--option", "KEY=VALUE", option, "for example --option length_penalty=0.6")?);
            };
            options.insert(key.into(), serde_json::from_str(value).unwrap_or_else(|_| value.into()));
        }
        let plugin = self.decoder.clone().map_or_else(|| first_with(&options), Ok)?;
        Ok(PluginUse { plugin, options })
    }

    /// Everything that says how text is written.
    pub fn writing<'w>(&'w self, decode: &'w PluginUse) -> Writing<'w> {
        Writing { decode, max_new_tokens: self.max_new_tokens, stop_strings: &self.stop, stop_token_ids: &[] }
    }
}

/// The first decoder that has all these options; without any, the first that has a temperature.
fn first_with(options: &Map<String, Json>) -> anyhow::Result<String> {
    let usual = "temperature".to_owned();
    let keys: Vec<&String> = if options.is_empty() { vec![&usual] } else { options.keys().collect() };
    let has = |p: &&'static Plugin| {
        let schema = (p.schema)();
        keys.iter().all(|key| schema.pointer(&format!("/properties/{key}")).is_some())
    };
    match plugins().into_iter().filter(|p| p.kind == Kind::Decoder).find(has) {
        Some(plugin) => Ok(plugin.name.to_owned()),
        None => {
            let found = keys.iter().map(|key| key.as_str()).collect::<Vec<_>>().join(", ");
            Ok(refuse("decoding flags", "options of one decoder", found, "name the decoder with --decoder; `tongues plugins` lists them")?)
        }
    }
}

/// A recipe with one model, called `model`, and nothing to do.
///
/// # Errors
/// The paths are no text that a recipe can hold.
pub fn recipe(folder: &Path, adapters: &[PathBuf], seed: u64) -> anyhow::Result<Loaded> {
    let text = format!(
        "recipe = 1\nname = \"generate\"\nseed = {seed}\n[models.model]\ncheckpoint = {}\nadapters = {}\n[[stage]]\nname = \"copy\"\nexport = {{ model = \"model\", fold = false }}\n",
        path(folder),
        paths(adapters)
    );
    Ok(tongues_recipe::parse(&text, "flags", &[], &Linked)?)
}

/// The recipe's things, on a device.
///
/// # Errors
/// There is no such device.
pub fn shop<'r>(loaded: &'r Loaded, name: &str) -> anyhow::Result<Shop<'r>> {
    Ok(Shop::new(&loaded.recipe, device::parse(name)?.autodiff(), PathBuf::new()))
}
