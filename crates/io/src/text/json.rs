//! JSONL: one object a line, its keys the record's fields; and rows of tables that came as objects.

use std::{path::PathBuf, sync::Arc};

use super::{layout::Layout, line_id, lines::Lines};
use crate::config::{kind, plain};
use crate::parquet;
use serde_json::{Map, Value as Json};
use tongues_kernel::{Error, Name, Record, Result, Value, refuse};

/// Which keys are read, and as what.
#[derive(Clone, Copy)]
pub(super) struct Keys<'k> {
    /// Only these fields, and every one of them must be there.
    pub(super) only: Option<&'k [String]>,
    pub(super) layout: Layout,
}

/// The records of a JSONL file.
pub(super) fn rows(lines: Lines, keys: Keys<'_>) -> impl Iterator<Item = Result<Record>> {
    let path: PathBuf = lines.path().to_owned();
    let filled = lines.filter(|line| !matches!(line, Ok(line) if line.text.trim().is_empty()));
    filled.map(move |line| {
        let line = line?;
        let at = Lines::place(&path, line.number);
        whole(object(&line.text, &at)?, keys, line_id(line.number), &at)
    })
}

/// The records of a Parquet file.
pub(super) fn table(rows: parquet::Rows, path: String, keys: Keys<'_>) -> impl Iterator<Item = Result<Record>> {
    rows.map(move |row| {
        let (number, object) = row?;
        whole(object, keys, format!("row-{number}").into(), &format!("{path}, row {number}"))
    })
}

/// The record of an object; `id` is for those that have none.
fn whole(mut object: Map<String, Json>, keys: Keys<'_>, id: Name, at: &str) -> Result<Record> {
    let fields = keys.layout.take(&mut object, at)?;
    let mut record = record(object, at)?;
    record.fields.extend(fields);
    if record.id.is_empty() {
        record.id = id;
    }
    keys.only.map_or(Ok(()), |only| keep(&mut record, only, at))?;
    Ok(record)
}

fn object(text: &str, at: &str) -> Result<Map<String, Json>> {
    let parsed = serde_json::from_str(text).map_err(|e| {
        let remedy = "a line holds one whole JSON object; for a JSON list: `jq -c '.[]' OLD > NEW`";
        Error::input(format!("{at}:{}", e.column()), "a JSON object", plain(&e), remedy)
    })?;
    match parsed {
        Json::Object(map) => Ok(map),
        other => {
            let remedy = "for a file that is one JSON list: `jq -c '.[]' OLD > NEW`";
            refuse(at, "a JSON object", kind(&other), remedy)
        }
    }
}

/// A record of an object: `id` and `language` to their places, null left out, the rest fields.
fn record(object: Map<String, Json>, at: &str) -> Result<Record> {
    let mut record = Record::default();
    for (key, value) in object {
        match (key.as_str(), value) {
            (_, Json::Null) => {}
            ("id", Json::String(id)) => record.id = id.into(),
            ("id", Json::Number(id)) => record.id = id.to_string().into(),
            ("id", other) => return refuse(at, "text or a number under `id`", kind(&other), ""),
            ("language", Json::String(language)) => record.language = Some(language.into()),
            ("language", other) => return refuse(at, "text under `language`", kind(&other), ""),
            (_, value) => drop(record.fields.insert(key.into(), field(value, at)?)),
        }
    }
    Ok(record)
}

fn field(value: Json, at: &str) -> Result<Value> {
    Ok(match value {
        Json::String(text) => Value::Text(Arc::from(text)),
        Json::Bool(flag) => Value::Flag(flag),
        Json::Number(number) => Value::Number(number.as_f64().unwrap_or(f64::NAN)),
        Json::Array(items) => match turns(&items) {
            Some(turns) => Value::Turns(turns),
            None => Value::List(items.into_iter().map(|item| field(item, at)).collect::<Result<_>>()?),
        },
        Json::Object(map) => Value::Record(Box::new(record(map, at)?)),
        Json::Null => return refuse(at, "values in a list", "null", "leave the entry out"),
    })
}

/// A conversation: objects that have a role and a content, and nothing else.
fn turns(items: &[Json]) -> Option<Vec<(Name, Arc<str>)>> {
    let turn = |item: &Json| {
        let map = item.as_object().filter(|map| map.len() == 2)?;
        Some((Name::from(map.get("role")?.as_str()?), Arc::from(map.get("content")?.as_str()?)))
    };
    items.iter().map(turn).collect::<Option<Vec<_>>>().filter(|turns| !turns.is_empty())
}

fn keep(record: &mut Record, keys: &[String], at: &str) -> Result<()> {
    let here = |k: &str| record.fields.contains_key(k) || matches!(k, "id" | "language" | "_");
    if let Some(key) = keys.iter().find(|k| !here(k)) {
        let have: Vec<&str> = record.fields.keys().map(|k| &**k).collect();
        return refuse(at, format!("the key `{key}`, as in `columns`"), format!("only {}", have.join(", ")), "");
    }
    record.fields.retain(|name, _| keys.iter().any(|k| **k == **name));
    Ok(())
}
