//! # sampling
//!
//! Continues texts token by token: the likeliest token, or one drawn from the model's distribution.
//! Papers: temperature: Ackley, Hinton and Sejnowski 1985, "A Learning Algorithm for Boltzmann Machines" (Cognitive Science 9);
//! top-k: Fan et al. 2018, "Hierarchical Neural Story Generation" (arXiv 1805.04833); top-p: Holtzman et al. 2020, "The Curious
//! Case of Neural Text Degeneration" (arXiv 1904.09751, §3.1); min-p: Nguyen et al. 2024, "Turning Up the Heat: Min-p Sampling for
//! Creative and Coherent LLM Outputs" (arXiv 2407.01082, §3); repetition penalty: Keskar et al. 2019, "CTRL" (arXiv 1909.05858,
//! §4.1).
//!
//! ## What it does
//! At each step: penalise the tokens that prompt and text hold already, divide scores by the temperature, keep the `top_k`
//! likeliest, of these the smallest set whose probability reaches `top_p` (at least one), of these the ones with at least `min_p`
//! times the probability of the likeliest, and draw. Temperature 0 takes the likeliest; ties go to the lowest id. What is
//! drawn depends on the seed, the request's id and the step, so that a text does not depend on which others are written
//! beside it. A text ends at a stop token or stop string, after `max_new_tokens`, or when prompt and text fill the model's
//! positions. Scores are log-probabilities under the unchanged distribution.
//!
//! ## When to use
//! Temperature 0 where an answer is right or wrong; temperature 1 and top_p 0.9 or so for text that should read like text.
//!
//! ## Differences from the paper
//! The order of the steps is that of `transformers`. Where several tokens tie for the last of the `top_k` places, those with
//! the lowest ids are taken (`transformers` takes all). Rows of the vocabulary that the tokenizer has no token for are never
//! chosen.
//!
//! ## Reproduces
//! No published number. The tests compare greedy text with that of `transformers` over 64 tokens, with and without a cache, alone
//! and beside longer prompts, and the distributions with those of its processors on stored logits (`tests/fixtures/decode`).

mod choose;
mod row;
mod warp;
mod work;

pub use choose::choose;
pub use warp::{kept, penalise};

use row::Row;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Context, Decoder, Generation, Limits, Request, Result, register};
use work::Work;

/// How tokens are chosen; keys and defaults follow `transformers`, with off written as 0 and 1.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Divides the log-probabilities: below 1 sharper, above 1 flatter; 0 takes the likeliest token.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0))]
    pub temperature: f64,
    /// Only so many of the likeliest tokens; 0 for all.
    #[serde(default)]
    pub top_k: usize,
    /// Only the smallest set of likeliest tokens with this probability; 1 for all.
    #[serde(default = "one")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub top_p: f64,
    /// Only tokens with at least this share of the likeliest token's probability; 0 for all.
    #[serde(default)]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub min_p: f64,
    /// Scores of tokens that prompt or text hold already are divided by it where they are positive, multiplied where they are
    /// negative: above 1 fewer repetitions, 1 for none of this.
    #[serde(default = "one")]
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    pub repetition_penalty: f64,
    /// Texts written side by side; more is faster and needs more memory.
    #[serde(default = "batch")]
    #[schemars(range(min = 1))]
    pub batch: usize,
    /// Keep keys and values of what was read; without them every token reads its text from the start, which is slow.
    #[serde(default = "yes")]
    pub use_cache: bool,
}

fn one() -> f64 {
    1.0
}
fn batch() -> usize {
    8
}
fn yes() -> bool {
    true
}

impl Default for Sampling {
    fn default() -> Self {
        Self { temperature: one(), top_k: 0, top_p: one(), min_p: 0.0, repetition_penalty: one(), batch: batch(), use_cache: yes() }
    }
}

impl Decoder for Sampling {
    fn decode(&self, cx: &mut dyn Context, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
        let model = cx.subject()?.inference();
        let work = Work::new(self, &model, limits, cx.draws().stream("sampling"), requests)?;
        // Prompts of like length beside each other: less padding.
        let mut order: Vec<usize> = (0..requests.len()).collect();
        order.sort_by_key(|i| (requests[*i].prompt.len(), *i));
        let mut written = vec![Generation::default(); requests.len()];
        for chunk in order.chunks(self.batch.max(1)) {
            let rows = chunk.iter().map(|i| Row::new(*i, &requests[*i])).collect();
            for row in work.batch(rows, cx)? {
                written[row.index] = row.generation;
            }
        }
        Ok(written)
    }
}

register!(Decoder, "sampling", "Greedy text, or draws with temperature, top-k, top-p, min-p and a repetition penalty", Sampling);
