//! Equality with the reference implementation, on checkpoints written by it.

use serde_json::{Value as Json, json};
use std::path::Path;
use tongues_backbone_xlm_roberta as _;
use tongues_kernel::{Built, Call, Draws, Init, Kind, Laid, Model, Sequence, Stack, build, values};
use tongues_testkit::{BackboneCase, Surroundings, check_refusals};

fn case(name: &str) -> BackboneCase {
    BackboneCase::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/xlm-roberta").join(name))
}

#[test]
fn equals_the_reference_base() {
    case("base").check();
}

#[test]
fn equals_the_reference_odd() {
    case("odd").check();
}

#[test]
fn equals_the_reference_legacy() {
    case("legacy").check();
}

/// The configuration of a small network with some keys changed.
fn options(patch: &Json) -> Json {
    let mut options = json!({
        "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16, "max_position_embeddings": 8
    });
    options.as_object_mut().expect("a table").extend(patch.as_object().expect("a table").clone());
    options
}

fn built(family: &str, patch: &Json) -> tongues_kernel::Result<Model> {
    match build(Kind::Backbone, family, options(patch), &mut Surroundings::new(0))? {
        Built::Backbone(found) => Ok(Model::without_tokenizer(found.build(&Init { device: tongues_testkit::device(), draws: Some(Draws::new(5)) })?)),
        _ => panic!("another kind"),
    }
}

#[test]
fn contradictions_are_refused() {
    for family in ["xlm-roberta", "roberta"] {
        check_refusals(Kind::Backbone, family, &options(&json!({})));
        for (patch, piece) in [
            (json!({"num_attention_heads": 3}), "hidden_size"),
            (json!({"hidden_act": "tanhish"}), "hidden_act"),
            (json!({"position_embedding_type": "relative_key"}), "position_embedding_type"),
            (json!({"max_position_embeddings": 2}), "max_position_embeddings"),
            (json!({"type_vocab_size": 0}), "type_vocab_size"),
            (json!({"tie_word_embeddings": false}), "tie_word_embeddings"),
            (json!({"is_decoder": true}), "is_decoder"),
            (json!({"add_cross_attention": true}), "add_cross_attention"),
            (json!({"vocab_size": 0}), "vocab_size"),
        ] {
            let message = built(family, &patch).map(|_| ()).expect_err("refused").to_string();
            assert!(message.contains(piece), "{patch}: {message}");
        }
    }
}

#[test]
fn both_families_write_their_own_names() {
    for (family, class) in [("xlm-roberta", "XLMRobertaForMaskedLM"), ("roberta", "RobertaForMaskedLM")] {
        let config = built(family, &json!({})).unwrap().spec().config.clone();
        assert_eq!((&config["model_type"], &config["architectures"]), (&json!(family), &json!([class])));
        assert_eq!(config["pad_token_id"], json!(1), "what positions were counted from is written down");
    }
}

fn logits(model: &Model, rows: &[&[u32]]) -> tongues_kernel::Result<Vec<f32>> {
    let sequences: Vec<Sequence> = rows.iter().map(|row| Sequence::of("text", row.to_vec(), 1.0)).collect();
    let input = Laid::new(&sequences)?.input(Stack::Encoder, &model.plain_device());
    model.logits(&input, Call::default()).map(values)
}

#[test]
fn a_shorter_row_is_the_same_beside_a_longer_one() {
    let model = built("xlm-roberta", &json!({"initializer_range": 0.5})).unwrap().inference();
    let alone = logits(&model, &[&[4, 5, 6]]).unwrap();
    let beside = logits(&model, &[&[4, 5, 6], &[7, 4, 3, 5, 6, 2]]).unwrap();
    assert!(alone.iter().zip(&beside).all(|(a, b)| (a - b).abs() < 1e-5));
    let longer = logits(&model, &[&[4, 5, 6, 7]]).unwrap();
    assert!(alone.iter().zip(&longer).any(|(a, b)| (a - b).abs() > 1e-4), "a token is seen from in front of it");
}

#[test]
fn positions_behind_the_padding_tokens_are_all_that_a_text_has() {
    let model = built("roberta", &json!({})).unwrap().inference();
    assert_eq!(model.spec().max_positions, 6, "8 rows, less those up to the padding token's");
    let refused = logits(&model, &[&[3; 7]]).unwrap_err().to_string();
    assert!(refused.contains("at most 6 tokens"), "{refused}");
}

#[test]
fn new_rows_get_a_bias_in_the_head() {
    let mut model = built("roberta", &json!({})).unwrap();
    let rows = Draws::new(1).normal_tensor([2, 8], 0.1, &tongues_testkit::device());
    model.weights().append_rows(rows.clone(), rows).unwrap();
    assert_eq!(logits(&model, &[&[8, 9, 3]]).unwrap().len(), 3 * 10);
    assert_eq!(values(model.weights().get::<1>("lm_head.bias").unwrap()), [0.0; 10]);
}
