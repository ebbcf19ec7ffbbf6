//! Every adapter with a folder in PEFT's form trains in a recipe on a language of the world, and is read back.

use crate::families::{families, random};
use crate::packing::{ALONE, PACKED, losses};
use crate::runs::run_text;
use serde_json::{Value as Json, json};
use std::path::Path;
use tongues_io::hf;
use tongues_kernel::{Bare, Built, Call, Draws, Kind, Laid, Model, Sequence, build, values};
use tongues_testkit::{assert_near, spread};

const ADAPTERS: [(&str, &str); 9] = [
    ("plain", r#"use = "lora", r = 4, target_modules = "all-linear""#),
    ("dora", r#"use = "lora", r = 4, target_modules = "all-linear", use_dora = true"#),
    ("pissa", r#"use = "lora", r = 4, target_modules = "all-linear", init_lora_weights = "pissa""#),
    ("rows", r#"use = "lora", r = 4, target_modules = "all-linear", trainable_token_indices = [5, 6, 7]"#),
    ("ia3", r#"use = "ia3", target_modules = "all-linear", feedforward_modules = ["DOWN"]"#),
    ("prompt", r#"use = "prompt", num_virtual_tokens = 4, prompt_tuning_init = "TEXT", prompt_tuning_init_text = "a text""#),
    ("prefix", r#"use = "prefix", num_virtual_tokens = 4"#),
    ("projected", r#"use = "prefix", num_virtual_tokens = 4, prefix_projection = true"#),
    ("p-tuning", r#"use = "p-tuning", num_virtual_tokens = 4"#),
];

const RECIPE: &str = r#"
recipe = 1
name = "pack"
seed = 5
[data.a]
world = { language = "pivot", sentences = 60 }
[data.b]
world = { language = "derived", sentences = 60 }
[tokenizers.t]
train = { algorithm = "bpe", size = 280, data = "a" }
[models.fresh]
scratch = { tokenizer = "t", SCRATCH }
[[stage]]
name = "base"
train = { model = "fresh", data = "a", budget = { steps = 40 }, batch_tokens = 512, sequence_length = 32, learning_rate = 1e-2 }
objectives = [{ use = "causal-lm" }]
"#;
const STAGE: &str = r#"
[[stage]]
name = "NAME"
train = { model = "base", data = "b", budget = { steps = 48 }, batch_tokens = 512, sequence_length = 32, learning_rate = 1e-2, recompute = true }
adapters = [{ ADAPTER }]
objectives = [{ use = "causal-lm" }]
"#;

fn run_recipe(scratch: &str, down: &str, out: &Path) {
    let stage = |(name, adapter): &(&str, &str)| STAGE.replace("NAME", name).replace("ADAPTER", &adapter.replace("DOWN", down));
    let text = RECIPE.replace("SCRATCH", scratch) + &ADAPTERS.iter().map(stage).collect::<String>();
    run_text(&text, out).unwrap_or_else(|e| panic!("{scratch}: {e}"));
}

/// The losses of a stage, step by step.
fn course(out: &Path, stage: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(out.join("metrics.jsonl")).expect("metrics");
    let lines = text.lines().map(|line| serde_json::from_str::<Json>(line).expect("JSON")).filter(|line| line["stage"] == stage);
    lines.map(|line| line["loss"].as_object().expect("terms").values().filter_map(Json::as_f64).sum()).collect()
}

fn logits(model: &Model) -> Vec<f32> {
    let rows = [Sequence::of("text", (3..27).collect(), 1.0), Sequence::of("text", (40..49).collect(), 1.0)];
    let input = Laid::new(&rows).expect("rows").input(model.spec().main(), &model.plain_device());
    let logits = model.logits(&input, Call::default()).expect("logits");
    let walked = logits.dims()[1];
    values(logits.narrow(1, walked - 24, 24))
}

fn opened(dir: &Path) -> Model {
    hf::load(dir, &hf::Reading::default(), &mut Bare { device: tongues_testkit::device(), draws: Draws::new(0) }).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn every_adapter_learns_from_text_and_is_read_back() {
    let llama = r#"use = "llama", hidden_size = 16, intermediate_size = 24, num_hidden_layers = 2, num_attention_heads = 4, num_key_value_heads = 2, max_position_embeddings = 64"#;
    let gpt2 = r#"use = "gpt2", n_embd = 16, n_layer = 2, n_head = 4, n_positions = 64"#;
    for (scratch, down) in [(llama, "down_proj"), (gpt2, "mlp.c_proj")] {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out");
        run_recipe(scratch, down, &out);
        let base = opened(&out.join("stages/base/checkpoint"));
        for (name, _) in ADAPTERS {
            let losses = course(&out, name);
            let (first, last): (f64, f64) = (losses[..8].iter().sum(), losses[losses.len() - 8..].iter().sum());
            println!("{name}: {:.4} to {:.4}", first / 8.0, last / 8.0);
            assert!(last < first - 0.08, "{scratch}: {name} goes from {} to {}", first / 8.0, last / 8.0);
            let mut live = base.clone();
            hf::load_adapter(&out.join("stages").join(name).join("adapter"), name, &mut live).unwrap_or_else(|e| panic!("{scratch}, {name}: {e}"));
            let (before, live) = (logits(&base), logits(&live));
            let moved = before.iter().zip(&live).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
            assert!(moved > 0.01 * spread(&before), "{scratch}: {name} changes nothing");
            assert_near("the base", &logits(&base), &before, 0.0);
        }
    }
}

#[test]
fn packed_texts_see_what_stands_in_front_as_single_ones_do() {
    for (family, options) in families() {
        for (name, how) in [("prompt", json!({ "num_virtual_tokens": 3 })), ("prefix", json!({ "num_virtual_tokens": 3 }))] {
            let mut model = random(family, &options);
            let mut cx = Bare { device: tongues_testkit::device().autodiff(), draws: Draws::new(5) };
            let Ok(Built::Adapter(adapter)) = build(Kind::Adapter, name, how, &mut cx) else { panic!("{name} builds") };
            adapter.attach(&mut model, &mut cx).unwrap_or_else(|e| panic!("{family}, {name}: {e}"));
            let (alone, packed) = (losses(&model, &ALONE, false).0, losses(&model, &PACKED, false).0);
            for (i, (a, b)) in packed.iter().zip(&alone).enumerate() {
                assert!((a - b).abs() <= 2e-5 * b, "{family}, {name}, text {i}: {a} packed, {b} alone");
            }
        }
    }
}
