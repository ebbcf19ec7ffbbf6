//! What a training stage sees in each pass over its data: mixtures, data that is curated anew, data of single objectives.

use crate::runs::run_loaded;
use std::collections::BTreeSet;
use tongues_builtin as _;
use tongues_engine::Shop;
use tongues_kernel::burn::prelude::*;
use tongues_kernel::{Context, Curator, Records, Result, Sink, register};
use tongues_recipe::{Linked, Loaded, parse};

/// Keeps a random half.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Half {}

impl Curator for Half {
    fn curate(&self, input: &dyn Records, out: &mut Sink, cx: &mut dyn Context) -> Result<()> {
        for (i, record) in input.open()?.enumerate() {
            if cx.draws().example(i as u64).below(2) == 0 { out.keep(record?) } else { out.drop("half") }
        }
        Ok(())
    }
}
register!(Curator, "half", "Keeps a random half", Half);

const DATA: &str = r#"
recipe = 1
name = "passes"
seed = 5
[data.big]
world = { language = "pivot", sentences = 60 }
[data.small]
world = { language = "derived", sentences = 20 }
[data.half]
world = { language = "pivot", sentences = 60 }
curate = [{ use = "half" }]
recurate = true
[data.mixed]
mix = { half = 1, small = 3 }
[data.capped]
mix = ["big", "small"]
caps = { big = 10 }
temperature = 2.0
[tokenizers.t]
train = { algorithm = "bpe", size = 300, data = "big" }
[models.fresh]
scratch = { use = "llama", tokenizer = "t", hidden_size = 16, intermediate_size = 24, num_hidden_layers = 1, num_attention_heads = 2, num_key_value_heads = 1, max_position_embeddings = 128 }
"#;

fn loaded(more: &str) -> Loaded {
    parse(&format!("{DATA}{more}"), "r.toml", &[], &Linked).unwrap_or_else(|e| panic!("{e}"))
}

const STAGE: &str = r#"
[[stage]]
name = "s"
train = { model = "fresh", data = "mixed", budget = { steps = 8 }, batch_tokens = 256, sequence_length = 64, learning_rate = 1e-3 }
objectives = [{ use = "causal-lm" }]
"#;

#[test]
fn data_is_curated_anew_for_every_pass_and_the_same_way_each_time() {
    let loaded = loaded(STAGE);
    let shop = Shop::new(&loaded.recipe, Device::flex(), "out".into());
    let ids = |epoch: u64| -> BTreeSet<String> {
        let members = shop.members("mixed", epoch).expect("members");
        members[0].1.records.iter().map(|r| r.id.to_string()).collect()
    };
    assert!(shop.recurates("mixed") && !shop.recurates("capped"));
    let passes: Vec<BTreeSet<String>> = (0..4).map(ids).collect();
    assert!(passes.iter().all(|p| p.len() > 15 && p.len() < 45));
    assert!(passes[0] != passes[1] && passes[1] != passes[2], "the passes are equal");
    assert_eq!(passes, (0..4).map(ids).collect::<Vec<_>>());
}

#[test]
fn caps_and_temperature_make_the_shares() {
    let loaded = loaded(&STAGE.replace("mixed", "capped"));
    let shop = Shop::new(&loaded.recipe, Device::flex(), "out".into());
    let sizes: Vec<usize> = shop.members("capped", 0).expect("members").iter().map(|(_, m)| m.records.len()).collect();
    assert_eq!(sizes, [10, 20]);
    let shares = shop.mixture("capped").expect("a mixture").expect("a mixture").shares;
    let big = 1.0 / (1.0 + 2f64.sqrt());
    assert!((shares[0] - big).abs() < 1e-12 && (shares[1] - (1.0 - big)).abs() < 1e-12, "{shares:?}");
}

fn trained(stage: &str) -> (tempfile::TempDir, Result<tongues_engine::Outcome>) {
    let folder = tempfile::tempdir().expect("a folder");
    let outcome = run_loaded(&loaded(stage), &folder.path().join("out"));
    (folder, outcome)
}

#[test]
fn batches_by_column_and_objectives_with_data_of_their_own_train() {
    for change in ["batches = { pure = \"member\" }", "batches = { balanced = \"member\" }", "group_by_length = true"] {
        let (_folder, outcome) = trained(&STAGE.replace("learning_rate = 1e-3", &format!("learning_rate = 1e-3, {change}")));
        outcome.unwrap_or_else(|e| panic!("{change}: {e}"));
    }
    let two = STAGE.replace("[{ use = \"causal-lm\" }]", "[{ use = \"causal-lm\" }, { use = \"causal-lm\", data = \"small\" }]");
    let (folder, outcome) = trained(&two);
    outcome.unwrap_or_else(|e| panic!("{e}"));
    let (alone, outcome) = trained(STAGE);
    outcome.unwrap_or_else(|e| panic!("{e}"));
    let tokens = |folder: &tempfile::TempDir| {
        let text = std::fs::read_to_string(folder.path().join("out/metrics.jsonl")).expect("metrics");
        let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
        last["tokens"].as_u64().expect("tokens")
    };
    assert!(tokens(&folder) > tokens(&alone) * 3 / 2, "the second data set was not seen");
}

#[test]
fn a_column_that_is_not_there_is_an_error() {
    let (_folder, outcome) = trained(&STAGE.replace("learning_rate = 1e-3", "learning_rate = 1e-3, batches = { pure = \"topic\" }"));
    let error = outcome.expect_err("refused").to_string();
    assert!(error.contains("the column `topic`"), "{error}");
}
