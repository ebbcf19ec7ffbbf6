//! Text written by a model.

use super::writing::{Asked, Writing, Written, plain};
use super::{Work, write};
use crate::datasets::spread;
use crate::shop::Shop;
use tongues_formats::TextFormat;
use tongues_kernel::{Format, InMemory, Model, Record, Result, Tokenizer, Value};
use tongues_recipe::ast::Generate;

/// Continues the prompts, or the records up to their answers; writes `generations.jsonl`.
pub fn run(work: &Work<'_, '_>, generate: &Generate) -> Result<()> {
    let model = work.shop.model(&generate.model)?;
    let tokenizer = model.tokenizer()?;
    let format = work.shop.format(generate.format.as_deref(), tokenizer.as_ref())?;
    let asked = match &generate.data {
        Some(data) => from_records(&spread(&*work.shop.records(data)?, generate.limit), format.as_ref(), tokenizer.as_ref())?,
        None => from_prompts(&generate.prompts, format.as_ref(), tokenizer.as_ref())?,
    };
    let mut lines = String::new();
    for written in Writing::of(generate).answered(work.shop, &model, asked, format.as_ref())? {
        work.progress.say(&format!("{} → {}", written.asked.shown, written.text));
        lines.push_str(&format!("{}\n", written.line(tokenizer.as_ref())?));
    }
    write::save_text(&work.folder.stage(&work.stage.name).join("generations.jsonl"), &lines)
}

fn from_prompts(prompts: &[String], format: Option<&TextFormat>, tokenizer: &dyn Tokenizer) -> Result<Vec<Asked>> {
    let asked = |(id, prompt): (usize, &String)| {
        let ids = match format {
            Some(format) => {
                let text = Value::Text(prompt.as_str().into());
                let fields = [("prompt".into(), text.clone()), ("text".into(), text)];
                format.prompt(&Record { id: prompt.as_str().into(), fields: fields.into(), ..Record::default() }, tokenizer)?
            }
            None => plain(prompt, tokenizer)?,
        };
        Ok(Asked { id: id as u64, shown: prompt.clone(), ids, ..Asked::default() })
    };
    prompts.iter().enumerate().map(asked).collect()
}

fn from_records(data: &InMemory, format: Option<&TextFormat>, tokenizer: &dyn Tokenizer) -> Result<Vec<Asked>> {
    let asked = |(id, record): (usize, &Record)| {
        let ids = match format {
            Some(format) => format.prompt(record, tokenizer)?,
            None => plain(record.text(if record.fields.contains_key("prompt") { "prompt" } else { "text" })?, tokenizer)?,
        };
        let reference = format.map_or(Ok(None), |format| format.answer(record))?;
        Ok(Asked { id: id as u64, shown: tokenizer.decode(&ids)?, ids, record: Some(record.id.clone()), reference, language: record.language.clone() })
    };
    data.records.iter().enumerate().map(asked).collect()
}

/// Continues texts with a decoder plugin; with a format, up to where it ends an answer.
///
/// # Errors
/// A prompt is too long, or the decoder's options are wrong.
pub fn continued(shop: &Shop<'_>, model: &Model, prompts: &[String], format: Option<&str>, how: Writing<'_>) -> Result<Vec<Written>> {
    let tokenizer = model.tokenizer()?;
    let format = shop.format(format, tokenizer.as_ref())?;
    let asked = from_prompts(prompts, format.as_ref(), tokenizer.as_ref())?;
    how.answered(shop, model, asked, format.as_ref())
}
