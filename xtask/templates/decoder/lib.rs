//! # __name__
//!
//! Continues a text with the likeliest token, one after another.
//! Paper: none; this is the skeleton that `cargo xtask new-plugin` writes. Name the paper, its number and its section here.
//!
//! ## What it does
//! Reads the prompt, then takes the token of the highest probability until a stop token or `max_new_tokens`; the lower id wins a tie.
//!
//! ## When to use
//! As a starting point for a decoder.
//!
//! ## Differences from the paper
//! There is no paper yet.
//!
//! ## Reproduces
//! No published number.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tongues_kernel::{Context, Decoder, Generation, Limits, Model, Request, Result, Session, register, values};

/// No options.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct __Type__ {}

impl Decoder for __Type__ {
    fn decode(&self, cx: &mut dyn Context, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
        let model = cx.subject()?;
        requests.iter().map(|request| one(&model, request, limits)).collect()
    }
}

fn one(model: &Model, request: &Request, limits: &Limits) -> Result<Generation> {
    let mut written = Generation::default();
    let (mut session, mut next) = Session::open(model, &[&request.prompt])?;
    while written.ids.len() < limits.max_new_tokens {
        let scores = values(next);
        let best = (0..scores.len()).rev().max_by(|a, b| scores[*a].total_cmp(&scores[*b])).unwrap_or_default();
        if limits.stop.contains(&(best as u32)) {
            written.stopped = true;
            break;
        }
        written.ids.push(best as u32);
        written.scores.push(scores[best]);
        next = session.push(&[best as u32])?;
    }
    Ok(written)
}

register!(Decoder, "__name__", "Continues a text with the likeliest token", __Type__);
