//! Approximate randomization: segments change sides at random.

use super::generator::Bits;
use super::{Generator, Paired, SystemResult, TestOptions, bootstrap, p_value, sample::Sample, some_samples};
use crate::error::Result;
use crate::translation::{CorpusMetric, Statistics};

/// A system against the baseline: how far two systems are apart that share out the segments of both by chance.
pub(super) fn paired<M: CorpusMetric + ?Sized>(pair: &Paired<M>, system: &Statistics, options: TestOptions) -> Result<SystemResult> {
    some_samples(options.samples)?;
    let score = pair.metric.score(&system.totals()).value;
    let difference = (pair.baseline_score - score).abs();
    let mut generator = Generator::new(options.seed);
    let mut bits = Bits::default();
    let mut distances = Vec::with_capacity(options.samples);
    let baseline = &pair.baseline;
    let (mut a, mut b) = (vec![0.0; system.width], vec![0.0; system.width]);
    for _ in 0..options.samples {
        a.fill(0.0);
        b.fill(0.0);
        for (own, other) in system.values.chunks_exact(system.width).zip(baseline.values.chunks_exact(system.width)) {
            let (first, second) = if bits.next(&mut generator) { (other, own) } else { (own, other) };
            a.iter_mut().zip(first).for_each(|(a, v)| *a += v);
            b.iter_mut().zip(second).for_each(|(b, v)| *b += v);
        }
        distances.push((pair.metric.score(&a).value - pair.metric.score(&b).value).abs());
    }
    let p = p_value(&Sample::Double(distances), difference);
    let interval = options.interval_samples.map(|n| bootstrap::interval(pair.metric, system, n, &mut generator)).transpose()?;
    Ok(SystemResult { score, p_value: Some(p), interval })
}
