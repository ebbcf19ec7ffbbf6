//! Text written by a model.

use super::{Work, write};
use crate::shop::Shop;
use crate::surroundings::Surroundings;
use serde_json::{Value as Json, json};
use tongues_kernel::{Built, Error, Generation, Kind, Limits, Model, Request, Result, build};
use tongues_recipe::ast::{Generate, PluginUse};

/// Continues the prompts; writes `generations.jsonl`.
pub fn run(work: &Work<'_, '_>, generate: &Generate) -> Result<()> {
    let model = work.shop.model(&generate.model)?;
    let written = continued(work.shop, &model, &generate.prompts, &generate.decode, generate.max_new_tokens)?;
    let tokenizer = model.tokenizer()?;
    let mut lines = String::new();
    for (prompt, generation) in generate.prompts.iter().zip(&written) {
        let text = tokenizer.decode(&generation.ids)?;
        work.progress.say(&format!("{prompt} → {text}"));
        lines.push_str(
            &json!({ "prompt": prompt, "text": text, "ids": generation.ids, "log_probabilities": generation.scores, "stopped": generation.stopped })
                .to_string(),
        );
        lines.push('\n');
    }
    write::save_text(&work.folder.stage(&work.stage.name).join("generations.jsonl"), &lines)
}

/// Continues texts with a decoder plugin.
///
/// # Errors
/// A prompt is too long, or the decoder's options are wrong.
pub fn continued(shop: &Shop<'_>, model: &Model, prompts: &[String], decode: &PluginUse, max_new_tokens: usize) -> Result<Vec<Generation>> {
    let mut cx = Surroundings::new(shop, "generate").about(model.clone());
    let Built::Decoder(decoder) = build(Kind::Decoder, &decode.plugin, Json::Object(decode.options.clone()), &mut cx)? else {
        return Err(Error::run(&decode.plugin, "a decoder plugin built something else"));
    };
    let tokenizer = model.tokenizer()?;
    let mut requests = vec![];
    for (id, prompt) in prompts.iter().enumerate() {
        let start = tokenizer.bos().or(tokenizer.eos());
        let prompt = start.into_iter().chain(tokenizer.encode(prompt)?).collect();
        requests.push(Request { id: id as u64, prompt });
    }
    let limits = Limits { max_new_tokens, stop: tokenizer.eos().into_iter().collect() };
    decoder.decode(&mut cx, &requests, &limits)
}
