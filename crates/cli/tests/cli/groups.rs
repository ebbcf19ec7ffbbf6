//! Scores by language, and data with a file a language.

use crate::support::{Desk, told};
use serde_json::Value as Json;

const RECIPE: &str = r#"
recipe = 1
name = "groups"
seed = 3
[data.a]
world = { language = "pivot", sentences = 60 }
[data.texts]
path = "texts/{language}.txt"
languages = { eus_Latn = "eu", swh_Latn = "sw" }
[data.eus]
path = "texts/eu.txt"
language = "eus_Latn"
[data.few]
mix = ["texts"]
[tokenizers.t]
train = { size = 300, data = "a" }
[models.fresh]
scratch = { use = "llama", tokenizer = "t", hidden_size = 16, intermediate_size = 24, num_hidden_layers = 1, num_attention_heads = 2, num_key_value_heads = 1, max_position_embeddings = 128 }
[[stage]]
name = "m"
train = { model = "fresh", data = "a", budget = { steps = 2 }, batch_tokens = 512, sequence_length = 64, learning_rate = 1e-3 }
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "by-language"
[stage.evaluate]
models = ["m"]
group = ["language"]
on = [{ use = "bits-per-byte", data = "texts" }, { use = "bits-per-byte", data = "few", limit = 1 }, { use = "byte-ngram", data = "texts", train = "a" }]
[[stage]]
name = "all"
evaluate = { models = ["m"], on = [{ use = "bits-per-byte", data = "texts" }, { use = "bits-per-byte", data = "eus" }] }
"#;

fn desk() -> Desk {
    let desk = Desk::with(RECIPE);
    desk.file("texts/eu.txt", "etxe zuria\nmendi handia\n".as_bytes());
    desk.file("texts/sw.txt", "nyumba nyeupe\nmlima mkubwa sana\nmto\n".as_bytes());
    desk
}

#[test]
fn every_language_has_a_row_and_their_mean_counts_each_once() {
    let desk = desk();
    desk.good(&["check", "recipe.toml"]);
    desk.good(&["run", "recipe.toml", "--out", "out"]);
    let report: Json = serde_json::from_slice(&std::fs::read(desk.path("out/report.json")).expect("a report")).expect("JSON");
    let scores = report["scores"].as_array().expect("scores");
    let rows = |stage: &str, data: &str, evaluator: &str| -> Vec<(String, f64, u64)> {
        let of = scores.iter().filter(|s| s["stage"] == stage && s["data"] == data && s["evaluator"] == evaluator);
        of.map(|s| (s["language"].as_str().expect("a tag").into(), s["value"].as_f64().expect("a value"), s["n"].as_u64().expect("a number"))).collect()
    };
    let found = rows("by-language", "texts", "bits-per-byte");
    assert_eq!(found.iter().map(|(tag, _, n)| (tag.as_str(), *n)).collect::<Vec<_>>(), [("eus_Latn", 2), ("swh_Latn", 3), ("average", 5)]);
    assert!((found[2].1 - (found[0].1 + found[1].1) / 2.0).abs() < 1e-12);
    // A language alone is what its file alone gives; without groups all records are one text.
    assert!((found[0].1 - rows("all", "eus", "bits-per-byte")[0].1).abs() < 1e-6);
    let all = rows("all", "texts", "bits-per-byte");
    assert_eq!((all.len(), all[0].2), (1, 5));
    assert!((all[0].1 - found[2].1).abs() > 1e-9);
    assert_eq!(rows("by-language", "few", "bits-per-byte").iter().map(|(_, _, n)| *n).collect::<Vec<_>>(), [1, 1, 2], "a limit is of every language");
    assert_eq!(rows("by-language", "texts", "byte-ngram").len(), 3, "references are grouped too");
}

#[test]
fn a_file_that_is_missing_is_named_with_its_language() {
    let desk = desk();
    std::fs::remove_file(desk.path("texts/sw.txt")).expect("removed");
    desk.refused(&["check", "recipe.toml"], &["nothing at texts/sw.txt (data.texts.path)"]);
}

#[test]
fn contradicting_options_of_evaluators_are_told_before_anything_is_trained() {
    let wrong = r#"{ use = "bits-per-byte", data = "eus" }] }"#;
    let desk = Desk::with(&RECIPE.replace(wrong, r#"{ use = "chrf", data = "eus" }] }"#));
    desk.file("texts/eu.txt", "a\n".as_bytes());
    desk.file("texts/sw.txt", "b\n".as_bytes());
    desk.run_refused(&["stage `all`: evaluator chrf: options: expected exactly one of decode, written, found neither"]);
}

#[test]
fn models_of_a_stage_are_compared_with_the_first_on_the_same_records() {
    let more = r#"
[[stage]]
name = "tuned"
train = { model = "m", data = "a", budget = { steps = 30 }, batch_tokens = 512, sequence_length = 64, learning_rate = 1e-2 }
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "same"
export = { model = "m" }
[[stage]]
name = "beside"
[stage.evaluate]
models = ["m", "same", "tuned"]
group = ["language"]
on = [{ use = "bits-per-byte", data = "a" }, { use = "bits-per-byte", data = "texts" }, { use = "byte-ngram", data = "texts", train = "a" }]
"#;
    let desk = Desk::with(&format!("{RECIPE}{more}"));
    desk.file("texts/eu.txt", "etxe zuria\nmendi handia\n".as_bytes());
    desk.file("texts/sw.txt", "nyumba nyeupe\nmlima mkubwa sana\nmto\n".as_bytes());
    let text = desk.good(&["run", "recipe.toml", "--out", "out"]);
    let report: Json = serde_json::from_slice(&std::fs::read(desk.path("out/report.json")).expect("a report")).expect("JSON");
    let scores = report["scores"].as_array().expect("scores");
    let comparisons = report["comparisons"].as_array().expect("comparisons");
    let texts = |c: &Json| ["data", "language", "model"].map(|key| c[key].as_str().expect("a text").to_owned());
    let rows: Vec<String> = comparisons.iter().map(|c| texts(c).join(" ")).collect();
    let languages = ["eus_Latn", "swh_Latn", "average"];
    let of_texts = |model: &str| languages.map(|language| format!("texts {language} {model}"));
    let own = &comparisons[0]["language"].as_str().expect("a language");
    let expected: Vec<String> =
        ["same", "tuned"].map(|model| format!("a {own} {model}")).into_iter().chain(of_texts("same")).chain(of_texts("tuned")).collect();
    assert_eq!(rows, expected, "references and stages with one model have none");
    for c in comparisons {
        let score = |model: &str| {
            let row = scores.iter().find(|s| s["stage"] == "beside" && s["data"] == c["data"] && s["language"] == c["language"] && s["model"] == model);
            row.and_then(|s| s["value"].as_f64()).expect("a score")
        };
        let number = |key: &str| c[key].as_f64().expect("a number");
        let difference = score(c["model"].as_str().expect("a model")) - score("m");
        assert!((number("difference") - difference).abs() < 1e-9, "{c}");
        assert!(number("low") <= number("difference") && number("difference") <= number("high"), "{c}");
        assert!(number("p") <= number("p_holm") && number("p_holm") <= 1.0, "{c}");
    }
    let (same, tuned) = (&comparisons[0], &comparisons[1]);
    assert_eq!((same["p"].as_f64(), same["p_holm"].as_f64()), (Some(1.0), Some(1.0)), "{same}");
    assert!(tuned["high"].as_f64() < Some(0.0) && tuned["p"].as_f64() < Some(0.0011) && tuned["p_holm"].as_f64() < Some(0.0021), "{tuned}");
    assert!(text.contains("Against m on the same examples") && text.contains("not told apart"), "{text}");
    let page = std::fs::read_to_string(desk.path("out/report.html")).expect("a page");
    assert!(page.contains("a: bits per byte, paired") && page.contains("<td class=\"better\">better</td>"), "{page}");
}

#[test]
fn examples_before_prompts_are_other_records_of_the_language() {
    let scored = |more: &str| format!("{{ use = \"choice\", data = \"quiz\", format = \"asked\", choices = [\"a\", \"b\"], gold = \"right\"{more} }}");
    let shots = ", shots = 2, shots_from = \"quiz\"";
    let entries = ["", shots, ", shots = 2, shots_from = \"quiz\", shots_order = \"drawn\""].map(scored).join(", ");
    let stage = |entries: &str| {
        format!(
            "[data.quiz]\npath = \"quiz/{{language}}.jsonl\"\nlanguages = {{ eus_Latn = \"eu\", swh_Latn = \"sw\" }}\n[formats.asked]\nprompt = \"{{{{ text }}}}:\"\ntarget = \" {{{{ choice }}}}\"\n[[stage]]\nname = \"quiz\"\nevaluate = {{ models = [\"m\"], group = [\"language\"], on = [{entries}] }}\n"
        )
    };
    let desk = Desk::with(&format!("{RECIPE}{}", stage(&entries)));
    desk.file("texts/eu.txt", "etxe zuria\nmendi handia\n".as_bytes());
    desk.file("texts/sw.txt", "nyumba nyeupe\nmlima mkubwa sana\nmto\n".as_bytes());
    let line = |word: &str, i: usize| format!("{{\"id\": \"{i}\", \"text\": \"{word} {i}\", \"a\": \"bai\", \"b\": \"ez\", \"right\": {}}}\n", i % 2);
    for (language, word) in [("eu", "etxe"), ("sw", "nyumba")] {
        desk.file(&format!("quiz/{language}.jsonl"), (0..4).map(|i| line(word, i)).collect::<String>().as_bytes());
    }
    desk.good(&["run", "recipe.toml", "--out", "out"]);
    let report: Json = serde_json::from_slice(&std::fs::read(desk.path("out/report.json")).expect("a report")).expect("JSON");
    let of = |s: &&Json| s["data"] == "quiz" && s["metric"] == "probability_of_right" && s["language"] == "average";
    let values: Vec<f64> = report["scores"].as_array().expect("scores").iter().filter(of).map(|s| s["value"].as_f64().expect("a value")).collect();
    assert_eq!(values.len(), 3);
    assert!(values[0] != values[1] && values[1] != values[2], "what stands before a question changes its answers: {values:?}");
    let many = Desk::with(&format!("{RECIPE}{}", stage(&scored(", shots = 4, shots_from = \"quiz\""))));
    for (file, text) in [("texts/eu.txt", "etxe\n"), ("texts/sw.txt", "mto\n")] {
        many.file(file, text.as_bytes());
    }
    for (language, word) in [("eu", "etxe"), ("sw", "nyumba")] {
        many.file(&format!("quiz/{language}.jsonl"), (0..4).map(|i| line(word, i)).collect::<String>().as_bytes());
    }
    let out = many.tongues(&["run", "recipe.toml", "--out", "out"]);
    assert_eq!(out.status.code(), Some(2), "{}", told(&out));
    assert!(told(&out).contains("expected 4 examples in `eus_Latn` beside the record itself, found 3"), "{}", told(&out));
}
