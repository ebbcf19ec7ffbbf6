//! # mbr
//!
//! Draws several texts and gives the one that is most like all the others: minimum Bayes risk.
//! Papers: Kumar and Byrne 2004, "Minimum Bayes-Risk Decoding for Statistical Machine Translation" (NAACL, §2); with samples of
//! the model: Eikema and Aziz 2020, "Is MAP Decoding All You Need?" (arXiv 2005.10283, §6, eq. 4); chrF as the utility: Popović
//! 2015, "chrF: character n-gram F-score for automatic MT evaluation" (W15-3049, §2).
//!
//! ## What it does
//! Another decoder (`decode`) writes `candidates` texts for each prompt, each with draws of its own. Of these the one with the
//! greatest expected utility is given: the mean chrF with every candidate as the reference in turn, itself and repetitions
//! included, so that a text that was drawn often counts often. chrF is sacrebleu's for sentences: character n-grams up to 6
//! without white space, precision and recall averaged over the orders that both sides have, F with β = 2; from 0 to 100. The
//! first drawn wins ties.
//!
//! ## When to use
//! For translation where single samples are poor and beam search gives short or repeated text; costs `candidates` times the
//! tokens. The candidates should come from the model's own distribution: `{ use = "sampling" }`.
//!
//! ## Differences from the paper
//! Candidates and references are the same samples. The utility is chrF; the papers use BLEU, METEOR and others.
//!
//! ## Reproduces
//! No published number. The tests compare chrF with sacrebleu 2.6 on stored pairs, and the choice with one worked out by hand.

mod chrf;

pub use chrf::chrf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Map;
use tongues_kernel::{Context, Decoder, DecoderUse, Generation, Limits, Model, Request, Result, register};

/// How many texts are drawn, and how.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mbr {
    /// Texts drawn for each prompt.
    #[serde(default = "sixteen")]
    #[schemars(range(min = 1, max = 4096))]
    pub candidates: usize,
    /// The decoder that draws them: `{ use = "sampling", temperature = 1.0 }`.
    #[serde(default = "samples")]
    pub decode: DecoderUse,
}

fn sixteen() -> usize {
    16
}
fn samples() -> DecoderUse {
    DecoderUse { plugin: "sampling".into(), options: Map::new() }
}

/// Draws depend on a request's name: candidate `c` of request `id` is named `id + (c + 1) · 2^40`, which is no request's own.
const NAMES: u64 = 1 << 40;

impl Mbr {
    /// Checks the decoder of the candidates.
    fn checked(self, cx: &mut dyn Context) -> Result<Self> {
        self.decode.build(cx).map_err(|e| e.within("decoder mbr: decode"))?;
        Ok(self)
    }

    fn named(&self, request: &Request) -> Vec<Request> {
        let one = |c: u64| Request { id: request.id.wrapping_add((c + 1).wrapping_mul(NAMES)), ..request.clone() };
        (0..self.candidates as u64).map(one).collect()
    }
}

impl Decoder for Mbr {
    fn decode(&self, cx: &mut dyn Context, requests: &[Request], limits: &Limits) -> Result<Vec<Generation>> {
        let model = cx.subject()?;
        let decoder = self.decode.build(cx)?;
        let asked: Vec<Request> = requests.iter().flat_map(|request| self.named(request)).collect();
        let mut drawn = decoder.decode(cx, &asked, limits)?.into_iter();
        let mut written = vec![];
        for request in requests {
            let generation = best(drawn.by_ref().take(self.candidates).collect(), &model, limits)?;
            cx.wrote(request.id, &generation.ids)?;
            written.push(generation);
        }
        Ok(written)
    }
}

/// The candidate with the greatest expected utility.
fn best(candidates: Vec<Generation>, model: &Model, limits: &Limits) -> Result<Generation> {
    let tokenizer = model.tokenizer()?;
    let text = |candidate: &Generation| Ok(limits.cut(&tokenizer.decode(&candidate.ids)?).to_owned());
    let texts = candidates.iter().map(text).collect::<Result<Vec<String>>>()?;
    let (best, utility) = most_alike(&texts);
    let chosen = candidates.into_iter().nth(best).unwrap_or_default();
    Ok(Generation { rank: Some(utility), others: vec![], ..chosen })
}

/// The first of the texts with the greatest mean utility against all of them, and that utility.
pub fn most_alike(texts: &[String]) -> (usize, f64) {
    let counted: Vec<chrf::Grams> = texts.iter().map(|text| chrf::Grams::of(text)).collect();
    let utility = |text: &chrf::Grams| counted.iter().map(|reference| text.score(reference)).sum::<f64>() / counted.len() as f64;
    let all = counted.iter().map(utility).enumerate();
    all.reduce(|best, one| if one.1 > best.1 { one } else { best }).unwrap_or((0, 0.0))
}

register!(Decoder, "mbr", "Minimum Bayes risk: of several samples the one most like the others (chrF)", Mbr => Mbr::checked);
