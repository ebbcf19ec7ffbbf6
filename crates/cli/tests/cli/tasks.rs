//! The benchmarks of `recipes/tasks`: every file is a recipe without problems, and with its data it runs from end to end.

use crate::support::{Desk, told};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A task with its data beside the project.
struct Task {
    name: &'static str,
    /// The data set whose path `--set` gives, and that path below the data's folder.
    data: (&'static str, &'static str),
    languages: usize,
    /// For every entry of `on`, whether it has the model write.
    writes: &'static [bool],
}

const fn task(name: &'static str, data: &'static str, path: &'static str, languages: usize, writes: &'static [bool]) -> Task {
    Task { name, data: (data, path), languages, writes }
}

const TASKS: [Task; 9] = [
    task("masakhaner", "masakhaner", "masakhaner/{language}/test.conll", 8, &[true]),
    task("mgsm", "mgsm", "mgsm/{language}.jsonl", 9, &[true]),
    task("mgsm-cot", "mgsm", "mgsm/{language}.jsonl", 9, &[true]),
    task("mmlu-african", "mmlu", "african-benchmarks/mmlu/{language}.jsonl", 4, &[false]),
    task("nusax", "nusax", "nusax/sentiment/{language}/test.jsonl", 9, &[false, true]),
    task("sib-200", "sib", "sib-200/{language}/test.jsonl", 12, &[false, false]),
    task("truthfulqa", "truthfulqa", "truthfulqa/fold0_val.jsonl", 1, &[false, false]),
    task("winogrande-african", "winogrande", "african-benchmarks/winogrande/{language}.train_s+dev.jsonl", 3, &[false]),
    task("xcopa", "xcopa", "xcopa/{language}/val.jsonl", 11, &[false]),
];

fn recipe(task: &Task) -> String {
    root().join(format!("recipes/tasks/{}.toml", task.name)).display().to_string()
}

/// A tiny model that has seen a few bytes, and read nothing.
const MODEL: &str = r#"
recipe = 1
name = "tiny"
[data.a]
world = { language = "pivot", sentences = 60 }
[tokenizers.t]
train = { size = 300, data = "a" }
[models.fresh]
scratch = { use = "llama", tokenizer = "t", hidden_size = 16, intermediate_size = 24, num_hidden_layers = 1, num_attention_heads = 2, num_key_value_heads = 1, max_position_embeddings = 8192 }
[[stage]]
name = "m"
train = { model = "fresh", data = "a", budget = { steps = 1 }, batch_tokens = 512, sequence_length = 64, learning_rate = 1e-3 }
objectives = [{ use = "causal-lm" }]
"#;

#[test]
fn every_task_of_the_folder_is_listed_and_is_a_recipe_without_problems() {
    let mut found: Vec<String> =
        std::fs::read_dir(root().join("recipes/tasks")).expect("tasks").flatten().map(|e| e.file_name().to_string_lossy().replace(".toml", "")).collect();
    found.sort();
    let mut listed = TASKS.map(|task| task.name);
    listed.sort_unstable();
    assert_eq!(found, listed);
    let desk = Desk::new();
    for task in &TASKS {
        // What is missing here is the user's: `--resolved` asks for no files.
        desk.good(&["check", &recipe(task), "--resolved"]);
    }
}

#[test]
fn every_task_runs_on_its_data_with_a_row_a_language() {
    let data = root().join("../shared/data");
    if !data.exists() {
        eprintln!("skipped: {} is not there", data.display());
        return;
    }
    let desk = Desk::with(MODEL);
    desk.good(&["run", "recipe.toml", "--out", "tiny"]);
    for task in &TASKS {
        let path = format!("data.{}.path={}", task.data.0, data.join(task.data.1).display());
        let mut sets = vec!["--set", "models.model.checkpoint=tiny/stages/m/checkpoint", "--set", &path];
        if task.name == "mgsm-cot" {
            exemplars(&desk, &data);
            sets.extend(["--set", "data.exemplars.path=exemplars/{language}.jsonl", "--set", "stage.scores.evaluate.on.0.shots=2"]);
        }
        desk.good(&[&["check", &recipe(task)], &sets[..]].concat());
        check_scores(task, &run(&desk, task, &sets));
    }
}

/// The worked solutions of MGSM, a file a language.
fn exemplars(desk: &Desk, data: &Path) {
    let text = std::fs::read_to_string(data.join("mgsm/exemplars.jsonl")).expect("exemplars");
    for language in ["bn", "de", "en", "es", "fr", "ja", "sw", "th", "zh"] {
        let of: String = text.lines().filter(|line| line.starts_with(&format!("{{\"lang\": \"{language}\""))).map(|line| format!("{line}\n")).collect();
        desk.file(&format!("exemplars/{language}.jsonl"), of.as_bytes());
    }
}

/// Two records a language, four new tokens.
fn run(desk: &Desk, task: &Task, sets: &[&str]) -> Vec<Json> {
    let limit = |i: usize| format!("stage.scores.evaluate.on.{i}.limit=2");
    let tokens = |i: usize| format!("stage.scores.evaluate.on.{i}.max_new_tokens=4");
    let entries = || 0..task.writes.len();
    let small: Vec<String> = entries().map(limit).chain(entries().filter(|i| task.writes[*i]).map(tokens)).collect();
    let small: Vec<&str> = small.iter().flat_map(|set| ["--set", set]).collect();
    let out = desk.tongues(&[&["run", &recipe(task), "--out", task.name], sets, &small[..]].concat());
    assert_eq!(out.status.code(), Some(0), "{}: {}", task.name, told(&out));
    let report = std::fs::read(desk.path(&format!("{}/report.json", task.name))).expect("a report");
    let report: Json = serde_json::from_slice(&report).expect("JSON");
    report["scores"].as_array().expect("scores").clone()
}

/// Every metric has a row for every language and one for their mean, and every row a value.
fn check_scores(task: &Task, scores: &[Json]) {
    let rows = if task.languages > 1 { task.languages + 1 } else { 1 };
    let same = |a: &Json, b: &Json| ["metric", "data", "evaluator"].iter().all(|key| a[key] == b[key]);
    for score in scores {
        assert_eq!(scores.iter().filter(|other| same(other, score)).count(), rows, "{}: {score}", task.name);
        assert!(score["value"].is_number(), "{}: {score}", task.name);
    }
    let means = scores.iter().filter(|score| score["language"] == "average");
    assert_eq!(means.count() * rows, if rows > 1 { scores.len() } else { 0 }, "{}", task.name);
}
