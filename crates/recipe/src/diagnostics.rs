//! All problems of a recipe, each with its place, what was expected, what was found, and what to do.

use crate::place::{Excerpt, Origin, Source};
use std::fmt;

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// `file:line:column`, or `--set key` for a value from the command line.
    pub place: String,
    /// The key, e.g. `stage.adapt.train.model`; empty for the whole file.
    pub path: String,
    /// What is allowed here.
    pub expected: String,
    /// What is here.
    pub found: String,
    /// What to do; may be empty.
    pub remedy: String,
    /// The line of the source, where the problem lies in a file.
    pub excerpt: Option<Excerpt>,
}

/// Every problem of one recipe, in the order of their places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics {
    /// At least one.
    pub problems: Vec<Diagnostic>,
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", visible(&self.place))?;
        if !self.path.is_empty() && !self.place.ends_with(&format!("--set {}", self.path)) {
            write!(f, "{}: ", visible(&self.path))?;
        }
        write!(f, "expected {}, found {}", visible(&self.expected), visible(&self.found))?;
        if !self.remedy.is_empty() {
            write!(f, "\n  help: {}", visible(&self.remedy))?;
        }
        self.excerpt.as_ref().map_or(Ok(()), |excerpt| write!(f, "\n{excerpt}"))
    }
}

impl fmt::Display for Excerpt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.line.chars().take(self.start);
        // A tab stays a tab, so that the carets stand under what they mean.
        let pad: String = head.map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
        let line: String = self.line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c }).collect();
        write!(f, "  | {line}\n  | {pad}{}", "^".repeat(self.width))
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            write!(f, "{}{problem}", if i == 0 { "" } else { "\n\n" })?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// Text with control characters made harmless: a recipe must not steer the reader's terminal.
fn visible(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Expectation, finding and remedy, before the place is known.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) expected: String,
    pub(crate) found: String,
    pub(crate) remedy: String,
}

impl Finding {
    pub(crate) fn new(expected: impl Into<String>, found: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { expected: expected.into(), found: found.into(), remedy: remedy.into() }
    }
}

/// Gathers problems while the checks go on.
pub(crate) struct Report<'s> {
    source: &'s Source,
    problems: Vec<(Origin, Diagnostic)>,
    /// Places of which enough is said.
    muted: Vec<Origin>,
}

impl<'s> Report<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        Self { source, problems: vec![], muted: vec![] }
    }

    /// Adds a problem. The same problem at the same place, as the expansions of one stage have it, is told once.
    pub(crate) fn push(&mut self, origin: &Origin, path: String, finding: Finding) {
        let Finding { expected, found, remedy } = finding;
        let place = self.source.place(origin);
        let excerpt = self.source.excerpt(origin);
        let known = |(o, d): &(Origin, Diagnostic)| *o == *origin && d.expected == expected && d.found == found;
        if !self.muted.contains(origin) && !self.problems.iter().any(known) {
            self.problems.push((origin.clone(), Diagnostic { place, path, expected, found, remedy, excerpt }));
        }
    }

    /// Ignores what further checks have to say of this place in the file. (One `--set` can hold many values.)
    pub(crate) fn mute(&mut self, origin: &Origin) {
        if let Origin::Text(_) = origin {
            self.muted.push(origin.clone());
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.problems.is_empty()
    }

    /// The one problem that stops everything else.
    pub(crate) fn sole(source: &Source, origin: &Origin, finding: Finding) -> Diagnostics {
        let mut report = Report::new(source);
        report.push(origin, String::new(), finding);
        Diagnostics { problems: report.problems.into_iter().map(|(_, problem)| problem).collect() }
    }

    /// All problems in the order of their places, if there are any.
    pub(crate) fn finish(mut self) -> Result<(), Diagnostics> {
        if self.problems.is_empty() {
            return Ok(());
        }
        self.problems.sort_by_key(|(origin, _)| origin.rank());
        Err(Diagnostics { problems: self.problems.into_iter().map(|(_, problem)| problem).collect() })
    }
}
