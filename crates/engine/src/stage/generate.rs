//! Text written by a model.

use super::{Work, write};
use crate::datasets::spread;
use crate::shop::Shop;
use crate::surroundings::Surroundings;
use serde_json::{Value as Json, json};
use tongues_formats::TextFormat;
use tongues_kernel::{Built, Error, Format, Generation, InMemory, Kind, Limits, Model, Name, Record, Request, Result, Tokenizer, Value, build};
use tongues_recipe::ast::{Generate, PluginUse};

/// A prompt as people see it, as the model reads it, and the record it came from.
struct Asked {
    shown: String,
    ids: Vec<u32>,
    record: Option<Name>,
    /// The answer that the record holds.
    reference: Option<String>,
}

/// Continues the prompts, or the records up to their answers; writes `generations.jsonl`.
pub fn run(work: &Work<'_, '_>, generate: &Generate) -> Result<()> {
    let model = work.shop.model(&generate.model)?;
    let tokenizer = model.tokenizer()?;
    let format = work.shop.format(generate.format.as_deref(), tokenizer.as_ref())?;
    let asked = match &generate.data {
        Some(data) => from_records(&spread(&*work.shop.records(data)?, generate.limit), format.as_ref(), tokenizer.as_ref())?,
        None => from_prompts(&generate.prompts, format.as_ref(), tokenizer.as_ref())?,
    };
    let written = answered(work.shop, &model, &asked, format.as_ref(), &generate.decode, generate.max_new_tokens)?;
    let mut lines = String::new();
    for (asked, generation) in asked.iter().zip(&written) {
        let (prompt, text) = (&asked.shown, tokenizer.decode(&generation.ids)?);
        work.progress.say(&format!("{prompt} → {text}"));
        let mut line = json!({ "prompt": prompt, "text": text, "ids": generation.ids, "log_probabilities": generation.scores, "stopped": generation.stopped });
        if let Some(record) = &asked.record {
            line["id"] = json!(&**record);
        }
        if let Some(reference) = &asked.reference {
            line["reference"] = json!(reference);
        }
        lines.push_str(&format!("{line}\n"));
    }
    write::save_text(&work.folder.stage(&work.stage.name).join("generations.jsonl"), &lines)
}

fn from_prompts(prompts: &[String], format: Option<&TextFormat>, tokenizer: &dyn Tokenizer) -> Result<Vec<Asked>> {
    let asked = |prompt: &String| {
        let ids = match format {
            Some(format) => {
                let text = Value::Text(prompt.as_str().into());
                let fields = [("prompt".into(), text.clone()), ("text".into(), text)];
                format.prompt(&Record { id: prompt.as_str().into(), fields: fields.into(), ..Record::default() }, tokenizer)?
            }
            None => plain(prompt, tokenizer)?,
        };
        Ok(Asked { shown: prompt.clone(), ids, record: None, reference: None })
    };
    prompts.iter().map(asked).collect()
}

fn from_records(data: &InMemory, format: Option<&TextFormat>, tokenizer: &dyn Tokenizer) -> Result<Vec<Asked>> {
    let asked = |record: &Record| {
        let ids = match format {
            Some(format) => format.prompt(record, tokenizer)?,
            None => plain(record.text(if record.fields.contains_key("prompt") { "prompt" } else { "text" })?, tokenizer)?,
        };
        let reference = format.map_or(Ok(None), |format| format.answer(record))?;
        Ok(Asked { shown: tokenizer.decode(&ids)?, ids, record: Some(record.id.clone()), reference })
    };
    data.records.iter().map(asked).collect()
}

/// A text behind its start token.
fn plain(text: &str, tokenizer: &dyn Tokenizer) -> Result<Vec<u32>> {
    let start = tokenizer.bos().or(tokenizer.eos());
    Ok(start.into_iter().chain(tokenizer.encode(text)?).collect())
}

/// Continues texts with a decoder plugin; with a format, up to where it ends an answer.
///
/// # Errors
/// A prompt is too long, or the decoder's options are wrong.
pub fn continued(
    shop: &Shop<'_>,
    model: &Model,
    prompts: &[String],
    format: Option<&str>,
    decode: &PluginUse,
    max_new_tokens: usize,
) -> Result<Vec<Generation>> {
    let tokenizer = model.tokenizer()?;
    let format = shop.format(format, tokenizer.as_ref())?;
    let asked = from_prompts(prompts, format.as_ref(), tokenizer.as_ref())?;
    answered(shop, model, &asked, format.as_ref(), decode, max_new_tokens)
}

fn answered(shop: &Shop<'_>, model: &Model, asked: &[Asked], format: Option<&TextFormat>, decode: &PluginUse, most: usize) -> Result<Vec<Generation>> {
    let stop = format.map_or_else(|| Ok(vec![]), |format| format.stops(model.tokenizer()?.as_ref()))?;
    decoded(shop, model, asked.iter().map(|a| a.ids.clone()).collect(), stop, decode, most)
}

/// Continues rows of tokens, up to the end of the text or a token of `stop`.
fn decoded(shop: &Shop<'_>, model: &Model, prompts: Vec<Vec<u32>>, stop: Vec<u32>, decode: &PluginUse, max_new_tokens: usize) -> Result<Vec<Generation>> {
    let mut cx = Surroundings::new(shop, "generate").about(model.clone());
    let Built::Decoder(decoder) = build(Kind::Decoder, &decode.plugin, Json::Object(decode.options.clone()), &mut cx)? else {
        return Err(Error::run(&decode.plugin, "a decoder plugin built something else"));
    };
    let requests: Vec<Request> = prompts.into_iter().enumerate().map(|(id, prompt)| Request { id: id as u64, prompt }).collect();
    let limits = Limits { max_new_tokens, stop: model.tokenizer()?.eos().into_iter().chain(stop).collect() };
    decoder.decode(&mut cx, &requests, &limits)
}
