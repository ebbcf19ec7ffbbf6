//! `for`: names, values, chains, and what can be wrong.

mod common;

use common::{load, problems, spoiled};
use serde_json::json;
use tongues_recipe::ast::Stage;

/// The good recipe with a sweep in its first stage, whose model later stages take by pattern.
fn swept(sweep: &str) -> String {
    let text = spoiled("name = \"adapt\"\n", &format!("name = \"adapt\"\nfor = {sweep}\n"));
    text.replace("models = [\"base\", \"adapt\"], shares = [0.5, 0.5]", "models = [\"base\"]")
}

fn stages(text: &str) -> Vec<Stage> {
    load(text).unwrap_or_else(|e| panic!("{e}")).recipe.stage
}

fn names(text: &str) -> Vec<String> {
    stages(text).into_iter().map(|s| s.name).collect()
}

#[test]
fn a_stage_becomes_several_and_numbers_stay_numbers() {
    let text = swept("{ r = [8, 16] }")
        .replace("r = 8", "r = \"{r}\"")
        .replace("\"corpus.train\", budget", "\"corpus.{p}\", budget")
        .replace("[8, 16]", "[8, 16], p = [\"train\"]");
    let stages = stages(&text);
    assert_eq!(stages.iter().map(|s| s.name.as_str()).collect::<Vec<_>>(), ["adapt-8-train", "adapt-16-train", "mix", "score", "write"]);
    assert_eq!((&stages[0].adapters[0].options["r"], &stages[1].adapters[0].options["r"]), (&json!(8), &json!(16)));
    assert_eq!(stages[1].train.as_ref().unwrap().data, "corpus.train");
    assert!(stages.iter().all(|s| s.sweep.is_empty()));
}

#[test]
fn keys_are_combined_the_last_written_fastest() {
    let text = swept("{ r = [8, 16], a = [\"x\", 0.5] }");
    assert_eq!(names(&text)[..4], ["adapt-8-x", "adapt-8-0.5", "adapt-16-x", "adapt-16-0.5"]);
}

#[test]
fn a_name_that_mentions_a_key_is_not_given_it_again() {
    let text = swept("{ r = [8, 16], a = [1] }").replace("name = \"adapt\"", "name = \"ad-r{r}-x\"");
    assert_eq!(names(&text)[..2], ["ad-r8-x-1", "ad-r16-x-1"]);
}

#[test]
fn prev_chains_from_its_start() {
    let text = swept("{ r = [8, 16, 32], prev = [\"base\"] }").replace("train = { model = \"base\"", "train = { model = \"{prev}\"");
    let models: Vec<String> = stages(&text).into_iter().filter_map(|s| s.train).map(|t| t.model).collect();
    assert_eq!(models, ["base", "adapt-8", "adapt-16"]);
}

#[test]
fn other_braces_stay_as_they_are_and_values_are_not_expanded_again() {
    let text = spoiled("name = \"write\"\n", "name = \"write\"\nfor = { a = [\"{b}\"], b = [\"x\"] }\n").replace("[\"Kaixo\"]", "[\"{a} {b} {json: 1} }{\"]");
    let text = text.replace("name = \"write\"", "name = \"write-{b}{b}\"").replace("a = [\"{b}\"]", "a = [\"{ b }\"]");
    let told = problems(&text);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("found \"write-xx-{ b }\""), "{told:?}");
    let fine = text.replace("name = \"write-{b}{b}\"", "name = \"write-{b}\"").replace("a = [\"{ b }\"]", "a = [\"b\"]");
    assert_eq!(stages(&fine)[3].generate.as_ref().unwrap().prompts, ["b x {json: 1} }{"]);
}

#[track_caller]
fn wrong(text: &str, expected: &[&str]) {
    assert_eq!(problems(text), expected);
}

#[test]
fn wrong_sweeps() {
    wrong(
        &swept("{ r = [] }"),
        &["r.toml:24:13: stage.adapt.for.r: expected at least one value, found an empty list | list the values of `r`, or take it out"],
    );
    wrong(&swept("{ }"), &["r.toml:24:7: stage.adapt.for: expected at least one key with values, found none | write for example `for = { r = [8, 16] }`"]);
    wrong(&swept("{ r = 3 }"), &["r.toml:24:13: stage.adapt.for.r: expected a list, found 3"]);
    wrong(
        &swept("{ r = [[3]] }"),
        &["r.toml:24:14: stage.adapt.for.r: expected text, a number, true or false, found a list or a table | sweep over single values"],
    );
    let two = "r.toml:24:24: stage.adapt.for.prev: expected one name, that of the model the first expansion starts from, found 2 values \
               | write for example `prev = [\"base\"]`";
    wrong(&swept("{ r = [1], prev = [\"base\", \"fresh\"] }").replace("r = [1], ", "r = [1],"), &[two]);
    let many: Vec<u32> = (0..40).collect();
    wrong(
        &swept(&format!("{{ r = {many:?}, s = {many:?} }}")),
        &["r.toml:24:7: stage.adapt.for: expected at most 1000 combinations, found 1600 | sweep fewer values"],
    );
    wrong(
        &swept("{ r = [\"a b\"] }"),
        &["r.toml:23:8: stage.adapt-a b.name: expected a name of letters A-Z a-z, digits and . _ -, not beginning with a dot, found \"adapt-a b\" | rename it"],
    );
    wrong(
        &swept("{ r = [1, 1] }"),
        &["r.toml:23:8: stage.adapt-1.name: expected a name of its own for every stage, found \"adapt-1\" a second time | rename the stage"],
    );
}

#[test]
fn wrong_placeholders() {
    wrong(
        &swept("{ rank = [1, 2] }").replace("r = 8", "r = \"{rnk}\""),
        &["r.toml:26:33: stage.adapt-1: expected one of {rank}, found `{rnk}` | did you mean `{rank}`?"],
    );
    wrong(&swept("{ rank = [1, 2] }").replace("r = 8", "r = \"{zzzzzz}\""), &["r.toml:26:33: stage.adapt-1: expected one of {rank}, found `{zzzzzz}`"]);
    let first = "r.toml:25:19: stage.adapt-8: expected an expansion before this one for `{prev}`, found the first of the sweep \
                 | say what the first one starts from: `for = { …, prev = [\"base\"] }`";
    wrong(&swept("{ r = [8, 16] }").replace("train = { model = \"base\"", "train = { model = \"{prev}\""), &[first]);
}

#[test]
fn a_wrong_value_points_at_the_place_that_takes_it_and_is_told_once() {
    let text = swept("{ r = [0, 16], a = [1, 2] }").replace("r = 8", "r = \"{r}\"");
    wrong(&text, &["r.toml:26:33: stage.adapt-0-1.adapters.0.r: expected a number at least 1, found 0"]);
}

#[test]
fn the_bare_name_of_a_swept_stage_is_no_model() {
    let text = spoiled("name = \"adapt\"\n", "name = \"adapt\"\nfor = { r = [\"longer\"] }\n");
    let told = "r.toml:32:45: stage.mix.merge.models.1: expected the name of a model or of an earlier stage: one of base, fresh, adapt-longer, \
                found \"adapt\" | did you mean \"adapt-longer\"?";
    wrong(&text, &[told]);
}
