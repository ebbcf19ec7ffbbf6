//! Log-likelihoods of whole texts, also of texts longer than the model's positions.
//!
//! A text is read behind a start token, in windows that share one token with the window before: every token of the text is
//! scored exactly once, and the start token never. This is the rolling log-likelihood of the field's harnesses.

use crate::score::language_column;
use crate::{Context, Error, Evaluation, Model, Name, Record, Result, Tokenizer, refuse};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How texts are read for scoring: the options of evaluators that need no others.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rolling {
    /// The field that holds the text.
    #[serde(default = "field")]
    pub field: String,
    /// Padded tokens of a batch at most; more is faster and needs more memory. Scores do not depend on it.
    #[serde(default = "batch_tokens")]
    #[schemars(range(min = 1))]
    pub batch_tokens: usize,
    /// Tokens of a window at most, the one from the window before included; the model's positions where absent.
    #[schemars(range(min = 2))]
    pub max_length: Option<usize>,
}

fn field() -> String {
    "text".into()
}
fn batch_tokens() -> usize {
    4096
}

impl Default for Rolling {
    fn default() -> Self {
        Self { field: field(), batch_tokens: batch_tokens(), max_length: None }
    }
}

/// One text under a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Likelihood {
    /// The record.
    pub id: Name,
    /// Σ −ln p over the text's tokens.
    pub nats: f64,
    /// Tokens of the text, all of them scored.
    pub tokens: usize,
    /// UTF-8 bytes of the text.
    pub bytes: usize,
}

impl Rolling {
    /// The likelihood of every text of the data, in the data's order. Neither the start token nor an end is scored. With a
    /// format, what it learns is scored: answers with the tokens that end them; records that it drops are left out.
    ///
    /// # Errors
    /// No record, a record without text, a tokenizer with neither begin nor end token, or a model that gives NaN.
    pub fn likelihoods(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Likelihood>> {
        if let Some(format) = evaluation.format {
            return self.answers(evaluation, format);
        }
        let model = evaluation.model;
        let tokenizer = &**model.tokenizer()?;
        let start = start(tokenizer)?;
        let (mut texts, mut rows, mut changed) = (vec![], vec![], 0);
        for record in evaluation.data.open()? {
            let (text, ids) = self.encoded(&record?, tokenizer)?;
            changed += usize::from(text.changed);
            rows.push(std::iter::once(start).chain(ids).collect::<Vec<u32>>());
            texts.push(text);
        }
        if rows.is_empty() {
            return refuse(format!("data `{}`", evaluation.data.name()), "at least one record", "none", "check the data and its curators");
        }
        if changed > 0 {
            let (of, name) = (rows.len(), evaluation.data.name());
            evaluation
                .cx
                .note(format!("{changed} of {of} texts of {name} do not come back unchanged from the tokenizer; what is scored is what it makes of them."));
        }
        let nats = self.nats(evaluation.cx, model, &rows, &texts)?;
        let one = |((text, row), nats): ((Read, &Vec<u32>), f64)| Likelihood { id: text.id, nats, tokens: row.len() - 1, bytes: text.bytes };
        Ok(texts.into_iter().zip(&rows).zip(nats).map(one).collect())
    }

    fn encoded(&self, record: &Record, tokenizer: &dyn Tokenizer) -> Result<(Read, Vec<u32>)> {
        let text = record.text(&self.field)?;
        let ids = tokenizer.encode(text)?;
        if ids.is_empty() {
            let found = if text.is_empty() { "an empty text" } else { "a text of which the tokenizer leaves nothing" };
            return refuse(format!("record {}, field `{}`", record.id, self.field), "a text that can be scored", found, "leave this record out of the data");
        }
        let changed = tokenizer.decode(&ids)? != text;
        Ok((Read { id: record.id.clone(), bytes: text.len(), language: record.language.clone(), changed }, ids))
    }

    fn nats(&self, cx: &mut dyn Context, model: &Model, rows: &[Vec<u32>], texts: &[Read]) -> Result<Vec<f64>> {
        let length = self.length(model)?;
        let pieces = rows.iter().enumerate().flat_map(|(text, row)| windows(row, length).map(move |window| (text, window.to_vec())));
        let (owners, pieces): (Vec<usize>, Vec<Vec<u32>>) = pieces.unzip();
        let languages = language_column(owners.iter().map(|text| texts[*text].language.as_deref()));
        let mut sums = vec![(0.0, 1); rows.len()];
        for (text, scores) in owners.into_iter().zip(cx.log_probabilities(model, &pieces, &languages, self.batch_tokens)?) {
            sums[text].0 -= scores.iter().map(|s| f64::from(*s)).sum::<f64>();
            sums[text].1 += scores.len();
        }
        for ((text, row), (nats, seen)) in texts.iter().zip(rows).zip(&sums) {
            if nats.is_nan() || *seen != row.len() {
                let what = format!("the model gave {} log-probabilities for {} tokens, their sum is {}", seen - 1, row.len() - 1, -nats);
                return Err(Error::run(format!("record {}", text.id), what));
            }
        }
        Ok(sums.into_iter().map(|(nats, _)| nats).collect())
    }

    pub(crate) fn length(&self, model: &Model) -> Result<usize> {
        let room = match model.spec().max_positions {
            0 => usize::MAX,
            positions => positions,
        };
        let length = self.max_length.unwrap_or(room).min(room);
        if length < 2 { refuse("scoring: max_length", "windows of at least 2 tokens", length, "raise max_length") } else { Ok(length) }
    }
}

/// What is kept of a record.
struct Read {
    id: Name,
    bytes: usize,
    language: Option<Name>,
    changed: bool,
}

/// The token that a text is read behind: without one, its first token would have no probability.
fn start(tokenizer: &dyn Tokenizer) -> Result<u32> {
    let remedy = "name one in tokenizer_config.json (`bos_token` or `eos_token`)";
    tokenizer.bos().or(tokenizer.eos()).ok_or_else(|| Error::input("tokenizer", "a begin- or end-of-sequence token to read texts behind", "neither", remedy))
}

/// Windows of at most `length` (at least 2) tokens, each beginning with the last token of the one before: every token but the
/// first is predicted in exactly one window. A window of one token is given only for a row of one token.
pub fn windows(ids: &[u32], length: usize) -> impl Iterator<Item = &[u32]> {
    let step = length.max(2) - 1;
    let starts = ids.len().saturating_sub(1).max(usize::from(!ids.is_empty()));
    (0..starts).step_by(step).map(move |start| &ids[start..ids.len().min(start.saturating_add(step + 1))])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_token_but_the_first_is_predicted_once() {
        for (n, length) in [(1, 2), (2, 2), (3, 2), (7, 3), (8, 3), (9, 4), (5, 5), (6, 5), (4, usize::MAX)] {
            let ids: Vec<u32> = (0..n).collect();
            let all: Vec<&[u32]> = windows(&ids, length).collect();
            let predicted: Vec<u32> = all.iter().flat_map(|w| w[1..].to_vec()).collect();
            assert_eq!(predicted, ids[1..], "{n} tokens in windows of {length}");
            assert!(all.iter().all(|w| w.len() <= length && (w.len() > 1 || n == 1)));
            assert!(all.windows(2).all(|pair| pair[0].last() == pair[1].first()));
        }
        assert_eq!(windows(&[], 4).count(), 0);
    }
}
