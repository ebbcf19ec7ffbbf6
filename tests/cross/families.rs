//! What holds for every backbone family: adapters through a recipe, packed rows, recomputation.

use crate::packing::{ALONE, LENGTHS, PACKED, apart, losses, losses_with};
use crate::runs::run_text;
use serde_json::{Map, Value as Json, json};
use std::path::Path;
use tongues_io::hf;
use tongues_kernel::{Bare, Built, Call, Context, Draws, Init, Kind, Laid, Model, Sequence, build, values};
use tongues_testkit::{assert_near, randomise, spread};

/// Every family, with the options of a small network whose windows are shorter than the texts.
pub fn families() -> Vec<(&'static str, Json)> {
    let rotary = |more: Json| {
        let mut options = json!({"hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 128});
        options.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
        options
    };
    let windows = json!({"use_sliding_window": true, "sliding_window": 5, "max_window_layers": 1, "head_dim": 6});
    let without_width = json!({"use_sliding_window": true, "sliding_window": 5, "max_window_layers": 1});
    vec![
        ("llama", rotary(json!({"attention_bias": true}))),
        ("mistral", rotary(json!({"sliding_window": 5, "head_dim": 6}))),
        ("qwen2", rotary(without_width)),
        ("qwen3", rotary(windows)),
        ("gemma2", rotary(json!({"sliding_window": 5, "head_dim": 6, "query_pre_attn_scalar": 6}))),
        ("gemma3_text", rotary(json!({"sliding_window": 5, "head_dim": 6, "query_pre_attn_scalar": 6, "sliding_window_pattern": 2}))),
        ("gpt2", json!({"n_embd": 16, "n_layer": 2, "n_head": 4, "n_positions": 128})),
        ("bloom", json!({"hidden_size": 16, "n_layer": 2, "n_head": 4})),
    ]
}

/// A network of a family whose parameters are all random.
pub fn random(family: &str, options: &Json) -> Model {
    let mut cx = Bare { device: tongues_testkit::device().autodiff(), draws: Draws::new(5) };
    let mut options = options.clone();
    options["vocab_size"] = json!(90);
    let Ok(Built::Backbone(made)) = build(Kind::Backbone, family, options, &mut cx) else { panic!("{family} builds") };
    let mut model = Model::without_tokenizer(made.build(&Init { device: cx.device(), draws: Some(cx.draws()) }).expect("a network"));
    randomise(&mut model, "", 0.4, Draws::new(9));
    model
}

#[test]
fn packed_and_recomputed_rows_of_every_family_give_the_losses_and_gradients_of_single_rows() {
    for (family, options) in families() {
        let model = random(family, &options);
        let alone = losses(&model, &ALONE, false);
        for recompute in [false, true] {
            let packed = losses_with(&model, &PACKED, false, recompute);
            assert_eq!(packed.0.len(), LENGTHS.len());
            for (i, (a, b)) in packed.0.iter().zip(&alone.0).enumerate() {
                assert!((a - b).abs() <= 1e-5 * b, "{family}, text {i}: {a} packed, {b} alone");
            }
            let gradients = apart(&model, &packed.1, &alone.1);
            assert!(gradients <= 5e-5, "{family}, recomputed {recompute}: {gradients:.2e}");
        }
    }
}

const RECIPE: &str = r#"
recipe = 1
name = "family"
seed = 5
[data.a]
world = { language = "pivot", sentences = 40 }
[data.b]
world = { language = "derived", sentences = 40 }
[tokenizers.t]
train = { algorithm = "bpe", size = 280, data = "a" }
[models.fresh]
scratch = { tokenizer = "t", SCRATCH }
[[stage]]
name = "base"
train = { model = "fresh", data = "a", budget = { steps = 2 }, batch_tokens = 128, sequence_length = 32, learning_rate = 1e-2 }
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "adapted"
train = { model = "base", data = "b", budget = { steps = 3 }, batch_tokens = 128, sequence_length = 32, learning_rate = 1e-2, recompute = true }
adapters = [{ use = "lora", r = 2, target_modules = "all-linear" }]
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "folded"
export = { model = "adapted", fold = true }
"#;

fn run_recipe(family: &str, options: &Json, out: &Path) {
    let keys: Vec<String> = options.as_object().expect("a table").iter().map(|(k, v)| format!("{k} = {v}")).collect();
    let text = RECIPE.replace("SCRATCH", &format!("use = \"{family}\", {}", keys.join(", ")));
    run_text(&text, out).unwrap_or_else(|e| panic!("{family}: {e}"));
}

fn opened(dir: &Path) -> Model {
    hf::load(dir, &hf::Reading::default(), &mut Bare { device: tongues_testkit::device(), draws: Draws::new(0) }).unwrap_or_else(|e| panic!("{e}"))
}

fn logits(model: &Model) -> Vec<f32> {
    let rows = [Sequence::of("text", (3..27).collect(), 1.0), Sequence::of("text", (40..49).collect(), 1.0)];
    let input = Laid::new(&rows).expect("rows").input(model.spec().main(), &model.plain_device());
    values(model.logits(&input, Call::default()).expect("logits"))
}

#[test]
fn an_adapter_of_every_family_trains_in_a_recipe_and_is_read_back_live_and_folded() {
    for (family, options) in families() {
        let folder = tempfile::tempdir().expect("a folder");
        let out = folder.path().join("out");
        run_recipe(family, &options, &out);
        let base = opened(&out.join("stages/base/checkpoint"));
        let mut live = base.clone();
        let adapter = out.join("stages/adapted/adapter");
        hf::load_adapter(&adapter, "lora", &mut live).unwrap_or_else(|e| panic!("{family}: {e}"));
        let (before, live, folded) = (logits(&base), logits(&live), logits(&opened(&out.join("stages/folded/checkpoint"))));
        let moved = before.iter().zip(&live).map(|(a, b)| f64::from((a - b).abs())).fold(0.0, f64::max);
        assert!(moved > 0.01 * spread(&before), "{family}: the adapter learned nothing");
        assert_near(&format!("{family}: folded"), &folded, &live, 1e-4 * spread(&live));
        let written: Map<String, Json> = serde_json::from_slice(&std::fs::read(adapter.join("adapter_config.json")).expect("a config")).expect("an object");
        assert_eq!(written["fan_in_fan_out"], json!(family == "gpt2"), "{family}");
    }
}
