//! The document as a tree of values that know where they were written.
//!
//! Overrides and sweeps rewrite this tree; every copy keeps its origin, so a problem in an expanded stage still points
//! at the line it came from.

use crate::diagnostics::{Finding, Report};
use crate::place::Origin;
use serde_json::Value as Json;
use toml_edit::{Item, TableLike, Value};

/// A value with the origin of its key and of itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Node {
    pub(crate) key: Origin,
    pub(crate) at: Origin,
    pub(crate) content: Content,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Table(Vec<(String, Node)>),
    List(Vec<Node>),
    Leaf(Json),
}

impl Default for Content {
    fn default() -> Self {
        Self::Table(vec![])
    }
}

impl Node {
    pub(crate) fn new(at: Origin, content: Content) -> Self {
        Self { key: Origin::Unknown, at, content }
    }

    pub(crate) fn json(&self) -> Json {
        match &self.content {
            Content::Table(entries) => Json::Object(entries.iter().map(|(k, n)| (k.clone(), n.json())).collect()),
            Content::List(items) => Json::Array(items.iter().map(Self::json).collect()),
            Content::Leaf(leaf) => leaf.clone(),
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        match &self.content {
            Content::Leaf(leaf) => leaf.as_str(),
            _ => None,
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        match &self.content {
            Content::Table(entries) => entries.iter().find(|(k, _)| k == key).map(|(_, n)| n),
            Content::List(items) => key.parse::<usize>().ok().and_then(|i| items.get(i)),
            Content::Leaf(_) => None,
        }
    }

    pub(crate) fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        match &mut self.content {
            Content::Table(entries) => entries.iter_mut().find(|(k, _)| k == key).map(|(_, n)| n),
            Content::List(items) => key.parse::<usize>().ok().and_then(|i| items.get_mut(i)),
            Content::Leaf(_) => None,
        }
    }

    /// The origin of the value at `path`, or of its key; of the nearest thing above that has one otherwise.
    pub(crate) fn origin(&self, path: &[String], on_key: bool) -> Origin {
        let (mut node, mut best) = (self, self.at.clone());
        for (i, key) in path.iter().enumerate() {
            let Some(next) = node.get(key) else { break };
            node = next;
            let wants_key = on_key && i + 1 == path.len();
            let order = if wants_key { [&node.key, &node.at] } else { [&node.at, &node.key] };
            if let Some(origin) = order.into_iter().find(|o| **o != Origin::Unknown) {
                best = origin.clone();
            }
        }
        best
    }
}

/// The path as people read it: a stage by its name instead of its number.
pub(crate) fn dotted(root: &Node, path: &[String]) -> String {
    let mut words = path.to_vec();
    if let [section, index, ..] = path
        && section == "stage"
        && let Some(name) = root.get("stage").and_then(|s| s.get(index)).and_then(|s| s.get("name")).and_then(Node::text)
    {
        words[1] = name.to_owned();
    }
    words.join(".")
}

/// Converts a TOML table; what JSON cannot hold (dates, infinities) is reported.
pub(crate) fn from_table(table: &dyn TableLike, path: &str, report: &mut Report<'_>) -> Content {
    let convert = |(key, _): (&str, &Item)| {
        let (spanned, item) = table.get_key_value(key)?;
        let place = if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let mut node = from_item(item, &place, report)?;
        node.key = Origin::from_span(spanned.span());
        Some((key.to_owned(), node))
    };
    Content::Table(table.iter().filter_map(convert).collect())
}

fn from_item(item: &Item, path: &str, report: &mut Report<'_>) -> Option<Node> {
    let content = match item {
        Item::None => return None,
        Item::Value(value) => return from_value(value, path, report),
        Item::Table(table) => from_table(table, path, report),
        Item::ArrayOfTables(tables) => {
            let node = |(i, t): (usize, &toml_edit::Table)| Node::new(Origin::from_span(t.span()), from_table(t, &format!("{path}.{i}"), report));
            // The span of all entries together runs over half the file; the key says more.
            return Some(Node::new(Origin::Unknown, Content::List(tables.iter().enumerate().map(node).collect())));
        }
    };
    Some(Node::new(Origin::from_span(item.span()), content))
}

pub(crate) fn from_value(value: &Value, path: &str, report: &mut Report<'_>) -> Option<Node> {
    let at = Origin::from_span(value.span());
    let content = match value {
        Value::InlineTable(table) => from_table(table, path, report),
        Value::Array(items) => {
            let convert = |(i, v): (usize, &Value)| from_value(v, &format!("{path}.{i}"), report);
            Content::List(items.iter().enumerate().filter_map(convert).collect())
        }
        _ => match leaf(value) {
            Ok(leaf) => Content::Leaf(leaf),
            Err(finding) => {
                report.push(&at, path.to_owned(), finding);
                return None;
            }
        },
    };
    Some(Node::new(at, content))
}

/// A TOML value without children as JSON.
fn leaf(value: &Value) -> Result<Json, Finding> {
    let finite = |x: f64| serde_json::Number::from_f64(x).map(Json::Number);
    match value {
        Value::String(text) => Ok(Json::from(text.value().as_str())),
        Value::Integer(number) => Ok(Json::from(*number.value())),
        Value::Boolean(flag) => Ok(Json::from(*flag.value())),
        Value::Float(x) => finite(*x.value()).ok_or_else(|| Finding::new("a finite number", x.value().to_string(), "write a number such as 0.5 or 1e-4")),
        other => Err(Finding::new(
            "text, a number, true or false, a list or a table",
            "a date or time",
            format!("write it in quotes: \"{}\"", other.to_string().trim()),
        )),
    }
}
