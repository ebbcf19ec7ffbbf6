//! From a file to a checked recipe.
//!
//! Text → tree with places → overrides → sweeps → schemas, references, rules → typed recipe. Every step adds its
//! problems to one report, so that a user sees all of them at once.

use crate::ast::Recipe;
use crate::catalogue::Catalogue;
use crate::checks::Checks;
use crate::diagnostics::{Diagnostics, Finding, Report};
use crate::node::{Node, from_table};
use crate::place::{Origin, Source};
use crate::scope::Scope;
use crate::visit::without_null;
use crate::{overrides, sweep};
use serde_json::Value as Json;
use std::path::Path;

/// A checked recipe with its source.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The recipe; sweeps are expanded, overrides applied.
    pub recipe: Recipe,
    /// The text it was read from.
    pub source: String,
    /// The name of the file it was read from.
    pub file: String,
    root: Node,
}

impl Loaded {
    /// Where the value at `path` was written, for messages at run time: `file:line:column`, or `--set key` where the
    /// command line gave it. Stages are named by index or by (expanded) name. A path that is not in the recipe, as of
    /// a default, gives the place of the nearest table around it.
    pub fn place(&self, path: &[&str]) -> String {
        let mut keys: Vec<String> = path.iter().map(|k| (*k).to_owned()).collect();
        if let ["stage", name, ..] = path
            && let Some(i) = self.recipe.stage.iter().position(|s| s.name == *name)
        {
            keys[1] = i.to_string();
        }
        let source = Source { file: self.file.clone(), text: self.source.clone() };
        source.place(&self.root.origin(&keys, false))
    }
}

/// Reads and checks a recipe file.
///
/// `overrides` are `key.path=value` texts, applied in order before anything is checked.
///
/// # Errors
/// All problems of the recipe; one problem where the file cannot be read or is not UTF-8.
pub fn load(path: &Path, overrides: &[String], catalogue: &dyn Catalogue) -> Result<Loaded, Diagnostics> {
    let file = path.display().to_string();
    let bytes = std::fs::read(path).map_err(|error| {
        let finding = Finding::new("a readable recipe file", error.to_string(), "check the path");
        Report::sole(&Source { file: file.clone(), text: String::new() }, &Origin::Unknown, finding)
    })?;
    let text = String::from_utf8(bytes).map_err(|error| not_utf8(&file, &error))?;
    parse(&text, &file, overrides, catalogue)
}

/// Checks a recipe given as text; `file` is its name in messages.
///
/// # Errors
/// All problems of the recipe.
pub fn parse(text: &str, file: &str, overrides: &[String], catalogue: &dyn Catalogue) -> Result<Loaded, Diagnostics> {
    let source = Source { file: file.to_owned(), text: text.to_owned() };
    let mut report = Report::new(&source);
    let mut root = read(&source, &mut report)?;
    overrides::apply(&mut root, overrides, &mut report);
    sweep::expand(&mut root, &mut report);
    let value = checked(&root, &mut report, catalogue);
    report.finish()?;
    let recipe = serde_json::from_value(value).map_err(|error| {
        let finding = Finding::new("a recipe", error.to_string(), "mend the value the message speaks of");
        Report::sole(&source, &Origin::Unknown, finding)
    })?;
    Ok(Loaded { recipe, source: source.text, file: source.file, root })
}

fn not_utf8(file: &str, error: &std::string::FromUtf8Error) -> Diagnostics {
    let at = error.utf8_error().valid_up_to();
    let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
    let found = error.as_bytes().get(at).map_or_else(String::new, |byte| format!("the byte 0x{byte:02x}"));
    let finding = Finding::new("UTF-8 text", found, "save the file as UTF-8");
    Report::sole(&Source { file: file.to_owned(), text }, &Origin::Text(at..at + 1), finding)
}

fn read(source: &Source, report: &mut Report<'_>) -> Result<Node, Diagnostics> {
    match toml_edit::Document::parse(source.text.as_str()) {
        Ok(document) => Ok(Node::new(Origin::Unknown, from_table(document.as_table(), "", report))),
        Err(error) => {
            let found = format!("a syntax error: {}", error.message().replace('\n', "; "));
            let finding = Finding::new("TOML", found, "see https://toml.io for the syntax");
            Err(Report::sole(source, &Origin::from_span(error.span()), finding))
        }
    }
}

/// Runs all checks; the document as JSON with the defaults of its plugins' options filled in.
fn checked(root: &Node, report: &mut Report<'_>, catalogue: &dyn Catalogue) -> Json {
    let mut json = root.json();
    let mut checks = Checks { root, json: &json, report, defaults: vec![] };
    let spots = checks.schemas(&without_null(schemars::schema_for!(Recipe).to_value()), catalogue);
    checks.references(&Scope::of(&json), &spots);
    checks.rules();
    for (path, key, value) in std::mem::take(&mut checks.defaults) {
        let pointer: String = path.iter().map(|k| format!("/{}", k.replace('~', "~0").replace('/', "~1"))).collect();
        if let Some(entry) = json.pointer_mut(&pointer).and_then(Json::as_object_mut) {
            entry.entry(key).or_insert(value);
        }
    }
    json
}
