//! Equality with the reference implementation, on checkpoints written by it.

use serde_json::{Value as Json, json};
use std::path::Path;
use tongues_backbone_qwen2 as _;
use tongues_kernel::{Built, Init, Kind, build};
use tongues_testkit::{BackboneCase, Surroundings, check_refusals};

fn case(name: &str) -> BackboneCase {
    BackboneCase::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/qwen2").join(name))
}

#[test]
fn equals_the_reference_base() {
    case("base").check();
}

#[test]
fn equals_the_reference_plain() {
    case("plain").check();
}

#[test]
fn equals_the_reference_layered() {
    case("layered").with_sessions_up_to(8).check();
}

/// The configuration of a small network with some keys changed.
fn options(patch: &Json) -> Json {
    let mut options =
        json!({"vocab_size": 8, "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 2});
    options.as_object_mut().expect("a table").extend(patch.as_object().expect("a table").clone());
    options
}

/// What is said of a wrong configuration.
fn wrong(patch: &Json) -> String {
    match build(Kind::Backbone, "qwen2", options(patch), &mut Surroundings::new(0)) {
        Ok(Built::Backbone(family)) => family.build(&Init { device: tongues_testkit::device(), draws: None }).map(|_| ()).expect_err("refused").to_string(),
        Ok(_) => panic!("another kind"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn contradictions_are_refused() {
    check_refusals(Kind::Backbone, "qwen2", &options(&json!({})));
    for (patch, piece) in [
        (json!({"use_sliding_window": true, "max_window_layers": 0, "sliding_window": 0}), "sliding_window"),
        (json!({"layer_types": ["sliding_attention"]}), "use_sliding_window"),
        (json!({"layer_types": ["full_attention", "full_attention"]}), "layer_types"),
        (json!({"layer_types": ["round_attention"]}), "full_attention"),
        (json!({"num_key_value_heads": 3}), "num_key_value_heads"),
        (json!({"hidden_act": "gelu"}), "hidden_act"),
        (json!({"num_attention_heads": 3}), "hidden_size"),
        (json!({"rope_scaling": {"rope_type": "spiral"}}), "rope_type"),
        (json!({"rope_theta": 5.0, "rope_parameters": {"rope_type": "default", "rope_theta": 6.0}}), "rope_parameters"),
    ] {
        let message = wrong(&patch);
        assert!(message.contains(piece), "{patch}: {message}");
    }
}
