//! # vocab-extend
//!
//! New vocabulary entries for a new language, beside the old ones, with rows made of old rows.
//! Papers: Wang et al. 2020, "Extending Multilingual BERT to Low-Resource Languages" (arXiv 2004.13640): append pieces learned
//! on the target text to the vocabulary and go on training. Rows as the mean of the old pieces' rows: Gee et al. 2022,
//! "Fast Vocabulary Transfer for Language Model Compression" (EMNLP 2022 industry track). Pair merging: Sennrich et al. 2016,
//! "Neural Machine Translation of Rare Words with Subword Units" (arXiv 1508.07909); unigram model: Kudo 2018, "Subword
//! Regularization" (arXiv 1804.10959).
//!
//! ## What it does
//! BPE: training goes on where it stopped. Words of the text are cut by the old merges, then the most frequent neighbours are
//! merged, and merges and entries are appended behind the old ones, so that old merges still come first. A pair whose result
//! already is an entry gets a merge but no new entry and no row; special tokens are never a result.
//! Unigram: a tokenizer of the same kind is trained on the text; its pieces that the old vocabulary lacks are appended. Their
//! log probabilities are shifted by the median difference of the pieces that both have, and pieces that would still lose
//! against their own split into old pieces are left out.
//! A new row of the embedding, and of an untied head, is the mean of the rows of the piece's old tokens, or drawn from N(0, σ²)
//! with the σ of the old rows. Old ids and old rows stay as they are. The new rows are known to recipes as `new-rows`.
//!
//! ## When to use
//! When the old tokenizer cuts the target language to crumbs: texts get shorter, so training and generation get cheaper. Train
//! the new rows at least; without training the model only guesses what they mean.
//!
//! ## Differences from the papers
//! Wang et al. draw new rows at random (here `init = "random"`) and take wordpieces. Texts of the old language are cut anew
//! too, wherever they contain a new piece. Added tokens that stood outside a BPE vocabulary are entered into it under their
//! ids, because loaders would renumber them otherwise. Where the model has more rows than the tokenizer has ids, new ids start
//! after the rows.
//!
//! ## Reproduces
//! No published number; tests compare every piece and row with what a slow and plain computation gives.

mod bpe;
mod learner;
mod rows;
mod texts;
mod unigram;

use bpe::extend as extend_bpe;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use std::ops::Range;
use std::sync::Arc;
use texts::Texts;
use tongues_kernel::{Adapter, Context, DataRef, Error, Model, Result, Role, Tokenizer, refuse, register};
use unigram::extend as extend_unigram;

/// New entries for the tokenizer, and rows for them.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VocabExtend {
    /// How many new pieces, at most.
    #[schemars(range(min = 1))]
    pub size: usize,
    /// What the new rows are made of.
    #[serde(default)]
    pub init: RowInit,
    /// The texts to learn from; the stage's data where absent.
    pub data: Option<DataRef>,
    /// The field of a record that holds the text.
    #[serde(default = "text")]
    pub field: String,
    /// Pieces that occur less often are not learned.
    #[serde(default = "twice")]
    #[schemars(range(min = 1))]
    pub min_frequency: u64,
}

fn text() -> String {
    "text".into()
}
fn twice() -> u64 {
    2
}

/// What new rows are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RowInit {
    /// The mean of the rows of the piece's old tokens.
    #[default]
    Mean,
    /// N(0, σ²) with the σ of the old rows.
    Random,
}

/// A new vocabulary entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The entry, in the vocabulary's alphabet.
    pub text: String,
    /// The old tokens it is made of.
    pub old: Vec<u32>,
}

/// What was learned.
pub struct Learned {
    /// The new entries, in the order of their ids.
    pub pieces: Vec<Piece>,
    /// The tokenizer's new definition.
    pub definition: Json,
}

impl Adapter for VocabExtend {
    fn attach(&self, model: &mut Model, cx: &mut dyn Context) -> Result<()> {
        let records = match &self.data {
            Some(data) => cx.data(data)?,
            None => cx.stage_data()?,
        };
        let texts = Texts { records: &*records, field: &self.field };
        let old = model.tokenizer()?.clone();
        let first = first_id(&*old, model)?;
        let learned = self.learn(&*old, first, &texts)?;
        let new = old.redefined(learned.definition)?;
        let ids = first..first + learned.pieces.len();
        check(&*old, &*new, &learned.pieces, ids.clone())?;
        rows::append(model, &learned.pieces, self.init, cx.draws().stream("vocab-extend"))?;
        let (before, after) = (texts.fertility(&*old)?, texts.fertility(&*new)?);
        cx.note(self.summary(&learned.pieces, (before, after), records.name()));
        replace_main(model, new);
        Ok(())
    }
}

impl VocabExtend {
    fn learn(&self, old: &dyn Tokenizer, first: usize, texts: &Texts<'_>) -> Result<Learned> {
        let kind = old.definition().pointer("/model/type").and_then(Json::as_str).unwrap_or("none");
        let learned = match kind {
            "BPE" => extend_bpe(self, old, first, texts)?,
            "Unigram" => extend_unigram(self, old, first, texts)?,
            other => return refuse("vocab-extend: tokenizer", "a model of type BPE or Unigram", other, "replace the tokenizer instead of extending it"),
        };
        if learned.pieces.is_empty() {
            let found = format!("none that occurs {} times and is not there yet", self.min_frequency);
            return refuse(
                format!("vocab-extend: data `{}`", texts.records.name()),
                "texts with new pieces",
                found,
                "give more text, or lower `min_frequency`",
            );
        }
        Ok(learned)
    }

    fn summary(&self, pieces: &[Piece], (before, after): (f64, f64), data: &str) -> String {
        let n = pieces.len();
        let asked = if n < self.size { format!(" of {} asked for: the texts hold no more", self.size) } else { String::new() };
        format!("vocab-extend: {n} new pieces{asked}; tokens per word on `{data}`: {before:.3} before, {after:.3} after")
    }
}

/// The id of the first new piece: the first free row of the model.
fn first_id(tokenizer: &dyn Tokenizer, model: &Model) -> Result<usize> {
    let rows = model.spec().vocabulary;
    if model.spec().weight_of(Role::Embeddings).is_none() {
        return refuse("vocab-extend", "a model with an embedding matrix", "none", "this family cannot grow");
    }
    if tokenizer.size() > rows {
        let remedy = "use the tokenizer that belongs to this checkpoint";
        return refuse(
            "vocab-extend: tokenizer",
            format!("ids below {rows}, the rows of the model's embedding"),
            format!("ids up to {}", tokenizer.size() - 1),
            remedy,
        );
    }
    Ok(rows)
}

/// Old entries kept their ids and new ones have those of the new rows: loaders number some entries themselves.
fn check(old: &dyn Tokenizer, new: &dyn Tokenizer, pieces: &[Piece], ids: Range<usize>) -> Result<()> {
    let moved = (0..old.size() as u32).find(|id| old.piece(*id) != new.piece(*id));
    if let Some(id) = moved {
        let what = format!("id {id} changed from {:?} to {:?}; this tokenizer cannot be extended", old.piece(id), new.piece(id));
        return Err(Error::run("vocab-extend: tokenizer", what));
    }
    let wrong = ids.clone().zip(pieces).find(|(id, piece)| new.piece(*id as u32).as_ref() != Some(&piece.text));
    if let Some((id, piece)) = wrong {
        return Err(Error::run("vocab-extend: tokenizer", format!("id {id} is {:?} instead of {:?}", new.piece(id as u32), piece.text)));
    }
    if new.size() == ids.end { Ok(()) } else { Err(Error::run("vocab-extend: tokenizer", format!("{} ids instead of {}", new.size(), ids.end))) }
}

fn replace_main(model: &mut Model, tokenizer: Arc<dyn Tokenizer>) {
    if let Some(main) = model.tokenizers.first_mut() {
        *main = tokenizer;
    }
}

register!(Adapter, "vocab-extend", "Learns vocabulary entries on the target text and appends rows for them", VocabExtend);
