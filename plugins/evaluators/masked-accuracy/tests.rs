//! Tests of the evaluator `masked-accuracy`.

use serde_json::{Value as Json, json};
use std::sync::Arc;
use tongues_backbone_xlm_roberta as _;
use tongues_evaluator_masked_accuracy::MaskedAccuracy;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Built, Call, Draws, Evaluation, Evaluator, Finding, InMemory, Init, Item, Kind, Laid, Model, Record, Result, Sequence, Stack, build};
use tongues_kernel::{options, values};
use tongues_nn::masked::{Hiding, HidingTokens, hidden};
use tongues_testkit::{Surroundings, ToyTokenizer, check_refusals, randomise, toy_model};

const TEXTS: [&str; 4] = ["some words", "others, and more of them", "x", "twice as many"];

fn encoder() -> Model {
    let given = json!({
        "vocab_size": 260, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 34,
        "layer_norm_eps": 1e-5, "initializer_range": 0.5
    });
    let Ok(Built::Backbone(family)) = build(Kind::Backbone, "xlm-roberta", given, &mut Surroundings::new(0)) else { panic!("a family") };
    let backbone = family.build(&Init { device: tongues_testkit::device(), draws: Some(Draws::new(3)) }).unwrap();
    Model::new(backbone, Arc::new(ToyTokenizer::with_mask()))
}

fn data(texts: &[&str]) -> InMemory {
    InMemory { name: "texts".into(), records: texts.iter().map(|t| Record::of_text(*t, *t)).collect() }
}

fn evaluated(given: Json, model: &Model, texts: &[&str]) -> Result<Vec<Finding>> {
    let evaluator: MaskedAccuracy = options("masked-accuracy", given)?;
    evaluator.evaluate(&mut Evaluation { model, data: &data(texts), format: None, cx: &mut Surroundings::new(1) })
}

/// Right tokens, nats and hidden tokens of a text, from the logits of its row alone.
fn by_hand(model: &Model, text: &str) -> (f64, f64, f64) {
    let tokens = HidingTokens::of(&ToyTokenizer::with_mask(), None, "").unwrap();
    let ids: Vec<u32> = std::iter::once(256).chain(text.bytes().map(u32::from)).chain([257]).collect();
    let how = Hiding { probability: 0.15, random: 0.0, kept: 0.0 };
    let draws = Draws::new(1).stream("masked-accuracy").stream(text).example(0);
    let (row, _) = hidden(&Sequence::of("text", ids.clone(), 1.0), &how, &tokens, draws);
    let logits = values(model.logits(&Laid::new([&row]).unwrap().input(Stack::Encoder, &tongues_testkit::device()), Call::default()).unwrap());
    let mut sums = (0.0, 0.0, 0.0);
    for (place, shown) in row.ids().enumerate().filter(|(_, id)| *id == ToyTokenizer::MASK) {
        let scores: Vec<f64> = logits[place * 260..(place + 1) * 260].iter().map(|l| f64::from(*l)).collect();
        let own = scores[ids[place] as usize];
        assert_ne!(shown, ids[place]);
        sums.0 += f64::from(u8::from(scores.iter().all(|s| *s <= own)));
        sums.1 -= own - scores.iter().map(|s| s.exp()).sum::<f64>().ln();
        sums.2 += 1.0;
    }
    sums
}

#[test]
fn scores_are_those_of_the_logits_at_hidden_places() {
    let model = encoder();
    let findings = evaluated(json!({}), &model, &TEXTS).unwrap();
    assert_eq!(findings.iter().map(|f| f.metric.as_str()).collect::<Vec<_>>(), ["masked-accuracy", "masked-loss"]);
    for (i, text) in TEXTS.iter().enumerate() {
        let (right, nats, hidden) = by_hand(&model, text);
        let (accuracy, loss) = (&findings[0].items[i], &findings[1].items[i]);
        assert_eq!((accuracy.value, accuracy.weight, loss.weight), (right, hidden, hidden), "{text}");
        assert!((loss.value - nats).abs() < 1e-4 * nats, "{text}: {} instead of {nats}", loss.value);
    }
}

#[test]
fn a_model_that_says_a_token_everywhere_is_right_where_it_stands() {
    let mut model = encoder();
    randomise(&mut model, "roberta.embeddings.word_embeddings", 0.0, Draws::new(0));
    let nothing = evaluated(json!({}), &model, &TEXTS).unwrap();
    let score = |finding: &Finding| finding.items.iter().map(|i| i.value).sum::<f64>() / finding.items.iter().map(|i| i.weight).sum::<f64>();
    assert_eq!(score(&nothing[0]), 0.0, "no token is likelier than the others");
    assert!((score(&nothing[1]) - 260f64.ln()).abs() < 1e-4);
    let bias: Vec<f32> = (0..260).map(|id| if id == u32::from(b'a') { 5.0 } else { 0.0 }).collect();
    model.weights().set("lm_head.bias", Tensor::<1>::from_data(TensorData::new(bias, [260]), &tongues_testkit::device())).unwrap();
    let found = evaluated(json!({ "probability": 1.0 }), &model, &["aaab", "bbbb"]).unwrap();
    assert_eq!(found[0].items.iter().map(|i| (i.value, i.weight)).collect::<Vec<_>>(), [(3.0, 4.0), (0.0, 4.0)]);
}

#[test]
fn scores_do_not_depend_on_batch_and_order() {
    let model = encoder();
    let turned: Vec<&str> = TEXTS.iter().rev().copied().collect();
    let of = |given: Json, texts: &[&str]| evaluated(given, &model, texts).unwrap().into_iter().map(|f| f.items).collect::<Vec<Vec<Item>>>();
    let (one, many, back) = (of(json!({ "batch_tokens": 1 }), &TEXTS), of(json!({}), &TEXTS), of(json!({}), &turned));
    for ((one, many), back) in one.iter().zip(&many).zip(&back) {
        for (i, item) in one.iter().enumerate() {
            assert!((item.value - many[i].value).abs() < 1e-4 && (item.value - back[TEXTS.len() - 1 - i].value).abs() < 1e-4);
        }
    }
    assert_ne!(many, of(json!({ "seed": 2 }), &TEXTS));
}

#[test]
fn wrong_data_and_options_are_named() {
    let model = encoder();
    let refused = |model: &Model, texts: &[&str]| evaluated(json!({}), model, texts).unwrap_err().to_string();
    assert!(refused(&model, &[]).starts_with("data `texts`: expected at least one record"));
    assert!(refused(&model, &["a", ""]).contains("field `text`: expected a text of at least one token"));
    assert!(refused(&toy_model(Draws::new(1)), &["a"]).starts_with("masked-accuracy: expected an encoder"));
    assert!(evaluated(json!({ "probability": 0.0 }), &model, &["a"]).unwrap_err().to_string().starts_with("masked-accuracy: probability"));
    let long = evaluated(json!({ "probability": 1.0 }), &model, &[&"x".repeat(100)]).unwrap();
    assert_eq!(long[0].items[0].weight, 100.0, "in rows of the model's 32 positions, nothing is left out");
    check_refusals(Kind::Evaluator, "masked-accuracy", &json!({ "field": "text", "probability": 0.2, "seed": 3, "mask_token": "<mask>", "batch_tokens": 64 }));
}
