//! Texts and learned ranges: those of transformers and TRL where a fixture has them.

use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;
use tongues_formats::{Body, ChatTemplate, Date, Loss, Options, Rendered, Strings, TextFormat, Truncate, syntax};
use tongues_kernel::{Fault, Format as _, Record, Turn, Value};

const TEMPLATES: [&str; 10] =
    ["llama-3", "llama-3.1", "llama-3-training", "qwen2.5", "qwen2.5-training", "gemma-2", "gemma-2-training", "mistral-v0.3", "chatml", "chatml-training"];

fn read(name: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/chat").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn template(source: &str, tokens: Json) -> ChatTemplate {
    ChatTemplate::new(source, tokens.as_object().expect("tokens"), None, "test").expect("a template")
}

fn turns(messages: &Json) -> Vec<Turn> {
    let turn = |m: &Json| -> Turn { (m["role"].as_str().expect("role").into(), m["content"].as_str().expect("content").into()) };
    messages.as_array().expect("turns").iter().map(turn).collect()
}

fn record(messages: Json) -> Record {
    Record { id: "r".into(), fields: [("messages".into(), Value::Turns(turns(&messages)))].into(), ..Record::default() }
}

fn format(body: Body, loss: Loss, system: Option<&str>) -> TextFormat {
    TextFormat::new(body, Options { name: "f".into(), loss, truncate: Truncate::Refuse, system: system.map(String::from) })
}

fn learned(format: &TextFormat, record: &Record) -> Vec<String> {
    let rendered: Rendered = format.rendered(record).expect("a text").remove(0).1;
    rendered.learned.iter().map(|span| rendered.text[span.clone()].to_owned()).collect()
}

#[test]
fn texts_are_those_of_transformers() {
    for name in TEMPLATES {
        let fixture: Json = serde_json::from_str(&read(&format!("{name}.json"))).expect("JSON");
        let template = template(&read(&format!("templates/{name}.jinja")), fixture["tokens"].clone());
        for case in fixture["cases"].as_array().expect("cases") {
            let (turns, place) = (turns(&case["messages"]), format!("{name}, {}", case["conversation"]));
            match case["error"].as_str() {
                Some(error) => {
                    let refused = template.render(&turns, false).expect_err(&place);
                    assert!(refused.fault() == Fault::Input && refused.to_string().contains(error), "{place}: {refused}");
                }
                None => {
                    assert_eq!(template.render(&turns, false).expect(&place).0, case["text"], "{place}");
                    assert_eq!(template.render(&turns, true).expect(&place).0, case["open"], "{place}");
                }
            }
        }
    }
}

#[test]
fn answers_are_learned_to_the_end_of_their_turn() {
    let messages = json!([
        { "role": "system", "content": "S" }, { "role": "user", "content": "A" }, { "role": "assistant", "content": "B" },
        { "role": "user", "content": "C" }, { "role": "assistant", "content": "D" }
    ]);
    let chatml = |loss, system| format(Body::Chat(template(&read("templates/chatml.jinja"), json!({}))), loss, system);
    assert_eq!(learned(&chatml(Loss::Assistant, None), &record(messages.clone())), ["B<|im_end|>\n", "D<|im_end|>\n"]);
    assert_eq!(learned(&chatml(Loss::Target, None), &record(messages.clone())), ["D<|im_end|>\n"]);
    let marked = format(Body::Chat(template(&read("templates/chatml-training.jinja"), json!({}))), Loss::Target, None);
    assert_eq!(learned(&marked, &record(messages.clone())), ["D<|im_end|>"]);
    let all = chatml(Loss::All, None).rendered(&record(messages)).expect("a text").remove(0).1;
    assert_eq!((all.learned[0].clone(), &all.text[all.answer..]), (0..all.text.len(), "D<|im_end|>\n"));
}

#[test]
fn the_system_turn_of_the_format_is_for_conversations_without_one() {
    let chat = || Body::Chat(template("{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}", json!({})));
    let format = format(chat(), Loss::Assistant, Some("be brief"));
    let text = |messages: Json| format.rendered(&record(messages)).expect("a text").remove(0).1.text;
    let two = json!([{ "role": "user", "content": "a" }, { "role": "assistant", "content": "b" }]);
    assert_eq!(text(two), "system:be brief;user:a;assistant:b;");
    let own = json!([{ "role": "system", "content": "S" }, { "role": "user", "content": "a" }, { "role": "assistant", "content": "b" }]);
    assert_eq!(text(own), "system:S;user:a;assistant:b;");
}

#[test]
fn prompts_of_a_conversation_are_never_learned_where_the_record_says_its_answer() {
    let turn = |role: &str, content: &str| -> Turn { (role.into(), content.into()) };
    let prompt = Value::Turns(vec![turn("user", "a"), turn("assistant", "example"), turn("user", "b")]);
    let fields = [("prompt".into(), prompt), ("chosen".into(), Value::Text("good".into())), ("rejected".into(), Value::Text("bad".into()))];
    let record = Record { id: "r".into(), fields: fields.into(), ..Record::default() };
    let chat = template("{% for m in messages %}[{{ m.role }}]{{ m.content }}|{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}", json!({}));
    let rows = format(Body::Chat(chat), Loss::Assistant, None).rendered(&record).expect("two texts");
    let told: Vec<(String, String)> = rows.iter().map(|(name, r)| (name.to_string(), r.learned.iter().map(|s| &r.text[s.clone()]).collect())).collect();
    assert_eq!(told, [("chosen".into(), "good|".into()), ("rejected".into(), "bad|".into())]);
}

#[test]
fn a_template_that_rewrites_earlier_turns_is_refused_and_says_what_to_do() {
    let source = read("templates/mistral-v0.3.jinja").replace("loop.first and system_message", "loop.last and system_message");
    let tokens = json!({ "bos_token": "<s>", "eos_token": "</s>" });
    let messages = json!([{ "role": "system", "content": "S" }, { "role": "user", "content": "a" }, { "role": "assistant", "content": "b" }]);
    let told = format(Body::Chat(template(&source, tokens)), Loss::Assistant, None).rendered(&record(messages)).expect_err("a broken prefix").to_string();
    assert!(told.starts_with("record r: test: expected a template that writes a turn the same whatever follows it"), "{told}");
    assert!(told.contains("from byte 10 on") && told.contains("{% generation %}"), "{told}");
    // Where everything is learned, the earlier turns need not stay the same.
    let all = format(Body::Chat(template(&source, json!({ "bos_token": "<s>", "eos_token": "</s>" }))), Loss::All, None);
    let messages = json!([{ "role": "system", "content": "S" }, { "role": "user", "content": "a" }, { "role": "assistant", "content": "b" }]);
    assert_eq!(learned(&all, &record(messages)), ["<s>[INST] a[/INST] b</s>"]);
    let alone = json!([{ "role": "assistant", "content": "b" }]);
    let told = format(Body::Chat(template("{{ messages }}", json!({}))), Loss::Assistant, None).rendered(&record(alone)).expect_err("no question").to_string();
    assert!(told.contains("a question before the first answer"), "{told}");
}

#[test]
fn endless_and_huge_templates_are_input_errors() {
    let refused = |source: &str| {
        let error = template(source, json!({})).render(&turns(&json!([{ "role": "user", "content": "a" }])), false).expect_err(source);
        assert_eq!(error.fault(), Fault::Input);
        error.to_string()
    };
    let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
    assert!(refused(endless).contains("expected a template that comes to an end, found one that goes on and on"));
    let huge = "{% for a in range(9999) %}{{ 'a' * 10000 }}{% endfor %}";
    assert!(refused(huge).contains("expected at most 1048616 bytes of text, found more") || refused(huge).contains("comes to an end"), "{}", refused(huge));
    let doubling = "{% set ns = namespace(x='aaaaaaaaaa') %}{% for a in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}";
    assert!(refused(doubling).contains("comes to an end"), "{}", refused(doubling));
    let deep = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}";
    assert!(refused(deep).contains("expected"));
}

#[test]
fn words_and_methods_are_pythons() {
    let written =
        |source: &str| template(source, json!({ "bos_token": { "content": "<s>" } })).render(&turns(&json!([{ "role": "user", "content": " é<b> " }])), true);
    let cases = [
        ("{{ true }} {{ none }} {{ add_generation_prompt }} {{ tools is none }} {{ missing }}", "True None True True "),
        ("{{ messages[0] | tojson }}", "{\"role\": \"user\", \"content\": \" é<b> \"}"),
        ("{{ [1, {'a': true}] | tojson(indent=2) }}", "[\n  1,\n  {\n    \"a\": true\n  }\n]"),
        ("{{ messages[0].content.strip().upper().startswith('É') }}|{{ messages[0].get('x', 'y') }}", "True|y"),
        ("{% for k, v in messages[0].items() %}{{ k }}={{ v.split('<')[0] }};{% endfor %}", "role=user;content= é;"),
        ("{% for i in range(9) %}{% if i == 1 %}{% continue %}{% endif %}{% if i == 3 %}{% break %}{% endif %}{{ i }}{% endfor %}", "02"),
        ("{{ bos_token }}{{ strftime_now is defined }}", "<s>False"),
        ("a\n  {% if true %}\nb\n  {% endif %}\nc\n", "a\nb\nc"),
    ];
    for (source, expected) in cases {
        assert_eq!(written(source).expect(source).0, expected, "{source}");
    }
    let raised = written("x\n{{ raise_exception('no system turns') }}").expect_err("raised").to_string();
    assert!(raised.starts_with("test, line 2: expected a record that the template takes, found no system turns"), "{raised}");
}

#[test]
fn a_date_is_given_or_absent() {
    let source = "{% if strftime_now is defined %}{{ strftime_now('%d %b %Y') }}{% else %}26 Jul 2024{% endif %}";
    let with = |date| ChatTemplate::new(source, &Map::new(), date, "test").expect("a template").render(&[], false).expect("a text").0;
    assert_eq!((with(None), with(Date::parse("2025-01-03"))), ("26 Jul 2024".into(), "03 Jan 2025".into()));
}

#[test]
fn templates_are_found_in_tokenizer_config() {
    let found = |config: Json| {
        ChatTemplate::of_config(config.as_object().expect("an object"), None, "tokenizer_config.json").map(|t| t.render(&[], false).expect("a text").0)
    };
    assert_eq!(found(json!({ "chat_template": "one" })).expect("text"), "one");
    let list = json!({ "chat_template": [{ "name": "tool_use", "template": "two" }, { "name": "default", "template": "three" }] });
    assert_eq!(found(list).expect("text"), "three");
    let none = found(json!({})).expect_err("none").to_string();
    assert!(none.starts_with("tokenizer_config.json, key `chat_template`: expected a chat template, found none") && none.contains("[formats.NAME]"), "{none}");
    assert!(found(json!({ "chat_template": [{ "name": "rag", "template": "x" }] })).expect_err("no default").to_string().contains("found rag"));
    assert!(
        found(json!({ "chat_template": "a\n{% if %}" })).expect_err("broken").to_string().contains("key `chat_template`, line 2: expected a Jinja template")
    );
}

#[test]
fn strings_write_fields_and_learn_the_target() {
    let strings = Strings::new("Translate:\n{{ source }}\n", Some("{{ target }} ({{ n }})"), "formats.mt").expect("templates");
    let text = |name: &'static str, text: &str| (name.into(), Value::Text(text.into()));
    let fields = [text("source", "river"), text("target", "ibai"), ("n".into(), Value::Number(2.0))];
    let record = Record { id: "r".into(), fields: fields.into(), ..Record::default() };
    let rendered = format(Body::Strings(strings.clone()), Loss::Target, None).rendered(&record).expect("a text").remove(0).1;
    assert_eq!((rendered.text.as_str(), &rendered.text[rendered.learned[0].clone()]), ("Translate:\nriver\nibai (2)", "ibai (2)"));
    assert_eq!(format(Body::Strings(strings.clone()), Loss::Target, None).answer(&record).expect("fields"), Some("ibai (2)".into()));
    let missing = strings.prompt(&Record::of_text("q", "x")).expect_err("no source").to_string();
    assert!(missing.starts_with("record q, formats.mt.prompt (its fields are text), line 2: expected a template that can be rendered"), "{missing}");
    let broken = Strings::new("a {{ b", None, "formats.mt").expect_err("broken").to_string();
    assert!(broken.starts_with("formats.mt.prompt, line 1: expected a Jinja template"), "{broken}");
    assert_eq!(syntax("a\n{% for %}").expect_err("broken").line, Some(2));
}
