//! `tongues merge` and merge stages: what is written, what a kill leaves, and what is refused before anything is written.

use crate::support::{Desk, told};
use std::fmt::Write;

/// Two small models of one base, `x` and `y`, with checkpoints.
fn desk() -> Desk {
    let mut recipe = String::from(
        "recipe = 1\nname = \"two\"\nseed = 5\n[data.a]\nworld = { language = \"pivot\", sentences = 60 }\n[tokenizers.t]\ntrain = { algorithm = \"bpe\", size = 290, data = \"a\" }\n[models.fresh]\nscratch = { use = \"llama\", tokenizer = \"t\", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 3, num_attention_heads = 4, num_key_value_heads = 2, max_position_embeddings = 64 }\n",
    );
    for (name, from) in [("x", "fresh"), ("y", "x")] {
        let _ = write!(
            recipe,
            "[[stage]]\nname = \"{name}\"\ntrain = {{ model = \"{from}\", data = \"a\", budget = {{ steps = 2 }}, batch_tokens = 256, sequence_length = 32, learning_rate = 3e-3 }}\nobjectives = [{{ use = \"causal-lm\" }}]\n"
        );
    }
    let desk = Desk::with(&recipe);
    desk.good(&["run", "recipe.toml", "--out", "run"]);
    for name in ["x", "y"] {
        std::fs::rename(desk.path(&format!("run/stages/{name}/checkpoint")), desk.path(name)).expect("moved");
    }
    desk
}

const LINEAR: &str = "merge_method: linear\nmodels:\n  - {model: ./x, parameters: {weight: 1}}\n  - {model: ./y, parameters: {weight: [0, 3]}}\n";

fn config(desk: &Desk, name: &str, text: &str) {
    desk.file(name, text.as_bytes());
}

#[test]
fn a_merge_is_a_certified_checkpoint_that_the_recipe_writes_too() {
    let desk = desk();
    config(&desk, "m.yml", LINEAR);
    let shown = desk.good(&["merge", "m.yml", "merged"]);
    assert!(shown.contains("merged in"), "{shown}");
    let shown = desk.good(&["verify", "merged"]);
    assert!(shown.contains("of the certificate") && !shown.contains("of the model that was saved"), "{shown}");
    assert_eq!(std::fs::read_to_string(desk.path("merged/mergekit_config.yml")).expect("the copy"), LINEAR);
    desk.good(&["generate", "merged", "--prompt", "da", "--max-new-tokens", "2", "--temperature", "0"]);
    let recipe = "recipe = 1\nname = \"m\"\n[models.x]\ncheckpoint = \"x\"\n[models.y]\ncheckpoint = \"y\"\n[[stage]]\nname = \"merged\"\nmerge = { use = \"linear\", models = [\"x\", { model = \"y\", parameters = { weight = [0, 3] } }], weight = 1 }\n";
    desk.file("merge.toml", recipe.as_bytes());
    desk.good(&["run", "merge.toml", "--out", "again"]);
    let weights = |dir: &str| std::fs::read(desk.path(&format!("{dir}/model.safetensors"))).expect("weights");
    assert!(weights("merged") == weights("again/stages/merged/checkpoint"));
    assert!(weights("merged") != weights("x") && weights("merged") != weights("y"));
    desk.refused(&["merge", "m.yml", "merged"], &["merged: expected a new folder"]);
}

#[test]
fn layers_are_stacked_and_the_result_is_deeper() {
    let desk = desk();
    config(
        &desk,
        "m.yml",
        "merge_method: passthrough\nslices:\n  - sources: [{model: ./x, layer_range: [0, 2]}]\n  - sources: [{model: ./y, layer_range: [1, 3]}]\ndtype: bfloat16\n",
    );
    desk.good(&["merge", "m.yml", "deep"]);
    let shown = desk.good(&["inspect", "deep"]);
    assert!(shown.contains("model.layers.3.") && !shown.contains("model.layers.4."), "{shown}");
    desk.good(&["verify", "deep"]);
}

#[test]
fn looking_ahead_writes_a_page_and_numbers_and_no_model() {
    let desk = desk();
    config(
        &desk,
        "m.yml",
        "merge_method: task_arithmetic\nbase_model: ./x\nmodels:\n  - {model: ./y, parameters: {weight: 1}}\n  - {model: ./y, parameters: {weight: 1}}\n",
    );
    let shown = desk.good(&["merge", "m.yml", "--report", "look.html"]);
    assert!(shown.contains("cosine of changes 1.0000, opposite signs 0.0000"), "{shown}");
    let page = std::fs::read_to_string(desk.path("look.html")).expect("a page");
    assert!(page.contains("<svg") && page.contains("self_attn.q_proj.weight"));
    let numbers: serde_json::Value = serde_json::from_slice(&std::fs::read(desk.path("look.json")).expect("numbers")).expect("JSON");
    assert!(numbers["layers"]["2"]["models"]["./y"]["relative_change"].as_f64().is_some_and(|x| x > 0.0), "{numbers}");
    assert!(!desk.path("merged").exists());
}

#[test]
fn models_of_other_bases_are_warned_of() {
    let desk = desk();
    let recipe = std::fs::read_to_string(desk.path("recipe.toml")).expect("the recipe").replace("seed = 5", "seed = 6");
    desk.file("other.toml", recipe.as_bytes());
    desk.good(&["run", "other.toml", "--out", "other"]);
    // Another draw of the weights, with the tokenizer of the first.
    for file in ["tokenizer.json", "tokenizer_config.json", "special_tokens_map.json"] {
        std::fs::copy(desk.path(&format!("x/{file}")), desk.path(&format!("other/stages/x/checkpoint/{file}"))).expect("copied");
    }
    config(
        &desk,
        "m.yml",
        "merge_method: linear\nmodels:\n  - {model: ./x, parameters: {weight: 1}}\n  - {model: other/stages/x/checkpoint, parameters: {weight: 1}}\n",
    );
    let out = desk.tongues(&["merge", "m.yml", "merged"]);
    assert!(out.status.success() && told(&out).contains("do not come from the same base"), "{}", told(&out));
    config(&desk, "m.yml", LINEAR);
    let out = desk.tongues(&["merge", "m.yml", "again"]);
    assert!(out.status.success() && !told(&out).contains("the same base"), "{}", told(&out));
}

#[test]
fn wrong_configurations_and_models_are_refused_before_anything_is_written() {
    let desk = desk();
    let refused = |text: &str, pieces: &[&str]| {
        config(&desk, "m.yml", text);
        desk.refused(&["merge", "m.yml", "out"], pieces);
        assert!(!desk.path("out.merging").exists() && !desk.path("out.merging-journal").exists());
    };
    refused(&LINEAR.replace("linear", "linaer"), &["m.yml: merger method", "did you mean \"linear\"?"]);
    refused(&LINEAR.replace("weight:", "wieght:"), &["parameters of linear", "`wieght`", "did you mean `weight`?"]);
    refused(&LINEAR.replace("./y", "./z"), &["z", "no such"]);
    refused(&format!("{LINEAR}parameters: {{normalise: true}}\n"), &["merger linear", "normalise"]);
    refused(&format!("{LINEAR}dtype: int8\n"), &["dtype: expected float32, bfloat16 or float16"]);
    refused(&format!("{LINEAR}tokenizer_source: nobody\n"), &["\"union\", \"base\", or a model of the merge"]);
    refused("merge_method: passthrough\nslices:\n  - sources: [{model: ./x, layer_range: [1, 9]}]\n", &["slice 0", "layers of `./x`, which has 3"]);
    refused("merge_method: task_arithmetic\nmodels:\n  - {model: ./x, parameters: {weight: 1}}\n", &["base"]);
    refused("merge_method: ties\nbase_model: ./x\nmodels:\n  - {model: ./y, parameters: {weight: 1, density: 1.5}}\n", &["density"]);
    let out = desk.tongues(&["merge", "m.yml", "out", "--memory", "much"]);
    assert_eq!(out.status.code(), Some(2), "{}", told(&out));
    // A model with other shapes, then one with a number that is none.
    let bytes = std::fs::read(desk.path("y/model.safetensors")).expect("weights");
    let mut broken = bytes.clone();
    let end = broken.len();
    broken[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    desk.file("y/model.safetensors", &broken);
    refused(LINEAR, &["model `./y`, tensor", "expected finite numbers, found NaN"]);
    desk.file("y/model.safetensors", &bytes);
    let longer = std::fs::read_to_string(desk.path("y/tokenizer.json")).expect("a tokenizer").replacen("<s>", "<S>", 1);
    desk.file("y/tokenizer.json", longer.as_bytes());
    refused(LINEAR, &["tokenizers of `./x` and `./y`", "tokenizer_source"]);
}

#[test]
fn adapters_of_one_base_become_one_adapter_that_folds() {
    let desk = desk();
    let mut recipe = String::from(
        "recipe = 1\nname = \"both\"\nseed = 5\n[data.a]\nworld = { language = \"pivot\", sentences = 60 }\n[data.b]\nworld = { language = \"derived\", sentences = 60 }\n[models.x]\ncheckpoint = \"x\"\n",
    );
    for (name, data, rank) in [("one", "a", 2), ("two", "b", 3)] {
        let _ = write!(
            recipe,
            "[[stage]]\nname = \"{name}\"\ntrain = {{ model = \"x\", data = \"{data}\", budget = {{ steps = 2 }}, batch_tokens = 256, sequence_length = 32, learning_rate = 3e-3 }}\nadapters = [{{ use = \"lora\", r = {rank}, target_modules = \"all-linear\" }}]\nobjectives = [{{ use = \"causal-lm\" }}]\n"
        );
    }
    recipe.push_str("[[stage]]\nname = \"both\"\nmerge = { use = \"lora-combine\", combination_type = \"cat\", models = [\"one\", { model = \"two\", parameters = { weight = 0.5 } }] }\n");
    recipe.push_str("[[stage]]\nname = \"folded\"\nexport = { model = \"both\" }\n");
    desk.file("both.toml", recipe.as_bytes());
    desk.good(&["run", "both.toml", "--out", "adapters"]);
    desk.good(&["verify", "adapters"]);
    let text = std::fs::read_to_string(desk.path("adapters/stages/both/adapter/adapter_config.json")).expect("a config");
    let config: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((config["r"].as_u64(), config["lora_alpha"].as_f64()), (Some(5), Some(5.0)));
    // A whole model is no adapter.
    desk.file("both.toml", recipe.replace("[\"one\", {", "[\"x\", {").as_bytes());
    desk.refused(&["run", "both.toml", "--out", "wrong"], &["model `x`", "a base with one adapter"]);
}

#[cfg(feature = "failpoints")]
mod failpoints {
    use super::*;
    use crate::support::files;

    #[test]
    fn a_merge_killed_at_every_point_leaves_no_final_name_and_goes_on_to_the_same_bytes() {
        let desk = desk();
        config(&desk, "m.yml", LINEAR);
        let command = |out: &str| {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tongues"));
            command.args(["merge", "m.yml", out]).current_dir(desk.dir.path());
            command
        };
        let counted = command("whole").env("TONGUES_FAILPOINT", "count").output().expect("the program starts");
        let points = told(&counted).lines().filter(|l| l.starts_with("failpoint ")).map(str::to_owned).collect::<Vec<_>>();
        let whole = files(&desk.path("whole"));
        let renamed = points.iter().position(|p| p.contains("after rename") && p.ends_with("whole")).expect("the folder gets its name");
        // Every other point of the many equal writes of tensors is enough.
        for n in (0..points.len()).filter(|n| !points[*n].contains(" write ") || n % 2 == 0) {
            let killed = command("out").env("TONGUES_FAILPOINT", format!("kill:{}", n + 1)).output().expect("the program starts");
            assert!(!killed.status.success(), "{}", points[n]);
            assert_eq!(desk.path("out").exists(), n >= renamed, "{}", points[n]);
            if n < renamed {
                let again = command("out").output().expect("the program starts");
                assert!(again.status.success(), "{}: {}", points[n], told(&again));
            }
            assert!(files(&desk.path("out")) == whole, "{}", points[n]);
            assert!(!desk.path("out.merging").exists() && !desk.path("out.merging-journal").exists(), "{}", points[n]);
            std::fs::remove_dir_all(desk.path("out")).expect("removed");
        }
        assert!(points.len() > 20, "{points:?}");
    }
}
