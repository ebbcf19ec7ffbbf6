//! `chat` and `generate` as a user sees them, on the checkpoint of `tests/fixtures/decode`.

use crate::support::{Desk, told};
use serde_json::{Value as Json, json};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn checkpoint() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/decode/checkpoint")
}

/// A copy of the checkpoint as `model`, to be changed.
fn desk() -> Desk {
    let desk = Desk::new();
    for entry in std::fs::read_dir(checkpoint()).expect("a folder") {
        let path = entry.expect("an entry").path();
        desk.file(&format!("model/{}", path.file_name().expect("a name").to_string_lossy()), &std::fs::read(&path).expect("a file"));
    }
    desk
}

/// Every turn ends with the second of the checkpoint's stop tokens.
const TEMPLATE: &str = "{% for m in messages %}{{ m.content }} <turn> {% endfor %}";

fn with_template(template: &str) -> Desk {
    let desk = desk();
    desk.file("model/chat_template.jinja", template.as_bytes());
    desk
}

fn fed(desk: &Desk, args: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tongues"));
    let mut child = command
        .args(args)
        .current_dir(desk.dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A program that refuses its flags does not read.
    let _ = child.stdin.take().expect("a pipe").write_all(input);
    child.wait_with_output().expect("it ends")
}

/// The answers of a chat, a line each.
fn chat(desk: &Desk, flags: &[&str], input: &str) -> Vec<String> {
    let out = fed(desk, &[&["chat", "model", "--max-new-tokens", "8"], flags].concat(), input.as_bytes());
    assert_eq!(out.status.code(), Some(0), "{}", told(&out));
    String::from_utf8(out.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

fn generated(desk: &Desk, flags: &[&str]) -> Vec<Json> {
    let text = desk.good(&[&["generate", "model", "--json"], flags].concat());
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_chat_remembers_until_it_is_reset_and_ends_when_told() {
    let desk = desk();
    let greedy = ["--temperature", "0"];
    let answers = chat(&desk, &greedy, "w20 w23 w55\n\nw9\n/reset\n/help\nw20 w23 w55\n/quit\nw9\n");
    assert_eq!(answers.len(), 3, "{answers:?}");
    assert_eq!(answers[0], answers[2], "nothing is left after a reset");
    assert_eq!(answers[0], "w35 w48 w21 w14 w23 w28 w57 w25", "as transformers writes it");
    assert_ne!(answers[1], chat(&desk, &greedy, "w9\n")[0], "what was said before matters");
    // The second turn reads the first with its answer.
    let whole = format!("w20 w23 w55{}\nw9", answers[0]);
    let line = &generated(&desk, &["--prompt", &whole, "--temperature", "0", "--max-new-tokens", "8"])[0];
    assert_eq!(line["text"], answers[1].as_str());
}

#[test]
fn a_chat_goes_through_the_template_and_has_a_system_turn() {
    let desk = with_template(TEMPLATE);
    let greedy = ["--temperature", "0"];
    let answers = chat(&desk, &greedy, "w20 w23\nw9\n");
    let line = &generated(&desk, &["--chat", "--prompt", "w20 w23", "--temperature", "0", "--max-new-tokens", "8"])[0];
    assert_eq!(line["text"], answers[0].as_str());
    assert_ne!(chat(&desk, &["--temperature", "0", "--system", "w66 w62"], "w20 w23\n")[0], answers[0]);
    let beams = chat(&desk, &["--num-beams", "3"], "w20 w23\n");
    assert!(beams.len() == 1 && !beams[0].is_empty(), "decoders that tell their text at once can be talked with");
    // Draws differ from turn to turn and are the same the next time.
    let drawn = chat(&desk, &["--seed", "4"], "w20\n/reset\nw20\n");
    assert_ne!(drawn[0], drawn[1]);
    assert_eq!(drawn, chat(&desk, &["--seed", "4"], "w20\n/reset\nw20\n"));
}

#[test]
fn all_stop_tokens_of_the_checkpoint_and_stop_strings_end_a_text() {
    let desk = desk();
    let asked = ["--prompt", "w19 w24 w32 w8 w69 w21", "--temperature", "0"];
    let line = &generated(&desk, &asked)[0];
    assert_eq!((&line["text"], &line["stopped"]), (&json!("w23 w44 w13 w48"), &json!(true)));
    let line = &generated(&desk, &[&asked[..], &["--stop", "4 w13", "--stop", "none"]].concat())[0];
    assert_eq!((&line["text"], &line["stopped"], &line["ids"]), (&json!("w23 w4"), &json!(true), &json!([23, 44, 13])));
    assert_eq!(chat(&desk, &["--temperature", "0", "--stop", "4 w13"], "w19 w24 w32 w8 w69 w21\n"), ["w23 w4"]);
    let beams = &generated(&desk, &["--prompt", "w20", "--num-beams", "4", "--option", "num_return_sequences=3", "--max-new-tokens", "6"])[0];
    assert_eq!(beams["others"].as_array().map(Vec::len), Some(2));
    assert!(beams["score"].as_f64() >= beams["others"][0]["score"].as_f64());
    // The list survives a checkpoint of our own.
    let recipe = "recipe = 1\nname = \"copy\"\n[models.m]\ncheckpoint = \"model\"\n[[stage]]\nname = \"copy\"\nexport = { model = \"m\" }\n";
    desk.file("copy.toml", recipe.as_bytes());
    desk.good(&["run", "copy.toml", "--out", "copied"]);
    let written = std::fs::read(desk.path("copied/stages/copy/checkpoint/generation_config.json")).expect("a file");
    assert_eq!(serde_json::from_slice::<Json>(&written).expect("JSON")["eos_token_id"], json!([2, 3]));
}

#[test]
fn what_a_model_writes_cannot_steer_the_terminal() {
    let desk = desk();
    let path = desk.path("model/tokenizer.json");
    let mut tokenizer: Json = serde_json::from_slice(&std::fs::read(&path).expect("a tokenizer")).expect("JSON");
    let words = tokenizer["model"]["vocab"].as_object().expect("words").clone();
    let hostile = |word: &str| if word == "w20" || word.starts_with('<') { word.to_owned() } else { format!("\u{1b}[2J{word}\u{9b}31m\u{7}\u{202e}\r") };
    tokenizer["model"]["vocab"] = words.iter().map(|(word, id)| (hostile(word), id.clone())).collect::<serde_json::Map<_, _>>().into();
    std::fs::write(&path, tokenizer.to_string()).expect("written");
    let steers = |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || c == '\u{202e}'));
    let answers = chat(&desk, &["--temperature", "0"], "w20\n");
    assert!(answers[0].contains("[2Jw") && !steers(&answers[0]), "{answers:?}");
    let flags = ["generate", "model", "--prompt", "w20", "--temperature", "0", "--max-new-tokens", "4"];
    assert!(!steers(&desk.good(&flags)));
    let line = desk.good(&[&flags[..], &["--json"]].concat());
    assert!(!steers(&line), "{line}");
    let text = serde_json::from_str::<Json>(&line).expect("JSON")["text"].as_str().expect("a text").to_owned();
    assert!(text.contains('\u{1b}') && text.contains('\u{9b}'), "the exact text is in the JSON");
    let recipe = "recipe = 1\nname = \"g\"\n[models.m]\ncheckpoint = \"model\"\n[[stage]]\nname = \"g\"\ngenerate = { model = \"m\", prompts = [\"w20\"], decode = { use = \"sampling\" }, max_new_tokens = 4 }\n";
    desk.file("g.toml", recipe.as_bytes());
    let out = desk.tongues(&["run", "g.toml", "--out", "g"]);
    assert!(out.status.success() && !steers(&told(&out)), "{}", told(&out));
}

#[test]
fn decoding_flags_that_do_not_fit_are_refused() {
    let desk = desk();
    let refused = |flags: &[&str], pieces: &[&str]| {
        desk.refused(&[&["generate", "model", "--prompt", "w20"], flags].concat(), pieces);
        let out = fed(&desk, &[&["chat", "model"], flags].concat(), b"w20\n");
        assert_eq!((out.status.code(), out.stdout.len()), (Some(2), 0), "{flags:?}: {}", told(&out));
    };
    refused(&["--num-beams", "0"], &["num_beams: expected a number at least 1, found 0"]);
    refused(&["--num-beams", "4", "--option", "num_beam_groups=3"], &["num_beam_groups", "divides num_beams, which is 4", "help: change one of them"]);
    refused(&["--option", "diversity_penalty=-1"], &["diversity_penalty: expected a number at least 0, found -1"]);
    refused(&["--repetition-penalty=-1"], &["repetition_penalty: expected a number more than 0, found -1"]);
    refused(&["--min-p", "2"], &["min_p", "at most 1"]);
    refused(&["--num-beams", "4", "--top-k", "2"], &["options of one decoder", "top_k, num_beams", "--decoder"]);
    refused(&["--decoder", "beam", "--top-k", "2"], &["decoder beam", "top_k"]);
    refused(&["--decoder", "beem"], &["did you mean \"beam\"?"]);
    refused(&["--option", "num_beams"], &["expected KEY=VALUE", "help: "]);
    refused(&["--stop", ""], &["at least one character"]);
    refused(&["--device", "abacus"], &["--device"]);
}

#[test]
fn turns_that_cannot_be_answered_are_refused() {
    let desk = desk();
    let code = |desk: &Desk, flags: &[&str], input: &[u8], piece: &str| {
        let out = fed(desk, &[&["chat", "model"], flags].concat(), input);
        assert_eq!(out.status.code(), Some(2), "{}", told(&out));
        assert!(told(&out).contains(piece) && !told(&out).contains("panicked"), "{}", told(&out));
    };
    code(&desk, &["--system", "w9"], b"w20\n", "expected a checkpoint with a chat template, found none");
    code(&desk, &[], b"w20 \xff\n", "standard input: expected text in UTF-8");
    code(&desk, &[], "w20 ".repeat(200).as_bytes(), "expected a prompt of at most 128 tokens");
    let endless = with_template("{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}");
    code(&endless, &[], b"w20\n", "a template that comes to an end");
    let broken = with_template("{% if %}");
    code(&broken, &[], b"w20\n", "a Jinja template");
    let bigger = self::desk();
    let path = bigger.path("model/tokenizer.json");
    let text = std::fs::read_to_string(&path).expect("a tokenizer").replacen("\"w71\": 71", "\"w71\": 71, \"w72\": 72", 1);
    std::fs::write(&path, text).expect("written");
    code(&bigger, &[], b"w20\n", "expected ids below 72, the rows of the model's embedding, found ids up to 72");
    desk.file("model/generation_config.json", br#"{ "eos_token_id": [2, 99] }"#);
    code(&desk, &[], b"w20\n", "eos_token_id");
}

#[test]
fn recipes_name_nested_decoders_and_are_told_what_is_wrong_with_them_first() {
    let desk = desk();
    let recipe = |decode: &str, more: &str| {
        let text = format!(
            "recipe = 1\nname = \"g\"\n[models.m]\ncheckpoint = \"model\"\n[[stage]]\nname = \"g\"\ngenerate = {{ model = \"m\", prompts = [\"w20\"], decode = {decode}, max_new_tokens = 6{more} }}\n"
        );
        desk.file("recipe.toml", text.as_bytes());
    };
    recipe("{ use = \"mbr\", candidates = 3, decode = { use = \"samplin\" } }", "");
    desk.refused(&["check", "recipe.toml"], &["recipe.toml:7:", "did you mean \"sampling\"?"]);
    recipe("{ use = \"mbr\", candidates = 3, decode = { use = \"sampling\", top_p = 2.0 } }", "");
    desk.refused(&["check", "recipe.toml"], &["recipe.toml:7:", "at most 1"]);
    recipe("{ use = \"beam\", num_beams = 4, num_beam_groups = 3 }", "");
    desk.run_refused(&["stage `g`", "divides num_beams"]);
    recipe("{ use = \"sampling\" }", ", stop_token_ids = [99]");
    let out = desk.tongues(&["run", "recipe.toml", "--out", "stops"]);
    assert!(out.status.code() == Some(2) && told(&out).contains("ids of the tokenizer, below 72"), "{}", told(&out));
    recipe("{ use = \"mbr\", candidates = 3, decode = { use = \"sampling\", temperature = 0.9 } }", ", stop_strings = [\"w3\"], stop_token_ids = [21]");
    desk.good(&["run", "recipe.toml", "--out", "done"]);
    let line = std::fs::read_to_string(desk.path("done/stages/g/generations.jsonl")).expect("generations");
    let line: Json = serde_json::from_str(line.trim()).expect("JSON");
    assert!(line["score"].as_f64().is_some_and(|score| (0.0..=100.0).contains(&score)), "{line}");
}
