//! Instruction data: every layout, from JSONL and from Parquet.

use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use tongues_io::{Layout, TextFile};
use tongues_kernel::{Record, Records, Result, Turn, Value};

fn read(lines: &[Json], layout: Layout) -> Result<Vec<Record>> {
    let dir = TempDir::new().expect("a folder");
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    std::fs::write(dir.path().join("a.jsonl"), text).expect("a file");
    let file = TextFile { layout, ..TextFile::new("a", dir.path().join("a.jsonl")).expect("a known ending") };
    let read: Result<Vec<Record>> = file.open().and_then(Iterator::collect);
    let inside = dir.path().display().to_string();
    read.map_err(|e| tongues_kernel::Error::input(e.to_string().replace(&format!("{inside}/"), ""), "", "", ""))
}

fn one(line: Json) -> Record {
    read(&[line], Layout::Auto).expect("a record").remove(0)
}

fn refused(line: Json, layout: Layout) -> String {
    read(&[json!({ "text": "a", "prompt": "p", "completion": "c", "messages": [{ "role": "user", "content": "x" }] }), line], layout)
        .expect_err("refused")
        .to_string()
}

fn turn(role: &str, content: &str) -> Turn {
    (role.into(), content.into())
}

fn turns(turns: &[(&str, &str)]) -> Value {
    Value::Turns(turns.iter().map(|(role, content)| turn(role, content)).collect())
}

fn text(text: &str) -> Value {
    Value::Text(text.into())
}

#[test]
fn messages_are_turns() {
    let record = one(
        json!({ "id": 7, "messages": [{ "role": "user", "content": "a", "name": null }, { "role": "assistant", "content": [{ "type": "text", "text": "b" }] }], "tools": [] }),
    );
    assert_eq!((&*record.id, &record.fields["messages"]), ("7", &turns(&[("user", "a"), ("assistant", "b")])));
    assert_eq!(record.fields.len(), 1);
}

#[test]
fn share_gpt_has_other_names() {
    let line = json!({ "conversations": [{ "from": "human", "value": "a" }, { "from": "gpt", "value": "b", "weight": 1.0 }], "system": "s", "source": "x" });
    let record = one(line);
    assert_eq!(record.fields["messages"], turns(&[("system", "s"), ("user", "a"), ("assistant", "b")]));
    assert_eq!(record.fields["source"], text("x"));
    let own = one(json!({ "conversations": [{ "from": "system", "value": "s" }, { "from": "human", "value": "a" }], "system": "" }));
    assert_eq!(own.fields["messages"], turns(&[("system", "s"), ("user", "a")]));
}

#[test]
fn alpaca_joins_the_input_below_the_instruction() {
    let record = one(json!({ "instruction": "Translate.", "input": "river", "output": "ibai", "history": [["q", "r"]], "system": "s" }));
    assert_eq!(record.fields["messages"], turns(&[("system", "s"), ("user", "q"), ("assistant", "r"), ("user", "Translate.\nriver"), ("assistant", "ibai")]));
    assert_eq!((&record.fields["instruction"], &record.fields["input"], &record.fields["output"]), (&text("Translate."), &text("river"), &text("ibai")));
    let short = one(json!({ "instruction": "Say river.", "input": "", "output": "ibai" }));
    assert_eq!(short.fields["messages"], turns(&[("user", "Say river."), ("assistant", "ibai")]));
}

#[test]
fn prompts_and_completions_are_texts_or_turns() {
    let texts = one(json!({ "prompt": "river:", "completion": " ibai" }));
    assert_eq!((&texts.fields["prompt"], &texts.fields["completion"]), (&text("river:"), &text(" ibai")));
    let lists = one(json!({ "prompt": [{ "role": "user", "content": "a" }], "completion": [{ "role": "assistant", "content": "b" }] }));
    assert_eq!((&lists.fields["prompt"], &lists.fields["completion"]), (&turns(&[("user", "a")]), &turns(&[("assistant", "b")])));
}

#[test]
fn preferences_have_a_prompt_of_their_own_or_begin_alike() {
    let fields = |line: Json| {
        let record = one(line);
        ["prompt", "chosen", "rejected"].map(|name| record.fields[name].clone())
    };
    assert_eq!(fields(json!({ "prompt": "p", "chosen": "c", "rejected": "r" })), [text("p"), text("c"), text("r")]);
    let [user, good, bad] = [("user", "a"), ("assistant", "good"), ("assistant", "bad")];
    let message = |(role, content): (&str, &str)| json!({ "role": role, "content": content });
    let split = [turns(&[user]), turns(&[good]), turns(&[bad])];
    assert_eq!(fields(json!({ "chosen": [message(user), message(good)], "rejected": [message(user), message(bad)] })), split);
    assert_eq!(fields(json!({ "prompt": "a", "chosen": [message(user), message(good)], "rejected": [message(user), message(bad)] })), split);
    assert_eq!(fields(json!({ "prompt": [message(user)], "chosen": [message(good)], "rejected": [message(bad)] })), split);
    assert_eq!(fields(json!({ "prompt": "p", "chosen": [message(good)], "rejected": [message(bad)] })), [text("p"), turns(&[good]), turns(&[bad])]);
}

#[test]
fn other_keys_are_fields_as_before() {
    let record = one(json!({ "text": "a", "prompt": "only this", "conversations": "none" }));
    assert_eq!(record.fields.len(), 3);
    let plain = read(&[json!({ "prompt": "p", "completion": "c", "turns": [{ "role": "user", "content": "a" }] })], Layout::Plain).expect("records").remove(0);
    assert_eq!(plain.fields["turns"], turns(&[("user", "a")]));
}

#[test]
fn what_is_wrong_has_its_line_and_its_turn() {
    let cases = [
        (
            json!({ "messages": [{ "role": "user", "content": "a" }, { "role": "assistant" }] }),
            "a.jsonl:2, key `messages`, turn 2: expected text under `content`, found only role",
        ),
        (
            json!({ "messages": [{ "role": "assistant", "content": "", "tool_calls": [{}] }] }),
            "a.jsonl:2, key `messages`, turn 1: expected a turn of text, found the key `tool_calls`",
        ),
        (json!({ "messages": [{ "role": "user", "content": [{ "type": "image_url" }] }] }), "turn 1: expected parts of text, found a part that is none"),
        (json!({ "messages": [{ "role": "user", "content": "a" }], "tools": [{}] }), "a.jsonl:2, key `tools`: expected a conversation without tools"),
        (json!({ "conversations": [{ "from": "observation", "value": "a" }] }), "turn 1: expected human, gpt or system under `from`, found \"observation\""),
        (json!({ "conversations": [{ "from": "gpt", "value": "a", "weight": 0 }] }), "turn 1: expected turns without weights of their own"),
        (json!({ "instruction": "a", "output": 3 }), "a.jsonl:2, key `output`: expected a text, found 3"),
        (json!({ "chosen": "a", "rejected": "b" }), "a.jsonl:2: expected a `prompt`, or conversations under `chosen` and `rejected`, found two texts alone"),
        (json!({ "prompt": "p", "chosen": "a", "rejected": [{ "role": "assistant", "content": "b" }] }), "expected `chosen` and `rejected` of one kind"),
    ];
    for (line, expected) in cases {
        let told = refused(line.clone(), Layout::Auto);
        assert!(told.contains(expected), "{line}: {told}");
    }
    let told = refused(json!({ "text": "a" }), Layout::PromptCompletion);
    assert!(told.contains("a.jsonl:2: expected the key `prompt` of this layout, found only text\n  help: correct the data's `layout`"), "{told}");
    assert!(refused(json!({ "messages": [] }), Layout::Messages).contains("expected at least one turn, found an empty list"));
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/parquet").join(name)
}

fn table(name: &str) -> Result<Vec<Record>> {
    TextFile::new("p", fixture(name)).expect("a known ending").open().and_then(Iterator::collect)
}

fn rows(key: &str) -> Vec<Record> {
    let rows: Json = serde_json::from_str(&std::fs::read_to_string(fixture("rows.json")).expect("a file")).expect("JSON");
    read(rows[key].as_array().expect("rows"), Layout::Auto).expect("records")
}

#[test]
fn parquet_gives_the_records_of_jsonl_however_it_is_packed() {
    let expected = rows("chats");
    assert_eq!((expected.len(), expected[3].id.as_ref()), (40, "c3"));
    for name in ["none", "snappy", "gzip", "zstd", "snappy-v2", "zstd-v2"] {
        assert_eq!(table(&format!("{name}.parquet")).expect(name), expected, "{name}");
    }
    let preferences = table("preference.parquet").expect("rows");
    assert_eq!(preferences.iter().map(|r| &r.fields).collect::<Vec<_>>(), rows("preferences").iter().map(|r| &r.fields).collect::<Vec<_>>());
    assert_eq!(&*preferences[2].id, "row-3");
}

#[test]
fn columns_of_parquet_are_fields() {
    let plain = table("plain.parquet").expect("rows");
    assert_eq!((plain[0].language.as_deref(), plain[1].language.as_deref()), (Some("eus_Latn"), None));
    let told: Vec<String> = plain[0].fields.iter().map(|(name, value)| format!("{name} {value:?}")).collect();
    assert_eq!(
        told,
        ["day Text(\"2024-07-26\")", "flag Flag(true)", "n Number(1.0)", "share Number(0.5)", "tags List([Text(\"a\"), Text(\"b\")])", "text Text(\"one\")"]
    );
    let file = TextFile { columns: Some(vec!["text".into()]), limit: Some(1), ..TextFile::new("p", fixture("plain.parquet")).expect("a known ending") };
    let kept: Vec<Record> = file.open().and_then(Iterator::collect).expect("rows");
    assert_eq!((kept.len(), kept[0].fields.len()), (1, 1));
}

#[test]
fn parquet_that_cannot_be_read_says_why() {
    let packed = table("lz4.parquet").expect_err("a codec that is not read").to_string();
    assert!(
        packed.contains("lz4.parquet: expected a whole Parquet file")
            && packed.contains("where snappy, gzip and zstd are read")
            && packed.contains("compression='zstd'"),
        "{packed}"
    );
    let bytes = table("bytes.parquet").expect_err("no text").to_string();
    assert!(bytes.contains("bytes.parquet, row 1: column `raw`") && bytes.contains("found bytes that are not UTF-8"), "{bytes}");
}

#[test]
fn no_damage_to_a_parquet_file_is_more_than_an_error() {
    let dir = TempDir::new().expect("a folder");
    let path = dir.path().join("a.parquet");
    for name in ["snappy.parquet", "zstd-v2.parquet"] {
        let good = std::fs::read(fixture(name)).expect("a file");
        for at in (0..good.len()).step_by(37) {
            let mut bad = good.clone();
            bad[at] ^= 0x5a;
            std::fs::write(&path, &bad).expect("written");
            let file = TextFile::new("a", &path).expect("a known ending");
            let _ = file.open().map(Iterator::count);
        }
        std::fs::write(&path, &good[..good.len() / 2]).expect("written");
        assert!(TextFile::new("a", &path).expect("a known ending").open().is_err());
    }
}
