//! Texts that evaluators score: written by a model behind the prompts of records, or before, in a field.

use crate::score::language_column;
use crate::{Better, Context, Corpus, DecoderUse, Error, Evaluation, Finding, Format, Item, Limits, Record, Request, Result, Tokenizer, refuse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_metrics::translation::{CorpusMetric, References};

/// How the texts that are scored come about: options that evaluators of written texts share. It is flattened into their options.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Writes {
    /// The decoder: `{ use = "sampling", temperature = 0.0 }`.
    #[serde(default)]
    pub decode: Option<DecoderUse>,
    /// At most so many new tokens a text.
    #[serde(default = "new_tokens")]
    #[schemars(range(min = 1))]
    pub max_new_tokens: usize,
    /// Strings that end a text wherever they appear in it; they are left out.
    #[serde(default)]
    pub stop_strings: Vec<String>,
    /// In place of a decoder: a field that holds texts written before.
    #[serde(default)]
    pub written: Option<String>,
}

fn new_tokens() -> usize {
    64
}

/// A text with the record that it answers.
#[derive(Clone, Debug, PartialEq)]
pub struct WrittenText {
    /// The record.
    pub record: Record,
    /// What was written, up to the first stop string.
    pub text: String,
    /// The answer that the format finds in the record.
    pub answer: Option<String>,
}

impl WrittenText {
    /// The right answers: the texts of a field (a text or a list of them), or the format's answer where no field is named.
    ///
    /// # Errors
    /// The field holds none, or there is neither field nor answer.
    pub fn answers(&self, field: Option<&str>) -> Result<Vec<String>> {
        match (field, &self.answer) {
            (Some(field), _) => Ok(self.record.texts(field)?.into_iter().map(str::to_owned).collect()),
            (None, Some(answer)) => Ok(vec![answer.trim().to_owned()]),
            (None, None) => {
                let remedy = "name the field that holds it, or a `format` with a target";
                refuse(format!("record {}", self.record.id), "a right answer", "neither a field nor a format that tells it", remedy)
            }
        }
    }
}

impl Writes {
    /// Builds the decoder, so that what the schema cannot say of options is told before anything is written.
    ///
    /// # Errors
    /// There is neither a decoder nor a field with texts, or both, or the decoder's options are wrong.
    pub fn check(&self, cx: &mut dyn Context) -> Result<()> {
        if self.stop_strings.iter().any(String::is_empty) {
            return refuse("stop_strings", "strings of at least one character", "an empty one", "take it out");
        }
        match (&self.decode, &self.written) {
            (Some(decode), None) => decode.build(cx).map(|_| ()).map_err(|e| e.within("decode")),
            (None, Some(_)) => Ok(()),
            (decode, _) => {
                let found = if decode.is_some() { "both" } else { "neither" };
                let remedy = "write for example `decode = { use = \"sampling\", temperature = 0.0 }`, or name the field with texts";
                refuse("options", "exactly one of decode, written", found, remedy)
            }
        }
    }

    /// A text for every record, in the data's order.
    ///
    /// # Errors
    /// There is no record, a prompt is too long, or a record lacks a field.
    pub fn texts(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<WrittenText>> {
        let records = evaluation.data.open()?.collect::<Result<Vec<Record>>>()?;
        if records.is_empty() {
            return refuse(format!("data `{}`", evaluation.data.name()), "at least one record", "none", "check the data and its curators");
        }
        self.check(evaluation.cx)?;
        let texts = match (&self.written, &self.decode) {
            (Some(field), _) => records.iter().map(|record| record.text(field).map(str::to_owned)).collect::<Result<_>>()?,
            (None, Some(decode)) => self.continued(evaluation, decode, &records)?,
            (None, None) => vec![],
        };
        let answer = |record: &Record| evaluation.format.map_or(Ok(None), |format| format.answer(record));
        let answers = records.iter().map(answer).collect::<Result<Vec<Option<String>>>>()?;
        let all = records.into_iter().zip(texts).zip(answers);
        Ok(all.map(|((record, text), answer)| WrittenText { record, text, answer }).collect())
    }

    /// Findings about texts that were written before are no model's: they get a row of their own, under the field's name.
    pub fn named(&self, findings: Vec<Finding>) -> Vec<Finding> {
        findings.into_iter().map(|finding| Finding { reference: self.written.clone(), ..finding }).collect()
    }

    fn continued(&self, evaluation: &mut Evaluation<'_>, decode: &DecoderUse, records: &[Record]) -> Result<Vec<String>> {
        let tokenizer = evaluation.model.tokenizer()?.clone();
        let limits = self.limits(&*tokenizer, evaluation.format)?;
        let columns = language_column(records.iter().map(|record| record.language.as_deref()));
        let request = |(i, record): (usize, &Record)| {
            let prompt = prompt(record, &*tokenizer, evaluation.format)?;
            Ok(Request { id: i as u64, prompt, columns: columns.iter().map(|(name, all)| (name.clone(), all[i])).collect() })
        };
        let requests = records.iter().enumerate().map(request).collect::<Result<Vec<Request>>>()?;
        let named = |e: Error| e.within(format!("data `{}`", evaluation.data.name()));
        let written = evaluation.cx.write(evaluation.model, decode, &requests, &limits).map_err(named)?;
        written.iter().map(|text| Ok(limits.cut(&tokenizer.decode(&text.ids)?).to_owned())).collect()
    }

    fn limits(&self, tokenizer: &dyn Tokenizer, format: Option<&dyn Format>) -> Result<Limits> {
        let of_format = format.map_or_else(|| Ok(vec![]), |format| format.stops(tokenizer))?;
        let stop = tokenizer.ends().into_iter().chain(of_format).collect();
        Ok(Limits { max_new_tokens: self.max_new_tokens, stop, strings: self.stop_strings.clone() })
    }
}

/// A metric of a corpus over written texts and right answers (those of [`WrittenText::answers`]), with the numbers of every text as its
/// statistics; and the metric's signature.
///
/// # Errors
/// A record holds no right answer.
pub fn corpus_finding(metric: impl CorpusMetric + Send + 'static, better: Better, texts: &[WrittenText], answers: Option<&str>) -> Result<(Finding, String)> {
    let answers = texts.iter().map(|text| text.answers(answers)).collect::<Result<Vec<Vec<String>>>>()?;
    let most = answers.iter().map(Vec::len).max().unwrap_or(0);
    let streams: Vec<Vec<Option<&str>>> = (0..most).map(|k| answers.iter().map(|of| of.get(k).map(String::as_str)).collect()).collect();
    let references = References::streams(&streams).map_err(Error::metric)?;
    let hypotheses: Vec<&str> = texts.iter().map(|text| text.text.trim()).collect();
    let statistics = metric.statistics(&hypotheses, &references).map_err(Error::metric)?;
    let items = texts.iter().enumerate().map(|(i, text)| Item::statistics(text.record.id.clone(), statistics.row(i).to_vec())).collect();
    let (name, signature) = (metric.name(), metric.signature(&references).format(false));
    Ok((Finding::corpus(name, better, Corpus::of_sums(move |sums| metric.score(sums).value), items), signature))
}

/// What a record is continued from: the format's prompt; without one the field `prompt`, or else `text`, behind the start token.
fn prompt(record: &Record, tokenizer: &dyn Tokenizer, format: Option<&dyn Format>) -> Result<Vec<u32>> {
    let Some(format) = format else {
        let text = record.text(if record.fields.contains_key("prompt") { "prompt" } else { "text" })?;
        let start = tokenizer.bos().or(tokenizer.eos());
        return Ok(start.into_iter().chain(tokenizer.encode(text)?).collect());
    };
    format.prompt(record, tokenizer)
}
