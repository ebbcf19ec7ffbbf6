//! Choices as rows, and the likelihoods of what the format learns of them.

use crate::gold::{letter, right};
use crate::{Choice, Normalisation, Question};
use tongues_kernel::score::language_column;
use tongues_kernel::{Error, Evaluation, Format, Record, Result, Sequence, Tokenizer, Value, refuse};
use tongues_metrics::choice::Answer;

/// The record with a choice in the fields that formats name.
pub(crate) fn with_choice(record: &Record, place: usize, choice: &str) -> Record {
    let mut record = record.clone();
    record.fields.insert("choice".into(), Value::Text(choice.into()));
    record.fields.insert("letter".into(), Value::Text(letter(place).unwrap_or_default().into()));
    record
}

/// A row with the tokens that count.
struct Row {
    ids: Vec<u32>,
    counts: Vec<bool>,
}

impl Row {
    /// What the format learns, without the tokens that end a text or a turn.
    fn of(sequence: &Sequence, ends: &[u32]) -> Self {
        let ids: Vec<u32> = sequence.ids().collect();
        let mut counts: Vec<bool> = sequence.weights().iter().map(|weight| *weight > 0.0).collect();
        if let Some(last) = counts.iter().rposition(|counts| *counts).filter(|last| ends.contains(&ids[*last])) {
            counts[last] = false;
        }
        Self { ids, counts }
    }

    /// An answer behind the start token alone.
    fn unconditional(answer: &str, tokenizer: &dyn Tokenizer) -> Result<Self> {
        let remedy = "name one in tokenizer_config.json (`bos_token` or `eos_token`)";
        let start = tokenizer.bos().or(tokenizer.eos());
        let start = start.ok_or_else(|| Error::input("tokenizer", "a begin- or end-of-sequence token to read answers behind", "neither", remedy))?;
        let ids: Vec<u32> = std::iter::once(start).chain(tokenizer.encode(answer)?).collect();
        let counts = (0..ids.len()).map(|i| i > 0).collect();
        Ok(Self { ids, counts })
    }

    /// Tokens that count and have a score: the first token of a row has none.
    fn tokens(&self) -> usize {
        self.counts.iter().skip(1).filter(|counts| **counts).count()
    }

    fn sum(&self, scores: &[f32]) -> f64 {
        scores.iter().zip(self.counts.iter().skip(1)).filter(|(_, counts)| **counts).map(|(score, _)| f64::from(*score)).sum()
    }
}

impl Choice {
    /// All records with their choices scored; records that the format drops are left out, which it counts.
    pub(crate) fn questions(&self, evaluation: &mut Evaluation<'_>) -> Result<Vec<Question>> {
        let Some(format) = evaluation.format else {
            let remedy = "add `format`, whose prompt is the question and whose target is `{{ choice }}` or `{{ letter }}`";
            return refuse(format!("evaluator choice on `{}`", evaluation.data.name()), "a format that writes the question and a choice", "none", remedy);
        };
        let tokenizer = evaluation.model.tokenizer()?.clone();
        let (mut questions, mut rows) = (vec![], vec![]);
        for record in evaluation.data.open()? {
            let record = record?;
            let choices = self.of(&record)?;
            let places = right(&self.gold, &record, &choices, self.counts_from)?;
            let Some(of) = self.rows(&record, &choices, format, evaluation, &*tokenizer)? else { continue };
            questions.push((record, places, choices));
            rows.extend(of);
        }
        if questions.is_empty() {
            let place = format!("data `{}`, format `{}`", evaluation.data.name(), format.name());
            return refuse(place, "at least one record with choices", format.tally().told(), "check the data, or the format's `truncate`");
        }
        let scored = self.scored(evaluation, &questions, &rows)?;
        let mut scored = scored.into_iter();
        let question = |(record, right, choices): (Record, Vec<usize>, Vec<String>)| {
            let mut answers: Vec<Answer> = choices.iter().zip(scored.by_ref()).map(|(choice, (sum, tokens))| answer(choice, sum, tokens)).collect();
            if self.normalisation == Normalisation::Pmi {
                answers.iter_mut().zip(scored.by_ref()).for_each(|(answer, (sum, _))| answer.unconditional = Some(sum));
            }
            Question { record, right, answers }
        };
        Ok(questions.into_iter().map(question).collect())
    }

    /// A row for every choice, then for mutual information one of every answer alone; none where the format drops a choice.
    fn rows(
        &self,
        record: &Record,
        choices: &[String],
        format: &dyn Format,
        evaluation: &Evaluation<'_>,
        tokenizer: &dyn Tokenizer,
    ) -> Result<Option<Vec<Row>>> {
        let room = match evaluation.model.spec().max_positions {
            0 => usize::MAX,
            positions => positions,
        };
        let ends: Vec<u32> = tokenizer.ends().into_iter().chain(format.stops(tokenizer)?).collect();
        let (mut rows, mut alone) = (vec![], vec![]);
        for (i, choice) in choices.iter().enumerate() {
            let record = with_choice(record, i, choice);
            let Some(made) = format.rows(&record, tokenizer, room)?.remove("text") else { return Ok(None) };
            let row = Row::of(&made.sequence, &ends);
            if row.tokens() == 0 {
                let remedy = "write the choice in the format's target: `target = \" {{ choice }}\"`";
                return refuse(format!("record {}, format `{}`", record.id, format.name()), "an answer of at least one token", "none", remedy);
            }
            rows.push(row);
            if self.normalisation == Normalisation::Pmi {
                alone.push(Row::unconditional(&format.answer(&record)?.unwrap_or_default(), tokenizer)?);
            }
        }
        rows.extend(alone);
        Ok(Some(rows))
    }

    /// The sum and the number of the tokens that count, for every row.
    fn scored(&self, evaluation: &mut Evaluation<'_>, questions: &[(Record, Vec<usize>, Vec<String>)], rows: &[Row]) -> Result<Vec<(f64, usize)>> {
        let each = if self.normalisation == Normalisation::Pmi { 2 } else { 1 };
        let languages = questions.iter().flat_map(|(record, _, choices)| std::iter::repeat_n(record.language.as_deref(), each * choices.len()));
        let ids: Vec<Vec<u32>> = rows.iter().map(|row| row.ids.clone()).collect();
        let scores = evaluation.cx.log_probabilities(evaluation.model, &ids, &language_column(languages), self.batch_tokens)?;
        let found: Vec<(f64, usize)> = rows.iter().zip(&scores).map(|(row, scores)| (row.sum(scores), row.tokens())).collect();
        if found.iter().any(|(sum, _)| sum.is_nan()) {
            return Err(Error::run(format!("data `{}`", evaluation.data.name()), "the model gives NaN"));
        }
        Ok(found)
    }
}

fn answer(choice: &str, log_likelihood: f64, tokens: usize) -> Answer {
    Answer { log_likelihood, tokens, bytes: choice.len(), characters: choice.chars().count(), unconditional: None }
}
