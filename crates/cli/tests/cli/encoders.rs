//! An encoder from its recipe to its scores, and what it is not asked for.

use crate::support::{Desk, told};
use serde_json::{Value as Json, json};

const RECIPE: &str = r#"
recipe = 1
name = "hidden"
seed = 3
[data.a]
world = { language = "pivot", sentences = 60 }
[tokenizers.t]
train = { size = 300, data = "a", special = ["<mask>"] }
[models.fresh]
scratch = { use = "xlm-roberta", tokenizer = "t", hidden_size = 16, intermediate_size = 24, num_hidden_layers = 1, num_attention_heads = 2, max_position_embeddings = 67 }
[[stage]]
name = "m"
train = { model = "fresh", data = "a", budget = { steps = 30 }, batch_tokens = 512, sequence_length = 64, learning_rate = 1e-2 }
objectives = [{ use = "masked-lm" }]
[[stage]]
name = "scores"
evaluate = { models = ["fresh", "m"], on = [{ use = "masked-accuracy", data = "a" }] }
"#;

fn json(desk: &Desk, name: &str) -> Json {
    serde_json::from_slice(&std::fs::read(desk.path(name)).expect(name)).expect("JSON")
}

#[test]
fn an_encoder_learns_hidden_tokens_and_counts_from_its_tokenizers_padding_token() {
    let desk = Desk::with(RECIPE);
    desk.good(&["run", "recipe.toml", "--out", "out"]);
    let losses: Vec<f64> = std::fs::read_to_string(desk.path("out/metrics.jsonl"))
        .expect("metrics")
        .lines()
        .map(|line| serde_json::from_str::<Json>(line).expect("JSON")["loss"]["masked-lm"].as_f64().expect("a loss"))
        .collect();
    assert!((losses[0] - 300f64.ln()).abs() < 0.3, "a fresh model knows nothing: {}", losses[0]);
    assert!(losses[29] < losses[0] - 0.5, "{} {}", losses[0], losses[29]);
    let config = json(&desk, "out/stages/m/checkpoint/config.json");
    assert_eq!((&config["pad_token_id"], &config["model_type"]), (&json!(2), &json!("xlm-roberta")));
    assert_eq!(json(&desk, "out/stages/m/checkpoint/tokenizer_config.json")["mask_token"], json!("<mask>"));
}

#[test]
fn a_file_is_scored_by_what_suits_the_checkpoint() {
    let desk = Desk::with(RECIPE);
    desk.good(&["run", "recipe.toml", "--out", "out"]);
    desk.file("text.txt", b"mendi handia\nibai luzea\n");
    let told = desk.good(&["eval", "out/stages/m/checkpoint", "--data", "text.txt"]);
    assert!(told.contains("masked accuracy") && !told.contains("bits per byte"), "{told}");
}

#[test]
fn an_encoder_neither_writes_nor_is_scored_from_left_to_right() {
    let desk = Desk::with(RECIPE);
    desk.good(&["run", "recipe.toml", "--out", "first"]);
    let checkpoint = "first/stages/m/checkpoint";
    desk.refused(&["generate", checkpoint, "--prompt", "a"], &["expected a model that predicts the next token, found xlm-roberta, an encoder"]);
    for (old, new) in [("masked-lm", "causal-lm"), ("masked-accuracy", "bits-per-byte")] {
        desk.file("recipe.toml", RECIPE.replace(&format!("use = \"{old}\""), &format!("use = \"{new}\"")).as_bytes());
        let out = desk.tongues(&["run", "recipe.toml", "--out", new]);
        assert_eq!(out.status.code(), Some(2), "{}", told(&out));
        assert!(told(&out).contains("xlm-roberta, an encoder, whose tokens see those behind them"), "{}", told(&out));
    }
}

/// PEFT asks a model with the task of a decoder for what an encoder has not.
#[test]
fn an_encoder_learns_by_an_adapter_that_names_no_task_of_decoders() {
    let adapted = r#"
[[stage]]
name = "l"
train = { model = "m", data = "a", budget = { steps = 30 }, batch_tokens = 512, sequence_length = 64, learning_rate = 1e-2 }
adapters = [{ use = "lora", r = 2, target_modules = ["query", "output.dense"] }]
objectives = [{ use = "masked-lm" }]
[[stage]]
name = "folded"
export = { model = "l" }
[[stage]]
name = "again"
evaluate = { models = ["m", "l", "folded"], on = [{ use = "masked-accuracy", data = "a" }] }
"#;
    let desk = Desk::with(&format!("{RECIPE}{adapted}"));
    desk.good(&["run", "recipe.toml", "--out", "out"]);
    let config = json(&desk, "out/stages/l/adapter/adapter_config.json");
    assert!(config.get("task_type").is_some_and(Json::is_null), "{config}");
    let report = json(&desk, "out/report.json");
    let loss = |model: &str| {
        let scores = report["scores"].as_array().expect("scores");
        let found = scores.iter().find(|s| s["stage"] == "again" && s["model"] == model && s["metric"] == "masked-loss");
        found.unwrap_or_else(|| panic!("no score of {model}: {scores:?}"))["value"].as_f64().expect("a number")
    };
    assert!(loss("l") < loss("m") && (loss("l") - loss("folded")).abs() < 1e-5, "{} {} {}", loss("m"), loss("l"), loss("folded"));
}
