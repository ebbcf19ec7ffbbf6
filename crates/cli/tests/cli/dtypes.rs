//! Checkpoints in 16 bits, and bases in int8.

use crate::support::{Desk, SMALL};
use std::path::Path;
use tongues_io::open_file;

fn dtype(dir: &Path) -> String {
    let file = open_file(&dir.join("model.safetensors")).expect("a checkpoint");
    let mut found: Vec<String> = file.names().map(|n| format!("{:?}", file.info(n).expect("listed").dtype)).collect();
    found.sort();
    found.dedup();
    found.join(" ")
}

/// A base in bf16 in `base/`, made by the program; 64 wide, so that rows are whole blocks of int8.
fn base() -> Desk {
    let wide = SMALL.replacen("hidden_size = 32, intermediate_size = 48", "hidden_size = 64, intermediate_size = 96", 1);
    let text = wide.replacen("name = \"base\"", "name = \"base\"\nsave_dtype = \"bfloat16\"", 1);
    let desk = Desk::with(&text);
    desk.good(&["run", "recipe.toml", "--out", "made"]);
    desk
}

/// A recipe that goes on from the written base.
fn onwards(dtype: &str, adapters: &str, rest: &str) -> String {
    format!(
        "recipe = 1\nname = \"on\"\nseed = 4\n[data.b]\nworld = {{ language = \"derived\", sentences = 80 }}\n[models.base]\n\
         checkpoint = \"made/stages/base/checkpoint\"\ndtype = \"{dtype}\"\n[[stage]]\nname = \"adapted\"\n\
         train = {{ model = \"base\", data = \"b\", budget = {{ steps = 3 }}, batch_tokens = 512, sequence_length = 64, learning_rate = 3e-3 }}\n\
         {adapters}objectives = [{{ use = \"causal-lm\" }}]\n{rest}"
    )
}

const LORA: &str = "adapters = [{ use = \"lora\", r = 4, target_modules = \"all-linear\" }]\n";
const FOLD: &str = "[[stage]]\nname = \"folded\"\nexport = { model = \"adapted\" }\n";

#[test]
fn a_checkpoint_keeps_the_dtype_it_came_in_unless_asked_otherwise() {
    let desk = base();
    assert_eq!(dtype(&desk.path("made/stages/base/checkpoint")), "BF16");
    // The adapted model grew rows, and the folded one changed; both came from bf16.
    assert_eq!(dtype(&desk.path("made/stages/adapted/checkpoint")), "BF16");
    assert_eq!(dtype(&desk.path("made/stages/folded/checkpoint")), "BF16");
    desk.file("recipe.toml", onwards("auto", LORA, &FOLD.replace("export", "save_dtype = \"float32\"\nexport")).as_bytes());
    desk.good(&["run", "recipe.toml", "--out", "onwards"]);
    assert_eq!(dtype(&desk.path("onwards/stages/folded/checkpoint")), "F32");
    assert!(!desk.path("onwards/stages/adapted/checkpoint").exists(), "an adapter alone does not write its base again");
    // Full fine-tuning trains in 32 bits and writes what it was given.
    desk.file("recipe.toml", onwards("auto", "", "").as_bytes());
    desk.good(&["run", "recipe.toml", "--out", "full"]);
    assert_eq!(dtype(&desk.path("full/stages/adapted/checkpoint")), "BF16");
}

#[test]
fn int8_bases_carry_adapters_and_refuse_everything_else() {
    let desk = base();
    desk.file("recipe.toml", onwards("int8", LORA, "").as_bytes());
    desk.good(&["run", "recipe.toml", "--out", "lora"]);
    desk.file("recipe.toml", onwards("int8", "", "").as_bytes());
    desk.run_refused(&["stage `adapted`", "weights that can train", "int8", "dtype = \"auto\""]);
    desk.file("recipe.toml", onwards("int8", LORA, FOLD).as_bytes());
    let out = desk.tongues(&["run", "recipe.toml", "--out", "fold"]);
    let text = crate::support::told(&out);
    assert_eq!(out.status.code(), Some(2), "{text}");
    assert!(text.contains("int8") && text.contains("dtype = \"auto\""), "{text}");
    desk.file("recipe.toml", onwards("int9", LORA, "").as_bytes());
    desk.run_refused(&["recipe.toml:8:", "int9", "int8"]);
}

#[test]
fn a_resumed_run_reads_its_base_in_the_dtype_it_had() {
    let desk = base();
    let later = "[data.later]\npath = \"later.txt\"\n[[stage]]\nname = \"scores\"\nevaluate = { models = [\"adapted\"], on = [{ use = \"bits-per-byte\", data = \"later\" }] }\n";
    desk.file("recipe.toml", onwards("int8", LORA, later).as_bytes());
    let out = desk.tongues(&["run", "recipe.toml", "--out", "on"]);
    assert_eq!(out.status.code(), Some(2), "{}", crate::support::told(&out));
    desk.file("later.txt", b"Dax trik khi.\nMore of it.\n");
    let shown = crate::support::told(&desk.tongues(&["run", "recipe.toml", "--out", "on", "--resume"]));
    assert!(shown.contains("done before"), "{shown}");
    desk.good(&["run", "recipe.toml", "--out", "undisturbed"]);
    let score = |run: &str| {
        let report: serde_json::Value = serde_json::from_slice(&std::fs::read(desk.path(run).join("report.json")).expect("a report")).expect("JSON");
        report["scores"][0]["value"].as_f64().expect("a score")
    };
    assert_eq!(score("on"), score("undisturbed"));
    // In another dtype the base says something else, so equality means something.
    desk.file("recipe.toml", onwards("auto", LORA, later).as_bytes());
    desk.good(&["run", "recipe.toml", "--out", "wide"]);
    assert_ne!(score("on"), score("wide"));
}
