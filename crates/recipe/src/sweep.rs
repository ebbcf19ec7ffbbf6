//! `for = { r = [8, 16] }`: one stage becomes several.
//!
//! The values of several keys are combined, the last written key changing fastest. `{key}` in any text of the stage is
//! replaced; a text that is nothing but `{key}` becomes the value itself, so that numbers stay numbers. The values are
//! added to the stage's name (`adapt-8`), except those the name already mentions (`"rank-{r}-run"`).
//!
//! `{prev}` is the name of the expansion before, which chains stages. What the first one starts from is said by
//! `prev = ["base"]` among the keys; a first expansion that has no start and uses `{prev}` is a problem.

use crate::diagnostics::{Finding, Report};
use crate::node::{Content, Node};
use crate::place::Origin;
use serde_json::Value as Json;
use tongues_kernel::nearest;

const PREV: &str = "prev";
/// More stages than anyone means to run.
const MOST: usize = 1000;

/// Key and value of one variable of one expansion.
type Var = (String, Json);

/// Expands every stage that has a `for`.
pub(crate) fn expand(root: &mut Node, report: &mut Report<'_>) {
    let Some(Node { content: Content::List(stages), .. }) = root.get_mut("stage") else { return };
    for mut stage in std::mem::take(stages) {
        match Sweep::of(&stage) {
            None => stages.push(stage),
            Some(Err((origin, path, finding))) => {
                report.push(&origin, format!("stage.{}.{path}", name_of(&stage)), finding);
                remove(&mut stage, "for");
                stages.push(stage);
            }
            Some(Ok(sweep)) => {
                remove(&mut stage, "for");
                stages.extend(sweep.stages(&stage, report));
            }
        }
    }
}

fn name_of(stage: &Node) -> &str {
    stage.get("name").and_then(Node::text).unwrap_or("?")
}

fn remove(node: &mut Node, key: &str) {
    if let Content::Table(entries) = &mut node.content {
        entries.retain(|(k, _)| k != key);
    }
}

struct Sweep {
    /// Keys with their values, as written, without `prev`.
    keys: Vec<(String, Vec<Json>)>,
    /// What `{prev}` means in the first expansion.
    start: Option<Json>,
}

type Wrong = (Origin, String, Finding);

impl Sweep {
    /// None where there is no `for`, or one of a wrong type, which the schema's check reports.
    fn of(stage: &Node) -> Option<Result<Self, Wrong>> {
        let node = stage.get("for")?;
        let Content::Table(entries) = &node.content else { return None };
        if !entries.iter().all(|(_, n)| matches!(n.content, Content::List(_))) {
            return None;
        }
        let read: Result<Vec<_>, Wrong> = entries.iter().map(|(k, n)| Ok((k.clone(), values(k, n)?))).collect();
        Some(read.and_then(|keys| Self::new(keys, node)))
    }

    fn new(mut keys: Vec<(String, Vec<Json>)>, node: &Node) -> Result<Self, Wrong> {
        let start = keys.iter().position(|(k, _)| k == PREV).map(|i| keys.remove(i).1.swap_remove(0));
        let count = keys.iter().try_fold(1usize, |n, (_, v)| n.checked_mul(v.len())).unwrap_or(usize::MAX);
        let finding = match (keys.is_empty(), count > MOST) {
            (true, _) => Finding::new("at least one key with values", "none", "write for example `for = { r = [8, 16] }`"),
            (_, true) => Finding::new(format!("at most {MOST} combinations"), count.to_string(), "sweep fewer values"),
            _ => return Ok(Self { keys, start }),
        };
        Err((node.at.clone(), "for".into(), finding))
    }

    /// All combinations, the last key changing fastest.
    fn combinations(&self) -> Vec<Vec<Var>> {
        let mut all = vec![vec![]];
        for (key, values) in &self.keys {
            let extend = |head: &Vec<Var>| {
                let with = |v: &Json| head.iter().cloned().chain([(key.clone(), v.clone())]).collect::<Vec<Var>>();
                values.iter().map(with).collect::<Vec<_>>()
            };
            all = all.iter().flat_map(extend).collect();
        }
        all
    }

    fn stages(&self, stage: &Node, report: &mut Report<'_>) -> Vec<Node> {
        let mut prev = self.start.clone();
        let mut out = vec![];
        for mut vars in self.combinations() {
            let name = expanded_name(name_of(stage), &vars);
            vars.extend(prev.map(|p| (PREV.to_owned(), p)));
            let mut copy = stage.clone();
            fill(&mut copy, &vars, &mut |origin, finding| {
                report.push(origin, format!("stage.{name}"), finding);
                report.mute(origin);
            });
            if let Some(Content::Leaf(leaf)) = copy.get_mut("name").map(|n| &mut n.content) {
                *leaf = Json::from(name.as_str());
            }
            out.push(copy);
            prev = Some(Json::from(name));
        }
        out
    }
}

/// The values of one key: at least one, all of them text, numbers or flags; one start for `prev`.
fn values(key: &str, node: &Node) -> Result<Vec<Json>, Wrong> {
    let wrong = |finding| (node.at.clone(), format!("for.{key}"), finding);
    let Content::List(items) = &node.content else { return Ok(vec![]) };
    let scalar = |n: &Node| match &n.content {
        Content::Leaf(leaf) => Ok(leaf.clone()),
        _ => Err((n.at.clone(), format!("for.{key}"), Finding::new("text, a number, true or false", "a list or a table", "sweep over single values"))),
    };
    let values: Vec<Json> = items.iter().map(scalar).collect::<Result<_, _>>()?;
    if values.is_empty() {
        return Err(wrong(Finding::new("at least one value", "an empty list", format!("list the values of `{key}`, or take it out"))));
    }
    if key == PREV && values.len() > 1 {
        return Err(wrong(Finding::new(
            "one name, that of the model the first expansion starts from",
            format!("{} values", values.len()),
            "write for example `prev = [\"base\"]`",
        )));
    }
    Ok(values)
}

/// The name with the variables it mentions filled in and the others appended.
fn expanded_name(name: &str, vars: &[Var]) -> String {
    let rest = vars.iter().filter(|(k, _)| !name.contains(&format!("{{{k}}}")));
    let tail: String = rest.map(|(_, v)| format!("-{}", plain(v))).collect();
    replaced(name, vars) + &tail
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Replaces the variables in every text of the tree.
fn fill(node: &mut Node, vars: &[Var], tell: &mut dyn FnMut(&Origin, Finding)) {
    match &mut node.content {
        Content::Table(entries) => entries.iter_mut().for_each(|(_, n)| fill(n, vars, tell)),
        Content::List(items) => items.iter_mut().for_each(|n| fill(n, vars, tell)),
        Content::Leaf(Json::String(text)) => {
            holes(text).filter_map(|hole| suspicious(hole, text, vars)).for_each(|finding| tell(&node.at, finding));
            let whole = vars.iter().find(|(k, _)| *text == format!("{{{k}}}"));
            let value = whole.map_or_else(|| Json::from(replaced(text, vars)), |(_, v)| v.clone());
            node.content = Content::Leaf(value);
        }
        Content::Leaf(_) => {}
    }
}

/// A `{name}` that is no variable but looks meant as one. Other braces are the text's own.
fn suspicious(hole: &str, text: &str, vars: &[Var]) -> Option<Finding> {
    if vars.iter().any(|(k, _)| k == hole) {
        return None;
    }
    if hole == PREV {
        let remedy = "say what the first one starts from: `for = { …, prev = [\"base\"] }`";
        return Some(Finding::new("an expansion before this one for `{prev}`", "the first of the sweep", remedy));
    }
    let keys: Vec<&str> = vars.iter().map(|(k, _)| k.as_str()).filter(|k| *k != PREV).collect();
    let near = nearest(hole, keys.iter().copied());
    let known: Vec<String> = keys.iter().map(|k| format!("{{{k}}}")).collect();
    let finding =
        || Finding::new(format!("one of {}", known.join(", ")), format!("`{{{hole}}}`"), near.map_or(String::new(), |n| format!("did you mean `{{{n}}}`?")));
    (near.is_some() || text.len() == hole.len() + 2).then(finding)
}

/// The words between braces.
fn holes(text: &str) -> impl Iterator<Item = &str> {
    let word = |h: &&str| !h.is_empty() && h.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    text.split('{').skip(1).filter_map(|tail| tail.split_once('}').map(|(hole, _)| hole)).filter(word)
}

/// One pass over the text, so that a value with braces is not replaced again.
fn replaced(text: &str, vars: &[Var]) -> String {
    let mut parts = text.split('{');
    let mut out = parts.next().unwrap_or("").to_owned();
    for part in parts {
        let hit = part.split_once('}').and_then(|(hole, rest)| Some((vars.iter().find(|(k, _)| k == hole)?, rest)));
        match hit {
            Some(((_, value), rest)) => out += &(plain(value) + rest),
            None => out = out + "{" + part,
        }
    }
    out
}
