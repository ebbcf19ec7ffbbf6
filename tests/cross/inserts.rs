//! Adapters train, are written and read back in a run: each alone, a language adapter of two parts, and one a language in one stage.

use crate::runs::run_text;
use std::path::Path;
use tongues_builtin as _;
use tongues_recipe::{Linked, parse};

const DATA: &str = r#"
recipe = 1
name = "adapters"
seed = 5
[data.pivot]
world = { language = "pivot", sentences = 120 }
[data.derived]
world = { language = "derived", sentences = 80 }
[data.distant]
world = { language = "distant", sentences = 80 }
[data.both]
mix = ["derived", "distant"]
[tokenizers.t]
train = { algorithm = "bpe", size = 300, data = "pivot" }
[models.fresh]
scratch = { use = "llama", tokenizer = "t", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, max_position_embeddings = 128 }
[[stage]]
name = "base"
train = { model = "fresh", data = "pivot", budget = { steps = 40 }, batch_tokens = 512, sequence_length = 64, learning_rate = 1e-2 }
objectives = [{ use = "causal-lm" }]
"#;

fn stage(adapters: &str, data: &str, more: &str) -> String {
    format!(
        "{DATA}[[stage]]\nname = \"adapted\"\ntrain = {{ model = \"base\", data = \"{data}\", budget = {{ steps = 30 }}, batch_tokens = 512, \
         sequence_length = 64, learning_rate = 1e-2{more} }}\nadapters = [{adapters}]\nobjectives = [{{ use = \"causal-lm\" }}]\n"
    )
}

/// Mean loss of the first and the last five steps of the stage.
fn losses(out: &Path) -> [f64; 2] {
    let text = std::fs::read_to_string(out.join("metrics.jsonl")).expect("metrics");
    let lines: Vec<serde_json::Value> = text.lines().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    let losses: Vec<f64> = lines.iter().filter(|l| l["stage"] == "adapted").filter_map(|l| l["loss"]["causal-lm"].as_f64()).collect();
    assert_eq!(losses.len(), 30);
    let mean = |part: &[f64]| part.iter().sum::<f64>() / part.len() as f64;
    [mean(&losses[..5]), mean(&losses[25..])]
}

const ROUTED: &str = r#"{ use = "bottleneck", name = "derived", reduction_factor = 2 }, { use = "bottleneck", name = "distant", reduction_factor = 2 }, { use = "compose", how = "route", parts = ["derived", "distant"], default = "derived" }"#;

#[test]
fn they_learn_and_are_written_and_read_back() {
    let compacter = r#"{ use = "compacter", reduction_factor = 2, phm_init_range = 0.1 }"#;
    let mad_x = r#"{ use = "invertible" }, { use = "bottleneck", reduction_factor = 2 }"#;
    let weighted = r#"{ use = "bottleneck", name = "a" }, { use = "bottleneck", name = "b", placement = "houlsby" }, { use = "compose", how = "weighted", parts = ["a", "b"], learn = true }"#;
    for (adapters, data, more) in [
        (mad_x, "derived", ""),
        (r#"{ use = "bottleneck", placement = "parallel" }"#, "derived", ""),
        (compacter, "derived", ""),
        (r#"{ use = "mam", prefix_length = 4, bottleneck_size = 16 }"#, "derived", ", recompute = true"),
        (weighted, "derived", ""),
        (ROUTED, "both", ", packing = false"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out");
        run_text(&stage(adapters, data, more), &out).unwrap_or_else(|e| panic!("{adapters}: {e}"));
        let [first, last] = losses(&out);
        assert!(last < first - 0.1, "{adapters}: {first} to {last}");
    }
}

#[test]
fn a_stage_with_a_language_that_has_no_adapter_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = stage(&ROUTED.replace("default", "languages = [\"derived\", \"sw\"], default"), "both", ", packing = false");
    let error = run_text(&recipe, &folder.path().join("out")).expect_err("refused").to_string();
    assert!(error.contains("distant") && error.contains("an adapter: derived, sw"), "{error}");
}

#[test]
fn packed_rows_are_not_routed_by_their_first_text() {
    let folder = tempfile::tempdir().expect("a folder");
    let error = run_text(&stage(ROUTED, "both", ""), &folder.path().join("out")).expect_err("refused").to_string();
    assert!(error.contains("packing = false"), "{error}");
}

#[test]
fn the_recipe_of_the_paper_is_valid() {
    let text = include_str!("../../recipes/papers/unified-peft.toml");
    let loaded = parse(text, "unified-peft.toml", &[], &Linked).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(loaded.recipe.stage.len(), 9);
}
