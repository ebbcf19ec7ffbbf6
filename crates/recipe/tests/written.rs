//! What is written from a recipe or a schema: the resolved recipe, the schema for editors, the options as text.

mod common;

use common::{Fake, GOOD, load, spoiled};
use serde_json::{Value as Json, json};
use tongues_kernel::{Kind, schema::check};
use tongues_recipe::{Catalogue, options_text, resolved, schema};

#[test]
fn a_resolved_recipe_reads_as_itself() {
    let swept = spoiled("name = \"adapt\"\n", "name = \"adapt\"\nfor = { r = [8, 16] }\n").replace("\"adapt\"], shares = [0.5, 0.5]", "\"adapt-8\"]");
    for text in [GOOD, &swept] {
        let first = load(text).unwrap().recipe;
        let written = resolved(&first).unwrap();
        let again = load(&written).unwrap_or_else(|e| panic!("{e}\n{written}")).recipe;
        assert_eq!(serde_json::to_value(&first).unwrap(), serde_json::to_value(&again).unwrap());
        assert_eq!(resolved(&again).unwrap(), written);
    }
}

#[test]
fn a_resolved_recipe_says_its_defaults_and_keeps_its_paths() {
    let written = resolved(&load(GOOD).unwrap().recipe).unwrap();
    for line in ["batch_tokens = 2048", "schedule = \"constant\"", "max_new_tokens = 64", "dropout = 0.0", "path = \"corpus.tsv\"", "epsilon = 0.00000001"] {
        assert!(written.lines().any(|l| l == line), "{line} in\n{written}");
    }
    assert!(!written.contains("init"), "an option without a default is not made up");
}

#[test]
fn a_seed_that_toml_cannot_write_is_an_error() {
    let mut recipe = load(GOOD).unwrap().recipe;
    recipe.seed = u64::MAX;
    assert!(resolved(&recipe).unwrap_err().to_string().contains("take a seed below 2^63"));
}

/// All alternatives of a definition, by the plugin's name.
fn alternative<'s>(schema: &'s Json, definition: &str, name: &str) -> &'s Json {
    let all = schema["$defs"][definition]["oneOf"].as_array().unwrap();
    all.iter().find(|a| a["properties"]["use"]["const"] == name).unwrap()
}

#[test]
fn the_editor_schema_has_every_plugins_options() {
    let schema = schema(&Fake);
    assert_eq!(schema["$defs"]["Stage"]["properties"]["adapters"]["items"]["$ref"], "#/$defs/adapter");
    assert_eq!(schema["$defs"]["Generate"]["properties"]["decode"]["$ref"], "#/$defs/decoder");
    let lora = alternative(&schema, "adapter", "lora");
    assert_eq!(lora["properties"]["r"]["anyOf"][0]["minimum"], 1);
    assert_eq!((&lora["properties"]["r"]["default"], &lora["additionalProperties"]), (&json!(8), &json!(false)));
    let llama = alternative(&schema, "Scratch", "llama");
    assert_eq!(llama["required"], json!(["use", "tokenizer", "hidden_size"]));
    // An option of a plugin that takes a plugin, and one with a definition of its own.
    assert_eq!(alternative(&schema, "EvaluatorUse", "chrf")["properties"]["decode"]["$ref"], "#/$defs/decoder");
    assert_eq!(alternative(&schema, "ObjectiveUse", "distil")["properties"]["teacher"]["anyOf"][0]["$ref"], "#/$defs/objective.distil.Side");
    assert!(schema["$defs"]["objective.distil.Side"].is_object());
}

#[test]
fn every_reference_of_the_editor_schema_leads_somewhere() {
    fn refs(schema: &Json, found: &mut Vec<String>) {
        match schema {
            Json::Array(items) => items.iter().for_each(|i| refs(i, found)),
            Json::Object(map) => {
                found.extend(map.get("$ref").and_then(Json::as_str).map(str::to_owned));
                map.values().for_each(|v| refs(v, found));
            }
            _ => {}
        }
    }
    let schema = schema(&Fake);
    let mut found = vec![];
    refs(&schema, &mut found);
    assert!(found.len() > 20);
    for target in found {
        assert!(schema.pointer(target.trim_start_matches('#')).is_some_and(Json::is_object), "{target}");
    }
}

#[test]
fn the_editor_schema_takes_the_good_recipe_and_placeholders() {
    let value = |text: &str| -> Json { toml_edit::de::from_str(text).unwrap() };
    assert_eq!(check(&schema(&Fake), &value(GOOD)), vec![]);
    assert_eq!(check(&schema(&Fake), &value(&spoiled("r = 8", "r = \"{r}\""))), vec![]);
    assert_ne!(check(&schema(&Fake), &value(&spoiled("r = 8", "r = 0"))), vec![]);
    assert_ne!(check(&schema(&Fake), &value(&spoiled("hidden_size = 64", "hidden = 64"))), vec![]);
}

#[test]
fn options_are_told_with_type_range_default_and_meaning() {
    insta::assert_snapshot!(options_text(&Fake.schema(Kind::Adapter, "lora").unwrap()), @r#"
    r: whole number, at least 1; default 8
        Rank of the update.
    dropout: number, at least 0, at most 1; default 0.0
    init: one of "zero", "random"; optional
    "#);
    assert_eq!(options_text(&Fake.schema(Kind::Adapter, "prefix").unwrap()), "no options\n");
    assert_eq!(options_text(&Fake.schema(Kind::Evaluator, "chrf").unwrap()), "decode: a plugin of the kind decoder, with its options; required\n");
}

#[test]
fn options_of_derived_schemas_list_words_tables_and_references() {
    let text = options_text(&schemars::schema_for!(tongues_recipe::ast::Validate).to_value());
    insta::assert_snapshot!(text, @r#"
    every: whole number, at least 1; required
        Steps between two scorings.
    on: list of table; required
        What is scored; the first entry decides what is best.
        use: a plugin of the kind evaluator, with its options; required
            The evaluator plugin.
        data: the name of a data set in the recipe; optional
            What is scored; left out for evaluators that look at weights alone.
        format: the name of a format in the recipe; optional
            How its records become text: `chat`, or a name under `[formats]`.
        limit: whole number, at least 1; optional
            At most so many records, evenly spread; of every language, where scores are grouped.
        shots: whole number, at least 1; optional
            So many worked examples before every prompt (lm-evaluation-harness: `num_fewshot`): records of the same language, never the record itself, as the format writes prompt and target.
        shots_from: the name of a data set in the recipe; optional
            The data set that examples are taken from (`fewshot_split`).
        shots_order: one of "first", "drawn"; optional
            Which examples; the first ones where absent.
            "first": The first of the data, the same for every record.
            "drawn": Drawn for every record from the seed and the record's id.
        shots_between: text; optional
            What stands behind every example (`fewshot_delimiter`); an empty line where absent.
    keep: one of "last", "best"; default "last"
        Which state the stage ends with.
        "last": The last.
        "best": The best by the first validation score.
    patience: whole number, at least 1; optional
        Stop after so many scorings without a new best.
    "#);
}
