//! # beam
//!
//! Searches for a likely text as a whole: several texts are kept at every step, and the best one found is given.
//! Papers: beam search: Lowerre 1976, "The HARPY Speech Recognition System" (PhD thesis, Carnegie Mellon); length penalty: Wu et
//! al. 2016, "Google's Neural Machine Translation System" (arXiv 1609.08144, §7) for its purpose; diverse groups: Vijayakumar et
//! al. 2016, "Diverse Beam Search" (arXiv 1610.02424, §4, with the Hamming diversity of §4.1).
//!
//! ## What it does
//! Each step extends every running text by every token and ranks the candidates by the sum of their log-probabilities. Of the
//! first `num_beams` those that end (at a stop token, a stop string or the length limit) are set aside with the score
//! `sum / length^length_penalty`, where the stop token counts; the best `num_beams` that do not end run on. `early_stopping`
//! says when the search is over: `true` as soon as `num_beams` texts ended; `false` when the best running text, scored at its
//! present length, is no better than the worst that ended; `"never"` the same, but scored at the greatest length where
//! `length_penalty` is above 0. With `num_beam_groups` the beams are shared out: groups take turns in every step, and a token that
//! a beam of an earlier group took in this step costs `diversity_penalty`.
//!
//! ## When to use
//! For translation and other tasks with few right answers. For open text likelier is not better (Holtzman et al. 2020, arXiv
//! 1904.09751): use `sampling`. Diverse groups with `num_return_sequences` give candidates to choose from.
//!
//! ## Differences from the paper
//! The length penalty is the power of the length of `transformers`, not GNMT's formula. A group of the diverse search whose
//! search is over takes no further part, so that its tokens cost the others nothing. Ties go to the better beam, then to the
//! lower id. Rows of the vocabulary that the tokenizer has no token for are never chosen.
//!
//! ## Reproduces
//! No published number. The tests compare tokens and scores with `transformers` 5.23 over 64 tokens and four settings, with and
//! without a cache, and diverse groups with a plain Python search (`tests/fixtures/decode`).

mod group;
mod work;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use tongues_kernel::{Context, Decoder, Generation, Limits, Request, Result, refuse, register};
use work::Work;

/// How wide the search is and when it ends; keys and defaults follow `transformers`.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Beam {
    /// Texts kept at every step; 1 takes the likeliest token every time.
    #[serde(default = "four")]
    #[schemars(range(min = 1))]
    pub num_beams: usize,
    /// Groups that the beams are shared out to; it must divide `num_beams`.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub num_beam_groups: usize,
    /// What a token costs in log-probability for every beam of an earlier group that took it in this step.
    #[serde(default)]
    #[schemars(range(min = 0.0))]
    pub diversity_penalty: f64,
    /// The power of the length by which a text's log-probability is divided: above 0 favours longer texts, below 0 shorter ones.
    #[serde(default = "even")]
    pub length_penalty: f64,
    /// When the search ends: `true` with `num_beams` ended texts, `false` when a running text promises nothing better, `"never"`
    /// when none can become better.
    #[serde(default)]
    pub early_stopping: EarlyStopping,
    /// Texts given for each prompt, best first; at most `num_beams`.
    #[serde(default = "one")]
    #[schemars(range(min = 1))]
    pub num_return_sequences: usize,
    /// Prompts searched side by side; more is faster and needs more memory (`num_beams` rows each).
    #[serde(default = "four")]
    #[schemars(range(min = 1))]
    pub batch: usize,
    /// Keep keys and values of what was read; without them every token reads its text from the start, which is slow.
    #[serde(default = "yes")]
    pub use_cache: bool,
}

fn one() -> usize {
    1
}
fn four() -> usize {
    4
}
fn even() -> f64 {
    1.0
}
fn yes() -> bool {
    true
}

/// When a search ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "word::Word", into = "word::Word")]
pub enum EarlyStopping {
    /// With as many ended texts as there are beams.
    True,
    /// When the best running text, scored at its present length, is no better than the worst that ended.
    #[default]
    False,
    /// When no running text can become better.
    Never,
}

impl JsonSchema for EarlyStopping {
    fn schema_name() -> Cow<'static, str> {
        "EarlyStopping".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "enum": [true, false, "never"] })
    }
}

/// `true`, `false` or `"never"`, as it is written.
mod word {
    use super::EarlyStopping;
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Serialize, Deserialize)]
    #[serde(untagged)]
    pub enum Word {
        Flag(bool),
        Text(String),
    }

    impl TryFrom<Word> for EarlyStopping {
        type Error = String;
        fn try_from(word: Word) -> Result<Self, String> {
            match word {
                Word::Flag(true) => Ok(Self::True),
                Word::Flag(false) => Ok(Self::False),
                Word::Text(text) if text == "never" => Ok(Self::Never),
                Word::Text(text) => Err(format!("`{text}` is none of true, false, \"never\"")),
            }
        }
    }

    impl From<EarlyStopping> for Word {
        fn from(when: EarlyStopping) -> Self {
            match when {
                EarlyStopping::True => Self::Flag(true),
                EarlyStopping::False => Self::Flag(false),
                EarlyStopping::Never => Self::Text("never".into()),
            }
        }
    }
}

impl Beam {
    /// Checks what the schema cannot say.
    fn checked(self, _: &mut dyn Context) -> Result<Self> {
        let (beams, groups) = (self.num_beams, self.num_beam_groups);
        if groups == 0 || !beams.is_multiple_of(groups) {
            return refuse("decoder beam: num_beam_groups", format!("a number that divides num_beams, which is {beams}"), groups, "change one of them");
        }
        if groups == 1 && self.diversity_penalty > 0.0 {
            let remedy = "set num_beam_groups, or take diversity_penalty out";
            return refuse("decoder beam: diversity_penalty", "0 where there is one group", self.diversity_penalty, remedy);
        }
        if self.num_return_sequences > beams {
            let remedy = "raise num_beams, or ask for fewer texts";
            return refuse("decoder beam: num_return_sequences", format!("at most num_beams, which is {beams}"), self.num_return_sequences, remedy);
        }
        if !self.length_penalty.is_finite() || !self.diversity_penalty.is_finite() {
            return refuse("decoder beam: length_penalty, diversity_penalty", "finite numbers", "an infinite one", "0 to 2 is usual");
        }
        Ok(self)
    }
}

impl Decoder for Beam {
    fn decode(&self, cx: &mut dyn Context, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
        let model = cx.subject()?.inference();
        let work = Work::new(self, &model, limits, requests)?;
        let mut written = vec![Generation::default(); requests.len()];
        for chunk in work.chunks() {
            for (index, generation) in work.batch(&chunk)? {
                cx.wrote(requests[index].id, &generation.ids)?;
                written[index] = generation;
            }
        }
        Ok(written)
    }
}

register!(Decoder, "beam", "Beam search with length penalty, n best texts and diverse groups", Beam => Beam::checked);
