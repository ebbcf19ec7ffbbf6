//! Tests of the backbone `__name__`.

use serde_json::json;
use std::sync::Arc;
use __library__ as _;
use tongues_kernel::{Batch, Built, Draws, Example, Init, Kind, Model, Sequence, build};
use tongues_testkit::{Surroundings, ToyTokenizer, check_refusals, logits};

fn model() -> Model {
    let options = json!({ "vocab_size": ToyTokenizer::SIZE, "hidden_size": 8, "initializer_range": 0.5 });
    let mut cx = Surroundings::new(1);
    let Ok(Built::Backbone(family)) = build(Kind::Backbone, "__name__", options, &mut cx) else { panic!("no backbone") };
    let backbone = family.build(&Init { device: cx.device.clone(), draws: Some(Draws::new(1)) }).expect("a network");
    Model::new(backbone, Arc::new(ToyTokenizer::default()))
}

#[test]
fn a_token_alone_decides_what_follows() {
    let batch = Batch { examples: vec![Example::of_text("a", Sequence::of("text", vec![3, 7, 5, 7], 1.0))] };
    let (logits, [_, _, width]) = logits(&model(), &batch);
    let row = |i: usize| &logits[i * width..(i + 1) * width];
    assert_eq!(row(1), row(3));
    assert_ne!(row(1), row(2));
}

#[test]
fn wrong_options_are_refused() {
    check_refusals(Kind::Backbone, "__name__", &json!({ "hidden_size": 8 }));
}
