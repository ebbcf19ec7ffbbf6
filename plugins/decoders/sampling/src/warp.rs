//! From scores to the distribution that is drawn from. Each step is that of the processor of the same name in `transformers`.

use crate::Sampling;

/// Makes tokens that were seen less likely (Keskar et al. 2019, arXiv 1909.05858, §4.1): a positive score is divided by the
/// penalty, a negative one multiplied, once a token however often it was seen.
pub fn penalise(scores: &mut [f32], seen: &[u32], penalty: f64) {
    let mut ids: Vec<usize> = seen.iter().map(|id| *id as usize).filter(|id| *id < scores.len()).collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let score = &mut scores[id];
        *score = if *score < 0.0 { *score * penalty as f32 } else { *score / penalty as f32 };
    }
}

/// The tokens that may be drawn, likeliest first, ties by id, with their masses (not normalised, the first is 1).
pub fn kept(scores: &[f32], options: &Sampling) -> Vec<(u32, f64)> {
    let ids = likeliest(scores, options.top_k);
    let best = ids.first().map_or(0.0, |id| f64::from(scores[*id as usize]));
    let mass = |id: &u32| ((f64::from(scores[*id as usize]) - best) / options.temperature).exp();
    let mut all: Vec<(u32, f64)> = ids.iter().map(|id| (*id, mass(id))).collect();
    all.truncate(nucleus(&all, options.top_p));
    all.truncate(all.iter().take_while(|(_, mass)| *mass >= options.min_p).count().max(1));
    all
}

/// The `k` likeliest tokens (all for 0), likeliest first, ties by id.
fn likeliest(scores: &[f32], k: usize) -> Vec<u32> {
    let order = |a: &u32, b: &u32| scores[*b as usize].total_cmp(&scores[*a as usize]).then(a.cmp(b));
    let mut ids: Vec<u32> = (0..scores.len() as u32).collect();
    if k > 0 && k < ids.len() {
        ids.select_nth_unstable_by(k, order);
        ids.truncate(k);
    }
    ids.sort_unstable_by(order);
    ids
}

/// How many of the masses, largest first, make up `share` of their sum; at least one.
fn nucleus(all: &[(u32, f64)], share: f64) -> usize {
    if share >= 1.0 {
        return all.len();
    }
    let goal = share * all.iter().map(|(_, mass)| mass).sum::<f64>();
    let mut sum = 0.0;
    let below = all.iter().take_while(|(_, mass)| {
        sum += mass;
        sum < goal
    });
    (below.count() + 1).min(all.len())
}
