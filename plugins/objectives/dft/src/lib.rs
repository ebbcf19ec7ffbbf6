//! # dft
//!
//! Deep supervision fine-tuning: beside the answer in the target language, two inner layers learn the English query and the English answer.
//! Paper: arXiv 2503.01275 (2025), "Deep Supervision Fine-Tuning" for English-centric models.
//!
//! ## What it does
//! A record has a query `x` and an answer `y` in the target language and in English. With `h_k` the state behind block `k`, the loss is
//! `L_TFT + w_lc · L_LC + w_et · L_ET`, each a mean over its own tokens (or examples), summed over the optimiser step:
//!
//! - `tft`: `−ln P(y | x)` over the answer's tokens, through all blocks. It is what causal-lm with the same format learns.
//! - `lc`, language conversion at layer `i`: with `logits` `−ln P(x_en | x)` through `i` blocks; with `feature`
//!   `1 − cos(h_i of x_en, h_i of x)`.
//! - `et`, English thinking at layer `j`: with `logits` `−ln P(y_en | x)` through `j` blocks; with `feature`
//!   `1 − cos(h_L of the English text, h_j of the text)`, where `L` is the last layer, before the final norm.
//!
//! **Layers count from 1**: layer 1 is the output of the first block, layer 0 would be the embeddings. `1 ≤ i < j < L`. The head and
//! the final norm hold still in `lc` and `et`, also where the head is the embedding matrix, so those terms reach blocks 1 to `i` and
//! 1 to `j` and the embeddings of what is read. Both terms `none` is plain fine-tuning on translations (TFT).
//!
//! English fields have the name of the target's with `english` behind it; the curator `parallel-instructions` joins them. Both sides
//! go through the stage's `format`. Without one a row is start, query, answer, end. Rows of several turns that are learned are refused.
//!
//! ## When to use
//! For instructions in a language that the model reads better than it follows, where the same instructions exist in English. The
//! evaluator `layer-entropy` proposes `i` and `j`. Rows are never packed, whatever the terms, so that runs which differ in the
//! terms alone see the same rows; a batch holds fewer records where the joined rows of `teacher-forced` are the longest.
//!
//! ## Differences from the paper
//! What the paper leaves open is an option: how unequal lengths are aligned, how states are pooled, whether the English run gets
//! gradient, and the norm before the head of an inner layer. Tokens that both languages begin and end with (the template) are
//! left out of pooling. Losses that parts add are those of the main run. In runs of the English side, parts that read a record's
//! language read the target's.
//!
//! ## Reproduces
//! No published number yet. The tests compare losses and gradients of every term with ones built by hand.

mod places;
mod sides;
mod terms;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tongues_kernel::burn::module::Module;
use tongues_kernel::{
    Batch, Context, Coupling, Example, ExampleContext, Model, Name, Objective, Output, Record, Result, Role, Run, Site, Step, Term, burn, refuse, register,
};

/// Deep supervision fine-tuning.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DftOptions {
    /// The language conversion term, at layer `i`.
    #[serde(default)]
    pub lc: Supervision,
    /// The English thinking term, at layer `j`.
    #[serde(default)]
    pub et: Supervision,
    /// The layer of `lc`. Layers count from 1: layer 1 is the output of the first block (0 would be the embeddings).
    pub i: Option<usize>,
    /// The layer of `et`, above `i` and below the last.
    pub j: Option<usize>,
    /// What stands against what in terms over logits, where the languages differ in length.
    #[serde(default)]
    pub align: Align,
    /// How terms over features make one vector of a text.
    #[serde(default)]
    pub pool: Pool,
    /// Terms over features give no gradient to the English run.
    #[serde(default = "yes")]
    pub detach_english: bool,
    /// What `et` over features pools, on both sides.
    #[serde(default)]
    pub et_span: Span,
    /// Leave tokens out of pooling with which the queries (or the answers) of both languages begin or end alike: the template.
    #[serde(default = "yes")]
    pub skip_shared: bool,
    /// The final norm stands before the head at inner layers.
    #[serde(default = "yes")]
    pub final_norm: bool,
    /// Weight of `lc`.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0))]
    pub w_lc: f64,
    /// Weight of `et`.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0))]
    pub w_et: f64,
    /// The fields that a record has in both languages. Without a format, the query and the answer.
    #[serde(default = "fields")]
    #[schemars(length(min = 1))]
    pub fields: Vec<String>,
    /// What the name of an English field has behind the name of the field: `prompt_en` beside `prompt`.
    #[serde(default = "english")]
    #[schemars(length(min = 1))]
    pub english: String,
}

/// How an inner layer is supervised.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Supervision {
    /// Cross-entropy through the model's own head.
    #[default]
    Logits,
    /// The cosine between pooled states.
    Feature,
    /// Not at all.
    None,
}

/// What predicts an English token in a term over logits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Align {
    /// A run of its own over the query and the English text behind it, through as many blocks as the term needs.
    #[default]
    TeacherForced,
    /// States of the main run: token n of the query says English token n of the query, and what predicts token n of the answer
    /// predicts English token n of the answer, up to the shorter text. No further run.
    Position,
}

/// How states become one vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Pool {
    /// Their mean.
    #[default]
    Mean,
    /// The last one.
    Last,
}

/// A piece of a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Span {
    /// What is asked.
    Query,
    /// What is answered.
    Answer,
    /// Both.
    #[default]
    All,
}

fn yes() -> bool {
    true
}
fn one() -> f64 {
    1.0
}
fn fields() -> Vec<String> {
    vec!["prompt".into(), "response".into()]
}
fn english() -> String {
    "_en".into()
}

impl DftOptions {
    /// Some term needs the English side.
    pub(crate) fn supervises(&self) -> bool {
        self.lc != Supervision::None || self.et != Supervision::None
    }

    /// Some term reads states of the English run.
    pub(crate) fn compares(&self) -> bool {
        self.lc == Supervision::Feature || self.et == Supervision::Feature
    }

    /// Refuses what contradicts itself.
    fn check(&self) -> Result<()> {
        for (term, how, key, layer) in [("lc", self.lc, "i", self.i), ("et", self.et, "j", self.j)] {
            if layer == Some(0) {
                let found = "0, which would be the embeddings";
                return refuse(format!("dft: {key}"), "a layer from 1, the output of the first block", found, "name a block, counted from 1");
            }
            if how != Supervision::None && layer.is_none() {
                let remedy = format!("write for example `{key} = 2`, or `{term} = \"none\"`");
                return refuse(format!("dft: {key}"), format!("the layer of `{term}`"), "none", remedy);
            }
        }
        if let (Some(i), Some(j)) = (self.i, self.j)
            && i >= j
        {
            return refuse("dft: i", format!("a layer below j = {j}"), i, "conversion comes before thinking: choose i < j");
        }
        for (key, weight) in [("w_lc", self.w_lc), ("w_et", self.w_et)] {
            if !weight.is_finite() || weight < 0.0 {
                return refuse(format!("dft: {key}"), "a number from 0", weight, "");
            }
        }
        Ok(())
    }
}

/// The objective.
#[derive(Module, Debug)]
pub struct Dft {
    #[module(skip)]
    options: DftOptions,
}

impl Dft {
    /// With these options.
    ///
    /// # Errors
    /// A term has no layer, layers are not in order, or a weight is no weight.
    pub fn new(options: DftOptions, _: &mut dyn Context) -> Result<Self> {
        options.check()?;
        Ok(Self { options })
    }

    /// The layers of the terms that are on, which the model must have above it still.
    fn check_layers(&self, model: &Model) -> Result<()> {
        let last = model.spec().layers(model.spec().main());
        for (key, how, layer) in [("i", self.options.lc, self.options.i), ("j", self.options.et, self.options.j)] {
            if how != Supervision::None && layer.is_some_and(|layer| layer >= last) {
                let expected = format!("an inner layer, below the model's last ({last})");
                return refuse(format!("dft: {key}"), expected, layer.unwrap_or_default(), "see the evaluator layer-entropy for a proposal");
            }
        }
        Ok(())
    }

    /// The states that terms read in the main run.
    fn taps(&self, model: &Model) -> Vec<Site> {
        let read = |how: Supervision| how == Supervision::Feature || (how == Supervision::Logits && self.options.align == Align::Position);
        let layers = [(self.options.lc, self.options.i), (self.options.et, self.options.j)];
        layers.into_iter().filter(|(how, _)| read(*how)).filter_map(|(_, layer)| Some(behind(model, layer?))).collect()
    }

    /// The English run, as deep as it is read.
    fn english(&self, step: &mut Step<'_>) -> Result<Option<Output>> {
        if !self.options.compares() {
            return Ok(None);
        }
        let reading = self.options.i.map(|layer| behind(step.model, layer)).into_iter().collect();
        let depth = if self.options.et == Supervision::Feature { None } else { self.options.i };
        let run = Run { reading, depth, ..Run::default() };
        let out = if self.options.detach_english { step.run_model(&step.model.inference(), sides::ENGLISH, &run)? } else { step.run(sides::ENGLISH, &run)? };
        Ok(Some(out))
    }
}

/// The place behind block `layer`, counted from 1.
fn behind(model: &Model, layer: usize) -> Site {
    Site::new(model.spec().main(), layer.saturating_sub(1), Role::Block)
}

impl Objective for Dft {
    fn examples(&self, record: &Record, cx: &ExampleContext<'_>) -> Result<Vec<Example>> {
        sides::example(&self.options, record, cx).map(|example| example.into_iter().collect())
    }

    fn denominators(&self, batch: &Batch) -> BTreeMap<Name, f64> {
        terms::denominators(&self.options, batch)
    }

    fn loss(&self, step: &mut Step<'_>) -> Result<Vec<Term>> {
        step.model.check_causal("dft")?;
        self.check_layers(step.model)?;
        let over = self.denominators(step.batch);
        let term = |name: &str, sum, weight| Term { name: name.into(), sum, over: over.get(name).copied().unwrap_or(0.0), weight };
        let main = step.run(sides::TEXT, &Run { reading: self.taps(step.model), ..Run::default() })?;
        let mut terms = vec![term(terms::TFT, tongues_nn::cross_entropy(step.model, &main, false)?, 1.0)];
        let english = self.english(step)?;
        if let Some(sum) = terms::conversion(&self.options, step, &main, english.as_ref())? {
            terms.push(term(terms::LC, sum, self.options.w_lc));
        }
        if let Some(sum) = terms::thinking(&self.options, step, &main, english.as_ref())? {
            terms.push(term(terms::ET, sum, self.options.w_et));
        }
        terms.extend(main.notes.losses);
        Ok(terms)
    }

    fn coupling(&self) -> Coupling {
        if self.options.supervises() { Coupling::Example } else { Coupling::Token }
    }
}

register!(Objective, "dft", "Deep supervision: inner layers learn the English query and the English answer", DftOptions => Dft::new);
