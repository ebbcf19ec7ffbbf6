//! Several texts in one row: positions start anew, no text sees another, and losses are those of separate rows.

use super::tools::*;
use super::toy::toy;
use std::collections::BTreeMap;
use tongues_kernel::burn::tensor::activation::log_softmax;
use tongues_kernel::*;

const TEXTS: [&[u32]; 3] = [&[1, 2, 3, 4], &[5, 6], &[7, 8, 9]];

/// The first two texts in one row, the third in another.
fn packed() -> Batch {
    let mut row = Sequence::of("text", [TEXTS[0], TEXTS[1]].concat(), 1.0);
    row.starts = vec![TEXTS[0].len()];
    let single = Sequence::of("text", TEXTS[2].to_vec(), 1.0);
    Batch { examples: vec![Example::of_text("packed", row), Example::of_text("single", single)] }
}

/// Log-probabilities of the places that carry loss, in order.
fn losses(model: &Model, batch: &Batch, leak: bool) -> Vec<f32> {
    let laid = Laid::new(batch.examples.iter().map(|e| e.sequence("text").unwrap())).unwrap();
    let mut input = laid.input(Stack::Decoder, &model.plain_device());
    if leak {
        input.streams.get_mut(&Stack::Decoder).unwrap().segments = None;
    }
    let mut pass = model.pass(Call::default());
    let hidden = model.walk(&input, None, &mut pass).unwrap();
    let (labels, weights) = laid.labels(&hidden);
    let logits = model.read_out_with(hidden.x, false, &mut pass).unwrap();
    let [rows, time, _] = logits.dims();
    let all = values(log_softmax(logits, 2).gather(2, labels.reshape([rows, time, 1])));
    all.into_iter().zip(values(weights)).filter(|(_, w)| *w > 0.0).map(|(l, _)| l).collect()
}

#[test]
fn packed_rows_give_the_losses_of_separate_rows() {
    let model = toy(1);
    let expected: Vec<f32> = TEXTS.iter().flat_map(|t| losses(&model, &batch(&[t]), false)).collect();
    assert_eq!(expected.len(), 3 + 1 + 2);
    close(&losses(&model, &packed(), false), &expected, 1e-5);
    assert_eq!(packed().loss_tokens(), 6.0);
}

#[test]
fn a_leak_between_texts_is_seen() {
    let model = toy(1);
    let (tight, leaking) = (losses(&model, &packed(), false), losses(&model, &packed(), true));
    assert_eq!(tight[..3], leaking[..3], "the first text has nothing before it");
    assert!((tight[3] - leaking[3]).abs() > 1e-3, "the second text sees the first: {} {}", tight[3], leaking[3]);
}

#[test]
fn gradients_of_packed_rows_are_those_of_separate_rows() {
    let model = toy(1);
    let others = BTreeMap::new();
    let found = [packed(), batch(&TEXTS)].map(|batch| {
        let out = Step::new(&model, &others, &batch, Draws::new(0)).run("text", &Run::default()).unwrap();
        gradients_of(&model, cross_entropy(&model, &out, false))
    });
    for (name, gradient) in &found[1] {
        close(&found[0][name], gradient, 1e-5);
    }
}
