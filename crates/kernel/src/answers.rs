//! Log-likelihoods of what a format learns: answers behind their prompts.

use crate::score::language_column;
use crate::{Error, Evaluation, Format, Likelihood, Result, Rolling, refuse};

impl Rolling {
    /// One likelihood a record, of the tokens that carry loss; the better answer of a preference.
    pub(crate) fn answers(&self, evaluation: &mut Evaluation<'_>, format: &dyn Format) -> Result<Vec<Likelihood>> {
        let model = evaluation.model;
        let (tokenizer, length) = (&**model.tokenizer()?, self.length(model)?);
        let (mut found, mut rows, mut weights, mut languages) = (vec![], vec![], vec![], vec![]);
        for record in evaluation.data.open()? {
            let record = record?;
            let mut made = format.rows(&record, tokenizer, length)?;
            let Some(row) = made.remove("text").or_else(|| made.remove("chosen")) else { continue };
            let weight = row.sequence.weights();
            found.push(Likelihood { id: record.id, nats: 0.0, tokens: weight.iter().filter(|w| **w > 0.0).count(), bytes: row.bytes });
            languages.push(record.language);
            rows.push(row.sequence.ids().collect::<Vec<u32>>());
            weights.push(weight);
        }
        if rows.is_empty() {
            let place = format!("data `{}`, format `{}`", evaluation.data.name(), format.name());
            return refuse(place, "at least one record with an answer", format.tally().told(), "check the data, or the format's `truncate`");
        }
        let scores = evaluation.cx.log_probabilities(model, &rows, &language_column(languages.iter().map(Option::as_deref)), self.batch_tokens)?;
        for ((likelihood, scores), weights) in found.iter_mut().zip(scores).zip(&weights) {
            // The first token of a row is not predicted.
            let learned = scores.iter().zip(weights.iter().skip(1)).filter(|(_, weight)| **weight > 0.0);
            likelihood.nats = -learned.map(|(score, _)| f64::from(*score)).sum::<f64>();
            if likelihood.nats.is_nan() {
                return Err(Error::run(format!("record {}", likelihood.id), "the model gives NaN"));
            }
        }
        Ok(found)
    }
}
