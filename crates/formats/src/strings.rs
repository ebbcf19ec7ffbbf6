//! `prompt` and `target` of a recipe: a record's fields as text.

use crate::environment::{Dialect, Wrong, environment, render};
use crate::row::Rendered;
use minijinja::value::Serde;
use minijinja::{Environment, Value as JinjaValue};
use serde_json::{Map, Value as Json, json};
use tongues_kernel::{Error, Record, Result, Value};

/// Two templates over the fields of a record.
#[derive(Clone, Debug)]
pub struct Strings {
    prompt: Environment<'static>,
    target: Option<Environment<'static>>,
    at: String,
}

impl Strings {
    /// From the texts of the templates; `at` is where they lie, for messages (`formats.mt`).
    ///
    /// # Errors
    /// A template cannot be read.
    pub fn new(prompt: &str, target: Option<&str>, at: &str) -> Result<Self> {
        let read = |source: &str, key: &str| {
            environment(source, Dialect::Recipe, None).map_err(|Wrong { line, found }| {
                let line = line.map_or_else(String::new, |line| format!(", line {line}"));
                Error::input(format!("{at}.{key}{line}"), "a Jinja template", found, "correct the template")
            })
        };
        Ok(Self { prompt: read(prompt, "prompt")?, target: target.map(|target| read(target, "target")).transpose()?, at: at.into() })
    }

    /// The prompt of a record.
    ///
    /// # Errors
    /// The record lacks a field, or the template fails.
    pub fn prompt(&self, record: &Record) -> Result<String> {
        self.written(&self.prompt, record, "prompt")
    }

    /// The target of a record, where the format has one.
    ///
    /// # Errors
    /// The record lacks a field, or the template fails.
    pub fn answer(&self, record: &Record) -> Result<Option<String>> {
        self.target.as_ref().map(|target| self.written(target, record, "target")).transpose()
    }

    /// Prompt and target of a record, of which the target is learned.
    ///
    /// # Errors
    /// There is no target, the record lacks a field, or a template fails.
    pub fn render(&self, record: &Record) -> Result<Rendered> {
        let Some(target) = &self.target else {
            return Err(Error::input(format!("{}.target", self.at), "a template of what is learned", "none", "write for example `target = \"{{ answer }}\"`"));
        };
        let mut text = self.prompt(record)?;
        let answer = text.len();
        text += &self.written(target, record, "target")?;
        let learned = (text.len() > answer).then_some(answer..text.len()).into_iter().collect();
        Ok(Rendered { text, learned, answer, framed: true })
    }

    fn written(&self, env: &Environment<'static>, record: &Record, key: &str) -> Result<String> {
        let fields = fields(record);
        let size = fields.to_string().len();
        let names = || record.fields.keys().map(|name| &**name).collect::<Vec<_>>().join(", ");
        let at = format!("record {}, {}.{key} (its fields are {})", record.id, self.at, names());
        render(env, JinjaValue::from(Serde(fields)), size, &at)
    }
}

/// What a template may name, and a line of a `.jsonl` that reads as this record again (but for turns and spans, which are read by a
/// `layout` or not at all): the record's fields, `id` and `language`.
pub fn fields(record: &Record) -> Json {
    let mut map = Map::from_iter([("id".to_owned(), json!(&*record.id))]);
    if let Some(language) = &record.language {
        map.insert("language".into(), json!(&**language));
    }
    // A field of one of these names counts before them.
    map.extend(record.fields.iter().map(|(name, value)| (name.to_string(), plain(value))));
    Json::Object(map)
}

fn plain(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(&**text),
        Value::Turns(turns) => turns.iter().map(|(role, content)| json!({ "role": &**role, "content": &**content })).collect(),
        // A whole number is written without its point.
        Value::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => json!(*number as i64),
        Value::Number(number) => json!(number),
        Value::Flag(flag) => json!(flag),
        Value::List(values) => values.iter().map(plain).collect(),
        Value::Spans(spans) => spans.iter().map(|(range, label)| json!({ "start": range.start, "end": range.end, "label": &**label })).collect(),
        Value::Record(record) => fields(record),
    }
}
