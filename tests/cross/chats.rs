//! Chats as tokens with loss weights: ids and masks are those of transformers and TRL.

use serde_json::Value as Json;
use std::path::PathBuf;
use tongues_formats::{Body, ChatTemplate, Loss, Options, TextFormat, Truncate};
use tongues_io::{HfTokenizer, tokenizer::Specials};
use tongues_kernel::{Format, Formatted, Record, Tokenizer, Turn, Value};

const TEMPLATES: [&str; 10] =
    ["llama-3", "llama-3.1", "llama-3-training", "qwen2.5", "qwen2.5-training", "gemma-2", "gemma-2-training", "mistral-v0.3", "chatml", "chatml-training"];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/chat")
}

fn json(name: &str) -> Json {
    serde_json::from_str(&std::fs::read_to_string(folder().join(name)).expect(name)).expect("JSON")
}

fn tokenizer() -> HfTokenizer {
    HfTokenizer::from_file(&folder().join("tokenizer/tokenizer.json")).expect("a tokenizer")
}

fn format(name: &str, truncate: Truncate) -> TextFormat {
    let source = std::fs::read_to_string(folder().join(format!("templates/{name}.jinja"))).expect("a template");
    let tokens = json(&format!("{name}.json"))["tokens"].as_object().cloned().expect("tokens");
    let template = ChatTemplate::new(&source, &tokens, None, name).expect("a template");
    TextFormat::new(Body::Chat(template), Options { name: name.into(), loss: Loss::Assistant, truncate, system: None })
}

fn record(messages: &Json) -> Record {
    let turn = |m: &Json| -> Turn { (m["role"].as_str().expect("role").into(), m["content"].as_str().expect("content").into()) };
    let turns = messages.as_array().expect("turns").iter().map(turn).collect();
    Record { id: "r".into(), fields: [("messages".into(), Value::Turns(turns))].into(), ..Record::default() }
}

fn ids(formatted: &Formatted) -> Vec<u32> {
    formatted.sequence.ids().collect()
}

/// The learned tokens as 0 and 1, the first token of the row as its segment has it.
fn mask(formatted: &Formatted) -> Vec<u32> {
    formatted.sequence.segments.iter().flat_map(|s| std::iter::repeat_n(s.weight as u32, s.ids.len())).collect()
}

fn numbers(json: &Json) -> Vec<u32> {
    json.as_array().expect("numbers").iter().map(|n| n.as_u64().expect("a number") as u32).collect()
}

#[test]
fn ids_and_masks_of_chats_are_those_of_transformers_and_trl() {
    let tokenizer = tokenizer();
    let mut seen = 0;
    for name in TEMPLATES {
        let format = format(name, Truncate::Refuse);
        for case in json(&format!("{name}.json"))["cases"].as_array().expect("cases") {
            if case["mask"].is_null() || !case["mask"].as_array().expect("a mask").iter().any(|m| m == 1) {
                continue;
            }
            let place = format!("{name}, {}", case["conversation"]);
            let rows = format.rows(&record(&case["messages"]), &tokenizer, 4096).expect(&place);
            assert_eq!(ids(&rows["text"]), numbers(&case["ids"]), "{place}");
            assert_eq!(mask(&rows["text"]), numbers(&case["mask"]), "{place}");
            seen += 1;
        }
    }
    assert_eq!(seen, 96);
}

#[test]
fn prompts_are_the_open_text_without_the_last_answer() {
    let tokenizer = tokenizer();
    for name in TEMPLATES {
        let format = format(name, Truncate::Refuse);
        for case in json(&format!("{name}.json"))["cases"].as_array().expect("cases").iter().filter(|c| c["conversation"] == "open") {
            let open = tokenizer.encode(case["open"].as_str().expect("a text")).expect("ids");
            assert_eq!(format.prompt(&record(&case["messages"]), &tokenizer).expect("a prompt"), open, "{name}");
            let mut answered = case["messages"].clone();
            answered.as_array_mut().expect("turns").push(serde_json::json!({ "role": "assistant", "content": "Because." }));
            assert_eq!(format.prompt(&record(&answered), &tokenizer).expect("a prompt"), open, "{name}");
        }
    }
}

#[test]
fn the_token_that_ends_a_turn_stops_an_answer() {
    let tokenizer = tokenizer();
    for (name, stop) in
        [("llama-3", "<|eot_id|>"), ("qwen2.5-training", "<|im_end|>"), ("gemma-2", "<end_of_turn>"), ("mistral-v0.3", "</s>"), ("chatml", "<|im_end|>")]
    {
        let stops = format(name, Truncate::Refuse).stops(&tokenizer).expect("stops");
        assert_eq!(stops.iter().filter_map(|id| tokenizer.piece(*id)).collect::<Vec<_>>(), [stop], "{name}");
    }
}

#[test]
fn what_is_cut_is_counted_by_its_rule() {
    let begin = tokenizer().encode("<|begin_of_text|>").expect("a token")[0];
    let tokenizer = tokenizer().with_specials(Specials { bos: Some(begin), ..Specials::default() }).expect("an entry");
    let messages = serde_json::json!([
        { "role": "user", "content": "one two three four five six seven eight nine ten" }, { "role": "assistant", "content": "ibai" }
    ]);
    let long = record(&messages);
    let only_asked = record(&serde_json::json!([{ "role": "user", "content": "Why?" }]));
    let told = |truncate: Truncate, most: usize| {
        let format = format("llama-3", truncate);
        let row = format.rows(&long, &tokenizer, most).map(|rows| rows.get("text").cloned());
        (row, format.tally().told())
    };
    let whole = ids(&told(Truncate::CutLeft, 4096).0.expect("a row").expect("kept"));
    let (n, most) = (whole.len(), whole.len() - 5);
    assert_eq!(told(Truncate::CutLeft, n).1, "all 1 records whole");
    let (left, count) = told(Truncate::CutLeft, most);
    let left = left.expect("a row").expect("kept");
    assert_eq!((ids(&left), count.as_str()), ([&whole[..1], &whole[6..]].concat(), "1 of 1 by cut-left; 5 tokens cut"));
    assert_eq!(tokenizer.decode(&left.sequence.segments.last().expect("an answer").ids).expect("a text"), "ibai");
    let (right, count) = told(Truncate::CutRight, n - 1);
    assert_eq!((ids(&right.expect("a row").expect("kept")), count.as_str()), (whole[..n - 1].to_vec(), "1 of 1 by cut-right; 1 tokens cut"));
    let (none, count) = told(Truncate::CutRight, 10);
    assert_eq!((none.expect("no error"), count), (None, format!("1 of 1 by cut-right, 1 of 1 by nothing-left; {n} tokens cut")));
    let (none, count) = told(Truncate::Drop, most);
    assert_eq!((none.expect("no error"), count), (None, format!("1 of 1 by drop; {n} tokens cut")));
    let refused = told(Truncate::Refuse, most).0.expect_err("too long").to_string();
    assert!(refused.starts_with(&format!("record r, format `llama-3`: expected at most {most} tokens, found {n} tokens")), "{refused}");
    let format = format("llama-3", Truncate::Drop);
    assert!(format.rows(&only_asked, &tokenizer, 4096).expect("no error").is_empty());
    assert!(format.tally().told().starts_with("1 of 1 by no-answer"), "{}", format.tally().told());
}
