//! One choice from one distribution.

use crate::{Sampling, kept};

/// The token chosen from scores (logits or log-probabilities) by a number `u` uniform in [0, 1). Of an empty row, token 0.
///
/// Equal draws give equal tokens: the kept tokens lie on the unit interval from the likeliest to the least likely, ties by id.
pub fn choose(scores: &[f32], options: &Sampling, u: f32) -> u32 {
    if options.temperature == 0.0 || options.top_k == 1 {
        return likeliest(scores);
    }
    let kept = kept(scores, options);
    let mut left = f64::from(u) * kept.iter().map(|(_, mass)| mass).sum::<f64>();
    for (id, mass) in &kept {
        left -= mass;
        if left < 0.0 {
            return *id;
        }
    }
    // Rounding only: the draw lay at the very end.
    kept.last().map_or(0, |(id, _)| *id)
}

fn likeliest(scores: &[f32]) -> u32 {
    let best = scores.iter().enumerate().reduce(|best, one| if one.1 > best.1 { one } else { best });
    best.map_or(0, |(id, _)| id as u32)
}
