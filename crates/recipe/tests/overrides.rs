//! `--set key.path=value`.

mod common;

use common::{Fake, GOOD, problems_with};
use serde_json::json;
use tongues_recipe::{Recipe, parse};

fn with(overrides: &[&str]) -> Recipe {
    let overrides: Vec<String> = overrides.iter().map(|o| (*o).to_owned()).collect();
    parse(GOOD, "r.toml", &overrides, &Fake).unwrap_or_else(|e| panic!("{e}")).recipe
}

#[test]
fn values_are_set_by_key_by_index_and_by_stage_name() {
    let recipe = with(&["seed=3", "stage.adapt.train.learning_rate=0.5", "stage.0.adapters.0.r = 4", "seed=4"]);
    assert_eq!(recipe.seed, 4);
    assert_eq!(recipe.stage[0].train.as_ref().unwrap().learning_rate, 0.5);
    assert_eq!(recipe.stage[0].adapters[0].options["r"], json!(4));
}

#[test]
fn missing_tables_are_made() {
    let recipe = with(&["language.target=eus_Latn", "stage.adapt.train.validate={ every = 5, on = [{ use = \"bits-per-byte\", data = \"toy\" }] }"]);
    assert_eq!(recipe.language.unwrap().target.as_deref(), Some("eus_Latn"));
    assert_eq!(recipe.stage[0].train.as_ref().unwrap().validate.as_ref().unwrap().every, 5);
}

#[test]
fn what_is_no_toml_is_text() {
    let checkpoint = |value: &str| with(&[&format!("models.base.checkpoint={value}")]).models["base"].checkpoint.clone().unwrap();
    assert_eq!(checkpoint("../a b"), "../a b");
    assert_eq!(checkpoint("\"quoted\""), "quoted");
    assert_eq!(checkpoint("2024-01-01"), "2024-01-01");
    assert_eq!(checkpoint("inf"), "inf");
    assert_eq!(checkpoint("a=b"), "a=b");
}

#[test]
fn a_sweep_can_be_set() {
    let recipe = with(&["stage.adapt.for.r=[2,4]", "stage.adapt.adapters.0.r={r}", "stage.mix.merge.models=[\"base\",\"adapt-2\"]"]);
    assert_eq!(recipe.stage[1].name, "adapt-4");
    assert_eq!(recipe.stage[1].adapters[0].options["r"], json!(4));
}

#[track_caller]
fn wrong(argument: &str, expected: &[&str]) {
    assert_eq!(problems_with(GOOD, &[argument]), expected);
}

#[test]
fn wrong_forms() {
    let help = "write for example --set seed=3, or --set 'stage.adapt.train.learning_rate=1e-3'";
    for argument in ["seed", "=3", "a b=3", "a..b=3"] {
        wrong(argument, &[&format!("--set {argument}: expected key.path=value, found the text {argument:?} | {help}")]);
    }
    let deep = format!("{}=1", vec!["a"; 40].join("."));
    wrong(&deep, &[&format!("--set {deep}: expected at most 32 keys, found 40 | shorten the path")]);
}

#[test]
fn wrong_paths() {
    wrong(
        "sed=3",
        &[
            "--set sed: expected one of recipe, name, description, seed, language, tokenizers, models, data, formats, stage, found the unknown key `sed` | did you mean `seed`?",
        ],
    );
    let stages = "expected one of the stages adapt, mix, score, write, or an index from 0 to 3";
    wrong("stage.adpt.train.warmup_steps=1", &[&format!("--set stage.adpt.train.warmup_steps: {stages}, found `adpt` | did you mean `adapt`?")]);
    wrong("stage.9.name=x", &[&format!("--set stage.9.name: {stages}, found `9`")]);
    wrong("stage.adapt.adapters.3.r=1", &["--set stage.adapt.adapters.3.r: expected an index from 0 to 0, found `3`"]);
    wrong("seed.x=3", &["--set seed.x: expected a table with the key `x`, found 7 | `seed` holds no keys; set it as a whole"]);
}

#[test]
fn a_new_entry_that_nothing_uses_is_a_slip() {
    wrong(
        "models.bas.checkpoint=x",
        &["--set models.bas.checkpoint: models.bas: expected an entry of [models] that something uses: one of base, fresh, found the new entry `bas` \
         | did you mean `models.base`?"],
    );
    let used = ["models.small.checkpoint=x", "stage.adapt.train.model=small"];
    assert_eq!(problems_with(GOOD, &used), Vec::<String>::new());
}

#[test]
fn wrong_values_are_told_with_the_argument_and_after_those_of_the_file() {
    wrong(
        "stage.adapt.train.model=bas",
        &["--set stage.adapt.train.model: expected the name of a model or of an earlier stage: one of base, fresh, found \"bas\" | did you mean \"base\"?"],
    );
    wrong("stage.adapt.adapters=[{use=\"lora\",r=0}]", &["--set stage.adapt.adapters: stage.adapt.adapters.0.r: expected a number at least 1, found 0"]);
    let both = problems_with(&GOOD.replace("limit = 9", "limit = 0"), &["seed=x", "data.corpus.limit=0"]);
    let places: Vec<&str> = both.iter().filter_map(|p| p.split(": ").next()).collect();
    assert_eq!(places, ["r.toml:35:100", "--set seed", "--set data.corpus.limit"]);
}
