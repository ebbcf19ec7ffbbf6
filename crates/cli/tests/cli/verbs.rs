//! Every verb once, on what a run leaves.

use crate::support::{Desk, SMALL};
use serde_json::Value as Json;

fn json(text: &str) -> Json {
    serde_json::from_str(text).expect("JSON")
}

#[test]
fn a_run_leaves_what_the_design_names_and_the_other_verbs_read_it() {
    let desk = Desk::with(SMALL);
    assert!(desk.good(&["check", "recipe.toml"]).contains("no problems"));
    let shown = desk.good(&["run", "recipe.toml", "--out", "out"]);
    assert!(shown.contains("bits per byte") && shown.contains("adapted"), "{shown}");
    for name in ["recipe.toml", "manifest.json", "metrics.jsonl", "report.json", "report.html"] {
        assert!(desk.path("out").join(name).exists(), "{name}");
    }
    let manifest = json(&std::fs::read_to_string(desk.path("out/manifest.json")).expect("manifest"));
    assert_eq!(manifest["finished"], true);
    assert!(manifest["outputs"]["stages/adapted/adapter/adapter_model.safetensors"].is_string());
    let steps: Vec<(String, u64)> = std::fs::read_to_string(desk.path("out/metrics.jsonl"))
        .expect("metrics")
        .lines()
        .map(json)
        .map(|l| (l["stage"].as_str().expect("a stage").into(), l["step"].as_u64().expect("a step")))
        .collect();
    let expected: Vec<(String, u64)> = ["base", "adapted"].iter().flat_map(|s| (1..=4).map(|i| ((*s).to_owned(), i))).collect();
    assert_eq!(steps, expected);
    the_resolved_recipe_runs_again(&desk);
    folding_and_the_adapter_agree(&desk);
}

fn the_resolved_recipe_runs_again(desk: &Desk) {
    desk.good(&["run", "out/recipe.toml", "--out", "again"]);
    let weights = |out: &str| std::fs::read(desk.path(out).join("stages/folded/checkpoint/model.safetensors")).expect("weights");
    assert!(weights("out") == weights("again"), "the resolved recipe does something else");
}

fn folding_and_the_adapter_agree(desk: &Desk) {
    let text = |args: &[&str]| json(&desk.good(&[&["generate", "--prompt", "Da", "--max-new-tokens", "6", "--temperature", "0", "--json"], args].concat()));
    let adapter = text(&["out/stages/adapted/checkpoint", "--adapter", "out/stages/adapted/adapter"]);
    let folded = text(&["out/stages/folded/checkpoint"]);
    assert_eq!(adapter["ids"], folded["ids"]);
    let plain = text(&["out/stages/adapted/checkpoint"]);
    assert_ne!(plain["log_probabilities"], folded["log_probabilities"], "the adapter does nothing");
}

#[test]
fn plugins_are_listed_and_documented() {
    let desk = Desk::new();
    let all = desk.good(&["plugins"]);
    for kind in ["backbone", "adapter", "objective", "merger", "evaluator", "curator", "decoder"] {
        assert!(all.lines().any(|l| l.starts_with(kind)), "no {kind} in {all}");
    }
    assert!(desk.good(&["plugins", "lora"]).contains("lora_alpha"));
    assert!(json(&desk.good(&["plugins", "--json"])).as_array().is_some_and(|a| a.len() >= 9));
    desk.refused(&["plugins", "lroa"], &["did you mean lora?"]);
}

#[test]
fn schema_completions_and_version_are_there() {
    let desk = Desk::new();
    assert!(json(&desk.good(&["schema"]))["properties"]["stage"].is_object());
    assert!(desk.good(&["completions", "bash"]).contains("tongues"));
    assert!(desk.good(&["--version"]).starts_with("tongues "));
}

#[test]
fn eval_scores_a_file_and_merge_of_a_model_with_itself_is_itself() {
    let merge = "[[stage]]\nname = \"soup\"\nmerge = { use = \"linear\", models = [\"base\", \"base\"] }\n";
    let desk = Desk::with(&format!("{}{merge}", SMALL.split("[[stage]]\nname = \"adapted\"").next().expect("the first stage")));
    desk.good(&["run", "recipe.toml", "--out", "out"]);
    let weights = |stage: &str| std::fs::read(desk.path(&format!("out/stages/{stage}/checkpoint/model.safetensors"))).expect("weights");
    assert!(weights("base") == weights("soup"));
    desk.file("text.txt", "Daxo trik.\nKala mino.\n".as_bytes());
    let shown = desk.good(&["eval", "out/stages/base/checkpoint", "--data", "text.txt"]);
    assert!(shown.contains("bits per byte") && shown.contains("perplexity"), "{shown}");
}
