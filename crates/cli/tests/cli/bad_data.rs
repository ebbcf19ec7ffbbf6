//! Mistakes in data files: place, expectation, remedy, exit code 2, nothing left behind.

use crate::support::Desk;

fn recipe(split: &str) -> String {
    format!(
        r#"
recipe = 1
name = "data"
[data.a]
path = "a.tsv"
{split}
[tokenizers.t]
train = {{ size = 260, data = "{}" }}
[models.fresh]
scratch = {{ use = "llama", tokenizer = "t", hidden_size = 16, intermediate_size = 16, num_hidden_layers = 1, num_attention_heads = 2 }}
[[stage]]
name = "base"
train = {{ model = "fresh", data = "{}", budget = {{ steps = 1 }}, learning_rate = 1e-3 }}
objectives = [{{ use = "causal-lm" }}]
"#,
        if split.is_empty() { "a" } else { "a.train" },
        if split.is_empty() { "a" } else { "a.train" },
    )
}

fn desk(split: &str, bytes: Option<&[u8]>) -> Desk {
    let desk = Desk::with(&recipe(split));
    if let Some(bytes) = bytes {
        desk.file("a.tsv", bytes);
    }
    desk
}

#[test]
fn a_missing_file_is_named() {
    desk("", None).run_refused(&["a.tsv", "help"]);
}

#[test]
fn an_empty_file_is_refused() {
    desk("", Some(b"")).run_refused(&["a.tsv", "at least one"]);
}

#[test]
fn invalid_utf8_names_the_line() {
    desk("", Some(b"1\tgood\n2\tgood\n3\tb\xffd\n")).run_refused(&["a.tsv:3", "UTF-8", "0xff"]);
}

#[test]
fn a_wrong_number_of_columns_names_the_line() {
    desk("", Some(b"1\tgood\n2\tone\ttoo many\n")).run_refused(&["a.tsv:2", "column"]);
}

#[test]
fn one_row_cannot_be_split() {
    desk("split = { dev = 0.1 }", Some(b"b.A.1.1\tone line\n")).run_refused(&["split", "help"]);
}

#[test]
fn a_missing_field_says_how_to_name_it() {
    let desk = Desk::with(&recipe("").replace("a.tsv", "a.jsonl"));
    desk.file("a.jsonl", b"{\"content\": \"x\"}\n");
    desk.run_refused(&["text", "content"]);
}
