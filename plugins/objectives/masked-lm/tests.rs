//! Tests of masked-lm.

use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tongues_backbone_xlm_roberta as _;
use tongues_kernel::burn::tensor::activation::log_softmax;
use tongues_kernel::{
    Batch, Built, Call, Draws, Example, ExampleContext, Init, Kind, Laid, Model, Objective, Record, Sequence, Stack, Step, Term, build, options, values,
};
use tongues_objective_causal_lm as _;
use tongues_objective_masked_lm::MaskedLm;
use tongues_testkit::{ObjectiveCase, SplitFormat, Surroundings, ToyTokenizer, toy_model};

const BOS: u32 = 256;
const EOS: u32 = 257;
const MASK: u32 = ToyTokenizer::MASK;

fn encoder(range: f64) -> Model {
    let given = json!({
        "vocab_size": 260, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "max_position_embeddings": 64,
        "layer_norm_eps": 1e-5, "initializer_range": range
    });
    let Ok(Built::Backbone(family)) = build(Kind::Backbone, "xlm-roberta", given, &mut Surroundings::new(0)) else { panic!("a family") };
    let backbone = family.build(&Init { device: tongues_testkit::device().autodiff(), draws: Some(Draws::new(3)) }).unwrap();
    Model::new(backbone, Arc::new(ToyTokenizer::with_mask()))
}

fn objective(given: Json) -> MaskedLm {
    MaskedLm::new(options("masked-lm", given).unwrap(), &mut Surroundings::new(0)).unwrap()
}

fn examples(given: Json, record: &Record, max_length: usize, draws: Draws) -> Vec<Example> {
    let tokenizer = ToyTokenizer::with_mask();
    objective(given).examples(record, &ExampleContext { tokenizer: &tokenizer, max_length, draws, format: None }).unwrap()
}

fn ids(example: &Example, sequence: &str) -> Vec<u32> {
    example.sequences[sequence].ids().collect()
}

/// The row as it was before anything was hidden.
fn original(example: &Example) -> Vec<u32> {
    let mut answers = example.sequences["answers"].ids();
    let weights = example.sequences["text"].weights();
    ids(example, "text").into_iter().zip(weights).map(|(id, w)| if w > 0.0 { answers.next().unwrap() } else { id }).collect()
}

#[test]
fn conforms() {
    let given = json!({ "field": "text", "probability": 0.4, "random": 0.2, "kept": 0.2, "mask_token": "<mask>" });
    ObjectiveCase::new("masked-lm", given).with_model(encoder(0.3)).check();
}

#[test]
fn fifteen_of_a_hundred_tokens_are_chosen_and_eight_of_ten_of_them_masked() {
    let text = "abcdefghij".repeat(40);
    let (mut chosen, mut masked, mut kept, mut random) = (0, 0, 0, BTreeSet::new());
    let mut others = 0;
    for pass in 0..20 {
        let made = examples(json!({}), &Record::of_text("r", text.as_str()), 500, Draws::new(1).step(pass)).remove(0);
        let (shown, before) = (ids(&made, "text"), original(&made));
        assert_eq!(before, std::iter::once(BOS).chain(text.bytes().map(u32::from)).chain([EOS]).collect::<Vec<_>>());
        let weights = made.sequences["text"].weights();
        assert_eq!(weights.iter().filter(|w| **w > 0.0).count(), 60, "15 of a hundred of 400 tokens");
        assert_eq!((weights[0], weights[401]), (0.0, 0.0), "special tokens are not chosen");
        for ((shown, before), weight) in shown.iter().zip(&before).zip(weights) {
            assert!(weight > 0.0 || shown == before, "a token without weight was changed");
            if weight > 0.0 {
                chosen += 1;
                masked += usize::from(*shown == MASK);
                kept += usize::from(shown == before);
                if *shown != MASK && shown != before {
                    others += 1;
                    random.insert(*shown);
                }
            }
        }
    }
    // Of 1200: 960, 120 and 120 are expected, with standard deviations of 14 and 10.
    assert_eq!(chosen, 1200);
    assert!((910..1010).contains(&masked) && (80..160).contains(&kept) && (80..160).contains(&others), "{masked} {kept} {others}");
    assert!(random.len() > 60 && random.iter().all(|id| *id < 256), "drawn from all tokens that are not special");
}

#[test]
fn every_token_that_is_not_special_may_stand_for_another() {
    let given = json!({ "random": 1.0, "kept": 0.0, "probability": 1.0 });
    let shown = |pass| ids(&examples(given.clone(), &Record::of_text("r", "a".repeat(60)), 62, Draws::new(1).step(pass))[0], "text")[1..61].to_vec();
    let seen: BTreeSet<u32> = (0..60).flat_map(shown).collect();
    assert_eq!(seen, (0..256).collect());
}

#[test]
fn short_texts_have_one_hidden_token_and_long_ones_are_cut() {
    for pass in 0..20 {
        let made = examples(json!({ "random": 0.0, "kept": 0.0 }), &Record::of_text("r", "ab"), 8, Draws::new(1).step(pass));
        let shown = ids(&made[0], "text");
        assert!(shown == [BOS, MASK, 98, EOS] || shown == [BOS, 97, MASK, EOS], "{shown:?}");
    }
    let made = examples(json!({}), &Record::of_text("r", "abcdefgh"), 5, Draws::new(1));
    assert_eq!(made.iter().map(original).collect::<Vec<_>>(), [vec![BOS, 97, 98, 99, EOS], vec![BOS, 100, 101, 102, EOS], vec![BOS, 103, 104, EOS]]);
    assert_eq!(made.iter().map(|e| e.id.to_string()).collect::<Vec<_>>(), ["r", "r#1", "r#2"]);
}

#[test]
fn what_is_hidden_depends_on_pass_and_record_alone() {
    let made = |id: &str, draws: Draws| examples(json!({}), &Record::of_text(id, "some words of a text that is not short"), 64, draws);
    assert_eq!(made("r", Draws::new(1).step(0)), made("r", Draws::new(1).step(0)));
    assert_ne!(made("r", Draws::new(1).step(0))[0].sequences, made("r", Draws::new(1).step(1))[0].sequences);
    assert_ne!(made("r", Draws::new(1).step(0))[0].sequences, made("r", Draws::new(2).step(0))[0].sequences);
    assert_ne!(made("r", Draws::new(1).step(0))[0].sequences, made("s", Draws::new(1).step(0))[0].sequences);
    assert!(objective(json!({})).redraws());
}

fn loss(model: &Model, examples: Vec<Example>) -> (f64, f64) {
    let (batch, others) = (Batch { examples }, BTreeMap::new());
    let terms: Vec<Term> = objective(json!({})).loss(&mut Step::new(model, &others, &batch, Draws::new(0))).unwrap();
    assert_eq!((terms.len(), &*terms[0].name, terms[0].weight), (1, "masked-lm", 1.0));
    assert_eq!(terms[0].over, batch.loss_tokens());
    (f64::from(values(terms[0].sum.clone())[0]), terms[0].over)
}

fn texts() -> Vec<Example> {
    let made = |(i, text): (usize, &&str)| examples(json!({}), &Record::of_text(format!("{i}"), *text), 32, Draws::new(7)).remove(0);
    ["one text", "another, longer text", "x"].iter().enumerate().map(made).collect()
}

#[test]
fn the_loss_is_that_of_the_hidden_tokens_of_single_texts() {
    let model = encoder(0.3);
    let mut expected = 0.0;
    for example in texts() {
        let input = Laid::new([&example.sequences["text"]]).unwrap().input(Stack::Encoder, &model.plain_device());
        let scores = values(log_softmax(model.inference().logits(&input, Call::default()).unwrap(), 2));
        let weights = example.sequences["text"].weights();
        let told = original(&example).into_iter().zip(weights).enumerate().filter(|(_, (_, w))| *w > 0.0);
        expected -= told.map(|(place, (id, _))| f64::from(scores[place * 260 + id as usize])).sum::<f64>();
    }
    let (found, over) = loss(&model, texts());
    let hidden: usize = texts().iter().map(|e| e.sequences["answers"].len()).sum();
    assert_eq!(over, hidden as f64);
    assert!((found - expected).abs() < 1e-5 * expected, "{found} {expected}");
}

#[test]
fn texts_in_one_row_do_not_see_each_other() {
    let model = encoder(0.3);
    let (apart, over) = loss(&model, texts());
    let joined = texts().into_iter().reduce(|mut row, more| {
        for (name, sequence) in more.sequences {
            let own: &mut Sequence = row.sequences.get_mut(&name).unwrap();
            own.starts.push(own.len());
            own.segments.extend(sequence.segments);
        }
        row
    });
    let (together, same) = loss(&model, joined.into_iter().collect());
    assert_eq!(over, same);
    assert!((apart - together).abs() < 1e-5 * apart, "{apart} {together}");
    assert!(objective(json!({})).may_pack());
}

#[test]
fn a_format_says_what_may_be_hidden() {
    let (tokenizer, format) = (ToyTokenizer::with_mask(), SplitFormat);
    let cx = |pass| ExampleContext { tokenizer: &tokenizer, max_length: 32, draws: Draws::new(0).step(pass), format: Some(&format) };
    for pass in 0..10 {
        let made = objective(json!({ "probability": 0.9 })).examples(&Record::of_text("r", "abcd|efgh"), &cx(pass)).unwrap();
        assert_eq!(original(&made[0]), b"abcdefgh".map(u32::from));
        assert!(made[0].sequences["text"].weights()[..4].iter().all(|w| *w == 0.0), "the prompt stays");
        assert!(made[0].sequences["text"].loss_tokens() >= 3.0);
    }
    assert!(objective(json!({})).examples(&Record::of_text("r", "dropped"), &cx(0)).unwrap().is_empty());
}

#[test]
fn what_cannot_be_learned_is_refused() {
    let wrong = |given: Json| MaskedLm::new(options("masked-lm", given).unwrap(), &mut Surroundings::new(0)).unwrap_err().to_string();
    assert!(wrong(json!({ "probability": 0.0 })).starts_with("masked-lm: probability"));
    assert!(wrong(json!({ "random": 0.6, "kept": 0.5 })).starts_with("masked-lm: random and kept"));
    assert!(wrong(json!({ "field": "" })).starts_with("masked-lm: field"));
    let refused = |tokenizer: &ToyTokenizer, given: Json, text: &str, max_length| {
        let cx = ExampleContext { tokenizer, max_length, draws: Draws::new(0), format: None };
        objective(given).examples(&Record::of_text("r7", text), &cx).unwrap_err().to_string()
    };
    let (with, without) = (ToyTokenizer::with_mask(), ToyTokenizer::default());
    assert!(refused(&without, json!({}), "a", 8).contains("an added token <mask> or [MASK]"));
    assert!(refused(&with, json!({ "mask_token": "<hole>" }), "a", 8).contains("an added token <hole>"));
    assert!(refused(&with, json!({}), "", 8).starts_with("record r7, field `text`"));
    assert!(refused(&with, json!({}), "a", 2).contains("rows of at least 3 tokens"));
    let (batch, others, decoder) = (Batch { examples: texts() }, BTreeMap::new(), toy_model(Draws::new(1)));
    let told = objective(json!({})).loss(&mut Step::new(&decoder, &others, &batch, Draws::new(0))).unwrap_err().to_string();
    assert!(told.starts_with("masked-lm: expected an encoder"), "{told}");
}

#[test]
fn objectives_of_decoders_refuse_an_encoder() {
    let Ok(Built::Objective(causal)) = build(Kind::Objective, "causal-lm", json!({}), &mut Surroundings::new(0)) else { panic!("an objective") };
    let (batch, others, model) = (Batch { examples: texts() }, BTreeMap::new(), encoder(0.3));
    let told = causal.loss(&mut Step::new(&model, &others, &batch, Draws::new(0))).unwrap_err().to_string();
    assert!(told.starts_with("causal-lm: expected a model that predicts the next token, found xlm-roberta, an encoder"), "{told}");
}
