//! Formats: their keys, their templates, and references to them.

mod common;

use common::{GOOD, load, problems};

const FORMATS: &str = r#"
[formats.mt]
prompt = "Translate:\n{{ source }}\n"
target = "{{ target }}"
loss = "target"

[formats.talk]
chat = true
system = "Be brief."
date = "2025-01-31"
truncate = "cut-left"
"#;

fn good() -> String {
    let used = GOOD.replacen("data = \"corpus.train\", budget", "data = \"corpus.train\", format = \"mt\", budget", 1);
    let used = used.replacen("data = \"corpus.dev\", limit", "data = \"corpus.dev\", format = \"chat\", limit", 1);
    used.replacen("prompts = [\"Kaixo\"]", "prompts = [\"Kaixo\"], format = \"talk\"", 1) + FORMATS
}

/// One piece replaced gives exactly this problem.
#[track_caller]
fn wrong(old: &str, new: &str, expected: &[&str]) {
    assert!(good().contains(old), "{old:?}");
    assert_eq!(problems(&good().replacen(old, new, 1)), expected, "{old:?} replaced by {new:?}");
}

#[test]
fn formats_are_read_and_written() {
    let recipe = load(&good()).expect("a good recipe").recipe;
    let written = tongues_recipe::resolved(&recipe).expect("TOML");
    assert_eq!(tongues_recipe::resolved(&load(&written).expect("the same").recipe).expect("TOML"), written);
    assert!(written.contains("truncate = \"cut-left\"") && written.contains("chat = true"), "{written}");
}

#[test]
fn references_are_checked() {
    wrong(
        "format = \"mt\", budget",
        "format = \"mtt\", budget",
        &["r.toml:24:59: stage.adapt.train.format: expected the name of a format: one of chat, mt, talk, found \"mtt\" | did you mean \"mt\"?"],
    );
    wrong(
        "format = \"chat\", limit",
        "format = \"chatt\", limit",
        &["r.toml:35:101: stage.score.evaluate.on.0.format: expected the name of a format: one of chat, mt, talk, found \"chatt\" | did you mean \"chat\"?"],
    );
    wrong(
        "format = \"talk\"",
        "format = \"base\"",
        &["r.toml:39:59: stage.write.generate.format: expected the name of a format: one of chat, mt, talk, found \"base\" | describe it under [formats.base]"],
    );
}

#[test]
fn keys_go_together() {
    wrong(
        "loss = \"target\"",
        "loss = \"assistant\"\nsystem = \"S\"",
        &[
            "r.toml:44:8: formats.mt.loss: expected \"target\" or \"all\", found \"assistant\", which is for chats | write `loss = \"target\"`",
            "r.toml:45:1: formats.mt.system: expected keys of a format with `prompt`, found `system`, which is for chats | write it into the `prompt`",
        ],
    );
    wrong(
        "chat = true",
        "chat = false",
        &["r.toml:47:8: formats.talk.chat: expected true, or the file of a chat template, found false | write `chat = true`, or `prompt` and `target`"],
    );
    wrong(
        "chat = true",
        "chat = true\ntarget = \"x\"",
        &[
            "r.toml:48:1: formats.talk.target: expected keys of a chat, found `target`, which goes with `prompt` | take it out; the assistant's turns are learned",
        ],
    );
    wrong("chat = true\n", "", &["r.toml:46:1: formats.talk: expected exactly one of prompt, chat, found none of them"]);
    wrong(
        "chat = true",
        "chat = true\nprompt = \"x\"",
        &["r.toml:47:1: formats.talk.chat: expected exactly one of prompt, chat, found prompt and chat | keep one of them"],
    );
    wrong("2025-01-31", "31 January", &["r.toml:49:8: formats.talk.date: expected a day such as \"2025-01-31\", found \"31 January\""]);
    wrong(
        "truncate = \"cut-left\"",
        "truncate = \"cut\"",
        &["r.toml:50:12: formats.talk.truncate: expected one of \"refuse\", \"drop\", \"cut-left\", \"cut-right\", found \"cut\""],
    );
    wrong(
        "system = \"Be",
        "sytem = \"Be",
        &[
            "r.toml:48:1: formats.talk.sytem: expected one of prompt, target, chat, system, date, loss, truncate, found the unknown key `sytem` | did you mean `system`?",
        ],
    );
}

#[test]
fn templates_are_read() {
    wrong(
        "{{ source }}",
        "{{ source",
        &[
            "r.toml:42:10: formats.mt.prompt: expected a Jinja template, found on line 2 of the template syntax error: unexpected end of input, expected end of variable block | see https://jinja.palletsprojects.com for the syntax",
        ],
    );
    wrong(
        "{{ target }}",
        "{% for %}",
        &[
            "r.toml:43:10: formats.mt.target: expected a Jinja template, found on line 1 of the template syntax error: unexpected end of block, expected in | see https://jinja.palletsprojects.com for the syntax",
        ],
    );
}

#[test]
fn a_stage_generates_from_prompts_or_data() {
    wrong("prompts = [\"Kaixo\"], ", "", &["r.toml:39:12: stage.write.generate: expected exactly one of prompts, data, found none of them"]);
    wrong(
        "prompts = [\"Kaixo\"], ",
        "prompts = [\"Kaixo\"], data = \"toy\", ",
        &["r.toml:39:50: stage.write.generate.data: expected exactly one of prompts, data, found prompts and data | keep one of them"],
    );
    wrong(
        "prompts = [\"Kaixo\"], ",
        "prompts = [\"Kaixo\"], limit = 3, ",
        &["r.toml:39:50: stage.write.generate.limit: expected keys of prompts, found `limit`, which is for `data` | take it out"],
    );
    wrong(
        "path = \"corpus.tsv\"",
        "path = \"corpus.tsv\"\nlayout = \"sharegtp\"",
        &[
            "r.toml:16:10: data.corpus.layout: expected one of \"auto\", \"text\", \"messages\", \"sharegpt\", \"alpaca\", \"prompt-completion\", \"preference\", found \"sharegtp\" | did you mean \"sharegpt\"?",
        ],
    );
}

#[test]
fn shots_need_data_and_a_format_that_writes_them() {
    let old = "data = \"corpus.dev\", format = \"chat\", limit";
    let with = |keys: &str| format!("data = \"corpus.dev\", {keys}, limit");
    let told = |keys: &str| -> Vec<String> {
        let found = problems(&good().replacen(old, &with(keys), 1));
        found.iter().map(|p| p.split_once("evaluate.on.0.").unwrap_or_else(|| panic!("{p}")).1.to_owned()).collect()
    };
    assert_eq!(told("format = \"mt\", shots = 2, shots_from = \"corpus.train\", shots_order = \"drawn\", shots_between = \"\\n\""), [""; 0]);
    assert_eq!(told("shots_order = \"first\""), ["shots_order: expected `shots` beside it, found none | add for example `shots = 5`"]);
    assert_eq!(
        told("shots = 2"),
        [
            "shots: expected `shots_from`: the data set that examples are taken from, found none | add `shots_from = \"NAME\"`",
            "shots: expected a `format` that writes prompt and target, found none | add `format`",
        ]
    );
    let chat = [
        "format: expected a format with `prompt` and `target`, for `shots`, found a chat template | name a format with `prompt` and `target`, or take `shots` out",
    ];
    for name in ["chat", "talk"] {
        assert_eq!(told(&format!("format = \"{name}\", shots = 2, shots_from = \"corpus.train\"")), chat);
    }
    let unknown = told("format = \"mt\", shots = 2, shots_from = \"corpus.trian\"");
    assert!(unknown.len() == 1 && unknown[0].starts_with("shots_from: expected the name of"), "{unknown:?}");
}
