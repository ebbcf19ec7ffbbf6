//! Random batches and what a model makes of them.

use tongues_kernel::{Batch, Call, Draws, Example, Input, Laid, Model, Segment, Sequence, values};

/// `n` ids below `vocabulary`.
pub fn ids(draws: Draws, n: usize, vocabulary: usize) -> Vec<u32> {
    draws.uniform(n).into_iter().map(|u| ((f64::from(u) * vocabulary as f64) as u32).min(vocabulary as u32 - 1)).collect()
}

/// Rows of different lengths up to `time` (at least 4), each a prompt without loss and a text with it, weights not all 1.
pub fn random_batch(draws: Draws, rows: usize, time: usize, vocabulary: usize) -> Batch {
    let example = |r: usize| {
        let draws = draws.stream("batch").example(r as u64);
        let length = time.max(4) - if r == 0 { 0 } else { draws.below(time.max(4) / 2) };
        let all = ids(draws, length, vocabulary);
        let prompt = Segment { mark: "prompt".into(), ids: all[..2].to_vec(), weight: 0.0 };
        let text = Segment { mark: "text".into(), ids: all[2..].to_vec(), weight: if r.is_multiple_of(2) { 1.0 } else { 0.5 } };
        Example::of_text(format!("random-{r}"), Sequence { segments: vec![prompt, text], starts: vec![] })
    };
    Batch { examples: (0..rows).map(example).collect() }
}

/// A batch's sequences `text` as the model's input.
///
/// # Panics
/// An example lacks the sequence.
pub fn input(model: &Model, batch: &Batch) -> Input {
    let sequences: Vec<&Sequence> = batch.examples.iter().map(|e| e.sequence("text").expect("a batch of texts")).collect();
    Laid::new(sequences).expect("a batch with tokens").input(model.spec().main(), &model.plain_device())
}

/// All logits of a batch, row by row; shape `[rows, time, vocabulary]`.
///
/// # Panics
/// The model refuses the batch.
pub fn logits(model: &Model, batch: &Batch) -> (Vec<f32>, [usize; 3]) {
    let model = model.inference();
    let out = model.logits(&input(&model, batch), Call::default()).unwrap_or_else(|e| panic!("the model refuses a plain batch: {e}"));
    let shape = out.dims();
    (values(out), shape)
}

/// Standard deviation.
pub fn spread(values: &[f32]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().map(|v| f64::from(*v)).sum::<f64>() / n;
    (values.iter().map(|v| (f64::from(*v) - mean).powi(2)).sum::<f64>() / n).sqrt()
}
