//! Optimisers and learning rates as recipes name them.

use crate::support::{Desk, SMALL, files, told};
use serde_json::Value as Json;

const STEP: &str = "learning_rate = 3e-3, accumulate = 2 }";
const ADAPTERS: &str = r#"adapters = [{ use = "vocab-extend", size = 30 }, { use = "lora", r = 4, lora_dropout = 0.1, target_modules = "all-linear" }]"#;

/// The adapter that a run of the small recipe makes with these adapters and rules, and what the run said.
fn adapter(adapters: &str) -> (Vec<u8>, Desk) {
    assert!(SMALL.contains(ADAPTERS));
    let desk = Desk::with(&SMALL.replace(ADAPTERS, adapters));
    desk.good(&["run", "recipe.toml", "--out", "out"]);
    let found = files(&desk.path("out/stages/adapted/adapter")).into_iter().find(|(n, _)| n == "adapter_model.safetensors");
    (found.expect("an adapter").1, desk)
}

#[test]
fn a_ratio_of_learning_rates_is_what_a_rule_for_b_would_say() {
    let (ratio, desk) = adapter(r#"adapters = [{ use = "lora", loraplus_lr_ratio = 16 }]"#);
    let (rule, _) = adapter(
        r#"adapters = [{ use = "lora" }]
weights = [{ select = "parts.*.lora_B.weight", learning_rate = 0.048 }, { select = "parts.*" }]"#,
    );
    let (both, _) = adapter(
        r#"adapters = [{ use = "lora", loraplus_lr_ratio = 16 }]
weights = [{ select = "parts.*" }]"#,
    );
    let (plain, _) = adapter(r#"adapters = [{ use = "lora" }]"#);
    assert!(ratio == rule && ratio == both && ratio != plain);
    let metrics = std::fs::read_to_string(desk.path("out/metrics.jsonl")).expect("metrics");
    let last: Json = serde_json::from_str(metrics.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["grad_norms"]["part"], last["grad_norm"], "{last}");
}

#[test]
fn every_optimiser_runs_and_says_what_it_trains() {
    for (entry, expected) in [
        ("optimizer = \"adafactor\"", "optimisers: adafactor for "),
        ("optimizer = { use = \"lion\", beta2 = 0.98 }", "optimisers: lion for "),
        ("optimizer = { use = \"muon\", momentum = 0.9, adjust_lr_fn = \"match_rms_adamw\" }", "muon is for matrices"),
    ] {
        let desk = Desk::with(&SMALL.replace(STEP, &format!("{entry}, {STEP}")));
        let out = told(&desk.tongues(&["run", "recipe.toml", "--out", "out"]));
        assert!(out.contains(expected), "{out}");
        let resolved = std::fs::read_to_string(desk.path("out/recipe.toml")).expect("the recipe");
        std::fs::write(desk.path("again.toml"), resolved).expect("a file");
        desk.good(&["check", "again.toml"]);
    }
}

#[test]
fn a_rule_may_name_an_optimiser() {
    let rules = "weights = [{ select = \"model.layers.*\", optimizer = \"muon\", learning_rate = 0.02 }, { select = \"*\" }]\nobjectives";
    let desk = Desk::with(&SMALL.replacen("objectives", rules, 1));
    let out = told(&desk.tongues(&["run", "recipe.toml", "--out", "out"]));
    // Two blocks of seven matrices and two norms; embeddings, head and last norm.
    assert!(out.contains("base: optimisers: adamw for 7 tensors, muon for 14 tensors"), "{out}");
}
