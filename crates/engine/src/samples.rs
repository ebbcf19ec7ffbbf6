//! What the training stages of a recipe learn from, without training: records as rows, with what carries loss.

use crate::datasets::spread;
use crate::shop::Shop;
use crate::surroundings::Surroundings;
use serde::Serialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use tongues_io::HfTokenizer;
use tongues_kernel::{Built, Error, Example, ExampleContext, Format, InMemory, Kind, Objective, Record, Result, Sequence, Tokenizer, build, nearest, refuse};
use tongues_recipe::ast::{Stage, Train};

/// A run of tokens that all carry loss, or none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Piece {
    /// Its text, special tokens by their names.
    pub text: String,
    /// It carries loss.
    pub loss: bool,
}

/// One row.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// The example: the record, and the number of the window where it has several.
    pub id: String,
    /// The record's language, where known.
    pub language: Option<String>,
    /// Which of its sequences: `text`, or those that the objective makes.
    pub sequence: String,
    /// Tokens of the row.
    pub tokens: usize,
    /// Those that carry loss.
    pub loss_tokens: usize,
    /// The row's text.
    pub pieces: Vec<Piece>,
}

/// The data of one training stage.
#[derive(Clone, Debug, Serialize)]
pub struct Sampled {
    /// The stage.
    pub stage: String,
    /// Its data set.
    pub data: String,
    /// Its format.
    pub format: Option<String>,
    /// Records after curation, by language; `unknown` where a record does not say.
    pub languages: BTreeMap<String, usize>,
    /// Records that curators dropped, by rule.
    pub dropped: BTreeMap<String, usize>,
    /// Records that the format cut or left out, by rule.
    pub cut: BTreeMap<String, usize>,
    /// Tokens that were cut away.
    pub tokens_cut: usize,
    /// Records.
    pub records: usize,
    /// Rows that are learned from.
    pub rows: usize,
    /// Their tokens.
    pub tokens: usize,
    /// Their tokens that carry loss.
    pub loss_tokens: usize,
    /// Some of the rows.
    pub samples: Vec<Sample>,
}

/// Rows of every training stage, or of those on the data set `only`; `limit` records of each are shown, evenly spread.
///
/// # Errors
/// The data or a tokenizer cannot be read, a record does not fit its format, or no stage trains on that data set.
pub fn samples(shop: &Shop<'_>, only: Option<&str>, limit: usize) -> Result<Vec<Sampled>> {
    let trains = shop.recipe.stage.iter().filter_map(|stage| Some((stage, stage.train.as_ref()?)));
    let all: Vec<(&Stage, &Train)> = trains.collect();
    let wanted = |data: &str| only.is_none_or(|name| name == data || data.rsplit_once('.').is_some_and(|(set, _)| set == name));
    let chosen: Vec<_> = all.iter().filter(|(_, train)| wanted(&train.data)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = all.iter().map(|(_, train)| train.data.as_str()).collect();
        let near = only.and_then(|name| nearest(name, names.iter().copied())).map_or_else(String::new, |near| format!("did you mean `{near}`?"));
        return refuse("training data", format!("data of a stage that trains: one of {}", names.join(", ")), only.unwrap_or("no such stage"), near);
    }
    chosen.into_iter().map(|(stage, train)| sampled(shop, stage, train, limit).map_err(|e| e.within(format!("stage `{}`", stage.name)))).collect()
}

fn sampled(shop: &Shop<'_>, stage: &Stage, train: &Train, limit: usize) -> Result<Sampled> {
    let data = Rc::new(InMemory { name: train.data.clone(), records: members(shop, &train.data)? });
    let tokenizer = shop.tokenizer_of(&train.model)?;
    let name = stage.objectives.first().and_then(|objective| objective.format_in(train));
    let format = shop.format(name, &*tokenizer)?;
    let objective = objective(shop, stage, &data)?;
    let draws = shop.draws.stream("train").stream(&stage.name);
    let cx = ExampleContext { tokenizer: &*tokenizer, max_length: train.sequence_length, draws, format: format.as_ref().map(|f| f as &dyn Format) };
    let set = train.data.rsplit_once('.').map_or(train.data.as_str(), |(set, _)| set);
    let dropped = shop.dropped.borrow().get(&train.data).or(shop.dropped.borrow().get(set)).cloned().unwrap_or_default();
    let mut found = Sampled {
        stage: stage.name.clone(),
        data: train.data.clone(),
        format: name.map(String::from),
        languages: BTreeMap::new(),
        dropped,
        cut: BTreeMap::new(),
        tokens_cut: 0,
        records: data.records.len(),
        rows: 0,
        tokens: 0,
        loss_tokens: 0,
        samples: vec![],
    };
    for record in &data.records {
        *found.languages.entry(record.language.as_deref().unwrap_or("unknown").to_owned()).or_default() += 1;
        for example in objective.examples(record, &cx)? {
            found.rows += 1;
            found.tokens += example.sequences.values().map(Sequence::len).sum::<usize>();
            found.loss_tokens += example.sequences.values().map(learned).sum::<usize>();
        }
    }
    if let Some(format) = &format {
        let tally = format.tally();
        found.cut = tally.rules.iter().map(|(rule, n)| (rule.to_string(), *n)).collect();
        found.tokens_cut = tally.tokens_cut;
    }
    for record in &spread(&data, Some(limit)).records {
        found.samples.extend(shown(&*objective, record, &cx)?);
    }
    Ok(found)
}

/// The records of a data set, or of all members of a mixture, each once.
fn members(shop: &Shop<'_>, data: &str) -> Result<Vec<Record>> {
    Ok(shop.members(data, 0)?.iter().flat_map(|(_, records)| records.records.iter().cloned()).collect())
}

fn objective(shop: &Shop<'_>, stage: &Stage, data: &Rc<InMemory>) -> Result<Box<dyn Objective>> {
    let Some(first) = stage.objectives.first() else { return refuse("objectives", "at least one", "none", "") };
    let mut cx = Surroundings::new(shop, &format!("{} {}", stage.name, first.plugin)).with_data(data.clone());
    match build(Kind::Objective, &first.plugin, Json::Object(first.options.clone()), &mut cx)? {
        Built::Objective(objective) => Ok(objective),
        _ => Err(Error::run(&first.plugin, "an objective plugin built something else")),
    }
}

fn learned(sequence: &Sequence) -> usize {
    sequence.weights().iter().filter(|w| **w > 0.0).count()
}

fn shown(objective: &dyn Objective, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Sample>> {
    let mut samples = vec![];
    for Example { id, language, sequences, .. } in objective.examples(record, cx)? {
        for (name, sequence) in &sequences {
            samples.push(Sample {
                id: id.to_string(),
                language: language.as_deref().map(String::from),
                sequence: name.to_string(),
                tokens: sequence.len(),
                loss_tokens: learned(sequence),
                pieces: pieces(sequence, cx.tokenizer)?,
            });
        }
    }
    Ok(samples)
}

/// Runs of tokens with and without loss, as text. Special tokens are written by name, though decoding leaves them out.
fn pieces(sequence: &Sequence, tokenizer: &dyn Tokenizer) -> Result<Vec<Piece>> {
    let (mut all, mut plain): (Vec<Piece>, Vec<u32>) = (vec![], vec![]);
    let ids: Vec<u32> = sequence.ids().collect();
    let weights = sequence.weights();
    for (i, id) in ids.iter().enumerate() {
        let loss = weights[i] > 0.0;
        if all.last().is_none_or(|last| last.loss != loss) {
            flush(&mut all, &mut plain, tokenizer)?;
            all.push(Piece { text: String::new(), loss });
        }
        if tokenizer.decode(&[*id])?.is_empty() {
            flush(&mut all, &mut plain, tokenizer)?;
            if let Some(last) = all.last_mut() {
                last.text += &tokenizer.piece(*id).unwrap_or_default();
            }
        } else {
            plain.push(*id);
        }
    }
    flush(&mut all, &mut plain, tokenizer)?;
    Ok(all)
}

/// Ordinary tokens are decoded together: one alone may be a part of a character.
fn flush(all: &mut [Piece], plain: &mut Vec<u32>, tokenizer: &dyn Tokenizer) -> Result<()> {
    if let (Some(last), false) = (all.last_mut(), plain.is_empty()) {
        last.text += &tokenizer.decode(plain)?;
        plain.clear();
    }
    Ok(())
}

impl Shop<'_> {
    /// The tokenizer that a model will have, without making the model; what the adapters of stages add to it is left out.
    ///
    /// # Errors
    /// It cannot be read or trained.
    pub fn tokenizer_of(&self, model: &str) -> Result<Arc<dyn Tokenizer>> {
        if let Some(definition) = self.recipe.models.get(model) {
            return match (&definition.checkpoint, &definition.scratch) {
                (Some(dir), _) => Ok(Arc::new(HfTokenizer::from_dir(Path::new(dir))?)),
                (_, Some(scratch)) if self.recipe.tokenizers.contains_key(&scratch.tokenizer) => self.tokenizer(&scratch.tokenizer),
                (_, Some(scratch)) => self.tokenizer_of(&scratch.tokenizer),
                _ => refuse(format!("model `{model}`"), "`checkpoint` or `scratch`", "neither", ""),
            };
        }
        let stage = self.recipe.stage.iter().find(|stage| stage.name == model);
        let from = stage.and_then(|stage| match (&stage.train, &stage.merge, &stage.export) {
            (Some(train), ..) => Some(train.model.as_str()),
            (_, Some(merge), _) => merge.names().first().copied(),
            (.., export) => export.as_ref().map(|export| export.model.as_str()),
        });
        match from {
            Some(from) => self.tokenizer_of(from),
            None => refuse(format!("model `{model}`"), "a model or an earlier stage", "none of that name", ""),
        }
    }
}
