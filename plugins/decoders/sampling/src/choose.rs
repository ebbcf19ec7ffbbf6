//! One choice from one distribution.

use crate::Sampling;

/// The token chosen from log-probabilities (or logits) by a number `u` uniform in [0, 1). Of an empty row, token 0.
///
/// Equal draws give equal tokens: the kept tokens lie on the unit interval from the likeliest to the least likely, ties by id.
pub fn choose(logprobs: &[f32], options: &Sampling, u: f32) -> u32 {
    if options.temperature == 0.0 || options.top_k == 1 {
        return likeliest(logprobs);
    }
    let mut kept = candidates(logprobs, options.top_k);
    let best = kept.first().map_or(0.0, |id| f64::from(logprobs[*id as usize]));
    let masses: Vec<f64> = kept.iter().map(|id| ((f64::from(logprobs[*id as usize]) - best) / options.temperature).exp()).collect();
    kept.truncate(nucleus(&masses, options.top_p));
    let mut left = f64::from(u) * masses[..kept.len()].iter().sum::<f64>();
    for (id, mass) in kept.iter().zip(&masses) {
        left -= mass;
        if left < 0.0 {
            return *id;
        }
    }
    // Rounding only: the draw lay at the very end.
    kept.last().copied().unwrap_or(0)
}

fn likeliest(logprobs: &[f32]) -> u32 {
    let best = logprobs.iter().enumerate().reduce(|best, one| if one.1 > best.1 { one } else { best });
    best.map_or(0, |(id, _)| id as u32)
}

/// The `k` likeliest tokens (all for 0), likeliest first, ties by id.
fn candidates(logprobs: &[f32], k: usize) -> Vec<u32> {
    let order = |a: &u32, b: &u32| logprobs[*b as usize].total_cmp(&logprobs[*a as usize]).then(a.cmp(b));
    let mut ids: Vec<u32> = (0..logprobs.len() as u32).collect();
    if k > 0 && k < ids.len() {
        ids.select_nth_unstable_by(k, order);
        ids.truncate(k);
    }
    ids.sort_unstable_by(order);
    ids
}

/// How many of the masses, largest first, make up `share` of their sum; at least one.
fn nucleus(masses: &[f64], share: f64) -> usize {
    if share >= 1.0 {
        return masses.len();
    }
    let goal = share * masses.iter().sum::<f64>();
    let mut sum = 0.0;
    let below = masses.iter().take_while(|mass| {
        sum += **mass;
        sum < goal
    });
    (below.count() + 1).min(masses.len())
}
