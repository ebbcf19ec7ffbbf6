//! How text is written: with which decoder, how long, and what ends it.

use crate::shop::Shop;
use crate::surroundings::Surroundings;
use serde_json::{Value as Json, json};
use tongues_formats::TextFormat;
use tongues_kernel::score::language_column;
use tongues_kernel::{Built, Context, Decoder, DecoderUse, Error, Format, Generation, Kind, Limits, Model, Name, Request, Result, Tokenizer, build, refuse};
use tongues_recipe::ast::{Generate, PluginUse};

/// A prompt as people see it, as the model reads it, and the record it came from.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Its place among the prompts; draws depend on it.
    pub id: u64,
    /// For people.
    pub shown: String,
    /// For the model.
    pub ids: Vec<u32>,
    /// The record it came from.
    pub record: Option<Name>,
    /// The answer that the record holds.
    pub reference: Option<String>,
    /// The language that is asked in: models with an adapter a language take that one.
    pub language: Option<Name>,
}

/// How text is written.
#[derive(Clone, Copy, Debug)]
pub struct Writing<'w> {
    /// The decoder plugin.
    pub decode: &'w PluginUse,
    /// At most so many new tokens.
    pub max_new_tokens: usize,
    /// Strings that end a text.
    pub stop_strings: &'w [String],
    /// Tokens that end a text, beside those of tokenizer and format.
    pub stop_token_ids: &'w [u32],
}

/// A text that was written.
#[derive(Clone, Debug)]
pub struct Written {
    /// What was asked.
    pub asked: Asked,
    /// The text, up to where a stop string begins.
    pub text: String,
    /// Its tokens.
    pub generation: Generation,
    limits: Limits,
}

impl<'w> Writing<'w> {
    /// As a stage says.
    pub fn of(generate: &'w Generate) -> Self {
        let Generate { decode, max_new_tokens, stop_strings, stop_token_ids, .. } = generate;
        Self { decode, max_new_tokens: *max_new_tokens, stop_strings, stop_token_ids }
    }

    /// Builds the decoder, to see that its options are right.
    ///
    /// # Errors
    /// They are not.
    pub fn check(&self, shop: &Shop<'_>) -> Result<()> {
        self.decoder(&mut Surroundings::new(shop, "generate")).map(|_| ())
    }

    fn decoder(&self, cx: &mut dyn Context) -> Result<Box<dyn Decoder>> {
        match build(Kind::Decoder, &self.decode.plugin, Json::Object(self.decode.options.clone()), cx)? {
            Built::Decoder(decoder) => Ok(decoder),
            _ => Err(Error::run(&self.decode.plugin, "a decoder plugin built something else")),
        }
    }

    /// What ends a text: all that the checkpoint says, the token that ends a turn of the format, and what was asked for.
    ///
    /// # Errors
    /// A stop string is empty, or a stop token is none of the tokenizer's.
    pub fn limits(&self, tokenizer: &dyn Tokenizer, format: Option<&TextFormat>) -> Result<Limits> {
        if self.stop_strings.iter().any(String::is_empty) {
            return refuse("stop strings", "strings of at least one character", "an empty one", "take it out");
        }
        if let Some(id) = self.stop_token_ids.iter().find(|id| tokenizer.piece(**id).is_none()) {
            return refuse("stop tokens", format!("ids of the tokenizer, below {}", tokenizer.size()), id, "take it out");
        }
        let of_format = format.map_or_else(|| Ok(vec![]), |format| format.stops(tokenizer))?;
        let stop = tokenizer.ends().into_iter().chain(of_format).chain(self.stop_token_ids.iter().copied()).collect();
        Ok(Limits { max_new_tokens: self.max_new_tokens, stop, strings: self.stop_strings.to_vec() })
    }

    /// Continues what was asked, with a model.
    pub(crate) fn answered(&self, shop: &Shop<'_>, model: &Model, asked: Vec<Asked>, format: Option<&TextFormat>) -> Result<Vec<Written>> {
        let tokenizer = model.tokenizer()?;
        let limits = self.limits(tokenizer.as_ref(), format)?;
        let written = self.remembered(shop, model, &asked, &limits)?;
        let one = |(asked, generation): (Asked, Generation)| {
            let text = limits.cut(&tokenizer.decode(&generation.ids)?).to_owned();
            Ok(Written { asked, text, generation, limits: limits.clone() })
        };
        asked.into_iter().zip(written).map(one).collect()
    }

    /// The texts, from the run's memory where the same was asked of the same checkpoint before.
    fn remembered(&self, shop: &Shop<'_>, model: &Model, asked: &[Asked], limits: &Limits) -> Result<Vec<Generation>> {
        let mut cx = Surroundings::new(shop, "generate").about(model.clone());
        let decode = DecoderUse { plugin: self.decode.plugin.clone(), options: self.decode.options.clone() };
        cx.write(model, &decode, &requests(asked), limits)
    }

    /// Continues what was asked with the decoder.
    pub(crate) fn decoded(&self, cx: &mut dyn Context, asked: &[Asked], limits: &Limits) -> Result<Vec<Generation>> {
        self.decoder(cx)?.decode(cx, &requests(asked), limits)
    }
}

fn requests(asked: &[Asked]) -> Vec<Request> {
    let columns = language_column(asked.iter().map(|a| a.language.as_deref()));
    let of = |i: usize| columns.iter().map(|(name, all)| (name.clone(), all[i])).collect();
    asked.iter().enumerate().map(|(i, a)| Request { id: a.id, prompt: a.ids.clone(), columns: of(i) }).collect()
}

impl Written {
    /// A line of `generations.jsonl`.
    ///
    /// # Errors
    /// An id lies outside the tokenizer's vocabulary.
    pub fn line(&self, tokenizer: &dyn Tokenizer) -> Result<Json> {
        let mut line = told(&self.text, &self.generation);
        line["prompt"] = json!(self.asked.shown);
        if let Some(record) = &self.asked.record {
            line["id"] = json!(&**record);
        }
        if let Some(reference) = &self.asked.reference {
            line["reference"] = json!(reference);
        }
        let other = |other: &Generation| Ok(told(self.limits.cut(&tokenizer.decode(&other.ids)?), other));
        let others = self.generation.others.iter().map(other).collect::<Result<Vec<Json>>>()?;
        if !others.is_empty() {
            line["others"] = json!(others);
        }
        Ok(line)
    }
}

fn told(text: &str, generation: &Generation) -> Json {
    let mut line = json!({ "text": text, "ids": generation.ids, "log_probabilities": generation.scores, "stopped": generation.stopped });
    if let Some(rank) = generation.rank {
        line["score"] = json!(rank);
    }
    line
}

/// A text behind its start token.
pub(crate) fn plain(text: &str, tokenizer: &dyn Tokenizer) -> Result<Vec<u32>> {
    let start = tokenizer.bos().or(tokenizer.eos());
    Ok(start.into_iter().chain(tokenizer.encode(text)?).collect())
}
