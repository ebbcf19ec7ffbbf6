//! Equality with the reference implementation, on checkpoints written by it.

use serde_json::{Value as Json, json};
use std::path::Path;
use tongues_backbone_gpt2 as _;
use tongues_kernel::{Built, Init, Kind, build};
use tongues_testkit::{BackboneCase, Surroundings, check_refusals};

fn case(name: &str) -> BackboneCase {
    BackboneCase::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/gpt2").join(name))
}

#[test]
fn equals_the_reference_base() {
    case("base").check();
}

#[test]
fn equals_the_reference_scaled() {
    case("scaled").check();
}

#[test]
fn equals_the_reference_relu() {
    case("relu").check();
}

#[test]
fn equals_the_reference_legacy() {
    case("legacy").check();
}

/// The configuration of a small network with some keys changed.
fn options(patch: &Json) -> Json {
    let mut options = json!({"vocab_size": 8, "n_embd": 8, "n_layer": 1, "n_head": 2, "n_positions": 16});
    options.as_object_mut().expect("a table").extend(patch.as_object().expect("a table").clone());
    options
}

/// What is said of a wrong configuration.
fn wrong(patch: &Json) -> String {
    match build(Kind::Backbone, "gpt2", options(patch), &mut Surroundings::new(0)) {
        Ok(Built::Backbone(family)) => family.build(&Init { device: tongues_testkit::device(), draws: None }).map(|_| ()).expect_err("refused").to_string(),
        Ok(_) => panic!("another kind"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn contradictions_are_refused() {
    check_refusals(Kind::Backbone, "gpt2", &options(&json!({})));
    for (patch, piece) in [
        (json!({"n_head": 3}), "n_embd"),
        (json!({"activation_function": "tanhish"}), "activation_function"),
        (json!({"add_cross_attention": true}), "add_cross_attention"),
        (json!({"n_inner": 0}), "n_inner"),
        (json!({"n_positions": 0}), "n_positions"),
        (json!({"vocab_size": 0}), "vocab_size"),
    ] {
        let message = wrong(&patch);
        assert!(message.contains(piece), "{patch}: {message}");
    }
}
