//! Chats and instructions: trained, scored, generated and shown through one format.

use crate::support::{Desk, told};
use serde_json::{Value as Json, json};

/// A chat template of our own: blocks on lines, a mark that ends a turn.
const TEMPLATE: &str = "{% for m in messages %}\n<{{ m.role }}>{{ m.content }}</s>\n{% endfor %}\n{% if add_generation_prompt %}\n<assistant>\n{%- endif %}\n";

const RECIPE: &str = r#"
recipe = 1
name = "chats"
seed = 3
[data.chats]
path = "chats.jsonl"
language = "eus_Latn"
[data.pairs]
path = "pairs.jsonl"
[tokenizers.t]
train = { size = 300, data = "chats" }
[models.fresh]
scratch = { use = "llama", tokenizer = "t", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 1, num_attention_heads = 4, num_key_value_heads = 2, max_position_embeddings = 128 }
[formats.talk]
chat = "talk.jinja"
system = "Be brief."
truncate = "cut-left"
[formats.mt]
prompt = "{{ prompt }} ="
target = " {{ completion }}"
[[stage]]
name = "sft"
train = { model = "fresh", data = "chats", format = "talk", budget = { steps = 4 }, batch_tokens = 512, sequence_length = 64, learning_rate = 3e-3 }
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "more"
train = { model = "sft", data = "pairs", format = "mt", budget = { steps = 2 }, batch_tokens = 512, sequence_length = 64, learning_rate = 3e-3 }
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "scores"
evaluate = { models = ["sft", "more"], on = [{ use = "bits-per-byte", data = "chats", format = "talk" }, { use = "perplexity", data = "pairs", format = "mt" }] }
[[stage]]
name = "answers"
generate = { model = "sft", data = "chats", limit = 2, format = "talk", decode = { use = "sampling", temperature = 0.0 }, max_new_tokens = 4 }
[[stage]]
name = "asked"
generate = { model = "sft", prompts = ["Kaixo"], format = "talk", decode = { use = "sampling", temperature = 0.0 }, max_new_tokens = 4 }
"#;

fn lines(values: impl IntoIterator<Item = Json>) -> Vec<u8> {
    values.into_iter().map(|v| format!("{v}\n")).collect::<String>().into_bytes()
}

fn chat(question: &str, answer: &str) -> Json {
    json!({ "messages": [{ "role": "user", "content": question }, { "role": "assistant", "content": answer }] })
}

fn desk(recipe: &str) -> Desk {
    let desk = Desk::with(recipe);
    desk.file("talk.jinja", TEMPLATE.as_bytes());
    let long = "ibai itsaso mendi zuhaitz haize euri eguzki ilargi ".repeat(4);
    let chats = (0..12).map(|i| chat(&if i == 5 { long.clone() } else { format!("Say {i}") }, &format!("It is {i}.")));
    desk.file("chats.jsonl", &lines(chats));
    desk.file("pairs.jsonl", &lines((0..12).map(|i| json!({ "prompt": format!("river {i}"), "completion": format!("ibai {i}") }))));
    desk
}

fn changed(from: &str, to: &str) -> Desk {
    assert!(RECIPE.contains(from), "{from}");
    desk(&RECIPE.replacen(from, to, 1))
}

#[test]
fn one_format_trains_scores_and_generates_and_says_what_it_cut() {
    let desk = desk(RECIPE);
    let out = desk.tongues(&["run", "recipe.toml", "--out", "out"]);
    let text = told(&out);
    assert_eq!(out.status.code(), Some(0), "{text}");
    let report: Json = serde_json::from_slice(&std::fs::read(desk.path("out/report.json")).expect("a report")).expect("JSON");
    let notes = report["notes"].to_string();
    assert!(notes.contains("Stage sft, format talk: 1 of 12 by cut-left;"), "{notes}");
    assert!(!notes.contains("format mt"), "nothing was cut: {notes}");
    assert!(!notes.contains("Scoring"), "a score is of whole records where the model's positions hold them: {notes}");
    assert_eq!(report["scores"].as_array().expect("scores").len(), 4);
    let generated = |stage: &str| -> Vec<Json> {
        let text = std::fs::read_to_string(desk.path(&format!("out/stages/{stage}/generations.jsonl"))).expect("generations");
        text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    };
    let answers = generated("answers");
    assert_eq!(answers.iter().map(|g| g["id"].as_str().expect("an id")).collect::<Vec<_>>(), ["line-1", "line-7"]);
    assert_eq!(answers[1]["reference"], "It is 6.");
    assert_eq!(answers[0]["prompt"], "<system>Be brief.\n<user>Say 0\n<assistant>");
    assert_eq!(generated("asked")[0]["prompt"], "Kaixo");
}

#[test]
fn an_objective_with_data_of_its_own_has_its_own_format() {
    let objectives = "objectives = [{ use = \"causal-lm\" }]";
    let both = |second: &str| changed(objectives, &format!("objectives = [{{ use = \"causal-lm\" }}, {{ use = \"causal-lm\", data = \"pairs\"{second} }}]"));
    both(", format = \"mt\"").good(&["run", "recipe.toml", "--out", "out"]);
    both("").run_refused(&["record line-1, field `text`", "only completion, prompt"]);
}

#[test]
fn data_shows_what_carries_loss() {
    let desk = desk(RECIPE);
    let text = desk.good(&["data", "recipe.toml", "--limit", "1"]);
    let sft = "sft: data chats, format talk\n  12 records, 12 rows, ";
    assert!(text.starts_with(sft) && text.contains("\n  languages: eus_Latn 12\n  dropped by curators: none\n"), "{text}");
    assert!(text.contains("cut or left out by the format: cut-left 1; "), "{text}");
    assert!(text.contains("\n<system>Be brief.</s>\n<user>Say 0</s>\n<assistant>⟦It is 0.</s>\n⟧\n"), "{text}");
    assert!(text.contains("\n<s>river 0 =⟦ ibai 0</s>⟧\n") && text.contains("between ⟦ and ⟧"), "{text}");
    let only = desk.good(&["data", "recipe.toml", "--data", "pairs", "--limit", "2", "--json"]);
    let found: Json = serde_json::from_str(&only).expect("JSON");
    assert_eq!((found.as_array().expect("stages").len(), &found[0]["stage"], &found[0]["cut"]), (1, &json!("more"), &json!({})));
    let sample = &found[0]["samples"][1];
    assert_eq!(sample["pieces"], json!([{ "text": "<s>river 6 =", "loss": false }, { "text": " ibai 6</s>", "loss": true }]));
    desk.refused(&["data", "recipe.toml", "--data", "chat"], &["data of a stage that trains: one of chats, pairs", "did you mean `chats`?"]);
}

#[test]
fn data_is_written_for_other_programs_and_reads_as_the_same_records() {
    let world = r#"
recipe = 1
name = "write"
seed = 3
[data.pairs]
world = { language = "derived", task = "translation", sentences = 80 }
curate = [{ use = "dedup-exact", field = "target" }]
split = { test = 0.25 }
[data.back]
path = "out.jsonl"
[data.both]
mix = ["pairs.test", "back"]
[data.words]
world = { language = "derived", sentences = 40 }
[tokenizers.t]
train = { size = 300, data = "words" }
[models.m]
scratch = { use = "llama", tokenizer = "t", hidden_size = 32, intermediate_size = 48, num_hidden_layers = 1, num_attention_heads = 4, num_key_value_heads = 2, max_position_embeddings = 256 }
[formats.f]
prompt = "{{ source }} > {{ language }} :"
target = " {{ target }}"
[[stage]]
name = "s"
train = { model = "m", data = "DATA", budget = { steps = 1 }, batch_tokens = 512, sequence_length = 256, learning_rate = 1e-3 }
objectives = [{ use = "causal-lm", format = "f" }]
"#;
    let train = |data: &str| world.replace("DATA", data);
    let desk = Desk::with(&train("pairs.test"));
    let told = desk.good(&["data", "recipe.toml", "--data", "pairs.test", "--write", "out.jsonl"]);
    let lines = std::fs::read_to_string(desk.path("out.jsonl")).expect("the file");
    assert_eq!(told, format!("out.jsonl: {} records of pairs.test; languages: derived {0}\n", lines.lines().count()));
    let first: Json = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    let keys: Vec<&String> = first.as_object().expect("an object").keys().collect();
    assert_eq!(keys, ["id", "language", "source", "target"]);
    let shown = desk.good(&["data", "recipe.toml", "--limit", "99"]);
    desk.file("recipe.toml", train("back").as_bytes());
    let again = desk.good(&["data", "recipe.toml", "--limit", "99"]);
    assert_eq!(shown.replace("data pairs.test", "data back"), again);
    desk.good(&["data", "recipe.toml", "--data", "both", "--write", "both.jsonl"]);
    let both = std::fs::read_to_string(desk.path("both.jsonl")).expect("the file");
    let ids: std::collections::BTreeSet<String> = both.lines().map(|l| serde_json::from_str::<Json>(l).expect("JSON")["id"].to_string()).collect();
    assert_eq!((ids.len(), ids.iter().next().map(|id| id.contains("back/"))), (2 * lines.lines().count(), Some(true)), "{ids:?}");
    desk.refused(&["data", "recipe.toml", "--data", "nothing", "--write", "no.jsonl"], &["data `nothing`"]);
    desk.refused(&["data", "recipe.toml", "--data", "back", "--write", "gone/no.jsonl"], &["gone/no.jsonl"]);
    assert!(!desk.path("no.jsonl").exists());
}

#[test]
fn data_counts_what_curators_drop() {
    let recipe = RECIPE.replacen("path = \"pairs.jsonl\"", "path = \"pairs.jsonl\"\ncurate = [{ use = \"dedup-exact\", field = \"completion\" }]", 1);
    let desk = desk(&recipe);
    desk.file("pairs.jsonl", &lines(["a", "b", "a"].map(|c| json!({ "prompt": "p", "completion": c }))));
    assert!(desk.good(&["data", "recipe.toml", "--data", "pairs"]).contains("dropped by curators: dedup-exact: duplicate 1\n"));
}

#[test]
fn the_checkpoints_own_template_is_the_format_chat() {
    let desk = desk(RECIPE);
    desk.good(&["run", "recipe.toml", "--out", "first"]);
    let own = TEMPLATE.replace("</s>", "{{ eos_token }}");
    desk.file("first/stages/sft/checkpoint/chat_template.jinja", own.as_bytes());
    let recipe = r#"
recipe = 1
name = "again"
[data.chats]
path = "chats.jsonl"
[models.base]
checkpoint = "first/stages/sft/checkpoint"
[[stage]]
name = "sft"
train = { model = "base", data = "chats", format = "chat", budget = { steps = 1 }, sequence_length = 128, learning_rate = 1e-3 }
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "asked"
generate = { model = "sft", prompts = ["Kaixo"], format = "chat", decode = { use = "sampling" }, max_new_tokens = 2 }
"#;
    desk.file("again.toml", recipe.as_bytes());
    let text = desk.good(&["data", "again.toml", "--limit", "1"]);
    assert!(text.contains("\n<user>Say 0</s>\n<assistant>⟦It is 0.</s>\n⟧\n"), "{text}");
    desk.good(&["run", "again.toml", "--out", "second"]);
    let checkpoint = "first/stages/sft/checkpoint";
    let plain = desk.good(&["generate", checkpoint, "--prompt", "Kaixo", "--temperature", "0", "--json"]);
    let chat = desk.good(&["generate", checkpoint, "--prompt", "Kaixo", "--temperature", "0", "--json", "--chat"]);
    assert_ne!(plain, chat);
    assert!(desk.good(&["eval", checkpoint, "--data", "chats.jsonl", "--chat"]).contains("perplexity"));
    let written = std::fs::read_to_string(desk.path("second/stages/sft/checkpoint/tokenizer_config.json")).expect("a file");
    assert!(written.contains("eos_token }}"), "the template is lost: {written}");
    std::fs::remove_file(desk.path("first/stages/sft/checkpoint/chat_template.jinja")).expect("removed");
    desk.refused(&["run", "again.toml", "--out", "out"], &["stage `sft`", "key `chat_template`: expected a chat template, found none", "[formats.NAME]"]);
}

#[test]
fn turns_without_a_format_say_what_to_write() {
    changed(", data = \"chats\", format = \"talk\", budget", ", data = \"chats\", budget").run_refused(&[
        "record line-1",
        "turns of a conversation",
        "write `format = \"chat\"`",
    ]);
}

#[test]
fn templates_that_loop_or_break_are_refused() {
    let desk = desk(RECIPE);
    desk.file("talk.jinja", b"{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}");
    desk.run_refused(&["stage `sft`", "record line-1", "talk.jinja", "a template that comes to an end", "goes on and on"]);
    desk.file("talk.jinja", b"{% for m in messages %}\n{% if %}");
    desk.refused(&["check", "recipe.toml"], &["recipe.toml:15:8", "talk.jinja, line 2", "a Jinja template"]);
    std::fs::remove_file(desk.path("talk.jinja")).expect("removed");
    desk.refused(&["check", "recipe.toml"], &["recipe.toml:15:8", "nothing at talk.jinja (formats.talk.chat)"]);
}

#[test]
fn a_record_too_long_is_refused_unless_the_format_cuts() {
    changed("truncate = \"cut-left\"\n", "").run_refused(&["record line-6, format `talk`", "at most 64 tokens", "truncate = \"cut-left\""]);
}

#[test]
fn an_evaluator_without_formats_refuses_one() {
    let desk = changed("{ use = \"perplexity\", data = \"pairs\"", "{ use = \"byte-ngram\", train = \"pairs\", data = \"pairs\"");
    let text = told(&desk.tongues(&["run", "recipe.toml", "--out", "out"]));
    assert!(text.contains("evaluator byte-ngram: expected an evaluator that reads formats"), "{text}");
}

/// Where padding and end are one token, the end is still learned: a model trained on padded rows stops by itself.
#[test]
fn the_end_is_learned_where_it_is_also_the_padding() {
    let recipe = RECIPE.split("[[stage]]").take(2).collect::<Vec<_>>().join("[[stage]]");
    let desk = desk(&recipe);
    desk.good(&["run", "recipe.toml", "--out", "first"]);
    let checkpoint = desk.path("first/stages/sft/checkpoint");
    for name in ["tokenizer_config.json", "special_tokens_map.json"] {
        let text = std::fs::read_to_string(checkpoint.join(name)).expect(name).replace("\"<pad>\"", "\"</s>\"");
        std::fs::write(checkpoint.join(name), text).expect(name);
    }
    for name in ["config.json", "generation_config.json"].iter().filter(|name| checkpoint.join(name).exists()) {
        let mut config: Json = serde_json::from_slice(&std::fs::read(checkpoint.join(name)).expect(name)).expect("JSON");
        config["pad_token_id"] = config["eos_token_id"].clone();
        std::fs::write(checkpoint.join(name), config.to_string()).expect(name);
    }
    let inspected = desk.good(&["inspect", "first/stages/sft/checkpoint"]);
    assert!(inspected.contains("eos Some(1), pad Some(1)"), "{inspected}");
    desk.file("short.jsonl", &lines((0..6).map(|i| json!({ "prompt": "a".repeat(i + 1), "completion": "b" }))));
    let second = r#"
recipe = 1
name = "ends"
[data.short]
path = "short.jsonl"
[models.base]
checkpoint = "first/stages/sft/checkpoint"
[formats.plain]
prompt = "{{ prompt }}"
target = "{{ completion }}"
[[stage]]
name = "taught"
train = { model = "base", data = "short", format = "plain", budget = { steps = 60 }, packing = false, sequence_length = 32, learning_rate = 1e-2 }
objectives = [{ use = "causal-lm" }]
[[stage]]
name = "before"
generate = { model = "base", data = "short", format = "plain", decode = { use = "sampling", temperature = 0.0 }, max_new_tokens = 8 }
[[stage]]
name = "after"
generate = { model = "taught", data = "short", format = "plain", decode = { use = "sampling", temperature = 0.0 }, max_new_tokens = 8 }
"#;
    desk.file("second.toml", second.as_bytes());
    desk.good(&["run", "second.toml", "--out", "second"]);
    let ended = |stage: &str| {
        let text = std::fs::read_to_string(desk.path(&format!("second/stages/{stage}/generations.jsonl"))).expect("generations");
        let read = |line: &str| -> Json { serde_json::from_str(line).expect("JSON") };
        text.lines().map(read).filter(|g| g["stopped"] == true && g["text"] == "b").count()
    };
    assert_eq!((ended("before"), ended("after")), (0, 6));
}
