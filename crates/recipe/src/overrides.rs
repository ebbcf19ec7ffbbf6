//! `--set key.path=value`: values from the command line put into the document before it is checked.
//!
//! Tables on the way are made where they are missing. A list is entered by index, the list of stages also by the name
//! a stage has before its sweep is expanded.

use crate::diagnostics::{Finding, Report};
use crate::node::{Content, Node, from_value};
use crate::place::{Origin, Source};
use serde_json::Value as Json;
use std::sync::Arc;
use tongues_kernel::nearest;

/// No recipe nests deeper; a longer path is a mistake.
const DEEPEST: usize = 32;

/// Applies all overrides in order; the last one wins.
pub(crate) fn apply(root: &mut Node, overrides: &[String], report: &mut Report<'_>) {
    for argument in overrides {
        match split(argument) {
            Ok((key, path, value)) => {
                let origin = Origin::Set(Arc::from(key.as_str()));
                let mut value = read(value);
                paint(&mut value, &origin);
                if let Err(finding) = put(root, &path, value, 0) {
                    report.push(&origin, path.join("."), finding);
                }
            }
            Err(finding) => report.push(&Origin::Set(Arc::from(argument.as_str())), String::new(), finding),
        }
    }
}

/// Key as written, key as path, value as text.
fn split(argument: &str) -> Result<(String, Vec<String>, &str), Finding> {
    let form =
        || Finding::new("key.path=value", format!("the text {argument:?}"), "write for example --set seed=3, or --set 'stage.adapt.train.learning_rate=1e-3'");
    let (key, value) = argument.split_once('=').ok_or_else(form)?;
    let keys = toml_edit::Key::parse(key.trim()).map_err(|_| form())?;
    let path: Vec<String> = keys.iter().map(|k| k.get().to_owned()).collect();
    if path.len() > DEEPEST {
        return Err(Finding::new(format!("at most {DEEPEST} keys"), path.len().to_string(), "shorten the path"));
    }
    Ok((key.trim().to_owned(), path, value.trim()))
}

/// The value as TOML; as text where it is no TOML, or a TOML value that no recipe key takes (a date, infinity).
fn read(value: &str) -> Node {
    let source = Source { file: String::new(), text: String::new() };
    let mut problems = Report::new(&source);
    let parsed = value.parse::<toml_edit::Value>().ok().and_then(|v| from_value(&v, "", &mut problems));
    match parsed {
        Some(node) if problems.is_empty() => node,
        _ => Node::new(Origin::Unknown, Content::Leaf(Json::from(value))),
    }
}

/// Gives the whole tree one origin.
fn paint(node: &mut Node, origin: &Origin) {
    (node.key, node.at) = (origin.clone(), origin.clone());
    match &mut node.content {
        Content::Table(entries) => entries.iter_mut().for_each(|(_, n)| paint(n, origin)),
        Content::List(items) => items.iter_mut().for_each(|n| paint(n, origin)),
        Content::Leaf(_) => {}
    }
}

fn put(node: &mut Node, path: &[String], value: Node, depth: usize) -> Result<(), Finding> {
    let Some(key) = path.get(depth) else {
        let key = std::mem::take(&mut node.key);
        *node = Node { key, ..value };
        return Ok(());
    };
    let is_stages = depth == 1 && path[0] == "stage";
    match &mut node.content {
        Content::Table(entries) => {
            let i = entries.iter().position(|(k, _)| k == key).unwrap_or_else(|| {
                let made = Node { key: value.at.clone(), at: value.at.clone(), content: Content::default() };
                entries.push((key.clone(), made));
                entries.len() - 1
            });
            put(&mut entries[i].1, path, value, depth + 1)
        }
        Content::List(items) => {
            let i = element(items, key, is_stages)?;
            put(&mut items[i], path, value, depth + 1)
        }
        Content::Leaf(leaf) => {
            let remedy = format!("`{}` holds no keys; set it as a whole", path[..depth].join("."));
            Err(Finding::new(format!("a table with the key `{key}`"), leaf.to_string(), remedy))
        }
    }
}

/// The index a path's key means in a list.
fn element(items: &[Node], key: &str, is_stages: bool) -> Result<usize, Finding> {
    let name = |n: &Node| n.get("name").and_then(Node::text).map(str::to_owned);
    let names: Vec<String> = if is_stages { items.iter().filter_map(name).collect() } else { vec![] };
    let by_name = items.iter().position(|n| is_stages && name(n).as_deref() == Some(key));
    let by_index = key.parse::<usize>().ok().filter(|i| *i < items.len());
    by_name.or(by_index).ok_or_else(|| {
        let indices = match items.len() {
            0 => "no index, for the list is empty".to_owned(),
            n => format!("an index from 0 to {}", n - 1),
        };
        let expected = if names.is_empty() { indices } else { format!("one of the stages {}, or {indices}", names.join(", ")) };
        let near = nearest(key, names.iter().map(String::as_str));
        Finding::new(expected, format!("`{key}`"), near.map_or(String::new(), |n| format!("did you mean `{n}`?")))
    })
}
